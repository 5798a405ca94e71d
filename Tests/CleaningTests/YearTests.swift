import Cleaning
import Testing

@Suite struct YearTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var days: [String]
        var first: String?
        var downloaded: String?
        /// Resolved days, or the code of the error.
        var result: [String]
        var error: String?
        var testDescription: String { "\(days.joined(separator: ", ")) first \(first ?? "–") downloaded \(downloaded ?? "–")" }

        init(_ days: [String], first: String? = nil, downloaded: String? = nil, _ result: [String] = [], error: String? = nil) {
            self.days = days
            self.first = first
            self.downloaded = downloaded
            self.result = result
            self.error = error
        }
    }

    @Test(arguments: [
        // Proved by the first day in the name.
        Case(["December 31", "January 1"], first: "2024-12-31", ["2024-12-31", "2025-01-01"]),
        Case(["January 1", "January 2"], first: "2024-12-31", ["2025-01-01", "2025-01-02"]),
        Case(["31 de diciembre", "1 de enero"], first: "2024-12-31", ["2024-12-31", "2025-01-01"]),
        Case(["May 28", "May 30"], first: "2024-05-28", downloaded: "2025-05-27", ["2024-05-28", "2024-05-30"]),
        Case(["May 20", "May 21"], first: "2024-05-28", error: "first_day_contradicts"),
        Case(["June 28", "June 29"], first: "2024-05-28", error: "first_day_contradicts"),
        Case(["May 28", "May 29"], first: "2024-05-28", downloaded: "2024-05-20", error: "dates_after_download"),
        // Proved by the day of the download.
        Case(["December 31", "January 1", "January 2"], downloaded: "2025-01-02", ["2024-12-31", "2025-01-01", "2025-01-02"]),
        Case(["December 30", "December 31"], downloaded: "2025-01-03", ["2024-12-30", "2024-12-31"]),
        Case(["March 8"], downloaded: "2025-03-11", ["2025-03-08"]),
        Case(["March 8"], downloaded: "2025-03-12", error: "year_unproved"),
        Case(["March 8"], downloaded: "2025-03-07", error: "year_unproved"),
        Case(["March 8"], error: "year_unproved"),
        // Leap days.
        Case(["February 28", "February 29", "March 1"], downloaded: "2024-03-01", ["2024-02-28", "2024-02-29", "2024-03-01"]),
        Case(["February 28", "February 29", "March 1"], downloaded: "2025-03-01", error: "no_such_day"),
        Case(["February 28", "February 29"], first: "2025-02-28", error: "no_such_day"),
        Case(["February 28", "March 1"], downloaded: "2025-03-01", ["2025-02-28", "2025-03-01"]),
        Case(["February 29"], downloaded: "2024-03-01", ["2024-02-29"]),
        Case(["February 29"], downloaded: "2025-03-01", error: "year_unproved"),
        // Gaps are fine, running backwards is not.
        Case(["January 1", "January 9", "March 1"], downloaded: "2025-03-01", ["2025-01-01", "2025-01-09", "2025-03-01"]),
        Case(["January 2", "January 1"], downloaded: "2025-01-01", error: "dates_not_increasing"),
        Case(["January 1", "January 1"], downloaded: "2025-01-01", error: "dates_not_increasing"),
        Case(["January 1", "August 1"], downloaded: "2025-08-01", error: "dates_not_increasing"),
        // With a year nothing has to be proved.
        Case(["2025-01-01", "2025-01-02"], ["2025-01-01", "2025-01-02"]),
        Case(["2025-01-02", "2025-01-01"], error: "dates_not_increasing"),
        Case(["2025-01-01", "January 2"], downloaded: "2025-01-02", error: "mixed_dates"),
    ]) func years(_ test: Case) throws {
        let contract = try contract("tiktok/overview")
        let text = "Date,Video Views,Profile Views,Likes,Comments,Shares\n" + test.days.map { "\($0),1,2,3,4,5\n" }.joined()
        let facts = CaptureFacts(
            fileName: "x.csv", downloadedOn: test.downloaded.flatMap { CalendarDay.day($0) },
            firstDay: test.first.flatMap { CalendarDay.day($0) })
        let outcome = try clean(text, contract, facts)
        #expect(outcome.error?.code == test.error)
        let days = String(decoding: outcome.sink.csv, as: UTF8.self).split(separator: "\n").map { String($0.prefix(10)) }
        #expect(days == test.result)
        if let error = outcome.error {
            #expect(error.line != nil && error.column == "date" && error.remedy?.isEmpty == false)
            if error.code == "year_unproved" { #expect(error.remedy?.contains("--downloaded-on") == true) }
        }
    }

    /// Where a row is told apart by the day and something else, a day stands on many lines, day by day or hour by hour.
    @Test(arguments: [
        ["December 31,22", "December 31,23", "January 1,22", "January 1,23"],
        ["December 31,22", "January 1,22", "December 31,23", "January 1,23"],
    ]) func aDayMayStandOnManyLines(_ lines: [String]) throws {
        let contract = try contract("tiktok/follower_activity")
        let text = "Date,Hour,Active followers\n" + lines.map { "\($0),5\n" }.joined()
        func run(_ downloaded: String) throws -> Outcome {
            try clean(text, contract, CaptureFacts(fileName: "x.csv", downloadedOn: CalendarDay.day(downloaded)))
        }
        let outcome = try run("2025-01-01")
        #expect(outcome.report?.yearProof == "download_day")
        let rows = String(decoding: outcome.sink.csv, as: UTF8.self).split(separator: "\n").map(String.init)
        #expect(
            rows
                == lines.map {
                    $0.hasPrefix("D") ? "2024-12-31,\($0.suffix(2)),5,0" : "2025-01-01,\($0.suffix(2)),5,1"
                })
        #expect(try run("2025-01-09").error?.code == "year_unproved")
    }

    @Test func aWholeYearOverNewYearAndLeapDay() throws {
        let contract = try contract("tiktok/overview")
        let names = [
            "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
        ]
        let start = try #require(CalendarDay.day("2023-05-29"))
        var text = "Date,Video Views,Profile Views,Likes,Comments,Shares"
        var expected: [Int64] = []
        for day in start..<(start + 366) {
            let date = CalendarDay.civil(day)
            text += "\n\"\(names[date.month - 1]) \(date.day)\",\"1\",\"1\",\"1\",\"1\",\"1\""
            expected.append(day)
        }
        let facts = facts("Overview_2023-05-29_1716890000_zone.a0.csv", contract)
        let outcome = try clean(text, contract, facts)
        let report = try #require(outcome.report)
        #expect(report.period == start...(start + 365) && report.lastDayPartial)
        #expect(outcome.sink.cells.count == 366 * 9)
        #expect(stride(from: 0, to: 366 * 9, by: 9).map { Int64(outcome.sink.cells[$0]) ?? 0 } == expected)
        #expect(outcome.sink.cells.last == (report.lastDayPartial ? "1" : "0"))
    }

    @Test func theLastDayIsPartialOnlyOnEvidence() throws {
        let contract = try contract("tiktok/overview")
        let text = "Date,Video Views,Profile Views,Likes,Comments,Shares\n2025-01-01,1,1,1,1,1\n2025-01-02,1,1,1,1,1\n"
        func flags(_ facts: CaptureFacts) throws -> [Substring] {
            String(decoding: try clean(text, contract, facts).sink.csv, as: UTF8.self).split(separator: "\n").map {
                $0.split(separator: ",", omittingEmptySubsequences: false)[8]
            }
        }
        #expect(try flags(CaptureFacts(fileName: "x", downloadedOn: CalendarDay.day("2025-01-02"))) == ["0", "1"])
        #expect(try flags(CaptureFacts(fileName: "x", downloadedOn: CalendarDay.day("2025-01-03"))) == ["0", "0"])
        #expect(try flags(CaptureFacts(fileName: "x")) == ["0", ""])
    }

    @Test func tooManyRowsToWaitFor() throws {
        let contract = try contract("tiktok/overview")
        var text = "Date,Video Views,Profile Views,Likes,Comments,Shares\n"
        for day in 0..<20_001 { text += "\(CalendarDay.text(day: Int64(day))),1,1,1,1,1\n" }
        #expect(try clean(text, contract).error?.code == "too_many_rows")
        let fits = text.split(separator: "\n").dropLast().joined(separator: "\n")
        #expect(try clean(fits, contract).report?.rowsOut == 20_000)
    }
}
