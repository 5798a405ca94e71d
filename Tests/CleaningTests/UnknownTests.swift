import Cleaning
import Testing

/// What nobody has named: values beside personal data, and answers that are errors.
@Suite struct UnknownTests {
    @Test func unknownMembersBesidePersonalOnesAreHidden() throws {
        let text = """
            {"list_id":"l1","contact":"planted1@example.org","total_items":1,"members":[{"email_address":"a@example.org",
            "status":"subscribed","new_thing":"planted2@example.org","more":{"deep":["planted3"]},"nothing":null,
            "language":"en","stats":{"avg_open_rate":0.5,"best":"planted4","deep":{"er":1}},"vip":false}],
            "owner":{"mails":["planted5@example.org"],"name":"x"}}
            """
        let made = try protect(text, contract("mailchimp/members"))
        #expect(!made.text.contains("planted") && made.text.contains(#""name":"x""#), "\(made.text)")
        #expect(made.report.hidden == ["new_thing", "more", "stats.best", "stats.deep", "contact", "text"])
        for kept in ["\"status\":\"subscribed\"", "\"language\":\"en\"", "\"nothing\":null", "\"list_id\":\"l1\"", "0.5"] {
            #expect(made.text.contains(kept), "\(kept)")
        }
        let again = try protect(made.text, contract("mailchimp/members"))
        #expect(again.text == made.text && again.report.isClean)
        let contract = try contract("mailchimp/members")
        let (raw, _) = try unpack(Array(made.text.utf8), contract)
        var facts = CaptureFacts(fileName: "x")
        facts.observedDay = 20_000
        let outcome = try clean([raw[...]], contract, facts)
        #expect(outcome.report?.rowsOut == 1 && Set(outcome.report?.newColumns ?? []) == ["new_thing", "more", "nothing"])
    }

    /// A list of records inside another value is not that value's, and a document that carries records is none itself.
    @Test func recordsInsideOthersAreKept() throws {
        let people = try contract(
            format: #"kind: json, records: ["groups[].people[]", "groups[]", "{}"]"#,
            columns: ["name: name, type: text, personal: person", "name: rank, type: integer"])
        func hidden(_ text: String) throws -> String {
            try protect(text, people).text.replacing(try Regex("p1:person:k:[0-9a-f]+"), with: "P")
        }
        let inside = #"{"groups":[{"name":"planted","x":"planted","people":[{"name":"planted","rank":7,"y":"planted"}]}],"z":1}"#
        #expect(
            try hidden(inside) == #"{"groups":[{"name":"P","x":"[redacted]","people":[{"name":"P","rank":7,"y":"[redacted]"}]}],"z":1}"#)
        #expect(try hidden(#"{"name":"planted","z":"planted"}"#) == #"{"name":"P","z":"[redacted]"}"#)
    }

    /// Whatever shape an answer gives a personal value, nothing of it stays.
    @Test(arguments: [
        (records: "members[]", path: "email", json: #"{"members":[{"email":"planted","day":"2025-01-01"}]}"#, keeps: 1),
        (records: "members[]", path: "email", json: #"{"members":[{"email":"planted","email":"planted2","day":"d"}]}"#, keeps: 1),
        (records: "members[]", path: "email", json: #"{"members":[{"email":{"first":"planted"},"day":"2025-01-01"}]}"#, keeps: 0),
        (records: "members[]", path: "email", json: #"{"members":[{"email":["planted","planted2"],"day":"2025-01-01"}]}"#, keeps: 0),
        (records: "members[]", path: "email[]", json: #"{"members":[{"email":["planted","planted2"],"day":"d"}]}"#, keeps: 1),
        (records: "members[]", path: "who.email", json: #"{"members":[{"who":{"email":"planted","x":"planted"},"day":"d"}]}"#, keeps: 1),
        (
            records: "members[]", path: "who[kind=mail|post].at",
            json: #"{"members":[{"who":[{"kind":"post","at":"planted"},{"kind":"mail","at":"planted","x":"planted"}],"day":"d"}]}"#,
            keeps: 1
        ),
        (records: "members[]", path: "*", json: #"{"members":[{"a":"planted","b":"planted"}]}"#, keeps: 1),
        (records: "members[]", path: "#1", json: #"{"members":[["planted","2025-01-01","planted"]]}"#, keeps: 1),
        (records: "members[]", path: "1", json: #"{"members":[["2025-01-01","planted","planted"]]}"#, keeps: 1),
        (records: "members[]", path: "0", json: #"{"members":["planted","planted2"]}"#, keeps: 1),
        (records: "members[]", path: "$owner", json: #"{"owner":"planted","members":[{"day":"2025-01-01"}]}"#, keeps: 1),
        (records: "lists[].members[]", path: "^owner", json: #"{"lists":[{"owner":"planted","members":[{"x":"planted"}]}]}"#, keeps: 1),
        (records: "members[]", path: "2", json: #"{"members":["planted"]}"#, keeps: 0),
        (records: "lists[].members[]", path: "^^owner", json: #"{"lists":[{"owner":"a","members":[{"x":"planted"}]}]}"#, keeps: 0),
    ])
    func noShapeOfAPersonalValueIsLeft(_ given: (records: String, path: String, json: String, keeps: Int)) throws {
        let contract = try contract(
            format: "kind: json, records: [\"\(given.records)\"]",
            columns: ["name: day, type: text", "name: person, path: \"\(given.path)\", type: text, personal: person"])
        let made = try protect(given.json, contract)
        #expect(!made.text.contains("planted"), "\(made.text)")
        #expect((made.report.personal["person"] ?? 0) >= given.keeps && made.text.contains("p1:") == (given.keeps > 0), "\(made.text)")
        let again = try protect(made.text, contract)
        #expect(again.text == made.text && again.report.isClean, "\(again)")
        // What is kept cleans to rows: pseudonyms, and nobody where a person was hidden.
        let (raw, _) = try unpack(Array(made.text.utf8), contract)
        let outcome = try clean([raw[...]], contract, CaptureFacts(fileName: "x"))
        #expect(outcome.error == nil && outcome.report?.rowsOut == outcome.report?.rowsIn, "\(outcome)")
        let persons = outcome.sink.cells.enumerated().filter { $0.offset % 2 == 1 }.map(\.element)
        #expect(persons.contains { $0.hasPrefix("p1:") } == (given.keeps > 0) && persons.allSatisfy { $0.isEmpty || $0.hasPrefix("p1:") })
    }

    @Test func unknownColumnsBesidePersonalOnesAreHidden() throws {
        let text = "Date,Link,Visitor,IP address,Email,Opened,User agent\n2025-06-01,a,joe,10.0.0.1,,1,planted\n2025-06-01,a,,,x@y.z,1,\n"
        let made = try protect(text, contract("manual/submithub_links"))
        #expect(made.report.hidden == ["User agent"] && made.report.personal == ["link_visitor": 3])
        #expect(
            made.text.replacing(try Regex(":k:[0-9a-f]+"), with: "") == "Date,Link,Visitor,IP address,Email,Opened,User agent\n"
                + "2025-06-01,a,p1:link_visitor,p1:link_visitor,,1,[redacted]\n2025-06-01,a,,,p1:link_visitor,1,\n")
        #expect(try protect(made.text, contract("manual/submithub_links")).report.hidden == [])
    }

    @Test(arguments: [
        (
            #"{"error":{"message":"Error validating access token: user 100012345678 at me@example.org has not authorised "#
                + #"EAAB1234567890abcdefghij1","type":"OAuthException","code":190}}"#,
            "it says: Error validating access token: [redacted] … at … has not authorised … (190, OAuthException)"
        ),
        (
            #"{"error":{"code":403,"message":"The request cannot be completed because you have exceeded your <a "#
                + #"href=\"/youtube/v3/getting-started#quota\">quota</a>.","errors":[{"reason":"quotaExceeded"}]}}"#,
            "quotaExceeded"
        ),
        (#"{"error":"invalid_grant","error_description":"Token expired"}"#, "it says: Token expired (invalid_grant)"),
        (#"{"errors":[{"message":"Not signed in"}]}"#, "it says: Not signed in"),
        (#"{"type":"https://x/y","title":"Resource Not Found","status":404,"detail":"Gone"}"#, "Resource Not Found Gone (404, …)"),
    ])
    func anAnswerThatIsAnErrorSaysSo(_ answer: (json: String, words: String)) throws {
        let contract = try contract("metaads/insights")
        let error = #expect(throws: CleaningError.self) { try unpack(Array(answer.json.utf8), contract) }
        #expect(error?.code == "no_records" && error?.message.contains(answer.words) ?? false, "\(String(describing: error))")
    }

    @Test(arguments: [#"{"paging":{}}"#, #"{"title":"A page"}"#, "[]"]) func otherAnswersSayNothing(_ json: String) throws {
        let contract = try contract("youtube/analytics")
        let error = #expect(throws: CleaningError.self) { try unpack(Array(json.utf8), contract) }
        #expect(error?.message.contains("it says") == false, "\(String(describing: error))")
    }

    @Test func theMessageIsCutOff() throws {
        let json = #"{"error":{"message":"\#(String(repeating: "é ", count: 500))","code":1}}"#
        let error = #expect(throws: CleaningError.self) { try unpack(Array(json.utf8), contract("metaads/insights")) }
        #expect((error?.message.utf8.count ?? 0) < 400)
    }
}
