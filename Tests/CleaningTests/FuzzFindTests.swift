import Testing

@testable import Cleaning

/// What `ops/fuzz` has found, each as small as it can be.
@Suite struct FuzzFindTests {
    private func table(_ column: String, more: String = "") throws -> Contract {
        try contract(
            yaml: "title: t\nnames: [x.csv]\naccount: ask\ncolumns: [{name: a, type: text}, {name: b, \(column), optional: true}]\n"
                + "merge: append\n" + more)
    }

    /// The outcome of the whole file, which must be that of the file cut anywhere near the end of its first line.
    private func outcome(_ text: String, _ contract: Contract, cuts: [Int]) throws -> Outcome {
        let bytes = Array(text.utf8)
        let whole = try clean([bytes[...]], contract, CaptureFacts(fileName: "x.csv"))
        for cut in cuts {
            let parts = try clean([bytes[..<cut], bytes[cut...]], contract, CaptureFacts(fileName: "x.csv"))
            #expect(parts == whole, "cut at \(cut): \(String(describing: parts.error))")
        }
        return whole
    }

    /// More than nine decimals, rounded up, of the largest value that 64 bits hold without a sign.
    @Test(arguments: ["18446744073.7095516155", "18446744073.70955161550", "-18446744073.7095516159", "9223372036.8547758075"])
    func roundingBeyondTheLargestNumber(_ text: String) throws {
        #expect(PlainNumber.parse(Array(text.utf8), scale: 9) == .overflow)
        let outcome = try clean("a,b\n1,\(text)\n", table("type: decimal, negative: true"))
        #expect(outcome.sink.rejects.map(\.reason) == ["overflow"])
    }

    @Test func theLimitOfAHeadingLineIsTheSameHoweverItComes() throws {
        for (length, fits) in [(65_535, true), (65_536, false), (70_000, false), (140_000, false)] {
            let text = "a," + String(repeating: "x", count: length - 2) + "\n1,2\n"
            let found = try outcome(text, table("type: text"), cuts: [1_000, 20_000, 65_534, 65_535, 65_536, 65_537])
            #expect(found.error?.code == (fits ? nil : "no_header"), "\(length)")
        }
    }

    @Test(arguments: [("\n", false), ("\r\n", true)])
    func theLimitOfALineIsTheSameHoweverItComes(_ end: String, _ quoted: Bool) throws {
        let front = try table("type: text", more: "rules: [{check: b != 'x'}]")
        let quote = quoted ? "\"" : ""
        for over in [0, 1] {
            let first = "b,a\(end)"
            let line = quote + String(repeating: "x", count: Cleaner.maxLineBytes - 3 - 2 * quote.count + over) + quote + ",2"
            let behind = first.utf8.count + line.utf8.count
            _ = try outcome(first + line + end + "1,2" + end, front, cuts: [behind, behind + 1])
        }
    }

    @Test func listsInListsOfAPageAreNotMeasuredAgainAndAgain() throws {
        let nested = String(repeating: "dataProvider:[", count: 20_000)
        let page = Array(("x=" + nested + String(repeating: "]", count: 20_000) + ";dataProvider:[1,2]").utf8)
        #expect(throws: CleaningError.self) { try PageScript.series(page, after: nil, longest: true, requires: nil) }
        let two = Array("dataProvider:[{\"a\":\"dataProvider:[1]\"}];dataProvider:[{\"a\":\"dataProvider:[1,2,3]\",\"b\":[1]}]".utf8)
        let series = try PageScript.series(two, after: nil, longest: true, requires: nil)
        #expect(series.range(series.root).lowerBound == 53)
    }

    @Test func emptyLinesBeforeTheHeadingsCountOnceHoweverTheyCome() throws {
        let text = "\r\n\n\r\ra,b\r\n1,2\r\n"
        let found = try outcome(text, table("type: text"), cuts: Array(1..<text.utf8.count))
        #expect(found.sink.lines == [6])
        let many = try outcome(String(repeating: "\n", count: 400_000) + "a,b\n1,2\n", table("type: text"), cuts: [399_999])
        #expect(many.sink.lines == [400_002])
    }

    /// Members of the root stand in every record.
    @Test func recordsThatRepeatTheirSurroundingsAreBounded() throws {
        let contract = try contract(
            yaml: """
                title: t
                names: [x.json]
                account: ask
                format: {kind: json, records: ["r[]"], max_mebibytes: 1}
                columns: [{name: a, type: text}]
                merge: append
                """)
        let members = (0..<4_000).map { "\"m\($0)\":1" }.joined(separator: ",")
        func document(_ records: Int) -> [UInt8] {
            Array("{\(members),\"r\":[\(repeatElement("{}", count: records).joined(separator: ","))]}".utf8)
        }
        #expect(try unpack(document(20), contract).report.bytesOut > 0)
        var made = 0
        let error = #expect(throws: CleaningError.self) {
            _ = try Cleaner.unpack(ByteSource(document(20_000)), under: contract) { made += $0.count }
        }
        #expect(error?.code == "too_large" && made <= 4 << 20)
    }

    @Test func aPatternOfManyHolesIsNotTriedInEveryWay() throws {
        let pattern = try #require(NamePattern("<a>_<b>_<c>_<d>_<e>_<f>_<g>.csv"))
        #expect(pattern.match(String(repeating: "_", count: 240) + ".txt") == nil)
        #expect(pattern.match("1_2_3_4_5_6_7_8.csv")?["g"] == "7_8")
        let two = try #require(NamePattern("Spent (<a>) in <b>!"))
        #expect(two.match("Spent (" + String(repeating: ") in ", count: 200)) == nil)
    }
}
