import Cleaning
import GRDB
import GRDBSQLite

/// A versioned table of the warehouse: a fact, or one of its kept totals.
///
/// Physical columns: `id`, `src`, `account`, the declared columns, `row_no` (and `row_hash`) where rows are told apart by their number (and
/// content), then `from_seq`, `to_seq`, `set_seq`, `set_line`, `win_seq`. All integers; texts are ids of `source_value`.
struct VersionedTable: Sendable {
    let name: String
    let columns: [FactDefinition.Column]
    /// Names of the columns that tell rows apart.
    let key: [String]
    let partition: String?
    let indexes: [[String]]
    /// Indexes of every version, not only of the current ones.
    let fullIndexes: [[String]]
    let hasLineage: Bool
    /// Key columns where two source values of one member can meet.
    let shadows: [Shadow]

    /// A key column in which only the first source value of a member counts.
    struct Shadow: Sendable {
        /// What the account has to do with the member.
        enum Account: Sendable {
            /// Rows of two accounts are two rows.
            case tellsApart
            /// The loader takes the member from the account, which so is the source value and tells nothing more.
            case isTheMember
            /// That holds for these datasets.
            case isTheMemberIn([String])
        }

        let column: String
        let account: Account
    }

    /// Kinds of source values whose member is one thing under several names. Platforms are not: stores of one family add up.
    static let singular: Set = ["artist"]

    init(fact: FactDefinition) {
        name = fact.name
        let fixed = [
            FactDefinition.Column(name: "src", storage: .source("dataset"), isKey: true, isMeasure: false),
            FactDefinition.Column(name: "account", storage: .source("account"), isKey: true, isMeasure: false),
        ]
        let identity =
            switch fact.identity {
            case .key: [String]()
            case .occurrence: ["row_no"]
            case .row: ["row_hash", "row_no"]
            }
        columns = fixed + fact.columns + identity.map { FactDefinition.Column(name: $0, storage: .count, isKey: true, isMeasure: false) }
        partition = fact.partition
        // The day or partition leads, so that the unique index also serves questions by time and new days are added at its end.
        switch fact.identity {
        case .key, .occurrence:
            let keys = fact.columns.filter(\.isKey)
            let first = keys.first { $0.storage == .day || $0.storage == .month }
            key = (first.map { [$0.name] } ?? []) + ["src", "account"] + keys.filter { $0 != first }.map(\.name) + identity
        case .row: key = (fact.partition.map { [$0] } ?? []) + ["src", "account"] + identity
        }
        indexes = fact.indexes
        fullIndexes = fact.fullIndexes
        hasLineage = true
        shadows = fact.identity == .row ? [] : fact.columns.compactMap { Self.shadow($0, of: fact) }
    }

    init(total: FactDefinition.Total, of fact: FactDefinition) {
        name = total.name
        let base = VersionedTable(fact: fact).columns
        let by = ["src", "account"] + total.by
        columns =
            by.compactMap { name in base.first { $0.name == name } }
            + [FactDefinition.Column(name: "row_count", storage: .count, isKey: false, isMeasure: true)]
            + total.sums.compactMap { name in base.first { $0.name == name } }
        key = by
        partition = nil
        indexes = []
        fullIndexes = total.fullIndexes
        hasLineage = false
        shadows = []
    }

    private static func shadow(_ column: FactDefinition.Column, of fact: FactDefinition) -> Shadow? {
        guard column.isKey, case .source(let kind) = column.storage, singular.contains(kind) else { return nil }
        let fromAccount = fact.loaders.filter { $0.value.bareColumn(of: column.name) == "account" }.keys.sorted()
        let account: Shadow.Account =
            fromAccount.isEmpty ? .tellsApart : fromAccount.count == fact.loaders.count ? .isTheMember : .isTheMemberIn(fromAccount)
        return Shadow(column: column.name, account: account)
    }

    var width: Int { columns.count }
    func index(_ column: String) -> Int { columns.firstIndex { $0.name == column } ?? 0 }
    var keyIndexes: [Int] { key.map(index) }

    /// Columns that hold ids of `source_value`.
    var sourceColumns: [Int] { columns.indices.filter { if case .source = columns[$0].storage { true } else { false } } }

    var createSQL: String {
        let list = columns.map { "\"\($0.name)\" INTEGER" }.joined(separator: ", ")
        return """
            CREATE TABLE "\(name)_v" (id INTEGER PRIMARY KEY, \(list), from_seq INTEGER NOT NULL, to_seq INTEGER,
              set_seq INTEGER NOT NULL, set_line INTEGER NOT NULL, win_seq INTEGER NOT NULL, \
            CHECK (to_seq IS NULL OR from_seq < to_seq)) STRICT
            """
    }

    /// The indexes; created after a bulk load.
    var indexSQL: [String] {
        func quoted(_ names: [String]) -> String { names.map { "\"\($0)\"" }.joined(separator: ", ") }
        return [
            "CREATE UNIQUE INDEX \"\(name)_key\" ON \"\(name)_v\"(\(quoted(key))) WHERE to_seq IS NULL",
            "CREATE INDEX \"\(name)_closed\" ON \"\(name)_v\"(to_seq) WHERE to_seq IS NOT NULL",
        ]
            + indexes.enumerated().map {
                "CREATE INDEX \"\(name)_\($0.offset)\" ON \"\(name)_v\"(\(quoted($0.element))) WHERE to_seq IS NULL"
            }
            + fullIndexes.enumerated().map {
                "CREATE INDEX \"\(name)_all_\($0.offset)\" ON \"\(name)_v\"(\(quoted($0.element)))"
            }
            // Not only of current versions: the as-known views look for twins too.
            + shadows.map { shadow in
                "CREATE INDEX \"\(name)_of_\(shadow.column)\" ON \"\(name)_v\"(\(quoted([shadow.column] + key.prefix(1))))"
            }
    }
}

/// Reads and writes one versioned table with raw binds: the one bulk path of the warehouse.
final class TableWriter {
    let table: VersionedTable
    let store: VersionStore
    private var nextID: Int64 = 1
    private var isIndexed: Bool
    private var database: Database?
    private var findCurrent: Statement?
    private var findPartition: Statement?

    /// `fresh` is a table just created, still without rows and indexes.
    init(table: VersionedTable, fresh: Bool) {
        self.table = table
        isIndexed = !fresh
        store = VersionStore(
            width: table.width, keyColumns: table.keyIndexes,
            partitionColumns: table.partition.map { [0, 1, table.index($0)] })
    }

    /// Starts a transaction: look-ups go to the warehouse unless it is known to be empty.
    func begin(_ database: Database) throws {
        guard isIndexed else { return }
        self.database = database
        nextID = (try Int64.fetchOne(database, sql: "SELECT MAX(id) FROM \"\(table.name)_v\"") ?? 0) + 1
        let select = "SELECT \(selectList) FROM \"\(table.name)_v\" WHERE to_seq IS NULL AND "
        findCurrent = try database.makeStatement(sql: select + table.key.map { "\"\($0)\" IS ?" }.joined(separator: " AND "))
        store.lookUp = { [unowned self] row in
            guard let statement = findCurrent else { return }
            for (i, column) in table.keyIndexes.enumerated() { bind(statement.sqliteStatement, Int32(i + 1), row[column]) }
            try read(statement, of: database)
        }
        if let partition = table.partition {
            findPartition = try database.makeStatement(sql: select + "src = ? AND account = ? AND \"\(partition)\" IS ?")
            store.lookUpPartition = { [unowned self] key in
                guard let statement = findPartition else { return }
                for (i, value) in key.enumerated() { bind(statement.sqliteStatement, Int32(i + 1), value) }
                try read(statement, of: database)
            }
        }
    }

    /// Loads every current version of an account.
    func loadAll(source: Int64, account: Int64) throws {
        guard isIndexed, let database else { return }
        let statement = try database.makeStatement(
            sql: "SELECT \(selectList) FROM \"\(table.name)_v\" WHERE to_seq IS NULL AND src = ? AND account = ?")
        bind(statement.sqliteStatement, 1, source)
        bind(statement.sqliteStatement, 2, account)
        try read(statement, of: database)
    }

    func end() {
        database = nil
        store.lookUp = nil
        store.lookUpPartition = nil
        findCurrent = nil
        findPartition = nil
    }

    private var selectList: String {
        "id, " + table.columns.map { "\"\($0.name)\"" }.joined(separator: ", ") + ", from_seq, set_seq, set_line, win_seq"
    }

    private func read(_ statement: Statement, of database: Database) throws {
        let handle = statement.sqliteStatement
        defer { sqlite3_reset(handle) }
        let count = table.width + VersionStore.Meta.count
        let row = UnsafeMutablePointer<Int64>.allocate(capacity: count)
        defer { row.deallocate() }
        while true {
            let code = sqlite3_step(handle)
            if code == SQLITE_DONE { return }
            guard code == SQLITE_ROW else { throw SQLiteFailure(database.sqliteConnection, "looking up \(table.name)") }
            for i in 0..<count {
                row[i] = sqlite3_column_type(handle, Int32(i + 1)) == SQLITE_NULL ? Int64.min : sqlite3_column_int64(handle, Int32(i + 1))
            }
            store.load(UnsafePointer(row), rowid: sqlite3_column_int64(handle, 0))
        }
    }

    /// Writes all pending versions; with `forget`, gives the memory back.
    func flush(_ database: Database, sources: SourceValues, forget: Bool) throws {
        let pending = store.pending()
        let sourceColumns = table.sourceColumns
        try closeVersions(database, sources: sources)
        let insert = try BulkInsert(database, table: table)
        for entry in pending.inserts {
            let row = store.row(entry)
            for column in sourceColumns where row[column] != Int64.min { try sources.use(row[column], in: database) }
            try insert.add(id: nextID, row, to: nil)
            store.markWritten(entry, rowid: nextID)
            nextID += 1
        }
        try insert.finish()
        if !pending.moves.isEmpty {
            let move = try database.makeStatement(sql: "UPDATE \"\(table.name)_v\" SET set_seq = ?, set_line = ?, win_seq = ? WHERE id = ?")
            for entry in pending.moves {
                let row = store.row(entry)
                try move.execute(arguments: [row[table.width + 1], row[table.width + 2], row[table.width + 3], store.rowid(entry)])
                store.markWritten(entry, rowid: store.rowid(entry))
            }
        }
        store.written(forget: forget)
        if forget, !isIndexed { try createIndexes(database) }
    }

    private func closeVersions(_ database: Database, sources: SourceValues) throws {
        guard store.closedRowids.count > 0 else { return }
        let stride = store.closedStride
        let sourceColumns = table.sourceColumns
        let close = try database.makeStatement(
            sql: "UPDATE \"\(table.name)_v\" SET to_seq = ?, set_seq = ?, set_line = ?, win_seq = ? WHERE id = ?")
        let insert = try BulkInsert(database, table: table)
        for i in 0..<store.closedRowids.count {
            let row = UnsafePointer(store.closed.base + i * stride)
            if store.closedRowids[i] != 0 {
                try close.execute(arguments: [
                    row[stride - 1], row[table.width + 1], row[table.width + 2], row[table.width + 3], store.closedRowids[i],
                ])
            } else {
                for column in sourceColumns where row[column] != Int64.min { try sources.use(row[column], in: database) }
                try insert.add(id: nextID, row, to: row[stride - 1])
                nextID += 1
            }
        }
        try insert.finish()
    }

    func createIndexes(_ database: Database) throws {
        guard !isIndexed else { return }
        for sql in table.indexSQL { try database.execute(sql: sql) }
        isIndexed = true
    }

    var needsIndexes: Bool { !isIndexed }
}

/// NULL is the smallest integer in memory.
@inline(__always) private func bind(_ statement: OpaquePointer?, _ index: Int32, _ value: Int64) {
    if value == Int64.min { sqlite3_bind_null(statement, index) } else { sqlite3_bind_int64(statement, index, value) }
}

/// INSERT with many rows a statement: about twice the speed of one row each (the limits are in ops/README.md).
private final class BulkInsert {
    private let database: Database
    private let width: Int
    private let perRow: Int
    private let batch = 40
    private let prefix: String
    private let many: Statement

    init(_ database: Database, table: VersionedTable) throws {
        self.database = database
        width = table.width
        perRow = table.width + 6
        let names = ["id"] + table.columns.map { "\"\($0.name)\"" } + ["from_seq", "set_seq", "set_line", "win_seq", "to_seq"]
        prefix = "INSERT INTO \"\(table.name)_v\"(\(names.joined(separator: ", "))) VALUES "
        many = try database.cachedStatement(sql: prefix + BulkInsert.placeholders(rows: batch, perRow: perRow))
    }

    private static func placeholders(rows: Int, perRow: Int) -> String {
        let one = "(" + [String](repeating: "?", count: perRow).joined(separator: ",") + ")"
        return [String](repeating: one, count: rows).joined(separator: ",")
    }

    /// Rows waiting for a full statement; the store's rows do not move while they are written.
    private var waiting: [(id: Int64, row: UnsafePointer<Int64>, to: Int64)] = []

    @inline(__always) func add(id: Int64, _ row: UnsafePointer<Int64>, to: Int64?) throws {
        waiting.append((id, row, to ?? Int64.min))
        if waiting.count == batch { try write(many) }
    }

    func finish() throws {
        guard !waiting.isEmpty else { return }
        try write(try database.makeStatement(sql: prefix + BulkInsert.placeholders(rows: waiting.count, perRow: perRow)))
    }

    private func write(_ statement: Statement) throws {
        let handle = statement.sqliteStatement
        var index: Int32 = 1
        for (id, row, to) in waiting {
            sqlite3_bind_int64(handle, index, id)
            for i in 0..<width + 4 { bind(handle, index + 1 + Int32(i), row[i]) }
            index += Int32(perRow)
            bind(handle, index - 1, to)
        }
        let code = sqlite3_step(handle)
        sqlite3_reset(handle)
        waiting.removeAll(keepingCapacity: true)
        guard code == SQLITE_DONE else { throw SQLiteFailure(database.sqliteConnection, prefix) }
    }
}

/// The declared shape of a fact or total table, for readers of the warehouse.
package struct TableShape: Sendable {
    package let columns: [FactDefinition.Column]
    package let keys: [String]

    /// The shape of a fact, or of the total of that name.
    package init(_ name: String, of fact: FactDefinition) {
        let table = fact.totals.first { $0.name == name }.map { VersionedTable(total: $0, of: fact) } ?? VersionedTable(fact: fact)
        columns = table.columns
        keys = table.key
    }
}

extension DefinitionSet {
    /// The versioned tables of all facts, each followed by its kept totals.
    var tables: [VersionedTable] {
        facts.flatMap { fact in [VersionedTable(fact: fact)] + fact.totals.map { VersionedTable(total: $0, of: fact) } }
    }
}
