import Cleaning
import Foundation
import Testing

/// A contract made from a sample parses, and the sample cleans under it without a reject.
@Suite struct DraftTests {
    private func draft(_ name: String, _ text: String) throws -> (draft: ContractDraft, outcome: Outcome) {
        let bytes = Array(text.utf8)
        let draft = try ContractDraft(stream: "radio/plays", fileName: name, sample: ByteSource(bytes))
        let contract = try Contract.parse(Array(draft.yaml.utf8), path: "zones/radio/plays.yml")
        #expect(contract.match(fileName: name) != nil, "\(draft.yaml)")
        let (raw, _) = try unpack(bytes, contract)
        return (draft, try clean([raw[...]], contract, CaptureFacts(fileName: name, observedDay: 20_000, observedBasis: "declared")))
    }

    @Test func fromATable() throws {
        let (draft, outcome) = try draft(
            "plays_2025-03-01_kexp.csv",
            "Day,Song Title,Plays,Fee (EUR),Share,UPC,Airtime\n2025-03-01,One,\"1,204\",0.50,2.5%,0012,yes\n"
                + "2025-03-01,Two,7,-1,0%,0013,no\n"
        )
        #expect(outcome.report?.rowsOut == 2 && outcome.report?.rejects == 0, "\(draft.yaml) \(String(describing: outcome.error))")
        #expect(String(decoding: outcome.sink.csv, as: UTF8.self) == "2025-03-01,One,1204,0.5,0.025,0012,1\n2025-03-01,Two,7,-1,0,0013,0\n")
        for line in [
            "plays_<first_day>_kexp.csv", "upsert: [day, song_title]", "{name: fee_eur, heading: \"Fee (EUR)\", type: money, currency: EUR",
            "period: day",
        ] { #expect(draft.yaml.contains(line), "\(draft.yaml)") }
        #expect(draft.doubts.contains { $0.contains("only 2 rows") } && draft.doubts.contains { $0.contains("identifier") })
    }

    @Test func fromADocument() throws {
        let (draft, outcome) = try draft(
            "plays_20250301_060000.json",
            "{\"meta\":{},\"data\":{\"items\":[{\"playId\":\"a\",\"at\":\"2025-03-01T10:00:00Z\",\"by\":{\"name\":\"X\"},\"n\":\"5\"},"
                + "{\"playId\":\"b\",\"at\":\"2025-03-01T11:00:00Z\",\"n\":null}]}}")
        #expect(String(decoding: outcome.sink.csv, as: UTF8.self) == "a,2025-03-01,X,5\nb,2025-03-01,,\n", "\(draft.yaml)")
        #expect(draft.yaml.contains("records: [\"data.items[]\"]") && draft.yaml.contains("path: \"by.name\""))
        #expect(draft.yaml.contains("upsert: [at, play_id]") && draft.yaml.contains("<captured_at>"))
    }

    /// What decides between a point and a comma is the whole file.
    @Test(arguments: [
        // Decimal commas elsewhere: points stand between thousands.
        (
            "Tag;Titel;Plays;Umsatz €\n2025-03-01;One;1.234;12,50\n2025-03-02;Two;7;3,10 €\n", "One,1234,12.5\nTwo,7,3.1",
            "plays reads two ways"
        ),
        (
            "Tag;Titel;Plays;Umsatz\n2025-03-01;One;1.234;1.212,50 €\n2025-03-02;Two;7;-3,10 €\n", "One,1234,1212.5\nTwo,7,-3.1",
            "EUR is taken"
        ),
        ("Day;Song;Plays;Fee\n2025-03-01;One;1,234;$12.50\n2025-03-02;Two;7;-$1,003.10\n", "One,1234,12.5\nTwo,7,-1003.1", "USD is taken"),
        // Nothing decides: the point is taken, and that is said.
        ("Day;Song;Plays;N\n2025-03-01;One;1.234;1\n2025-03-02;Two;2.500;2\n", "One,1.234,1\nTwo,2.5,2", "plays reads two ways (1.234)"),
        ("Day;Song;Plays;N\n2025-03-01;One;1,234;1\n2025-03-02;Two;2,500;2\n", "One,1234,1\nTwo,2500,2", "plays reads two ways (1,234)"),
        ("Day;Song;Rate;N\n2025-03-01;One;2,5%;1\n2025-03-02;Two;0,25 %;2\n", "One,0.025,1\nTwo,0.0025,2", "only 2 rows"),
        ("Day;Song;Sum;N\n2025-03-01;One;1 234,50;1\n2025-03-02;Two;1,2,3;2\n", "One,1 234,50,1\nTwo,1,2,3,2", "sum looks like numbers"),
        // A dollar in a name is no money.
        ("Day;Song;By;N\n2025-03-01;One;A$AP;1\n2025-03-02;Two;$;2\n", "One,A$AP,1\nTwo,$,2", "only 2 rows"),
    ])
    func numbersOfAllSpellings(_ sample: (text: String, rows: String, doubt: String)) throws {
        let (draft, outcome) = try draft("plays.csv", sample.text)
        let rows = String(decoding: outcome.sink.csv, as: UTF8.self).replacing("\"", with: "").split(separator: "\n")
        #expect(rows.map { String($0.dropFirst(11)) }.joined(separator: "\n") == sample.rows, "\(draft.yaml)")
        #expect(draft.doubts.contains { $0.contains(sample.doubt) }, "\(draft.doubts)")
    }

    @Test func whatIsNoSample() {
        for text in ["", "just words\n", "{\"a\":1}"] {
            #expect(throws: CleaningError.self) { try draft("x.csv", text) }
        }
    }

    /// What ships is a sample too: each table fixture gives a draft that reads it.
    @Test(arguments: Fixture.clean.filter { $0.file.hasSuffix(".csv") && !$0.file.contains("reject") && !$0.file.contains("quotes") })
    func fromOurOwnFixtures(_ fixture: Fixture) throws {
        let bytes = try fixture.landing()
        guard !bytes.contains(0) else { return }
        let draft = try ContractDraft(stream: "a/b", fileName: "x.csv", sample: ByteSource(bytes))
        _ = try Contract.parse(Array(draft.yaml.utf8), path: "zones/a/b.yml")
    }
}
