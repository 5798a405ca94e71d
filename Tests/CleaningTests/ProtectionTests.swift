import Cleaning
import Testing

/// Personal values and secrets leave a file before anything of it is stored.
@Suite struct ProtectionTests {
    private func cards() throws -> Contract {
        try contract(
            yaml: """
                title: Purchases
                names: [purchases.csv]
                account: ask
                format: {delimiters: [comma, semicolon], preamble: 1}
                columns:
                  - {name: date, type: day, required: true}
                  - {name: card, heading: Card No., type: text, personal: payment}
                  - {name: text, heading: Description, type: text}
                merge: append
                """)
    }

    @Test func cellsOfATable() throws {
        let text =
            "Export for card 1234\r\ndate,Card No.,Description\r\n2025-01-02,\" 1234 \",\"a \"\"b\"\", c\"\r\n2025-01-03,,x\r\n"
            + "2025-01-04,1234\r\n\r\n"
        let made = try protect(text, cards())
        #expect(!made.text.contains("1234"))
        #expect(made.text.hasPrefix("[redacted]\r\ndate,Card No.,Description\r\n2025-01-02,p1:payment:k:"))
        #expect(made.text.contains(",\"a \"\"b\"\", c\"\r\n2025-01-03,,x\r\n[redacted]\r\n"))
        #expect(made.report.personal == ["payment": 1] && made.report.lines == 1)
        // Protected once, it stays as it is, and it cleans to rows.
        #expect(try protect(made.text, cards()).text == made.text)
        let outcome = try clean(made.text, cards())
        #expect(outcome.report?.rowsOut == 2 && outcome.report?.rejectedByReason == ["field_count": 1])
    }

    @Test func equalValuesHaveEqualPseudonyms() throws {
        let made = try protect("date,Card No.,Description\n2025-01-02,AbC,\n2025-01-03, aBc,\n", cards())
        let cards = made.text.split(separator: "\n").dropFirst().map { $0.split(separator: ",")[1] }
        #expect(cards[0] == cards[1] && cards[0].hasPrefix("p1:payment:"))
    }

    @Test func aTableThatCannotBeReadIsNotStored() throws {
        let contract = try cards()
        #expect(throws: CleaningError.self) { try protect("Date;What\n1;2\n", contract) }
    }

    @Test func membersOfADocument() throws {
        let contract = try contract(
            yaml: """
                title: Lists
                names: [lists.json]
                account: ask
                format: {kind: json, records: ["lists[].people[]"]}
                columns:
                  - {name: id, type: text, required: true}
                  - {name: mail, path: [email, alt.email], type: text, personal: list}
                  - {name: owner, path: "^owner", type: text, personal: list}
                  - {name: sender, path: "$sender", type: text, personal: list}
                redact: [links]
                merge: append
                """)
        let text = """
            {"sender":"Me@example.com","links":[{"href":"https://u"}],"paging":{"next":"https://h/?access_token=SECRET&x=1"},
             "access_token":"SECRET",
             "lists":[{"owner":"o@example.com","people":[{"id":"1","email":"a@example.com"},{"id":"2","alt":{"email":"A@example.com"}}]}]}
            """
        let made = try protect(text, contract)
        for secret in ["@", "SECRET", "https://u"] { #expect(!made.text.lowercased().contains(secret.lowercased()), "\(made.text)") }
        #expect(made.report.personal == ["list": 4] && made.report.redacted == 3)
        let (raw, _) = try unpack(Array(made.text.utf8), contract)
        let outcome = try clean([raw[...]], contract, CaptureFacts(fileName: "x"))
        let mails = stride(from: 1, to: outcome.sink.cells.count, by: 4).map { outcome.sink.cells[$0] }
        #expect(mails.count == 2 && mails[0] == mails[1] && mails[0].hasPrefix("p1:list:k:"))
        #expect(try protect(made.text, contract).text == made.text)
    }

    @Test(arguments: [
        ("{\"a\":[{\"n\":1}],\"next\":\"https://h/?access_token=SECRET&x", "secret_unreadable"),
        ("{\"a\":[],\"Refresh_Token\" : \"SECRET", "secret_unreadable"), ("{\"a\":[{\"n\":1", "not_json"),
    ]) func aCutOffAnswerWithATokenIsNotStored(_ text: String, _ code: String) throws {
        let contract = try contract(
            yaml: "title: T\nnames: [t.json]\naccount: ask\nformat: {kind: json, records: [\"a[]\"]}\n"
                + "columns: [{name: n, type: integer}]\nmerge: append\n")
        let error = #expect(throws: CleaningError.self) { try protect(text, contract) }
        #expect(error?.code == code && error?.message.contains("SECRET") == false)
    }

    @Test func whatNeedsNoProtectionKeepsItsBytes() throws {
        let contract = try contract(
            yaml:
                "title: T\nnames: [t.json]\naccount: ask\nformat: {kind: json, records: [\"a[]\"]}\n"
                + "columns: [{name: n, type: integer}]\nmerge: append\n"
        )
        let text = "{ \"a\" : [ {\"n\": 1.0} ] }\n"
        let made = try protect(text, contract)
        #expect(made.text == text && made.report.isClean)
    }
}
