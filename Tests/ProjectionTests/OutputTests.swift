import Cleaning
import EventLog
import GRDB
import Testing

@testable import Projection

@Suite struct CuratedWriterTests {
    private func render(_ sql: String, formats: String = "{}") throws -> String {
        let file = "/*---\ncurated: x\nfile: x.csv\nformats: \(formats)\n---*/\n\(sql) ORDER BY 1"
        let definition = try CuratedDefinition(path: "projections/curated/x.sql", bytes: Array(file.utf8))
        return try DatabaseQueue().read { database in
            let writer = CuratedWriter(layout: Layout(root: "/nowhere"), database: database)
            let files = try writer.render(definition, partitions: nil)
            #expect(files.map(\.path) == ["4_curated/x.csv"])
            #expect(files.allSatisfy { $0.digest == Hash256(hashing: $0.bytes) })
            return String(decoding: try #require(files.first).bytes, as: UTF8.self)
        }
    }

    @Test(
        "numbers are written exactly",
        arguments: [
            ("nano", Int64(0), "0"), ("nano", 1, "0.000000001"), ("nano", -1, "-0.000000001"), ("nano", 1_500_000_000, "1.5"),
            ("nano", -2_000_000_000, "-2"),
            ("nano", .max, "9223372036.854775807"), ("nano", .min, "-9223372036.854775808"),
            ("decimal/2", 5, "0.05"), ("decimal/2", -5, "-0.05"), ("decimal/2", 1_200, "12.00"), ("decimal/0", -7, "-7"),
            ("decimal/18", 1, "0.000000000000000001"),
            ("day", 0, "1970-01-01"), ("day", 20_120, "2025-02-01"), ("day", -1, "1969-12-31"), ("month", 24_301, "2025-02"),
        ])
    func numbers(format: String, value: Int64, expected: String) throws {
        let literal = value == .min ? "-9223372036854775807 - 1" : "\(value)"
        #expect(try render("SELECT \(literal) AS n", formats: "{n: \(format)}") == "n\n\(expected)\n")
    }

    @Test("plain integers, nulls, and quotes only where they are needed")
    func texts() throws {
        #expect(try render("SELECT -42 AS \"a,b\", NULL AS c, '' AS d") == "\"a,b\",c,d\n-42,,\n")
        #expect(
            try render("SELECT 'x,y' AS a, 'say \"x\"' AS b, 'two' || CHAR(10) || 'lines' AS c, 'plain; text ' AS d")
                == "a,b,c,d\n\"x,y\",\"say \"\"x\"\"\",\"two\nlines\",plain; text \n")
    }

    @Test("a REAL is refused by name")
    func real() {
        let error = #expect(throws: DefinitionError.self) { try render("SELECT 0.1 AS share") }
        #expect(error?.reason.contains("share") == true)
    }
}

@Suite struct KPIValueTests {
    @Test(
        "values are rounded half away from zero",
        arguments: [
            (Int64(1), Int64(2), "count", 0, "1"), (-1, 2, "count", 0, "-1"), (1, -2, "count", 0, "-1"), (1, 3, "count", 2, "0.33"),
            (2, 3, "count", 2, "0.67"),
            (1, 3, "percent", 1, "33.3"), (-1, 1_000, "count", 2, "0.00"), (5, 1_000, "count", 2, "0.01"), (-5, 1_000, "count", 2, "-0.01"),
            (.max, 1, "percent", 9, "922337203685477580700.000000000"), (.min, 1, "count", 0, "-9223372036854775808"),
            (0, 7, "count", 3, "0.000"),
            (1_234_567_891, 1_000_000_000, "usd", 2, "1.23"),
        ])
    func text(numerator: Int64, denominator: Int64, unit: String, decimals: Int, expected: String) {
        let value = KPIValue(kpi: "x", dimensions: "{}", numerator: numerator, denominator: denominator)
        #expect(value.text(unit: unit, decimals: decimals) == expected)
    }

    @Test("nothing reported, or nothing to divide by, is a dash")
    func dash() {
        for (numerator, denominator) in [(nil, 1), (1, nil), (1, 0)] as [(Int64?, Int64?)] {
            #expect(
                KPIValue(kpi: "x", dimensions: "{}", numerator: numerator, denominator: denominator).text(unit: "usd", decimals: 2) == "–")
        }
    }
}

@Suite struct CalendarTests {
    @Test(
        "ISO weeks at the turn of the year",
        arguments: [
            ("2020-12-31", 2020, Int64(53), Int64(4)), ("2021-01-03", 2020, 53, 7), ("2021-01-04", 2021, 1, 1), ("2024-12-29", 2024, 52, 7),
            ("2024-12-30", 2025, 1, 1), ("2025-12-31", 2026, 1, 3), ("2000-01-01", 1999, 52, 6), ("1969-12-31", 1970, 1, 3),
        ])
    func weeks(text: String, year: Int, week: Int64, weekday: Int64) throws {
        let day = try #require(CalendarDay.day(text))
        let found = CalendarDimension.isoWeek(day)
        #expect(found.year == year && found.week == week)
        #expect(CalendarDimension.weekday(day) == weekday)
    }

    @Test("the dimension holds every day once and every month with its ends")
    func dimension() throws {
        let queue = try DatabaseQueue()
        try queue.write { database in
            for sql in Warehouse.schema { try database.execute(sql: sql) }
            try CalendarDimension.fill(database, years: 2023...2024)
            #expect(try Int.fetchOne(database, sql: "SELECT COUNT(*) FROM dim_date") == 365 + 366)
            #expect(try Int.fetchOne(database, sql: "SELECT SUM(is_month_end) FROM dim_date") == 24)
            #expect(try Int.fetchOne(database, sql: "SELECT last_day_no - first_day_no + 1 FROM dim_month WHERE month = '2024-02'") == 29)
            let row = try #require(try Row.fetchOne(database, sql: "SELECT * FROM dim_date WHERE date = '2024-02-29'"))
            let numbers = ["quarter", "iso_year", "iso_week", "dow", "is_month_end", "month_no"].map { name -> Int64 in row[name] }
            #expect(numbers == [1, 2024, 9, 4, 1, 24_289])
            #expect(row["month"] == "2024-02")
        }
    }

    @Test(
        "zones that need no table are UTC and fixed offsets",
        arguments: [
            ("UTC", Int64(0)), ("+02:00", 7_200_000), ("-05:30", -19_800_000), ("Europe/Madrid", nil), ("+2:00", nil), ("+15:00", nil),
            ("", nil),
        ] as [(String, Int64?)])
    func zones(name: String, expected: Int64?) { #expect(ReportingZone.offset(name) == expected) }
}
