import CScan
import Glibc

/// Why a line is rejected, and by which column (−1: the line as a whole).
struct Verdict: Equatable {
    enum Reason: UInt8 {
        case fieldCount, badQuote, missing, overflow, negative, form
    }

    var reason: Reason
    var column: Int
}

/// The hot loop: complete lines to typed cells, by a plan made once from the header.
///
/// Nothing is allocated for a field; a line leaves the fast path only to be rejected, or for a number that is not plain.
@safe struct RowEngine: ~Copyable {
    static let maxFields = 1_024

    enum Outcome {
        /// Only an unfinished line is left.
        case hungry
        /// The batch is full.
        case full
        /// The first line at hand is wrong; it has this many fields.
        case rejected(fields: Int, Verdict)
        /// The texts of one batch do not fit.
        case overlong
    }

    /// Records read so far, the header and empty lines included: the number of the line last read.
    var line: Int64 = 0
    /// Number of the first line after the header.
    private(set) var firstDataLine: Int64 = 0
    /// Rows of the batch already added to the totals.
    var collected = 0
    /// Numbers that lost digits.
    var rounded = 0
    /// Texts read as null because they are no ISRC.
    var withoutISRC = 0
    /// Bytes of the rejected line with its line end.
    private(set) var consumed = 0
    /// Whether the last line ended in a carriage return whose line feed may still follow.
    var afterCarriageReturn = false
    private(set) var expectedFields = 0
    let periodColumn: Int?
    let partitionColumn: Int?
    let totalColumn: Int?

    let columns: [Column]
    let plans: UnsafeMutablePointer<Plan>
    let words: [Words]
    private var delimiter: UInt8 = 0
    private var quoted = false
    private var lineLength = 0
    /// The same plans by kind, for contracts whose columns are all of plain kinds.
    let grouped: UnsafeMutablePointer<Plan>
    var groups = GroupEnds()
    var isPlain = false
    let starts: UnsafeMutablePointer<Int>
    let ends: UnsafeMutablePointer<Int>
    let escaped: UnsafeMutablePointer<Bool>

    /// Null and value words of a column, as bytes.
    struct Words {
        var nulls: [[UInt8]]
        var values: [[UInt8]]
        var thousands: UInt8?
    }

    enum Kind: UInt8 {
        case nothing, day, yearlessDay, month, integer, nano, text, isrc, country, words, flag
    }

    /// Where each kind ends in the grouped plans.
    struct GroupEnds {
        var nothing = 0, text = 0, isrc = 0, country = 0, day = 0, month = 0, integer = 0, nano = 0
    }

    /// One column of the hot loop.
    struct Plan {
        var kind: Kind
        var required: Bool
        var negative: Bool
        var hasNullWords: Bool
        /// A null word reads as a value of the column's type, so the words are asked first.
        var asksNullsFirst = false
        var isLenient = false
        var source: Int
        var column: Int
        var keyA: UInt64
        var keyB: UInt64
        /// The day last read, as bytes and as a number: neighbours are nearly always equal.
        var lastHead: UInt64 = 0
        var lastTail: UInt16 = 0
        var lastDay: Int64 = 0
    }

    init(contract: Contract) {
        columns = contract.columns
        words = contract.columns.map { column in
            Words(
                nulls: column.nulls.map { Array($0.utf8) }, values: column.values.map { Array($0.utf8) },
                thousands: column.thousands?.utf8.first)
        }
        let made = contract.columns.enumerated().map { index, column in
            let keys = RowHash.keys(column.name)
            let kind: Kind =
                switch column.type {
                case .day: column.yearless ? .yearlessDay : .day
                case .month: .month
                case .integer: .integer
                case .money, .decimal: .nano
                case .flag: .flag
                case .text:
                    switch column.form {
                    // What stands in front has judged it already.
                    case .isrc: column.isLenient && contract.needsFront ? .text : .isrc
                    case .country: .country
                    case .any, .id: column.values.isEmpty ? .text : .words
                    }
                }
            var plan = Plan(
                kind: column.derived == nil ? kind : .nothing, required: column.required, negative: column.negative,
                hasNullWords: !column.nulls.isEmpty, source: -1, column: index, keyA: keys.a, keyB: keys.b)
            plan.asksNullsFirst = column.nulls.contains { Self.reads(Array($0.utf8), column) }
            plan.isLenient = column.isLenient
            return plan
        }
        unsafe grouped = .allocate(capacity: made.count)
        for (index, plan) in made.enumerated() { unsafe (grouped + index).initialize(to: plan) }
        unsafe plans = .allocate(capacity: made.count)
        for (index, plan) in made.enumerated() { unsafe (plans + index).initialize(to: plan) }
        periodColumn = contract.period.flatMap { contract.index(of: $0) }
        partitionColumn = contract.merge.partitionColumn.flatMap { contract.index(of: $0) }
        totalColumn = contract.guardColumn.flatMap { contract.index(of: $0) }
        unsafe starts = .allocate(capacity: Self.maxFields + 1)
        unsafe starts.initialize(repeating: 0, count: Self.maxFields + 1)
        unsafe ends = .allocate(capacity: Self.maxFields + 1)
        unsafe ends.initialize(repeating: 0, count: Self.maxFields + 1)
        unsafe escaped = .allocate(capacity: Self.maxFields + 1)
        unsafe escaped.initialize(repeating: false, count: Self.maxFields + 1)
    }

    /// Whether a null word would be taken for a value.
    private static func reads(_ word: [UInt8], _ column: Column) -> Bool {
        switch column.type {
        case .day: return CalendarDay.day(trimmed(word)) != nil || column.yearless && CalendarDay.monthDay(trimmed(word)) != nil
        case .month: return CalendarDay.month(String(decoding: trimmed(word), as: UTF8.self)) != nil
        case .integer, .money, .decimal:
            let scale = column.type == .integer ? 0 : 9
            return PlainNumber.parse(word, scale: scale, thousands: column.thousands?.utf8.first) != .malformed
        case .flag: return ["1", "true", "yes", "0", "false", "no"].contains(folded(String(decoding: word, as: UTF8.self)))
        case .text: return column.form == .isrc && CellText.isrc(word) == word
        }
    }

    deinit {
        unsafe plans.deallocate()
        unsafe grouped.deallocate()
        unsafe starts.deallocate()
        unsafe ends.deallocate()
        unsafe escaped.deallocate()
    }

    /// Sets the plan from the heading line just read.
    mutating func start(_ header: Header) {
        delimiter = header.delimiter.byte
        quoted = header.quoted
        expectedFields = header.width
        firstDataLine = line + 1
        for (index, source) in header.sources.enumerated() {
            unsafe plans[index].source = source
            if source < 0 { unsafe plans[index].kind = .nothing }
        }
        // The fast path has a loop for each kind: a switch on the kind of every field is mispredicted too often.
        var at = 0
        groups = GroupEnds()
        for kind in [Kind.nothing, .text, .isrc, .country, .day, .month, .integer, .nano] {
            for index in columns.indices where unsafe plans[index].kind == kind {
                let isNumber = kind == .integer || kind == .nano
                guard unsafe !plans[index].hasNullWords || isNumber && !plans[index].asksNullsFirst else { continue }
                unsafe grouped[at] = plans[index]
                at += 1
            }
            switch kind {
            case .nothing: groups.nothing = at
            case .text: groups.text = at
            case .isrc: groups.isrc = at
            case .country: groups.country = at
            case .day: groups.day = at
            case .month: groups.month = at
            case .integer: groups.integer = at
            default: groups.nano = at
            }
        }
        isPlain = at == columns.count
    }

    // MARK: what a reject wants to know (positions from the start of the line at hand)

    var lineRange: Range<Int> { 0..<lineLength }

    func fieldRange(_ column: Int) -> Range<Int> {
        let source = unsafe plans[column].source
        guard source >= 0 else { return lineRange }
        return unsafe starts[source]..<max(starts[source], ends[source])
    }

    /// The typed cell of a column of the rejected line, if it can be read.
    mutating func readable(_ column: Int, fields: Int, in input: borrowing InputBuffer) -> Int64? {
        let source = unsafe plans[column].source
        guard source >= 0, source < fields, source < Self.maxFields else { return nil }
        return typed(column, input.bytes(fieldRange(column)))
    }

    /// The typed partition cell of a text, if it can be read.
    func typed(_ column: Int, _ bytes: [UInt8]) -> Int64? {
        switch columns[column].type {
        case .day: return CalendarDay.day(trimmed(bytes))
        case .month: return CalendarDay.month(String(decoding: trimmed(bytes), as: UTF8.self))
        case .integer:
            if case .value(let value, _) = PlainNumber.parse(bytes, scale: 0, thousands: words[column].thousands) { return value }
            return nil
        default: return nil
        }
    }

    // MARK: lines

    /// Types lines until the input is used up, the batch is full, or a line is rejected.
    mutating func run(_ input: inout InputBuffer, _ batch: inout StagedBatch) -> Outcome {
        while true {
            let step = quoted ? lines(Quoted.self, &input, &batch) : lines(Unquoted.self, &input, &batch)
            switch step {
            case .hungry: return .hungry
            case .full: return .full
            case .rejected(let fields, let verdict): return .rejected(fields: fields, verdict)
            case .needsArena(let bytes):
                guard batch.arenaUsed + bytes < 1 << 26 else {
                    // A batch holds any number of rows: hand over what there is and start again with an empty arena.
                    if batch.count > 0 { return .full }
                    return .overlong
                }
                let larger = max(2 * batch.arena.count, batch.arenaUsed + bytes + StagedBatch.slack)
                batch.arena.append(contentsOf: repeatElement(0, count: larger - batch.arena.count))
            }
        }
    }

    private enum Step {
        case hungry, full
        case rejected(Int, Verdict)
        case needsArena(Int)
    }

    private enum Quoted: FieldRules { static let quotes = true }
    private enum Unquoted: FieldRules { static let quotes = false }

    @inline(__always) private mutating func lines<Rules: FieldRules>(
        _ rules: Rules.Type, _ input: inout InputBuffer, _ batch: inout StagedBatch
    ) -> Step {
        let capacity = batch.capacity
        var result = Step.hungry
        let limit = input.count
        let base = unsafe input.base
        var rows = batch.count
        var used = batch.arenaUsed
        var done = 0
        unsafe batch.cells.withUnsafeMutableBufferPointer { cells in
            unsafe batch.lines.withUnsafeMutableBufferPointer { numbers in
                unsafe batch.hashes.withUnsafeMutableBufferPointer { hashes in
                    unsafe batch.arena.withUnsafeMutableBufferPointer { arena in
                        guard let cells = cells.baseAddress, let numbers = numbers.baseAddress, let hashes = hashes.baseAddress,
                            let room = arena.baseAddress
                        else { return }
                        unsafe result = scan(
                            rules, base, limit, plans, cells, numbers, hashes, room, arena.count - StagedBatch.slack, capacity, &rows,
                            &used, &done)
                    }
                }
            }
        }
        batch.count = rows
        batch.arenaUsed = used
        input.drop(done)
        return result
    }

    @unsafe private mutating func scan<Rules: FieldRules>(
        _ rules: Rules.Type, _ base: UnsafeMutablePointer<UInt8>, _ limit: Int, _ plans: UnsafeMutablePointer<Plan>,
        _ cells: UnsafeMutablePointer<Int64>, _ numbers: UnsafeMutablePointer<Int64>, _ hashes: UnsafeMutablePointer<UInt64>,
        _ arena: UnsafeMutablePointer<UInt8>, _ arenaSize: Int, _ capacity: Int, _ rows: inout Int, _ used: inout Int, _ done: inout Int
    ) -> Step {
        let starts = unsafe starts
        let ends = unsafe ends
        let width = columns.count
        let expected = expectedFields
        let delimiter = delimiter
        let quote: UInt8 = Rules.quotes ? UInt8(ascii: "\"") : delimiter
        var field = 0
        var begin = 0
        var at = 0
        var badQuote = false
        unsafe starts[0] = 0
        unsafe ends[0] = 0
        unsafe escaped[0] = false
        if afterCarriageReturn, limit > 0 {
            afterCarriageReturn = false
            if unsafe base[0] == 10 {
                begin = 1
                at = 1
                unsafe starts[0] = 1
            }
        }
        while at < limit {
            var mask = unsafe scan_mask64(base + at, delimiter, 10, 13, quote)
            if limit - at < 64 { mask &= (1 << UInt64(limit - at)) &- 1 }
            var next = at &+ 64
            while mask != 0 {
                let p = at &+ mask.trailingZeroBitCount
                mask &= mask &- 1
                let byte = unsafe base[p]
                if Rules.quotes, byte == quote {
                    // A quote means something only where a field begins.
                    guard unsafe p == starts[field] else { continue }
                    var inner = p &+ 1
                    var hasEscape = false
                    var closed = false
                    while inner < limit {
                        guard let found = unsafe memchr(base + inner, Int32(quote), limit - inner) else { break }
                        let q = unsafe found.assumingMemoryBound(to: UInt8.self) - UnsafeMutablePointer(base)
                        guard q &+ 1 < limit else { break }
                        if unsafe base[q &+ 1] == quote {
                            hasEscape = true
                            inner = q &+ 2
                            continue
                        }
                        closed = true
                        inner = q
                        break
                    }
                    guard closed else {
                        done = begin
                        return .hungry
                    }
                    let after = unsafe base[inner &+ 1]
                    guard after == delimiter || after == 10 || after == 13 else {
                        // The line is wrong; where it ends is decided as if the rest were not quoted.
                        badQuote = true
                        next = inner &+ 1
                        break
                    }
                    unsafe starts[field] = p &+ 1
                    unsafe escaped[field] = hasEscape
                    unsafe ends[field] = inner
                    if after == delimiter {
                        if field < Self.maxFields { field &+= 1 }
                        unsafe starts[field] = inner &+ 2
                        unsafe escaped[field] = false
                        next = inner &+ 2
                        break
                    }
                    // The line end is met below, at the byte after the quote; the field keeps its own end.
                    unsafe ends[field] = -1 &- inner
                    next = inner &+ 1
                    break
                }
                if Rules.quotes, unsafe ends[field] < 0 {
                    unsafe ends[field] = -1 &- ends[field]
                } else {
                    unsafe ends[field] = p
                }
                if byte == delimiter {
                    if field < Self.maxFields { field &+= 1 }
                    unsafe starts[field] = p &+ 1
                    if Rules.quotes {
                        unsafe escaped[field] = false
                        unsafe ends[field] = 0
                    }
                    continue
                }
                // A line ends here.
                let feed = byte == 10
                if p == begin, field == 0, !badQuote {
                    if !(feed && afterCarriageReturn) { line &+= 1 }
                    afterCarriageReturn = !feed
                    begin = p &+ 1
                    unsafe starts[0] = begin
                    if Rules.quotes { unsafe ends[0] = 0 }
                    continue
                }
                let fields = field &+ 1
                var verdict: Verdict?
                if fields != expected || badQuote {
                    verdict = Verdict(reason: badQuote ? .badQuote : .fieldCount, column: -1)
                } else {
                    guard used &+ (p &- begin) &+ 64 <= arenaSize else {
                        done = begin
                        return .needsArena(p - begin + 64)
                    }
                    if Rules.quotes { unsafe unescape(base, fields) }
                    let saved = used
                    let out = unsafe cells + rows &* width
                    var failure = 0
                    if unsafe !isPlain || !typePlain(base, out, arena, &used, hashes + rows) {
                        failure = unsafe type(base, plans, width, out, arena, &used, hashes + rows)
                    }
                    if failure != 0 {
                        used = saved
                        verdict = Verdict(reason: Verdict.Reason(rawValue: UInt8(failure >> 16)) ?? .form, column: (failure & 0xFFFF) &- 1)
                    }
                }
                line &+= 1
                if let verdict {
                    lineLength = p &- begin
                    consumed = p &+ 1 &- begin
                    afterCarriageReturn = !feed
                    for k in 0...min(field, Self.maxFields) {
                        unsafe starts[k] &-= begin
                        unsafe ends[k] &-= begin
                    }
                    done = begin
                    return .rejected(fields, verdict)
                }
                unsafe numbers[rows] = line
                rows &+= 1
                afterCarriageReturn = !feed
                begin = p &+ 1
                field = 0
                badQuote = false
                unsafe starts[0] = begin
                if Rules.quotes {
                    unsafe escaped[0] = false
                    unsafe ends[0] = 0
                }
                if rows == capacity {
                    done = begin
                    return .full
                }
            }
            at = next
        }
        done = begin
        return .hungry
    }

    /// Turns `""` into `"` in place; the line is complete and is not scanned again.
    @unsafe private func unescape(_ base: UnsafeMutablePointer<UInt8>, _ fields: Int) {
        for field in 0..<fields where unsafe escaped[field] {
            var to = unsafe starts[field]
            var from = to
            let end = unsafe ends[field]
            while from < end {
                let byte = unsafe base[from]
                unsafe base[to] = byte
                to &+= 1
                from &+= byte == UInt8(ascii: "\"") ? 2 : 1
            }
            unsafe ends[field] = to
        }
    }
}

/// Whether fields may be quoted, as a type, so that the loop is compiled once for each.
private protocol FieldRules {
    static var quotes: Bool { get }
}
