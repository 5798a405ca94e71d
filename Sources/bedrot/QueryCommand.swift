import ArgumentParser
import EventLog
import Glibc
import Ledger
import Projection

struct Query: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Ask the warehouse in SQL, read-only.",
        discussion: """
            Facts, totals and dimensions by their plain names show the current figures, or those known at --known-at; NAME_v holds all \
            versions. The table `events` (seq, id, time, type, stream, actor, run, body) is the log; from_seq and set_seq of a fact are \
            seqs of events. :day and :seq mean what they mean in a KPI. `bedrot schema` lists every table.
              bedrot query "SELECT COUNT(*) AS days FROM fact_audience_day WHERE day_no <= :day" --day 2025-08-31
              bedrot query --file question.sql --param platform=spotify --format csv
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable { case table, csv, json, ndjson, markdown }

    @OptionGroup var options: RootOptions
    @Argument(help: "One SELECT.") var sql: String?
    @Option(help: "Read the SELECT from a file; - is standard input.", completion: .file(extensions: ["sql"])) var file: String?
    @Option(
        name: .customLong("param"), parsing: .singleValue,
        help: "name=value for :name; a whole number, or text. text: before the value says text.")
    var parameters: [String] = []
    @Option(help: "Day reported on, :day. Default: the newest snapshot's.", transform: Moments.day) var day: Int64?
    @Option(help: KnownAt.help) var knownAt: String?
    @Option(help: "How to print: table, csv, json, ndjson or markdown.") var format: Format?
    @Flag(help: "Print CSV.") var csv = false

    func validate() throws {
        guard (sql == nil) != (file == nil) else {
            throw ValidationError(
                sql == nil ? "write one SELECT, or name a file with --file" : "the question is given twice: leave out --file")
        }
        let asked = Set([csv ? Format.csv : nil, options.json ? .json : nil, format].compactMap(\.self))
        guard asked.count < 2 else {
            throw ValidationError("two formats are asked for: \(asked.map(\.rawValue).sorted().joined(separator: ", "))")
        }
    }

    func run() throws {
        var question = Question(try sql ?? Self.text(of: file ?? "-"))
        for pair in parameters { try question.set(pair) }
        question.day = day
        question.knownAt = knownAt
        var printer = AnswerPrinter(format: csv ? .csv : options.json ? .json : format ?? .table)
        try options.read { lake in
            try lake.ask(question) {
                try printer.begin($0)
            } row: {
                try printer.add($0)
            }
        }
        try printer.end()
    }

    /// SQLite reads no longer statement.
    private static let limit = 1_000_000

    private static func text(of file: String) throws -> String {
        let descriptor = file == "-" ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC)
        let name = file == "-" ? "standard input" : file
        guard descriptor >= 0 else { throw FileFailure("read", file, errno) }
        defer { if descriptor != STDIN_FILENO { close(descriptor) } }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while bytes.count <= limit {
            let count = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw FileFailure("read", name, errno) }
            if count == 0 { break }
            bytes += buffer[..<count]
        }
        guard bytes.count <= limit else { throw LedgerError("\(name) is longer than a question can be (1,000,000 bytes)") }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw LedgerError("\(name) is not UTF-8; save it as UTF-8") }
        return text
    }
}

/// Prints an answer while it comes: a part at a time, so that its length needs no memory.
struct AnswerPrinter {
    let format: Query.Format
    private var columns: [String] = []
    private var waiting: [[AnswerCell]] = []
    private var isFirst = true
    private var table = TextTable(columns: [])
    /// Rows printed at a time. The first ones decide the widths and the sides of a table.
    private static let part = 1000

    init(format: Query.Format) { self.format = format }

    mutating func begin(_ names: [String]) throws {
        columns = names
        guard format == .json || format == .ndjson else { return }
        if let twice = Dictionary(grouping: names, by: \.self).filter({ $0.value.count > 1 }).keys.min() {
            throw LedgerError("two columns are called “\(twice)”, and JSON holds one of a name; name them with AS")
        }
    }

    mutating func add(_ row: [AnswerCell]) throws -> Bool {
        waiting.append(row)
        if waiting.count >= Self.part { try flush() }
        return true
    }

    mutating func end() throws {
        if isFirst || !waiting.isEmpty { try flush() }
        if format == .json { Terminal.out("]") }
    }

    private mutating func flush() throws {
        defer {
            waiting.removeAll(keepingCapacity: true)
            isFirst = false
        }
        switch format {
        case .table: flushTable()
        case .markdown: flushMarkdown()
        case .csv:
            let rows = waiting.map { $0.map { Self.text($0, null: "") } }
            Terminal.out(((isFirst ? [columns] : []) + rows).map(CSVText.line).joined(separator: "\n"))
        case .json, .ndjson:
            let lines = try waiting.map { row in
                String(decoding: try JSON.object(Dictionary(zip(columns, row.map(\.json))) { $1 }).canonical(), as: UTF8.self)
            }
            if format == .ndjson {
                if !lines.isEmpty { Terminal.out(lines.joined(separator: "\n")) }
            } else {
                // One line for all: what comes next begins with the comma.
                Terminal.out(part: (isFirst ? "[" : lines.isEmpty ? "" : ",") + lines.joined(separator: ","))
            }
        }
    }

    private var isText: [Bool] {
        columns.indices.map { column in
            waiting.contains { row in
                switch row[column] {
                case .text, .real, .blob: true
                case .null, .integer: false
                }
            }
        }
    }

    private mutating func flushTable() {
        if isFirst { table.columns = zip(columns, isText).map { ($0, $1 ? .left : .right) } }
        table.rows = waiting.map { $0.map { Self.text($0, null: "–") } }
        Terminal.out(table.render(heading: isFirst))
        if isFirst {
            table.widths = columns.indices.map { column in min(table.limit, table.rows.map { $0[column].count }.max() ?? 0) }
        }
    }

    private func flushMarkdown() {
        func line(_ cells: [String]) -> String { "| \(cells.joined(separator: " | ")) |" }
        let rows = waiting.map { line($0.map { Self.markdown(Self.text($0, null: "")) }) }
        let heading = isFirst ? [line(columns.map(Self.markdown)), line(isText.map { $0 ? "---" : "---:" })] : []
        Terminal.out((heading + rows).joined(separator: "\n"))
    }

    private static func text(_ cell: AnswerCell, null: String) -> String {
        switch cell {
        case .null: null
        case .integer(let number): String(number)
        case .real, .blob: cell.json.string ?? ""
        case .text(let text): text
        }
    }

    /// Cells are other people's text: none of it may become a link, markup or another cell.
    static func markdown(_ text: String) -> String {
        var out = ""
        for character in text {
            if character.isNewline {
                out.append(" ")
            } else if character == "<" {
                out += "&lt;"
            } else {
                if "\\|`*[]".contains(character) { out.append("\\") }
                out.append(character)
            }
        }
        return out
    }
}
