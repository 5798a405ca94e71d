import Cleaning
package import EventLog
import GRDB
import Glibc
package import Projection

/// What to write out.
package struct ExportRequest: Sendable {
    /// A fact, total, dimension, view, KPI or curated table; `table:`, `kpi:` or `curated:` before the name where two share it.
    package var name: String
    /// An absolute path of a file or folder; nil means `reports/` of the root.
    package var target: String?
    package var format = ExportRows.Format.csv
    /// Of a KPI: the day reported on.
    package var day: Int64?
    /// What ``Lake/known(at:)`` reads; nil means now.
    package var knownAt: String?

    package init(_ name: String) { self.name = name }
}

/// What was written.
package struct ExportReport: Sendable {
    package let path: String
    package let manifestPath: String
    package let rows: Int64
    /// In bytes.
    package let size: Int64
    package let digest: Hash256
    package let moment: Moment
    /// What the manifest says; the file holds its canonical form.
    package let manifest: JSON
}

extension Lake {
    /// Writes a table, a KPI or a curated table to a file, and what it is to a manifest beside it.
    ///
    /// The bytes depend on the log up to the moment, the definitions in force and the format, and on nothing else. Both files appear whole
    /// or not at all. Memory does not grow with the rows of a table.
    ///
    /// - Throws: ``LedgerError`` for an unknown name, a place inside the ledger's own folders, and a file there that is no export.
    package func export(_ request: ExportRequest) throws -> ExportReport {
        let definitions = try definitionsInForce()
        let subject = try ExportSubject(request.name, definitions)
        if request.day != nil, subject.kind != "kpi" {
            throw LedgerError("\(subject.name) is a \(subject.kind) and not asked for a day: --day is for KPIs; leave it out")
        }
        let past = try request.knownAt.map { try known(at: $0) }
        let place = try ExportPlace(target: request.target, name: "\(subject.name).\(request.format.rawValue)", layout: layout)
        var written = ExportWriter(format: request.format)
        try place.write { put in
            try Warehouse.Reader(layout, scratch: true).queue.writeWithoutTransaction { database in
                try database.inTransaction(.deferred) {
                    let seq = try past?.seq ?? Int64.fetchOne(database, sql: "SELECT seq FROM checkpoint") ?? 0
                    written.seq = seq
                    func rows() throws {
                        try written.write(subject, ask: request.day, known: seq, database, definitions, put)
                    }
                    // A KPI sets the views itself.
                    if past == nil || subject.kind == "kpi" {
                        try rows()
                    } else {
                        try KPIQuestion.withViews(at: seq, database, definitions) { try rows() }
                    }
                    return .rollback
                }
            }
            return written.digest
        }
        guard let moment = try past ?? log.read({ try $0.event(written.seq) }).map({ Moment($0) }) else {
            throw LedgerError("the warehouse knows event \(written.seq), the log does not; run `bedrot verify`")
        }
        let manifest = try manifest(subject, written, moment, definitions, file: Files.name(place.path))
        try AtomicFile.write(try manifest.canonical() + [10], to: place.manifestPath)
        return ExportReport(
            path: place.path, manifestPath: place.manifestPath, rows: written.rows, size: written.size, digest: written.digest,
            moment: moment, manifest: manifest)
    }

    private func manifest(
        _ subject: ExportSubject, _ written: ExportWriter, _ moment: Moment, _ definitions: DefinitionSet, file: String
    ) throws -> JSON {
        var body: [String: JSON] = [
            "name": .string(subject.name), "kind": .string(subject.kind), "title": .string(subject.title), "file": .string(file),
            "format": .string(written.format.rawValue), "sha256": .string(written.digest.hex), "bytes": .int(written.size),
            "rows": .int(written.rows), "columns": .array(written.columns), "order": .array(subject.order.map { .string($0) }),
            "known_at": ["seq": .int(moment.seq), "id": .string(moment.id.hex), "time": .string(moment.time.iso)],
            "definitions": .string(definitions.fingerprint { _ in true }.hex), "label": .string(try settings().label),
        ]
        if let path = subject.path, let hash = definitions.files[path]?.hash {
            body["definition"] = ["path": .string(path), "sha256": .string(hash.hex)]
        }
        if let day = written.day { body["day"] = .string(PartitionLabel.text(day, .day)) }
        return .object(body)
    }
}

/// What an export is of, found by its name.
private struct ExportSubject {
    enum Source {
        case table(TableDescription)
        case kpi(KPIDefinition)
        case curated(CuratedDefinition)
    }

    let source: Source
    let name: String
    let kind: String
    let title: String
    let path: String?
    let order: [String]

    init(_ asked: String, _ definitions: DefinitionSet) throws {
        let tables = TableDescription.all(definitions).filter { $0.kind != .books }
        var found: [Source] = []
        let parts = asked.split(separator: ":", maxSplits: 1).map(String.init)
        let (prefix, name) = parts.count == 2 ? (parts[0], parts[1]) : ("", asked)
        if prefix.isEmpty || prefix == "table" { found += tables.filter { $0.name == name }.map { .table($0) } }
        if prefix.isEmpty || prefix == "kpi" { found += definitions.kpis.filter { $0.id == name }.map { .kpi($0) } }
        if prefix.isEmpty || prefix == "curated" { found += definitions.curated.filter { $0.name == name }.map { .curated($0) } }
        guard let first = found.first else {
            let names = tables.map(\.name) + definitions.kpis.map(\.id) + definitions.curated.map(\.name)
            throw LedgerError(
                """
                nothing is called “\(asked)”\(NearNames.question(name, in: names)) `bedrot schema` lists tables, KPIs and curated tables
                """)
        }
        guard found.count == 1 else {
            throw LedgerError("“\(name)” is a table, a KPI or a curated table; say which: table:\(name), kpi:\(name) or curated:\(name)")
        }
        source = first
        switch first {
        case .table(let table): (self.name, kind, title, path) = (table.name, table.kind.rawValue, table.title, table.path)
        case .kpi(let kpi): (self.name, kind, title, path) = (kpi.id, "kpi", kpi.title, kpi.path)
        case .curated(let curated): (self.name, kind, title, path) = (curated.name, "curated", curated.file, curated.path)
        }
        order = if case .table(let table) = first { table.shownOrder } else { path.map { ["ORDER BY of \($0)"] } ?? [] }
    }
}

/// Turns rows into bytes, and counts and hashes them on their way.
private struct ExportWriter {
    let format: ExportRows.Format
    var seq: Int64 = 0
    var day: Int64?
    var rows: Int64 = 0
    var size: Int64 = 0
    var columns: [JSON] = []
    private var hasher = Hasher256()
    private var waiting: [UInt8] = []

    init(format: ExportRows.Format) { self.format = format }

    var digest: Hash256 { hasher.finalize() }

    mutating func write(
        _ subject: ExportSubject, ask day: Int64?, known seq: Int64, _ database: Database, _ definitions: DefinitionSet,
        _ put: ([UInt8]) throws -> Void
    ) throws {
        switch subject.source {
        case .table(let table): try write(table, database, put)
        case .curated(let curated): try write(curated, database, put)
        case .kpi(let kpi): try write(kpi, ask: day, known: seq, database, definitions, put)
        }
        try flush(put)
    }

    private mutating func begin(_ shown: [ExportRows.Column], _ described: [JSON], path: String) throws -> ExportRows {
        columns = described
        let text = try ExportRows(shown, format, path: path)
        waiting = text.heading
        return text
    }

    private mutating func add(_ cells: [AnswerCell], _ text: ExportRows, _ put: ([UInt8]) throws -> Void) throws {
        try text.append(cells, to: &waiting)
        rows += 1
        if waiting.count > 1 << 16 { try flush(put) }
    }

    private mutating func flush(_ put: ([UInt8]) throws -> Void) throws {
        try put(waiting)
        hasher.update(waiting)
        size += Int64(waiting.count)
        waiting.removeAll(keepingCapacity: true)
    }

    private static func described(_ heading: String, _ type: String, unit: String?, note: String?, column: String? = nil) -> JSON {
        var body: [String: JSON] = ["name": .string(heading), "type": .string(type)]
        if let unit { body["unit"] = .string(unit) }
        if let note { body["note"] = .string(note) }
        if let column, column != heading { body["column"] = .string(column) }
        return .object(body)
    }

    private mutating func write(_ table: TableDescription, _ database: Database, _ put: ([UInt8]) throws -> Void) throws {
        let shown = table.shown
        let described = shown.map { item in
            let (type, unit): (String, String?) =
                switch item.column.unit {
                case .day: ("day", nil)
                case .month: ("month", nil)
                case .nano: ("decimal", nil)
                case .text: ("text", nil)
                case .source(let kind): ("text", "\(kind) as the files spell it")
                case .count, .privateKey: ("integer", "count")
                case .flag: ("integer", "0 or 1")
                case .seq: ("integer", "event")
                case .other(let word): ("value", word)
                }
            return Self.described(item.heading, type, unit: unit, note: item.column.note, column: item.column.name)
        }
        let text = try begin(shown.map { ExportRows.Column($0.heading, $0.format) }, described, path: table.path ?? table.name)
        try FreeQuestion(table.exportSQL).run(on: database) { _ in
        } row: {
            try add($0, text, put)
            return true
        }
    }

    /// All parts of a partitioned table under one heading, in the order of the parts.
    private mutating func write(_ curated: CuratedDefinition, _ database: Database, _ put: ([UInt8]) throws -> Void) throws {
        var parameters: [[String: AnswerCell]] = [[:]]
        if let parts = curated.partition?.split(separator: "."), parts.count == 2 {
            let values = try Int64.fetchAll(database, sql: "SELECT DISTINCT \"\(parts[1])\" FROM \"\(parts[0])\" ORDER BY 1")
            parameters = values.map { ["partition": .integer($0)] }
        }
        var text: ExportRows?
        for parameters in parameters {
            try FreeQuestion(curated.sql, parameters: parameters).run(on: database) { names in
                guard text == nil else { return }
                let formats = names.map { curated.formats[$0] ?? .plain }
                let described = zip(names, formats).map { name, format in
                    let type =
                        switch format {
                        case .plain: "value"
                        case .day: "day"
                        case .month: "month"
                        case .nano, .decimal: "decimal"
                        }
                    return Self.described(name, type, unit: nil, note: nil)
                }
                text = try begin(zip(names, formats).map { ExportRows.Column($0, $1) }, described, path: curated.path)
            } row: { cells in
                if let text { try add(cells, text, put) }
                return true
            }
        }
    }

    private mutating func write(
        _ kpi: KPIDefinition, ask asked: Int64?, known seq: Int64, _ database: Database, _ definitions: DefinitionSet,
        _ put: ([UInt8]) throws -> Void
    ) throws {
        let snapshot = try Row.fetchOne(
            database, sql: "SELECT day_no, time FROM kpi_snapshot WHERE seq <= ? ORDER BY seq DESC LIMIT 1", arguments: [seq])
        guard let day = asked ?? snapshot?["day_no"] else {
            throw LedgerError("\(kpi.id) has no day yet: nothing was reported; say the day: --day YYYY-MM-DD")
        }
        self.day = day
        let now = (snapshot?["time"] as String?).flatMap { Timestamp(iso: $0) }?.milliseconds ?? 0
        let values = try KPIQuestion(database: database, definitions: definitions).values(kpi, day: day, seq: seq, now: now)
        let hasDay = !kpi.dimensions.contains("day")
        let fixed = [
            ("value", "decimal", kpi.unit, "num / den, rounded to \(kpi.decimals) decimals; empty where there is none"),
            ("num", "integer", nil, "exact"), ("den", "integer", nil, "exact"),
            ("unconverted", "integer", "count", "rows left out for want of a rate; empty where the KPI does not say"),
            ("covered", "integer", "count", "days or months of the window that sources cover; empty where the KPI has no window"),
            ("expected", "integer", "count", "days or months of the window"),
        ]
        let described =
            (hasDay ? [Self.described("day", "day", unit: nil, note: "the day reported on")] : [])
            + kpi.dimensions.map { Self.described($0, "value", unit: "dimension", note: nil) }
            + fixed.map { Self.described($0.0, $0.1, unit: $0.2, note: $0.3) }
        let names = (hasDay ? ["day"] : []) + kpi.dimensions + fixed.map(\.0)
        let text = try begin(names.map { ExportRows.Column($0, $0 == "day" && hasDay ? .day : .plain) }, described, path: kpi.path)
        for value in values {
            let dimensions = try JSON.parse(Array(value.dimensions.utf8))
            var cells: [AnswerCell] = hasDay ? [.integer(day)] : []
            for name in kpi.dimensions {
                cells.append(dimensions[name]?.string.map { .text($0) } ?? dimensions[name]?.int.map { .integer($0) } ?? .null)
            }
            let rounded = value.text(unit: kpi.unit, decimals: kpi.decimals)
            let hasValue = value.numerator != nil && value.denominator.map { $0 != 0 } ?? false
            cells.append(hasValue ? .text(rounded) : .null)
            for number in [value.numerator, value.denominator, value.unconverted, value.covered, value.expected] {
                cells.append(number.map { .integer($0) } ?? .null)
            }
            try add(cells, text, put)
        }
    }
}
