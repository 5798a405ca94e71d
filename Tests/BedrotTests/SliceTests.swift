import EventLog
import Glibc
import Testing

/// One real path from end to end, as a person at a shell would walk it: files in, figures out, questions answered.
@Suite struct SliceTests {
    /// A lake with files of all three datasets, fed in two visits. Tests must not change it.
    static let lake = Result { () -> Root in
        let root = try Root()
        try root.feed(Made.first, Made.account)
        try root.feed(Made.second, Made.account)
        return root
    }

    @Test func filesGoInAndFiguresComeOut() throws {
        let root = try Root()
        let first = try root.feed(Made.first, Made.account + ["--json"]).json()
        let files = try #require(first["files"]?.array)
        #expect(files.map { $0["outcome"]?.string } == ["promoted", "promoted", "promoted"])
        #expect(files.map { $0["dataset"]?.string } == ["spotify/audience", "tiktok/overview", "distrokid/bank_details"])
        #expect(files.map { $0["account"]?.string } == [Made.zonea0, "zone.a0", "label"])
        #expect(files.map { $0["rows"]?.int } == [9, 9, 4])
        #expect(files.map { $0["new"]?.int } == [9, 9, 4])
        #expect(try root.query("SELECT sum(streams_native) AS n FROM fact_audience_day") == [["n": 4500]])
        #expect(try root.query("SELECT sum(video_views) AS n FROM fact_social_day") == [["n": 2250]])
        #expect(try root.query("SELECT sum(net_nano) AS n FROM fact_royalty_line") == [["n": 550_000_000]], "nano dollars")

        let second = try root.feed(Made.second, Made.account + ["--json"]).json()
        #expect(try #require(second["files"]?.array).map { $0["new"]?.int } == [7, 8, 7, 1])
        #expect(try root.query("SELECT sum(streams_native) AS n FROM fact_audience_day") == [["n": 17_200]])
        #expect(try root.query("SELECT sum(net_nano) AS n FROM fact_royalty_line") == [["n": 585_000_000]])
        let curated = String(decoding: try AtomicFile.read("\(root.path)/4_curated/spotify_audience_curated.csv"), as: UTF8.self)
        #expect(curated.split(separator: "\n").count == 1 + 16 + 8)
        try root.ok(["verify", "--shadow"])
    }

    @Test func ingestEndsInPlainWords() throws {
        let root = try Root()
        let text = try root.feed(Made.first, Made.account).text
        let capture = try #require(root.seqs("extraction.captured").first)
        for part in [
            "spotify/audience, account \(Made.zonea0)", "2025-03-01 to 2025-03-09", "9 rows, 9 new, 0 changed, 0 rejected",
            "Spotify followers", "before", "after", "bedrot retract CAPTURE --reason …, CAPTURE being \(capture), ",
        ] { #expect(text.contains(part), "\(part) in\n\(text)") }
        let one = try root.feed([Made.spotify(8...12, made: 13)]).text
        #expect(one.contains("5 rows, 3 new, 0 changed, 0 rejected"), "\(one)")
        #expect(try one.contains("undo: bedrot retract \(#require(root.seqs("extraction.captured").last)) --reason"), "\(one)")
    }

    @Test func keyFiguresAreListedShownDrawnAndExplained() throws {
        let root = try Self.lake.get()
        let list = try root.json(["kpi", "list"])
        let values = try #require(list["values"]?.array)
        let streams = values.first { $0["kpi"]?.string == "streams_native_7d" && $0["num"]?.int == 100 * (10...16).reduce(0, +) }
        #expect(streams != nil, "the last seven days of March 10 to 16: \(values)")
        #expect(try root.ok(["kpi", "list"]).text.contains("streams_native_7d"))

        let snapshots = try root.query("SELECT seq FROM kpi_snapshot ORDER BY seq").compactMap { $0["seq"]?.int }
        #expect(snapshots.count == 2)
        let old = try root.json(["kpi", "show", "streams_native_7d", "--day", "2025-03-09", "--known-at", "\(snapshots[0])"])
        #expect(old["values"]?.array?.compactMap { $0["num"]?.int } == [100 * (3...9).reduce(0, +)])
        #expect(try root.ok(["kpi", "show", "streams_native_7d"]).text.contains("as known at event"))

        let history = try #require(try root.json(["kpi", "history", "streams_native_7d"]).array)
        #expect(history.compactMap { $0["seq"]?.int }.first == snapshots[0])
        #expect(history.count == 3, "one series at the first snapshot, two at the second")
        #expect(try #require(root.json(["kpi", "history", "streams_native_7d", "--limit", "1"]).array).count == 2)
        #expect(try root.ok(["kpi", "history", "streams_native_7d", "--plot"]).text.contains("┤"))
        let explained = try root.ok(["kpi", "explain", "streams_native_7d"]).text
        for part in [
            "formula", "fact_audience_day.streams_native", "projections/kpis/streams_native_7d.sql",
            "trace it: bedrot lineage kpi:streams_native_7d",
        ] {
            #expect(explained.contains(part))
        }
        #expect(try root.json(["kpi", "explain", "revenue_net"])["sql"]?.string?.contains("SELECT") == true)
    }

    @Test(arguments: ["streams_native_7d", "revenue_by_artist", "social_engagement_rate", "social_share_rate"])
    func aChartIsWellFormedXML(kpi: String) throws {
        let root = try Self.lake.get()
        let folder = try TemporaryFolder()
        let file = "\(folder.path)/reports/chart.svg"
        try root.ok(["kpi", "history", kpi, "--svg", file])
        let check =
            """
            import sys,xml.etree.ElementTree as e; r=e.parse(sys.argv[1]).getroot(); assert r.tag.endswith('}svg'), r.tag; \
            print(len(list(r.iter())))
            """
        let parsed = try Binary.other("python3", ["-c", check, file])
        #expect(parsed.code == 0, "\(parsed)")
    }

    @Test func questionsInSQL() throws {
        let root = try Self.lake.get()
        let sql = "SELECT day_no, streams_native, saves, 'a,\"b' AS odd FROM fact_audience_day ORDER BY artist, day_no LIMIT 1"
        let table = try root.ok(["query", sql]).lines
        #expect(table.first?.contains("streams_native") == true)
        #expect(table.count == 3)
        let csv = try root.ok(["query", sql, "--csv"]).lines
        #expect(csv.first == "day_no,streams_native,saves,odd")
        #expect(csv.last?.hasSuffix(",,\"a,\"\"b\"") == true, "null is empty, quotes are doubled: \(csv)")
        let row = try #require(root.query(sql).first)
        #expect(row["saves"] == .null)
        #expect(row["odd"] == .string("a,\"b"))
        let types = try root.query("SELECT type, count(*) AS n FROM events GROUP BY type")
        let captured = types.first { $0["type"] == "extraction.captured" }
        #expect(captured?["n"] == 7)
    }

    @Test(arguments: [
        "DELETE FROM kpi_value", "DELETE FROM fact_audience_day", "UPDATE checkpoint SET seq = 0", "DROP TABLE kpi_value",
        "CREATE TABLE x (y)",
        "PRAGMA user_version = 7", "VACUUM INTO '%'", "ATTACH '%' AS other", "SELECT 1; DELETE FROM kpi_value",
        "INSERT INTO events (seq) VALUES (1)",
    ])
    func aQuestionChangesNothing(sql: String) throws {
        let root = try Self.lake.get()
        let folder = try TemporaryFolder()
        let before = try root.digest()
        let output = try root.run(["query", sql.replacing("%", with: "\(folder.path)/escaped.db")])
        #expect(output.code == 1, "\(output)")
        #expect(Tree.names(folder.path).isEmpty, "\(sql) wrote a file")
        #expect(try root.digest() == before)
    }

    @Test func theLogCanBeSearched() throws {
        let root = try Self.lake.get()
        let all = try root.events()
        let captures = try root.events(["--type", "extraction.captured"])
        #expect(captures.count == 7)
        #expect(captures == all.filter { $0["type"]?.string == "extraction.captured" })
        #expect(try root.events(["--type", "zone.*"]) == all.filter { $0["type"]?.string?.hasPrefix("zone.") == true })
        #expect(try root.events(["--stream", "spotify/audience"]) == all.filter { $0["stream"]?.string == "spotify/audience" })
        #expect(
            try root.events(["--stream", "tiktok/*", "--stream", "run"])
                == all.filter { ["tiktok/overview", "run"].contains($0["stream"]?.string) })
        #expect(try root.events(["--since", "3", "--until", "5"]).compactMap { $0["seq"]?.int } == [3, 4, 5])
        #expect(try root.events(["--newest", "--limit", "2"]) == [all[all.count - 1], all[all.count - 2]])
        let run = try #require(captures[0]["run"]?.string)
        #expect(try root.events(["--run", run]) == all.filter { $0["run"]?.string == run })
        let object = try #require(captures[0]["body"]?["object"]?.string)
        #expect(
            try root.events(["--object", object]) == all.filter { try String(decoding: $0.canonical(), as: UTF8.self).contains(object) })
        let time = try #require(captures[3]["time"]?.string)
        #expect(try root.events(["--after", time]) == all.filter { ($0["time"]?.string ?? "") >= time })
        #expect(try root.events(["--before", time]) == all.filter { ($0["time"]?.string ?? "") < time })
        #expect(try root.ok(["events", "--type", "kpi.acknowledged"]).text == "no events\n")
        #expect(try root.ok(["events", "--limit", "1"]).text.contains("log.opened"))
    }

    @Test func storedBytesPassTheForeignCheck() throws {
        let root = try Self.lake.get()
        let folder = try TemporaryFolder()
        let raw = try root.ok(["events", "--raw"]).bytes
        let ids = try checkChain(raw)
        try Tree.write(raw, to: "\(folder.path)/events")
        let check = "\(Binary.checkout)/ops/verify-chain"
        let sound = try Binary.other("python3", [check, "\(folder.path)/events"])
        #expect(sound.text == "\(ids.count) events, head \(ids.last ?? "")\n", "\(sound)")
        // The check is worth something: one changed byte fails it.
        var changed = raw
        changed[raw.count / 2] ^= 1
        try Tree.write(changed, to: "\(folder.path)/events")
        #expect(try Binary.other("python3", [check, "\(folder.path)/events"]).code == 1)
        let shown = try root.ok(["show", "5"]).text
        #expect(shown.contains(ids[4]))
        #expect(shown.contains("prev    \(ids[3])"))
        #expect(try root.ok(["show", String(ids[4].prefix(20))]).text == shown)
        #expect(try root.ok(["show", "5", "--json"]).bytes == Array(raw.split(separator: 10)[4]) + [10])
    }

    @Test func aFigureIsTracedToItsLines() throws {
        let root = try Self.lake.get()
        let captures = try root.events(["--type", "extraction.captured"])
        let name = { (index: Int) in captures[index]["body"]?["name"]?.string ?? "" }
        let seq = { (index: Int) in captures[index]["seq"]?.int ?? 0 }

        let values = try #require(try root.json(["kpi", "show", "streams_native_7d"])["values"]?.array)
        let artist = try #require(values.first { $0["num"]?.int == 9100 }?["dimensions"]?["artist"]?.string)
        let traced = try root.json(["lineage", "kpi:streams_native_7d", "artist=\(artist)"])
        #expect(traced["rows"] == 7)
        let lines = try #require(traced["lines"]?.array)
        #expect(lines.allSatisfy { $0["capture"]?.int == seq(3) })
        let texts = lines.compactMap { $0["text"]?.string }
        #expect(texts.contains("2025-03-16,960,1600,1048"))
        for line in lines {
            let raw = try #require(line["raw"]?.string)
            let number = Int(try #require(line["line"]?.int))
            let file = String(decoding: try AtomicFile.read("\(root.path)/\(raw)"), as: UTF8.self).split(separator: "\n")
            #expect(file[number - 1] == line["text"]?.string ?? "", "line \(number) of \(raw)")
        }

        // A line that an earlier export had said already keeps that export.
        let fact = try root.ok(["lineage", "fact_audience_day", "--where", "streams_native = 700 AND listeners = 420"]).text
        #expect(fact.contains("capture \(seq(0)), \(name(0)), line 8: 2025-03-07,420,700,1021"), "\(fact)")
        let social = try root.ok(["lineage", "fact_social_day", "--where", "video_views = 800"]).text
        #expect(social.contains("\"March 16\",\"800\""))
        let royalty = try root.ok(["lineage", "fact_royalty_line", "--where", "quantity = 7"]).text
        #expect(royalty.contains("2025-03-27\t2024-12\tSpotify"))
        #expect(try root.ok(["lineage", "\(seq(0))"]).text.contains("zone.promoted"))
    }

    @Test func restatementsSayWhatChanged() throws {
        let root = try Root()
        try root.feed([Made.spotify(1...9, made: 10)])
        #expect(try root.ok(["restatements"]).text == "nothing was restated\n")
        var later = Made.spotify(1...9, made: 11)
        later.bytes = Array(String(decoding: later.bytes, as: UTF8.self).replacing("2025-03-07,420,700", with: "2025-03-07,420,777").utf8)
        try root.feed([later])
        let found = try #require(try root.json(["restatements"]).array)
        #expect(found.count == 1)
        let figure = try #require(found[0]["figures"]?.array?.first)
        #expect(figure["changes"] == [["column": "streams_native", "before": "700", "after": "777"]])
        #expect(figure["withdrawn"] == false)
        #expect(found[0]["cause"]?.string?.hasPrefix("a newer file of spotify/audience: ") == true)
        #expect(found[0]["kpis"]?.array?.contains { $0["kpi"] == "streams_native_7d" } == true)
        #expect(try root.ok(["restatements"]).text.contains("777"))
        let event = try #require(found[0]["event"]?.int)
        #expect(try root.json(["restatements", "--since", "\(event)"]) == [])
    }

    @Test(arguments: [
        ["kpi", "list"], ["kpi", "show", "revenue_net"], ["kpi", "history", "revenue_net"], ["kpi", "explain", "revenue_net"],
        ["query", "SELECT 1"],
        ["restatements"], ["digest"], ["project", "--status"], ["zones", "held"], ["verify"],
        ["lineage", "fact_social_day", "--where", "1 = 1"], ["show", "1"],
    ])
    func answersComeAsJSON(arguments: [String]) throws {
        let root = try Self.lake.get()
        let output = try root.ok(arguments + ["--json"])
        _ = try output.json()
        #expect(output.errors.isEmpty, "nothing but JSON: \(output.errors)")
    }

    @Test(arguments: [
        ("init", ["--label", "--zone", "--currency", "--from", "--root", "--definitions", "--json", "--quiet"]),
        (
            "ingest",
            ["<paths>", "--account", "--observed", "--downloaded-on", "--accept-changes", "--no-project", "--dry-run", "exit code is 2"]
        ),
        ("retract", ["<capture>", "--reason", "--no-project"]), ("reinstate", ["<capture>", "--reason", "--no-project"]),
        ("zones accept", ["<capture>", "<partition>", "--reason"]), ("zones held", ["--json"]), ("project", ["--status"]),
        ("rebuild", ["--until", "--with-definitions"]), ("replay", ["--until", "--into", "<names>"]), ("verify", ["--shadow"]),
        ("digest", ["--json"]),
        (
            "events",
            [
                "--since", "--until", "--stream", "--type", "--run", "--object", "--after", "--before", "--limit", "--newest", "--raw",
                "--follow", "--service", "--dataset", "--account", "--severity", "--grep", "--by", "--csv",
            ]
        ),
        ("show", ["<event>"]), ("lineage", ["<subject>", "--where", "--day", "--known-at", "--limit", "kpi:"]),
        ("archive list", ["--file"]), ("archive restore", ["<version>", "--to"]),
        ("archive expire", ["--dry-run", "--yes", "--on", "--file", "--objects", "--yes-the-log-cannot-replay-them"]),
        ("restatements", ["--limit", "--table", "--since"]),
        ("kpi list", ["--each"]), ("kpi show", ["<id>", "--day", "--known-at"]), ("kpi history", ["--plot", "--svg", "--limit"]),
        ("kpi explain", ["<id>", "--known-at"]),
        ("query", ["<sql>", "--csv", "--json", "--file", "--param", "--day", "--known-at", "--format"]),
        ("tag", ["<name>", "--at", "--note", "--force", "--delete"]), ("schema", ["--html", "--json"]),
        ("export table", ["<name>", "--to", "--format", "--day", "--known-at"]), ("bench", ["log", "clean"]),
        ("", ["PROJECT_ROOT", "BEDROT_DEFINITIONS", "LANDING_ZONE", "CURATED_ZONE", "Exit codes", "64", "--version", "ingest", "replay"]),
    ])
    func helpNamesEveryOption(command: String, words: [String]) throws {
        let output = try Binary.run(command.split(separator: " ").map { String($0) } + ["--help"])
        #expect(output.code == 0)
        for word in words { #expect(output.text.contains(word), "\(word) in the help of \(command):\n\(output.text)") }
        #expect(output.text.split(separator: "\n").allSatisfy { !$0.hasSuffix(" ") && $0.utf8.count < 400 })
    }
}
