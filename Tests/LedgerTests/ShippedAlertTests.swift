import EventLog
import Projection
import Testing

@testable import Ledger

/// The alert rules that ship: each opens beyond its limit and not at it.
@Suite struct ShippedAlertTests {
    /// A value of a KPI, and the rule that it breaks.
    struct Case: Sendable {
        let kpi: String
        let dimensions: String
        let value: (num: Int64, den: Int64)
        let covered: (days: Int64, expected: Int64)?
        let breaks: String?

        init(
            _ kpi: String, _ dimensions: String, _ num: Int64, of den: Int64, covered: (days: Int64, expected: Int64)? = nil,
            breaks: String? = nil
        ) {
            (self.kpi, self.dimensions, value, self.covered, self.breaks) = (kpi, dimensions, (num, den), covered, breaks)
        }
    }

    private static let hour: Int64 = 3_600_000
    private static let usd: Int64 = 1_000_000_000
    private static let source = "{\"account\":\"a\",\"source\":\"linktree/analytics\"}"
    private static let sale = "{\"distributor\":\"TooLost\",\"month\":\"2025-03\",\"platform\":\"platform:spotify\"}"
    private static let month = "{\"month\":\"2025-03\"}"
    private static let artist = "{\"artist\":\"artist:one\"}"

    static let cases: [Case] = [
        Case("ad_budget_used", "{}", 100, of: 100),
        Case("ad_budget_used", "{}", 101, of: 100, breaks: "budget_exceeded"),
        Case("data_age_hours", source, 72 * hour, of: hour),
        Case("data_age_hours", source, 73 * hour, of: hour, breaks: "old"),
        Case("data_age_hours", source.replacing(":\"a\"", with: ":\"b\""), 168 * hour, of: hour, breaks: "old"),
        Case("data_age_hours", source, 169 * hour, of: hour, breaks: "missing"),
        Case("email_unsub_rate", "{\"campaign\":\"c1\"}", 1, of: 100),
        Case("email_unsub_rate", "{\"campaign\":\"c1\"}", 11, of: 1000, breaks: "many_leave"),
        Case("followers_week_pct", artist, -2, of: 100),
        Case("followers_week_pct", artist, -21, of: 1000, breaks: "loss"),
        Case("quarantined_rows", "{\"source\":\"tiktok/overview\"}", 0, of: 1),
        Case("quarantined_rows", "{\"source\":\"tiktok/overview\"}", 1, of: 1, breaks: "kept_out"),
        Case("receivable_overdue", "{\"distributor\":\"TooLost\",\"month\":\"2025-03\"}", 0, of: usd),
        Case("receivable_overdue", "{\"distributor\":\"TooLost\",\"month\":\"2025-03\"}", 1, of: usd, breaks: "overdue"),
        // More than 20 percent, and more than 100 USD.
        Case("revenue_change_pct", month, 200 * usd, of: 1000 * usd),
        Case("revenue_change_pct", month, 201 * usd, of: 1000 * usd, breaks: "jump"),
        Case("revenue_change_pct", month, 100 * usd, of: 200 * usd),
        Case("revenue_change_pct", month, 100 * usd + 1, of: 200 * usd, breaks: "jump"),
        Case("revenue_change_pct", month, -200 * usd, of: 1000 * usd),
        Case("revenue_change_pct", month, -201 * usd, of: 1000 * usd, breaks: "drop"),
        Case("revenue_change_pct", month, -100 * usd, of: 200 * usd),
        Case("revenue_change_pct", month, -100 * usd - 1, of: 200 * usd, breaks: "drop"),
        Case("revenue_variance_pct", sale, 15, of: 100, covered: (31, 31)),
        Case("revenue_variance_pct", sale, 151, of: 1000, covered: (31, 31), breaks: "paid_more"),
        Case("revenue_variance_pct", sale, 151, of: 1000, covered: (30, 31)),
        Case("revenue_variance_pct", sale, -15, of: 100, covered: (31, 31)),
        Case("revenue_variance_pct", sale, -151, of: 1000, covered: (31, 31), breaks: "paid_less"),
        Case("run_success_rate", "{\"step\":\"ingest\"}", 80, of: 100),
        Case("run_success_rate", "{\"step\":\"ingest\"}", 79, of: 100, breaks: "failing"),
        Case("session_hours_left", "{\"account\":\"a\",\"service\":\"spotify\"}", 72 * hour, of: hour),
        Case("session_hours_left", "{\"account\":\"a\",\"service\":\"spotify\"}", 71 * hour, of: hour, breaks: "expiring"),
        Case("session_hours_left", "{\"account\":\"a\",\"service\":\"spotify\"}", 0, of: hour, breaks: "expired"),
        Case("social_followers_net", artist, 0, of: 1),
        Case("social_followers_net", artist, -1, of: 1, breaks: "losing"),
        Case("social_followers_net", artist, -1, of: 1, covered: (27, 28)),
        Case("source_variance_pct", "{}", 15, of: 100, covered: (28, 28)),
        Case("source_variance_pct", "{}", 16, of: 100, covered: (28, 28), breaks: "above"),
        Case("source_variance_pct", "{}", -15, of: 100, covered: (28, 28)),
        Case("source_variance_pct", "{}", -16, of: 100, covered: (28, 28), breaks: "below"),
        // A week may lack a day.
        Case("streams_growth_7d_pct", "{}", -20, of: 100, covered: (7, 7)),
        Case("streams_growth_7d_pct", "{}", -21, of: 100, covered: (6, 7), breaks: "drop"),
        Case("streams_growth_7d_pct", "{}", -99, of: 100, covered: (5, 7)),
        Case("unmapped_rows_pct", "{\"kind\":\"artist\",\"source\":\"distrokid/bank_details\"}", 1, of: 100),
        Case(
            "unmapped_rows_pct", "{\"kind\":\"artist\",\"source\":\"distrokid/bank_details\"}", 11, of: 1000, breaks: "unmapped"),
    ]

    private static func judge(_ root: Root, _ snapshot: Int64, _ values: [KPIValue]) throws -> [String] {
        let before = try root.head()
        // Years apart, so that no cooldown holds.
        _ = try root.lake.judgeAlerts(by: KPISnapshot(seq: snapshot, time: "", day: snapshot * 1000, values: values))
        return try root.lake.log.read { try $0.events(EventQuery(seqs: (before + 1)...Int64.max)) }
            .filter { $0.type == "kpi.alerted" }
            .map { "\($0.body["alert"]?.string ?? "") \($0.body["dimensions"]?["month"]?.string ?? "")".trimmingSpaces }
    }

    private static func value(_ kpi: String, _ dimensions: String, _ num: Int64, _ den: Int64, _ covered: (Int64, Int64)?) -> KPIValue {
        KPIValue(
            kpi: kpi, dimensions: dimensions, numerator: num, denominator: den, covered: covered?.0, expected: covered?.1)
    }

    @Test func everyRuleThatShipsOpensBeyondItsLimit() throws {
        let root = try Root()
        _ = try root.lake.projectCommand()
        for (index, one) in Self.cases.enumerated() {
            let value = Self.value(one.kpi, one.dimensions, one.value.num, one.value.den, one.covered)
            let opened = try Self.judge(root, Int64(index + 1), [value]).map { $0.split(separator: " ").first.map { String($0) } ?? "" }
            #expect(opened == [one.breaks].compactMap(\.self), "\(one.kpi) \(one.value) \(one.dimensions)")
        }
        let rules = try root.lake.definitionsInForce().kpis.flatMap { kpi in kpi.alerts.map { "\(kpi.id) \($0.id)" } }
        let broken = Self.cases.compactMap { one in one.breaks.map { "\(one.kpi) \($0)" } }
        #expect(Set(rules) == Set(broken), "a rule without a case, or a case without a rule")
    }

    @Test("of the figures by month only the newest is judged", arguments: ["revenue_variance_pct", "receivable_overdue"])
    func newestMonth(kpi: String) throws {
        let root = try Root()
        _ = try root.lake.projectCommand()
        let values = ["2024-11", "2025-02", "2024-12", "2025-01"].flatMap { month in
            ["DistroKid", "TooLost"].map { distributor in
                let platform = kpi == "revenue_variance_pct" ? ",\"platform\":\"platform:spotify\"" : ""
                let dimensions = "{\"distributor\":\"\(distributor)\",\"month\":\"\(month)\"\(platform)}"
                return Self.value(kpi, dimensions, 9, 10, nil)
            }
        }
        let opened = try Self.judge(root, 1, values.filter { !$0.dimensions.contains("DistroKid\",\"month\":\"2025-02") })
        #expect(opened.count == 2 && Set(opened.map { String($0.suffix(7)) }) == ["2025-01", "2025-02"], "\(opened)")
    }
}
