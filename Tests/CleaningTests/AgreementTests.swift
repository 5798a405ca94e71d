import Testing

@testable import Cleaning

/// A table reads the same whether its contract needs cells brought into plain form first or not.
@Suite struct AgreementTests {
    private static func contract(_ more: String) throws -> Contract {
        try CleaningTests.contract(
            yaml: "title: T\nnames: [t.csv]\naccount: ask\ncolumns:\n  - {name: a, type: text}\n  - {name: b, type: text}\n"
                + "merge: append\n\(more)")
    }

    private static func outcome(_ text: String, _ more: String, pieces: Int? = nil) throws -> String {
        let bytes = Array(text.utf8)
        let cut = pieces.map { size in stride(from: 0, to: bytes.count, by: size).map { bytes[$0..<min($0 + size, bytes.count)] } }
        let made = try clean(cut ?? [bytes[...]], contract(more), CaptureFacts(fileName: "t.csv"))
        let rejects = made.sink.rejects.map { "\($0.line) \($0.byteOffset) \($0.reason) \($0.value)" }
        return "\(made.report?.rowsOut ?? -1) \(made.error?.code ?? "") \(made.error?.line ?? 0) \(made.sink.cells) \(rejects)"
    }

    @Test(arguments: [
        "a,b\n1,2\n", "\"a,b\n1,2\n", "a\",b\n1,2\n", "a,\"b\n1,2\n", "a,b\"\n1,2\n", "\"a\"x,b\n1,2\n", "\"a\",\"b\n1,2\n",
        "a\"\",b\n1,2\n", ",\na,b\n1,2\n", "a,b\n,\n1,2\n", "a,b\n\"\",\"\"\n1,2\n", "\n\na,b\n1,2\n", " \na,b\n1,2\n",
        " \r\n\t\r\na,b\r\n1,2\r\n",
        " \ra,b\r1,2\r", "\"a\",\"b\"\n\"1\",2\n", "a,b,\n1,2,\n", ",\n", " ", " \n", "a;b\n1;2\n", "a,\"b\"\n\"1\",\"2\"\n",
        "a,b\n1,\"2\n",
        "\"\"\na,b\n1,2\n", "a,b\"\n1,\"2\"\n3,4\n", "a\"\r\n1\r\n", "a,b\"", "a,b\"\n1,2",
    ])
    func plainAndFrontAgree(text: String) throws {
        let plain = try Self.outcome(text, "")
        #expect(try plain == Self.outcome(text, "rules: [{check: a != 'never'}]\n"))
        for size in 1...7 { #expect(try Self.outcome(text, "", pieces: size) == plain, "in pieces of \(size)") }
    }

    /// A quote that stands in a heading by mistake no longer holds the file back; what it meant before, where that led to rows, stays.
    @Test(arguments: [
        ("a,b\"\n1,2\n", "1  0 [\"1\", \"2\"] []"), ("a,b\"\n1,\"2\"\n3,4\n", "2  0 [\"1\", \"2\", \"3\", \"4\"] []"),
        ("a,b,c \"x\ny\"\n1,2,3\n", "1  0 [\"1\", \"2\"] []"),
    ])
    func aStrayQuoteInAHeading(text: String, expected: String) throws {
        #expect(try Self.outcome(text, "") == expected)
        for size in 1...7 { #expect(try Self.outcome(text, "", pieces: size) == expected, "in pieces of \(size)") }
    }
}
