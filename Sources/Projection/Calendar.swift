import Cleaning
import GRDB

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
            try insert.execute(arguments: [
                day, CalendarDay.text(day: day), civil.year, (civil.month + 2) / 3, number, CalendarDay.text(month: number), week.year,
                week.week,
                weekday(day), isEnd,
            ])
            if isEnd {
                let span = CalendarDay.span(ofMonth: number)
                try month.execute(arguments: [number, CalendarDay.text(month: number), civil.year, span.first, span.last])
            }
        }
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
