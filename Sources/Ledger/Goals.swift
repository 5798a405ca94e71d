import Cleaning
import EventLog
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
        /// It is over, and no figure says how far it came.
        case ended
        case unknown
    }

    /// A goal of a name holds from its first day to its last, unless a younger one of that name holds as well.
    package enum Phase: String, Sendable { case unbegun, held = "in force", over = "ended" }

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
    /// Where it stands on the day reported on.
    package let phase: Phase
    /// The day that the value is of: the one reported on, or the last on which a goal that is over held.
    package let day: Int64
    /// What the value leaves out.
    package let remark: String?

    /// What progress, pace and the days left come to, in a word.
    package var standing: Standing {
        guard let progress else {
            guard kpi != nil else { return .unknown }
            return phase == .unbegun ? .waiting : phase == .over ? .ended : .unknown
        }
        if progress >= 1_000_000 { return .reached }
        if phase == .over { return .missed }
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
    /// Every goal with the KPI values measured against it: a KPI names its goal in its header.
    ///
    /// A goal that is over shows what was reached on the last day that it held. A progress that the KPI computes itself stands only at the
    /// goal that it was computed with.
    ///
    /// A percentage that reads the table of goals itself is taken as the progress that it is.
    ///
    /// - Parameter day: the day reported on; nil means the newest snapshot and its day.
    package func goals(day: Int64? = nil) throws -> GoalReport {
        guard try Warehouse.liveGeneration(layout) != nil else { return GoalReport(goals: [], snapshot: (0, 0)) }
        let definitions = try definitionsInForce()
        let refused = Set(try projector.refusedKPIs().map(\.kpi))
        let measured = definitions.kpis.filter { $0.goal != nil && !refused.contains($0.id) }
        var snapshot = try latestKPIs()
        if let day {
            let values = try measured.flatMap { try kpiValues($0, day: day, knownAt: nil).values }
            snapshot = KPISnapshot(seq: snapshot.seq, time: snapshot.time, day: day, values: values)
        }
        guard definitions.reference.tables.contains(where: { $0.view == "ref_goal" }) else {
            return GoalReport(goals: [], snapshot: (snapshot.seq, snapshot.day))
        }
        var computes: Set<String> = []
        for kpi in measured {
            if try reads(of: kpi).columns.contains(where: { $0.hasPrefix("ref_goal.") }) { computes.insert(kpi.id) }
        }
        let rows = try goalRows()
        var found: [GoalProgress] = []
        for row in rows {
            // A ratio that reads the goals is a pace already, and no figure to measure against the target.
            let kpis = measured.filter { $0.goal == row.goal && (!computes.contains($0.id) || $0.unit == "percent") }
            let phase = row.phase(on: snapshot.day, among: rows)
            let last = phase == .over ? row.lastDay(before: snapshot.day, among: rows) : nil
            for kpi in kpis {
                let isProgress = computes.contains(kpi.id)
                // What a KPI reads of the goals is of the one that holds on its day, or at the end of its month.
                func isOfRow(_ value: KPIValue, _ day: Int64) -> Bool {
                    !isProgress || row.phase(on: value.lastDayOfMonth ?? day, among: rows) == .held
                }
                var day = snapshot.day
                var values = snapshot.values.filter { $0.kpi == kpi.id && isOfRow($0, day) && (phase != .over || $0.lastDayOfMonth != nil) }
                if let last, values.isEmpty {
                    values = try kpiValues(kpi, day: last, knownAt: nil).values.filter { isOfRow($0, last) }
                    day = last
                }
                found += (values.isEmpty ? [nil] : values.map(Optional.some)).map {
                    GoalProgress(row, kpi, $0, phase, day: day, reportedOn: snapshot.day, isProgress: isProgress)
                }
            }
            if kpis.isEmpty {
                found.append(GoalProgress(row, nil, nil, phase, day: snapshot.day, reportedOn: snapshot.day, isProgress: false))
            }
        }
        return GoalReport(goals: found, snapshot: (snapshot.seq, snapshot.day))
    }

    /// The goals in force now, by name and first day; none where no table of goals is defined.
    func goalRows() throws -> [GoalRow] {
        try warehouse().queue.read { database in
            try Row.fetchAll(database, sql: "SELECT goal, from_day, until_day, target, note FROM ref_goal ORDER BY goal, from_day").map {
                GoalRow(goal: $0["goal"], from: $0["from_day"], until: $0["until_day"], target: $0["target"], note: $0["note"])
            }
        }
    }
}

/// A row of the table of goals.
struct GoalRow {
    let goal: String
    let from: Int64
    let until: Int64?
    let target: Int64?
    let note: String?

    private func spans(_ day: Int64) -> Bool { from <= day && (until ?? .max) >= day }

    /// Where it stands on a day: as the KPIs choose, the youngest of a name is the one that holds.
    func phase(on day: Int64, among rows: [GoalRow]) -> GoalProgress.Phase {
        if from > day { return .unbegun }
        return spans(day) && !rows.contains { $0.goal == goal && $0.from > from && $0.spans(day) } ? .held : .over
    }

    /// The last day not after `day` on which it held; nil where a younger one of its name held all the time.
    func lastDay(before day: Int64, among rows: [GoalRow]) -> Int64? {
        let ends = [until ?? day] + rows.filter { $0.goal == goal && $0.from > from }.map { $0.from - 1 }
        return ends.filter { $0 <= day && phase(on: $0, among: rows) == .held }.max()
    }
}

extension KPIValue {
    /// The last day of the month that the value is of; nil where it has no such dimension.
    fileprivate var lastDayOfMonth: Int64? {
        let month = (try? JSON.parse(Array(dimensions.utf8)))?["month"]?.string.flatMap { CalendarDay.month($0) }
        return month.flatMap { CalendarDay.day("\(CalendarDay.text(month: $0 + 1))-01") }.map { $0 - 1 }
    }
}

extension GoalProgress {
    fileprivate init(
        _ row: GoalRow, _ kpi: KPIDefinition?, _ value: KPIValue?, _ phase: Phase, day: Int64, reportedOn: Int64, isProgress: Bool
    ) {
        (goal, from, until, target, note) = (row.goal, row.from, row.until, row.target, row.note)
        (self.kpi, self.phase, self.day) = (kpi, phase, day)
        dimensions = value?.dimensions
        self.value = value.flatMap { value in kpi.map { "\(value.text(unit: $0.unit, decimals: $0.decimals)) \($0.unit)" } }
        remark = value?.remark
        daysLeft = until.map { $0 - reportedOn }
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
