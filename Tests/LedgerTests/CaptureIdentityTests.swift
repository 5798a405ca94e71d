import Cleaning
import EventLog
import Projection
import Testing

@testable import Ledger

@Suite struct CaptureIdentity {
    struct Case: Sendable, CustomTestStringConvertible {
        let label: String
        var object = "bytes"
        var account = "a"
        var dataset = "audience"
        var observed: (Int64, String) = (1000, "name")
        var merge = "{upsert: [date]}"
        let isEqual: Bool
        var testDescription: String { label }
    }

    static let cases: [Case] = [
        Case(label: "the same", isEqual: true),
        Case(label: "other bytes", object: "other", isEqual: false),
        Case(label: "another account", account: "b", isEqual: false),
        Case(label: "another dataset", dataset: "other", isEqual: false),
        Case(label: "another time in the name", observed: (2000, "name"), isEqual: false),
        Case(label: "another declared time", observed: (2000, "declared"), isEqual: false),
        Case(label: "the same time, once declared", observed: (1000, "declared"), isEqual: true),
        Case(label: "a file time proves nothing", observed: (2000, "file_time"), isEqual: true),
        Case(label: "a last day proves nothing", observed: (2000, "last_day"), isEqual: true),
        Case(label: "appended lines count once whatever the time", observed: (2000, "name"), merge: "append", isEqual: true),
        Case(label: "appended lines of another account", account: "b", merge: "append", isEqual: false),
    ]

    static func capture(_ object: String, account: String, dataset: String, observed: (Int64, String)) -> Capture {
        Capture(
            seq: 0, object: .of(object), size: 1, service: "spotify", dataset: dataset, account: account, name: "x.csv", landing: "x",
            source: "manual",
            observed: Timestamp(milliseconds: observed.0), observedFrom: observed.1, fields: [:], downloadedOn: nil, fileTime: nil)
    }

    @Test(arguments: cases)
    func table(_ item: Case) throws {
        let first = Self.capture("bytes", account: "a", dataset: "audience", observed: (1000, "name"))
        let second = Self.capture(item.object, account: item.account, dataset: item.dataset, observed: item.observed)
        let text = """
            title: Any
            names: ["x_<window>.csv"]
            account: ask
            columns: [{name: date, type: day, required: true}]
            merge: \(item.merge)
            """
        let contract = try Contract.parse(Array(text.utf8), path: "zones/spotify/audience.yml")
        #expect(first.isEqual(second, under: contract) == item.isEqual)
        #expect(second.isEqual(first, under: contract) == item.isEqual, "equality has no direction")
    }

    @Test func theSameFileAgainIsADuplicate() throws {
        let root = try Root()
        let path = try root.file(Export.spotifyName("artistone", "20250401_120000"), Export.spotify([1, 2, 3]))
        let first = try root.feed(path)
        let promotions = try root.promotions("spotify/audience").count
        let again = try root.feed(path)
        #expect(first.word == "promoted")
        #expect(again.word == "duplicate")
        #expect(again.capture == first.capture)
        #expect(!again.isDegraded)
        #expect(try root.events(.captured).count == 1)
        let duplicate = try #require(try root.events(.duplicate).first)
        #expect(duplicate.body["capture"]?.int == first.capture)
        #expect(try root.promotions("spotify/audience").count == promotions)
    }

    @Test func sameBytesProvablyLaterOrOfAnotherAccountAreNew() throws {
        let root = try Root()
        let text = Export.spotify([1, 2, 3])
        let outcomes = try [("artistone", "20250401_120000"), ("artistone", "20250402_120000"), ("artisttwo", "20250401_120000")].map {
            try root.feed(try root.file(Export.spotifyName($0.0, $0.1), text)).word
        }
        #expect(outcomes == ["promoted", "promoted", "promoted"])
        #expect(try root.events(.captured).count == 3)
    }

    @Test func appendedLinesAreNeverCountedTwice() throws {
        let root = try Root(overlay: appendContract)
        let text = "word,amount\nkick,1\n"
        let first = try root.feed(try root.file("lines_20250401_120000.csv", text))
        let later = try root.feed(try root.file("lines_20250402_120000.csv", text))
        #expect((first.word, later.word) == ("promoted", "duplicate"))
    }

    @Test func afterARetractionTheSameBytesAreANewCapture() throws {
        let root = try Root()
        let path = try root.file(Export.spotifyName("artistone", "20250401_120000"), Export.spotify([1, 2, 3]))
        let first = try #require(try root.feed(path).capture)
        _ = try root.lake.retract(first, reason: "wrong file", project: false)
        let second = try root.feed(path)
        #expect(second.word == "promoted")
        #expect(second.capture != first)
        #expect(try root.feed(path).capture == second.capture)
    }

    @Test func betterEvidenceReplacesAQuarantinedTwin() throws {
        let root = try Root()
        let path = try root.file("Overview.csv", Export.tiktok([1, 2, 3]), day: "2025-06-01")
        let first = try root.feed(path, account: "handle")
        #expect(first.word == "quarantined")
        #expect(first.reason.contains("year"))
        let same = try root.feed(path, account: "handle")
        #expect(same.word == "duplicate", "no better evidence, nothing new")
        #expect(same.capture == first.capture)
        let second = try root.feed(path, account: "handle", downloadedOn: "2025-03-04")
        #expect(second.word == "promoted")
        #expect(second.capture != first.capture)
        #expect(try root.feed(path, account: "handle", downloadedOn: "2025-03-04").capture == second.capture)
    }

    @Test func aDuplicateOfWhatWaitsStillNeedsAPerson() throws {
        let root = try Root()
        let path = try root.file("Overview.csv", Export.tiktok([1, 2, 3]), day: "2025-06-01")
        #expect(try root.feed(path, account: "handle").isDegraded)
        #expect(try root.feed(path, account: "handle").isDegraded)
    }

    // MARK: What only the name says

    private static let songs = #"{"songs": [{"id": "t1", "trackName": "Glass Tide", "numStreams": 7}]}"#
    private static let table = "song,listeners,streams,saves,release_date\nGlass Tide,2,7,1,2025-01-10\n"

    /// A young artist's windows are equal byte for byte.
    @Test func equalBytesUnderNamesThatTheRowsHoldAreOtherData() throws {
        let root = try Root()
        let windows = ["1day", "7day", "28day", "1year", "all"]
        for (i, window) in windows.enumerated() {
            let path = try root.file("spotify_songs_artistone_\(window)_20250605_060000.json", Self.songs)
            #expect(try root.feed(path, project: i == windows.count - 1).word == "promoted", "\(window)")
            let again = try root.feed(path)
            #expect(again.word == "duplicate", "\(window)")
            #expect(again.replaced.isEmpty)
        }
        let rows = try root.lake.query("SELECT DISTINCT time_period FROM fact_track_window ORDER BY time_period").rows
        #expect(rows.count == 5)
        for song in ["Glass Tide", "Salt Line"] {
            let outcome = try root.feed(
                try root.file("\(song)-timeline.csv", "date,streams\n2025-03-01,1\n"), account: "artistone", project: song == "Salt Line")
            #expect(outcome.word == "promoted", "\(song)")
        }
        #expect(try root.lake.query("SELECT 1 FROM fact_track_day").rows.count == 2)
        #expect(try root.events(.retracted).isEmpty)
    }

    @Test func aNameThatAddsWhatWasMissingTakesThePlace() throws {
        let root = try Root()
        let poor = try root.feed(try root.file("download.csv", Self.table), account: "artistone", project: true)
        #expect(poor.word == "promoted")
        let id = try #require(poor.capture)
        let path = try root.file("Artist One-songs-28day.csv", Self.table)
        var options = IngestOptions()
        options.account = "artistone"
        let shown = try #require(try root.lake.preview([path], options).files.first)
        #expect((shown.word, shown.replaced) == ("promoted", [id]))
        let rich = try root.feed(path, account: "artistone", project: true)
        #expect((rich.word, rich.replaced) == ("promoted", [id]))
        let windows = try root.lake.query("SELECT v.value FROM fact_track_window f JOIN source_value v ON v.id = f.time_period").rows
        #expect(windows == [[.string("28day")]], "the same figures are not told twice")
        let retracted = try #require(try root.events(.retracted).first)
        #expect(retracted.body["capture"]?.int == poor.capture)
        // The poorer name says nothing new, fed again or taken back.
        #expect(try root.feed(try root.file("download.csv", Self.table), account: "artistone").capture == rich.capture)
        #expect(throws: LedgerError.self) { try root.lake.reinstate(id, reason: "x", project: false) }
        // Another window is other data and takes nothing's place.
        let other = try root.feed(try root.file("Artist One-songs-7day.csv", Self.table), account: "artistone")
        #expect((other.word, other.replaced) == ("promoted", []))
    }

    @Test func aTableNamedLikeItsZIPHasARange() throws {
        let root = try Root()
        let text = "Geography,Views,Watch time (hours)\nTotal,5,1\nES,3,0.5\nUS,2,0.5\n"
        let poor = try root.feed(try root.file("Table data.csv", text), account: "channel")
        #expect(poor.word == "promoted", "\(poor)")
        let id = try #require(poor.capture)
        let path = try root.file("Geography 2025-01-01_2025-02-01.csv", text)
        let rich = try root.feed(path, account: "channel", project: true)
        #expect((rich.word, rich.replaced) == ("promoted", [id]))
        #expect(try root.lake.query("SELECT DISTINCT first_day, last_day FROM fact_studio_window").rows.count == 1)
    }

    /// Sales reports name their month; the days of their sales say nothing of which is the later one.
    @Test(arguments: [[0, 1], [1, 0]])
    func theLaterReportWinsInAnyOrder(_ order: [Int]) throws {
        let root = try Root()
        let head = "transaction_id,sale_date,channel,country,track_id,units,net_amount\n"
        let files = [
            ("05-2025-100.csv", head + "X1,2025-02-01,Spotify,US,t1,1,1.00\nX2,2025-03-31,Spotify,US,t1,1,2.00\n"),
            ("06-2025-101.csv", head + "X1,2025-02-01,Spotify,US,t1,1,5.00\n"),
        ]
        for index in order {
            let outcome = try root.feed(
                try root.file(files[index].0, files[index].1, day: "2025-07-0\(1 + index)"), account: "label", project: true)
            #expect(outcome.observed?.iso == (index == 0 ? "2025-05-31T00:00:00.000Z" : "2025-06-30T00:00:00.000Z"))
            #expect(outcome.observedFrom == "name")
        }
        let amounts = try root.lake.query("SELECT net_nano FROM fact_sale_line ORDER BY sale_day_no").rows
        #expect(amounts == [[.int(5_000_000_000)], [.int(2_000_000_000)]])
    }
}
