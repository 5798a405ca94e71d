import ArgumentParser
import Cleaning
import EventLog
import Ledger
import Projection

struct Events: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Search the event log.",
        discussion: "`--raw` prints the stored canonical bytes, one event a line: SHA-256 of a line is the event's id.")

    @OptionGroup var options: RootOptions
    @Option(help: "First event.") var since: Int64?
    @Option(help: "Last event.") var until: Int64?
    @Option(help: "Streams; a trailing * is a prefix.") var stream: [String] = []
    @Option(help: "Types; a trailing * is a prefix.") var type: [String] = []
    @Option(name: .customLong("run"), help: "A run.") var runID: String?
    @Option(help: "The captures of an object (SHA-256).") var object: String?
    @Option(help: "From this moment on.", transform: Moments.moment) var after: Timestamp?
    @Option(help: "Before this moment.", transform: Moments.moment) var before: Timestamp?
    @Option(help: "At most so many.") var limit: Int?
    @Flag(help: "Newest first.") var newest = false
    @Flag(help: "The stored bytes, one event a line.") var raw = false
    @Flag(help: "Wait for new events and print them.") var follow = false

    func run() throws {
        try options.read { lake in
            var hash: Hash256?
            if let object {
                guard let parsed = Hash256(hex: object) else { throw ValidationError("“\(object)” is not a SHA-256 in hex") }
                hash = parsed
            }
            var query = EventQuery(streams: stream, types: type, run: runID, object: hash, newestFirst: newest, limit: limit)
            if since != nil || until != nil { query.seqs = (since ?? 1)...max(since ?? 1, until ?? Int64.max) }
            if after != nil || before != nil { query.time = (after ?? .earliest)..<(before ?? .latest) }
            var last: Int64 = 0
            var table = TextTable(columns: [("seq", .right), ("time", .left), ("type", .left), ("stream", .left), ("says", .left)])
            func show(_ event: Event) throws {
                last = max(last, event.seq)
                if raw || options.json { Terminal.out(bytes: event.bytes + [10]) } else { table.rows.append(EventText.row(event)) }
            }
            try lake.log.read { transaction in
                try transaction.events(query) { event in
                    try show(event)
                    return true
                }
                last = max(last, try transaction.head().seq)
            }
            func flush() {
                if !table.rows.isEmpty { Terminal.out(table.render()) }
                table.rows = []
            }
            if !raw, !options.json { if table.rows.isEmpty, !follow { Terminal.out("no events") } else { flush() } }
            while follow {
                let head = try lake.log.waitForHead(beyond: last, timeoutMilliseconds: 60_000)
                guard head.seq > last else { continue }
                var next = query
                next.seqs = (last + 1)...head.seq
                next.newestFirst = false
                try lake.log.read { transaction in
                    try transaction.events(next) { event in
                        try show(event)
                        return true
                    }
                }
                last = head.seq
                flush()
            }
        }
    }
}

/// An event in one line.
enum EventText {
    static func row(_ event: Event) -> [String] {
        ["\(event.seq)", String(event.time.iso.prefix(19)), event.type, event.stream, says(event)]
    }

    static func says(_ event: Event) -> String {
        func text(_ key: String) -> String? { event.body[key]?.string ?? event.body[key]?.int.map { String($0) } }
        let keys = [
            "label", "name", "path", "command", "outcome", "capture", "partition", "to", "rows", "code", "reason", "value", "member",
            "account", "note", "first_day", "last_day",
        ]
        var parts = keys.compactMap { key in text(key).map { "\(key) \($0)" } }
        for key in ["new", "missing"] {
            let names = event.body[key]?.array?.compactMap(\.string) ?? []
            if !names.isEmpty { parts.append("\(key) \(names.joined(separator: " "))") }
        }
        if let item = event.body["items"]?.array?.first {
            for key in ["capture", "rows_in", "rows_out"] { if let number = item[key]?.int { parts.append("\(key) \(number)") } }
        }
        return parts.joined(separator: ", ")
    }
}

struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show one event.")

    @OptionGroup var options: RootOptions
    @Argument(help: "Seq, or the beginning of an id.") var event: String

    func run() throws {
        try options.read { lake in
            let found = try lake.event(event)
            if options.json { return Terminal.out(bytes: found.bytes + [10]) }
            Terminal.out(
                """
                event   \(found.seq)\nid      \(found.id.hex)\nprev    \(found.prev.hex)\ntime    \(found.time.iso)\ntype    \
                \(found.type) v\(found.version)\nstream  \(found.stream)\nactor   \
                \(found.actor)\(found.run.map { "\nrun     \($0)" } ?? "")
                """
            )
            Terminal.out(pretty(found.body, indent: 0))
        }
    }

    private func pretty(_ json: JSON, indent: Int) -> String {
        let space = String(repeating: "  ", count: indent)
        switch json {
        case .object(let object):
            return object.sorted { $0.key < $1.key }.map { key, value in
                switch value {
                case .object, .array: "\(space)\(key):\n\(pretty(value, indent: indent + 1))"
                default: "\(space)\(key): \(pretty(value, indent: 0))"
                }
            }.joined(separator: "\n")
        case .array(let items): return items.map { "\(space)-\n\(pretty($0, indent: indent + 1))" }.joined(separator: "\n")
        case .string(let text): return text
        case .int(let number): return String(number)
        case .bool(let flag): return flag ? "true" : "false"
        case .null: return "null"
        }
    }
}

struct Lineage: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "From a figure to the events, the capture, the line and its text.",
        discussion: """
            What to trace: kpi:ID (with dimension=value), a capture's seq, or a fact's name with --where.
              bedrot lineage kpi:streams_native_7d artist=artist:zonea0
              bedrot lineage fact_audience_day --where "day_no = 20100"
              bedrot lineage 42
            """)

    @OptionGroup var options: RootOptions
    @Argument(help: "kpi:ID, a capture's seq, or a fact.") var subject: String
    @Argument(help: "dimension=value.") var filters: [String] = []
    @Option(name: .customLong("where"), help: "Condition over the fact's columns.") var condition: String?
    @Option(help: "Day reported on.", transform: Moments.day) var day: Int64?
    @Option(help: "As known at this event.") var knownAt: Int64?
    @Option(help: "Lines to show.") var limit = 10

    func run() throws {
        let report = try options.read { lake -> LineageReport in
            if let seq = Int64(subject) { return try lake.lineage(capture: seq) }
            if subject.hasPrefix("kpi:") {
                let pairs = try filters.map { filter -> (String, String) in
                    guard let equals = filter.firstIndex(of: "=") else { throw ValidationError("“\(filter)” is not dimension=value") }
                    return (String(filter[..<equals]), String(filter[filter.index(after: equals)...]))
                }
                return try lake.lineage(
                    kpi: String(subject.dropFirst(4)), filter: Dictionary(pairs, uniquingKeysWith: { $1 }), day: day, knownAt: knownAt,
                    limit: limit)
            }
            guard let condition else { throw ValidationError("name a row: --where \"column = value\"") }
            return try lake.lineage(table: subject, condition: condition, limit: limit)
        }
        if options.json {
            return try Terminal.json([
                "subject": .string(report.subject), "rows": .int(report.rows),
                "lines": .array(
                    report.lines.map {
                        [
                            "capture": .int($0.capture.seq), "line": .int($0.line), "text": .string($0.text),
                            "raw": $0.rawPath.map { .string($0) } ?? .null,
                        ]
                    }),
                "captures": .array(
                    report.captures.map {
                        [
                            "seq": .int($0.seq), "name": .string($0.name), "object": .string($0.object.hex),
                            "observed": .string($0.observed.iso),
                        ]
                    }),
                "events": .array(report.events.map { .int($0.seq) }),
            ])
        }
        Terminal.out(report.subject)
        if report.rows > 0 {
            Terminal.out("rests on \(Words.count(report.rows, "row")) from \(Words.count(Int64(report.captures.count), "capture")):")
        }
        for line in report.lines {
            Terminal.out("  capture \(line.capture.seq), \(line.capture.name), line \(line.line): \(line.text)")
        }
        if report.rows > Int64(report.lines.count), !report.lines.isEmpty {
            Terminal.out("  and \(Words.count(report.rows - Int64(report.lines.count), "more row", "more rows"))")
        }
        var captures = TextTable(columns: [("capture", .right), ("observed", .left), ("from", .left), ("file", .left), ("object", .left)])
        captures.rows = report.captures.suffix(12).map {
            ["\($0.seq)", String($0.observed.iso.prefix(16)), $0.observedFrom, $0.name, String($0.object.hex.prefix(16))]
        }
        Terminal.out(captures.render())
        var events = TextTable(columns: [("event", .right), ("time", .left), ("type", .left), ("says", .left)])
        events.rows = report.events.suffix(12).map { ["\($0.seq)", String($0.time.iso.prefix(19)), $0.type, EventText.says($0)] }
        Terminal.out(events.render())
    }
}

struct Restatements: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Figures that later files changed or withdrew.")

    @OptionGroup var options: RootOptions
    @Option(help: "At most so many, newest first.") var limit = 20
    @Option(help: "Only this fact.") var table: String?
    @Option(help: "Only those of events after this one.") var since: Int64 = 0

    func run() throws {
        let found = try options.read { try $0.restatements(limit: limit, table: table, since: since) }
        if options.json {
            return try Terminal.json(
                .array(
                    found.map { item in
                        [
                            "table": .string(item.table), "event": .int(item.event), "since": .int(item.since),
                            "withdrawn": .bool(item.isWithdrawn),
                            "key": .object(Dictionary(item.key.map { ($0.0, .string($0.1)) }, uniquingKeysWith: { $1 })),
                            "changes": .array(
                                item.changes.map {
                                    [
                                        "column": .string($0.column), "before": $0.before.map { .string($0) } ?? .null,
                                        "after": $0.after.map { .string($0) } ?? .null,
                                    ]
                                }),
                        ]
                    }))
        }
        guard !found.isEmpty else { return Terminal.out("nothing was restated") }
        var rows = TextTable(columns: [
            ("event", .right), ("time", .left), ("table", .left), ("of", .left), ("column", .left), ("before", .right), ("after", .right),
        ])
        for item in found {
            let key = item.key.filter { $0.0 != "src" }.map(\.1).joined(separator: " ")
            for change in item.changes {
                rows.rows.append([
                    "\(item.event)", String(item.time.prefix(16)), item.table, key, change.column, change.before ?? "–",
                    item.isWithdrawn ? "withdrawn" : change.after ?? "–",
                ])
            }
        }
        Terminal.out(rows.render())
    }
}
