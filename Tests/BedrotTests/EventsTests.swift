import EventLog
import Testing

/// `bedrot events`: every filter against the whole log, the forms it prints, counts, and following.
@Suite struct EventsTests {
    /// The lake of the slice, one wrong file retracted, one file refused.
    static let lake = Result { () -> Root in
        let root = try Root(copyOf: SliceTests.lake.get())
        let capture = try #require(try root.seqs("extraction.captured").last)
        try root.ok(["retract", "\(capture)", "--reason", "Fed the Wrong file, sorry"])
        try root.feed([MadeFile("dk_bank_details_20250501_120000.tsv", "Reporting Date\tSale Month\n2025-03-13\t2025-01\n")], code: 2)
        try root.ok(["ingest", "/proc/self/mem"], code: 1)
        return root
    }

    private func seqs(_ root: Root, _ filter: [String]) throws -> [Int64] { try root.events(filter).compactMap { $0["seq"]?.int } }

    @Test func subjectsFilter() throws {
        let root = try Self.lake.get()
        let all = try root.events()
        func expected(_ keep: (JSON) -> Bool) -> [Int64] { all.filter(keep).compactMap { $0["seq"]?.int } }
        #expect(try seqs(root, ["--service", "spotify"]) == expected { $0["stream"]?.string?.hasPrefix("spotify/") == true })
        #expect(try seqs(root, ["--dataset", "overview"]) == expected { $0["stream"] == "tiktok/overview" })
        #expect(
            try seqs(root, ["--service", "spotify", "--service", "distrokid"])
                == expected { ["spotify/audience", "distrokid/bank_details"].contains($0["stream"]?.string) })
        #expect(try seqs(root, ["--service", "spotify", "--dataset", "overview"]) == [])
    }

    @Test func accountsAreThoseOfTheCapturesSpokenOf() throws {
        let root = try Self.lake.get()
        let all = try root.events()
        let mine = Set(all.filter { $0["body"]?["account"]?.string == Made.zonea0 }.compactMap { $0["seq"]?.int })
        let found = try root.events(["--account", Made.zonea0])
        let (places, types) = (Set(found.compactMap { $0["seq"]?.int }), Set(found.compactMap { $0["type"]?.string }))
        #expect(mine.isSubset(of: places))
        #expect(types == ["extraction.captured", "zone.promoted"])
        for event in found where event["type"] == "zone.promoted" {
            let captures = event["body"]?["items"]?.array?.compactMap { $0["capture"]?.int } ?? []
            #expect(!mine.isDisjoint(with: captures))
        }
        // A retraction names a capture only.
        let retracted = try #require(all.first { $0["type"] == "extraction.retracted" })
        #expect(try seqs(root, ["--account", "label"]).contains(try #require(retracted["seq"]?.int)))
    }

    @Test func objectsAreFoundWhereverTheyAreNamed() throws {
        let root = try Self.lake.get()
        let capture = try #require(try root.events(["--type", "extraction.captured"]).first)
        let object = try #require(capture["body"]?["object"]?.string)
        #expect(
            try root.events(["--object", object]).compactMap { $0["type"]?.string }.prefix(2) == ["extraction.captured", "zone.promoted"])
        let definition = try #require(try root.events(["--type", "definition.captured"]).last?["body"]?["object"]?.string)
        #expect(try !seqs(root, ["--object", definition]).isEmpty)
    }

    @Test func severityIsAtLeast() throws {
        let root = try Self.lake.get()
        func types(_ least: String) throws -> Set<String> {
            // What an alert says of figures of March 2025 depends on the day the test runs.
            Set(try root.events(["--severity", least]).compactMap { $0["type"]?.string }.filter { !$0.hasPrefix("kpi.") })
        }
        #expect(try types("high") == [])
        #expect(try types("medium") == ["zone.quarantined", "extraction.failed", "run.completed"])
        #expect(try types("low") == ["zone.quarantined", "extraction.failed", "run.completed", "extraction.retracted"])
        #expect(try seqs(root, ["--severity", "info"]).count == root.events().count)
        #expect(try root.run(["events", "--severity", "bad"]).code == 64)
    }

    @Test func textIsFoundInAnyCase() throws {
        let root = try Self.lake.get()
        #expect(try root.events(["--grep", "wrong FILE"]).compactMap { $0["type"]?.string } == ["extraction.retracted"])
        #expect(try seqs(root, ["--grep", "no such words"]) == [])
        #expect(try root.events(["--grep", "\"account\":\"label\"", "--limit", "1"]).count == 1)
    }

    @Test func sinceAndUntilTakeEventsDaysAndMoments() throws {
        let root = try Self.lake.get()
        let all = try root.events()
        let times = all.compactMap { $0["time"]?.string }
        let middle = times[times.count / 2]
        #expect(try root.events(["--since", middle]) == all.filter { ($0["time"]?.string ?? "") >= middle })
        #expect(try root.events(["--until", middle]) == all.filter { ($0["time"]?.string ?? "") <= middle })
        let (first, last) = (String(times[0].prefix(10)), String(times[times.count - 1].prefix(10)))
        #expect(try root.events(["--since", first, "--until", last]).count == all.count, "a day counts to its end")
        #expect(try root.events(["--until", "2000-01-01"]).isEmpty)
        #expect(try root.events(["--since", "7", "--until", "9"]).compactMap { $0["seq"]?.int } == [7, 8, 9])
        #expect(try root.run(["events", "--since", "9", "--until", "7"]).code == 64)
        #expect(try root.run(["events", "--since", "noon"]).errors.contains("“noon” is neither"))
        let second = "\(middle.prefix(19))Z"
        #expect(try root.events(["--since", second]) == all.filter { ($0["time"]?.string ?? "") >= "\(middle.prefix(19)).000Z" })
    }

    @Test func threeForms() throws {
        let root = try Self.lake.get()
        let raw = try root.ok(["events", "--raw", "--type", "extraction.retracted"])
        #expect(try root.ok(["events", "--json", "--type", "extraction.retracted"]).bytes == raw.bytes)
        let csv = try root.ok(["events", "--csv", "--type", "extraction.retracted"]).lines
        #expect(csv.first == "seq,id,time,type,stream,account,actor,run,severity,body")
        #expect(csv.count == 2 && csv[1].contains(Hash256(hashing: Array(raw.bytes.dropLast())).hex), "\(csv)")
        #expect(csv[1].contains(",label,os:") && csv[1].contains(",low,\"{\"\"capture\"\":"), "\(csv)")
        #expect(csv[1].hasSuffix("\"\"reason\"\":\"\"Fed the Wrong file, sorry\"\"}\""), "\(csv)")
        #expect(try root.ok(["events", "--csv", "--grep", "no such words"]).lines.count == 1, "a heading without rows")
        let table = try root.ok(["events", "--type", "extraction.retracted"]).lines
        #expect(table.count == 3 && table[2].contains("Wrong file"))
        for wrong in [
            ["--csv", "--raw"], ["--json", "--csv"], ["--follow", "--newest"], ["--follow", "--by", "type"], ["--by", "colour"],
        ] {
            #expect(try root.run(["events"] + wrong).code == 64, "\(wrong)")
        }
    }

    @Test(arguments: ["service", "dataset", "account", "type", "severity", "day", "month", "run", "actor", "type,day", "service,dataset"])
    func countsAddUp(by: String) throws {
        let root = try Self.lake.get()
        let total = Int64(try root.events().count)
        let rows = try root.ok(["events", "--by", by, "--json"]).bytes.split(separator: 10).map { try JSON.parse(Array($0)) }
        #expect(rows.compactMap { $0["events"]?.int }.reduce(0, +) == total)
        let lines = try root.ok(["events", "--by", by, "--csv"]).lines
        #expect(lines.first == "\(by),events" && lines.count == rows.count + 1)
        #expect(lines.dropFirst().sorted() == Array(lines.dropFirst()) || by.contains(","), "\(lines)")
        #expect(try root.ok(["events", "--by", by]).lines.count == rows.count + 2)
    }

    @Test func countsAgreeWithWhatIsListed() throws {
        let root = try Self.lake.get()
        let rows = try root.ok(["events", "--by", "type", "--service", "spotify", "--csv"]).lines.dropFirst()
        for row in rows {
            let parts = row.split(separator: ",")
            #expect(try root.events(["--service", "spotify", "--type", String(parts[0])]).count == Int(parts[1]))
        }
        #expect(rows.count >= 2)
        #expect(try root.ok(["events", "--by", "type", "--grep", "no such words"]).text == "no events\n")
    }

    @Test(arguments: [["--json"], ["--csv"], []])
    func followingEndsWhereItIsTold(form: [String]) throws {
        let root = try Root()
        let head = Int64(try root.events().count)
        let arguments = ["events", "--follow", "--limit", "2", "--until", "\(head + 4)", "--root", root.path] + form
        let follower = try Running(Binary.path, arguments)
        try root.feed([Made.first[0]])
        let output = try follower.finish()
        #expect(output.code == 0, "\(output)")
        // Started before or after the file was fed: what came is there once, in order.
        let types = ["zone.promoted", "zone.promoted"]
        if form == ["--json"] {
            let seqs = try output.bytes.split(separator: 10).compactMap { try JSON.parse(Array($0))["seq"]?.int }
            #expect(seqs == Array((head + 5 - Int64(seqs.count))...(head + 4)) && seqs.count >= 2)
        } else {
            for type in types { #expect(output.text.contains(type)) }
        }
    }
}
