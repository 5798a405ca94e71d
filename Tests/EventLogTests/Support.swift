import EventLog
import Glibc
import Testing

/// A folder of its own for one test, removed with it.
final class TemporaryFolder {
    let path: String

    init() throws {
        var template = Array("/tmp/bedrot-test-XXXXXX".utf8CString)
        let made: String? = template.withUnsafeMutableBufferPointer { name in
            guard let base = name.baseAddress, let made = mkdtemp(base) else { return nil }
            return String(cString: made)
        }
        path = try #require(made)
    }

    deinit { Self.remove(path) }

    static func remove(_ path: String) {
        if let stream = opendir(path) {
            while let entry = readdir(stream) {
                let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
                if name != ".", name != ".." { remove("\(path)/\(name)") }
            }
            closedir(stream)
            rmdir(path)
        } else {
            unlink(path)
        }
    }
}

/// A small generator whose whole sequence follows from its seed.
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}

/// The made-up vocabulary of these tests: `object` makes a capture, `retracts` and `reinstates` change one, `key` is the idempotence key.
let indexing: EventIndexing = { _, body in
    var entries = IndexEntries(object: body["object"]?.string.flatMap { Hash256(hex: $0) }, key: body["key"]?.string)
    if let seq = body["retracts"]?.int { entries.liveness.append((seq, false)) }
    if let seq = body["reinstates"]?.int { entries.liveness.append((seq, true)) }
    return entries
}

let start = Timestamp(milliseconds: 1_750_000_000_000)

func draft(
    _ body: JSON = [:], stream: String = "demo/daily", type: String = "demo.noted", run: String? = nil, after milliseconds: Int64 = 0
) -> EventDraft {
    EventDraft(
        stream: stream, type: type, actor: "os:1000", run: run, time: Timestamp(milliseconds: start.milliseconds + milliseconds), body: body
    )
}

func makeLog(_ folder: TemporaryFolder, options: Options = Options()) throws -> EventLog {
    try EventLog.create(at: folder.path + "/log", indexing: indexing, options: options)
}

func reopen(_ folder: TemporaryFolder, mode: EventLog.Mode = .readWrite, options: Options = Options()) throws -> EventLog {
    try EventLog.open(at: folder.path + "/log", mode: mode, indexing: indexing, options: options)
}

/// Runs `body` and gives the code of the `EventLogError` it throws.
func code(_ body: () throws -> Void) -> EventLogError.Code? {
    do {
        try body()
        return nil
    } catch {
        return (error as? EventLogError)?.code
    }
}
