import CScan

/// Why a whole file is held back, where, and what a person can do.
package struct CleaningError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Short stable code, for example `missing_column`.
    package let code: String
    /// What is wrong, in one sentence.
    package let message: String
    /// Record number in the raw file, if a line is to blame; the header is 1.
    package var line: Int64?
    /// Byte offset in the file being read, if known.
    package var byte: Int64?
    /// Staged column, if one is to blame.
    package var column: String?
    /// The offending bytes, clipped, valid UTF-8.
    package var value: String?
    /// What to do next, for example `--downloaded-on 2025-05-27`.
    package var remedy: String?

    init(
        _ code: String, _ message: String, line: Int64? = nil, byte: Int64? = nil, column: String? = nil, value: String? = nil,
        remedy: String? = nil
    ) {
        self.code = code
        self.message = message
        self.line = line
        self.byte = byte
        self.column = column
        self.value = value
        self.remedy = remedy
    }

    /// A reason to hold a file back that somebody else than the cleaner found.
    package init(code: String, message: String, remedy: String?) {
        self.init(code, message, remedy: remedy)
    }

    package var description: String {
        var text = "\(code): \(message)"
        if let line { text += ", line \(line)" }
        if let byte { text += ", byte \(byte)" }
        if let column { text += ", column \(column)" }
        if let value { text += ", found '\(value)'" }
        if let remedy { text += "; \(remedy)" }
        return text
    }
}

/// Raw bytes to typed rows under a contract.
///
/// Push the raw file in pieces of any size, then finish. Rows, rejects and report depend on bytes, contract and facts alone, never on how
/// the bytes were cut or on the batch size. Memory is bounded by the batch, the longest line and, for year-less days, 20,000 rows.
///
///     var cleaner = Cleaner(contract: contract, facts: facts)
///     try cleaner.push(bytes, to: &sink)
///     let report = try cleaner.finish(to: &sink)
///
/// After an error the cleaner is spent.
@safe package struct Cleaner: ~Copyable {
    /// Changes whenever the same bytes, contract and facts give another result.
    package static let revision = 1
    /// Name of the warning for a text that is no ISRC and reads null.
    static let noISRC = "not_an_isrc"
    /// Longest accepted line, in bytes.
    package static let maxLineBytes = 1 << 20
    /// Bytes that no heading line of a plain table reaches.
    static let maxHeadingBytes = 1 << 16
    /// Most rows of a file whose days have no year.
    package static let maxYearlessRows = 20_000

    let contract: Contract
    let facts: CaptureFacts
    private let batchRows: Int
    private var input: InputBuffer
    private var header: Header?
    private var front: RecordFront?
    private var engine: RowEngine
    private var batch: StagedBatch
    private var report = CleaningReport()
    private var pending: [Reject] = []
    private var partitions = PartitionTable()
    /// Years are settled at the end of the file, so the rows wait.
    private let waits: Bool
    /// Rejected numbers that look written with a decimal comma, by column.
    private var commas: [String: Int] = [:]
    private var spent = false
    /// No more bytes come.
    private var isEnding = false

    /// A cleaner for one file. `batchRows` is how many rows go to the sink at once.
    package init(contract: Contract, facts: CaptureFacts, batchRows: Int = 1_000) {
        precondition(batchRows > 0)
        self.contract = contract
        self.facts = facts
        self.batchRows = batchRows
        waits = contract.columns.contains { $0.yearless || $0.derived == .partialLastDay || $0.trailingZerosMissing }
        input = InputBuffer(capacity: 1 << 18)
        engine = RowEngine(contract: contract)
        batch = StagedBatch(columns: contract.stagedColumns, capacity: waits ? 1_024 : batchRows)
        guard contract.needsFront, !contract.setAside else { return }
        let front = RecordFront(contract: contract, facts: facts)
        if contract.shape.isDocument { begin(front.plainHeader(of: nil)) }
        self.front = front
    }

    private mutating func begin(_ plain: Header) {
        engine.start(plain)
        header = plain
        report.headings = plain.headings
        report.newColumns = plain.unknown
        report.missingOptional = plain.missing
    }

    /// Takes the next bytes of the raw file (UTF-8, as ``unpack(_:under:to:)`` writes it).
    package mutating func push<Sink: RowSink>(_ bytes: UnsafeRawBufferPointer, to sink: inout Sink) throws {
        precondition(!spent, "the cleaner has finished or failed")
        spent = true
        if contract.setAside {
            spent = false
            return
        }
        if front != nil {
            unsafe front?.take(bytes)
            try pull(isEnd: false, to: &sink)
        } else {
            try unsafe feed(bytes, to: &sink)
        }
        spent = false
    }

    private mutating func feed<Sink: RowSink>(_ bytes: UnsafeRawBufferPointer, to sink: inout Sink) throws {
        var offset = 0
        while offset < bytes.count {
            let taken = unsafe input.fill(UnsafeRawBufferPointer(rebasing: bytes[offset...]))
            offset += taken
            try drain(to: &sink)
            if taken == 0 {
                guard input.count < Self.maxLineBytes else { throw tooLong() }
                input.grow()
            }
        }
    }

    /// Feeds the engine with what stands in front of it, record by record.
    private mutating func pull<Sink: RowSink>(isEnd: Bool, to sink: inout Sink) throws {
        while let step = try front?.step(isEnd: isEnd), let front {
            switch step {
            case .nothing: continue
            case .headings(let found):
                engine.line = front.line
                begin(front.plainHeader(of: found))
            case .line(let line):
                engine.line = front.line - 1
                try unsafe line.withUnsafeBytes { try unsafe feed($0, to: &sink) }
            case .rejected(let refusal):
                note(
                    refusal.reason, expected: refusal.expected, column: refusal.column < 0 ? nil : contract.columns[refusal.column],
                    line: front.line, byte: front.offset, value: clipped(refusal.value))
                if let partition = engine.partitionColumn, !front.originals.isEmpty,
                    let value = engine.typed(partition, front.originals[partition])
                {
                    partitions.reject(value)
                }
                if pending.count >= batchRows, !waits { try deliver(to: &sink) }
                if waits, pending.count > Self.maxYearlessRows { throw tooManyRows() }
            }
        }
    }

    /// Takes the next bytes of the raw file.
    package mutating func push<Sink: RowSink>(_ bytes: [UInt8], to sink: inout Sink) throws {
        var failure: (any Error)?
        unsafe bytes.withUnsafeBytes { buffer in
            do { try unsafe push(buffer, to: &sink) } catch { failure = error }
        }
        if let failure { throw failure }
    }

    /// Ends the file: delivers what is left and says what it came to.
    package mutating func finish<Sink: RowSink>(to sink: inout Sink) throws -> CleaningReport {
        precondition(!spent, "the cleaner has finished or failed")
        spent = true
        if contract.setAside { return report }
        if front != nil { try pull(isEnd: true, to: &sink) }
        if input.count > 0 {
            isEnding = true
            input.endLine()
            try drain(to: &sink)
            if input.count > 1 {
                throw CleaningError(
                    "open_quote", "a quote is opened and never closed", line: engine.line + 1, byte: input.offset,
                    value: clipped(input.bytes), remedy: "export the file again; this one is cut off or damaged")
            }
        }
        guard header != nil else {
            throw front?.withoutHeading()
                ?? CleaningError("empty_file", "the file has no heading line", byte: 0, remedy: "export the file again")
        }
        if let front {
            report.skipped = front.skipped
            report.warnings = front.warnings
            report.unmapped = front.unmapped
            if contract.shape.isDocument { report.newColumns = front.unknown }
        }
        if engine.withoutISRC > 0 { report.warnings[Self.noISRC, default: 0] += engine.withoutISRC }
        if waits { try settleYears() }
        try deliver(to: &sink)
        report.hints = hints()
        if partitions.overflowed {
            throw CleaningError(
                "total_overflow", "the total of a partition does not fit", column: contract.guardColumn,
                remedy: "look for absurd amounts in the file")
        }
        report.rowsIn = report.rowsOut + report.rejects
        report.roundedCount = engine.rounded
        report.partitions = partitions.sorted(contract)
        if report.rejects * 1_000 > contract.maxRejectPermille * report.rowsIn {
            throw CleaningError(
                "too_many_rejects",
                "\(report.rejects) of \(report.rowsIn) lines break the contract, more than \(contract.maxRejectPermille) in a thousand",
                remedy: report.hints.first ?? "look at the rejects; if the source changed its format, change \(contract.stream).yml")
        }
        return report
    }

    /// What rejected numbers have in common, where that says what to do.
    private func hints() -> [String] {
        commas.sorted { $0.key < $1.key }.map { column, count in
            """
            \(count == 1 ? "a value" : "\(count) values") of \(column) \(count == 1 ? "looks" : "look") written with a decimal comma: \
            export in English number format, or copy zones/\(contract.stream).yml into the root's definitions/zones/\(contract.service)/ \
            and give the column thousands: "." and decimal_mark: ","
            """
        }
    }

    // MARK: one step

    private mutating func drain<Sink: RowSink>(to sink: inout Sink) throws {
        if header == nil {
            guard try readHeader() else { return }
        }
        while true {
            let outcome = engine.run(&input, &batch)
            collect()
            switch outcome {
            case .hungry: return
            case .full:
                if waits {
                    guard batch.count == batch.capacity, batch.count <= Self.maxYearlessRows else { throw tooManyRows() }
                    batch.grow(to: min(2 * batch.capacity, Self.maxYearlessRows + 1))
                } else {
                    try deliver(to: &sink)
                }
            case .rejected(let fields, let verdict):
                reject(fields, verdict)
                input.drop(engine.consumed)
                if pending.count >= batchRows, !waits { try deliver(to: &sink) }
                if waits, pending.count > Self.maxYearlessRows { throw tooManyRows() }
            case .overlong: throw tooLong()
            }
        }
    }

    /// Adds the rows typed since the last call to the totals.
    private mutating func collect() {
        let from = engine.collected
        guard from < batch.count, !waits else { return }
        tally(from..<batch.count)
        engine.collected = batch.count
    }

    private mutating func tally(_ rows: Range<Int>) {
        let width = batch.columns.count
        for row in rows { report.digest &+= batch.hashes[row] }
        report.rowsOut += rows.count
        if let period = engine.periodColumn {
            var low = Int64.max
            var high = Int64.min
            for row in rows {
                let cell = batch.cells[row &* width &+ period]
                guard cell != StagedBatch.null else { continue }
                low = min(low, cell)
                high = max(high, cell)
            }
            if low <= high {
                if batch.columns[period].type == .month {
                    low = CalendarDay.span(ofMonth: low).first
                    high = CalendarDay.span(ofMonth: high).last
                }
                report.period = report.period.map { min($0.lowerBound, low)...max($0.upperBound, high) } ?? low...high
            }
        }
        if let partition = engine.partitionColumn {
            for row in rows {
                let total = engine.totalColumn.map { batch.cells[row &* width &+ $0] } ?? StagedBatch.null
                partitions.add(batch.cells[row &* width &+ partition], total: total, hash: batch.hashes[row])
            }
        }
    }

    private mutating func deliver<Sink: RowSink>(to sink: inout Sink) throws {
        if !pending.isEmpty {
            try sink.take(pending)
            pending.removeAll(keepingCapacity: true)
        }
        guard batch.count > 0 else { return }
        if batch.count <= batchRows {
            try sink.take(batch)
        } else {
            var start = 0
            while start < batch.count {
                let end = min(batch.count, start + batchRows)
                try sink.take(batch.slice(start..<end))
                start = end
            }
        }
        batch.removeAll()
        engine.collected = 0
    }

    private mutating func reject(_ fields: Int, _ verdict: Verdict) {
        let column = verdict.column >= 0 ? contract.columns[verdict.column] : nil
        let range = column == nil ? engine.lineRange : engine.fieldRange(verdict.column)
        let reason: String
        let expected: String
        switch verdict.reason {
        case .fieldCount:
            reason = "field_count"
            expected = "\(engine.expectedFields) fields, not \(fields)"
        case .badQuote:
            reason = "bad_quote"
            expected = "a closing quote before the separator"
        case .missing:
            reason = "missing"
            expected = "a value"
        case .overflow:
            reason = "overflow"
            expected = column?.type == .integer ? "a number below 9.2 quintillion" : "a number below 9.2 billion"
        case .negative:
            reason = "negative"
            expected = "zero or more"
        case .form:
            (reason, expected) = Self.wanted(column)
        }
        if let front {
            // The engine has seen the plain form; people are shown what the source wrote.
            let shown = verdict.column < 0 ? [] : front.originals[verdict.column]
            note(reason, expected: expected, column: column, line: front.line, byte: front.offset, value: clipped(shown))
        } else {
            note(
                reason, expected: expected, column: column, line: engine.line, byte: input.offset + Int64(range.lowerBound),
                value: clipped(input.bytes(range)))
        }
        if let partition = engine.partitionColumn, let value = engine.readable(partition, fields: fields, in: input) {
            partitions.reject(value)
        }
    }

    private mutating func note(_ reason: String, expected: String, column: Column?, line: Int64, byte: Int64, value: String) {
        pending.append(
            Reject(line: line, byteOffset: byte, column: column?.name ?? "", value: value, reason: reason, expected: expected))
        report.rejects += 1
        report.rejectedByReason[reason, default: 0] += 1
        guard let column, reason.hasPrefix("not_a") else { return }
        report.mistyped[column.name, default: 0] += 1
        if [.integer, .money, .decimal].contains(column.type), DraftNumbers.hasDecimalComma(Array(value.utf8)) {
            commas[column.name, default: 0] += 1
        }
    }

    private static func wanted(_ column: Column?) -> (String, String) {
        guard let column else { return ("bad_line", "a line of the file's form") }
        switch column.type {
        case .day:
            return ("not_a_day", column.yearless ? "a day such as January 5, 5 de enero or 2025-01-05" : "a day, YYYY-MM-DD")
        case .month: return ("not_a_month", "a month, YYYY-MM")
        case .integer: return ("not_an_integer", "a whole number")
        case .money: return ("not_an_amount", "a plain decimal number")
        case .decimal: return ("not_a_number", "a plain decimal number")
        case .flag: return ("not_a_flag", "0, 1, true, false, yes or no")
        case .text:
            switch column.form {
            case .isrc: return ("not_an_isrc", "an ISRC such as QZABC2400001")
            case .country:
                return ("not_a_country", (["two capital letters"] + column.values).joined(separator: " or "))
            case .id, .any: return ("not_in_list", column.values.joined(separator: " or "))
            }
        }
    }

    private func tooManyRows() -> CleaningError {
        CleaningError(
            "too_many_rows", "a file whose days have no year may have \(Self.maxYearlessRows) lines", line: engine.line,
            remedy: "export a shorter range")
    }

    private func tooLong() -> CleaningError {
        CleaningError(
            "line_too_long", "a line is longer than \(Self.maxLineBytes) bytes", line: engine.line + 1, byte: input.offset,
            value: clipped(input.bytes), remedy: "look for an unclosed quote near this line")
    }

    // MARK: header

    private mutating func readHeader() throws -> Bool {
        input.skipByteOrderMark()
        let bytes = input.bytes
        var start = 0
        while start < bytes.count, bytes[start] == 10 || bytes[start] == 13 {
            // A line feed that belongs to this carriage return may still come.
            if bytes[start] == 13, start + 1 == bytes.count { break }
            start += bytes[start] == 13 && bytes[start + 1] == 10 ? 2 : 1
            engine.line += 1
        }
        input.drop(start)
        let first = Array(bytes[start...])
        guard first != [13] else { return false }
        // A quote anywhere in the line first, as it always was; if that leads nowhere, one where a field begins, as in the lines below.
        var failure: CleaningError?
        for end in [Header.end(first), Header.end(first, separators: contract.delimiters.map(\.byte))] {
            guard end?.text ?? first.count < Self.maxHeadingBytes else { continue }
            guard let end else {
                if isEnding { continue }
                return false
            }
            let text = Array(first[..<end.text])
            do throws(CleaningError) {
                let found = try Header(text, contract: contract, number: engine.line + 1, offset: input.offset)
                engine.line += 1
                engine.start(found)
                report.headings = found.headings
                report.newColumns = found.unknown
                report.missingOptional = found.missing
                header = found
            } catch {
                guard trimmed(text).isEmpty else {
                    failure = failure ?? error
                    continue
                }
                // A line of blanks; a line feed that belongs to its carriage return may still come.
                if first[end.text] == 13, end.record == first.count, !isEnding { return false }
                engine.line += 1
                input.drop(end.record)
                return try readHeader()
            }
            // A file cut between CR and LF must read like one that was not.
            engine.afterCarriageReturn = first[end.text] == 13 && end.record == end.text + 1
            input.drop(end.record)
            return true
        }
        if let failure { throw failure }
        if first.count >= Self.maxHeadingBytes {
            throw CleaningError(
                "no_header", "the first line is longer than \(Self.maxHeadingBytes) bytes", line: engine.line + 1, byte: input.offset,
                value: clipped(first), remedy: "this is not a table; check what was exported")
        }
        return false
    }

    // MARK: years

    private mutating func settleYears() throws {
        let width = batch.columns.count
        let hash = RowHash(contract.columns.map(\.name))
        for (column, plan) in contract.columns.enumerated() where plan.yearless {
            var days = (0..<batch.count).map { batch.cells[$0 * width + column] }
            let years = YearProof(
                facts: facts, lines: batch.lines, column: plan.name, firstDataLine: engine.firstDataLine,
                repeats: contract.merge.isWiderThan(plan.name))
            let proof = try years.settle(&days)
            report.yearProof = proof ?? report.yearProof
            for row in days.indices { batch.cells[row * width + column] = days[row] }
        }
        if let flag = contract.columns.firstIndex(where: { $0.derived == .partialLastDay }), let period = engine.periodColumn {
            let download = facts.downloadDay
            let last = batch.count > 0 ? batch.cells[(batch.count - 1) * width + period] : 0
            for row in 0..<batch.count {
                let day = batch.cells[row * width + period]
                let running = download.map { day >= $0 }
                let unknown = day == last ? StagedBatch.null : 0
                batch.cells[row * width + flag] = running.map { $0 ? 1 : 0 } ?? unknown
                if row == batch.count - 1 { report.lastDayPartial = running ?? false }
            }
        }
        missTrailingZeros()
        for row in 0..<batch.count { batch.hashes[row] = hash.of(row, in: batch) }
        tally(0..<batch.count)
    }
}

extension Cleaner {
    /// Zeros on the newest rows, within the reporting lag, say that the source has not reported yet.
    private mutating func missTrailingZeros() {
        guard let period = engine.periodColumn, contract.columns.contains(where: \.trailingZerosMissing) else { return }
        let width = batch.columns.count
        let newestFirst = (0..<batch.count).filter { batch.cells[$0 * width + period] != StagedBatch.null }.sorted {
            (batch.cells[$0 * width + period], $0) > (batch.cells[$1 * width + period], $1)
        }
        guard let newest = newestFirst.first.map({ batch.cells[$0 * width + period] }) else { return }
        let lag = Int64(max(contract.reportingLagDays, 2))
        for (column, plan) in contract.columns.enumerated() where plan.trailingZerosMissing {
            for row in newestFirst {
                let at = row * width + column
                guard newest - batch.cells[row * width + period] < lag, batch.cells[at] == 0 || batch.cells[at] == StagedBatch.null else {
                    break
                }
                batch.cells[at] = StagedBatch.null
            }
        }
    }
}

extension Contract {
    /// Why a frozen contract refuses the shape of a file: a heading that nobody named, or a column of another type. nil when it does not.
    package func refusal(of report: CleaningReport) -> CleaningError? {
        guard freeze else { return nil }
        if let odd = report.newColumns.first {
            return CleaningError(
                "frozen", "the contract is frozen and '\(odd)' is new", value: clipped(odd.utf8),
                remedy: "name it in \(stream).yml: as a column, or under ignore")
        }
        guard let column = report.retyped.first else { return nil }
        let count = report.mistyped[column] ?? 0
        return CleaningError(
            "frozen", "the contract is frozen and \(count) of \(report.rowsIn) lines have another type in a column", column: column,
            remedy: report.hints.first ?? "look at the file; if the source changed the column, change it in \(stream).yml")
    }

    var guardColumn: String? {
        if case .replacePartition(_, let bound) = merge { bound.total } else { nil }
    }
}

extension StagedBatch {
    /// The rows of a range as a batch of its own.
    func slice(_ rows: Range<Int>) -> StagedBatch {
        let width = columns.count
        var part = StagedBatch(columns: columns, capacity: rows.count)
        part.count = rows.count
        part.cells = Array(cells[(rows.lowerBound * width)..<(rows.upperBound * width)])
        part.lines = Array(lines[rows])
        part.hashes = Array(hashes[rows])
        part.arena = arena
        return part
    }
}

/// At most 64 bytes as valid UTF-8, cut between characters.
func clipped(_ bytes: some Collection<UInt8>) -> String {
    var cut = Array(bytes.prefix(64))
    if bytes.count > 64 {
        while let last = cut.last, last & 0xC0 == 0x80 { cut.removeLast() }
        if let last = cut.last, last >= 0xC0 { cut.removeLast() }
    }
    return String(decoding: cut, as: UTF8.self)
}
