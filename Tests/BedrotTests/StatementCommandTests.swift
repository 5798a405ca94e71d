import EventLog
import Testing

/// `bedrot export statement` from a shell.
@Suite struct StatementCommandTests {
    @Test func aStatementAPayee() throws {
        let root = try Root()
        let folder = try TemporaryFolder()
        let bank =
            "Reporting Date\tSale Month\tStore\tArtist\tTitle\tISRC\tUPC\tQuantity\tTeam Percentage\tSong/Album\tCountry of Sale\t"
            + "Songwriter Royalties Withheld\tEarnings (USD)\n"
            + "2025-03-15\t2025-01\tSpotify\tZONE A0\tSONG A\tQZAAA2500001\t198000000017\t100\t100\tSong\tUS\t0\t3\n"
        let sales =
            "transaction_id,sale_date,reporting_date,track_title,track_id,artist,channel,country,isrc,units,currency,split_id,net_revenue\n"
            + "1,2025-02-10,2025-04-20,SONG A,500,ZONE A0,Spotify,US,QZAAA2500001,100,EUR,1,2.00\n"
        try AtomicFile.write(Array(bank.utf8), to: "\(folder.path)/dk_bank_details_20250401_120000.tsv")
        try AtomicFile.write(Array(sales.utf8), to: "\(folder.path)/04-2025-100.csv")
        _ = try root.ok(["keys", "create", "payee"])
        _ = try root.ok(["ingest", "--account", "label", folder.path])
        _ = try root.ok(["reference", "set", "split", "track=QZAAA2500001", "payee=Jo Example", "from_day=2025-01-01", "share=0.333333333"])

        let out = "\(folder.path)/out"
        let first = try root.ok(["export", "statement", "--month", "2025-03", "--to", out])
        #expect(first.text.contains("0.999999999") && first.text.contains("the label's own 2.000000001"), "\(first)")
        #expect(!first.text.contains("Jo Example"))
        #expect(Tree.names(out).count == 2)
        let named = try root.json(["export", "statement", "--month", "2025-03", "--payee", "Jo Example", "--to", out])
        #expect(named["statements"]?.array?.first?["new"]?.bool == false)
        #expect(named["statements"]?.array?.first?["total"]?.string == "0.999999999")

        // A euro without a rate is in no sum and says so; once it has one, the next statement adds it.
        let april = try root.ok(["export", "statement", "--month", "2025-04", "--to", out], code: 2)
        #expect(april.errors.contains("1 amount in no sum"), "\(april)")
        _ = try root.ok(["reference", "rate", "EUR", "2025-01-01", "1.5"])
        let may = try root.json(["export", "statement", "--month", "2025-05", "--to", out])
        let change = may["statements"]?.array?.first?["adjustments"]?.array?.first
        #expect(change?["month"]?.string == "2025-04" && change?["was"]?.string == "0" && change?["is"]?.string == "0.999999999")
    }

    @Test(arguments: [
        (["--month", "2025-13"], 64, "is not a month"), (["--month", "2099-01"], 1, "was not over"),
        (["--month", "2025-01", "--payee", "Nobody Known"], 1, "bedrot"),
        (["--month", "2025-01", "--to", "%/keys"], 1, "belongs to the ledger"),
    ])
    func mistakesAreExplained(_ arguments: [String], _ code: Int32, _ says: String) throws {
        let root = try SliceTests.lake.get()
        let output = try root.ok(["export", "statement"] + arguments.map { $0.replacing("%", with: root.path) }, code: code)
        #expect(output.errors.contains(says), "\(output)")
    }
}
