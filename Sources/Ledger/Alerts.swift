import Cleaning
package import EventLog
import GRDB
package import Projection

/// A KPI value that calls for a person, as the log tells it: opened, perhaps acknowledged, at last resolved.
package struct Alert: Sendable {
    /// What has become of it.
    package enum State: String, Sendable { case open, acknowledged, resolved }

    /// What tells one alert from another: the KPI, its rule, and the dimensions as canonical JSON.
    package struct Identity: Sendable, Hashable {
        package let kpi: String
        package let rule: String
        package let dimensions: String
    }

    /// The seq of the event that opened it: its name on the command line.
    package let event: Int64
    package let identity: Identity
    package let severity: KPIDefinition.AlertRule.Severity
    /// What it means, in one sentence.
    package let text: String
    /// The value that opened it, with its unit, and the limit it went beyond, as people read them.
    package let value: String
    package let limit: String
    /// Whether values above the limit alarm, or those below.
    package let isAbove: Bool
    /// The day reported on and the snapshot that first showed it.
    package let firstSeen: (day: Int64, snapshot: Int64)
    /// When it was opened.
    package let time: Timestamp
    package fileprivate(set) var state: State
    /// Who says what about it, once acknowledged.
    package fileprivate(set) var note: String?
    /// The day reported on of the snapshot that no longer showed it.
    package fileprivate(set) var resolvedDay: Int64?
    /// Why it is over: `value`, `severer` (a severer rule took over), `newer` (a newer month is judged in its place), `gone` (there is no
    /// such value or rule any more).
    package fileprivate(set) var reason: String?
}

/// The alerts of a lake, and what the newest snapshot could not be judged by.
package struct AlertReport: Sendable {
    /// Oldest first.
    package let alerts: [Alert]
    /// Values beyond a limit whose window is not covered: they open no alert.
    package let unjudged: [String]
    /// The newest snapshot, and the day it reports on; 0 before the first.
    package let snapshot: (seq: Int64, day: Int64)
    /// What the newest snapshot says where an alert was opened, with its unit, by the event that opened it; none where it says nothing.
    package var now: [Int64: String] = [:]
}

/// State is a fold over `kpi.alerted`, `kpi.acknowledged` and `kpi.resolved`.
struct AlertFold {
    static let types: [EventType] = [.kpiAlerted, .kpiAcknowledged, .kpiResolved]

    /// By the event that opened them.
    private(set) var alerts: [Int64: Alert] = [:]
    /// The last alert of each identity.
    private(set) var last: [Alert.Identity: Int64] = [:]
    /// The last event that the fold has seen.
    private(set) var seq: Int64 = 0

    mutating func apply(_ event: Event) throws {
        seq = event.seq
        switch EventType(rawValue: event.type) {
        case .kpiAlerted:
            let body = event.body
            guard let kpi = body["kpi"]?.string, let rule = body["alert"]?.string, let dimensions = body["dimensions"],
                let day = body["day"]?.string.flatMap({ CalendarDay.day($0) }), let snapshot = body["snapshot"]?.int,
                let severity = body["severity"]?.string.flatMap({ KPIDefinition.AlertRule.Severity(rawValue: $0) })
            else { throw LedgerError("event \(event.seq) (kpi.alerted) lacks its KPI, day or severity; run `bedrot verify`") }
            let identity = Alert.Identity(
                kpi: kpi, rule: rule, dimensions: String(decoding: try dimensions.canonical(), as: UTF8.self))
            alerts[event.seq] = Alert(
                event: event.seq, identity: identity, severity: severity, text: body["text"]?.string ?? "",
                value: body["shown"]?.string ?? "", limit: body["limit"]?.string ?? "", isAbove: body["side"]?.string != "below",
                firstSeen: (day, snapshot), time: event.time, state: .open)
            last[identity] = event.seq
        case .kpiAcknowledged:
            guard let opened = event.body["event"]?.int else { return }
            alerts[opened]?.state = .acknowledged
            alerts[opened]?.note = event.body["note"]?.string
        case .kpiResolved:
            guard let opened = event.body["event"]?.int else { return }
            alerts[opened]?.state = .resolved
            alerts[opened]?.resolvedDay = event.body["day"]?.string.flatMap { CalendarDay.day($0) }
            alerts[opened]?.reason = event.body["reason"]?.string
        default: break
        }
    }

    /// The alert of an identity that was opened last.
    func latest(_ identity: Alert.Identity) -> Alert? { last[identity].flatMap { alerts[$0] } }

    /// Those that are not over.
    var standing: [Alert] { alerts.values.filter { $0.state != .resolved }.sorted { $0.event < $1.event } }
}

/// One snapshot held against the rules of the KPIs.
private struct Judgement {
    /// A value beyond a limit, by the severest rule it breaks.
    struct Breach {
        let kpi: KPIDefinition
        let rule: KPIDefinition.AlertRule
        let limit: Int64
        let value: KPIValue
    }

    var breaches: [Alert.Identity: Breach] = [:]
    /// Values that say neither yes nor no: none was reported, or their window is not covered. Their alerts stay as they are.
    var undecided: Set<Alert.Identity> = []
    /// Rules that a severer one of the same value speaks for.
    var outdone: Set<Alert.Identity> = []
    /// Values that their rule leaves aside, because a newer one was judged.
    var outdated: Set<Alert.Identity> = []
    var unjudged: [String] = []

    init(_ snapshot: KPISnapshot, _ definitions: DefinitionSet, thresholds: [String: Int64]) {
        for kpi in definitions.kpis where !kpi.alerts.isEmpty {
            let values = snapshot.values.filter { $0.kpi == kpi.id }.map { value in
                (value: value, dimensions: (try? JSON.parse(Array(value.dimensions.utf8)))?.object ?? [:])
            }
            // The severest first, so that one value opens one alert: of its dimensions, the side that it lies on.
            var worst: [String: Breach] = [:]
            for rule in kpi.alerts.sorted(by: { ($1.severity, $0.id) < ($0.severity, $1.id) }) {
                guard let newest = rule.newestOf else {
                    for (value, _) in values { _ = judge(kpi, rule, value, &worst, definitions, thresholds) }
                    continue
                }
                var judged: Set<[String: JSON]> = []
                for (value, dimensions) in values.sorted(by: { Self.isNewer($0.dimensions[newest], $1.dimensions[newest]) }) {
                    let others = dimensions.filter { $0.key != newest }
                    if judged.contains(others) {
                        outdated.insert(Alert.Identity(kpi: kpi.id, rule: rule.id, dimensions: value.dimensions))
                    } else if judge(kpi, rule, value, &worst, definitions, thresholds) {
                        // A month that says neither yes nor no does not stand in for the one before it.
                        judged.insert(others)
                    }
                }
            }
        }
    }

    /// Months and days are texts that sort as they follow each other.
    private static func isNewer(_ one: JSON?, _ other: JSON?) -> Bool {
        if let one = one?.int, let other = other?.int { return one > other }
        return (one?.string ?? "") > (other?.string ?? "")
    }

    /// Whether the value could be judged.
    private mutating func judge(
        _ kpi: KPIDefinition, _ rule: KPIDefinition.AlertRule, _ value: KPIValue, _ worst: inout [String: Breach],
        _ definitions: DefinitionSet, _ thresholds: [String: Int64]
    ) -> Bool {
        let identity = Alert.Identity(kpi: kpi.id, rule: rule.id, dimensions: value.dimensions)
        guard let limit = Self.limit(rule, kpi, value, definitions, thresholds) else { return false }
        guard let isOutside = value.lies(above: rule.isAbove, limit: limit, unit: kpi.unit) else {
            undecided.insert(identity)
            return false
        }
        let isBeyond = isOutside && rule.floor.map { (value.numerator ?? 0).magnitude > $0.magnitude } ?? true
        guard (value.covered ?? 0) >= min(rule.minCovered ?? .max, value.expected ?? 0) else {
            undecided.insert(identity)
            if isBeyond {
                unjudged.append(
                    """
                    \(kpi.id) \(value.dimensions): \(value.shown(kpi)) is \(rule.isAbove ? "above" : "below") \
                    \(Money.decimal(limit)), but only \(value.remark ?? "a part is covered")
                    """)
            }
            return false
        }
        guard isBeyond else { return true }
        if let worst = worst[value.dimensions], worst.rule.isAbove == rule.isAbove {
            outdone.insert(identity)
        } else {
            let breach = Breach(kpi: kpi, rule: rule, limit: limit, value: value)
            breaches[identity] = breach
            worst[value.dimensions] = worst[value.dimensions] ?? breach
        }
        return true
    }

    /// A threshold of the label's own, else the service's or the file's; nil where the service has none.
    private static func limit(
        _ rule: KPIDefinition.AlertRule, _ kpi: KPIDefinition, _ value: KPIValue, _ definitions: DefinitionSet,
        _ thresholds: [String: Int64]
    ) -> Int64? {
        if let own = thresholds["\(kpi.id) \(rule.id)"] { return own }
        guard let limit = rule.serviceLimit else { return rule.limit }
        let dimensions = try? JSON.parse(Array(value.dimensions.utf8))
        let name = dimensions?["service"]?.string ?? dimensions?["source"]?.string?.split(separator: "/").first.map(String.init)
        guard let freshness = name.flatMap({ definitions.services[$0]?.freshness }) else { return nil }
        return (limit == .warn ? freshness.warnHours : freshness.criticalHours) * 1_000_000_000
    }
}

extension Lake {
    // MARK: The reactor

    /// Opens and resolves alerts by the newest snapshot: events, each once for an alert and a snapshot. Never part of a replay.
    ///
    /// It compares the snapshot with the log, so it can be repeated after a crash at any point.
    func judgeAlerts() throws -> [AlertNews] { try judgeAlerts(by: try latestKPIs()) }

    func judgeAlerts(by snapshot: KPISnapshot) throws -> [AlertNews] {
        guard snapshot.seq > 0 else { return [] }
        let definitions = try definitionsInForce()
        let judgement = Judgement(snapshot, definitions, thresholds: try thresholds(definitions))
        for _ in 0..<8 {
            let fold = try alertFold()
            let drafts = try drafts(judgement, snapshot, fold, definitions)
            guard !drafts.isEmpty else { return [] }
            let news: [AlertNews]? = try log.write { transaction in
                var last: Int64 = 0
                let query = EventQuery(types: AlertFold.types.map(\.rawValue), newestFirst: true, limit: 1)
                try transaction.events(query) { event in
                    last = event.seq
                    return false
                }
                // Another process has spoken since: what it said decides anew.
                guard last == fold.seq else { return nil }
                var news: [AlertNews] = []
                for (key, draft, told) in drafts where try transaction.seq(forKey: key) == nil {
                    _ = try transaction.append(draft)
                    news.append(told)
                }
                return news
            }
            if let news { return news }
        }
        throw LedgerError("alerts could not be judged: other processes kept changing them; run `bedrot project` again")
    }

    private func drafts(
        _ judgement: Judgement, _ snapshot: KPISnapshot, _ fold: AlertFold, _ definitions: DefinitionSet
    ) throws -> [(key: String, draft: EventDraft, news: AlertNews)] {
        var found: [(key: String, draft: EventDraft, news: AlertNews)] = []
        func name(_ identity: Alert.Identity) -> String { "\(identity.kpi) \(identity.rule) \(identity.dimensions)" }
        let day = CalendarDay.text(day: snapshot.day)
        for alert in fold.standing where judgement.breaches[alert.identity] == nil && !judgement.undecided.contains(alert.identity) {
            let identity = alert.identity
            let value = snapshot.values.first { $0.kpi == identity.kpi && $0.dimensions == identity.dimensions }
            let kpi = definitions.kpis.first { $0.id == identity.kpi && $0.alerts.contains { $0.id == identity.rule } }
            let reason =
                judgement.outdone.contains(identity)
                ? "severer" : judgement.outdated.contains(identity) ? "newer" : value == nil || kpi == nil ? "gone" : "value"
            let key = "kpi.resolved \(name(identity)) \(snapshot.seq)"
            var body: [String: JSON] = [
                "event": .int(alert.event), "kpi": .string(identity.kpi), "alert": .string(identity.rule),
                "dimensions": try JSON.parse(Array(identity.dimensions.utf8)), "reason": .string(reason), "snapshot": .int(snapshot.seq),
                "day": .string(day), "key": .string(key),
            ]
            if let value, let kpi { body.merge(value.evidence(kpi)) { $1 } }
            found.append(
                (
                    key, draft("kpi/\(identity.kpi)", .kpiResolved, run: nil, .object(body)),
                    AlertNews(
                        isOpened: false, severity: alert.severity, kpi: identity.kpi, dimensions: identity.dimensions, text: alert.text,
                        value: value.flatMap { value in kpi.map { value.shown($0) } } ?? "–")
                ))
        }
        let sorted = judgement.breaches.sorted { name($0.key) < name($1.key) }
        for (identity, breach) in sorted {
            if let before = fold.latest(identity) {
                guard before.state == .resolved else { continue }
                // What comes and goes is told once in a while, not every time.
                if let over = before.resolvedDay, snapshot.day < over + breach.rule.cooldownDays { continue }
            }
            let key = "kpi.alerted \(name(identity)) \(snapshot.seq)"
            var body = breach.value.evidence(breach.kpi)
            body.merge([
                "kpi": .string(identity.kpi), "alert": .string(identity.rule),
                "dimensions": try JSON.parse(Array(identity.dimensions.utf8)), "side": .string(breach.rule.isAbove ? "above" : "below"),
                "limit": .string(Money.decimal(breach.limit)), "severity": .string(breach.rule.severity.rawValue),
                "text": .string(breach.rule.text), "snapshot": .int(snapshot.seq), "day": .string(day), "key": .string(key),
            ]) { $1 }
            found.append(
                (
                    key, draft("kpi/\(identity.kpi)", .kpiAlerted, run: nil, .object(body)),
                    AlertNews(
                        isOpened: true, severity: breach.rule.severity, kpi: identity.kpi, dimensions: identity.dimensions,
                        text: breach.rule.text, value: breach.value.shown(breach.kpi))
                ))
        }
        return found
    }

    /// Limits that the label set itself, by KPI and rule.
    private func thresholds(_ definitions: DefinitionSet) throws -> [String: Int64] {
        guard definitions.reference.tables.contains(where: { $0.view == "ref_threshold" }) else { return [:] }
        return try warehouse().queue.read { database in
            var found: [String: Int64] = [:]
            for row in try Row.fetchAll(
                database, sql: "SELECT kpi, alert, limit_value FROM ref_threshold WHERE limit_value IS NOT NULL ORDER BY kpi, alert")
            {
                found["\(row["kpi"] as String) \(row["alert"] as String)"] = row["limit_value"]
            }
            return found
        }
    }

    private func alertFold() throws -> AlertFold {
        try log.read { transaction in
            var fold = AlertFold()
            try transaction.events(EventQuery(types: AlertFold.types.map(\.rawValue))) { event in
                try fold.apply(event)
                return true
            }
            return fold
        }
    }

    // MARK: Questions

    /// The alerts that stand, or all there ever were, with what the newest snapshot leaves undecided.
    package func alerts(all: Bool = false) throws -> AlertReport {
        let fold = try alertFold()
        let alerts = all ? fold.alerts.values.sorted { $0.event < $1.event } : fold.standing
        guard try Warehouse.liveGeneration(layout) != nil else { return AlertReport(alerts: alerts, unjudged: [], snapshot: (0, 0)) }
        let snapshot = try latestKPIs()
        let definitions = try definitionsInForce()
        let judgement = Judgement(snapshot, definitions, thresholds: try thresholds(definitions))
        var report = AlertReport(alerts: alerts, unjudged: judgement.unjudged.sorted(), snapshot: (snapshot.seq, snapshot.day))
        let values = Dictionary(snapshot.values.map { ("\($0.kpi) \($0.dimensions)", $0) }, uniquingKeysWith: { $1 })
        for alert in alerts {
            guard let kpi = definitions.kpis.first(where: { $0.id == alert.identity.kpi }) else { continue }
            report.now[alert.event] = values["\(kpi.id) \(alert.identity.dimensions)"]?.shown(kpi)
        }
        return report
    }

    /// Says that a person has seen an alert: `kpi.acknowledged`. It stays acknowledged until it is over.
    ///
    /// - Returns: the seq of the event.
    package func acknowledgeAlert(_ event: Int64, note: String) throws -> Int64 {
        guard !note.trimmingSpaces.isEmpty else { throw LedgerError("a note is needed: say in a few words what is done about it") }
        let run = try Run(self, command: "alerts ack")
        let seq = try log.write { transaction in
            var fold = AlertFold()
            try transaction.events(EventQuery(types: AlertFold.types.map(\.rawValue))) { event in
                try fold.apply(event)
                return true
            }
            guard let alert = fold.alerts[event] else {
                throw LedgerError("event \(event) is not an alert; `bedrot alerts` lists those that stand")
            }
            guard alert.state == .open else {
                let what = alert.state == .resolved ? "is over" : "is acknowledged already"
                throw LedgerError("alert \(event) (\(alert.identity.kpi)) \(what); `bedrot alerts` lists those that stand")
            }
            if let start = run.startDraftIfNeeded() { _ = try transaction.append(start) }
            return try transaction.append(
                draft(
                    "kpi/\(alert.identity.kpi)", .kpiAcknowledged, run: run.id,
                    [
                        "event": .int(event), "kpi": .string(alert.identity.kpi), "alert": .string(alert.identity.rule),
                        "dimensions": try JSON.parse(Array(alert.identity.dimensions.utf8)), "note": .string(note),
                    ])
            ).seq
        }
        try run.complete("ok")
        try log.catchUpIndexes()
        return seq
    }
}

extension KPIValue {
    /// The value for people, with its unit.
    fileprivate func shown(_ kpi: KPIDefinition) -> String { "\(text(unit: kpi.unit, decimals: kpi.decimals)) \(kpi.unit)" }

    /// The value as an event says it.
    fileprivate func evidence(_ kpi: KPIDefinition) -> [String: JSON] {
        // Numbers beyond what every JSON reader keeps travel as text.
        func number(_ value: Int64) -> JSON { value.magnitude <= JSON.maxInteger.magnitude ? .int(value) : .string(String(value)) }
        var body: [String: JSON] = ["shown": .string(shown(kpi))]
        if let numerator { body["num"] = number(numerator) }
        if let denominator { body["den"] = number(denominator) }
        if let covered, let expected { (body["covered"], body["expected"]) = (.int(covered), .int(expected)) }
        return body
    }
}
