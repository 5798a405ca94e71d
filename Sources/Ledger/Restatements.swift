import Cleaning
import EventLog
import GRDB
import Projection

/// A figure that a later capture changed, or withdrew.
package struct Restatement: Sendable {
    package let table: String
    /// Natural key in words: column, value.
    package let key: [(String, String)]
    /// Column, before, after; `after` is nil where the row was withdrawn.
    package let changes: [(column: String, before: String?, after: String?)]
    package let since: Int64
    package let event: Int64
    package let time: String
    package let isWithdrawn: Bool
}

/// Which restatements are asked for.
package struct RestatementFilter: Sendable {
    /// A platform's name or member id; tables without a platform tell nothing then.
    package var platform: String?
    /// Days that a row's own day or month must touch.
    package var period: ClosedRange<Int64>?

    package init(platform: String? = nil, period: ClosedRange<Int64>? = nil) {
        self.platform = platform
        self.period = period
    }

    /// Source values of a platform, by its name or member id.
    fileprivate static func sources(of platform: String, _ database: Database) throws -> [Int64] {
        let norm = SourceNames.normalised(platform.hasPrefix("platform:") ? String(platform.dropFirst(9)) : platform)
        return try Row.fetchAll(database, sql: "SELECT source_id, platform_id, name FROM platform_of").filter {
            [$0["platform_id"] as String, $0["name"]].contains { text in
                SourceNames.normalised(text.hasPrefix("platform:") ? String(text.dropFirst(9)) : text) == norm
            }
        }.map { $0["source_id"] as Int64 }
    }

    /// Conditions over the closed version `o`; nil where the table can hold nothing that is asked for.
    fileprivate func condition(_ shape: TableShape, _ database: Database) throws -> String? {
        var conditions = ""
        if let platform {
            guard let column = shape.columns.first(where: { $0.storage == .source("platform") }) else { return nil }
            let ids = try Self.sources(of: platform, database)
            conditions += " AND o.\"\(column.name)\" IN (\(ids.map(String.init).joined(separator: ", ")))"
        }
        if let period {
            if let day = shape.columns.first(where: { shape.keys.contains($0.name) && $0.storage == .day }) {
                conditions += " AND o.\"\(day.name)\" BETWEEN \(period.lowerBound) AND \(period.upperBound)"
            } else if let month = shape.columns.first(where: { shape.keys.contains($0.name) && $0.storage == .month }) {
                let months = [period.lowerBound, period.upperBound].compactMap {
                    CalendarDay.month(String(CalendarDay.text(day: $0).prefix(7)))
                }
                conditions += " AND o.\"\(month.name)\" BETWEEN \(months[0]) AND \(months[1])"
            } else {
                return nil
            }
        }
        return conditions
    }
}

/// Everything that one event restated, what caused it, and how the KPIs moved.
package struct RestatingEvent: Sendable {
    package let event: Int64
    /// When it was written, UTC.
    package let time: String
    /// What caused it, in one sentence.
    package let cause: String
    /// The figures, as far as the limit lets them through.
    package let items: [Restatement]
    /// KPI values for the day of the next snapshot: as known just before the event, and just after.
    package var effects: [KPIMove] = []
}

extension Lake {
    /// Figures that later events changed or withdrew, newest first; read from closed versions (for statements from the kept totals).
    package func restatements(
        limit: Int, table wanted: String? = nil, since: Int64 = 0, until: Int64 = .max, filter: RestatementFilter = .init()
    ) throws -> [Restatement] {
        let definitions = try definitionsInForce()
        var found: [Restatement] = []
        if let wanted {
            let known = definitions.facts.flatMap { [$0.name] + $0.totals.map(\.name) }
            guard known.contains(wanted) else {
                let near = NearNames.of(wanted, in: known, most: 1).first.map { "did you mean \($0)?" } ?? "`bedrot schema` lists them"
                throw LedgerError("there is no fact or total “\(wanted)”; \(near)")
            }
        }
        try warehouse().queue.read { database in
            if let platform = filter.platform, try RestatementFilter.sources(of: platform, database).isEmpty {
                let known = try String.fetchAll(database, sql: "SELECT DISTINCT name FROM platform_of ORDER BY name")
                throw LedgerError("there is no platform “\(platform)”\(NearNames.questionOrList(platform, in: known))")
            }
            for fact in definitions.facts {
                // Of several kept totals the first tells all: the others are the same money once more.
                let totals = fact.totals.map(\.name)
                let names =
                    fact.identity == .row
                    ? totals.filter { $0 == wanted } + totals.prefix(wanted.map(totals.contains) == true ? 0 : 1) : [fact.name]
                for name in names where wanted == nil || wanted == name || wanted == fact.name {
                    found += try Self.restatements(
                        database, table: name, fact: fact, limit: limit, after: since, to: until, filter: filter)
                }
            }
        }
        found.sort {
            ($0.event, $0.table) != ($1.event, $1.table)
                ? ($0.event, $0.table) > ($1.event, $1.table) : $0.key.map(\.1).lexicographicallyPrecedes($1.key.map(\.1))
        }
        let kept = Array(found.prefix(limit))
        return try log.read { transaction in
            try kept.map { item in
                Restatement(
                    table: item.table, key: item.key, changes: item.changes, since: item.since, event: item.event,
                    time: try transaction.event(item.event)?.time.iso ?? "", isWithdrawn: item.isWithdrawn)
            }
        }
    }

    private static func restatements(
        _ database: Database, table: String, fact: FactDefinition, limit: Int, after: Int64, to: Int64, filter: RestatementFilter
    ) throws -> [Restatement] {
        let shape = TableShape(table, of: fact)
        guard let condition = try filter.condition(shape, database) else { return [] }
        func columns(_ alias: String) -> String { shape.columns.map { "\(alias).\"\($0.name)\"" }.joined(separator: ", ") }
        let keys = shape.keys.map { "n.\"\($0)\" IS o.\"\($0)\"" }.joined(separator: " AND ")
        let count = shape.columns.count
        let rows = try Row.fetchAll(
            database,
            sql:
                """
                SELECT o.from_seq, o.to_seq, n.id IS NULL, \(columns("o")), \(columns("n")) FROM "\(table)_v" o LEFT JOIN \
                "\(table)_v" n ON \(keys) AND n.from_seq = o.to_seq WHERE o.to_seq IS NOT NULL AND o.to_seq > ? AND \
                o.to_seq <= ?\(condition) ORDER BY o.to_seq DESC, \((4..<(4 + count)).map(String.init).joined(separator: ", ")) LIMIT ?
                """,
            arguments: [after, to, limit])
        return try rows.map { row in
            func text(_ index: Int, _ column: FactDefinition.Column) throws -> String? {
                guard let value = row[index] as Int64? else { return nil }
                return try CellText.text(value, column, database)
            }
            var key: [(String, String)] = []
            var changes: [(column: String, before: String?, after: String?)] = []
            let isWithdrawn: Bool = row[2]
            for (i, column) in shape.columns.enumerated() {
                let before = try text(3 + i, column)
                if shape.keys.contains(column.name) {
                    key.append((column.name, before ?? ""))
                } else {
                    let after = isWithdrawn ? nil : try text(3 + count + i, column)
                    if isWithdrawn ? before != nil : before != after { changes.append((column.name, before, after)) }
                }
            }
            return Restatement(table: table, key: key, changes: changes, since: row[0], event: row[1], time: "", isWithdrawn: isWithdrawn)
        }
    }

    /// The same, by the event that restated, with its cause and its effect on every KPI that reads a table it touched.
    package func restatingEvents(
        limit: Int, table: String? = nil, since: Int64 = 0, until: Int64 = .max, filter: RestatementFilter = .init()
    ) throws -> [RestatingEvent] {
        let found = try restatements(limit: limit, table: table, since: since, until: until, filter: filter)
        let definitions = try definitionsInForce()
        var events = try log.read { transaction in
            try Dictionary(grouping: found, by: \.event).sorted { $0.key > $1.key }.map { seq, items in
                RestatingEvent(
                    event: seq, time: items[0].time, cause: try transaction.event(seq).map { try cause($0, items, transaction) } ?? "",
                    items: items)
            }
        }
        guard !events.isEmpty else { return [] }
        try Warehouse.Reader(layout, scratch: true).queue.writeWithoutTransaction { database in
            let question = KPIQuestion(database: database, definitions: definitions)
            let refused = Set(try RefusedKPI.all(database).map(\.kpi))
            let readers = try definitions.kpis.filter { !refused.contains($0.id) }.map { (kpi: $0, tables: try question.tables($0)) }
            // All at once: the guards are asked and the views are made once, and not for every event.
            var questions: [(kpi: KPIDefinition, day: Int64, seq: Int64)] = []
            var asked: [(index: Int, kpis: [KPIDefinition])] = []
            for (index, event) in events.enumerated() {
                let tables = Set(event.items.map(\.table)).union(
                    definitions.facts.filter { fact in
                        event.items.contains { item in fact.name == item.table || fact.totals.contains { $0.name == item.table } }
                    }.flatMap { fact in fact.tableNames })
                let kpis = readers.filter { !$0.tables.isDisjoint(with: tables) }.map(\.kpi)
                let day = try Int64.fetchOne(
                    database,
                    sql: "SELECT day_no FROM kpi_snapshot WHERE seq >= ? ORDER BY seq LIMIT 1", arguments: [event.event])
                guard let day = try day ?? Int64.fetchOne(database, sql: "SELECT MAX(day_no) FROM kpi_snapshot") else { continue }
                asked.append((index, kpis))
                for seq in [event.event - 1, event.event] { questions += kpis.map { (kpi: $0, day: day, seq: seq) } }
            }
            var values = try question.values(questions)[...]
            for (index, kpis) in asked {
                let before = values.prefix(kpis.count).flatMap(\.self)
                let after = values.dropFirst(kpis.count).prefix(kpis.count).flatMap(\.self)
                values = values.dropFirst(2 * kpis.count)
                events[index].effects = kpiMoves(before, after, kpis)
            }
        }
        return events
    }

    /// What made an event change figures: a file, a contract, a person, with the reason where one was given.
    private func cause(_ event: Event, _ items: [Restatement], _ transaction: borrowing ReadTransaction) throws -> String {
        func file(_ seq: Int64?) throws -> String {
            guard let seq, let captured = try transaction.event(seq), let name = captured.body["name"]?.string else { return "a capture" }
            return "\(name) (capture \(seq))"
        }
        let reason = event.body["reason"]?.string.map { ": \($0)" } ?? ""
        switch EventType(rawValue: event.type) {
        case .promoted:
            let captures = (event.body["items"]?.array ?? []).compactMap { $0["capture"]?.int }
            let contract = event.body["contract"]?.string
            let earlier = try earlierContract(of: captures, before: event, transaction)
            if let earlier, earlier != contract {
                return
                    """
                    the contract of \(event.stream) changed: its \(captures.count) \
                    \(captures.count == 1 ? "capture was" : "captures were") \
                    cleaned anew
                    """
            }
            if captures.count == 1 { return "a newer file of \(event.stream): \(try file(captures[0]))" }
            return "\(captures.count) files of \(event.stream), the first \(try file(captures.first))"
        case .retracted: return "withdrawn by a person: \(try file(event.body["capture"]?.int))\(reason)"
        case .reinstated: return "a withdrawal was taken back: \(try file(event.body["capture"]?.int))\(reason)"
        case .accepted:
            return
                "a person let \(event.body["label"]?.string ?? "a partition") of \(try file(event.body["capture"]?.int)) through\(reason)"
        case .quarantined: return "held back: \(try file(event.body["capture"]?.int)), \(event.body["code"]?.string ?? "")"
        default: return event.type
        }
    }

    /// The contract that the same captures were promoted with before an event; nil where this is their first promotion.
    private func earlierContract(of captures: [Int64], before event: Event, _ transaction: borrowing ReadTransaction) throws -> String? {
        guard event.seq > 1 else { return nil }
        var found: String?
        try transaction.events(
            EventQuery(seqs: 1...(event.seq - 1), streams: [event.stream], types: [EventType.promoted.rawValue], newestFirst: true)
        ) { other in
            guard (other.body["items"]?.array ?? []).contains(where: { $0["capture"]?.int.map(captures.contains) ?? false }) else {
                return true
            }
            found = other.body["contract"]?.string
            return false
        }
        return found
    }
}
