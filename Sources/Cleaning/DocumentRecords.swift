/// A dotted path, compiled once.
///
/// In a document: `data.songs[]` (each element), `[]` (of a root array), `{}` (the document itself), `data.*[]` (under every key).
/// In a record: `a.b`, `a[].b` (the first element), `actions[action_type=omni_purchase|purchase].value` (the first of these types that is
/// there, in this order), `^name` and `^^name` (plain values of the enclosing list elements), `$name` (of the root), `#2` (second member).
struct RecordPath: Hashable, Sendable {
    let text: String
    private let steps: [Step]

    private enum Step: Hashable {
        case key([UInt8])
        case every
        case each
        case pick(key: [UInt8], values: [[UInt8]])
        /// A member whose key is written like the path: `^name`, `$name`.
        case literal([UInt8])
        case position(Int)
    }

    /// A value under the path with the list elements around it, nearest first, without the root.
    struct Found: Hashable, Sendable {
        let node: Document.Node
        let parents: [Document.Node]
    }

    /// Nil if the text is no path.
    init?(_ text: String) {
        guard let steps = Self.steps(Array(text.utf8)) else { return nil }
        self.text = text
        self.steps = steps
    }

    private static func steps(_ text: [UInt8]) -> [Step]? {
        guard let mark = text.first else { return nil }
        if text == Array("{}".utf8) { return [] }
        if mark == UInt8(ascii: "^") || mark == UInt8(ascii: "$") {
            let name = mark == UInt8(ascii: "$") ? text.dropFirst() : text.drop { $0 == mark }
            return name.isEmpty ? nil : [.literal(text)]
        }
        if mark == UInt8(ascii: "#") {
            guard text.dropFirst().allSatisfy({ (48...57).contains($0) }) else { return nil }
            guard let position = Int(String(decoding: text.dropFirst(), as: UTF8.self)), position > 0 else { return nil }
            return [.position(position)]
        }
        var steps: [Step] = []
        var at = 0
        while true {
            let start = at
            while at < text.count, text[at] != UInt8(ascii: "."), text[at] != UInt8(ascii: "[") { at += 1 }
            let name = Array(text[start..<at])
            guard !name.contains(where: { [UInt8(ascii: "]"), UInt8(ascii: "{"), UInt8(ascii: "}")].contains($0) }) else { return nil }
            if name.isEmpty {
                guard steps.isEmpty, at < text.count, text[at] == UInt8(ascii: "[") else { return nil }
            } else {
                steps.append(name == [UInt8(ascii: "*")] ? .every : .key(name))
            }
            while at < text.count, text[at] == UInt8(ascii: "[") {
                guard let end = text[at...].firstIndex(of: UInt8(ascii: "]")), let step = bracket(text[(at + 1)..<end]) else { return nil }
                steps.append(step)
                at = end + 1
            }
            guard at < text.count else { return steps }
            guard text[at] == UInt8(ascii: ".") else { return nil }
            at += 1
        }
    }

    private static func bracket(_ inside: ArraySlice<UInt8>) -> Step? {
        if inside.isEmpty { return .each }
        let sides = inside.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
        guard sides.count == 2, !sides[0].isEmpty else { return nil }
        let values = sides[1].split(separator: UInt8(ascii: "|"), omittingEmptySubsequences: false)
        guard values.allSatisfy({ !$0.isEmpty }) else { return nil }
        return .pick(key: Array(sides[0]), values: values.map { Array($0) })
    }

    /// Whether the path means something in a raw record only: `^name`, `$name`, `#2`.
    var isOfRecord: Bool {
        switch steps.first {
        case .literal, .position: true
        default: false
        }
    }

    /// Whether the path is `{}`, the document itself.
    var isRoot: Bool { steps.isEmpty }

    /// The members that a path names, each as the folded keys that lead to it from the record: its own, and those that choose an element.
    ///
    /// A list is nothing on the way; `*` names all from there on, `#2` the second member of the record. Empty for what stands around one.
    var named: [[String]] {
        var chosen: [[String]] = []
        var keys: [String] = []
        for step in steps {
            switch step {
            case .key(let key): keys.append(folded(String(decoding: key, as: UTF8.self)))
            case .pick(let key, _): chosen.append(keys + [folded(String(decoding: key, as: UTF8.self))])
            case .position(let position): keys.append("#\(position)")
            case .each: continue
            case .literal: return []
            case .every: return chosen + [keys]
            }
        }
        return chosen + [keys]
    }

    // MARK: in a document

    /// Whether the path leads somewhere.
    ///
    /// A list at its end may be empty, and so may each list before: nothing in it speaks against the path.
    func exists(in document: Document) -> Bool {
        if steps.isEmpty { return document.kind(document.root) == .object }
        guard !isOfRecord else { return false }
        var places = [document.root]
        for (index, step) in steps.enumerated() {
            if step == .each {
                let lists = places.filter { document.kind($0) == .array }
                if lists.isEmpty { return false }
                if index == steps.count - 1 { return true }
                places = lists.flatMap { document.elements($0) }
                if places.isEmpty { return true }
            } else {
                places = places.flatMap { Self.go(step, from: $0, in: document) }
                if places.isEmpty { return false }
            }
        }
        return true
    }

    /// Everything under the path, in the order of the text.
    func records(in document: Document) -> [Found] {
        guard !isOfRecord else { return [] }
        var places = [Found(node: document.root, parents: [])]
        var before: Step?
        for step in steps {
            var reached: [Found] = []
            for place in places {
                // The root is nobody's parent, and neither are objects that merely lie on the way.
                let listed =
                    switch before {
                    case .each, .pick: true
                    case .every: document.kind(place.node) == .object
                    default: false
                    }
                let parents = listed ? [place.node] + place.parents : place.parents
                for node in Self.go(step, from: place.node, in: document) { reached.append(Found(node: node, parents: parents)) }
            }
            before = step
            places = reached
        }
        return places
    }

    private static func go(_ step: Step, from node: Document.Node, in document: Document) -> [Document.Node] {
        switch step {
        case .key(let key): document.member(node, key).map { [$0] } ?? []
        case .every: document.kind(node) == .object ? document.members(node).map(\.value) : []
        case .each: document.elements(node)
        case .pick(let key, let values): pick(key, values, from: node, in: document).map { [$0] } ?? []
        case .literal, .position: []
        }
    }

    private static func pick(_ key: [UInt8], _ values: [[UInt8]], from node: Document.Node, in document: Document) -> Document.Node? {
        let elements = document.elements(node)
        let names = elements.map { element in document.member(element, key).flatMap { document.text($0) } }
        for value in values {
            if let index = names.firstIndex(of: value) { return elements[index] }
        }
        return nil
    }

    // MARK: in a record

    /// The value a column's path names in a raw record; nil if nothing is there.
    func value(in document: Document, _ record: Document.Node) -> Document.Node? {
        var place = record
        for step in steps {
            let reached: Document.Node? =
                switch step {
                case .key(let key), .literal(let key): document.member(place, key)
                case .each: document.kind(place) == .array ? document.first(in: place) : nil
                case .every: document.kind(place) == .object ? document.first(in: place) : nil
                case .pick(let key, let values): Self.pick(key, values, from: place, in: document)
                case .position(let position): Self.member(position, of: place, in: document)
                }
            guard let reached else { return nil }
            place = reached
        }
        return place
    }

    /// Everything a column's path can name in a record as it stands in its document: each of several members of one key, every element of a
    /// list. A record that is a list has its elements under 0, 1, …; one that is neither has itself under 0.
    func places(in document: Document, _ record: Document.Node) -> [Document.Node] {
        var places = [record]
        for (index, step) in steps.enumerated() {
            let isBare = index == 0 && document.kind(record) != .object
            places = places.flatMap { place -> [Document.Node] in
                let parts = document.kind(place) == .array ? document.elements(place) : isBare ? [place] : []
                switch step {
                case .key(let key), .literal(let key):
                    if isBare { return Int(String(decoding: key, as: UTF8.self)).flatMap { parts.dropFirst($0).first }.map { [$0] } ?? [] }
                    return document.members(place).filter { $0.key == key }.map(\.value)
                case .position(let position):
                    return (isBare ? parts : document.members(place).map(\.value)).dropFirst(position - 1).prefix(1).map(\.self)
                case .each: return parts
                case .every: return document.members(place).map(\.value)
                case .pick(let key, let values):
                    return parts.filter { document.member($0, key).flatMap { document.text($0) }.map(values.contains) ?? false }
                }
            }
        }
        return places
    }

    private static func member(_ position: Int, of record: Document.Node, in document: Document) -> Document.Node? {
        var child = document.first(in: record)
        for _ in 1..<position {
            guard let before = child else { return nil }
            child = document.next(after: before, in: record)
        }
        return child
    }
}

/// What a document must have to be of a dataset: `path`, or `path=value` for a text, number or boolean there.
struct ShapeTest: Hashable, Sendable {
    private(set) var text: String
    let path: RecordPath
    let value: [UInt8]?
    /// What may hold instead.
    private var others: [ShapeTest] = []

    /// Nil if the text is no test, or no tests with ` | ` between them.
    init?(_ text: String) {
        if let bar = text.firstRange(of: " | ") {
            guard let first = ShapeTest(String(text[..<bar.lowerBound])), let rest = ShapeTest(String(text[bar.upperBound...])) else {
                return nil
            }
            self = first
            self.text = text
            others = [rest]
            return
        }
        let bytes = Array(text.utf8)
        var depth = 0
        let split = bytes.firstIndex { byte in
            if byte == UInt8(ascii: "[") { depth += 1 }
            if byte == UInt8(ascii: "]") { depth -= 1 }
            return byte == UInt8(ascii: "=") && depth == 0
        }
        guard let path = RecordPath(String(decoding: bytes[..<(split ?? bytes.count)], as: UTF8.self)), !path.isOfRecord else { return nil }
        self.text = text
        self.path = path
        value = split.map { Array(bytes[($0 + 1)...]) }
    }

    func holds(_ document: Document) -> Bool {
        if others.contains(where: { $0.holds(document) }) { return true }
        guard let value else { return path.exists(in: document) }
        return path.records(in: document).contains { document.text($0.node) == value }
    }
}

/// JSON documents to raw NDJSON, a piece of whole lines at a time.
///
/// A line is one record: its own members compact and in order, then the plain members (text, number, boolean, null) of each enclosing list
/// element as `^name`, `^^name`, … and those of the root as `$name`. A record that is a list is named by the header or, without one, by
/// position: `{"0":…,"1":…}`; a plain value is `{"0":…}`. Every path that exists contributes, document by document, in the order given;
/// `{}` only where no other path exists.
struct RawRecords: Sendable {
    private let documents: [Document]
    private let paths: [RecordPath]
    private let header: RecordPath?
    /// Records written so far.
    private(set) var count = 0

    private var turn = 0
    private var found: [RecordPath.Found] = []
    private var at = 0
    private var names: [[UInt8]]?
    private var parents: [Document.Node]?
    /// The members of ``parents`` and the root, each behind a comma.
    private var tail: [UInt8] = []

    init(_ documents: [Document], records: [RecordPath], header: RecordPath? = nil) {
        precondition(!records.isEmpty)
        self.documents = documents
        paths = records
        self.header = header
    }

    /// Whether `{}` stands for a document that other paths have records of: then it is no record itself.
    private static func isCarrier(_ path: RecordPath, among paths: [RecordPath], _ document: Document) -> Bool {
        path.isRoot && paths.contains { !$0.isRoot && $0.exists(in: document) }
    }

    /// The records of a document, path by path.
    static func all(_ paths: [RecordPath], in document: Document) -> [RecordPath.Found] {
        paths.filter { !isCarrier($0, among: paths, document) }.flatMap { $0.records(in: document) }
    }

    /// Appends whole lines until there are about `limit` bytes; false once there are no more.
    ///
    /// - Throws: `header_missing`, `header_mismatch`; `line` is the record's number, `byte` its place in the file.
    mutating func next(into lines: inout [UInt8], limit: Int = 1 << 16) throws(CleaningError) -> Bool {
        let before = lines.count
        while lines.count < limit || lines.count == before {
            guard at < found.count else {
                guard turn < documents.count * paths.count else { break }
                find()
                continue
            }
            try write(found[at], in: documents[(turn - 1) / paths.count], to: &lines)
            at += 1
        }
        return lines.count > before
    }

    private mutating func find() {
        let document = documents[turn / paths.count]
        if turn % paths.count == 0 { names = nil }
        let path = paths[turn % paths.count]
        // The document itself is the record where it holds no list of them.
        let isCarrier = Self.isCarrier(path, among: paths, document)
        found = isCarrier ? [] : path.records(in: document)
        at = 0
        parents = nil
        turn += 1
    }

    private mutating func write(_ record: RecordPath.Found, in document: Document, to lines: inout [UInt8]) throws(CleaningError) {
        if parents != record.parents {
            parents = record.parents
            tail.removeAll(keepingCapacity: true)
            for (level, parent) in record.parents.enumerated() {
                add(parent, [UInt8](repeating: UInt8(ascii: "^"), count: level + 1), in: document)
            }
            add(document.root, [UInt8(ascii: "$")], in: document)
        }
        let start = lines.count
        switch document.kind(record.node) {
        case .object:
            document.compact(record.node, into: &lines)
            lines.removeLast()
        case .array:
            lines.append(UInt8(ascii: "{"))
            try list(record.node, in: document, to: &lines)
        case .string, .number, .bool, .null:
            lines += Array(#"{"0":"#.utf8)
            document.compact(record.node, into: &lines)
        }
        lines += lines.count == start + 1 ? tail.dropFirst() : tail[...]
        lines.append(UInt8(ascii: "}"))
        lines.append(10)
        count += 1
    }

    private mutating func list(_ record: Document.Node, in document: Document, to lines: inout [UInt8]) throws(CleaningError) {
        let values = document.elements(record)
        let names = try header.map { path throws(CleaningError) in try headings(path, record, in: document) }
        if let names, names.count != values.count {
            throw CleaningError(
                "header_mismatch", "record \(count + 1) has \(values.count) values, \(header?.text ?? "") names \(names.count)",
                line: Int64(count + 1), byte: Int64(document.range(record).lowerBound),
                remedy: "get the file again; if the source changed its format, change the contract")
        }
        for (index, value) in values.enumerated() {
            if index > 0 { lines.append(UInt8(ascii: ",")) }
            lines += names?[index] ?? Array("\"\(index)\"".utf8)
            lines.append(UInt8(ascii: ":"))
            document.compact(value, into: &lines)
        }
    }

    /// The names of a document's header as JSON texts.
    private mutating func headings(_ path: RecordPath, _ record: Document.Node, in document: Document) throws(CleaningError) -> [[UInt8]] {
        if let names { return names }
        let read = path.records(in: document).map { name -> [UInt8]? in
            guard document.kind(name.node) == .string else { return nil }
            return Array(document.bytes[document.range(name.node)])
        }
        let texts = read.compactMap { $0 }
        guard !texts.isEmpty, texts.count == read.count else {
            throw CleaningError(
                "header_missing", "record \(count + 1) is a list, and \(path.text) holds no texts to name its values",
                line: Int64(count + 1), byte: Int64(document.range(record).lowerBound),
                remedy: "get the file again; if the source changed its format, change the contract")
        }
        names = texts
        return texts
    }

    private mutating func add(_ parent: Document.Node, _ prefix: [UInt8], in document: Document) {
        guard document.kind(parent) == .object else { return }
        var child = document.first(in: parent)
        while let value = child {
            if !document.isContainer(value) {
                tail += Array(",\"".utf8) + prefix + document.rawKey(value) + Array("\":".utf8)
                document.compact(value, into: &tail)
            }
            child = document.next(after: value, in: parent)
        }
    }
}

/// JSON lists inside the script of a saved page: `"dataProvider":[…]`, the key quoted or bare, trailing commas allowed.
enum PageScript {
    private static let provider = Array("dataProvider".utf8)

    /// The list of one chart: the first that begins after a marker (the first of the page without one), or of those the longest as written.
    ///
    /// White space in pages and markers does not count when markers are looked for. `requires` must stand somewhere in the page.
    ///
    /// - Throws: `series_missing` (names what was not found), `series_broken` (line and byte in the page).
    static func series(_ html: [UInt8], after: [UInt8]?, longest: Bool, requires: [UInt8]?) throws(CleaningError) -> Document {
        if let requires, find(requires, in: html) == nil { throw missing("the page does not hold \(clipped(requires))") }
        var from = 0
        if let after {
            guard let end = find(after, in: html) else { throw missing("the page does not hold \(clipped(after))") }
            from = end
        }
        let starts = lists(html, from: from)
        var chosen = starts.first
        if longest {
            var most = 0
            var end = 0
            // A list within one that was measured is shorter, and measuring it again would make the time grow with the square of the page.
            for start in starts where start >= end {
                let length = extent(html, from: start)
                end = start + length
                if length > most { (most, chosen) = (length, start) }
            }
        }
        guard let chosen else {
            throw missing("the page has no dataProvider list" + (after.map { " after \(clipped($0))" } ?? ""))
        }
        do {
            return try Document(html, from: chosen, trailingCommas: true)
        } catch {
            throw CleaningError(
                "series_broken", "the list at byte \(chosen) cannot be read: \(error.message)", line: error.line, byte: error.byte,
                value: error.value, remedy: "save the whole page again; if the source changed it, change the contract")
        }
    }

    /// Whether the head of a page, which may be cut off, has the markers, or a list where there are none.
    static func mayHold(_ head: [UInt8], after: [UInt8]?, requires: [UInt8]?) -> Bool {
        let markers = [after, requires].compactMap { $0 }
        if markers.isEmpty { return !lists(head, from: 0).isEmpty }
        return markers.allSatisfy { find($0, in: head) != nil }
    }

    private static func missing(_ message: String) -> CleaningError {
        CleaningError("series_missing", message, remedy: "save the page once its charts are drawn; check that the login still holds")
    }

    /// Index behind the first place that reads like the marker.
    private static func find(_ marker: [UInt8], in html: [UInt8]) -> Int? {
        let wanted = marker.filter { !isSpace($0) }
        guard let first = wanted.first else { return 0 }
        for start in html.indices where html[start] == first {
            var at = start
            var matched = 0
            while at < html.count, matched < wanted.count {
                if html[at] == wanted[matched] { matched += 1 } else if !isSpace(html[at]) { break }
                at += 1
            }
            if matched == wanted.count { return at }
        }
        return nil
    }

    /// Where the lists behind `dataProvider` begin.
    private static func lists(_ html: [UInt8], from: Int) -> [Int] {
        var found: [Int] = []
        var at = from
        while at + provider.count < html.count {
            guard html[at] == provider[0], html[at..<at + provider.count].elementsEqual(provider) else {
                at += 1
                continue
            }
            let before = at > from ? html[at - 1] : 32
            at += provider.count
            if before == UInt8(ascii: "\"") || before == UInt8(ascii: "'") {
                guard html[at] == before else { continue }
                at += 1
            } else if isName(before) || before == UInt8(ascii: ".") {
                continue
            }
            at = skipSpace(html, at)
            guard at < html.count, html[at] == UInt8(ascii: ":") else { continue }
            at = skipSpace(html, at + 1)
            guard at < html.count, html[at] == UInt8(ascii: "[") else { continue }
            found.append(at)
        }
        return found
    }

    /// Bytes from an opening bracket to the one that closes it, or to the end of the page. Brackets in quotes do not count.
    private static func extent(_ html: [UInt8], from start: Int) -> Int {
        var depth = 0
        var quote: UInt8 = 0
        var at = start
        while at < html.count {
            let byte = html[at]
            if quote != 0 {
                if byte == UInt8(ascii: "\\") { at += 1 } else if byte == quote { quote = 0 }
            } else if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
                quote = byte
            } else if byte == UInt8(ascii: "[") {
                depth += 1
            } else if byte == UInt8(ascii: "]") {
                depth -= 1
                if depth == 0 { return at + 1 - start }
            }
            at += 1
        }
        return html.count - start
    }

    private static func skipSpace(_ html: [UInt8], _ start: Int) -> Int {
        var at = start
        while at < html.count, isSpace(html[at]) { at += 1 }
        return at
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 32 || (9...13).contains(byte) }

    private static func isName(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || byte == 95 || byte == 36
    }
}
