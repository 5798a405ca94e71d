import Cleaning
import EventLog
import Projection
import Testing

@testable import Ledger

/// `_hashes.json` of every dataset and `_manifest.json`: projections like any other, the same bytes however they come about.
@Suite struct ZoneIndexes {
    private static func indexes(_ root: Root) throws -> [String: [UInt8]] {
        var found: [String: [UInt8]] = [:]
        for zone in [Layout.Zone.landing, .raw, .staging] {
            for path in Files.walk(root.layout.folder(zone)) where Files.name(path) == "_hashes.json" {
                found[String(path.dropFirst(root.layout.root.count + 1))] = try Files.read(path)
            }
        }
        return found
    }

    private static func names(_ bytes: [UInt8]?) throws -> [String: JSON] { try JSON.parse(Array((bytes ?? []).dropLast())).object ?? [:] }

    private static func root(project: Bool) throws -> Root {
        let root = try Root()
        for (i, artist) in ["artistone", "artisttwo", "artistone"].enumerated() {
            let text = Export.spotify([100 + i, nil, 300]) + (i == 1 ? "2025-13-01,1,2,3\n" : "")
            try root.feed(try root.file(Export.spotifyName(artist, "2025040\(i + 1)_120000"), text), project: project)
        }
        let lines = Export.bank([.init(), .init(artist: "PIG1987")])
        try root.feed(try root.file("dk_bank_details_20250401_120000.tsv", lines), account: "label", project: project)
        return root
    }

    @Test func everyFileOfADatasetIsNamedWithItsHash() throws {
        let root = try Self.root(project: true)
        let indexes = try Self.indexes(root)
        let datasets = ["distrokid/bank_details", "spotify/audience"]
        let expected = ["1_landing", "2_raw", "3_staging"].flatMap { zone in datasets.map { "\(zone)/\($0)/_hashes.json" } }
        #expect(indexes.keys.sorted() == expected)
        for (path, bytes) in indexes {
            let folder = Files.parent(root.layout.path(path))
            var onDisk: [String: JSON] = [:]
            for file in Files.walk(folder) where Files.name(file) != "_hashes.json" {
                onDisk[String(file.dropFirst(folder.count + 1))] = .string(try DraftFile.digest(of: file).hex)
            }
            #expect(try Self.names(bytes) == onDisk, "\(path)")
            #expect(bytes == (try JSON.object(onDisk).canonical()) + [10], "sorted, one line")
        }
        #expect(try Self.names(indexes["3_staging/spotify/audience/_hashes.json"]).keys.contains { $0.hasSuffix(".rejects.ndjson") })
        #expect(try root.lake.projector.digest().files.keys.count { $0.hasSuffix("_hashes.json") } == 6, "part of the digest")
    }

    @Test func projectedLateRebuiltOrReplayedTheyAreTheSame() throws {
        let root = try Self.root(project: true)
        let before = try Self.indexes(root)
        let manifest = try Files.read("\(root.layout.folder(.curated))/_manifest.json")
        for zone in [Layout.Zone.raw, .staging, .curated] { try Files.removeTree(root.layout.folder(zone)) }
        for path in before.keys where path.hasPrefix("1_") { try Files.remove(root.layout.path(path)) }
        _ = try root.lake.rebuild(until: nil, definitionsNow: false)
        #expect(try Self.indexes(root) == before)
        #expect(try Files.read("\(root.layout.folder(.curated))/_manifest.json") == manifest)
        let differences = try root.lake.replay(into: nil, until: nil, only: []).differences
        #expect(differences == [])
        let late = try Self.root(project: false)
        _ = try late.lake.projectCommand()
        #expect(try Self.indexes(late) == before)
        // A lost one comes back with the next projection.
        for path in before.keys { try Files.remove(root.layout.path(path)) }
        _ = try root.lake.projectCommand()
        #expect(try Self.indexes(root) == before)
    }

    @Test func indexesFollowTheLog() throws {
        let root = try Self.root(project: true)
        let stream = "spotify/audience"
        let promoted = try #require(try root.promotions(stream).last?.items.first)
        let name = String(promoted.path.dropFirst("3_staging/\(stream)/".count))
        func staged() throws -> [String: JSON] { try Self.names(try Self.indexes(root)["3_staging/\(stream)/_hashes.json"]) }
        #expect(try staged()[name] == .string(promoted.output.hex))
        _ = try root.append(stream, .quarantined, ["capture": .int(promoted.capture), "code": "x"])
        _ = try root.lake.project()
        #expect(try staged()[name] == nil)
        #expect(try root.lake.replay(into: nil, until: nil, only: []).differences == [])
        let digest = try root.lake.projector.digest().all
        // Back in time, the indexes of datasets that were not there yet are gone.
        let first = try #require(try root.promotions(stream).first)
        _ = try root.lake.rebuild(until: first.seq, definitionsNow: false)
        #expect(try Self.indexes(root).keys.allSatisfy { $0.contains(stream) })
        #expect(try staged().count == 1)
        _ = try root.lake.rebuild(until: nil, definitionsNow: false)
        #expect(try root.lake.projector.digest().all == digest)
    }

    @Test func anIndexInLandingIsNotFedAgain() throws {
        let root = try Self.root(project: true)
        let report = try root.lake.ingest([root.layout.folder(.landing)], IngestOptions(), ask: nil)
        #expect(report.files.map(\.word) == Array(repeating: "duplicate", count: 4))
    }

    @Test func theManifestSaysWhatAFileRestsOn() throws {
        let root = try Self.root(project: true)
        func entry(_ file: String) throws -> [String: JSON] {
            let bytes = try Files.read("\(root.layout.folder(.curated))/_manifest.json")
            let files = try #require(try JSON.parse(Array(bytes.dropLast()))["files"]?.array)
            return try #require(files.first { $0["path"]?.string == "4_curated/\(file)" }?.object)
        }
        let spotify = try entry("spotify_audience_curated.csv")
        let captures = try root.events(.captured, stream: "spotify/audience").map(\.seq)
        #expect(spotify["events"] == .array(captures.map { .int($0) }))
        #expect(spotify["seq"]?.int == (try root.promotions("spotify/audience").last?.seq))
        #expect(spotify["first_day"]?.string == "2025-03-01" && spotify["last_day"]?.string == "2025-03-03")
        #expect(spotify["rows"]?.int == 6 && spotify["table"]?.string == "spotify_audience_curated")
        let path = "\(root.layout.folder(.curated))/spotify_audience_curated.csv"
        #expect(spotify["sha256"]?.string == (try DraftFile.digest(of: path).hex))
        // Another dataset's capture does not concern it; a retraction does; an assumption concerns all.
        let event = try root.lake.retract(captures[2], reason: "x").event
        #expect(try entry("spotify_audience_curated.csv")["seq"]?.int == event)
        #expect(try entry("spotify_audience_curated.csv")["events"] == .array(captures.dropLast().map { .int($0) }))
        #expect(try entry("dk_bank_details.csv")["seq"]?.int == (try root.promotions("distrokid/bank_details").last?.seq))
        let alias = try root.lake.alias(kind: "artist", service: "spotify", value: "artistone", member: "artist:one", name: "One")
        _ = try root.lake.project()
        #expect(try entry("dk_bank_details.csv")["seq"]?.int == alias)
    }
}
