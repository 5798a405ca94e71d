import EventLog
import GRDB

/// Writes the values of KPIs at completed runs, and knows whose definition changed since they were written.
final class SnapshotWriter {
    let engine: KPIEngine
    /// KPIs that have no value in a snapshot, because a sum does not fit 64 bits.
    private(set) var overflowing: Set<String> = []
    /// Whether a KPI that breaks a rule is left out, by its path; else it stops the projection.
    private let tolerates: (KPIDefinition) -> Bool
    private let dataSeq: Int64
    private var database: Database { engine.database }
    /// KPIs whose newest snapshot could not be computed.
    private lazy var failing = Set(((try? RefusedKPI.all(database)) ?? []).map(\.kpi))

    /// - Parameter dataSeq: the last data-bearing event: from it on, what is current is what was known.
    init(engine: KPIEngine, dataSeq: Int64, tolerates: @escaping (KPIDefinition) -> Bool) {
        self.engine = engine
        self.tolerates = tolerates
        self.dataSeq = dataSeq
    }

    /// The KPIs whose own file, guards or views differ from those their values were computed with; their values are gone, and those of
    /// KPIs that exist no more. Every KPI passes the guards here.
    ///
    /// - Parameter isReady: runs the check of a path; false where what it reads is not there yet in the past.
    func changed(_ isReady: (_ path: String, _ check: () throws -> Void) throws -> Bool) throws -> [KPIDefinition] {
        let definitions = engine.definitions
        var known: [String: String] = [:]
        for row in try Row.fetchAll(database, sql: "SELECT kpi, rules FROM kpi_state") { known[row["kpi"]] = row["rules"] }
        var changed: [KPIDefinition] = []
        for kpi in definitions.kpis {
            var reads = KPIEngine.Reads()
            do {
                guard try isReady(kpi.path, { reads = try engine.check(kpi) }) else { continue }
            } catch let error as DefinitionError where tolerates(kpi) {
                try forget(kpi.id)
                known[kpi.id] = nil
                try RefusedKPI(kpi: kpi.id, path: kpi.path, reason: "\(error)").keep(database, isAsked: false)
                continue
            }
            let rules = rules(of: kpi, reads).hex
            guard known.removeValue(forKey: kpi.id) != rules else { continue }
            try forget(kpi.id)
            try database.execute(
                sql: "INSERT INTO kpi_state VALUES (?, ?, ?, ?)",
                arguments: [
                    kpi.id, rules, reads.isOperational,
                    dependsOnTablesOnly(kpi, reads) ? reads.tables.union(reads.assumptions).sorted().joined(separator: " ") : nil,
                ])
            changed.append(kpi)
        }
        for id in known.keys.sorted() { try forget(id) }
        let all = Set(definitions.kpis.map(\.id))
        for refused in try RefusedKPI.all(database) where !all.contains(refused.kpi) { try RefusedKPI.forget(refused.kpi, database) }
        return changed
    }

    /// Whether the day and the tables decide a value, and nothing else.
    private func dependsOnTablesOnly(_ kpi: KPIDefinition, _ reads: KPIEngine.Reads) -> Bool {
        !reads.isOperational && !kpi.sql.contains(":now_ms") && !kpi.sql.contains(":seq")
    }

    /// Copies the values of the snapshot before, of the same day, for KPIs that read no table which changed since; gives the others.
    private func copy(_ kpis: [KPIDefinition], at seq: Int64, day: Int64) throws -> [KPIDefinition] {
        guard
            let before = try Row.fetchOne(
                database.cachedStatement(sql: "SELECT seq, day_no FROM kpi_snapshot WHERE seq < ? ORDER BY seq DESC LIMIT 1"),
                arguments: [seq]),
            before["day_no"] as Int64 == day
        else { return kpis }
        let changed = Set(
            try String.fetchAll(
                database.cachedStatement(sql: "SELECT DISTINCT name FROM table_change WHERE seq > ? AND seq <= ?"),
                arguments: [before["seq"] as Int64, seq]))
        guard !changed.contains("*") else { return kpis }
        let copy = try database.cachedStatement(
            sql: """
                INSERT INTO kpi_value SELECT kpi, ?, dims, num, den, unconverted, covered, expected FROM kpi_value WHERE kpi = ? AND seq = ?
                """)
        let reads = try reads()
        return try kpis.filter { kpi in
            guard let tables = reads[kpi.id], tables.isDisjoint(with: changed) else { return true }
            try copy.execute(arguments: [seq, kpi.id, before["seq"] as Int64])
            return false
        }
    }

    /// The tables of each KPI whose values they and the day decide.
    private func reads() throws -> [String: Set<String>] {
        let rows = try Row.fetchAll(database, sql: "SELECT kpi, reads FROM kpi_state WHERE reads IS NOT NULL")
        return Dictionary(
            rows.map { ($0["kpi"], Set(($0["reads"] as String).split(separator: " ").map(String.init))) }, uniquingKeysWith: { $1 })
    }

    private func forget(_ kpi: String) throws {
        try database.execute(sql: "DELETE FROM kpi_value WHERE kpi = ?", arguments: [kpi])
        try database.execute(sql: "DELETE FROM kpi_state WHERE kpi = ?", arguments: [kpi])
        try RefusedKPI.forget(kpi, database)
    }

    /// SHA-256 over the files that decide a KPI's values.
    private func rules(of kpi: KPIDefinition, _ reads: KPIEngine.Reads) -> Hash256 {
        let files = engine.definitions.files
        let views = engine.definitions.views.filter { reads.views.contains($0.name) }.map(\.path).sorted()
        let read = [kpi.path] + (reads.services ? guardsAndServices : guards) + views
        let operational = reads.isOperational ? Operations.setAside(engine.definitions) : ""
        return Hash256(hashing: read.flatMap { Array("\($0)\u{0}\(files[$0]?.hash.hex ?? "")\n".utf8) } + Array(operational.utf8))
    }

    private lazy var guards = paths { $0 == .guards }
    private lazy var guardsAndServices = paths { $0 == .guards || $0 == .service }

    /// Sorted.
    private func paths(_ matching: (DefinitionKind) -> Bool) -> [String] {
        engine.definitions.files.keys.filter { DefinitionKind(path: $0).map(matching) ?? false }.sorted()
    }

    /// Computes and writes the values at these completions, oldest first.
    func write(_ kpis: [KPIDefinition], at seqs: [Int64]) throws {
        guard !kpis.isEmpty, !seqs.isEmpty else { return }
        let past = seqs.filter { $0 < dataSeq }
        if !past.isEmpty {
            try engine.withKnownViews { known in
                for seq in past {
                    try known(seq)
                    try write(kpis, at: seq)
                }
            }
        }
        // The facts are current from the last data-bearing event on; runs and captures without news go on after it.
        let show = try database.cachedStatement(sql: "UPDATE ops_known SET seq = ?")
        for seq in seqs where seq >= dataSeq {
            try show.execute(arguments: [seq])
            try write(kpis, at: seq)
        }
        try show.execute(arguments: [Int64.max])
    }

    private func write(_ kpis: [KPIDefinition], at seq: Int64) throws {
        guard let row = try Row.fetchOne(database, sql: "SELECT time, day_no FROM kpi_snapshot WHERE seq = ?", arguments: [seq]),
            let time = Timestamp(iso: row["time"])
        else { return }
        let insert = try database.cachedStatement(sql: "INSERT INTO kpi_value VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
        for kpi in try copy(kpis, at: seq, day: row["day_no"]) {
            let values: [KPIValue]
            do {
                values = try engine.values(kpi, day: row["day_no"], seq: seq, now: time.milliseconds)
            } catch let error as SQLiteFailure where error.isOverflow {
                // What one file said must not lock all others up, also after it was withdrawn: the past keeps this snapshot.
                overflowing.insert(kpi.id)
                continue
            } catch let error where tolerates(kpi) && (error is DefinitionError || (error as? SQLiteFailure)?.isOfStatement == true) {
                // What a person's own file says must not either. The next snapshot may find other facts.
                let reason = error is DefinitionError ? "\(error)" : "\(kpi.path): \(error)"
                try RefusedKPI(kpi: kpi.id, path: kpi.path, reason: reason).keep(database, isAsked: true)
                failing.insert(kpi.id)
                continue
            }
            if failing.remove(kpi.id) != nil { try RefusedKPI.forget(kpi.id, database) }
            for value in values {
                try insert.execute(arguments: [
                    kpi.id, seq, value.dimensions, value.numerator, value.denominator, value.unconverted, value.covered, value.expected,
                ])
            }
        }
    }
}
