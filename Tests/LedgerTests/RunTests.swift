import Cleaning
import EventLog
import Projection
import Testing

@testable import Ledger

@Suite struct Runs {
    static let stream = "spotify/audience"

    /// A copy of a shipped definition.
    static func shipped(_ path: String) throws -> String { String(decoding: try Files.read("\(Root.package)/\(path)"), as: UTF8.self) }

    /// Appends a capture as an ingest that was killed before its promotion leaves it.
    static func interrupt(_ root: Root, _ stamp: String, _ text: String) throws -> Int64 {
        let name = Export.spotifyName("artistone", stamp)
        let object = try root.lake.objects.put(Array(text.utf8))
        let observed = try #require(Timestamp(iso: "2025-04-\(stamp.dropFirst(6).prefix(2))T12:00:00.000Z"))
        let capture = Capture(
            seq: 0, object: object, size: Int64(text.utf8.count), service: "spotify", dataset: "audience", account: "artistone", name: name,
            landing: "1_landing/\(name)", source: "manual", observed: observed, observedFrom: "name",
            fields: ["artist_id": "artistone", "captured_at": stamp], downloadedOn: nil, fileTime: nil)
        return try root.append(stream, .captured, capture.body)
    }

    @Test func theNextRunSettlesWhatAKilledOneLeft() throws {
        let root = try Root()
        let left = try Self.interrupt(root, "20250401_120000", Export.spotify([1, 2, 3]))
        #expect(try root.state(Self.stream).entries[left]?.isUnsettled == true)
        _ = try root.lake.projectCommand()
        let entry = try #require(try root.state(Self.stream).entries[left])
        #expect(!entry.isUnsettled)
        #expect(entry.promotion?.item.rowsOut == 3)
        let runs = try root.lake.log.read { try $0.events(EventQuery(types: ["run.*", "zone.promoted"])) }
        #expect(runs.map(\.type).prefix(4) == ["run.started", "zone.promoted", "zone.promoted", "run.completed"])
        let seqs = try root.head()
        _ = try root.lake.projectCommand()
        #expect(try root.head() == seqs, "settled once")
        #expect(try root.lake.query("SELECT COUNT(*) FROM fact_audience_day").rows == [[.int(3)]])
    }

    @Test func aRetractedLeftoverIsLeftAlone() throws {
        let root = try Root()
        let left = try Self.interrupt(root, "20250401_120000", Export.spotify([1, 2, 3]))
        _ = try root.append(Self.stream, .retracted, ["capture": .int(left), "reason": "x"])
        _ = try root.lake.projectCommand()
        #expect(try root.promotions(Self.stream).isEmpty)
    }

    /// A run that had to share the root cannot know what its neighbours had not finished.
    @Test func aRunAmongOthersDoesNotVouchForThem() throws {
        let root = try Root()
        let path = try root.file(Export.spotifyName("artistone", "20250402_120000"), Export.spotify([1]))
        do {
            let neighbour = try FileLock(root.layout.path("ledger/runs.lock"), shared: true)
            #expect(neighbour != nil)
            let left = try Self.interrupt(root, "20250401_120000", Export.spotify([1, 2, 3]))
            #expect(try root.feed(path).word == "promoted")
            #expect(try root.state(Self.stream).entries[left]?.isUnsettled == true, "the neighbour may still be at it")
            withExtendedLifetime(neighbour) {}
        }
        _ = try root.lake.projectCommand()
        #expect(try root.state(Self.stream).entries.values.allSatisfy { !$0.isUnsettled })
    }

    @Test func aChangedContractIsOneEventForAllCaptures() throws {
        let root = try Root()
        let captures = try ["20250401_120000", "20250402_120000", "20250403_120000"].enumerated().map { i, stamp in
            try #require(try root.feed(try root.file(Export.spotifyName("artistone", stamp), Export.spotify([100 + i, 200]))).capture)
        }
        _ = try root.lake.retract(captures[1], reason: "wrong", project: false)
        let before = try root.promotions(Self.stream).count
        try root.define("zones/spotify/audience.yml", "# Changed.\n" + (try Self.shipped("zones/spotify/audience.yml")))
        _ = try root.lake.projectCommand()
        let promotions = try root.promotions(Self.stream).dropFirst(before)
        #expect(promotions.count == 1)
        let promotion = try #require(promotions.first)
        #expect(promotion.items.map(\.capture) == captures)
        #expect(promotion.contract == Hash256(hashing: try Files.read("\(root.layout.definitions)/zones/spotify/audience.yml")))
        // The run says so before and after.
        let event = try #require(try root.events(.promoted, stream: Self.stream).last)
        let run = try root.lake.log.read { try $0.events(EventQuery(run: event.run)) }.map(\.type)
        #expect(run == ["run.started", "zone.promoted", "run.completed"])
        _ = try root.lake.projectCommand()
        #expect(try root.promotions(Self.stream).count == before + 1, "promoted again once")
        // Removing the user's own file brings the shipped contract back, and with it another promotion.
        try root.define("zones/spotify/audience.yml", nil)
        _ = try root.lake.projectCommand()
        #expect(try root.promotions(Self.stream).count == before + 2)
        #expect(try root.lake.query("SELECT streams_native FROM fact_audience_day ORDER BY day_no").rows == [[.int(102)], [.int(200)]])
    }

    @Test func quarantinedCapturesAreTriedAgainWhenTheirContractChanges() throws {
        let root = try Root()
        let text = "date,hearers,streams,followers\n2025-03-01,1,2,3\n"
        let outcome = try root.feed(try root.file(Export.spotifyName("artistone", "20250401_120000"), text))
        #expect(outcome.word == "quarantined")
        let capture = try #require(outcome.capture)
        _ = try root.lake.projectCommand()
        #expect(try root.promotions(Self.stream).isEmpty, "the same contract would say the same")
        let contract = try Self.shipped("zones/spotify/audience.yml").replacing("[oyentes, ", with: "[hearers, oyentes, ")
        try root.define("zones/spotify/audience.yml", contract)
        _ = try root.lake.projectCommand()
        #expect(try root.promotions(Self.stream).flatMap(\.items).map(\.capture) == [capture])
        #expect(try root.lake.query("SELECT listeners FROM fact_audience_day").rows == [[.int(1)]])
    }

    @Test func aContractThatNothingFitsQuarantinesInsideARun() throws {
        let root = try Root()
        let capture = try #require(
            try root.feed(try root.file(Export.spotifyName("artistone", "20250401_120000"), Export.spotify([1]))).capture)
        let contract = try Self.shipped("zones/spotify/audience.yml").replacing(
            "    heading: playlist adds\n", with: "    heading: playlist adds\n    required: true\n"
        ).replacing("unit: adds\n    optional: true", with: "unit: adds")
        try root.define("zones/spotify/audience.yml", contract)
        _ = try root.lake.projectCommand()
        #expect(try root.state(Self.stream).entries[capture]?.quarantine != nil)
        let event = try #require(try root.events(.quarantined).last)
        let run = try root.lake.log.read { try $0.events(EventQuery(run: event.run)) }.map(\.type)
        #expect(run == ["run.started", "zone.quarantined", "run.completed"])
        let head = try root.head()
        _ = try root.lake.projectCommand()
        #expect(try root.head() == head)
    }

    @Test func definitionsOfTheRootAddAndReplace() throws {
        let root = try Root(overlay: appendContract)
        let paths = try root.events(.definitionCaptured).compactMap { $0.body["path"]?.string }
        #expect(paths == paths.sorted())
        #expect(paths.contains("zones/test/lines.yml"))
        #expect(paths.contains("zones/spotify/audience.yml"))
        let head = try root.head()
        try root.define("projections/kpis/followers_total.sql", try Self.shipped("projections/kpis/followers_total.sql") + "-- mine\n")
        try root.define("zones/test/notes.txt", "not a definition")
        _ = try root.lake.projectCommand()
        let changed = try root.events(.definitionCaptured).filter { $0.seq > head }
        #expect(changed.map { $0.body["path"]?.string } == ["projections/kpis/followers_total.sql"])
        #expect(changed.first?.body["kind"]?.string == "kpi")
        #expect(changed.first?.body["removed"] == nil)
        try root.define("zones/test/lines.yml", nil)
        _ = try root.lake.projectCommand()
        let removed = try #require(try root.events(.definitionCaptured).last)
        #expect(removed.body["path"]?.string == "zones/test/lines.yml")
        #expect(removed.body["removed"]?.bool == true)
        #expect(try root.lake.projector.definitions(until: try root.head()).contracts["test/lines"] == nil)
        let settled = try root.head()
        _ = try root.lake.projectCommand()
        #expect(try root.head() == settled)
        // Put back, it is captured anew.
        try root.define("zones/test/lines.yml", appendContract["zones/test/lines.yml"])
        _ = try root.lake.projectCommand()
        #expect(try root.lake.projector.definitions(until: try root.head()).contracts["test/lines"] != nil)
    }

    @Test(arguments: [
        ("zones/test/bad.yml", "title: Bad\nnames: [x\n"), ("zones/test/bad.yml", "title: Bad\n"),
        ("projections/kpis/bad.sql", "SELECT 1"), ("projections/guards.yml", "- nonsense: ["),
    ])
    func aBrokenDefinitionStopsBeforeAnythingIsWritten(_ path: String, _ text: String) throws {
        let root = try Root()
        _ = try root.lake.projectCommand()
        try root.define(path, text)
        try root.define("zones/test/good.yml", appendContract["zones/test/lines.yml"])
        let head = try root.head()
        let file = try root.file(Export.spotifyName("artistone", "20250401_120000"), Export.spotify([1]))
        let before = try root.snapshot()
        let failure = #expect(throws: (any Error).self) { try root.feed(file, project: true) }
        #expect(failure.map { "\($0)".contains(path) } == true, "\(failure.map { "\($0)" } ?? "")")
        #expect(try root.head() == head)
        var after = try root.snapshot()
        after[root.layout.path("ledger/runs.lock")] = before[root.layout.path("ledger/runs.lock")]
        #expect(after == before)
        try root.define(path, nil)
        #expect(try root.feed(file).word == "promoted")
    }

    @Test func foldersOfDefinitions() throws {
        let folder = try Root.makeFolder()
        defer { try? Files.removeTree(folder) }
        let layout = Layout(root: "\(folder)/root")
        #expect(throws: LedgerError.self) { try DefinitionFolders(root: layout, explicit: folder) }
        #expect(try DefinitionFolders(root: layout, explicit: Root.package).folders == [Root.package, layout.definitions])
    }
}

@Suite struct Reacting {
    @Test func reactingTwiceAppendsOnce() throws {
        let root = try Root()
        try root.feed(try root.file(Export.spotifyName("artistone", "20250401_120000"), Export.spotify([1, 2])))
        _ = try root.lake.projectCommand()
        // A second export archives a version, too.
        try root.feed(try root.file(Export.spotifyName("artistone", "20250402_120000"), Export.spotify([1, 2, 3])))
        let before = try root.events(.archived).count
        _ = try root.lake.projector.project()
        let appended = try root.lake.react()
        #expect(appended == 2, "the promotion of the new version and the archive entry of the old one")
        #expect(try root.events(.archived).count == before + 1)
        #expect(try root.lake.react() == 0)
        _ = try root.lake.projector.project()
        #expect(try root.lake.react() == 0)
        let keys = try root.lake.log.read { try $0.events(EventQuery()) }.compactMap { $0.body["key"]?.string }
        #expect(keys.count > appended)
        #expect(Set(keys).count == keys.count)
    }

    @Test func eventsNameFilesThatAreThere() throws {
        let root = try Root()
        // The second export changes a curated file, and its retraction brings the first one's bytes back.
        var captures: [Int64?] = []
        for (i, streams) in [[100, 200], [101, 200]].enumerated() {
            let path = try root.file(Export.spotifyName("artistone", "2025040\(i + 1)_120000"), Export.spotify(streams))
            captures.append(try root.feed(path, project: true).capture)
        }
        _ = try root.lake.retract(try #require(captures[1]), reason: "wrong file")
        let archived = try root.events(.archived)
        #expect(archived.count == 2)
        for event in archived {
            let path = root.layout.path(try #require(event.body["path"]?.string))
            #expect(try DraftFile.digest(of: path).hex == event.body["sha256"]?.string)
        }
        #expect(Set(archived.compactMap { $0.body["path"]?.string }).count == archived.count)
        var newest: [String: Event] = [:]
        for event in try root.events(.promoted) where event.body["to"]?.string == "curated" { newest[event.stream] = event }
        #expect(newest["curated/4_curated/spotify_audience_curated.csv"] != nil)
        for (_, event) in newest {
            let path = try #require(event.body["path"]?.string)
            let full = root.layout.path(path)
            #expect(try DraftFile.digest(of: full).hex == event.body["output"]?.string)
            let lines = try Files.read(full).count { $0 == 10 }
            #expect(event.body["rows"]?.int == Int64(lines - 1))
        }
        let outputs = try root.events(.promoted, stream: "curated/4_curated/spotify_audience_curated.csv").compactMap {
            $0.body["output"]?.string
        }
        try #require(outputs.count == 3)
        #expect(outputs[0] == outputs[2] && outputs[0] != outputs[1])
    }
}
