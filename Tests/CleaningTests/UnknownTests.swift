import Cleaning
import Testing

/// What nobody has named: values beside personal data, and answers that are errors.
@Suite struct UnknownTests {
    private func protect(_ text: String, _ stream: String) throws -> (text: String, report: ProtectionReport) {
        let made = try Cleaner.protect(ByteSource(Array(text.utf8)), under: contract(stream)) { group, _ in Array("p1:\(group):k:aa".utf8) }
        return (String(decoding: made.bytes, as: UTF8.self), made.report)
    }

    @Test func unknownMembersBesidePersonalOnesAreHidden() throws {
        let text = """
            {"list_id":"l1","contact":"planted1@example.org","total_items":1,"members":[{"email_address":"a@example.org",
            "status":"subscribed","new_thing":"planted2@example.org","more":{"deep":["planted3"]},"nothing":null,
            "language":"en","stats":{"avg_open_rate":0.5,"best":"planted4","deep":{"er":1}},"vip":false}],
            "owner":{"mails":["planted5@example.org"],"name":"x"}}
            """
        let made = try protect(text, "mailchimp/members")
        #expect(!made.text.contains("planted") && made.text.contains(#""name":"x""#), "\(made.text)")
        #expect(made.report.hidden == ["new_thing", "more", "stats.best", "stats.deep", "contact", "text"])
        for kept in ["\"status\":\"subscribed\"", "\"language\":\"en\"", "\"nothing\":null", "\"list_id\":\"l1\"", "0.5"] {
            #expect(made.text.contains(kept), "\(kept)")
        }
        let again = try protect(made.text, "mailchimp/members")
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
        let contract = try contract(
            yaml: """
                title: People
                names: [people.json]
                account: ask
                format: {kind: json, records: ["groups[].people[]", "groups[]", "{}"]}
                columns:
                  - {name: name, type: text, personal: person}
                  - {name: rank, type: integer}
                merge: append
                """)
        let text = #"{"groups":[{"name":"planted","x":"planted","people":[{"name":"planted","rank":7,"y":"planted"}]}],"z":1}"#
        let made = try Cleaner.protect(ByteSource(Array(text.utf8)), under: contract) { group, _ in Array("p1:\(group):k:aa".utf8) }
        #expect(
            String(decoding: made.bytes, as: UTF8.self)
                == ##"{"groups":[{"name":"p1:person:k:aa","x":"[redacted]","people":[{"name":"p1:person:k:aa","rank":7,"##
                + ##""y":"[redacted]"}]}],"z":1}"##)
        let alone = try Cleaner.protect(ByteSource(Array(#"{"name":"planted","z":"planted"}"#.utf8)), under: contract) { group, _ in
            Array("p1:\(group):k:aa".utf8)
        }
        #expect(String(decoding: alone.bytes, as: UTF8.self) == #"{"name":"p1:person:k:aa","z":"[redacted]"}"#)
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
        (records: "lists[].members[]", path: "^^owner", json: #"{"lists":[{"owner":"a","members":[{"x":"planted"}]}]}"#, keeps: 0),
    ])
    func noShapeOfAPersonalValueIsLeft(_ given: (records: String, path: String, json: String, keeps: Int)) throws {
        let contract = try contract(
            yaml: """
                title: People
                names: [people.json]
                account: ask
                format: {kind: json, records: ["\(given.records)"]}
                columns:
                  - {name: day, path: [day, "#2"], type: day, required: true}
                  - {name: person, path: "\(given.path)", type: text, personal: person}
                merge: {upsert: [day]}
                """)
        let made = try Cleaner.protect(ByteSource(Array(given.json.utf8)), under: contract) { group, _ in Array("p1:\(group):k:aa".utf8) }
        let text = String(decoding: made.bytes, as: UTF8.self)
        #expect(!text.contains("planted"), "\(text)")
        #expect((made.report.personal["person"] ?? 0) >= given.keeps && text.contains("p1:person:k:aa") == (given.keeps > 0), "\(text)")
        let again = try Cleaner.protect(ByteSource(made.bytes), under: contract) { group, _ in Array("p1:\(group):k:bb".utf8) }
        #expect(String(decoding: again.bytes, as: UTF8.self) == text && again.report.isClean, "\(again)")
    }

    @Test func unknownColumnsBesidePersonalOnesAreHidden() throws {
        let text = "Date,Link,Visitor,IP address,Email,Opened,User agent\n2025-06-01,a,joe,10.0.0.1,,1,planted\n2025-06-01,a,,,x@y.z,1,\n"
        let made = try protect(text, "manual/submithub_links")
        #expect(made.report.hidden == ["User agent"] && made.report.personal == ["link_visitor": 3])
        #expect(
            made.text == "Date,Link,Visitor,IP address,Email,Opened,User agent\n"
                + "2025-06-01,a,p1:link_visitor:k:aa,p1:link_visitor:k:aa,,1,[redacted]\n2025-06-01,a,,,p1:link_visitor:k:aa,1,\n")
        #expect(try protect(made.text, "manual/submithub_links").report.hidden == [])
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
