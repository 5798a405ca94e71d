import EventLog
import GRDB
import Glibc
import LedgerTesting
import Testing

@testable import Projection

/// The projector against the brute-force fold, and against itself in other steps, batches and orders.
///
/// `BEDROT_HISTORIES` sets the number of histories; `BEDROT_SEED` where their seeds begin.
@Suite struct HistoryTests {
    private static let groups = 20

    private static func environment(_ name: String, _ fallback: Int) -> Int {
        getenv(name).flatMap { Int(String(cString: $0)) } ?? fallback
    }

    @Test("random histories", arguments: 0..<groups)
    func randomHistories(group: Int) throws {
        let first = Self.environment("BEDROT_SEED", 1)
        for seed in stride(from: first + group, to: first + Self.environment("BEDROT_HISTORIES", 300), by: Self.groups) {
            let trial = try Trial(seed: UInt64(seed))
            do {
                try trial.run()
            } catch {
                Issue.record("seed \(seed): \(error)")
            }
        }
    }
}

/// One history and what must be equal.
private struct Trial {
    let seed: UInt64
    let lab: Lab
    let history: History
    let projector: Projector
    private let random: SplitMix64

    init(seed: UInt64) throws {
        self.seed = seed
        var random = SplitMix64(seed: seed ^ 0xFEED)
        lab = try Lab()
        projector = lab.projector()
        history = try History(seed: seed, length: random.number(8...36), in: lab)
        self.random = random
    }

    func run() throws {
        var random = random
        let expected = WarehouseReading(BruteFold(history.happenings))
        try checkVersions(expected.versions)

        // In random steps, and one digest on the way to compare the past with.
        var stop: (seq: Int64, digest: ProjectionDigest, files: [String: [UInt8]])?
        let stopAt = random.chance(34) ? random.number(1...4) : 0
        var step = 0
        var seq = lab.opened - 1
        while seq < Int64(lab.drafts.count) {
            seq = min(Int64(lab.drafts.count), seq + Int64(random.pick([1, 3, 9, 30])))
            try lab.append(upTo: seq)
            projector.batch = random.pick([1, 7, 512])
            projector.memoryBudget = random.pick([0, 2_000, 384 << 20])
            _ = try projector.project()
            step += 1
            if step == stopAt { stop = (seq, try projector.digest(), try zoneFiles(lab.layout)) }
        }
        let stepped = try projector.digest()
        try compare("the fold", expected, "random steps", try WarehouseReading(lab.layout))
        try checkPast()
        let files = try zoneFiles(lab.layout)

        // At once, elsewhere, in other batches and with memory for nothing or everything.
        let (batch, budget) = (random.pick([1, 7, 512]), random.pick([0, 0, 5_000, 384 << 20]))
        projector.batch = batch
        projector.memoryBudget = budget
        let replayed = try projector.replay(into: lab.shadow("replay"))
        try same("random steps", stepped, "a replay in batches of \(batch) with \(budget) bytes", replayed)
        let shadow = Layout(root: lab.shadow("replay"))
        try compare("the fold", expected, "a replay", try WarehouseReading(shadow))
        try same(files, try zoneFiles(shadow), "files of a replay")

        if let stop {
            try same(
                "projected up to \(stop.seq)", stop.digest, "replayed until then",
                try projector.replay(into: lab.shadow("past"), until: stop.seq))
            try same(stop.files, try zoneFiles(Layout(root: lab.shadow("past"))), "files of the past")
        }
        if seed % 5 == 0 {
            if random.chance(50) { for zone in [Layout.Zone.raw, .staging, .curated] { try Files.removeTree(lab.layout.folder(zone)) } }
            _ = try projector.rebuild()
            try same("random steps", stepped, "a rebuild", try projector.digest())
            try same(files, try zoneFiles(lab.layout), "files of a rebuild")
        }
    }

    private func compare(_ a: String, _ x: WarehouseReading, _ b: String, _ y: WarehouseReading) throws {
        if x != y { Issue.record("seed \(seed): \(a) and \(b) differ\n\(x.difference(y))") }
    }

    private func same(_ a: String, _ x: ProjectionDigest, _ b: String, _ y: ProjectionDigest) throws {
        if x != y { Issue.record("seed \(seed): \(a) and \(b) differ\n\(difference(x, y))") }
    }

    private func same(_ x: [String: [UInt8]], _ y: [String: [UInt8]], _ what: String) throws {
        let names = Set(x.keys).union(y.keys).filter { x[$0] != y[$0] }.sorted()
        #expect(names.isEmpty, "seed \(seed): \(what) differ: \(names.map { x[$0] == nil ? "+\($0)" : y[$0] == nil ? "-\($0)" : $0 })")
    }

    /// No version is empty, none is followed at once by an equal one.
    private func checkVersions(_ versions: [String]) throws {
        var ends = Set<String>()
        var starts = Set<String>()
        for version in versions {
            let parts = version.components(" · ")
            starts.insert("\(parts[0]) · \(parts[1]) · \(parts[2])")
            ends.insert("\(parts[0]) · \(parts[1]) · \(parts[3])")
            if let from = Int(parts[2]), let to = Int(parts[3]) { #expect(from < to, "seed \(seed): \(version)") }
        }
        #expect(starts.isDisjoint(with: ends), "seed \(seed): equal neighbours")
    }

    /// Every KPI as known at each snapshot, computed today, is what the snapshot says.
    private func checkPast() throws {
        let number = try #require(try Warehouse.liveGeneration(lab.layout))
        let definitions = try projector.definitions(until: Int64(lab.drafts.count))
        let queue = try Warehouse.openForProjecting(lab.layout.generation(number), fresh: false)
        defer { try? queue.close() }
        try queue.writeWithoutTransaction { database in
            let engine = KPIEngine(database: database, definitions: definitions, tables: definitions.tables)
            for row in try Row.fetchAll(database, sql: "SELECT seq, day_no FROM kpi_snapshot") {
                let seq: Int64 = row["seq"]
                let today = try engine.withKnownViews(at: seq) {
                    try definitions.kpis.flatMap { try engine.values($0, day: row["day_no"], seq: seq, now: 0) }
                }
                let then = try Row.fetchAll(
                    database, sql: "SELECT kpi, dims, num, den FROM kpi_value WHERE seq = ? ORDER BY kpi, dims", arguments: [seq]
                )
                .map { KPIValue(kpi: $0["kpi"], dimensions: $0["dims"], numerator: $0["num"], denominator: $0["den"]) }
                #expect(today.sorted { ($0.kpi, $0.dimensions) < ($1.kpi, $1.dimensions) } == then, "seed \(seed): KPIs as known at \(seq)")
            }
        }
    }
}

extension String {
    fileprivate func components(_ separator: String) -> [String] {
        split(separator: separator, omittingEmptySubsequences: false).map(String.init)
    }
}
