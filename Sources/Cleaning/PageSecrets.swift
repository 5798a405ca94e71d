/// Finds secrets in the text of a saved page: tags, scripts, JSON in either, cookies.
///
/// It reads no HTML and no JavaScript, only what they share: a name, then `=` or `:`, then a value. So nothing is too broken to be
/// read, and a value that is hidden for no reason costs nothing, as figures are never called like a secret.
struct PageSecrets {
    private let text: [UInt8]
    private let names: SecretNames
    private var found: [Range<Int>] = []
    /// How much more may be read in search of the end of lists and objects: a hostile page opens one at every byte.
    private var patience: Int

    /// A list or object behind a secret's name loses its texts, if it is no longer than this.
    private static let longestGroup = 4_096
    /// A hidden field of this many characters without a space is taken for a token, whatever its name.
    private static let shortestOpaque = 16

    /// The page with `[redacted]` for each secret, and how many there were.
    static func redact(_ text: [UInt8], _ names: SecretNames) -> (text: [UInt8], count: Int) {
        var scan = PageSecrets(text: text, names: names)
        scan.readTags()
        scan.readPairs()
        let mark = Array(Cleaner.redacted.utf8)
        var out: [UInt8] = []
        var at = 0
        var count = 0
        for range in scan.found.sorted(by: { ($0.lowerBound, -$0.upperBound) < ($1.lowerBound, -$1.upperBound) })
        where range.lowerBound >= at && !text[range].elementsEqual(mark) {
            if out.isEmpty { out.reserveCapacity(text.count) }
            out += text[at..<range.lowerBound]
            out += mark
            at = range.upperBound
            count += 1
        }
        return count == 0 ? (text, 0) : (out + text[at...], count)
    }

    private init(text: [UInt8], names: SecretNames) {
        self.text = text
        self.names = names
        patience = 4 * text.count + 65_536
    }

    private mutating func hide(_ range: Range<Int>) {
        if !range.isEmpty { found.append(range) }
    }

    // MARK: tags

    private typealias Attribute = (name: Range<Int>, value: Range<Int>)

    /// `<meta name="csrf-token" content="…">`, `<input name="_token" value="…">`, `<div data-api-key="…">`.
    private mutating func readTags() {
        var at = 0
        while let open = text[at...].firstIndex(of: UInt8(ascii: "<")) {
            at = open + 1
            guard at < text.count, Self.isLetter(text[at]) else { continue }
            let start = at
            while at < text.count, Self.isLetter(text[at]) || Self.isDigit(text[at]) { at += 1 }
            let tag = text[start..<at].map(lower)
            let attributes = attributes(&at)
            judge(tag, attributes)
            guard tag.elementsEqual("script".utf8) || tag.elementsEqual("style".utf8) else { continue }
            // What stands in a script is no tag.
            at = end(of: tag, from: at)
        }
    }

    private func end(of tag: [UInt8], from start: Int) -> Int {
        var at = start
        while let open = text[at...].firstIndex(of: UInt8(ascii: "<")) {
            let rest = text[(open + 1)...].prefix(tag.count + 1)
            if rest.first == UInt8(ascii: "/"), rest.dropFirst().map(lower).elementsEqual(tag) { return open }
            at = open + 1
        }
        return text.count
    }

    /// The attributes of a tag, up to its end.
    private func attributes(_ at: inout Int) -> [Attribute] {
        var found: [Attribute] = []
        while at < text.count, text[at] != UInt8(ascii: ">") {
            let start = at
            while at < text.count, Self.isName(text[at]) || text[at] == UInt8(ascii: ":") || text[at] == UInt8(ascii: ".") { at += 1 }
            guard at > start else {
                at += 1
                continue
            }
            let name = start..<at
            var next = skippingSpace(at)
            guard next < text.count, text[next] == UInt8(ascii: "=") else { continue }
            next = skippingSpace(next + 1)
            guard next < text.count else { break }
            if text[next] == 34 || text[next] == 39 {
                let close = text[(next + 1)...].firstIndex(of: text[next]) ?? text.count
                found.append((name, next + 1..<close))
                at = min(close + 1, text.count)
            } else {
                let close = text[next...].firstIndex { Self.isSpace($0) || $0 == UInt8(ascii: ">") } ?? text.count
                found.append((name, next..<close))
                at = close
            }
        }
        return found
    }

    private mutating func judge(_ tag: [UInt8], _ attributes: [Attribute]) {
        func value(_ wanted: String) -> Range<Int>? {
            attributes.first { text[$0.name].map(lower).elementsEqual(wanted.utf8) }?.value
        }
        for attribute in attributes where names.isSecretOfPage(text[attribute.name]) { hide(attribute.value) }
        let titles = ["name", "id", "property", "http-equiv", "itemprop"].compactMap(value)
        var isSecret = titles.contains { names.isSecretOfPage(text[$0]) }
        if tag.elementsEqual("input".utf8), let type = value("type").map({ text[$0].map(lower) }), let content = value("value") {
            isSecret = isSecret || type.elementsEqual("password".utf8) || type.elementsEqual("hidden".utf8) && isOpaque(content)
        }
        guard isSecret else { return }
        for content in ["content", "value"].compactMap(value) { hide(content) }
    }

    private func isOpaque(_ value: Range<Int>) -> Bool {
        value.count >= Self.shortestOpaque && text[value].allSatisfy { Self.isToken($0) }
    }

    // MARK: names and values

    /// `"access_token":"…"`, `csrfToken = '…'`, `setItem("token", "…")`, `sid=…;`, `Bearer …`, and tokens that tell themselves.
    private mutating func readPairs() {
        var at = 0
        while at < text.count {
            guard Self.isName(text[at]) else {
                at += 1
                continue
            }
            let start = at
            while at < text.count, Self.isName(text[at]) { at += 1 }
            let word = start..<at
            if let token = webToken(from: start) {
                hide(token)
                at = token.upperBound
            } else if word.count == 6, text[word].map(lower).elementsEqual("bearer".utf8) {
                let value = run(from: skippingSpace(at), while: Self.isToken)
                if value.lowerBound > at, value.count >= 8 { hide(value) }
            } else if names.isSecretOfPage(text[word]) {
                readValue(after: word)
            }
        }
    }

    private mutating func readValue(after word: Range<Int>) {
        var at = word.upperBound
        let quote = quoteMark(at)
        if let quote { at += quote.count }
        at = skippingSpace(at)
        if at < text.count, text[at] == UInt8(ascii: "]") { at = skippingSpace(at + 1) }
        for coded in ["%3A", "%3D", "%3a", "%3d"] where text[at...].starts(with: coded.utf8) {
            let value = at + coded.utf8.count
            return hide(quoteMark(value).map { quoted(by: $0, from: value + $0.count) } ?? run(from: value) { Self.isName($0) || $0 == 46 })
        }
        guard at < text.count else { return }
        // A comma leads to a value only between arguments: setItem("token", "…").
        let isArgument = quote != nil && text[at] == UInt8(ascii: ",")
        guard text[at] == UInt8(ascii: ":") || text[at] == UInt8(ascii: "=") || isArgument else { return }
        while at < text.count, [UInt8(ascii: ":"), UInt8(ascii: "="), UInt8(ascii: ",")].contains(text[at]) { at += 1 }
        at = skippingSpace(at)
        guard at < text.count else { return }
        if let quote = quoteMark(at) {
            hide(quoted(by: quote, from: at + quote.count))
        } else if text[at] == UInt8(ascii: "{") || text[at] == UInt8(ascii: "[") {
            if !text[at...].starts(with: Cleaner.redacted.utf8) { hideTexts(from: at) }
        } else if !isArgument {
            let value = run(from: at) { !Self.isSpace($0) && !Self.ends.contains($0) }
            // A call or a word of the language is no secret.
            let isCall = value.upperBound < text.count && text[value.upperBound] == UInt8(ascii: "(")
            if !isCall, !Self.words.contains(where: { text[value].elementsEqual($0.utf8) }) { hide(value) }
        }
    }

    /// The texts of a list or object.
    private mutating func hideTexts(from start: Int) {
        let end = min(text.count, start + Self.longestGroup)
        var depth = 0
        var at = start
        var texts: [Range<Int>] = []
        defer { patience -= at - start }
        while at < end, patience > at - start {
            if let quote = quoteMark(at) {
                let range = quoted(by: quote, from: at + quote.count)
                at = range.upperBound + quote.count
                let next = skippingSpace(at)
                let isKey = next < text.count && text[next] == UInt8(ascii: ":")
                if !isKey { texts.append(range) }
                continue
            }
            if text[at] == UInt8(ascii: "{") || text[at] == UInt8(ascii: "[") { depth += 1 }
            if text[at] == UInt8(ascii: "}") || text[at] == UInt8(ascii: "]") { depth -= 1 }
            at += 1
            if depth == 0 {
                for range in texts { hide(range) }
                return
            }
        }
    }

    /// The quote that stands at a place.
    private func quoteMark(_ at: Int) -> [UInt8]? {
        guard at < text.count, Self.beginnings.contains(text[at]) else { return nil }
        return Self.quotes.first { text[at...].starts(with: $0) }
    }

    /// What stands before the closing quote; to the end of the page without one.
    private func quoted(by quote: [UInt8], from start: Int) -> Range<Int> {
        var at = start
        while at < text.count {
            if text[at...].starts(with: quote) { return start..<at }
            // A plain quote may be escaped inside.
            at += quote.count == 1 && text[at] == UInt8(ascii: "\\") && at + 1 < text.count ? 2 : 1
        }
        return start..<text.count
    }

    /// `eyJ….….…`: a JSON web token, with its two dots.
    private func webToken(from start: Int) -> Range<Int>? {
        guard text[start...].starts(with: "eyJ".utf8) else { return nil }
        let value = run(from: start) { Self.isName($0) && $0 != UInt8(ascii: "$") || $0 == UInt8(ascii: ".") }
        return value.count >= 24 && text[value].count { $0 == UInt8(ascii: ".") } >= 2 ? value : nil
    }

    private func run(from start: Int, while isPart: (UInt8) -> Bool) -> Range<Int> {
        var at = min(start, text.count)
        while at < text.count, isPart(text[at]) { at += 1 }
        return min(start, text.count)..<at
    }

    private func skippingSpace(_ start: Int) -> Int {
        var at = start
        while at < text.count, Self.isSpace(text[at]) { at += 1 }
        return at
    }

    // MARK: characters

    /// Longest first: a quote, escaped in a script's text, or written for an attribute.
    private static let quotes = ["\\\"", "\\'", "&quot;", "&#34;", "&#x22;", "&#39;", "&#x27;", "&apos;", "%22", "\"", "'", "`"].map {
        Array($0.utf8)
    }
    private static let beginnings = Array("\\&%\"'`".utf8)
    private static let ends = Array(";,&\"'`<>(){}[]\\".utf8)
    private static let words = ["null", "true", "false", "undefined", "this", "new", "function", "await", "window", "document"]

    private static func isLetter(_ byte: UInt8) -> Bool { (byte | 32) &- 97 < 26 }
    private static func isDigit(_ byte: UInt8) -> Bool { byte &- 48 < 10 }
    private static func isSpace(_ byte: UInt8) -> Bool { byte == 32 || byte &- 9 < 5 }
    private static func isName(_ byte: UInt8) -> Bool {
        isLetter(byte) || isDigit(byte) || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "$")
    }
    private static func isToken(_ byte: UInt8) -> Bool { isName(byte) || "+/=.:|~%".utf8.contains(byte) }
}
