import Testing

@testable import Cleaning

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

private func line(_ document: Document, _ node: Document.Node? = nil) -> String {
    var out: [UInt8] = []
    document.compact(node ?? document.root, into: &out)
    return String(decoding: out, as: UTF8.self)
}

private func text(_ document: Document, _ node: Document.Node?) -> String? {
    node.flatMap { document.text($0) }.map { String(decoding: $0, as: UTF8.self) }
}

/// The error reading gives, if any.
private func failure(_ read: () throws(CleaningError) -> Void) -> CleaningError? {
    do {
        try read()
        return nil
    } catch {
        return error
    }
}

@Suite struct DocumentTests {
    @Test(arguments: [
        ("{}", "{}"), ("[]", "[]"), (" \t\r\n[ ]\n", "[]"), ("null", "null"), ("true", "true"), (" false ", "false"), (#""""#, #""""#),
        ("0", "0"), ("-0", "-0"), ("-0.0e-0", "-0.0e-0"), ("1E+2", "1E+2"), ("10.50", "10.50"),
        ("123456789012345678901234567890.000000000000000000001e999", "123456789012345678901234567890.000000000000000000001e999"),
        (#"{"a" : [ 1 , {"b" : null} , "x  y" ] , "" : {} }"#, #"{"a":[1,{"b":null},"x  y"],"":{}}"#),
        (#"["\"[{,}]\\", "\u00e9\/"]"#, #"["\"[{,}]\\","\u00e9\/"]"#), ("\u{FEFF}[1]", "[1]"), ("\"\u{7F}é漢🎵\"", "\"\u{7F}é漢🎵\""),
        (#"{"a":1,"a":2}"#, #"{"a":1,"a":2}"#), ("[[],[[]],{}]", "[[],[[]],{}]"),
    ])
    func accepts(_ source: String, _ compact: String) throws {
        let document = try Document(bytes(source))
        #expect(line(document) == compact)
        #expect(line(try Document(bytes(compact))) == compact)
    }

    @Test(arguments: [
        ("", 0, 1), (" \n ", 3, 2), ("{", 1, 1), ("[1,]", 3, 1), ("[,1]", 1, 1), ("[1 2]", 3, 1), (#"{"a":1,}"#, 7, 1), (#"{"a" 1}"#, 5, 1),
        (#"{a:1}"#, 1, 1), (#"{"a"}"#, 4, 1), (#"{"a":}"#, 5, 1), ("[}", 1, 1), (#"{"a":1]"#, 6, 1), ("[1]]", 3, 1), ("{} {}", 3, 1),
        ("01", 1, 1), ("+1", 0, 1), ("-", 1, 1), ("-a", 1, 1), ("1.", 2, 1), ("1.e2", 2, 1), (".5", 0, 1), ("1e", 2, 1), ("1e+", 3, 1),
        ("0x10", 1, 1), ("NaN", 0, 1), ("Infinity", 0, 1), ("tru", 0, 1), ("trux", 0, 1), ("True", 0, 1), ("nul", 0, 1), ("'a'", 0, 1),
        (#""a"#, 2, 1), (#""\x""#, 1, 1), (#""\u12G4""#, 1, 1), (#""\u12"#, 5, 1), ("\"a\nb\"", 2, 1), ("\"a\tb\"", 2, 1),
        ("\"\u{0}\"", 1, 1), ("[1,\n2,\n/*x*/3]", 7, 3), ("[1\u{B}]", 2, 1), ("[1,\u{A0}2]", 3, 1), (#"{"a":1,,"b":2}"#, 7, 1),
    ])
    func refuses(_ source: String, _ byte: Int64, _ lineNumber: Int64) throws {
        let error = try #require(failure { () throws(CleaningError) in _ = try Document(bytes(source)) })
        #expect(error.code == "not_json")
        // A word that is cut off is told by its end, a wrong one by its beginning.
        let cutWord = ["tru", "nul"].contains(source)
        #expect(error.byte == (cutWord ? Int64(source.utf8.count) : byte), "\(error)")
        #expect(error.line == lineNumber)
        #expect(error.remedy != nil)
        #expect((error.value ?? "").utf8.count <= 18)
    }

    @Test func trailingCommasOnRequestOnly() throws {
        let source = bytes(#"[{"a":1,},[2,],3,]"#)
        #expect(line(try Document(source, trailingCommas: true)) == #"[{"a":1},[2],3]"#)
        for wrong in ["[,]", "{,}", "[1,,]", #"{"a":1,,}"#] {
            #expect(failure { () throws(CleaningError) in _ = try Document(bytes(wrong), trailingCommas: true) }?.code == "not_json")
        }
    }

    @Test func depth() throws {
        func nested(_ depth: Int) -> [UInt8] {
            bytes(String(repeating: #"{"a":["#, count: depth / 2) + String(repeating: "]}", count: depth / 2))
        }
        let deepest = try Document(nested(Document.maxDepth))
        #expect(line(deepest).utf8.count == nested(Document.maxDepth).count)
        let error = try #require(failure { () throws(CleaningError) in _ = try Document(nested(Document.maxDepth + 2)) })
        #expect(error.code == "json_too_deep")
        #expect(error.byte == Int64(Document.maxDepth / 2 * 6))
        let open = [UInt8](repeating: UInt8(ascii: "["), count: 1_000_000)
        #expect(failure { () throws(CleaningError) in _ = try Document(open, lenient: true) }?.code == "json_too_deep")
    }

    @Test(arguments: [
        (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"), (#""\u0041\u00e9\u6F22""#, "Aé漢"), (#""\ud83c\udfb5""#, "🎵"),
        (#""\uD83C\uDFB5x""#, "🎵x"), (#""\ud83c""#, "\u{FFFD}"), (#""\udfb5\ud83c""#, "\u{FFFD}\u{FFFD}"), (#""\ud83cA""#, "\u{FFFD}A"),
        (#""\ud83c\u0041""#, "\u{FFFD}A"), (#""\ud83c\ud83c\udfb5""#, "\u{FFFD}🎵"), (#""\ud83c\n""#, "\u{FFFD}\n"), (#""\u0000""#, "\u{0}"),
        (#""\\u0041""#, "\\u0041"),
    ])
    func escapes(_ source: String, _ decoded: String) throws {
        let document = try Document(bytes(source))
        #expect(text(document, document.root) == decoded)
        let keyed = try Document(bytes("{\(source):7}"))
        #expect(keyed.members(keyed.root).map(\.key) == [bytes(decoded)])
        #expect(text(keyed, keyed.member(keyed.root, bytes(decoded))) == "7")
    }

    @Test func asking() throws {
        let source = #"{"n":-1.50,"s":"x","t":true,"f":false,"z":null,"o":{"n":9},"l":[1,[2]],"n":1e3,"\u006e2":5}"#
        let document = try Document(bytes(source))
        func member(_ key: String) -> Document.Node? { document.member(document.root, bytes(key)) }
        #expect(text(document, member("n")) == "1e3")
        #expect(text(document, member("n2")) == "5")
        #expect(text(document, member("t")) == "true")
        #expect(try document.kind(#require(member("f"))) == .bool(false))
        #expect(try document.kind(#require(member("z"))) == .null)
        for key in ["z", "o", "l", "N", #"\u006e2"#, ""] { #expect(text(document, member(key)) == nil) }
        #expect(
            document.members(document.root).map { String(decoding: $0.key, as: UTF8.self) }.joined(separator: " ") == "n s t f z o l n n2")
        let list = try #require(member("l"))
        #expect(document.elements(list).map { line(document, $0) } == ["1", "[2]"])
        #expect(document.members(list).isEmpty)
        #expect(document.elements(document.root).isEmpty)
        #expect(document.member(list, bytes("n")) == nil)
        #expect(document.range(list) == bytes(source).firstIndex(of: 91).map { $0..<$0 + 7 })
    }

    @Test(arguments: [
        #" {"a":{"b":[1,-2.5e3,"x\u00e9\n"],"c":true},"d":[{"e":null},{"e":false}],"k é":"🎵"} "#, "\u{FEFF}[\"a\",[],{},0]",
        #"{"data":[{"name":"reach","values":[{"value":120}]}],"paging":{"next":"x"}}"#, #""text""#, "[[[[1]]]]",
    ])
    func everyCutIsAPrefix(_ source: String) throws {
        let all = bytes(source)
        let whole = try Document(all)
        for cut in 0...all.count {
            let head = Array(all[..<cut])
            let part = try Document(head, lenient: true)
            let empty = part.kind(part.root) == .null && part.range(part.root).isEmpty
            #expect(empty || isPrefix(part, part.root, whole, whole.root), "cut at \(cut): \(line(part))")
            #expect(try line(Document(bytes(line(part)))) == line(part))
            if whole.range(whole.root).upperBound > cut {
                let error = failure { () throws(CleaningError) in _ = try Document(head) }
                #expect(error?.code == "not_json")
                let cutMark = source.hasPrefix("\u{FEFF}") && cut < 3
                #expect(error?.byte == (cutMark ? 0 : Int64(cut)))
            } else {
                #expect(line(part) == line(whole))
            }
        }
    }

    private func isPrefix(_ part: Document, _ a: Document.Node, _ whole: Document, _ b: Document.Node) -> Bool {
        guard part.kind(a) == whole.kind(b), part.isContainer(a) else { return line(part, a) == line(whole, b) }
        var left = part.first(in: a)
        var right = whole.first(in: b)
        while let child = left {
            guard let other = right, part.rawKey(child) == whole.rawKey(other) else { return false }
            left = part.next(after: child, in: a)
            right = whole.next(after: other, in: b)
            if left == nil { return isPrefix(part, child, whole, other) }
            if line(part, child) != line(whole, other) { return false }
        }
        return true
    }

    @Test func lenientIsNoExcuseForDamage() {
        for wrong in ["{]", "[1 2", #"{"a":tx"#, "<html>", "a,b,c\n", #"["\q"#] {
            #expect(failure { () throws(CleaningError) in _ = try Document(bytes(wrong), lenient: true) }?.code == "not_json")
        }
        #expect((try? Document(bytes("{\"a\":1}\n{\"a\":"), lenient: true)).map { line($0) } == #"{"a":1}"#)
    }

    @Test(arguments: [
        ("", []), (" \n\u{FEFF}", []), ("{}", ["{}"]), ("{\"a\":1}\n{\"a\":2}\r\n\n", [#"{"a":1}"#, #"{"a":2}"#]),
        ("[1][2]{}\u{FEFF}{}", ["[1]", "[2]", "{}", "{}"]), ("1 2\n\"x\" null", ["1", "2", "\"x\"", "null"]),
    ])
    func sequences(_ source: String, _ expected: [String]) throws {
        #expect(try Document.all(bytes(source)).map { line($0) } == expected)
    }

    @Test func damagedSequences() throws {
        for (source, byte, number) in [("{}\n{\n", 5, 3), ("1\"x\"", 1, 1), ("{},{}", 2, 1), ("{}\nx", 3, 2)] as [(String, Int64, Int64)] {
            let error = try #require(failure { () throws(CleaningError) in _ = try Document.all(bytes(source)) })
            #expect(error.byte == byte && error.line == number, "\(source): \(error)")
        }
        #expect(try Document.all(bytes("{\"a\":1}\n{\"a\":[2,3"), lenient: true).map { line($0) } == [#"{"a":1}"#, #"{"a":[2]}"#])
    }

    @Test(arguments: 0..<200)
    func randomRoundTrip(_ round: UInt64) throws {
        let seed = round &* 7_919 &+ 11
        var random = SplitMix64(state: seed)
        let made = Made.random(&random, depth: 6)
        let document = try Document(bytes(made.written(&random)))
        #expect(line(document) == made.compact, "seed \(seed)")
        #expect(same(document, document.root, made), "seed \(seed)")
        let cut = Int.random(in: 0...document.bytes.count, using: &random)
        #expect(
            failure { () throws(CleaningError) in _ = try Document(Array(document.bytes[..<cut]), lenient: true) } == nil, "seed \(seed)")
    }

    private func same(_ document: Document, _ node: Document.Node, _ made: Made) -> Bool {
        switch made {
        case .plain(let source): line(document, node) == source
        case .text(let decoded, _): text(document, node) == decoded
        case .list(let list):
            document.elements(node).count == list.count && zip(document.elements(node), list).allSatisfy { same(document, $0, $1) }
        case .object(let members):
            document.members(node).count == members.count
                && zip(document.members(node), members).allSatisfy { $0.key == bytes($1.0) && same(document, $0.value, $1.2) }
        }
    }
}

/// A value as a generator made it: what it means and how it is written.
private indirect enum Made {
    case plain(String)
    case text(String, written: String)
    case list([Made])
    case object([(String, written: String, Made)])

    static func random(_ random: inout SplitMix64, depth: Int) -> Made {
        switch Int.random(in: 0..<(depth == 0 ? 4 : 8), using: &random) {
        case 0: return .plain(["true", "false", "null"].randomElement(using: &random) ?? "null")
        case 1, 2: return .plain(["0", "-0", "17", "-3.250", "1e3", "2E-7", "99999999999999999999"].randomElement(using: &random) ?? "0")
        case 3:
            let (decoded, written) = word(&random)
            return .text(decoded, written: written)
        case 4, 5: return .list((0..<Int.random(in: 0..<5, using: &random)).map { _ in Made.random(&random, depth: depth - 1) })
        default:
            return .object(
                (0..<Int.random(in: 0..<5, using: &random)).map { _ in
                    let (key, written) = word(&random)
                    return (key, written, Made.random(&random, depth: depth - 1))
                })
        }
    }

    private static func word(_ random: inout SplitMix64) -> (String, String) {
        let letters = [
            ("a", "a"), (" ", " "), ("é", "é"), ("é", #"\u00E9"#), ("🎵", "🎵"), ("🎵", #"\ud83c\udfb5"#), ("\"", #"\""#), ("\\", #"\\"#),
            ("/", #"\/"#), ("\n", #"\n"#), ("{", "{"), ("]", "]"), (",", ","), (":", ":"),
        ]
        let chosen = (0..<Int.random(in: 0..<6, using: &random)).compactMap { _ in letters.randomElement(using: &random) }
        return (chosen.map(\.0).joined(), "\"" + chosen.map(\.1).joined() + "\"")
    }

    func written(_ random: inout SplitMix64) -> String {
        let spaces = ["", "", " ", "\n", "\t\r\n "]
        func gap() -> String { spaces.randomElement(using: &random) ?? "" }
        var inside = ""
        switch self {
        case .plain(let source): inside = source
        case .text(_, let written): inside = written
        case .list(let list):
            for (index, value) in list.enumerated() { inside += (index > 0 ? "," : "") + value.written(&random) }
            inside = "[" + inside + gap() + "]"
        case .object(let members):
            for (index, member) in members.enumerated() {
                inside += (index > 0 ? "," : "") + gap() + member.written + gap() + ":" + member.2.written(&random)
            }
            inside = "{" + inside + gap() + "}"
        }
        return gap() + inside + gap()
    }

    var compact: String {
        switch self {
        case .plain(let source): source
        case .text(_, let written): written
        case .list(let list): "[" + list.map(\.compact).joined(separator: ",") + "]"
        case .object(let members): "{" + members.map { $0.written + ":" + $0.2.compact }.joined(separator: ",") + "}"
        }
    }
}

private func path(_ text: String) throws -> RecordPath { try #require(RecordPath(text)) }

/// The raw file of a landing file.
private func raw(_ landing: String, _ records: [String], header: String? = nil, limit: Int = 1 << 16) throws -> String {
    var reader = RawRecords(
        try Document.all(bytes(landing)), records: try records.map { try path($0) }, header: try header.map { try path($0) })
    var lines: [UInt8] = []
    var out: [UInt8] = []
    while try reader.next(into: &lines, limit: limit) {
        #expect(lines.last == 10)
        out += lines
        lines.removeAll(keepingCapacity: true)
    }
    #expect(reader.count == out.filter { $0 == 10 }.count)
    return String(decoding: out, as: UTF8.self)
}

private struct RawCase: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let landing: String
    let records: [String]
    var header: String?
    let lines: [String]
}

private let rawCases = [
    RawCase(
        testDescription: "wrapped songs",
        landing: #"{"timestamp":"2025-06-01","data":{"songs":[{"id":"4abc","trackName":"DEMO", "n": 1},{"id":"5"}]}}"#,
        records: ["data.songs[]", "songs[]"],
        lines: [
            #"{"id":"4abc","trackName":"DEMO","n":1,"$timestamp":"2025-06-01"}"#, #"{"id":"5","$timestamp":"2025-06-01"}"#,
        ]),
    RawCase(
        testDescription: "the document itself where it holds no list", landing: #"{"id":1}{"reports":[{"id":2}]}{"reports":[]}"#,
        records: ["reports[]", "{}"], lines: [#"{"id":1,"$id":1}"#, #"{"id":2}"#]),
    RawCase(testDescription: "bare songs", landing: #"{"songs":[{}]}"#, records: ["data.songs[]", "songs[]"], lines: ["{}"]),
    RawCase(
        testDescription: "empty records take the root's members", landing: #"{"k":1,"songs":[{ }]}"#, records: ["songs[]"],
        lines: [#"{"$k":1}"#]),
    RawCase(testDescription: "root list", landing: "[{\"a\":1},\n{\"a\": [ 2 ]}]", records: ["[]"], lines: [#"{"a":1}"#, #"{"a":[2]}"#]),
    RawCase(
        testDescription: "Meta page",
        landing: #"""
            {"data":[{"campaign_id":"12","spend":"3.41","actions":[{"action_type":"link_click","value":"7"}]}],
             "paging":{"cursors":{"before":"MAZDZD"},"next":"https://example.org/next"}}
            """#, records: ["data[]"],
        lines: [#"{"campaign_id":"12","spend":"3.41","actions":[{"action_type":"link_click","value":"7"}]}"#]),
    RawCase(testDescription: "empty page", landing: #"{"data":[],"paging":{}}"#, records: ["data[]"], lines: []),
    RawCase(
        testDescription: "Instagram values with parents",
        landing: #"""
            {"data":[{"name":"reach","period":"day","values":[{"value":120,"end_time":"2025-06-06T07:00:00+0000"},
                     {"value":null}],"id":null},
                     {"name":"likes","total_value":{"value":342}}, {"name":"views","values":[{"value":1}]}],"user":"someone"}
            """#, records: ["data[].values[]"],
        lines: [
            #"{"value":120,"end_time":"2025-06-06T07:00:00+0000","^name":"reach","^period":"day","^id":null,"$user":"someone"}"#,
            #"{"value":null,"^name":"reach","^period":"day","^id":null,"$user":"someone"}"#,
            #"{"value":1,"^name":"views","$user":"someone"}"#,
        ]),
    RawCase(
        testDescription: "two levels of parents",
        landing: #"{"r":0,"a":[{"x":1,"b":[{"y":2,"c":[{"z":3},{"z":4}]},{"y":5,"c":[{"z":6}]}]}]}"#, records: ["a[].b[].c[]"],
        lines: [
            #"{"z":3,"^y":2,"^^x":1,"$r":0}"#, #"{"z":4,"^y":2,"^^x":1,"$r":0}"#, #"{"z":6,"^y":5,"^^x":1,"$r":0}"#,
        ]),
    RawCase(
        testDescription: "YouTube rows",
        landing:
            #"{"kind":"youtubeAnalytics#resultTable","columnHeaders":[{"name":"day"},{"name":"vi\"ews"}],"rows":[["2025-01-01", 1500]]}"#,
        records: ["rows[]"], header: "columnHeaders[].name",
        lines: [#"{"day":"2025-01-01","vi\"ews":1500,"$kind":"youtubeAnalytics#resultTable"}"#]),
    RawCase(
        testDescription: "each page has its own header", landing: #"{"h":["a","b"],"rows":[[1,2]]} {"h":["b","a"],"rows":[[3,4]]}"#,
        records: ["rows[]"], header: "h[]", lines: [#"{"a":1,"b":2}"#, #"{"b":3,"a":4}"#]),
    RawCase(
        testDescription: "YouTube without rows", landing: #"{"kind":"youtubeAnalytics#resultTable","columnHeaders":[{"name":"day"}]}"#,
        records: ["rows[]"], header: "columnHeaders[].name", lines: []),
    RawCase(
        testDescription: "Linktree",
        landing: #"{"data":{"getAccountAnalytics":{"overview":{"timeseries":[{"date":"2025-06-01","clickThroughRate":0.55}]}}}}"#,
        records: ["data.getAccountAnalytics.overview.timeseries[]"], lines: [#"{"date":"2025-06-01","clickThroughRate":0.55}"#]),
    RawCase(
        testDescription: "TooLost wrapped", landing: #"{"platform":"spotify","data":{"streams":[{"date":"2025-02-07","streams":"215"}]}}"#,
        records: ["data.streams[]", "streams[]"], lines: [#"{"date":"2025-02-07","streams":"215","$platform":"spotify"}"#]),
    RawCase(
        testDescription: "TooLost bare", landing: #"{"streams":[{"date":"2025-02-07","streams":"215"}]}"#,
        records: ["data.streams[]", "streams[]"], lines: [#"{"date":"2025-02-07","streams":"215"}"#]),
    RawCase(
        testDescription: "NDJSON pages", landing: "{\"p\":1,\"data\":[{\"a\":1}]}\n{\"p\":2,\"data\":[]}\n{\"p\":3,\"data\":[{\"a\":2}]}\n",
        records: ["data[]"], lines: [#"{"a":1,"$p":1}"#, #"{"a":2,"$p":3}"#]),
    RawCase(
        testDescription: "NDJSON records", landing: "{\"a\":1}\n{\"a\":2}\n", records: ["{}"],
        lines: [#"{"a":1,"$a":1}"#, #"{"a":2,"$a":2}"#]),
    RawCase(
        testDescription: "every key", landing: #"{"data":{"x":[{"a":1}],"n":7,"y":[{"a":2}]}}"#, records: ["data.*[]"],
        lines: [#"{"a":1}"#, #"{"a":2}"#]),
    RawCase(
        testDescription: "keyed objects are parents", landing: #"{"t":{"x":{"id":1,"l":[{"a":1}]}}}"#, records: ["t.*.l[]"],
        lines: [#"{"a":1,"^id":1}"#]),
    RawCase(
        testDescription: "lists and plain values", landing: #"[[1,"b"],[],"x",null,[{"c":2}]]"#, records: ["[]"],
        lines: [#"{"0":1,"1":"b"}"#, "{}", #"{"0":"x"}"#, #"{"0":null}"#, #"{"0":{"c":2}}"#]),
    RawCase(
        testDescription: "both paths in order", landing: #"{"b":[{"n":2}],"a":[{"n":1}]}"#, records: ["a[]", "b[]"],
        lines: [#"{"n":1}"#, #"{"n":2}"#]),
]

@Suite struct DocumentRecordTests {
    @Test(arguments: rawCases)
    private func rawLines(_ given: RawCase) throws {
        let expected = given.lines.map { $0 + "\n" }.joined()
        #expect(try raw(given.landing, given.records, header: given.header) == expected)
        #expect(try raw(given.landing, given.records, header: given.header, limit: 1) == expected)
        for document in try Document.all(bytes(expected)) { #expect(document.kind(document.root) == .object) }
    }

    @Test(arguments: [
        (#"{"h":["a","b"],"rows":[[1,2],[3]]}"#, "header_mismatch", 29, 2), (#"{"h":["a"],"rows":[[1,2]]}"#, "header_mismatch", 19, 1),
        (#"{"rows":[[1,2]]}"#, "header_missing", 9, 1), (#"{"h":["a",null],"rows":[[1,2]]}"#, "header_missing", 24, 1),
    ])
    func brokenHeaders(_ landing: String, _ code: String, _ byte: Int64, _ record: Int64) throws {
        let error = #expect(throws: CleaningError.self) { try raw(landing, ["rows[]"], header: "h[]") }
        #expect(error?.code == code)
        #expect(error?.byte == byte)
        #expect(error?.line == record)
    }

    @Test(arguments: [
        "", ".", "a.", ".a", "a..b", "a[", "a]", "a[b]", "a[=b]", "a[b=]", "a[b=c|]", "a[]b", "{}.a", "a.{}", "^", "^^", "$", "#", "#0",
        "#x", "#-1", "#+1",
    ])
    func noPaths(_ text: String) {
        #expect(RecordPath(text) == nil)
    }

    @Test(arguments: [
        ("a", "1"), ("b.c", "2"), ("b.x", nil), ("a.b", nil), ("l[].v", "first"), ("l[]", #"{"v":"first"}"#), ("e[].v", nil),
        ("m[][]", "8"),
        ("actions[action_type=omni_purchase|purchase].value", "20"), ("actions[action_type=none|purchase].value", "10"),
        ("actions[action_type=none].value", nil), ("^name", #""reach""#), ("^^x", "5"), ("$timestamp", #""t""#), ("^other", nil),
        ("#1", "1"),
        ("#2", #"{"c":2}"#), ("#99", nil), ("b", #"{"c":2}"#), ("z", "null"), ("dup", "2"), ("*", "1"),
    ])
    func recordValues(_ text: String, _ expected: String?) throws {
        let record = #"""
            {"a":1,"b":{"c":2},"l":[{"v":"first"},{"v":"second"}],"e":[],"m":[[8,9]],"z":null,"dup":1,"dup":2,
             "actions":[{"action_type":"purchase","value":10},{"value":0},{"action_type":"omni_purchase","value":20},
                        {"action_type":"omni_purchase","value":30}],
             "^name":"reach","^^x":5,"$timestamp":"t"}
            """#
        let document = try Document(bytes(record))
        let value = try path(text).value(in: document, document.root).map { node in
            var out: [UInt8] = []
            document.compact(node, into: &out)
            return String(decoding: out, as: UTF8.self).replacing("\"first\"", with: text == "l[].v" ? "first" : "\"first\"")
        }
        #expect(value == expected)
    }

    @Test(arguments: [
        (#"{"data":{"songs":[]}}"#, "data.songs", true), (#"{"data":{"songs":[]}}"#, "data.songs[]", true),
        (#"{"data":{"songs":{}}}"#, "data.songs[]", false), (#"{"data":{"songs":null}}"#, "data.songs", true),
        (#"{"data":1}"#, "data.songs", false),
        ("[]", "[]", true), ("{}", "[]", false), ("{}", "{}", true), ("[]", "{}", false), (#"{"data":[]}"#, "data[].values[]", true),
        (#"{"data":[{"values":[]}]}"#, "data[].values[]", true), (#"{"data":[{"v":1},{"values":[1]}]}"#, "data[].values[]", true),
        (#"{"data":[{"v":1}]}"#, "data[].values[]", false), (#"{"data":{"x":[1]}}"#, "data.*[]", true),
        (#"{"data":{"x":1}}"#, "data.*[]", false),
        (#"{"kind":"youtube#channelListResponse"}"#, "kind=youtube#channelListResponse", true),
        (#"{"kind":"youtube#videoListResponse"}"#, "kind=youtube#channelListResponse", false), (#"{"n":5,"t":true}"#, "n=5", true),
        (#"{"n":5,"t":true}"#, "t=true", true), (#"{"n":null}"#, "n=", false), (#"{"n":""}"#, "n=", true),
        (#"{"d":[{"k":"a"},{"k":"b"}]}"#, "d[].k=b", true),
        (#"{"d":[]}"#, "d[].k=b", false), (#"{"d":[{"k":"a","v":3}]}"#, "d[k=a].v=3", true),
        (#"{"d":[{"k":"a","v":3}]}"#, "d[k=b|a].v", true), (#"{"a":1}"#, "b | c.d | a=1", true), (#"{"a":1}"#, "b | a=2", false),
    ])
    func shapes(_ document: String, _ test: String, _ holds: Bool) throws {
        #expect(try #require(ShapeTest(test)).holds(Document(bytes(document))) == holds)
    }

    @Test func shapesOfDocumentsOnly() {
        for text in ["^name", "$x", "#2", "", "a.=1"] { #expect(ShapeTest(text) == nil) }
    }

    @Test func shapeOfACutHead() throws {
        let head = bytes(#"{"kind":"youtubeAnalytics#resultTable","rows":[["2025-01-01",15"#)
        let document = try Document(head, lenient: true)
        #expect(try #require(ShapeTest("kind=youtubeAnalytics#resultTable")).holds(document))
        #expect(try path("rows[]").exists(in: document))
    }

    @Test func manyRecordsComeInPieces() throws {
        let landing = "[" + (0..<20_000).map { "{\"n\": \($0)}" }.joined(separator: ", ") + "]"
        var reader = RawRecords([try Document(bytes(landing))], records: [try path("[]")])
        var lines: [UInt8] = []
        var largest = 0
        var pieces = 0
        while try reader.next(into: &lines, limit: 4_096) {
            largest = max(largest, lines.count)
            pieces += 1
            lines.removeAll(keepingCapacity: true)
        }
        #expect(reader.count == 20_000)
        #expect(largest < 4_096 + 32)
        #expect(pieces > 50)
    }
}

@Suite struct PageScriptTests {
    private static let page = """
        <html><script>var chartData = makeCharts("a", {"dataProvider": [{"x":"]", "y":1}, ], "note": "my dataProvider: none"});
        AmCharts.makeChart({ dataProvider : [ {"category":"2024-08-23","column-1":1},{"category":"2024-08-24","column-1":2},], id: 1 });
        AmCharts.makeChart({"id": "trend365day", "type":"serial", 'dataProvider':[{"category":"2024-08-25","column-1":40,},
          {"category":"2024-08-26","column-1":41}
        ,]});
        myDataProvider: [9]; x.dataProvider = [8]; xdataProvider: [7,7,7,7,7,7,7, 7,7,7,7,7,7,7, 7,7,7,7,7,7,7, 7,7];
        </script></html>
        """

    private func series(_ html: String, after: String? = nil, longest: Bool = false, requires: String? = nil) throws -> String {
        let document = try PageScript.series(bytes(html), after: after.map(bytes), longest: longest, requires: requires.map(bytes))
        var out: [UInt8] = []
        document.compact(document.root, into: &out)
        return String(decoding: out, as: UTF8.self)
    }

    @Test func choosesTheList() throws {
        #expect(try series(Self.page) == #"[{"x":"]","y":1}]"#)
        #expect(
            try series(Self.page, after: #""id":"trend365day""#)
                == #"[{"category":"2024-08-25","column-1":40},{"category":"2024-08-26","column-1":41}]"#)
        #expect(
            try series(Self.page, after: #""note""#)
                == #"[{"category":"2024-08-23","column-1":1},{"category":"2024-08-24","column-1":2}]"#)
        let longest = try series(Self.page, longest: true, requires: "var chartData =")
        #expect(longest == #"[{"category":"2024-08-25","column-1":40},{"category":"2024-08-26","column-1":41}]"#)
    }

    @Test func recordsOfAPage() throws {
        let document = try PageScript.series(bytes(Self.page), after: bytes("trend365day"), longest: false, requires: nil)
        var reader = RawRecords([document], records: [try path("[]")])
        var lines: [UInt8] = []
        #expect(try reader.next(into: &lines))
        let expected = "{\"category\":\"2024-08-25\",\"column-1\":40}\n{\"category\":\"2024-08-26\",\"column-1\":41}\n"
        #expect(String(decoding: lines, as: UTF8.self) == expected)
    }

    @Test(arguments: [
        ("<html>login</html>", "trend365day", "series_missing", "trend365day"),
        ("trend365day only", "trend365day", "series_missing", "trend365day"),
        ("dataProvider: [1] trend365day", "trend365day", "series_missing", "trend365day"),
        ("trend365day dataProvider: [1, x]", nil, "series_broken", "byte 26"),
        ("trend365day dataProvider: [1, 2", nil, "series_broken", "byte 26"), ("dataProvider", nil, "series_missing", "dataProvider"),
        ("\"dataProvider", nil, "series_missing", "dataProvider"), ("dataProvider:", nil, "series_missing", "dataProvider"),
        ("\"dataProvider' : [1]", nil, "series_missing", "dataProvider"),
    ])
    func failures(_ html: String, _ after: String?, _ code: String, _ named: String) {
        let error = #expect(throws: CleaningError.self) { try series(html, after: after) }
        #expect(error?.code == code)
        #expect(error?.message.contains(named) == true, "\(String(describing: error))")
        #expect((error?.byte != nil) == (code == "series_broken"))
        #expect(error?.remedy != nil)
    }

    @Test func theRequiredTextMustBeThere() {
        let error = #expect(throws: CleaningError.self) { try series("dataProvider:[1]", longest: true, requires: "var chartData =") }
        #expect(error?.code == "series_missing")
        #expect(error?.message.contains("var chartData =") == true)
    }

    /// A shorter list must not stand in for the longest one when that is damaged.
    @Test func aDamagedLongestListIsAnError() {
        let error = #expect(throws: CleaningError.self) {
            try series("dataProvider:[1] dataProvider:[new Date(2025), 2, 3]", longest: true)
        }
        #expect(error?.code == "series_broken")
        #expect(error?.byte == 31)
    }

    @Test func everyCutPageIsAnErrorOrTheSameList() throws {
        let page = bytes(Self.page)
        let whole = try series(Self.page, after: "trend365day")
        for cut in page.indices {
            let head = String(decoding: page[..<cut], as: UTF8.self)
            let got = try? series(head, after: "trend365day")
            #expect(got == nil || got == whole)
            if got != nil { #expect(PageScript.mayHold(bytes(head), after: bytes("trend365day"), requires: bytes("var chartData="))) }
        }
        #expect(!PageScript.mayHold(bytes("trend365day"), after: bytes("trend365day"), requires: bytes("chartData")))
        #expect(PageScript.mayHold(bytes("dataProvider:["), after: nil, requires: nil))
        #expect(!PageScript.mayHold(bytes("<html>"), after: nil, requires: nil))
    }
}
