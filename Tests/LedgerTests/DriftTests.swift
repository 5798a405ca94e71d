import EventLog
import Projection
import Testing

@testable import Ledger

/// A source that changes its files says so once: `zone.drifted`.
@Suite struct DriftTests {
    private static func csv(_ headings: String, day: Int) -> String {
        let cells = headings.split(separator: ",").dropFirst().map { _ in "1" }.joined(separator: ",")
        return "\(headings)\n2025-03-0\(day),\(cells)\n"
    }

    /// Feeds a file whose only line is the day of its number.
    private func feed(_ root: Root, _ headings: String, _ number: Int, artist: String = "A") throws -> FileOutcome {
        let name = Export.spotifyName(artist, "2025031\(number)_120000")
        return try root.feed(root.file(name, Self.csv(headings, day: number)))
    }

    @Test func newColumnsAreReportedOnceAShape() throws {
        let root = try Root()
        #expect(try feed(root, "date,listeners,streams,followers", 1).drift == nil)
        let first = try #require(try feed(root, "date,listeners,streams,followers,mood,vibe", 2).drift)
        #expect(first.new == ["mood", "vibe"] && first.missing.isEmpty)
        #expect(try feed(root, "date,listeners,vibe,streams,followers,mood", 3).drift == nil, "the same set in another order")
        #expect(try feed(root, "date,listeners,streams,followers,mood,vibe", 4, artist: "B").drift == nil, "another account's is no news")
        #expect(try feed(root, "date,listeners,streams,followers,mood", 5).drift?.new == ["mood"], "another set")
        let events = try root.events(.drifted, stream: "spotify/audience")
        #expect(events.map { $0.body["new"]?.array?.compactMap(\.string) } == [["mood", "vibe"], ["mood"]])
        let promoted = try root.promotions("spotify/audience")
        #expect(events.map(\.seq) == [promoted[1].seq + 1, promoted[4].seq + 1], "in the promotion's own transaction")
        #expect(events[0].body["capture"]?.int == promoted[1].items[0].capture)
        // Under another contract the same shape is news again.
        let text = try String(decoding: Files.read("\(Root.package)/zones/spotify/audience.yml"), as: UTF8.self)
        try root.define("zones/spotify/audience.yml", text + "\n# Looked at again.\n")
        #expect(try feed(root, "date,listeners,streams,followers,mood", 6).drift?.new == ["mood"])
    }

    @Test func missingColumnsAreComparedWithTheCaptureBefore() throws {
        let root = try Root()
        let (full, short) = ("date,listeners,streams,followers,saves", "date,listeners,streams,followers")
        let narrow = "date,listeners,streams,followers,super listeners"
        let wide = full + ",super listeners"
        #expect(try feed(root, wide, 3).drift == nil)
        #expect(try feed(root, short, 1).drift == nil, "an older export, fed late, has none before it")
        #expect(try feed(root, wide, 5).drift == nil)
        #expect(try feed(root, narrow, 6).drift?.missing == ["saves"])
        let drift = try #require(try feed(root, full, 7).drift)
        #expect(drift.new.isEmpty && drift.missing == ["super_listeners"])
        #expect(try feed(root, full, 8).drift == nil)
        #expect(try feed(root, short, 4, artist: "B").drift == nil, "another account's exports have a past of their own")
        #expect(try root.events(.drifted).count == 2)
    }

    @Test func aDryRunSaysItAndWritesNothing() throws {
        let root = try Root()
        let path = try root.file(Export.spotifyName("A", "20250311_120000"), Self.csv("date,listeners,streams,followers,mood", day: 1))
        _ = try feed(root, "date,listeners,streams,followers", 0)
        var options = IngestOptions()
        options.project = false
        #expect(try root.lake.preview([path], options).files[0].drift?.new == ["mood"])
        #expect(try root.events(.drifted).isEmpty)
        _ = try root.feed(path)
        #expect(try root.events(.drifted).count == 1)
        #expect(try root.lake.preview([path], options).files[0].drift == nil)
    }
}
