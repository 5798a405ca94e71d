import EventLog
import Glibc
import Testing

/// What people feed, right and wrong: the same file again, a file taken back, files in doubt, junk.
@Suite struct FeedingTests {
    // MARK: The same again

    @Test func theSameFileAgainChangesNothingButOps() throws {
        let root = try Root()
        try root.feed(Made.first, Made.account)
        let before = try root.digest()
        let zones = try root.zones()
        let head = try root.events().count
        let again = try root.feed(Made.first, Made.account + ["--json"]).json()
        #expect(try #require(again["files"]?.array).map { $0["outcome"]?.string } == ["duplicate", "duplicate", "duplicate"])
        let after = try root.digest()
        #expect(after.all == before.all)
        #expect(after.tables == before.tables && after.files == before.files)
        #expect(after.ops != before.ops)
        #expect(try root.zones() == zones)
        let types = try root.events().dropFirst(head).compactMap { $0["type"]?.string }
        #expect(types == ["run.started", "extraction.duplicate", "extraction.duplicate", "extraction.duplicate", "run.completed"])
        #expect(try root.feed([Made.first[0]]).text.contains("the same as capture"))
        // Under another name, too, when the bytes say the same of the same account at the same time.
        try root.ok(["verify", "--shadow"])
    }

    // MARK: Taken back

    @Test func figuresFallBackAndComeBack() throws {
        let root = try Root()
        try root.feed(Made.first, Made.account)
        let before = try root.digest()
        let curated = try root.zones().filter { $0.key.hasPrefix("4_curated") }
        try root.feed([Made.spotify(1...9, made: 11, factor: 2)], ["--accept-changes"])
        let doubled = try root.zones().filter { $0.key.hasPrefix("4_curated") }
        let capture = try #require(root.seqs("extraction.captured").last)
        #expect(try root.number("SELECT sum(streams_native) FROM fact_audience_day") == 9000)
        let retracted = try root.json(["retract", "\(capture)", "--reason", "another account's"])
        #expect(retracted["changed"]?.int == 9)
        #expect(try root.number("SELECT sum(streams_native) FROM fact_audience_day") == 4500)
        let files = try root.zones().filter { $0.key.hasPrefix("4_curated") }
        for (path, content) in curated where !path.hasSuffix("_manifest.json") { #expect(files[path] == content) }
        #expect(try root.digest().all != before.all, "what was once believed stays on record")

        let twice = try root.ok(["retract", "\(capture)", "--reason", "again"], code: 1)
        #expect(twice.errors.contains("is retracted already") && twice.errors.contains("bedrot reinstate \(capture)"))
        try root.ok(["reinstate", "\(capture)", "--reason", "theirs after all"])
        #expect(try root.number("SELECT sum(streams_native) FROM fact_audience_day") == 9000)
        for (path, content) in try root.zones() where path.hasPrefix("4_curated") && !path.hasSuffix("_manifest.json") {
            #expect(doubled[path] == content)
        }
        #expect(try root.number("SELECT count(*) FROM fact_audience_day_v WHERE to_seq IS NULL") == 9)
        #expect(try root.number("SELECT count(*) FROM fact_audience_day_v") == 36, "each change is a version: 1, 2, 1, 2 times the figure")
        let live = try root.ok(["reinstate", "\(capture)", "--reason", "again"], code: 1)
        #expect(live.errors.contains("is live"))
        let events = try root.events()
        #expect(events.filter { $0["type"]?.string == "extraction.retracted" }.count == 1, "refused corrections leave no event")
        #expect(
            events.filter { $0["type"]?.string == "run.started" }.count == events.filter { $0["type"]?.string == "run.completed" }.count)
        try root.ok(["verify", "--shadow"])
    }

    @Test func theSameBytesCanLiveOnlyOnce() throws {
        let root = try Root()
        try root.feed([Made.first[0]])
        let capture = try #require(root.seqs("extraction.captured").last)
        try root.ok(["retract", "\(capture)", "--reason", "by mistake"])
        #expect(try root.number("SELECT count(*) FROM fact_audience_day") == 0)
        try root.feed([Made.first[0]])
        let second = try #require(root.seqs("extraction.captured").last)
        #expect(second > capture, "after a retraction the same bytes are a new capture")
        #expect(try root.number("SELECT count(*) FROM fact_audience_day") == 9)
        let refused = try root.ok(["reinstate", "\(capture)", "--reason", "x"], code: 1)
        #expect(refused.errors.contains("capture \(second)") && refused.errors.contains("bedrot retract \(second)"))
    }

    // MARK: In doubt

    @Test func aFilteredBankExportIsHeld() throws {
        let root = try Root()
        try root.feed([Made.bank(Made.sales, made: 14)], Made.account)
        let filtered = Made.bank(
            Made.sales.filter { $0.artist == "PIG1987" } + [.init(reported: "2025-03-27", artist: "PIG1987")], made: 28)
        let output = try root.feed([filtered], Made.account, code: 2)
        #expect(output.errors.contains("2 partitions held back") && output.errors.contains("bedrot zones held"), "\(output)")
        #expect(try root.number("SELECT sum(net_nano) FROM fact_royalty_line") == 575_000_000, "only the new reporting date is loaded")
        let held = try #require(root.json(["zones", "held"]).array)
        #expect(held.map { $0["partition"]?.string } == ["2025-02-13", "2025-03-13"])
        #expect(held.map { $0["rows"]?.int } == [1, 1])
        let capture = try #require(held[0]["capture"]?.int)
        #expect(try root.ok(["zones", "held"]).text.contains("bedrot zones accept \(capture) 2025-02-13 --reason"))
        try root.ok(["zones", "accept", "\(capture)", "2025-04-13", "--reason", "x"], code: 1)
        try root.ok(["zones", "accept", "\(capture)", "2025-03-13", "--reason", "the other artist left"])
        #expect(try root.number("SELECT sum(net_nano) FROM fact_royalty_line") == 475_000_000)
        try root.ok(["zones", "accept", "\(capture)", "2025-03-13", "--reason", "twice"], code: 1)
        #expect(try #require(root.json(["zones", "held"]).array).map { $0["partition"]?.string } == ["2025-02-13"])
        try root.ok(["verify", "--shadow"])
    }

    @Test func aFileThatLooksLikeAnotherAccountsWaits() throws {
        let root = try Root()
        try root.feed([Made.spotify(1...9, made: 10)])
        let foreign = Made.spotify(1...9, made: 11, factor: 5)
        let output = try root.feed([foreign], code: 2)
        #expect(output.errors.contains("probably another account's") && output.errors.contains("--accept-changes"), "\(output)")
        #expect(try root.number("SELECT sum(streams_native) FROM fact_audience_day") == 4500)
        #expect(try root.events(["--type", "zone.quarantined"]).first?["body"]?["code"] == "looks_like_another_account")
        try root.feed([foreign], ["--accept-changes"])
        #expect(try root.number("SELECT sum(streams_native) FROM fact_audience_day") == 22_500)
        try root.ok(["verify", "--shadow"])
    }

    @Test func aYearIsProvedOrAskedFor() throws {
        let root = try Root()
        // No day in the name, and a file time years after the last row: nothing proves the year.
        let file = Made.tiktok("zone.a0", 1...9, made: 9, name: "Overview.csv", modified: 1_790_000_000)
        let output = try root.feed([file], ["--account", "zone.a0"], code: 2)
        #expect(output.errors.contains("year") && output.errors.contains("--downloaded-on YYYY-MM-DD"), "\(output)")
        #expect(try root.number("SELECT count(*) FROM fact_social_day") == 0)
        try root.feed([file], ["--account", "zone.a0", "--downloaded-on", "2025-03-10"])
        #expect(try root.number("SELECT sum(video_views) FROM fact_social_day") == 2250)
        let days = try root.query("SELECT min(date) AS first, max(date) AS last FROM fact_social_day JOIN dim_date USING (day_no)")
        #expect(days == [["first": "2025-03-01", "last": "2025-03-09"]])
    }

    @Test func whoseFileItIsMustBeKnown() throws {
        let root = try Root()
        let bank = Made.bank(Made.sales, made: 14)
        let output = try root.feed([bank], code: 2)
        #expect(output.errors.contains("nothing says whose file this is"))
        let remedy = "bedrot ingest --account NAME \(root.inbox)/\(bank.name)"
        #expect(output.errors.contains(remedy), "the exact command: \(output)")
        #expect(try root.number("SELECT count(*) FROM fact_royalty_line") == 0)
        try root.ok(remedy.replacing("NAME", with: "label").split(separator: " ").dropFirst().map { String($0) })
        #expect(try root.number("SELECT count(*) FROM fact_royalty_line") == 4)
        // A landing folder names the account as well.
        let dropped = "\(root.path)/1_landing/distrokid/bank_details/other"
        try AtomicFile.makeFolders(dropped)
        try Tree.write(bank.bytes, to: "\(dropped)/\(bank.name)")
        try root.ok(["ingest", "\(dropped)/\(bank.name)"])
        #expect(try root.number("SELECT count(DISTINCT account) FROM fact_royalty_line") == 2)
        #expect(Tree.names(dropped) == [bank.name], "landing files belong to people")
    }

    @Test func rejectedLinesAreNamed() throws {
        let root = try Root()
        var file = Made.spotify(1...5, made: 6)
        file.bytes += Array("2025-03-39,1,2,3\n2025-03-06,n.a.,1.2K,3\n".utf8)
        let output = try root.feed([file], code: 2)
        #expect(output.text.contains("5 rows, 5 new, 0 changed, 2 rejected"), "\(output)")
        let path = try #require(output.errors.split(separator: "see ").dropFirst().first?.split(separator: "\n").first)
        let rejects = try AtomicFile.read("\(root.path)/\(path)").split(separator: 10).map { try JSON.parse(Array($0)) }
        #expect(rejects.map { $0["line"]?.int } == [7, 8])
        #expect(rejects.allSatisfy { $0["byte"]?.int != nil && $0["column"]?.string != nil && $0["reason"]?.string != nil }, "\(rejects)")
        #expect(rejects.first?["value"] == "2025-03-39")
    }

    // MARK: Junk

    struct Junk: CustomTestStringConvertible, Sendable {
        var name: String
        var bytes: [UInt8]
        var testDescription: String { "\(name), \(bytes.count) bytes" }
    }

    private static let header = Array("date,listeners,streams,followers\n".utf8)
    private static let stem = "spotify_audience_\(Made.zonea0)_20250310_180000"

    @Test(arguments: [
        Junk(name: "empty.csv", bytes: []), Junk(name: "\(stem).csv", bytes: []),
        Junk(name: "notes.txt", bytes: Array("call the label\n".utf8)),
        Junk(name: "dk_bank_details_20250314_190000.zip", bytes: []),
        Junk(name: "Overview_2025-03-01_1741543200_zone.a0.zip", bytes: Array("PK\u{3}\u{4}".utf8)),
        Junk(
            name: "cover.png",
            bytes: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + (0..<4000).map { UInt8(truncatingIfNeeded: $0 &* 31) }),
        Junk(name: "\(stem).csv", bytes: (0..<5000).map { UInt8(truncatingIfNeeded: $0 &* 7919 >> 3) }),
        Junk(name: "\(stem).csv", bytes: header + Array(repeating: 0x61, count: 3_000_000)),
        Junk(name: "\(stem).csv", bytes: header + [0x22] + Array(repeating: 0x2C, count: 200_000)),
        Junk(name: "\(stem).csv", bytes: header + [0xFF, 0xFE, 0x00] + Array("2025-03-01,1,2,3\n".utf8)),
        Junk(name: "\(stem).csv", bytes: Array(repeating: 0, count: 10_000)),
        Junk(name: "\(stem).csv", bytes: Array("date,listeners\n2025-03-01\n".utf8)),
        Junk(name: "dk_bank_details.tsv", bytes: Array("Reporting Date\tSale Month\n2025-03-13\t2025-01\n".utf8)),
        Junk(name: "Overview_2025-03-01_1741543200_zone.a0.csv", bytes: Array("Date,Video Views\nMarch 1,1\nMarch 1,1\n".utf8)),
        Junk(name: "a\nb\u{1B}[31m.csv", bytes: [1, 2, 3]), Junk(name: "-weird --name.csv", bytes: Array("x,y\n1,2\n".utf8)),
    ])
    func junkIsReportedAndHarmless(junk: Junk) throws {
        let root = try Root(copyOf: SliceTests.lake.get())
        let before = try root.digest()
        let file = MadeFile(junk.name, junk.bytes)
        let output = try root.run(["ingest", root.file(file)] + Made.account(of: file))
        #expect(output.code == 2 && !output.errors.isEmpty, "\(output)")
        let after = try root.digest()
        for table in before.tables.keys where table.hasPrefix("fact_") { #expect(after.tables[table] == before.tables[table]) }
        let steering = output.errors.utf8.contains { $0 == 0x1B || $0 == 0 }
        #expect(!steering, "names cannot steer the terminal")
        _ = try checkChain(try root.ok(["events", "--raw"]).bytes)
        try root.ok(["verify", "--shadow"])
    }

    @Test func aFileThatCannotBeReadStopsNoOther() throws {
        let root = try Root()
        let good = try root.file(Made.first[0])
        let output = try root.ok(["ingest", "/proc/self/mem", good], code: 1)
        #expect(output.errors.contains("mem: failed: cannot read /proc/self/mem: Input/output error"), "\(output)")
        #expect(try root.number("SELECT count(*) FROM fact_audience_day") == 9)
    }

    @Test func rejectsOfAFileAreOneLine() throws {
        let root = try Root()
        let lines = ["date,listeners,streams,followers", "2025-03-01,1,2,3", "2025-03-39,1,2,3", "2025-03-40,1,2,3", "2025-03-02,1,x,3"]
        let file = MadeFile("spotify_audience_abc_20250401_120000.csv", lines.joined(separator: "\n") + "\n")
        let output = try root.feed([file], code: 2)
        let said = output.errors.split(separator: "\n").filter { $0.contains("rejected") }
        #expect(said.count == 1, "\(output)")
        #expect(said.first?.contains("3 lines rejected (not_a_day 2, not_an_integer 1); see 3_staging/") == true, "\(output)")
    }

    @Test func aFolderIsTakenFileByFile() throws {
        let root = try Root()
        _ = try root.file(MadeFile("visit/\(Made.first[0].name)", Made.first[0].bytes))
        _ = try root.file(MadeFile("visit/deep/\(Made.first[1].name)", Made.first[1].bytes))
        _ = try root.file(MadeFile("visit/shopping.txt", "milk\n"))
        _ = try root.file(MadeFile("visit/.hidden", "x"))
        let output = try root.ok(["ingest", "\(root.inbox)/visit"], code: 2)
        #expect(
            output.errors.contains("shopping.txt: no contract fits; nothing was guessed") && output.errors.contains("The closest:"),
            "\(output)")
        #expect(try root.seqs("extraction.captured").count == 2, "one bad file does not stop the others")
        #expect(Tree.names("\(root.inbox)/visit").count == 4, "nothing is taken away from people")
    }

    // MARK: Looking first

    @Test func aDryRunShowsTheSameAndWritesNothing() throws {
        let root = try Root(copyOf: SliceTests.lake.get())
        let files = [
            Made.spotify(10...20, made: 21), Made.tiktok("pig1987", 1...4, made: 4), Made.first[0],
            Made.bank(Made.sales.filter { $0.artist == "PIG1987" }, made: 29), MadeFile("notes.txt", "x"),
            Made.spotify(1...16, made: 22, factor: 5),
        ]
        let before = try Tree.listing(root.path)
        let shown = try root.feed(files, Made.account + ["--dry-run", "--json"], code: 2).json()
        #expect(try root.feed(files, Made.account + ["--dry-run"], code: 2).text.contains("dry run: nothing was written"))
        // Readers leave their mark in lock files only.
        let changed = Tree.differences(before, try Tree.listing(root.path)).filter {
            !$0.hasPrefix("ledger/log/lock.mdb") && !$0.contains(".db-shm") && !$0.contains(".db-wal: 0 bytes")
        }
        #expect(changed == [])
        let real = try root.feed(files, Made.account + ["--json"], code: 2).json()
        let (planned, done) = (try #require(shown["files"]?.array), try #require(real["files"]?.array))
        #expect(planned.count == done.count)
        let journals = try Tree.listing(root.path).filter { $0.key.hasSuffix("-wal") && !$0.value.hasPrefix("0 bytes") }
        #expect(journals.isEmpty, "a warehouse copied as it is holds everything: \(journals)")
        for (plan, deed) in zip(planned, done) {
            for key in [
                "path", "outcome", "dataset", "account", "rows", "rejected", "held", "new", "changed", "gone", "observed", "observed_from",
            ] {
                #expect(plan[key] == deed[key], "\(key) of \(plan["path"]?.string ?? "")")
            }
        }
        #expect(shown["kpis"] == real["kpis"], "the same KPIs move")
    }
}
