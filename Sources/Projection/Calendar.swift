import Cleaning
import GRDB
import GRDBSQLite

/// Rows of the calendar dimensions.
enum CalendarDimension {
    /// What every warehouse holds; only tests ask for less.
    static let years = 2000...2049

    static func fill(_ database: Database, years: ClosedRange<Int>) throws {
        let insert = try database.makeStatement(sql: "INSERT INTO dim_date VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
        let month = try database.makeStatement(sql: "INSERT INTO dim_month VALUES (?, ?, ?, ?, ?)")
        for day in CalendarDay.days(year: years.lowerBound, month: 1, day: 1)...CalendarDay.days(year: years.upperBound, month: 12, day: 31)
        {
            let civil = CalendarDay.civil(day)
            let number = Int64(civil.year) * 12 + Int64(civil.month) - 1
            let week = isoWeek(day)
            let isEnd = civil.day == CalendarDay.length(year: civil.year, month: civil.month)
            let monthText = CalendarDay.text(month: number)
            try run(
                insert,
                [
                    .number(day), .text(CalendarDay.text(day: day)), .number(Int64(civil.year)), .number(Int64(civil.month + 2) / 3),
                    .number(number),
                    .text(monthText), .number(Int64(week.year)), .number(week.week), .number(weekday(day)), .number(isEnd ? 1 : 0),
                ])
            if isEnd {
                let span = CalendarDay.span(ofMonth: number)
                try run(month, [.number(number), .text(monthText), .number(Int64(civil.year)), .number(span.first), .number(span.last)])
            }
        }
    }

    private enum Cell {
        case number(Int64)
        case text(String)
    }

    /// Raw binds: a rebuild writes eighteen thousand days, and this makes them a tenth as dear.
    private static func run(_ statement: Statement, _ cells: [Cell]) throws {
        let handle = statement.sqliteStatement
        for (index, cell) in cells.enumerated() {
            switch cell {
            case .number(let number): sqlite3_bind_int64(handle, Int32(index + 1), number)
            case .text(let text): sqlite3_bind_text(handle, Int32(index + 1), text, -1, unsafeBitCast(-1, to: sqlite3_destructor_type.self))
            }
        }
        let code = sqlite3_step(handle)
        sqlite3_reset(handle)
        guard code == SQLITE_DONE else { throw SQLiteFailure(message: "the calendar could not be written: SQLite error \(code)") }
    }

    /// 1 is Monday, 7 is Sunday.
    static func weekday(_ day: Int64) -> Int64 { ((day + 3) % 7 + 7) % 7 + 1 }

    /// ISO 8601: week 1 holds the year's first Thursday.
    static func isoWeek(_ day: Int64) -> (year: Int, week: Int64) {
        let thursday = day - weekday(day) + 4
        let year = CalendarDay.civil(thursday).year
        return (year, (thursday - CalendarDay.days(year: year, month: 1, day: 1)) / 7 + 1)
    }
}
