import Cleaning
import EventLog
import Glibc
import Projection

/// What became of one capture.
enum PromotionResult {
    case promoted(seq: Int64, StagedPromotion, contract: Contract, report: CleaningReport, drift: Drift?)
    case quarantined(seq: Int64, code: String, reason: String, remedy: String?)
}

/// Takes captures from landing to staging: cleans, writes raw and staging files, appends what the contract decides.
struct Promoter {
    let lake: Lake
    let run: String?

    private static let attempts = 8

    /// Promotes one capture, or quarantines it.
    func promote(_ capture: Capture, contract: Contract, hash: Hash256, acceptChanges: Bool, ask: ((String) -> Bool)?) throws
        -> PromotionResult
    {
        let reader = CaptureReader(objects: lake.objects, zones: nil)
        let names = ZoneNames(capture: capture, isDocument: contract.rawIsDocument, layout: lake.layout)
        let outputs = CaptureReader.Outputs(
            raw: try DraftFile(beside: names.raw), staged: try DraftFile(beside: names.staged),
            rejects: try DraftFile(beside: names.rejects))
        let result: StagingResult
        do {
            result = try reader.stage(object: capture.object, contract: contract, facts: capture.facts, outputs: outputs) { _ in }
            if let refusal = contract.refusal(of: result.report) { throw refusal }
        } catch let error as CleaningError {
            return try quarantine(capture, hash: hash, error)
        }
        for _ in 0..<Self.attempts {
            let state = try lake.log.read { try StreamState(capture.stream, $0) }
            let newest = state.ranked(capture.account).last { $0.capture.seq != capture.seq }?.capture.rank
            if let newest, newest > capture.rank, let gone = state.expiredAmong(capture.account, lake.objects) {
                return try quarantine(
                    capture, hash: hash,
                    CleaningError(
                        code: "behind_expired",
                        message:
                            """
                            \(capture.name) is older than what is known of \(capture.account), and to find its place there \
                            needs bytes that event \(gone.event) removed: those of capture \(gone.capture.seq), \(gone.capture.name)
                            """,
                        remedy: "feed \(gone.capture.name) again first: bedrot ingest FILE; then this one"))
            }
            if !acceptChanges,
                let doubt = try Doubts(lake: lake, state: state)
                    .doubt(capture, contract: contract, hash: hash, report: result.report, reader: reader)
            {
                guard let ask, ask(doubt.message) else { return try quarantine(capture, hash: hash, doubt) }
            }
            var item = StagedPromotion(
                capture: capture.seq, input: capture.object, rawOutput: result.raw,
                rawPath: try names.free(names.raw, digest: result.raw, taken: state.paths), output: result.staged,
                path: try names.free(names.staged, digest: result.staged, taken: state.paths),
                rejects: try result.rejects.map { ($0, try names.free(names.rejects, digest: $0, taken: state.paths)) },
                report: result.report)
            let held = state.holds(item, rank: capture.rank, account: capture.account, merge: contract.merge)
            for i in item.partitions.indices where held.contains(item.partitions[i].value) { item.partitions[i].held = true }
            try place(capture, item, result: result, outputs: outputs)
            Failpoint.hit("ingest.files")
            let drift = Drift(item, result.report, of: capture, contract: hash, state: state)
            let told = drift.map { (key: $0.key, draft: lake.draft(capture.stream, .drifted, run: run, $0.body(capture, contract: hash))) }
            if let (seq, isNews) = try append(capture.stream, [item], contract: hash, against: state.seq, raw: true, drift: told) {
                return .promoted(seq: seq, item, contract: contract, report: result.report, drift: isNews ? drift : nil)
            }
        }
        throw LedgerError("capture \(capture.seq) could not be promoted: other processes kept changing \(capture.stream); try again")
    }

    /// Puts the drafts under the names that the event is about to say.
    private func place(_ capture: Capture, _ item: StagedPromotion, result: StagingResult, outputs: CaptureReader.Outputs) throws {
        func isThere(_ path: String, _ digest: Hash256) throws -> Bool { try Files.exists(path) && DraftFile.digest(of: path) == digest }
        let raw = lake.layout.path(item.rawPath)
        if try !isThere(raw, item.rawOutput) {
            if result.rawIsObject { try lake.objects.place(capture.object, at: raw) } else { try outputs.raw?.keep(as: raw) }
        }
        if try !isThere(lake.layout.path(item.path), item.output) { try outputs.staged?.keep(as: lake.layout.path(item.path)) }
        if let rejects = item.rejects, try !isThere(lake.layout.path(rejects.path), rejects.hash) {
            try outputs.rejects?.keep(as: lake.layout.path(rejects.path))
        }
    }

    /// Appends the promotions, and the drift if it was not reported before, unless the stream has moved since `against`; then nil.
    private func append(
        _ stream: String, _ items: [StagedPromotion], contract: Hash256, against: Int64, raw: Bool,
        drift: (key: String, draft: EventDraft)? = nil
    ) throws -> (seq: Int64, isDriftNew: Bool)? {
        try lake.log.write { transaction in
            var newest: Int64 = 0
            try transaction.events(EventQuery(streams: [stream], newestFirst: true, limit: 1)) { event in
                newest = event.seq
                return false
            }
            guard newest <= against else { return nil }
            if raw {
                _ = try transaction.append(
                    lake.draft(
                        stream, .promoted, run: run,
                        [
                            "from": "landing", "to": "raw", "against": .int(against),
                            "items": .array(
                                items.map {
                                    .object([
                                        "capture": .int($0.capture), "input": .string($0.input.hex), "output": .string($0.rawOutput.hex),
                                        "path": .string($0.rawPath), "rows_in": .int($0.rowsIn),
                                    ])
                                }),
                        ]))
            }
            let event = try transaction.append(
                lake.draft(
                    stream, .promoted, run: run,
                    [
                        "from": "raw", "to": "staging", "contract": .string(contract.hex), "reader": .int(Int64(Cleaner.revision)),
                        "against": .int(against), "items": .array(items.map(\.body)),
                    ]))
            guard let drift, try transaction.seq(forKey: drift.key) == nil else { return (event.seq, false) }
            _ = try transaction.append(drift.draft)
            return (event.seq, true)
        }
    }

    private func quarantine(_ capture: Capture, hash: Hash256, _ error: CleaningError) throws -> PromotionResult {
        var body: [String: JSON] = [
            "capture": .int(capture.seq), "code": .string(error.code), "reason": .string(error.message), "contract": .string(hash.hex),
            "object": .string(capture.object.hex), "name": .string(capture.name),
        ]
        if let line = error.line { body["line"] = .int(line) }
        if let byte = error.byte { body["byte"] = .int(byte) }
        if let column = error.column { body["column"] = .string(column) }
        if let value = error.value { body["value"] = .string(value) }
        if let remedy = error.remedy { body["remedy"] = .string(remedy) }
        let event = try lake.log.write { try $0.append(lake.draft(capture.stream, .quarantined, run: run, .object(body))) }
        return .quarantined(seq: event.seq, code: error.code, reason: "\(error)", remedy: error.remedy)
    }

    /// Promotes again what a changed contract or reader revision concerns: one event a dataset with all its captures.
    ///
    /// `start` is called before the first event.
    func repromote(_ definitions: DefinitionSet, start: () throws -> Void) throws {
        for (stream, (contract, hash)) in definitions.contracts.sorted(by: { $0.key < $1.key }) {
            for attempt in 1... {
                let state = try lake.log.read { try StreamState(stream, $0) }
                guard state.entries.values.contains(where: { $0.awaits(hash) }) else { break }
                func isGone(_ entry: StreamState.Entry) -> Bool { entry.expired != nil && !lake.objects.contains(entry.capture.object) }
                let concerned = state.entries.values.filter { ($0.promotion != nil || $0.awaits(hash)) && !isGone($0) }.sorted {
                    $0.capture.seq < $1.capture.seq
                }
                // Half of a dataset under each of two contracts would be neither: what stands stays until the bytes are back.
                guard concerned.contains(where: { $0.awaits(hash) }),
                    !state.entries.values.contains(where: { isGone($0) && ($0.promotion?.item.rowsOut ?? 0) > 0 })
                else { break }
                guard attempt <= Self.attempts else {
                    throw LedgerError("\(stream) could not be promoted again: other processes kept changing it; try again")
                }
                try start()
                let reader = CaptureReader(objects: lake.objects, zones: nil)
                var items: [StagedPromotion] = []
                for entry in concerned {
                    let names = ZoneNames(capture: entry.capture, isDocument: contract.rawIsDocument, layout: lake.layout)
                    let outputs = CaptureReader.Outputs(
                        raw: try DraftFile(beside: names.raw), staged: try DraftFile(beside: names.staged),
                        rejects: try DraftFile(beside: names.rejects))
                    do {
                        let result = try reader.stage(
                            object: entry.capture.object, contract: contract, facts: entry.capture.facts, outputs: outputs
                        ) { _ in }
                        if let refusal = contract.refusal(of: result.report) { throw refusal }
                        var item = StagedPromotion(
                            capture: entry.capture.seq, input: entry.capture.object, rawOutput: result.raw,
                            rawPath: try names.free(names.raw, digest: result.raw, taken: state.paths), output: result.staged,
                            path: try names.free(names.staged, digest: result.staged, taken: state.paths),
                            rejects: try result.rejects.map { ($0, try names.free(names.rejects, digest: $0, taken: state.paths)) },
                            report: result.report)
                        let held = state.holds(item, rank: entry.capture.rank, account: entry.capture.account, merge: contract.merge)
                        for i in item.partitions.indices where held.contains(item.partitions[i].value) { item.partitions[i].held = true }
                        try place(entry.capture, item, result: result, outputs: outputs)
                        items.append(item)
                    } catch let error as CleaningError {
                        _ = try quarantine(entry.capture, hash: hash, error)
                    }
                }
                // A quarantine above has moved the stream: what is left is compared with that.
                let against = try lake.log.read { try StreamState(stream, $0).seq }
                if items.isEmpty { break }
                if try append(stream, items, contract: hash, against: max(against, state.seq), raw: false) != nil { break }
            }
        }
    }
}

/// Names of the zone files of one capture.
struct ZoneNames {
    let raw: String
    let staged: String
    let rejects: String
    private let layout: Layout

    init(capture: Capture, isDocument: Bool = false, layout: Layout) {
        self.layout = layout
        let name = Self.safe(capture.name)
        let dot = name.lastIndex(of: ".")
        let stem = dot.map { String(name[..<$0]) } ?? name
        let suffix = isDocument ? "ndjson" : name.lowercased().hasSuffix(".tsv") ? "tsv" : "csv"
        let folder = "\(capture.service)/\(capture.dataset)/\(Self.safe(capture.account))"
        let stamp = capture.observed.iso.prefix(19).filter { $0 != "-" && $0 != ":" }.replacing("T", with: "_")
        raw = layout.path("\(layout.name(.raw))/\(folder)/\(stem).\(suffix)")
        staged = layout.path("\(layout.name(.staging))/\(folder)/\(stem)_\(stamp).csv")
        rejects = layout.path("\(layout.name(.staging))/\(folder)/\(stem)_\(stamp).rejects.ndjson")
    }

    /// Room for a time, a digest, an ending and the name of a draft within the 255 bytes of a file system.
    private static let longest = 160

    /// A name without separators, control characters or a leading dot, of at most 160 bytes with its ending.
    static func safe(_ name: String) -> String {
        let bytes = name.utf8.map { byte -> UInt8 in byte < 32 || byte == 47 || byte == 92 || byte == 127 ? 95 : byte }
        let text = String(decoding: bytes, as: UTF8.self)
        return clipped(text.hasPrefix(".") ? "_" + text.dropFirst() : text.isEmpty ? "_" : text)
    }

    private static func clipped(_ name: String) -> String {
        guard name.utf8.count > longest else { return name }
        let ending = name.lastIndex(of: ".").map { name[$0...] }.flatMap { $0.utf8.count <= 16 ? String($0) : nil } ?? ""
        var stem = String.UnicodeScalarView()
        var size = ending.utf8.count
        for scalar in name.unicodeScalars.dropLast(ending.unicodeScalars.count) {
            size += UTF8.width(scalar)
            guard size <= longest else { break }
            stem.append(scalar)
        }
        return String(stem) + ending
    }

    /// The path below the root; with `_<first 8 of the digest>` when the name is taken by other bytes: on disk or, as zones can be
    /// deleted and come back, by an event (`taken`, digests by path).
    func free(_ path: String, digest: Hash256, taken: [String: Hash256] = [:]) throws -> String {
        func relative(_ path: String) -> String { path.hasPrefix(layout.root + "/") ? String(path.dropFirst(layout.root.count + 1)) : path }
        var holder = taken[relative(path)]
        if holder == nil, Files.exists(path) { holder = try DraftFile.digest(of: path) }
        guard let holder, holder != digest else { return relative(path) }
        let name = Files.name(path)
        let dot = name.firstIndex(of: ".") ?? name.endIndex
        return relative("\(Files.parent(path))/\(name[..<dot])_\(digest.hex.prefix(8))\(name[dot...])")
    }
}

/// Whether a file changes what is known so much that it is probably another account's.
struct ChangeCheck {
    let lake: Lake
    let state: StreamState

    /// A reason to doubt the file, or nil.
    func doubt(_ capture: Capture, contract: Contract, hash: Hash256, reader: CaptureReader) throws -> CleaningError? {
        guard let check = contract.changeGuard, case .upsert(let key) = contract.merge, let column = contract.index(of: check.column),
            key.count == 1, let day = contract.index(of: key[0])
        else { return nil }
        let partial = contract.columns.firstIndex { $0.derived == .partialLastDay }
        // Bytes that were given up compare with nothing.
        let known = state.ranked(capture.account).filter {
            $0.capture.seq != capture.seq && ($0.expired == nil || lake.objects.contains($0.capture.object))
        }
        guard !known.isEmpty else { return nil }
        var current: [Int64: Int64] = [:]
        for entry in known {
            guard let promotion = entry.promotion else { continue }
            let old = try contractOf(promotion.contract, current: (contract, hash), reader)
            guard let column = old.index(of: check.column), let day = old.index(of: key[0]) else { continue }
            let partial = old.columns.firstIndex { $0.derived == .partialLastDay }
            try each(entry.capture, old, reader) { batch, row in
                if let partial, batch.cell(row, partial) == 1 {
                    current[batch.cell(row, day)] = nil
                } else {
                    current[batch.cell(row, day)] = batch.cell(row, column)
                }
            }
        }
        var compared = 0
        var changed = 0
        try each(capture, contract, reader) { batch, row in
            if let partial, batch.cell(row, partial) == 1 { return }
            let value = batch.cell(row, column)
            guard let before = current[batch.cell(row, day)], before != StagedBatch.null, value != StagedBatch.null else { return }
            compared += 1
            let (low, high) = (min(before.magnitude, value.magnitude), max(before.magnitude, value.magnitude))
            let (bound, isBeyond) = low.multipliedReportingOverflow(by: UInt64(check.factor))
            if !isBeyond && high > bound || (before < 0) != (value < 0) && before != 0 && value != 0 { changed += 1 }
        }
        guard changed * 1000 > compared * check.changedPermille else { return nil }
        // What a person can do about it depends on what said whose file it is.
        var named = false
        if case .fields(let keys) = contract.account, let first = keys.first { named = capture.fields[first] != nil }
        let file = (capture.landing.isEmpty ? capture.name : lake.layout.path(capture.landing)).shellQuoted
        return CleaningError(
            code: "looks_like_another_account",
            message:
                """
                \(capture.name) changes “\(check.column)” by more than a factor of \(check.factor) on \(changed) of the \
                \(compared) days that are known of \(capture.account): it is probably another account's
                """,
            remedy:
                """
                if it is theirs: bedrot ingest --accept-changes --account \(capture.account.shellQuoted) \(file); if not: \
                \(named ? "its name is wrong, so give the file the right one and feed it again" : "feed it again with the right --account")
                """
        )
    }

    private func contractOf(_ wanted: Hash256, current: (Contract, Hash256), _ reader: CaptureReader) throws -> Contract {
        wanted == current.1 ? current.0 : try reader.contract(wanted)
    }

    private func each(_ capture: Capture, _ contract: Contract, _ reader: CaptureReader, _ body: (StagedBatch, Int) -> Void) throws {
        _ = try reader.stage(object: capture.object, contract: contract, facts: capture.facts, digests: false) { batch in
            for row in 0..<batch.count { body(batch, row) }
        }
    }
}
