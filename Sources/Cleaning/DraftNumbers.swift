/// How a sample writes its numbers, told from all of its columns together.
///
/// `1.234` alone may be twelve hundred or a little more than one; beside a column with `12,50` it is twelve hundred.
struct DraftNumbers {
    /// Which mark stands before the decimals; the other one stands between thousands.
    enum Style {
        case point, comma

        var thousands: UInt8 { self == .point ? UInt8(ascii: ",") : UInt8(ascii: ".") }

        /// The keys of a column.
        var keys: [String] { self == .point ? ["thousands: \",\""] : ["thousands: \".\"", "decimal_mark: \",\""] }
    }

    /// A value that is a number in one style alone was seen.
    private var seen: Set<Style> = []

    /// What may stand around a number, longest first, and the currency it means; nil where it means none.
    private static let known: [(symbol: String, code: String?, isGuess: Bool)] = [
        ("US$", "USD", false), ("USD", "USD", false), ("EUR", "EUR", false), ("GBP", "GBP", false), ("CAD", "CAD", false),
        ("AUD", "AUD", false), ("BRL", "BRL", false), ("MXN", "MXN", false), ("JPY", "JPY", false), ("SEK", "SEK", false),
        ("CHF", "CHF", false), ("€", "EUR", true), ("£", "GBP", true), ("$", "USD", true), ("%", nil, false),
    ]

    /// Looks at the columns whose values are all numbers in one way or another.
    init(_ columns: [[[UInt8]]]) {
        for column in columns {
            let values = column.filter { !$0.isEmpty && !ContractDraft.nulls.contains(String(decoding: $0, as: UTF8.self)) }
            let (point, comma) = Self.fits(values)
            guard !values.isEmpty, point != comma else { continue }
            seen.insert(point ? .point : .comma)
        }
    }

    private static func fits(_ values: [[UInt8]]) -> (point: Bool, comma: Bool) {
        let bare = values.map { strip($0).bare }
        return (bare.allSatisfy { isNumber($0, .point, scale: 9) }, bare.allSatisfy { isNumber($0, .comma, scale: 9) })
    }

    /// How the numbers of a column are to be read, and a doubt where they read two ways; nil for values that are no numbers.
    func style(of values: [[UInt8]], name: String) -> (style: Style, doubt: String?)? {
        let (point, comma) = Self.fits(values)
        guard point || comma else { return nil }
        guard point, comma else { return (point ? .point : .comma, nil) }
        let marks = Set(values.joined()).intersection([UInt8(ascii: "."), UInt8(ascii: ",")])
        guard let mark = marks.first else { return (.point, nil) }
        let style: Style = seen == [.comma] ? .comma : .point
        guard seen != [.point] || mark != style.thousands else { return (style, nil) }
        let meaning = mark == style.thousands ? "thousands" : "decimals"
        let why = seen.count == 1 ? ", as in other columns" : ""
        let text = String(decoding: values.first { $0.contains(mark) } ?? [], as: UTF8.self)
        return (
            style, "\(name) reads two ways (\(text)): the \(mark == UInt8(ascii: ".") ? "point" : "comma") is taken for \(meaning)\(why)"
        )
    }

    /// The texts around the numbers of a column.
    func symbols(in values: [[UInt8]]) -> [String] {
        let found = Set(values.flatMap { Self.strip($0).symbols })
        return Self.known.map(\.symbol).filter(found.contains)
    }

    /// The currency that a heading or a symbol means, and whether that is a guess.
    static func code(in text: String) -> (code: String, found: String, isGuess: Bool)? {
        for (symbol, code, isGuess) in known where text.contains(symbol) {
            if let code { return (code, symbol, isGuess) }
        }
        return nil
    }

    func isWhole(_ value: [UInt8], _ style: Style) -> Bool { Self.isNumber(Self.strip(value).bare, style, scale: 0) }

    /// Whether a text is a number with a decimal comma, and none with a decimal point.
    static func hasDecimalComma(_ text: [UInt8]) -> Bool {
        let bare = strip(text).bare
        return isNumber(bare, .comma, scale: 9) && !isNumber(bare, .point, scale: 9)
    }

    /// Digits and marks only, in an order that no style knows.
    static func looksLikeNumber(_ text: [UInt8]) -> Bool {
        let bare = strip(text).bare
        let marks: Set<UInt8> = [UInt8(ascii: "."), UInt8(ascii: ","), UInt8(ascii: "'"), 32, 0xC2, 0xA0, 0xE2, 0x80, 0xAF]
        let rest = bare.first == UInt8(ascii: "-") ? bare.dropFirst() : bare[...]
        return rest.contains { $0 &- 48 < 10 } && rest.allSatisfy { $0 &- 48 < 10 || marks.contains($0) }
    }

    private static func isNumber(_ bare: [UInt8], _ style: Style, scale: Int) -> Bool {
        let (point, comma) = (UInt8(ascii: "."), UInt8(ascii: ","))
        let plain = style == .point ? bare : bare.map { $0 == point ? comma : $0 == comma ? point : $0 }
        if case .value = PlainNumber.parse(plain, scale: scale, thousands: comma) { return true }
        return false
    }

    /// A number without what stands around it; a minus before a symbol stays.
    private static func strip(_ text: [UInt8]) -> (bare: [UInt8], symbols: [String]) {
        let minus = UInt8(ascii: "-")
        var bare = trimmed(text)
        var found: [String] = []
        let isNegative = bare.first == minus
        if isNegative { bare.removeFirst() }
        let blanks = ["\u{A0}", "\u{202F}", " "]
        var before = -1
        while before != bare.count {
            before = bare.count
            for symbol in known.map(\.symbol) + blanks {
                let bytes = Array(symbol.utf8)
                if bare.starts(with: bytes) {
                    bare.removeFirst(bytes.count)
                } else if bare.count >= bytes.count, bare.suffix(bytes.count).elementsEqual(bytes) {
                    bare.removeLast(bytes.count)
                } else {
                    continue
                }
                if !blanks.contains(symbol) { found.append(symbol) }
            }
        }
        return (isNegative ? [minus] + bare : bare, found)
    }
}

extension String {
    /// The text, or nil where there is none.
    var orNil: String? { isEmpty ? nil : self }
}
