package import EventLog
import GRDB
import GRDBSQLite

/// The logical digest of a warehouse and its files at one seq.
package struct ProjectionDigest: Sendable, Equatable {
    /// The last event that the projections hold.
    package var seq: Int64
    /// By table: SHA-256 over its rows in natural-key order.
    package var tables: [String: String]
    /// By path below the root: SHA-256 of the file's bytes as they are on disk.
    package var files: [String: String]
    /// Over tables and files.
    package var all: String
    /// Over the tables that count non-data events.
    package var ops: String

    /// `{"seq":…,"tables":{name: hex},"files":{path: hex},"all":hex,"ops":hex}`.
    package var json: JSON {
        [
            "seq": .int(seq), "tables": .object(tables.mapValues { .string($0) }), "files": .object(files.mapValues { .string($0) }),
            "all": .string(all), "ops": .string(ops),
        ]
    }
}

/// Computes digests: contents only, private keys resolved to natural ones, each value with its type.
struct DigestBuilder {
    let database: Database
    let tables: [VersionedTable]
    var references: [ReferenceTable] = []

    /// What a table's digest reads, in natural order. Never a clock, a rowid or an id.
    static let fixed: [(name: String, sql: String)] = [
        ("source_value", "SELECT kind, service, value FROM source_value ORDER BY 1, 2, 3"),
        (
            "member",
            """
            SELECT s.kind, s.service, s.value, m.member, m.from_seq, m.to_seq FROM member_v m JOIN source_value s ON s.id = \
            m.source_id ORDER BY 1, 2, 3, 5
            """
        ),
        (
            "member_twin",
            """
            SELECT s.kind, s.service, s.value, b.value, t.from_seq, t.to_seq FROM member_twin_v t JOIN source_value s ON s.id = \
            t.source_id JOIN source_value b ON b.id = t.before_id ORDER BY 1, 2, 3, 4, 5
            """
        ),
        ("alias", "SELECT kind, service, norm, member, from_seq, to_seq FROM alias_v ORDER BY 1, 2, 3, 5"),
        ("member_name", "SELECT kind, member, name, from_seq, to_seq FROM member_name_v ORDER BY 1, 2, 4"),
        ("rate", "SELECT currency, from_day, nano_usd, from_seq, to_seq FROM rate_v ORDER BY 1, 2, 4"),
        ("campaign_name_part", "SELECT * FROM campaign_name_part ORDER BY 1"),
        ("dim_platform", "SELECT * FROM dim_platform ORDER BY 1"),
        ("dim_territory", "SELECT * FROM dim_territory ORDER BY 1"),
        ("capture", "SELECT seq, stream, account, body, live, contract, reader, item FROM capture ORDER BY 1"),
        ("overridden_line", "SELECT capture, fact, lines FROM overridden_line ORDER BY 1, 2"),
        ("zone_file", "SELECT path, zone, digest, rows, capture FROM zone_file ORDER BY 1, 5"),
        ("kpi_snapshot", "SELECT seq, time, day_no FROM kpi_snapshot ORDER BY 1"),
        ("kpi_value", kpiValues(operational: false)),
    ]

    /// Values of the KPIs that count events without data, or of the others.
    private static func kpiValues(operational: Bool) -> String {
        """
        SELECT v.kpi, v.seq, v.dims, v.num, v.den, v.unconverted, v.covered, v.expected FROM kpi_value v JOIN kpi_state s ON s.kpi = \
        v.kpi AND s.is_operational = \(operational ? 1 : 0) ORDER BY 1, 2, 3
        """
    }

    static let ops: [(name: String, sql: String)] = Operations.digested + [("ops_kpi_value", kpiValues(operational: true))]

    func tableDigests() throws -> [String: String] {
        var digests: [String: String] = [:]
        for (name, sql) in Self.fixed { digests[name] = try digest(sql) }
        for table in tables { digests[table.name] = try digest(select(table)) }
        for table in references {
            let columns = (table.columns.map(\.name) + ["from_seq", "to_seq"]).map { "\"\($0)\"" }.joined(separator: ", ")
            let order = (1...table.key.count).map(String.init) + ["from_seq"]
            digests[table.view] = try digest("SELECT \(columns) FROM \"\(table.table)\" ORDER BY \(order.joined(separator: ", "))")
        }
        return digests
    }

    func opsDigests() throws -> [String: String] {
        var digests: [String: String] = [:]
        for (name, sql) in Self.ops { digests[name] = try digest(sql) }
        return digests
    }

    func select(_ table: VersionedTable) -> String {
        var columns: [String] = []
        var joins = ""
        var order: [Int] = []
        for (i, column) in table.columns.enumerated() {
            if case .source = column.storage {
                columns.append("s\(i).value")
                joins += " LEFT JOIN source_value s\(i) ON s\(i).id = f.\"\(column.name)\""
            } else {
                columns.append("f.\"\(column.name)\"")
            }
            if table.key.contains(column.name) { order.append(i + 1) }
        }
        columns += ["f.from_seq", "f.to_seq"]
        order.append(table.columns.count + 1)
        if table.hasLineage { columns += ["f.set_seq", "f.set_line"] }
        return
            """
            SELECT \(columns.joined(separator: ", ")) FROM "\(table.name)_v" f\(joins) ORDER BY \
            \(order.map(String.init).joined(separator: ", "))
            """
    }

    /// SHA-256 over rows: a tag a value (0 null, 1 integer big-endian, 2 length and text), 255 after each row.
    private func digest(_ sql: String) throws -> String {
        var hasher = Hasher256()
        let statement = try database.makeStatement(sql: sql)
        let handle = statement.sqliteStatement
        let count = sqlite3_column_count(handle)
        var buffer: [UInt8] = []
        while true {
            let code = sqlite3_step(handle)
            if code == SQLITE_DONE { break }
            guard code == SQLITE_ROW else { throw SQLiteFailure(database.sqliteConnection, sql) }
            for i in 0..<count {
                switch sqlite3_column_type(handle, i) {
                case SQLITE_NULL: buffer.append(0)
                case SQLITE_INTEGER:
                    buffer.append(1)
                    withUnsafeBytes(of: sqlite3_column_int64(handle, i).bigEndian) { buffer.append(contentsOf: $0) }
                case SQLITE_TEXT:
                    buffer.append(2)
                    let bytes = Int(sqlite3_column_bytes(handle, i))
                    withUnsafeBytes(of: Int64(bytes).bigEndian) { buffer.append(contentsOf: $0) }
                    if let text = sqlite3_column_text(handle, i) {
                        buffer.append(contentsOf: UnsafeBufferPointer(start: text, count: bytes))
                    }
                default: throw SQLiteFailure(message: "a digested table holds a REAL or BLOB: \(sql)")
                }
            }
            buffer.append(255)
            if buffer.count > 1 << 16 {
                hasher.update(buffer)
                buffer.removeAll(keepingCapacity: true)
            }
        }
        sqlite3_reset(handle)
        hasher.update(buffer)
        return hasher.finalize().hex
    }

    /// One digest over named digests.
    static func combined(_ digests: [String: String]) -> String {
        Hash256(hashing: digests.sorted { $0.key < $1.key }.flatMap { Array("\($0.key) \($0.value)\n".utf8) }).hex
    }
}
