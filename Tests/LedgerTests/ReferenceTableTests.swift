import EventLog
import Projection
import Testing

@testable import Ledger

@Suite struct ReferenceTableTests {
    private func set(_ lake: Lake, _ kind: String, _ cells: [String: String], remove: Bool = false) throws -> ReferenceReport {
        try lake.changeReference(kind, [(place: "here", cells: cells)], remove: remove)
    }

    @Test("a row is set, kept where nothing is said, cleared, taken away; every state stays known")
    func rows() throws {
        let root = try Root()
        let table = try root.lake.referenceTable("goal")
        let key = ["goal": "streams_year", "from_day": "2025-01-01"]
        #expect(try set(root.lake, "goal", key.merging(["target": "1000.50", "note": "first"]) { $1 }).seqs.count == 1)
        let first = try root.lake.log.read { try $0.head().seq }
        #expect(try root.lake.referenceRows(table).map(\.cells) == [key.merging(["target": "1000.5", "note": "first"]) { $1 }])
        let again = try set(root.lake, "goal", key.merging(["target": "1000.5"]) { $1 })
        #expect(again.seqs.isEmpty && again.known == 1, "what is known is no news")
        _ = try set(root.lake, "goal", key.merging(["target": "2000", "note": ""]) { $1 })
        #expect(try root.lake.referenceRows(table).map(\.cells) == [key.merging(["target": "2000"]) { $1 }])
        _ = try root.lake.projectCommand()
        let now = "SELECT target FROM ref_goal"
        #expect(try root.lake.query(now).rows == [[.int(2_000_000_000_000)]])
        _ = try set(root.lake, "goal", key, remove: true)
        _ = try root.lake.projectCommand()
        #expect(try root.lake.query(now).rows.isEmpty)
        let then = "SELECT target, note FROM ref_goal_v WHERE from_seq <= \(first) AND (to_seq IS NULL OR to_seq > \(first))"
        #expect(try root.lake.query(then).rows == [[.int(1_000_500_000_000), .string("first")]])
        let steps = try root.lake.referenceHistory(table)
        #expect(steps.map { $0.after?["target"] } == ["1000.5", "2000", nil])
        #expect(steps.map { $0.before?["target"] } == [nil, "1000.5", "2000"])
        #expect(try root.lake.digestEqualsRebuild())
    }

    @Test("what reads a table of assumptions follows it, also behind a view and on the same day")
    func readers() throws {
        let root = try Root(overlay: [
            "projections/warehouse/v_aim.sql": """
            /*---
            view: v_aim
            title: What is aimed at
            grain: [goal]
            columns: {goal: text, target: nano}
            ---*/
            SELECT g.goal AS goal, g.target AS target FROM ref_goal g;
            """,
            "projections/curated/aims.sql": """
            /*---
            curated: aims
            title: Aims
            file: aims.csv
            formats: {target: nano}
            ---*/
            SELECT a.goal AS goal, a.target AS target FROM v_aim a ORDER BY a.goal;
            """,
            "projections/kpis/aim.sql": """
            /*---
            kpi: aim
            title: Aim
            unit: count
            direction: up
            formula: the aim
            dimensions: [goal]
            ---*/
            SELECT a.goal AS goal, a.target AS num, 1000000000 AS den FROM v_aim a ORDER BY a.goal;
            """,
        ])
        try root.feed(root.file(Export.spotifyName("artistone", "20250402_120000"), Export.spotify([1])), project: true)
        for target in ["1000", "2000", "2000", "3000.5"] {
            _ = try set(root.lake, "goal", ["goal": "streams_year", "from_day": "2025-01-01", "target": target])
            _ = try root.lake.projectCommand()
            let value = try root.lake.latestKPIs().values.first { $0.kpi == "aim" }
            #expect(value?.text(unit: "count", decimals: 1) == (target == "3000.5" ? "3000.5" : "\(target).0"))
            let file = String(decoding: try Files.read("\(root.layout.folder(.curated))/aims.csv"), as: UTF8.self)
            #expect(file == "goal,target\nstreams_year,\(target)\n")
            #expect(try root.lake.digestEqualsRebuild())
        }
    }

    @Test("shipped rows hold until an event says otherwise")
    func shipped() throws {
        let root = try Root()
        let table = try root.lake.referenceTable("pay_rate")
        #expect(try root.lake.referenceRows(table).allSatisfy { $0.seq == 0 })
        _ = try set(root.lake, "pay_rate", ["platform": "Spotify", "usd": "0.003"])
        let spotify = try root.lake.referenceRows(table).first { $0.cells["platform"] == "platform:spotify" }
        #expect(spotify?.cells["usd"] == "0.003" && spotify?.seq != 0)
        _ = try root.lake.projectCommand()
        let rows = try root.lake.query("SELECT usd FROM ref_pay_rate WHERE platform = 'platform:spotify'").rows
        #expect(rows == [[.int(3_000_000)]])
        #expect(try root.lake.digestEqualsRebuild())
    }

    @Test(
        "what is wrong is refused with where and what to write, and nothing is entered",
        arguments: [
            ("goal", ["goal": "x"], "needs from_day"), ("goal", ["goal": "x", "from_day": "1.1.2025"], "a day (YYYY-MM-DD)"),
            ("goal", ["goal": "x", "from_day": "2025-01-01", "targt": "1"], "no column “targt”"),
            ("goal", ["goal": "x", "from_day": "2025-01-01", "target": "1,5"], "at most nine decimals"),
            ("nothing", ["a": "b"], "no reference table “nothing”"), ("pay_rate", ["platform": "Nobody Music", "usd": "1"], "no platform"),
            ("split", ["track": "x", "payee": "Anna", "from_day": "2025-01-01", "share": "0.5"], "bedrot keys create payee"),
            ("collaboration", ["artist": "A", "member": "B", "share": "0"], "above 0"),
            ("collaboration", ["artist": "A", "member": "B", "share": "1.01"], "at most 1"),
        ])
    func refused(kind: String, cells: [String: String], says: String) throws {
        let root = try Root()
        let head = try root.lake.log.read { try $0.head().seq }
        let error = #expect(throws: LedgerError.self) { try set(root.lake, kind, cells) }
        #expect(error?.description.contains(says) == true, "\(error.map(String.init(describing:)) ?? "")")
        #expect(try root.lake.log.read { try $0.head().seq } == head)
    }

    @Test("shares of a track never exceed it on any day; a payee is stored as a pseudonym")
    func splits() throws {
        let root = try Root()
        _ = try KeyRing(root.layout).create("payee")
        func split(_ payee: String, _ from: String, _ until: String, _ share: String) throws -> ReferenceReport {
            try set(
                root.lake, "split",
                ["track": "QZ-ABC-25-00001", "payee": payee, "from_day": from, "until_day": until, "share": share])
        }
        _ = try split("Anna Example", "2025-01-01", "2025-07-01", "0.6")
        _ = try split("Ben Example", "2025-01-01", "", "0.4")
        #expect(throws: LedgerError.self) { try split("Cleo Example", "2025-06-30", "", "0.1") }
        _ = try split(" CLEO EXAMPLE", "2025-07-01", "", "0.6")
        let table = try root.lake.referenceTable("split")
        let rows = try root.lake.referenceRows(table)
        #expect(rows.count == 3)
        // A payee's later row takes the place of the earlier one.
        _ = try split("Ben Example", "2025-09-01", "", "0.3")
        #expect(throws: LedgerError.self) { try split("Ben Example", "2025-10-01", "", "0.5") }
        #expect(rows.allSatisfy { $0.cells["track"] == "track:QZABC2500001" && $0.cells["payee"]?.hasPrefix("p1:payee:") == true })
        var text = ""
        try root.lake.log.read { transaction in
            for event in try transaction.events(EventQuery()) { text += String(decoding: try event.body.canonical(), as: UTF8.self) }
        }
        #expect(!text.lowercased().contains("example"))
    }

    @Test("a catalogue gives titles their ISRC; a title that two tracks share gives none")
    func catalogue() throws {
        let root = try Root()
        let path = try root.file(
            "tracks.csv",
            "title,artist,isrc,release_day\n\"One, Two\",A B,QZABC2500001,2025-01-01\nSame,A B,QZABC2500002,\nsame,A B,QZABC2500003,\n")
        let records = try CommaFile(path).records
        let report = try root.lake.changeReference("track", records.map { (place: $0.place, cells: $0.cells) })
        #expect(report.seqs.count == 1, "one event")
        #expect(report.remarks.count == 1 && report.remarks[0].contains("several tracks"))
        #expect(try root.lake.names("title").map { "\($0.value) \($0.member)" } == ["One, Two track:QZABC2500001"])
        #expect(
            try root.lake.referenceRows(root.lake.referenceTable("track")).map { $0.cells["artist"] } == [
                "artist:ab", "artist:ab", "artist:ab",
            ])
    }

    @Test("an artist enters with ids, names and splits in one event, and says which rows it resolves")
    func artist() throws {
        let root = try Root()
        _ = try KeyRing(root.layout).create("payee")
        let id = "62owJQCD2XzVB2o19CVsFM"
        let file = try root.file(
            "spotify_audience_\(id)_20250310_180000.csv", "date,listeners,streams,followers\n2025-03-09,5,9,70\n2025-03-10,6,8,71\n")
        _ = try root.lake.ingest([file], IngestOptions(), ask: nil)
        let before = try root.lake.log.read { try $0.head().seq }
        let added = try root.lake.addArtist(
            "Zone A0", spotifyID: id, handles: [("tiktok", "zone.a0x")],
            splits: [["track": "QZABC2500001", "payee": "Anna", "from_day": "2025-01-01", "share": "0.25"]], members: [])
        _ = try root.lake.projectCommand()
        let events = try root.lake.log.read { try $0.events(EventQuery(seqs: (before + 1)...(before + 2))) }
        #expect(events.map(\.type) == ["run.started", "reference.changed"])
        #expect(events[1].body["changes"]?.array?.count == 4)
        #expect(added.member == "artist:zonea0")
        let resolved = try root.lake.resolvedRows("artist:zonea0", since: try #require(added.seq))
        #expect(resolved == [ResolvedRows(fact: "fact_audience_day", value: id, service: "spotify", rows: 2)])
        #expect(throws: LedgerError.self, "an id of another artist") {
            try root.lake.addArtist("Other", spotifyID: id, handles: [], splits: [], members: [])
        }
        #expect(try root.lake.digestEqualsRebuild())
    }

    @Test("a comma file keeps quoted commas, quotes and line ends apart, and names the line of what is wrong")
    func commaFile() throws {
        let root = try Root()
        let path = try root.file("a.csv", "\u{FEFF}A , b\r\n\"x, \"\"y\"\"\",  2 \r\n\r\n\"two\nlines\",3\r\n")
        let file = try CommaFile(path)
        #expect(file.headings == ["a", "b"])
        #expect(file.records.map(\.cells) == [["a": "x, \"y\"", "b": "2"], ["a": "two\nlines", "b": "3"]])
        #expect(file.records.map(\.line) == [2, 4])
        let open = try root.file("b.csv", "a\n\"x\n")
        #expect(throws: LedgerError.self) { try CommaFile(open) }
        let twice = try root.file("c.csv", "a,A\n1,2\n")
        #expect(throws: LedgerError.self) { try CommaFile(twice) }
    }
}
