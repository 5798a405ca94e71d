import EventLog
import Projection
import Testing

@testable import Ledger

/// One thing spelled in several ways is one thing.
@Suite struct SpellingTests {
    @Test func aTrackIsOneHoweverItsCodeIsSpelled() throws {
        let root = try Root()
        _ = try root.lake.createKey("payee")
        let head =
            "Reporting Date\tSale Month\tStore\tArtist\tTitle\tISRC\tUPC\tQuantity\tTeam Percentage\tSong/Album\tCountry of Sale\t"
            + "Songwriter Royalties Withheld\tEarnings (USD)\n"
        func line(_ artist: String, _ code: String) -> String {
            "2025-08-13\t2025-06\tSpotify\t\(artist)\tGlass Tide\t\(code)\t1\t10\t100\tSong\tUS\t0\t1.5\n"
        }
        let codes = ["QZABC2400001", "QZ-ABC-24-00001", "qzabc2400001"]
        let artists = ["BJÖRK", "Björk", "Bjo\u{308}rk"]
        let text = head + zip(artists, codes).map(line).joined() + line("Björk", "pending")
        let outcome = try root.feed(root.file("dk_bank_details_20250901_060000.tsv", text), account: "main", project: true)
        #expect(outcome.item?.rowsOut == 4 && outcome.item?.rejectedRows == 0 && outcome.item?.warned == ["not_an_isrc": 1])
        try root.feed(
            root.file("track_catalog.csv", "artist,title,isrc\nbjörk,Glass Tide,QZ-ABC-24-00001\n"), account: "label", project: true)
        func column(_ sql: String) throws -> [String] { try root.lake.query(sql).rows.map { "\($0[0])" } }
        #expect(try column("SELECT track_id FROM dim_track WHERE isrc <> '' ORDER BY 1").count == 1)
        let artist = try column("SELECT artist_id FROM dim_artist ORDER BY 1")
        #expect(artist.count == 1 && artist[0].contains("artist:björk"), "\(artist)")
        let money = try column("SELECT SUM(net_nano) FROM v_royalty")
        #expect(money.first?.contains("6000000000") ?? false, "\(money)")
    }

    @Test func aDistributorIsOneHoweverItIsSpelled() throws {
        let root = try Root()
        let text = """
            date,distributor,reference,currency,amount
            2025-05-15,DistroKid,A1,USD,100
            2025-05-16,distrokid,A2,USD,50
            2025-05-17,Too Lost,A3,XYZ,0
            2025-05-18,Elsewhere,A4,USD,7

            """
        try root.feed(root.file("payouts_20250601_060000.csv", text), account: "label", project: true)
        let values = try root.lake.latestKPIs().values.filter { $0.kpi == "cash_received" }
        let shown = values.map { "\($0.dimensions) \($0.numerator ?? -1) \($0.unconverted ?? 0)" }.sorted()
        #expect(shown.count == 3, "\(shown)")
        #expect(values.contains { $0.dimensions.contains("DistroKid") && $0.numerator == 150_000_000_000 })
        // Nothing in an unknown currency is nothing.
        #expect(values.contains { $0.dimensions.contains("TooLost") && $0.numerator == 0 && $0.unconverted ?? 0 == 0 }, "\(shown)")
        let names = try root.lake.query("SELECT distributor FROM dim_distributor ORDER BY 1").rows.map { "\($0[0])" }
        #expect(names.count == 3, "\(names)")
    }

    /// Files of before, cleaned under a contract that had fewer columns, are read by a loader of today.
    @Test func aLoaderMayReadColumnsThatTheContractHasGotSince() throws {
        let root = try Root()
        let contract =
            "title: Plays\nnames: [plays_<captured_at>.csv]\naccount: {fixed: main}\ncolumns:\n"
            + "  - {name: day, type: day, required: true}\n  - {name: plays, type: integer}\n"
        let merge = "merge: {upsert: [day]}\nperiod: day\n"
        func fact(_ more: String, _ sql: String) -> String {
            "/*---\nfact: fact_plays\ntitle: Plays\ncolumns:\n  day: key day\n  plays: measure count\n\(more)---*/\n"
                + "-- from: radio/plays\nSELECT day, plays\(sql) FROM staged;\n"
        }
        try root.define("zones/radio/plays.yml", contract + merge)
        try root.define("projections/warehouse/fact_plays.sql", fact("", ""))
        try root.feed(root.file("plays_20250303_060000.csv", "day,plays,by\n2025-03-01,5,Ann\n"), project: true)
        try root.define("zones/radio/plays.yml", contract + "  - {name: by, type: text, optional: true}\n" + merge)
        try root.define(
            "projections/warehouse/fact_plays.sql",
            fact(
                "  host: source:host\n  guest: source:host\n  n: count\n",
                ", COALESCE(by, '') AS host, by AS guest, LENGTH(COALESCE(by, 'xx')) AS n"))
        try root.feed(root.file("plays_20250304_060000.csv", "day,plays,by\n2025-03-02,6,Bo\n"), project: true)
        let rows = try root.lake.query("SELECT v.value, f.n FROM fact_plays f JOIN source_value v ON v.id = f.host ORDER BY f.day").rows
        #expect(rows.map { "\($0[0]) \($0[1])" }.joined(separator: ", ").contains("Ann") && rows.count == 2, "\(rows)")
    }

    @Test func anAnswerThatIsCutOffIsNotSetAside() throws {
        let root = try Root()
        let outcome = try root.feed(root.file("graphql_demo_20250601_060000_123456.json", "{\"data\":"), account: "demo")
        #expect(outcome.word == "quarantined" && outcome.reason.contains("not_json"), "\(outcome)")
        let whole = try root.feed(root.file("graphql_demo_20250601_060001_123456.json", "{\"data\":{\"me\":1}}"), account: "demo")
        #expect(whole.stream == "linktree/other" && whole.word == "promoted", "\(whole)")
    }
}
