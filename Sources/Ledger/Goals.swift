import GRDB
package import Projection

/// How far a goal of the label is, by one value of a KPI.
package struct GoalProgress: Sendable {
    /// A word for people.
    package enum Standing: String, Sendable {
        case reached, ahead, behind
        /// Less than three quarters of what the time would ask for.
        case atRisk = "at risk"
        case missed
        /// It has not begun.
        case waiting
        case unknown
    }

    package let goal: String
    /// Days since 1970-01-01; the count begins on `from` and is due at the end of `until`.
    package let from: Int64
    package let until: Int64?
    /// In billionths of the KPI's unit.
    package let target: Int64?
    package let note: String?
    /// nil where no KPI names the goal, or the KPI has no value.
    package let kpi: KPIDefinition?
    /// Canonical JSON.
    package let dimensions: String?
    /// The value with its unit, as people read it.
    package let value: String?
    /// Millionths of the target.
    package let progress: Int64?
    /// Share of the target over share of the time, in millionths; nil where the goal has no end or has not begun.
    package let pace: Int64?
    /// Days after the day reported on; below 0 once it was due.
    package let daysLeft: Int64?
    /// What the value leaves out.
    package let remark: String?

    /// What progress, pace and the days left come to, in a word.
    package var standing: Standing {
        guard let progress else { return .unknown }
        if progress >= 1_000_000 { return .reached }
        if let daysLeft, daysLeft < 0 { return .missed }
        guard let pace else { return until == nil ? .unknown : .waiting }
        return pace >= 1_000_000 ? .ahead : pace >= 750_000 ? .behind : .atRisk
    }
}

/// The goals of a lake by its newest snapshot, or on a day asked for.
package struct GoalReport: Sendable {
    package let goals: [GoalProgress]
    /// The event up to which figures are known, and the day reported on; 0 before the first snapshot.
    package let snapshot: (seq: Int64, day: Int64)
}

extension Lake {
    /// Every goal in force with each KPI value measured against it: a KPI names its goal in its header.
    ///
    /// A percentage that reads the table of goals itself is taken as the progress that it is.
    ///
    /// - Parameter day: the day reported on; nil means the newest snapshot and its day.
    package func goals(day: Int64? = nil) throws -> GoalReport {
        guard try Warehouse.liveGeneration(layout) != nil else { return GoalReport(goals: [], snapshot: (0, 0)) }
        let definitions = try definitionsInForce()
        var snapshot = try latestKPIs()
        if let day {
            let values = try definitions.kpis.filter { $0.goal != nil }.flatMap { try kpiValues($0, day: day, knownAt: nil).values }
            snapshot = KPISnapshot(seq: snapshot.seq, time: snapshot.time, day: day, values: values)
        }
        guard definitions.reference.tables.contains(where: { $0.view == "ref_goal" }) else {
            return GoalReport(goals: [], snapshot: (snapshot.seq, snapshot.day))
        }
        var computes: Set<String> = []
        for kpi in definitions.kpis where kpi.goal != nil {
            if try reads(of: kpi).columns.contains(where: { $0.hasPrefix("ref_goal.") }) { computes.insert(kpi.id) }
        }
        let rows = try warehouse().queue.read { database in
            try Row.fetchAll(
                database, sql: "SELECT goal, from_day, until_day, target, note FROM ref_goal ORDER BY goal, from_day")
        }
        var found: [GoalProgress] = []
        for row in rows {
            let goal: String = row["goal"]
            // A ratio that reads the goals is a pace already, and no figure to measure against the target.
            let kpis = definitions.kpis.filter { $0.goal == goal && (!computes.contains($0.id) || $0.unit == "percent") }
            let before = found.count
            for kpi in kpis {
                for value in snapshot.values where value.kpi == kpi.id {
                    found.append(GoalProgress(row, kpi, value, day: snapshot.day, isProgress: computes.contains(kpi.id)))
                }
            }
            if found.count == before { found.append(GoalProgress(row, kpis.first, nil, day: snapshot.day, isProgress: false)) }
        }
        return GoalReport(goals: found, snapshot: (snapshot.seq, snapshot.day))
    }
}

extension GoalProgress {
    fileprivate init(_ row: Row, _ kpi: KPIDefinition?, _ value: KPIValue?, day: Int64, isProgress: Bool) {
        (goal, from, until) = (row["goal"], row["from_day"], row["until_day"])
        (target, note) = (row["target"], row["note"])
        self.kpi = kpi
        dimensions = value?.dimensions
        self.value = value.flatMap { value in kpi.map { "\(value.text(unit: $0.unit, decimals: $0.decimals)) \($0.unit)" } }
        remark = value?.remark
        daysLeft = until.map { $0 - day }
        guard let kpi, let value, let numerator = value.numerator, let denominator = value.denominator, denominator != 0 else {
            (progress, pace) = (nil, nil)
            return
        }
        var share: Int128?
        if isProgress {
            share = Int128(numerator) * 1_000_000 / Int128(denominator)
        } else if let target, target > 0 {
            let shown = Int128(numerator) * (kpi.unit == "percent" ? 100 : 1)
            share = shown * 1_000_000_000_000_000 / (Int128(denominator) * Int128(target))
        }
        progress = share.map { Int64(clamping: $0) }
        guard let share, let until, from <= until, from <= day else {
            pace = nil
            return
        }
        let days = Int128(until - from + 1)
        pace = Int64(clamping: share * days / min(days, Int128(day - from + 1)))
    }
}
