import Cleaning
import EventLog
import Projection
import Testing

@testable import Ledger

/// Histories of one stream without a log: only what the state reads.
struct StreamStory {
    private(set) var state = StreamState()
    private var seq: Int64 = 0
    static let contract = Hash256.of("contract")

    mutating func add(_ type: EventType, _ body: JSON) throws -> Int64 {
        seq += 1
        let envelope = JSON.object([
            "actor": "os:1", "body": body, "prev": .string(Hash256.zero.hex), "seq": .int(seq), "stream": "test/rp",
            "time": "2025-01-01T00:00:00.000Z", "type": .string(type.rawValue), "v": 1,
        ])
        try state.apply(try Event(canonical: try envelope.canonical()))
        return seq
    }

    mutating func capture(observed: Int64, account: String = "a") throws -> Capture {
        var capture = Capture(
            seq: 0, object: .of("\(seq)"), size: 1, service: "test", dataset: "rp", account: account, name: "x.csv", landing: "x",
            source: "manual",
            observed: Timestamp(milliseconds: observed), observedFrom: "declared", fields: [:], downloadedOn: nil, fileTime: nil)
        capture.seq = try add(.captured, capture.body)
        return capture
    }

    mutating func promote(_ item: StagedPromotion, contract: Hash256 = Self.contract) throws {
        _ = try add(
            .promoted,
            [
                "from": "raw", "to": "staging", "contract": .string(contract.hex), "reader": .int(Int64(Cleaner.revision)),
                "items": [item.body],
            ])
    }

    static func item(_ capture: Capture, _ parts: [Part], held: Set<Int64> = []) throws -> StagedPromotion {
        let hash = JSON.string(Hash256.of("x").hex)
        return try StagedPromotion(
            [
                "capture": .int(capture.seq), "input": hash, "raw": hash, "raw_path": "raw", "output": hash, "path": "staged", "rows_in": 1,
                "rows_out": 1,
                "partitions": .array(
                    parts.map {
                        [
                            "value": .int($0.value), "rows": .int($0.rows), "rejects": .int($0.rejects), "total": .string(String($0.total)),
                            "digest": "1f",
                            "held": .bool(held.contains($0.value)),
                        ]
                    }),
            ], seq: 0)
    }

    struct Part: Sendable {
        var value: Int64 = 1
        var rows: Int64 = 10
        var rejects: Int64 = 0
        var total: Int64 = 100
    }
}

@Suite struct Holding {
    static func merge(rows: Int = 0, total: Int? = 0) -> Merge {
        .replacePartition(
            column: "d", guard: PartitionGuard(total: total == nil ? nil : "t", maxRowDropPermille: rows, maxTotalDropPermille: total ?? 0))
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let label: String
        var live = StreamStory.Part()
        let new: StreamStory.Part
        var merge = Holding.merge()
        let holds: Bool
        var testDescription: String { label }
    }

    static let cases: [Case] = [
        Case(label: "the same figures", new: .init(), holds: false),
        Case(label: "more of everything", new: .init(rows: 11, total: 110), holds: false),
        Case(label: "a rejected line", new: .init(rejects: 1), holds: true),
        Case(label: "as many rejected lines as live ones", live: .init(rejects: 2), new: .init(rejects: 2), holds: false),
        Case(label: "fewer rejected lines", live: .init(rejects: 2), new: .init(rejects: 1), holds: false),
        Case(label: "fewer rows", new: .init(rows: 9), holds: true),
        Case(label: "rows down to the bound", new: .init(rows: 9), merge: merge(rows: 100), holds: false),
        Case(label: "rows below the bound", new: .init(rows: 8), merge: merge(rows: 100), holds: true),
        Case(label: "a lower total", new: .init(total: 99), holds: true),
        Case(label: "a lower total that nobody guards", new: .init(total: 1), merge: merge(total: nil), holds: false),
        Case(label: "a total down to the bound", new: .init(total: 90), merge: merge(total: 100), holds: false),
        Case(label: "a total below the bound", new: .init(total: 89), merge: merge(total: 100), holds: true),
        Case(label: "from nothing to less than nothing", live: .init(total: 0), new: .init(total: -1), holds: true),
        Case(label: "a negative total that falls", live: .init(total: -100), new: .init(total: -101), holds: true),
        Case(label: "a negative total that rises", live: .init(total: -100), new: .init(total: -99), holds: false),
        Case(
            label: "a negative total down to the bound", live: .init(total: -100), new: .init(total: -110), merge: merge(total: 100),
            holds: false),
        Case(
            label: "a negative total below the bound", live: .init(total: -100), new: .init(total: -111), merge: merge(total: 100),
            holds: true),
        Case(label: "a drop beyond 64 bits", live: .init(total: .max), new: .init(total: -2), merge: merge(total: 1000), holds: true),
        Case(label: "the extremes the other way", live: .init(total: -2), new: .init(total: .max), holds: false),
        Case(label: "a partition that nobody else names", live: .init(value: 2), new: .init(rows: 1, rejects: 5, total: -5), holds: false),
    ]

    @Test(arguments: cases)
    func table(_ item: Case) throws {
        var story = StreamStory()
        let old = try story.capture(observed: 1)
        try story.promote(try StreamStory.item(old, [item.live]))
        let new = try story.capture(observed: 2)
        let held = story.state.holds(try StreamStory.item(new, [item.new]), rank: new.rank, account: "a", merge: item.merge)
        #expect(held == (item.holds ? [item.new.value] : []))
        #expect(
            story.state.holds(try StreamStory.item(new, [item.new]), rank: new.rank, account: "b", merge: item.merge).isEmpty,
            "accounts do not mix")
        #expect(story.state.holds(try StreamStory.item(new, [item.new]), rank: new.rank, account: "a", merge: .append).isEmpty)
    }

    @Test func aBetterRankedRivalKeepsWhatItHas() throws {
        var story = StreamStory()
        let newest = try story.capture(observed: 9)
        try story.promote(try StreamStory.item(newest, [.init()]))
        let late = try story.capture(observed: 2)
        #expect(story.state.holds(try StreamStory.item(late, [.init(rows: 1)]), rank: late.rank, account: "a", merge: Self.merge()).isEmpty)
    }

    @Test func whatIsHeldOrRetractedProtectsNothing() throws {
        var story = StreamStory()
        let small = try story.capture(observed: 1)
        try story.promote(try StreamStory.item(small, [.init(rows: 5)]))
        let retracted = try story.capture(observed: 2)
        try story.promote(try StreamStory.item(retracted, [.init(rows: 20)]))
        _ = try story.add(.retracted, ["capture": .int(retracted.seq)])
        let held = try story.capture(observed: 3)
        try story.promote(try StreamStory.item(held, [.init(rows: 30)], held: [1]))
        let new = try story.capture(observed: 4)
        let item = try StreamStory.item(new, [.init(rows: 6)])
        #expect(story.state.holds(item, rank: new.rank, account: "a", merge: Self.merge()).isEmpty)
        _ = try story.add(.reinstated, ["capture": .int(retracted.seq)])
        #expect(story.state.holds(item, rank: new.rank, account: "a", merge: Self.merge()) == [1])
    }

    @Test func nothingLiveToReplace() throws {
        var story = StreamStory()
        let only = try story.capture(observed: 1)
        #expect(
            story.state.holds(try StreamStory.item(only, [.init(rejects: 3)]), rank: only.rank, account: "a", merge: Self.merge()).isEmpty)
        try story.promote(try StreamStory.item(only, [.init()]))
        let again = try StreamStory.item(only, [.init(rows: 1)])
        #expect(story.state.holds(again, rank: only.rank, account: "a", merge: Self.merge()).isEmpty, "a capture does not replace itself")
    }

    @Test func acceptedOnceStaysAccepted() throws {
        var story = StreamStory()
        let old = try story.capture(observed: 1)
        try story.promote(try StreamStory.item(old, [.init(), .init(value: 2)]))
        let new = try story.capture(observed: 2)
        let parts: [StreamStory.Part] = [.init(rows: 9), .init(value: 2, rows: 9)]
        let held = story.state.holds(try StreamStory.item(new, parts), rank: new.rank, account: "a", merge: Self.merge())
        #expect(held == [1, 2])
        try story.promote(try StreamStory.item(new, parts, held: held))
        _ = try story.add(.accepted, ["capture": .int(new.seq), "partition": 1])
        // However often the contract changes.
        for revision in 1...3 {
            let held = story.state.holds(try StreamStory.item(new, parts), rank: new.rank, account: "a", merge: Self.merge())
            #expect(held == [2], "re-promotion \(revision)")
            try story.promote(try StreamStory.item(new, parts, held: held), contract: .of("contract \(revision)"))
        }
    }

    @Test func aFilteredExportIsHeldAndAccepted() throws {
        let root = try Root()
        let both = Export.bank([.init(), .init(artist: "PIG1987", usd: "2"), .init(day: "2025-03-27")])
        let filtered = Export.bank([.init(), .init(day: "2025-03-27", usd: "1.6")])
        try root.feed(try root.file("dk_bank_details_20250401_120000.tsv", both), account: "label")
        let outcome = try root.feed(try root.file("dk_bank_details_20250402_120000.tsv", filtered), account: "label")
        #expect(outcome.held == 1)
        #expect(outcome.isDegraded)
        let waiting = try #require(try root.lake.held().first)
        #expect((waiting.partition, waiting.rows, waiting.capture) == ("2025-03-13", 1, outcome.capture))
        #expect(try root.lake.held().count == 1)
    }
}

@Suite struct Doubting {
    struct Case: Sendable, CustomTestStringConvertible {
        let label: String
        let before: [Int?]
        let after: [Int?]
        var from = "2025-03-01"
        let doubted: Bool
        var testDescription: String { label }
    }

    static let ten: [Int?] = Array(repeating: 100, count: 10)

    /// Ten days of 100 with the first `count` of them changed.
    static func changed(_ count: Int, to value: Int?) -> [Int?] { (0..<10).map { $0 < count ? value : 100 } }

    static let cases: [Case] = [
        Case(label: "exactly a fifth", before: ten, after: changed(2, to: 201), doubted: false),
        Case(label: "just above a fifth", before: ten, after: changed(3, to: 201), doubted: true),
        Case(label: "exactly twice as many", before: ten, after: changed(10, to: 200), doubted: false),
        Case(label: "exactly half", before: ten, after: changed(10, to: 50), doubted: false),
        Case(label: "just below half", before: ten, after: changed(10, to: 49), doubted: true),
        Case(label: "zero to something", before: changed(10, to: 0), after: changed(3, to: 1), doubted: true),
        Case(label: "something to zero", before: ten, after: changed(3, to: 0), doubted: true),
        Case(label: "zero stays zero", before: changed(10, to: 0), after: changed(10, to: 0), doubted: false),
        Case(label: "nulls before", before: changed(10, to: nil), after: ten, doubted: false),
        Case(label: "nulls after", before: ten, after: changed(10, to: nil), doubted: false),
        Case(label: "nulls count neither way", before: changed(8, to: nil), after: changed(10, to: 300), doubted: true),
        Case(label: "days that nobody knew", before: ten, after: changed(10, to: 9999), from: "2025-04-01", doubted: false),
        Case(label: "one shared day, the same", before: ten, after: [100, 9, 9, 9, 9], from: "2025-03-10", doubted: false),
        Case(label: "one shared day, another", before: ten, after: [900, 9, 9, 9, 9], from: "2025-03-10", doubted: true),
    ]

    @Test func table() throws {
        let root = try Root()
        for (i, item) in Self.cases.enumerated() {
            try root.feed(try root.file(Export.spotifyName("artist\(i)", "20250601_120000"), Export.spotify(item.before)))
            let path = try root.file(Export.spotifyName("artist\(i)", "20250602_120000"), Export.spotify(item.after, from: item.from))
            #expect(try root.feed(path).word == (item.doubted ? "quarantined" : "promoted"), "\(item.label)")
        }
    }

    @Test func anotherAccountIsNotCompared() throws {
        let root = try Root()
        try root.feed(try root.file(Export.spotifyName("artistone", "20250601_120000"), Export.spotify(Self.ten)))
        #expect(
            try root.feed(try root.file(Export.spotifyName("artisttwo", "20250602_120000"), Export.spotify(Self.changed(10, to: 900)))).word
                == "promoted")
    }

    @Test func aPersonDecides() throws {
        let root = try Root()
        try root.feed(try root.file(Export.spotifyName("artistone", "20250601_120000"), Export.spotify(Self.ten)))
        let path = try root.file(Export.spotifyName("artistone", "20250602_120000"), Export.spotify(Self.changed(10, to: 900)))
        var asked: [String] = []
        let refused = try root.feed(path) {
            asked.append($0)
            return false
        }
        #expect(refused.word == "quarantined")
        #expect(asked.count == 1)
        #expect(asked.first?.contains("10 of the 10 days") == true)
        let quarantine = try #require(try root.events(.quarantined).last)
        #expect(quarantine.body["code"]?.string == "looks_like_another_account")
        guard case .quarantined(let capture, _, let remedy) = refused.kind else { return }
        #expect(remedy?.contains("--accept-changes") == true)
        // The remedy that the text names works.
        let accepted = try root.feed(path, acceptChanges: true)
        #expect(accepted.word == "promoted")
        #expect(accepted.capture == capture)
        #expect(try root.state("spotify/audience").ranked("artistone").count == 2)
        #expect(try root.feed(path, acceptChanges: true).word == "duplicate")
    }

    @Test func aPersonSaysYes() throws {
        let root = try Root()
        try root.feed(try root.file(Export.spotifyName("artistone", "20250601_120000"), Export.spotify(Self.ten)))
        let path = try root.file(Export.spotifyName("artistone", "20250602_120000"), Export.spotify(Self.changed(10, to: 900)))
        #expect(try root.feed(path) { _ in true }.word == "promoted")
    }

    /// TikTok's last day is partial when it is the day of the download; its views can be below zero.
    struct Views: Sendable, CustomTestStringConvertible {
        let label: String
        let before: [Int]
        /// Day of March on which the first file was downloaded.
        var firstDownload = 9
        let after: [Int]
        var secondDownload = 9
        let doubted: Bool
        var testDescription: String { label }
    }

    static let views: [Views] = [
        Views(label: "a complete last day counts", before: [9, 9, 9, 9, 9], after: [99, 9, 9, 9, 99], doubted: true),
        Views(label: "a partial last day does not", before: [9, 9, 9, 9, 9], after: [99, 9, 9, 9, 99], secondDownload: 5, doubted: true),
        Views(label: "nor does it alone", before: [9, 9, 9, 9, 9, 9], after: [99, 9, 9, 9, 9, 99], secondDownload: 6, doubted: false),
        Views(
            label: "nor when it is the older one", before: [9, 9, 9, 9, 9, 1], firstDownload: 6, after: [99, 9, 9, 9, 9, 9],
            doubted: false),
        Views(label: "below zero, the same", before: [-9, -9, -9, -9, -9], after: [-9, -9, -9, -9, -9], doubted: false),
        Views(label: "below zero, twice as low", before: [-9, -9, -9, -9, -9], after: [-18, -18, -18, -18, -18], doubted: false),
        Views(label: "below zero, lower", before: [-9, -9, -9, -9, -9], after: [-19, -19, -9, -9, -9], doubted: true),
        Views(label: "the other side of zero", before: [-9, -9, -9, -9, -9], after: [9, 9, -9, -9, -9], doubted: true),
    ]

    @Test func partialAndNegative() throws {
        let root = try Root()
        for (i, item) in Self.views.enumerated() {
            func name(_ day: Int, _ hours: Int64) -> String {
                "Overview_2025-03-01_\(Export.epoch("2025-03-0\(day)", hours: hours))_handle\(i).csv"
            }
            #expect(
                try root.feed(try root.file(name(item.firstDownload, 10), Export.tiktok(item.before))).word == "promoted", "\(item.label)")
            let outcome = try root.feed(try root.file(name(item.secondDownload, 11), Export.tiktok(item.after)))
            #expect(outcome.word == (item.doubted ? "quarantined" : "promoted"), "\(item.label)")
        }
    }

    @Test func enormousFiguresAreCompared() throws {
        let contract = """
            title: Large
            names: ["large_<captured_at>.csv"]
            account: {fixed: label}
            columns:
              - {name: date, type: day, required: true}
              - {name: n, type: integer, negative: true}
            merge: {upsert: [date]}
            period: date
            change_guard: {column: n, changed_permille: 1, factor: 1000}

            """
        let root = try Root(overlay: ["zones/test/large.yml": contract])
        func text(_ n: String) -> String { "date,n\n2025-03-01,\(n)\n" }
        #expect(try root.feed(try root.file("large_20250401_120000.csv", text("9223372036854775807"))).word == "promoted")
        #expect(try root.feed(try root.file("large_20250402_120000.csv", text("9223372036854775806"))).word == "promoted")
        #expect(try root.feed(try root.file("large_20250403_120000.csv", text("-9223372036854775806"))).word == "quarantined")
    }
}

@Suite struct NamesOfZoneFiles {
    static func capture(_ name: String, account: String = "a") -> Capture {
        Capture(
            seq: 1, object: .of("x"), size: 1, service: "spotify", dataset: "audience", account: account, name: name, landing: "x",
            source: "manual",
            observed: Timestamp(milliseconds: 1_743_508_800_123), observedFrom: "name", fields: [:], downloadedOn: nil, fileTime: nil)
    }

    static let names: [(String, String)] = [
        ("plain.csv", "plain.csv"), ("a/b.csv", "a_b.csv"), ("../../etc/passwd", "_._.._etc_passwd"), ("a\\b.csv", "a_b.csv"),
        ("line\nend\t.csv", "line_end_.csv"), ("\u{7F}.csv", "_.csv"), (".hidden.csv", "_hidden.csv"), ("..", "_."), (".", "_"), ("", "_"),
        ("Señorita – 1.csv", "Señorita – 1.csv"), ("日本.tsv", "日本.tsv"), ("e\u{301}.csv", "e\u{301}.csv"),
    ]

    @Test(arguments: names)
    func safe(_ name: String, _ expected: String) {
        let safe = ZoneNames.safe(name)
        if name == "../../etc/passwd" {
            #expect(!safe.contains("/") && !safe.hasPrefix("."))
        } else {
            #expect(Array(safe.utf8) == Array(expected.utf8))
        }
    }

    @Test func allStaysInItsFolder() {
        let layout = Layout(root: "/r")
        for (name, _) in Self.names {
            for account in ["a", "..", "a/b", ".", "", "x\u{0}y"] {
                let names = ZoneNames(capture: Self.capture(name, account: account), layout: layout)
                for path in [names.raw, names.staged, names.rejects] {
                    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
                    #expect(parts.count == 7, "\(path)")
                    #expect(!parts.dropFirst().contains { $0.isEmpty || $0.hasPrefix(".") }, "\(path)")
                    #expect(path.utf8.allSatisfy { $0 >= 32 })
                }
            }
        }
        let names = ZoneNames(capture: Self.capture("Export.1.TSV"), layout: layout)
        #expect(names.raw == "/r/2_raw/spotify/audience/a/Export.1.tsv")
        #expect(names.staged == "/r/3_staging/spotify/audience/a/Export.1_20250401_120000.csv")
        #expect(names.rejects == "/r/3_staging/spotify/audience/a/Export.1_20250401_120000.rejects.ndjson")
    }

    @Test(arguments: [200, 250, 255, 4000])
    func longNamesFitTheFileSystem(_ length: Int) {
        for unit in ["a", "ä", "日"] {
            let long =
                String(String(repeating: unit, count: length).utf8.prefix(length))
                ?? String(repeating: unit, count: length / unit.utf8.count)
            let names = ZoneNames(capture: Self.capture("\(long).csv", account: long), layout: Layout(root: "/r"))
            for path in [names.raw, names.staged, names.rejects] {
                // A draft beside the file and a hash in its name still have room.
                #expect(path.split(separator: "/").allSatisfy { $0.utf8.count <= 210 }, "\(path.utf8.count)")
                #expect(!path.contains("\u{FFFD}"))
            }
            #expect(names.raw.hasSuffix(".csv"))
        }
    }

    @Test func namesTakenByOtherBytes() throws {
        let root = try Root()
        let names = ZoneNames(capture: Self.capture("x.csv"), layout: root.layout)
        let relative = "2_raw/spotify/audience/a/x.csv"
        #expect(try names.free(names.raw, digest: .of("one")) == relative)
        try root.file(names.raw, "one")
        #expect(try names.free(names.raw, digest: .of("one")) == relative)
        #expect(try names.free(names.raw, digest: .of("two")) == "2_raw/spotify/audience/a/x_\(Hash256.of("two").hex.prefix(8)).csv")
        try root.file(names.rejects, "one")
        let taken = try names.free(names.rejects, digest: .of("two"))
        #expect(taken == "3_staging/spotify/audience/a/x_20250401_120000_\(Hash256.of("two").hex.prefix(8)).rejects.ndjson")
    }

    @Test func aNameThatTheLogGaveAwayStaysTakenWithoutItsFile() throws {
        let root = try Root()
        for streams in [[1, 2], [2, 3]] {
            try root.feed(try root.file("x-audience-timeline.csv", Export.spotify(streams)), account: "artistone")
            // Zones are output and may be deleted at any time.
            for zone in [Layout.Zone.raw, .staging] { try Files.removeTree(root.layout.folder(zone)) }
        }
        let items = try root.promotions("spotify/audience").flatMap(\.items)
        #expect(items.count == 2)
        #expect(Set(items.map(\.rawPath)).count == 2)
        #expect(Set(items.map(\.path)).count == 2)
    }
}
