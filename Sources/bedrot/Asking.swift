import ArgumentParser
import Cleaning
import EventLog
import Ledger
import Projection

enum LineageText {
    /// The record, or why it is not there any more.
    static func text(_ line: LineageLine) -> String {
        line.expired.map { "(its bytes were removed on purpose by event \($0), zone.expired)" } ?? line.text
    }
}

struct Lineage: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "From a figure to its files, captures and lines; from a file or capture to its rows and curated files.",
        discussion: """
            What to trace: kpi:ID (with dimension=value), a fact's name with --where, a capture's seq, or a file: of a zone or \
            the archive by path or name, any other by its bytes.
            CAPTURE:LINE and FILE:LINE lead from a record of the raw file to the rows that stand on it.
              bedrot lineage kpi:streams_native_7d artist=artist:zonea0
              bedrot lineage fact_audience_day --where "day_no = 20100"
              bedrot lineage 42
              bedrot lineage 2_raw/spotify/audience/zonea0/ZONE-audience-timeline.csv:17
            """)

    @OptionGroup var options: RootOptions
    @Argument(help: "kpi:ID, a fact, a capture's seq, a file; CAPTURE:LINE, FILE:LINE.") var subject: String
    @Argument(help: "dimension=value.") var filters: [String] = []
    @Option(name: .customLong("where"), help: "Condition over the fact's columns.") var condition: String?
    @Option(help: "Day reported on.", transform: Moments.day) var day: Int64?
    @Option(help: KnownAt.help) var knownAt: String?
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
                    kpi: String(subject.dropFirst(4)), filter: Dictionary(pairs, uniquingKeysWith: { $1 }), day: day,
                    knownAt: try knownAt.map { try lake.known(at: $0).seq }, limit: limit)
            }
            guard let condition else {
                if subject.hasPrefix("fact_") { throw ValidationError("name a row: --where \"column = value\"") }
                let parts = subject.split(separator: ":", omittingEmptySubsequences: false)
                guard parts.count > 1, let line = parts.last.flatMap({ Int64($0) }) else { return try lake.lineage(file: subject) }
                let name = parts.dropLast().joined(separator: ":")
                return try Int64(name).map { try lake.lineage(capture: $0, line: line) } ?? lake.lineage(file: name, line: line)
            }
            return try lake.lineage(table: subject, condition: condition, limit: limit)
        }
        if options.json {
            return try Terminal.json([
                "subject": .string(report.subject), "rows": .int(report.rows),
                "lines": .array(
                    report.lines.map {
                        [
                            "capture": .int($0.capture.seq), "line": .int($0.line), "text": .string($0.text),
                            "raw": $0.rawPath.map { .string($0) } ?? .null, "expired": $0.expired.map { .int($0) } ?? .null,
                        ]
                    }),
                "captures": .array(
                    report.captures.map {
                        [
                            "seq": .int($0.seq), "name": .string($0.name), "object": .string($0.object.hex),
                            "observed": .string($0.observed.iso),
                        ]
                    }),
                "events": .array(report.events.map { .int($0.seq) }), "files": .array(report.files.map { .string($0) }),
                "facts": .array(
                    report.facts.map { ["table": .string($0.table), "current": .int($0.current), "past": .int($0.past)] }),
                "facing": .array(report.facing.map { .string($0) }),
            ])
        }
        Terminal.out(report.subject)
        if report.rows > 0 {
            Terminal.out("rests on \(Words.count(report.rows, "row")) from \(Words.count(Int64(report.captures.count), "capture")):")
        }
        for line in report.lines {
            Terminal.out("  capture \(line.capture.seq), \(line.capture.name), line \(line.line): \(LineageText.text(line))")
        }
        if report.rows > Int64(report.lines.count), !report.lines.isEmpty {
            Terminal.out("  and \(Words.count(report.rows - Int64(report.lines.count), "more row", "more rows"))")
        }
        for row in report.facing { Terminal.out("  stands in \(row)") }
        for fact in report.facts {
            let past = fact.past > 0 ? ", \(Words.grouped(fact.past)) of the past" : ""
            Terminal.out("\(Words.count(fact.current, "current row")) of \(fact.table)\(past)")
        }
        for file in report.files.prefix(40) { Terminal.out("file \(file)") }
        if report.files.count > 40 { Terminal.out("and \(report.files.count - 40) more files: --json names all") }
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
