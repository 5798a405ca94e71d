package import Cleaning
import EventLog
package import GRDB
package import Projection

/// How partitions are written for people.
package enum PartitionLabel {
    /// The ISO day or month of a partition; other types keep their number.
    package static func text(_ value: Int64, _ type: ColumnType) -> String {
        switch type {
        case .day: CalendarDay.text(day: value)
        case .month: CalendarDay.text(month: value)
        default: String(value)
        }
    }

    /// Reads a label back: a day, a month or a whole number; nil if it is none of them.
    package static func value(_ text: String) -> Int64? { CalendarDay.day(text) ?? CalendarDay.month(text) ?? Int64(text) }
}

/// The values of all KPIs at one snapshot.
package struct KPISnapshot: Sendable {
    package let seq: Int64
    package let time: String
    package let day: Int64
    package let values: [KPIValue]
}

extension Lake {
    /// A reader of the live warehouse: the one that somebody still holds, if it reads the generation that is live.
    package func warehouse() throws -> Warehouse.Reader {
        if let held = heldReader, try Warehouse.liveGeneration(layout) == held.generation { return held }
        let reader = try Warehouse.Reader(layout)
        heldReader = reader
        return reader
    }

    // MARK: KPIs

    /// The newest snapshot.
    package func latestKPIs() throws -> KPISnapshot {
        try warehouse().queue.read { database in
            guard let row = try Row.fetchOne(database, sql: "SELECT seq, time, day_no FROM kpi_snapshot ORDER BY seq DESC LIMIT 1") else {
                return KPISnapshot(seq: 0, time: "", day: 0, values: [])
            }
            return KPISnapshot(
                seq: row["seq"], time: row["time"], day: row["day_no"],
                values: try Self.values(database, "WHERE seq = ? ORDER BY kpi, dims", [row["seq"] as Int64]))
        }
    }

    private static func values(_ database: Database, _ condition: String, _ arguments: StatementArguments) throws -> [KPIValue] {
        try Row.fetchAll(database, sql: "SELECT * FROM kpi_value \(condition)", arguments: arguments).map { KPIValue($0) }
    }

    /// What differs between two snapshots, in the order of ids and dimensions. KPIs of the ledger's own work are no news: they move always.
    func kpiMoves(_ before: [KPIValue], _ after: [KPIValue], _ definitions: [KPIDefinition]) -> [KPIMove] {
        let byID = Dictionary(uniqueKeysWithValues: definitions.map { ($0.id, $0) })
        func keyed(_ values: [KPIValue]) -> [String: KPIValue] {
            Dictionary(values.map { ("\($0.kpi) \($0.dimensions)", $0) }, uniquingKeysWith: { first, _ in first })
        }
        let (old, new) = (keyed(before), keyed(after))
        return Set(old.keys).union(new.keys).sorted().compactMap { key in
            guard old[key] != new[key], let value = new[key] ?? old[key], let definition = byID[value.kpi] else { return nil }
            guard definition.domain != "operations" else { return nil }
            // A row that says nothing reads like no row.
            let shown = [old[key], new[key]].map { $0?.text(unit: definition.unit, decimals: definition.decimals) ?? "–" }
            if shown[0] == shown[1] { return nil }
            return KPIMove(kpi: definition, dimensions: value.dimensions, before: old[key], after: new[key])
        }
    }

    /// The definitions that the live generation was made with.
    package func definitionsInForce() throws -> DefinitionSet {
        let seq = try warehouse().queue.read { try Int64.fetchOne($0, sql: "SELECT seq FROM checkpoint") ?? 0 }
        return try projector.definitions(until: seq)
    }

    /// The definition in force; throws with ids like it when there is none.
    package func kpi(_ id: String) throws -> KPIDefinition {
        let kpis = try definitionsInForce().kpis
        guard let kpi = kpis.first(where: { $0.id == id }) else {
            throw LedgerError(
                "there is no KPI “\(id)”\(NearNames.question(id, in: kpis.map(\.id))) `bedrot kpi list` shows all \(kpis.count)")
        }
        return kpi
    }

    /// Values of one KPI, asked of the facts as known at a seq and for a day; nil means the head and the newest snapshot's day.
    package func kpiValues(_ kpi: KPIDefinition, day: Int64?, knownAt: Int64?) throws -> (seq: Int64, day: Int64, values: [KPIValue]) {
        let definitions = try definitionsInForce()
        if let knownAt { try requireProjected(knownAt) }
        return try Warehouse.Reader(layout, scratch: true).queue.writeWithoutTransaction { database in
            let head = try Int64.fetchOne(database, sql: "SELECT seq FROM checkpoint") ?? 0
            let seq = knownAt ?? head
            let snapshot = try Row.fetchOne(
                database, sql: "SELECT day_no, time FROM kpi_snapshot WHERE seq <= ? ORDER BY seq DESC LIMIT 1", arguments: [seq])
            if knownAt != nil, day == nil, snapshot == nil {
                throw LedgerError("nothing was known at event \(seq): no run had been completed that brought figures; take a later event")
            }
            let asked: Int64 = day ?? snapshot?["day_no"] ?? 0
            let time = (snapshot?["time"] as String?).flatMap { Timestamp(iso: $0) } ?? Timestamp(milliseconds: 0)
            return (
                seq, asked,
                try KPIQuestion(database: database, definitions: definitions).values(kpi, day: asked, seq: seq, now: time.milliseconds)
            )
        }
    }

    /// Many questions at once: the values of each KPI, by id, on its day, from what was known at its event; in the order asked.
    ///
    /// The clock of a question (`:now_ms`) is the midnight after its day.
    package func kpiValues(asking questions: [(kpi: String, day: Int64, seq: Int64)]) throws -> [[KPIValue]] {
        let definitions = try definitionsInForce()
        let known = Dictionary(uniqueKeysWithValues: definitions.kpis.map { ($0.id, $0) })
        let asked = try questions.map { question in
            guard let kpi = known[question.kpi] else {
                throw LedgerError("there is no KPI “\(question.kpi)”\(NearNames.question(question.kpi, in: known.keys))")
            }
            return (kpi: kpi, day: question.day, seq: question.seq)
        }
        return try Warehouse.Reader(layout, scratch: true).queue.writeWithoutTransaction { database in
            try KPIQuestion(database: database, definitions: definitions).values(asked)
        }
    }

    /// The past of a KPI: a value at every snapshot, newest last.
    package func kpiHistory(_ kpi: KPIDefinition, limit: Int?) throws -> [(seq: Int64, day: Int64, value: KPIValue)] {
        try warehouse().queue.read { database in
            try Row.fetchAll(
                database,
                sql:
                    """
                    SELECT v.*, s.day_no FROM kpi_value v JOIN kpi_snapshot s ON s.seq = v.seq WHERE \
                    v.kpi = ? AND v.seq IN (SELECT seq FROM kpi_snapshot ORDER BY seq DESC LIMIT ?) ORDER BY v.seq, v.dims
                    """,
                arguments: [kpi.id, limit ?? -1]
            ).map { ($0["seq"], $0["day_no"], KPIValue($0)) }
        }
    }

    /// A KPI day by day as known now: from the first day of its evidence (at most two years) to the last, every so many days.
    ///
    /// - Parameter limit: only so many days, the last ones.
    package func kpiByDay(_ kpi: KPIDefinition, every step: Int64, limit: Int? = nil) throws -> [(seq: Int64, day: Int64, value: KPIValue)]
    {
        let definitions = try definitionsInForce()
        let told = Set(kpi.evidence.map(\.fact)).sorted().compactMap { name in
            definitions.facts.first { $0.name == name }.flatMap { fact in
                fact.columns.first { $0.isKey && $0.storage == .day }.map { (fact: fact.name, day: $0.name) }
            }
        }
        guard !told.isEmpty else {
            throw LedgerError("\(kpi.id) has no day of its own to go by (its file names no evidence); use `--by snapshot`")
        }
        return try Warehouse.Reader(layout, scratch: true).queue.writeWithoutTransaction { database in
            let seq = try Int64.fetchOne(database, sql: "SELECT seq FROM checkpoint") ?? 0
            let ends = try told.compactMap { told -> ClosedRange<Int64>? in
                let row = try Row.fetchOne(database, sql: "SELECT MIN(\"\(told.day)\"), MAX(\"\(told.day)\") FROM \"\(told.fact)\"")
                guard let first: Int64 = row?[0], let last: Int64 = row?[1] else { return nil }
                return first...last
            }
            guard let first = ends.map(\.lowerBound).min(), let last = ends.map(\.upperBound).max() else { return [] }
            let question = KPIQuestion(database: database, definitions: definitions)
            var found: [(seq: Int64, day: Int64, value: KPIValue)] = []
            let steps = min((last - max(first, last - 730)) / step, Int64(limit ?? .max) - 1)
            for day in stride(from: last - steps * step, through: last, by: Int(step)) {
                for value in try question.currentValues(kpi, day: day, seq: seq) { found.append((seq, day, value)) }
            }
            return found
        }
    }
}

/// An integer of the warehouse in words.
package enum CellText {
    /// Days and months in ISO form, nano units as decimals, source values as the files spell them, “?” for an unknown one.
    package static func text(_ value: Int64, _ column: FactDefinition.Column, _ database: Database) throws -> String {
        switch column.storage {
        case .day: CalendarDay.text(day: value)
        case .month: CalendarDay.text(month: value)
        case .nano: nano(value)
        case .count, .flag: String(value)
        case .source: try String.fetchOne(database, sql: "SELECT value FROM source_value WHERE id = ?", arguments: [value]) ?? "?"
        }
    }

    /// Nano units as a decimal with as few digits as say the same.
    package static func nano(_ value: Int64) -> String { Money.decimal(value) }
}
