import EventLog
import Testing

/// Positions of the log with names, and every `--known-at`, as a person types them.
@Suite struct TagTests {
    @Test func aCloseIsNamedAndAskedForLater() throws {
        let root = try Root()
        #expect(try root.ok(["tag"]).text.contains("bedrot tag NAME"))
        try root.feed(Made.first, Made.account)
        let tag = try root.json(["tag", "2025-03-close", "--note", "first look"])
        let seq = try #require(tag["seq"]?.int)
        try root.feed(Made.second, Made.account)

        func streams(_ known: [String]) throws -> [Int64?] {
            try #require(root.json(["kpi", "show", "streams_native_7d", "--day", "2025-03-09"] + known)["values"]?.array).map {
                $0["num"]?.int
            }
        }
        let then = try streams(["--known-at", "2025-03-close"])
        #expect(then == [100 * (3...9).reduce(0, +)])
        #expect(try streams(["--known-at", "\(seq)"]) == then)
        #expect(try streams([]) != then)
        #expect(try streams(["--known-at", try #require(tag["time"]?.string)]) == then)
        let explained = try root.ok(["kpi", "explain", "streams_native_7d", "--known-at", "2025-03-close"]).text
        let now = try root.ok(["kpi", "explain", "streams_native_7d"]).text
        #expect(explained != now && now.contains("9100"))
        let rows = { (known: [String]) in try root.json(["lineage", "kpi:streams_native_7d"] + known)["rows"]?.int }
        #expect(try rows(["--known-at", "2025-03-close"]) == 7)

        let listed = try root.ok(["tag"]).text
        for part in ["2025-03-close", "\(seq)", "first look"] { #expect(listed.contains(part)) }
        #expect(try root.json(["tag"]).array == [tag])
        #expect(try root.ok(["tag", "2025-03-close"], code: 1).errors.contains("--force"))
        #expect(try root.ok(["tag", "2025-03-close", "--at", "\(seq)"]).text.contains("names event \(seq)"))
        try root.ok(["tag", "2025-03-close", "--force"])
        #expect(try root.ok(["tag"]).text.contains("1 time"))
        #expect(try root.ok(["tag", "--delete", "2025-03-close"]).text.contains("is gone"))
        #expect(try root.events(["--type", "tag.*"]).map { $0["type"]?.string } == ["tag.set", "tag.set", "tag.removed"])
        #expect(try root.ok(["events", "--type", "tag.*"]).text.contains("name 2025-03-close, at \(seq), note first look"))
        try root.ok(["verify", "--shadow"])
    }

    @Test func spansOfTheLogTakeATag() throws {
        let root = try Root()
        try root.feed(Made.first, Made.account)
        let seq = try #require(try root.json(["tag", "2025-03-close"])["seq"]?.int)
        let close = try root.ok(["kpi", "show", "streams_native_7d", "--day", "2025-03-09", "--csv"]).text
        try root.feed(Made.second, Made.account)
        func seqs(_ arguments: [String]) throws -> [Int64] { try root.events(arguments).compactMap { $0["seq"]?.int } }
        #expect(try seqs(["--until", "2025-03-close"]) == Array(1...seq))
        #expect(try seqs(["--since", "2025-03-close"]).first == seq)
        #expect(try seqs(["--since", "2025-03-close", "--until", "2025-03-close"]) == [seq])
        #expect(try root.ok(["events", "--until", "2025-04-close"], code: 1).errors.contains("tags: 2025-03-close"))

        func restated(_ arguments: [String]) throws -> [Int64] {
            try #require(root.json(["restatements", "--limit", "1000"] + arguments).array).compactMap { $0["event"]?.int }
        }
        let all = try restated([])
        let event = try #require(all.first)
        #expect(!all.isEmpty && all.allSatisfy { $0 > seq }, "the second export changed days of the first")
        #expect(try restated(["--since", "2025-03-close"]) == all)
        #expect(try restated(["--until", "2025-03-close"]) == [])
        #expect(try restated(["--since", "\(event)"]) == [] && restated(["--until", "\(event)"]) == all)
        let day = String(try #require(try root.events(["--since", "\(event)"]).first?["time"]?.string).prefix(10))
        #expect(try restated(["--since", day]) == all && restated(["--until", day]) == all, "a day counts from its beginning to its end")
        #expect(try restated(["--since", "2001-01-01"]) == all && restated(["--since", "2001-01-01T00:00:00Z"]) == all)
        #expect(try root.ok(["restatements", "--since", "noon"], code: 1).errors.contains("nor a tag"))

        try root.ok(["rebuild", "--until", "2025-03-close"])
        #expect(try root.ok(["kpi", "show", "streams_native_7d", "--day", "2025-03-09", "--csv"]).text == close)
        try root.ok(["replay", "--until", "2025-03-close"])
        #expect(try root.ok(["rebuild", "--until", "noon"], code: 1).errors.contains("nor a tag"))
    }

    @Test(arguments: [
        (["tag", "2025"], 1, "would read as an event"), (["tag", "2025-08"], 1, "would read as a time"),
        (["tag", "August"], 1, "a to z"), (["tag", "--delete", "nope"], 1, "there is no tag “nope”"),
        (["tag", "--force"], 64, "say which tag"), (["tag", "x", "--delete", "--note", "y"], 64, "nothing else"),
        (["tag", "x", "--at", "yesterday"], 1, "neither an event, nor a time, nor a tag"),
        (["kpi", "show", "streams_native_7d", "--known-at", "2001-01-01"], 1, "the log begins at"),
        (["kpi", "explain", "streams_native_7d", "--known-at", "2025-08-31T18:00:00"], 1, "add Z for UTC"),
    ])
    func mistakesAreExplained(_ arguments: [String], _ code: Int32, _ says: String) throws {
        let root = try SliceTests.lake.get()
        let head = try root.events().count
        let output = try root.ok(arguments, code: code)
        #expect(output.errors.contains(says), "\(output)")
        #expect(try root.events().count == head)
    }
}
