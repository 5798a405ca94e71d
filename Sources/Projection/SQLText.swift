/// The small text work on SQL files: comments, lists, calls, the one macro, and what a replay needs of a statement.
package enum SQLText {
    /// SQL without `--` and `/* */` comments; text literals and quoted names are left alone.
    package static func withoutComments(_ sql: String) -> String {
        withoutComments(SQLTokens(sql))
    }

    private static func withoutComments(_ tokens: SQLTokens) -> String {
        var out: [UInt8] = []
        var start = 0
        for comment in tokens.comments {
            out += tokens.bytes[start..<comment.lowerBound]
            start = comment.upperBound
        }
        return String(decoding: out + tokens.bytes[start...], as: UTF8.self)
    }

    /// The parts of a list at its top-level commas.
    package static func split(_ list: String) -> [String] {
        let tokens = SQLTokens(list)
        var parts: [String] = []
        var start = 0
        for index in tokens.top(tokens.indices) where tokens[index].isSymbol(",") {
            parts.append(tokens.text(bytes: start..<tokens[index].range.lowerBound))
            start = tokens[index].range.upperBound
        }
        let last = tokens.text(bytes: start..<tokens.bytes.count)
        return last.trimmingSpaces.isEmpty ? parts : parts + [last]
    }

    /// Replaces each `IDIV(a, b)`, in any case and however nested, by SQLite's integer division.
    package static func expandMacros(_ sql: String) -> String {
        // Every command reads every file, and few of them divide.
        guard contains("IDIV", in: sql) else { return sql }
        let tokens = SQLTokens(sql)
        /// The bytes from `start` to `end`, in which the tokens of `range` lie.
        func expanded(_ start: Int, _ range: Range<Int>, _ end: Int) -> String {
            var out = ""
            var from = start
            var index = range.lowerBound
            while index < range.upperBound {
                guard tokens[index].isWord("IDIV"), let inside = tokens.inside(index + 1), let arguments = tokens.arguments(index),
                    arguments.count == 2
                else {
                    index += 1
                    continue
                }
                let comma = tokens[arguments[0].upperBound]
                out += tokens.text(bytes: from..<tokens[index].range.lowerBound)
                out += "((\(expanded(tokens[index + 1].range.upperBound, arguments[0], comma.range.lowerBound)))/("
                out += "\(expanded(comma.range.upperBound, arguments[1], tokens[inside.upperBound].range.lowerBound))))"
                from = tokens[inside.upperBound].range.upperBound
                index = inside.upperBound + 1
            }
            return out + tokens.text(bytes: from..<end)
        }
        return expanded(0, tokens.indices, tokens.bytes.count)
    }

    /// The text with the letters A to Z in upper case; positions stay what they are, which `uppercased()` does not promise.
    package static func upper(_ sql: String) -> String {
        String(decoding: sql.utf8.map { (97...122).contains($0) ? $0 - 32 : $0 }, as: UTF8.self)
    }

    /// The text with the letters A to Z in lower case.
    package static func lower(_ text: String) -> String {
        String(decoding: text.utf8.map { (65...90).contains($0) ? $0 + 32 : $0 }, as: UTF8.self)
    }

    /// Whether a word stands in the text by itself, in any case.
    package static func contains(_ word: String, in sql: String) -> Bool {
        let text = Array(upper(sql).utf8)
        let word = Array(upper(word).utf8)
        func isName(_ byte: UInt8) -> Bool { byte == 95 || byte > 127 || (48...57).contains(byte) || (65...90).contains(byte) }
        guard let first = word.first, let last = word.last, text.count >= word.count else { return false }
        var at = 0
        while at <= text.count - word.count {
            let end = at + word.count
            // The first byte tells nearly always: every command reads every definition file.
            if text[at] == first, text[at..<end].elementsEqual(word), at == 0 || !isName(text[at - 1]),
                end == text.count || !isName(last) || !isName(text[end])
            {
                return true
            }
            at += 1
        }
        return false
    }

    /// The statement without comments and trailing semicolon, macros expanded, which a replay may run.
    ///
    /// Refuses only what would give other rows another day: portability is ``SQLLint``'s, and never decides whether a replay goes on.
    ///
    /// - Parameter line: the number of the text's first line in its file.
    package static func checked(_ sql: String, path: String, line: Int = 1, needsOrder: Bool) throws -> String {
        let tokens = SQLTokens(sql, line: line)
        var text = withoutComments(tokens).trimmingSpaces
        if text.hasSuffix(";") { text.removeLast() }
        guard let first = tokens.at(0), first.isWord("SELECT") || first.isWord("WITH") else {
            throw DefinitionError(path: path, line: nil, reason: "the body must be one SELECT")
        }
        if let finding = SQLLint.unrepeatable(tokens).first {
            throw DefinitionError(
                path: path, line: finding.line, column: finding.column, reason: "\(finding.message); \(finding.suggestion)")
        }
        if needsOrder, !tokens.tokens.contains(where: { $0.isWord("ORDER") }) {
            throw DefinitionError(path: path, line: nil, reason: "a total ORDER BY is needed: row order must not be left to the engine")
        }
        return tokens.tokens.contains { $0.isWord("IDIV") } ? expandMacros(text) : text
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
