import Cleaning
import EventLog
import Glibc
import Projection
import Testing

@testable import Ledger

@Suite struct Accounts {
    static let landing = "landing"

    struct Case: Sendable, CustomTestStringConvertible {
        let label: String
        let file: String
        var folder: String?
        var given: String?
        let account: String?
        var testDescription: String { label }
    }

    static let cases: [Case] = [
        Case(label: "the name's own id", file: "spotify_audience_artistone_20250401_120000.csv", account: "artistone"),
        Case(
            label: "the name before the folder", file: "spotify_audience_artistone_20250401_120000.csv", folder: "artisttwo",
            account: "artistone"),
        Case(
            label: "the name before --account", file: "spotify_audience_artistone_20250401_120000.csv", given: "artisttwo",
            account: "artistone"),
        Case(label: "an id that is an alias", file: "spotify_audience_oldid_20250401_120000.csv", account: "artistone"),
        Case(label: "a browser's name, known", file: "ZONE A0-audience-timeline.csv", account: "artistone"),
        Case(label: "a browser's name in another spelling", file: "zone_a0-audience-timeline.csv", account: "artistone"),
        Case(label: "a known name before --account", file: "ZONE A0-audience-timeline.csv", given: "artisttwo", account: "artistone"),
        Case(label: "a browser's name, unknown", file: "Nobody-audience-timeline.csv", account: nil),
        Case(label: "an unknown name and --account", file: "Nobody-audience-timeline.csv", given: "artisttwo", account: "artisttwo"),
        Case(label: "an unknown name in a folder", file: "Nobody-audience-timeline.csv", folder: "artisttwo", account: "artisttwo"),
        Case(
            label: "the folder before --account", file: "spotify_audience_20250401_120000.csv", folder: "artisttwo", given: "other",
            account: "artisttwo"),
        Case(label: "--account", file: "spotify_audience_20250401_120000.csv", given: "artisttwo", account: "artisttwo"),
        Case(label: "landing without a folder", file: "spotify_audience_20250401_120000.csv", folder: "", account: nil),
        Case(label: "nothing", file: "spotify_audience_20250401_120000.csv", account: nil),
    ]

    @Test func table() throws {
        let root = try Root()
        for value in ["ZONE A0", "oldid"] {
            _ = try root.lake.alias(kind: "account", service: "spotify", value: value, member: "artistone", name: nil)
        }
        _ = try root.lake.alias(kind: "account", service: "tiktok", value: "Nobody", member: "elsewhere", name: nil)
        _ = try root.lake.alias(kind: "artist", service: "spotify", value: "Nobody", member: "artist:nobody", name: nil)
        let definitions = try root.lake.projector.definitions(until: try root.head())
        let contract = try #require(definitions.contracts["spotify/audience"]?.contract)
        let book = try AccountBook(log: root.lake.log, service: "spotify")
        for item in Self.cases {
            let below = item.folder.map { "\(root.layout.folder(.landing))/spotify/audience/\($0)" } ?? "\(root.folder)/in"
            let path = try root.file("\(below)/\(item.file)", Export.spotify([1]))
            let name = try #require(contract.match(fileName: item.file))
            let account = book.settle(contract, name: name, path: path, landing: root.layout.folder(.landing), given: item.given)
            #expect(account == item.account, "\(item.label)")
        }
    }

    @Test(arguments: [("Artist One", "'Artist One'"), ("it's", #"'it'\''s'"#), ("$HOME", "'$HOME'"), ("Ünö", "Ünö")])
    func commandsToRepeatAreQuotedForAShell(name: String, quoted: String) throws {
        let root = try Root()
        let path = try root.file("in box/\(name)-audience-timeline.csv", Export.spotify([1]))
        guard case .quarantined(_, _, let remedy?) = try root.feed(path).kind else {
            Issue.record("should wait for a person")
            return
        }
        #expect(remedy.contains("--account NAME '"), "\(remedy)")
        #expect(remedy.hasSuffix("bedrot reference account spotify \(quoted) NAME"), "\(remedy)")
        #expect(path.shellQuoted.hasPrefix("'") && "plain/path-1.csv".shellQuoted == "plain/path-1.csv" && "".shellQuoted == "''")
    }

    @Test func anUnknownAccountIsHeldBackWithTheCommandToRepeat() throws {
        let root = try Root()
        let path = try root.file("Nobody-audience-timeline.csv", Export.spotify([1]))
        guard case .quarantined(let capture, let reason, let remedy) = try root.feed(path).kind else {
            Issue.record("should wait for a person")
            return
        }
        #expect(capture == nil)
        #expect(reason.contains("Nobody"))
        #expect(remedy?.hasPrefix("bedrot ingest --account NAME \(path); ") ?? false)
        #expect(try root.events(.captured).isEmpty)
        #expect(try root.events(.quarantined).first?.body["code"]?.string == "account_unknown")
        #expect(try root.feed(path, account: "artistone").word == "promoted")
    }
}

@Suite struct Ingesting {
    @Test func aFileFromOutsideIsCopiedIntoLanding() throws {
        let root = try Root()
        let path = try root.file(Export.spotifyName("artistone", "20250401_120000"), Export.spotify([1, 2]))
        let seq = try #require(try root.feed(path).capture)
        let capture = try #require(try root.state("spotify/audience").entries[seq]).capture
        #expect(capture.landing == "1_landing/spotify/audience/artistone/spotify_audience_artistone_20250401_120000.csv")
        #expect(try Files.read(root.layout.path(capture.landing)) == Files.read(path))
        #expect(capture.size == Files.size(path))
        var status = stat()
        #expect(stat(root.layout.path(capture.landing), &status) == 0)
        #expect(status.st_nlink == 1, "a landing file belongs to people and is never a link of the object")
    }

    @Test func aFileInLandingStaysWhereItIs() throws {
        let root = try Root()
        let below = "\(root.layout.folder(.landing))/anywhere/deep"
        let path = try root.file("\(below)/\(Export.spotifyName("artistone", "20250401_120000"))", Export.spotify([1, 2]))
        let before = Files.walk(root.layout.folder(.landing))
        let seq = try #require(try root.feed(path).capture)
        #expect(
            try root.state("spotify/audience").entries[seq]?.capture.landing
                == "1_landing/anywhere/deep/spotify_audience_artistone_20250401_120000.csv")
        #expect(Files.walk(root.layout.folder(.landing)) == before)
    }

    @Test func aNameTakenInLandingByOtherBytesGetsTheirHash() throws {
        let root = try Root()
        for streams in [[1, 2], [3, 4]] {
            try root.feed(try root.file("ZONE A0-audience-timeline.csv", Export.spotify(streams)), account: "artistone")
        }
        let landed = Files.walk(root.layout.folder(.landing)).map(Files.name)
        let hash = Hash256.of(Export.spotify([3, 4])).hex.prefix(8)
        #expect(landed == ["ZONE A0-audience-timeline.csv", "ZONE A0-audience-timeline_\(hash).csv"])
    }

    @Test func landingCanBeFedAgainAsAWhole() throws {
        let root = try Root()
        try root.feed(try root.file("Nobody-audience-timeline.csv", Export.spotify([1, 2])), account: "artistone")
        try root.feed(try root.file("dk_bank_details.tsv", Export.bank([.init()])), account: "label")
        let report = try root.lake.ingest([root.layout.folder(.landing)], IngestOptions(), ask: nil)
        #expect(report.files.map(\.word) == ["duplicate", "duplicate"])
    }

    struct Basis: Sendable, CustomTestStringConvertible {
        let label: String
        let name: String
        let text: String
        var declared: String?
        var downloadedOn: String?
        let expected: (String, String)
        var testDescription: String { label }
    }

    static let bases: [Basis] = [
        Basis(
            label: "declared", name: "spotify_audience_artistone_20250401_120000.csv", text: Export.spotify([1, 2]), declared: "2025-04-09",
            downloadedOn: "2025-04-07", expected: ("2025-04-09T00:00:00.000Z", "declared")),
        Basis(
            label: "name", name: "spotify_audience_artistone_20250401_120000.csv", text: Export.spotify([1, 2]), downloadedOn: "2025-04-07",
            expected: ("2025-04-01T12:00:00.000Z", "name")),
        Basis(
            label: "download day", name: "Overview.csv", text: Export.tiktok([1, 2]), downloadedOn: "2025-03-03",
            expected: ("2025-03-03T00:00:00.000Z", "declared")),
        Basis(
            label: "last day", name: "x-audience-timeline.csv", text: Export.spotify([1, 2]),
            expected: ("2025-03-02T00:00:00.000Z", "last_day")),
        Basis(
            label: "file time", name: "dk_bank_details.tsv", text: "Reporting Date\tSale Month\n",
            expected: ("2025-05-01T00:00:00.000Z", "file_time")),
    ]

    @Test(arguments: bases)
    func observedRestsOnTheBestThere(_ basis: Basis) throws {
        let root = try Root()
        let path = try root.file(basis.name, basis.text, day: "2025-05-01")
        let outcome = try root.feed(path, account: "artistone", observed: basis.declared, downloadedOn: basis.downloadedOn)
        #expect(outcome.observed?.iso == basis.expected.0)
        #expect(outcome.observedFrom == basis.expected.1)
        let captured = try #require(try root.events(.captured).first)
        #expect(captured.body["observed"]?.string == basis.expected.0)
        #expect(captured.body["observed_from"]?.string == basis.expected.1)
        #expect(captured.body["file_time"]?.string == "2025-05-01T00:00:00.000Z")
    }

    @Test func eachFileStandsAlone() throws {
        let root = try Root()
        let good = Export.spotify([1, 2])
        try root.file("drop/b/\(Export.spotifyName("artistone", "20250402_120000"))", good)
        try root.file("drop/a/nonsense.csv", "colour,taste\nred,sour\n")
        try root.file("drop/a/broken.csv", "")
        try root.file("drop/a/dk_bank_details.tsv", "Reporting Date\tSale Month\n2025-01-01\t2024-11\n")
        try root.file("drop/a/\(String(repeating: "long", count: 57))-audience-timeline.csv", good)
        try root.file("drop/.hidden.csv", good)
        try root.file("drop/.trash/\(Export.spotifyName("artistone", "20250403_120000"))", good)
        var options = IngestOptions()
        options.account = "label"
        options.project = false
        let report = try root.lake.ingest(["\(root.folder)/in/drop"], options, ask: nil)
        let words = report.files.map { "\(Files.name($0.path).prefix(16)) \($0.word)" }
        #expect(
            words == [
                "broken.csv unknown", "dk_bank_details. quarantined", "longlonglonglong promoted", "nonsense.csv unknown",
                "spotify_audience promoted",
            ])
        #expect(report.isDegraded)
        let completed = try #require(try root.events(.runCompleted).last)
        #expect(completed.body["outcome"]?.string == "degraded")
        // Nothing half done is left that a later run would stumble over.
        #expect(try root.feed(try root.file(Export.spotifyName("artistone", "20250405_120000"), Export.spotify([1]))).word == "promoted")
    }

    @Test func folderOrderIsSorted() throws {
        let root = try Root()
        let days = ["20250403", "20250401", "20250402"]
        for (i, day) in days.enumerated() {
            try root.file("drop/\(Export.spotifyName("artistone", "\(day)_120000"))", Export.spotify([i + 1]))
        }
        let report = try root.lake.ingest(["\(root.folder)/in/drop"], IngestOptions(), ask: nil)
        #expect(report.files.map(\.path) == report.files.map(\.path).sorted())
        #expect(report.files.count == 3)
        #expect(throws: LedgerError.self) { try root.lake.ingest(["\(root.folder)/in/absent.csv"], IngestOptions(), ask: nil) }
    }

    @Test func anUnknownFileNamesTheNearestContracts() throws {
        let root = try Root()
        let outcome = try root.feed(try root.file("strange.csv", "date,listeners,followers,colour\n2025-03-01,1,2,red\n"))
        guard case .unknown(let nearest) = outcome.kind else {
            Issue.record("no contract fits, but it was \(outcome.word)")
            return
        }
        #expect(nearest.first?.stream == "spotify/audience")
        #expect(nearest.first?.reason.contains("streams") == true)
        #expect(try root.events(.runStarted).isEmpty)
    }

    @Test func aRunBracketsWhatItAppends() throws {
        let root = try Root()
        try root.feed(try root.file(Export.spotifyName("artistone", "20250401_120000"), Export.spotify([1, 2])))
        let started = try #require(try root.events(.runStarted).first)
        let events = try root.lake.log.read { try $0.events(EventQuery(run: started.run)) }
        #expect(events.map(\.type) == ["run.started", "extraction.captured", "zone.promoted", "zone.promoted", "run.completed"])
        #expect(events.last?.body["data_to"]?.int == events[3].seq)
    }
}
