import CZlib
import Cleaning
import Foundation
import Testing

/// The folder that holds `zones` and `Tests`.
let checkout = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

func contract(_ stream: String) throws -> Contract {
    try Contract.parse(Array(Data(contentsOf: checkout.appending(path: "zones/\(stream).yml"))), path: "zones/\(stream).yml")
}

func contract(yaml: String) throws -> Contract {
    try Contract.parse(Array(yaml.utf8), path: "zones/service/dataset.yml")
}

/// A contract whose columns are all that matters; nobody's file, every line a row of its own.
func contract(format: String, columns: [String], keyed by: String? = nil, more: String = "") throws -> Contract {
    try contract(
        yaml: """
            title: Made up
            names: [x.csv]
            account: ask
            format: {\(format)}
            columns:
            \(columns.map { "  - {\($0)}" }.joined(separator: "\n"))
            merge: \(by.map { "{upsert: [\($0)]}" } ?? "append")
            \(more)
            """)
}

/// The protected form of a text; equal values get equal pseudonyms, `p1:<group>:k:<hex>`.
func protect(_ text: String, _ contract: Contract) throws -> (text: String, report: ProtectionReport) {
    let made = try Cleaner.protect(ByteSource(Array(text.utf8)), under: contract) { group, value in
        Array("p1:\(group):k:\(String(value.map { UInt64($0) }.reduce(7) { $0 &* 31 &+ $1 }, radix: 16))".utf8)
    }
    return (String(decoding: made.bytes, as: UTF8.self), made.report)
}

/// Every contract that ships.
func allContracts() throws -> [Contract] {
    let zones = checkout.appending(path: "zones")
    let list = FileManager.default.enumerator(atPath: zones.path())?.compactMap { $0 as? String } ?? []
    return try list.sorted().filter { $0.hasSuffix(".yml") && !$0.hasSuffix("service.yml") && $0.contains("/") }.map {
        try contract(String($0.dropLast(4)))
    }
}

/// Keeps everything, rows as values that do not depend on how they were batched.
struct Collector: RowSink, Equatable {
    var csv: [UInt8] = []
    var rejects: [Reject] = []
    var lines: [Int64] = []
    var hashes: [UInt64] = []
    var cells: [String] = []
    var batches = 0
    var largestBatch = 0

    mutating func take(_ batch: StagedBatch) {
        batches += 1
        largestBatch = max(largestBatch, batch.count)
        StagingCSV.append(batch, to: &csv)
        lines += batch.lines.prefix(batch.count)
        hashes += batch.hashes.prefix(batch.count)
        for row in 0..<batch.count {
            for column in batch.columns.indices {
                let text = batch.columns[column].type == .text
                cells.append(
                    text ? String(decoding: batch.text(row, column), as: UTF8.self) : String(batch.cell(row, column)))
            }
        }
    }

    mutating func take(_ rejects: [Reject]) { self.rejects += rejects }

    static func == (a: Collector, b: Collector) -> Bool {
        a.csv == b.csv && a.rejects == b.rejects && a.lines == b.lines && a.hashes == b.hashes && a.cells == b.cells
    }
}

/// What cleaning gave, an error included.
struct Outcome: Equatable {
    var sink = Collector()
    var report: CleaningReport?
    var error: CleaningError?
}

func clean(_ pieces: [ArraySlice<UInt8>], _ contract: Contract, _ facts: CaptureFacts, batchRows: Int = 1_000) throws -> Outcome {
    var outcome = Outcome()
    var cleaner = Cleaner(contract: contract, facts: facts, batchRows: batchRows)
    do {
        for piece in pieces { try cleaner.push(Array(piece), to: &outcome.sink) }
        outcome.report = try cleaner.finish(to: &outcome.sink)
    } catch let error as CleaningError {
        outcome.error = error
        // What a failed file delivered before does not count.
        outcome.sink = Collector()
    }
    return outcome
}

func clean(_ text: String, _ contract: Contract, _ facts: CaptureFacts = CaptureFacts(fileName: "x.csv")) throws -> Outcome {
    try clean([Array(text.utf8)[...]], contract, facts)
}

/// Landing bytes to raw bytes.
func unpack(_ bytes: [UInt8], _ contract: Contract) throws -> (raw: [UInt8], report: UnpackReport) {
    var raw: [UInt8] = []
    let report = try Cleaner.unpack(ByteSource(bytes), under: contract) { raw.append(contentsOf: $0) }
    return (report.isIdentity ? bytes : raw, report)
}

/// Facts as the name and nothing else gives them.
func facts(_ name: String, _ contract: Contract, downloadedOn: String? = nil) -> CaptureFacts {
    let match = contract.match(fileName: name)
    return CaptureFacts(
        fileName: name, account: match?.account ?? "someone", fields: match?.fields ?? [:],
        downloadedOn: downloadedOn.flatMap { CalendarDay.day($0) }, firstDay: match?.firstDay)
}

/// A small random source; the seed of each test is printed with its failure.
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// Writes ZIPs, honest and otherwise.
struct ZIPWriter {
    struct Member {
        var name: String
        var bytes: [UInt8]
        var deflate = true
        var encrypted = false
        var method: Int?
        var localName: String?
        var declared: Int?
        var crc: UInt32?
    }

    static func write(_ members: [Member], comment: String = "") -> [UInt8] {
        var out: [UInt8] = []
        var directory: [UInt8] = []
        for member in members {
            let packed = member.deflate ? deflated(member.bytes) : member.bytes
            let sum = member.crc ?? UInt32(crc32(0, member.bytes, UInt32(member.bytes.count)))
            let start = out.count
            let method = member.method ?? (member.deflate ? 8 : 0)
            let common =
                word(20, 2) + word(member.encrypted ? 1 : 0, 2) + word(method, 2) + word(0, 4) + word(Int(sum), 4) + word(packed.count, 4)
                + word(member.declared ?? member.bytes.count, 4)
            let local = Array((member.localName ?? member.name).utf8)
            out += word(0x0403_4B50, 4) + common + word(local.count, 2) + word(0, 2) + local + packed
            directory += word(0x0201_4B50, 4) + word(20, 2) + common + word(member.name.utf8.count, 2) + word(0, 12) + word(start, 4)
            directory += Array(member.name.utf8)
        }
        let at = out.count
        out += directory + word(0x0605_4B50, 4) + word(0, 4) + word(members.count, 2) + word(members.count, 2) + word(directory.count, 4)
        return out + word(at, 4) + word(comment.utf8.count, 2) + Array(comment.utf8)
    }

    private static func word(_ value: Int, _ size: Int) -> [UInt8] {
        (0..<size).map { $0 < 8 ? UInt8(truncatingIfNeeded: value >> (8 * $0)) : 0 }
    }

    static func deflated(_ bytes: [UInt8]) -> [UInt8] {
        var stream = z_stream()
        deflateInit2_(&stream, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        defer { deflateEnd(&stream) }
        var input = bytes
        var out = [UInt8](repeating: 0, count: bytes.count + 1_024)
        let made = input.withUnsafeMutableBufferPointer { source in
            out.withUnsafeMutableBufferPointer { target in
                stream.next_in = source.baseAddress
                stream.avail_in = UInt32(source.count)
                stream.next_out = target.baseAddress
                stream.avail_out = UInt32(target.count)
                let status = deflate(&stream, Z_FINISH)
                precondition(status == Z_STREAM_END)
                return target.count - Int(stream.avail_out)
            }
        }
        return Array(out.prefix(made))
    }
}
