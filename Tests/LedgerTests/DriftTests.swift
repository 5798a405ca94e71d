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

/// A column that stopped reading as its type.
@Suite struct RetypedTests {
    private static let contract = """
        title: Plays
        names: ["plays_<captured_at>.csv"]
        account: {fixed: label}
        columns:
          - {name: day, type: day, required: true}
          - {name: plays, type: integer}
          - {name: mood, type: text, optional: true}
        merge: {upsert: [day]}
        period: day

        """

    private func feed(_ root: Root, _ cells: [String], _ number: Int, heading: String = "day,plays") throws -> FileOutcome {
        let lines = cells.enumerated().map { "2025-03-0\($0 + 1),\($1)\n" }.joined()
        return try root.feed(root.file("plays_2025040\(number)_120000.csv", "\(heading)\n\(lines)"))
    }

    /// Cells of the column `plays`, and whether that is another type.
    @Test(arguments: [
        (["1", "2", "3"], false), (["1", "2", "three"], false), (["1", "two", "three"], true), (["one", "two"], true), (["one"], false),
        (["1", "2", "three", "four"], false), (["-1", "-2", "-3"], false), (["", "", ""], false),
    ])
    func mostOfTheLinesMustSayIt(cells: [String], isRetyped: Bool) throws {
        let root = try Root(overlay: ["zones/test/plays.yml": Self.contract])
        #expect(try feed(root, cells, 1).drift?.retyped == (isRetyped ? ["plays"] : nil))
        let events = try root.events(.drifted)
        #expect(events.map { $0.body["retyped"]?.array?.compactMap(\.string) } == (isRetyped ? [["plays"]] : []))
    }

    @Test func itIsReportedOnceAndWithTheRest() throws {
        let root = try Root(overlay: ["zones/test/plays.yml": Self.contract])
        #expect(try feed(root, ["1", "2"], 1).drift == nil)
        #expect(try feed(root, ["1k", "2k"], 2).drift?.retyped == ["plays"])
        #expect(try feed(root, ["3k", "4k"], 3).drift == nil)
        let both = try #require(try feed(root, ["3k,x", "4k,y"], 4, heading: "day,plays,vibe").drift)
        #expect(both.new == ["vibe"] && both.retyped == ["plays"])
        #expect(try feed(root, ["3,x", "4,y"], 5, heading: "day,plays,vibe").drift?.retyped == [], "the new column alone is another shape")
        #expect(try root.events(.drifted).count == 3)
    }

    @Test(arguments: [("", "frozen"), ("max_reject_permille: 100\n", "too_many_rejects")])
    func aFrozenContractRefusesIt(more: String, code: String) throws {
        let root = try Root(overlay: ["zones/test/plays.yml": Self.contract + "freeze: true\n" + more])
        #expect(try feed(root, ["1", "2"], 1).word == "promoted")
        let path = try root.file("plays_20250402_120000.csv", "day,plays\n2025-03-01,one\n2025-03-02,two\n")
        let preview = try root.lake.preview([path], IngestOptions()).files[0]
        #expect(preview.word == "quarantined" && preview.reason.contains(code), "\(preview.reason)")
        #expect(try root.feed(path).reason.contains(code))
        let new = try feed(root, ["1,2", "2,3"], 3, heading: "day,plays,vibe")
        #expect(new.word == "quarantined" && new.reason.contains("'vibe' is new"), "\(new.reason)")
        #expect(try root.events(.drifted).isEmpty)
        // Named, it comes in.
        try root.define("zones/test/plays.yml", Self.contract + "freeze: true\nignore: [vibe]\n")
        #expect(try feed(root, ["1", "2"], 4).word == "promoted")
        #expect(try root.state("test/plays").entries.values.filter { $0.quarantine != nil }.count == 1)
    }
}
