import Cleaning
import EventLog
import GRDB
package import Projection

/// Everything that is known of a KPI's value: where it comes from, what it covers, and why another page may show another figure.
package struct KPIExplanation: Sendable {
    /// One dataset behind the value.
    package struct Source: Sendable {
        package let stream: String
        /// What it sees of the plays, where it counts them.
        package let observer: String?
        /// Where a day begins, as the contract says it.
        package let dayZone: String
        /// Days until the source's figures are whole.
        package let lagDays: Int
        /// Whether its last day may be unfinished.
        package let hasPartialLastDay: Bool
        /// The newest day with figures; nil where the facts have no day.
        package let newestDay: Int64?
        /// When its newest live capture was seen, UTC.
        package let observed: String?
        /// Live captures.
        package let captures: Int64
    }

    /// How a figure from elsewhere may be explained.
    package struct Comparison: Sendable {
        /// The figure as it was written.
        package let figure: String
        /// The likely cause, most likely first; empty where nothing fits.
        package let causes: [String]
    }

    package let kpi: KPIDefinition
    package let seq: Int64
    package let day: Int64
    package let values: [KPIValue]
    /// `table.column` of what its SQL names.
    package let reads: [String]
    package let sources: [Source]
    package let issues: [QualityIssue]
    /// The newest events that restated a table it reads, at most three.
    package let restatements: [RestatingEvent]
    package var comparison: Comparison?
}

extension Lake {
    /// Explains a KPI on a day, as known at an event.
    ///
    /// - Parameter filter: dimension values that must match.
    /// - Parameter figure: a number seen elsewhere, in the unit that people see.
    package func explain(_ kpi: KPIDefinition, filter: [String: String], day: Int64?, knownAt: Int64?, figure: String?) throws
        -> KPIExplanation
    {
        let answer = try kpiValues(kpi, day: day, knownAt: knownAt)
        let values = try answer.values.filter { try $0.matches(filter) }
        guard filter.isEmpty || !values.isEmpty else {
            let names = filter.map { "\($0.key)=\($0.value)" }.sorted().joined(separator: " ")
            throw LedgerError("\(kpi.id) has no value with \(names); `bedrot kpi show \(kpi.id)` lists its values")
        }
        let definitions = try definitionsInForce()
        var (reads, issues, origins): ([String], [QualityIssue], [KPIExplanation.Source]) = ([], [], [])
        var tables: Set<String> = []
        try Warehouse.Reader(layout, scratch: true).queue.writeWithoutTransaction { database in
            let question = KPIQuestion(database: database, definitions: definitions)
            let read = try question.reads(kpi)
            (reads, issues) = (read.columns.sorted(), read.issues)
            tables = try question.tables(kpi)
            origins = try sources(tables, definitions, database)
        }
        var restated: [RestatingEvent] = []
        for fact in definitions.facts where fact.tableNames.contains(where: tables.contains) {
            restated += try restatingEvents(limit: 3, table: fact.name)
        }
        restated.sort { $0.event > $1.event }
        var explanation = KPIExplanation(
            kpi: kpi, seq: answer.seq, day: answer.day, values: values, reads: reads, sources: origins, issues: issues,
            restatements: Array(restated.prefix(3)))
        if let figure {
            explanation.comparison = try compare(figure, with: explanation, filter: filter)
        }
        return explanation
    }

    private func sources(_ tables: Set<String>, _ definitions: DefinitionSet, _ database: Database) throws -> [KPIExplanation.Source] {
        let facts = definitions.facts.filter { fact in fact.tableNames.contains(where: tables.contains) }
        var sources: [String: KPIExplanation.Source] = [:]
        for fact in facts {
            let day = fact.columns.first { $0.isKey && $0.storage == .day }?.name ?? fact.partition
            let observer = definitions.guards.observers.filter { $0.key.hasPrefix("\(fact.name).") }.map(\.value).min()
            for stream in fact.streams {
                guard let contract = definitions.contracts[stream]?.contract else { continue }
                let capture = try Row.fetchOne(
                    database, sql: "SELECT COUNT(*), MAX(observed) FROM capture WHERE stream = ? AND live = 1", arguments: [stream])
                let count: Int64 = capture?[0] ?? 0
                guard count > 0 else { continue }
                let newest = try day.flatMap { day in
                    try Int64.fetchOne(
                        database,
                        sql: """
                            SELECT MAX(f."\(day)") FROM "\(fact.name)" f JOIN source_value s ON s.id = f.src AND s.kind = 'dataset' AND \
                            s.value = ?
                            """, arguments: [stream])
                }
                sources[stream] = KPIExplanation.Source(
                    stream: stream, observer: observer, dayZone: contract.dayZone, lagDays: contract.reportingLagDays,
                    hasPartialLastDay: contract.partialLastDay, newestDay: newest, observed: capture?[1], captures: count)
            }
        }
        return sources.sorted { $0.key < $1.key }.map(\.value)
    }

    // MARK: A figure from elsewhere

    private func compare(_ figure: String, with explanation: KPIExplanation, filter: [String: String]) throws -> KPIExplanation.Comparison {
        let kpi = explanation.kpi
        let plain = figure.filter { $0 != "," && $0 != "_" && $0 != " " && $0 != "%" && $0 != "$" }
        guard case .value(let wanted, _) = PlainNumber.parse(Array(plain.utf8), scale: 9) else {
            throw LedgerError("“\(figure)” is no number; write it as the page shows it, in \(kpi.unit), with a point before decimals")
        }
        guard let value = explanation.values.first, explanation.values.count == 1 else {
            throw LedgerError(
                """
                \(kpi.id) has \(explanation.values.count) values here; say which one the figure is: bedrot kpi explain \(kpi.id) \
                \(kpi.dimensions.map { "\($0)=…" }.joined(separator: " ")) --compare \(figure.shellQuoted)
                """)
        }
        let digits = plain.split(separator: ".").dropFirst().first?.utf8.count ?? 0
        func isShown(_ other: KPIValue?) -> Bool { other?.shownNano(unit: kpi.unit).map { Self.rounds($0, to: wanted, digits) } ?? false }
        func matching(_ values: [KPIValue]) throws -> KPIValue? {
            try values.first { try $0.dimensions == value.dimensions || $0.matches(filter) && !filter.isEmpty }
        }
        if isShown(value) { return .init(figure: figure, causes: ["it is this value, as it is rounded there"]) }

        var causes: [String] = []
        let time = { (seq: Int64) in try self.log.read { try $0.event(seq) }?.time.iso.prefix(10) ?? "" }
        // A page looked at earlier: the same day, as it was known then.
        let snapshots = try warehouse().queue.read {
            try Int64.fetchAll($0, sql: "SELECT seq FROM kpi_snapshot ORDER BY seq DESC LIMIT 200")
        }
        let definitions = try definitionsInForce()
        // Days beside the one reported on say the same where the figures end before: those beside the newest day are asked too.
        let newest = explanation.sources.compactMap(\.newestDay).filter { $0 < explanation.day }.max()
        var nearDays = Self.nearDays.map { explanation.day + $0 }
        if let newest {
            for shift in [0] + Self.nearDays where !nearDays.contains(newest + shift) && newest + shift != explanation.day {
                nearDays.append(newest + shift)
            }
        }
        let (then, near) = try Warehouse.Reader(layout, scratch: true).queue.writeWithoutTransaction { database in
            let question = KPIQuestion(database: database, definitions: definitions)
            let then = try question.values(snapshots.map { (kpi: kpi, day: explanation.day, seq: $0) })
            let near = try question.values(nearDays.map { (kpi: kpi, day: $0, seq: explanation.seq) })
            return (then, near)
        }
        if let index = try then.firstIndex(where: { isShown(try matching($0)) }) {
            causes.append(
                """
                it was \(kpi.id) as known until event \(snapshots[index]) (\(try time(snapshots[index]))): figures were restated since; \
                bedrot restatements --since \(snapshots[index])
                """
            )
        }
        if let index = try near.firstIndex(where: { isShown(try matching($0)) }) {
            let days = nearDays[index] - explanation.day
            causes.append(
                """
                it is the value for \(CalendarDay.text(day: explanation.day + days)), \
                \(days.magnitude) \(days.magnitude == 1 ? "day" : "days") \
                \(days < 0 ? "before" : "after"): that page counts to another last day, or begins its days elsewhere
                """
            )
        }
        // Another KPI that says just this: another observer, window or currency.
        let snapshot = try latestKPIs()
        for other in definitions.kpis where other.id != kpi.id && other.unit == kpi.unit && other.domain == kpi.domain && wanted != 0 {
            guard let same = snapshot.values.first(where: { $0.kpi == other.id && isShown($0) }) else { continue }
            let of = same.dimensions == "{}" ? "" : " of \(KPIValue.shown(dimensions: same.dimensions))"
            causes.append("it is \(other.title)\(of) (\(other.id)): \(other.formula)")
            if causes.count >= 4 { break }
        }
        if let own = value.shownNano(unit: kpi.unit), own != 0 {
            let difference = Int128(wanted) - Int128(own)
            if let covered = value.covered, let expected = value.expected, covered > 0, covered < expected, difference > 0,
                Int128(wanted) * 2 * Int128(covered) <= Int128(own) * 3 * Int128(expected)
            {
                causes.append("only \(covered) of \(expected) are covered here; what is missing may be the difference")
            }
            if let unconverted = value.unconverted, unconverted > 0 {
                causes.append(
                    "\(unconverted) \(unconverted == 1 ? "row is" : "rows are") in a currency without a rate and not counted here")
            }
            if kpi.unit == "usd", difference.magnitude * 100 < Int128(own).magnitude * 15 {
                causes.append("it is within 15 %: the page may convert currencies at another day's rate, or show amounts before fees")
            }
            if Int128(own) * 100 / Int128(wanted == 0 ? 1 : wanted) == 100 || (difference.magnitude * 20 < Int128(own).magnitude) {
                causes.append("it is within 5 %: rounding, or a last day that is not complete")
            }
        }
        return .init(figure: figure, causes: causes)
    }

    private static let nearDays: [Int64] = [-1, 1, -2, 2, -3, 3, -7, 7]

    /// Whether an exact value, rounded to so many decimals, is what was written.
    private static func rounds(_ value: Int64, to wanted: Int64, _ digits: Int) -> Bool {
        var unit: Int64 = 1_000_000_000
        for _ in 0..<min(digits, 9) { unit /= 10 }
        return (Int128(value) - Int128(wanted)).magnitude * 2 <= Int128(unit).magnitude
    }
}

extension KPIValue {
    /// Whether each dimension named has this value.
    package func matches(_ filter: [String: String]) throws -> Bool {
        guard !filter.isEmpty else { return true }
        let own = try JSON.parse(Array(dimensions.utf8)).object ?? [:]
        return filter.allSatisfy { filter in
            let text = own[filter.key]?.string ?? own[filter.key]?.int.map(String.init)
            // A member may be named without its kind: artist=zonea0.
            return text == filter.value || text == "\(filter.key):\(filter.value)"
        }
    }

    /// The value as people see it, in billionths; nil where there is none, or it does not fit.
    func shownNano(unit: String) -> Int64? {
        guard let numerator, let denominator, denominator != 0 else { return nil }
        let scaled = Int128(numerator) * 1_000_000_000 * (unit == "percent" ? 100 : 1)
        return Int64(exactly: scaled / Int128(denominator))
    }
}
