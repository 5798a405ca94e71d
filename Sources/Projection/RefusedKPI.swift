package import GRDB

/// A KPI of a person's own that a projection left out: what it says breaks a rule, and the others go on without it.
package struct RefusedKPI: Sendable, Equatable {
    package let kpi: String
    /// Path below the definitions folder.
    package let path: String
    /// File, place and reason.
    package let reason: String

    /// Those of a warehouse, by KPI; none in one that is older than that.
    package static func all(_ database: Database) throws -> [RefusedKPI] {
        guard try isKept(database) else { return [] }
        return try Row.fetchAll(database, sql: "SELECT kpi, path, reason FROM kpi_refused ORDER BY kpi").map {
            RefusedKPI(kpi: $0["kpi"], path: $0["path"], reason: $0["reason"])
        }
    }

    /// GRDB's own question goes by a schema that it remembers, and what compiles KPIs leaves it no word of changes.
    private static func isKept(_ database: Database) throws -> Bool {
        try Int.fetchOne(database, sql: "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'kpi_refused'") != nil
    }

    /// Those that no snapshot is asked of; the others failed on what the facts held at their newest one.
    static func neverAsked(_ database: Database) throws -> Set<String> {
        guard try isKept(database) else { return [] }
        return Set(try String.fetchAll(database, sql: "SELECT kpi FROM kpi_refused WHERE is_asked = 0"))
    }

    /// Keeps it, in place of what was kept of the KPI before.
    func keep(_ database: Database, isAsked: Bool) throws {
        try database.execute(
            sql: """
                CREATE TABLE IF NOT EXISTS kpi_refused (kpi TEXT PRIMARY KEY, path TEXT NOT NULL, reason TEXT NOT NULL, is_asked INTEGER \
                NOT NULL) STRICT, WITHOUT ROWID
                """)
        try database.execute(
            sql: "INSERT OR REPLACE INTO kpi_refused VALUES (?, ?, ?, ?)", arguments: [kpi, path, reason, isAsked ? 1 : 0])
    }

    /// The KPI is as it should be, or gone.
    static func forget(_ kpi: String, _ database: Database) throws {
        guard try isKept(database) else { return }
        try database.execute(sql: "DELETE FROM kpi_refused WHERE kpi = ?", arguments: [kpi])
    }
}

extension Projector {
    /// The KPIs that the live projections left out.
    package func refusedKPIs() throws -> [RefusedKPI] {
        guard try Warehouse.liveGeneration(layout) != nil else { return [] }
        return try Warehouse.Reader(layout).queue.read { try RefusedKPI.all($0) }
    }
}
