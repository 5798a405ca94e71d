import EventLog
import Projection
import Testing

/// `bedrot doctor`: what a person sends along when they ask for help, and what an author of contracts runs after each change.
@Suite struct DoctorTests {
    @Test func aSoundRootNeedsNobody() throws {
        let root = try Root()
        try root.feed(Made.first, Made.account)
        let text = try root.ok(["doctor"]).text
        for part in [
            "ledger/log", "ledger/objects", "4_curated", "warehouse", "sessions", "free on its disk", "SQLite: 3.", "LMDB",
            "reader revision", "objects: ", "warehouse: ", " pages, ", " free\n", "oldest event ", ", newest ",
        ] {
            #expect(text.contains(part), "\(part)\n\(text)")
        }
        #expect(text.contains("definitions: 0 files in \(root.path)/definitions") && text.contains("\(Binary.checkout)\n"), "\(text)")
        #expect(text.hasSuffix("nothing needs a person\n"))
        let json = try root.json(["doctor"])
        #expect(json["events"]?.int == Int64(try root.events().count) && json["concerns"]?.array?.isEmpty == true)
        let pages = try #require(json["warehouse"]), size = Files.size("\(root.path)/warehouse/bedrot_analytics.db")
        #expect(try #require(pages["pages"]?.int) * #require(pages["page_bytes"]?.int) == size && pages["free_pages"]?.int != nil)
        let times = try root.events().compactMap { $0["time"]?.string }
        #expect(json["first_event"]?.string == times.first && json["last_event"]?.string == times.last)
        #expect(try #require(json["parts"]?["ledger/objects"]?["files"]?.int) >= 80, "three captures and the definitions")
        // Three files, and the index of each of their folders.
        let landing = Files.walk("\(root.path)/1_landing")
        #expect(try #require(json["parts"]?["1_landing"]?["files"]?.int) == Int64(landing.count) && landing.count > 3)
    }

    @Test func whatIsWrongIsNamed() throws {
        let root = try Root()
        try AtomicFile.makeFolders("\(root.path)/definitions/zones/radio")
        try Tree.write(Array("titel: Radio\n".utf8), to: "\(root.path)/definitions/zones/radio/service.yml")
        let output = try root.ok(["doctor"], code: 2)
        #expect(output.errors.contains("errors in definitions: 1; `bedrot doctor contracts`"), "\(output)")
    }

    @Test func theShippedDefinitionsAreSound() throws {
        let folder = try TemporaryFolder()
        let output = try Binary.run(["doctor", "contracts"], workingFolder: folder.path)
        #expect(output.code == 0 && output.text.isEmpty && output.errors.contains("no error"), "\(output)")
    }

    @Test func everyErrorIsNamedWithFileLineKeyAndSuggestion() throws {
        let root = try Root()
        let files = [
            "zones/radio/service.yml": "title: Radio\nwach: [~/Downloads]\n",
            "zones/radio/plays.yml": """
            title: Plays
            names: [plays_<captured_at>.csv]
            account: ask
            columns:
              - {name: day, type: date, required: true}
              - {name: plays, type: integer}
              - {name: title, typ: text}
              - name: earnings
                type: money
                curency: EUR
            merge: {upsert: [day]}
            reporting_lag_days: soon
            day_zon: UTC

            """,
            "projections/kpis/plays.sql": "/*---\nkpi: plays\ntitle: Plays\n---*/\nSELECT 1 AS num, 1 AS den ORDER BY 1\n",
            "projections/curated/plays.sql": "SELECT 1\n",
            "projections/warehouse/fact_plays.sql": "/*---\nfact: fact_plays\ntitle: Plays\ncolumns: {day_no: key date}\n---*/\n",
            "projections/guards.yml": "plais: {}\n",
        ]
        for (path, text) in files {
            let full = "\(root.path)/definitions/\(path)"
            try AtomicFile.makeFolders(AtomicFile.parent(of: full))
            try Tree.write(Array(text.utf8), to: full)
        }
        let found = try #require(try root.json(["doctor", "contracts"], code: 1).array)
        func keys(_ path: String) -> [String] {
            found.filter { $0["file"]?.string == "\(root.path)/definitions/\(path)" }.map {
                "\($0["line"]?.int.map { "\($0)" } ?? "–") \($0["key"]?.string ?? "")"
            }
        }
        #expect(
            keys("zones/radio/plays.yml") == [
                "5 columns.1.type", "7 columns.3.typ", "10 columns.4.curency", "12 reporting_lag_days", "13 day_zon",
            ], "\(found)")
        #expect(keys("zones/radio/service.yml") == ["2 "])
        for path in [
            "projections/kpis/plays.sql", "projections/curated/plays.sql", "projections/warehouse/fact_plays.sql", "projections/guards.yml",
        ] {
            #expect(keys(path).count == 1, "\(path): \(found)")
        }
        #expect(found.count == 10, "the shipped files, and references to what is wrong, add nothing: \(found)")
        #expect(found.contains { $0["suggestion"]?.string == "did you mean 'currency'?" })
        let text = try root.ok(["doctor", "contracts"], code: 1)
        #expect(
            text.text.contains("definitions/zones/radio/plays.yml:7: columns.3.typ: unknown key 'typ'\n    did you mean 'type'?\n"),
            "\(text)")
        #expect(text.errors.contains("10 errors"))
    }

    private static let kpi = """
        /*---
        kpi: listeners_sum
        title: Streams, all days
        unit: count
        direction: up
        decimals: 0
        formula: sum of daily streams
        dimensions: [artist]
        ---*/
        SELECT a.artist_id AS artist, IFNULL(SUM(f.streams_native), 0) AS num, 1 AS den
        FROM fact_audience_day f JOIN artist_of a ON a.source_id = f.artist
        GROUP BY a.artist_id
        ORDER BY a.artist_id;

        """

    @Test func aUsersOwnSQLIsWarnedAboutOnceAndWorks() throws {
        let root = try Root()
        try root.feed(Made.first, Made.account)
        let path = "\(root.path)/definitions/projections/kpis/listeners_sum.sql"
        try AtomicFile.makeFolders(AtomicFile.parent(of: path))
        try Tree.write(Array(Self.kpi.utf8), to: path)
        let place = "projections/kpis/listeners_sum.sql:10:31: `IFNULL(` is outside the portable subset; write COALESCE(a, b)"
        #expect(try root.ok(["project"]).errors.contains("not portable: \(place)"))
        #expect(try !root.ok(["project"]).errors.contains("not portable"), "said when it is new")
        #expect(try #require(root.json(["kpi", "show", "listeners_sum"])["values"]?.array).count == 1)
        try root.ok(["verify", "--shadow"])
        let doctor = try root.ok(["doctor", "contracts"])
        #expect(doctor.text == "\(path):10:31: warning: `IFNULL(` is outside the portable subset\n    write COALESCE(a, b)\n")
        #expect(doctor.errors.contains("no error, 1 warning"))
        let found = try root.json(["doctor", "contracts"])
        #expect(found.array?.first?["severity"]?.string == "warning" && found.array?.first?["column"]?.int == 31)
        #expect(found.array?.first?["construct"]?.string == "IFNULL(")
        try root.ok(["doctor"])
    }

    @Test func shippedSQLMustBePortable() throws {
        let root = try Root()
        try root.feed(Made.first, Made.account)
        let shipped = try TemporaryFolder()
        for part in ["zones", "projections"] {
            #expect(try Binary.other("cp", ["-r", "\(Binary.checkout)/\(part)", shipped.path]).code == 0)
        }
        try Tree.write(Array(Self.kpi.utf8), to: "\(shipped.path)/projections/kpis/listeners_sum.sql")
        let events = try root.ok(["events", "--raw"]).bytes
        let output = try root.ok(["project", "--definitions", shipped.path], code: 1)
        #expect(output.errors.contains("projections/kpis/listeners_sum.sql:10:31: `IFNULL(`"), "\(output)")
        #expect(try root.ok(["events", "--raw"]).bytes == events, "refused before anything is written")
        #expect(try root.ok(["doctor", "contracts", "--definitions", shipped.path], code: 1).errors.contains("1 error"))
    }
}
