import EventLog
import GRDB
import LedgerTesting
import Testing

@testable import Projection

/// Defined views, reference tables, and KPIs that go stale one by one.
@Suite struct ViewTests {
    private static let table = """
        kind: weight
        title: What a value of an artist weighs
        key: [artist]
        columns:
          artist: text; member id
          weight: count
          since: day
        rows:
          - {artist: "artist:b", weight: "10"}
        """

    private static func view(_ sum: String = "f.v * COALESCE(w.weight, 1)") -> String {
        """
        /*---
        view: v_weighted
        title: Values with their weights
        grain: [artist_id, day]
        columns: {artist_id: text, day: day, v: count}
        ---*/
        SELECT a.artist_id AS artist_id, f.day AS day, \(sum) AS v
        FROM up f
        JOIN artist_of a ON a.source_id = f.artist
        LEFT JOIN ref_weight w ON w.artist = a.artist_id;
        """
    }

    private static func kpi(_ id: String, _ sql: String, header: String = "") -> String {
        """
        /*---
        kpi: \(id)
        title: A test
        unit: count
        direction: up
        formula: a test
        dimensions: [artist]
        \(header)
        ---*/
        \(sql)
        """
    }

    private static let weighted = kpi(
        "weighted", "SELECT v.artist_id AS artist, SUM(v.v) AS num, 1 AS den FROM v_weighted v GROUP BY v.artist_id ORDER BY 1")

    private static let curated = """
        /*---
        curated: weighted
        title: Weighted
        file: weighted.csv
        formats: {day: day}
        ---*/
        SELECT v.artist_id AS artist, v.day AS day, v.v AS v FROM v_weighted v ORDER BY 1, 2, 3
        """

    private static func lab(_ more: [String: String] = [:], withOtherKPIs: Bool = true) throws -> Lab {
        var definitions = Lab.definitions.filter { withOtherKPIs || !$0.key.hasPrefix("projections/kpis/") }
        definitions["projections/reference/weight.yml"] = table
        definitions["projections/warehouse/v_weighted.sql"] = view()
        definitions["projections/kpis/weighted.sql"] = weighted
        definitions["projections/curated/weighted.sql"] = curated
        for (path, text) in more { definitions[path] = text }
        let lab = try Lab(definitions: definitions)
        try lab.ingest(.up, observed: 1, "k,p,v,note\nA,2025-02-01,1,\nB,2025-02-01,2,\n")
        lab.completeRun()
        return lab
    }

    private static func setWeight(_ lab: Lab, _ artist: String, _ weight: String?) {
        var body: [String: JSON] = ["kind": "weight", "keys": ["artist": .string(artist)]]
        if let weight { body["values"] = ["weight": .string(weight), "since": "2025-02-01"] } else { body["removed"] = true }
        lab.add("reference/weight", .referenceChanged, ["kind": "weight", "changes": [.object(body)]])
        lab.completeRun()
    }

    private static func values(_ lab: Lab, _ kpi: String) throws -> [String] {
        try Warehouse.Reader(lab.layout).queue.read { database in
            try String.fetchAll(
                database, sql: "SELECT seq || ' ' || dims || ' ' || num FROM kpi_value WHERE kpi = ? ORDER BY seq, dims", arguments: [kpi]
            ).map { $0.split(separator: " ").dropFirst().joined(separator: " ") }
        }
    }

    private static func isRebuilt(_ lab: Lab) throws -> Bool {
        let live = try lab.projector().digest()
        let again = try lab.projector().replay(into: lab.shadow("again-\(lab.drafts.count)"))
        return difference(live, again).isEmpty
    }

    @Test("a view reads reference rows as they were known: set, changed, taken away, shipped")
    func references() throws {
        let lab = try Self.lab()
        Self.setWeight(lab, "artist:a", "3")
        Self.setWeight(lab, "artist:b", nil)
        Self.setWeight(lab, "artist:a", "5")
        // What no definition names, and a cell that does not read.
        lab.add("reference/other", .referenceChanged, ["kind": "other", "keys": ["x": "y"], "values": [:]])
        Self.setWeight(lab, "artist:a", "many")
        try lab.append()
        let outcome = try lab.projector().project()
        #expect(outcome.skipped == ["reference.changed/other": 1])
        let expected = [
            #"{"artist":"artist:a"} 1"#, #"{"artist":"artist:b"} 20"#, #"{"artist":"artist:a"} 3"#, #"{"artist":"artist:b"} 20"#,
            #"{"artist":"artist:a"} 3"#, #"{"artist":"artist:b"} 2"#, #"{"artist":"artist:a"} 5"#, #"{"artist":"artist:b"} 2"#,
            #"{"artist":"artist:a"} 1"#, #"{"artist":"artist:b"} 2"#,
        ]
        #expect(try Self.values(lab, "weighted") == expected)
        #expect(try Self.isRebuilt(lab))
        let stepwise = try Self.lab()
        for _ in 0..<2 { Self.setWeight(stepwise, "artist:a", "3") }
        for seq in stepwise.opened...Int64(stepwise.drafts.count) {
            try stepwise.append(upTo: seq)
            _ = try stepwise.projector().project()
        }
        #expect(try Self.isRebuilt(stepwise))
    }

    @Test("a KPI added later has its past, and no other is computed again")
    func addedLater() throws {
        let lab = try Self.lab()
        Self.setWeight(lab, "artist:a", "3")
        try lab.append()
        #expect(try lab.projector().project().recomputed.contains("weighted"))
        try lab.define(
            "projections/kpis/later.sql",
            Self.kpi("later", "SELECT v.artist_id AS artist, MAX(v.v) AS num, 1 AS den FROM v_weighted v GROUP BY v.artist_id ORDER BY 1"))
        try lab.append()
        let outcome = try lab.projector().project()
        #expect(outcome.recomputed == ["later"])
        #expect(try Self.values(lab, "later") == Self.values(lab, "weighted"))
        #expect(try Self.isRebuilt(lab))
    }

    @Test("a changed view makes just the KPIs and the curated file that read it anew")
    func changedView() throws {
        let lab = try Self.lab()
        Self.setWeight(lab, "artist:a", "3")
        try lab.append()
        _ = try lab.projector().project()
        try lab.define("projections/warehouse/v_weighted.sql", Self.view("f.v * COALESCE(w.weight, 1) + 100"))
        try lab.append()
        let outcome = try lab.projector().project()
        #expect(outcome.recomputed == ["weighted"])
        #expect(outcome.curated.map(\.path) == ["4_curated/weighted.csv"])
        #expect(try Self.values(lab, "weighted").first == #"{"artist":"artist:a"} 101"#)
        #expect(try Self.isRebuilt(lab))
    }

    @Test("what a value covers is kept beside it")
    func coverage() throws {
        let text = Self.kpi(
            "covered",
            "SELECT a.artist_id AS artist, SUM(f.v) AS num, 1 AS den, 3 AS covered, 7 AS expected FROM up f JOIN artist_of a ON "
                + "a.source_id = f.artist GROUP BY a.artist_id ORDER BY 1")
        let lab = try Self.lab(["projections/kpis/covered.sql": text])
        try lab.append()
        _ = try lab.projector().project()
        let values = try Warehouse.Reader(lab.layout).queue.read { try KPIValue.all($0, at: Int64(lab.drafts.count)) }
        let value = try #require(values.first { $0.kpi == "covered" })
        #expect(value.covered == 3 && value.expected == 7 && !value.isComplete)
        #expect(value.remark == "3 of 7 covered")
        #expect(try Self.isRebuilt(lab))
    }

    @Test("a KPI that counts events without data is outside of the digest over all")
    func operational() throws {
        let text = Self.kpi("runs", "SELECT r.command AS artist, COUNT(*) AS num, 1 AS den FROM op_run r GROUP BY r.command ORDER BY 1")
        let plain = try Self.lab()
        let lab = try Self.lab(["projections/kpis/runs.sql": text])
        for lab in [plain, lab] {
            try lab.append()
            _ = try lab.projector().project()
        }
        let (a, b) = (try plain.projector().digest(), try lab.projector().digest())
        #expect(a.tables["kpi_value"] != nil && a.ops != b.ops)
        let count = try Warehouse.Reader(lab.layout).queue.read {
            try Int.fetchOne($0, sql: "SELECT COUNT(*) FROM kpi_value v JOIN kpi_state s ON s.kpi = v.kpi WHERE s.is_operational = 1")
        }
        #expect(count == 1)
    }

    @Test(
        "what must not be added is refused, by whatever name; the message says which columns and which rule",
        arguments: [
            ("SELECT 1 AS artist, SUM(f.v) AS num, 1 AS den FROM up f ORDER BY 1", "sums up.v, which is not additive (guards.yml"),
            (
                "WITH x AS (SELECT f.artist AS artist, f.v AS plays FROM up f), y AS (SELECT x.plays + 1 AS more FROM x) "
                    + "SELECT 1 AS artist, SUM(y.more) AS num, 1 AS den FROM y ORDER BY 1", "sums up.v"
            ),
            ("SELECT 1 AS artist, MAX(f.v) AS num, 1 AS den FROM up f ORDER BY 1", ""),
            (
                "SELECT 1 AS artist, MAX(f.v) - MAX(g.v) AS num, 1 AS den FROM up f JOIN rp g ON g.day = f.day ORDER BY 1",
                "up.v (one) and rp.v (other)"
            ),
            ("SELECT 1 AS artist, UNIXEPOCH() AS num, 1 AS den FROM up f ORDER BY 1", "can read the clock"),
            ("SELECT 1 AS artist, CHANGES() AS num, 1 AS den FROM up f ORDER BY 1", "calls changes()"),
        ])
    func guards(sql: String, says: String) throws {
        func lab(header: String) throws -> Lab {
            try Self.lab(
                [
                    "projections/guards.yml": "plays:\n  one: [up.v]\n  other: [rp.v]\nnever_summed: [up.v]\n",
                    "projections/kpis/weighted.sql": Self.kpi("tried", sql, header: header),
                ], withOtherKPIs: false)
        }
        let plain = try lab(header: "")
        try plain.append()
        guard !says.isEmpty else {
            #expect(throws: Never.self) { try plain.projector().project() }
            return
        }
        let error = #expect(throws: DefinitionError.self) { try plain.projector().project() }
        let text = error.map(String.init(describing:)) ?? ""
        #expect(text.contains("projections/kpis/weighted.sql") && text.contains(says), "\(text)")
        let comparing = try lab(header: "compares: [one, other]")
        try comparing.append()
        if says.contains(" and ") {
            #expect(throws: Never.self) { try comparing.projector().project() }
        } else {
            #expect(throws: DefinitionError.self) { try comparing.projector().project() }
        }
    }

    @Test(
        "a reference table that cannot be read says where",
        arguments: [
            ("key: [artist]", "key: [nobody]", "names “nobody”"), ("weight: count", "weight: number", "unknown type"),
            (#"weight: "10""#, #"weight: "ten""#, "a whole number"), (#"{artist: "artist:b", "#, "{", "lacks its key"),
            ("title:", "titel:", "unknown key"), ("  - {artist", "  - {artist: \"artist:b\"}\n  - {artist", "second row"),
        ])
    func wrongTable(old: String, new: String, says: String) throws {
        let text = Self.table.replacing(old, with: new)
        let error = #expect(throws: DefinitionError.self) {
            try DefinitionSet(files: ["projections/reference/weight.yml": Array(text.utf8)])
        }
        #expect(error?.reason.contains(says) == true, "\(error.map(String.init(describing:)) ?? "")")
        #expect(error?.line != nil)
    }
}
