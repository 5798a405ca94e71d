import Cleaning
package import EventLog
package import GRDB
import GRDBSQLite
import Synchronization

/// Computes KPIs over the current or the as-known views, and refuses those that add what must not be added.
struct KPIEngine {
    let database: Database
    let definitions: DefinitionSet
    let tables: [VersionedTable]
    /// Names of the views that stand between SQL and the versioned tables.
    private let views: Set<String>
    private let checked = Checked()

    /// Defined views that passed the guards: many KPIs read the same.
    private final class Checked {
        var views: Set<String> = []
    }

    init(database: Database, definitions: DefinitionSet, tables: [VersionedTable]) {
        self.database = database
        self.definitions = definitions
        self.tables = tables
        views = Set(WarehouseViews(definitions, known: .now).all.map(\.name))
    }

    private let statements = Statements()

    /// Compiled KPIs. Not GRDB's cache: what a statement reads is asked once, when its file changes, and not again at every compilation.
    private final class Statements {
        private var compiled: [String: (handle: OpaquePointer, names: [String])] = [:]

        deinit { for (handle, _) in compiled.values { sqlite3_finalize(handle) } }

        func of(_ kpi: KPIDefinition, _ database: Database) throws -> (OpaquePointer, [String]) {
            if let known = compiled[kpi.sql] { return known }
            sqlite3_set_authorizer(database.sqliteConnection, nil, nil)
            var handle: OpaquePointer?
            guard sqlite3_prepare_v3(database.sqliteConnection, kpi.sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &handle, nil) == SQLITE_OK,
                let handle
            else { throw DefinitionError(path: kpi.path, line: nil, reason: "\(SQLiteFailure(database.sqliteConnection, kpi.sql))") }
            let names = (0..<sqlite3_column_count(handle)).map { sqlite3_column_name(handle, $0).map { String(cString: $0) } ?? "" }
            compiled[kpi.sql] = (handle, names)
            return (handle, names)
        }
    }

    /// The values of a KPI as known at a seq; the caller has set the views (see `withKnownViews`).
    func values(_ kpi: KPIDefinition, day: Int64, seq: Int64, now: Int64) throws -> [KPIValue] {
        let (handle, names) = try statements.of(kpi, database)
        defer { sqlite3_reset(handle) }
        for (name, value) in [(":day", day), (":seq", seq), (":now_ms", now)] {
            let index = sqlite3_bind_parameter_index(handle, name)
            if index > 0 { sqlite3_bind_int64(handle, index, value) }
        }
        guard let num = names.firstIndex(of: "num"), let den = names.firstIndex(of: "den"), kpi.dimensions.allSatisfy(names.contains) else {
            throw DefinitionError(path: kpi.path, line: nil, reason: "the SELECT must give num, den and the dimensions \(kpi.dimensions)")
        }
        let further = ["unconverted", "covered", "expected"].map { names.firstIndex(of: $0).map { Int32($0) } }
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
                    unconverted: try further[0].flatMap { try number(handle, $0, kpi) },
                    covered: try further[1].flatMap { try number(handle, $0, kpi) },
                    expected: try further[2].flatMap { try number(handle, $0, kpi) }))
        }
        if let twice = Dictionary(grouping: values, by: \.dimensions).filter({ $0.value.count > 1 }).keys.min() {
            let shown = kpi.dimensions.isEmpty ? "several rows, though it has no dimension" : "the dimensions \(twice) more than once"
            throw DefinitionError(path: kpi.path, line: nil, reason: "gives \(shown): one row each, so GROUP BY what is in `dimensions`")
        }
        return values
    }

    private func number(_ handle: OpaquePointer?, _ index: Int32, _ kpi: KPIDefinition) throws -> Int64? {
        switch sqlite3_column_type(handle, index) {
        case SQLITE_NULL: return nil
        case SQLITE_INTEGER: return sqlite3_column_int64(handle, index)
        default:
            throw DefinitionError(
                path: kpi.path, line: nil,
                reason: "every column but a dimension must be a whole number; write IDIV(a, b) for a division")
        }
    }

    /// Runs `body` with every fact, total, member and defined view showing what was known at `seq`.
    func withKnownViews<R>(at seq: Int64, _ body: () throws -> R) throws -> R {
        try withKnownViews { known in
            try known(seq)
            return try body()
        }
    }

    /// The same for several seqs one after the other: `known` sets the one that the views show from then on. Statements stay compiled.
    func withKnownViews<R>(_ body: (_ known: (Int64) throws -> Void) throws -> R) throws -> R {
        database.clearSchemaCache()
        let views = WarehouseViews(definitions, known: .asked).all
        // In reverse, so that no view is gone while another still reads it.
        defer { for view in views.reversed() { try? database.execute(sql: "DROP VIEW IF EXISTS temp.\"\(view.name)\"") } }
        try database.execute(sql: "CREATE TEMP TABLE IF NOT EXISTS known_at (seq INTEGER NOT NULL) STRICT")
        for view in views { try database.execute(sql: "CREATE TEMP VIEW \"\(view.name)\" AS \(view.select)") }
        return try body { seq in
            try database.execute(sql: "DELETE FROM temp.known_at; INSERT INTO temp.known_at VALUES (\(seq))")
        }
    }

    /// Refuses a KPI that reads two observers of the same plays without saying that it compares them, sums what is not additive, or
    /// reads what changes without an event. Returns what it reads.
    @discardableResult
    func check(_ kpi: KPIDefinition) throws -> Reads {
        func refuse(_ reason: String) -> DefinitionError { DefinitionError(path: kpi.path, line: nil, reason: reason) }
        let reads = try reads(kpi.sql, path: kpi.path)
        if let name = reads.functions.intersection(Self.moody).sorted().first {
            throw refuse("calls \(name)(), whose answer changes without an event; use the parameters :day and :now_ms")
        }
        let observers = Dictionary(grouping: reads.columns.filter { definitions.guards.observers[$0] != nil }) {
            definitions.guards.observers[$0] ?? ""
        }
        if observers.count > 1, Set(observers.keys) != Set(kpi.compares) {
            let list = observers.sorted { $0.key < $1.key }.map { "\($0.value.sorted().joined(separator: ", ")) (\($0.key))" }
            throw refuse(
                """
                reads \(list.joined(separator: " and ")): observers of the same plays, which must never be added (guards.yml: plays); a \
                KPI that sets them side by side says so in its header: compares: [\(observers.keys.sorted().joined(separator: ", "))]
                """)
        }
        try checkSums(kpi.sql, path: kpi.path, reads, isView: false)
        try checkShape(kpi, reads)
        for view in definitions.views where reads.views.contains(view.name) && !checked.views.contains(view.name) {
            let reads = try self.reads(view.sql, path: view.path)
            try checkSums(view.sql, path: view.path, reads, isView: true)
            checked.views.insert(view.name)
        }
        return reads
    }

    /// Refuses sums of what must not be added, and tables that hold more than what was known.
    private func checkSums(_ sql: String, path: String, _ reads: Reads, isView: Bool) throws {
        func refuse(_ reason: String) -> DefinitionError { DefinitionError(path: path, line: nil, reason: reason) }
        let guards = definitions.guards
        if let name = reads.named.filter({ Self.engineTables.contains($0) || Self.enginePrefixes.contains(where: $0.hasPrefix) }).min() {
            throw refuse("reads \(name), a table of the engine's own that a replay fills in another order; read the facts, dim_* and op_*")
        }
        if let name = reads.named.filter({ $0.hasSuffix("_v") && !views.contains($0) }).min() {
            throw refuse(
                "reads \(name), which holds superseded versions too and shows them at every event; read \(name.dropLast(2)) instead")
        }
        let never = reads.columns.intersection(guards.nonAdditive)
        let elsewhere = reads.columns.intersection(guards.toldOnceBy.keys)
        let divisors = reads.columns.intersection(guards.onlyDivides)
        if reads.isRecursive, let column = never.union(elsewhere).union(divisors).min() {
            throw refuse("reads \(column) in a CTE that reads itself, and what that adds nobody can tell; use a join with dim_date")
        }
        if let column = SQLSums(never.union(isView ? divisors : []), in: sql).first {
            throw refuse("sums \(column), which is not additive (guards.yml: \(isView ? "never_summed, only_divides" : "never_summed"))")
        }
        if let column = SQLSums(elsewhere, in: sql).first, let view = guards.toldOnceBy[column] {
            throw refuse(
                "sums \(column), which tells the same more than once (guards.yml: told_once_by); sum that of \(view), which has it once")
        }
        if !isView, let column = SQLSums(divisors, in: sql).sum(into: "num") {
            throw refuse(
                """
                sums \(column) as its figure, but people of one day added to those of another are no number of people (guards.yml: \
                only_divides); take the newest or the largest day, or divide by the sum (den)
                """)
        }
    }

    /// Refuses parameters that nobody gives and columns that nobody reads.
    private func checkShape(_ kpi: KPIDefinition, _ reads: Reads) throws {
        func refuse(_ reason: String) -> DefinitionError { DefinitionError(path: kpi.path, line: nil, reason: reason) }
        if let name = reads.parameters.first(where: { !Self.parameters.contains($0) }) {
            throw refuse("there is no parameter \(name); known: \(Self.parameters.joined(separator: ", "))")
        }
        let known = kpi.dimensions + ["num", "den"]
        if let missing = known.first(where: { !reads.results.contains($0) }) {
            throw refuse("the SELECT gives no “\(missing)”: it must give \(known.joined(separator: ", ")), each by that name (AS)")
        }
        let further = ["unconverted", "covered", "expected"]
        if let other = reads.results.first(where: { !known.contains($0) && !further.contains($0) }) {
            throw refuse(
                "the SELECT gives “\(other)”, which nobody reads: name it in `dimensions`, or leave it out; known are num, den, "
                    + further.joined(separator: ", "))
        }
        if let twice = Dictionary(grouping: reads.results, by: \.self).filter({ $0.value.count > 1 }).keys.min() {
            throw refuse("the SELECT gives “\(twice)” twice; keep one of them")
        }
    }

    private static let parameters = [":day", ":seq", ":now_ms"]
    /// What the projector keeps for itself; the plain names show what is known of it.
    private static let engineTables: Set = [
        "capture", "checkpoint", "zone_file", "pending_file", "table_change", "stream_seq", "definition_used", "events", "known_at",
    ]
    private static let enginePrefixes = ["kpi_", "ops_", "sqlite_", "pragma_"]

    /// Functions of SQLite that read a clock, chance, or the connection.
    private static let moody: Set = [
        "date", "time", "datetime", "julianday", "unixepoch", "str" + "ftime", "timediff", "current_date", "current_time",
        "current_timestamp", "random", "randomblob", "changes", "total_changes", "last_insert_rowid", "sqlite_version",
        "sqlite_source_id", "load_extension",
    ]

    /// What a statement reads of the versioned tables.
    struct Reads {
        /// `table.column` of the facts, totals, reference tables and defined views that the statement itself names.
        var columns: Set<String> = []
        /// Plain names of the facts and totals, also of those behind a view.
        var tables: Set<String> = []
        /// Stored names of the tables of assumptions, also of those behind a view.
        var assumptions: Set<String> = []
        /// Names of the defined views, also of those behind a view.
        var views: Set<String> = []
        /// Functions it calls, in lower case, also those inside views.
        var functions: Set<String> = []
        /// Tables and views that the statement itself names.
        var named: Set<String> = []
        /// Its parameters, and the columns that it gives.
        var parameters: [String] = []
        var results: [String] = []
        /// Whether a CTE reads itself.
        var isRecursive = false
        /// Whether it reads what counts events that bear no data: runs, captures, duplicates.
        var isOperational = false
        /// Whether it reads what the service files say.
        var services = false
    }

    /// Asks SQLite, while it compiles the statement; what only the inside of a view names is not the statement's.
    func reads(_ sql: String, path: String) throws -> Reads {
        let seen = Seen()
        let context = Unmanaged.passUnretained(seen).toOpaque()
        sqlite3_set_authorizer(
            database.sqliteConnection,
            { context, action, table, column, _, view in
                guard let context else { return SQLITE_OK }
                let seen = Unmanaged<Seen>.fromOpaque(context).takeUnretainedValue()
                if action == SQLITE_RECURSIVE { seen.isRecursive = true }
                if action == SQLITE_FUNCTION, let column { seen.functions.insert(String(cString: column).lowercased()) }
                if action == SQLITE_READ, let table, let column {
                    seen.names.append((String(cString: table), String(cString: column), view.map { String(cString: $0) }))
                }
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
        let parameters = (0..<sqlite3_bind_parameter_count(statement)).map { index in
            sqlite3_bind_parameter_name(statement, index + 1).map { String(cString: $0) } ?? "?"
        }
        let results = (0..<sqlite3_column_count(statement)).map { sqlite3_column_name(statement, $0).map { String(cString: $0) } ?? "" }
        sqlite3_finalize(statement)
        let facts = Set(tables.map(\.name))
        let defined = Set(definitions.views.map(\.name))
        let assumptions = Set(definitions.reference.tables.map(\.table))
        let named = facts.union(defined).union(definitions.reference.tables.map(\.view))
        let words = Set(SQLTokens(sql).tokens.filter { $0.kind == .word || $0.kind == .name }.map(\.text))
        var reads = Reads(functions: seen.functions)
        (reads.parameters, reads.results, reads.isRecursive) = (parameters, results, seen.isRecursive)
        for (name, column, view) in seen.names {
            let table = name.hasSuffix("_v") ? String(name.dropLast(2)) : name
            if name == "op_source" { reads.services = true }
            if name.hasPrefix("ops_") || name == "capture" { reads.isOperational = true }
            if facts.contains(table) { reads.tables.insert(table) }
            if assumptions.contains(name) { reads.assumptions.insert(name) }
            if defined.contains(name) { reads.views.insert(name) }
            if let view, defined.contains(view) { reads.views.insert(view) }
            // A CTE inside a view is told like one of the statement's: what stands in the text decides.
            if words.contains(SQLText.upper(name)) { reads.named.insert(name) }
            guard named.contains(table) else { continue }
            if !column.isEmpty, view.map({ !views.contains($0) }) ?? true { reads.columns.insert("\(table).\(column)") }
        }
        return reads
    }

    private final class Seen {
        var names: [(table: String, column: String, view: String?)] = []
        var functions: Set<String> = []
        var isRecursive = false
    }
}

/// Asks one KPI of the live warehouse at any seq and day, on a connection that may make temporary views.
package struct KPIQuestion {
    private let engine: KPIEngine
    private var definitions: DefinitionSet { engine.definitions }

    package init(database: Database, definitions: DefinitionSet) {
        engine = KPIEngine(database: database, definitions: definitions, tables: definitions.tables)
    }

    /// The values of a KPI on a day, from what was known at event `seq`; refuses a definition that breaks a guard.
    package func values(_ kpi: KPIDefinition, day: Int64, seq: Int64, now: Int64) throws -> [KPIValue] {
        try engine.check(kpi)
        return try engine.withKnownViews(at: seq) { try engine.values(kpi, day: day, seq: seq, now: now) }
    }

    /// Many questions at once: the values of each KPI on its day, from what was known at its event; time is the midnight after the day.
    ///
    /// The views are made once, so that a hundred questions cost little more than their SELECTs.
    package func values(_ questions: [(kpi: KPIDefinition, day: Int64, seq: Int64)]) throws -> [[KPIValue]] {
        var checked: Set<String> = []
        for (kpi, _, _) in questions where checked.insert(kpi.id).inserted { try engine.check(kpi) }
        return try engine.withKnownViews { known in
            try questions.map { question in
                try known(question.seq)
                return try engine.values(question.kpi, day: question.day, seq: question.seq, now: (question.day + 1) * 86_400_000)
            }
        }
    }

    /// Runs `body` with every table showing what was known at an event.
    package func asKnown<R>(at seq: Int64, _ body: () throws -> R) throws -> R { try engine.withKnownViews(at: seq, body) }

    /// The values for a day as known now.
    package func currentValues(_ kpi: KPIDefinition, day: Int64, seq: Int64) throws -> [KPIValue] {
        try engine.values(kpi, day: day, seq: seq, now: (day + 1) * 86_400_000)
    }

    /// Facts and kept totals that a KPI reads, also those behind a view.
    package func tables(_ kpi: KPIDefinition) throws -> Set<String> { try engine.reads(kpi.sql, path: kpi.path).tables }

    /// `fact.column` of what the KPI's SQL names, and the quality issues of the facts it reads.
    package func reads(_ kpi: KPIDefinition) throws -> (columns: Set<String>, issues: [QualityIssue]) {
        let reads = try engine.reads(kpi.sql, path: kpi.path)
        let facts = definitions.facts.filter { fact in fact.tableNames.contains(where: reads.tables.contains) }
        return (reads.columns, try QualityIssue.all(engine.database, facts: Set(facts.map(\.name))))
    }

    /// Curated tables that read any of these facts or kept totals.
    package func curated(reading facts: Set<String>) throws -> [CuratedDefinition] {
        try engine.definitions.curated.filter { definition in
            try !engine.reads(definition.sql, path: definition.path).tables.isDisjoint(with: facts)
        }
    }

    /// Rows that a KPI value rests on, at most `limit`: set_seq and set_line of its evidence, and how many there are in all.
    ///
    /// Where several facts make the value, each shows its newest rows: none crowds the others out.
    package func evidence(_ kpi: KPIDefinition, dimensions: [String: JSON], day: Int64, seq: Int64, limit: Int) throws -> (
        lines: [(capture: Int64, line: Int64)], total: Int64, captures: [Int64]
    ) {
        try engine.withKnownViews(at: seq) {
            let found = try kpi.evidence.map { try rows($0.fact, $0.condition, kpi, dimensions: dimensions, day: day, limit: limit) }
            var lines: [(capture: Int64, line: Int64)] = []
            for rank in 0..<limit {
                for fact in found where rank < fact.lines.count && lines.count < limit { lines.append(fact.lines[rank]) }
            }
            return (
                lines.sorted { ($0.capture, $0.line) > ($1.capture, $1.line) }, found.reduce(0) { $0 + $1.total },
                Set(found.flatMap(\.captures)).sorted()
            )
        }
    }

    private func rows(
        _ fact: String, _ condition: String, _ kpi: KPIDefinition, dimensions: [String: JSON], day: Int64, limit: Int
    ) throws -> (lines: [(capture: Int64, line: Int64)], total: Int64, captures: [Int64]) {
        var arguments: [String: (any DatabaseValueConvertible)?] = [:]
        if condition.contains(":day") { arguments["day"] = day }
        for dimension in kpi.dimensions where condition.contains(":\(dimension)") {
            if let text = dimensions[dimension]?.string {
                arguments[dimension] = text
            } else {
                arguments[dimension] = dimensions[dimension]?.int
            }
        }
        let rows = "FROM \"\(fact)\" WHERE \(condition)"
        let database = engine.database
        let bound = StatementArguments(arguments)
        let total = try Int64.fetchOne(database, sql: "SELECT COUNT(*) \(rows)", arguments: bound) ?? 0
        let captures = try Int64.fetchAll(database, sql: "SELECT DISTINCT set_seq \(rows) ORDER BY set_seq", arguments: bound)
        let lines = try Row.fetchAll(
            database, sql: "SELECT set_seq, set_line \(rows) ORDER BY set_seq DESC, set_line DESC LIMIT \(limit)", arguments: bound)
        return (lines.map { (capture: $0[0], line: $0[1]) }, total, captures)
    }
}
