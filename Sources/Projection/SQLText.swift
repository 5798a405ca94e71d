/// The small text work on SQL files: comments, top-level commas, the one macro, the portability lint.
package enum SQLText {
    /// SQL without `--` and `/* */` comments; text literals are left alone.
    package static func withoutComments(_ sql: String) -> String {
        var out: [UInt8] = []
        let bytes = Array(sql.utf8)
        var i = 0
        while i < bytes.count {
            if bytes[i] == 39 {
                let start = i
                i += 1
                while i < bytes.count, bytes[i] != 39 { i += 1 }
                i = min(i + 1, bytes.count)
                out += bytes[start..<i]
            } else if bytes[i] == 45, i + 1 < bytes.count, bytes[i + 1] == 45 {
                while i < bytes.count, bytes[i] != 10 { i += 1 }
            } else if bytes[i] == 47, i + 1 < bytes.count, bytes[i + 1] == 42 {
                i += 2
                while i + 1 < bytes.count, !(bytes[i] == 42 && bytes[i + 1] == 47) { i += 1 }
                i += 2
            } else {
                out.append(bytes[i])
                i += 1
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// The parts of a list at its top-level commas.
    package static func split(_ list: String) -> [String] {
        var parts: [String] = []
        var depth = 0
        var quoted = false
        var current = ""
        for character in list {
            if character == "'" { quoted.toggle() }
            if !quoted {
                if character == "(" { depth += 1 }
                if character == ")" { depth -= 1 }
                if character == ",", depth == 0 {
                    parts.append(current)
                    current = ""
                    continue
                }
            }
            current.append(character)
        }
        if !current.trimmingSpaces.isEmpty { parts.append(current) }
        return parts
    }

    /// Replaces `IDIV(a, b)` by SQLite's integer division.
    package static func expandMacros(_ sql: String) -> String {
        guard let start = sql.firstRange(of: "IDIV("), let close = closing(sql, from: start.upperBound) else { return sql }
        let arguments = split(String(sql[start.upperBound..<close]))
        guard arguments.count == 2 else { return sql }
        let expanded = "((\(expandMacros(arguments[0])))/(\(expandMacros(arguments[1]))))"
        return sql[..<start.lowerBound] + expanded + expandMacros(String(sql[sql.index(after: close)...]))
    }

    /// The text with the letters A to Z in upper case; positions stay what they are, which `uppercased()` does not promise.
    package static func upper(_ sql: String) -> String {
        String(decoding: sql.utf8.map { (97...122).contains($0) ? $0 - 32 : $0 }, as: UTF8.self)
    }

    /// Whether a word stands in the text by itself, in any case.
    package static func contains(_ word: String, in sql: String) -> Bool {
        let text = Array(upper(sql).utf8)
        let word = Array(upper(word).utf8)
        func isName(_ byte: UInt8) -> Bool { byte == 95 || byte > 127 || (48...57).contains(byte) || (65...90).contains(byte) }
        guard let last = word.last, text.count >= word.count else { return false }
        return (0...text.count - word.count).contains { at in
            let end = at + word.count
            return text[at..<end].elementsEqual(word) && (at == 0 || !isName(text[at - 1]))
                && (end == text.count || !isName(last) || !isName(text[end]))
        }
    }

    /// The arguments of every call of an aggregate in the text; the name is given in upper case.
    package static func arguments(of function: String, in sql: String) -> [String] {
        var found: [String] = []
        let bytes = Array(sql.utf8)
        let upper = Array(upper(sql).utf8)
        let call = Array("\(function)(".utf8)
        for at in upper.indices where upper[at...].starts(with: call) {
            let rest = String(decoding: bytes[(at + call.count)...], as: UTF8.self)
            if let close = closing(rest, from: rest.startIndex) { found.append(String(rest[..<close])) }
        }
        return found
    }

    /// The first of some `table.column` that an aggregate SUM of the text reads, by its own name or by another that it got on the way;
    /// nil if none is summed.
    package static func summed(_ columns: Set<String>, in sql: String) -> String? {
        columns.isEmpty ? nil : summed(tainted(by: columns, in: aliases(in: sql)), sql)
    }

    /// The same, where the sum is part of what the text calls `name`, at once or through other names.
    package static func summed(_ columns: Set<String>, in sql: String, into name: String) -> String? {
        guard !columns.isEmpty else { return nil }
        let aliases = aliases(in: sql)
        let plain = tainted(by: columns, in: aliases)
        var sums: [String: String] = [:]
        var grew = true
        while grew {
            grew = false
            for (expression, alias) in aliases where sums[alias] == nil {
                if let column = summed(plain, expression) ?? words(expression).lazy.compactMap({ sums[$0] }).first {
                    sums[alias] = column
                    grew = true
                }
            }
        }
        return sums[name]
    }

    private static func summed(_ tainted: [String: String], _ text: String) -> String? {
        arguments(of: "SUM", in: text).lazy.compactMap { words($0).lazy.compactMap { tainted[$0] }.first }.first
    }

    private static func words(_ text: String) -> [String] {
        text.split { !($0.isLetter || $0.isNumber || $0 == "_") }.map(String.init)
    }

    /// Names under which the text knows the columns: `expression AS name` hands the taint on, through as many steps as there are names.
    private static func tainted(by columns: Set<String>, in aliases: [(expression: String, name: String)]) -> [String: String] {
        var tainted: [String: String] = [:]
        for column in columns.sorted() { if let name = column.split(separator: ".").last { tainted[String(name)] = column } }
        var grew = !tainted.isEmpty
        while grew {
            grew = false
            for (expression, name) in aliases where tainted[name] == nil {
                if let column = words(expression).lazy.compactMap({ tainted[$0] }).first {
                    tainted[name] = column
                    grew = true
                }
            }
        }
        return tainted
    }

    /// Every `expression AS name` of the select lists, with the expression as it is written back to the comma or SELECT before it.
    private static func aliases(in sql: String) -> [(expression: String, name: String)] {
        var found: [(String, String)] = []
        let characters = Array(sql)
        let upper = Array(upper(sql))
        guard characters.count == upper.count, characters.count > 4 else { return found }
        for at in 0..<(upper.count - 4) where upper[at...].starts(with: " AS ") {
            let name = String(characters[(at + 4)...].prefix { $0.isLetter || $0.isNumber || $0 == "_" })
            guard !name.isEmpty else { continue }
            var depth = 0
            var start = at
            while start > 0 {
                let character = characters[start - 1]
                if character == ")" { depth += 1 }
                if character == "(" {
                    if depth == 0 { break }
                    depth -= 1
                }
                if depth == 0, character == "," || String(upper[max(0, start - 7)..<start]).hasSuffix("SELECT ") { break }
                start -= 1
            }
            found.append((String(characters[start..<at]), name))
        }
        return found
    }

    private static func closing(_ sql: String, from open: String.Index) -> String.Index? {
        var depth = 1
        var index = open
        var quoted = false
        while index < sql.endIndex {
            if sql[index] == "'" { quoted.toggle() }
            if quoted {
                index = sql.index(after: index)
                continue
            }
            if sql[index] == "(" { depth += 1 }
            if sql[index] == ")" {
                depth -= 1
                if depth == 0 { return index }
            }
            index = sql.index(after: index)
        }
        return nil
    }

    /// Engine functions and spellings that other engines read differently, and what to write instead.
    private static let unportable: [(text: String, advice: String)] = [
        ("STRFTIME(", "join dim_date and use day_no"), ("JULIANDAY(", "join dim_date and use day_no"),
        ("DATE(", "join dim_date and use day_no"),
        ("DATETIME(", "join dim_date and use day_no"), ("IFNULL(", "COALESCE"), ("GROUP_CONCAT(", "one row a value"),
        ("ROUND(", "integers with IDIV"),
        ("RANDOM(", "nothing random is replayed"), ("TOTAL(", "SUM of integers"), ("AVG(", "num and den"),
        ("PRINTF(", "a format in the header"),
        ("WITH RECURSIVE", "the calendar dimension"), ("CURRENT_", "the parameters :day and :now_ms"), ("GLOB ", "lower(x) LIKE"),
        ("ROWID", "natural keys"),
    ]

    /// Whether a word stands in the text and is not the end of a longer one.
    private static func stands(_ word: [UInt8], in text: [UInt8]) -> Bool {
        guard let first = word.first, text.count >= word.count else { return false }
        for at in 0...(text.count - word.count) where text[at] == first {
            guard text[at..<(at + word.count)].elementsEqual(word) else { continue }
            let before = at > 0 ? text[at - 1] : 32
            if before != 95, !(65...90).contains(before), before < 128 { return true }
        }
        return false
    }

    /// The statement without comments and trailing semicolon, macros expanded, in the portable subset.
    package static func checked(_ sql: String, path: String, needsOrder: Bool) throws -> String {
        var text = withoutComments(sql).trimmingSpaces
        if text.hasSuffix(";") { text.removeLast() }
        let upper = " " + upper(text)
        guard upper.hasPrefix(" SELECT") || upper.hasPrefix(" WITH") else {
            throw DefinitionError(path: path, line: nil, reason: "the body must be one SELECT")
        }
        // Bytes: every command checks every file.
        let bytes = Array(upper.utf8)
        for (word, advice) in unportable where stands(Array(word.utf8), in: bytes) {
            throw DefinitionError(path: path, line: nil, reason: "`\(word.trimmingSpaces)` is outside the portable subset; use \(advice)")
        }
        if needsOrder, !upper.contains("ORDER BY") {
            throw DefinitionError(path: path, line: nil, reason: "a total ORDER BY is needed: row order must not be left to the engine")
        }
        return expandMacros(text)
    }
}

extension StringProtocol {
    /// The text without white space at both ends.
    package var trimmingSpaces: String {
        var part = self[...]
        while let first = part.first, first.isWhitespace { part = part.dropFirst() }
        while let last = part.last, last.isWhitespace { part = part.dropLast() }
        return String(part)
    }
}
