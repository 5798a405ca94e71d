import EventLog
import Glibc
import Testing

/// Everything but the ledger can be thrown away and comes back the same: here, elsewhere, under another clock and language.
@Suite struct ReplayTests {
    private static let output = ["1_landing", "2_raw", "3_staging", "4_curated", "5_archive", "warehouse"]

    @Test func projectingLateGivesWhatProjectingEachTimeGave() throws {
        let root = try Root()
        for file in Made.first + Made.second { try root.feed([file], Made.account(of: file) + ["--no-project"]) }
        let capture = try #require(root.seqs("extraction.captured").dropFirst(3).first)
        #expect(try root.ok(["retract", "\(capture)", "--reason", "x", "--no-project"]).code == 0)
        let status = try root.json(["project", "--status"])
        #expect(status["projected"]?.int == 0 && (status["head"]?.int ?? 0) > capture)
        try root.ok(["project"])
        let once = try root.digest()
        #expect(try root.json(["project", "--status"])["projected"] == root.json(["project", "--status"])["head"])
        try root.ok(["project"])
        #expect(try root.digest().all == once.all)
        // The same commands, projected each time, leave the same figures and files.
        let other = try Root()
        for file in Made.first + Made.second { try other.feed([file], Made.account(of: file)) }
        let same = try #require(other.seqs("extraction.captured").dropFirst(3).first)
        try other.ok(["retract", "\(same)", "--reason", "x"])
        let (zones, others) = (try root.zones(), try other.zones())
        #expect(Tree.differences(zones, others).filter { !$0.contains("_manifest.json") } == [])
        for root in [root, other] { try root.ok(["verify", "--shadow"]) }
    }

    @Test func everythingButTheLedgerComesBack() throws {
        let root = try Root(copyOf: SliceTests.lake.get())
        let (digest, zones) = (try root.digest(), try root.zones())
        let kpis = try root.ok(["kpi", "list", "--json"]).bytes
        let events = try root.ok(["events", "--raw"]).bytes
        for folder in Self.output { Tree.remove("\(root.path)/\(folder)") }
        let rebuilt = try root.json(["rebuild"])
        #expect(rebuilt["from"] == 0)
        #expect(try root.digest() == digest)
        #expect(Tree.differences(try root.zones(), zones) == [])
        #expect(try root.ok(["kpi", "list", "--json"]).bytes == kpis)
        #expect(try root.ok(["events", "--raw"]).bytes == events, "a rebuild appends nothing")
        let replay = try root.json(["replay"])
        #expect(replay["differences"] == [])
        #expect(replay["replayed"]?["all"]?.string == digest.all)
        #expect(try root.ok(["replay"]).text.contains("equal to the live state"))
    }

    @Test func thePastComesBackToo() throws {
        let root = try Root()
        try root.feed(Made.first, Made.account)
        let past = try root.digest()
        let zones = try root.zones()
        try root.feed(Made.second, Made.account)
        let now = try root.digest()
        try root.ok(["rebuild", "--until", "\(past.seq)"])
        let back = try root.digest()
        #expect(back.seq == past.seq && back.all == past.all && back.tables == past.tables)
        for (path, content) in try root.zones() where path.hasPrefix("4_curated") { #expect(zones[path] == content, "\(path)") }
        try root.ok(["rebuild"])
        #expect(try root.digest() == now)
        try root.ok(["verify", "--shadow"])
        // Into a folder of its own the live state stays untouched.
        let folder = try TemporaryFolder()
        let replayed = try root.json(["replay", "--until", "\(past.seq)", "--into", "\(folder.path)/then"])
        #expect(replayed["replayed"]?["all"]?.string == past.all)
        #expect(try root.digest() == now)
        #expect(Tree.names(folder.path) == ["then"])
    }

    @Test func aReplaySeesWhatSomebodyChangedByHand() throws {
        let root = try Root(copyOf: SliceTests.lake.get())
        let file = "\(root.path)/4_curated/spotify_audience_curated.csv"
        let bytes = try AtomicFile.read(file)
        let live = "\(root.path)/warehouse/bedrot_analytics.db"
        let change =
            """
            import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); c.execute('UPDATE fact_audience_day_v SET streams_native = \
            streams_native + 1 WHERE rowid = 1'); c.commit()
            """
        #expect(try Binary.other("python3", ["-c", change, live]).code == 0)
        let found = try root.ok(["verify", "--shadow"], code: 1)
        #expect(found.errors.contains("differs: fact_audience_day"), "\(found)")
        #expect(try root.ok(["replay"], code: 1).errors.contains("fact_audience_day"))
        try root.ok(["replay", "fact_social_day"])
        try Tree.write(bytes + [10], to: file)
        try root.ok(["rebuild"])
        #expect(try AtomicFile.read(file) == bytes)
        try root.ok(["verify", "--shadow"])
    }

    @Test(arguments: [
        ["TZ": "Asia/Kathmandu", "LANG": "tr_TR.UTF-8", "LC_ALL": "tr_TR.UTF-8"], ["TZ": "America/St_Johns", "LANG": "de_DE.UTF-8"],
        ["TZ": ":/nonexistent", "LC_ALL": "C"], ["TZ": "UTC-14", "LC_NUMERIC": "ar_EG.UTF-8"],
    ])
    func neitherClockNorLanguageMatters(environment: [String: String]) throws {
        let lake = try SliceTests.lake.get()
        let root = try Root(copyOf: lake)
        for folder in Self.output { Tree.remove("\(root.path)/\(folder)") }
        try root.ok(["rebuild"], environment: environment)
        #expect(try root.digest() == lake.digest())
        // Fed under that environment, too.
        let fresh = try Root(initialised: false)
        try fresh.ok(["init", "--label", "Test"], environment: environment)
        let files = try (Made.first + Made.second).map { try fresh.file($0) }
        try fresh.ok(["ingest"] + files + Made.account, environment: environment)
        #expect(Tree.differences(try fresh.zones(), try lake.zones()).filter { !$0.contains("_manifest.json") } == [])
    }

    @Test func aMovedLedgerGivesTheSame() throws {
        let lake = try SliceTests.lake.get()
        let folder = try TemporaryFolder()
        let moved = "\(folder.path)/another place/with a longer name/lake"
        try Tree.copy("\(lake.path)/ledger", to: "\(moved)/ledger")
        let rebuilt = try Binary.run(["rebuild", "--root", moved])
        #expect(rebuilt.code == 0, "\(rebuilt)")
        #expect(try Digest(Binary.run(["digest", "--json", "--root", moved]).json()) == lake.digest())
        #expect(try Binary.run(["verify", "--shadow", "--root", moved]).code == 0)
    }

    @Test func aLogIsCarriedOverAsText() throws {
        let lake = try SliceTests.lake.get()
        let folder = try TemporaryFolder()
        let (file, target) = ("\(folder.path)/events", "\(folder.path)/lake")
        let raw = try lake.ok(["events", "--raw"]).bytes
        try Tree.write(raw, to: file)
        let made = try Binary.run(["init", "--from", file, "--root", target, "--json"])
        #expect(made.code == 0, "\(made)")
        #expect(try made.json()["id"]?.string == checkChain(raw).last)
        #expect(try Binary.run(["events", "--raw", "--root", target]).bytes == raw)
        Tree.remove("\(target)/ledger/objects")
        try Tree.copy("\(lake.path)/ledger/objects", to: "\(target)/ledger/objects")
        #expect(try Binary.run(["verify", "--root", target]).code == 0)
        #expect(try Binary.run(["rebuild", "--root", target]).code == 0)
        #expect(try Digest(Binary.run(["digest", "--json", "--root", target]).json()) == lake.digest())
    }

    @Test(arguments: [0, 7, 40])
    func aDamagedTextIsRefused(at: Int) throws {
        let lake = try SliceTests.lake.get()
        let folder = try TemporaryFolder()
        var lines = try lake.ok(["events", "--raw"]).bytes.split(separator: 10).map { Array($0) }
        let line = min(at, lines.count - 1)
        lines[line][lines[line].count / 2] ^= 1
        try Tree.write(Array(lines.joined(separator: [10])) + [10], to: "\(folder.path)/events")
        let made = try Binary.run(["init", "--from", "\(folder.path)/events", "--root", "\(folder.path)/lake"])
        #expect(made.code == 1, "\(made)")
        // A changed event may still be a valid other event: then its successor tells.
        #expect(
            made.errors.contains("\(folder.path)/events:\(line + 1)") || made.errors.contains("\(folder.path)/events:\(line + 2)"),
            "\(made)")
    }

    @Test func zoneFoldersMayHaveOtherNames() throws {
        let environment = [
            "LANDING_ZONE": "eingang", "RAW_ZONE": "roh", "STAGING_ZONE": "zwischen", "CURATED_ZONE": "fertig", "ARCHIVE_ZONE": "alt",
        ]
        let root = try Root(initialised: false)
        try root.ok(["init", "--label", "Test"], environment: environment)
        for files in [Made.first, Made.second] {
            try root.ok(["ingest"] + files.map { try root.file($0) } + Made.account, environment: environment)
        }
        let names = Tree.names(root.path)
        for name in environment.values { #expect(names.contains(name)) }
        for name in Self.output.dropLast() { #expect(!names.contains(name)) }
        let digest = try root.ok(["digest", "--json"], environment: environment).bytes
        for name in ["roh", "zwischen", "fertig", "warehouse"] { Tree.remove("\(root.path)/\(name)") }
        try root.ok(["rebuild"], environment: environment)
        #expect(try root.ok(["digest", "--json"], environment: environment).bytes == digest)
        #expect(try root.ok(["verify", "--shadow"], environment: environment).code == 0)
        let plain = try Tree.listing("\(SliceTests.lake.get().path)/4_curated").filter { !$0.key.contains("_manifest") }
        #expect(try Tree.listing("\(root.path)/fertig").filter { !$0.key.contains("_manifest") } == plain)
    }
}

/// Definitions are files that people change; what they meant when stays in the log.
@Suite struct DefinitionTests {
    private static func overlay(_ root: Root, _ path: String, _ text: String) throws {
        try AtomicFile.makeFolders(AtomicFile.parent(of: "\(root.path)/definitions/\(path)"))
        try Tree.write(Array(text.utf8), to: "\(root.path)/definitions/\(path)")
    }

    private static func shipped(_ path: String) throws -> String {
        String(decoding: try AtomicFile.read("\(Binary.checkout)/\(path)"), as: UTF8.self)
    }

    @Test func aNewFigureHasItsPastAtOnce() throws {
        let root = try Root(copyOf: SliceTests.lake.get())
        let before = try root.digest()
        try Self.overlay(
            root, "projections/kpis/streams_sum.sql",
            """
            /*---
            kpi: streams_sum
            title: Streams, all days
            unit: count
            direction: up
            decimals: 0
            formula: sum of daily streams
            dimensions: [artist]
            ---*/
            SELECT a.artist_id AS artist, SUM(f.streams_native) AS num, 1 AS den
            FROM fact_audience_day f JOIN artist_of a ON a.source_id = f.artist
            WHERE f.day_no <= :day
            GROUP BY a.artist_id
            ORDER BY a.artist_id;

            """)
        try root.ok(["project"])
        let history = try #require(root.json(["kpi", "history", "streams_sum"]).array)
        #expect(
            history.compactMap { $0["num"]?.int } == [4500, 3600, 13600].sorted { ($0 == 4500 ? 0 : 1) < ($1 == 4500 ? 0 : 1) }
                || history.compactMap { $0["num"]?.int } == [4500, 13600, 3600])
        #expect(Set(history.compactMap { $0["seq"]?.int }).count == 2, "a value at the snapshots taken before the KPI existed")
        let after = try root.digest()
        for (table, digest) in before.tables where table.hasPrefix("fact_") { #expect(after.tables[table] == digest) }
        #expect(after.tables["kpi_value"] != before.tables["kpi_value"])
        try root.ok(["verify", "--shadow"])
        // Taken away again, its figures go with it.
        Tree.remove("\(root.path)/definitions/projections/kpis/streams_sum.sql")
        try root.ok(["project"])
        #expect(try root.run(["kpi", "show", "streams_sum"]).code == 1)
        #expect(try root.digest().tables["kpi_value"] == before.tables["kpi_value"])
        try root.ok(["verify", "--shadow"])
    }

    @Test func aChangedContractPromotesAgainWithOneEvent() throws {
        let root = try Root(copyOf: SliceTests.lake.get())
        let extra = try root.file(
            MadeFile("spotify_audience_\(Made.pig1987)_20250319_180000.csv", "date,oyentes,abspielungen,followers\n2025-03-18,11,1234,5\n"))
        let staged = {
            try root.events(["--stream", "spotify/audience", "--type", "zone.promoted"]).filter { $0["body"]?["to"] == "staging" }
        }
        _ = try root.run(["ingest", extra])
        let before = try staged().count
        let streams = "SELECT sum(streams_native) FROM fact_audience_day"
        #expect(try root.number(streams) == 17_200)
        let text = try Self.shipped("zones/spotify/audience.yml").replacing(
            "aliases: [reproducciones, ", with: "aliases: [reproducciones, abspielungen, ")
        try Self.overlay(root, "zones/spotify/audience.yml", text)
        try root.ok(["project"])
        let now = try staged()
        #expect(now.count == before + 1, "one event for the dataset")
        #expect(now.last?["body"]?["items"]?.array?.count == 4, "it lists all captures")
        #expect(try root.number(streams) == 17_200 + 1234)
        let events = try root.events().count
        try root.ok(["project"])
        #expect(try root.events().count == events, "and that once")
        let digest = try root.digest()
        try root.ok(["rebuild"])
        #expect(try root.digest() == digest)
        try root.ok(["verify", "--shadow"])
    }

    @Test(arguments: [
        ("zones/spotify/audience.yml", "title: Spotify audience\nnames: [a.csv]\n", "1"), ("zones/spotify/audience.yml", "title: [\n", "2"),
        ("zones/new/thing.yml", "title: Thing\nnames: [thing.csv]\ncolumns:\n  - {name: a, type: colour}\nmerge: append\n", "4"),
        ("projections/kpis/broken.sql", "/*---\nkpi: broken\ntitle: Broken\n---*/\nSELECT 1;\n", ""),
        ("projections/kpis/broken.sql", "SELECT 1;\n", "1"), ("projections/guards.yml", "a: [", ""),
    ])
    func aBrokenFileStopsBeforeAnythingIsWritten(path: String, text: String, line: String) throws {
        let root = try Root(copyOf: SliceTests.lake.get())
        let digest = try root.digest()
        let events = try root.ok(["events", "--raw"]).bytes
        try Self.overlay(root, path, text)
        let file = try root.file(Made.spotify(15...20, made: 21))
        for command in [["project"], ["ingest", file], ["retract", "32", "--reason", "x"]] {
            let output = try root.run(command)
            #expect(output.code == 1, "\(output)")
            #expect(output.errors.contains(line.isEmpty ? path : "\(path):\(line)"), "file and line: \(output)")
        }
        #expect(try root.ok(["events", "--raw"]).bytes == events)
        #expect(try root.digest() == digest)
        Tree.remove("\(root.path)/definitions/\(path)")
        try root.ok(["ingest", file])
    }
}
