import Crypto

/// A SHA-256 value: the id of an event or the name of an object.
///
/// Stored as four words, so it is copied, compared and hashed without memory of its own. Ordering is that of the bytes.
package struct Hash256: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The four big-endian words of the value.
    private let word0, word1, word2, word3: UInt64

    /// Sixty-four zero digits: the `prev` of the first event.
    package static let zero = Hash256(0, 0, 0, 0)

    private init(_ word0: UInt64, _ word1: UInt64, _ word2: UInt64, _ word3: UInt64) {
        self.word0 = word0
        self.word1 = word1
        self.word2 = word2
        self.word3 = word3
    }

    /// Hashes bytes in memory.
    package init(hashing bytes: UnsafeRawBufferPointer) {
        var hasher = SHA256()
        unsafe hasher.update(bufferPointer: bytes)
        self.init(digest: hasher.finalize())
    }

    /// Hashes the bytes of an array.
    package init(hashing bytes: [UInt8]) {
        self = unsafe bytes.withUnsafeBytes { unsafe Hash256(hashing: $0) }
    }

    fileprivate init(digest: SHA256Digest) {
        self = unsafe digest.withUnsafeBytes { unsafe Hash256(raw: $0) }
    }

    /// Takes the 32 bytes of a stored value as they are.
    init(raw: UnsafeRawBufferPointer) {
        precondition(raw.count >= 32, "a hash needs 32 bytes")
        unsafe self.init(
            UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: 0, as: UInt64.self)),
            UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: 8, as: UInt64.self)),
            UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: 16, as: UInt64.self)),
            UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: 24, as: UInt64.self)))
    }

    /// Reads 64 lower-case hexadecimal digits; nil for anything else, upper case included.
    package init?(hex: some StringProtocol) {
        self.init(hexDigits: Array(hex.utf8))
    }

    init?(hexDigits digits: [UInt8]) {
        self.init(hexDigits: digits.span)
    }

    /// Reads 64 lower-case digits.
    init?(hexDigits digits: Span<UInt8>) {
        guard digits.count == 64 else { return nil }
        guard let word0 = Self.word(digits, 0), let word1 = Self.word(digits, 16), let word2 = Self.word(digits, 32),
            let word3 = Self.word(digits, 48)
        else { return nil }
        self.init(word0, word1, word2, word3)
    }

    /// The value of the sixteen digits at `offset`.
    private static func word(_ digits: Span<UInt8>, _ offset: Int) -> UInt64? {
        guard let high = half(digits, offset), let low = half(digits, offset + 8) else { return nil }
        return UInt64(high) << 32 | UInt64(low)
    }

    /// Eight digits at once; they are right exactly if writing the value gives them back.
    private static func half(_ digits: Span<UInt8>, _ offset: Int) -> UInt32? {
        precondition(offset >= 0 && offset + 8 <= digits.count, "eight digits are read")
        let text = UInt64(bigEndian: unsafe digits.bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
        let letters = text >> 6 & 0x0101_0101_0101_0101
        var value = (text & 0x0F0F_0F0F_0F0F_0F0F) &+ letters &* 9 & 0x0F0F_0F0F_0F0F_0F0F
        value = (value | value >> 4) & 0x00FF_00FF_00FF_00FF
        value = (value | value >> 8) & 0x0000_FFFF_0000_FFFF
        value = (value | value >> 16) & 0x0000_0000_FFFF_FFFF
        let half = UInt32(truncatingIfNeeded: value)
        return digitText(half) == text ? half : nil
    }

    /// The 64 lower-case digits.
    package var hex: String {
        var digits: [UInt8] = []
        digits.reserveCapacity(64)
        appendHex(to: &digits)
        return String(decoding: digits, as: UTF8.self)
    }

    /// The 32 bytes.
    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(32)
        for word in [word0, word1, word2, word3] {
            for shift in stride(from: 56, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(shift))) }
        }
        return bytes
    }

    /// The same as ``hex``.
    package var description: String { hex }

    /// By the bytes, the first being the most significant.
    package static func < (left: Hash256, right: Hash256) -> Bool {
        (left.word0, left.word1, left.word2, left.word3) < (right.word0, right.word1, right.word2, right.word3)
    }

    func appendHex(to buffer: inout [UInt8]) {
        Self.appendHex(word0, to: &buffer)
        Self.appendHex(word1, to: &buffer)
        Self.appendHex(word2, to: &buffer)
        Self.appendHex(word3, to: &buffer)
    }

    /// Eight digits at a time: spreads the nibbles of half a word over eight bytes, then turns each into its digit.
    private static func appendHex(_ word: UInt64, to buffer: inout [UInt8]) {
        appendHex(half: UInt32(truncatingIfNeeded: word >> 32), to: &buffer)
        appendHex(half: UInt32(truncatingIfNeeded: word), to: &buffer)
    }

    private static func appendHex(half: UInt32, to buffer: inout [UInt8]) {
        unsafe withUnsafeBytes(of: digitText(half).bigEndian) { unsafe buffer.append(contentsOf: $0) }
    }

    /// The eight digits of half a word, the first in the highest byte.
    private static func digitText(_ half: UInt32) -> UInt64 {
        var spread = UInt64(half)
        spread = (spread | spread << 16) & 0x0000_FFFF_0000_FFFF
        spread = (spread | spread << 8) & 0x00FF_00FF_00FF_00FF
        spread = (spread | spread << 4) & 0x0F0F_0F0F_0F0F_0F0F
        let letters = (spread &+ 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
        return spread &+ 0x3030_3030_3030_3030 &+ letters &* 0x27
    }

    /// Writes the 32 bytes at the start of `target`.
    func store(to target: UnsafeMutableRawBufferPointer) {
        unsafe target.storeBytes(of: word0.bigEndian, toByteOffset: 0, as: UInt64.self)
        unsafe target.storeBytes(of: word1.bigEndian, toByteOffset: 8, as: UInt64.self)
        unsafe target.storeBytes(of: word2.bigEndian, toByteOffset: 16, as: UInt64.self)
        unsafe target.storeBytes(of: word3.bigEndian, toByteOffset: 24, as: UInt64.self)
    }
}

/// SHA-256 over bytes that arrive in pieces.
package struct Hasher256 {
    private var state = SHA256()

    /// Starts with no bytes.
    package init() {}

    /// Adds bytes in memory.
    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        unsafe state.update(bufferPointer: bytes)
    }

    /// Adds the bytes of an array.
    package mutating func update(_ bytes: [UInt8]) {
        unsafe bytes.withUnsafeBytes { unsafe state.update(bufferPointer: $0) }
    }

    /// The hash of all bytes added so far; more may follow.
    package func finalize() -> Hash256 {
        Hash256(digest: state.finalize())
    }
}
