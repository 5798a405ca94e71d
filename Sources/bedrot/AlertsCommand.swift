import ArgumentParser
import Cleaning
import EventLog
import Ledger
import Projection

struct Alerts: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "KPI values that call for a person: list, acknowledge.",
        discussion: """
            Every projection holds the newest snapshot against the alert rules in the KPI files. A value beyond a limit opens an alert, \
            once; it stands until the value is back, and what comes back within its cooldown is not told again. A window that is not \
            covered opens none, and of figures by month a rule may judge the newest only. Limits of your own: rows of the reference table \
            threshold.
            """,
        subcommands: [List.self, Acknowledge.self], defaultSubcommand: List.self)

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "The alerts that stand.")

        @OptionGroup var options: RootOptions
        @Flag(help: "Also those that are over.") var all = false

        func run() throws {
            let report = try options.read { try $0.alerts(all: all) }
            if options.json { return try Terminal.json(AlertText.json(report)) }
            AlertText.print(report)
        }
    }

    struct Acknowledge: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "ack", abstract: "Say that an alert is seen, and what is done about it.",
            discussion: "Example: bedrot alerts ack 1812 --note \"asked the distributor\"")

        @OptionGroup var options: RootOptions
        @Argument(help: "The alert: the event that opened it, as `bedrot alerts` shows it.") var id: Int64
        @Option(help: "What is done about it.") var note: String

        func run() throws {
            let seq = try options.write { try $0.acknowledgeAlert(id, note: note) }
            if options.json { return try Terminal.json(["event": .int(seq)]) }
            Terminal.out("event \(seq): alert \(id) is acknowledged")
        }
    }
}

struct Goals: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "The label's goals: value, target, progress, pace.",
        discussion: """
            Goals are rows of the reference table goal; a KPI names its goal in its header. The pace is the share of the target reached \
            over the share of the time gone: 1 is just in time. A goal that is over shows what was reached on its last day.
            """)

    @OptionGroup var options: RootOptions
    @Option(help: "Day reported on. Default: the newest snapshot's.", transform: Moments.day) var day: Int64?

    func run() throws {
        let report = try options.read { try $0.goals(day: day) }
        if options.json { return try Terminal.json(GoalText.json(report)) }
        GoalText.print(report)
    }
}

/// Alerts in plain words and as JSON.
enum AlertText {
    static func print(_ report: AlertReport) {
        if report.alerts.isEmpty { Terminal.out("no alert\(report.snapshot.seq == 0 ? ": there is no snapshot yet" : "")") }
        if !report.alerts.isEmpty {
            var table = TextTable(
                columns: [
                    ("alert", .right), ("severity", .left), ("state", .left), ("kpi", .left), ("of", .left), ("opened at", .right),
                    ("now", .right), ("limit", .right), ("since", .left), ("to", .left),
                ])
            for alert in report.alerts {
                table.rows.append([
                    "\(alert.event)", alert.severity.rawValue, alert.state.rawValue, alert.identity.kpi,
                    KPIValue.shown(dimensions: alert.identity.dimensions), alert.value, report.now[alert.event] ?? "–",
                    "\(alert.isAbove ? ">" : "<") \(alert.limit)",
                    CalendarDay.text(day: alert.firstSeen.day), lastSeen(alert, report),
                ])
            }
            Terminal.out(table.render())
            var told: Set<String> = []
            for alert in report.alerts where told.insert("\(alert.identity.kpi) \(alert.identity.rule)").inserted {
                Terminal.out("\(alert.identity.kpi): \(alert.text)")
            }
            for alert in report.alerts where alert.state == .acknowledged { Terminal.out("\(alert.event): \(alert.note ?? "")") }
        }
        for text in report.unjudged { Terminal.note("not judged: \(text)") }
    }

    /// The day on which the alert was seen last: today's snapshot while it stands.
    private static func lastSeen(_ alert: Alert, _ report: AlertReport) -> String {
        guard alert.state == .resolved else { return CalendarDay.text(day: max(report.snapshot.day, alert.firstSeen.day)) }
        return alert.resolvedDay.map { "over \(CalendarDay.text(day: $0))" } ?? "over"
    }

    static func json(_ report: AlertReport) -> JSON {
        [
            "snapshot": .int(report.snapshot.seq), "day": .string(CalendarDay.text(day: report.snapshot.day)),
            "unjudged": .array(report.unjudged.map { .string($0) }),
            "alerts": .array(
                report.alerts.map { alert in
                    [
                        "alert": .int(alert.event), "kpi": .string(alert.identity.kpi), "rule": .string(alert.identity.rule),
                        "dimensions": (try? JSON.parse(Array(alert.identity.dimensions.utf8))) ?? .null,
                        "severity": .string(alert.severity.rawValue), "state": .string(alert.state.rawValue), "text": .string(alert.text),
                        "value": .string(alert.value), "now": report.now[alert.event].map { .string($0) } ?? .null,
                        "limit": .string(alert.limit), "side": .string(alert.isAbove ? "above" : "below"),
                        "first_seen": .string(CalendarDay.text(day: alert.firstSeen.day)), "snapshot": .int(alert.firstSeen.snapshot),
                        "opened": .string(alert.time.iso), "note": alert.note.map { .string($0) } ?? .null,
                        "resolved": alert.resolvedDay.map { .string(CalendarDay.text(day: $0)) } ?? .null,
                        "reason": alert.reason.map { .string($0) } ?? .null,
                    ]
                }),
        ]
    }

    /// What a projection opened and resolved: critical ones by name, the others in a number.
    static func news(_ news: [AlertNews]) {
        let opened = news.filter(\.isOpened)
        let critical = opened.filter { $0.severity == .critical }
        for alert in critical.prefix(3) {
            Terminal.out("alert: \(alert.kpi) of \(KPIValue.shown(dimensions: alert.dimensions)) is \(alert.value). \(alert.text)")
        }
        let over = news.count - opened.count
        var parts: [String] = []
        if !opened.isEmpty { parts.append("\(Words.count(Int64(opened.count), "new alert")), \(critical.count) critical") }
        if over > 0 { parts.append("\(Words.count(Int64(over), "alert")) over") }
        if !parts.isEmpty { Terminal.out("\(parts.joined(separator: "; ")): bedrot alerts") }
    }
}

/// Goals in plain words and as JSON.
private enum GoalText {
    static func print(_ report: GoalReport) {
        guard !report.goals.isEmpty else { return Terminal.out("no goal is set: they are rows of the reference table goal") }
        Terminal.out("as of \(CalendarDay.text(day: report.snapshot.day)), known at event \(report.snapshot.seq)")
        var table = TextTable(
            columns: [
                ("goal", .left), ("from", .left), ("until", .left), ("of", .left), ("value", .right), ("target", .right),
                ("progress", .right), ("pace", .right), ("days left", .right), ("", .left),
            ])
        for goal in report.goals {
            table.rows.append([
                goal.goal, CalendarDay.text(day: goal.from), goal.until.map { CalendarDay.text(day: $0) } ?? "–",
                goal.dimensions.map { KPIValue.shown(dimensions: $0) } ?? "", goal.value ?? (goal.kpi == nil ? "no KPI" : "–"),
                goal.target.map { Money.decimal($0) } ?? "–", goal.progress.map { "\(decimal($0, scale: 4, digits: 1)) %" } ?? "–",
                goal.pace.map { decimal($0, scale: 6, digits: 2) } ?? "–",
                goal.phase == .over ? "ended" : goal.daysLeft.map { String($0) } ?? "–",
                [
                    goal.standing.rawValue, goal.phase == .over && goal.value != nil ? "as of \(CalendarDay.text(day: goal.day))" : nil,
                    goal.remark,
                ].compactMap(\.self).joined(separator: ", "),
            ])
        }
        Terminal.out(table.render())
    }

    /// An integer with `scale` decimals, cut to `digits` of them.
    private static func decimal(_ number: Int64, scale: Int, digits: Int) -> String {
        var unit: UInt64 = 1
        for _ in 0..<scale { unit *= 10 }
        let fraction = String(number.magnitude % unit)
        let padded = String(repeating: "0", count: scale - fraction.count) + fraction
        return (number < 0 ? "-" : "") + "\(number.magnitude / unit).\(padded.prefix(digits))"
    }

    static func json(_ report: GoalReport) -> JSON {
        func day(_ day: Int64?) -> JSON { day.map { .string(CalendarDay.text(day: $0)) } ?? .null }
        return [
            "snapshot": .int(report.snapshot.seq), "day": day(report.snapshot.day),
            "goals": .array(
                report.goals.map { goal in
                    [
                        "goal": .string(goal.goal), "from": day(goal.from), "until": day(goal.until),
                        "target": goal.target.map { .string(Money.decimal($0)) } ?? .null, "note": goal.note.map { .string($0) } ?? .null,
                        "kpi": goal.kpi.map { .string($0.id) } ?? .null,
                        "dimensions": goal.dimensions.flatMap { try? JSON.parse(Array($0.utf8)) } ?? .null,
                        "value": goal.value.map { .string($0) } ?? .null,
                        "progress": goal.progress.map { .string(decimal($0, scale: 6, digits: 6)) } ?? .null,
                        "pace": goal.pace.map { .string(decimal($0, scale: 6, digits: 6)) } ?? .null,
                        "days_left": goal.daysLeft.map { .int($0) } ?? .null, "phase": .string(goal.phase.rawValue),
                        "value_day": goal.value == nil ? .null : day(goal.day), "standing": .string(goal.standing.rawValue),
                    ]
                }),
        ]
    }
}
