/// A JSON document over its own bytes: nodes are ranges, nothing is copied or converted before it is asked for.
///
/// RFC 8259 to the letter (the bytes are valid UTF-8 already); a byte order mark is skipped. 24 bytes a node beside the bytes themselves,
/// no recursion. Containers may be nested ``maxDepth`` deep.
struct Document: Sendable {
    /// Most containers around one value.
    static let maxDepth = 128

    /// The bytes the document was read from; other documents may share them.
    let bytes: [UInt8]
    private let entries: [Entry]

    /// Names a value of one document; means nothing in another one.
    struct Node: Hashable, Sendable {
        fileprivate let index: UInt32
    }

    enum Kind: Hashable, Sendable {
        case object, array, string, number, bool(Bool), null
    }

    /// In the order of the text: the children of a container follow it, up to `after`.
    fileprivate struct Entry {
        /// The value as written, quotes and brackets included.
        var start: UInt32
        var end: UInt32
        /// Index behind the last descendant: that of the next sibling, if there is one.
        var after: UInt32
        /// The key as written, without its quotes.
        var keyStart: UInt32
        var keyEnd: UInt32
        var kind: Kind
    }

    fileprivate init(_ bytes: [UInt8], _ entries: [Entry]) {
        self.bytes = bytes
        self.entries =
            entries.isEmpty ? [Entry(start: 0, end: 0, after: 1, keyStart: 0, keyEnd: 0, kind: .null)] : entries
    }

    /// Reads one document that fills the bytes.
    ///
    /// `lenient`: the bytes may be cut off anywhere, and what follows the first value does not count. Containers then hold what was read so
    /// far; a text, number or word that the cut touches is left out, and a document of which nothing was read is null.
    /// `trailingCommas`: a comma may stand before a closing bracket, as in page script.
    ///
    /// - Throws: `not_json` (byte, line, what was expected), `json_too_deep`, `json_too_large`.
    init(_ bytes: [UInt8], lenient: Bool = false, trailingCommas: Bool = false) throws(CleaningError) {
        let span = bytes.span
        var reader = try Reader(span, lenient: lenient, trailingCommas: trailingCommas)
        reader.skipBlank(span)
        let whole = try reader.value(span)
        if whole, !lenient {
            reader.skipSpace(span)
            guard reader.at == span.count else { throw reader.failure(span, expected: "the end of the file") }
        }
        self.init(bytes, reader.entries)
    }

    /// Reads the value that begins at an offset and leaves what follows it alone.
    init(_ bytes: [UInt8], from start: Int, trailingCommas: Bool = false) throws(CleaningError) {
        let span = bytes.span
        var reader = try Reader(span, lenient: false, trailingCommas: trailingCommas)
        reader.at = start
        _ = try reader.value(span)
        self.init(bytes, reader.entries)
    }

    /// All values of a file: one document, NDJSON, or answers one after the other. Blank bytes hold no document.
    ///
    /// Objects and arrays may follow each other directly; other values need white space between them. All share the bytes; offsets in
    /// errors count from the first of them. `lenient` is for the head of a file, as in ``init(_:lenient:trailingCommas:)``.
    static func all(_ bytes: [UInt8], lenient: Bool = false) throws(CleaningError) -> [Document] {
        let span = bytes.span
        var reader = try Reader(span, lenient: lenient, trailingCommas: false)
        var found: [Document] = []
        while true {
            reader.skipBlank(span)
            guard reader.at < span.count else { return found }
            reader.entries.removeAll()
            if let last = found.last { reader.entries.reserveCapacity(last.entries.count) }
            let whole = try reader.value(span)
            if !reader.entries.isEmpty { found.append(Document(bytes, reader.entries)) }
            guard whole else { return found }
            let closed = span[reader.at - 1] == UInt8(ascii: "}") || span[reader.at - 1] == UInt8(ascii: "]")
            guard closed || reader.at == span.count || Reader.isSpace(span[reader.at]) else {
                throw reader.failure(span, expected: "white space or the end of the file")
            }
        }
    }

    // MARK: asking

    var root: Node { Node(index: 0) }

    func kind(_ node: Node) -> Kind { entries[Int(node.index)].kind }

    /// Where the value stands in ``bytes``.
    func range(_ node: Node) -> Range<Int> {
        let entry = entries[Int(node.index)]
        return Int(entry.start)..<Int(entry.end)
    }

    func isContainer(_ node: Node) -> Bool { kind(node) == .object || kind(node) == .array }

    /// The first element or member value.
    func first(in parent: Node) -> Node? {
        guard isContainer(parent) else { return nil }
        let child = parent.index + 1
        return child < entries[Int(parent.index)].after ? Node(index: child) : nil
    }

    /// The element or member value behind another one of the same container.
    func next(after child: Node, in parent: Node) -> Node? {
        let sibling = entries[Int(child.index)].after
        return sibling < entries[Int(parent.index)].after ? Node(index: sibling) : nil
    }

    /// The key of a member's value as written, without quotes; empty for elements.
    func rawKey(_ value: Node) -> ArraySlice<UInt8> {
        let entry = entries[Int(value.index)]
        return bytes[Int(entry.keyStart)..<Int(entry.keyEnd)]
    }

    /// The value of a key (decoded); of equal keys the last one counts.
    func member(_ object: Node, _ key: [UInt8]) -> Node? {
        guard kind(object) == .object else { return nil }
        var found: Node?
        var child = first(in: object)
        while let value = child {
            if isKey(value, key) { found = value }
            child = next(after: value, in: object)
        }
        return found
    }

    private func isKey(_ value: Node, _ key: [UInt8]) -> Bool {
        let raw = rawKey(value)
        guard raw.count >= key.count else { return false }
        if raw.count == key.count { return raw.elementsEqual(key) && !raw.contains(UInt8(ascii: "\\")) }
        return raw.contains(UInt8(ascii: "\\")) && Self.decoded(raw) == key
    }

    /// All members in the order of the text, equal keys included.
    func members(_ object: Node) -> [(key: [UInt8], value: Node)] {
        kind(object) == .object ? children(object).map { (Self.decoded(rawKey($0)), $0) } : []
    }

    /// The elements of an array.
    func elements(_ array: Node) -> [Node] { kind(array) == .array ? children(array) : [] }

    private func children(_ parent: Node) -> [Node] {
        var found: [Node] = []
        var child = first(in: parent)
        while let value = child {
            found.append(value)
            child = next(after: value, in: parent)
        }
        return found
    }

    /// Texts decoded (half a surrogate pair is U+FFFD), numbers and booleans as written; nil for null, objects and arrays.
    func text(_ node: Node) -> [UInt8]? {
        switch kind(node) {
        case .string: Self.decoded(bytes[range(node)].dropFirst().dropLast())
        case .number, .bool: Array(bytes[range(node)])
        case .null, .object, .array: nil
        }
    }

    /// Appends the value on one line: no white space outside texts, texts, keys and numbers as written. Always valid JSON.
    func compact(_ node: Node, into out: inout [UInt8]) {
        let end = entries[Int(node.index)].after
        var open: [(after: UInt32, object: Bool)] = []
        var first = true
        var at = node.index
        while at < end {
            while let top = open.last, top.after == at {
                out.append(top.object ? UInt8(ascii: "}") : UInt8(ascii: "]"))
                open.removeLast()
                first = false
            }
            let entry = entries[Int(at)]
            if !first { out.append(UInt8(ascii: ",")) }
            if let top = open.last, top.object {
                out.append(UInt8(ascii: "\""))
                out.append(contentsOf: bytes[Int(entry.keyStart)..<Int(entry.keyEnd)])
                out.append(UInt8(ascii: "\""))
                out.append(UInt8(ascii: ":"))
            }
            at += 1
            first = false
            switch entry.kind {
            case .object, .array:
                let object = entry.kind == .object
                out.append(object ? UInt8(ascii: "{") : UInt8(ascii: "["))
                open.append((entry.after, object))
                first = true
            case .null: out.append(contentsOf: "null".utf8)
            case .string, .number, .bool: out.append(contentsOf: bytes[Int(entry.start)..<Int(entry.end)])
            }
        }
        while let top = open.popLast() { out.append(top.object ? UInt8(ascii: "}") : UInt8(ascii: "]")) }
    }

    // MARK: texts

    /// The content of a text that was read before, escapes resolved.
    private static func decoded(_ raw: ArraySlice<UInt8>) -> [UInt8] {
        guard raw.contains(UInt8(ascii: "\\")) else { return Array(raw) }
        var out: [UInt8] = []
        out.reserveCapacity(raw.count)
        var at = raw.startIndex
        while at < raw.endIndex {
            guard raw[at] == UInt8(ascii: "\\") else {
                out.append(raw[at])
                at += 1
                continue
            }
            let mark = raw[at + 1]
            at += 2
            switch mark {
            case UInt8(ascii: "b"): out.append(8)
            case UInt8(ascii: "f"): out.append(12)
            case UInt8(ascii: "n"): out.append(10)
            case UInt8(ascii: "r"): out.append(13)
            case UInt8(ascii: "t"): out.append(9)
            case UInt8(ascii: "u"):
                var unit = hex(raw[at..<at + 4])
                at += 4
                if (0xD800..<0xDC00).contains(unit), at + 6 <= raw.endIndex, raw[at] == UInt8(ascii: "\\"), raw[at + 1] == mark {
                    let low = hex(raw[at + 2..<at + 6])
                    if (0xDC00..<0xE000).contains(low) {
                        unit = 0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)
                        at += 6
                    }
                }
                let scalar = Unicode.Scalar(unit) ?? "\u{FFFD}"
                out.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
            default: out.append(mark)
            }
        }
        return out
    }

    private static func hex(_ digits: ArraySlice<UInt8>) -> UInt32 {
        digits.reduce(0) { $0 << 4 | UInt32($1 < 58 ? $1 & 15 : ($1 & 7) + 9) }
    }
}

/// Reads values one after the other; one state a step instead of one call a level.
private struct Reader {
    var at = 0
    var entries: [Document.Entry] = []
    /// The containers around the place, outermost first.
    private var open: [Int] = []
    private let lenient: Bool
    private let trailingCommas: Bool

    private enum Want {
        case value, valueOrEnd, key, keyOrEnd, separator
    }

    init(_ bytes: Span<UInt8>, lenient: Bool, trailingCommas: Bool) throws(CleaningError) {
        guard bytes.count < Int(UInt32.max) else {
            throw CleaningError("json_too_large", "a JSON file may have 4 GiB", remedy: "export shorter ranges")
        }
        self.lenient = lenient
        self.trailingCommas = trailingCommas
    }

    @inline(__always) static func isSpace(_ byte: UInt8) -> Bool { byte == 32 || byte == 10 || byte == 13 || byte == 9 }

    @inline(__always) mutating func skipSpace(_ bytes: Span<UInt8>) {
        while at < bytes.count, Self.isSpace(bytes[at]) { at += 1 }
    }

    /// White space, and the byte order marks of files that were put together.
    mutating func skipBlank(_ bytes: Span<UInt8>) {
        skipSpace(bytes)
        while bytes.count - at >= 3, bytes[at] == 0xEF, bytes[at + 1] == 0xBB, bytes[at + 2] == 0xBF {
            at += 3
            skipSpace(bytes)
        }
        // A mark that the cut touches.
        if lenient, bytes.count - at < 3, at < bytes.count, bytes[at] == 0xEF { at = bytes.count }
    }

    /// Reads one value into ``entries``; false if a cut ended it.
    mutating func value(_ bytes: Span<UInt8>) throws(CleaningError) -> Bool {
        var want = Want.value
        var key = 0..<0
        open.removeAll()
        while true {
            skipSpace(bytes)
            guard at < bytes.count else { return try cut(bytes, expected: expected(want)) }
            let byte = bytes[at]
            switch want {
            case .separator:
                let object = entries[open[open.count - 1]].kind == .object
                if byte == UInt8(ascii: ",") {
                    at += 1
                    if object { want = trailingCommas ? .keyOrEnd : .key } else { want = trailingCommas ? .valueOrEnd : .value }
                    continue
                }
                guard byte == (object ? UInt8(ascii: "}") : UInt8(ascii: "]")) else { throw failure(bytes, expected: expected(want)) }
                close()
                if open.isEmpty { return true }
            case .key, .keyOrEnd:
                if byte == UInt8(ascii: "}"), want == .keyOrEnd {
                    close()
                    if open.isEmpty { return true }
                    want = .separator
                    continue
                }
                guard byte == UInt8(ascii: "\"") else { throw failure(bytes, expected: expected(want)) }
                let start = at + 1
                guard try text(bytes) else { return false }
                key = start..<at - 1
                skipSpace(bytes)
                guard at < bytes.count else { return try cut(bytes, expected: "':'") }
                guard bytes[at] == UInt8(ascii: ":") else { throw failure(bytes, expected: "':'") }
                at += 1
                want = .value
            case .value, .valueOrEnd:
                let start = at
                switch byte {
                case UInt8(ascii: "{"), UInt8(ascii: "["):
                    guard open.count < Document.maxDepth else { throw tooDeep(bytes) }
                    at += 1
                    open.append(entries.count)
                    add(byte == UInt8(ascii: "{") ? .object : .array, start, key)
                    want = byte == UInt8(ascii: "{") ? .keyOrEnd : .valueOrEnd
                    key = 0..<0
                    continue
                case UInt8(ascii: "]") where want == .valueOrEnd:
                    close()
                case UInt8(ascii: "\""):
                    guard try text(bytes) else { return false }
                    add(.string, start, key)
                case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                    guard try number(bytes) else { return false }
                    add(.number, start, key)
                case UInt8(ascii: "t"):
                    guard try word(bytes, Self.yes) else { return false }
                    add(.bool(true), start, key)
                case UInt8(ascii: "f"):
                    guard try word(bytes, Self.no) else { return false }
                    add(.bool(false), start, key)
                case UInt8(ascii: "n"):
                    guard try word(bytes, Self.nothing) else { return false }
                    add(.null, start, key)
                default: throw failure(bytes, expected: expected(want))
                }
                if open.isEmpty { return true }
                want = .separator
            }
        }
    }

    @inline(__always) private mutating func add(_ kind: Document.Kind, _ start: Int, _ key: Range<Int>) {
        entries.append(
            Document.Entry(
                start: UInt32(truncatingIfNeeded: start), end: UInt32(truncatingIfNeeded: at),
                after: UInt32(truncatingIfNeeded: entries.count + 1), keyStart: UInt32(truncatingIfNeeded: key.lowerBound),
                keyEnd: UInt32(truncatingIfNeeded: key.upperBound), kind: kind))
    }

    /// Ends the innermost container with the bracket at hand.
    private mutating func close() {
        at += 1
        let container = open.removeLast()
        entries[container].end = UInt32(truncatingIfNeeded: at)
        entries[container].after = UInt32(truncatingIfNeeded: entries.count)
    }

    /// The bytes end inside a value.
    private mutating func cut(_ bytes: Span<UInt8>, expected: String) throws(CleaningError) -> Bool {
        at = bytes.count
        guard lenient else { throw failure(bytes, expected: expected) }
        for container in open {
            entries[container].end = UInt32(truncatingIfNeeded: at)
            entries[container].after = UInt32(truncatingIfNeeded: entries.count)
        }
        return false
    }

    // MARK: scalars; each is left with `at` behind it, and false if a cut touches it

    private mutating func text(_ bytes: Span<UInt8>) throws(CleaningError) -> Bool {
        var place = at + 1
        while place < bytes.count {
            let byte = bytes[place]
            if byte == UInt8(ascii: "\"") {
                at = place + 1
                return true
            }
            if byte == UInt8(ascii: "\\") {
                at = place
                guard place + 1 < bytes.count else { break }
                switch bytes[place + 1] {
                case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"), UInt8(ascii: "n"),
                    UInt8(ascii: "r"), UInt8(ascii: "t"):
                    place += 2
                case UInt8(ascii: "u"):
                    for digit in place + 2..<min(place + 6, bytes.count) where !Self.isHex(bytes[digit]) {
                        throw failure(bytes, expected: "four hexadecimal digits after \\u", clip: 6)
                    }
                    place += 6
                default: throw failure(bytes, expected: "an escape of JSON", clip: 2)
                }
            } else if byte < 0x20 {
                at = place
                throw failure(bytes, expected: "no control character in a text (write it as \\u00XX)", clip: 1)
            } else {
                place += 1
            }
        }
        return try cut(bytes, expected: "the closing quote of a text")
    }

    private static func isHex(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (65...70).contains(byte) || (97...102).contains(byte)
    }

    private mutating func number(_ bytes: Span<UInt8>) throws(CleaningError) -> Bool {
        if bytes[at] == UInt8(ascii: "-") { at += 1 }
        if at < bytes.count, bytes[at] == UInt8(ascii: "0") {
            at += 1
        } else {
            guard try digits(bytes) else { return false }
        }
        if at < bytes.count, bytes[at] == UInt8(ascii: ".") {
            at += 1
            guard try digits(bytes) else { return false }
        }
        if at < bytes.count, bytes[at] | 0x20 == UInt8(ascii: "e") {
            at += 1
            if at < bytes.count, bytes[at] == UInt8(ascii: "+") || bytes[at] == UInt8(ascii: "-") { at += 1 }
            guard try digits(bytes) else { return false }
        }
        // More digits may have stood behind the cut.
        if lenient, at == bytes.count { return try cut(bytes, expected: "") }
        return true
    }

    private mutating func digits(_ bytes: Span<UInt8>) throws(CleaningError) -> Bool {
        let start = at
        while at < bytes.count, bytes[at] &- 48 < 10 { at += 1 }
        if at > start { return true }
        guard at < bytes.count else { return try cut(bytes, expected: "a digit") }
        throw failure(bytes, expected: "a digit")
    }

    private static let yes = Array("true".utf8)
    private static let no = Array("false".utf8)
    private static let nothing = Array("null".utf8)

    private mutating func word(_ bytes: Span<UInt8>, _ letters: [UInt8]) throws(CleaningError) -> Bool {
        for offset in letters.indices {
            guard at + offset < bytes.count else { return try cut(bytes, expected: String(decoding: letters, as: UTF8.self)) }
            guard bytes[at + offset] == letters[offset] else {
                throw failure(bytes, expected: String(decoding: letters, as: UTF8.self))
            }
        }
        at += letters.count
        return true
    }

    // MARK: errors

    private func expected(_ want: Want) -> String {
        switch want {
        case .value: "a value"
        case .valueOrEnd: "a value or ']'"
        case .key: "a key in quotes"
        case .keyOrEnd: "a key in quotes or '}'"
        case .separator: entries[open[open.count - 1]].kind == .object ? "',' or '}'" : "',' or ']'"
        }
    }

    /// Shows little of the file: an answer may hold secrets.
    func failure(_ bytes: Span<UInt8>, expected: String, clip: Int = 16) -> CleaningError {
        guard at < bytes.count else {
            return CleaningError(
                "not_json", "the file ends where JSON needs \(expected)", line: line(bytes), byte: Int64(at),
                remedy: "the file is cut off; get it again")
        }
        return CleaningError(
            "not_json", "this is no JSON: expected \(expected)", line: line(bytes), byte: Int64(at),
            value: clipped((at..<min(at + clip, bytes.count)).map { bytes[$0] }),
            remedy: "look at the file near this byte, or get it again")
    }

    private func tooDeep(_ bytes: Span<UInt8>) -> CleaningError {
        CleaningError(
            "json_too_deep", "more than \(Document.maxDepth) objects and lists are nested", line: line(bytes), byte: Int64(at),
            remedy: "this is no export of a known service; check what was saved")
    }

    private func line(_ bytes: Span<UInt8>) -> Int64 {
        var line: Int64 = 1
        for place in 0..<at where bytes[place] == 10 { line += 1 }
        return line
    }
}
