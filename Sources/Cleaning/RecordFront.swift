/// Stands before the row engine where a contract says more than the engine's plain cells: documents, preambles, totals, enumerations, odd
/// numbers and dates, rules.
///
/// Cuts the raw file into records, takes each column's text from it, brings it into plain form and hands on one plain line a record.
/// What a record becomes depends on the record alone, so the result does not depend on how the bytes were cut.
struct RecordFront {
    /// What one record came to.
    enum Step {
        /// A line of plain cells for the engine, with its line end.
        case line([UInt8])
        /// Neither data nor an error: an empty line, a preamble, a total.
        case nothing
        /// The heading line.
        case headings(Header)
        case rejected(Refusal)
    }

    /// Why a record is rejected before the engine sees it.
    struct Refusal {
        let reason: String
        let expected: String
        /// Index of the column, −1: the record as a whole.
        let column: Int
        let value: [UInt8]
    }

    /// Number of the record at hand in the raw file, from 1.
    private(set) var line: Int64 = 0
    /// Offset of the record at hand in the raw file.
    private(set) var offset: Int64 = 0
    /// Lines that were totals.
    private(set) var skipped = 0
    /// Rows that broke a rule of severity `warn`, by its name.
    private(set) var warnings: [String: Int] = [:]
    /// Values that no enumeration knows, by column.
    private(set) var unmapped: [String: Int] = [:]
    /// Members of records that the contract does not name, in order of appearance.
    private(set) var unknown: [String] = []
    /// Texts of the record at hand as the source has them, by column.
    private(set) var originals: [[UInt8]] = []

    private let contract: Contract
    private let facts: CaptureFacts
    private let preamble: Int
    private var waiting: [UInt8] = []
    private var start = 0
    private var next: Int64 = 0
    private var header: Header?
    private var before: [[UInt8]] = []
    private var complaint: (known: Int, error: CleaningError)?
    private var holes: [String: String] = [:]
    private var known: Set<String> = []
    private var cells: [[UInt8]] = []

    init(contract: Contract, facts: CaptureFacts) {
        self.contract = contract
        self.facts = facts
        if case .table(let lines) = contract.shape { preamble = lines } else { preamble = 0 }
        for column in contract.columns {
            known.formUnion(column.paths.map(\.head).filter { !$0.isEmpty }.map(folded))
        }
        known.formUnion(contract.ignored)
    }

    /// The heading line that the engine is given: the contract's own columns.
    func plainHeader(of found: Header?) -> Header {
        Header(
            delimiter: .comma, quoted: true, headings: found?.headings ?? [], unknown: found?.unknown ?? [], missing: found?.missing ?? [],
            sources: contract.columns.enumerated().reduce(into: (sources: [Int](), next: 0)) { result, pair in
                let isCell = pair.element.derived == nil
                result.sources.append(isCell ? result.next : -1)
                if isCell { result.next += 1 }
            }.sources, width: contract.columns.count { $0.derived == nil })
    }

    // MARK: cutting

    /// Takes bytes of the raw file.
    mutating func take(_ bytes: UnsafeRawBufferPointer) {
        if start > 0 {
            waiting.removeFirst(start)
            start = 0
        }
        unsafe waiting.append(contentsOf: bytes)
    }

    /// The next whole record; nil when more bytes are needed. `isEnd`: there are no more.
    mutating func step(isEnd: Bool) throws(CleaningError) -> Step? {
        guard let (text, _) = try cut(isEnd: isEnd) else { return nil }
        return try contract.shape.isDocument ? document(text) : table(text)
    }

    /// The next line with its line end, all bytes being at hand.
    mutating func nextLine() throws(CleaningError) -> (text: [UInt8], end: [UInt8])? { try cut(isEnd: true) }

    private mutating func cut(isEnd: Bool) throws(CleaningError) -> (text: [UInt8], end: [UInt8])? {
        if next == 0, start == 0, waiting.count - start >= 3, waiting.starts(with: [0xEF, 0xBB, 0xBF]) {
            start = 3
            next = 3
        }
        guard start < waiting.count else { return nil }
        let found = contract.shape.isDocument ? documentEnd(isEnd) : tableEnd(isEnd)
        guard let end = found else {
            // The longest line, and a carriage return or quote whose meaning the next byte tells.
            guard waiting.count - start <= Cleaner.maxLineBytes + 1 else {
                throw tooLong(line: line + 1, byte: next, value: waiting[start...])
            }
            guard isEnd else { return nil }
            throw CleaningError(
                "open_quote", "a quote is opened and never closed", line: line + 1, byte: next, value: clipped(waiting[start...]),
                remedy: "export the file again; this one is cut off or damaged")
        }
        guard end.text - start <= Cleaner.maxLineBytes else { throw tooLong(line: line + 1, byte: next, value: waiting[start...]) }
        line += 1
        offset = next
        let text = Array(waiting[start..<end.text])
        let lineEnd = Array(waiting[end.text..<end.record])
        next += Int64(end.record - start)
        start = end.record
        return (text, lineEnd)
    }

    private func tooLong(
        line: Int64, byte: Int64, value: ArraySlice<UInt8>, remedy: String = "look for an unclosed quote near this line"
    ) -> CleaningError {
        CleaningError(
            "line_too_long", "a line is longer than \(Cleaner.maxLineBytes) bytes", line: line, byte: byte, value: clipped(value),
            remedy: remedy)
    }

    private func documentEnd(_ isEnd: Bool) -> (text: Int, record: Int)? {
        guard let feed = waiting[start...].firstIndex(of: 10) else { return isEnd ? (waiting.count, waiting.count) : nil }
        return (feed, feed + 1)
    }

    /// Line ends inside quotes do not count; a quote means something only where a field begins.
    private func tableEnd(_ isEnd: Bool) -> (text: Int, record: Int)? {
        let separators = header.map { [$0.delimiter.byte] } ?? contract.delimiters.map(\.byte)
        let quotes = header?.quoted ?? true
        let quote = UInt8(ascii: "\"")
        var at = start
        var fieldStart = true
        while at < waiting.count {
            let byte = waiting[at]
            if fieldStart, quotes, byte == quote {
                var inner = at + 1
                var closed: Int?
                while let found = waiting[inner...].firstIndex(of: quote) {
                    if found + 1 < waiting.count, waiting[found + 1] == quote {
                        inner = found + 2
                        continue
                    }
                    guard found + 1 < waiting.count || isEnd else { return nil }
                    closed = found
                    break
                }
                guard let closed else { return nil }
                at = closed + 1
                fieldStart = false
                continue
            }
            if byte == 10 { return (at, at + 1) }
            if byte == 13 {
                guard at + 1 < waiting.count else { return isEnd ? (at, at + 1) : nil }
                return (at, waiting[at + 1] == 10 ? at + 2 : at + 1)
            }
            fieldStart = separators.contains(byte)
            at += 1
        }
        return isEnd ? (at, at) : nil
    }

    // MARK: tables

    private mutating func table(_ text: [UInt8]) throws(CleaningError) -> Step {
        guard let header else { return try heading(text) }
        guard !text.isEmpty else { return .nothing }
        guard let fields = Self.fields(text, header) else {
            return .rejected(
                Refusal(reason: "bad_quote", expected: "a closing quote before the separator", column: -1, value: text))
        }
        guard fields.count == header.headings.count else {
            // Exports end with lines of nothing but separators.
            if fields.allSatisfy({ trimmed($0).isEmpty }) { return .nothing }
            return .rejected(
                Refusal(
                    reason: "field_count", expected: "\(header.headings.count) fields, not \(fields.count)", column: -1, value: text))
        }
        if preamble > 0 || !contract.skips.isEmpty, fields.allSatisfy({ trimmed($0).isEmpty }) { return .nothing }
        return try row(header.sources.map { $0 < 0 ? [] : fields[$0] })
    }

    /// Reads a line as the heading line, or keeps it as part of the preamble.
    mutating func heading(_ text: [UInt8]) throws(CleaningError) -> Step {
        guard !trimmed(text).isEmpty else { return .nothing }
        let failure: CleaningError
        do throws(CleaningError) {
            let found = try Header(text, contract: contract, number: line, offset: offset)
            if contract.freeze, let odd = found.unknown.first { throw frozen(odd) }
            if before.count >= preamble || found.headings.count > found.unknown.count {
                holes = found.holes
                header = found
                return .headings(found)
            }
            failure = CleaningError("no_heading", "no heading is known", line: line, byte: offset, remedy: nil)
        } catch {
            failure = error
        }
        guard failure.code != "frozen", before.count < preamble else { throw complaint?.error ?? failure }
        let known =
            contract.delimiters.map { delimiter in
                Header.split(text, delimiter.byte).count { heading in
                    contract.columns.contains { ([$0.heading] + $0.aliases).map(folded).contains(folded(heading)) }
                }
            }.max() ?? 0
        if known > complaint?.known ?? 0 { complaint = (known, failure) }
        before.append(text)
        return .nothing
    }

    private func frozen(_ heading: String) -> CleaningError {
        CleaningError(
            "frozen", "the contract is frozen and '\(heading)' is new", line: line, byte: offset, value: clipped(heading.utf8),
            remedy: "name it in \(contract.stream).yml: as a column, or under ignore")
    }

    /// What was missing when the file ended without a heading line.
    func withoutHeading() -> CleaningError {
        complaint?.error
            ?? CleaningError("empty_file", "the file has no heading line", byte: 0, remedy: "export the file again")
    }

    /// The fields of a line; nil for a quote that closes in the middle of a field.
    static func fields(_ text: [UInt8], _ header: Header) -> [[UInt8]]? {
        let quote = UInt8(ascii: "\"")
        let separator = header.delimiter.byte
        var fields: [[UInt8]] = []
        var at = 0
        while true {
            var field: [UInt8] = []
            if header.quoted, at < text.count, text[at] == quote {
                at += 1
                while at < text.count {
                    if text[at] == quote {
                        if at + 1 < text.count, text[at + 1] == quote {
                            field.append(quote)
                            at += 2
                            continue
                        }
                        break
                    }
                    field.append(text[at])
                    at += 1
                }
                at += 1
                guard at >= text.count || text[at] == separator else { return nil }
            } else {
                let end = text[at...].firstIndex(of: separator) ?? text.count
                field = Array(text[at..<end])
                at = end
            }
            fields.append(field)
            guard at < text.count else { return fields }
            at += 1
        }
    }

    // MARK: documents

    private mutating func document(_ text: [UInt8]) throws(CleaningError) -> Step {
        guard !trimmed(text).isEmpty else { return .nothing }
        let record: Document
        do {
            record = try Document(text)
        } catch var error {
            error.line = line
            error.byte = offset + (error.byte ?? 0)
            throw error
        }
        for (name, _) in record.members(record.root) {
            // The members of the enclosing levels are context.
            guard let first = name.first, first != UInt8(ascii: "^"), first != UInt8(ascii: "$") else { continue }
            let key = String(decoding: name, as: UTF8.self)
            guard known.insert(folded(key)).inserted else { continue }
            if contract.freeze { throw frozen(key) }
            unknown.append(key)
        }
        return try row(contract.columns.map { Self.text(of: $0, in: record) })
    }

    private static func text(of column: Column, in record: Document) -> [UInt8] {
        for path in column.paths {
            guard let node = path.value(in: record, record.root) else { continue }
            if let plain = record.text(node) { return plain }
            guard record.isContainer(node) else { continue }
            var packed: [UInt8] = []
            record.compact(node, into: &packed)
            return packed
        }
        return []
    }

    // MARK: rows

    /// `texts`: what the record holds for each column, empty for columns that no cell or member gives.
    private mutating func row(_ texts: [[UInt8]]) throws(CleaningError) -> Step {
        let count = contract.columns.count
        cells = Array(repeating: [], count: count)
        originals = cells
        for index in 0..<count where contract.columns[index].derived == nil {
            let column = contract.columns[index]
            if case .column(let name)? = column.origin, let other = contract.index(of: name) {
                guard let text = inner(column, of: other) else {
                    let expected = "JSON in \(contract.columns[other].name)"
                    return .rejected(Refusal(reason: "not_json", expected: expected, column: other, value: originals[other]))
                }
                originals[index] = text
            } else if let origin = column.origin, texts[index].isEmpty {
                originals[index] = context(origin, of: column)
            } else {
                originals[index] = texts[index]
            }
        }
        for skip in contract.skips where skip.words.contains(trimmed(originals[skip.column]).map(lower)) {
            // A column that the file has not cannot tell a total.
            if let header, header.sources[skip.column] < 0 { continue }
            skipped += 1
            return .nothing
        }
        for index in 0..<count where contract.columns[index].derived == nil {
            if let refusal = try plain(index) { return .rejected(refusal) }
        }
        for (index, column) in contract.columns.enumerated() {
            guard let pair = column.rateOf, !cells[index].isEmpty, let part = contract.index(of: pair.part),
                let whole = contract.index(of: pair.whole)
            else { continue }
            cells[index] = CellText.fraction(cells[index], part: cells[part], whole: cells[whole]) ?? []
        }
        for rule in contract.rules where !holds(rule) {
            let column: Int
            if case .column(let at) = rule.left {
                column = at
            } else if case .column(let at) = rule.right {
                column = at
            } else {
                column = -1
            }
            switch rule.severity {
            case .warn: warnings[rule.name, default: 0] += 1
            case .reject:
                return .rejected(
                    Refusal(reason: "rule", expected: rule.check, column: column, value: column < 0 ? [] : originals[column]))
            case .quarantine:
                throw CleaningError(
                    "rule_broken", "a row breaks the rule \(rule.check)", line: line, byte: offset,
                    column: column < 0 ? nil : contract.columns[column].name, value: column < 0 ? nil : clipped(originals[column]),
                    remedy: "check the export; if the rule is wrong, change \(contract.stream).yml")
            }
        }
        var text: [UInt8] = []
        for index in 0..<count where contract.columns[index].derived == nil {
            if !text.isEmpty { text.append(UInt8(ascii: ",")) }
            text.append(UInt8(ascii: "\""))
            for byte in cells[index] {
                if byte == UInt8(ascii: "\"") { text.append(byte) }
                text.append(byte)
            }
            text.append(UInt8(ascii: "\""))
        }
        text.append(10)
        guard text.count < Cleaner.maxLineBytes else {
            throw tooLong(line: line, byte: offset, value: text[...], remedy: "look for an absurdly long text in this record")
        }
        return .line(text)
    }

    /// What a column's path leads to in the JSON of another cell; nil when that is none.
    private func inner(_ column: Column, of other: Int) -> [UInt8]? {
        guard !trimmed(originals[other]).isEmpty else { return [] }
        return (try? Document(originals[other])).map { Self.text(of: column, in: $0) }
    }

    private func context(_ origin: Origin, of column: Column) -> [UInt8] {
        switch origin {
        case .name(let hole): Array((facts.fields[hole] ?? "").utf8)
        case .observedDay: Array((facts.observedDay.map { CalendarDay.text(day: $0 - column.shiftDays) } ?? "").utf8)
        case .account: Array(facts.account.utf8)
        case .heading(let hole): Array((holes[hole] ?? "").utf8)
        case .column: []
        case .preamble: before.last.map { trimmed(Self.unquoted(trimmed($0))) } ?? []
        }
    }

    private static func unquoted(_ text: [UInt8]) -> [UInt8] {
        var fields = Header.split(text, UInt8(ascii: ","))
        while fields.last?.isEmpty ?? false { fields.removeLast() }
        return Array((fields.first ?? "").utf8)
    }

    /// Puts the plain form of a column's text into `cells`.
    private mutating func plain(_ index: Int) throws(CleaningError) -> Refusal? {
        let column = contract.columns[index]
        var text = originals[index]
        let bare = trimmed(text)
        // A person told in several parts was hidden: who it is, nobody knows.
        let isHidden = column.personal != nil && bare.elementsEqual(Cleaner.redacted.utf8)
        if bare.isEmpty || isHidden || column.nulls.contains(where: { bare.elementsEqual($0.utf8) }) {
            cells[index] = Array((column.fallback ?? "").utf8)
            return nil
        }
        switch column.type {
        case .day where !column.yearless: text = CellText.day(bare, column.dates, shift: column.shiftDays)
        case .month: text = CellText.month(bare, column.dates)
        case .integer where column.isDuration: text = CellText.seconds(bare)
        case .integer, .money, .decimal:
            // A rate is told from a percent further on, by its sign among other things.
            text = column.rateOf != nil && bare.last == UInt8(ascii: "%") ? bare : CellText.number(bare, column)
        case .text:
            if !column.members.isEmpty {
                if let member = column.members[folded(String(decoding: bare, as: UTF8.self))] ?? column.members["*"] {
                    text = Array(member.utf8)
                } else {
                    unmapped[column.name, default: 0] += 1
                    text = Array(Column.unmapped.utf8)
                }
            }
            if column.isLenient {
                if let code = CellText.isrc(bare) {
                    text = code
                } else {
                    warnings[Cleaner.noISRC, default: 0] += 1
                    text = Array((column.fallback ?? "").utf8)
                }
            }
            if column.form == .id, CellText.isShortened(bare) {
                return Refusal(
                    reason: "not_an_id",
                    expected:
                        "all digits; a spreadsheet program such as Excel shortened this number: export it again, do not save it there",
                    column: index, value: originals[index])
            }
            if column.personal != nil, !bare.starts(with: "p1:".utf8) {
                throw CleaningError(
                    "not_pseudonymised", "a personal value came through in the clear", line: line, byte: offset, column: column.name,
                    remedy: "feed the file with `bedrot ingest`, which pseudonymises it first")
            }
        case .day, .flag: text = bare
        }
        cells[index] = text
        return nil
    }

    private func holds(_ rule: Rule) -> Bool {
        func value(_ operand: Rule.Operand) -> (text: [UInt8], isNumber: Bool) {
            switch operand {
            // What is no day is rejected by the engine, as what it is.
            case .column(let at) where contract.columns[at].type == .day && CalendarDay.day(cells[at]) == nil: return ([], false)
            case .column(let at):
                let isNumber = [.integer, .money, .decimal].contains(contract.columns[at].type)
                return (cells[at], isNumber)
            case .literal(let bytes): return (bytes, CellText.billionths(bytes) != nil)
            }
        }
        let (left, right) = (value(rule.left), value(rule.right))
        guard !left.text.isEmpty, !right.text.isEmpty else { return true }
        if left.isNumber, right.isNumber {
            // What is no number is rejected by the engine.
            guard let a = CellText.billionths(left.text), let b = CellText.billionths(right.text) else { return true }
            return rule.comparison.holds(a, b)
        }
        return rule.comparison.holds(Bytes(left.text), Bytes(right.text))
    }

    private struct Bytes: Comparable {
        let bytes: [UInt8]
        init(_ bytes: [UInt8]) { self.bytes = bytes }
        static func < (a: Bytes, b: Bytes) -> Bool { a.bytes.lexicographicallyPrecedes(b.bytes) }
    }
}

extension Rule.Comparison {
    func holds<Value: Comparable>(_ a: Value, _ b: Value) -> Bool {
        switch self {
        case .below: a < b
        case .atMost: a <= b
        case .above: a > b
        case .atLeast: a >= b
        case .equal: a == b
        case .unequal: a != b
        }
    }
}

extension RecordPath {
    /// The elements of a root list.
    static var elements: [RecordPath] { ["[]"].compactMap { RecordPath($0) } }

    /// The first key; empty for what is not a member of the record itself.
    var head: String {
        guard let first = text.first, first != "^", first != "$", first != "#" else { return "" }
        return String(text.prefix { $0 != "." && $0 != "[" })
    }
}
