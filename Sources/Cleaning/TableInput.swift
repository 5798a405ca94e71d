import Glibc

/// The raw bytes at hand: never more than one piece and one unfinished line.
///
/// Readable for 128 bytes beyond its end, so that wide loads are safe.
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
    /// Fields of a line.
    let width: Int
    /// What stood in the holes of headings such as `Amount spent (<currency>)`.
    private(set) var holes: [String: String] = [:]

    /// A header that was not read from a line.
    init(
        delimiter: Delimiter, quoted: Bool, headings: [String], unknown: [String], missing: [String], sources: [Int], width: Int
    ) {
        self.delimiter = delimiter
        self.quoted = quoted
        self.headings = headings
        self.unknown = unknown
        self.missing = missing
        self.sources = sources
        self.width = width
    }

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

    /// The same with quotes that mean something only where a field begins: after one of the separators.
    static func end(_ bytes: [UInt8], separators: [UInt8]) -> (text: Int, record: Int)? {
        let quote = UInt8(ascii: "\"")
        var at = 0
        var isFieldStart = true
        while at < bytes.count {
            if isFieldStart, bytes[at] == quote {
                at += 1
                // A doubled quote stands for one.
                while at < bytes.count, bytes[at] != quote || at + 1 < bytes.count && bytes[at + 1] == quote {
                    at += bytes[at] == quote ? 2 : 1
                }
                at += 1
                isFieldStart = false
                continue
            }
            if bytes[at] == 10 || bytes[at] == 13 {
                let pair = bytes[at] == 13 && at + 1 < bytes.count && bytes[at + 1] == 10
                return (at, at + (pair ? 2 : 1))
            }
            isFieldStart = separators.contains(bytes[at])
            at += 1
        }
        return nil
    }

    init(_ line: [UInt8], contract: Contract, number: Int64, offset: Int64) throws(CleaningError) {
        var meanings: [String: Int] = [:]
        var patterns: [(NamePattern, Int)] = []
        for (index, column) in contract.columns.enumerated() where column.isCell {
            for heading in [column.heading, column.name] + column.aliases where meanings[folded(heading)] == nil {
                if heading.contains("<"), let pattern = NamePattern(heading) { patterns.append((pattern, index)) }
                meanings[folded(heading)] = index
            }
        }
        var best: (delimiter: Delimiter, fields: [String], known: Int)?
        for delimiter in contract.delimiters {
            let fields = Self.split(line, delimiter.byte)
            let known = fields.count { heading in
                meanings[folded(heading)] != nil || patterns.contains { $0.0.match(heading) != nil }
            }
            if best.map({ known > $0.known }) ?? true { best = (delimiter, fields, known) }
        }
        guard let best else { preconditionFailure("a contract has at least one delimiter") }
        delimiter = best.delimiter
        headings = best.fields
        width = best.fields.count
        quoted = delimiter != .tab || line.first == UInt8(ascii: "\"")
        guard best.fields.count <= RowEngine.maxFields else {
            throw CleaningError(
                "too_many_columns", "\(best.fields.count) columns", line: number, byte: offset, remedy: "this is not a table")
        }
        var sources = Array(repeating: -1, count: contract.columns.count)
        var unknown: [String] = []
        for (field, heading) in best.fields.enumerated() {
            var meaning = meanings[folded(heading)]
            // A pattern that any heading fits, `<dimension>`, means the first that nothing else does.
            let open = patterns.lazy.filter { !$0.0.isOpen || sources[$0.1] < 0 }
            if meaning == nil, let (found, index) = open.compactMap({ pair in pair.0.match(heading).map { ($0, pair.1) } }).first {
                meaning = index
                for (hole, text) in found {
                    guard holes.updateValue(text, forKey: hole).map({ $0 == text }) ?? true else {
                        throw CleaningError(
                            "two_meanings", "two headings give different values for <\(hole)>", line: number, byte: offset,
                            value: clipped(heading.utf8), remedy: "export the file with one of them")
                    }
                }
            }
            guard let column = meaning else {
                if !contract.ignored.contains(folded(heading)) { unknown.append(heading) }
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
        for (index, column) in contract.columns.enumerated() where sources[index] < 0 && column.isCell {
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
