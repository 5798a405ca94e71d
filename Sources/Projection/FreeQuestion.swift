package import GRDB
import GRDBSQLite

/// One cell of an answer.
package enum AnswerCell: Sendable, Equatable {
    case null
    case integer(Int64)
    case real(Double)
    case text(String)
    /// Only its size: the warehouse keeps no bytes.
    case blob(bytes: Int)
}

/// A SELECT that a person wrote, asked of the warehouse so that nothing it says can write anywhere or read anything else.
///
/// Three locks, any of which would do: SQLite's authorizer lets reading pass and nothing more, `PRAGMA query_only` is set, and a
/// statement that is not read-only is refused.
package struct FreeQuestion {
    package let sql: String
    /// By name without its sign; each must stand in the SQL as `:name`, `@name` or `$name`.
    package let parameters: [String: AnswerCell]
    /// Offered to the SQL, which need not use them.
    package let offered: [String: Int64]

    package init(_ sql: String, parameters: [String: AnswerCell] = [:], offered: [String: Int64] = [:]) {
        self.sql = sql
        self.parameters = parameters
        self.offered = offered
    }

    /// What is refused, and what to do instead; the caller puts it into words of its own.
    package struct Refusal: Error, CustomStringConvertible {
        package let description: String
    }

    /// Runs the question and hands over its rows one by one, until `row` returns false.
    ///
    /// `begin` gets the names of the columns before the first row. Memory does not grow with the answer.
    ///
    /// - Throws: ``Refusal`` for what is no question and for mistakes in the SQL, with line and column where SQLite tells them.
    package func run(on database: Database, begin: ([String]) throws -> Void, row: ([AnswerCell]) throws -> Bool) throws {
        try checkVerb()
        try database.execute(sql: "PRAGMA query_only = 1")
        defer { try? database.execute(sql: "PRAGMA query_only = 0") }
        let watch = Watch()
        let connection = database.sqliteConnection
        sqlite3_set_authorizer(connection, Watch.callback, Unmanaged.passUnretained(watch).toOpaque())
        defer { withExtendedLifetime(watch) { _ = sqlite3_set_authorizer(connection, nil, nil) } }
        let statement = try prepare(connection, watch)
        defer { sqlite3_finalize(statement) }
        try bind(statement)
        let count = sqlite3_column_count(statement)
        try begin((0..<count).map { sqlite3_column_name(statement, $0).map { String(cString: $0) } ?? "" })
        while true {
            let code = sqlite3_step(statement)
            if code == SQLITE_DONE { return }
            guard code == SQLITE_ROW else { throw refusal(connection, watch, position: false) }
            guard try row((0..<count).map { Self.cell(statement, $0) }) else { return }
        }
    }

    private static func cell(_ statement: OpaquePointer?, _ index: Int32) -> AnswerCell {
        switch sqlite3_column_type(statement, index) {
        case SQLITE_NULL: return .null
        case SQLITE_INTEGER: return .integer(sqlite3_column_int64(statement, index))
        case SQLITE_FLOAT: return .real(sqlite3_column_double(statement, index))
        case SQLITE_BLOB: return .blob(bytes: Int(sqlite3_column_bytes(statement, index)))
        default:
            guard let bytes = sqlite3_column_text(statement, index) else { return .null }
            let count = Int(sqlite3_column_bytes(statement, index))
            return .text(String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self))
        }
    }

    // MARK: Refusing

    private static let advice = """
        the warehouse is output and is never edited; correct the log instead (bedrot retract), or copy the file to work on it
        """

    /// SQLite counts ATTACH as reading, although it makes files, and PRAGMA too.
    private func checkVerb() throws {
        let text = SQLText.withoutComments(sql).trimmingSpaces
        guard !text.isEmpty else { throw Refusal(description: "the question is empty; write one SELECT") }
        let verb = text.drop { !$0.isLetter }.prefix { $0.isLetter }.uppercased()
        guard ["SELECT", "WITH", "VALUES", "EXPLAIN"].contains(verb) else {
            throw Refusal(description: "only questions, one SELECT: \(verb.isEmpty ? "this" : verb) is refused; \(Self.advice)")
        }
    }

    private func prepare(_ connection: OpaquePointer?, _ watch: Watch) throws -> OpaquePointer {
        let text = SQLText.expandMacros(sql)
        var statement: OpaquePointer?
        var rest = ""
        let code = text.withCString { start -> Int32 in
            var tail: UnsafePointer<CChar>?
            let code = sqlite3_prepare_v2(connection, start, -1, &statement, &tail)
            rest = tail.map { String(cString: $0) } ?? ""
            return code
        }
        guard code == SQLITE_OK, let statement else { throw refusal(connection, watch, position: text == sql) }
        let left = SQLText.withoutComments(rest).trimmingSpaces.drop { $0 == ";" || $0.isWhitespace }
        guard left.isEmpty, !text.utf8.contains(0) else {
            sqlite3_finalize(statement)
            throw Refusal(description: "only questions, one SELECT: a second statement is refused; \(Self.advice)")
        }
        guard sqlite3_stmt_readonly(statement) != 0 else {
            sqlite3_finalize(statement)
            throw Refusal(description: "only questions, one SELECT: this one writes; \(Self.advice)")
        }
        return statement
    }

    private func bind(_ statement: OpaquePointer) throws {
        var left = Set(parameters.keys)
        for index in 1..<(1 + sqlite3_bind_parameter_count(statement)) {
            guard let sign = sqlite3_bind_parameter_name(statement, index).map({ String(cString: $0) }), !sign.hasPrefix("?") else {
                throw Refusal(description: "a parameter without a name: write :name, and --param name=value")
            }
            let name = String(sign.dropFirst())
            left.remove(name)
            switch parameters[name] ?? offered[name].map({ .integer($0) }) {
            case nil:
                let isDay = name == "day"
                throw Refusal(
                    description: isDay
                        ? "\(sign) has no value: nothing was reported yet; say the day: --day YYYY-MM-DD"
                        : "\(sign) has no value; give it one: --param \(name)=VALUE")
            case .integer(let number): sqlite3_bind_int64(statement, index, number)
            case .text(let text): sqlite3_bind_text(statement, index, text, -1, unsafeBitCast(-1, to: sqlite3_destructor_type.self))
            case .real(let number): sqlite3_bind_double(statement, index, number)
            case .null, .blob: sqlite3_bind_null(statement, index)
            }
        }
        if let unused = left.sorted().first {
            throw Refusal(description: "the question has no :\(unused); leave --param \(unused) out, or write :\(unused) where it belongs")
        }
    }

    /// What SQLite says, and where in the text.
    private func refusal(_ connection: OpaquePointer?, _ watch: Watch, position: Bool) -> Refusal {
        if let denied = watch.denied { return Refusal(description: "only questions: \(denied) is refused; \(Self.advice)") }
        var message = String(cString: sqlite3_errmsg(connection))
        let offset = Int(sqlite3_error_offset(connection))
        let bytes = Array(sql.utf8)
        if position, offset >= 0, offset <= bytes.count {
            let before = bytes[..<offset]
            let line = before.count { $0 == 10 } + 1
            let start = before.lastIndex(of: 10).map { $0 + 1 } ?? 0
            message += ", at line \(line), column \(String(decoding: before[start...], as: UTF8.self).count + 1)"
        }
        if message.hasPrefix("no such table") || message.hasPrefix("no such column") {
            message += "; `bedrot schema` lists every table and column"
        }
        return Refusal(description: message)
    }

    /// Looks at every step that SQLite takes to compile and run a statement.
    private final class Watch {
        /// The first thing that was denied, in words.
        var denied: String?

        static let callback:
            @convention(c) (
                UnsafeMutableRawPointer?, Int32, UnsafePointer<CChar>?, UnsafePointer<CChar>?, UnsafePointer<CChar>?,
                UnsafePointer<CChar>?
            ) -> Int32 = { context, action, first, second, _, _ in
                guard let context else { return SQLITE_DENY }
                let watch = Unmanaged<Watch>.fromOpaque(context).takeUnretainedValue()
                let words = (first.map { String(cString: $0) } ?? "", second.map { String(cString: $0) } ?? "")
                guard let denied = Watch.denial(action, words.0, words.1) else { return SQLITE_OK }
                if watch.denied == nil { watch.denied = denied }
                return SQLITE_DENY
            }

        /// Pragmas that only describe tables, for `pragma_table_info('fact_x')` and its like.
        private static let descriptions: Set = [
            "table_info", "table_xinfo", "table_list", "index_list", "index_info", "index_xinfo",
        ]
        /// Functions that reach beyond the warehouse where SQLite has them.
        private static let dangers: Set = ["load_extension", "readfile", "writefile", "edit", "fts3_tokenizer"]

        private static func denial(_ action: Int32, _ first: String, _ second: String) -> String? {
            switch action {
            case SQLITE_SELECT, SQLITE_READ, SQLITE_RECURSIVE: nil
            case SQLITE_FUNCTION: dangers.contains(second.lowercased()) ? "\(second)()" : nil
            case SQLITE_PRAGMA: descriptions.contains(first.lowercased()) ? nil : "PRAGMA \(first)"
            case SQLITE_ATTACH: "ATTACH"
            case SQLITE_DETACH: "DETACH"
            // The first look at a table-valued function such as json_each says so; SQLite itself lets nobody change this table.
            case SQLITE_UPDATE where first == "sqlite_master": nil
            case SQLITE_INSERT: "writing to \(first)"
            case SQLITE_UPDATE, SQLITE_DELETE: "changing \(first)"
            case SQLITE_TRANSACTION, SQLITE_SAVEPOINT: "a transaction"
            default: "a statement that makes or changes tables"
            }
        }
    }
}

extension KPIQuestion {
    /// Runs `body` with every plain name showing what was known at an event; the connection must allow temporary views.
    package static func withViews<R>(
        at seq: Int64, _ database: Database, _ definitions: DefinitionSet, _ body: () throws -> R
    ) throws -> R {
        try KPIEngine(database: database, definitions: definitions, tables: []).withKnownViews(at: seq, body)
    }
}
