/// Decimal numbers from bytes: never through a floating point type.
package enum PlainNumber {
    static let notPlain = Int64.min

    /// What a text says as a number.
    package enum Result: Hashable, Sendable {
        /// The value in units of 10^−scale, and whether no digit was lost.
        case value(Int64, exact: Bool)
        /// Too large for 64 bits.
        case overflow
        /// Not a plain decimal number.
        case malformed
    }

    /// Reads `-1234.5678`: an optional minus, digits, at most one point. Spaces around are ignored, digits beyond `scale` are rounded
    /// half-even.
    ///
    /// With a thousands separator, groups must be complete (`1,234,567`).
    package static func parse(_ text: [UInt8], scale: Int, thousands: UInt8? = nil) -> Result {
        var bytes = trimmed(text)[...]
        let negative = bytes.first == UInt8(ascii: "-")
        if negative { bytes = bytes.dropFirst() }
        let point = bytes.firstIndex(of: UInt8(ascii: "."))
        var whole = Array(bytes[..<(point ?? bytes.endIndex)])
        let fraction = point.map { bytes[($0 + 1)...] } ?? []
        if let thousands, whole.contains(thousands) {
            let groups = whole.split(separator: thousands, omittingEmptySubsequences: false)
            guard (1...3).contains(groups[0].count), groups.dropFirst().allSatisfy({ $0.count == 3 }) else { return .malformed }
            whole = Array(groups.joined())
        }
        guard !whole.isEmpty, point == nil || (!fraction.isEmpty && scale > 0) else { return .malformed }
        guard whole.allSatisfy({ $0 &- 48 < 10 }), fraction.allSatisfy({ $0 &- 48 < 10 }) else { return .malformed }
        var value: UInt64 = 0
        for index in 0..<(whole.count + scale) {
            let digit: UInt8
            if index < whole.count {
                digit = whole[index] &- 48
            } else {
                let at = fraction.startIndex + index - whole.count
                digit = at < fraction.endIndex ? fraction[at] &- 48 : 0
            }
            let (tens, first) = value.multipliedReportingOverflow(by: 10)
            let (sum, second) = tens.addingReportingOverflow(UInt64(digit))
            guard !first, !second else { return .overflow }
            value = sum
        }
        let lost = fraction.dropFirst(scale)
        let exact = lost.allSatisfy { $0 == 48 }
        if !exact, let first = lost.first {
            let half = first == 53 && lost.dropFirst().allSatisfy { $0 == 48 }
            if first > 53 || (first == 53 && !half) || (half && value % 2 == 1) {
                guard value < UInt64(Int64.max) else { return .overflow }
                value += 1
            }
        }
        guard value <= UInt64(Int64.max) else { return .overflow }
        return .value(negative ? -Int64(value) : Int64(value), exact: exact)
    }

    private static let zeros: UInt64 = 0x3030_3030_3030_3030
    private static let high: UInt64 = 0xF0F0_F0F0_F0F0_F0F0

    @inline(__always) private static func areDigits(_ word: UInt64) -> Bool {
        (word & high) | (((word &+ 0x0606_0606_0606_0606) & high) >> 4) == 0x3333_3333_3333_3333
    }

    /// Eight ASCII digits, the first in the lowest byte.
    @inline(__always) private static func eight(_ word: UInt64) -> UInt64 {
        let digits = word &- zeros
        let pairs = digits &* 10 &+ (digits >> 8)
        let left = (pairs & 0x0000_00FF_0000_00FF) &* 0x000F_4240_0000_0064
        let right = ((pairs >> 16) & 0x0000_00FF_0000_00FF) &* 0x0000_2710_0000_0001
        return (left &+ right) >> 32
    }

    /// The first `count` (1...8) bytes, then zeros: digits aligned to the left.
    @inline(__always) private static func left(_ word: UInt64, _ count: Int) -> UInt64 {
        let kept = UInt64.max &>> UInt64(truncatingIfNeeded: 64 &- 8 &* count)
        return (word & kept) | (zeros & ~kept)
    }

    /// The first `count` (1...8) bytes, zeros before them: digits aligned to the right.
    @inline(__always) private static func right(_ word: UInt64, _ count: Int) -> UInt64 {
        let shift = UInt64(truncatingIfNeeded: 64 &- 8 &* count)
        return (word &<< shift) | (zeros & ((1 &<< shift) &- 1))
    }

    /// A whole number of up to eight digits; ``notPlain`` for everything else. Reads 8 bytes from `p + 1`.
    @inline(__always) @unsafe static func integer(_ p: UnsafeRawPointer, _ length: Int) -> Int64 {
        let minus = unsafe p.load(as: UInt8.self) == UInt8(ascii: "-")
        let count = minus ? length &- 1 : length
        guard count >= 1, count <= 8 else { return notPlain }
        let word = right(unsafe UInt64(littleEndian: p.loadUnaligned(fromByteOffset: minus ? 1 : 0, as: UInt64.self)), count)
        guard areDigits(word) else { return notPlain }
        let value = Int64(truncatingIfNeeded: eight(word))
        return minus ? 0 &- value : value
    }

    /// A number of up to seven digits before and up to sixteen after the point, exact in nano units; ``notPlain`` for everything else.
    @inline(__always) @unsafe static func nano(_ p: UnsafeRawPointer, _ length: Int) -> Int64 {
        let minus = unsafe p.load(as: UInt8.self) == UInt8(ascii: "-")
        let start = minus ? 1 : 0
        let count = length &- start
        guard count >= 1 else { return notPlain }
        let head = unsafe UInt64(littleEndian: p.loadUnaligned(fromByteOffset: start, as: UInt64.self))
        let signs = head ^ zeros
        let others = ((signs &+ 0x7676_7676_7676_7676) | signs) & 0x8080_8080_8080_8080
        let digits = min(others.trailingZeroBitCount >> 3, count)
        guard digits >= 1, digits <= 7 else { return notPlain }
        var value = Int64(truncatingIfNeeded: eight(right(head, digits))) &* 1_000_000_000
        if digits < count {
            let decimals = count &- digits &- 1
            guard decimals >= 1, decimals <= 16, unsafe p.load(fromByteOffset: start &+ digits, as: UInt8.self) == UInt8(ascii: ".") else {
                return notPlain
            }
            let at = start &+ digits &+ 1
            let first = left(unsafe UInt64(littleEndian: p.loadUnaligned(fromByteOffset: at, as: UInt64.self)), min(decimals, 8))
            guard areDigits(first) else { return notPlain }
            var fraction = eight(first) &* 10
            if decimals > 8 {
                let second = left(unsafe UInt64(littleEndian: p.loadUnaligned(fromByteOffset: at &+ 8, as: UInt64.self)), decimals &- 8)
                guard areDigits(second) else { return notPlain }
                let tail = eight(second)
                // Digits that would be lost are left to the exact path.
                guard tail % 10_000_000 == 0 else { return notPlain }
                fraction &+= tail / 10_000_000
            }
            value &+= Int64(truncatingIfNeeded: fraction)
        }
        return minus ? 0 &- value : value
    }
}
