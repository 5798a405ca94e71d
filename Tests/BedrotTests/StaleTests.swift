import EventLog
import Testing

/// `project` and `project --status` name each definition that is another one, what became of it, and the event that says so.
@Suite struct StaleTests {
    private static func shipped(_ path: String) throws -> String {
        String(decoding: try AtomicFile.read("\(Binary.checkout)/\(path)"), as: UTF8.self)
    }

    private static func put(_ root: Root, _ path: String, _ text: String) throws {
        try AtomicFile.makeFolders(AtomicFile.parent(of: "\(root.path)/definitions/\(path)"))
        try Tree.write(Array(text.utf8), to: "\(root.path)/definitions/\(path)")
    }

    private static func stale(_ root: Root) throws -> [String] {
        try #require(root.json(["project", "--status"])["stale"]?.array).compactMap(\.string)
    }

    /// The event that took over a definition last.
    private static func event(_ root: Root, _ path: String) throws -> Int64 {
        try #require(root.events(["--type", "definition.captured"]).last { $0["body"]?["path"]?.string == path }?["seq"]?.int)
    }

    @Test func eachChangedFileIsNamedBeforeAndAfterItIsTakenOver() throws {
        let root = try Root(copyOf: SliceTests.lake.get())
        #expect(try Self.stale(root) == [])
        let kpi = "projections/kpis/revenue_net.sql"
        let curated = "projections/curated/dk_bank_details.sql"
        let fact = "projections/warehouse/fact_social_day.sql"
        let contract = "zones/spotify/audience.yml"
        for path in [kpi, curated, fact, contract] {
            let text = try Self.shipped(path)
            try Self.put(root, path, path == contract ? "# Edited.\n" + text : text + "\n")
        }
        try Self.put(root, "projections/kpis/mine.sql", try Self.shipped(kpi).replacing("kpi: revenue_net", with: "kpi: my_revenue"))
        #expect(
            try Self.stale(root) == [
                "curated dk_bank_details: \(curated) changed on disk", "KPI mine: projections/kpis/mine.sql is new on disk",
                "KPI revenue_net: \(kpi) changed on disk", "facts: \(fact) changed on disk: the next run rebuilds",
                "spotify/audience: \(contract) changed on disk: 3 captures are promoted again by the next run",
            ])
        #expect(
            try root.ok(["doctor"], code: 2).errors.contains(
                "look at: stale: KPI revenue_net: \(kpi) changed on disk; run `bedrot project`"))
        // A command that captures definitions and then does not project leaves the events behind.
        try root.ok(["ingest", root.file(Made.spotify(15...20, made: 21)), "--no-project"])
        let now = try Self.stale(root)
        #expect(
            now.contains("KPI my_revenue: projections/kpis/mine.sql is new (event \(try Self.event(root, "projections/kpis/mine.sql")))"),
            "\(now)")
        #expect(now.contains("facts: \(fact) changed (event \(try Self.event(root, fact))): the next run rebuilds"), "\(now)")
        #expect(!now.contains { $0.hasPrefix("spotify/audience") }, "promoted again with the next run, which this was: \(now)")
        let text = try root.ok(["project"]).text
        #expect(
            text.contains("was stale: curated dk_bank_details: \(curated) changed (event \(try Self.event(root, curated)))\n"), "\(text)")
        #expect(try Self.stale(root) == [])
        #expect(try !root.ok(["project"]).text.contains("was stale"))
    }

    @Test func aRemovedFileAndOneProjectAreToldToo() throws {
        let root = try Root(copyOf: SliceTests.lake.get())
        let mine = "projections/kpis/mine.sql"
        let contract = "zones/spotify/audience.yml"
        try Self.put(root, mine, try Self.shipped("projections/kpis/revenue_net.sql").replacing("kpi: revenue_net", with: "kpi: mine"))
        try Self.put(root, contract, "# Edited.\n" + (try Self.shipped(contract)))
        let text = try root.ok(["project"]).text
        #expect(text.contains("was stale: KPI mine: \(mine) is new (event \(try Self.event(root, mine)))\n"), "\(text)")
        #expect(text.contains("was stale: spotify/audience: \(contract) changed (event \(try Self.event(root, contract)))\n"), "\(text)")
        Tree.remove("\(root.path)/definitions/\(mine)")
        #expect(try Self.stale(root) == ["KPI mine: \(mine) was removed on disk"])
        let json = try #require(root.json(["project"])["stale"]?.array?.first)
        #expect(json["change"]?.string == "removed" && json["kind"]?.string == "kpi" && json["rebuilds"]?.bool == false)
        #expect(json["event"]?.int == (try Self.event(root, mine)))
        #expect(try Self.stale(root) == [])
        let digest = try root.digest()
        try root.ok(["rebuild"])
        #expect(try root.digest() == digest)
        #expect(try Self.stale(root) == [])
    }
}
