import EventLog
import Projection
import Testing

@testable import Ledger

/// A tenth service, from a sample file to a curated table and a KPI, without a line of Swift.
@Suite struct TenthServiceTests {
    private static let sample = """
        Day;Song;Plays;Fee (EUR)
        2025-03-01;One;12;0.50
        2025-03-01;Two;7;0.25
        2025-03-02;One;9;0.40

        """

    private static let kpi = """
        /*---
        kpi: radio_plays
        title: Radio plays, all days reported
        unit: count
        direction: up
        decimals: 0
        formula: sum of plays
        dimensions: []
        ---*/
        SELECT SUM(f.plays) AS num, 1 AS den FROM fact_radio_plays f WHERE f.day <= :day ORDER BY num;
        """

    @Test func fromASampleToAKPI() throws {
        let root = try Root()
        let file = try root.file("radio_2025-03-01.csv", Self.sample)
        let draft = try root.lake.draftDataset("radio/plays", from: file, projections: true)
        #expect(draft.files.count == 4 && draft.doubts.contains { $0.contains("day, song") })
        #expect(throws: LedgerError.self) { try root.lake.draftDataset("radio/plays", from: file, projections: true) }
        try root.define("projections/kpis/radio_plays.sql", Self.kpi)
        let outcome = try root.feed(file, account: "kexp", project: true)
        #expect(outcome.word == "promoted" && outcome.item?.rowsOut == 3 && outcome.stream == "radio/plays")
        let curated = try String(decoding: Files.read(root.layout.folder(.curated) + "/radio_plays.csv"), as: UTF8.self)
        #expect(
            curated == """
                account,day,song,plays,fee_eur
                kexp,2025-03-01,One,12,0.5
                kexp,2025-03-01,Two,7,0.25
                kexp,2025-03-02,One,9,0.4

                """)
        let value = try root.lake.latestKPIs().values.first { $0.kpi == "radio_plays" }
        #expect(value?.numerator == 28)
        // A later export corrects a day: the same key, one row.
        try root.feed(
            root.file("radio_2025-03-08.csv", "Day;Song;Plays;Fee (EUR)\n2025-03-02;One;10;0.4\n", day: "2025-06-01"), account: "kexp",
            project: true)
        #expect(try root.lake.latestKPIs().values.first { $0.kpi == "radio_plays" }?.numerator == 29)
    }

    /// Headings that are words of SQL, or names that every table has.
    @Test(arguments: [
        "when", "order", "group", "select", "account", "line", "rowid", "key", "seq", "capture", "datetime", "interval", "user", "value",
        "set_seq", "day", "1st plays", "id",
    ])
    func headingsOfAnyName(_ heading: String) throws {
        let root = try Root()
        let file = try root.file("radio_2025-03-01.csv", "date,\(heading),plays\n2025-01-01,a,1\n2025-01-02,b,2\n")
        let draft = try root.lake.draftDataset("radio/plays", from: file, projections: true)
        #expect(try root.feed(file, account: "kexp", project: true).word == "promoted", "\(draft.doubts)")
        let curated = try String(decoding: Files.read(root.layout.folder(.curated) + "/radio_plays.csv"), as: UTF8.self)
        #expect(curated.split(separator: "\n").count == 3 && curated.contains("kexp,2025-01-02,b,2"), "\(curated)")
        #expect(try DefinitionDoctor(root.layout, definitions: Root.package).findings.isEmpty)
        if heading == "order" { #expect(draft.doubts.contains { $0.contains("order is called order_") }) }
    }

    /// A loader that SQLite refuses is found by the doctor, and the log never names it.
    @Test func aLoaderThatCannotRunIsRefusedBeforeTheLogNamesIt() throws {
        let root = try Root()
        let file = try root.file("radio_2025-03-01.csv", Self.sample)
        _ = try root.lake.draftDataset("radio/plays", from: file, projections: true)
        let fact = root.layout.definitions + "/projections/warehouse/fact_radio_plays.sql"
        let text = try String(decoding: Files.read(fact), as: UTF8.self)
        try root.define("projections/warehouse/fact_radio_plays.sql", text.replacing("  plays,", with: "  when AS plays,"))
        let found = try DefinitionDoctor(root.layout, definitions: Root.package).findings
        #expect(found.count == 1 && found.allSatisfy { $0.finding.path == "projections/warehouse/fact_radio_plays.sql" }, "\(found)")
        let head = try root.lake.log.read { try $0.head().seq }
        #expect(throws: LedgerError.self) { try root.feed(file, account: "kexp", project: true) }
        let events = try root.lake.log.read { try $0.head().seq }
        #expect(events == head)
    }

    @Test(arguments: ["radio", "Radio/plays", "a/b/c", "../x/y"]) func whatIsNoDataset(_ stream: String) throws {
        let root = try Root()
        let file = try root.file("x.csv", Self.sample)
        #expect(throws: LedgerError.self) { try root.lake.draftDataset(stream, from: file, projections: false) }
    }
}
