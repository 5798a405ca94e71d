import EventLog
import GRDB
import Glibc
import LedgerTesting
import Testing

@testable import Projection

private let first = "k,p,v\nA,2025-02-01,1\nB,2025-02-02,2\n"
private let second = "k,p,v\nA,2025-02-01,3\nB,2025-02-02,2\nC,2025-02-02,x\n"

/// A lab with two captures of each dataset, a run and a projection.
private func projectedLab() throws -> Lab {
    let lab = try Lab()
    for dataset in Lab.Dataset.allCases {
        try lab.ingest(dataset, observed: 1, first)
        try lab.ingest(dataset, observed: 2, second)
    }
    lab.completeRun()
    try lab.append()
    _ = try lab.projector().project()
    return lab
}

@Suite struct ProjectorTests {
    @Test("projecting again changes no byte and no digest")
    func again() throws {
        let lab = try projectedLab()
        let before = try (lab.projector().digest(), zoneFiles(lab.layout))
        let outcome = try lab.projector().project()
        #expect(outcome.curated.isEmpty && outcome.snapshots.isEmpty)
        #expect(try lab.projector().digest() == before.0)
        #expect(try zoneFiles(lab.layout) == before.1)
        #expect(before.0.files["4_curated/rp/2025-02-01.csv"] != nil)
    }

    @Test("a duplicate and a run without news change the ops digest only")
    func duplicate() throws {
        let lab = try projectedLab()
        let before = try lab.projector().digest()
        lab.add("test/up", .duplicate, ["capture": .int(lab.opened + 1)])
        lab.completeRun()
        try lab.append()
        _ = try lab.projector().project()
        let after = try lab.projector().digest()
        #expect(after.all == before.all && after.tables == before.tables && after.files == before.files)
        #expect(after.ops != before.ops && after.seq == before.seq + 3)
    }

    @Test("the quarantine of what was never promoted is no news")
    func quarantine() throws {
        let lab = try projectedLab()
        let seq = try lab.capture(.up, account: "first", observed: 5, "nonsense")
        lab.add("test/up", .quarantined, ["capture": .int(seq), "reason": "no heading"])
        lab.completeRun()
        try lab.append()
        let outcome = try lab.projector().project()
        #expect(outcome.snapshots.isEmpty)
    }

    @Test(
        "files that are gone come back as they were",
        arguments: [
            "2_raw/test/up/first", "3_staging/test/rp/first", "4_curated/up.csv", "4_curated/rp/2025-02-02.csv", "4_curated/_manifest.json",
            "2_raw", "4_curated",
        ])
    func reconcile(path: String) throws {
        let lab = try projectedLab()
        let files = try zoneFiles(lab.layout)
        let full = lab.layout.path(path)
        if Files.isFolder(full) { try Files.removeTree(full) } else { try Files.remove(full) }
        #expect(try zoneFiles(lab.layout) != files)
        _ = try lab.projector().project()
        #expect(try zoneFiles(lab.layout) == files)
    }

    @Test("pending files of an interrupted run are settled")
    func pending() throws {
        let lab = try projectedLab()
        let files = try zoneFiles(lab.layout)
        let number = try #require(try Warehouse.liveGeneration(lab.layout))
        let queue = try Warehouse.openForProjecting(lab.layout.generation(number), fresh: false)
        try queue.write {
            try $0.execute(sql: "INSERT INTO pending_file VALUES ('4_curated/up.csv'), ('3_staging/test/up/first/gone.csv')")
        }
        try queue.close()
        try AtomicFile.write(Array("half\n".utf8), to: lab.layout.path("4_curated/up.csv"))
        try AtomicFile.write(Array("old\n".utf8), to: lab.layout.path("3_staging/test/up/first/gone.csv"))
        try AtomicFile.write(Array("half\n".utf8), to: lab.layout.path("4_curated/.next-up.csv"))
        _ = try lab.projector().project()
        #expect(try zoneFiles(lab.layout) == files)
        let reader = try Warehouse.Reader(lab.layout)
        #expect(try reader.queue.read { try Int.fetchOne($0, sql: "SELECT COUNT(*) FROM pending_file") } == 0)
    }

    @Test("a replaced curated file is in the archive, and a person's own file stays through a rebuild")
    func archive() throws {
        let lab = try projectedLab()
        let old = try Files.read(lab.layout.path("4_curated/up.csv"))
        let mine = lab.layout.path("4_curated/my own.csv")
        try AtomicFile.write(Array("mine\n".utf8), to: mine)
        try lab.ingest(.up, observed: 3, "k,p,v\nA,2025-02-01,9\n")
        try lab.append()
        let outcome = try lab.projector().project()
        let replaced = try #require(outcome.curated.first { $0.table == "up_table" }?.before)
        #expect(replaced.digest == Hash256(hashing: old))
        #expect(Files.exists(lab.layout.path(replaced.archive)))
        _ = try lab.projector().rebuild()
        #expect(Files.exists(mine))
    }

    @Test(
        "a partition whose last row is withdrawn loses its file, also when every member changed in the same pass", arguments: [false, true])
    func partitionGone(withAlias: Bool) throws {
        let lab = try Lab()
        let capture = try lab.ingest(.rp, observed: 1, "k,p,v\nA,2025-02-05,1\n")
        try lab.append()
        _ = try lab.projector().project()
        let path = lab.layout.path("4_curated/rp/2025-02-05.csv")
        #expect(Files.exists(path))
        lab.add("test/rp", .retracted, ["capture": .int(capture), "reason": "wrong file"])
        if withAlias {
            lab.add("reference/artist", .referenceChanged, ["kind": "artist", "service": "*", "value": "A", "member": "artist:z"])
        }
        try lab.append()
        _ = try lab.projector().project()
        #expect(!Files.exists(path))
        let digest = try lab.projector().digest()
        #expect(difference(digest, try lab.projector().replay(into: lab.shadow("replay"))).isEmpty)
    }

    @Test("zone files that two captures share stay until neither needs them")
    func sharedFiles() throws {
        let lab = try Lab()
        var captures: [Int64] = []
        for account in Lab.accounts {
            let capture = try lab.capture(.up, account: account, observed: 1, first)
            var items = try lab.stage([capture], of: .up)
            items[0].rawPath = "2_raw/test/up/same.csv"
            items[0].path = "3_staging/test/up/same.csv"
            try lab.promote(items, of: .up)
            captures.append(capture)
        }
        try lab.append()
        for (number, capture) in captures.enumerated() {
            _ = try lab.projector().project()
            for path in ["2_raw/test/up/same.csv", "3_staging/test/up/same.csv"] { #expect(Files.exists(lab.layout.path(path))) }
            lab.add("test/up", .quarantined, ["capture": .int(capture), "reason": .string("number \(number)")])
            try lab.append()
        }
        _ = try lab.projector().project()
        #expect(try zoneFiles(lab.layout).keys.filter { $0.hasSuffix("same.csv") }.isEmpty)
        #expect(difference(try lab.projector().digest(), try lab.projector().replay(into: lab.shadow("replay"))).isEmpty)
    }

    @Test("a root can be rebuilt as it was, and goes on from there")
    func past() throws {
        let lab = try projectedLab()
        let then = try (lab.projector().digest(), zoneFiles(lab.layout))
        try lab.ingest(.rp, observed: 4, "k,p,v\nA,2025-02-02,8\nB,2025-02-09,8\n")
        lab.completeRun()
        try lab.append()
        _ = try lab.projector().project()
        let now = try (lab.projector().digest(), zoneFiles(lab.layout))
        _ = try lab.projector().rebuild(until: then.0.seq)
        #expect(difference(try lab.projector().digest(), then.0).isEmpty)
        #expect(try zoneFiles(lab.layout).filter { !$0.key.hasPrefix("2_raw") } == then.1.filter { !$0.key.hasPrefix("2_raw") })
        _ = try lab.projector().project()
        #expect(difference(try lab.projector().digest(), now.0).isEmpty)
        #expect(try zoneFiles(lab.layout) == now.1)
    }

    @Test("readers keep their generation; a free one goes with the next projection")
    func generations() throws {
        let lab = try projectedLab()
        let old = try #require(try Warehouse.liveGeneration(lab.layout))
        var reader: Warehouse.Reader? = try Warehouse.Reader(lab.layout)
        _ = try lab.projector().rebuild()
        let new = try #require(try Warehouse.liveGeneration(lab.layout))
        #expect(new > old)
        #expect(Files.exists(lab.layout.generation(old)))
        #expect(try reader?.queue.read { try Int.fetchOne($0, sql: "SELECT COUNT(*) FROM up") } == 2)
        reader = nil
        _ = try lab.projector().project()
        #expect(!Files.exists(lab.layout.generation(old)))
        #expect(Files.exists(lab.layout.generation(new)))
    }

    @Test("only one projector works on a root; a lock that is held is not waited for when asked so")
    func locks() throws {
        let lab = try Lab()
        let path = lab.layout.path("warehouse/projector.lock")
        let held = try #require(try FileLock(path))
        for _ in 0..<3 { #expect(try FileLock(path, wait: false) == nil) }
        withExtendedLifetime(held) {}
    }

    @Test("changed KPI or curated SQL makes just that stale; changed facts build anew")
    func staleness() throws {
        let lab = try projectedLab()
        let generation = try Warehouse.liveGeneration(lab.layout)
        let kpi = try #require(Lab.definitions["projections/kpis/ap_today.sql"])
        try lab.define("projections/kpis/ap_today.sql", kpi.replacing(":seq AS den", with: "7 AS den"))
        try lab.append()
        #expect(try lab.projector().status().stale.count == 1)
        _ = try lab.projector().project()
        #expect(try Warehouse.liveGeneration(lab.layout) == generation)
        let reader = try Warehouse.Reader(lab.layout)
        #expect(try reader.queue.read { try Int.fetchAll($0, sql: "SELECT den FROM kpi_value WHERE kpi = 'ap_today'") } == [7])
        let stepped = try lab.projector().digest()
        #expect(difference(stepped, try lab.projector().replay(into: lab.shadow("replay"))).isEmpty)

        let fact = try #require(Lab.definitions["projections/warehouse/up.sql"])
        try lab.define("projections/warehouse/up.sql", fact.replacing("title: One", with: "title: Just one"))
        try lab.append()
        _ = try lab.projector().project()
        #expect(try Warehouse.liveGeneration(lab.layout) != generation)
        #expect(try lab.projector().status().stale.isEmpty)
    }

    @Test("a curated table that is no longer defined loses its files")
    func curatedRemoved() throws {
        let lab = try projectedLab()
        lab.add("definition/projections/curated/rp.sql", .definitionCaptured, ["path": "projections/curated/rp.sql", "removed": true])
        try lab.append()
        _ = try lab.projector().project()
        #expect(Files.walk(lab.layout.path("4_curated/rp")).isEmpty)
        #expect(difference(try lab.projector().digest(), try lab.projector().replay(into: lab.shadow("replay"))).isEmpty)
    }

    @Test("an unknown type is counted, an unknown version stops, nothing is half applied")
    func unknown() throws {
        let lab = try projectedLab()
        let before = try lab.projector().digest()
        lab.add("run", type: "future.thing", [:])
        try lab.append()
        #expect(try lab.projector().project().skipped == ["future.thing": 1])
        try lab.log.write { transaction in
            let time = Timestamp(milliseconds: Lab.start.milliseconds + Int64(lab.drafts.count) * 3_600_000)
            let capture = lab.opened + 1
            try transaction.append(
                EventDraft(
                    stream: "test/up", type: "extraction.retracted", version: 2, actor: "os:1000", time: time,
                    body: ["capture": .int(capture)]))
        }
        let error = #expect(throws: SQLiteFailure.self) { _ = try lab.projector().project() }
        #expect(error?.description.contains("version 2") == true)
        #expect(try lab.projector().digest().tables == before.tables)
    }

    @Test("a warehouse of another log is refused")
    func foreign() throws {
        let lab = try projectedLab()
        let number = try #require(try Warehouse.liveGeneration(lab.layout))
        let queue = try Warehouse.openForProjecting(lab.layout.generation(number), fresh: false)
        try queue.write { try $0.execute(sql: "UPDATE checkpoint SET event = ?", arguments: [Hash256(hashing: [1]).hex]) }
        try queue.close()
        let error = #expect(throws: SQLiteFailure.self) { _ = try lab.projector().project() }
        #expect(error?.description.contains("bedrot rebuild") == true)
        _ = try lab.projector().rebuild()
        #expect(try lab.projector().project().curated.isEmpty)
    }

    @Test("an object that changed is found by its digest")
    func changedObject() throws {
        let lab = try Lab()
        let capture = try lab.capture(.up, account: "first", observed: 1, first)
        try lab.promote(try lab.stage([capture], of: .up), of: .up)
        try lab.append()
        let path = lab.objects.path(of: Hash256(hashing: Array(first.utf8)))
        try Files.remove(path)
        try AtomicFile.write(Array(first.replacing(",1", with: ",8").utf8), to: path)
        #expect(throws: SQLiteFailure.self) { _ = try lab.projector().project() }
    }

    @Test("a preview reports and leaves nothing behind")
    func preview() throws {
        let lab = try projectedLab()
        let before = try (lab.projector().digest(), zoneFiles(lab.layout))
        let event = try lab.log.read { try $0.event(lab.opened + 1) }
        #expect(event?.type == EventType.captured.rawValue)
        try lab.projector().preview([]) { _, outcome in #expect(outcome.changes.isEmpty) }
        #expect(try lab.projector().digest() == before.0)
        #expect(try zoneFiles(lab.layout) == before.1)
        #expect(Files.list(lab.layout.warehouse).allSatisfy { !$0.hasPrefix(".preview") })
    }
}

/// TZ and LANG belong to the process, so these run one after the other.
@Suite(.serialized) struct SurroundingsTests {
    @Test("neither time zone nor language changes a byte", arguments: [("Pacific/Kiritimati", "tr_TR.UTF-8"), ("America/St_Johns", "C")])
    func surroundings(zone: String, language: String) throws {
        let lab = try projectedLab()
        let expected = try lab.projector().digest()
        let saved = ["TZ", "LANG", "LC_ALL"].map { (name: String) -> (String, String?) in (name, getenv(name).map { String(cString: $0) }) }
        defer {
            for (name, value) in saved { if let value { setenv(name, value, 1) } else { unsetenv(name) } }
            tzset()
        }
        setenv("TZ", zone, 1)
        setenv("LANG", language, 1)
        setenv("LC_ALL", language, 1)
        tzset()
        #expect(difference(expected, try lab.projector().replay(into: lab.shadow("replay"))).isEmpty)
    }
}
