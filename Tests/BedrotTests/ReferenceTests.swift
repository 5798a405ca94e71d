import EventLog
import Testing

/// `bedrot reference` at a shell: assumptions go in, are listed, and change figures and file recognition.
@Suite struct ReferenceCommandTests {
    private static let insights = MadeFile(
        "metaads_insights_act_1_20250601_120000.json",
        """
        {"data":[{"campaign_id":"1","campaign_name":"DEMO","date_start":"2025-05-01","date_stop":"2025-05-01","spend":"10.00",\
        "impressions":"100","clicks":"1","reach":"90"}]}
        """)

    @Test func ratesAreEnteredImportedAndListed() throws {
        let root = try Root()
        #expect(try root.ok(["reference", "list", "rate"]).text.contains("bedrot reference rate EUR DAY USD"))
        let one = try root.ok(["reference", "rate", "eur", "2025-08-01", "1.0923"])
        #expect(one.text.contains("entered 1 rate (event "), "\(one)")
        #expect(try root.ok(["reference", "rate", "EUR", "2025-08-01", "1.0923"]).text.contains("entered 0 rates, 1 known already"))
        let file = try root.file(
            MadeFile("rates.csv", "currency,date,usd\nEUR,2025-08-01,1.0923\nEUR,2025-09-01,1.1\nJPY,2025-08-01,0.0067\n"))
        let imported = try root.json(["reference", "import", "rates", file])
        #expect(imported["events"]?.array?.count == 2 && imported["known"]?.int == 1, "\(imported)")
        let listed = try root.json(["reference", "list", "rate"]).array ?? []
        #expect(
            listed.map { "\($0["currency"]?.string ?? "") \($0["date"]?.string ?? "") \($0["usd"]?.string ?? "")" }
                == ["EUR 2025-08-01 1.0923", "EUR 2025-09-01 1.1", "JPY 2025-08-01 0.0067"])
        let table = try root.ok(["reference", "list", "rate"]).lines
        #expect(table.count >= 4 && table.contains { $0.contains("JPY") && $0.contains("0.0067") }, "\(table)")
        #expect(try root.seqs("reference.changed").count == 3)
        // Projected at once, and a replay gives the same.
        #expect(try root.number("SELECT nano_usd FROM dim_rate WHERE currency = 'EUR' AND from_day = 20332") == 1_100_000_000)
        try root.ok(["verify", "--shadow"])
    }

    @Test func aNameThatMeansAnAccountLetsItsFilesIn() throws {
        let root = try Root()
        let made = MadeFile("ZONE A0-audience-timeline.csv", "date,listeners,streams,followers\n2025-03-01,1,2,3\n")
        let unknown = try root.ok(["ingest", try root.file(made)], code: 2)
        #expect("\(unknown)".contains("bedrot reference account spotify"), "\(unknown)")
        let said = try root.ok(["reference", "account", "spotify", "ZONE A0", "zonea0"])
        #expect(said.text.contains("“ZONE A0” of spotify is the account zonea0"), "\(said)")
        try root.feed([made])
        #expect(
            try root.query("SELECT DISTINCT a.value AS v FROM fact_audience_day f JOIN source_value a ON a.id = f.account").first?["v"]
                == "zonea0")
        let names = try root.json(["reference", "list", "account"]).array ?? []
        #expect(names.count == 1 && names.first?["name"] == "ZONE A0" && names.first?["member"] == "zonea0", "\(names)")
        #expect(try root.ok(["reference", "list", "account"]).text.contains("zonea0"))
        #expect(try root.ok(["reference", "list", "currency"]).text.contains("no currency has another name"))
        #expect(try root.ok(["reference", "list", "artist"]).text.contains("artist has no row"))
    }

    @Test func theCurrencyOfAnAccountReachesItsFiles() throws {
        let root = try Root()
        try root.feed([Self.insights])
        try root.ok(["reference", "rate", "EUR", "2025-01-01", "1.1"])
        func status() throws -> String { "\(try root.run(["project", "--status"]))" }
        #expect(try status().contains("bedrot reference currency metaads act_1 CODE"))
        #expect(try root.ok(["reference", "currency", "metaads", "act_1", "eur"]).text.contains("counts the money of act_1 in EUR"))
        #expect(try root.ok(["reference", "currency", "metaads", "act_1", "EUR"]).text.contains("known already"))
        #expect(try root.json(["reference", "currency", "metaads", "act_1", "EUR"])["seq"] == .null)
        #expect(try !status().contains("reference currency"))
        let csv = String(decoding: try AtomicFile.read("\(root.path)/4_curated/metaads_daily.csv"), as: UTF8.self)
        #expect(csv.contains(",EUR,"), "\(csv)")
        #expect(try root.json(["reference", "list", "currency"]).array?.first?["member"] == "EUR")
        try root.ok(["verify", "--shadow"])
    }

    @Test(arguments: [
        (["reference", "rate", "EURO", "2025-08-01", "1"], "ISO 4217"), (["reference", "rate", "EUR", "1.8.2025", "1"], "YYYY-MM-DD"),
        (["reference", "rate", "USD", "2025-08-01", "1"], "always 1"),
        (["reference", "import", "rates", "/nowhere/rates.csv"], "/nowhere/rates.csv"),
        (["reference", "account", "spotfy", "A", "b"], "no service “spotfy”"),
        (["reference", "account", "spotify", " ", "b"], "neither may be empty"),
        (["reference", "currency", "metaads", "act_1", "EURO"], "ISO 4217"),
        (["reference", "currency", "meta", "act_1", "EUR"], "no service “meta”"),
    ])
    func mistakesAreExplainedAndEnterNothing(arguments: [String], says: String) throws {
        let root = try Root()
        let output = try root.ok(arguments, code: 1)
        #expect(output.errors.contains(says), "\(output)")
        #expect(try root.seqs("reference.changed").isEmpty)
    }

    @Test func aWrongLineInAFileEntersNothing() throws {
        let root = try Root()
        let file = try root.file(MadeFile("rates.csv", "currency,date,usd\nEUR,2025-08-01,1.1\nGBP,2025-08-01,much\n"))
        #expect(try root.ok(["reference", "import", "rates", file], code: 1).errors.contains("rates.csv:3: “much”"))
        #expect(try root.seqs("reference.changed").isEmpty)
    }
}
