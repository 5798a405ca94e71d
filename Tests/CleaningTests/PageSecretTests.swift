import Testing

@testable import Cleaning

/// Tokens in saved pages leave before anything is stored; figures stay.
@Suite struct PageSecretTests {
    private static let names = try? SecretNames.parse(
        Array("names: [my-key]\npages: [\"*xsrf*\", \"*secret\", sessionid, sid]\n".utf8), path: "zones/secrets.yml")

    private static func redact(_ text: String) throws -> (text: String, count: Int) {
        let made = PageSecrets.redact(Array(text.utf8), try #require(names))
        return (String(decoding: made.text, as: UTF8.self), made.count)
    }

    /// Each holds PLANTED once, which must go; what stands beside it must stay.
    @Test(arguments: [
        "<meta name=\"csrf-token\" content=\"PLANTED\">", "<META CONTENT='PLANTED' NAME='_csrf'/>",
        "<meta name=csrf-token content=PLANTED>",
        "<input type=\"hidden\" name=\"authenticity_token\" value=\"PLANTED\" />", "<input value=PLANTED name=cftoken type=hidden>",
        "<input type=hidden name=state value=PLANTED0123456789abcdef>", "<input type=password name=p value=\"PLANTED\">",
        "<div data-csrf-token=\"PLANTED\" class=\"a\"></div>", "<div data-my-key='PLANTED'>", "<body data-sid=PLANTED>",
        "<meta http-equiv=\"Set-Cookie\" content=\"PLANTED\">",
        "<div data-props=\"{&quot;csrf&quot;:&quot;PLANTED&quot;,&quot;n&quot;:1}\">", "<a href=\"/x?access_token=PLANTED&amp;y=1\">",
        "<script>var s = {\"access_token\" : \"PLANTED\"};</script>", "<script>window.csrfToken='PLANTED';</script>",
        "<script>let apiSecret = `PLANTED`</script>", "<script>headers['X-CSRF-Token'] = \"PLANTED\"</script>",
        "<script>xhr.setRequestHeader(\"X-XSRF-TOKEN\", \"PLANTED\");</script>",
        "<script>localStorage.setItem('token', 'PLANTED')</script>",
        "<script>document.cookie = \"sid=PLANTED; path=/\";</script>", "<script>f(\"{\\\"refreshToken\\\":\\\"PLANTED\\\"}\")</script>",
        "<script>fetch(u, {headers: {Authorization: 'Bearer PLANTED'}})</script>", "<script>h = \"Bearer PLANTED01234\"</script>",
        "<script>sessionid=PLANTED;x=1</script>", "<script>{jwt: {\"value\": \"PLANTED\", \"n\": 1}}</script>",
        "<script>t = ['eyJPLANTED0123456789.eyJhIjoxfQ.c2ln']</script>", "<script>a<b; password = \"PL\\\"ANTEDPLANTED\"</script>",
        "<!-- token=PLANTED -->", "state=%7B%22access_token%22%3A%22PLANTED%22%7D", "<style>a{}</style><meta name=_token content=PLANTED>",
        "<script>if (a < \"<meta\") { b() }</script><input name=_csrf value=\"PLANTED\">", "csrf: \"PLANTED",
    ]) func aTokenGoes(page: String) throws {
        let chart = "<script>chart({\"id\":\"trend365day\",\"dataProvider\":[{\"category\":\"2025-05-30\",\"column-1\":40}]});</script>"
        let made = try Self.redact("\(chart)\n\(page)")
        #expect(!made.text.contains("PLANTED") && made.text.contains("[redacted]"), "\(made.text)")
        #expect(made.text.hasPrefix(chart))
        #expect(made.count == 1, "\(made.text)")
        let again = try Self.redact(made.text)
        #expect(again.text == made.text && again.count == 0, "\(again.text)")
    }

    @Test(arguments: [
        "<meta name=\"description\" content=\"all streams\">", "<input type=hidden name=page value=2>",
        "<input type=text name=q value=abc>",
        "<script>chart({\"id\":\"trend365day\",\"dataProvider\":[{\"category\":\"2025-05-30\",\"column-1\":40}]});</script>",
        "<script>var token = getToken(), n = 1; csrf = null;</script>",
        "<p>Your password: forgotten?</p>".replacing(": forgotten", with: ""),
        "", "<", "<a", "<a b=", "<input type=hidden value", "token", "csrf=", "\"csrf\"", "bearer", "token:[", "sid={\"", "eyJ",
        "<script>tokenize('a'); broken<", "<p>café ☕ — ünïcode</p>",
    ]) func whatIsNoSecretStays(page: String) throws {
        let made = try Self.redact(page)
        #expect(made.text == page && made.count == 0)
    }

    /// A hostile page costs no more than an ordinary one of its size, and never ends in a trap.
    @Test func hostilePagesEnd() throws {
        for part in ["sid=[", "token:{\"", "<a token='", "csrf=\"", "eyJ", "<script>", "\\\"token\\\":", "%22token%22%3A"] {
            _ = try Self.redact(String(repeating: part, count: 4_000))
        }
        var state: UInt64 = 7
        for _ in 0..<300 {
            var bytes: [UInt8] = []
            for _ in 0..<60 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                let parts = [
                    "<meta ", "name=", "\"", "'", "csrf", "token", "=", ":", "{", "}", "[", " ", ">", "value", "&quot;", "\\\"", "a", "<",
                ]
                bytes += parts[Int(state >> 33) % parts.count].utf8
            }
            let once = PageSecrets.redact(bytes, try #require(Self.names)).text
            let twice = PageSecrets.redact(once, try #require(Self.names)).text
            #expect(once.count { $0 == UInt8(ascii: ">") } <= bytes.count { $0 == UInt8(ascii: ">") })
            // A quote that is gone may open the next text; a third look at least finds nothing the second did not.
            #expect(PageSecrets.redact(twice, try #require(Self.names)).text.count <= twice.count + 10 * 60)
        }
    }

    @Test(arguments: [
        ("nmaes: [a_token]", "nmaes"), ("names: [\"a*b\"]", "no name"), ("pages: [\"*\"]", "no name"), ("names: 3", "names"),
        ("", "empty"),
    ]) func aFileThatIsWrongSaysWhere(yaml: String, says: String) throws {
        let error = #expect(throws: ContractError.self) { try SecretNames.parse(Array(yaml.utf8), path: "zones/secrets.yml") }
        #expect(
            error?.description.hasPrefix("zones/secrets.yml:1:") == true && error?.description.contains(says) == true, "\(error as Any)")
    }

    @Test func namesOfDocumentsAreData() throws {
        let contract = try contract(
            yaml: "title: T\nnames: [t.json]\naccount: ask\nformat: {kind: json, records: [\"a[]\"]}\n"
                + "columns: [{name: n, type: integer}]\nmerge: append\n")
        let text = "{\"a\":[{\"n\":1}],\"My_Key\":\"PLANTED\",\"nextPageToken\":\"CAUQAA\",\"u\":\"https://h/?my-key=PLANTED\"}"
        func protect(_ names: SecretNames) throws -> String {
            String(decoding: try Cleaner.protect(ByteSource(Array(text.utf8)), under: contract, secrets: names) { $1 }.bytes, as: UTF8.self)
        }
        let made = try protect(try #require(Self.names))
        #expect(!made.contains("PLANTED") && made.contains("CAUQAA"), "\(made)")
        #expect(try protect(.least).contains("PLANTED"), "only what the file names")
    }
}
