import ArgumentParser
import Cleaning
import EventLog
import Ledger
import Projection

struct Restatements: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Figures that changed after they were known: what, from, to, when, why, and which KPIs moved.",
        discussion: """
            Read from the versions that events closed; a figure that is there no more is withdrawn. KPIs are those of the day of the \
            next snapshot, as known just before the event and just after it.
              bedrot restatements --platform spotify --period 2025-08
              bedrot restatements --since 2025-07-close --until 2025-08-close
            """)

    @OptionGroup var options: RootOptions
    @Option(help: "At most so many figures, newest first.") var limit = 20
    @Option(help: "Only this fact or total.") var table: String?
    @Option(help: "Only this platform, by name or id.") var platform: String?
    @Option(help: "Only figures of this day, month or year: YYYY-MM-DD, YYYY-MM or YYYY.", transform: Moments.period)
    var period: ClosedRange<Int64>?
    @Option(help: "Only those of events after this one: a seq, a time or a tag; or from this day on.") var since: String?
    @Option(help: "Only those of events up to this one: a seq, a time, a tag, or a day, which counts to its end.") var until: String?

    func run() throws {
        let filter = RestatementFilter(platform: platform, period: period)
        let events = try options.read { lake in
            try lake.restatingEvents(
                limit: limit, table: table, since: try since.map { try lake.seq(before: $0) } ?? 0,
                until: try until.map { try lake.moment($0).seq } ?? .max, filter: filter)
        }
        if options.json { return try Terminal.json(.array(events.map(json))) }
        guard !events.isEmpty else { return Terminal.out("nothing was restated") }
        for (index, event) in events.enumerated() {
            if index > 0 { Terminal.out("") }
            Terminal.out("event \(event.event), \(event.time.prefix(16)): \(event.cause)")
            var rows = TextTable(columns: [("table", .left), ("of", .left), ("column", .left), ("before", .right), ("after", .right)])
            for item in event.items {
                let key = item.key.filter { $0.0 != "src" }.map(\.1).joined(separator: " ")
                for change in item.changes {
                    rows.rows.append([
                        item.table, key, change.column, change.before ?? "–", item.isWithdrawn ? "withdrawn" : change.after ?? "–",
                    ])
                }
            }
            Terminal.out(rows.render())
            guard !event.effects.isEmpty else {
                Terminal.out("no KPI moved")
                continue
            }
            Terminal.out("moved by this event, also by what it told for the first time:")
            IngestText.moves(
                event.effects, all: "bedrot restatements --since \(event.event - 1) --until \(event.event) --json shows all")
        }
    }

    private func json(_ event: RestatingEvent) -> JSON {
        func items(_ item: Restatement) -> JSON {
            [
                "table": .string(item.table), "event": .int(item.event), "since": .int(item.since), "withdrawn": .bool(item.isWithdrawn),
                "key": .object(Dictionary(item.key.map { ($0.0, .string($0.1)) }, uniquingKeysWith: { $1 })),
                "changes": .array(
                    item.changes.map {
                        [
                            "column": .string($0.column), "before": $0.before.map { .string($0) } ?? .null,
                            "after": $0.after.map { .string($0) } ?? .null,
                        ]
                    }),
            ]
        }
        return [
            "event": .int(event.event), "time": .string(event.time), "cause": .string(event.cause),
            "figures": .array(event.items.map(items)),
            "kpis": .array(event.effects.map(IngestText.json)),
        ]
    }
}
