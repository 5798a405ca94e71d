import Cleaning
import EventLog
import Projection
import Testing

@testable import Ledger

/// Received bytes that are removed on purpose: said by an event, told apart from damage, and nothing else breaks.
@Suite struct ObjectExpiry {
    private static let far = Timestamp.now().milliseconds.flooredDay + 8 * 366

    /// One capture that gave rows and one, of no heading line, that was quarantined.
    private static func root() throws -> (root: Root, first: FileOutcome, bad: FileOutcome) {
        let root = try Root()
        let first = try root.feed(root.file(Export.spotifyName("A", "20250401_120000"), Export.spotify([1, 2])), project: true)
        let bad = try root.feed(root.file(Export.spotifyName("A", "20250402_120000"), "date,listeners\n2025-03-01,1\n"), project: true)
        return (root, first, bad)
    }

    private static func expire(_ root: Root, needed: Bool = true) throws -> Lake.ObjectExpiry {
        let due = try root.lake.objectsDue(on: far)
        let wanted = needed ? due.due : due.due.filter { !$0.isNeeded }
        return try root.lake.expireObjects(Lake.ObjectExpiry(due: wanted, isDone: false), on: far)
    }

    private static func verify(_ root: Root) throws -> Verifier.Report {
        root.lake.close()
        defer { try? root.reopen() }
        return try Verifier(
            folder: root.layout.log, objects: ObjectStore(at: root.layout.objects), indexing: indexEntries, references: namedObjects,
            releases: releasedObjects
        ).run()
    }

    @Test func whatNoReplayNeedsGoesAndNothingChanges() throws {
        let (root, _, bad) = try Self.root()
        let before = try root.lake.projector.digest()
        #expect(try root.lake.objectsDue(on: Timestamp.now().milliseconds.flooredDay + 6 * 365).due.isEmpty, "it has a date")
        let due = try root.lake.objectsDue(on: Self.far).due
        #expect(due.map(\.isNeeded) == [true, false])
        let head = try root.head()
        let done = try Self.expire(root, needed: false)
        #expect(done.due.flatMap { $0.captures.map(\.seq) } == [try #require(bad.capture)])
        let event = try #require(try root.events(.expired).first)
        #expect(event.seq > head && event.body["items"]?.array?.first?["object"]?.string == done.due[0].object.hex)
        #expect(!root.lake.objects.contains(done.due[0].object))
        let report = try Self.verify(root)
        #expect(report.isSound && report.released == [event.seq: 1], "\(report.findings)")
        #expect(try root.lake.rebuild(until: nil, definitionsNow: false).to > 0)
        #expect(try root.lake.projector.digest().all == before.all)
        #expect(try root.lake.replay(into: nil, until: nil, only: []).differences.isEmpty)
        #expect(try Self.expire(root, needed: false).due.isEmpty, "once is enough")
    }

    @Test func aReplayThatNeedsThemSaysWhoRemovedThem() throws {
        let (root, first, _) = try Self.root()
        let capture = try #require(first.capture)
        let item = try #require(first.item)
        _ = try Self.expire(root)
        let event = try #require(try root.events(.expired).first?.seq)
        let facts = try root.lake.projector.digest().tables
        #expect(!Files.exists(root.layout.path(item.rawPath)) && !Files.exists(root.layout.path(item.path)))
        for attempt in [
            { _ = try root.lake.rebuild(until: nil, definitionsNow: false) }, { _ = try root.lake.replay(into: nil, until: nil, only: []) },
        ] {
            let failure = #expect(throws: ExpiredObject.self) { try attempt() }
            let says = failure?.description ?? ""
            for part in ["capture \(capture)", "event \(event)", "bedrot ingest FILE", "--until \(capture)"] {
                #expect(says.contains(part), "\(says)")
            }
        }
        // The live state stays, a new export is merged, the past before it can be had, a row says why its line is gone.
        #expect(try root.lake.projector.digest().tables == facts)
        #expect(try root.lake.lineage(capture: capture, line: 2).lines.map(\.expired) == [event])
        #expect(try root.lake.lineage(capture: capture).events.map(\.seq).contains(event))
        _ = try root.lake.replay(into: "\(root.folder)/past", until: capture, only: [])
        let next = try root.feed(root.file(Export.spotifyName("A", "20250501_120000"), Export.spotify([5, 6, 7])), project: true)
        #expect(next.word == "promoted")
        // What would have to read it is refused before anything is written.
        let head = try root.head()
        #expect(throws: ExpiredObject.self) { try root.lake.retract(try #require(next.capture), reason: "x") }
        #expect(try root.head() == head)
        let older = Export.spotify([9], from: "2025-02-01")
        let late = try root.feed(root.file(Export.spotifyName("A", "20250301_120000"), older), project: true)
        #expect(late.word == "quarantined" && late.reason.contains("event \(event)"), "\(late.reason)")
        // A changed contract waits; another account goes on.
        let text = try String(decoding: Files.read("\(Root.package)/zones/spotify/audience.yml"), as: UTF8.self)
        try root.define("zones/spotify/audience.yml", text + "\n# Looked at again.\n")
        #expect(try root.feed(root.file(Export.spotifyName("B", "20250601_120000"), Export.spotify([5])), project: true).word == "promoted")
        #expect(try Self.verify(root).isSound)
    }

    @Test func fedAgainTheyAreBack() throws {
        let (root, first, _) = try Self.root()
        let facts = try root.lake.projector.digest().tables
        _ = try Self.expire(root)
        let path = try root.file(Export.spotifyName("A", "20250401_120000"), Export.spotify([1, 2]))
        let again = try root.feed(path, project: true)
        #expect(again.word == "duplicate" && again.capture == first.capture)
        // Killed before it removed anything, an expiry is finished by the next one; this object was received since.
        _ = try root.lake.expireObjects(Lake.ObjectExpiry(due: [], isDone: false), on: Self.far)
        _ = try root.lake.rebuild(until: nil, definitionsNow: false)
        let rebuilt = try root.lake.projector.digest().tables
        #expect(rebuilt.keys.filter { rebuilt[$0] != facts[$0] } == ["zone_file"], "the figures; its raw and staging files stay away")
        #expect(try root.lake.replay(into: nil, until: nil, only: []).differences.isEmpty)
        // Now it is missed again, as an event after the removal names it.
        let object = try #require(try root.events(.captured).first.map { try Capture($0).object })
        try Files.remove(root.lake.objects.path(of: object))
        #expect(try Self.verify(root).findings.map(\.what) == [.objectMissing])
    }

    @Test func anInterruptedRemovalIsFinishedAndOtherRunsAreWaitedFor() throws {
        let (root, _, bad) = try Self.root()
        let capture = try #require(bad.capture)
        let object = try #require(try root.state("spotify/audience").entries[capture]?.capture.object)
        let item: JSON = ["capture": .int(capture), "object": .string(object.hex)]
        _ = try root.append("spotify/audience", .expired, ["of": "objects", "items": [item]])
        #expect(root.lake.objects.contains(object))
        let shared = try #require(try FileLock(root.layout.path("ledger/runs.lock"), shared: true))
        let refused = #expect(throws: LedgerError.self) { try Self.expire(root, needed: false) }
        #expect(refused?.description.contains("another run") == true)
        withExtendedLifetime(shared) {}
        _ = consume shared
        _ = try Self.expire(root, needed: false)
        #expect(!root.lake.objects.contains(object))
    }
}
