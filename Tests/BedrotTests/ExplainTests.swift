import EventLog
import Glibc
import Testing

/// What `kpi explain` and `restatements` print of a small lake, word for word. `RECORD_GOLDEN=1` writes it anew.
///
/// Seqs and the times of events differ from run to run and are written as N and TIME.
@Suite struct ExplainTests {
    private static let folder = "\(Binary.checkout)/Tests/BedrotTests/Explained"

    /// What is asked; the file's name comes first.
    private static let questions: [(name: String, arguments: [String])] = [
        ("streams_native_7d", ["kpi", "explain", "streams_native_7d", "--day", "2025-03-17"]),
        (
            "compared_restated",
            ["kpi", "explain", "streams_native_7d", "artist=artist:62owjqcd2xzvb2o19cvsfm", "--day", "2025-03-17", "--compare", "9,100"]
        ),
        (
            "compared_other_day",
            ["kpi", "explain", "streams_native_7d", "artist=artist:62owjqcd2xzvb2o19cvsfm", "--day", "2025-03-17", "--compare", "12200"]
        ),
        (
            "compared_nothing",
            ["kpi", "explain", "streams_native_7d", "artist=artist:62owjqcd2xzvb2o19cvsfm", "--day", "2025-03-17", "--compare", "77777777"]
        ),
        ("revenue_net", ["kpi", "explain", "revenue_net", "--day", "2025-04-01"]),
        ("restatements", ["restatements"]),
        ("restatements_of_spotify_in_march", ["restatements", "--platform", "spotify", "--period", "2025-03"]),
        ("restatements_of_a_month_without", ["restatements", "--period", "2024-12"]),
    ]

    private static func plain(_ text: String) -> String {
        text.replacing(/event \d+, \d{4}-\d\d-\d\d(T\d\d:\d\d)?/) { _ in "event N, TIME" }
            .replacing(/(event|capture|--since|until event) \d+/) { "\($0.output.1) N" }
            .replacing(/\(\d{4}-\d\d-\d\d\): figures/) { _ in "(TIME): figures" }
    }

    @Test func whatIsSaidIsWhatIsWrittenDown() throws {
        let root = try AuditTests.lake()
        for (name, arguments) in Self.questions {
            let said = Self.plain(try root.ok(arguments).text)
            let path = "\(Self.folder)/\(name).txt"
            if getenv("RECORD_GOLDEN") != nil {
                try Tree.write(Array(said.utf8), to: path)
            } else {
                #expect(said == String(decoding: try AtomicFile.read(path), as: UTF8.self), "\(name)")
            }
        }
    }

    @Test func aFigureFromElsewhereIsNamedByItsLikelyCause() throws {
        let root = try AuditTests.lake()
        func causes(_ figure: String) throws -> [String] {
            let answer = try root.json([
                "kpi", "explain", "streams_native_7d", "artist=artist:62owjqcd2xzvb2o19cvsfm", "--day", "2025-03-17", "--compare", figure,
            ])
            return (answer["comparison"]?["causes"]?.array ?? []).compactMap(\.string)
        }
        // 1100 + 1200 + 1300 + 1400 + 3000 + 3200 + 3400, from the 11th to the 17th.
        #expect(try causes("14600").first?.contains("this value") == true)
        #expect(try causes("14.6").first?.contains("this value") != true, "a figure is in the unit that is shown")
        // 1000 to 1600, from the 10th to the 16th: what was known before the newest file.
        #expect(try causes("9100").first?.contains("figures were restated since") == true)
        // 1000 + 1100 + 1200 + 1300 + 1400 + 3000 + 3200: the same days, as they are known now.
        #expect(try causes("12200").first?.contains("the value for 2025-03-16, 1 day before") == true)
        #expect(try root.run(["kpi", "explain", "streams_native_7d", "--compare", "many"]).code == 1)
        #expect(try root.run(["kpi", "explain", "streams_native_7d", "artist=nobody"]).code == 1)
    }
}
