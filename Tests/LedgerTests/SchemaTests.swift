import EventLog
import Projection
import Testing

@testable import Ledger

@Suite struct Schemas {
    /// Definitions whose texts try to break out of the page.
    private static let hostile: [String: String] = [
        "projections/kpis/hostile.sql": """
        /*---
        kpi: hostile
        title: "<script>alert(1)</script> | `x` & \\"y\\" [l](javascript:1)"
        unit: count
        direction: up
        formula: "'a' < b > c | d"
        dimensions: []
        ---*/
        SELECT 1 AS num, 1 AS den ORDER BY 1
        """
    ]

    @Test func everyNameIsOnThePage() throws {
        let (root, _, _, _) = try Answers.root()
        let page = try root.lake.schema()
        let markdown = page.markdown
        let html = page.html
        let definitions = try root.lake.definitionsInForce()
        for fact in definitions.facts {
            #expect(markdown.contains("\n### \(fact.name)\n") && html.contains("<h3 id=\"\(fact.name)\">"))
            for column in fact.columns { #expect(markdown.contains("| `\(column.name)` | ")) }
            for stream in fact.streams { #expect(markdown.contains(stream)) }
        }
        for kpi in definitions.kpis { #expect(markdown.contains("| `\(kpi.id)` |") && html.contains("<code>\(kpi.id)</code>")) }
        for part in [
            "| `streams_native` | count |  | plays as seen by platform: never add another observer's |",
            "| `followers_total` | count |  | never summed |", "| `day_no` | day | key |",
            "| `net_nano` | nano |  |", "### dim_date", "### artist_of", "| distributor_trend |",
        ] { #expect(markdown.contains(part), "\(part)") }
        #expect(try root.lake.schema().markdown == markdown && root.lake.schema().html == html, "the same page each time")
    }

    @Test func whatIsThereIsWhatIsDescribed() throws {
        let (root, _, _, _) = try Answers.root()
        let tables = try root.lake.schema().tables
        let there = try root.lake.query("SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'").rows
        let known = Set(tables.map(\.name)).union(tables.filter(\.hasVersions).map { $0.name + "_v" })
        let names = there.compactMap { row in row[0].string }
        #expect(names.filter { !known.contains($0) }.isEmpty, "not described: see TableDescription")
        for table in tables {
            let columns = table.columns.map { "\"\($0.name)\"" }.joined(separator: ", ")
            #expect(try root.lake.query("SELECT \(columns) FROM \"\(table.name)\" LIMIT 1").columns == table.columns.map(\.name))
        }
    }

    @Test func textsOfDefinitionsStayText() throws {
        let root = try Root(overlay: Self.hostile)
        // Before anything is projected, the log's definitions count.
        let page = try root.lake.schema()
        #expect(page.kpis.contains { $0.id == "hostile" })
        let html = page.html
        #expect(!html.contains("<script") && html.contains("&lt;script&gt;alert(1)&lt;/script&gt;"))
        #expect(html.contains("&quot;y&quot;") && html.contains("&#39;a&#39; &lt; b &gt; c"))
        let row = try #require(page.markdown.split(separator: "\n").first { $0.contains("`hostile`") })
        #expect(!row.contains("<script") && row.contains("\\`x\\`") && row.contains("\\[l\\](javascript:1)"))
        #expect(row.replacing("\\|", with: "").filter { $0 == "|" }.count == 9, "eight cells: \(row)")
        #expect(
            html.components(of: "<table>") == html.components(of: "</table>") && html.components(of: "<tr>") == html.components(of: "</tr>")
        )
        _ = try page.json.canonical()
    }

    @Test func thePageIsNotWrittenIntoTheLedger() throws {
        let root = try Root()
        #expect(throws: LedgerError.self) { try root.lake.write("x", to: "\(root.layout.folder(.curated))/schema.html") }
        #expect(try root.lake.write("x", to: "\(root.folder)/a/schema.html") == "\(root.folder)/a/schema.html")
        #expect(throws: LedgerError.self) { try root.lake.write("x", to: "\(root.folder)/a") }
    }
}

extension String {
    fileprivate func components(of text: String) -> Int { ranges(of: text).count }
}
