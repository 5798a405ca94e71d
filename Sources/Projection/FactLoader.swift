import Cleaning
import GRDBSQLite

/// Turns staged rows into rows of one fact, by the fact's loader SQL.
///
/// A loader is a list of expressions. Those that are only a column, a column with a text for null, a literal, `NULL`, `line` or
/// `account` are read straight from the batch; if any is more than that, SQLite computes them all from the virtual table `staged`. Both
/// ways give the same rows.
final class FactLoader {
    /// Where a column of the fact comes from, when SQLite is not needed for it.
    private enum Source {
        case cell(Int)
        /// A text cell with a text in place of null.
        case cellOr(Int, String)
        case text(String)
        case null
        case line
        case account
    }

    private let fact: FactDefinition
    private let sources: SourceValues
    /// Dictionary space of each text column, -1 for numbers.
    private let spaces: [Int]
    /// Whether a column may not be null.
    private let isRequired: [Bool]
    private let isText: [Bool]
    private let plan: [Source]?
    private let statement: StagedTable.Statement

    deinit { rows.free() }

    /// `absent`: columns that the table has beyond the batches, null everywhere. `isOfToday`: the contract that cleaned the rows is the one
    /// in force, so a key column that is null is a mistake in it; rows of an earlier one may lack a key that nobody asked for then.
    /// `forcingSQL` computes even simple expressions in SQLite, for tests of the equality.
    init(
        fact: FactDefinition, loader: LoaderSQL, staged: StagedTable, columns: [StagedColumn], absent: [StagedColumn] = [],
        isOfToday: Bool = true, service: String, sources: SourceValues, forcingSQL: Bool = false
    ) throws {
        self.fact = fact
        self.sources = sources
        spaces = fact.columns.map { column in
            if case .source(let kind) = column.storage { sources.space(kind: kind, service: service) } else { -1 }
        }
        isRequired = fact.columns.map { $0.isKey && isOfToday }
        isText = columns.map { $0.type == .text }
        statement = try staged.prepare(loader.sql)
        plan = forcingSQL ? nil : Self.plan(loader, columns, absent: Set(absent.map(\.name)), spaces: spaces)
    }

    private static func plan(_ loader: LoaderSQL, _ columns: [StagedColumn], absent: Set<String>, spaces: [Int]) -> [Source]? {
        var plan: [Source] = []
        for (index, expression) in loader.expressions.enumerated() {
            let wantsText = spaces[index] >= 0
            guard let source = absent.contains(expression) ? .null : source(expression, columns) else { return nil }
            // A type that does not fit is SQLite's to complain about.
            switch source {
            case .cell(let cell): guard (columns[cell].type == .text) == wantsText else { return nil }
            case .cellOr(let cell, _): guard columns[cell].type == .text, wantsText else { return nil }
            case .text, .account: guard wantsText else { return nil }
            case .line: guard !wantsText else { return nil }
            case .null: break
            }
            plan.append(source)
        }
        return plan
    }

    private static func source(_ expression: String, _ columns: [StagedColumn]) -> Source? {
        if let cell = columns.firstIndex(where: { $0.name == expression }) { return .cell(cell) }
        switch expression {
        case "line": return .line
        case "account": return .account
        case "NULL": return .null
        default: break
        }
        func literal(_ text: String) -> String? {
            guard text.count >= 2, text.hasPrefix("'"), text.hasSuffix("'"), !text.dropFirst().dropLast().contains("'") else { return nil }
            return String(text.dropFirst().dropLast())
        }
        if let text = literal(expression) { return .text(text) }
        guard expression.hasPrefix("COALESCE("), expression.hasSuffix(")") else { return nil }
        let arguments = SQLText.split(String(expression.dropFirst(9).dropLast())).map(\.trimmingSpaces)
        guard arguments.count == 2, let cell = columns.firstIndex(where: { $0.name == arguments[0] }), let text = literal(arguments[1])
        else { return nil }
        return .cellOr(cell, text)
    }

    /// The fact's columns of every row of the last batch, row by row.
    private(set) var rows = RawVector<Int64>()

    /// Turns a batch into ``rows``, one for each staged row.
    func load(_ batch: StagedBatch, account: String) throws {
        rows.removeAll()
        _ = rows.extend(by: batch.count * spaces.count)
        guard let plan else {
            try statement.run(batch, account: account) { index, handle in
                for column in spaces.indices { rows[index * spaces.count + column] = try value(handle, column, line: batch.lines[index]) }
            }
            return
        }
        for column in plan.indices {
            switch plan[column] {
            case .cell(let cell): try fill(column, from: cell, of: batch, null: Int64.min)
            case .cellOr(let cell, let text): try fill(column, from: cell, of: batch, null: try sources.id(spaces[column], text))
            case .text(let text): fill(column, with: try sources.id(spaces[column], text), of: batch)
            case .account: fill(column, with: try sources.id(spaces[column], account), of: batch)
            case .line: for index in 0..<batch.count { rows[index * spaces.count + column] = batch.lines[index] }
            case .null:
                if isRequired[column], batch.count > 0 { throw nullKey(column, line: batch.lines[0]) }
                fill(column, with: Int64.min, of: batch)
            }
        }
    }

    private func fill(_ column: Int, with value: Int64, of batch: StagedBatch) {
        for index in 0..<batch.count { rows[index * spaces.count + column] = value }
    }

    private func fill(_ column: Int, from staged: Int, of batch: StagedBatch, null: Int64) throws {
        let width = spaces.count
        let stride = batch.columns.count
        let space = spaces[column]
        if isRequired[column], null == Int64.min {
            for index in 0..<batch.count where batch.cells[index * stride + staged] == Int64.min {
                throw nullKey(column, line: batch.lines[index])
            }
        }
        guard space >= 0 else {
            for index in 0..<batch.count {
                let cell = batch.cells[index * stride + staged]
                rows[index * width + column] = cell == Int64.min ? null : cell
            }
            return
        }
        // The closure does not throw: see VersionStore.make for what release builds do to throwing loops.
        let failure: (any Error)? = batch.arena.withUnsafeBytes { arena in
            do {
                for index in 0..<batch.count {
                    let cell = batch.cells[index * stride + staged]
                    let start = Int(cell >> 32)
                    rows[index * width + column] =
                        cell == Int64.min
                        ? null : try sources.id(space, UnsafeRawBufferPointer(rebasing: arena[start..<start + Int(cell & 0xFFFF_FFFF)]))
                }
                return nil
            } catch {
                return error
            }
        }
        if let failure { throw failure }
    }

    private func value(_ handle: OpaquePointer, _ column: Int, line: Int64) throws -> Int64 {
        let index = Int32(column)
        let type = sqlite3_column_type(handle, index)
        if type == SQLITE_NULL {
            if isRequired[column] { throw nullKey(column, line: line) }
            return Int64.min
        }
        if spaces[column] >= 0 {
            guard let text = sqlite3_column_text(handle, index) else { return Int64.min }
            return try sources.id(spaces[column], UnsafeRawBufferPointer(start: text, count: Int(sqlite3_column_bytes(handle, index))))
        }
        guard type == SQLITE_INTEGER else {
            throw SQLiteFailure(
                message: "\(fact.path): column “\(fact.columns[column].name)” is not a whole number at line \(line) of its capture")
        }
        return sqlite3_column_int64(handle, index)
    }

    private func nullKey(_ column: Int, line: Int64) -> SQLiteFailure {
        SQLiteFailure(
            message:
                """
                \(fact.path): key column “\(fact.columns[column].name)” is null at line \(line) of its capture; make the column \
                required or give it an explicit unknown member
                """
        )
    }
}
