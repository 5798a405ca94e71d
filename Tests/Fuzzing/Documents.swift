@testable import Cleaning
@testable import EventLog

/// JSON as services answer it: `<service>/<dataset>`, a line feed, the landing file.
@Sendable func fuzzDocument(_ input: [UInt8]) {
    guard let (contract, rest) = Subjects.choose(input, where: { if case .json = $0.shape { true } else { false } }) else { return }
    var chance = InputChance(input)
    let bytes = expanded(rest, limit: 300_000)
    checkDocument(bytes, &chance)
    checkLanding(bytes, contract, &chance)
    checkProtected(bytes, contract, Subjects.facts(contract, &chance))
}

/// Saved pages: `<service>/<dataset>`, a line feed, the landing file.
@Sendable func fuzzPage(_ input: [UInt8]) {
    guard let (contract, rest) = Subjects.choose(input, where: { if case .script = $0.shape { true } else { false } }) else { return }
    var chance = InputChance(input)
    let html = expanded(rest, limit: 300_000)
    for (after, longest) in [(nil, true), (nil, false), (Array("chart".utf8), false)] as [([UInt8]?, Bool)] {
        guard let series = try? PageScript.series(html, after: after, longest: longest, requires: nil) else { continue }
        check(PageScript.mayHold(html, after: after, requires: nil), "a page with a list that may hold none")
        check(series.kind(series.root) == .array, "a series that is no list")
        let range = series.range(series.root)
        check(range.upperBound <= html.count && html[range.lowerBound] == UInt8(ascii: "["), "a series outside the page")
        checkCompact(series)
    }
    checkLanding(html, contract, &chance)
    checkProtected(html, contract, Subjects.facts(contract, &chance))
}

private func checkDocument(_ bytes: [UInt8], _ chance: inout InputChance) {
    switch attempt(CleaningError.self, { try Document(bytes) }) {
    case .failure(let error):
        check(error.byte.map { (0...Int64(bytes.count)).contains($0) } ?? false, "\(error) in \(bytes.count) bytes")
        check(error.line.map { (1...Int64(bytes.count { $0 == 10 } + 1)).contains($0) } ?? false, "\(error)")
        check((try? JSON.parse(bytes)) == nil, "the log's parser reads what this one refuses: \(error)")
    case .success(let document):
        checkCompact(document)
        // The head of a file that is whole never speaks against it.
        for _ in 0..<4 {
            let head = Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &chance)))
            switch attempt(CleaningError.self, { try Document(head, lenient: true) }) {
            case .success(let cut): checkCompact(cut)
            case .failure(let error): check(false, "the first \(head.count) bytes of a good document: \(error)")
            }
        }
        let twice = attempt(CleaningError.self) { try Document.all(bytes + [10] + bytes) }
        check(twice.value?.count == 2, "a document twice is not two: \(String(describing: twice.failure))")
        for again in twice.value ?? [] { check(same(document, document.root, again, again.root), "a document twice is another one") }
    }
    if let all = try? Document.all(bytes) {
        for document in all { checkCompact(document) }
    }
}

/// A document written on one line is the same document.
private func checkCompact(_ document: Document) {
    var line: [UInt8] = []
    document.compact(document.root, into: &line)
    switch attempt(CleaningError.self, { try Document(line) }) {
    case .failure(let error): check(false, "compact: \(error): \(String(decoding: line.prefix(200), as: UTF8.self))")
    case .success(let again):
        check(
            same(document, document.root, again, again.root), "compact: another tree: \(String(decoding: line.prefix(200), as: UTF8.self))")
        var twice: [UInt8] = []
        again.compact(again.root, into: &twice)
        check(twice == line, "compact twice: \(String(decoding: line.prefix(200), as: UTF8.self))")
    }
}

private func same(_ a: Document, _ left: Document.Node, _ b: Document, _ right: Document.Node) -> Bool {
    guard a.kind(left) == b.kind(right), a.text(left) == b.text(right), a.rawKey(left) == b.rawKey(right) else { return false }
    var (one, other) = (a.first(in: left), b.first(in: right))
    while let x = one, let y = other {
        guard same(a, x, b, y) else { return false }
        (one, other) = (a.next(after: x, in: left), b.next(after: y, in: right))
    }
    return one == nil && other == nil
}

/// From the landing file to rows: every record is a line of raw, every line of raw a row, a reject or a total.
private func checkLanding(_ bytes: [UInt8], _ contract: Contract, _ chance: inout InputChance) {
    guard let (raw, report) = unpacked(bytes, contract) else { return }
    guard !contract.setAside else { return }
    check(report.bytesOut == raw.count && !report.isIdentity, "\(report)")
    check(raw.isEmpty || raw.last == 10, "raw does not end with a line end")
    let lines = raw.split(separator: 10, omittingEmptySubsequences: false).dropLast()
    for line in lines {
        let record = attempt(CleaningError.self) { try Document(Array(line)) }
        check(record.value.map { $0.kind($0.root) == .object } ?? false, "a raw line: \(String(decoding: line.prefix(200), as: UTF8.self))")
    }
    let facts = Subjects.facts(contract, &chance)
    let whole = Outcome(of: [raw[...]], contract, facts)
    whole.checkAgainst(raw, contract)
    if let report = whole.report { check(report.rowsIn + report.skipped == lines.count, "\(lines.count) lines: \(report)") }
    checkPieces(raw, whole, contract, facts, &chance)
}

/// The raw file of a landing file, or nil if it is held back.
func unpacked(_ landing: [UInt8], _ contract: Contract) -> (raw: [UInt8], report: UnpackReport)? {
    var raw: [UInt8] = []
    let report = attempt(CleaningError.self) {
        try Cleaner.unpack(ByteSource(landing), under: contract) { raw.append(contentsOf: $0) }
    }
    switch report {
    case .success(let report): return (report.isIdentity ? landing : raw, report)
    case .failure(let error):
        check(error.byte.map { $0 >= 0 } ?? true, "\(error)")
        return nil
    }
}
