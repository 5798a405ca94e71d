import Glibc

/// A JSON value of the kind events hold: integers within ±(2⁵³−1), strings, no floating point.
///
/// Larger or fractional numbers travel as strings. Object keys are compared as Swift strings, so two keys that differ only in their
/// Unicode normal form count as the same key and are refused.
package enum JSON: Hashable, Sendable {
    case null
    case bool(Bool)
    case int(Int64)
    case string(String)
    case array([JSON])
    case object([String: JSON])

    /// The largest integer that every JSON reader keeps exactly.
    package static let maxInteger: Int64 = 9_007_199_254_740_991
    /// How deep arrays and objects may nest.
    package static let maxDepth = 64
}

/// Why bytes are not JSON of our kind, or a value has no canonical form.
package struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was wrong.
    package enum Code: String, Sendable {
        case syntax, trailingBytes, fraction, integerRange, duplicateKey, keyOrder, escape, utf8, depth, notCanonical
    }

    /// What was wrong.
    package let code: Code
    /// The byte where it was found; -1 when a value was being written.
    package let offset: Int
    /// One sentence for a person.
    package let message: String

    /// The message with its place.
    package var description: String { offset < 0 ? message : "\(message) (byte \(offset))" }

    init(_ code: Code, at offset: Int, _ message: String) {
        self.code = code
        self.offset = offset
        self.message = message
    }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral,
    ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
    /// A string.
    package init(stringLiteral value: String) { self = .string(value) }
    /// An integer; outside ±(2⁵³−1) it has no canonical form.
    package init(integerLiteral value: Int64) { self = .int(value) }
    /// A boolean.
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    /// An array.
    package init(arrayLiteral elements: JSON...) { self = .array(elements) }
    /// An object; of a key given twice the last value counts.
    package init(dictionaryLiteral elements: (String, JSON)...) {
        self = .object(Dictionary(elements, uniquingKeysWith: { _, last in last }))
    }
    /// JSON's null.
    package init(nilLiteral: ()) { self = .null }
}

extension JSON {
    /// The member of an object; nil for a missing key and for any other value. Assigning makes an object of a non-object.
    package subscript(key: String) -> JSON? {
        get { object?[key] }
        set {
            var members = object ?? [:]
            members[key] = newValue
            self = .object(members)
        }
    }

    /// The text of a string.
    package var string: String? { if case .string(let value) = self { value } else { nil } }
    /// The value of an integer.
    package var int: Int64? { if case .int(let value) = self { value } else { nil } }
    /// The value of a boolean.
    package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    /// The elements of an array.
    package var array: [JSON]? { if case .array(let value) = self { value } else { nil } }
    /// The members of an object.
    package var object: [String: JSON]? { if case .object(let value) = self { value } else { nil } }
}

// MARK: - Writing

extension JSON {
    /// The one spelling of this value under RFC 8785: no spaces, keys sorted by UTF-16 code units, the shortest escapes.
    ///
    /// - Throws: ``JSONError`` when an integer lies outside ±(2⁵³−1) or the value nests deeper than ``maxDepth``.
    package func canonical() throws(JSONError) -> [UInt8] {
        var bytes: [UInt8] = []
        try append(to: &bytes, depth: 0)
        return bytes
    }

    func append(to bytes: inout [UInt8], depth: Int) throws(JSONError) {
        guard depth <= Self.maxDepth else {
            throw JSONError(.depth, at: -1, "the value nests deeper than \(Self.maxDepth) levels")
        }
        switch self {
        case .null: bytes.append(contentsOf: "null".utf8)
        case .bool(let value): bytes.append(contentsOf: (value ? "true" : "false").utf8)
        case .int(let value):
            guard value.magnitude <= UInt64(Self.maxInteger) else {
                throw JSONError(.integerRange, at: -1, "\(value) lies outside ±(2^53-1); write it as a string")
            }
            JSONText.append(integer: value, to: &bytes)
        case .string(let value): JSONText.append(string: value, to: &bytes)
        case .array(let elements):
            bytes.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                try element.append(to: &bytes, depth: depth + 1)
            }
            bytes.append(UInt8(ascii: "]"))
        case .object(let members):
            bytes.append(UInt8(ascii: "{"))
            var first = true
            for (key, value) in members.sorted(by: { JSONText.precedes($0.key, $1.key) }) {
                if !first { bytes.append(UInt8(ascii: ",")) }
                first = false
                JSONText.append(string: key, to: &bytes)
                bytes.append(UInt8(ascii: ":"))
                try value.append(to: &bytes, depth: depth + 1)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }
}

/// The byte level of JSON: escapes, digits, key order, and the checks that bytes are canonical.
enum JSONText {
    static func append(integer value: Int64, to bytes: inout [UInt8]) {
        if value < 0 { bytes.append(UInt8(ascii: "-")) }
        var rest = value.magnitude
        if rest < 10 { return bytes.append(UInt8(truncatingIfNeeded: rest) + 0x30) }
        let start = bytes.count
        while rest > 0 {
            bytes.append(UInt8(truncatingIfNeeded: rest % 10) + 0x30)
            rest /= 10
        }
        var low = start
        var high = bytes.count - 1
        while low < high {
            bytes.swapAt(low, high)
            low += 1
            high -= 1
        }
    }

    static func append(string: String, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        let text = string.utf8.span
        var plain = true
        for index in text.indices where text[index] < 0x20 || text[index] == 0x22 || text[index] == 0x5C {
            plain = false
            break
        }
        if plain {
            bytes.append(contentsOf: string.utf8)
        } else {
            for index in text.indices { append(escaping: text[index], to: &bytes) }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private static func append(escaping byte: UInt8, to bytes: inout [UInt8]) {
        guard byte < 0x20 || byte == 0x22 || byte == 0x5C else { return bytes.append(byte) }
        bytes.append(0x5C)
        switch byte {
        case 0x08: bytes.append(UInt8(ascii: "b"))
        case 0x09: bytes.append(UInt8(ascii: "t"))
        case 0x0A: bytes.append(UInt8(ascii: "n"))
        case 0x0C: bytes.append(UInt8(ascii: "f"))
        case 0x0D: bytes.append(UInt8(ascii: "r"))
        case 0x22, 0x5C: bytes.append(byte)
        default:
            bytes.append(contentsOf: "u00".utf8)
            bytes.append(byte >> 4 + 0x30)
            bytes.append(byte & 15 < 10 ? byte & 15 + 0x30 : byte & 15 + 0x57)
        }
    }

    /// Whether `left` sorts before `right` by UTF-16 code units.
    static func precedes(_ left: String, _ right: String) -> Bool {
        let left = left.utf8.span
        let right = right.utf8.span
        return precedes(left, right)
    }

    /// UTF-8 order is UTF-16 order but for one case: surrogate pairs (lead bytes F0…F4) come before U+E000…U+FFFF (EE, EF).
    static func precedes(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Bool {
        let shared = min(left.count, right.count)
        var index = 0
        while index < shared, left[index] == right[index] { index += 1 }
        guard index < shared else { return left.count < right.count }
        return rank(left[index]) < rank(right[index])
    }

    private static func rank(_ byte: UInt8) -> UInt8 {
        byte == 0xEE || byte == 0xEF ? byte + 0x10 : byte
    }
}

// MARK: - Reading

extension JSON {
    /// Reads one JSON value that fills all the bytes.
    ///
    /// Spaces between tokens are allowed; fractions, exponents, `-0`, duplicate keys, unpaired surrogates, invalid UTF-8, raw control
    /// characters, trailing bytes and nesting beyond ``maxDepth`` are not.
    package static func parse(_ bytes: [UInt8]) throws(JSONError) -> JSON {
        try parse(bytes.span)
    }

    static func parse(_ bytes: Span<UInt8>) throws(JSONError) -> JSON {
        var at = 0
        let value = try JSONText.value(bytes, &at, depth: 0)
        JSONText.skipSpaces(bytes, &at)
        guard at == bytes.count else { throw JSONError(.trailingBytes, at: at, "bytes follow the JSON value") }
        return value
    }
}

extension JSONText {
    static func skipSpaces(_ bytes: Span<UInt8>, _ at: inout Int) {
        while at < bytes.count, bytes[at] == 0x20 || bytes[at] == 0x0A || bytes[at] == 0x0D || bytes[at] == 0x09 { at += 1 }
    }

    static func value(_ bytes: Span<UInt8>, _ at: inout Int, depth: Int) throws(JSONError) -> JSON {
        guard depth <= JSON.maxDepth else { throw JSONError(.depth, at: at, "the JSON nests deeper than \(JSON.maxDepth) levels") }
        skipSpaces(bytes, &at)
        guard at < bytes.count else { throw JSONError(.syntax, at: at, "the JSON ends where a value should begin") }
        switch bytes[at] {
        case UInt8(ascii: "{"): return try object(bytes, &at, depth: depth)
        case UInt8(ascii: "["): return try array(bytes, &at, depth: depth)
        case UInt8(ascii: "\""): return .string(try string(bytes, &at))
        case UInt8(ascii: "-"), 0x30...0x39: return .int(try integer(bytes, &at))
        case UInt8(ascii: "t"):
            try word("true", bytes, &at)
            return .bool(true)
        case UInt8(ascii: "f"):
            try word("false", bytes, &at)
            return .bool(false)
        case UInt8(ascii: "n"):
            try word("null", bytes, &at)
            return .null
        default: throw JSONError(.syntax, at: at, "a value cannot begin with byte 0x\(String(bytes[at], radix: 16))")
        }
    }

    private static func object(_ bytes: Span<UInt8>, _ at: inout Int, depth: Int) throws(JSONError) -> JSON {
        at += 1
        var members: [String: JSON] = [:]
        skipSpaces(bytes, &at)
        if at < bytes.count, bytes[at] == UInt8(ascii: "}") {
            at += 1
            return .object(members)
        }
        while true {
            skipSpaces(bytes, &at)
            let start = at
            guard at < bytes.count, bytes[at] == UInt8(ascii: "\"") else {
                throw JSONError(.syntax, at: at, "an object key must be a string")
            }
            let key = try string(bytes, &at)
            skipSpaces(bytes, &at)
            try expect(UInt8(ascii: ":"), bytes, &at)
            let value = try value(bytes, &at, depth: depth + 1)
            guard members.updateValue(value, forKey: key) == nil else {
                throw JSONError(.duplicateKey, at: start, "the key \"\(key)\" occurs twice in one object")
            }
            skipSpaces(bytes, &at)
            if at < bytes.count, bytes[at] == UInt8(ascii: ",") {
                at += 1
                continue
            }
            try expect(UInt8(ascii: "}"), bytes, &at)
            return .object(members)
        }
    }

    private static func array(_ bytes: Span<UInt8>, _ at: inout Int, depth: Int) throws(JSONError) -> JSON {
        at += 1
        var elements: [JSON] = []
        skipSpaces(bytes, &at)
        if at < bytes.count, bytes[at] == UInt8(ascii: "]") {
            at += 1
            return .array(elements)
        }
        while true {
            elements.append(try value(bytes, &at, depth: depth + 1))
            skipSpaces(bytes, &at)
            if at < bytes.count, bytes[at] == UInt8(ascii: ",") {
                at += 1
                continue
            }
            try expect(UInt8(ascii: "]"), bytes, &at)
            return .array(elements)
        }
    }

    static func expect(_ byte: UInt8, _ bytes: Span<UInt8>, _ at: inout Int) throws(JSONError) {
        guard at < bytes.count, bytes[at] == byte else {
            throw JSONError(.syntax, at: at, "expected '\(Character(UnicodeScalar(byte)))'")
        }
        at += 1
    }

    static func word(_ word: StaticString, _ bytes: Span<UInt8>, _ at: inout Int) throws(JSONError) {
        let count = word.utf8CodeUnitCount
        let equal = unsafe bytes.bytes.withUnsafeBytes { raw in
            guard let base = raw.baseAddress, at + count <= raw.count else { return false }
            return unsafe memcmp(base + at, word.utf8Start, count) == 0
        }
        guard equal else { throw JSONError(.syntax, at: at, "expected '\(word)'") }
        at += count
    }

    /// Reads a canonical integer: no plus sign, no leading zero, no `-0`, within ±(2⁵³−1).
    static func integer(_ bytes: Span<UInt8>, _ at: inout Int) throws(JSONError) -> Int64 {
        let start = at
        let negative = bytes[at] == UInt8(ascii: "-")
        if negative { at += 1 }
        let digits = at
        var value: Int64 = 0
        while at < bytes.count, bytes[at] >= 0x30, bytes[at] <= 0x39 {
            guard at - digits < 16 else {
                throw JSONError(.integerRange, at: start, "an integer lies outside ±(2^53-1); write it as a string")
            }
            value = value * 10 + Int64(bytes[at] - 0x30)
            at += 1
        }
        guard at > digits else { throw JSONError(.syntax, at: start, "a minus sign without digits") }
        guard bytes[digits] != 0x30 || (at == digits + 1 && !negative) else {
            throw JSONError(.syntax, at: start, "a number may not have leading zeros or be -0")
        }
        if at < bytes.count, bytes[at] == UInt8(ascii: ".") || bytes[at] == UInt8(ascii: "e") || bytes[at] == UInt8(ascii: "E") {
            throw JSONError(.fraction, at: start, "fractions and exponents are not allowed; write the number as a string")
        }
        guard value <= JSON.maxInteger else {
            throw JSONError(.integerRange, at: start, "an integer lies outside ±(2^53-1); write it as a string")
        }
        return negative ? -value : value
    }

    /// Reads a string with its quotes; escapes of any legal spelling are decoded.
    static func string(_ bytes: Span<UInt8>, _ at: inout Int) throws(JSONError) -> String {
        at += 1
        let start = at
        while at < bytes.count, bytes[at] != 0x22, bytes[at] != 0x5C, bytes[at] >= 0x20 { at += 1 }
        guard at < bytes.count else { throw JSONError(.syntax, at: start - 1, "a string is not closed") }
        if bytes[at] == 0x22 {
            at += 1
            return try text(bytes.extracting(start..<at - 1), at: start)
        }
        var decoded: [UInt8] = []
        for index in start..<at { decoded.append(bytes[index]) }
        while at < bytes.count {
            let byte = bytes[at]
            if byte == 0x22 {
                at += 1
                return try text(decoded.span, at: start)
            }
            guard byte >= 0x20 else { throw JSONError(.syntax, at: at, "a raw control character inside a string") }
            if byte == 0x5C {
                try escape(bytes, &at, into: &decoded)
            } else {
                decoded.append(byte)
                at += 1
            }
        }
        throw JSONError(.syntax, at: start - 1, "a string is not closed")
    }

    private static func text(_ bytes: Span<UInt8>, at start: Int) throws(JSONError) -> String {
        do {
            return String(copying: try UTF8Span(validating: bytes))
        } catch {
            throw JSONError(.utf8, at: start + error.byteOffsets.lowerBound, "a string is not valid UTF-8")
        }
    }

    private static func escape(_ bytes: Span<UInt8>, _ at: inout Int, into decoded: inout [UInt8]) throws(JSONError) {
        let start = at
        guard at + 1 < bytes.count else { throw JSONError(.escape, at: at, "an escape is cut off") }
        at += 2
        switch bytes[at - 1] {
        case 0x22, 0x5C, 0x2F: decoded.append(bytes[at - 1])
        case UInt8(ascii: "b"): decoded.append(0x08)
        case UInt8(ascii: "f"): decoded.append(0x0C)
        case UInt8(ascii: "n"): decoded.append(0x0A)
        case UInt8(ascii: "r"): decoded.append(0x0D)
        case UInt8(ascii: "t"): decoded.append(0x09)
        case UInt8(ascii: "u"):
            var code = try fourDigits(bytes, &at)
            if code >= 0xD800, code < 0xDC00, at + 1 < bytes.count, bytes[at] == 0x5C, bytes[at + 1] == UInt8(ascii: "u") {
                at += 2
                let low = try fourDigits(bytes, &at)
                guard low >= 0xDC00, low < 0xE000 else { throw JSONError(.escape, at: start, "half of a surrogate pair is missing") }
                code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = UnicodeScalar(code) else { throw JSONError(.escape, at: start, "half of a surrogate pair is missing") }
            decoded.append(contentsOf: UTF8.encode(scalar).map { Array($0) } ?? [])
        default: throw JSONError(.escape, at: start, "an unknown escape")
        }
    }

    private static func fourDigits(_ bytes: Span<UInt8>, _ at: inout Int) throws(JSONError) -> UInt32 {
        guard at + 4 <= bytes.count else { throw JSONError(.escape, at: at, "a \\u escape is cut off") }
        var code: UInt32 = 0
        for _ in 0..<4 {
            let byte = bytes[at]
            switch byte {
            case 0x30...0x39: code = code << 4 | UInt32(byte - 0x30)
            case 0x41...0x46: code = code << 4 | UInt32(byte - 0x37)
            case 0x61...0x66: code = code << 4 | UInt32(byte - 0x57)
            default: throw JSONError(.escape, at: at, "a \\u escape needs four hexadecimal digits")
            }
            at += 1
        }
        return code
    }
}

// MARK: - Checking

extension JSONText {
    /// Moves past one value and proves that its bytes are canonical, without building it.
    static func checkCanonical(_ bytes: Span<UInt8>, _ at: inout Int, depth: Int) throws(JSONError) {
        guard depth <= JSON.maxDepth else { throw JSONError(.depth, at: at, "the JSON nests deeper than \(JSON.maxDepth) levels") }
        guard at < bytes.count else { throw JSONError(.syntax, at: at, "the JSON ends where a value should begin") }
        switch bytes[at] {
        case UInt8(ascii: "\""): _ = try checkString(bytes, &at)
        case UInt8(ascii: "-"), 0x30...0x39: _ = try integer(bytes, &at)
        case UInt8(ascii: "{"): try checkObject(bytes, &at, depth: depth)
        case UInt8(ascii: "["):
            at += 1
            if at < bytes.count, bytes[at] == UInt8(ascii: "]") {
                at += 1
                return
            }
            while true {
                try checkCanonical(bytes, &at, depth: depth + 1)
                if at < bytes.count, bytes[at] == UInt8(ascii: ",") {
                    at += 1
                    continue
                }
                return try expect(UInt8(ascii: "]"), bytes, &at)
            }
        case UInt8(ascii: "t"): try word("true", bytes, &at)
        case UInt8(ascii: "f"): try word("false", bytes, &at)
        case UInt8(ascii: "n"): try word("null", bytes, &at)
        default: throw JSONError(.notCanonical, at: at, "a canonical value cannot begin with byte 0x\(String(bytes[at], radix: 16))")
        }
    }

    private static func checkObject(_ bytes: Span<UInt8>, _ at: inout Int, depth: Int) throws(JSONError) {
        at += 1
        if at < bytes.count, bytes[at] == UInt8(ascii: "}") {
            at += 1
            return
        }
        var last: Range<Int>?
        var lastEscaped = false
        while true {
            let start = at
            guard at < bytes.count, bytes[at] == UInt8(ascii: "\"") else {
                throw JSONError(.syntax, at: at, "an object key must be a string")
            }
            let escaped = try checkString(bytes, &at)
            let key = start + 1..<at - 1
            if let last {
                let ordered: Bool
                if escaped || lastEscaped {
                    var left = last.lowerBound - 1
                    var right = start
                    ordered = precedes(try string(bytes, &left), try string(bytes, &right))
                } else {
                    ordered = precedes(bytes.extracting(last), bytes.extracting(key))
                }
                guard ordered else { throw JSONError(.keyOrder, at: start, "object keys are not in canonical order, or one occurs twice") }
            }
            last = key
            lastEscaped = escaped
            try expect(UInt8(ascii: ":"), bytes, &at)
            try checkCanonical(bytes, &at, depth: depth + 1)
            if at < bytes.count, bytes[at] == UInt8(ascii: ",") {
                at += 1
                continue
            }
            return try expect(UInt8(ascii: "}"), bytes, &at)
        }
    }

    /// Moves past a string with its quotes; says whether it holds an escape.
    static func checkString(_ bytes: Span<UInt8>, _ at: inout Int) throws(JSONError) -> Bool {
        guard at < bytes.count, bytes[at] == 0x22 else { throw JSONError(.syntax, at: at, "expected a string") }
        let start = at + 1
        at = start
        var escaped = false
        var ascii = true
        while true {
            skipPlain(bytes, &at)
            guard at < bytes.count else { throw JSONError(.syntax, at: start - 1, "a string is not closed") }
            switch bytes[at] {
            case 0x22:
                if !ascii { try checkText(bytes.extracting(start..<at), at: start) }
                at += 1
                return escaped
            case 0x5C:
                escaped = true
                try checkEscape(bytes, &at)
            case 0..<0x20: throw JSONError(.syntax, at: at, "a raw control character inside a string")
            default:
                ascii = false
                at += 1
            }
        }
    }

    /// Moves to the first byte that is a quote, a backslash, a control character or not ASCII, eight bytes at a time.
    ///
    /// A borrow can mark a byte wrongly only above one marked rightly, and the lowest mark is the one taken.
    private static func skipPlain(_ bytes: Span<UInt8>, _ at: inout Int) {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let raw = unsafe bytes.bytes
        while at + 8 <= raw.byteCount {
            let word = UInt64(littleEndian: unsafe raw.unsafeLoadUnaligned(fromByteOffset: at, as: UInt64.self))
            let quote = word ^ (ones &* 0x22)
            let slash = word ^ (ones &* 0x5C)
            let marks = (quote &- ones) & ~quote | (slash &- ones) & ~slash | (word &- ones &* 0x20) & ~word | word
            let found = marks & (ones &* 0x80)
            if found == 0 {
                at += 8
            } else {
                at += found.trailingZeroBitCount >> 3
                return
            }
        }
        while at < bytes.count, bytes[at] >= 0x20, bytes[at] < 0x80, bytes[at] != 0x22, bytes[at] != 0x5C { at += 1 }
    }

    private static func checkText(_ bytes: Span<UInt8>, at start: Int) throws(JSONError) {
        do {
            _ = try UTF8Span(validating: bytes)
        } catch {
            throw JSONError(.utf8, at: start + error.byteOffsets.lowerBound, "a string is not valid UTF-8")
        }
    }

    private static func checkEscape(_ bytes: Span<UInt8>, _ at: inout Int) throws(JSONError) {
        guard at + 1 < bytes.count else { throw JSONError(.escape, at: at, "an escape is cut off") }
        switch bytes[at + 1] {
        case 0x22, 0x5C, UInt8(ascii: "b"), UInt8(ascii: "f"), UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"): at += 2
        case UInt8(ascii: "u"):
            let start = at
            at += 2
            let code = try fourDigits(bytes, &at)
            var shortest: [UInt8] = []
            append(escaping: UInt8(truncatingIfNeeded: code), to: &shortest)
            guard code < 0x20, shortest.count == 6, shortest[5] == bytes[at - 1], shortest[4] == bytes[at - 2] else {
                throw JSONError(.notCanonical, at: start, "an escape is not in its shortest form")
            }
        default: throw JSONError(.notCanonical, at: at, "an escape is not in its shortest form")
        }
    }
}
