import Cleaning
import EventLog
import Projection
import Testing

@testable import Ledger

@Suite struct FreeQuestions {
    /// What a stranger might try, and what the refusal says.
    private static let attacks: [(String, String)] = [
        ("DELETE FROM fact_audience_day_v", "DELETE is refused"), ("delete from kpi_value", "DELETE is refused"),
        ("UPDATE checkpoint SET seq = 1", "UPDATE is refused"), ("INSERT INTO kpi_snapshot VALUES (1, 'x', 1)", "INSERT is refused"),
        ("REPLACE INTO kpi_snapshot VALUES (1, 'x', 1)", "REPLACE is refused"), ("DROP TABLE kpi_value", "DROP is refused"),
        ("CREATE TABLE x (y)", "CREATE is refused"), ("CREATE TEMP TABLE x AS SELECT 1", "CREATE is refused"),
        ("ALTER TABLE kpi_value RENAME TO x", "ALTER is refused"), ("VACUUM INTO '%/x.db'", "VACUUM is refused"),
        ("ATTACH '%/x.db' AS other", "ATTACH is refused"), ("  attach '%/x.db' AS other", "ATTACH is refused"),
        ("/* SELECT */ ATTACH '%/x.db' AS other", "ATTACH is refused"), ("-- SELECT\nATTACH '%/x.db' AS o", "ATTACH is refused"),
        ("DETACH main", "DETACH is refused"), ("PRAGMA user_version = 3", "PRAGMA is refused"), ("PRAGMA writable_schema=1", "PRAGMA"),
        ("PRAGMA query_only = 0", "PRAGMA is refused"), ("BEGIN", "BEGIN is refused"), ("COMMIT", "COMMIT is refused"),
        ("SAVEPOINT x", "SAVEPOINT is refused"), ("REINDEX", "REINDEX is refused"), ("ANALYZE", "ANALYZE is refused"),
        ("SELECT 1; DELETE FROM kpi_value", "a second statement is refused"), ("SELECT 1; SELECT 2", "a second statement"),
        ("SELECT 1;;ATTACH '%/x.db' AS o", "a second statement"), ("SELECT load_extension('%/x.so')", "load_extension() is refused"),
        ("SELECT LOAD_EXTENSION('%/x.so', 'f')", "is refused"),
        ("WITH a AS (SELECT 1) DELETE FROM kpi_value", "changing kpi_value is refused"),
        ("WITH a AS (SELECT 1) INSERT INTO kpi_snapshot SELECT 1, 'x', 1", "writing to kpi_snapshot is refused"),
        ("WITH a AS (SELECT 1) UPDATE checkpoint SET seq = 1", "changing checkpoint is refused"),
        ("WITH a AS (SELECT 1) UPDATE sqlite_master SET sql = ''", "sqlite_master may not be modified"),
        ("EXPLAIN DELETE FROM kpi_value", "changing kpi_value is refused"),
        ("EXPLAIN ATTACH '%/x.db' AS o", "ATTACH is refused"), ("EXPLAIN CREATE TABLE x (y)", "is refused"),
        ("SELECT * FROM pragma_journal_mode", "PRAGMA journal_mode is refused"),
        ("SELECT * FROM pragma_user_version", "PRAGMA user_version is refused"),
        ("SELECT * FROM events; DROP TABLE events", "a second statement"),
        ("INSERT INTO events (seq) VALUES (1)", "INSERT is refused"), ("", "the question is empty"),
        ("-- nothing", "the question is empty"),
        (";", "this is refused"), ("SELECT ?", "a parameter without a name"),
    ]

    @Test func attacksAreRefusedAndLeaveNoTrace() throws {
        let root = try Answers.root().root
        let digest = try root.lake.projector.digest()
        let before = try root.snapshot()
        for (attack, says) in Self.attacks {
            let error = #expect(throws: LedgerError.self, "\(attack)") { try root.lake.query(attack.replacing("%", with: root.folder)) }
            #expect(error?.description.contains(says) == true, "\(attack): \(error?.description ?? "")")
            #expect(try root.lake.projector.digest() == digest, "\(attack)")
        }
        let after = try root.snapshot()
        #expect(Set(after.keys).subtracting(before.keys).allSatisfy { $0.contains("/warehouse/gen/") })
        #expect(!Files.exists("\(root.folder)/x.db"))
    }

    private static let questions = [
        "SELECT name FROM pragma_table_info('fact_audience_day') ORDER BY 1", "SELECT value FROM json_each('[1,2]')",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT i FROM n", "VALUES (1), (2)",
        "EXPLAIN QUERY PLAN SELECT * FROM fact_audience_day", "SELECT 1;", "SELECT 1 -- one\n;\n", "/* a */ SELECT 'x; DELETE'",
        "SELECT name FROM sqlite_master", "SELECT CONVERT_NANO(1000000000, 2)", "SELECT IDIV(7, 2)",
        "SELECT 1 FROM fact_audience_day f WHERE EXISTS (SELECT 1 FROM events p, json_each(p.body, '$.items') i WHERE p.seq > f.from_seq)",
    ]

    @Test func questionsAreAnswered() throws {
        let root = try Answers.root().root
        let lake = root.lake
        defer { withExtendedLifetime(root) {} }
        for sql in Self.questions { #expect(try !lake.query(sql).rows.isEmpty, "\(sql)") }
    }

    @Test func mistakesAreNamedWithTheirPlace() throws {
        let root = try Answers.root().root
        let lake = root.lake
        defer { withExtendedLifetime(root) {} }
        let column = #expect(throws: LedgerError.self) { try lake.query("SELECT 1,\n  „x“, elsewhere FROM fact_audience_day") }
        #expect(column?.description.contains("no such column: ") == true, "\(column?.description ?? "")")
        let second = #expect(throws: LedgerError.self) { try lake.query("SELECT 'ä',\n  elsewhere FROM fact_audience_day") }
        #expect(second?.description == "no such column: elsewhere, at line 2, column 3; `bedrot schema` lists every table and column")
        let table = #expect(throws: LedgerError.self) { try lake.query("SELECT 1 FROM nowhere") }
        #expect(table?.description.contains("no such table: nowhere") == true && table?.description.contains("bedrot schema") == true)
    }

    private func ask(_ lake: Lake, _ sql: String, _ parameters: [String] = [], day: Int64? = nil, at: String? = nil) throws
        -> [[AnswerCell]]
    {
        var question = Question(sql)
        for pair in parameters { try question.set(pair) }
        question.day = day
        question.knownAt = at
        var rows: [[AnswerCell]] = []
        try lake.ask(question) { _ in
        } row: {
            rows.append($0)
            return true
        }
        return rows
    }

    private static let values: [(String, AnswerCell)] = [
        ("n=7", AnswerCell.integer(7)), ("n=-7", .integer(-7)), ("n=7.5", .text("7.5")), ("n=text:7", .text("7")), ("n=", .text("")),
        ("n=a=b", .text("a=b")), ("n=text:text:x", .text("text:x")), ("n='; DROP", .text("'; DROP")),
        ("n=99999999999999999999", .text("99999999999999999999")),
    ]

    @Test func parametersHaveTypes() throws {
        let root = try Answers.root().root
        let lake = root.lake
        defer { withExtendedLifetime(root) {} }
        for (pair, expected) in Self.values {
            for sign in [":", "@", "$"] { #expect(try ask(lake, "SELECT \(sign)n", [pair]) == [[expected]], "\(pair)") }
        }
    }

    private static let wrong: [(String, [String], String)] = [
        ("SELECT :a", ["b=1"], "no value; give it one: --param a=VALUE"), ("SELECT 1", ["b=1"], "the question has no :b"),
        ("SELECT :a", ["a=1", "a=2"], "given twice"), ("SELECT :a", ["a"], "not name=value"), ("SELECT :a", ["=1"], "not name=value"),
        ("SELECT :day", ["day=1"], "--day"), ("SELECT :seq", ["seq=1"], "--known-at"), ("SELECT :a", ["a b=1"], "not name=value"),
    ]

    @Test func parametersAreChecked() throws {
        let root = try Answers.root().root
        let lake = root.lake
        defer { withExtendedLifetime(root) {} }
        for (sql, parameters, says) in Self.wrong {
            let error = #expect(throws: LedgerError.self) { try ask(lake, sql, parameters) }
            #expect(error?.description.contains(says) == true, "\(parameters): \(error?.description ?? "")")
        }
    }

    @Test func bothClocksAreObeyed() throws {
        let (root, first, _, _) = try Answers.root()
        let lake = root.lake
        let promotion = try #require(try root.promotions("spotify/audience").first?.seq)
        let sum = "SELECT SUM(streams_native), COUNT(*), :seq FROM fact_audience_day"
        #expect(try ask(lake, sum, at: "\(promotion)") == [[.integer(300), .integer(2), .integer(promotion)]])
        #expect(try ask(lake, sum) == [[.integer(610), .integer(3), .integer(try lake.projectedTo())]])
        #expect(try ask(lake, sum, at: "\(first)") == [[.null, .integer(0), .integer(first)]])
        // And the log as it was then.
        #expect(try ask(lake, "SELECT MAX(seq) FROM events", at: "\(first)") == [[.integer(first)]])
        // What a KPI file says can be tried as it is.
        let kpi = try lake.kpi("streams_native_7d")
        let day = Day.number("2025-03-02")
        let source = try #require(try lake.definitionsInForce().files[kpi.path]?.bytes)
        let rows = try ask(lake, String(decoding: source, as: UTF8.self), day: day, at: "\(promotion)")
        #expect(rows.map { $0.dropFirst(2).first } == [.integer(1)], "den stands behind the artist and num")
        #expect(rows.first?.contains(.integer(300)) == true)
        let snapshot = try #require(try ask(lake, "SELECT MAX(day_no) FROM kpi_snapshot").first?.first)
        #expect(try ask(lake, "SELECT :day") == [[snapshot]])
        #expect(try ask(lake, "SELECT :day", day: day) == [[.integer(day)]])
        #expect(throws: LedgerError.self) { try ask(lake, "SELECT :day", at: "\(first)") }
    }

    @Test func aReaderMayStopAndNothingIsKept() throws {
        var seen = 0
        let root = try Answers.root().root
        try root.lake.ask(
            Question("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n")
        ) {
            #expect($0 == ["i"])
        } row: { _ in
            seen += 1
            return seen < 5000
        }
        #expect(seen == 5000)
    }
}
