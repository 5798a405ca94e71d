import Cleaning
import EventLog
import LedgerTesting
import Testing

@testable import Projection

/// The lint of SQL files: each construct outside the portable subset is found at its place, and what is portable passes.
@Suite struct LintTests {
    /// A construct as `|` marks it in the SQL, and words that the finding must hold.
    struct Sample: Sendable, CustomTestStringConvertible {
        let sql: String
        let kind: SQLLint.Kind
        let construct: String
        let form: String
        var testDescription: String { sql }

        init(_ sql: String, _ construct: String, _ form: String, kind: SQLLint.Kind = .table) {
            (self.sql, self.construct, self.form, self.kind) = (sql, construct, form, kind)
        }
    }

    private static let tail = " FROM fact_a f ORDER BY 1 NULLS FIRST"

    static let samples = [
        Sample("SELECT |strftime('%Y', f.day) AS y\(tail)", "STRFTIME", "dim_date"),
        Sample("SELECT |date(f.day) AS y\(tail)", "DATE", "dim_date"),
        Sample("SELECT date_trunc('month', f.day) AS y\(tail)".replacing("date_", with: "|date_"), "DATE_TRUNC(", "dim_date"),
        Sample("SELECT |CURRENT_DATE AS y\(tail)", "CURRENT_DATE", ":day"),
        Sample("SELECT |random() AS y\(tail)", "RANDOM", "nothing random"),
        Sample("SELECT f.|rowid AS y\(tail)", "ROWID", "natural keys"),
        Sample("SELECT f.a |/ 2 AS y\(tail)", "/", "IDIV(a, b)"),
        Sample("SELECT |IDIV(f.a) AS y\(tail)", "IDIV", "IDIV(a, b)"),
        Sample("SELECT |ifnull(f.a, 0) AS y\(tail)", "IFNULL(", "COALESCE(a, b)"),
        Sample("SELECT |MIN(f.a, f.b) AS y\(tail)", "MIN(a, b)", "CASE WHEN a < b"),
        Sample("SELECT |max(f.a, f(b, c)) AS y\(tail)", "MAX(a, b)", "CASE WHEN a > b"),
        Sample("SELECT |ROUND(f.a) AS y\(tail)", "ROUND(", "IDIV"),
        Sample("SELECT |AVG(f.a) AS y\(tail)", "AVG(", "num and den"),
        Sample("SELECT |group_concat(f.a) AS y\(tail)", "GROUP_CONCAT(", "one row a value"),
        Sample("SELECT |SUM(f.a = 'x') AS y\(tail)", "SUM(a = b)", "CASE WHEN a = b THEN 1 ELSE 0 END"),
        Sample("SELECT |SUM(COALESCE(f.a IN (1, 2), 0)) AS y\(tail)", "SUM(a = b)", "CASE"),
        Sample("SELECT f.a |> 3 AS y\(tail)", "a truth as a value", "CASE"),
        Sample("SELECT f.a AS y FROM fact_a f WHERE f.n |LIKE '%x' ORDER BY f.a NULLS LAST", "LIKE", "lower(x) LIKE"),
        Sample("SELECT f.a AS y FROM fact_a f WHERE lower(f.n) NOT LIKE |'%X' ORDER BY f.a NULLS LAST", "'%X'", "lower case"),
        Sample("SELECT f.a AS y FROM fact_a f WHERE f.n |GLOB 'x*' ORDER BY f.a NULLS LAST", "GLOB", "lower(x) LIKE"),
        Sample("SELECT f.a AS y FROM fact_a f ORDER BY |f.a", "ORDER BY f.a", "NULLS FIRST"),
        Sample("SELECT f.a AS y FROM fact_a f ORDER BY |1 DESC", "ORDER BY 1", "NULLS FIRST"),
        Sample("SELECT v.value AS y FROM fact_a f LEFT JOIN source_value v ON v.id = f.n ORDER BY |v.value", "ORDER BY v.value", "NULLS"),
        Sample("WITH x AS (SELECT SUM(f.a) AS y FROM fact_a f) SELECT x.y FROM x ORDER BY |x.y", "ORDER BY x.y", "NULLS"),
        Sample(
            "SELECT ROW_NUMBER() OVER (PARTITION BY f.b ORDER BY |f.a DESC) AS y FROM fact_a f ORDER BY 1", "ORDER BY f.a", "NULLS"),
        Sample("SELECT f.a AS y FROM fact_a f WHERE f.b = 1 OR f.c = 2 AND f.a = 3 ORDER BY |f.a", "ORDER BY f.a", "NULLS"),
        Sample("SELECT f.a AS y FROM fact_a f WHERE f.a NOT IN (SELECT g.a FROM fact_a g) ORDER BY |f.a", "ORDER BY f.a", "NULLS"),
        Sample("SELECT d.year AS y FROM dim_date d UNION SELECT f.a FROM fact_a f ORDER BY |y", "ORDER BY y", "NULLS"),
        Sample("|SELECT f.a AS y FROM fact_a f", "SELECT", "total ORDER BY"),
        Sample(
            "SELECT f.a AS a, f.b AS b, COUNT(*) AS n FROM fact_a f GROUP BY f.a, f.b |ORDER BY f.a NULLS FIRST", "ORDER BY", "GROUP BY"),
        Sample("SELECT |f.a AS a, COUNT(*) AS n FROM fact_a f ORDER BY 2", "f.a beside a group", "GROUP BY"),
        Sample(
            "SELECT f.b AS b, SUM(f.a) AS total FROM fact_a f GROUP BY f.b HAVING |total > 3 ORDER BY f.b NULLS FIRST", "HAVING total",
            "SUM(f.a)"),
        Sample(
            "WITH |RECURSIVE n AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM n) SELECT n.x AS x FROM n ORDER BY 1 NULLS LAST", "RECURSIVE",
            "calendar"),
        Sample(
            "SELECT |(SELECT MAX(g.a) FROM fact_a g) AS y FROM dim_date d ORDER BY 1 NULLS LAST", "(SELECT …) in the SELECT list", "join"),
        Sample(
            "SELECT d.day_no AS y FROM dim_date d WHERE |EXISTS (SELECT 1 FROM fact_a f WHERE f.b = d.year) ORDER BY 1", "EXISTS", "IN"),
        Sample(
            "SELECT d.day_no AS y FROM dim_date d WHERE d.day_no > (SELECT MAX(f.day) FROM fact_a f WHERE f.b = |d.year) ORDER BY 1",
            "d. of the query around it", "a CTE and a join"),
        Sample("SELECT f.a AS y FROM fact_a f ORDER BY f.a NULLS LAST |LIMIT 5, 10", "LIMIT a, b", "LIMIT b OFFSET a"),
        Sample("SELECT |* FROM pragma_table_info('x')".replacing("|* FROM ", with: "x.a AS a FROM |"), "PRAGMA_TABLE_INFO", "one SELECT"),
        Sample("SELECT m.name AS y FROM |sqlite_master m ORDER BY 1 NULLS LAST", "SQLITE_MASTER", "tables of the warehouse"),
        Sample("SELECT f.a AS y FROM fact_a f WHERE f.a |== 1 ORDER BY f.a", "==", "a = b"),
        Sample("SELECT f.a AS y FROM fact_a f WHERE f.a |IS f.b ORDER BY f.a NULLS LAST", "a IS b", "IS NULL"),
        Sample("SELECT f.|[a] AS y FROM fact_a f ORDER BY 1 NULLS LAST", "[a]", "\"name\""),
        Sample("SELECT 1 AS y ORDER BY 1|; SELECT 2 AS y", ";", "one SELECT"),
        Sample("-- from: a/b\nSELECT day, n |/ 100 AS v FROM staged;\n", "/", "IDIV", kind: .loaders),
        Sample(
            "-- from: a/b\nSELECT day, n AS v FROM staged;\n-- from: a/c\nSELECT day, n |= 1 AS v FROM staged;", "a truth as a value",
            "CASE", kind: .loaders),
        Sample("SELECT f.a AS a FROM fact_a f WHERE f.a |/ 2 = 1", "/", "IDIV", kind: .view),
        Sample("day <= :day AND |IFNULL(a, 0) = 1", "IFNULL(", "COALESCE", kind: .condition),
    ]

    @Test("each construct is found at its line and column, with the portable form", arguments: samples)
    func finds(sample: Sample) throws {
        let mark = try #require(sample.sql.firstIndex(of: "|"))
        let before = sample.sql[..<mark]
        let sql = "/*---\nkpi: x\n---*/\n" + sample.sql.replacing("|", with: "")
        let found = SQLLint.findings(path: "x.sql", sql: sql, kind: sample.kind)
        let hit = found.first { $0.construct == sample.construct }
        #expect(hit?.line == 4 + before.count { $0 == "\n" } && hit?.suggestion.contains(sample.form) == true, "\(found)")
        #expect(hit?.column == before.reversed().prefix { $0 != "\n" }.count + 1, "\(found)")
        #expect(
            found.allSatisfy { $0.construct == sample.construct || $0.construct.hasPrefix("ORDER BY") || $0.construct == "SELECT" },
            "\(found)")
    }

    @Test(
        "what is portable passes",
        arguments: [
            "SELECT IDIV(f.a, IDIV(f.b, 2)) AS y FROM fact_a f ORDER BY 1 NULLS FIRST",
            "SELECT f.a AS y, 'a / b -- IFNULL(x)' AS \"Song/Album\" FROM fact_a f /* AVG(x) */ ORDER BY f.a NULLS FIRST -- ROUND(x)",
            "SELECT f.c AS c, SUM(f.a) FILTER (WHERE f.b > 3) AS y FROM fact_a f GROUP BY f.c ORDER BY 1 NULLS FIRST",
            "SELECT MAX(f.a) - MIN(f.a) AS y FROM fact_a f HAVING SUM(f.a) > 0 ORDER BY 1 NULLS LAST",
            "SELECT v.value AS v FROM fact_a f JOIN source_value v ON v.id = f.n ORDER BY v.value, f.n",
            "SELECT f.a AS a FROM fact_a f WHERE f.a > 3 AND f.b IS NOT NULL AND (f.c = 1 OR f.d = 2) ORDER BY f.a, f.b",
            "SELECT LOWER(v.value), COALESCE(f.a, 0) + 1 AS a FROM fact_a f JOIN source_value v ON v.id = f.n ORDER BY LOWER(v.value), 2",
            "WITH x AS (SELECT d.year AS y, COUNT(*) AS n FROM dim_date d GROUP BY d.year) SELECT x.y, x.n FROM x ORDER BY x.y, x.n",
            "SELECT u.y FROM (SELECT d.year AS y FROM dim_date d UNION ALL SELECT m.year FROM dim_month m) u ORDER BY u.y",
            "SELECT d.day_no AS y FROM dim_date d WHERE d.day_no IN (SELECT f.day FROM fact_a f WHERE f.day > 3) ORDER BY 1",
            "SELECT f.day AS y FROM fact_a f WHERE f.day > (SELECT MAX(g.day) FROM fact_a g) - 28 ORDER BY 1",
            "SELECT CASE WHEN f.a > 1 THEN 'b' WHEN f.a > 0 THEN 'c' ELSE 'd' END AS y FROM fact_a f ORDER BY 1",
            "SELECT f.a AS y FROM fact_a f WHERE lower(f.n) LIKE '%live%' ORDER BY f.a NULLS LAST LIMIT 10 OFFSET 5",
            "SELECT f.date AS date, f.current_month AS time FROM fact_a f WHERE f.date IS NOT NULL ORDER BY f.date",
            "SELECT RANK() OVER (PARTITION BY f.b ORDER BY f.a DESC NULLS LAST) AS y FROM fact_a f ORDER BY 1",
            "SELECT d.year AS y FROM dim_date d UNION ALL SELECT m.year FROM dim_month m ORDER BY y",
            "SELECT f.b AS b, SUM(SUM(f.a)) OVER (PARTITION BY f.b) AS n FROM fact_a f GROUP BY f.b ORDER BY f.b NULLS LAST",
            "SELECT f.a AS a FROM fact_a f WHERE f.a IN (SELECT u.a FROM (SELECT f.a AS a FROM fact_a f) u) ORDER BY f.a",
        ])
    func passes(sql: String) {
        let found = SQLLint.findings(path: "x.sql", sql: sql, kind: .table)
        #expect(found.isEmpty, "\(found)")
    }

    @Test("any bytes are cut into tokens, and any tokens are looked at")
    func anything() {
        let parts = [
            "SELECT", "(", ")", "FROM", ",", "ORDER BY", "GROUP BY", "'", "\"", "CASE", "END", "OVER", "WITH", "AS", ".", ";", "/*", "x",
            "UNION", "LIMIT", "--", "LIKE",
        ]
        var state: UInt64 = 20_250_901
        for round in 0..<3000 {
            var sql = ""
            for _ in 0..<round % 23 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                sql += parts[Int(state >> 33) % parts.count] + (state >> 60 > 3 ? " " : "")
            }
            for kind in [SQLLint.Kind.table, .loaders, .condition] { _ = SQLLint.findings(path: "x", sql: sql, kind: kind) }
            _ = SQLText.expandMacros(sql)
        }
    }

    @Test("a column of a fact is never null when none of its loaders can give null")
    func catalog() throws {
        var files = Lab.definitions
        for dataset in Lab.Dataset.allCases { files["zones/test/\(dataset.rawValue).yml"] = Lab.contract(dataset, version: 0) }
        var catalog = SQLCatalog(try DefinitionSet(files: files.mapValues { Array($0.utf8) }))
        catalog.add(view: "v_up", sql: "SELECT f.artist AS a, f.v AS v FROM up f")
        func found(_ order: String) -> [String] {
            let joins = """
                JOIN source_value s ON s.id = f.artist JOIN source_value c ON c.id = f.account JOIN up_total t ON t.artist = f.artist
                JOIN v_up w ON w.a = f.artist
                """
            let sql = "SELECT f.day AS day FROM up f \(joins) ORDER BY \(order)"
            return SQLLint.findings(path: "x", sql: sql, kind: .table, catalog: catalog).map(\.construct)
        }
        #expect(found("f.day, s.value, c.value, t.row_count") == [])
        #expect(found("f.day, s.value, c.value, f.v, w.v") == ["ORDER BY f.v", "ORDER BY w.v"])
        #expect(found("f.day, f.artist, c.value") == ["ORDER BY f.artist"], "a private id")
        #expect(found("f.day, c.value") == ["ORDER BY"], "not the whole key")
        #expect(found("f.day, s.value") == ["ORDER BY"])
        #expect(
            SQLLint.findings(
                path: "x", sql: "SELECT d.year AS y FROM dim_date d WHERE EXISTS (SELECT 1 FROM v_up w) ORDER BY 1", kind: .table,
                catalog: catalog
            ).map(\.construct) == ["EXISTS"], "a view over a fact is a fact")
    }

    @Test("the shipped files keep the portable subset")
    func shipped() throws {
        let package = Files.parent(Files.parent(Files.parent(#filePath)))
        var files: [String: [UInt8]] = [:]
        for part in ["zones", "projections"] {
            for path in Files.walk("\(package)/\(part)") {
                let relative = String(path.dropFirst(package.count + 1))
                if DefinitionKind(path: relative) != nil { files[relative] = try Files.read(path) }
            }
        }
        let found = DefinitionSet.findings(in: files)
        #expect(found.isEmpty && files.count > 60, "\(found.map { "\($0)" }.joined(separator: "\n"))")
    }

    @Test("a user's own file is warned about, a shipped one is wrong, and neither stops a replay")
    func severity() throws {
        var files = Lab.definitions
        let path = "projections/kpis/ap_today.sql"
        files[path] = try #require(files[path]).replacing("COALESCE(SUM", with: "IFNULL(SUM")
        let bytes = files.mapValues { Array($0.utf8) }
        for own in [Set<String>(), [path]] {
            let found = DefinitionSet.findings(in: bytes, own: own).filter { $0.construct == "IFNULL(" }
            #expect(found.map(\.isWarning) == [own.contains(path)])
            #expect(found.first?.description == "\(path):8:8: `IFNULL(` is outside the portable subset; write COALESCE(a, b)")
        }
        let lab = try Lab(definitions: files)
        try lab.ingest(.ap, observed: 1, "k,p,v\nA,2025-03-01,5\n")
        lab.completeRun()
        try lab.append()
        let outcome = try lab.projector().project()
        #expect(outcome.snapshots.count == 1)
    }
}
