package import EventLog
import GRDB
package import Projection

/// Columns and rows of an answer; cells are text, whole numbers (larger ones as text) or null.
package struct QueryResult: Sendable {
    package let columns: [String]
    package let rows: [[JSON]]
}

extension Lake {
    /// Runs one SELECT over the live warehouse; `events` is the log. Nothing can be written.
    package func query(_ sql: String) throws -> QueryResult {
        // SQLite counts ATTACH as reading, although it makes files.
        let verb = SQLText.withoutComments(sql).drop { !$0.isLetter }.prefix { $0.isLetter }.uppercased()
        guard ["SELECT", "WITH", "VALUES", "EXPLAIN"].contains(verb) else { throw Self.onlyQuestions }
        return try Warehouse.Reader(layout, scratch: true).queue.writeWithoutTransaction { database in
            if sql.lowercased().contains("events") { try fillEvents(database) }
            try database.execute(sql: "PRAGMA query_only = 1")
            let statement = try database.makeStatement(sql: sql)
            guard statement.isReadonly else {
                throw LedgerError("only questions: the warehouse is output and is never edited; correct the log instead (bedrot retract)")
            }
            var rows: [[JSON]] = []
            let cursor = try Row.fetchCursor(statement)
            while let row = try cursor.next() {
                rows.append(
                    row.databaseValues.map { value in
                        switch value.storage {
                        case .null: .null
                        case .int64(let number): number.magnitude < 1 << 53 ? .int(number) : .string(String(number))
                        case .double(let number): .string(String(number))
                        case .string(let text): .string(text)
                        case .blob(let data): .string("\(data.count) bytes")
                        }
                    })
            }
            return QueryResult(columns: statement.columnNames, rows: rows)
        }
    }

    private static var onlyQuestions: LedgerError {
        LedgerError("only questions, one SELECT: the warehouse is output and is never edited; correct the log instead (bedrot retract)")
    }

    private func fillEvents(_ database: Database) throws {
        try database.execute(
            sql:
                """
                CREATE TEMP TABLE events (seq INTEGER PRIMARY KEY, id TEXT, time TEXT, type TEXT, stream TEXT, actor TEXT, run \
                TEXT, body TEXT)
                """
        )
        let insert = try database.makeStatement(sql: "INSERT INTO temp.events VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
        try database.inTransaction {
            try log.read { transaction in
                try transaction.events(EventQuery()) { event in
                    try insert.execute(arguments: [
                        event.seq, event.id.hex, event.time.iso, event.type, event.stream, event.actor, event.run,
                        String(decoding: try event.body.canonical(), as: UTF8.self),
                    ])
                    return true
                }
            }
            return .commit
        }
    }

    /// The event of a seq, or the one whose id begins so.
    package func event(_ name: String) throws -> Event {
        if let seq = Int64(name), name.utf8.count < 16 {
            guard let event = try log.read({ try $0.event(seq) }) else {
                throw LedgerError("the log has no event \(seq); its head is \(try log.read { try $0.head().seq })")
            }
            return event
        }
        if let id = Hash256(hex: name) {
            guard let event = try log.read({ transaction in try transaction.seq(ofID: id).flatMap { try transaction.event($0) } }) else {
                throw LedgerError("no event has the id \(name)")
            }
            return event
        }
        var found: [Event] = []
        try log.read { transaction in
            try transaction.events(EventQuery()) { event in
                if event.id.hex.hasPrefix(name) { found.append(event) }
                return found.count < 2
            }
        }
        guard let first = found.first else {
            throw LedgerError("no event has an id that begins with “\(name)”; `bedrot events` lists them")
        }
        guard found.count == 1 else { throw LedgerError("more than one id begins with “\(name)”; write more of it") }
        return first
    }

    /// `fact.column` of what a KPI names, and the quality issues of the facts it reads.
    package func reads(of kpi: KPIDefinition) throws -> (columns: [String], issues: [QualityIssue]) {
        let definitions = try definitionsInForce()
        return try Warehouse.Reader(layout, scratch: true).queue.writeWithoutTransaction { database in
            let reads = try KPIQuestion(database: database, definitions: definitions).reads(kpi)
            return (reads.columns.sorted(), reads.issues)
        }
    }
}
