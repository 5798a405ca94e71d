import EventLog
import Testing

/// `bedrot schema` from a shell.
@Suite struct SchemaTests {
    @Test func aPageForPeopleAndOneForPrograms() throws {
        let root = try SliceTests.lake.get()
        let text = try root.ok(["schema"]).text
        for part in [
            "# Schema of Test", "### fact_audience_day", "`streams_native_7d`", "One row per `day_no, src, account, platform, artist`",
        ] {
            #expect(text.contains(part), "\(part)")
        }
        #expect(try root.ok(["schema"]).text == text)
        let tables = try #require(try root.json(["schema"])["tables"]?.array)
        #expect(tables.contains { $0["name"] == "total_royalty" && $0["kind"] == "total" })

        let folder = try TemporaryFolder()
        let file = "\(folder.path)/pages/schema.html"
        #expect(try root.ok(["schema", "--html", file]).text.contains("to \(file)"))
        let check = """
            import sys,html.parser
            class P(html.parser.HTMLParser):
                def __init__(s): super().__init__(); s.open=[]; s.tables=0
                def handle_starttag(s,t,a):
                    assert t not in ('script','img','link','iframe'), t
                    if t=='table': s.tables+=1
                    if t!='meta': s.open.append(t)
                def handle_endtag(s,t): assert s.open.pop()==t, t
            p=P(); p.feed(open(sys.argv[1],encoding='utf-8').read()); assert not p.open, p.open; print(p.tables)
            """
        let parsed = try Binary.other("python3", ["-c", check, file])
        #expect(parsed.code == 0, "\(parsed)")
        #expect(try root.ok(["schema", "--html", "\(root.path)/4_curated/x.html"], code: 1).errors.contains("belongs to the ledger"))
    }
}
