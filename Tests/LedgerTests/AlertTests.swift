import Cleaning
import EventLog
import Projection
import Testing

@testable import Ledger

/// Alerts: when they open, once, and how they end. The snapshots are made up, for a day is to pass without waiting for it.
@Suite struct AlertTests {
    /// A KPI of two artists with a rule for people and one for panic.
    private static let stock = """
        /*---
        kpi: stock
        title: Stock
        domain: operations
        unit: count
        direction: down
        formula: what there is
        dimensions: [artist]
        alerts:
          - {alert: much, above: 10, severity: warn, cooldown_days: 3, text: "It is much."}
          - {alert: full, above: 20, severity: critical, cooldown_days: 0, text: "It is full."}
          - {alert: empty, below: 1, severity: info, min_covered: 5, text: "It is empty."}
        ---*/
        SELECT a.artist_id AS artist, MAX(f.listeners) AS num, 1 AS den
        FROM fact_audience_day f
        JOIN artist_of a ON a.source_id = f.artist
        GROUP BY a.artist_id
        ORDER BY a.artist_id
        """

    private static func root() throws -> Root {
        let root = try Root(overlay: ["projections/kpis/stock.sql": stock])
        _ = try root.lake.projectCommand()
        return root
    }

    private static func value(_ artist: String, _ number: Int64?, _ covered: Int64? = nil) -> KPIValue {
        KPIValue(
            kpi: "stock", dimensions: "{\"artist\":\"\(artist)\"}", numerator: number, denominator: 1, covered: covered,
            expected: covered == nil ? nil : 7)
    }

    private static func snapshot(_ seq: Int64, day: Int64, _ values: KPIValue...) -> KPISnapshot {
        KPISnapshot(seq: seq, time: "", day: day, values: values)
    }

    /// What the reactor says of a snapshot: `+much` for an opened alert of a rule, `-full` for one that is over.
    private static func judge(_ root: Root, _ snapshot: KPISnapshot) throws -> [String] {
        let before = try root.head()
        let news = try root.lake.judgeAlerts(by: snapshot)
        let events = try root.lake.log.read { try $0.events(EventQuery(seqs: (before + 1)...Int64.max)) }
        #expect(events.count == news.count, "as many events as news")
        return events.map { ($0.type == "kpi.alerted" ? "+" : "-") + ($0.body["alert"]?.string ?? "?") }
    }

    @Test("one alert a rule and dimension, opened once, resolved once, quiet in its cooldown")
    func life() throws {
        let root = try Self.root()
        func judge(_ seq: Int64, _ day: Int64, _ number: Int64) throws -> [String] {
            try Self.judge(root, Self.snapshot(seq, day: day, Self.value("a", number)))
        }
        #expect(try judge(100, 10, 10) == [], "the limit itself is not beyond it")
        #expect(try judge(101, 10, 15) == ["+much"])
        #expect(try judge(101, 10, 15) == [], "the same snapshot again")
        #expect(try judge(102, 11, 16) == [], "it stands")
        #expect(try judge(103, 12, 5) == ["-much"])
        #expect(try judge(104, 14, 15) == [], "back within three days")
        #expect(try judge(105, 15, 15) == ["+much"])
        #expect(try judge(106, 16, 25) == ["-much", "+full"], "the severer rule speaks for both")
        #expect(try judge(107, 16, 15) == ["-full"], "much is quiet until day 19")
        #expect(try judge(108, 16, 25) == ["+full"], "no cooldown")
        let alerts = try root.lake.alerts(all: true).alerts
        #expect(
            alerts.map { "\($0.identity.rule) \($0.state.rawValue) \($0.firstSeen.day) \($0.resolvedDay ?? 0) \($0.reason ?? "")" } == [
                "much resolved 10 12 value", "much resolved 15 16 severer", "full resolved 16 16 value", "full open 16 0 ",
            ])
        let first = try #require(alerts.first)
        #expect(first.value == "15 count" && first.limit == "10" && first.text == "It is much." && first.severity == .warn)
        #expect(first.identity.dimensions == "{\"artist\":\"a\"}" && first.firstSeen.snapshot == 101)
        #expect(try root.lake.alerts().alerts.map(\.identity.rule) == ["full"])
    }

    @Test("dimensions are alerts of their own, and one that is gone is over")
    func dimensions() throws {
        let root = try Self.root()
        #expect(try Self.judge(root, Self.snapshot(1, day: 1, Self.value("a", 11), Self.value("b", 12))) == ["+much", "+much"])
        #expect(try Self.judge(root, Self.snapshot(2, day: 1, Self.value("b", 12))) == ["-much"])
        #expect(try root.lake.alerts(all: true).alerts.map { $0.reason ?? "" } == ["gone", ""])
        #expect(try Self.judge(root, Self.snapshot(3, day: 2, Self.value("b", nil))) == [], "no value says nothing")
    }

    @Test(
        "a window that is not covered neither opens nor ends an alert",
        arguments: [(7, 11, "+much"), (6, 11, ""), (7, 0, "+empty"), (5, 0, "+empty"), (4, 0, "")] as [(Int64, Int64, String)])
    func coverage(covered: Int64, number: Int64, says: String) throws {
        let root = try Self.root()
        let snapshot = Self.snapshot(1, day: 1, Self.value("a", number, covered))
        #expect(try Self.judge(root, snapshot) == (says.isEmpty ? [] : [says]))
        #expect(try Self.judge(root, Self.snapshot(2, day: 2, Self.value("a", 5, 2))) == [], "it stays until a covered window says so")
        #expect(try Self.judge(root, Self.snapshot(3, day: 3, Self.value("a", 5, 7))) == (says.isEmpty ? [] : ["-\(says.dropFirst())"]))
    }

    /// A KPI by month and shop, and one whose changes of little money are no news.
    private static let takings = """
        /*---
        kpi: takings
        title: Takings
        domain: revenue
        unit: percent
        direction: up
        formula: takings against the plan
        dimensions: [month, shop]
        alerts:
          - {alert: less, below: -15, newest: month, severity: warn, cooldown_days: 0, text: "It is less."}
          - {alert: more, above: 20, floor: 100 usd, severity: info, cooldown_days: 0, text: "It is more."}
        ---*/
        SELECT f.day_no AS month, f.artist AS shop, f.listeners AS num, 1 AS den
        FROM fact_audience_day f
        ORDER BY f.day_no, f.artist
        """

    private static func takings(_ month: String, _ shop: String, _ num: Int64?, of den: Int64 = 100, covered: Int64? = nil) -> KPIValue {
        KPIValue(
            kpi: "takings", dimensions: "{\"month\":\"\(month)\",\"shop\":\"\(shop)\"}", numerator: num, denominator: den,
            covered: covered, expected: covered == nil ? nil : 30)
    }

    @Test("of a rule that goes by months only the newest is judged, each shop's own")
    func newest() throws {
        let root = try Root(overlay: ["projections/kpis/takings.sql": Self.takings])
        _ = try root.lake.projectCommand()
        func standing() throws -> [String] {
            try root.lake.alerts().alerts.map { KPIValue.shown(dimensions: $0.identity.dimensions) }
        }
        func judge(_ seq: Int64, _ values: KPIValue...) throws -> [String] {
            try Self.judge(root, KPISnapshot(seq: seq, time: "", day: seq, values: values))
        }
        let old = [Self.takings("2024-11", "a", -90), Self.takings("2024-12", "a", -50), Self.takings("2024-12", "b", -40)]
        #expect(try judge(1, old[0], old[1], old[2], Self.takings("2025-01", "a", -30)) == ["+less", "+less"])
        #expect(try standing() == ["2024-12, b", "2025-01, a"])
        // A newer month that is not covered yet, or tells nothing, says nothing; the one before stays judged.
        #expect(try judge(2, old[2], Self.takings("2025-01", "a", -30), Self.takings("2025-02", "a", -99, covered: 4)) == [])
        #expect(try judge(3, old[2], Self.takings("2025-01", "a", -30), Self.takings("2025-02", "a", nil)) == [])
        #expect(try standing() == ["2024-12, b", "2025-01, a"])
        // A newer month takes its place: the older alert is over, though its value is what it was.
        #expect(try judge(4, Self.takings("2025-02", "a", 0, covered: 30), Self.takings("2025-01", "a", -30), old[2]) == ["-less"])
        #expect(try root.lake.alerts(all: true).alerts.compactMap(\.reason) == ["newer"])
        let newer = Self.takings("2025-01", "b", -20)
        #expect(try judge(5, Self.takings("2025-02", "a", 0, covered: 30), newer, old[2]) == ["-less", "+less"])
        #expect(try standing() == ["2025-01, b"])
    }

    @Test(
        "a percentage of little money is no news",
        arguments: [
            (100_000_000_000, 400_000_000_000, ""), (100_000_000_001, 400_000_000_000, "+more"),
            (100_000_000_001, 600_000_000_000, ""), (9, 10, ""),
        ] as [(Int64, Int64, String)])
    func floor(num: Int64, den: Int64, says: String) throws {
        let root = try Root(overlay: ["projections/kpis/takings.sql": Self.takings])
        _ = try root.lake.projectCommand()
        let said = try Self.judge(root, Self.snapshot(1, day: 1, Self.takings("2025-01", "a", num, of: den)))
        #expect(said == (says.isEmpty ? [] : [says]))
    }

    @Test("limits: the label's own, else the service's, else the file's")
    func limits() throws {
        let root = try Self.root()
        func age(_ seq: Int64, _ source: String, hours: Int64) throws -> [String] {
            let value = KPIValue(
                kpi: "data_age_hours", dimensions: "{\"account\":\"a\",\"source\":\"\(source)\"}", numerator: hours * 3_600_000,
                denominator: 3_600_000)
            return try Self.judge(root, Self.snapshot(seq, day: seq, value))
        }
        #expect(try age(1, "linktree/analytics", hours: 72) == [])
        #expect(try age(2, "linktree/analytics", hours: 73) == ["+old"])
        #expect(try age(3, "linktree/analytics", hours: 169) == ["-old", "+missing"])
        #expect(try age(4, "distrokid/bank_details", hours: 169) == ["-missing"], "gone; and a statement comes every month")
        #expect(try age(5, "nobody/knows", hours: 100_000) == [])
        _ = try root.append(
            "reference/threshold", .referenceChanged,
            ["kind": "threshold", "keys": ["kpi": "data_age_hours", "alert": "old"], "values": ["limit_value": "24.5"]])
        _ = try root.lake.project()
        #expect(try age(6, "nobody/knows", hours: 24) == [])
        #expect(try age(7, "nobody/knows", hours: 25) == ["+old"])
    }

    @Test(
        "beyond a limit, exactly",
        arguments: [
            (20, 100, "percent", true, "19.999999999", true), (20, 100, "percent", true, "20", false),
            (20, 100, "percent", false, "20.000000001", true), (-1, 3, "ratio", false, "-0.333333333", true),
            (-1, 3, "ratio", false, "-0.333333334", false), (1, -3, "ratio", false, "-0.333333333", true),
            (Int64.max, 1, "percent", true, "9000000000", true), (1, 0, "count", true, "0", nil), (nil, 1, "count", true, "0", nil),
        ] as [(Int64?, Int64, String, Bool, String, Bool?)])
    func beyond(num: Int64?, den: Int64, unit: String, above: Bool, limit: String, says: Bool?) throws {
        guard case .value(let nano, exact: true) = PlainNumber.parse(Array(limit.utf8), scale: 9) else {
            Issue.record("\(limit) is no number")
            return
        }
        let value = KPIValue(kpi: "k", dimensions: "{}", numerator: num, denominator: den)
        #expect(value.lies(above: above, limit: nano, unit: unit) == says)
    }

    @Test("an alert is acknowledged once, while it stands")
    func acknowledging() throws {
        let root = try Self.root()
        _ = try Self.judge(root, Self.snapshot(1, day: 1, Self.value("a", 11)))
        let id = try #require(try root.lake.alerts().alerts.first?.event)
        func refused(_ id: Int64, _ note: String, _ says: String) {
            let error = #expect(throws: LedgerError.self) { try root.lake.acknowledgeAlert(id, note: note) }
            #expect(error?.description.contains(says) == true, "\(error?.description ?? "")")
        }
        refused(1, "seen", "event 1 is not an alert")
        refused(id, " ", "a note is needed")
        let seq = try root.lake.acknowledgeAlert(id, note: "asked them")
        #expect(try root.events(.kpiAcknowledged).map(\.seq) == [seq])
        #expect(try root.lake.alerts().alerts.map { "\($0.state.rawValue) \($0.note ?? "")" } == ["acknowledged asked them"])
        refused(id, "again", "acknowledged already")
        #expect(try Self.judge(root, Self.snapshot(2, day: 2, Self.value("a", 12))) == [], "it stands, and is known")
        #expect(try Self.judge(root, Self.snapshot(3, day: 3, Self.value("a", 1))) == ["-much"])
        refused(id, "late", "is over")
    }

    @Test("the reactor speaks after a live projection, once, and never in a replay")
    func reactor() throws {
        let root = try Self.root()
        let path = try root.file(Export.spotifyName("artistone", "20250402_120000"), Export.spotify([1]).replacing(",10,", with: ",15,"))
        try root.feed(path)
        // Killed between the projection and the reactor.
        _ = try root.lake.projector.project()
        #expect(try root.events(.kpiAlerted).isEmpty)
        let outcome = try root.lake.project()
        let mine = try root.events(.kpiAlerted, stream: "kpi/stock")
        #expect(mine.count == 1)
        #expect(outcome.alerts.contains { $0.kpi == "stock" && $0.isOpened && $0.value == "15 count" })
        let event = try #require(mine.first)
        #expect(event.body["num"] == 15 && event.body["den"] == 1 && event.body["shown"] == "15 count" && event.body["limit"] == "10")
        #expect(event.body["snapshot"]?.int == (try root.lake.latestKPIs().seq))
        let head = try root.head()
        let snapshots = try root.lake.query("SELECT COUNT(*) FROM kpi_snapshot").rows
        #expect(try root.lake.project().alerts.isEmpty)
        #expect(try root.lake.digestEqualsRebuild())
        _ = try root.lake.rebuild(until: nil, definitionsNow: false)
        #expect(try root.lake.replay(into: nil, until: nil, only: []).differences.isEmpty)
        _ = try root.lake.replay(into: "\(root.folder)/then", until: head - 1, only: [])
        #expect(try root.head() == head, "nothing was appended")
        #expect(try root.lake.query("SELECT COUNT(*) FROM kpi_snapshot").rows == snapshots, "alerts make no snapshot")
        // Withdrawn, the value is gone, and so is the alert.
        let capture = try #require(try root.events(.captured).first?.seq)
        _ = try root.lake.retract(capture, reason: "wrong")
        #expect(try root.events(.kpiResolved, stream: "kpi/stock").map { $0.body["reason"] } == ["gone"])
    }

    @Test(
        "a rule that is none is refused",
        arguments: [
            ("above: 10,", "above: much,", "“much” is neither"), ("above: 10,", "", "one of `above` and `below`"),
            ("above: 10,", "above: 10, over: 3,", "unknown key “over”"), ("severity: warn", "severity: loud", "info, warn or critical"),
            ("above: 10,", "above: 10, newest: month,", "`newest` names “month”, which is none of the dimensions artist"),
            ("above: 10,", "above: 10, floor: 5 eur,", "`floor` is an amount such as “100 usd”"),
            ("above: 10,", "above: 10, floor: -5,", "and not below zero"),
        ])
    func refusedRules(old: String, new: String, says: String) throws {
        let root = try Root(overlay: ["projections/kpis/stock.sql": Self.stock])
        try root.define("projections/kpis/stock.sql", Self.stock.replacing(old, with: new))
        let error = #expect(throws: (any Error).self) { try root.lake.projectCommand() }
        #expect(error.map { "\($0)".contains(says) } == true, "\(error.map { "\($0)" } ?? "")")
    }
}

/// Goals and their pace.
@Suite struct GoalTests {
    private static let fans = """
        /*---
        kpi: fans
        title: Fans
        unit: count
        direction: up
        formula: listeners
        goal: fans
        ---*/
        SELECT MAX(f.listeners) AS num, 1 AS den FROM fact_audience_day f ORDER BY 1
        """

    @Test(
        "progress, pace and standing",
        arguments: [
            // From, until (days from today), target; 50 listeners.
            (-9, 10, "100", 500_000, 1_000_000, "ahead"), (-9, 10, "120", 416_666, 833_332, "behind"),
            (-18, 1, "100", 500_000, 526_315, "at risk"), (-9, 10, "50", 1_000_000, 2_000_000, "reached"),
            (-20, -1, "100", 500_000, 500_000, "missed"), (1, 20, "100", 500_000, nil, "waiting"),
            (-9, nil, "100", 500_000, nil, "unknown"),
        ] as [(Int64, Int64?, String, Int64, Int64?, String)])
    func pace(from: Int64, until: Int64?, target: String, progress: Int64, pace: Int64?, standing: String) throws {
        let root = try Root(overlay: ["projections/kpis/fans.sql": Self.fans])
        let path = try root.file(Export.spotifyName("artistone", "20250402_120000"), Export.spotify([1]).replacing(",10,", with: ",50,"))
        try root.feed(path, project: true)
        #expect(try root.lake.goals().goals.isEmpty)
        let today = try root.lake.latestKPIs().day
        var values: [String: JSON] = ["target": .string(target), "note": "by hand"]
        if let until { values["until_day"] = .string(CalendarDay.text(day: today + until)) }
        for goal in ["fans", "nobody"] {
            _ = try root.append(
                "reference/goal", .referenceChanged,
                [
                    "kind": "goal", "keys": ["goal": .string(goal), "from_day": .string(CalendarDay.text(day: today + from))],
                    "values": .object(values),
                ])
        }
        _ = try root.lake.project()
        let goals = try root.lake.goals().goals
        #expect(goals.map(\.goal) == ["fans", "nobody"])
        let goal = try #require(goals.first)
        #expect(goal.value == "50 count" && goal.kpi?.id == "fans" && goal.note == "by hand")
        #expect(goal.progress == progress && goal.pace == pace && goal.standing.rawValue == standing)
        #expect(goal.daysLeft == until)
        #expect(goals.last?.kpi == nil && goals.last?.standing == .unknown)
        // As of another day: the same value, another time gone.
        let earlier = try root.lake.goals(day: today - 2)
        #expect(earlier.snapshot.day == today - 2 && earlier.goals.first?.value == "50 count")
        #expect(earlier.goals.first?.daysLeft == until.map { $0 + 2 })
    }

    /// A percentage that reads the goals itself, however it finds its target.
    private static func progress(_ join: String) -> [String: String] {
        [
            "projections/kpis/fans_progress.sql": """
            /*---
            kpi: fans_progress
            title: Fans
            unit: percent
            direction: up
            formula: listeners / target
            goal: fans
            ---*/
            SELECT MAX(f.listeners) * 1000000000 AS num, MAX(g.target) AS den FROM fact_audience_day f \(join) ORDER BY 1
            """
        ]
    }

    @Test("a percentage that reads the goals itself is the progress")
    func share() throws {
        let root = try Root(overlay: Self.progress("CROSS JOIN ref_goal g"))
        let path = try root.file(Export.spotifyName("artistone", "20250402_120000"), Export.spotify([1]).replacing(",10,", with: ",50,"))
        _ = try root.append(
            "reference/goal", .referenceChanged,
            ["kind": "goal", "keys": ["goal": "fans", "from_day": "2025-01-01"], "values": ["target": "200"]])
        try root.feed(path, project: true)
        #expect(try root.lake.goals().goals.map { "\($0.value ?? "") \($0.progress ?? 0)" } == ["25 percent 250000"])
    }

    @Test("a progress that reads the goals stands at the goal that it was computed with, on the day that is asked")
    func twoGoals() throws {
        let root = try Root(
            overlay: Self.progress(
                "JOIN ref_goal g ON g.goal = 'fans' AND g.from_day <= :day AND (g.until_day IS NULL OR g.until_day >= :day)"))
        let path = try root.file(Export.spotifyName("artistone", "20250402_120000"), Export.spotify([1]).replacing(",10,", with: ",50,"))
        for (year, target) in [(2025, "200"), (2026, "500")] {
            _ = try root.lake.changeReference(
                "goal",
                [("one", ["goal": "fans", "from_day": "\(year)-01-01", "until_day": "\(year)-12-31", "target": target])])
        }
        try root.feed(path, project: true)
        func told(_ day: String) throws -> [String] {
            try root.lake.goals(day: CalendarDay.day(day)).goals.map { goal in
                "\(goal.value ?? "–") \(goal.progress ?? -1) \(goal.phase.rawValue) \(goal.standing.rawValue)"
            }
        }
        #expect(try told("2025-08-20") == ["25 percent 250000 in force at risk", "– -1 unbegun waiting"])
        // What is over says what was reached on its last day.
        #expect(try told("2026-08-20") == ["25 percent 250000 ended missed", "10 percent 100000 in force at risk"])
        let last = try root.lake.goals(day: CalendarDay.day("2027-01-05")).goals.map { CalendarDay.text(day: $0.day) }
        #expect(last == ["2025-12-31", "2026-12-31"])
    }

    @Test(
        "a goal that no KPI knows, or that ends before it begins, is refused",
        arguments: [
            (["goal": "fan", "from_day": "2025-01-01"], "did you mean fans?"),
            (["goal": "fans", "from_day": "2025-02-01", "until_day": "2025-01-01"], "lies before from_day 2025-02-01"),
        ])
    func badGoal(cells: [String: String], message: String) throws {
        let root = try Root(overlay: ["projections/kpis/fans.sql": Self.fans])
        let error = #expect(throws: LedgerError.self) { try root.lake.changeReference("goal", [("one", cells)]) }
        #expect(error?.description.contains(message) == true, "\(String(describing: error))")
        #expect(try root.lake.changeReference("goal", [("one", ["goal": "fans", "from_day": "2025-02-01"])]).changed == 1)
    }
}
