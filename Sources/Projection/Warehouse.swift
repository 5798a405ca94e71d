package import GRDB
import EventLog
import Glibc

/// The SQLite file of one generation: its fixed tables and how it is opened.
package enum Warehouse {
    /// Changes whenever the same events give another warehouse; a checkpoint of another revision calls for a rebuild.
    static let revision = 8

    static let schema = [
        """
        CREATE TABLE checkpoint (id INTEGER PRIMARY KEY CHECK (id = 1), seq INTEGER NOT NULL, event TEXT NOT NULL, facts TEXT \
        NOT NULL, curated TEXT NOT NULL, kpis TEXT NOT NULL, revision INTEGER NOT NULL, data_seq INTEGER NOT NULL, snapshot_seq \
        INTEGER NOT NULL) STRICT
        """,
        """
        CREATE TABLE source_value (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, service TEXT NOT NULL, value TEXT NOT NULL, norm \
        TEXT NOT NULL) STRICT
        """,
        "CREATE UNIQUE INDEX source_value_key ON source_value(kind, service, value)",
        "CREATE INDEX source_value_norm ON source_value(kind, norm)",
        """
        CREATE TABLE member_v (source_id INTEGER NOT NULL, member TEXT NOT NULL, from_seq INTEGER NOT NULL, to_seq INTEGER, \
        PRIMARY KEY (source_id, from_seq)) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX member_v_member ON member_v(member)",
        """
        CREATE TABLE member_twin_v (source_id INTEGER NOT NULL, before_id INTEGER NOT NULL, from_seq INTEGER NOT NULL, to_seq \
        INTEGER, PRIMARY KEY (source_id, before_id, from_seq)) STRICT, WITHOUT ROWID
        """,
        """
        CREATE TABLE alias_v (kind TEXT NOT NULL, service TEXT NOT NULL, norm TEXT NOT NULL, member TEXT NOT NULL, from_seq \
        INTEGER NOT NULL, to_seq INTEGER, PRIMARY KEY (kind, service, norm, from_seq)) STRICT, WITHOUT ROWID
        """,
        """
        CREATE TABLE member_name_v (kind TEXT NOT NULL, member TEXT NOT NULL, name TEXT NOT NULL, from_seq INTEGER NOT NULL, \
        to_seq INTEGER, PRIMARY KEY (kind, member, from_seq)) STRICT, WITHOUT ROWID
        """,
        // What a campaign's name is made of: a function of the name and projections/reference/campaign_names.yml.
        """
        CREATE TABLE campaign_name_part (name TEXT PRIMARY KEY, parts INTEGER NOT NULL, first TEXT NOT NULL, second TEXT NOT NULL, \
        rest TEXT NOT NULL, first_norm TEXT NOT NULL, second_norm TEXT NOT NULL, first_targeting INTEGER NOT NULL, second_targeting \
        INTEGER NOT NULL, copy_no INTEGER NOT NULL, whole TEXT NOT NULL) STRICT, WITHOUT ROWID
        """,
        // Amounts of nano-USD for one whole unit of a currency, from a day on.
        """
        CREATE TABLE rate_v (currency TEXT NOT NULL, from_day INTEGER NOT NULL, nano_usd INTEGER NOT NULL, from_seq INTEGER NOT \
        NULL, to_seq INTEGER, PRIMARY KEY (currency, from_day, from_seq)) STRICT, WITHOUT ROWID
        """,
        """
        CREATE TABLE dim_date (day_no INTEGER PRIMARY KEY, date TEXT NOT NULL UNIQUE, year INTEGER NOT NULL, quarter INTEGER \
        NOT NULL, month_no INTEGER NOT NULL, month TEXT NOT NULL, iso_year INTEGER NOT NULL, iso_week INTEGER NOT NULL, dow \
        INTEGER NOT NULL, is_month_end INTEGER NOT NULL) STRICT
        """,
        """
        CREATE TABLE dim_month (month_no INTEGER PRIMARY KEY, month TEXT NOT NULL UNIQUE, year INTEGER NOT NULL, first_day_no \
        INTEGER NOT NULL, last_day_no INTEGER NOT NULL) STRICT
        """,
        "CREATE TABLE dim_platform (platform_id TEXT PRIMARY KEY, name TEXT NOT NULL, kind TEXT, family TEXT) STRICT, WITHOUT ROWID",
        "CREATE TABLE dim_territory (territory_id TEXT PRIMARY KEY, name TEXT NOT NULL, region TEXT) STRICT, WITHOUT ROWID",
        """
        CREATE TABLE capture (seq INTEGER PRIMARY KEY, stream TEXT NOT NULL, account TEXT NOT NULL, name TEXT NOT NULL, \
        observed TEXT NOT NULL, body TEXT NOT NULL, live INTEGER NOT NULL, contract TEXT, reader INTEGER, item TEXT) STRICT
        """,
        "CREATE INDEX capture_stream ON capture(stream, account)",
        // Lines of a capture that a later line of the file with the same key stood in for.
        """
        CREATE TABLE overridden_line (capture INTEGER NOT NULL, fact TEXT NOT NULL, lines INTEGER NOT NULL, PRIMARY KEY (capture, fact)) \
        STRICT, WITHOUT ROWID
        """,
        """
        CREATE TABLE zone_file (path TEXT NOT NULL, zone TEXT NOT NULL, digest TEXT NOT NULL, rows INTEGER NOT NULL, capture \
        INTEGER) STRICT
        """,
        "CREATE UNIQUE INDEX zone_file_key ON zone_file(path, COALESCE(capture, 0))",
        "CREATE INDEX zone_file_capture ON zone_file(capture)",
        "CREATE TABLE pending_file (path TEXT PRIMARY KEY) STRICT, WITHOUT ROWID",
        "CREATE TABLE stream_seq (stream TEXT PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID",
        "CREATE TABLE kpi_snapshot (seq INTEGER PRIMARY KEY, time TEXT NOT NULL, day_no INTEGER NOT NULL) STRICT",
        """
        CREATE TABLE kpi_value (kpi TEXT NOT NULL, seq INTEGER NOT NULL, dims TEXT NOT NULL, num INTEGER, den INTEGER, \
        unconverted INTEGER, covered INTEGER, expected INTEGER, PRIMARY KEY (kpi, seq, dims)) STRICT, WITHOUT ROWID
        """,
        // What each KPI's values were computed with.
        """
        CREATE TABLE kpi_state (kpi TEXT PRIMARY KEY, rules TEXT NOT NULL, is_operational INTEGER NOT NULL, reads TEXT) STRICT, \
        WITHOUT ROWID
        """,
        // Which facts and totals an event changed; `*` where it changed an assumption.
        "CREATE TABLE table_change (seq INTEGER NOT NULL, name TEXT NOT NULL, PRIMARY KEY (seq, name)) STRICT, WITHOUT ROWID",
    ]

    /// Opens the database of a generation for the projector.
    static func openForProjecting(_ path: String, fresh: Bool) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.busyMode = .timeout(30)
        configuration.prepareDatabase { database in
            database.add(function: Money.function)
            if fresh {
                // A new file that nobody reads yet and a crash throws away: no journal, one flush at the end.
                // The map of pages that lets the file shrink later costs a thousandth of its size.
                try database.execute(
                    sql: """
                        PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
                        PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY
                        """)
            } else {
                // NORMAL may lose the last commits on power loss, rows and checkpoint together: the log replays them.
                try database.execute(
                    sql: "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -32768; PRAGMA mmap_size = 1073741824"
                )
            }
        }
        return try DatabaseQueue(path: path, configuration: configuration)
    }

    /// A read-only connection to the live generation, which it keeps from being deleted.
    package final class Reader {
        package let queue: DatabaseQueue
        package let generation: Int
        private let lock: FileLock?

        /// Errors when nothing has been projected yet.
        ///
        /// - Parameter scratch: allow temporary views in the connection.
        package init(_ layout: Layout, generation wanted: Int? = nil, scratch: Bool = false) throws {
            var held: (Int, FileLock?)?
            while held == nil {
                guard let number = try wanted ?? Warehouse.liveGeneration(layout) else {
                    throw SQLiteFailure(message: "\(layout.live) does not exist: nothing has been projected yet; run `bedrot project`")
                }
                let lock = try FileLock("\(layout.generations)/\(number)/lock", shared: true)
                // It may have been replaced and deleted between reading the link and locking it.
                if Files.exists(layout.generation(number)) || wanted != nil { held = (number, lock) }
            }
            (generation, lock) = held ?? (0, nil)
            var configuration = Configuration()
            configuration.readonly = !scratch
            configuration.busyMode = .timeout(10)
            configuration.prepareDatabase { $0.add(function: Money.function) }
            let path = layout.generation(generation)
            do {
                queue = try DatabaseQueue(path: path, configuration: configuration)
            } catch let error as DatabaseError where [.SQLITE_NOTADB, .SQLITE_CORRUPT, .SQLITE_READONLY].contains(error.resultCode) {
                throw SQLiteFailure(message: "\(path) cannot be read (\(error.message ?? "\(error)")); make it anew: bedrot rebuild")
            }
        }
    }

    /// Number of the generation that the link names.
    package static func liveGeneration(_ layout: Layout) throws -> Int? {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink(layout.live, &buffer, buffer.count - 1)
        guard count > 0 else {
            if errno == ENOENT { return nil }
            throw FileFailure("read the link", layout.live, errno)
        }
        let target = String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let parts = target.split(separator: "/")
        guard parts.count >= 2, let number = Int(parts[parts.count - 2]), Files.exists(layout.generation(number)) else { return nil }
        return number
    }

    /// Number for the next generation: above the live one and every leftover.
    static func nextGeneration(_ layout: Layout) throws -> Int {
        (Files.list(layout.generations).compactMap { Int($0) }.max() ?? 0) + 1
    }

    /// Points the link to a generation, atomically, and deletes those that nobody reads any more.
    static func swap(_ layout: Layout, to number: Int) throws {
        let temporary = "\(layout.warehouse)/.link-\(number)"
        try Files.remove(temporary)
        guard symlink("gen/\(number)/bedrot_analytics.db", temporary) == 0 else { throw FileFailure("link", temporary, errno) }
        try Files.move(temporary, to: layout.live)
        try Files.sync(layout.warehouse)
        try removeFree(layout, except: number)
    }

    /// Deletes generations without readers, also half-built ones of a killed rebuild. Needs the projector lock.
    static func removeFree(_ layout: Layout, except live: Int) throws {
        for number in Files.list(layout.generations).compactMap({ Int($0) }) where number != live {
            let folder = "\(layout.generations)/\(number)"
            guard try FileLock("\(folder)/lock", wait: false) != nil else { continue }
            try Files.removeTree(folder)
        }
    }
}
