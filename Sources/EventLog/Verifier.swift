import CLMDB
import Dispatch
import Synchronization

/// Checks a log and its objects against themselves, without writing and without trusting any of them.
///
/// Found and located: a change of any byte of an event, its id or key, of an index entry, or of an object; gaps, broken links, events not
/// in canonical form or back in time; entries too many or too few; objects missing or under names that are not theirs.
///
/// Limits: a damaged page structure can crash or hang LMDB itself, so run this in a child process. Bytes no answer depends on (free pages,
/// padding) are not looked at.
package struct Verifier: Sendable {
    /// One thing that is wrong.
    package struct Finding: Hashable, Sendable, CustomStringConvertible {
        /// What kind of thing.
        package enum What: String, Sendable {
            case log = "log"
            case eventPlace = "event.place"
            case eventHash = "event.hash"
            case eventLink = "event.link"
            case eventForm = "event.form"
            case eventTime = "event.time"
            case indexMissing = "index.missing"
            case indexWrong = "index.wrong"
            case indexExtra = "index.extra"
            case objectMissing = "object.missing"
            case objectDamaged = "object.damaged"
            case objectName = "object.name"
        }

        /// The event concerned.
        package let seq: Int64?
        /// The object concerned.
        package let object: Hash256?
        /// What kind of thing.
        package let what: What
        /// One sentence for a person.
        package let detail: String

        /// Kind and sentence.
        package var description: String { "\(what.rawValue): \(detail)" }
    }

    /// How far a run has come.
    package struct Progress: Sendable {
        /// What is being counted.
        package enum Phase: String, Sendable {
            case events, objects
        }

        /// What is being counted.
        package let phase: Phase
        /// How many are done.
        package let done: Int64
        /// How many there are.
        package let total: Int64
        /// How many bytes were read in this phase.
        package let bytes: Int64
    }

    /// What a run found.
    package struct Report: Sendable {
        /// How many events were read.
        package internal(set) var events: Int64 = 0
        /// How many bytes they have.
        package internal(set) var bytes: Int64 = 0
        /// How many objects were hashed.
        package internal(set) var objects: Int64 = 0
        /// How many bytes they have.
        package internal(set) var objectBytes: Int64 = 0
        /// Objects that no event names: leftovers of a crash, harmless.
        package internal(set) var unnamedObjects: Int64 = 0
        /// Missing objects that an event gave up on purpose: how many, by that event.
        package internal(set) var released: [Int64: Int64] = [:]
        /// The last event as stored.
        package internal(set) var head = LogHead.empty
        /// What is wrong, events first, by seq. At most ``Verifier/maxFindings`` are kept.
        package internal(set) var findings: [Finding] = []

        /// Whether nothing is wrong.
        package var isSound: Bool { findings.isEmpty }
        /// The finding with the lowest seq.
        package var firstBadEvent: Finding? { findings.first { $0.seq != nil } }
    }

    /// How many findings a report keeps.
    package static let maxFindings = 1000

    private let folder: String
    private let objects: ObjectStore?
    fileprivate let indexing: EventIndexing
    fileprivate let references: @Sendable (_ type: String, _ body: JSON) -> [Hash256]
    fileprivate let releases: @Sendable (_ type: String, _ body: JSON) -> [Hash256]
    fileprivate let threads: Int

    /// - Parameters:
    ///   - folder: the folder of the log.
    ///   - objects: the store whose objects the events name; nil to leave objects out.
    ///   - indexing: the one the log was written with.
    ///   - references: all objects an event names.
    ///   - releases: objects that an event gives up: missing, they are no damage, unless a later event names them.
    ///   - threads: how many threads hash.
    package init(
        folder: String, objects: ObjectStore?, indexing: @escaping EventIndexing,
        references: @escaping @Sendable (_ type: String, _ body: JSON) -> [Hash256],
        releases: @escaping @Sendable (_ type: String, _ body: JSON) -> [Hash256] = { _, _ in [] }, threads: Int = 2
    ) {
        self.folder = folder
        self.objects = objects
        self.indexing = indexing
        self.references = references
        self.releases = releases
        self.threads = max(1, threads)
    }

    /// Checks everything. Damage is reported, not thrown.
    ///
    /// - Throws: ``EventLogError`` when there is no log, or it cannot be read for reasons that are not damage.
    package func run(progress: (Progress) -> Void = { _ in }) throws -> Report {
        var report = Report()
        var named: Set<Hash256> = []
        var released: [Hash256: Int64] = [:]
        do {
            let log = try EventLog.open(at: folder, mode: .readOnly, indexing: indexing)
            defer { log.close() }
            try log.read { transaction in
                var scan = Scan(core: transaction.core, verifier: self)
                defer {
                    report = scan.report
                    named = scan.named
                    released = scan.released
                }
                try scan.run(progress)
            }
        } catch let error as EventLogError {
            guard [.foreign, .truncated, .newerFormat, .damaged].contains(error.code) else { throw error }
            report.findings.append(Finding(seq: error.seq, object: nil, what: .log, detail: error.message))
        }
        if let objects { try check(objects, named, released, &report, progress) }
        report.findings = Array(Set(report.findings)).sorted {
            ($0.seq ?? .max, $0.what.rawValue, $0.detail) < ($1.seq ?? .max, $1.what.rawValue, $1.detail)
        }
        if report.findings.count > Self.maxFindings { report.findings.removeLast(report.findings.count - Self.maxFindings) }
        return report
    }

    private func check(
        _ store: ObjectStore, _ named: Set<Hash256>, _ released: [Hash256: Int64], _ report: inout Report, _ progress: (Progress) -> Void
    ) throws {
        var present: [Hash256] = []
        let foreign = try store.all { hash, _ in present.append(hash) }
        for path in foreign {
            report.findings.append(Finding(seq: nil, object: nil, what: .objectName, detail: "\(path) is not an object"))
        }
        let there = Set(present)
        for hash in named.subtracting(there) {
            if let event = released[hash] {
                report.released[event, default: 0] += 1
                continue
            }
            report.findings.append(
                Finding(seq: nil, object: hash, what: .objectMissing, detail: "object \(hash) is named by an event but missing"))
        }
        report.unnamedObjects = Int64(there.subtracting(named).count)
        let total = Int64(present.count)
        var next = 0
        while next < present.count {
            let batch = Array(present[next..<min(next + 64, present.count)])
            let results = Guarded<(bytes: Int64, findings: [Finding])>((0, []))
            let turn = Atomic<Int>(0)
            DispatchQueue.concurrentPerform(iterations: min(threads, batch.count)) { _ in
                while true {
                    let index = turn.add(1, ordering: .relaxed).oldValue
                    guard index < batch.count else { return }
                    let (size, finding) = Self.check(batch[index], in: store)
                    results.withLock { results in
                        results.bytes += size
                        if let finding { results.findings.append(finding) }
                    }
                }
            }
            let (bytes, findings) = results.withLock { $0 }
            report.objectBytes += bytes
            report.objects += Int64(batch.count)
            report.findings += findings
            next += batch.count
            progress(Progress(phase: .objects, done: report.objects, total: total, bytes: report.objectBytes))
        }
    }

    private static func check(_ hash: Hash256, in store: ObjectStore) -> (Int64, Finding?) {
        var size: Int64 = 0
        do {
            unsafe try store.chunks(of: hash, size: 1 << 18) { chunk in size += Int64(chunk.count) }
            return (size, nil)
        } catch {
            return (size, Finding(seq: nil, object: hash, what: .objectDamaged, detail: "\(error)"))
        }
    }
}

// MARK: - The log

/// One event as it was found, its bytes in the batch's buffer.
private struct Stored: Sendable {
    let key: Int64?
    let seq: Int64
    let id: Hash256?
    let prev: Hash256
    let bytes: Range<Int>
}

/// What one event should have in the indexes, and what is wrong with it.
private struct Checked: Sendable {
    var seq: Int64 = 0
    var findings: [Verifier.Finding] = []
    var entries = IndexEntries()
    var named: [Hash256] = []
    var released: [Hash256] = []
    var time: Timestamp?
    var hasRun = false
}

private struct Scan: ~Copyable {
    let core: TransactionCore
    let verifier: Verifier
    var report = Verifier.Report()
    var named: Set<Hash256> = []
    /// Objects given up by an event and named by none after it.
    var released: [Hash256: Int64] = [:]
    private var captures: [Int64: (object: Hash256, live: Bool)] = [:]
    private var keys: [Hash256: Int64] = [:]
    private var runs: Int64 = 0
    private var lastTime: Timestamp?
    private var indexedTo: Int64 = 0
    private var missing = false

    init(core: TransactionCore, verifier: Verifier) {
        self.core = core
        self.verifier = verifier
    }

    private mutating func find(_ what: Verifier.Finding.What, _ seq: Int64?, object: Hash256? = nil, _ detail: String) {
        report.findings.append(Verifier.Finding(seq: seq, object: object, what: what, detail: detail))
    }

    mutating func run(_ progress: (Verifier.Progress) -> Void) throws {
        var stat = MDB_stat()
        unsafe mdb_stat(core.transaction.handle, core.transaction.tables[Table.events.rawValue], &stat)
        let total = Int64(stat.ms_entries)
        do {
            indexedTo = try core.indexedTo()
        } catch let error as EventLogError where error.code == .damaged {
            find(.indexWrong, error.seq, error.message)
        }
        let cursor = try Cursor(core.transaction, .events)
        var entry = unsafe try cursor.move(MDB_FIRST)
        var last = LogHead.empty
        while unsafe entry != nil {
            var buffer: [UInt8] = []
            var batch: [Stored] = []
            while let (key, value) = unsafe entry, batch.count < 4096, buffer.count < 1 << 23 {
                let id = unsafe value.count > 32 ? Hash256(raw: value) : nil
                let start = buffer.count
                if id != nil { unsafe buffer.append(contentsOf: UnsafeRawBufferPointer(rebasing: value[32...])) }
                batch.append(
                    Stored(
                        key: unsafe key.count == 8 ? key.seq() : nil, seq: last.seq + 1, id: id, prev: last.id, bytes: start..<buffer.count)
                )
                last = LogHead(seq: last.seq + 1, id: id ?? .zero)
                unsafe entry = try cursor.move(MDB_NEXT)
            }
            try check(batch, buffer)
            report.events = last.seq
            report.bytes += Int64(buffer.count)
            report.head = last
            progress(Verifier.Progress(phase: .events, done: last.seq, total: total, bytes: report.bytes))
        }
        if last.seq != total { find(.log, nil, "the log counts \(total) events, but \(last.seq) are there") }
        if indexedTo > last.seq { find(.indexWrong, nil, "the indexes claim to reach event \(indexedTo) of \(last.seq)") }
        try checkCaptures()
        try checkKeys()
        for table in [Table.ids, .byStream, .byType, .byRun] { try checkEntries(table) }
    }

    private mutating func check(_ batch: [Stored], _ buffer: [UInt8]) throws {
        let threads = verifier.threads
        let size = (batch.count + threads - 1) / threads
        let results = Guarded<[[Checked]]>(Array(repeating: [], count: threads))
        let failure = Guarded<(any Error)?>(nil)
        let log = core.log
        let verifier = verifier
        let indexedTo = indexedTo
        DispatchQueue.concurrentPerform(iterations: threads) { part in
            let mine = batch[min(part * size, batch.count)..<min((part + 1) * size, batch.count)]
            do {
                let checked = try log.read { transaction in
                    try mine.map { try Self.check($0, buffer, transaction.core, verifier, indexedTo) }
                }
                results.withLock { $0[part] = checked }
            } catch {
                failure.withLock { $0 = error }
            }
        }
        if let error = failure.withLock({ $0 }) { throw error }
        for checked in results.withLock({ $0 }) { for event in checked { fold(event) } }
    }

    /// Keeps what the checks of the small tables need, in log order.
    private mutating func fold(_ event: Checked) {
        if report.findings.count < 100 * Verifier.maxFindings { report.findings += event.findings }
        if event.findings.contains(where: { $0.what == .indexMissing }) { missing = true }
        named.formUnion(event.named)
        for hash in event.named { released[hash] = nil }
        for hash in event.released { released[hash] = event.seq }
        if event.hasRun, event.seq <= indexedTo { runs += 1 }
        if let object = event.entries.object { captures[event.seq] = (object, true) }
        for (capture, live) in event.entries.liveness {
            if captures[capture] == nil {
                find(.eventForm, event.seq, "event \(event.seq) retracts or reinstates \(capture), which is no capture before it")
            }
            captures[capture]?.live = live
        }
        if let key = event.entries.key, let earlier = keys.updateValue(event.seq, forKey: Hash256(hashing: Array(key.utf8))) {
            find(.eventForm, event.seq, "event \(event.seq) carries the same idempotence key as event \(earlier)")
        }
        if let time = event.time {
            if let lastTime, time < lastTime {
                find(.eventTime, event.seq, "event \(event.seq) is earlier (\(time)) than the one before (\(lastTime))")
            }
            lastTime = time
        }
    }

    /// Checks one event by itself, its link, and that the big tables know it.
    private static func check(
        _ stored: Stored, _ buffer: [UInt8], _ core: TransactionCore, _ verifier: Verifier, _ indexedTo: Int64
    ) throws -> Checked {
        var result = Checked()
        let seq = stored.seq
        result.seq = seq
        func find(_ what: Verifier.Finding.What, _ detail: String) {
            result.findings.append(Verifier.Finding(seq: seq, object: nil, what: what, detail: detail))
        }
        if stored.key != seq {
            find(.eventPlace, "where event \(seq) should be, the key says \(stored.key.map { "\($0)" } ?? "something that is no seq")")
        }
        // Reading by seq goes through branch pages, which the walk from leaf to leaf never looks at.
        if unsafe try core.transaction.event(seq) == nil { find(.eventPlace, "event \(seq) is there, but is not found by its seq") }
        guard let id = stored.id else {
            find(.eventForm, "event \(seq) is too short to be one")
            return result
        }
        let bytes = Array(buffer[stored.bytes])
        let actual = Hash256(hashing: bytes)
        if actual != id { find(.eventHash, "event \(seq) hashes to \(actual), but its id is \(id)") }
        let event: Event
        do throws(JSONError) {
            event = try Event(bytes, id: actual)
        } catch {
            find(.eventForm, "event \(seq) is not a canonical event: \(error)")
            return result
        }
        if event.seq != seq { find(.eventPlace, "event \(seq) says that it is event \(event.seq)") }
        if event.prev != stored.prev { find(.eventLink, "event \(seq) links to \(event.prev), but event \(seq - 1) is \(stored.prev)") }
        result.time = event.time
        result.entries = verifier.indexing(event.type, event.body)
        result.named = verifier.references(event.type, event.body)
        result.released = verifier.releases(event.type, event.body)
        result.hasRun = event.run != nil
        guard seq <= indexedTo else { return result }
        let place = seqBytes(seq)
        if let value = unsafe try core.transaction.get(.ids, actual.bytes) {
            if unsafe !value.elementsEqual(place) { find(.indexWrong, "ids names another place for event \(seq)") }
        } else {
            find(.indexMissing, "ids does not know event \(seq) (\(actual))")
        }
        var wanted = [(Table.byStream, event.stream), (.byType, event.type)]
        if let run = event.run { wanted.append((.byRun, run)) }
        for (table, name) in wanted {
            if let value = unsafe try core.transaction.get(table, Array(name.utf8) + [0] + place) {
                if value.count != 0 { find(.indexWrong, "\(table.name) has a value for event \(seq)") }
            } else {
                find(.indexMissing, "\(table.name) does not name event \(seq) under \"\(name)\"")
            }
        }
        return result
    }

    private mutating func checkCaptures() throws {
        for (seq, capture) in captures.sorted(by: { $0.key < $1.key }) {
            guard let value = unsafe try core.transaction.get(.byObject, capture.object.bytes + seqBytes(seq)) else {
                find(.indexMissing, seq, object: capture.object, "by_object does not name capture \(seq) of object \(capture.object)")
                continue
            }
            guard unsafe Liveness.read(value) == capture.live else {
                find(
                    .indexWrong, seq, object: capture.object,
                    "by_object should say that capture \(seq) is \(capture.live ? "live" : "retracted")")
                continue
            }
        }
        let cursor = try Cursor(core.transaction, .byObject)
        var entry = unsafe try cursor.move(MDB_FIRST)
        while let (key, _) = unsafe entry {
            let object = unsafe key.count == 40 ? Hash256(raw: key) : nil
            let seq = unsafe key.seq(at: 32)
            if object == nil || seq == nil || seq.flatMap({ captures[$0]?.object }) != object {
                find(
                    .indexExtra, seq.flatMap { captures[$0] == nil ? nil : $0 }, object: object,
                    "by_object has an entry for event \(Self.text(seq)) that no event made")
            }
            unsafe entry = try cursor.move(MDB_NEXT)
        }
    }

    private mutating func checkKeys() throws {
        for (key, seq) in keys.sorted(by: { $0.value < $1.value }) {
            guard let value = unsafe try core.transaction.get(.byKey, key.bytes) else {
                find(.indexMissing, seq, "by_key does not name event \(seq)")
                continue
            }
            if unsafe !value.elementsEqual(seqBytes(seq)) { find(.indexWrong, seq, "by_key names another place for event \(seq)") }
        }
        let cursor = try Cursor(core.transaction, .byKey)
        var entry = unsafe try cursor.move(MDB_FIRST)
        while let (key, value) = unsafe entry {
            let seq = unsafe value.seq()
            if unsafe key.count != 32 || keys[Hash256(raw: key)] == nil {
                find(.indexExtra, nil, "by_key has an entry for event \(Self.text(seq)) that no event made")
            }
            unsafe entry = try cursor.move(MDB_NEXT)
        }
    }

    /// Every event was looked up already, so a table with the right number of entries has no others.
    private mutating func checkEntries(_ table: Table) throws {
        let expected = table == .byRun ? runs : min(indexedTo, report.events)
        let cursor = try Cursor(core.transaction, table)
        var count: Int64 = 0
        var entry = unsafe try cursor.move(MDB_FIRST)
        while unsafe entry != nil {
            count += 1
            unsafe entry = try cursor.move(MDB_NEXT)
        }
        guard count != expected || missing else { return }
        unsafe entry = try cursor.move(MDB_FIRST)
        while let (key, value) = unsafe entry {
            let bytes = unsafe Array(key)
            let seq = unsafe table == .ids ? value.seq() : key.seq(at: key.count - 8)
            if try !belongs(table, bytes, seq) {
                find(.indexExtra, nil, "\(table.name) has an entry for event \(Self.text(seq)) that no event made")
            }
            unsafe entry = try cursor.move(MDB_NEXT)
        }
        if count != expected { find(.indexExtra, nil, "\(table.name) has \(count) entries; the events make \(expected)") }
    }

    private func belongs(_ table: Table, _ key: [UInt8], _ seq: Int64?) throws -> Bool {
        guard let seq, seq <= indexedTo, let value = unsafe try core.transaction.event(seq), value.count > 32 else { return false }
        let bytes = unsafe Array(value[32...])
        guard let event = try? Event(canonical: bytes) else { return true }
        let name: String
        switch table {
        case .ids: return key == event.id.bytes
        case .byStream: name = event.stream
        case .byType: name = event.type
        default:
            guard let run = event.run else { return false }
            name = run
        }
        return key == Array(name.utf8) + [0] + seqBytes(seq)
    }

    private static func text(_ seq: Int64?) -> String { seq.map { "\($0)" } ?? "?" }
}
