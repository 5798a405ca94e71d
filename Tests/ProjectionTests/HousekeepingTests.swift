import EventLog
import GRDB
import LedgerTesting
import Testing

@testable import Projection

/// A warehouse file gives back what it no longer needs, a bounded part a run, and nothing changes but its size.
@Suite struct HousekeepingTests {
    private static func pages(_ lab: Lab) throws -> Warehouse.Pages { try #require(try Warehouse.livePages(lab.layout)) }

    /// Lines that are all different, of a file that ought not to have been fed.
    private static func lines(_ count: Int) -> String {
        "k,p,v,note\n"
            + (0..<count).map { "name \($0 % 50),2025-03-0\(1 + $0 % 9),\($0),note \($0 % 7)" }.joined(
                separator: "\n")
    }

    /// Fills pages of the live file and frees them again.
    private static func loosen(_ lab: Lab, megabytes: Int) throws {
        let queue = try Warehouse.openForProjecting(
            lab.layout.generation(try #require(try Warehouse.liveGeneration(lab.layout))), fresh: false)
        defer { try? queue.close() }
        try queue.write { database in
            try database.execute(sql: "CREATE TABLE ballast (bytes BLOB)")
            for _ in 0..<megabytes { try database.execute(sql: "INSERT INTO ballast VALUES (zeroblob(1048576))") }
            try database.execute(sql: "DROP TABLE ballast")
        }
    }

    @Test("a big retraction frees pages, the projections after it shrink the file, and the digests stay those of a rebuild")
    func retraction() throws {
        // Closed versions stay; what goes is their part of the indexes, so the fact gets those of a large one.
        var definitions = Lab.definitions
        let path = "projections/warehouse/ap.sql"
        let indexes = "indexes: [[artist, day, v, note], [day, note, v, artist], [note, v, artist, day], [v, day, note]]\ntotals:"
        definitions[path] = try #require(definitions[path]).replacing("totals:", with: indexes)
        let lab = try Lab(definitions: definitions)
        try lab.ingest(.up, observed: 1, "k,p,v\nA,2025-03-01,5\n")
        let capture = try lab.ingest(.ap, observed: 1, Self.lines(6000))
        lab.completeRun()
        try lab.append()
        _ = try lab.projector().project()
        let full = try Self.pages(lab)
        lab.add("test/ap", .retracted, ["capture": .int(capture), "reason": "by mistake"])
        try lab.append()
        _ = try lab.projector().project()
        let after = try Self.pages(lab)
        #expect(after.count < full.count && after.free * 5 <= after.count, "\(full) → \(after)")
        let digest = try lab.projector().digest()
        #expect(difference(digest, try lab.projector().replay(into: lab.shadow("replay"))).isEmpty)
        _ = try lab.projector().rebuild()
        #expect(difference(digest, try lab.projector().digest()).isEmpty)
        let rebuilt = try Self.pages(lab)
        #expect(rebuilt.free <= 2, "\(rebuilt)")
    }

    @Test("one run gives back so many pages at most, the next ones the rest, down to a fifth of the file")
    func bounded() throws {
        let lab = try Lab()
        try lab.append()
        _ = try lab.projector().project()
        let small = try Self.pages(lab)
        let digest = try lab.projector().digest()
        try Self.loosen(lab, megabytes: 100)
        let loose = try Self.pages(lab)
        #expect(loose.free > 25_000)
        _ = try lab.projector().project()
        let once = try Self.pages(lab)
        #expect(abs(loose.free - once.free - Warehouse.vacuumLimit) < 8, "\(loose) → \(once)")
        for _ in 0..<2 { _ = try lab.projector().project() }
        let done = try Self.pages(lab)
        #expect(done.count < small.count * 6 / 5 && done.free * 5 <= done.count, "\(small), \(done)")
        let path = lab.layout.generation(try #require(try Warehouse.liveGeneration(lab.layout)))
        #expect(Files.size(path) == done.size * done.count, "the file itself is smaller")
        #expect(difference(digest, try lab.projector().digest()).isEmpty)
    }

    @Test("a reader of an older state keeps it, and the vacuum does not wait for it")
    func reader() throws {
        let lab = try Lab()
        try lab.ingest(.up, observed: 1, "k,p,v\nA,2025-03-01,5\n")
        try lab.append()
        _ = try lab.projector().project()
        try Self.loosen(lab, megabytes: 5)
        let loose = try Self.pages(lab)
        let reader = try Warehouse.Reader(lab.layout)
        try reader.queue.read { database in
            #expect(try Int.fetchOne(database, sql: "SELECT COUNT(*) FROM up") == 1)
            _ = try lab.projector().project()
            #expect(try Warehouse.Pages(database) == loose)
            #expect(try Int.fetchOne(database, sql: "SELECT SUM(v) FROM up") == 5)
        }
        #expect(try Self.pages(lab).free < loose.free)
    }

    @Test("a file of an older program, without a map of its pages, is left as it is until it is built anew")
    func older() throws {
        let lab = try Lab()
        try lab.append()
        _ = try lab.projector().project()
        let path = lab.layout.generation(try #require(try Warehouse.liveGeneration(lab.layout)))
        let queue = try Warehouse.openForProjecting(path, fresh: false)
        try queue.writeWithoutTransaction {
            try $0.execute(sql: "PRAGMA journal_mode = DELETE; PRAGMA auto_vacuum = NONE; VACUUM; PRAGMA journal_mode = WAL")
        }
        try queue.close()
        try Self.loosen(lab, megabytes: 5)
        let loose = try Self.pages(lab)
        _ = try lab.projector().project()
        #expect(try Self.pages(lab).free > loose.free - 8)
        _ = try lab.projector().rebuild()
        #expect(try Self.pages(lab).free <= 2)
    }

    @Test(
        "how many pages are given back", arguments: [(100, 20, 0), (100, 21, 18), (1000, 500, 475), (100_000, 90_000, 16_384), (0, 0, 0)])
    func spare(count: Int64, free: Int64, expected: Int64) {
        #expect(Warehouse.Pages(size: 4096, count: count, free: free).spare == expected)
    }
}
