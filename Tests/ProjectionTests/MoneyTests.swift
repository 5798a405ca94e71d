import EventLog
import GRDB
import LedgerTesting
import Testing

@testable import Projection

@Suite struct MoneyTests {
    @Test(
        "amounts are converted exactly, half-even",
        arguments: [
            (Int64(1_000_000_000), Int64(1_092_300_000), Int64(1_092_300_000)), (0, 5, 0), (1, 500_000_000, 0), (3, 500_000_000, 2),
            (-1, 500_000_000, 0), (-3, 500_000_000, -2), (5, 500_000_001, 3), (-5, 500_000_001, -3), (1, 499_999_999, 0),
            (.max, 1_000_000_000, .max), (.min, 1_000_000_000, .min), (9_000_000_000_000_000_000, 6_700_000, 60_300_000_000_000_000),
            (.max, 2_000_000_000, nil), (.min, 1_000_000_001, nil),
        ] as [(Int64, Int64, Int64?)])
    func convert(amount: Int64, rate: Int64, expected: Int64?) { #expect(Money.convert(amount, rate: rate) == expected) }

    @Test func nothingNeedsNoRate() throws {
        let queue = try DatabaseQueue()
        try queue.write { database in
            database.add(function: Money.function)
            let values = try Row.fetchOne(database, sql: "SELECT CONVERT_NANO(0, NULL), CONVERT_NANO(1, NULL), CONVERT_NANO(NULL, 5)")
            #expect(values?[0] as Int64? == 0 && values?[1] as Int64? == nil && values?[2] as Int64? == nil)
        }
    }

    /// Lines in three currencies: dollars, euros (rates from 1 February), yen (never a rate).
    private static func lab() throws -> Lab {
        var definitions = Lab.definitions
        definitions["projections/warehouse/rp.sql"] = """
            /*---
            fact: rp
            title: Money by day
            identity: row
            partition: day
            columns:
              day: key day
              artist: source:artist
              currency: source:currency
              amount_nano: measure nano
            totals:
              rp_total: {by: [day, artist, currency], sum: [amount_nano]}
            ---*/
            -- from: test/rp
            SELECT p AS day, k AS artist, COALESCE(note, '') AS currency, v AS amount_nano FROM staged
            """
        definitions["projections/curated/rp.sql"] = """
            /*---
            curated: rp_table
            title: In dollars
            file: rp.csv
            formats: {usd: nano, day: day}
            ---*/
            SELECT f.day AS day, c.value AS currency, f.amount_nano AS amount, CONVERT_NANO(f.amount_nano, r.nano_usd) AS usd
            FROM rp f JOIN source_value c ON c.id = f.currency
            LEFT JOIN rate_of r ON r.source_id = f.currency AND r.from_day <= f.day AND f.day < r.until_day
            ORDER BY 1, 2, 3
            """
        definitions["projections/kpis/rp_by_member.sql"] = """
            /*---
            kpi: rp_usd
            title: In dollars
            unit: usd
            direction: up
            decimals: 2
            formula: sum of amounts, converted at the rate of their day
            ---*/
            SELECT COALESCE(SUM(CONVERT_NANO(t.amount_nano, r.nano_usd)), 0) AS num, 1000000000 AS den,
              COALESCE(SUM(CASE WHEN CONVERT_NANO(t.amount_nano, r.nano_usd) IS NULL THEN t.row_count END), 0) AS unconverted
            FROM rp_total t
            LEFT JOIN rate_of r ON r.source_id = t.currency AND r.from_day <= t.day AND t.day < r.until_day
            ORDER BY 1
            """
        let lab = try Lab(definitions: definitions)
        try lab.ingest(
            .rp, observed: 1,
            """
            k,p,v,note
            A,2025-01-31,1000000000,EUR
            A,2025-02-01,1000000000,eur
            A,2025-02-09,1000000000,EUR
            A,2025-02-10,1000000000,EUR
            A,2025-02-10,1000000000,USD
            B,2025-02-10,1000000000,JPY
            B,2025-02-10,2000000000,JPY

            """)
        return lab
    }

    private static func rate(_ lab: Lab, _ currency: String, _ day: String, _ nano: String) -> Int64 {
        lab.add(
            "reference/rate", .referenceChanged,
            ["kind": "rate", "currency": .string(currency), "day": .string(day), "nano_usd": .string(nano)])
    }

    private static func value(_ lab: Lab, knownAt seq: Int64? = nil) throws -> KPIValue {
        let definitions = try lab.projector().definitions(until: Int64(lab.drafts.count))
        let kpi = try #require(definitions.kpis.first { $0.id == "rp_usd" })
        return try Warehouse.Reader(lab.layout, scratch: true).queue.writeWithoutTransaction { database in
            let question = KPIQuestion(database: database, definitions: definitions)
            let values =
                try seq.map { try question.values(kpi, day: 20_200, seq: $0, now: 0) } ?? question.currentValues(kpi, day: 20_200, seq: 0)
            return try #require(values.first)
        }
    }

    @Test("the rate used is the latest dated on or before the day; USD is 1; no rate converts nothing and is an issue")
    func rates() throws {
        let lab = try Self.lab()
        lab.completeRun()
        let before = Int64(lab.drafts.count)
        _ = Self.rate(lab, "EUR", "2025-02-10", "1200000000")
        _ = Self.rate(lab, "EUR", "2025-02-01", "1100000000")
        let last = lab.completeRun()
        try lab.append()
        _ = try lab.projector().project()
        let now = try Self.value(lab)
        // Two euros at 1.1, one at 1.2, one dollar.
        #expect(now.numerator == 4_400_000_000)
        #expect(now.unconverted == 3 && now.remark == "3 rows not converted")
        let then = try Self.value(lab, knownAt: before)
        #expect(then.numerator == 1_000_000_000 && then.unconverted == 6)
        let reader = try Warehouse.Reader(lab.layout)
        try reader.queue.read { database in
            let issues = try QualityIssue.all(database).map { "\($0.issue) \($0.fact) \($0.subject) \($0.value) \($0.rows)" }
            #expect(issues == ["no_rate rp EUR EUR 1", "no_rate rp JPY JPY 2"])
            let snapshots = try KPIValue.all(database, at: last).filter { $0.kpi == "rp_usd" }
            #expect(snapshots == [now])
            #expect(try KPIValue.all(database, at: before).filter { $0.kpi == "rp_usd" } == [then])
        }
        let csv = String(decoding: try Files.read(lab.layout.path("4_curated/rp.csv")), as: UTF8.self)
        #expect(csv.contains("2025-01-31,EUR,1000000000,\n") && csv.contains("2025-02-09,EUR,1000000000,1.1\n"))
        #expect(difference(try lab.projector().digest(), try lab.projector().replay(into: lab.shadow("replay"))).isEmpty)
    }

    @Test("a corrected rate is a new version: the past keeps the old one, in any number of steps")
    func corrected() throws {
        let lab = try Self.lab()
        let first = Self.rate(lab, "EUR", "2025-01-01", "1000000000")
        try lab.append()
        _ = try lab.projector().project()
        let same = Self.rate(lab, "EUR", "2025-01-01", "1000000000")
        let other = Self.rate(lab, "EUR", "2025-01-01", "2000000000")
        try lab.append()
        _ = try lab.projector().project()
        #expect(try Self.value(lab, knownAt: first).numerator == 5_000_000_000)
        #expect(try Self.value(lab, knownAt: same).numerator == 5_000_000_000)
        #expect(try Self.value(lab, knownAt: other).numerator == 9_000_000_000)
        let rows = try Warehouse.Reader(lab.layout).queue.read {
            try String.fetchAll(
                $0, sql: "SELECT nano_usd || ' ' || from_seq || ' ' || COALESCE(to_seq, 'now') FROM rate_v ORDER BY from_seq")
        }
        #expect(rows == ["1000000000 \(first) \(other)", "2000000000 \(other) now"])
        #expect(difference(try lab.projector().digest(), try lab.projector().replay(into: lab.shadow("replay"))).isEmpty)
    }

    @Test("a rate that says nothing stops with its event and field", arguments: ["0", "-1", "1.5", "much"])
    func malformed(nano: String) throws {
        let lab = try Self.lab()
        let seq = Self.rate(lab, "EUR", "2025-01-01", nano)
        try lab.append()
        let error = #expect(throws: VocabularyError.self) { _ = try lab.projector().project() }
        #expect(error?.description.contains("event \(seq) ") == true && error?.description.contains("nano_usd") == true)
    }
}
