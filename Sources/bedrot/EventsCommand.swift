import ArgumentParser
import EventLog
import Ledger
import Projection

struct Events: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Search the event log, follow it, count in it.",
        discussion: """
            All that is given must hold; an option given twice means either. A table is printed; --json prints the stored canonical \
            events, one a line, --csv a CSV with the body as JSON. `--raw` prints the stored bytes: SHA-256 of a line is the event's id.
            --severity: info, low, medium, high or critical, and all that is worse. Days are UTC.
              bedrot events --service spotify --since 2025-03-01 --type 'zone.*'
              bedrot events --since 2025-07-close --until 2025-08-close
              bedrot events --severity medium --newest --limit 20
              bedrot events --grep "wrong file" --csv
              bedrot events --by type,day
            """)

    @OptionGroup var options: RootOptions
    @Option(help: "From this event, day, moment or tag on.", transform: Place.init) var since: Place?
    @Option(help: "Up to this event, day, moment or tag; a day counts to its end.", transform: Place.init) var until: Place?
    @Option(help: "Services.") var service: [String] = []
    @Option(help: "Datasets.") var dataset: [String] = []
    @Option(help: "Accounts, also those of the captures that an event speaks of.") var account: [String] = []
    @Option(help: "Streams; a trailing * is a prefix.") var stream: [String] = []
    @Option(help: "Types; a trailing * is a prefix.") var type: [String] = []
    @Option(name: .customLong("run"), help: "A run.") var runID: String?
    @Option(help: "Events that name these bytes (SHA-256): captured, read or written.") var object: String?
    @Option(help: "At least so severe.") var severity: Severity?
    @Option(help: "Text in the body, in any case.") var grep: String?
    @Option(help: "From this moment on.", transform: Moments.moment) var after: Timestamp?
    @Option(help: "Before this moment.", transform: Moments.moment) var before: Timestamp?
    @Option(help: "At most so many; with --follow, so many of the last ones first.") var limit: Int?
    @Option(help: "Count instead: service, dataset, account, type, severity, day, month, run, actor.", transform: Self.dimensions)
    var by: [FoundEvent.Dimension]?
    @Flag(help: "Newest first.") var newest = false
    @Flag(help: "The stored bytes, one event a line.") var raw = false
    @Flag(help: "Print CSV.") var csv = false
    @Flag(help: "Wait for new events and print them.") var follow = false

    /// A seq, a moment or the name of a tag.
    enum Place {
        case seq(Int64)
        case moment(Timestamp, isDay: Bool)
        case tag(String)

        init(_ text: String) {
            if let seq = Int64(text) {
                self = .seq(seq)
            } else if let moment = try? Moments.moment(text) {
                self = .moment(moment, isDay: text.utf8.count == 10)
            } else {
                self = .tag(text)
            }
        }

        /// A tag is the event that it names.
        func found(_ lake: Lake) throws -> Place {
            if case .tag(let name) = self { .seq(try lake.tag(named: name).moment.seq) } else { self }
        }
    }

    private static func dimensions(_ text: String) throws -> [FoundEvent.Dimension] {
        try text.split(separator: ",").map { word in
            guard let dimension = FoundEvent.Dimension(rawValue: String(word)) else {
                throw ValidationError(
                    "events are not counted by “\(word)”; known: \(FoundEvent.Dimension.allCases.map(\.rawValue).joined(separator: ", "))")
            }
            return dimension
        }
    }

    func validate() throws {
        if follow, newest { throw ValidationError("--follow prints events as they come; leave --newest out") }
        if follow, by != nil { throw ValidationError("counts do not follow the log; leave --follow or --by out") }
        if [raw, csv, options.json].count(where: \.self) > 1 { throw ValidationError("choose one of --json, --csv and --raw") }
        if raw, by != nil { throw ValidationError("counts are printed as a table, with --json or with --csv") }
    }

    private func filter(_ lake: Lake) throws -> EventFilter {
        var filter = EventFilter()
        filter.query = EventQuery(streams: stream, types: type, run: runID, newestFirst: newest)
        (filter.services, filter.datasets, filter.accounts) = (service, dataset, account)
        (filter.severity, filter.text, filter.limit) = (severity, grep, limit)
        if let object {
            guard let hash = Hash256(hex: object) else { throw ValidationError("“\(object)” is not a SHA-256 in hex") }
            filter.object = hash
        }
        var seqs: (first: Int64, last: Int64) = (1, Int64.max)
        var times = (from: after ?? .earliest, to: before ?? .latest)
        switch try since?.found(lake) {
        case .seq(let seq): seqs.first = max(1, seq)
        case .moment(let moment, _): times.from = max(times.from, moment)
        case .tag, nil: break
        }
        switch try until?.found(lake) {
        case .seq(let seq): seqs.last = seq
        case .moment(let moment, let isDay):
            times.to = min(times.to, Timestamp(milliseconds: moment.milliseconds + (isDay ? 86_400_000 : 1)))
        case .tag, nil: break
        }
        guard seqs.first <= seqs.last, times.from <= times.to else {
            throw ValidationError("--since lies behind --until: nothing can match")
        }
        filter.query.seqs = seqs.first...seqs.last
        if times.from > .earliest || times.to < .latest { filter.query.time = times.from..<times.to }
        return filter
    }

    func run() throws {
        try options.read { lake in
            let filter = try filter(lake)
            try lake.check(filter)
            if let by { return try printCounts(try lake.countEvents(filter, by: by), by) }
            let printer = EventPrinter(form: raw || options.json ? .bytes : csv ? .csv : .table)
            // The head is read first: what comes while the past is printed is not passed over.
            var last = try lake.log.read { try $0.head().seq }
            var past = filter
            let wanted = filter.query.seqs ?? 1...Int64.max
            past.query.seqs = wanted.lowerBound...max(wanted.lowerBound, min(last, wanted.upperBound))
            if follow, limit != nil {
                past.query.newestFirst = true
                var found: [FoundEvent] = []
                try lake.events(past) { event in
                    found.append(event)
                    return true
                }
                for event in found.reversed() { printer.add(event) }
            } else {
                try lake.events(past) { event in
                    printer.add(event)
                    return true
                }
            }
            printer.flush(isEnd: !follow)
            while follow {
                let head = try lake.log.waitForHead(beyond: last, timeoutMilliseconds: 60_000)
                guard head.seq > last else { continue }
                var next = filter
                next.limit = nil
                let (first, end) = (max(last + 1, wanted.lowerBound), min(head.seq, wanted.upperBound))
                // Nothing that comes now can match any more.
                if last >= wanted.upperBound { return }
                last = head.seq
                guard first <= end else { continue }
                next.query.seqs = first...end
                try lake.events(next) { event in
                    printer.add(event)
                    return true
                }
                printer.flush(isEnd: false)
            }
        }
    }

    private func printCounts(_ counts: [(values: [String], count: Int64)], _ by: [FoundEvent.Dimension]) throws {
        if options.json {
            for (values, count) in counts {
                var row: [String: JSON] = ["events": .int(count)]
                for (dimension, value) in zip(by, values) { row[dimension.rawValue] = value.isEmpty ? .null : .string(value) }
                try Terminal.json(.object(row))
            }
            return
        }
        let rows = counts.map { $0.values + ["\($0.count)"] }
        if csv { return Terminal.out(CSVText.table(by.map(\.rawValue) + ["events"], rows)) }
        guard !rows.isEmpty else { return Terminal.out("no events") }
        var table = TextTable(columns: by.map { ($0.rawValue, .left) } + [("events", .right)])
        table.rows = rows.map { $0.map { $0.isEmpty ? "–" : $0 } }
        Terminal.out(table.render())
    }
}

extension Severity: ExpressibleByArgument {}

/// Prints events in one of three forms, lines or batches at a time.
private final class EventPrinter {
    enum Form { case bytes, csv, table }

    private let form: Form
    private var rows: [[String]] = []
    private var isFirst = true

    init(form: Form) { self.form = form }

    func add(_ found: FoundEvent) {
        let event = found.event
        switch form {
        case .bytes: Terminal.out(bytes: event.bytes + [10])
        case .csv:
            let body = (try? event.body.canonical()).map { String(decoding: $0, as: UTF8.self) } ?? ""
            rows.append([
                "\(event.seq)", event.id.hex, event.time.iso, event.type, event.stream, found.accounts.joined(separator: " "), event.actor,
                event.run ?? "", found.severity.rawValue, body,
            ])
        case .table: rows.append(EventText.row(event))
        }
    }

    func flush(isEnd: Bool) {
        defer { (rows, isFirst) = ([], false) }
        switch form {
        case .bytes: break
        case .csv:
            let heading = ["seq", "id", "time", "type", "stream", "account", "actor", "run", "severity", "body"]
            if isFirst { Terminal.out(CSVText.line(heading)) }
            for row in rows { Terminal.out(CSVText.line(row)) }
        case .table:
            if rows.isEmpty {
                if isEnd { Terminal.out("no events") }
                return
            }
            var table = TextTable(columns: [("seq", .right), ("time", .left), ("type", .left), ("stream", .left), ("says", .left)])
            table.rows = rows
            Terminal.out(table.render())
        }
    }
}

/// CSV for programs: comma, line feed, quotes where needed.
enum CSVText {
    static func line(_ cells: [String]) -> String {
        cells.map { text in
            text.contains(where: { $0 == "," || $0 == "\"" || $0.isNewline }) ? "\"" + text.replacing("\"", with: "\"\"") + "\"" : text
        }.joined(separator: ",")
    }

    static func table(_ heading: [String], _ rows: [[String]]) -> String { ([heading] + rows).map(line).joined(separator: "\n") }
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
            "account", "at", "note", "first_day", "last_day",
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
