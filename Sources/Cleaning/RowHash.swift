/// The stable content hash of a typed row.
///
/// Each cell that is not null adds one word, keyed by the column's *name*: so neither the order of columns, nor a new column without
/// values, nor where a text lies in the arena changes a hash. A number `v` adds `fold(v ^ a, rotl(v, 32) ^ b)`; a text starts from
/// `a ^ length * k`, takes its bytes as pairs of little-endian words (the last pair zero-padded) by `t = fold(t ^ first, b ^ second)`
/// and adds `t`.
/// The row is `fold(sum ^ c, d) >> 1`. `fold(x, y)` is the high half of the 128-bit product exclusive-or its low half.
/// It guards against accidents, not against an adversary. It is frozen: stored digests depend on it.
package struct RowHash: Sendable {
    static let lengthKey: UInt64 = 0xA076_1D64_78BD_642F
    static let lastA: UInt64 = 0xE703_7ED1_A0B4_28DB
    static let lastB: UInt64 = 0x8EBC_6AF0_9C88_C6E3

    private let keys: [(a: UInt64, b: UInt64)]

    /// The hash of rows with these columns.
    package init(_ names: [String]) {
        keys = names.map(Self.keys)
    }

    /// The two keys of a column: FNV-1a of its name, each stirred once.
    static func keys(_ name: String) -> (a: UInt64, b: UInt64) {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        return (fold(hash ^ lastB, lengthKey), fold(hash ^ lengthKey, lastA))
    }

    @inline(__always) static func fold(_ x: UInt64, _ y: UInt64) -> UInt64 {
        let product = x.multipliedFullWidth(by: y)
        return product.high ^ product.low
    }

    @inline(__always) static func number(_ value: Int64, _ a: UInt64, _ b: UInt64) -> UInt64 {
        let v = UInt64(bitPattern: value)
        return fold(v ^ a, (v << 32 | v >> 32) ^ b)
    }

    @inline(__always) static func last(_ sum: UInt64) -> UInt64 {
        fold(sum ^ lastA, lastB) >> 1
    }

    /// The hash of one row of a batch.
    package func of(_ row: Int, in batch: StagedBatch) -> UInt64 {
        var sum: UInt64 = 0
        for (column, key) in keys.enumerated() {
            let cell = batch.cell(row, column)
            guard cell != StagedBatch.null else { continue }
            guard batch.columns[column].type == .text else {
                sum &+= Self.number(cell, key.a, key.b)
                continue
            }
            let text = batch.text(row, column)
            var hash = key.a ^ UInt64(text.count) &* Self.lengthKey
            var at = text.startIndex
            func word(_ from: Int) -> UInt64 {
                let bytes = text[min(from, text.endIndex)..<min(from + 8, text.endIndex)]
                return bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
            }
            while at < text.endIndex {
                hash = Self.fold(hash ^ word(at), key.b ^ word(at + 8))
                at += 16
            }
            sum &+= hash
        }
        return Self.last(sum)
    }
}
