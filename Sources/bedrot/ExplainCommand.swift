import ArgumentParser
import Cleaning
import EventLog
import Ledger
import Projection

extension KPI {
    struct Explain: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "How a KPI is computed, from what, what it covers, and why another page may show another figure.",
            discussion: """
                Name dimensions to see one value; --compare gives a figure seen elsewhere, and the likely cause is named.
                  bedrot kpi explain streams_native_7d artist=artist:zonea0 --compare 12345
                """)

        @OptionGroup var options: RootOptions
        @Argument(help: "The KPI.") var id: String
        @Argument(help: "dimension=value.") var filters: [String] = []
        @Option(help: "Day reported on. Default: the newest snapshot's.", transform: Moments.day) var day: Int64?
        @Option(help: KnownAt.help) var knownAt: String?
        @Option(help: "A figure seen elsewhere.") var compare: String?
        @Flag(help: "Print the SQL too.") var sql = false

        func run() throws {
            let filter = try Reference.cells(filters)
            let (answer, nothing) = try options.read { lake in
                let answer = try lake.explain(
                    try lake.kpi(id), filter: filter, day: day, knownAt: try knownAt.map { try lake.known(at: $0).seq }, figure: compare)
                return (answer, answer.values.isEmpty ? try lake.whyNoValue(answer.kpi, on: answer.day) : "")
            }
            if options.json { return try Terminal.json(json(answer)) }
            print(answer, nothing: nothing)
        }

        private func print(_ answer: KPIExplanation, nothing: String) {
            let kpi = answer.kpi
            var facts: [(String, String)] = [
                ("formula", kpi.formula),
                ("unit", "\(kpi.unit); \(kpi.direction == "neutral" ? "neither way is better" : "better when it goes \(kpi.direction)")"),
            ]
            if let window = kpi.window { facts.append(("window", window)) }
            if let completeness = kpi.completeness { facts.append(("complete", completeness)) }
            if !kpi.compares.isEmpty { facts.append(("compares", "\(kpi.compares.joined(separator: " and ")); never added")) }
            if let goal = kpi.goal { facts.append(("goal", goal)) }
            for alert in kpi.alerts {
                facts.append(
                    (
                        "alert",
                        """
                        \(alert.id): \(alert.isAbove ? "above" : "below") \
                        \(alert.serviceLimit.map { "the service's \($0.rawValue)" } ?? Money.decimal(alert.limit)) \(kpi.unit)\
                        \(alert.floorText.map { ", by more than \($0)" } ?? "")\(alert.newestOf.map { ", of the newest \($0)" } ?? "") \
                        (\(alert.severity.rawValue))
                        """
                    ))
            }
            facts.append(("reads", answer.reads.joined(separator: ", ")))
            facts.append(("file", kpi.path))
            Terminal.out("\(kpi.title) (\(kpi.id)), day \(CalendarDay.text(day: answer.day)), as known at event \(answer.seq)")
            let width = facts.map(\.0.count).max() ?? 0
            for (name, text) in facts { Terminal.out("  \(name)\(String(repeating: " ", count: width - name.count))  \(text)") }
            if sql { Terminal.out("\n\(kpi.sql)") }
            Terminal.out("")
            var values = TextTable(columns: [("of", .left), ("exactly", .right), ("value", .right), ("unit", .left)])
            values.rows = answer.values.suffix(12).map { value in
                let exact = "\(value.numerator.map { String($0) } ?? "–") / \(value.denominator.map { String($0) } ?? "–")"
                return [
                    KPIValue.shown(dimensions: value.dimensions), exact, value.text(unit: kpi.unit, decimals: kpi.decimals),
                    value.unit(kpi),
                ]
            }
            Terminal.out(values.rows.isEmpty ? nothing : values.render())
            if answer.values.count > 12 { Terminal.out("and \(answer.values.count - 12) more: bedrot kpi show \(kpi.id)") }
            if !answer.sources.isEmpty {
                Terminal.out("")
                var sources = TextTable(columns: [
                    ("source", .left), ("sees", .left), ("newest day", .left), ("seen", .left), ("days begin", .left), ("lag", .right),
                    ("captures", .right),
                ])
                sources.rows = answer.sources.map {
                    [
                        $0.stream, $0.observer ?? "", $0.newestDay.map { CalendarDay.text(day: $0) } ?? "–",
                        $0.observed.map { String($0.prefix(16)) } ?? "–", $0.dayZone + ($0.hasPartialLastDay ? ", last day partial" : ""),
                        "\($0.lagDays) d", "\($0.captures)",
                    ]
                }
                Terminal.out(sources.render())
            }
            for issue in answer.issues { Terminal.out("issue: \(issue.text)") }
            for event in answer.restatements { Terminal.out("restated by event \(event.event), \(event.time.prefix(10)): \(event.cause)") }
            if let differs = kpi.differs { Terminal.out("\nwhy the platform's own page may differ: \(differs)") }
            if let comparison = answer.comparison {
                Terminal.out("\n\(comparison.figure) elsewhere: \(comparison.causes.first ?? "nothing that is known explains it")")
                for cause in comparison.causes.dropFirst() { Terminal.out("  or \(cause)") }
            }
            Terminal.out("trace it: bedrot lineage kpi:\(kpi.id)")
        }

        private func json(_ answer: KPIExplanation) -> JSON {
            let kpi = answer.kpi
            func text(_ value: String?) -> JSON { value.map { .string($0) } ?? .null }
            return [
                "kpi": .string(kpi.id), "title": .string(kpi.title), "domain": .string(kpi.domain), "unit": .string(kpi.unit),
                "direction": .string(kpi.direction), "formula": .string(kpi.formula), "window": text(kpi.window),
                "completeness": text(kpi.completeness), "compares": .array(kpi.compares.map { .string($0) }), "goal": text(kpi.goal),
                "differs": text(kpi.differs), "sql": .string(kpi.sql), "file": .string(kpi.path),
                "reads": .array(answer.reads.map { .string($0) }), "issues": .array(answer.issues.map(\.json)), "seq": .int(answer.seq),
                "day": .string(CalendarDay.text(day: answer.day)),
                "values": .array(
                    answer.values.map {
                        [
                            "dimensions": (try? JSON.parse(Array($0.dimensions.utf8))) ?? .null,
                            "num": $0.numerator.map { .int($0) } ?? .null, "den": $0.denominator.map { .int($0) } ?? .null,
                            "covered": $0.covered.map { .int($0) } ?? .null, "expected": $0.expected.map { .int($0) } ?? .null,
                        ]
                    }),
                "sources": .array(
                    answer.sources.map {
                        [
                            "stream": .string($0.stream), "observer": text($0.observer), "day_zone": .string($0.dayZone),
                            "lag_days": .int(Int64($0.lagDays)), "newest_day": text($0.newestDay.map { CalendarDay.text(day: $0) }),
                            "observed": text($0.observed), "captures": .int($0.captures),
                        ]
                    }),
                "restatements": .array(
                    answer.restatements.map { ["event": .int($0.event), "time": .string($0.time), "cause": .string($0.cause)] }),
                "comparison": answer.comparison.map {
                    ["figure": .string($0.figure), "causes": .array($0.causes.map { .string($0) })]
                } ?? .null,
            ]
        }
    }
}
