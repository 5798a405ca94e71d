/// Calendar arithmetic on whole days, without a clock, a locale or a time zone.
///
/// A day is the number of days since 1970-01-01 (proleptic Gregorian); a month is `year * 12 + (month - 1)`.
package enum CalendarDay {
    /// The day number of a civil date. The date must exist; see ``exists(year:month:day:)``.
    package static func days(year: Int, month: Int, day: Int) -> Int64 {
        let y = month <= 2 ? year - 1 : year
        let era = (y >= 0 ? y : y - 399) / 400
        let yearOfEra = y - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return Int64(era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468)
    }

    /// The civil date of a day number.
    package static func civil(_ days: Int64) -> (year: Int, month: Int, day: Int) {
        let z = Int(days) + 719_468
        let era = (z >= 0 ? z : z - 146_096) / 146_097
        let dayOfEra = z - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
    }

    /// Number of days of a month, 1...12.
    package static func length(year: Int, month: Int) -> Int {
        switch month {
        case 4, 6, 9, 11: 30
        case 2: (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)) ? 29 : 28
        default: 31
        }
    }

    /// Whether the civil date is in the calendar.
    package static func exists(year: Int, month: Int, day: Int) -> Bool {
        (1...12).contains(month) && day >= 1 && day <= length(year: year, month: month)
    }

    /// Reads `YYYY-MM-DD`; nil for anything else, also for a day that does not exist.
    package static func day(_ text: String) -> Int64? {
        day(Array(text.utf8))
    }

    /// Reads the bytes of `YYYY-MM-DD`; nil for anything else.
    package static func day(_ bytes: [UInt8]) -> Int64? {
        guard bytes.count == 10, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"), let year = number(bytes[0..<4]),
            let month = number(bytes[5..<7]), let day = number(bytes[8..<10]), exists(year: year, month: month, day: day)
        else { return nil }
        return days(year: year, month: month, day: day)
    }

    /// Reads `YYYY-MM` as a month number; nil for anything else.
    package static func month(_ text: String) -> Int64? {
        let bytes = Array(text.utf8)
        guard bytes.count == 7, bytes[4] == UInt8(ascii: "-"), let year = number(bytes[0..<4]), let month = number(bytes[5..<7]),
            (1...12).contains(month)
        else { return nil }
        return Int64(year * 12 + month - 1)
    }

    /// Writes `YYYY-MM-DD`. Years outside 0000–9999 get as many digits as they need.
    package static func text(day: Int64) -> String {
        var out: [UInt8] = []
        append(day: day, to: &out)
        return String(decoding: out, as: UTF8.self)
    }

    /// Writes `YYYY-MM`.
    package static func text(month: Int64) -> String {
        var out: [UInt8] = []
        append(month: month, to: &out)
        return String(decoding: out, as: UTF8.self)
    }

    /// Appends `YYYY-MM-DD`.
    package static func append(day: Int64, to out: inout [UInt8]) {
        let date = civil(day)
        append(year: date.year, to: &out)
        append(pair: date.month, to: &out)
        append(pair: date.day, to: &out)
    }

    /// Appends `YYYY-MM`.
    package static func append(month: Int64, to out: inout [UInt8]) {
        let year = Int(month >= 0 ? month / 12 : (month - 11) / 12)
        append(year: year, to: &out)
        append(pair: Int(month) - year * 12 + 1, to: &out)
    }

    /// First and last day of a month.
    package static func span(ofMonth month: Int64) -> (first: Int64, last: Int64) {
        let year = Int(month >= 0 ? month / 12 : (month - 11) / 12)
        let number = Int(month) - year * 12 + 1
        let first = days(year: year, month: number, day: 1)
        return (first, first + Int64(length(year: year, month: number)) - 1)
    }

    /// Day number of a Unix time in seconds, UTC.
    package static func day(unixSeconds: Int64) -> Int64 {
        unixSeconds >= 0 ? unixSeconds / 86_400 : (unixSeconds - 86_399) / 86_400
    }

    /// Reads a day without a year: `January 5`, `5 de enero`, `5. Januar`, `5 janvier`, `1er mars`, full names or their usual
    /// abbreviations, any case; nil for anything else.
    ///
    /// February 29 is accepted, since the year is not known here.
    package static func monthDay(_ bytes: [UInt8]) -> (month: Int, day: Int)? {
        var words = bytes.split(whereSeparator: { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: ".") })
            .map { $0.map(lower) }
        if words.count == 3, words[1].elementsEqual("de".utf8) { words.remove(at: 1) }
        guard words.count == 2 else { return nil }
        let dayFirst = words[0].first.map { $0 &- 48 < 10 } ?? false
        let name = dayFirst ? words[1] : words[0]
        var digits = dayFirst ? words[0] : words[1]
        // The first of a month: 1er in French, 1º in Spanish and Portuguese.
        for ordinal in ["1er", "1º", "1°"] where digits.elementsEqual(ordinal.utf8) { digits = [UInt8(ascii: "1")] }
        guard (1...2).contains(digits.count), let day = number(digits[...]), let month = monthNumber(name), day >= 1,
            day <= length(year: 2000, month: month)
        else { return nil }
        return (month, day)
    }

    /// The month of a name or abbreviation in lower case (of ASCII letters), in English, Spanish, German, French, Portuguese or Italian.
    static func monthNumber(_ name: [UInt8]) -> Int? {
        months.firstIndex { names in names.contains { name.elementsEqual($0.utf8) } }.map { $0 + 1 }
    }

    // No word means two months: what is short in one language and another month in a second one is left out (Italian and Spanish `mar`,
    // `mag`, `set` agree with the others or stand alone).
    private static let months: [[String]] = [
        ["january", "jan", "enero", "ene", "januar", "jän", "jänner", "janvier", "janv", "janeiro", "gennaio", "gen"],
        ["february", "feb", "febrero", "februar", "février", "fevrier", "févr", "fév", "fevereiro", "fev", "febbraio"],
        ["march", "mar", "marzo", "märz", "mär", "mars", "março", "marco"],
        ["april", "apr", "abril", "abr", "avril", "avr", "aprile"],
        ["may", "mayo", "mai", "maio", "maggio", "mag"],
        ["june", "jun", "junio", "juni", "juin", "junho", "giugno", "giu"],
        ["july", "jul", "julio", "juli", "juillet", "juil", "julho", "luglio", "lug"],
        ["august", "aug", "agosto", "ago", "août", "aout"],
        ["september", "sep", "sept", "septiembre", "setiembre", "septembre", "setembro", "set", "settembre"],
        ["october", "oct", "octubre", "oktober", "okt", "octobre", "outubro", "out", "ottobre", "ott"],
        ["november", "nov", "noviembre", "novembre", "novembro"],
        ["december", "dec", "diciembre", "dic", "dezember", "dez", "décembre", "decembre", "déc", "dezembro", "dicembre"],
    ]

    private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
        var value = 0
        for byte in digits {
            guard byte &- 48 <= 9 else { return nil }
            value = value * 10 + Int(byte &- 48)
        }
        return value
    }

    private static func append(year: Int, to out: inout [UInt8]) {
        if (0...9_999).contains(year) {
            for divisor in [1_000, 100, 10, 1] { out.append(48 + UInt8(year / divisor % 10)) }
        } else {
            out.append(contentsOf: String(year).utf8)
        }
    }

    private static func append(pair: Int, to out: inout [UInt8]) {
        out.append(UInt8(ascii: "-"))
        out.append(48 + UInt8(pair / 10))
        out.append(48 + UInt8(pair % 10))
    }
}

/// ASCII lower case of one byte.
func lower(_ byte: UInt8) -> UInt8 {
    byte &- UInt8(ascii: "A") < 26 ? byte | 0x20 : byte
}

/// The bytes without leading and trailing spaces and tabs.
func trimmed(_ bytes: some BidirectionalCollection<UInt8>) -> [UInt8] {
    var rest = bytes[...]
    while let first = rest.first, first == 32 || first == 9 { rest = rest.dropFirst() }
    while let last = rest.last, last == 32 || last == 9 { rest = rest.dropLast() }
    return Array(rest)
}
