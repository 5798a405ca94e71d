import EventLog
import Projection
import Testing

@testable import Ledger

/// Lines of sales reports: several with one key, and those without an artist.
@Suite struct SaleTests {
    private static let heading = "transaction_id,sale_date,reporting_date,track_title,channel,country,isrc,units,net_revenue\n"

    private func report(_ root: Root, _ name: String, _ lines: [String]) throws {
        try root.feed(try root.file(name, Self.heading + lines.map { $0 + "\n" }.joined()), account: "label", project: true)
    }

    private func net(_ root: Root) throws -> [[JSON]] {
        try root.lake.query("SELECT net_nano FROM fact_sale_line ORDER BY row_no, net_nano").rows
    }

    @Test func linesOfOneTransactionAllCount() throws {
        let root = try Root()
        let line = "1,2025-02-01,2025-03-20,Song A,Spotify,US,QZAAA2500001,1,"
        try report(root, "03-2025-100.csv", [line + "0.0255", line + "0.0119", line + "0.0119"])
        #expect(try net(root) == [[.int(25_500_000)], [.int(11_900_000)], [.int(11_900_000)]])
        #expect(try root.lake.query("SELECT issue FROM quality_issue WHERE issue = 'same_key'").rows.isEmpty)
        // Without any number of a transaction the lines are still three.
        let bare = "n/a,2025-02-02,2025-03-20,Song A,Spotify,US,QZAAA2500001,1,"
        try report(root, "03-2025-101.csv", [bare + "1", bare + "1", bare + "2"])
        #expect(try root.lake.query("SELECT SUM(net_nano) FROM fact_sale_line").rows == [[.int(4_049_300_000)]])
        #expect(try root.lake.digestEqualsRebuild())
    }

    @Test func whatALaterLineStandsInForIsTold() throws {
        let root = try Root()
        let days = [("2025-06-01", 2), ("2025-06-02", 5), ("2025-06-01", 3), ("2025-06-02", 5)]
        let list = days.map { "{\"date\":\"\($0.0)\",\"streams\":\"\($0.1)\"}" }.joined(separator: ",")
        let path = try root.file("toolost_spotify_20250603_120000.json", "{\"streams\":[\(list)]}")
        var options = IngestOptions()
        options.account = "label"
        let ingested = try root.lake.ingest([path], options, ask: nil)
        #expect(try #require(ingested.projection).changes.values.map(\.overridden).reduce(0, +) == 1, "an equal line is no other figure")
        let issues = try root.lake.query("SELECT fact, subject, value, row_count FROM quality_issue WHERE issue = 'same_key'").rows
        #expect(issues == [["fact_stream_day", "toolost/spotify_streams", "toolost_spotify_20250603_120000.json", 1]])
        let (columns, found) = try root.lake.reads(of: try root.lake.kpi("streams_daily_avg"))
        #expect(
            !columns.isEmpty && found.contains { $0.issue == QualityIssue.Kind.sameKey.rawValue && $0.text.contains("the last counts") })
        #expect(try root.lake.digestEqualsRebuild())
    }

    /// A report without artists: the catalogue's word counts before a statement's, and nobody's ISRC stays unknown.
    @Test func anUnnamedSaleIsItsRecordingArtists() throws {
        let root = try Root()
        func revenue() throws -> [String: Int64] {
            let values = try root.lake.latestKPIs().values.filter { $0.kpi == "revenue_by_artist" }
            return Dictionary(uniqueKeysWithValues: values.map { ($0.dimensions, $0.numerator ?? -1) })
        }
        try report(
            root, "03-2025-100.csv",
            [
                "1,2025-02-01,2025-03-20,Song A,Spotify,US,QZAAA2500001,1,1.00",
                "2,2025-02-01,2025-03-20,Song B,Spotify,US,QZAAA2500002,1,2.00",
                "3,2025-02-01,2025-03-20,Song C,Spotify,US,QZAAA2500003,1,4.00",
            ])
        #expect(try revenue() == ["{\"artist\":\"artist:unknown\"}": 7_000_000_000])
        try root.feed(
            try root.file(
                "dk_bank_details_20250401_120000.tsv",
                Export.bank([
                    .init(artist: "Statement Name", isrc: "QZAAA2500001", usd: "0.5"),
                    .init(artist: "First Name", isrc: "QZAAA2500002", usd: "0"),
                ])),
            account: "label", project: true)
        _ = try root.lake.createKey("payee")
        let catalogue = "artist,title,isrc,your_revenue_share\nSecond Name,Song B,QZAAA2500002,100\n"
        try root.feed(try root.file("track_catalog_20250401_120000.csv", catalogue), account: "label", project: true)
        #expect(
            try revenue() == [
                "{\"artist\":\"artist:statementname\"}": 1_500_000_000, "{\"artist\":\"artist:secondname\"}": 2_000_000_000,
                "{\"artist\":\"artist:firstname\"}": 0, "{\"artist\":\"artist:unknown\"}": 4_000_000_000,
            ])
        for (artist, lines) in [("artist:secondname", 1), ("artist:unknown", 1), ("artist:statementname", 2)] {
            let report = try root.lake.lineage(kpi: "revenue_by_artist", filter: ["artist": artist], day: nil, knownAt: nil, limit: 9)
            #expect(report.rows == Int64(lines), "\(artist)")
        }
        #expect(try root.lake.digestEqualsRebuild())
    }
}
