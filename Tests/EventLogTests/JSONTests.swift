import Testing

@testable import EventLog

@Suite struct JSONTests {
    @Test(arguments: [
        // RFC 8785, section 3.2.3: keys by UTF-16 code units.
        (
            #"""
            {"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One",\#
            "\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}
            """#,
            """
            {"\\r":"Carriage Return","1":"One","\u{80}":"Control","ö":"Latin Small Letter O With Diaeresis","€":"Euro Sign",\
            "😀":"Emoji: Grinning Face","\u{fb33}":"Hebrew Letter Dalet With Dagesh"}
            """
        ),
        // RFC 8785, section 3.2.2, without its floating-point numbers.
        (
            #"{ "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false] }"#,
            "{\"literals\":[null,true,false],\"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}"
        ),
        (#"["\u0000\u0001\b\t\n\u000b\f\r\u001f\u007f "]"#, "[\"\\u0000\\u0001\\b\\t\\n\\u000b\\f\\r\\u001f\u{7f} \"]"),
        (#"[9007199254740991, -9007199254740991, 0, -1, 10, 100]"#, "[9007199254740991,-9007199254740991,0,-1,10,100]"),
        (#"{"a":{"c":1,"b":[]},"":{}}"#, #"{"":{},"a":{"b":[],"c":1}}"#),
        (#""\ud800\udc00\udbff\udfff""#, "\"\u{10000}\u{10FFFF}\""),
    ])
    func canonicalForm(input: String, expected: String) throws {
        let bytes = try JSON.parse(Array(input.utf8)).canonical()
        #expect(String(decoding: bytes, as: UTF8.self) == expected)
        #expect(bytes == Array(expected.utf8))
        #expect(try JSON.parse(bytes).canonical() == bytes)
    }

    @Test(arguments: [
        ("1.0", JSONError.Code.fraction), ("1e3", .fraction), ("[0.5]", .fraction), ("1E0", .fraction),
        ("9007199254740992", .integerRange), ("-9007199254740992", .integerRange), ("12345678901234567890", .integerRange),
        ("-0", .syntax), ("01", .syntax), ("-01", .syntax), ("+1", .syntax), ("-", .syntax), ("NaN", .syntax), ("nul", .syntax),
        ("", .syntax),
        ("{\"a\":1,\"a\":1}", .duplicateKey), ("{\"a\":1,\"\\u0061\":1}", .duplicateKey),
        ("1 2", .trailingBytes), ("{}x", .trailingBytes), ("[1,]", .syntax), ("{\"a\":1,}", .syntax), ("{a:1}", .syntax), ("[1", .syntax),
        ("\"\\x\"", .escape), ("\"\\u12\"", .escape), ("\"\\ud800\"", .escape), ("\"\\udc00\"", .escape), ("\"\\ud800\\u0041\"", .escape),
        ("\"a\nb\"", .syntax), ("\"abc", .syntax),
    ])
    func refuses(input: String, code: JSONError.Code) {
        #expect { try JSON.parse(Array(input.utf8)) } throws: { ($0 as? JSONError)?.code == code }
    }

    @Test(
        arguments: [[0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0x22, 0xE2, 0x82, 0x22]] as [[UInt8]])
    func refusesBadUTF8(bytes: [UInt8]) {
        #expect { try JSON.parse(bytes) } throws: { ($0 as? JSONError)?.code == .utf8 }
        #expect(!Self.isCanonical(bytes))
    }

    @Test func depthIsLimitedBothWays() throws {
        let deepest = JSON.maxDepth
        let fits = Array(String(repeating: "[", count: deepest + 1) + String(repeating: "]", count: deepest + 1)).map {
            UInt8($0.asciiValue ?? 0)
        }
        let value = try JSON.parse(fits)
        #expect(try value.canonical() == fits)
        #expect { try JSON.parse([0x5B] + fits + [0x5D]) } throws: { ($0 as? JSONError)?.code == .depth }
        #expect { try JSON.array([value]).canonical() } throws: { ($0 as? JSONError)?.code == .depth }
        #expect { try JSON.parse(Array(repeating: 0x5B, count: 1_000_000)) } throws: { ($0 as? JSONError)?.code == .depth }
    }

    @Test func integersOutsideTheRangeHaveNoCanonicalForm() {
        #expect { try JSON.int(.min).canonical() } throws: { ($0 as? JSONError)?.code == .integerRange }
        #expect { try JSON.int(JSON.maxInteger + 1).canonical() } throws: { ($0 as? JSONError)?.code == .integerRange }
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func randomValuesRoundTrip(seed: UInt64) throws {
        var random = SplitMix64(state: seed)
        for _ in 0..<400 {
            let value = Self.value(&random, depth: 0)
            let bytes = try value.canonical()
            #expect(try JSON.parse(bytes) == value, "seed \(seed)")
            #expect(Self.isCanonical(bytes), "seed \(seed): \(String(decoding: bytes, as: UTF8.self))")
        }
    }

    /// The checker that builds nothing must agree with reading and writing again, on bytes that are nearly canonical.
    @Test(arguments: [11, 12, 13] as [UInt64])
    func theCheckerAgreesWithTheWriter(seed: UInt64) throws {
        var random = SplitMix64(state: seed)
        let alphabet = Array("{}[]\",:\\u0019afnrtb -.eé\u{1}".utf8) + [0xFF, 0x80]
        var accepted = 0
        for _ in 0..<4000 {
            var bytes = try Self.value(&random, depth: 0).canonical()
            for _ in 0..<Int.random(in: 0...2, using: &random) where !bytes.isEmpty {
                let at = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[at] = alphabet.randomElement(using: &random) ?? 0
                case 1: bytes.insert(alphabet.randomElement(using: &random) ?? 0, at: at)
                default: bytes.remove(at: at)
                }
            }
            let rewritten = try? JSON.parse(bytes).canonical()
            #expect(Self.isCanonical(bytes) == (rewritten == bytes), "seed \(seed): \(String(decoding: bytes, as: UTF8.self))")
            accepted += rewritten == bytes ? 1 : 0
        }
        #expect(accepted > 400 && accepted < 3600, "the mutations must neither always nor never break the form")
    }

    @Test(arguments: [
        #"{"b":1,"a":1}"#, #"{"a":1,"a":1}"#, #"{"a" :1}"#, #"["\/"]"#, #"["\u0041"]"#, #"["\u000A"]"#, #"["\u001F"]"#, #"[ 1]"#,
        "{\"\u{fb33}\":1,\"😀\":1}",
    ])
    func otherSpellingsAreNotCanonical(text: String) {
        #expect(!Self.isCanonical(Array(text.utf8)))
    }

    private static func isCanonical(_ bytes: [UInt8]) -> Bool {
        var at = 0
        guard (try? JSONText.checkCanonical(bytes.span, &at, depth: 0)) != nil else { return false }
        return at == bytes.count
    }

    private static func value(_ random: inout SplitMix64, depth: Int) -> JSON {
        switch Int.random(in: 0..<(depth > 3 ? 4 : 6), using: &random) {
        case 0: return .null
        case 1: return .bool(Bool.random(using: &random))
        case 2:
            return .int(Int64.random(in: -JSON.maxInteger...JSON.maxInteger, using: &random) >> Int64.random(in: 0...52, using: &random))
        case 3: return .string(text(&random))
        case 4: return .array((0..<Int.random(in: 0...4, using: &random)).map { _ in value(&random, depth: depth + 1) })
        default:
            var members: [String: JSON] = [:]
            for _ in 0..<Int.random(in: 0...5, using: &random) { members[text(&random)] = value(&random, depth: depth + 1) }
            return .object(members)
        }
    }

    private static func text(_ random: inout SplitMix64) -> String {
        let scalars: [Unicode.Scalar] = [
            "a", "b", "Z", "0", "\"", "\\", "/", "\n", "\u{0}", "\u{1f}", "\u{7f}", "é", "€", "\u{e000}", "\u{ffff}", "😀", "\u{10ffff}",
        ]
        var text = String.UnicodeScalarView()
        for _ in 0..<Int.random(in: 0...12, using: &random) { text.append(scalars.randomElement(using: &random) ?? "a") }
        return String(text)
    }
}

@Suite struct HashAndTimeTests {
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ])
    func knownHashes(text: String, hex: String) throws {
        let hash = Hash256(hashing: Array(text.utf8))
        #expect(hash.hex == hex)
        #expect(Hash256(hex: hex) == hash)
        #expect(hash.bytes.count == 32)
        var pieces = Hasher256()
        for byte in text.utf8 { pieces.update([byte]) }
        #expect(pieces.finalize() == hash)
    }

    @Test func hexIsStrict() {
        let good = Hash256(hashing: [7]).hex
        #expect(Hash256(hex: good.uppercased()) == nil)
        #expect(Hash256(hex: good.dropLast()) == nil)
        for byte in UInt8.min...UInt8.max {
            for place in [0, 8, 63] {
                var digits = Array(good.utf8)
                digits[place] = byte
                let isDigit = (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
                #expect((Hash256(hexDigits: digits) != nil) == isDigit, "byte \(byte) at \(place)")
                if isDigit { #expect(Hash256(hexDigits: digits)?.hex == String(decoding: digits, as: UTF8.self)) }
            }
        }
    }

    @Test func orderIsThatOfTheBytes() {
        var random = SplitMix64(state: 5)
        let hashes = (0..<50).map { _ in Hash256(hashing: [UInt8.random(in: 0...255, using: &random)]) }
        #expect(hashes.sorted().map(\.hex) == hashes.map(\.hex).sorted())
    }

    @Test(
        arguments: [
            ("1970-01-01T00:00:00.000Z", 0), ("2025-09-01T06:00:00.123Z", 1_756_706_400_123),
            ("2024-02-29T23:59:59.999Z", 1_709_251_199_999),
            ("1969-12-31T23:59:59.999Z", -1), ("2000-03-01T00:00:00.000Z", 951_868_800_000),
            ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
            ("0000-01-01T00:00:00.000Z", -62_167_219_200_000),
        ] as [(String, Int64)])
    func times(iso: String, milliseconds: Int64) {
        #expect(Timestamp(iso: iso)?.milliseconds == milliseconds)
        #expect(Timestamp(milliseconds: milliseconds).iso == iso)
    }

    @Test(arguments: [
        "2025-02-29T00:00:00.000Z", "1900-02-29T00:00:00.000Z", "2025-13-01T00:00:00.000Z", "2025-00-01T00:00:00.000Z",
        "2025-04-31T00:00:00.000Z",
        "2025-01-01T24:00:00.000Z", "2025-01-01T00:60:00.000Z", "2025-01-01T00:00:60.000Z", "2025-01-01T00:00:00Z",
        "2025-01-01 00:00:00.000Z",
        "2025-01-01T00:00:00.000+", "2025-01-01T00:00:00.00aZ", "+025-01-01T00:00:00.000Z", "2025-01-01T00:00:00.0000Z", "",
    ])
    func badTimes(text: String) {
        #expect(Timestamp(iso: text) == nil)
    }

    @Test func everyDayRoundTrips() {
        var last = Timestamp(milliseconds: -86_400_000).iso
        for day in 0..<Int64(60_000) {
            let iso = Timestamp(milliseconds: day * 86_400_000).iso
            #expect(iso > last)
            #expect(Timestamp(iso: iso)?.milliseconds == day * 86_400_000)
            last = iso
        }
    }
}
