import Yams

/// How the names of advertising campaigns are taken apart: `projections/reference/campaign_names.yml`.
///
/// It looks at one name and at the file, at nothing else: what a part means is decided in SQL, from what is known at a seq.
package struct CampaignNames: Sendable {
    /// A name taken apart. Texts are in upper case; a part that is not there is empty.
    package struct Parts: Sendable, Equatable {
        /// How many parts the name has, copy suffixes not counted.
        package var count: Int64 = 0
        package var first = ""
        package var second = ""
        /// All parts from the third on, joined by ` - `.
        package var rest = ""
        /// As names are compared (`SourceNames.normalised`).
        package var firstNorm = ""
        package var secondNorm = ""
        /// Whether the part is made of words for an audience.
        package var isFirstTargeting = false
        package var isSecondTargeting = false
        /// The number of the copy; 0 for the original. Copies of copies add up.
        package var copy: Int64 = 0
        /// What the whole name is for, where its words say so; else empty.
        package var whole = ""
    }

    /// Kinds of source values that are taken apart.
    private(set) var sources: Set<String> = []
    private var separators: [String] = []
    /// The opening and the closing one.
    private var quotes: [(open: Character, close: Character)] = []
    /// In upper case.
    private var copies: [String] = []
    private var whole: [(words: [Substring], targeting: String)] = []
    /// Word by word, the longest first.
    private var targeting: [[Substring]] = []

    init() {}

    init(_ root: Node, path: String) throws {
        let known = ["kind", "sources", "separators", "quotes", "copies", "whole", "targeting"]
        for (key, _) in root.mapping ?? [:] where !known.contains(key.string ?? "") {
            throw DefinitionError(
                path: path, line: key.mark?.line, reason: "unknown key “\(key.string ?? "?")”; known: \(known.joined(separator: ", "))")
        }
        func list(_ key: String) throws -> [String] {
            guard let list = root[key]?.sequence else {
                throw DefinitionError(path: path, line: root[key]?.mark?.line, reason: "`\(key)` is a list")
            }
            return try list.map { node in
                guard let text = node.string, !text.isEmpty else {
                    throw DefinitionError(path: path, line: node.mark?.line, reason: "`\(key)`: an entry is a text")
                }
                return text
            }
        }
        sources = Set(try list("sources"))
        separators = try list("separators")
        quotes = try list("quotes").map { pair in
            guard pair.count == 2, let open = pair.first, let close = pair.last else {
                throw DefinitionError(
                    path: path, line: root["quotes"]?.mark?.line, reason: "“\(pair)”: quotes are two signs, open and close")
            }
            return (open, close)
        }
        copies = try list("copies").map(Self.upper)
        targeting = try list("targeting").map { Self.words(Self.upper($0)) }.sorted { $0.count > $1.count }
        whole = try (root["whole"]?.sequence ?? []).map { node in
            guard let words = node["words"]?.string, let targeting = node["targeting"]?.string else {
                throw DefinitionError(path: path, line: node.mark?.line, reason: "`whole` is a list of {words: …, targeting: …}")
            }
            return (Self.words(Self.upper(words)), Self.upper(targeting))
        }
    }

    /// The parts of a name.
    package func parts(of name: String) -> Parts {
        var found = Parts()
        var texts = split(Self.spaced(name))
        while texts.count > 1, let last = texts.last, let copy = copyNumber(Self.upper(last)) {
            found.copy = found.copy.addingReportingOverflow(copy).partialValue
            texts.removeLast()
        }
        texts = texts.flatMap(unquoted).map(Self.upper)
        found.count = Int64(texts.count)
        found.first = texts.first ?? ""
        found.second = texts.dropFirst().first ?? ""
        found.rest = texts.dropFirst(2).joined(separator: " - ")
        found.firstNorm = SourceNames.normalised(found.first)
        found.secondNorm = SourceNames.normalised(found.second)
        found.isFirstTargeting = isTargeting(found.first)
        found.isSecondTargeting = isTargeting(found.second)
        let words = Self.words(Self.upper(Self.spaced(name)))
        found.whole = whole.first { Self.contains($0.words, in: words) }?.targeting ?? ""
        return found
    }

    /// The texts between separators, trimmed; empty ones are left out.
    private func split(_ name: String) -> [String] {
        var texts: [String] = []
        // A separator may stand at either end, where its blank was trimmed.
        var rest = Substring(" \(name) ")
        var current = rest.startIndex
        while current < rest.endIndex {
            if let separator = separators.first(where: { rest[current...].hasPrefix($0) }) {
                texts.append(rest[..<current].trimmingSpaces)
                // The last blank of a separator may be the first of the next.
                rest = rest[rest.index(current, offsetBy: max(1, separator.count - 1))...]
                current = rest.startIndex
            } else {
                current = rest.index(after: current)
            }
        }
        texts.append(rest.trimmingSpaces)
        return texts.filter { !$0.isEmpty }
    }

    /// `"THE SCALE", LOOKALIKE` is two parts.
    private func unquoted(_ text: String) -> [String] {
        guard let open = text.first, let pair = quotes.first(where: { $0.open == open }),
            let close = text.dropFirst().firstIndex(of: pair.close)
        else { return [text] }
        let inner = text[text.index(after: text.startIndex)..<close].trimmingSpaces
        let outer = text[text.index(after: close)...].drop { $0 == "," || $0 == ";" || $0.isWhitespace }.trimmingSpaces
        return [inner, outer].filter { !$0.isEmpty }
    }

    /// `COPY` is 1, `COPY 2` is 2; nil for what is no suffix of a copy.
    private func copyNumber(_ text: String) -> Int64? {
        for copy in copies where text.hasPrefix(copy) {
            let number = text.dropFirst(copy.count)
            if number.isEmpty { return 1 }
            if number.first == " ", let count = Int64(number.dropFirst()), count > 0 { return count }
        }
        return nil
    }

    private func isTargeting(_ text: String) -> Bool {
        var words = Self.words(text)[...]
        guard !words.isEmpty else { return false }
        while let first = words.first {
            if let phrase = targeting.first(where: { words.starts(with: $0) }) {
                words = words.dropFirst(phrase.count)
            } else if first.utf8.contains(where: { (48...57).contains($0) }), first.utf8.allSatisfy(Self.isOfNumber) {
                words = words.dropFirst()
            } else {
                return false
            }
        }
        return true
    }

    /// Digits, and what stands between or behind those of an age or a share: `18-44`, `65+`, `1%`.
    private static func isOfNumber(_ byte: UInt8) -> Bool { (48...57).contains(byte) || [0x2D, 0x2B, 0x25].contains(byte) }

    private static func contains(_ words: [Substring], in text: [Substring]) -> Bool {
        guard !words.isEmpty, text.count >= words.count else { return false }
        return (0...text.count - words.count).contains { text[$0...].starts(with: words) }
    }

    private static func words(_ text: String) -> [Substring] { text.split { $0 == " " || $0 == "," || $0 == "/" || $0 == "&" } }

    /// Every white space is a blank, as names are copied from pages.
    private static func spaced(_ name: String) -> String { String(name.map { $0.isWhitespace ? " " : $0 }) }

    /// Upper case of a to z and of ä to þ: case rules of other letters change with Unicode versions, and a replay must not.
    private static func upper(_ text: String) -> String {
        var out = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 97...122, 0xE0...0xF6, 0xF8...0xFE: out.append(Unicode.Scalar(scalar.value - 32) ?? scalar)
            default: out.append(scalar)
            }
        }
        return String(out)
    }
}
