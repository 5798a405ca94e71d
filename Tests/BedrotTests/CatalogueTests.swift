import EventLog
import Glibc
import Projection
import Testing

/// What the views say of artists, tracks, releases, ad sets, ads, distributors and sources, and what they said when less was known.
///
/// `Catalogue/1` and `Catalogue/2` are two visits; the second ends with commands of a person. `Catalogue/expected.txt` was worked out by
/// hand: days are counted since 1970, 20148 is 1 March 2025. `RECORD_GOLDEN=1` writes it anew.
@Suite struct CatalogueTests {
    private static let folder = "\(Binary.checkout)/Tests/BedrotTests/Catalogue"

    private static let questions = [
        "SELECT * FROM dim_artist",
        "SELECT * FROM bridge_artist_member",
        """
        SELECT l.artist_id, l.service, l.name, l.norm, l.origin, e.type, f.type AS first_told FROM v_artist_alias l
        JOIN events e ON e.seq = l.event_seq LEFT JOIN events f ON f.seq = l.first_seq
        """,
        "SELECT * FROM dim_track",
        "SELECT * FROM bridge_track_artist",
        """
        SELECT l.track_id, l.kind, l.name, l.origin, l.authority, e.type FROM v_track_alias l LEFT JOIN events e ON e.seq = l.event_seq
        """,
        "SELECT * FROM dim_release",
        "SELECT * FROM bridge_track_release",
        "SELECT * FROM dim_account WHERE handle = 'act_1'",
        "SELECT * FROM dim_adset",
        "SELECT * FROM dim_ad",
        "SELECT * FROM dim_distributor",
        "SELECT * FROM dim_source WHERE captures > 0 OR dataset = 'youtube/analytics'",
    ]

    private static func answers(_ root: Root, _ more: [String] = []) throws -> String {
        try questions.map { question in
            let view = question.split(separator: "FROM ").dropFirst().first?.prefix { $0 != " " && $0 != "\n" } ?? ""
            return "\(view)\n" + (try root.ok(["query", "\(question) ORDER BY 1, 2, 3", "--csv"] + more).text)
        }.joined(separator: "\n")
    }

    @Test func whatIsLearnedLaterWasNotKnownThen() throws {
        let root = try Root(inMemory: true)
        for group in ["payee", "link_visitor"] { try root.ok(["keys", "create", group]) }
        var visits: [(seq: Int64, said: String)] = []
        for visit in ["1", "2"] {
            let files = try Tree.names("\(Self.folder)/\(visit)").filter { $0 != "commands" }.map { name in
                MadeFile(name, try AtomicFile.read("\(Self.folder)/\(visit)/\(name)"), modified: 1_742_472_000)
            }
            try root.feed(files, ["--account", "label"])
            if Files.exists("\(Self.folder)/\(visit)/commands") {
                let lines = String(decoding: try AtomicFile.read("\(Self.folder)/\(visit)/commands"), as: UTF8.self)
                for line in lines.split(separator: "\n") { try root.ok(Self.words(line)) }
            }
            let seq = try #require(root.events().last?["seq"]?.int)
            visits.append((seq, try Self.answers(root)))
        }
        let found = visits.enumerated().map { "# After visit \($0.offset + 1)\n\n\($0.element.said)" }.joined(separator: "\n")
        let expected = "\(Self.folder)/expected.txt"
        if getenv("RECORD_GOLDEN") != nil { return try Tree.write(Array(found.utf8), to: expected) }
        #expect(found == String(decoding: try AtomicFile.read(expected), as: UTF8.self))
        for visit in visits {
            #expect(try Self.answers(root, ["--known-at", "\(visit.seq)"]) == visit.said, "as known at event \(visit.seq)")
        }
        // Before the first file there was nobody.
        let first = try #require(root.seqs("extraction.captured").first)
        let nobody = try root.ok(["query", "SELECT artist_id FROM dim_artist", "--csv", "--known-at", "\(first - 1)"]).text
        #expect(nobody == "artist_id\n")
        try root.ok(["rebuild"])
        #expect(try Self.answers(root) == visits.last?.said)
    }

    /// An artist whose every row is withdrawn is not listed; he was, as long as the rows counted.
    @Test func anArtistIsListedWhileARowTellsHim() throws {
        let root = try Root(inMemory: true)
        try root.feed([Made.spotify(1...3, made: 4), Made.spotify(Made.pig1987, 1...3, made: 4)])
        let ask = ["query", "SELECT artist_id FROM dim_artist ORDER BY 1", "--csv"]
        let both = "artist_id\nartist:1eu67eqpy2nutim0lqcarw\nartist:62owjqcd2xzvb2o19cvsfm\n"
        #expect(try root.ok(ask).text == both)
        let before = try #require(root.events().last?["seq"]?.int)
        let second = try #require(root.seqs("extraction.captured").last)
        try root.ok(["retract", "\(second)", "--reason", "not ours"])
        #expect(try root.ok(ask).text == "artist_id\nartist:62owjqcd2xzvb2o19cvsfm\n")
        #expect(try root.ok(ask + ["--known-at", "\(before)"]).text == both)
    }

    /// The windows of a downloaded songs table stand as of the day in its name, else as of the file's own time.
    @Test(
        arguments: [
            ("One-songs-28day-2025-03-05.csv", "name", "2025-03-05"), ("One-songs-28day.csv", "last_day", "2025-03-20"),
            ("One-songs-28day-2025-13-05.csv", "last_day", "2025-03-20"),
        ])
    func songsStandAsOfTheDayInTheName(_ name: String, _ basis: String, _ day: String) throws {
        let root = try Root(inMemory: true)
        try root.ok(["reference", "account", "spotify", "One", "one"])
        let table = "song,listeners,streams,saves,release_date\n\"First Song\",6,10,1,2025-01-03\n"
        try root.feed([MadeFile(name, table, modified: 1_742_472_000)])
        let capture = try #require(root.events(["--type", "extraction.captured"]).last)
        #expect(capture["body"]?["observed_from"]?.string == basis)
        let rows = try root.query("SELECT d.date AS day, f.streams AS n FROM fact_track_window f JOIN dim_date d USING (day_no)")
        #expect(rows == [["day": .string(day), "n": 10]])
    }

    /// Words of a command line; those in double quotes may hold spaces.
    private static func words(_ line: Substring) -> [String] {
        var words: [String] = [""]
        var isQuoted = false
        for character in line {
            if character == "\"" {
                isQuoted.toggle()
            } else if character == " ", !isQuoted {
                words.append("")
            } else {
                words[words.count - 1].append(character)
            }
        }
        return words
    }
}
