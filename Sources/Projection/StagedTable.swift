import Cleaning
import GRDBSQLite

/// The table-valued source `staged`: the typed rows of one batch, as SQLite sees them.
///
/// Beside the contract's columns it has `line`, the record in the raw file, and `account`. Days and months read as their integer (days
/// since 1970-01-01, year × 12 + month − 1), money as nano units, text as text.
/// It lives in a private in-memory connection, because a loader is row-wise and needs nothing else.
final class StagedTable {
    private var connection: OpaquePointer?
    private let feed: Feed
    private let columns: [StagedColumn]

    /// What the virtual table reads; swapped for every batch. The pointers hold while a statement runs over the batch.
    final class Feed {
        var count = 0
        var cells: UnsafePointer<Int64>?
        var lines: UnsafePointer<Int64>?
        var arena: UnsafeRawPointer?
        var types: [ColumnType] = []
        /// How many more columns there are, all null.
        var absent = 0
        var declaration = ""
        var account = ""
    }

    /// Tells SQLite to copy a text at once.
    private static let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

    /// Layouts that begin as SQLite wants them.
    private struct Table {
        var base = sqlite3_vtab()
        var feed: Unmanaged<Feed>
    }

    private struct Cursor {
        var base = sqlite3_vtab_cursor()
        var feed: Unmanaged<Feed>
        var row = 0
    }

    /// - Parameter absent: columns that read null everywhere: those that the contract has got since.
    init(columns: [StagedColumn], absent: [StagedColumn] = []) throws {
        self.columns = columns
        feed = Feed()
        feed.types = columns.map(\.type)
        feed.absent = absent.count
        let list = (columns + absent).map { "\"\($0.name)\" \($0.type == .text ? "TEXT" : "INTEGER")" }
        feed.declaration = "CREATE TABLE staged(\(list.joined(separator: ", ")), line INTEGER, account TEXT)"
        guard sqlite3_open_v2(":memory:", &connection, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nil) == SQLITE_OK else {
            throw SQLiteFailure(connection, "opening the staging connection")
        }
        let pointer = Unmanaged.passUnretained(feed).toOpaque()
        guard sqlite3_create_module_v2(connection, "staged", Self.module, pointer, nil) == SQLITE_OK else {
            throw SQLiteFailure(connection, "registering the staged source")
        }
    }

    deinit { sqlite3_close_v2(connection) }

    /// Compiles a loader; `body` then runs it over batches.
    func prepare(_ sql: String) throws -> Statement {
        var statement: OpaquePointer?
        guard sqlite3_prepare_v3(connection, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil) == SQLITE_OK, let statement else {
            throw SQLiteFailure(connection, sql)
        }
        return Statement(table: self, statement: statement, sql: sql)
    }

    final class Statement {
        private let table: StagedTable
        private let statement: OpaquePointer
        private let sql: String

        fileprivate init(table: StagedTable, statement: OpaquePointer, sql: String) {
            self.table = table
            self.statement = statement
            self.sql = sql
        }

        deinit { sqlite3_finalize(statement) }

        /// Steps through the loader's rows of one batch; exactly one for each staged row.
        func run(_ batch: StagedBatch, account: String, _ body: (_ index: Int, _ statement: OpaquePointer) throws -> Void) throws {
            let feed = table.feed
            feed.count = batch.count
            feed.account = account
            defer {
                feed.count = 0
                sqlite3_reset(statement)
            }
            var index = 0
            let failure: (any Error)? = batch.cells.withUnsafeBufferPointer { cells in
                batch.lines.withUnsafeBufferPointer { lines in
                    batch.arena.withUnsafeBytes { arena in
                        (feed.cells, feed.lines, feed.arena) = (cells.baseAddress, lines.baseAddress, arena.baseAddress)
                        do {
                            while true {
                                let code = sqlite3_step(statement)
                                if code == SQLITE_DONE { return nil }
                                guard code == SQLITE_ROW else { return SQLiteFailure(table.connection, sql) }
                                try body(index, statement)
                                index += 1
                            }
                        } catch {
                            return error
                        }
                    }
                }
            }
            if let failure { throw failure }
            guard index == batch.count else {
                throw SQLiteFailure(message: "a loader gave \(index) rows for \(batch.count) staged rows: \(sql)")
            }
        }
    }

    // Written once, before SQLite sees it, and never changed.
    nonisolated(unsafe) private static let module: UnsafePointer<sqlite3_module> = {
        let module = UnsafeMutablePointer<sqlite3_module>.allocate(capacity: 1)
        module.initialize(to: sqlite3_module())
        module.pointee.iVersion = 1
        // xCreate == nil and xConnect set: an eponymous table, there without CREATE VIRTUAL TABLE.
        module.pointee.xConnect = { database, context, _, _, out, _ in
            guard let context, let out else { return SQLITE_ERROR }
            let feed = Unmanaged<Feed>.fromOpaque(context)
            let code = sqlite3_declare_vtab(database, feed.takeUnretainedValue().declaration)
            guard code == SQLITE_OK else { return code }
            let table = UnsafeMutablePointer<Table>.allocate(capacity: 1)
            table.initialize(to: Table(feed: feed))
            out.pointee = UnsafeMutableRawPointer(table).assumingMemoryBound(to: sqlite3_vtab.self)
            return SQLITE_OK
        }
        module.pointee.xBestIndex = { _, info in
            info?.pointee.estimatedCost = 1000
            return SQLITE_OK
        }
        module.pointee.xDisconnect = { table in
            UnsafeMutableRawPointer(table)?.assumingMemoryBound(to: Table.self).deallocate()
            return SQLITE_OK
        }
        module.pointee.xOpen = { table, out in
            guard let table, let out else { return SQLITE_ERROR }
            let feed = UnsafeMutableRawPointer(table).assumingMemoryBound(to: Table.self).pointee.feed
            let cursor = UnsafeMutablePointer<Cursor>.allocate(capacity: 1)
            cursor.initialize(to: Cursor(feed: feed))
            out.pointee = UnsafeMutableRawPointer(cursor).assumingMemoryBound(to: sqlite3_vtab_cursor.self)
            return SQLITE_OK
        }
        module.pointee.xClose = { cursor in
            UnsafeMutableRawPointer(cursor)?.assumingMemoryBound(to: Cursor.self).deallocate()
            return SQLITE_OK
        }
        module.pointee.xFilter = { cursor, _, _, _, _ in
            StagedTable.cursor(cursor)?.pointee.row = 0
            return SQLITE_OK
        }
        module.pointee.xNext = { cursor in
            StagedTable.cursor(cursor)?.pointee.row += 1
            return SQLITE_OK
        }
        module.pointee.xEof = { cursor in
            guard let cursor = StagedTable.cursor(cursor)?.pointee else { return 1 }
            return cursor.row >= cursor.feed._withUnsafeGuaranteedRef { $0.count } ? 1 : 0
        }
        module.pointee.xColumn = { cursor, context, column in
            guard let cursor = StagedTable.cursor(cursor)?.pointee else { return SQLITE_ERROR }
            return cursor.feed._withUnsafeGuaranteedRef { feed in
                guard let cells = feed.cells, let lines = feed.lines, let arena = feed.arena else { return SQLITE_ERROR }
                let column = Int(column)
                guard column < feed.types.count else {
                    if column < feed.types.count + feed.absent {
                        sqlite3_result_null(context)
                    } else if column == feed.types.count + feed.absent {
                        sqlite3_result_int64(context, lines[cursor.row])
                    } else {
                        sqlite3_result_text(context, feed.account, -1, StagedTable.transient)
                    }
                    return SQLITE_OK
                }
                let cell = cells[cursor.row * feed.types.count + column]
                if cell == Int64.min {
                    sqlite3_result_null(context)
                } else if feed.types[column] == .text {
                    let text = (arena + Int(cell >> 32)).assumingMemoryBound(to: CChar.self)
                    // Static: the batch outlives the step that reads it.
                    sqlite3_result_text(context, text, Int32(truncatingIfNeeded: cell & 0xFFFF_FFFF), nil)
                } else {
                    sqlite3_result_int64(context, cell)
                }
                return SQLITE_OK
            }
        }
        module.pointee.xRowid = { cursor, out in
            out?.pointee = Int64(StagedTable.cursor(cursor)?.pointee.row ?? 0)
            return SQLITE_OK
        }
        return UnsafePointer(module)
    }()

    @inline(__always) private static func cursor(_ base: UnsafeMutablePointer<sqlite3_vtab_cursor>?) -> UnsafeMutablePointer<Cursor>? {
        UnsafeMutableRawPointer(base)?.assumingMemoryBound(to: Cursor.self)
    }
}

/// An error of SQLite, with its own text and the statement.
package struct SQLiteFailure: Error, CustomStringConvertible {
    package let description: String
    /// A sum did not fit 64 bits.
    private(set) var isOverflow = false
    /// The statement or the values it met are wrong, and not the disk, the memory or the file.
    private(set) var isOfStatement = false

    init(_ connection: OpaquePointer?, _ statement: String) {
        isOverflow = String(cString: sqlite3_errmsg(connection)) == "integer overflow"
        isOfStatement = [SQLITE_ERROR, SQLITE_MISMATCH, SQLITE_TOOBIG, SQLITE_RANGE].contains(sqlite3_errcode(connection) & 0xff)
        description =
            """
            SQLite error \(sqlite3_errcode(connection)): \(String(cString: sqlite3_errmsg(connection))) — while executing: \
            \(statement.prefix(400))
            """
    }

    init(message: String) { description = message }
}
