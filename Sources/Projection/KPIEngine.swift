import Cleaning
package import EventLog
package import GRDB
import GRDBSQLite
import Synchronization

/// One value of a KPI: its dimensions and an exact fraction.
package struct KPIValue: Sendable, Equatable {
    package let kpi: String
    /// Canonical JSON object of the dimensions, `{}` when there are none.
    package let dimensions: String
    package let numerator: Int64?
    package let denominator: Int64?
    /// Rows left out because no rate converts their currency; nil where the KPI does not say.
    package let unconverted: Int64?

    package init(kpi: String, dimensions: String, numerator: Int64?, denominator: Int64?, unconverted: Int64? = nil) {
        self.kpi = kpi
        self.dimensions = dimensions
        self.numerator = numerator
        self.denominator = denominator
        self.unconverted = unconverted
    }

    /// A row of `kpi_value`.
    package init(_ row: Row) {
        self.init(kpi: row["kpi"], dimensions: row["dims"], numerator: row["num"], denominator: row["den"], unconverted: row["unconverted"])
    }

    /// What the value leaves out, in words; nil when nothing.
    package var remark: String? {
        unconverted.flatMap { $0 > 0 ? "\($0) \($0 == 1 ? "row" : "rows") not converted" : nil }
    }

    /// All values of the snapshot at a seq.
    package static func all(_ database: Database, at seq: Int64) throws -> [KPIValue] {
        try Row.fetchAll(database, sql: "SELECT * FROM kpi_value WHERE seq = ? ORDER BY kpi, dims", arguments: [seq]).map { KPIValue($0) }
    }

    /// The value rounded half away from zero to `decimals`, as text; “–” where nothing was reported or the denominator is 0.
    package func text(unit: String, decimals: Int) -> String {
        guard let numerator, let denominator, denominator != 0 else { return "–" }
        var scaled = Int128(numerator)
        for _ in 0..<decimals { scaled *= 10 }
        if unit == "percent" { scaled *= 100 }
        var divisor = Int128(denominator)
        if divisor < 0 { (scaled, divisor) = (-scaled, -divisor) }
        let magnitude = (scaled.magnitude * 2 + divisor.magnitude) / (divisor.magnitude * 2)
        var digits = String(magnitude)
        if decimals > 0 {
            while digits.count <= decimals { digits = "0" + digits }
            digits.insert(".", at: digits.index(digits.endIndex, offsetBy: -decimals))
        }
        return (scaled < 0 && magnitude != 0 ? "-" : "") + digits
    }
}

/// Computes KPIs over the current or the as-known views, and refuses those that add what must not be added.
struct KPIEngine {
    let database: Database
    let definitions: DefinitionSet
    let tables: [VersionedTable]
    /// Names of the views that stand between SQL and the versioned tables.
    private let views: Set<String>

    init(database: Database, definitions: DefinitionSet, tables: [VersionedTable]) {
        self.database = database
        self.definitions = definitions
        self.tables = tables
        views = Set(WarehouseViews(facts: definitions.facts, seq: nil).all.map(\.name))
    }

    /// The values of a KPI as known at a seq; the caller has set the views (see `withKnownViews`).
    func values(_ kpi: KPIDefinition, day: Int64, seq: Int64, now: Int64) throws -> [KPIValue] {
        let statement: Statement
        do {
            statement = try database.cachedStatement(sql: kpi.sql)
        } catch {
            throw DefinitionError(path: kpi.path, line: nil, reason: "\(error)")
        }
        let handle = statement.sqliteStatement
        sqlite3_reset(handle)
        for (name, value) in [(":day", day), (":seq", seq), (":now_ms", now)] {
            let index = sqlite3_bind_parameter_index(handle, name)
            if index > 0 { sqlite3_bind_int64(handle, index, value) }
        }
        let names = statement.columnNames
        guard let num = names.firstIndex(of: "num"), let den = names.firstIndex(of: "den"), kpi.dimensions.allSatisfy(names.contains) else {
            throw DefinitionError(path: kpi.path, line: nil, reason: "the SELECT must give num, den and the dimensions \(kpi.dimensions)")
        }
        let unconverted = names.firstIndex(of: "unconverted").map { Int32($0) }
        var values: [KPIValue] = []
        while true {
            let code = sqlite3_step(handle)
            if code == SQLITE_DONE { break }
            guard code == SQLITE_ROW else { throw SQLiteFailure(database.sqliteConnection, kpi.path) }
            var dimensions: [String: JSON] = [:]
            for dimension in kpi.dimensions {
                guard let index = names.firstIndex(of: dimension).map(Int32.init) else { continue }
                switch sqlite3_column_type(handle, index) {
                case SQLITE_INTEGER: dimensions[dimension] = .int(sqlite3_column_int64(handle, index))
                case SQLITE_TEXT: dimensions[dimension] = .string(sqlite3_column_text(handle, index).map { String(cString: $0) } ?? "")
                case SQLITE_NULL: dimensions[dimension] = .null
                default: throw DefinitionError(path: kpi.path, line: nil, reason: "dimension “\(dimension)” is not text or a whole number")
                }
            }
            values.append(
                KPIValue(
                    kpi: kpi.id, dimensions: String(decoding: try JSON.object(dimensions).canonical(), as: UTF8.self),
                    numerator: try number(handle, Int32(num), kpi), denominator: try number(handle, Int32(den), kpi),
                    unconverted: try unconverted.flatMap { try number(handle, $0, kpi) }))
        }
        sqlite3_reset(handle)
        return values
    }

    private func number(_ handle: OpaquePointer?, _ index: Int32, _ kpi: KPIDefinition) throws -> Int64? {
        switch sqlite3_column_type(handle, index) {
        case SQLITE_NULL: return nil
        case SQLITE_INTEGER: return sqlite3_column_int64(handle, index)
        default:
            throw DefinitionError(
                path: kpi.path, line: nil, reason: "num, den and unconverted must be whole numbers; write IDIV(a, b) for a division")
        }
    }

    /// Runs `body` with every fact, total and member view showing what was known at `seq`.
    func withKnownViews<R>(at seq: Int64, _ body: () throws -> R) throws -> R {
        database.clearSchemaCache()
        let views = WarehouseViews(facts: definitions.facts, seq: seq).all
        // In reverse, so that no view is gone while another still reads it.
        defer { for view in views.reversed() { try? database.execute(sql: "DROP VIEW IF EXISTS temp.\"\(view.name)\"") } }
        for view in views { try database.execute(sql: "CREATE TEMP VIEW \"\(view.name)\" AS \(view.select)") }
        return try body()
    }

    /// Refuses a KPI that reads two observers of the same plays without being declared a comparison, or sums what is not additive.
    func check(_ kpi: KPIDefinition) throws {
        let read = try reads(kpi.sql, path: kpi.path).columns
        let observers = Dictionary(grouping: read.filter { definitions.guards.observers[$0] != nil }) {
            definitions.guards.observers[$0] ?? ""
        }
        if observers.count > 1, definitions.guards.comparisons[kpi.id] == nil {
            throw DefinitionError(
                path: kpi.path, line: nil,
                reason:
                    """
                    reads \(read.filter { definitions.guards.observers[$0] != nil }.sorted().joined(separator: " and ")): two \
                    observers of the same plays, which must never be added; a comparison is declared in guards.yml
                    """
            )
        }
        let forbidden = Set(read.intersection(definitions.guards.nonAdditive).compactMap { $0.split(separator: ".").last.map(String.init) })
        for argument in SQLText.arguments(of: "SUM", in: kpi.sql) {
            let words = Set(argument.split { !($0.isLetter || $0.isNumber || $0 == "_") }.map(String.init))
            if let column = forbidden.intersection(words).sorted().first {
                throw DefinitionError(
                    path: kpi.path, line: nil, reason: "sums “\(column)”, which is not additive (guards.yml: never_summed)")
            }
        }
    }

    /// What a statement reads of the versioned tables.
    struct Reads {
        /// `fact.column` of what the statement itself names.
        var columns: Set<String> = []
        /// Plain names of the facts and totals, also of those behind a view.
        var tables: Set<String> = []
    }

    /// Asks SQLite, while it compiles the statement; what only the inside of a view names is not the statement's.
    func reads(_ sql: String, path: String) throws -> Reads {
        let seen = Seen()
        let context = Unmanaged.passUnretained(seen).toOpaque()
        sqlite3_set_authorizer(
            database.sqliteConnection,
            { context, action, table, column, _, view in
                guard action == SQLITE_READ, let context, let table, let column else { return SQLITE_OK }
                Unmanaged<Seen>.fromOpaque(context).takeUnretainedValue().names.append(
                    (String(cString: table), String(cString: column), view.map { String(cString: $0) }))
                return SQLITE_OK
            }, context)
        defer { sqlite3_set_authorizer(database.sqliteConnection, nil, nil) }
        var statement: OpaquePointer?
        guard sqlite3_prepare_v2(database.sqliteConnection, sql, -1, &statement, nil) == SQLITE_OK else {
            let message = String(cString: sqlite3_errmsg(database.sqliteConnection))
            guard message.hasPrefix("no such table") || message.hasPrefix("no such column") else {
                throw DefinitionError(path: path, line: nil, reason: "\(SQLiteFailure(database.sqliteConnection, sql))")
            }
            throw DefinitionError(path: path, line: nil, reason: message, namesWhatIsMissing: true)
        }
        sqlite3_finalize(statement)
        let plain = Set(tables.map(\.name))
        var reads = Reads()
        for (name, column, view) in seen.names {
            let table = name.hasSuffix("_v") ? String(name.dropLast(2)) : name
            guard plain.contains(table) else { continue }
            reads.tables.insert(table)
            if !column.isEmpty, view.map({ !views.contains($0) }) ?? true { reads.columns.insert("\(table).\(column)") }
        }
        return reads
    }

    private final class Seen {
        var names: [(table: String, column: String, view: String?)] = []
    }
}

/// Asks one KPI of the live warehouse at any seq and day, on a connection that may make temporary views.
package struct KPIQuestion {
    private let engine: KPIEngine
    private var definitions: DefinitionSet { engine.definitions }

    package init(database: Database, definitions: DefinitionSet) {
        let tables = definitions.facts.flatMap { fact in
            [VersionedTable(fact: fact)] + fact.totals.map { VersionedTable(total: $0, of: fact) }
        }
        engine = KPIEngine(database: database, definitions: definitions, tables: tables)
    }

    /// The values of a KPI on a day, from what was known at event `seq`; refuses a definition that breaks a guard.
    package func values(_ kpi: KPIDefinition, day: Int64, seq: Int64, now: Int64) throws -> [KPIValue] {
        try engine.check(kpi)
        return try engine.withKnownViews(at: seq) { try engine.values(kpi, day: day, seq: seq, now: now) }
    }

    /// The values for a day as known now.
    package func currentValues(_ kpi: KPIDefinition, day: Int64, seq: Int64) throws -> [KPIValue] {
        try engine.values(kpi, day: day, seq: seq, now: (day + 1) * 86_400_000)
    }

    /// `fact.column` of what the KPI's SQL names, and the quality issues of the facts it reads.
    package func reads(_ kpi: KPIDefinition) throws -> (columns: Set<String>, issues: [QualityIssue]) {
        let reads = try engine.reads(kpi.sql, path: kpi.path)
        let facts = definitions.facts.filter { fact in ([fact.name] + fact.totals.map(\.name)).contains(where: reads.tables.contains) }
        return (reads.columns, try QualityIssue.all(engine.database, facts: Set(facts.map(\.name))))
    }

    /// Curated tables that read any of these facts or kept totals.
    package func curated(reading facts: Set<String>) throws -> [CuratedDefinition] {
        try engine.definitions.curated.filter { definition in
            try !engine.reads(definition.sql, path: definition.path).tables.isDisjoint(with: facts)
        }
    }

    /// Rows that a KPI value rests on, at most `limit`: set_seq and set_line of its evidence, and how many there are in all.
    package func evidence(_ kpi: KPIDefinition, dimensions: [String: JSON], day: Int64, seq: Int64, limit: Int) throws -> (
        lines: [(capture: Int64, line: Int64)], total: Int64, captures: [Int64]
    ) {
        guard let evidence = kpi.evidence else { return ([], 0, []) }
        return try engine.withKnownViews(at: seq) {
            var arguments: [String: (any DatabaseValueConvertible)?] = [:]
            if evidence.condition.contains(":day") { arguments["day"] = day }
            for dimension in kpi.dimensions where evidence.condition.contains(":\(dimension)") {
                if let text = dimensions[dimension]?.string {
                    arguments[dimension] = text
                } else {
                    arguments[dimension] = dimensions[dimension]?.int
                }
            }
            let condition = "FROM \"\(evidence.fact)\" WHERE \(evidence.condition)"
            let database = engine.database
            let bound = StatementArguments(arguments)
            let total = try Int64.fetchOne(database, sql: "SELECT COUNT(*) \(condition)", arguments: bound) ?? 0
            let captures = try Int64.fetchAll(database, sql: "SELECT DISTINCT set_seq \(condition) ORDER BY set_seq", arguments: bound)
            let lines = try Row.fetchAll(
                database, sql: "SELECT set_seq, set_line \(condition) ORDER BY set_seq DESC, set_line DESC LIMIT \(limit)", arguments: bound
            )
            return (lines.map { (capture: $0[0], line: $0[1]) }, total, captures)
        }
    }
}
