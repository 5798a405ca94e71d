import GRDB
import Testing

@testable import Ledger
@testable import Projection

/// What the shipped guards refuse of a label's own KPI, and what they let through.
@Suite struct GuardTests {
    private struct Case {
        let reason: String?
        let sql: String
        var compares = ""
    }

    private static let latest = "WITH l AS (SELECT MAX(day_no) AS day_no FROM fact_audience_day WHERE day_no <= :day)"
    private static let canonical = "CROSS JOIN v_stream_canonical s WHERE s.day_no = f.day_no"

    private static let songs = "JOIN fact_track_day t ON t.day_no = f.day_no"

    private static let cases: [Case] = [
        // Two observers of the same plays.
        Case(
            reason: "observers of the same plays",
            sql: "SELECT SUM(f.streams_native) + SUM(s.streams) AS num, 1 AS den FROM fact_audience_day f \(canonical)"),
        Case(
            reason: nil, sql: "SELECT SUM(s.streams) AS num, SUM(f.streams_native) AS den FROM fact_audience_day f \(canonical)",
            compares: "compares: [distributor_trend, platform]\n"),
        Case(
            reason: "observers of the same plays",
            sql: "SELECT SUM(s.streams) AS num, SUM(f.streams_native) AS den FROM fact_audience_day f \(canonical)",
            compares: "compares: [distributor_trend, royalty_statement]\n"),
        Case(
            reason: "royalty_statement",
            sql: "SELECT SUM(r.quantity) + SUM(s.streams) AS num, 1 AS den FROM v_royalty r CROSS JOIN v_stream_canonical s"),
        Case(
            reason: "platform_by_track",
            sql: "SELECT SUM(f.streams_native) + SUM(t.streams) AS num, 1 AS den FROM fact_audience_day f \(songs)"),
        Case(
            reason: "platform_window",
            sql: "SELECT MAX(f.streams) AS num, SUM(t.streams) AS den FROM fact_track_window f \(songs)"),
        // What does not add up.
        Case(reason: "sums fact_audience_day.followers_total", sql: "SELECT SUM(followers_total) AS num, 1 AS den FROM fact_audience_day"),
        Case(
            reason: "sums fact_audience_day.followers_total",
            sql: "WITH x AS (SELECT followers_total AS fans FROM fact_audience_day) SELECT SUM(fans) AS num, 1 AS den FROM x"),
        Case(
            reason: nil,
            sql: "\(latest) SELECT MAX(f.followers_total) AS num, 1 AS den FROM l JOIN fact_audience_day f ON f.day_no = l.day_no"),
        Case(reason: "sums fact_track_window.streams", sql: "SELECT SUM(streams) AS num, 1 AS den FROM fact_track_window"),
        Case(reason: "sums fact_ad_day.reach", sql: "SELECT SUM(reach) AS num, 1 AS den FROM fact_ad_day"),
        Case(reason: "sums fact_track_day.listeners", sql: "SELECT SUM(listeners) AS num, 1 AS den FROM fact_track_day"),
        // People of a day divide what they did, and are no figure over days.
        Case(
            reason: "sums fact_audience_day.listeners as its figure", sql: "SELECT SUM(listeners) AS num, 1 AS den FROM fact_audience_day"),
        Case(
            reason: "sums fact_audience_day.listeners as its figure",
            sql: "WITH x AS (SELECT SUM(listeners) AS people FROM fact_audience_day) SELECT MAX(people) AS num, 1 AS den FROM x"),
        Case(reason: nil, sql: "SELECT SUM(streams_native) AS num, SUM(listeners) AS den FROM fact_audience_day"),
        Case(reason: nil, sql: "SELECT MAX(listeners) AS num, 1 AS den FROM fact_audience_day"),
        // A sum by another word, or in a CTE that reads itself.
        Case(
            reason: "sums fact_audience_day.followers_total",
            sql: "SELECT TOTAL(followers_total) AS num, 1 AS den FROM fact_audience_day"),
        Case(reason: "sums fact_track_window.streams", sql: "SELECT AVG(streams) AS num, 1 AS den FROM fact_track_window"),
        Case(
            reason: "in a CTE that reads itself",
            sql: """
                WITH d AS (SELECT 0 AS n, 0 AS s UNION ALL SELECT d.n + 1, d.s + f.followers_total FROM d JOIN fact_audience_day f \
                ON f.day_no = d.n WHERE d.n < 9) SELECT MAX(s) AS num, 1 AS den FROM d
                """),
        // The same spend at several levels, the same streams from several datasets.
        Case(reason: "sum that of v_ad_day", sql: "SELECT SUM(f.spend_nano) AS num, 1 AS den FROM fact_ad_day f"),
        Case(
            reason: nil,
            sql: """
                WITH n AS (SELECT MAX(day_no) AS day_no FROM fact_ad_day WHERE spend_nano > 0) SELECT SUM(a.spend_nano) AS num, 1 AS den \
                FROM v_ad_day a JOIN n ON n.day_no = a.day_no
                """),
        Case(reason: "sum that of v_stream_canonical", sql: "SELECT SUM(streams) AS num, 1 AS den FROM fact_stream_day"),
        Case(reason: nil, sql: "SELECT SUM(streams) AS num, 1 AS den FROM v_stream_canonical"),
        // What a replay does not show as it was known.
        Case(reason: "read fact_stream_day instead", sql: "SELECT SUM(streams) AS num, 1 AS den FROM fact_stream_day_v"),
        Case(reason: "read total_sale instead", sql: "SELECT SUM(units) AS num, 1 AS den FROM total_sale_v"),
        Case(reason: "reads kpi_value", sql: "SELECT MAX(num) AS num, 1 AS den FROM kpi_value"),
        Case(reason: "reads checkpoint", sql: "SELECT MAX(seq) AS num, 1 AS den FROM checkpoint"),
        Case(reason: "reads capture", sql: "SELECT COUNT(*) AS num, COUNT(seq) AS den FROM capture"),
        Case(reason: nil, sql: "SELECT COUNT(*) AS num, COUNT(stream) AS den FROM op_ingest"),
        // What nobody gives, and what nobody reads.
        Case(reason: "no parameter :today", sql: "SELECT :today AS num, 1 AS den"),
        Case(reason: "gives “artist”, which nobody reads", sql: "SELECT 1 AS artist, 1 AS num, 1 AS den"),
        Case(reason: "gives no “den”", sql: "SELECT 1 AS num"),
        // The clock.
        Case(reason: "changes without an event", sql: "SELECT CHANGES() AS num, 1 AS den"),
    ]

    @Test func theShippedGuardsRefuseWhatMustNotBeAdded() throws {
        let root = try Root()
        _ = try root.lake.project()
        let definitions = try root.lake.definitionsInForce()
        try Warehouse.Reader(root.layout, scratch: true).queue.writeWithoutTransaction { database in
            let question = KPIQuestion(database: database, definitions: definitions)
            for one in Self.cases {
                let text = """
                    /*---
                    kpi: own
                    title: Own
                    unit: count
                    direction: up
                    formula: own
                    \(one.compares)---*/
                    \(one.sql) ORDER BY 1
                    """
                let kpi = try KPIDefinition(path: "projections/kpis/own.sql", bytes: Array(text.utf8))
                if let reason = one.reason {
                    let error = #expect(throws: DefinitionError.self, "\(one.sql)") { try question.values([(kpi, 0, 1)]) }
                    #expect(error?.reason.contains(reason) == true, "\(one.sql)\n\(String(describing: error?.reason))")
                } else {
                    #expect(throws: Never.self, "\(one.sql)") { try question.values([(kpi, 0, 1)]) }
                }
            }
        }
    }
}
