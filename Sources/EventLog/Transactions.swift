import CLMDB
import Glibc

/// A running transaction on a log. Its parts are private to this module; use ``ReadTransaction`` and ``WriteTransaction``.
package struct TransactionCore {
    let log: EventLog
    var transaction: Transaction
}

/// What both kinds of transaction can read.
package protocol LogReading: ~Copyable {
    /// The transaction itself; of use inside this module only.
    var core: TransactionCore { get }
}

/// One unchanging state of the log. Lives only inside ``EventLog/read(_:)``.
package struct ReadTransaction: ~Copyable, LogReading {
    /// Of use inside this module only.
    package let core: TransactionCore
}

extension LogReading where Self: ~Copyable {
    /// The last event's seq and id, checked against its bytes.
    package func head() throws -> LogHead { try core.head() }

    /// How far the indexes reach; events beyond are found by scanning.
    package func indexedTo() throws -> Int64 { try core.indexedTo() }

    /// One event, its id recomputed; nil if the log has no such seq.
    ///
    /// - Throws: `.damaged`, naming the seq, if the stored bytes are not those that were hashed.
    package func event(_ seq: Int64) throws -> Event? { try core.event(seq) }

    /// The canonical bytes of one event, where they lie in the map, their id recomputed.
    ///
    /// The span cannot outlive the transaction: the compiler refuses to let it out of the closure, and to append while it lives.
    @_lifetime(borrow self)
    package func bytes(_ seq: Int64) throws -> Span<UInt8>? {
        guard let stored = unsafe try core.checked(seq) else { return nil }
        return unsafe _overrideLifetime(stored.bytes.assumingMemoryBound(to: UInt8.self).span, borrowing: self)
    }

    /// The id of one event, recomputed from its bytes.
    package func id(_ seq: Int64) throws -> Hash256? {
        guard let stored = unsafe try core.checked(seq) else { return nil }
        return unsafe stored.id
    }

    /// The place of the event with this id.
    package func seq(ofID id: Hash256) throws -> Int64? { try core.seq(ofID: id) }

    /// The event that carries this idempotence key.
    package func seq(forKey key: String) throws -> Int64? { try core.seq(forKey: key) }

    /// The captures of an object, in log order, with their liveness at this state.
    package func captures(of object: Hash256) throws -> [(seq: Int64, live: Bool)] { try core.captures(of: object) }

    /// Whether a capture is live; nil if that event is not a capture or does not exist.
    package func isLive(capture seq: Int64) throws -> Bool? {
        guard let event = try core.event(seq), let object = core.log.indexing(event.type, event.body).object else { return nil }
        return try core.liveness(of: object, seq)
    }

    /// Hands over the events that match, in the order asked for, until `body` returns false.
    ///
    /// The narrowest index given is used, and the events beyond `indexed_to` are scanned. Each event's id is recomputed.
    package func events(_ query: EventQuery, _ body: (Event) throws -> Bool) throws { try core.events(query, body) }

    /// The matching events in an array; for answers known to be small.
    package func events(_ query: EventQuery) throws -> [Event] {
        var found: [Event] = []
        try core.events(query) { event in
            found.append(event)
            return true
        }
        return found
    }

    /// Walks the events after `head` in order, checking each id, link, place and canonical form: the fast path of a replay.
    ///
    /// - Parameters:
    ///   - head: where to begin; its id must be the `prev` of the next event.
    ///   - last: the last seq to read; nil for all.
    ///   - body: gets seq, id and the bytes in the map, which are not valid after it returns; returns false to stop.
    /// - Returns: the last event that was checked.
    @discardableResult
    package func scanVerifying(
        after head: LogHead = .empty, through last: Int64? = nil,
        _ body: (_ seq: Int64, _ id: Hash256, _ bytes: UnsafeRawBufferPointer) throws -> Bool
    ) throws -> LogHead {
        unsafe try core.scan(after: head, through: last, body)
    }
}

// MARK: - Reading

extension TransactionCore {
    func format() throws -> Int64 {
        guard let value = unsafe try transaction.get(.meta, Array("format".utf8)), let format = unsafe value.seq(), value.count == 8 else {
            throw EventLogError(.foreign, "\(transaction.file) does not say its format: it is not a Bedrot ledger's log, or it is damaged.")
        }
        return format
    }

    func head() throws(EventLogError) -> LogHead {
        guard let (key, value) = unsafe try transaction.last() else { return .empty }
        var stat = MDB_stat()
        unsafe mdb_stat(transaction.handle, transaction.tables[Table.events.rawValue], &stat)
        guard let seq = unsafe key.seq(), key.count == 8, seq == Int64(stat.ms_entries) else {
            throw EventLogError(
                .damaged, "the last event of \(transaction.file) does not fit the \(stat.ms_entries) events there. Run `bedrot verify`.",
                seq: Int64(stat.ms_entries))
        }
        return LogHead(seq: seq, id: unsafe try check(seq, value).id)
    }

    /// The stored id and bytes of an event, checked against each other; valid until the transaction writes or ends.
    @unsafe func checked(_ seq: Int64) throws(EventLogError) -> (id: Hash256, bytes: UnsafeRawBufferPointer)? {
        guard seq > 0, let value = unsafe try transaction.event(seq) else { return nil }
        return unsafe try check(seq, value)
    }

    @unsafe private func check(
        _ seq: Int64, _ value: UnsafeRawBufferPointer
    ) throws(EventLogError) -> (id: Hash256, bytes: UnsafeRawBufferPointer) {
        guard value.count > 32 else { throw damaged(seq, "it is only \(value.count) bytes long") }
        let id = unsafe Hash256(raw: value)
        let bytes = unsafe UnsafeRawBufferPointer(rebasing: value[32...])
        guard unsafe Hash256(hashing: bytes) == id else { throw damaged(seq, "its bytes do not hash to its id \(id)") }
        return unsafe (id, bytes)
    }

    func damaged(_ seq: Int64, _ what: String) -> EventLogError {
        EventLogError(
            .damaged, "event \(seq) in \(transaction.file) is damaged: \(what). Run `bedrot verify`, then restore the log from a backup.",
            seq: seq)
    }

    func event(_ seq: Int64) throws -> Event? {
        guard let stored = unsafe try checked(seq) else { return nil }
        return unsafe try event(seq, id: stored.id, bytes: stored.bytes)
    }

    @unsafe func event(_ seq: Int64, id: Hash256, bytes: UnsafeRawBufferPointer) throws -> Event {
        do throws(JSONError) {
            let event = try Event(unsafe Array(bytes), id: id)
            guard event.seq == seq else { throw JSONError(.notCanonical, at: -1, "it says that it is event \(event.seq)") }
            return event
        } catch {
            throw damaged(seq, error.description)
        }
    }

    func indexedTo() throws -> Int64 {
        guard let value = unsafe try transaction.get(.meta, Array("indexed_to".utf8)), value.count == 40, let seq = unsafe value.seq()
        else {
            throw EventLogError(.damaged, "\(transaction.file) does not say how far its indexes reach. Run `bedrot verify`.")
        }
        // The id beside the number keeps a damaged number from hiding events.
        let id = unsafe Hash256(raw: UnsafeRawBufferPointer(rebasing: value[8...]))
        guard try seq == 0 ? id == .zero : unsafe checked(seq)?.id == id else {
            throw EventLogError(.damaged, "indexed_to of \(transaction.file) names no event (\(seq)). Run `bedrot verify`.", seq: seq)
        }
        return seq
    }

    func seq(ofID id: Hash256) throws -> Int64? {
        if let value = unsafe try transaction.get(.ids, id.bytes) {
            guard let seq = unsafe value.seq(), value.count == 8, try unsafe checked(seq)?.id == id else {
                throw EventLogError(.damaged, "the index entry of event \(id) in \(transaction.file) is wrong. Run `bedrot verify`.")
            }
            return seq
        }
        // Not indexed yet, or unknown: the stored ids are quick to look through, newest first.
        let cursor = try Cursor(transaction, .events)
        var entry = unsafe try cursor.move(MDB_LAST)
        while let (key, value) = unsafe entry {
            if value.count > 32, unsafe Hash256(raw: value) == id, let seq = unsafe key.seq() {
                return unsafe try checked(seq).map { _ in seq }
            }
            unsafe entry = try cursor.move(MDB_PREV)
        }
        return nil
    }

    func seq(forKey key: String) throws -> Int64? {
        guard let value = unsafe try transaction.get(.byKey, Hash256(hashing: Array(key.utf8)).bytes) else { return nil }
        guard let seq = unsafe value.seq(), value.count == 8, let event = try event(seq), log.indexing(event.type, event.body).key == key
        else {
            throw EventLogError(.damaged, "the index entry of key \"\(key)\" in \(transaction.file) is wrong. Run `bedrot verify`.")
        }
        return seq
    }

    func captures(of object: Hash256) throws -> [(seq: Int64, live: Bool)] {
        let prefix = object.bytes
        let cursor = try Cursor(transaction, .byObject)
        var found: [(seq: Int64, live: Bool)] = []
        var entry = unsafe try cursor.seek(prefix)
        while let (key, value) = unsafe entry, key.count == 40, unsafe key.starts(with: prefix) {
            guard let seq = unsafe key.seq(at: 32), let live = unsafe Liveness.read(value) else {
                throw EventLogError(.damaged, "an index entry of object \(object) in \(transaction.file) is wrong. Run `bedrot verify`.")
            }
            found.append((seq, live))
            unsafe entry = try cursor.move(MDB_NEXT)
        }
        return found
    }

    func liveness(of object: Hash256, _ seq: Int64) throws -> Bool {
        guard let value = unsafe try transaction.get(.byObject, object.bytes + seqBytes(seq)), let live = unsafe Liveness.read(value) else {
            throw EventLogError(
                .damaged, "the index entry of capture \(seq) in \(transaction.file) is missing or wrong. Run `bedrot verify`.", seq: seq)
        }
        return live
    }

    @unsafe func scan(
        after head: LogHead, through last: Int64?, _ body: (Int64, Hash256, UnsafeRawBufferPointer) throws -> Bool
    ) throws -> LogHead {
        let cursor = try Cursor(transaction, .events)
        var checkedTo = head
        var entry = unsafe try cursor.seek(seqBytes(head.seq + 1))
        while let (key, value) = unsafe entry {
            let seq = checkedTo.seq + 1
            if let last, seq > last { return checkedTo }
            guard unsafe key.seq() == seq, key.count == 8 else { throw damaged(seq, "it is missing") }
            let (id, bytes) = unsafe try check(seq, value)
            do throws(JSONError) {
                let fields = try EnvelopeFields(unsafe bytes.assumingMemoryBound(to: UInt8.self).span)
                guard fields.seq == seq else { throw JSONError(.notCanonical, at: -1, "it says that it is event \(fields.seq)") }
                guard fields.prev == checkedTo.id else { throw JSONError(.notCanonical, at: -1, "prev is not the id of event \(seq - 1)") }
            } catch {
                throw damaged(seq, error.description)
            }
            checkedTo = LogHead(seq: seq, id: id)
            guard unsafe try body(seq, id, bytes) else { return checkedTo }
            unsafe entry = try cursor.move(MDB_NEXT)
        }
        return checkedTo
    }
}

/// The stored liveness of a capture: two words no single damaged byte can turn into each other.
enum Liveness {
    static func bytes(_ live: Bool) -> [UInt8] { Array((live ? "live" : "gone").utf8) }

    static func read(_ value: UnsafeRawBufferPointer) -> Bool? {
        if unsafe value.elementsEqual("live".utf8) { return true }
        return unsafe value.elementsEqual("gone".utf8) ? false : nil
    }
}

// MARK: - Index entries

extension TransactionCore {
    /// Indexes up to `limit` more events; nil if there were none.
    func index(_ limit: Int64) throws -> Int64? {
        let start = try indexedTo()
        let cursor = try Cursor(transaction, .events)
        var ids: [(Hash256, Int64)] = []
        var streams: [[UInt8]: [Int64]] = [:]
        var types: [[UInt8]: [Int64]] = [:]
        var runs: [[UInt8]: [Int64]] = [:]
        var last = LogHead(seq: start, id: .zero)
        var entry = unsafe try cursor.seek(seqBytes(start + 1))
        while let (key, value) = unsafe entry, last.seq - start < limit {
            guard unsafe key.seq() == last.seq + 1, value.count > 32 else { throw damaged(last.seq + 1, "it is missing") }
            last = LogHead(seq: last.seq + 1, id: unsafe Hash256(raw: value))
            ids.append((last.id, last.seq))
            do throws(JSONError) {
                let bytes = unsafe UnsafeRawBufferPointer(rebasing: value[32...])
                let fields = try EnvelopeFields(unsafe bytes.assumingMemoryBound(to: UInt8.self).span)
                streams[unsafe Array(bytes[unquoted(fields.stream)]), default: []].append(last.seq)
                types[unsafe Array(bytes[unquoted(fields.type)]), default: []].append(last.seq)
                if let run = fields.run { runs[unsafe Array(bytes[unquoted(run)]), default: []].append(last.seq) }
            } catch {
                throw damaged(last.seq, error.description)
            }
            unsafe entry = try cursor.move(MDB_NEXT)
        }
        guard last.seq > start else { return nil }
        ids.sort { $0.0 < $1.0 }
        let idCursor = try Cursor(transaction, .ids)
        for (id, seq) in ids {
            unsafe try id.bytes.withUnsafeBytes { key in unsafe try seqBytes(seq).withUnsafeBytes { unsafe try idCursor.put(key, $0) } }
        }
        try put(.byStream, streams)
        try put(.byType, types)
        try put(.byRun, runs)
        try transaction.put(.meta, Array("indexed_to".utf8), seqBytes(last.seq) + last.id.bytes)
        return last.seq
    }

    /// Names hold no character that JSON escapes, so the text between the quotes is the name.
    private func unquoted(_ range: Range<Int>) -> Range<Int> { range.lowerBound + 1..<range.upperBound - 1 }

    private func put(_ table: Table, _ entries: [[UInt8]: [Int64]]) throws {
        let cursor = try Cursor(transaction, table)
        for (name, seqs) in entries.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            var key = name + [0] + seqBytes(0)
            for seq in seqs {
                unsafe try key.withUnsafeMutableBytes { bytes in
                    unsafe bytes.storeBytes(of: UInt64(bitPattern: seq).bigEndian, toByteOffset: bytes.count - 8, as: UInt64.self)
                    unsafe try cursor.put(UnsafeRawBufferPointer(bytes), UnsafeRawBufferPointer(start: nil, count: 0))
                }
            }
        }
    }
}

// MARK: - Writing

/// The only writer of the log while it lives, inside ``EventLog/write(_:)``. Reads see what it has appended.
package struct WriteTransaction: ~Copyable, LogReading {
    /// Of use inside this module only.
    package private(set) var core: TransactionCore
    private var last: LogHead?
    private var lastTime: Timestamp?
    private var buffer: [UInt8] = []
    private var ended = false
    /// What was written so far, to be written again if the map turns out too small.
    private var journal: [Written] = []
    private var journalBytes: [UInt8] = []
    private var start: LogHead?

    private struct Written {
        let head: LogHead
        let bytes: Range<Int>
        let entries: [(table: Table, key: [UInt8], value: [UInt8])]
    }

    init(core: TransactionCore) {
        self.core = core
    }

    /// Demands that nothing was appended since `head` was read.
    ///
    /// - Throws: `.headMoved` (retryable) if something was.
    package func require(head expected: LogHead) throws {
        let head = try core.head()
        guard head == expected else {
            throw EventLogError(
                .headMoved, "the log is at event \(head.seq) now, not at \(expected.seq): another process appended. Read again and repeat.",
                seq: head.seq)
        }
    }

    /// Appends one event and gives it its place, its link and its id.
    ///
    /// - Throws: `.invalidEvent` (names, body), `.clockMoved`, `.duplicateKey` (naming the earlier event), `.liveness` (a retraction of
    ///   what is not live, and the like). The transaction can go on after these.
    @discardableResult
    package mutating func append(_ draft: EventDraft) throws -> Event {
        guard draft.body.object != nil else { throw EventLogError(.invalidEvent, "the body of a \(draft.type) event must be an object") }
        var body: [UInt8] = []
        do throws(JSONError) {
            try draft.body.append(to: &body, depth: 1)
        } catch {
            throw EventLogError(.invalidEvent, "the body of a \(draft.type) event cannot be stored: \(error)")
        }
        let place = try place(draft, body: body, entries: core.log.indexing(draft.type, draft.body))
        do throws(JSONError) {
            return try Event(buffer, id: place.id)
        } catch {
            throw EventLogError(.invalidEvent, "the \(draft.type) event cannot be read back: \(error)", seq: place.seq)
        }
    }

    /// Appends an event whose body is canonical bytes already: the fast path of bulk writers. `draft.body` is ignored.
    ///
    /// - Parameters:
    ///   - draft: the envelope.
    ///   - canonicalBody: a canonical JSON object; checked.
    ///   - entries: exactly what the log's indexing would derive from this type and body.
    /// - Returns: the new head.
    @discardableResult
    package mutating func append(_ draft: EventDraft, canonicalBody: [UInt8], entries: IndexEntries = IndexEntries()) throws -> LogHead {
        do throws(JSONError) {
            var at = 0
            guard canonicalBody.first == UInt8(ascii: "{") else { throw JSONError(.syntax, at: 0, "it is not an object") }
            try JSONText.checkCanonical(canonicalBody.span, &at, depth: 1)
            guard at == canonicalBody.count else { throw JSONError(.trailingBytes, at: at, "bytes follow it") }
            // Two keys may differ only in their normal form; such an object could be stored but never read.
            if canonicalBody.contains(where: { $0 >= 0x80 }) { _ = try JSON.parse(canonicalBody) }
        } catch {
            throw EventLogError(.invalidEvent, "the body of a \(draft.type) event is not canonical: \(error)")
        }
        return try place(draft, body: canonicalBody, entries: entries)
    }

    /// Appends the bytes of an event of another copy of this log as they are, so it keeps its id.
    ///
    /// - Throws: `.invalidEvent` if they are not the canonical bytes of the very next event, or name a time before the last event's.
    @discardableResult
    package mutating func appendRaw(_ bytes: [UInt8]) throws -> Event {
        let head = try currentHead()
        let event: Event
        do throws(JSONError) {
            event = try Event(canonical: bytes)
        } catch {
            throw EventLogError(.invalidEvent, "these bytes are not event \(head.seq + 1): \(error)", seq: head.seq + 1)
        }
        guard event.seq == head.seq + 1 else {
            throw EventLogError(
                .invalidEvent, "these bytes are event \(event.seq); the log goes on with event \(head.seq + 1)", seq: event.seq)
        }
        guard event.prev == head.id else {
            throw EventLogError(
                .invalidEvent, "event \(event.seq) follows \(event.prev), but event \(head.seq) here is \(head.id)", seq: event.seq)
        }
        for name in [event.stream, event.type, event.actor] + (event.run.map { [$0] } ?? []) { try Self.check(name: name) }
        if let lastTime, event.time < lastTime {
            throw EventLogError(.invalidEvent, "event \(event.seq) has an earlier time than the event before it", seq: event.seq)
        }
        let entries = try derive(core.log.indexing(event.type, event.body), seq: event.seq)
        buffer = bytes
        try store(LogHead(seq: event.seq, id: event.id), entries)
        lastTime = event.time
        return event
    }

    private mutating func currentHead() throws -> LogHead {
        if let last { return last }
        let head = try core.head()
        if let event = try core.event(head.seq) { lastTime = event.time }
        last = head
        start = head
        return head
    }

    /// Writes the envelope into `buffer` and stores it.
    private mutating func place(_ draft: EventDraft, body: [UInt8], entries: IndexEntries) throws -> LogHead {
        let head = try currentHead()
        try Self.check(name: draft.stream)
        try Self.check(name: draft.type)
        try Self.check(name: draft.actor)
        if let run = draft.run { try Self.check(name: run) }
        guard (1...Int(Int32.max)).contains(draft.version) else {
            throw EventLogError(.invalidEvent, "the version of a \(draft.type) event must be 1 or more")
        }
        let (time, skew) = try clock(draft.time)
        let seq = head.seq + 1
        let puts = try derive(entries, seq: seq)
        EnvelopeFields.write(&buffer, draft: draft, body: body, prev: head.id, seq: seq, time: time, skew: skew)
        let next = LogHead(seq: seq, id: unsafe buffer.withUnsafeBytes { unsafe Hash256(hashing: $0) })
        try store(next, puts)
        lastTime = time
        return next
    }

    private static func check(name: String) throws(EventLogError) {
        let bytes = name.utf8.span
        guard bytes.count >= 1, bytes.count <= 400 else {
            throw EventLogError(.invalidEvent, "a stream, type, actor or run has \(bytes.count) bytes; 1 to 400 are allowed")
        }
        for index in bytes.indices where bytes[index] < 0x20 || bytes[index] == 0x22 || bytes[index] == 0x5C || bytes[index] == 0x7F {
            throw EventLogError(
                .invalidEvent, "a stream, type, actor or run holds a quote, backslash or control character at byte \(index)")
        }
    }

    /// The time to store for the writer's clock, and by how much it was held back.
    private func clock(_ now: Timestamp) throws(EventLogError) -> (Timestamp, Int64?) {
        guard now >= .earliest, now <= .latest else {
            throw EventLogError(.clockMoved, "the computer's clock says a year beyond 9999 or below 0")
        }
        guard let lastTime else { return (now, nil) }
        let ahead = now.milliseconds - lastTime.milliseconds
        let options = core.log.options
        if ahead < 0 {
            guard -ahead <= options.skewTolerance || options.allowClockJump else {
                throw EventLogError(
                    .clockMoved,
                    """
                    the computer's clock says \(now), but the last event of the log is of \(lastTime): the clock stepped back by \
                    \(-ahead / 1000) s. Correct the clock; if it is right, repeat at a terminal and confirm, or allow the jump.
                    """)
            }
            return (lastTime, -ahead)
        }
        guard ahead <= options.jumpLimit || options.allowClockJump else {
            throw EventLogError(
                .clockMoved,
                """
                the computer's clock says \(now), \(ahead / 3_600_000) hours after the last event of the log (\(lastTime)). \
                If the clock is right, repeat at a terminal and confirm, or allow the jump; otherwise correct the clock.
                """)
        }
        return (now, nil)
    }

    /// Turns what the vocabulary wants indexed into entries, after checking keys and liveness against this very state.
    private func derive(_ wanted: IndexEntries, seq: Int64) throws -> [(table: Table, key: [UInt8], value: [UInt8])] {
        guard wanted.object != nil || wanted.key != nil || !wanted.liveness.isEmpty else { return [] }
        var entries: [(table: Table, key: [UInt8], value: [UInt8])] = []
        if let key = wanted.key {
            if let earlier = try core.seq(forKey: key) {
                throw EventLogError(.duplicateKey, "event \(earlier) was written for \"\(key)\" already", seq: earlier)
            }
            entries.append((.byKey, Hash256(hashing: Array(key.utf8)).bytes, seqBytes(seq)))
        }
        if let object = wanted.object { entries.append((.byObject, object.bytes + seqBytes(seq), Liveness.bytes(true))) }
        var changed: Set<Int64> = []
        for (capture, live) in wanted.liveness {
            guard let event = try core.event(capture), let object = core.log.indexing(event.type, event.body).object else {
                throw EventLogError(.liveness, "event \(capture) is not a capture, so it cannot be retracted or reinstated", seq: capture)
            }
            guard changed.insert(capture).inserted, try core.liveness(of: object, capture) != live else {
                throw EventLogError(.liveness, "capture \(capture) is \(live ? "live" : "retracted") already", seq: capture)
            }
            entries.append((.byObject, object.bytes + seqBytes(capture), Liveness.bytes(live)))
        }
        return entries
    }

    /// Stores `buffer` as the next event, growing the map if it is full.
    private mutating func store(_ head: LogHead, _ entries: [(table: Table, key: [UInt8], value: [UInt8])]) throws {
        let offset = journalBytes.count
        journalBytes.append(contentsOf: buffer)
        journal.append(Written(head: head, bytes: offset..<journalBytes.count, entries: entries))
        do throws(EventLogError) {
            try write(journal[journal.count - 1])
        } catch {
            guard error.code == .mapFull else { throw error }
            try writeAgain()
        }
        last = head
    }

    private func write(_ written: Written) throws(EventLogError) {
        let failure: EventLogError? = unsafe journalBytes.withUnsafeBytes { bytes in
            do throws(EventLogError) {
                try unsafe core.transaction.append(
                    written.head.seq, id: written.head.id, bytes: UnsafeRawBufferPointer(rebasing: bytes[written.bytes]))
                return nil
            } catch {
                return error
            }
        }
        if let failure { throw failure }
        Failpoint.hit("append.event")
        for entry in written.entries { try core.transaction.put(entry.table, entry.key, entry.value) }
        Failpoint.hit("append.indexes")
    }

    /// Begins anew in a larger map and writes everything of this transaction again: the same bytes, if nobody else came between.
    private mutating func writeAgain() throws {
        let environment = core.log.environment
        while true {
            if !ended { environment.abort(core.transaction) }
            ended = true
            try environment.grow()
            core.transaction = try environment.begin(readOnly: false)
            ended = false
            if let start, try core.head() != start {
                throw EventLogError(.headMoved, "another process appended while the log had to grow. Repeat.", seq: start.seq)
            }
            do throws(EventLogError) {
                for written in journal { try write(written) }
                return
            } catch {
                guard error.code == .mapFull else { throw error }
            }
        }
    }

    mutating func commit() throws {
        while true {
            Failpoint.hit("append.before-commit")
            ended = true
            do throws(EventLogError) {
                try core.log.environment.commit(core.transaction)
                Failpoint.hit("append.committed")
                return
            } catch {
                guard error.code == .mapFull else { throw error }
                try writeAgain()
            }
        }
    }

    mutating func abort() {
        guard !ended else { return }
        ended = true
        core.log.environment.abort(core.transaction)
    }
}
