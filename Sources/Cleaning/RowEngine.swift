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

/// The stable content hash of a typed row.
///
/// Each cell that is not null adds one word, keyed by the column's *name*: so neither the order of columns, nor a new column without
/// values, nor where a text lies in the arena changes a hash. A number `v` adds `fold(v ^ a, rotl(v, 32) ^ b)`; a text starts from
/// `a ^ length * k`, takes its bytes as little-endian words (the last one zero-padded) by `t = fold(t ^ word, b | 1)` and adds `t`.
/// The row is `fold(sum ^ c, d) >> 1`. `fold(x, y)` is the high half of the 128-bit product exclusive-or its low half.
/// It guards against accidents, not against an adversary. It is frozen: stored digests depend on it.
package struct RowHash: Sendable {
    static let lengthKey: UInt64 = 0xA076_1D64_78BD_642F
    static let lastA: UInt64 = 0xE703_7ED1_A0B4_28DB
    static let lastB: UInt64 = 0x8EBC_6AF0_9C88_C6E3

    private let keys: [(a: UInt64, b: UInt64)]

    /// The hash of rows with these columns.
    package init(_ names: [String]) {
        keys = names.map(Self.keys)
    }

    /// The two keys of a column: FNV-1a of its name, each stirred once.
    static func keys(_ name: String) -> (a: UInt64, b: UInt64) {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        return (fold(hash ^ lastB, lengthKey), fold(hash ^ lengthKey, lastA))
    }

    @inline(__always) static func fold(_ x: UInt64, _ y: UInt64) -> UInt64 {
        let product = x.multipliedFullWidth(by: y)
        return product.high ^ product.low
    }

    @inline(__always) static func number(_ value: Int64, _ a: UInt64, _ b: UInt64) -> UInt64 {
        let v = UInt64(bitPattern: value)
        return fold(v ^ a, (v << 32 | v >> 32) ^ b)
    }

    @inline(__always) static func last(_ sum: UInt64) -> UInt64 {
        fold(sum ^ lastA, lastB) >> 1
    }

    /// The hash of one row of a batch.
    package func of(_ row: Int, in batch: StagedBatch) -> UInt64 {
        var sum: UInt64 = 0
        for (column, key) in keys.enumerated() {
            let cell = batch.cell(row, column)
            guard cell != StagedBatch.null else { continue }
            guard batch.columns[column].type == .text else {
                sum &+= Self.number(cell, key.a, key.b)
                continue
            }
            let text = batch.text(row, column)
            var hash = key.a ^ UInt64(text.count) &* Self.lengthKey
            var at = text.startIndex
            while at < text.endIndex {
                var word: UInt64 = 0
                for (shift, byte) in text[at..<min(at + 8, text.endIndex)].enumerated() { word |= UInt64(byte) << (8 * UInt64(shift)) }
                hash = Self.fold(hash ^ word, key.b | 1)
                at += 8
            }
            sum &+= hash
        }
        return Self.last(sum)
    }
}

/// The raw bytes at hand: never more than one piece and one unfinished line. Readable for 128 bytes beyond its end, so that wide loads are safe.
@safe struct InputBuffer: ~Copyable {
    private var memory: UnsafeMutableRawPointer
    private var capacity: Int
    private var start = 0
    private var end = 0
    /// Offset in the raw file of the first byte at hand.
    private(set) var offset: Int64 = 0
    /// Small enough to stay in the second-level cache between copy and scan.
    private static let piece = 1 << 16

    init(capacity: Int) {
        self.capacity = capacity
        unsafe memory = .allocate(byteCount: capacity + 128, alignment: 64)
        unsafe memset(memory, 0, capacity + 128)
    }

    deinit { unsafe memory.deallocate() }

    var count: Int { end - start }

    @unsafe var base: UnsafeMutablePointer<UInt8> { unsafe memory.assumingMemoryBound(to: UInt8.self) + start }

    /// A copy, for the slow paths.
    var bytes: [UInt8] { bytes(0..<count) }

    func bytes(_ range: Range<Int>) -> [UInt8] {
        precondition(range.upperBound <= count)
        return unsafe Array(UnsafeRawBufferPointer(start: memory + start + range.lowerBound, count: range.count))
    }

    /// Takes up to one piece; returns how much.
    @unsafe mutating func fill(_ bytes: UnsafeRawBufferPointer) -> Int {
        if start > 0 {
            unsafe memmove(memory, memory + start, count)
            end -= start
            start = 0
        }
        let taken = min(bytes.count, capacity - end, Self.piece)
        guard taken > 0, let source = bytes.baseAddress else { return 0 }
        unsafe memcpy(memory + end, source, taken)
        end += taken
        return taken
    }

    mutating func grow() {
        let larger = UnsafeMutableRawPointer.allocate(byteCount: 2 * capacity + 128, alignment: 64)
        unsafe memset(larger, 0, 2 * capacity + 128)
        unsafe memcpy(larger, memory + start, count)
        unsafe memory.deallocate()
        unsafe memory = larger
        end -= start
        start = 0
        capacity *= 2
    }

    /// Ends the last line, in the spare bytes if need be.
    mutating func endLine() {
        unsafe memory.storeBytes(of: 10, toByteOffset: end, as: UInt8.self)
        end += 1
    }

    mutating func drop(_ length: Int) {
        precondition(length <= count)
        start += length
        offset += Int64(length)
    }

    mutating func skipByteOrderMark() {
        guard offset == 0, count >= 3, bytes(0..<3) == [0xEF, 0xBB, 0xBF] else { return }
        drop(3)
    }
}

/// The heading line, mapped to the contract.
struct Header {
    let delimiter: Delimiter
    let quoted: Bool
    let headings: [String]
    let unknown: [String]
    let missing: [String]
    /// Field index of each staged column, −1 where the file has none.
    let sources: [Int]

    /// End of the first line: `text` bytes without and `record` bytes with its line end; nil if it is not complete.
    static func end(_ bytes: [UInt8]) -> (text: Int, record: Int)? {
        var quoted = false
        for (at, byte) in bytes.enumerated() {
            if byte == UInt8(ascii: "\"") { quoted.toggle() }
            guard !quoted, byte == 10 || byte == 13 else { continue }
            let pair = byte == 13 && at + 1 < bytes.count && bytes[at + 1] == 10
            return (at, at + (pair ? 2 : 1))
        }
        return nil
    }

    init(_ line: [UInt8], contract: Contract, number: Int64, offset: Int64) throws(CleaningError) {
        var meanings: [String: Int] = [:]
        for (index, column) in contract.columns.enumerated() where column.derived == nil {
            for heading in [column.heading, column.name] + column.aliases where meanings[folded(heading)] == nil {
                meanings[folded(heading)] = index
            }
        }
        var best: (delimiter: Delimiter, fields: [String], known: Int)?
        for delimiter in contract.delimiters {
            let fields = Self.split(line, delimiter.byte)
            let known = fields.filter { meanings[folded($0)] != nil }.count
            if best.map({ known > $0.known }) ?? true { best = (delimiter, fields, known) }
        }
        guard let best else { preconditionFailure("a contract has at least one delimiter") }
        delimiter = best.delimiter
        headings = best.fields
        quoted = delimiter != .tab || line.first == UInt8(ascii: "\"")
        guard best.fields.count <= RowEngine.maxFields else {
            throw CleaningError("too_many_columns", "\(best.fields.count) columns", line: number, byte: offset, remedy: "this is not a table")
        }
        var sources = Array(repeating: -1, count: contract.columns.count)
        var unknown: [String] = []
        for (field, heading) in best.fields.enumerated() {
            guard let column = meanings[folded(heading)] else {
                unknown.append(heading)
                continue
            }
            guard sources[column] < 0 else {
                throw CleaningError(
                    "duplicate_column", "two headings mean \(contract.columns[column].name)", line: number, byte: offset,
                    column: contract.columns[column].name, value: clipped(heading.utf8), remedy: "remove one of the two columns")
            }
            sources[column] = field
        }
        self.unknown = unknown
        self.sources = sources
        var missing: [String] = []
        for (index, column) in contract.columns.enumerated() where sources[index] < 0 && column.derived == nil {
            guard column.optional else {
                throw CleaningError(
                    "missing_column", "no column is headed '\(column.heading)'", line: number, byte: offset, column: column.name,
                    value: clipped(line),
                    remedy: closest(folded(column.heading), unknown.map(folded)).map {
                        "'\($0)' looks alike: if it means the same, add it to the aliases in \(contract.stream).yml"
                    } ?? "check that this is an export of \(contract.title)")
            }
            missing.append(column.name)
        }
        self.missing = missing
    }

    /// Fields of a heading line, trimmed; quotes are understood.
    static func split(_ line: [UInt8], _ delimiter: UInt8) -> [String] {
        var fields: [[UInt8]] = [[]]
        var quoted = false
        for byte in line {
            if byte == UInt8(ascii: "\"") {
                quoted.toggle()
            } else if byte == delimiter, !quoted {
                fields.append([])
            } else {
                fields[fields.count - 1].append(byte)
            }
        }
        return fields.map { String(decoding: trimmed($0), as: UTF8.self) }
    }
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
    private(set) var rounded = 0
    /// Bytes of the rejected line with its line end.
    private(set) var consumed = 0
    /// Whether the last line ended in a carriage return whose line feed may still follow.
    var afterCarriageReturn = false
    private(set) var expectedFields = 0
    let periodColumn: Int?
    let partitionColumn: Int?
    let totalColumn: Int?

    private let columns: [Column]
    private let plans: UnsafeMutablePointer<Plan>
    private let words: [Words]
    private var delimiter: UInt8 = 0
    private var quoted = false
    private var lineLength = 0
    private let starts: UnsafeMutablePointer<Int>
    private let ends: UnsafeMutablePointer<Int>
    private let escaped: UnsafeMutablePointer<Bool>

    /// Null and value words of a column, as bytes.
    private struct Words {
        var nulls: [[UInt8]]
        var values: [[UInt8]]
        var thousands: UInt8?
    }

    private enum Kind: UInt8 {
        case nothing, day, yearlessDay, month, integer, nano, text, isrc, country, words, flag
    }

    /// One column of the hot loop.
    private struct Plan {
        var kind: Kind
        var required: Bool
        var negative: Bool
        var hasNullWords: Bool
        var source: Int
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
        let made = contract.columns.map { column in
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
                    case .isrc: .isrc
                    case .country: .country
                    case .any: column.values.isEmpty ? .text : .words
                    }
                }
            return Plan(
                kind: column.derived == nil ? kind : .nothing, required: column.required, negative: column.negative,
                hasNullWords: !column.nulls.isEmpty, source: -1, keyA: keys.a, keyB: keys.b)
        }
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

    deinit {
        unsafe plans.deallocate()
        unsafe starts.deallocate()
        unsafe ends.deallocate()
        unsafe escaped.deallocate()
    }

    /// Sets the plan from the heading line just read.
    mutating func start(_ header: Header) {
        delimiter = header.delimiter.byte
        quoted = header.quoted
        expectedFields = header.headings.count
        firstDataLine = line + 1
        for (index, source) in header.sources.enumerated() {
            unsafe plans[index].source = source
            if source < 0 { unsafe plans[index].kind = .nothing }
        }
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
        let bytes = input.bytes(fieldRange(column))
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
                    let failure = unsafe type(base, plans, width, cells + rows &* width, arena, &used, hashes + rows)
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

    // MARK: fields

    /// Types one line. Returns 0, or reason << 16 | column + 1.
    @unsafe @inline(never) private mutating func type(
        _ base: UnsafeMutablePointer<UInt8>, _ plans: UnsafeMutablePointer<Plan>, _ width: Int, _ out: UnsafeMutablePointer<Int64>,
        _ arena: UnsafeMutablePointer<UInt8>, _ used: inout Int, _ hash: UnsafeMutablePointer<UInt64>
    ) -> Int {
        let starts = unsafe starts
        let ends = unsafe ends
        var sum: UInt64 = 0
        var inexact = 0
        var at = used
        for column in 0..<width {
            let plan = unsafe plans + column
            let kind = unsafe plan.pointee.kind
            if kind == .nothing {
                unsafe out[column] = StagedBatch.null
                continue
            }
            let source = unsafe plan.pointee.source
            let begin = unsafe starts[source]
            let length = unsafe ends[source] &- begin
            if length == 0 {
                if unsafe plan.pointee.required { return Self.failure(.missing, column) }
                unsafe out[column] = StagedBatch.null
                continue
            }
            let p = unsafe UnsafeRawPointer(base + begin)
            var value: Int64
            switch kind {
            case .nothing: continue
            case .text, .isrc, .country, .words:
                if kind == .isrc {
                    let good = unsafe length == 12 && Self.isISRC(base + begin)
                    if !good {
                        if unsafe isNull(column, plan.pointee.hasNullWords, UnsafeRawBufferPointer(start: p, count: length)) {
                            if unsafe plan.pointee.required { return Self.failure(.missing, column) }
                            unsafe out[column] = StagedBatch.null
                            continue
                        }
                        return Self.failure(.form, column)
                    }
                } else if kind == .country {
                    let two = unsafe length == 2 && base[begin] &- 65 < 26 && base[begin &+ 1] &- 65 < 26
                    if !two {
                        switch unsafe word(column, UnsafeRawBufferPointer(start: p, count: length)) {
                        case .value: break
                        case .null:
                            if unsafe plan.pointee.required { return Self.failure(.missing, column) }
                            unsafe out[column] = StagedBatch.null
                            continue
                        case .unknown: return Self.failure(.form, column)
                        }
                    }
                } else if unsafe kind == .words || plan.pointee.hasNullWords {
                    switch unsafe word(column, UnsafeRawBufferPointer(start: p, count: length)) {
                    case .value: break
                    case .null:
                        if unsafe plan.pointee.required { return Self.failure(.missing, column) }
                        unsafe out[column] = StagedBatch.null
                        continue
                    case .unknown:
                        if kind == .words { return Self.failure(.form, column) }
                    }
                }
                let target = unsafe UnsafeMutableRawPointer(arena + at)
                let key = unsafe plan.pointee.keyB | 1
                var text = unsafe plan.pointee.keyA ^ UInt64(truncatingIfNeeded: length) &* RowHash.lengthKey
                var i = 0
                while i &+ 8 <= length {
                    let word = unsafe p.loadUnaligned(fromByteOffset: i, as: UInt64.self)
                    unsafe target.storeBytes(of: word, toByteOffset: i, as: UInt64.self)
                    text = RowHash.fold(text ^ UInt64(littleEndian: word), key)
                    i &+= 8
                }
                if i < length {
                    let word = unsafe p.loadUnaligned(fromByteOffset: i, as: UInt64.self)
                    unsafe target.storeBytes(of: word, toByteOffset: i, as: UInt64.self)
                    let kept = UInt64.max &>> UInt64(truncatingIfNeeded: 64 &- 8 &* (length &- i))
                    text = RowHash.fold(text ^ (UInt64(littleEndian: word) & kept), key)
                }
                sum &+= text
                unsafe out[column] = Int64(truncatingIfNeeded: at) << 32 | Int64(truncatingIfNeeded: length)
                at &+= length
                continue
            case .day:
                let head = unsafe p.loadUnaligned(as: UInt64.self)
                let tail = unsafe p.loadUnaligned(fromByteOffset: 8, as: UInt16.self)
                if unsafe length == 10 && head == plan.pointee.lastHead && tail == plan.pointee.lastTail {
                    value = unsafe plan.pointee.lastDay
                } else {
                    let bytes = unsafe [UInt8](UnsafeRawBufferPointer(start: p, count: length))
                    if let day = CalendarDay.day(bytes) {
                        unsafe plan.pointee.lastHead = head
                        unsafe plan.pointee.lastTail = tail
                        unsafe plan.pointee.lastDay = day
                        value = day
                    } else if let day = CalendarDay.day(trimmed(bytes)) {
                        value = day
                    } else {
                        value = StagedBatch.null
                        if !isNull(column, unsafe plan.pointee.hasNullWords, bytes) { return Self.failure(.form, column) }
                    }
                }
            case .yearlessDay:
                let bytes = unsafe trimmed([UInt8](UnsafeRawBufferPointer(start: p, count: length)))
                if let day = CalendarDay.day(bytes) {
                    value = day
                } else if let date = CalendarDay.monthDay(bytes) {
                    value = YearProof.withoutYear(month: date.month, day: date.day)
                } else {
                    value = StagedBatch.null
                    if !isNull(column, unsafe plan.pointee.hasNullWords, bytes) { return Self.failure(.form, column) }
                }
            case .month:
                value = unsafe length == 7 ? Self.month(base + begin) : -1
                if value < 0 {
                    let bytes = unsafe [UInt8](UnsafeRawBufferPointer(start: p, count: length))
                    if let month = CalendarDay.month(String(decoding: trimmed(bytes), as: UTF8.self)) {
                        value = month
                    } else {
                        value = StagedBatch.null
                        if !isNull(column, unsafe plan.pointee.hasNullWords, bytes) { return Self.failure(.form, column) }
                    }
                }
            case .integer, .nano:
                let number = kind == .integer ? unsafe PlainNumber.integer(p, length) : unsafe PlainNumber.nano(p, length)
                if number != PlainNumber.notPlain {
                    value = number
                } else {
                    let bytes = unsafe [UInt8](UnsafeRawBufferPointer(start: p, count: length))
                    switch PlainNumber.parse(bytes, scale: kind == .integer ? 0 : 9, thousands: words[column].thousands) {
                    case .value(let parsed, let exact):
                        value = parsed
                        if !exact { inexact &+= 1 }
                    case .overflow: return Self.failure(.overflow, column)
                    case .malformed:
                        value = StagedBatch.null
                        if !isNull(column, unsafe plan.pointee.hasNullWords, bytes) { return Self.failure(.form, column) }
                    }
                }
                if value < 0, value != StagedBatch.null, unsafe !plan.pointee.negative { return Self.failure(.negative, column) }
            case .flag:
                let bytes = unsafe [UInt8](UnsafeRawBufferPointer(start: p, count: length))
                switch folded(String(decoding: bytes, as: UTF8.self)) {
                case "1", "true", "yes": value = 1
                case "0", "false", "no": value = 0
                default:
                    value = StagedBatch.null
                    if !isNull(column, unsafe plan.pointee.hasNullWords, bytes) { return Self.failure(.form, column) }
                }
            }
            unsafe out[column] = value
            if value == StagedBatch.null {
                if unsafe plan.pointee.required { return Self.failure(.missing, column) }
            } else {
                unsafe sum &+= RowHash.number(value, plan.pointee.keyA, plan.pointee.keyB)
            }
        }
        used = at
        rounded &+= inexact
        unsafe hash.pointee = RowHash.last(sum)
        return 0
    }

    @inline(__always) private static func failure(_ reason: Verdict.Reason, _ column: Int) -> Int {
        Int(reason.rawValue) << 16 | (column + 1)
    }

    @inline(never) private func isNull(_ column: Int, _ has: Bool, _ bytes: some Collection<UInt8>) -> Bool {
        let bare = trimmed(Array(bytes))
        return bare.isEmpty || (has && words[column].nulls.contains(bare))
    }

    private enum WordMeaning { case value, null, unknown }

    @inline(never) @unsafe private func word(_ column: Int, _ bytes: UnsafeRawBufferPointer) -> WordMeaning {
        for null in words[column].nulls where unsafe null.elementsEqual(bytes) { return .null }
        for value in words[column].values where unsafe value.elementsEqual(bytes) { return .value }
        return .unknown
    }

    @inline(__always) @unsafe private static func isISRC(_ p: UnsafeMutablePointer<UInt8>) -> Bool {
        var bad: UInt8 = 0
        unsafe bad |= p[0] &- 65 < 26 ? 0 : 1
        unsafe bad |= p[1] &- 65 < 26 ? 0 : 1
        for i in 2..<5 { unsafe bad |= p[i] &- 65 < 26 || p[i] &- 48 < 10 ? 0 : 1 }
        for i in 5..<12 { unsafe bad |= p[i] &- 48 < 10 ? 0 : 1 }
        return bad == 0
    }

    /// `YYYY-MM` as a month number, or −1.
    @inline(__always) @unsafe private static func month(_ p: UnsafeMutablePointer<UInt8>) -> Int64 {
        let y0 = unsafe p[0] &- 48
        let y1 = unsafe p[1] &- 48
        let y2 = unsafe p[2] &- 48
        let y3 = unsafe p[3] &- 48
        let m0 = unsafe p[5] &- 48
        let m1 = unsafe p[6] &- 48
        let digits = y0 < 10 && y1 < 10 && y2 < 10 && y3 < 10 && m0 < 2 && m1 < 10
        guard digits, unsafe p[4] == UInt8(ascii: "-") else { return -1 }
        let year = Int64(y0) &* 1_000 &+ Int64(y1) &* 100 &+ Int64(y2) &* 10 &+ Int64(y3)
        let month = Int64(m0) &* 10 &+ Int64(m1)
        return month >= 1 && month <= 12 ? year &* 12 &+ month &- 1 : -1
    }
}

/// Whether fields may be quoted, as a type, so that the loop is compiled once for each.
private protocol FieldRules {
    static var quotes: Bool { get }
}

/// Decimal numbers from bytes: never through a floating point type.
package enum PlainNumber {
    static let notPlain = Int64.min

    /// What a text says as a number.
    package enum Result: Hashable, Sendable {
        /// The value in units of 10^−scale, and whether no digit was lost.
        case value(Int64, exact: Bool)
        /// Too large for 64 bits.
        case overflow
        /// Not a plain decimal number.
        case malformed
    }

    /// Reads `-1234.5678`: an optional minus, digits, at most one point; spaces around are ignored, digits beyond `scale` are rounded half-even.
    ///
    /// With a thousands separator, groups must be complete (`1,234,567`).
    package static func parse(_ text: [UInt8], scale: Int, thousands: UInt8? = nil) -> Result {
        var bytes = trimmed(text)[...]
        let negative = bytes.first == UInt8(ascii: "-")
        if negative { bytes = bytes.dropFirst() }
        let point = bytes.firstIndex(of: UInt8(ascii: "."))
        var whole = Array(bytes[..<(point ?? bytes.endIndex)])
        let fraction = point.map { bytes[($0 + 1)...] } ?? []
        if let thousands, whole.contains(thousands) {
            let groups = whole.split(separator: thousands, omittingEmptySubsequences: false)
            guard (1...3).contains(groups[0].count), groups.dropFirst().allSatisfy({ $0.count == 3 }) else { return .malformed }
            whole = Array(groups.joined())
        }
        guard !whole.isEmpty, point == nil || (!fraction.isEmpty && scale > 0) else { return .malformed }
        guard whole.allSatisfy({ $0 &- 48 < 10 }), fraction.allSatisfy({ $0 &- 48 < 10 }) else { return .malformed }
        var value: UInt64 = 0
        for index in 0..<(whole.count + scale) {
            let digit: UInt8
            if index < whole.count {
                digit = whole[index] &- 48
            } else {
                let at = fraction.startIndex + index - whole.count
                digit = at < fraction.endIndex ? fraction[at] &- 48 : 0
            }
            let (tens, first) = value.multipliedReportingOverflow(by: 10)
            let (sum, second) = tens.addingReportingOverflow(UInt64(digit))
            guard !first, !second else { return .overflow }
            value = sum
        }
        let lost = fraction.dropFirst(scale)
        let exact = lost.allSatisfy { $0 == 48 }
        if !exact, let first = lost.first {
            let half = first == 53 && lost.dropFirst().allSatisfy { $0 == 48 }
            if first > 53 || (first == 53 && !half) || (half && value % 2 == 1) { value += 1 }
        }
        guard value <= UInt64(Int64.max) else { return .overflow }
        return .value(negative ? -Int64(value) : Int64(value), exact: exact)
    }

    private static let zeros: UInt64 = 0x3030_3030_3030_3030
    private static let high: UInt64 = 0xF0F0_F0F0_F0F0_F0F0

    @inline(__always) private static func areDigits(_ word: UInt64) -> Bool {
        (word & high) | (((word &+ 0x0606_0606_0606_0606) & high) >> 4) == 0x3333_3333_3333_3333
    }

    /// Eight ASCII digits, the first in the lowest byte.
    @inline(__always) private static func eight(_ word: UInt64) -> UInt64 {
        let digits = word &- zeros
        let pairs = digits &* 10 &+ (digits >> 8)
        let left = (pairs & 0x0000_00FF_0000_00FF) &* 0x000F_4240_0000_0064
        let right = ((pairs >> 16) & 0x0000_00FF_0000_00FF) &* 0x0000_2710_0000_0001
        return (left &+ right) >> 32
    }

    /// The first `count` (1...8) bytes, then zeros: digits aligned to the left.
    @inline(__always) private static func left(_ word: UInt64, _ count: Int) -> UInt64 {
        let kept = UInt64.max &>> UInt64(truncatingIfNeeded: 64 &- 8 &* count)
        return (word & kept) | (zeros & ~kept)
    }

    /// The first `count` (1...8) bytes, zeros before them: digits aligned to the right.
    @inline(__always) private static func right(_ word: UInt64, _ count: Int) -> UInt64 {
        let shift = UInt64(truncatingIfNeeded: 64 &- 8 &* count)
        return (word &<< shift) | (zeros & ((1 &<< shift) &- 1))
    }

    /// A whole number of up to eight digits; ``notPlain`` for everything else. Reads 8 bytes from `p + 1`.
    @inline(__always) @unsafe static func integer(_ p: UnsafeRawPointer, _ length: Int) -> Int64 {
        let minus = unsafe p.load(as: UInt8.self) == UInt8(ascii: "-")
        let count = minus ? length &- 1 : length
        guard count >= 1, count <= 8 else { return notPlain }
        let word = right(unsafe UInt64(littleEndian: p.loadUnaligned(fromByteOffset: minus ? 1 : 0, as: UInt64.self)), count)
        guard areDigits(word) else { return notPlain }
        let value = Int64(truncatingIfNeeded: eight(word))
        return minus ? 0 &- value : value
    }

    /// A number of up to seven digits before and up to sixteen after the point, exact in nano units; ``notPlain`` for everything else.
    @inline(__always) @unsafe static func nano(_ p: UnsafeRawPointer, _ length: Int) -> Int64 {
        let minus = unsafe p.load(as: UInt8.self) == UInt8(ascii: "-")
        let start = minus ? 1 : 0
        let count = length &- start
        guard count >= 1 else { return notPlain }
        let head = unsafe UInt64(littleEndian: p.loadUnaligned(fromByteOffset: start, as: UInt64.self))
        let signs = head ^ zeros
        let others = ((signs &+ 0x7676_7676_7676_7676) | signs) & 0x8080_8080_8080_8080
        let digits = min(others.trailingZeroBitCount >> 3, count)
        guard digits >= 1, digits <= 7 else { return notPlain }
        var value = Int64(truncatingIfNeeded: eight(right(head, digits))) &* 1_000_000_000
        if digits < count {
            let decimals = count &- digits &- 1
            guard decimals >= 1, decimals <= 16, unsafe p.load(fromByteOffset: start &+ digits, as: UInt8.self) == UInt8(ascii: ".") else {
                return notPlain
            }
            let at = start &+ digits &+ 1
            let first = left(unsafe UInt64(littleEndian: p.loadUnaligned(fromByteOffset: at, as: UInt64.self)), min(decimals, 8))
            guard areDigits(first) else { return notPlain }
            var fraction = eight(first) &* 10
            if decimals > 8 {
                let second = left(unsafe UInt64(littleEndian: p.loadUnaligned(fromByteOffset: at &+ 8, as: UInt64.self)), decimals &- 8)
                guard areDigits(second) else { return notPlain }
                let tail = eight(second)
                // Digits that would be lost are left to the exact path.
                guard tail % 10_000_000 == 0 else { return notPlain }
                fraction &+= tail / 10_000_000
            }
            value &+= Int64(truncatingIfNeeded: fraction)
        }
        return minus ? 0 &- value : value
    }
}
