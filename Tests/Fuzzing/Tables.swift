@testable import Cleaning

/// CSV, TSV and raw NDJSON through the cleaner: `<service>/<dataset>`, a line feed, the raw file.
@Sendable func fuzzTable(_ input: [UInt8]) {
    guard let (contract, rest) = Subjects.choose(input) else { return }
    var chance = InputChance(input)
    let facts = Subjects.facts(contract, &chance)
    let raw = expanded(rest)
    let whole = Outcome(of: [raw[...]], contract, facts)
    whole.checkAgainst(raw, contract)
    checkPieces(raw, whole, contract, facts, &chance)
    checkFront(raw, whole, contract, facts)
    if case .table = contract.shape { checkProtected(raw, contract, facts) }
}

/// However the bytes come and however the rows are batched, the outcome is one.
func checkPieces(_ raw: [UInt8], _ whole: Outcome, _ contract: Contract, _ facts: CaptureFacts, _ chance: inout InputChance) {
    for _ in 0..<(raw.count > 1 << 14 ? 1 : 3) {
        let pieces = chance.pieces(of: raw)
        let batchRows = Int.random(in: 1...5, using: &chance)
        let parts = Outcome(of: pieces, contract, facts, batchRows: batchRows)
        guard parts != whole else { continue }
        let cuts = pieces.prefix(20).map { String($0.count) }.joined(separator: " ")
        check(false, "\(contract.stream) in pieces of \(cuts), \(batchRows) rows a batch:\n\(parts.summary)\nwhole:\n\(whole.summary)")
    }
}

/// A contract that needs no front must give the same rows with one. The front knows more spellings, so it may accept more, never less.
private func checkFront(_ raw: [UInt8], _ plain: Outcome, _ contract: Contract, _ facts: CaptureFacts) {
    guard !contract.needsFront, !contract.setAside, let report = plain.report else { return }
    // Where a heading line ends that holds stray quotes, the two do not agree: the front heeds a quote only where a field begins.
    guard !raw.drop(while: { $0 == 10 || $0 == 13 }).prefix(while: { $0 != 10 && $0 != 13 }).contains(UInt8(ascii: "\"")) else { return }
    var fronted = contract
    fronted.rules = [
        Rule(check: "1 == 1", name: "always", severity: .warn, left: .literal([49]), comparison: .equal, right: .literal([49]))
    ]
    let other = Outcome(of: [raw[...]], fronted, facts)
    guard let otherReport = other.report else {
        check(false, "\(contract.stream): with the front: \(other.summary)\nwithout:\n\(plain.summary)")
        return
    }
    // Of lines that are nothing but separators the front makes no rejects.
    check(otherReport.rowsIn <= report.rowsIn, "\(contract.stream): with the front \(other.summary)\nwithout:\n\(plain.summary)")
    let hashes = Dictionary(zip(other.lines, other.hashes), uniquingKeysWith: { first, _ in first })
    check(
        zip(plain.lines, plain.hashes).allSatisfy { hashes[$0] == $1 },
        "\(contract.stream): other rows with the front: \(other.summary)\nwithout:\n\(plain.summary)")
}

/// What cleaning a raw file came to.
struct Outcome: Equatable {
    private(set) var csv: [UInt8] = []
    private(set) var rejects: [Reject] = []
    private(set) var lines: [Int64] = []
    private(set) var hashes: [UInt64] = []
    private(set) var report: CleaningReport?
    private(set) var error: CleaningError?

    init(of pieces: [ArraySlice<UInt8>], _ contract: Contract, _ facts: CaptureFacts, batchRows: Int = 1_000) {
        var sink = Sink()
        var cleaner = Cleaner(contract: contract, facts: facts, batchRows: batchRows)
        do {
            for piece in pieces { try cleaner.push(Array(piece), to: &sink) }
            report = try cleaner.finish(to: &sink)
        } catch let failure as CleaningError {
            // What a failed file delivered before does not count.
            error = failure
            return
        } catch {
            check(false, "an error of another kind: \(error)")
        }
        (csv, rejects, lines, hashes) = (sink.csv, sink.rejects, sink.lines, sink.hashes)
    }

    private struct Sink: RowSink {
        var csv: [UInt8] = []
        var rejects: [Reject] = []
        var lines: [Int64] = []
        var hashes: [UInt64] = []

        mutating func take(_ batch: StagedBatch) {
            let start = csv.count
            StagingCSV.append(batch, to: &csv)
            checkStaging(csv[start...], batch)
            lines += batch.lines.prefix(batch.count)
            hashes += batch.hashes.prefix(batch.count)
        }

        mutating func take(_ rejects: [Reject]) { self.rejects += rejects }
    }

    var summary: String {
        if let error { return "\(error)" }
        let rejected = rejects.prefix(10).map { "line \($0.line) byte \($0.byteOffset) \($0.reason) \($0.column) '\($0.value)'" }
        return "\(lines.count) rows in lines \(lines.prefix(20)), \(rejects.count) rejects: \(rejected.joined(separator: "; "))\n"
            + String(decoding: csv.prefix(500), as: UTF8.self) + (report.map { "\($0)" } ?? "")
    }

    /// What must hold between a raw file and its outcome.
    func checkAgainst(_ raw: [UInt8], _ contract: Contract) {
        if let error {
            check(!error.code.isEmpty && !error.message.isEmpty, "an error without words")
            check(error.byte.map { (0...Int64(raw.count)).contains($0) } ?? true, "\(error) in \(raw.count) bytes")
            check(error.line.map { (1...Int64(raw.count { $0 == 10 || $0 == 13 } + 1)).contains($0) } ?? true, "\(error)")
            check((error.value ?? "").utf8.count <= 3 * 64, "a value that is not clipped: \(error)")
        }
        guard let report else { return }
        check(report.rowsIn == report.rowsOut + report.rejects, "\(report)")
        check(report.rowsOut == lines.count && report.rejects == rejects.count, "\(lines.count), \(rejects.count): \(report)")
        check(report.rejectedByReason.values.reduce(0, +) == report.rejects, "\(report)")
        check(hashes.reduce(0, &+) == report.digest && hashes.allSatisfy { $0 >> 63 == 0 }, "the digest: \(report)")
        check(zip(lines, lines.dropFirst()).allSatisfy { $0 < $1 }, "rows out of order: \(lines)")
        check(zip(rejects, rejects.dropFirst()).allSatisfy { $0.line < $1.line }, "rejects out of order: \(summary)")
        check(Set(lines).isDisjoint(with: rejects.map(\.line)), "a line is a row and a reject: \(summary)")
        for reject in rejects {
            check((0...Int64(raw.count)).contains(reject.byteOffset) && reject.line >= 1, "\(reject)")
            check(reject.value.utf8.count <= 3 * 64 && !reject.reason.isEmpty && !reject.expected.isEmpty, "\(reject)")
            var text: [UInt8] = []
            RejectNDJSON.append(reject, to: &text)
            check((try? Document(Array(text.dropLast()))) != nil && text.count { $0 == 10 } == 1, "\(reject)")
        }
        guard contract.merge.partitionColumn != nil, !contract.setAside else { return }
        check(report.partitions.reduce(0) { $0 + $1.rows } == report.rowsOut, "\(report)")
        check(report.partitions.reduce(0) { $0 &+ $1.digest } == report.digest, "\(report)")
        check(report.partitions.reduce(0) { $0 + $1.rejects } <= report.rejects, "\(report)")
        check(zip(report.partitions, report.partitions.dropFirst()).allSatisfy { $0.value < $1.value }, "\(report)")
    }
}

/// A staging file reads back as the cells it was written from.
private func checkStaging(_ csv: ArraySlice<UInt8>, _ batch: StagedBatch) {
    var at = csv.startIndex
    for row in 0..<batch.count {
        for column in batch.columns.indices {
            var field: [UInt8] = []
            if at < csv.endIndex, csv[at] == UInt8(ascii: "\"") {
                at += 1
                while at + 1 < csv.endIndex, csv[at] != UInt8(ascii: "\"") || csv[at + 1] == UInt8(ascii: "\"") {
                    if csv[at] == UInt8(ascii: "\"") { at += 1 }
                    field.append(csv[at])
                    at += 1
                }
                at += 1
            } else {
                let end = csv[at...].firstIndex { $0 == UInt8(ascii: ",") || $0 == 10 } ?? csv.endIndex
                field = Array(csv[at..<end])
                at = end
            }
            let last = column == batch.columns.count - 1
            check(
                at < csv.endIndex && csv[at] == (last ? 10 : UInt8(ascii: ",")),
                "row \(row) of a staging file: \(String(decoding: csv, as: UTF8.self))")
            at += 1
            check(reads(field, batch, row, column), "row \(row), \(batch.columns[column].name): \(String(decoding: field, as: UTF8.self))")
        }
    }
    check(at == csv.endIndex, "bytes follow the last row of a batch")
}

private func reads(_ field: [UInt8], _ batch: StagedBatch, _ row: Int, _ column: Int) -> Bool {
    let cell = batch.cell(row, column)
    if cell == StagedBatch.null { return field.isEmpty }
    let text = String(decoding: field, as: UTF8.self)
    switch batch.columns[column].type {
    case .text: return field[...] == batch.text(row, column)
    case .day: return CalendarDay.day(field) == cell
    case .month: return CalendarDay.month(text) == cell
    case .integer: return Int64(text) == cell
    case .flag: return (cell == 0 || cell == 1) && text == "\(cell)"
    case .money, .decimal:
        return PlainNumber.parse(field, scale: 9) == .value(cell, exact: true)
    }
}
