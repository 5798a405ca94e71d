import EventLog
import Testing

/// `verify --shadow` on live states that somebody damaged: it names the table, the row, the values, and the event since which they part.
@Suite struct ShadowTests {
    /// What is done to the live warehouse, and what must be named.
    struct Damage: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let sql: String
        let table: String
        let kind: String
        /// Words of the key and the cells.
        let says: [String]
        /// A query for the event, asked before the damage.
        let event: String
        var type = "zone.promoted"
    }

    private static let march12 = "(SELECT day_no FROM dim_date WHERE date = '2025-03-12')"

    static let damages = [
        Damage(
            testDescription: "a changed measure",
            sql: "UPDATE fact_audience_day_v SET streams_native = 7 WHERE to_seq IS NULL AND day_no = \(march12)",
            table: "fact_audience_day", kind: "changed",
            says: ["day_no = 2025-03-12", "account = \(Made.zonea0)", "streams_native is 7, a replay gives 1200"],
            event: "SELECT MIN(from_seq) FROM fact_audience_day_v WHERE to_seq IS NULL AND day_no = \(march12)"),
        Damage(
            testDescription: "a missing row", sql: "DELETE FROM fact_social_day_v WHERE day_no = \(march12)", table: "fact_social_day",
            kind: "missing", says: ["day_no = 2025-03-12", "the live table lacks it", "video_views 600"],
            event: "SELECT MIN(from_seq) FROM fact_social_day_v WHERE day_no = \(march12)"),
        Damage(
            testDescription: "a closed version that closes at another event",
            sql: "UPDATE rate_v SET to_seq = to_seq + 1 WHERE to_seq IS NOT NULL", table: "rate", kind: "changed",
            says: ["currency = EUR", "to_seq is"], event: "SELECT to_seq FROM rate_v WHERE to_seq IS NOT NULL", type: "reference.changed"),
        Damage(
            testDescription: "a wrong member",
            sql: """
                UPDATE member_v SET member = 'artist:wrong'
                WHERE source_id = (SELECT id FROM source_value WHERE kind = 'artist' AND value = '\(Made.pig1987)')
                """, table: "member", kind: "changed",
            says: ["value = \(Made.pig1987)", "member is artist:wrong, a replay gives artist:"],
            event: """
                SELECT MIN(f.from_seq) FROM fact_audience_day_v f JOIN source_value s ON s.id = f.artist WHERE s.value = '\(Made.pig1987)'
                """),
        Damage(
            testDescription: "a changed KPI value",
            sql: "UPDATE kpi_value SET num = 1 WHERE kpi = 'streams_native_7d' AND seq = (SELECT MAX(seq) FROM kpi_value)",
            table: "kpi_value", kind: "changed", says: ["kpi = streams_native_7d", "num is 1, a replay gives"],
            event: "SELECT MAX(seq) FROM kpi_value", type: "run.completed"),
        Damage(
            testDescription: "a row that no event made",
            sql: "INSERT INTO source_value VALUES (999999, 'artist', 'x', 'Nobody', 'nobody')",
            table: "source_value", kind: "extra", says: ["value = Nobody", "only the live table has it"], event: "", type: ""),
    ]

    private static let lake = Result { () -> Root in
        let root = try Root(copyOf: SliceTests.lake.get())
        for rate in ["1.08", "1.09"] { try root.ok(["reference", "rate", "EUR", "2025-03-01", rate]) }
        return root
    }

    private static func damage(_ root: Root, _ sql: String) throws {
        let change = "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); assert c.execute(sys.argv[2]).rowcount > 0; c.commit()"
        let output = try Binary.other("python3", ["-c", change, "\(root.path)/warehouse/bedrot_analytics.db", sql])
        #expect(output.code == 0, "\(output)")
    }

    @Test(arguments: damages)
    func damageIsNamed(damage: Damage) throws {
        let root = try Root(copyOf: Self.lake.get())
        try root.ok(["verify", "--shadow"])
        let event = damage.event.isEmpty ? nil : try root.number(damage.event)
        try Self.damage(root, damage.sql)
        let json = try root.json(["verify", "--shadow"], code: 1)
        let shadow = try #require(json["shadow"])
        #expect(json["findings"]?.array?.isEmpty == true && shadow["equal"]?.bool == false && shadow["remedy"]?.string == "bedrot rebuild")
        let table = try #require(shadow["tables"]?.array?.first { $0["table"]?.string == damage.table }, "\(shadow)")
        #expect(table["kind"]?.string == damage.kind)
        #expect(shadow["first_event"]?["seq"]?.int == event, "\(shadow)")
        #expect((shadow["first_event"]?["type"]?.string ?? "") == damage.type)
        let text = try root.ok(["verify", "--shadow"], code: 1)
        let line = try #require(text.errors.split(separator: "\n").first { $0.hasPrefix("differs: \(damage.table): ") }, "\(text)")
        for part in damage.says { #expect(line.contains(part), "\(part)\n\(text)") }
        #expect(text.errors.contains("make the live state anew: bedrot rebuild"))
        #expect(text.errors.contains(event.map { "they part at event \($0), \(damage.type)" } ?? "no event makes these rows"), "\(text)")
        try root.ok(["rebuild"])
        #expect(try root.json(["verify", "--shadow"])["shadow"]?["equal"]?.bool == true)
    }

    @Test func aFileChangedByHandIsNamedWithItsLine() throws {
        let root = try Root(copyOf: SliceTests.lake.get())
        let path = "4_curated/spotify_audience_curated.csv"
        let text = String(decoding: try AtomicFile.read("\(root.path)/\(path)"), as: UTF8.self)
        try Tree.write(Array(text.replacing(",1200,", with: ",1201,").utf8), to: "\(root.path)/\(path)")
        Tree.remove("\(root.path)/4_curated/dk_bank_details.csv")
        let output = try root.ok(["verify", "--shadow"], code: 1)
        #expect(output.errors.contains("differs: \(path):21: “2025-03-12,720,1201,"), "\(output)")
        #expect(output.errors.contains("a replay writes “2025-03-12,720,1200,"))
        #expect(output.errors.contains("differs: 4_curated/dk_bank_details.csv is missing"))
        #expect(output.errors.contains("all tables agree: the files were changed after they were written"))
        try root.ok(["rebuild"])
        try root.ok(["verify", "--shadow"])
    }

    @Test func aWarehouseThatCannotBeReadIsMadeAnew() throws {
        let root = try Root(copyOf: SliceTests.lake.get())
        let change = "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); c.execute('DROP TABLE kpi_value'); c.commit()"
        #expect(try Binary.other("python3", ["-c", change, "\(root.path)/warehouse/bedrot_analytics.db"]).code == 0)
        let output = try root.ok(["verify", "--shadow"], code: 1)
        #expect(output.errors.contains("no such table: kpi_value") && output.errors.contains("make it anew: bedrot rebuild"), "\(output)")
        try root.ok(["rebuild"])
        try root.ok(["verify", "--shadow"])
    }

    @Test func nothingIsReplayedOverADamagedLog() throws {
        let root = try Root(copyOf: SliceTests.lake.get())
        let object = try #require(root.events(["--type", "extraction.captured"]).first?["body"]?["object"]?.string)
        Tree.remove("\(root.path)/ledger/objects/sha256/\(object.prefix(2))/\(object.dropFirst(2).prefix(2))/\(object)")
        let json = try root.json(["verify", "--shadow"], code: 1)
        #expect(json["findings"]?.array?.isEmpty == false && json["shadow"] == nil, "\(json)")
    }
}
