import EventLog
import Glibc
import Testing

/// `bedrot query`: formats, files, parameters and clocks.
@Suite struct QueryTests {
    private static let odd =
        "SELECT 1 AS n, 'a,\"b|c' AS odd, NULL AS none, '<x>' || char(10) || 'y' AS tag UNION ALL SELECT 22, 'é', 3, '[l](u)'"

    @Test(arguments: [
        ("csv", "n,odd,none,tag\n1,\"a,\"\"b|c\",,\"<x>\ny\"\n22,é,3,[l](u)\n"),
        (
            "ndjson",
            "{\"n\":1,\"none\":null,\"odd\":\"a,\\\"b|c\",\"tag\":\"<x>\\ny\"}\n{\"n\":22,\"none\":3,\"odd\":\"é\",\"tag\":\"[l](u)\"}\n"
        ),
        (
            "json",
            "[{\"n\":1,\"none\":null,\"odd\":\"a,\\\"b|c\",\"tag\":\"<x>\\ny\"},{\"n\":22,\"none\":3,\"odd\":\"é\",\"tag\":\"[l](u)\"}]\n"
        ),
        (
            "markdown",
            "| n | odd | none | tag |\n| ---: | --- | ---: | --- |\n| 1 | a,\"b\\|c |  | &lt;x> y |\n| 22 | é | 3 | \\[l\\](u) |\n"
        ),
    ])
    func formats(_ format: String, _ expected: String) throws {
        let root = try SliceTests.lake.get()
        #expect(try root.ok(["query", Self.odd, "--format", format]).text == expected)
        if format == "csv" { #expect(try root.ok(["query", Self.odd, "--csv"]).text == expected) }
        if format == "json" { #expect(try root.ok(["query", Self.odd, "--json"]).text == expected) }
        let empty = try root.ok(["query", "SELECT 1 AS a WHERE 0", "--format", format]).text
        #expect(empty == ["csv": "a\n", "ndjson": "", "json": "[]\n", "markdown": "| a |\n| ---: |\n"][format])
    }

    @Test func aLongAnswerIsOneTableAndOneArray() throws {
        let root = try SliceTests.lake.get()
        let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500) SELECT i, 'x' || i AS word FROM n"
        let lines = try root.ok(["query", sql]).lines
        #expect(lines.count == 2502 && lines.filter { $0.contains("word") }.count == 1)
        #expect(lines[2].hasSuffix("1  x1") && lines[2501] == "2500  x2500")
        #expect(try root.json(["query", sql]).array?.count == 2500)
        let csv = try root.ok(["query", sql, "--csv"]).lines
        #expect(csv.count == 2501 && csv.last == "2500,x2500")
        let markdown = try root.ok(["query", sql, "--format", "markdown"]).lines
        #expect(markdown.count == 2502 && Set(markdown).count == 2502)
    }

    @Test func questionsComeFromFilesAndStandardInput() throws {
        let root = try SliceTests.lake.get()
        let folder = try TemporaryFolder()
        let file = "\(folder.path)/question.sql"
        try Tree.write(Array("-- how many\nSELECT :least + COUNT(*) AS n, :word AS w FROM fact_audience_day;\n".utf8), to: file)
        let parameters = ["--param", "least=0", "--param", "word=text:7", "--format", "csv"]
        let answer = try root.ok(["query", "--file", file] + parameters)
        #expect(answer.text == "n,w\n24,7\n")
        let piped = try Binary.run(["query", "--file", "-", "--root", root.path] + parameters, input: file)
        #expect(piped.text == answer.text && piped.code == 0, "\(piped)")
        let kpi = "\(Binary.checkout)/projections/kpis/streams_native_7d.sql"
        #expect(try root.json(["query", "--file", kpi, "--day", "2025-03-09"]).array?.contains { $0["num"] == 4200 } == true)
    }

    @Test func whatWasKnownThenIsAsked() throws {
        let root = try SliceTests.lake.get()
        let snapshots = try root.query("SELECT seq FROM kpi_snapshot ORDER BY seq").compactMap { $0["seq"]?.int }
        let sum = "SELECT SUM(streams_native) AS n FROM fact_audience_day WHERE day_no <= :day"
        func ask(_ more: [String]) throws -> String { try root.ok(["query", sum, "--format", "csv"] + more).text }
        #expect(try ask(["--known-at", "\(snapshots[0])"]) == "n\n4500\n")
        #expect(try ask(["--known-at", "\(snapshots[0])", "--day", "2025-03-02"]) == "n\n300\n")
        #expect(try ask([]) == "n\n17200\n")
    }

    @Test(arguments: [
        (["query"], 64, "write one SELECT"), (["query", "SELECT 1", "--file", "x"], 64, "given twice"),
        (["query", "SELECT 1", "--csv", "--format", "json"], 64, "two formats"), (["query", "SELECT 1", "--format", "xml"], 64, "xml"),
        (["query", "--file", "/nowhere/q.sql"], 1, "/nowhere/q.sql"), (["query", "SELECT :a"], 1, "--param a=VALUE"),
        (["query", "SELECT 1 AS a, 2 AS a", "--format", "ndjson"], 1, "two columns are called “a”"),
        (["query", "SELECT 1", "--known-at", "2001-01-01"], 1, "the log begins at"),
        (["query", "SELECT 1", "--day", "yesterday"], 64, "YYYY-MM-DD"), (["query", "SELECT load_extension('x')"], 1, "refused"),
    ])
    func mistakesAreExplained(_ arguments: [String], _ code: Int32, _ says: String) throws {
        let output = try SliceTests.lake.get().ok(arguments, code: code)
        #expect(output.errors.contains(says), "\(output)")
    }
}
