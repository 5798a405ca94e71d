/// A spelling of days or months, for example `Mon D, YYYY` or `DD.MM.YYYY`.
///
/// Tokens are `YYYY`, `MM` or `M`, `DD` or `D`, and `Mon` (a month's name or abbreviation in any of the known languages); all else stands
/// for itself. `M` and `D` read one or two digits.
struct DatePattern: Hashable, Sendable {
    private enum Part: Hashable, Sendable {
        case year, month(exact: Bool), name, day(exact: Bool)
        case literal(UInt8)
    }

    private let parts: [Part]

    /// nil when a year or a month is missing, a part stands twice, or (unless it is a month pattern) a day is missing.
    init?(_ text: String, month: Bool) {
        var rest = Array(text.utf8)[...]
        var parts: [Part] = []
        while let first = rest.first {
            func takes(_ token: String) -> Bool {
                guard rest.starts(with: token.utf8) else { return false }
                rest = rest.dropFirst(token.utf8.count)
                return true
            }
            if takes("YYYY") {
                parts.append(.year)
            } else if takes("Mon") {
                parts.append(.name)
            } else if takes("MM") {
                parts.append(.month(exact: true))
            } else if takes("M") {
                parts.append(.month(exact: false))
            } else if takes("DD") {
                parts.append(.day(exact: true))
            } else if takes("D") {
                parts.append(.day(exact: false))
            } else {
                parts.append(.literal(lower(first)))
                rest = rest.dropFirst()
            }
        }
        let years = parts.count { $0 == .year }
        let months = parts.count { if case .month = $0 { true } else { $0 == .name } }
        let days = parts.count { if case .day = $0 { true } else { false } }
        guard years == 1, months == 1, days == (month ? 0 : 1) else { return nil }
        self.parts = parts
    }

    /// `YYYY-MM-DD`, or `YYYY-MM` for a month pattern; nil when the text does not fit or there is no such day.
    func iso(_ text: [UInt8]) -> [UInt8]? {
        var rest = text[...]
        var (year, month, day) = (0, 0, 0)
        var hasDay = false
        for part in parts {
            switch part {
            case .year:
                guard let value = Self.digits(&rest, 4...4) else { return nil }
                year = value
            case .month(let exact):
                guard let value = Self.digits(&rest, exact ? 2...2 : 1...2) else { return nil }
                month = value
            case .day(let exact):
                guard let value = Self.digits(&rest, exact ? 2...2 : 1...2) else { return nil }
                day = value
                hasDay = true
            case .name:
                let word = rest.prefix { lower($0) &- 97 < 26 || $0 >= 0x80 }
                guard let value = CalendarDay.monthNumber(word.map(lower)) else { return nil }
                month = value
                rest = rest.dropFirst(word.count)
                if rest.first == UInt8(ascii: "."), word.count <= 5 { rest = rest.dropFirst() }
            case .literal(let byte):
                guard let first = rest.first, lower(first) == byte else { return nil }
                rest = rest.dropFirst()
            }
        }
        guard rest.isEmpty, CalendarDay.exists(year: year, month: month, day: hasDay ? day : 1) else { return nil }
        if hasDay { return Array(CalendarDay.text(day: CalendarDay.days(year: year, month: month, day: day)).utf8) }
        return Array(CalendarDay.text(month: Int64(year * 12 + month - 1)).utf8)
    }

    private static func digits(_ rest: inout ArraySlice<UInt8>, _ lengths: ClosedRange<Int>) -> Int? {
        let run = rest.prefix(lengths.upperBound).prefix { $0 &- 48 < 10 }
        guard lengths.contains(run.count) else { return nil }
        rest = rest.dropFirst(run.count)
        return run.reduce(0) { $0 * 10 + Int($1 &- 48) }
    }
}

/// Cells as sources write them, brought into the plain form that ``RowEngine`` reads.
///
/// What cannot be brought there is left as it is, so that the engine rejects it and the reject shows the source's own text.
enum CellText {
    /// `YYYY-MM-DD` from a day, a time stamp that begins with one, or one of the patterns.
    static func day(_ text: [UInt8], _ patterns: [DatePattern], shift: Int64) -> [UInt8] {
        var iso: [UInt8]?
        if text.count >= 10, CalendarDay.day(Array(text[..<10])) != nil,
            text.count == 10 || text[10] == UInt8(ascii: "T") || text[10] == UInt8(ascii: " ")
        {
            iso = Array(text[..<10])
        } else {
            iso = patterns.lazy.compactMap { $0.iso(text) }.first
        }
        guard let iso else { return text }
        guard shift != 0, let day = CalendarDay.day(iso) else { return iso }
        return Array(CalendarDay.text(day: day + shift).utf8)
    }

    /// `YYYY-MM` from a month, a day or one of the patterns.
    static func month(_ text: [UInt8], _ patterns: [DatePattern]) -> [UInt8] {
        if text.count >= 10, CalendarDay.day(Array(text[..<10])) != nil { return Array(text[..<7]) }
        return patterns.lazy.compactMap { $0.iso(text) }.first ?? text
    }

    /// A number without symbols, with a point, without exponent, its point moved, and for whole numbers without an empty fraction.
    static func number(_ text: [UInt8], _ column: Column) -> [UInt8] {
        var bare = text
        var negative = false
        if bare.first == UInt8(ascii: "("), bare.last == UInt8(ascii: ")"), bare.count > 2 {
            // Accountants write losses in brackets.
            bare = Array(bare.dropFirst().dropLast())
            negative = true
        }
        bare = strip(bare, column.symbols)
        if bare.first == UInt8(ascii: "-") || bare.first == UInt8(ascii: "+") {
            guard !negative else { return text }
            negative = bare[0] == UInt8(ascii: "-")
            bare = strip(Array(bare.dropFirst()), column.symbols)
        } else if bare.starts(with: [0xE2, 0x88, 0x92]) {
            // U+2212, the typographic minus.
            guard !negative else { return text }
            negative = true
            bare = strip(Array(bare.dropFirst(3)), column.symbols)
        }
        let mark = column.decimalMark ?? UInt8(ascii: ".")
        let exponentAt = bare.firstIndex { $0 == UInt8(ascii: "e") || $0 == UInt8(ascii: "E") }
        let hasSign = column.isPercentBySign && (text.first == UInt8(ascii: "%") || text.last == UInt8(ascii: "%"))
        var places = -column.shiftDecimals - (hasSign ? 2 : 0)
        if let at = exponentAt {
            var sign = 1
            var digits = bare[(at + 1)...]
            if let first = digits.first, first == UInt8(ascii: "-") || first == UInt8(ascii: "+") {
                sign = first == UInt8(ascii: "-") ? -1 : 1
                digits = digits.dropFirst()
            }
            guard (1...3).contains(digits.count), digits.allSatisfy({ $0 &- 48 < 10 }) else { return text }
            places += sign * digits.reduce(0) { $0 * 10 + Int($1 &- 48) }
            bare = Array(bare[..<at])
        }
        let halves = bare.split(separator: mark, maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = halves.first else { return text }
        var whole = Array(first)
        var fraction = halves.count == 2 ? Array(halves[1]) : []
        if let thousands = column.thousands.map({ Array($0.utf8) }) {
            let groups = whole.split(separator: thousands)
            if groups.count > 1 {
                let digits = Array(groups.joined())
                guard (1...3).contains(groups[0].count), groups.dropFirst().allSatisfy({ $0.count == 3 }),
                    whole.count == digits.count + (groups.count - 1) * thousands.count
                else { return text }
                whole = digits
            }
        }
        guard halves.count == 1 || !fraction.isEmpty || column.type == .integer, !whole.isEmpty || !fraction.isEmpty,
            whole.allSatisfy({ $0 &- 48 < 10 }), fraction.allSatisfy({ $0 &- 48 < 10 })
        else { return text }
        if places > 0 {
            guard places <= 40 else { return text }
            let moved = fraction.prefix(places)
            whole += moved + repeatElement(48, count: places - moved.count)
            fraction.removeFirst(moved.count)
        } else if places < 0 {
            guard -places <= 40 else { return text }
            let padded = Array(repeatElement(48, count: max(0, -places - whole.count))) + whole
            fraction = padded.suffix(-places) + fraction
            whole = Array(padded.dropLast(-places))
        }
        if column.type == .integer, fraction.allSatisfy({ $0 == 48 }) { fraction = [] }
        whole = Array(whole.drop { $0 == 48 })
        if whole.isEmpty { whole = [48] }
        var made = negative && !(whole == [48] && fraction.allSatisfy { $0 == 48 }) ? [UInt8(ascii: "-")] : []
        made += whole
        if !fraction.isEmpty { made += [UInt8(ascii: ".")] + fraction }
        return made
    }

    /// An ISRC in capitals without hyphens and blanks; nil when it is none.
    static func isrc(_ text: [UInt8]) -> [UInt8]? {
        var code: [UInt8] = []
        var at = 0
        while at < text.count {
            let byte = text[at]
            if byte == 0xC2, at + 1 < text.count, text[at + 1] == 0xA0 {
                at += 2
                continue
            }
            at += 1
            if byte == UInt8(ascii: "-") || byte == 32 || byte == 9 { continue }
            code.append(byte &- 97 < 26 ? byte - 32 : byte)
        }
        func isLetter(_ byte: UInt8) -> Bool { byte &- 65 < 26 }
        func isDigit(_ byte: UInt8) -> Bool { byte &- 48 < 10 }
        guard code.count == 12, code[..<2].allSatisfy(isLetter), code[2..<5].allSatisfy({ isLetter($0) || isDigit($0) }),
            code[5...].allSatisfy(isDigit)
        else { return nil }
        return code
    }

    /// Whether a text is a number as spreadsheet programs shorten long ones, `1.202E+17`: its last digits are lost.
    static func isShortened(_ text: [UInt8]) -> Bool {
        let halves = text.split(omittingEmptySubsequences: false) { $0 == UInt8(ascii: "e") || $0 == UInt8(ascii: "E") }
        guard halves.count == 2, let first = halves[0].first, first &- 48 < 10 else { return false }
        let marks: Set<UInt8> = [UInt8(ascii: "."), UInt8(ascii: ",")]
        let mantissa = halves[0].filter { !marks.contains($0) }
        let exponent = halves[1].first == UInt8(ascii: "+") ? halves[1].dropFirst() : halves[1]
        return halves[0].count - mantissa.count <= 1 && mantissa.allSatisfy { $0 &- 48 < 10 } && (1...2).contains(exponent.count)
            && exponent.allSatisfy { $0 &- 48 < 10 }
    }

    /// Seconds from `H:MM:SS`, `MM:SS` or `PT3M20S`; plain seconds stay.
    static func seconds(_ text: [UInt8]) -> [UInt8] {
        func value(_ digits: some Collection<UInt8>) -> Int? {
            guard (1...6).contains(digits.count), digits.allSatisfy({ $0 &- 48 < 10 }) else { return nil }
            return digits.reduce(0) { $0 * 10 + Int($1 &- 48) }
        }
        let parts = text.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        if parts.count == 2 || parts.count == 3 {
            let numbers = parts.compactMap { value($0) }
            guard numbers.count == parts.count, numbers.dropFirst().allSatisfy({ $0 < 60 }) else { return text }
            return Array(String(numbers.reduce(0) { $0 * 60 + $1 }).utf8)
        }
        guard text.first == UInt8(ascii: "P"), text.count > 2 else { return text }
        var total = 0
        var digits: [UInt8] = []
        var isTime = false
        for byte in text.dropFirst() {
            if byte == UInt8(ascii: "T"), digits.isEmpty, !isTime {
                isTime = true
                continue
            }
            if byte &- 48 < 10 {
                digits.append(byte)
                continue
            }
            let unit: Int
            switch (byte, isTime) {
            case (UInt8(ascii: "D"), false): unit = 86_400
            case (UInt8(ascii: "H"), true): unit = 3_600
            case (UInt8(ascii: "M"), true): unit = 60
            case (UInt8(ascii: "S"), true): unit = 1
            default: return text
            }
            guard let number = value(digits) else { return text }
            total += number * unit
            digits = []
        }
        return digits.isEmpty ? Array(String(total).utf8) : text
    }

    /// A rate as a fraction, told from a percent by the two counts it is made of; nil when they cannot tell.
    static func fraction(_ text: [UInt8], part: [UInt8], whole: [UInt8]) -> [UInt8]? {
        if text.last == UInt8(ascii: "%") { return moved(trimmed(text.dropLast())) }
        guard case .value(let nano, _) = PlainNumber.parse(text, scale: 9) else { return text }
        guard nano != 0 else { return text }
        guard case .value(let count, _) = PlainNumber.parse(part, scale: 0), case .value(let base, _) = PlainNumber.parse(whole, scale: 0),
            base > 0
        else { return nano.magnitude > 1_000_000_000 ? moved(text) : nil }
        // |rate − part/whole| against |rate/100 − part/whole|, both times 100 · whole.
        let exact = Int128(count) * 100_000_000_000
        let asFraction = (Int128(nano) * Int128(base) * 100 - exact).magnitude
        let asPercent = (Int128(nano) * Int128(base) - exact).magnitude
        return asFraction <= asPercent ? text : moved(text)
    }

    private static func moved(_ text: [UInt8]) -> [UInt8] {
        var column = Column.plainDecimal
        column.shiftDecimals = 2
        return number(text, column)
    }

    /// A plain number in billionths, for comparisons; nil when it is none.
    static func billionths(_ text: [UInt8]) -> Int128? {
        let negative = text.first == UInt8(ascii: "-")
        let halves = (negative ? text.dropFirst() : text[...]).split(
            separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
        guard let whole = halves.first, !whole.isEmpty, whole.count <= 19, whole.allSatisfy({ $0 &- 48 < 10 }) else { return nil }
        let fraction = halves.count == 2 ? Array(halves[1].prefix(9)) : []
        guard fraction.allSatisfy({ $0 &- 48 < 10 }) else { return nil }
        let value = (whole + fraction + repeatElement(48, count: 9 - fraction.count)).reduce(Int128(0)) { $0 * 10 + Int128($1 &- 48) }
        return negative ? -value : value
    }

    /// The text without the symbols and spaces around it, no-break spaces included.
    private static func strip(_ text: [UInt8], _ symbols: [[UInt8]]) -> [UInt8] {
        var bare = trimmed(text)[...]
        let blanks: [[UInt8]] = [[0xC2, 0xA0], [0xE2, 0x80, 0xAF], [32]]
        var isDone = false
        while !isDone {
            isDone = true
            for symbol in symbols + blanks {
                if bare.starts(with: symbol) {
                    bare = bare.dropFirst(symbol.count)
                    isDone = false
                }
                if bare.count >= symbol.count, bare.suffix(symbol.count).elementsEqual(symbol) {
                    bare = bare.dropLast(symbol.count)
                    isDone = false
                }
            }
        }
        return Array(bare)
    }
}

extension Column {
    fileprivate static let plainDecimal = Column(
        name: "", heading: "", aliases: [], type: .decimal, required: false, optional: false, nulls: [], negative: true, thousands: nil,
        currency: nil, unit: nil, values: [], form: .any, yearless: false, derived: nil)
}
