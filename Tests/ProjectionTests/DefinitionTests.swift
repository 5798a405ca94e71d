import Cleaning
import EventLog
import GRDB
import GRDBSQLite
import LedgerTesting
import Testing

@testable import Projection

@Suite struct SQLTextTests {
    @Test(
        "IDIV becomes an integer division",
        arguments: [
            ("IDIV(a, b)", "((a)/( b))"),
            ("1 + IDIV(IDIV(a, 2), f(b, c)) * 3", "1 + ((((a)/( 2)))/( f(b, c))) * 3"),
            ("IDIV(a, CASE WHEN x = ')' THEN 1 END)", "((a)/( CASE WHEN x = ')' THEN 1 END))"),
            ("idiv (a,b) - Idiv(c, d)", "((a)/(b)) - ((c)/( d))"),
            ("f(IDIV(a, b), IDIV(IDIV(c, d), IDIV(e, f)))", "f(((a)/( b)), ((((c)/( d)))/( ((e)/( f)))))"),
            ("'IDIV(a, b)' AS \"IDIV(c, d)\" -- IDIV(e, f)", "'IDIV(a, b)' AS \"IDIV(c, d)\" -- IDIV(e, f)"),
            ("IDIV(a)", "IDIV(a)"), ("my_idiv(a, b)", "my_idiv(a, b)"), ("IDIV(a, b", "IDIV(a, b"), ("nothing", "nothing"),
        ])
    func idiv(sql: String, expected: String) { #expect(SQLText.expandMacros(sql) == expected) }

    @Test(
        "comments go, text stays",
        arguments: [
            ("a -- b\nc", "a \nc"), ("a /* b\n */ c", "a  c"), ("'-- no' -- yes", "'-- no' "), ("'it''s /* */'", "'it''s /* */'"),
            ("'open", "'open"), ("a AS \"-- b\" -- c", "a AS \"-- b\" "),
            ("/* open", ""),
        ])
    func comments(sql: String, expected: String) { #expect(SQLText.withoutComments(sql) == expected) }

    @Test("lists split at their own commas only")
    func split() {
        #expect(SQLText.split("a, f(b, c), 'd, e', (g, (h, i))") == ["a", " f(b, c)", " 'd, e'", " (g, (h, i))"])
        #expect(SQLText.split("") == [])
    }

    @Test(
        "what a statement adds up is followed through names, positions and subqueries",
        arguments: [
            ("SELECT SUM(f.v) AS num FROM up f", "up.v", "up.v"),
            ("SELECT 'straße ŉ', total(a + (v)) AS num FROM up", "up.v", "up.v"), ("SELECT AVG(v) AS num FROM up", "up.v", "up.v"),
            ("SELECT MAX(v) AS num FROM up", nil, nil), ("SELECT SUM(g.v) AS num FROM up f JOIN rp g ON g.day = f.day", nil, nil),
            ("WITH x AS (SELECT v FROM up) SELECT SUM(v) AS num FROM x", "up.v", "up.v"),
            ("WITH x (a, b) AS (SELECT day, v FROM up) SELECT SUM(b) AS num FROM x", "up.v", "up.v"),
            ("WITH x (a, b) AS (SELECT day, v FROM up) SELECT SUM(a) AS num FROM x", nil, nil),
            ("WITH x AS (SELECT 1 AS a UNION ALL SELECT v FROM up) SELECT SUM(a) AS num FROM x", "up.v", "up.v"),
            ("SELECT SUM(y.a) AS num FROM (SELECT up.*, 1 AS a FROM up) y", nil, nil),
            ("SELECT SUM(y.v) AS num FROM (SELECT * FROM up) y", "up.v", "up.v"),
            ("SELECT (SELECT SUM(z.v) FROM up z) AS den, 1 AS num", "up.v", nil),
            ("WITH x AS (SELECT SUM(v) AS s FROM up), y AS (SELECT MAX(s) AS t FROM x) SELECT t AS num FROM y", "up.v", "up.v"),
            ("SELECT SUM(CASE WHEN v IS NOT NULL THEN 1 ELSE 0 END) + COUNT(v) AS num FROM up", nil, nil),
            ("SELECT SUM(CASE WHEN day > 3 THEN v END) AS num FROM up", "up.v", "up.v"),
            ("SELECT SUM(w) AS num FROM (SELECT r.v AS v, u.w AS w FROM up u JOIN rp r ON r.day = u.day)", nil, nil),
            ("SELECT SUM(v", nil, nil), ("SELECT SUM(') ' || v) AS num FROM up", "up.v", "up.v"),
        ] as [(String, String?, String?)])
    func sums(sql: String, first: String?, num: String?) {
        let sums = SQLSums(["up.v"], in: sql)
        #expect(sums.first == first && sums.sum(into: "num") == num)
    }

    @Test("a mark at the beginning and lines that end with two bytes are no matter", arguments: ["\u{FEFF}", ""], ["\r\n", "\n"])
    func otherEditors(mark: String, end: String) throws {
        let lines = [
            "/*---", "kpi: own", "title: Own", "unit: count", "direction: up", "formula: own", "---*/", "SELECT 1 AS num, 1 AS den",
            "ORDER BY 1", "",
        ]
        let text = mark + lines.joined(separator: end)
        let kpi = try KPIDefinition(path: "projections/kpis/own.sql", bytes: Array(text.utf8))
        #expect(kpi.id == "own" && kpi.formula == "own" && kpi.sql == "SELECT 1 AS num, 1 AS den\nORDER BY 1")
    }

    @Test(
        "words are found whole",
        arguments: [
            ("OVER", "SUM(x) over (y)", true), ("OVER", "turnover", false), ("OVER", "over_all", false), ("OVER", "(OVER)", true),
            ("SUM(", "SUM(x)", true),
            ("SUM(", "MYSUM(x)", false), ("SELECT", "", false),
        ])
    func words(word: String, sql: String, expected: Bool) { #expect(SQLText.contains(word, in: sql) == expected) }

    @Test(
        "what a replay could not repeat is refused with advice",
        arguments: [
            ("SELECT strftime('%Y', d) FROM t ORDER BY 1", "dim_date"), ("SELECT a,\n date ('now') FROM t ORDER BY 1", "dim_date"),
            ("SELECT random() FROM t ORDER BY 1", "random"), ("SELECT rowid FROM t ORDER BY 1", "natural keys"),
            ("SELECT CURRENT_DATE FROM t ORDER BY 1", ":day"), ("SELECT a FROM t", "ORDER BY"),
            ("DELETE FROM t", "one SELECT"), ("", "one SELECT"),
        ])
    func lint(sql: String, advice: String) {
        let error = #expect(throws: DefinitionError.self) { try SQLText.checked(sql, path: "projections/kpis/x.sql", needsOrder: true) }
        #expect("\(error.map(String.init(describing:)) ?? "")".contains(advice))
        #expect(error?.path == "projections/kpis/x.sql")
    }

    @Test("the place of what is refused counts from the head of the file")
    func place() {
        let error = #expect(throws: DefinitionError.self) {
            try SQLText.checked("-- why\nSELECT a, rowid FROM t ORDER BY 1", path: "x", line: 9, needsOrder: true)
        }
        #expect(error?.line == 10 && error?.column == 11)
    }

    @Test(
        "what only other engines read differently still replays",
        arguments: [
            "SELECT IFNULL(a, 0) FROM t ORDER BY 1", "SELECT a FROM t WHERE a GLOB 'x*' ORDER BY 1", "SELECT AVG(a) AS b FROM t ORDER BY 1",
            "SELECT a / 2 FROM t ORDER BY 1", "SELECT RANK() OVER (ORDER BY a) FROM t",
        ])
    func replays(sql: String) throws { #expect(try SQLText.checked(sql, path: "x", needsOrder: true) == sql) }

    @Test("what is portable passes")
    func passes() throws {
        let sql = "-- why\nWITH x AS (SELECT update_date(a) AS a FROM t) SELECT IDIV(a, 2) FROM x ORDER BY a;"
        #expect(
            try SQLText.checked(sql, path: "x", needsOrder: true)
                == "WITH x AS (SELECT update_date(a) AS a FROM t) SELECT ((a)/( 2)) FROM x ORDER BY a")
    }
}

@Suite struct DefinitionErrorTests {
    private static func set(_ changes: [String: String?]) throws -> DefinitionSet {
        var files = Lab.definitions
        for dataset in Lab.Dataset.allCases { files["zones/test/\(dataset.rawValue).yml"] = Lab.contract(dataset, version: 0) }
        for (path, text) in changes { files[path] = text }
        return try DefinitionSet(files: files.mapValues { Array($0.utf8) })
    }

    private static let fact = "projections/warehouse/up.sql"
    private static let kpi = "projections/kpis/ap_today.sql"
    private static let curated = "projections/curated/up.sql"

    @Test("the lab's own definitions are right")
    func lab() throws {
        let set = try Self.set([:])
        #expect(set.facts.map(\.name) == ["ap", "oc", "rp", "up"])
        #expect(set.facts(of: "test/rp").map(\.name) == ["rp"])
        #expect(set.facts.map(\.cut) == [nil, "day", "day", "day"])
        #expect(set.kpis.map(\.id) == ["ap_today", "rp_by_member", "up_by_artist", "up_by_member"])
    }

    @Test(
        "an error names file, line and key",
        arguments: [
            (fact, "title: One", "titel: One", 3, "titel"),
            (fact, "  artist: key source:artist", "  artist: key text", 5, "artist"),
            (fact, "up_total: {by: [artist], sum: [v]}", "up_total: {by: [artist]}", 12, "a total is"),
            (fact, "[artist], sum", "[performer], sum", nil, "performer"),
            (fact, "  - [day]", "  - [date]", nil, "date"),
            (fact, "/*---\n", "/*--\n", 1, "YAML header"),
            (fact, "fact: up", "fact: [", 4, "YAML"), (fact, "title: One", "title: {One", 4, "YAML"),
            (curated, "formats: {day: day}", "formats: {day: day", 6, "YAML"), (kpi, "unit: count", "kpi: count", 2, "stands twice"),
            (fact, "fact: up\n", "", 1, "fact"),
            (fact, "fact: up\n", "fact: \"up; DROP\"\n", nil, "no name"),
            (fact, "fact: up\n", "fact: rp\n", nil, "defined twice"),
            (fact, "  note: source:note", "  from_seq: source:note", nil, "from_seq"),
            (fact, "-- from: test/up", "-- for: test/up", nil, "-- from:"),
            (fact, "v, note FROM staged", "v FROM staged", nil, "note"),
            (fact, "v, note FROM staged", "v, note, k AS extra FROM staged", nil, "extra"),
            (fact, "FROM staged", "FROM staged WHERE v > 0", nil, "row-wise"),
            (fact, "v, note FROM", "SUM(v) AS v, note FROM", nil, "SUM("),
            (fact, "SELECT k AS artist", "SELECT UPPER(k) AS artist", nil, "key"),
            (kpi, "unit: count", "units: count", 4, "units"),
            (kpi, "formula:", "decimals: 40\nformula:", 6, "decimals"),
            (kpi, "formula:", "evidence: {fact: ap}\nformula:", 6, "`evidence` is {fact: <table>, where: <condition>}, or a list"),
            (kpi, "formula:", "evidence:\n  - {fact: ap, where: v > 0}\n  - {fact: up, when: v > 0}\nformula:", 8, "or a list of them"),
            (kpi, "formula:", "evidence: [{fact: ap, where: v > 0, day: 1}]\nformula:", 6, "or a list of them"),
            (kpi, "ORDER BY 1", "", nil, "ORDER BY"),
            (kpi, "kpi: ap_today", "kpi: up_by_artist", nil, "up_by_artist"),
            (curated, "{day: day}", "{day: decimal/40}", 5, "decimal/40"),
            (curated, "{day: day}", "{day: week}", 5, "week"),
            (curated, "file: up.csv", "file: ../up.csv", nil, "plain name"),
        ] as [(String, String, String, Int?, String)])
    func errors(path: String, old: String, new: String, line: Int?, says: String) throws {
        let text = try #require(Lab.definitions[path])
        #expect(text.contains(old))
        let error = #expect(throws: DefinitionError.self) { try Self.set([path: text.replacing(old, with: new)]) }
        #expect(error?.path.hasPrefix("projections") == true)
        #expect(error?.line == line, "\(error.map(String.init(describing:)) ?? "")")
        #expect(error?.reason.contains(says) == true, "\(error.map(String.init(describing:)) ?? "")")
    }

    @Test("guards and reference files name their own lines")
    func yaml() throws {
        let guards = #expect(throws: DefinitionError.self) { try Self.set(["projections/guards.yml": "plays: {}\nextra: 1\n"]) }
        #expect(guards?.line == 2 && guards?.reason.contains("extra") == true)
        let broken = #expect(throws: DefinitionError.self) { try Self.set(["projections/guards.yml": "plays: [\n"]) }
        #expect("\(broken.map(String.init(describing:)) ?? "")".hasPrefix("projections/guards.yml:2:1: not YAML"))
        let tab = #expect(throws: DefinitionError.self) {
            try Self.set(["projections/guards.yml": "# first\nplays: {}\nnever_summed:\n\t- up.v\n"])
        }
        #expect(tab?.line == 4 && tab?.column == 1, "\(tab.map(String.init(describing:)) ?? "")")
        let header = #expect(throws: DefinitionError.self) {
            try Self.set([Self.kpi: "/*---\nkpi: x\ntitle: \"x\n---*/\nSELECT 1 AS num, 1 AS den ORDER BY 1"])
        }
        #expect(header?.line == 3 && header?.column != nil, "\(header.map(String.init(describing:)) ?? "")")
        let member = #expect(throws: DefinitionError.self) {
            try Self.set(["projections/reference/platforms.yml": "kind: platform\nmembers:\n  platform:x: {values: [x]}\n"])
        }
        #expect(member?.line == 3)
    }

    @Test(
        "a merge mode asks for the identity that fits",
        arguments: [
            ("projections/warehouse/rp.sql", "identity: row\n", ""), ("projections/warehouse/rp.sql", "partition: day\n", ""),
            ("projections/warehouse/ap.sql", "identity: row\n", ""),
            ("projections/warehouse/up.sql", "columns:", "identity: row\ncolumns:"),
        ])
    func identity(path: String, old: String, new: String) throws {
        let text = try #require(Lab.definitions[path]).replacing(old, with: new)
        #expect(throws: DefinitionError.self) { try Self.set([path: text]) }
    }

    @Test("a loader's columns may contain words that are forbidden by themselves")
    func harmlessWords() throws {
        let text = try #require(Lab.definitions[Self.fact]).replacing("note: source:note", with: "turnover: source:note")
        #expect(throws: Never.self) { try Self.set([Self.fact: text.replacing("note FROM", with: "note AS turnover FROM")]) }
    }

    @Test("fingerprints follow names and bytes of their kind only")
    func fingerprints() throws {
        let plain = try Self.set([:])
        let other = try Self.set([Self.kpi: try #require(Lab.definitions[Self.kpi]) + "\n"])
        #expect(plain.fingerprint { $0 == .fact } == other.fingerprint { $0 == .fact })
        #expect(plain.fingerprint { $0 == .kpi } != other.fingerprint { $0 == .kpi })
    }
}

@Suite struct ReadsTests {
    private static func reads(_ sql: String) throws -> KPIEngine.Reads {
        let lab = try Lab()
        try lab.append()
        let projector = lab.projector()
        _ = try projector.project()
        let definitions = try projector.definitions(until: Int64(lab.drafts.count))
        return try Warehouse.Reader(lab.layout).queue.read { database in
            return try KPIEngine(database: database, definitions: definitions, tables: definitions.tables).reads(sql, path: "x")
        }
    }

    @Test(
        "a statement reads the columns that it names, not those its views are made of",
        arguments: [
            ("SELECT SUM(f.v) FROM up f", ["up.v"], ["up"]),
            ("SELECT COUNT(*) FROM up", [], ["up"]),
            ("SELECT f.v FROM up f JOIN artist_of a ON a.source_id = f.artist WHERE f.day > 3", ["up.artist", "up.day", "up.v"], ["up"]),
            ("WITH x AS (SELECT day, v FROM rp) SELECT day FROM x", ["rp.day", "rp.v"], ["rp"]),
            ("SELECT t.v, f.day FROM up_total t, ap f", ["ap.day", "up_total.v"], ["ap", "up", "up_total"]),
            ("SELECT win_seq FROM rp_v", ["rp.win_seq"], ["rp"]),
            ("SELECT 1", [], []),
        ])
    func reads(sql: String, columns: [String], tables: [String]) throws {
        let reads = try Self.reads(sql)
        #expect(reads.columns.sorted() == columns)
        #expect(reads.tables.sorted() == tables)
    }

    @Test("a guard looks at the columns a KPI names, not at those beside them")
    func guards() throws {
        var definitions = Lab.definitions
        definitions["projections/guards.yml"] = "plays:\n  one: [up.v]\n  two: [up.note, rp.v]\n"
        let lab = try Lab(definitions: definitions)
        lab.completeRun()
        try lab.append()
        #expect(throws: Never.self) { try lab.projector().project() }
    }
}

@Suite struct StagedTableTests {
    private struct Collector: RowSink {
        var body: (StagedBatch) throws -> Void
        mutating func take(_ batch: StagedBatch) throws { try body(batch) }
        mutating func take(_ rejects: [Reject]) throws {}
    }

    private func run(_ sql: String, _ text: String, batchRows: Int = 1_000) throws -> [[String?]] {
        let contract = try Contract.parse(Array(Lab.contract(.up, version: 1).utf8), path: "zones/test/up.yml")
        let loader = try StagedTable(columns: contract.stagedColumns).prepare(sql)
        var rows: [[String?]] = []
        var cleaner = Cleaner(contract: contract, facts: CaptureFacts(fileName: "up_1.csv"), batchRows: batchRows)
        var sink = Collector { batch in
            try loader.run(batch, account: "first") { _, statement in
                rows.append((0..<sqlite3_column_count(statement)).map { sqlite3_column_text(statement, $0).map { String(cString: $0) } })
            }
        }
        try cleaner.push(Array(text.utf8), to: &sink)
        _ = try cleaner.finish(to: &sink)
        return rows
    }

    private static let text = "k,p,v,note\nA,2025-02-01,5,\"x,y\"\nB,2025-02-02,,\nC,2025-02-03,-7,é\n"

    @Test("typed rows read as SQLite values, whatever the batch", arguments: [1, 2, 1_000])
    func rows(batchRows: Int) throws {
        let rows = try run("SELECT UPPER(k) || '!', p, v * 2, note, line, account FROM staged", Self.text, batchRows: batchRows)
        #expect(
            rows == [
                ["A!", "20120", "10", "x,y", "2", "first"], ["B!", "20121", nil, nil, "3", "first"],
                ["C!", "20122", "-14", "é", "4", "first"],
            ])
    }

    @Test("a loader gives exactly one row for each")
    func oneEach() { #expect(throws: SQLiteFailure.self) { try run("SELECT k FROM staged WHERE v > 0", Self.text) } }

    @Test("SQL that does not compile says why")
    func broken() {
        let error = #expect(throws: SQLiteFailure.self) { try run("SELECT nonsense FROM staged", Self.text) }
        #expect(error?.description.contains("no such column: nonsense") == true)
    }
}
