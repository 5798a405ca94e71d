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

    package init(kpi: String, dimensions: String, numerator: Int64?, denominator: Int64?) {
        self.kpi = kpi
        self.dimensions = dimensions
        self.numerator = numerator
        self.denominator = denominator
    }

    /// All values of the snapshot at a seq.
    package static func all(_ database: Database, at seq: Int64) throws -> [KPIValue] {
        try Row.fetchAll(database, sql: "SELECT kpi, dims, num, den FROM kpi_value WHERE seq = ? ORDER BY kpi, dims", arguments: [seq]).map
        {
            KPIValue(kpi: $0["kpi"], dimensions: $0["dims"], numerator: $0["num"], denominator: $0["den"])
        }
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
                    numerator: try number(handle, Int32(num), kpi), denominator: try number(handle, Int32(den), kpi)))
        }
        sqlite3_reset(handle)
        return values
    }

    private func number(_ handle: OpaquePointer?, _ index: Int32, _ kpi: KPIDefinition) throws -> Int64? {
        switch sqlite3_column_type(handle, index) {
        case SQLITE_NULL: return nil
        case SQLITE_INTEGER: return sqlite3_column_int64(handle, index)
        default:
            throw DefinitionError(path: kpi.path, line: nil, reason: "num and den must be whole numbers; write IDIV(a, b) for a division")
        }
    }

    /// Runs `body` with every fact, total and member view showing what was known at `seq`.
    func withKnownViews<R>(at seq: Int64, _ body: () throws -> R) throws -> R {
        database.clearSchemaCache()
        for table in tables { try database.execute(sql: table.knownViewSQL(at: seq)) }
        for sql in Warehouse.memberViews(temporary: true, at: seq) { try database.execute(sql: sql) }
        defer {
            for name in tables.map(\.name) + ["artist_of", "platform_of", "territory_of", "dim_artist"] {
                try? database.execute(sql: "DROP VIEW temp.\"\(name)\"")
            }
        }
        return try body()
    }

    /// Refuses a KPI that reads two observers of the same plays without being declared a comparison, or sums what is not additive.
    func check(_ kpi: KPIDefinition) throws {
        let read = try columnsRead(kpi.sql, path: kpi.path)
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

    /// `fact.column` of every column of a versioned table that SQLite reads for a statement.
    func columnsRead(_ sql: String, path: String) throws -> Set<String> {
        let seen = Reads()
        let context = Unmanaged.passUnretained(seen).toOpaque()
        sqlite3_set_authorizer(
            database.sqliteConnection,
            { context, action, table, column, _, _ in
                guard action == SQLITE_READ, let context, let table, let column else { return SQLITE_OK }
                Unmanaged<Reads>.fromOpaque(context).takeUnretainedValue().names.insert(
                    "\(String(cString: table)).\(String(cString: column))")
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
        return Set(
            seen.names.compactMap { name -> String? in
                let parts = name.split(separator: ".", maxSplits: 1).map(String.init)
                guard parts.count == 2 else { return nil }
                let table = parts[0].hasSuffix("_v") ? String(parts[0].dropLast(2)) : parts[0]
                return plain.contains(table) ? "\(table).\(parts[1])" : nil
            })
    }

    private final class Reads {
        var names: Set<String> = []
    }
}

/// Asks one KPI of the live warehouse at any seq and day, on a connection that may make temporary views.
package struct KPIQuestion {
    private let engine: KPIEngine

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

    /// `fact.column` of all that the KPI reads.
    package func columnsRead(_ kpi: KPIDefinition) throws -> Set<String> { try engine.columnsRead(kpi.sql, path: kpi.path) }

    /// Curated tables that read any of these facts or kept totals.
    package func curated(reading facts: Set<String>) throws -> [CuratedDefinition] {
        try engine.definitions.curated.filter { definition in
            try engine.columnsRead(definition.sql, path: definition.path).contains { column in
                facts.contains(String(column.prefix { $0 != "." }))
            }
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
