import Cleaning
import EventLog
import Projection
import Testing

@testable import Ledger

/// What payees are told they get, to the billionth of a dollar, and what they are told when it changes.
@Suite struct StatementTests {
    private static let heading =
        "Reporting Date\tSale Month\tStore\tArtist\tTitle\tISRC\tUPC\tQuantity\tTeam Percentage\tSong/Album\tCountry of Sale\t"
        + "Songwriter Royalties Withheld\tEarnings (USD)\n"

    /// A line of a bank export: day reported, sale month, title, ISRC, quantity, US dollars.
    private static func line(_ day: String, _ month: String, _ title: String, _ isrc: String, _ quantity: Int, _ usd: String) -> String {
        "\(day)\t\(month)\tSpotify\tZONE A0\t\(title)\t\(isrc)\t198000000017\t\(quantity)\t100\tSong\tUS\t0\t\(usd)\n"
    }

    private static let july = line("2025-07-15", "2025-05", "SONG A", "QZAAA2500001", 1000, "10.000000001")
    private static let august =
        line("2025-08-15", "2025-06", "SONG A", "QZAAA2500001", 2000, "20")
        + line("2025-08-15", "2025-06", "SONG B", "QZAAA2500002", 10, "0.5")
        + line("2025-08-29", "2025-05", "SONG A", "QZAAA2500001", -10, "-0.1")
    private static let month = CalendarDay.month("2025-08")
    private static let title = "THE <b>\"SCALE\"</b> & 'CO'"

    /// A root with a key for payees, shares of SONG A, and the bank's export.
    private func root(_ shares: [(payee: String, share: String)] = [("Jo Example", "0.333333333"), ("Al Sample", "0.333333333")]) throws
        -> Root
    {
        let root = try Root()
        _ = try root.lake.createKey("payee")
        try split(root, "QZAAA2500001", shares)
        try feed(root, Self.july + Self.august, "20250901_120000")
        return root
    }

    private func split(_ root: Root, _ track: String, _ shares: [(payee: String, share: String)], from: String = "2025-01-01") throws {
        let rows = shares.map {
            (place: "test", cells: ["track": track, "payee": $0.payee, "from_day": from, "share": $0.share])
        }
        _ = try root.lake.changeReference("split", rows)
    }

    @discardableResult
    private func feed(_ root: Root, _ lines: String, _ stamp: String) throws -> FileOutcome {
        let path = try root.file("dk_bank_details_\(stamp).tsv", Self.heading + lines)
        return try root.feed(path, account: "label", acceptChanges: true, project: true)
    }

    private func issue(_ root: Root, _ month: String, payee: String? = nil) throws -> StatementReport {
        try root.lake.issueStatements(month: try #require(CalendarDay.month(month)), payee: payee, to: "\(root.folder)/out")
    }

    private func text(_ path: String) throws -> String { String(decoding: try Files.read(path), as: UTF8.self) }

    private func rows(_ statement: Statement, _ record: String) -> [String] {
        String(decoding: statement.csv, as: UTF8.self).split(separator: "\n").filter { $0.hasPrefix(record + ",") }.map(String.init)
    }

    /// The amount in a row of a CSV without quoted commas before it.
    private func amount(_ row: String) throws -> Int64 {
        let cells = row.split(separator: ",", omittingEmptySubsequences: false)
        guard case .value(let nano, exact: true) = PlainNumber.parse(Array(cells[11].utf8), scale: 9) else {
            throw LedgerError("no amount in \(row)")
        }
        return nano
    }

    @Test func thirdsOfTwoPayeesAndTheLabelAddUpToTheNet() throws {
        let root = try root()
        let report = try issue(root, "2025-08")
        #expect(report.statements.count == 2)
        // 20 × 0.333333333 = 6.66666666; -0.1 × 0.333333333 = -0.0333333333, half-even -0.033333333.
        for statement in report.statements {
            #expect(statement.lines.map(\.amount) == [-33_333_333, 6_666_666_660])
            #expect(statement.total == 6_633_333_327)
            #expect(try rows(statement, "line").map(amount).reduce(0, +) == statement.total)
            #expect(try rows(statement, "total").map(amount) == [statement.total])
        }
        // 20 + 0.5 - 0.1 of the month; what nobody gets is the label's own.
        #expect(report.net == 20_400_000_000)
        #expect(report.own + report.statements.reduce(0) { $0 + $1.total } == report.net)
        // The third of an odd number: 10.000000001 × 0.333333333 = 3.333333330333333333.
        #expect(try issue(root, "2025-07").statements.map(\.total) == [3_333_333_330, 3_333_333_330])
    }

    @Test func theSumsAreThoseOfTheKPIs() throws {
        let root = try root()
        let report = try issue(root, "2025-08")
        let july = try issue(root, "2025-07")
        let owed = try root.lake.kpiValues(try root.lake.kpi("royalties_owed"), day: nil, knownAt: nil).values
        #expect(owed.reduce(0) { $0 + ($1.numerator ?? 0) } == (report.statements + july.statements).reduce(0) { $0 + $1.total })
        let own = try root.lake.kpiValues(try root.lake.kpi("revenue_own_share"), day: nil, knownAt: nil).values
        #expect(own.reduce(0) { $0 + ($1.numerator ?? 0) } == report.own + july.own)
    }

    @Test func askedAgainItIsTheSameAndNothingIsAppended() throws {
        let root = try root()
        let first = try issue(root, "2025-08")
        let before = try first.paths.map { try text($0) }
        let head = try root.head()
        let again = try issue(root, "2025-08")
        #expect(try root.head() == head)
        #expect(try again.paths.map { try text($0) } == before)
        #expect(again.statements.map(\.isNew) == [false, false])
        #expect(again.statements.map(\.event) == first.statements.map(\.event))
        #expect(try root.events(.statementIssued).count == 2)
        // Also after the figures have changed: a statement is what was known when it was issued.
        try feed(root, Self.line("2025-08-15", "2025-06", "SONG A", "QZAAA2500001", 2000, "21"), "20250902_120000")
        #expect(try issue(root, "2025-08").paths.map { try text($0) } == before)
        #expect(try root.lake.digestEqualsRebuild())
    }

    @Test func aRetractionStandsInTheNextStatementAsAnAdjustment() throws {
        let root = try Root()
        _ = try root.lake.createKey("payee")
        try split(root, "QZAAA2500001", [("Jo Example", "0.5")])
        try feed(root, Self.july, "20250801_120000")
        let wrong = try feed(root, Self.july + Self.august, "20250901_120000")
        let total = try issue(root, "2025-08").statements.map(\.total)
        #expect(total == [9_950_000_000])
        guard case .promoted(let capture, _, _, _, _) = wrong.kind else {
            Issue.record("\(wrong)")
            return
        }
        _ = try root.lake.retract(capture, reason: "not ours")
        let july = try #require(try issue(root, "2025-07").statements.first)
        #expect(july.adjustments == [Statement.Adjustment(month: try #require(Self.month), was: 9_950_000_000, now: 0)])
        // 10.000000001 / 2 = 5.0000000005, half-even 5; less what August said too much.
        #expect(july.base == 5_000_000_000 && july.total == -4_950_000_000)
        #expect(rows(july, "adjustment").first?.hasSuffix(",-9.95,USD,\"adjusts 2025-08: was 9.95, is 0\"") == true)
        #expect(String(decoding: july.html, as: UTF8.self).contains("adjusts 2025-08: was 9.95, is 0"))
        // Told once, it is not told again; taken back, the next one says so.
        _ = try root.lake.reinstate(capture, reason: "ours after all")
        try feed(root, Self.line("2025-06-15", "2025-04", "SONG A", "QZAAA2500001", 1, "1"), "20250701_120000")
        let june = try #require(try issue(root, "2025-06").statements.first)
        #expect(june.adjustments == [Statement.Adjustment(month: try #require(Self.month), was: 0, now: 9_950_000_000)])
        #expect(june.total == 500_000_000 + 9_950_000_000)
        #expect(try issue(root, "2025-07").statements.first?.csv == july.csv)
        #expect(try root.lake.digestEqualsRebuild())
    }

    @Test func aPayeeWithNothingButAChangeGetsAStatement() throws {
        let root = try root([("Jo Example", "0.5")])
        _ = try issue(root, "2025-08")
        try split(root, "QZAAA2500001", [("Jo Example", "0.25")])
        let may = try #require(try issue(root, "2025-05").statements.first)
        #expect(may.lines.isEmpty && may.total == -4_975_000_000)
    }

    @Test func namesStandOnlyInFilesThatAskForThem() throws {
        let root = try root()
        let hidden = try issue(root, "2025-08")
        #expect(try hidden.paths.allSatisfy { try !text($0).contains("Jo Example") })
        let named = try issue(root, "2025-08", payee: " JO EXAMPLE ")
        #expect(named.statements.count == 1 && named.paths.count == 2)
        #expect(try named.paths.allSatisfy { try text($0).contains("JO EXAMPLE") })
        for path in Files.walk(root.layout.root) {
            let bytes = String(decoding: try Files.read(path), as: UTF8.self)
            #expect(!bytes.contains("Jo Example") && !bytes.contains("JO EXAMPLE"), "\(path)")
        }
        // By the first letters of the pseudonym, without a name.
        let short = try issue(root, "2025-08", payee: named.statements[0].short)
        #expect(short.statements.map(\.payee) == named.statements.map(\.payee) && short.statements[0].name == nil)
        let error = #expect(throws: LedgerError.self) { try issue(root, "2025-08", payee: "Nobody Known") }
        #expect(error?.description.contains("“Nobody Known” has no share") == true, "\(error.map(String.init(describing:)) ?? "")")
    }

    @Test func erasedPayeesGetNoStatementAndTheirMoneyIsSaid() throws {
        let root = try root()
        _ = try issue(root, "2025-07")
        _ = try root.lake.eraseSubjects("payee", reason: "asked")
        let report = try issue(root, "2025-08")
        #expect(report.statements.isEmpty)
        #expect(report.erased == 2 * 6_633_333_327)
        #expect(report.own + report.erased == report.net)
        let error = #expect(throws: LedgerError.self) { try issue(root, "2025-08", payee: "Jo Example") }
        #expect(error?.description.contains("no key of the group “payee”") == true, "\(error.map(String.init(describing:)) ?? "")")
    }

    @Test func whatIsWrittenByPeopleIsEscaped() throws {
        let root = try root([("Jo <i>Example</i>", "0.5")])
        try feed(root, Self.line("2025-08-20", "2025-06", Self.title, "QZAAA2500001", 1, "1"), "20250903_120000")
        let report = try issue(root, "2025-08", payee: "Jo <i>Example</i>")
        let statement = try #require(report.statements.first)
        let page = String(decoding: statement.html, as: UTF8.self)
        #expect(page.contains("Jo &lt;i&gt;Example&lt;/i&gt;") && !page.contains("<i>"))
        #expect(Statement.escaped(Self.title) == "THE &lt;b&gt;&quot;SCALE&quot;&lt;/b&gt; &amp; &#39;CO&#39;")
        #expect(!page.contains("<script") && !page.contains("http"))
    }

    @Test func whatNobodyIsNamedForIsSaid() throws {
        let root = try root([])
        let path = try root.file(
            "track_catalog_20250901_120000.csv", "artist,title,isrc,your_revenue_share\nZONE A0,SONG A,QZAAA2500001,40\n")
        try root.feed(path, account: "label", project: true)
        let report = try issue(root, "2025-08")
        #expect(report.statements.isEmpty && report.unnamed == 11_940_000_000)
    }

    @Test func aMonthThatIsNotOverAndAZoneAreRefused() throws {
        let root = try root()
        let early = #expect(throws: LedgerError.self) { try issue(root, "2099-01") }
        #expect(early?.description.contains("2099-01 was not over") == true, "\(early.map(String.init(describing:)) ?? "")")
        let month = try #require(Self.month)
        let zone = #expect(throws: LedgerError.self) { try root.lake.issueStatements(month: month, to: root.layout.folder(.raw)) }
        #expect(zone?.description.contains("lies in 2_raw, which belongs") == true, "\(zone.map(String.init(describing:)) ?? "")")
        #expect(try root.events(.statementIssued).isEmpty)
    }
}
