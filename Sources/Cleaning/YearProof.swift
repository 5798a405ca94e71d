/// Gives days without a year the year that can be proved, or says why none can.
struct YearProof {
    let facts: CaptureFacts
    let lines: [Int64]
    let column: String
    let firstDataLine: Int64
    /// Whether a day may stand on several lines, next to each other or not: it is not the whole key.
    var repeats = false

    /// A larger step between neighbours cannot be told from dates that run backwards.
    private static let longestStep: Int64 = 183
    /// How far a proof may lie from the row it speaks of, in days.
    private static let tolerance: Int64 = 3

    /// Stands for a month and day until the year is known; no real day is that small.
    static func withoutYear(month: Int, day: Int) -> Int64 {
        -(1 << 40) + Int64(month * 32 + day)
    }

    private static func monthDay(_ cell: Int64) -> (month: Int, day: Int)? {
        guard cell < -(1 << 39), cell != StagedBatch.null else { return nil }
        let value = Int(cell + (1 << 40))
        return (value / 32, value % 32)
    }

    /// Replaces the cells in place. Returns what proved the years; nil when all rows had one.
    func settle(_ cells: inout [Int64]) throws(CleaningError) -> String? {
        guard repeats else { return try settleIncreasing(&cells) }
        var place: [Int64: Int] = [:]
        var days: [Int64] = []
        var firstLines: [Int64] = []
        for (row, cell) in cells.enumerated() where place[cell] == nil {
            place[cell] = days.count
            days.append(cell)
            firstLines.append(lines[row])
        }
        let proof = try YearProof(facts: facts, lines: firstLines, column: column, firstDataLine: firstDataLine).settleIncreasing(&days)
        for row in cells.indices { cells[row] = place[cells[row]].map { days[$0] } ?? cells[row] }
        return proof
    }

    private func settleIncreasing(_ cells: inout [Int64]) throws(CleaningError) -> String? {
        let open = cells.compactMap(Self.monthDay)
        guard open.count > 0 else {
            try checkOrder(cells)
            return nil
        }
        guard open.count == cells.count else {
            let odd = cells.firstIndex { Self.monthDay($0) == nil } ?? 0
            throw error("mixed_dates", "some days have a year and some have none", odd, cells[odd], "export the file again in one format")
        }
        // Years counted from the first row's: the month-day falls where a new year begins.
        var offsets = [0]
        for index in 1..<max(1, open.count) {
            let before = open[index - 1].month * 32 + open[index - 1].day
            let now = open[index].month * 32 + open[index].day
            guard now != before else {
                throw error("dates_not_increasing", "a day stands twice", index, cells[index], "export the file again")
            }
            offsets.append(offsets[index - 1] + (now < before ? 1 : 0))
        }
        let (firstYear, proof) = try year(open, lastOffset: offsets[open.count - 1], cells)
        for index in open.indices {
            let year = firstYear + offsets[index]
            guard CalendarDay.exists(year: year, month: open[index].month, day: open[index].day) else {
                throw error(
                    "no_such_day", "\(year) has no February 29", index, cells[index],
                    "the year rests on \(Self.words(proof)): check it, or pass --downloaded-on YYYY-MM-DD")
            }
            cells[index] = CalendarDay.days(year: year, month: open[index].month, day: open[index].day)
        }
        try checkOrder(cells)
        return proof
    }

    private func year(_ open: [(month: Int, day: Int)], lastOffset: Int, _ cells: [Int64]) throws(CleaningError) -> (Int, String) {
        let first = open[0]
        let last = open[open.count - 1]
        let download = facts.downloadDay
        if let anchor = facts.firstDay ?? facts.fields["first_day"].flatMap({ CalendarDay.day($0) }) {
            // Rejected lines may stand before the first row.
            let slack = Self.tolerance + max(0, (lines.first ?? firstDataLine) - firstDataLine)
            let around = CalendarDay.civil(anchor).year
            for year in [around, around - 1, around + 1] where CalendarDay.exists(year: year, month: first.month, day: first.day) {
                let day = CalendarDay.days(year: year, month: first.month, day: first.day)
                guard day - anchor >= -Self.tolerance, day - anchor <= slack else { continue }
                let end = year + lastOffset
                if let download, CalendarDay.exists(year: end, month: last.month, day: last.day) {
                    let lastDay = CalendarDay.days(year: end, month: last.month, day: last.day)
                    guard lastDay <= download + 1 else {
                        throw error(
                            "dates_after_download",
                            "the rows run to \(CalendarDay.text(day: lastDay)), after the download on \(CalendarDay.text(day: download))",
                            open.count - 1, cells[open.count - 1], "check the first day in the file name and --downloaded-on")
                    }
                }
                return (year, "first_day")
            }
            throw error(
                "first_day_contradicts", "the first row is not near \(CalendarDay.text(day: anchor)), the first day in the file name", 0,
                cells[0], "rename the file as it was downloaded, or pass --first-day YYYY-MM-DD")
        }
        guard let download else {
            throw error(
                "year_unproved", "the days have no year, and neither the file name nor a download day proves one", open.count - 1,
                cells[open.count - 1], "pass --downloaded-on YYYY-MM-DD, the day you downloaded the file")
        }
        let around = CalendarDay.civil(download).year
        for year in [around, around - 1] where CalendarDay.exists(year: year, month: last.month, day: last.day) {
            let age = download - CalendarDay.days(year: year, month: last.month, day: last.day)
            if age >= 0, age <= Self.tolerance { return (year - lastOffset, "download_day") }
        }
        throw error(
            "year_unproved",
            "the days have no year, and the last row is not within \(Self.tolerance) days before the download on "
                + CalendarDay.text(day: download), open.count - 1, cells[open.count - 1],
            "pass --downloaded-on YYYY-MM-DD, the day you downloaded the file")
    }

    private func checkOrder(_ cells: [Int64]) throws(CleaningError) {
        for index in cells.indices.dropFirst() {
            let step = cells[index] - cells[index - 1]
            guard step > 0, step <= Self.longestStep else {
                throw error(
                    "dates_not_increasing", step > 0 ? "the days jump by \(step) days" : "the days do not increase", index, cells[index],
                    "export the file again, oldest day first")
            }
        }
    }

    private func error(_ code: String, _ message: String, _ row: Int, _ cell: Int64, _ remedy: String) -> CleaningError {
        let value = Self.monthDay(cell).map { "month \($0.month), day \($0.day)" } ?? CalendarDay.text(day: cell)
        return CleaningError(code, message, line: lines[row], column: column, value: value, remedy: remedy)
    }

    private static func words(_ proof: String) -> String {
        proof == "first_day" ? "the first day in the file name" : "the day of the download"
    }
}
