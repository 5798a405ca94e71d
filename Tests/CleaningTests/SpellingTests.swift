import Cleaning
import Testing

/// What people and spreadsheet programs do to codes and numbers.
@Suite struct SpellingTests {
    private static let plain = """
        title: Codes
        names: [x.csv]
        account: ask
        columns:
          - {name: day, type: day, required: true}
          - {name: isrc, type: text, form: isrc, lenient: true}
          - {name: amount, type: money, currency: USD}
        merge: append
        """
    /// The same with something that needs the slower way.
    private static let special = plain.replacing("currency: USD", with: "currency: USD, symbols: [\"$\"]")
    private static let lines = """
        day,isrc,amount
        2025-01-01,QZABC2400001,1
        2025-01-02,qzabc2400001,2
        2025-01-03,QZ-ABC-24-00001,3
        2025-01-04,qz abc 24\u{A0}00001,4
        2025-01-05,pending,5
        2025-01-06,QZ-ABC-24-0001,6
        2025-01-07,,7

        """

    @Test(arguments: [plain, special]) func aLenientISRCKeepsTheLine(_ yaml: String) throws {
        let outcome = try clean(Self.lines, contract(yaml: yaml))
        let code = "QZABC2400001"
        let expected = [code, code, code, code, "", "", ""].enumerated().map { "2025-01-0\($0 + 1),\($1),\($0 + 1)\n" }.joined()
        #expect(String(decoding: outcome.sink.csv, as: UTF8.self) == expected)
        #expect(outcome.report?.rejects == 0 && outcome.report?.warnings == ["not_an_isrc": 2])
        #expect(Set(outcome.sink.hashes).count == 7)
        // The hash is that of the plain spelling.
        let same = try clean(Self.lines.replacing("QZ-ABC-24-00001", with: code), contract(yaml: yaml))
        #expect(same.sink == outcome.sink)
    }

    @Test(arguments: [plain, special]) func aStrictISRCIsWhatItWas(_ yaml: String) throws {
        let outcome = try clean(Self.lines, contract(yaml: yaml.replacing(", lenient: true", with: "")))
        #expect(outcome.report?.rejectedByReason == ["not_an_isrc": 5] && outcome.report?.warnings == [:])
    }

    @Test func aRequiredISRCIsStillAsked() throws {
        let yaml = Self.plain.replacing("lenient: true", with: "lenient: true, required: true")
        #expect(try clean(Self.lines, contract(yaml: yaml)).report?.rejectedByReason == ["not_an_isrc": 2, "missing": 1])
        let other = Self.special.replacing("lenient: true", with: "lenient: true, required: true, default: none")
        #expect(try clean(Self.lines, contract(yaml: other)).sink.cells.filter { $0 == "none" }.count == 3)
        #expect(throws: ContractError.self) { try contract(yaml: Self.plain.replacing("form: isrc, ", with: "")) }
    }

    /// A null word that reads as a value means null all the same, on either way through the engine.
    @Test(arguments: [
        ("integer", "781"), ("decimal", "-1"), ("day", "1970-01-01"), ("flag", "0"), ("month", "1900-01"), ("integer", "1,000"),
    ])
    func nullWordsThatReadAsValues(_ column: (type: String, word: String)) throws {
        let negative = column.type == "decimal" ? ", negative: true" : column.word.contains(",") ? ", thousands: \",\"" : ""
        let text = "id;v\na;\(column.word)\nb;-\nc;\n"
        // An enumeration beside it leads the other way.
        for id in ["name: id, type: text", "name: id, type: text, members: {\"*\": x}"] {
            let nulls = "name: v, type: \(column.type), nulls: [\"-\", \"\(column.word)\"]\(negative)"
            let outcome = try clean(text, contract(format: "delimiters: [semicolon]", columns: [id, nulls]))
            #expect(outcome.report?.rowsOut == 3 && outcome.sink.cells.count { $0 == "\(Int64.min)" } == 3, "\(outcome)")
        }
    }

    @Test(arguments: [
        ("120200000000000017", true), ("1.2020000000000002e17", false), ("1,202E+17", false), ("1E5", false), ("all", true), ("2e", true),
        ("e17", true), ("12e-4", true), ("abc1e5", true), ("1.2.3e17", true), ("1e170", true),
    ])
    func idsThatASpreadsheetShortened(_ id: (text: String, isKept: Bool)) throws {
        let ids = try contract(
            format: "delimiters: [tab]", columns: ["name: id, type: text, form: id, required: true", "name: n, type: integer"], keyed: "id")
        let outcome = try clean("id\tn\n\(id.text)\t1\n", ids)
        #expect(outcome.report?.rowsOut == (id.isKept ? 1 : 0))
        if !id.isKept { #expect(outcome.sink.rejects.first.map { $0.reason == "not_an_id" && $0.expected.contains("Excel") } ?? false) }
    }

    @Test(arguments: [
        ("1.234,56", true), ("12,50", true), ("12,50 €", true), ("-3,1", true), ("1,234", false), ("N/A", false), ("1.5", false),
        ("1,2,3", false),
    ])
    func aDecimalCommaIsHintedAt(_ value: (text: String, isComma: Bool)) throws {
        func amounts(_ more: String = "") throws -> Contract {
            try contract(
                format: "delimiters: [semicolon]",
                columns: ["name: id, type: text", "name: amount, type: money, currency: EUR, negative: true, symbols: [\"€\"]"], more: more)
        }
        let report = try clean("id;amount\na;\(value.text)\n", amounts()).report
        #expect((report?.hints.first?.contains("a value of amount looks written with a decimal comma") ?? false) == value.isComma)
        let held = try clean("id;amount\na;\(value.text)\n", amounts("max_reject_permille: 10")).error
        #expect(held?.remedy?.contains("decimal_mark") ?? false == value.isComma)
    }
}
