import ArgumentParser
import Cleaning
import EventLog
import Ledger
import Projection

struct KPI: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Key figures: list, show, history, explain.", subcommands: [List.self, Show.self, History.self, Explain.self],
        defaultSubcommand: List.self)

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Every KPI with its values in the newest snapshot.")

        @OptionGroup var options: RootOptions
        @Option(help: "Values to show of a KPI with many dimensions, the last ones.") var each = 4

        func run() throws {
            let (snapshot, kpis, refused, newest) = try options.read { lake in
                let (snapshot, kpis) = (try lake.latestKPIs(), try lake.definitionsInForce().kpis)
                return (
                    snapshot, kpis, try lake.projector.refusedKPIs(),
                    snapshot.seq > 0 ? try lake.newestDays(kpis, day: snapshot.day) : [:]
                )
            }
            if options.json {
                return try Terminal.json([
                    "seq": .int(snapshot.seq), "day": .string(CalendarDay.text(day: snapshot.day)),
                    "values": .array(
                        snapshot.values.map { value in
                            let kpi = kpis.first { $0.id == value.kpi }
                            return [
                                "kpi": .string(value.kpi), "dimensions": (try? JSON.parse(Array(value.dimensions.utf8))) ?? .null,
                                "num": value.numerator.map { .int($0) } ?? .null, "den": value.denominator.map { .int($0) } ?? .null,
                                "unconverted": value.unconverted.map { .int($0) } ?? .null,
                                "covered": value.covered.map { .int($0) } ?? .null, "expected": value.expected.map { .int($0) } ?? .null,
                                "value": .string(value.text(unit: kpi?.unit ?? "", decimals: kpi?.decimals ?? 0)),
                                "unit": .string(kpi?.unit ?? ""),
                                "newest_day": newest[value.kpi].map { .string(CalendarDay.text(day: $0)) } ?? .null,
                            ]
                        }),
                ])
            }
            guard snapshot.seq > 0 else { return Terminal.out("no snapshot yet: ingest a file first") }
            Terminal.out("as of \(CalendarDay.text(day: snapshot.day)), known at event \(snapshot.seq)")
            var table = TextTable(
                columns: [("id", .left), ("title", .left), ("data to", .left), ("of", .left), ("value", .right), ("unit", .left)])
            for kpi in kpis {
                let values = snapshot.values.filter { $0.kpi == kpi.id }
                let dataTo = newest[kpi.id].map { CalendarDay.text(day: $0) } ?? ""
                for (i, value) in values.suffix(each).enumerated() {
                    table.rows.append([
                        i == 0 ? kpi.id : "", i == 0 ? kpi.title : "", i == 0 ? dataTo : "", KPIValue.shown(dimensions: value.dimensions),
                        value.text(unit: kpi.unit, decimals: kpi.decimals), value.unit(kpi),
                    ])
                }
                if values.isEmpty { table.rows.append([kpi.id, kpi.title, dataTo, "", "–", kpi.unit]) }
            }
            Terminal.out(table.render())
            for kpi in refused { Terminal.note("KPI \(kpi.kpi) is left out: \(kpi.reason)") }
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "A KPI for a day, as known at an event.",
            discussion: """
                Two clocks: --day is the day reported on, --known-at is what we knew. Name dimensions to see some values only:
                  bedrot kpi show streams_native_7d artist=zonea0
                """)

        @OptionGroup var options: RootOptions
        @Argument(help: "The KPI.") var id: String
        @Argument(help: "dimension=value.") var filters: [String] = []
        @Option(help: "Day reported on. Default: the newest snapshot's.", transform: Moments.day) var day: Int64?
        @Option(help: KnownAt.help) var knownAt: String?
        @Option(help: "The dimensions to tell it by, with commas; the others are summed where the KPI allows it.") var by: String?
        @Flag(help: "Print CSV, with the exact numerator and denominator.") var csv = false

        func run() throws {
            let filter = try Reference.cells(filters)
            var (kpi, answer, newest, nothing) = try options.read { lake in
                let kpi = try lake.kpi(id)
                let seq = try knownAt.map { try lake.known(at: $0).seq }
                let answer = try lake.kpiValues(kpi, day: day, knownAt: seq)
                return (
                    kpi, answer, try lake.newestDays([kpi], day: answer.day, knownAt: seq)[kpi.id],
                    answer.values.isEmpty ? try lake.whyNoValue(kpi, on: answer.day) : ""
                )
            }
            answer.values = try kpi.values(answer.values, matching: filter)
            var dimensions = kpi.dimensions
            if let by {
                dimensions = by.split(separator: ",").map(String.init)
                answer.values = try kpi.values(answer.values, by: dimensions)
            }
            if csv {
                let rows = answer.values.map { value in
                    let cells = (try? JSON.parse(Array(value.dimensions.utf8)))?.object ?? [:]
                    let numbers = [value.numerator, value.denominator, value.covered, value.expected, value.unconverted]
                    return dimensions.map { cells[$0]?.string ?? cells[$0]?.int.map { String($0) } ?? "" }
                        + [value.text(unit: kpi.unit, decimals: kpi.decimals)] + numbers.map { $0.map { String($0) } ?? "" }
                        + [newest.map { CalendarDay.text(day: $0) } ?? ""]
                }
                let headings = dimensions + ["value", "num", "den", "covered", "expected", "unconverted", "newest_day"]
                return Terminal.out(CSVText.table(headings, rows))
            }
            if options.json {
                return try Terminal.json([
                    "kpi": .string(id), "seq": .int(answer.seq), "day": .string(CalendarDay.text(day: answer.day)),
                    "newest_day": newest.map { .string(CalendarDay.text(day: $0)) } ?? .null,
                    "values": .array(
                        answer.values.map {
                            [
                                "dimensions": (try? JSON.parse(Array($0.dimensions.utf8))) ?? .null,
                                "num": $0.numerator.map { .int($0) } ?? .null, "den": $0.denominator.map { .int($0) } ?? .null,
                                "unconverted": $0.unconverted.map { .int($0) } ?? .null,
                                "covered": $0.covered.map { .int($0) } ?? .null, "expected": $0.expected.map { .int($0) } ?? .null,
                            ]
                        }),
                ])
            }
            if !kpi.compares.isEmpty { Terminal.out("a comparison of \(kpi.compares.joined(separator: " and ")), which are never added") }
            Terminal.out("\(kpi.title), day \(CalendarDay.text(day: answer.day)), as known at event \(answer.seq)")
            if let remark = DataAge.remark(newest: newest, day: answer.day) {
                Terminal.out(remark)
            } else if let newest {
                Terminal.out("data to \(CalendarDay.text(day: newest))")
            }
            var table = TextTable(columns: [("of", .left), ("value", .right), ("unit", .left)])
            table.rows = answer.values.map {
                [KPIValue.shown(dimensions: $0.dimensions), $0.text(unit: kpi.unit, decimals: kpi.decimals), $0.unit(kpi)]
            }
            Terminal.out(table.rows.isEmpty ? nothing : table.render())
        }
    }

    struct History: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "A KPI over time: what it said at each snapshot, or day by day as known now.",
            discussion: "`--by snapshot` follows what was known, `--by day` follows the day reported on.")

        enum Clock: String, ExpressibleByArgument, CaseIterable { case snapshot, day }

        @OptionGroup var options: RootOptions
        @Argument(help: "The KPI.") var id: String
        @Argument(help: "dimension=value.") var filters: [String] = []
        @Option(help: "The clock: snapshot or day.") var by: Clock = .snapshot
        @Option(help: "With --by day: every so many days.") var every: Int64 = 7
        @Option(help: "Only so many snapshots or days, the newest.") var limit: Int?
        @Flag(help: "Draw it in the terminal.") var plot = false
        @Option(help: "Draw it to an SVG file.", completion: .file(extensions: ["svg"])) var svg: String?

        func validate() throws {
            guard every > 0 else { throw ValidationError("--every \(every) is no number of days: write 1 for every day, 7 for every week") }
            if let limit, limit < 1 { throw ValidationError("--limit \(limit) leaves nothing: write 1 or more") }
        }

        func run() throws {
            let filter = try Reference.cells(filters)
            let (kpi, history, label) = try options.read { lake in
                let kpi = try lake.kpi(id)
                let all = by == .day ? try lake.kpiByDay(kpi, every: every, limit: limit) : try lake.kpiHistory(kpi, limit: limit)
                _ = try kpi.values(all.map(\.value), matching: filter)
                return (kpi, try all.filter { try $0.value.matches(filter) }, try lake.settings().label)
            }
            if options.json {
                return try Terminal.json(
                    .array(
                        history.map {
                            [
                                "seq": .int($0.seq), "day": .string(CalendarDay.text(day: $0.day)),
                                "dimensions": (try? JSON.parse(Array($0.value.dimensions.utf8))) ?? .null,
                                "num": $0.value.numerator.map { .int($0) } ?? .null, "den": $0.value.denominator.map { .int($0) } ?? .null,
                                "unconverted": $0.value.unconverted.map { .int($0) } ?? .null,
                            ]
                        }))
            }
            guard !history.isEmpty else { return Terminal.out("no snapshot holds a value of \(id)") }
            let chart = Chart(kpi: kpi, history: history, label: label)
            if let svg {
                try Files.makeFolder(Files.parent(svg))
                try AtomicFile.write(Array(chart.svg().utf8), to: svg)
                Terminal.out(
                    """
                    drew \(Words.count(Int64(chart.series.count), "series", "series")) of \
                    \(Words.count(Int64(chart.points), "value")) to \(svg)
                    """
                )
            }
            if plot { Terminal.out(chart.text()) }
            guard svg == nil, !plot else { return }
            var table = TextTable(columns: [("event", .right), ("day", .left), ("of", .left), ("value", .right), ("unit", .left)])
            table.rows = history.map {
                [
                    "\($0.seq)", CalendarDay.text(day: $0.day), KPIValue.shown(dimensions: $0.value.dimensions),
                    $0.value.text(unit: kpi.unit, decimals: kpi.decimals), $0.value.unit(kpi),
                ]
            }
            Terminal.out(table.render())
        }
    }
}

extension QualityIssue {
    var json: JSON {
        [
            "issue": .string(issue), "fact": .string(fact), "subject": .string(subject), "value": .string(value), "rows": .int(rows),
            "text": .string(text),
        ]
    }
}

extension KPIValue {
    /// The unit for people, with what the value leaves out.
    func unit(_ kpi: KPIDefinition) -> String { [kpi.unit, remark].compactMap(\.self).joined(separator: ", ") }
}
