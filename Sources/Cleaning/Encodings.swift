/// Decides what the bytes are: UTF-16 by its mark where the contract allows it, strict UTF-8 if all bytes are, else CP1252 if the contract
/// allows it. Zero bytes are refused.
struct EncodingJudge {
    let allowsUTF16: Bool
    private var seen = 0
    private var head: [UInt8] = []
    private var wide: String?
    private var validator = UTF8Check()

    init(allowsUTF16: Bool) { self.allowsUTF16 = allowsUTF16 }

    mutating func look(_ piece: [UInt8]) throws(CleaningError) {
        if head.count < 3 { head.append(contentsOf: piece.prefix(3 - head.count)) }
        if seen == 0, piece.count >= 2, piece[0] ^ piece[1] == 1, piece[0] >= 0xFE {
            guard allowsUTF16 else {
                throw CleaningError("utf_16", "the file is UTF-16", byte: 0, remedy: "export it as CSV in UTF-8")
            }
            wide = piece[0] == 0xFF ? "utf-16le" : "utf-16be"
        }
        defer { seen += piece.count }
        guard wide == nil else { return }
        if let zero = piece.firstIndex(of: 0) {
            throw CleaningError(
                "binary", "the file holds a zero byte, so it is no text", byte: Int64(seen + zero), remedy: "check what was exported")
        }
        validator.look(piece, at: seen)
    }

    mutating func decide(_ contract: Contract) throws(CleaningError) -> (name: String, skip: Int) {
        guard seen > 0 else { throw CleaningError("empty_file", "the file is empty", byte: 0, remedy: "export the file again") }
        if let wide { return (wide, 2) }
        validator.end(at: seen)
        if let bad = validator.firstBad {
            guard contract.encodings.contains(.windows1252) else {
                throw CleaningError(
                    "not_utf_8", "the file is not UTF-8", byte: Int64(bad), remedy: "export it again, or save it as UTF-8")
            }
            return ("windows-1252", 0)
        }
        return head == [0xEF, 0xBB, 0xBF] ? ("utf-8-bom", 3) : ("utf-8", 0)
    }
}

/// UTF-16 to UTF-8, piece by piece; a lone surrogate or half a unit is an error, not a replacement.
struct UTF16Decoder {
    let bigEndian: Bool
    private var half: UInt8?
    private var high: UInt32?
    private var seen = 2

    init(bigEndian: Bool) { self.bigEndian = bigEndian }

    mutating func decode(_ bytes: some Sequence<UInt8>, to out: inout [UInt8]) throws(CleaningError) {
        for byte in bytes {
            seen += 1
            guard let first = half else {
                half = byte
                continue
            }
            half = nil
            let unit = bigEndian ? UInt32(first) << 8 | UInt32(byte) : UInt32(byte) << 8 | UInt32(first)
            var scalar = unit
            switch (high, unit) {
            case (nil, 0xD800..<0xDC00):
                high = unit
                continue
            case (let lead?, 0xDC00..<0xE000): scalar = 0x1_0000 + (lead - 0xD800) << 10 + (unit - 0xDC00)
            case (nil, 0xDC00..<0xE000), (.some, _), (nil, 0): throw broken()
            default: break
            }
            high = nil
            guard let character = Unicode.Scalar(scalar) else { throw broken() }
            out.append(contentsOf: UTF8.encode(character) ?? UTF8.encodedReplacementCharacter)
        }
    }

    func end() throws(CleaningError) {
        guard half == nil, high == nil else { throw broken() }
    }

    private func broken() -> CleaningError {
        CleaningError(
            "not_utf_16", "the file is cut off or no UTF-16", byte: Int64(max(0, seen - 2)), remedy: "export the file again")
    }
}

/// Checks UTF-8 piece by piece: shortest forms only, no surrogates, nothing above U+10FFFF.
struct UTF8Check {
    /// Offset of the first byte that cannot be.
    private(set) var firstBad: Int?
    private var pending = 0
    private var low: UInt8 = 0x80
    private var high: UInt8 = 0xBF

    mutating func look(_ piece: [UInt8], at offset: Int) {
        guard firstBad == nil else { return }
        unsafe piece.withUnsafeBytes { bytes in
            var at = 0
            while at < bytes.count {
                if pending == 0, at &+ 8 <= bytes.count,
                    unsafe bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self) & 0x8080_8080_8080_8080 == 0
                {
                    at &+= 8
                    continue
                }
                let byte = unsafe bytes[at]
                if pending > 0 {
                    guard byte >= low, byte <= high else {
                        firstBad = offset + at
                        return
                    }
                    pending &-= 1
                    low = 0x80
                    high = 0xBF
                } else if byte >= 0x80 {
                    switch byte {
                    case 0xC2...0xDF: pending = 1
                    case 0xE0...0xEF:
                        pending = 2
                        if byte == 0xE0 { low = 0xA0 }
                        if byte == 0xED { high = 0x9F }
                    case 0xF0...0xF4:
                        pending = 3
                        if byte == 0xF0 { low = 0x90 }
                        if byte == 0xF4 { high = 0x8F }
                    default:
                        firstBad = offset + at
                        return
                    }
                }
                at &+= 1
            }
        }
    }

    mutating func end(at offset: Int) {
        if firstBad == nil, pending > 0 { firstBad = offset }
    }
}

/// CP1252 to UTF-8; the five bytes it leaves open are the Latin-1 controls, as browsers read them.
enum Windows1252 {
    private static let specials: [UInt32] = [
        0x20AC, 0x81, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8D, 0x017D, 0x8F, 0x90,
        0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D, 0x017E, 0x0178,
    ]

    static func decode(_ bytes: some Sequence<UInt8>, to out: inout [UInt8]) {
        for byte in bytes {
            guard byte >= 0x80 else {
                out.append(byte)
                continue
            }
            let scalar = byte < 0xA0 ? specials[Int(byte) - 0x80] : UInt32(byte)
            if scalar < 0x800 {
                out.append(0xC0 | UInt8(scalar >> 6))
            } else {
                out.append(0xE0 | UInt8(scalar >> 12))
                out.append(0x80 | UInt8(scalar >> 6 & 0x3F))
            }
            out.append(0x80 | UInt8(scalar & 0x3F))
        }
    }
}
