package import EventLog
import GRDB
package import Projection

/// Columns and rows of an answer; cells are text, whole numbers (larger ones as text) or null.
package struct QueryResult: Sendable {
    package let columns: [String]
    package let rows: [[JSON]]
}

/// A question in SQL, with the two clocks that it may be asked at.
package struct Question: Sendable {
    package var sql: String
    /// Values by the names of parameters; `day`, `seq` and `now_ms` are given by the lake.
    package var parameters: [String: AnswerCell] = [:]
    /// The day reported on, `:day`; nil means that of the newest snapshot known then.
    package var day: Int64?
    /// What ``Lake/known(at:)`` reads; nil means now.
    package var knownAt: String?

    package init(_ sql: String) { self.sql = sql }

    /// Reads `name=value`: a whole number where the value reads as one, text otherwise or behind `text:`.
    ///
    /// - Throws: ``LedgerError`` without a name, and for the names that the lake gives.
    package mutating func set(_ pair: String) throws {
        let name = String(pair.prefix { $0 != "=" })
        func isWord(_ byte: UInt8) -> Bool {
            byte == 95 || (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
        }
        guard pair.contains("="), !name.isEmpty, name.utf8.allSatisfy(isWord) else {
            throw LedgerError("“\(pair)” is not name=value; a name has letters, digits and _")
        }
        guard !["day", "seq", "now_ms"].contains(name) else {
            throw LedgerError(":\(name) is given by \(name == "day" ? "--day" : "--known-at"); leave --param \(name) out")
        }
        guard parameters[name] == nil else { throw LedgerError("--param \(name) is given twice; keep one") }
        let value = String(pair.dropFirst(name.count + 1))
        if value.hasPrefix("text:") {
            parameters[name] = .text(String(value.dropFirst(5)))
        } else {
            parameters[name] = Int64(value).map { .integer($0) } ?? .text(value)
        }
    }
}

extension AnswerCell {
    /// Whole numbers that fit a JSON number as such, larger ones and decimals as text.
    package var json: JSON {
        switch self {
        case .null: .null
        case .integer(let number): number.magnitude < 1 << 53 ? .int(number) : .string(String(number))
        case .real(let number): .string(String(number))
        case .text(let text): .string(text)
        case .blob(let bytes): .string("\(bytes) bytes")
        }
    }
}

extension Lake {
    /// Asks the warehouse in SQL and hands over the rows one by one, until `row` returns false. Nothing can be written.
    ///
    /// Plain names show the facts as known at the moment asked for; the table `events` is the log up to it. `:day`, `:seq` and `:now_ms`
    /// mean what they mean in a KPI. Memory does not grow with the answer.
    ///
    /// - Throws: ``LedgerError`` for what is no question, mistakes in the SQL, and a moment that is none.
    package func ask(_ question: Question, begin: ([String]) throws -> Void, row: ([AnswerCell]) throws -> Bool) throws {
        let moment = try question.knownAt.map { try known(at: $0) }
        let definitions = try moment.map { _ in try definitionsInForce() }
        try Warehouse.Reader(layout, scratch: true).queue.writeWithoutTransaction { database in
            let seq = try moment?.seq ?? Int64.fetchOne(database, sql: "SELECT seq FROM checkpoint") ?? 0
            let snapshot = try Row.fetchOne(
                database, sql: "SELECT day_no, time FROM kpi_snapshot WHERE seq <= ? ORDER BY seq DESC LIMIT 1", arguments: [seq])
            let now = (snapshot?["time"] as String?).flatMap { Timestamp(iso: $0) }?.milliseconds ?? 0
            var offered = ["seq": seq, "now_ms": now]
            offered["day"] = question.day ?? snapshot?["day_no"]
            if SQLText.contains("events", in: question.sql) { try fillEvents(database, until: moment?.seq) }
            let free = FreeQuestion(question.sql, parameters: question.parameters, offered: offered)
            func run() throws { try free.run(on: database, begin: begin, row: row) }
            do {
                guard let definitions else { return try run() }
                try KPIQuestion.withViews(at: seq, database, definitions) { try run() }
            } catch let refusal as FreeQuestion.Refusal {
                throw LedgerError(refusal.description)
            }
        }
    }

    /// The whole answer of one SELECT as known now, for short answers; see ``ask(_:begin:row:)``.
    package func query(_ sql: String) throws -> QueryResult {
        var columns: [String] = []
        var rows: [[JSON]] = []
        try ask(Question(sql)) { names in
            columns = names
        } row: { cells in
            rows.append(cells.map(\.json))
            return true
        }
        return QueryResult(columns: columns, rows: rows)
    }

    private func fillEvents(_ database: Database, until seq: Int64?) throws {
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
                try transaction.events(EventQuery(seqs: 1...(seq ?? Int64.max))) { event in
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
