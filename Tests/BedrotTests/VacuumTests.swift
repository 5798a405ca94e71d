import EventLog
import Projection
import Testing

/// The bounded vacuum at the end of `project`, killed half-way and afterwards.
@Suite struct VacuumTests {
    /// A lake whose live warehouse is mostly free pages.
    private static let lake = Result { () -> Root in
        let root = try Root(copyOf: SliceTests.lake.get())
        let ballast = """
            import sqlite3,sys
            c=sqlite3.connect(sys.argv[1])
            c.execute('CREATE TABLE ballast (bytes BLOB)')
            c.executemany('INSERT INTO ballast VALUES (zeroblob(?))', [(1000000,)]*30)
            c.commit()
            c.execute('DROP TABLE ballast')
            c.commit()
            """
        let output = try Binary.other("python3", ["-c", ballast, "\(root.path)/warehouse/bedrot_analytics.db"])
        #expect(output.code == 0, "\(output)")
        return root
    }

    private static func free(_ root: Root) throws -> Int64 { try #require(root.json(["doctor"])["warehouse"]?["free_pages"]?.int) }

    @Test(arguments: [("vacuum.half", false), ("vacuum.committed", true)])
    func aKillLosesNothing(point: String, isDone: Bool) throws {
        let root = try Root(copyOf: Self.lake.get())
        let digest = try root.digest()
        let loose = try Self.free(root)
        #expect(loose > 6000)
        let killed = try root.run(["project"], environment: ["BEDROT_FAILPOINT": point])
        #expect(killed.signal == 9, "\(killed)")
        #expect(try root.digest() == digest)
        #expect(try (Self.free(root) < loose) == isDone)
        try root.ok(["verify", "--shadow"])
        try root.ok(["project"])
        #expect(try Self.free(root) < 1000)
        #expect(try root.digest() == digest)
        #expect(try #require(Files.size("\(root.path)/warehouse/bedrot_analytics.db")) < 12_000_000)
    }

    @Test func aRebuildLeavesACompactFile() throws {
        let root = try Root(copyOf: Self.lake.get())
        let digest = try root.digest()
        try root.ok(["rebuild"])
        #expect(try Self.free(root) < 10)
        #expect(try root.digest() == digest)
    }
}
