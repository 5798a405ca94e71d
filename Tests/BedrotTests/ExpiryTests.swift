import EventLog
import Testing

/// Received bytes that are due go when a person says so twice, and every command says afterwards who removed them.
@Suite struct ExpiryTests {
    /// A lake whose events all happened ten years earlier than they did: `init --from` takes any sound chain.
    private static func old() throws -> Root {
        let young = try Root()
        try young.feed(Made.first, Made.account)
        var prev = String(repeating: "0", count: 64)
        var lines: [UInt8] = []
        for line in try young.ok(["events", "--raw"]).bytes.split(separator: 10) {
            var event = try #require(try JSON.parse(Array(line)).object)
            let time = try #require(event["time"]?.string)
            let year = try #require(Int(time.prefix(4)))
            let day = time.dropFirst(4).prefix(6) == "-02-29" ? "-02-28" : time.dropFirst(4).prefix(6)
            event["time"] = .string("\(year - 10)\(day)\(time.dropFirst(10))")
            event["prev"] = .string(prev)
            let bytes = try JSON.object(event).canonical()
            prev = Hash256(hashing: bytes).hex
            lines += bytes + [10]
        }
        let root = try Root(initialised: false)
        try Tree.write(lines, to: "\(root.inbox)/events.ndjson")
        try root.ok(["init", "--from", "\(root.inbox)/events.ndjson"])
        try Tree.copy("\(young.path)/ledger/objects", to: "\(root.path)/ledger/objects")
        try root.ok(["rebuild"])
        return root
    }

    @Test func receivedBytesGoWhenAPersonSaysSoTwice() throws {
        let root = try Self.old()
        let objects = try Tree.listing("\(root.path)/ledger/objects")
        let digest = try root.digest()
        #expect(try root.ok(["archive", "expire", "--dry-run"]).text.contains("nothing is due"), "versions only")
        let dry = try root.ok(["archive", "expire", "--objects", "--dry-run"])
        #expect(dry.text.contains("needs it") && dry.text.contains("dry run") && dry.errors.contains("rebuild, replay"), "\(dry)")
        let once = try root.ok(["archive", "expire", "--objects", "--yes"], code: 1)
        #expect(once.errors.contains("nothing was removed") && once.errors.contains("--yes-the-log-cannot-replay-them"), "\(once)")
        #expect(try Tree.listing("\(root.path)/ledger/objects") == objects)
        #expect(try root.digest() == digest)

        let twice = try root.json(["archive", "expire", "--objects", "--yes", "--yes-the-log-cannot-replay-them"])
        let due = try #require(twice["objects"]?.array)
        let captures = try root.seqs("extraction.captured")
        #expect(twice["removed"] == true && due.count == captures.count, "\(twice)")
        let event = try #require(try root.seqs("zone.expired").first)
        let verified = try root.ok(["verify"])
        #expect(verified.text.contains("by event \(event)") && verified.text.contains("the log is sound"), "\(verified)")
        let stopped = try root.ok(["rebuild"], code: 1)
        #expect(stopped.errors.contains("zone.expired") && stopped.errors.contains("bedrot ingest FILE"), "\(stopped)")
        #expect(try root.ok(["verify", "--shadow"], code: 1).errors.contains("zone.expired"))
        let capture = try #require(captures.first)
        #expect(try root.ok(["lineage", "\(capture):2"]).text.contains("removed on purpose by event"))
        #expect(try root.ok(["kpi", "list"]).code == 0)
        // Feeding the same files again mends all of it.
        try root.feed(Made.first, Made.account)
        try root.ok(["rebuild"])
        try root.ok(["verify", "--shadow"])
    }
}
