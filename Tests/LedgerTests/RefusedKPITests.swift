import EventLog
import Projection
import Testing

@testable import Ledger

/// A KPI of a person's own that breaks a rule is left out by itself: the figures of all others go on.
@Suite struct RefusedKPITests {
    private static let path = "projections/kpis/own.sql"

    private static func kpi(_ sql: String) -> String {
        """
        /*---
        kpi: own
        title: Own
        unit: count
        direction: up
        formula: own
        dimensions: [platform]
        ---*/
        \(sql) ORDER BY 1
        """
    }

    private static let sound = kpi(
        "SELECT p.platform_id AS platform, MAX(f.listeners) AS num, 1 AS den FROM fact_audience_day f JOIN platform_of p ON "
            + "p.source_id = f.platform GROUP BY p.platform_id")

    @Test(
        "left out with the reason, the same in a replay, and back once it is mended",
        arguments: [
            (
                "SELECT p.platform_id AS platform, f.listeners AS num, 1 AS den FROM fact_audience_day f JOIN platform_of p ON "
                    + "p.source_id = f.platform", "\"platform:spotify\"} more than once: one row each"
            ),
            ("SELECT 'x' AS platform, SUM(f.followers_total) AS num, 1 AS den FROM fact_audience_day f", "which is not additive"),
            ("SELECT 'x' AS platform, 1 AS num, 1 AS den FROM fact_nothing", "no such table: fact_nothing"),
            ("SELECT 'x' AS platform, 0.5 AS num, 1 AS den", "must be a whole number"),
        ])
    func leftOut(sql: String, reason: String) throws {
        let root = try Root(overlay: [Self.path: Self.kpi(sql)])
        try root.feed(try root.file(Export.spotifyName("artistone", "20250402_120000"), Export.spotify([1, 2, 3])), project: true)
        let refused = try root.lake.projectCommand().refused
        #expect(refused.map(\.kpi) == ["own"] && refused.map(\.path) == [Self.path])
        #expect(refused.first?.reason.hasPrefix("\(Self.path): ") == true && refused.first?.reason.contains(reason) == true, "\(refused)")
        let values = try root.lake.latestKPIs().values
        #expect(values.contains { $0.kpi == "followers_total" } && !values.contains { $0.kpi == "own" })
        #expect(try root.lake.shadow().isEqual)
        #expect(try root.lake.doctor(program: "").concerns.contains { $0.contains("a KPI is left out: \(Self.path)") })
        let findings = try DefinitionDoctor(root.layout, definitions: Root.package).findings
        #expect(findings.contains { $0.finding.path == Self.path && $0.finding.message.contains(reason) })
        try root.define(Self.path, Self.sound)
        #expect(try root.lake.projectCommand().refused.isEmpty)
        #expect(try root.lake.latestKPIs().values.contains { $0.kpi == "own" })
        #expect(try root.lake.shadow().isEqual)
    }
}
