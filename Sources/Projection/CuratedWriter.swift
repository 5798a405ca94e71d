import Cleaning
import EventLog
package import GRDB
import GRDBSQLite

/// Renders curated tables to CSV: UTF-8, comma, `\n`, quotes only where needed, null as an empty cell.
struct CuratedWriter {
    /// A file as it must be, not yet under its name.
    struct Rendered {
        /// Path below the root.
        let path: String
        let table: String
        let digest: Hash256
        let rows: Int64
        let bytes: [UInt8]
    }

    let layout: Layout
    let database: Database

    /// The files of one table: one, or those of the given partition values (nil: all).
    func render(_ definition: CuratedDefinition, partitions: Set<Int64>?) throws -> [Rendered] {
        guard let partition = definition.partition else {
            return [try render(definition, path: "\(layout.name(.curated))/\(definition.file)", value: nil)]
        }
        let parts = partition.split(separator: ".")
        guard parts.count == 2 else {
            throw DefinitionError(
                path: definition.path, line: nil, reason: "`partition` is <fact>.<column>, and the SELECT uses :partition")
        }
        let values =
            try partitions?.sorted() ?? Int64.fetchAll(database, sql: "SELECT DISTINCT \"\(parts[1])\" FROM \"\(parts[0])\" ORDER BY 1")
        return try values.map { value in
            let name = Self.format(value, definition.formats["partition"] ?? .day)
            return try render(definition, path: "\(layout.name(.curated))/\(definition.file)/\(name).csv", value: value)
        }
    }

    /// Value of a partition in file names and cells.
    static func format(_ value: Int64, _ format: CuratedDefinition.Format) -> String {
        var out: [UInt8] = []
        append(value, format, to: &out)
        return String(decoding: out, as: UTF8.self)
    }

    private func render(_ definition: CuratedDefinition, path: String, value: Int64?) throws -> Rendered {
        let statement: Statement
        do {
            statement = try database.makeStatement(sql: definition.sql)
        } catch {
            throw DefinitionError(path: definition.path, line: nil, reason: "\(error)")
        }
        if let value { try statement.setArguments(["partition": value]) }
        let handle = statement.sqliteStatement
        let count = Int(sqlite3_column_count(handle))
        let names = statement.columnNames
        let formats = names.map { definition.formats[$0] ?? .plain }
        var out: [UInt8] = []
        for (i, name) in names.enumerated() {
            if i > 0 { out.append(UInt8(ascii: ",")) }
            Self.append(text: Array(name.utf8), to: &out)
        }
        out.append(10)
        var rows: Int64 = 0
        while true {
            let code = sqlite3_step(handle)
            if code == SQLITE_DONE { break }
            guard code == SQLITE_ROW else { throw SQLiteFailure(database.sqliteConnection, definition.path) }
            for i in 0..<count {
                if i > 0 { out.append(UInt8(ascii: ",")) }
                switch sqlite3_column_type(handle, Int32(i)) {
                case SQLITE_NULL: break
                case SQLITE_INTEGER: Self.append(sqlite3_column_int64(handle, Int32(i)), formats[i], to: &out)
                case SQLITE_TEXT:
                    guard let text = sqlite3_column_text(handle, Int32(i)) else { break }
                    Self.append(text: UnsafeBufferPointer(start: text, count: Int(sqlite3_column_bytes(handle, Int32(i)))), to: &out)
                default:
                    throw DefinitionError(
                        path: definition.path, line: nil,
                        reason: "column “\(names[i])” gives a REAL or BLOB; curated tables hold integers and text only")
                }
            }
            out.append(10)
            rows += 1
        }
        sqlite3_reset(handle)
        return Rendered(path: path, table: definition.name, digest: Hash256(hashing: out), rows: rows, bytes: out)
    }

    static func append(text: some Collection<UInt8>, to out: inout [UInt8]) {
        func isSpecial(_ byte: UInt8) -> Bool { byte == 44 || byte == 34 || byte == 10 || byte == 13 }
        guard text.contains(where: isSpecial) else {
            out.append(contentsOf: text)
            return
        }
        out.append(34)
        for byte in text {
            if byte == 34 { out.append(34) }
            out.append(byte)
        }
        out.append(34)
    }

    static func append(_ value: Int64, _ format: CuratedDefinition.Format, to out: inout [UInt8]) {
        switch format {
        case .plain: append(integer: value, to: &out)
        case .day: CalendarDay.append(day: value, to: &out)
        case .month: CalendarDay.append(month: value, to: &out)
        case .nano: append(value, decimals: 9, trimming: true, to: &out)
        case .decimal(let digits): append(value, decimals: digits, trimming: false, to: &out)
        }
    }

    private static func append(integer value: Int64, to out: inout [UInt8]) {
        if value < 0 { out.append(45) }
        append(magnitude: value.magnitude, digits: 1, to: &out)
    }

    private static func append(magnitude: UInt64, digits: Int, to out: inout [UInt8]) {
        var rest = magnitude
        let start = out.count
        repeat {
            out.append(UInt8(48 + rest % 10))
            rest /= 10
        } while rest > 0
        while out.count - start < digits { out.append(48) }
        out[start...].reverse()
    }

    /// A scaled integer as a decimal; with `trimming`, as few digits as say the same.
    static func append(_ value: Int64, decimals: Int, trimming: Bool, to out: inout [UInt8]) {
        var unit: UInt64 = 1
        for _ in 0..<decimals { unit *= 10 }
        if value < 0 { out.append(45) }
        append(magnitude: value.magnitude / unit, digits: 1, to: &out)
        var fraction = value.magnitude % unit
        var digits = decimals
        if trimming {
            while digits > 0, fraction % 10 == 0 {
                fraction /= 10
                digits -= 1
            }
        }
        guard digits > 0 else { return }
        out.append(46)
        append(magnitude: fraction, digits: digits, to: &out)
    }
}

/// A curated file as the live warehouse intends it.
package struct CuratedFile: Sendable {
    package let path: String
    package let digest: String
    package let rows: Int64
    /// The last data-bearing event behind the warehouse.
    package let dataSeq: Int64

    /// All curated files, by path.
    package static func all(_ database: Database) throws -> [CuratedFile] {
        let seq = try Int64.fetchOne(database, sql: "SELECT data_seq FROM checkpoint") ?? 0
        return try Row.fetchAll(database, sql: "SELECT path, digest, rows FROM zone_file WHERE zone = 'curated' ORDER BY path").map {
            CuratedFile(path: $0["path"], digest: $0["digest"], rows: $0["rows"], dataSeq: seq)
        }
    }
}
