import EventLog
import Projection
import Testing

@testable import Ledger

/// Tokens that saved pages and logs of collectors carry reach neither log nor objects, zones or warehouse.
@Suite struct SecretTests {
    private static let planted = "PLANTED0SECRET1VALUE2"

    private static func page(_ secret: String = planted) -> String {
        """
        <!DOCTYPE html><html><head><meta name="csrf-token" content="\(secret)"></head><body data-session-key="\(secret)">
        <input type="hidden" name="CFTOKEN" value="\(secret)"><input type=hidden name=state value=\(secret)>
        <script>window.apiKey = '\(secret)'; document.cookie = "sid=\(secret); path=/";
        var boot = {"user":{"access_token":"\(secret)"},"url":"https://example.com/?access_token=\(secret)&x=1"};
        fetch("/x", {headers: {"Authorization": "Bearer \(secret)", 'X-CSRF-Token': "\(secret)"}});
        AmCharts.makeChart("c", {"id":"trend365day","dataProvider":[{"category":"2025-05-30","column-1":40},
        {"category":"2025-05-31","column-1":7}]});</script></body></html>

        """
    }

    /// Files below the root that hold the planted text.
    private func leaks(_ root: Root) throws -> [String] {
        let part = Array(Self.planted.utf8)
        return try Files.walk(root.layout.root).filter { path in
            let bytes = try Files.read(path)
            guard bytes.count >= part.count else { return false }
            return (0...(bytes.count - part.count)).contains { bytes[$0] == part[0] && bytes[$0..<($0 + part.count)].elementsEqual(part) }
        }
    }

    @Test func aSavedPageLosesItsTokensAndKeepsItsFigures() throws {
        let root = try Root()
        let file = try root.file("streams_stats_20250605_080000.html", Self.page())
        let preview = try root.lake.preview([file], IngestOptions())
        #expect(preview.files.first?.word == "unknown" || preview.files.first?.word == "quarantined", "no account yet")
        let outcome = try root.feed(file, account: "main", project: true)
        #expect(outcome.word == "promoted" && outcome.item?.rowsOut == 2)
        #expect(try leaks(root) == [])
        #expect(try root.events(.captured).first?.body["protected"]?["redacted"]?.int == 10)
        #expect(try String(decoding: Files.read(file), as: UTF8.self) == Self.page(), "the person's own file is theirs")
        #expect(try root.feed(file, account: "main").word == "duplicate")
        #expect(try root.lake.replay(into: nil, until: nil, only: []).differences.isEmpty)
        // In landing the page is replaced by its redacted form, which is the same capture.
        let landing = root.layout.folder(.landing) + "/distrokid/spotify_streams/other/streams_stats_20250606_080000.html"
        #expect(try root.feed(try root.file(landing, Self.page()), project: true).word == "promoted")
        #expect(try leaks(root) == [])
        #expect(try root.feed(landing).word == "duplicate")
        // A page without a chart is held back; its tokens are gone all the same.
        let empty = Self.page().replacing("trend365day", with: "nothing")
        #expect(try root.feed(root.file("streams_stats_20250607_080000.html", empty), account: "main").word == "quarantined")
        #expect(try leaks(root) == [])
    }

    @Test func filesThatAreSetAsideLoseThemToo() throws {
        let root = try Root()
        let text = "{\"runs\":[{\"headers\":{\"Cookie\":\"\(Self.planted)\"},\"note\":\"ok\"}],\"cut off: token=\(Self.planted)"
        let outcome = try root.feed(root.file("extraction_log_20250605_080000.json", text), account: "main", project: true)
        #expect(outcome.stream == "toolost/logs" && outcome.word == "promoted", "\(outcome)")
        #expect(try leaks(root) == [])
        let object = try #require(try root.events(.captured).first.map { try Capture($0).object })
        #expect(String(decoding: try root.lake.objects.read(object), as: UTF8.self).contains("\"note\":\"ok\""))
    }

    @Test func whatCannotBeReadAndMayHoldATokenIsNotStored() throws {
        let root = try Root()
        let path = "\(root.folder)/mailchimp_lists_main_20250605_080000.json"
        try AtomicFile.write(
            Array("{\"access_token\":\"\(Self.planted)\",\"lists\":[{\"stats\":{}}],\"x\":\"".utf8) + [0xFF, 0xFE, 34], to: path)
        let outcome = try root.feed(path, account: "main")
        #expect(outcome.word == "quarantined" || outcome.word == "unknown", "\(outcome)")
        #expect(try leaks(root) == [])
    }

    @Test func aNameOfOnesOwnIsAddedByAFile() throws {
        let shipped = String(decoding: try Files.read("\(Root.package)/zones/secrets.yml"), as: UTF8.self)
        let root = try Root(overlay: ["zones/secrets.yml": shipped + "  - hush\n"])
        let page = Self.page("x").replacing("<body ", with: "<body data-hush=\"\(Self.planted)\" ")
        #expect(try root.feed(root.file("streams_stats_20250605_080000.html", page), account: "main", project: true).word == "promoted")
        #expect(try leaks(root) == [])
        // A file that cannot be read stops before anything is stored.
        try root.define("zones/secrets.yml", "names: [\"*\"]\n")
        let failure = #expect(throws: (any Error).self) { try root.feed(root.file("streams_stats_20250606_080000.html", page)) }
        #expect("\(failure.map { "\($0)" } ?? "")".contains("zones/secrets.yml:1"))
    }
}
