import EventLog
import Projection
import Testing

@testable import Ledger

@Suite struct ReferenceTests {
    @Test("rates are entered once, in force by currency and day, and the projection has them")
    func rates() throws {
        let root = try Root()
        let first = try ReferenceRate(currency: "eur", day: "2025-08-01", usd: "1.0923")
        #expect(first.nano == 1_092_300_000)
        #expect(try root.lake.setRates([first, ReferenceRate(currency: "GBP", day: "2025-08-01", usd: "1.3")]).count == 2)
        #expect(try root.lake.setRates([first]).isEmpty, "what is known is no news")
        let head = try root.lake.log.read { try $0.head().seq }
        let corrected = try ReferenceRate(currency: "EUR", day: "2025-08-01", usd: "1.1")
        #expect(try root.lake.setRates([corrected]).first.map { $0 > head } == true)
        #expect(try root.lake.rates().map(\.nano) == [1_100_000_000, 1_300_000_000])
        _ = try root.lake.projectCommand()
        let rows = try root.lake.query("SELECT currency, nano_usd FROM dim_rate ORDER BY 1").rows
        #expect(rows.map { $0[0].string } == ["EUR", "GBP", "USD"])
        #expect(rows.map { $0[1].int } == [1_100_000_000, 1_300_000_000, 1_000_000_000])
        #expect(try root.lake.query("SELECT CONVERT_NANO(3, 500000000) AS x").rows == [[.int(2)]])
        #expect(try root.lake.digestEqualsRebuild())
    }

    @Test(
        "what is no rate is refused with what to write",
        arguments: [
            ("EURO", "2025-08-01", "1", "ISO 4217"), ("USD", "2025-08-01", "1", "always 1"), ("EUR", "01.08.2025", "1", "YYYY-MM-DD"),
            ("EUR", "2025-08-01", "1,09", "no rate"), ("EUR", "2025-08-01", "0", "no rate"), ("EUR", "2025-08-01", "-1", "no rate"),
            ("EUR", "2025-08-01", "1.0000000001", "nine decimals"), ("EUR", "2025-02-30", "1", "YYYY-MM-DD"),
        ])
    func refused(currency: String, day: String, usd: String, says: String) {
        let error = #expect(throws: LedgerError.self) { try ReferenceRate(currency: currency, day: day, usd: usd) }
        #expect(error?.description.contains(says) == true, "\(error.map(String.init(describing:)) ?? "")")
    }

    @Test("a file of rates is read by its heading")
    func file() throws {
        let root = try Root()
        let path = try root.file(
            "rates.csv", "\u{FEFF}date,\"Currency\",USD\r\n2025-08-01,EUR,1.0923\r\n\r\n2025-08-01,EUR,1.09230\r\n2025-08-02, gbp ,1.3\r\n")
        let rates = try root.lake.readRates(path)
        #expect(rates.map { "\($0.currency) \($0.nano)" } == ["EUR 1092300000", "GBP 1300000000"])
    }

    @Test(
        "a wrong line is named, and nothing is entered",
        arguments: [
            ("currency,date\nEUR,2025-08-01\n", ":1: no column “usd”"), ("", ":1: no column “currency”"),
            ("currency,date,usd\nEUR,2025-08-01,1\nEUR,2025-08-02\n", ":3: 2 cells"),
            ("currency,date,usd\nEUR,2025-08-01,1\n\nEUR,2025-08-02,x\n", ":4: “x” is no rate"),
            ("currency,date,usd\nEUR,2025-08-01,1\nEUR,2025-08-01,2\n", ":3: EUR has another rate for 2025-08-01 at line 2"),
        ])
    func wrongFile(text: String, says: String) throws {
        let root = try Root()
        let path = try root.file("rates.csv", text)
        let error = #expect(throws: LedgerError.self) { try root.lake.readRates(path) }
        #expect(error?.description.contains("rates.csv\(says)") == true, "\(error.map(String.init(describing:)) ?? "")")
    }

    @Test("a new root counts days in any zone of the table, and refuses others with a hint")
    func zones() throws {
        let folder = try Root.makeFolder()
        defer { try? Files.removeTree(folder) }
        func create(_ zone: String) throws -> Lake {
            let settings = Lake.Settings(label: "Test", zone: zone, currency: "USD")
            return try Lake.create(Layout(root: "\(folder)/root"), settings: settings, definitions: Root.package)
        }
        let error = #expect(throws: LedgerError.self) { try create("europe/berlin") }
        #expect(error?.description.contains("did you mean Europe/Berlin?") == true, "\(error.map(String.init(describing:)) ?? "")")
        #expect(!Files.exists(Layout(root: "\(folder)/root").log), "nothing to clean up")
        let lake = try create("Europe/Berlin")
        defer { lake.close() }
        #expect(try lake.settings().zone == "Europe/Berlin")
    }

    @Test("a name in a browser's download resolves to its account")
    func account() throws {
        let root = try Root()
        let name = "Zone Nought-audience-timeline.csv"
        let text = "date,listeners,streams,followers\n2025-03-01,10,20,30\n"
        guard case .quarantined = try root.feed(try root.file(name, text)).kind else {
            Issue.record("an unknown name must not be guessed")
            return
        }
        let seq = try root.lake.nameAccount(service: "spotify", name: "ZONE NOUGHT", account: "zonenought")
        let outcome = try root.feed(try root.file(name, text))
        #expect(outcome.account == "zonenought")
        #expect(
            try root.lake.names("account")
                == [ReferenceName(service: "spotify", value: "ZONE NOUGHT", member: "zonenought", seq: seq)])
        let error = #expect(throws: LedgerError.self) { try root.lake.nameAccount(service: "spotfy", name: "x", account: "y") }
        #expect(error?.description.contains("known: distrokid, ") == true)
        #expect(throws: LedgerError.self) { try root.lake.nameAccount(service: "spotify", name: " ", account: "y") }
    }
}

/// Money whose currency the source does not say: never guessed, told by a person, known from then on.
@Suite struct AccountCurrencyTests {
    private func insights(_ account: String, currency: String? = nil, day: Int = 1) -> (name: String, text: String) {
        let said = currency.map { "\"account_currency\":\"\($0)\"," } ?? ""
        return (
            "metaads_insights_\(account)_2025060\(day)_120000.json",
            """
            {"data":[{"campaign_id":"1","campaign_name":"DEMO",\(said)"date_start":"2025-05-0\(day)","date_stop":"2025-05-0\(day)",\
            "spend":"10.00","impressions":"100","clicks":"1","reach":"90"}]}
            """
        )
    }

    private func spend(_ root: Root) throws -> [String] {
        try root.lake.query(
            """
            SELECT a.value, c.value, f.day_no, CONVERT_NANO(f.spend_nano, r.nano_usd) FROM fact_ad_day f
            JOIN source_value a ON a.id = f.account JOIN source_value c ON c.id = f.currency
            LEFT JOIN rate_of r ON r.source_id = f.currency AND r.from_day <= f.day_no AND f.day_no < r.until_day ORDER BY 1, 3
            """
        ).rows.map { "\($0[0].string ?? "") \($0[1].string ?? "") \($0[3].int.map { "\($0 / 10_000_000)" } ?? "–")" }
    }

    @Test func itComesFromTheAnswerThenFromAPersonElseItIsUnknown() throws {
        let root = try Root()
        for (account, currency, day) in [("act_1", nil, 1), ("act_1", "GBP", 2), ("act_2", nil, 1), ("act_3", "USD", 1)]
            as [(String, String?, Int)]
        {
            let made = insights(account, currency: currency, day: day)
            #expect(try root.feed(root.file(made.name, made.text)).word == "promoted")
        }
        _ = try root.lake.setRates([
            ReferenceRate(currency: "EUR", day: "2025-01-01", usd: "1.1"), ReferenceRate(currency: "GBP", day: "2025-01-01", usd: "1.3"),
        ])
        _ = try root.lake.project()
        #expect(try spend(root) == ["act_1 XXX –", "act_1 GBP 1300", "act_2 XXX –", "act_3 USD 1000"])
        func issues() throws -> [String] {
            try root.lake.projector.status().issues.filter { $0.fact == "fact_ad_day" }.map { "\($0.issue) \($0.subject) \($0.rows)" }
        }
        #expect(try issues() == ["no_currency act_1 1", "no_currency act_2 1"])
        let text = try root.lake.projector.status().issues.first?.text ?? ""
        #expect(text.contains("bedrot reference currency metaads act_1 CODE"), "\(text)")
        let before = try root.head()
        #expect(try root.lake.setCurrency(service: "metaads", account: "ACT_1", code: "eur") != nil)
        #expect(try root.lake.setCurrency(service: "metaads", account: "act_1", code: "EUR") == nil, "what is known is no news")
        _ = try root.lake.project()
        #expect(try spend(root) == ["act_1 EUR 1100", "act_1 GBP 1300", "act_2 XXX –", "act_3 USD 1000"])
        #expect(try issues() == ["no_currency act_2 1"])
        #expect(try root.lake.digestEqualsRebuild())
        #expect(try spend(root) == ["act_1 EUR 1100", "act_1 GBP 1300", "act_2 XXX –", "act_3 USD 1000"])
        // Corrected, and the past is what was known then.
        _ = try root.lake.setCurrency(service: "metaads", account: "act_1", code: "GBP")
        _ = try root.lake.project()
        #expect(try spend(root).first == "act_1 GBP 1300")
        _ = try root.lake.replay(into: "\(root.folder)/then", until: before, only: [])
        let csv = "4_curated/metaads_daily.csv"
        #expect(try String(decoding: Files.read("\(root.folder)/then/\(csv)"), as: UTF8.self).contains(",XXX,"))
        #expect(try String(decoding: Files.read(root.layout.path(csv)), as: UTF8.self).components(",GBP,") == 2)
        #expect(try root.lake.names("currency").map(\.member) == ["GBP"])
        #expect(try root.lake.replay(into: nil, until: nil, only: []).differences.isEmpty)
    }

    @Test(arguments: [
        ("nowhere", "a", "EUR", "no service"), ("metaads", " ", "EUR", "account"), ("metaads", "a", "EURO", "ISO 4217"),
        ("metaads", "a", "XXX", "ISO 4217"),
    ])
    func whatIsNoCurrencyIsRefused(service: String, account: String, code: String, says: String) throws {
        let root = try Root()
        let error = #expect(throws: LedgerError.self) { try root.lake.setCurrency(service: service, account: account, code: code) }
        #expect(error?.description.contains(says) == true)
        #expect(try root.events(.referenceChanged).isEmpty)
        #expect(throws: LedgerError.self) { try ReferenceRate(currency: "XXX", day: "2025-01-01", usd: "1") }
    }
}

extension String {
    /// How often a part stands in a text.
    fileprivate func components(_ part: String) -> Int { ranges(of: part).count }
}
