import Cleaning
import EventLog
import Ledger
import Projection

/// An ingest in plain words, or as JSON.
enum IngestText {
    static func print(_ report: IngestReport, quiet: Bool, isDryRun: Bool) {
        for file in report.files { print(file, report, quiet: quiet) }
        if isDryRun { Terminal.out("dry run: nothing was written") }
        guard !quiet else { return }
        moves(report.moves)
        if report.projection == nil, !isDryRun { Terminal.out("not projected: run `bedrot project`") }
        if let projection = report.projection {
            ProjectionText.overflowing(projection)
            ProjectionText.refused(projection)
            AlertText.news(projection.alerts)
        }
        guard !isDryRun else { return }
        let captures = report.files.compactMap { if case .promoted(let capture, _, _, _, _) = $0.kind { capture } else { nil } }
        if captures.count == 1 { Terminal.out("undo: bedrot retract \(captures[0]) --reason …") }
        if captures.count > 1 {
            Terminal.out(
                """
                undo one: bedrot retract CAPTURE --reason …, CAPTURE being \
                \(captures.prefix(8).map { String($0) }.joined(separator: ", "))\(captures.count > 8 ? ", …" : "")
                """
            )
        }
    }

    private static func print(_ file: FileOutcome, _ report: IngestReport, quiet: Bool) {
        let name = Files.name(file.path)
        if let time = file.doubtedTime {
            let instead = file.observed.map { "; taken as observed \(String($0.iso.prefix(10)))" } ?? ""
            Terminal.note("\(name): its name says \(String(time.iso.prefix(16))), which is still to come\(instead)")
        }
        switch file.kind {
        case .promoted(let capture, let event, let item, let cleaning, let held):
            if !quiet {
                var parts = ["\(name): \(file.stream ?? ""), account \(file.account ?? ""), capture \(capture)"]
                if let first = item.firstDay, let last = item.lastDay {
                    parts.append("\(CalendarDay.text(day: first)) to \(CalendarDay.text(day: last))")
                }
                Terminal.out(parts.joined(separator: ", "))
                var figures = [Words.count(item.rowsOut, "row")]
                if let change = report.projection?.changes[event] {
                    figures += ["\(Words.grouped(Int64(change.opened))) new", "\(Words.grouped(Int64(change.replaced))) changed"]
                    if change.closed > 0 { figures.append("\(Words.grouped(Int64(change.closed))) gone") }
                }
                figures.append("\(Words.grouped(item.rejectedRows)) rejected")
                if let lines = report.projection?.changes[event]?.overridden, lines > 0 {
                    figures.append("\(Words.grouped(Int64(lines))) behind a later line of the same key")
                }
                if item.rounded > 0 { figures.append("\(Words.grouped(item.rounded)) rounded to nine decimals") }
                Terminal.out("  " + figures.joined(separator: ", "))
                for old in file.replaced {
                    Terminal.out("  takes the place of capture \(old): the same bytes under a name that said less")
                }
                if let drift = file.drift {
                    let open = drift.new.filter { !drift.hidden.contains($0) }
                    if !open.isEmpty {
                        Terminal.out("  new columns, kept in raw until the contract names them: \(open.joined(separator: ", "))")
                    }
                    if !drift.hidden.isEmpty {
                        Terminal.out(
                            "  new columns beside personal data, their values hidden: \(drift.hidden.joined(separator: ", "))"
                                + " (name them in \(file.stream ?? "the contract"), then feed the file again)")
                    }
                    if !drift.retyped.isEmpty {
                        Terminal.out("  columns of another type than the contract says: \(drift.retyped.joined(separator: ", "))")
                    }
                    if !drift.missing.isEmpty {
                        Terminal.out("  columns that the export before had: \(drift.missing.joined(separator: ", "))")
                    }
                }
            }
            if !quiet, !item.warned.isEmpty {
                let warnings = item.warned.sorted { $0.key < $1.key }.map { "\($0.key) \(Words.grouped($0.value))" }
                Terminal.out("  kept with a warning: \(warnings.joined(separator: ", "))")
            }
            if item.rejectedRows > 0 {
                let reasons = item.rejected.sorted { $0.key < $1.key }.map { "\($0.key) \(Words.grouped($0.value))" }
                Terminal.note(
                    "\(name): \(Words.count(item.rejectedRows, "line")) rejected (\(reasons.joined(separator: ", "))); see "
                        + (item.rejects?.path ?? "its rejects"))
                for hint in cleaning.hints { Terminal.note("\(name): \(hint)") }
            }
            if held > 0 {
                Terminal.note(
                    """
                    \(name): \(Words.count(Int64(held), "partition")) held back, because the file has fewer rows, less money or \
                    rejected lines there: bedrot zones held
                    """
                )
            }
        case .duplicate(let capture):
            if !quiet { Terminal.out("\(name): the same as capture \(capture); nothing changes") }
        case .quarantined(let capture, let reason, let remedy):
            Terminal.note("\(name): quarantined: \(reason)\(remedy.map { reason.contains($0) ? "" : "; next: \($0)" } ?? "")")
            for old in file.replaced {
                let back = capture.map { "; bedrot retract \($0) --reason … and bedrot reinstate \(old) --reason … bring it back" } ?? ""
                Terminal.note("  capture \(old), the same bytes under a name that said less, made way for it\(back)")
            }
        case .unknown(let closest):
            let near = closest.map { "  \($0.stream): \($0.reason)" }.joined(separator: "\n")
            Terminal.note("\(name): no contract fits; nothing was guessed\(near.isEmpty ? "" : ". The closest:\n" + near)")
        case .ambiguous(let streams):
            Terminal.note(
                "\(name): fits \(streams.joined(separator: " and ")); put it into the landing folder of the right one and ingest that")
        case .failed(let reason): Terminal.note("\(name): failed: \(reason)")
        }
    }

    /// A table of what moved; `all` says where the rest of a long one is shown.
    static func moves(_ moves: [KPIMove], all: String = "bedrot kpi history KPI --limit 2 shows what each was and is") {
        guard !moves.isEmpty else { return }
        var table = TextTable(columns: [("KPI", .left), ("of", .left), ("before", .right), ("after", .right), ("unit", .left)])
        for move in moves.prefix(20) {
            func text(_ value: KPIValue?) -> String { value?.text(unit: move.kpi.unit, decimals: move.kpi.decimals) ?? "–" }
            table.rows.append([
                move.kpi.title, KPIValue.shown(dimensions: move.dimensions), text(move.before), text(move.after), move.kpi.unit,
            ])
        }
        Terminal.out(table.render())
        if moves.count > 20 { Terminal.out("and \(moves.count - 20) more: \(all)") }
    }

    static func json(_ report: IngestReport) -> JSON {
        let files = report.files.map { file -> JSON in
            var body: [String: JSON] = ["path": .string(file.path)]
            if let stream = file.stream { body["dataset"] = .string(stream) }
            if let account = file.account { body["account"] = .string(account) }
            if let observed = file.observed { body["observed"] = .string(observed.iso) }
            if let basis = file.observedFrom { body["observed_from"] = .string(basis) }
            if !file.replaced.isEmpty { body["replaces"] = .array(file.replaced.map { .int($0) }) }
            switch file.kind {
            case .promoted(let capture, let event, let item, _, let held):
                body["outcome"] = "promoted"
                body["capture"] = .int(capture)
                body["event"] = .int(event)
                body["rows"] = .int(item.rowsOut)
                body["rejected"] = .int(item.rejectedRows)
                body["held"] = .int(Int64(held))
                if let drift = file.drift {
                    body["new_columns"] = .array(drift.new.map { .string($0) })
                    body["retyped_columns"] = .array(drift.retyped.map { .string($0) })
                    body["missing_columns"] = .array(drift.missing.map { .string($0) })
                }
                if let change = report.projection?.changes[event] {
                    body["new"] = .int(Int64(change.opened))
                    body["changed"] = .int(Int64(change.replaced))
                    body["gone"] = .int(Int64(change.closed))
                    body["overridden"] = .int(Int64(change.overridden))
                }
            case .duplicate(let capture):
                body["outcome"] = "duplicate"
                body["capture"] = .int(capture)
            case .quarantined(let capture, let reason, let remedy):
                body["outcome"] = "quarantined"
                if let capture { body["capture"] = .int(capture) }
                body["reason"] = .string(reason)
                if let remedy { body["remedy"] = .string(remedy) }
            case .unknown(let closest):
                body["outcome"] = "unknown"
                body["closest"] = .array(closest.map { .object(["dataset": .string($0.stream), "reason": .string($0.reason)]) })
            case .ambiguous(let streams):
                body["outcome"] = "ambiguous"
                body["datasets"] = .array(streams.map { .string($0) })
            case .failed(let reason):
                body["outcome"] = "failed"
                body["reason"] = .string(reason)
            }
            return .object(body)
        }
        return ["files": .array(files), "kpis": .array(report.moves.map(json))]
    }

    static func json(_ move: KPIMove) -> JSON {
        func text(_ value: KPIValue?) -> JSON { value.map { .string($0.text(unit: move.kpi.unit, decimals: move.kpi.decimals)) } ?? .null }
        return [
            "kpi": .string(move.kpi.id), "dimensions": .string(move.dimensions), "before": text(move.before), "after": text(move.after),
        ]
    }
}

enum CorrectionText {
    static func print(_ report: CorrectionReport, _ what: String, undo: String, _ options: RootOptions) throws {
        let change = report.projection?.changes[report.event]
        if options.json {
            try Terminal.json([
                "event": .int(report.event), "capture": .int(report.capture.seq), "new": .int(Int64(change?.opened ?? 0)),
                "changed": .int(Int64(change?.replaced ?? 0)), "gone": .int(Int64(change?.closed ?? 0)),
            ])
            return
        }
        Terminal.out(
            """
            event \(report.event): \(what) capture \(report.capture.seq), \(report.capture.name) (\(report.capture.stream), \
            \(report.capture.account))
            """
        )
        if let change { Terminal.out("  \(change.opened) rows new, \(change.replaced) changed, \(change.closed) gone") }
        IngestText.moves(report.moves)
        Terminal.out("undo: \(undo)")
    }
}
