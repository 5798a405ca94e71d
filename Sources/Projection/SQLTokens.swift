/// One word, name, literal or symbol of an SQL text, with its place.
struct SQLToken {
    enum Kind: Hashable {
        /// A keyword, a plain name or the name of a function.
        case word
        /// A name in double quotes, back quotes or brackets.
        case name
        /// A literal in single quotes.
        case text
        case number
        /// `:day`, `?1`, `@x`.
        case parameter
        case symbol
    }

    let kind: Kind
    /// The word in upper case, the symbol, the bare name; literals as they stand.
    let text: String
    /// The bytes of the token in the text.
    let range: Range<Int>
    /// From 1; columns count bytes as editors do with plain text.
    let line: Int
    let column: Int

    /// How messages and comparisons of names spell it.
    func isName(_ name: String) -> Bool { (kind == .word || kind == .name) && text == SQLText.upper(name) }
    func isWord(_ word: String) -> Bool { kind == .word && text == word }
    func isSymbol(_ symbol: String) -> Bool { kind == .symbol && text == symbol }
}

/// An SQL text cut into tokens: comments and white space are left out, brackets are matched.
///
/// Any bytes are accepted: what is not SQL becomes symbols of one byte, an open literal ends with the text.
struct SQLTokens {
    let bytes: [UInt8]
    private(set) var tokens: [SQLToken] = []
    /// Bytes of the comments.
    private(set) var comments: [Range<Int>] = []
    /// The index of the other bracket, by that of either one; nil where it is missing.
    private(set) var partner: [Int: Int] = [:]

    /// `line` is the number of the text's first line in its file.
    init(_ sql: some StringProtocol, line: Int = 1) {
        bytes = Array(sql.utf8)
        cut(line)
        match()
    }

    var indices: Range<Int> { tokens.indices }
    subscript(_ index: Int) -> SQLToken { tokens[index] }

    /// The token at an index, nil outside of the range.
    func at(_ index: Int) -> SQLToken? { tokens.indices.contains(index) ? tokens[index] : nil }

    /// The text of some tokens, as it stands in the file.
    func text(_ range: Range<Int>) -> String {
        guard let first = tokens[range].first, let last = tokens[range].last else { return "" }
        return String(decoding: bytes[first.range.lowerBound..<last.range.upperBound], as: UTF8.self)
    }

    /// The text of some bytes, comments with it.
    func text(bytes range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

    /// Some tokens spelled in one way, to tell whether two expressions are the same.
    func spelled(_ range: Range<Int>) -> String { tokens[range].map(\.text).joined(separator: " ") }

    /// The tokens inside the brackets that open at an index; nil when they are not closed.
    func inside(_ open: Int) -> Range<Int>? { at(open)?.isSymbol("(") == true ? partner[open].map { open + 1..<$0 } : nil }

    /// Indices within a range that stand in no bracket of it.
    func top(_ range: Range<Int>) -> [Int] {
        var found: [Int] = []
        var index = range.lowerBound
        while index < range.upperBound {
            found.append(index)
            if tokens[index].isSymbol("("), let close = partner[index], close < range.upperBound { index = close }
            index += 1
        }
        return found
    }

    /// The parts of a range between the top-level tokens that `isCut` picks; an empty range has no parts.
    func split(_ range: Range<Int>, at isCut: (SQLToken) -> Bool) -> [Range<Int>] {
        guard !range.isEmpty else { return [] }
        var parts: [Range<Int>] = []
        var start = range.lowerBound
        for index in top(range) where isCut(tokens[index]) {
            parts.append(start..<index)
            start = index + 1
        }
        return parts + [start..<range.upperBound]
    }

    /// The arguments of the call whose name stands at an index; nil when it is no call.
    func arguments(_ index: Int) -> [Range<Int>]? { inside(index + 1).map { split($0) { $0.isSymbol(",") } } }

    private mutating func match() {
        var open: [Int] = []
        for index in tokens.indices where tokens[index].kind == .symbol {
            if tokens[index].text == "(" { open.append(index) }
            if tokens[index].text == ")", let start = open.popLast() { (partner[start], partner[index]) = (index, start) }
        }
    }

    private mutating func cut(_ firstLine: Int) {
        var line = firstLine
        var lineStart = 0
        var i = 0
        func byte(_ index: Int) -> UInt8 { index < bytes.count ? bytes[index] : 0 }
        func isLetter(_ byte: UInt8) -> Bool { byte == 95 || byte > 127 || (65...90).contains(byte) || (97...122).contains(byte) }
        func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }
        while i < bytes.count {
            let start = i
            let (tokenLine, column) = (line, i - lineStart + 1)
            var kind: SQLToken.Kind?
            switch bytes[i] {
            case 10, 9, 13, 32: i += 1
            case UInt8(ascii: "-") where byte(i + 1) == UInt8(ascii: "-"):
                while i < bytes.count, bytes[i] != 10 { i += 1 }
                comments.append(start..<i)
            case UInt8(ascii: "/") where byte(i + 1) == UInt8(ascii: "*"):
                i += 2
                while i < bytes.count, !(bytes[i] == UInt8(ascii: "*") && byte(i + 1) == UInt8(ascii: "/")) { i += 1 }
                i = min(i + 2, bytes.count)
                comments.append(start..<i)
            case UInt8(ascii: "'"), UInt8(ascii: "\""), UInt8(ascii: "`"), UInt8(ascii: "["):
                let end = bytes[i] == UInt8(ascii: "[") ? UInt8(ascii: "]") : bytes[i]
                kind = bytes[i] == UInt8(ascii: "'") ? .text : .name
                i += 1
                // A doubled quote is one quote of the literal.
                while i < bytes.count, bytes[i] != end || (byte(i + 1) == end && end != UInt8(ascii: "]")) { i += bytes[i] == end ? 2 : 1 }
                i = min(i + 1, bytes.count)
            case let first where isLetter(first):
                kind = .word
                while isLetter(byte(i)) || isDigit(byte(i)) || byte(i) == UInt8(ascii: "$") { i += 1 }
            case let first where isDigit(first):
                kind = .number
                while isLetter(byte(i)) || isDigit(byte(i)) || byte(i) == UInt8(ascii: ".") { i += 1 }
            case UInt8(ascii: ":"), UInt8(ascii: "?"), UInt8(ascii: "@"):
                i += 1
                while isLetter(byte(i)) || isDigit(byte(i)) { i += 1 }
                kind = i > start + 1 || bytes[start] == UInt8(ascii: "?") ? .parameter : .symbol
            default:
                kind = .symbol
                i += Self.symbolLength(bytes[i], byte(i + 1), byte(i + 2))
            }
            if let kind { append(kind, start..<i, tokenLine, column) }
            for at in start..<i where bytes[at] == 10 {
                line += 1
                lineStart = at + 1
            }
        }
    }

    private static func symbolLength(_ first: UInt8, _ second: UInt8, _ third: UInt8) -> Int {
        switch (first, second) {
        case (UInt8(ascii: "-"), UInt8(ascii: ">")): third == UInt8(ascii: ">") ? 3 : 2
        case (UInt8(ascii: "<"), UInt8(ascii: "=")), (UInt8(ascii: "<"), UInt8(ascii: ">")), (UInt8(ascii: "<"), UInt8(ascii: "<")): 2
        case (UInt8(ascii: ">"), UInt8(ascii: "=")), (UInt8(ascii: ">"), UInt8(ascii: ">")), (UInt8(ascii: "!"), UInt8(ascii: "=")): 2
        case (UInt8(ascii: "="), UInt8(ascii: "=")), (UInt8(ascii: "|"), UInt8(ascii: "|")): 2
        default: 1
        }
    }

    private mutating func append(_ kind: SQLToken.Kind, _ range: Range<Int>, _ line: Int, _ column: Int) {
        var text = String(decoding: bytes[range], as: UTF8.self)
        if kind == .word { text = SQLText.upper(text) }
        if kind == .name { text = SQLText.upper(String(text.dropFirst().dropLast())) }
        tokens.append(SQLToken(kind: kind, text: text, range: range, line: line, column: column))
    }
}
