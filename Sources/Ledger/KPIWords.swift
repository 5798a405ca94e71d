import Cleaning
import EventLog
import GRDB
package import Projection

extension Lake {
    /// Why a KPI has no value on a day, in a few words.
    package func whyNoValue(_ kpi: KPIDefinition, on day: Int64) throws -> String {
        let nothing = "no value: nothing was reported"
        guard let goal = kpi.goal, try definitionsInForce().reference.tables.contains(where: { $0.view == "ref_goal" }),
            try reads(of: kpi).columns.contains(where: { $0.hasPrefix("ref_goal.") })
        else { return nothing }
        let rows = try goalRows()
        guard !rows.contains(where: { $0.goal == goal && $0.phase(on: day, among: rows) == .held }) else { return nothing }
        return """
            no value: no goal \(goal) is in force on \(CalendarDay.text(day: day)): bedrot reference set goal goal=\(goal) \
            from_day=YYYY-MM-DD target=…
            """
    }

    /// The newest day not after `day` that the facts behind each KPI tell, by KPI: of the facts that its evidence names, as known now or
    /// at an event. KPIs whose evidence has no days are left out.
    package func newestDays(_ kpis: [KPIDefinition], day: Int64, knownAt: Int64? = nil) throws -> [String: Int64] {
        let definitions = try definitionsInForce()
        var days: [String: String] = [:]
        for fact in definitions.facts { days[fact.name] = fact.columns.first { $0.isKey && $0.storage == .day }?.name }
        func newest(_ database: Database) throws -> [String: Int64] {
            var byFact: [String: Int64] = [:]
            for fact in Set(kpis.flatMap { $0.evidence.map(\.fact) }).sorted() {
                guard let column = days[fact] else { continue }
                byFact[fact] = try Int64.fetchOne(
                    database, sql: "SELECT MAX(\"\(column)\") FROM \"\(fact)\" WHERE \"\(column)\" <= ?", arguments: [day])
            }
            var found: [String: Int64] = [:]
            for kpi in kpis { found[kpi.id] = kpi.evidence.compactMap { byFact[$0.fact] }.max() }
            return found
        }
        guard let knownAt else { return try warehouse().queue.read(newest) }
        return try Warehouse.Reader(layout, scratch: true).queue.writeWithoutTransaction { database in
            try KPIQuestion(database: database, definitions: definitions).asKnown(at: knownAt) { try newest(database) }
        }
    }
}

/// How old what a value rests on may be before it is worth a word.
package enum DataAge {
    /// “no data after 2025-08-23, 457 days before”, where the newest day lies more than a week before the day reported on.
    package static func remark(newest: Int64?, day: Int64) -> String? {
        guard let newest, day - newest > 7 else { return nil }
        return "no data after \(CalendarDay.text(day: newest)), \(day - newest) days before"
    }
}

extension KPIDefinition {
    /// The values whose dimensions are as asked; throws where none is.
    package func values(_ values: [KPIValue], matching filter: [String: String]) throws -> [KPIValue] {
        guard !filter.isEmpty else { return values }
        if let unknown = filter.keys.filter({ !dimensions.contains($0) }).min() {
            let told = dimensions.isEmpty ? "it has no dimension" : "it is told by \(dimensions.joined(separator: ", "))"
            throw LedgerError("\(id) has no dimension \(unknown): \(told)")
        }
        let found = try values.filter { try $0.matches(filter) }
        guard !found.isEmpty else {
            let names = filter.map { "\($0.key)=\($0.value)" }.sorted().joined(separator: " ")
            throw LedgerError("\(id) has no value with \(names); `bedrot kpi show \(id)` lists its values")
        }
        return found
    }
}
