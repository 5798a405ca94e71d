import EventLog
import GRDB

extension Warehouse {
    /// How big a warehouse file is, in its own terms.
    package struct Pages: Sendable, Equatable {
        /// Bytes of one page.
        package let size: Int64
        /// Pages of the file, those that are free with it.
        package let count: Int64
        /// Pages that hold nothing and are used again, or given back by a vacuum.
        package let free: Int64

        init(size: Int64, count: Int64, free: Int64) { (self.size, self.count, self.free) = (size, count, free) }

        init(_ database: Database) throws {
            func number(_ pragma: String) throws -> Int64 { try Int64.fetchOne(database, sql: "PRAGMA \(pragma)") ?? 0 }
            (size, count, free) = (try number("page_size"), try number("page_count"), try number("freelist_count"))
        }

        /// Whether so much is free that giving it back is worth the writing.
        var isLoose: Bool { free * 5 > count }

        /// Pages to give back: all but a twentieth of the file, which the next days fill, and no more than one run may move.
        var spare: Int64 { isLoose ? min(free - (count - free) / 20, Warehouse.vacuumLimit) : 0 }
    }

    /// Pages that one run gives back at most: a bounded write, 64 MB and well under a second.
    static let vacuumLimit: Int64 = 16_384

    /// What a projection ends with: no figures of the query planner, and free pages given back when they are more than a fifth of the file.
    ///
    /// Changes no row. What cannot be done now, because others write or the disk is full, the next projection does.
    static func tidy(_ queue: DatabaseQueue) throws {
        do {
            try queue.writeWithoutTransaction { database in
                // No `PRAGMA optimize`: figures taken of a label's first files called every table small, and a KPI that takes a
                // millisecond ran for minutes over the next ones. Plans rest on the indexes alone.
                if try database.tableExists("sqlite_stat1") { try database.execute(sql: "DROP TABLE sqlite_stat1") }
                guard try Int.fetchOne(database, sql: "PRAGMA auto_vacuum") == 2 else { return }
                let spare = try Pages(database).spare
                guard spare > 0 else { return }
                try database.inTransaction(.immediate) {
                    try giveBack(spare / 2, database)
                    Failpoint.hit("vacuum.half")
                    try giveBack(spare - spare / 2, database)
                    return .commit
                }
                Failpoint.hit("vacuum.committed")
                // Readers of older states are not waited for; the file shrinks when the last of them is gone.
                try database.execute(sql: "PRAGMA wal_checkpoint(PASSIVE)")
            }
        } catch let error as DatabaseError where [.SQLITE_BUSY, .SQLITE_LOCKED, .SQLITE_FULL, .SQLITE_IOERR].contains(error.resultCode) {
            return
        }
    }

    /// Gives back every free page of a file that nobody else has yet.
    static func compact(_ database: Database) throws {
        if try Pages(database).free > 0 { try database.execute(sql: "PRAGMA incremental_vacuum") }
    }

    private static func giveBack(_ pages: Int64, _ database: Database) throws {
        if pages > 0 { try database.execute(sql: "PRAGMA incremental_vacuum(\(pages))") }
    }

    /// The size of the live generation; nil when nothing is projected.
    package static func livePages(_ layout: Layout) throws -> Pages? {
        guard try liveGeneration(layout) != nil else { return nil }
        return try Reader(layout).queue.read { try Pages($0) }
    }
}
