import CScan

/// A column of the staging output.
package struct StagedColumn: Hashable, Sendable {
    /// Field name, also the heading of the staging CSV.
    package let name: String
    /// Type of its cells.
    package let type: ColumnType

    /// A column of the given name and type.
    package init(name: String, type: ColumnType) {
        self.name = name
        self.type = type
    }
}

/// Typed rows, row by row; the unit in which rows leave the cleaner.
///
/// Cells are 64-bit: null is ``null``; a day counts from 1970-01-01; a month is `year * 12 + (month - 1)`; money and decimals are
/// nano units; a flag is 0 or 1; a text is `offset << 32 | length` into ``arena`` (UTF-8).
/// The arrays may be longer than ``count`` asks for: what lies beyond is scratch and means nothing.
package struct StagedBatch: Sendable {
    /// The cell that stands for "not reported".
    package static let null = Int64.min

    /// Columns in contract order.
    package let columns: [StagedColumn]
    /// Number of rows.
    package internal(set) var count = 0
    /// `count * columns.count` cells, row-major.
    package internal(set) var cells: [Int64]
    /// Bytes of the text cells.
    package internal(set) var arena: [UInt8]
    /// Record number of each row in the raw file; the header is 1.
    package internal(set) var lines: [Int64]
    /// Stable 63-bit content hash of each row (top bit 0), see ``RowHash``.
    package internal(set) var hashes: [UInt64]

    var arenaUsed = 0
    private(set) var capacity: Int

    init(columns: [StagedColumn], capacity: Int) {
        self.columns = columns
        self.capacity = capacity
        cells = Array(repeating: Self.null, count: columns.count * capacity)
        lines = Array(repeating: 0, count: capacity)
        hashes = Array(repeating: 0, count: capacity)
        arena = Array(repeating: 0, count: 256 * capacity + Self.slack)
    }

    /// Spare bytes behind the arena, so that wide loads and stores stay inside it.
    static let slack = 128

    /// The raw cell of a row and column.
    package func cell(_ row: Int, _ column: Int) -> Int64 {
        cells[row * columns.count + column]
    }

    /// The bytes of a text cell; empty for null.
    package func text(_ row: Int, _ column: Int) -> ArraySlice<UInt8> {
        let cell = cell(row, column)
        guard cell != Self.null else { return [] }
        let start = Int(cell >> 32)
        return arena[start..<start + Int(cell & 0xFFFF_FFFF)]
    }

    /// Makes room for more rows; the rows stay.
    mutating func grow(to larger: Int) {
        cells.append(contentsOf: repeatElement(Self.null, count: columns.count * (larger - capacity)))
        lines.append(contentsOf: repeatElement(0, count: larger - capacity))
        hashes.append(contentsOf: repeatElement(0, count: larger - capacity))
        capacity = larger
    }

    mutating func removeAll() {
        count = 0
        arenaUsed = 0
    }
}

/// One line that could not be typed. The rest of its file goes on.
package struct Reject: Hashable, Sendable {
    /// Record number in the raw file; the header is 1.
    package let line: Int64
    /// Offset in the raw file of the first byte of the offending field, or of the line.
    package let byteOffset: Int64
    /// Name of the staged column; empty when the line as a whole is wrong.
    package let column: String
    /// The offending bytes, at most 64, made valid UTF-8.
    package let value: String
    /// Short stable code, for example `not_a_day`.
    package let reason: String
    /// What would have been right, in words.
    package let expected: String
}

/// Takes what the cleaner makes. Rejects and rows each arrive in file order; a batch is only valid during the call unless it is copied.
package protocol RowSink {
    /// Takes typed rows.
    mutating func take(_ batch: StagedBatch) throws
    /// Takes rejected lines.
    mutating func take(_ rejects: [Reject]) throws
}

/// The 3_staging file: UTF-8, comma, `\n`, quotes only where needed, empty for null.
package enum StagingCSV {
    /// The heading line of a contract's staging file.
    package static func header(_ contract: Contract) -> [UInt8] {
        var out: [UInt8] = []
        for (index, column) in contract.columns.enumerated() {
            if index > 0 { out.append(UInt8(ascii: ",")) }
            append(field: Array(column.name.utf8)[...], to: &out)
        }
        out.append(UInt8(ascii: "\n"))
        return out
    }

    /// Appends one line a row. Days are `YYYY-MM-DD`, months `YYYY-MM`, nano numbers have as few digits as say the same
    /// (`0.00018304`, `-1`).
    package static func append(_ batch: StagedBatch, to out: inout [UInt8]) {
        var writer = CSVWriter()
        unsafe writer.append(batch, to: &out)
    }

    static func append(field bytes: ArraySlice<UInt8>, to out: inout [UInt8]) {
        let special = bytes.contains { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "\"") || $0 == 10 || $0 == 13 }
        guard special else {
            out.append(contentsOf: bytes)
            return
        }
        out.append(UInt8(ascii: "\""))
        for byte in bytes {
            if byte == UInt8(ascii: "\"") { out.append(byte) }
            out.append(byte)
        }
        out.append(UInt8(ascii: "\""))
    }
}

/// Writes cells through a bare pointer: two million rows pass here, and `Array.append` a byte costs four times as much.
private struct CSVWriter {
    private var lastDay = StagedBatch.null
    private var lastDayText: (UInt64, UInt16) = (0, 0)

    @unsafe mutating func append(_ batch: StagedBatch, to out: inout [UInt8]) {
        let width = batch.columns.count
        let kinds = batch.columns.map(\.type)
        let texts = kinds.indices.filter { kinds[$0] == .text }
        var row = 0
        while row < batch.count {
            // A slice of rows at a time, sized by its worst case, so that the room is checked once and stays in the cache.
            var end = row
            var bound = 64
            while end < batch.count, bound < 1 << 16 {
                bound &+= 32 &* width &+ 80 &* texts.count
                for column in texts {
                    let cell = batch.cells[end &* width &+ column]
                    bound &+= cell == StagedBatch.null ? 0 : 2 &* Int(cell & 0xFFFF_FFFF)
                }
                end += 1
            }
            unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: bound) { buffer in
                guard let base = buffer.baseAddress else { return }
                let count = unsafe write(batch, row..<end, kinds, to: base)
                unsafe out.append(contentsOf: UnsafeBufferPointer(start: base, count: count))
            }
            row = end
        }
    }

    @unsafe private mutating func write(
        _ batch: StagedBatch, _ rows: Range<Int>, _ kinds: [ColumnType], to base: UnsafeMutablePointer<UInt8>
    ) -> Int {
        let width = kinds.count
        var p = unsafe base
        unsafe batch.arena.withUnsafeBufferPointer { arena in
            for row in rows {
                for column in 0..<width {
                    if column > 0 { unsafe put(UInt8(ascii: ","), &p) }
                    let cell = batch.cells[row &* width &+ column]
                    if cell == StagedBatch.null { continue }
                    switch kinds[column] {
                    case .text:
                        let start = Int(cell >> 32)
                        unsafe text(UnsafeBufferPointer(rebasing: arena[start..<start + Int(cell & 0xFFFF_FFFF)]), &p)
                    case .day: unsafe day(cell, &p)
                    case .month: unsafe month(cell, &p)
                    case .integer, .flag: unsafe integer(cell, &p)
                    case .money, .decimal: unsafe nano(cell, &p)
                    }
                }
                unsafe put(UInt8(ascii: "\n"), &p)
            }
        }
        return unsafe p - base
    }

    @inline(__always) private func put(_ byte: UInt8, _ p: inout UnsafeMutablePointer<UInt8>) {
        unsafe p.pointee = byte
        unsafe p += 1
    }

    @inline(__always) private func text(_ bytes: UnsafeBufferPointer<UInt8>, _ p: inout UnsafeMutablePointer<UInt8>) {
        guard let source = bytes.baseAddress, bytes.count > 0 else { return }
        // The arena and the output have spare bytes, so whole blocks are looked at and copied.
        var special: UInt64 = 0
        var at = 0
        while at < bytes.count {
            let left = bytes.count &- at
            let found = unsafe scan_mask64(source + at, UInt8(ascii: ","), UInt8(ascii: "\""), 10, 13)
            special |= left < 64 ? found & ((1 << UInt64(truncatingIfNeeded: left)) &- 1) : found
            at &+= 64
        }
        if special == 0 {
            let from = unsafe UnsafeRawPointer(source)
            let to = UnsafeMutableRawPointer(p)
            at = 0
            while at < bytes.count {
                let first = unsafe from.loadUnaligned(fromByteOffset: at, as: UInt64.self)
                let second = unsafe from.loadUnaligned(fromByteOffset: at &+ 8, as: UInt64.self)
                unsafe to.storeBytes(of: first, toByteOffset: at, as: UInt64.self)
                unsafe to.storeBytes(of: second, toByteOffset: at &+ 8, as: UInt64.self)
                at &+= 16
            }
            unsafe p += bytes.count
            return
        }
        unsafe put(UInt8(ascii: "\""), &p)
        for i in 0..<bytes.count {
            let byte = unsafe source[i]
            if byte == UInt8(ascii: "\"") { unsafe put(byte, &p) }
            unsafe put(byte, &p)
        }
        unsafe put(UInt8(ascii: "\""), &p)
    }

    @inline(__always) private mutating func day(_ value: Int64, _ p: inout UnsafeMutablePointer<UInt8>) {
        if value != lastDay {
            let date = CalendarDay.civil(value)
            guard (0...9_999).contains(date.year) else {
                for byte in CalendarDay.text(day: value).utf8 { unsafe put(byte, &p) }
                return
            }
            var low: UInt64 = 0
            let y = UInt64(date.year)
            let m = UInt64(date.month)
            let d = UInt64(date.day)
            let bytes = (y / 1_000, y / 100 % 10, y / 10 % 10, y % 10, m / 10, m % 10, d / 10, d % 10)
            low = (48 + bytes.0) | (48 + bytes.1) << 8 | (48 + bytes.2) << 16 | (48 + bytes.3) << 24
            low |= 45 << 32 | (48 + bytes.4) << 40 | (48 + bytes.5) << 48 | 45 << 56
            lastDayText = (low, UInt16(48 + bytes.6) | UInt16(48 + bytes.7) << 8)
            lastDay = value
        }
        unsafe UnsafeMutableRawPointer(p).storeBytes(of: lastDayText.0.littleEndian, as: UInt64.self)
        unsafe UnsafeMutableRawPointer(p + 8).storeBytes(of: lastDayText.1.littleEndian, as: UInt16.self)
        unsafe p += 10
    }

    @inline(__always) private func month(_ value: Int64, _ p: inout UnsafeMutablePointer<UInt8>) {
        let year = value >= 0 ? value / 12 : -1
        guard (0...9_999).contains(year) else {
            for byte in CalendarDay.text(month: value).utf8 { unsafe put(byte, &p) }
            return
        }
        let month = value - year * 12 + 1
        unsafe put(48 + UInt8(year / 1_000), &p)
        unsafe put(48 + UInt8(year / 100 % 10), &p)
        unsafe put(48 + UInt8(year / 10 % 10), &p)
        unsafe put(48 + UInt8(year % 10), &p)
        unsafe put(UInt8(ascii: "-"), &p)
        unsafe put(48 + UInt8(month / 10), &p)
        unsafe put(48 + UInt8(month % 10), &p)
    }

    @inline(__always) private func integer(_ value: Int64, _ p: inout UnsafeMutablePointer<UInt8>) {
        if value < 0 { unsafe put(UInt8(ascii: "-"), &p) }
        unsafe digits(value.magnitude, &p)
    }

    @inline(__always) private func digits(_ value: UInt64, _ p: inout UnsafeMutablePointer<UInt8>) {
        if value < 10 {
            unsafe put(48 &+ UInt8(truncatingIfNeeded: value), &p)
            return
        }
        var width = 1
        var bound: UInt64 = 10
        while value >= bound {
            width &+= 1
            if width == 20 { break }
            bound = bound &* 10
        }
        var rest = value
        var at = width
        while at > 0 {
            at &-= 1
            unsafe p[at] = 48 &+ UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
        unsafe p += width
    }

    @inline(__always) private func three(_ value: UInt64, _ p: UnsafeMutablePointer<UInt8>) {
        unsafe p[0] = 48 &+ UInt8(truncatingIfNeeded: value / 100)
        unsafe p[1] = 48 &+ UInt8(truncatingIfNeeded: value / 10 % 10)
        unsafe p[2] = 48 &+ UInt8(truncatingIfNeeded: value % 10)
    }

    @inline(__always) private func nano(_ value: Int64, _ p: inout UnsafeMutablePointer<UInt8>) {
        if value < 0 { unsafe put(UInt8(ascii: "-"), &p) }
        let magnitude = value.magnitude
        unsafe digits(magnitude / 1_000_000_000, &p)
        let fraction = magnitude % 1_000_000_000
        guard fraction != 0 else { return }
        unsafe put(UInt8(ascii: "."), &p)
        // Three groups of three, so that the divisions do not wait for one another.
        let groups = (fraction / 1_000_000, fraction / 1_000 % 1_000, fraction % 1_000)
        unsafe three(groups.0, p)
        unsafe three(groups.1, p + 3)
        unsafe three(groups.2, p + 6)
        var length = 9
        while unsafe p[length - 1] == 48 { length &-= 1 }
        unsafe p += length
    }
}

/// Rejected lines as NDJSON, keys sorted, one object a line.
package enum RejectNDJSON {
    /// Appends one line.
    package static func append(_ reject: Reject, to out: inout [UInt8]) {
        out.append(contentsOf: "{\"byte\":\(reject.byteOffset),\"column\":".utf8)
        append(string: reject.column, to: &out)
        out.append(contentsOf: ",\"expected\":".utf8)
        append(string: reject.expected, to: &out)
        out.append(contentsOf: ",\"line\":\(reject.line),\"reason\":".utf8)
        append(string: reject.reason, to: &out)
        out.append(contentsOf: ",\"value\":".utf8)
        append(string: reject.value, to: &out)
        out.append(contentsOf: "}\n".utf8)
    }

    private static func append(string: String, to out: inout [UInt8]) {
        let hex = Array("0123456789abcdef".utf8)
        out.append(UInt8(ascii: "\""))
        for byte in string.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): out.append(contentsOf: [UInt8(ascii: "\\"), byte])
            case 8: out.append(contentsOf: "\\b".utf8)
            case 9: out.append(contentsOf: "\\t".utf8)
            case 10: out.append(contentsOf: "\\n".utf8)
            case 12: out.append(contentsOf: "\\f".utf8)
            case 13: out.append(contentsOf: "\\r".utf8)
            case 0..<32:
                out.append(contentsOf: "\\u00".utf8)
                out.append(hex[Int(byte >> 4)])
                out.append(hex[Int(byte & 15)])
            default: out.append(byte)
            }
        }
        out.append(UInt8(ascii: "\""))
    }
}
