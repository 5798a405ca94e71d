import CLMDB
import Glibc

/// How a log is opened and how strict it is about clocks.
package struct Options: Sendable {
    /// The address space to begin with, in bytes. The file takes only what is used; the map doubles by itself before it is full.
    package var mapSize: Int
    /// How many read transactions of all processes may run at once.
    package var maxReaders: Int
    /// A clock at most so many milliseconds behind the log is held back silently (`skew_ms` says so).
    package var skewTolerance: Int64
    /// A clock more than so many milliseconds ahead of the last event stops the append.
    package var jumpLimit: Int64
    /// A person said that the clock is right now: jumps ahead pass, larger steps back are held back like small ones.
    package var allowClockJump: Bool

    /// The defaults: 1 GiB, 126 readers, 5 minutes, 48 hours, no clock jumps.
    package init(
        mapSize: Int = 1 << 30, maxReaders: Int = 126, skewTolerance: Int64 = 300_000, jumpLimit: Int64 = 172_800_000,
        allowClockJump: Bool = false
    ) {
        self.mapSize = mapSize
        self.maxReaders = maxReaders
        self.skewTolerance = skewTolerance
        self.jumpLimit = jumpLimit
        self.allowClockJump = allowClockJump
    }
}

/// The append-only, hash-chained log of one root.
///
/// An acknowledged append is durable: it was flushed to the disk before ``write(_:)`` returned. Any number of processes may read and
/// write at once; LMDB lets one write at a time. Stored per event: the 32 bytes of its id, then its canonical bytes.
///
/// Limits: one `EventLog` per folder and process (a second open is refused). Transactions block their thread and end on it; do not
/// begin a write inside a write of the same thread (a programming error) and avoid one inside a read (it cannot grow the map).
package final class EventLog: Sendable {
    /// What the opener means to do.
    package enum Mode: Sendable {
        case readOnly, readWrite
    }

    /// The format this program writes, kept in the table `meta`.
    package static let format: Int64 = 1

    /// The folder of the LMDB files.
    package let folder: String
    /// How the log was opened.
    package let mode: Mode
    let environment: Environment
    let indexing: EventIndexing
    let options: Options
    private let writer = Guarded<pthread_t?>(nil)

    private init(_ environment: Environment, folder: String, mode: Mode, indexing: @escaping EventIndexing, options: Options) throws {
        self.environment = environment
        self.folder = folder
        self.mode = mode
        self.indexing = indexing
        self.options = options
        try read { transaction in
            let format = try transaction.core.format()
            guard format <= Self.format else {
                throw EventLogError(
                    .newerFormat,
                    "the log in \(folder) has format \(format); this program knows up to \(Self.format). Install a newer bedrot to use it.")
            }
        }
    }

    /// Makes an empty log in `folder` (mode 0700) and opens it for reading and writing.
    ///
    /// The folder's parent must exist. The log is made under another name and renamed, so there is never half a log.
    /// - Throws: ``EventLogError`` with `.alreadyExists` if anything is in the folder, `.unsuitableFileSystem`, or a system failure.
    package static func create(at folder: String, indexing: @escaping EventIndexing, options: Options = Options()) throws -> EventLog {
        let parent = AtomicFile.parent(of: folder)
        try FileSystemCheck.require(local: parent)
        if FileIdentity.exists("\(folder)/data.mdb") {
            throw EventLogError(.alreadyExists, "there is a log in \(folder) already; use it, or choose another root")
        }
        let unnamed = "\(folder).new-\(getpid())"
        guard unsafe mkdir(unnamed, 0o700) == 0 || errno == EEXIST else { throw EventLogError.system(errno, "make \(unnamed)") }
        do {
            let environment = try Environment(
                folder: unnamed, readOnly: false, creating: true, mapSize: options.mapSize, maxReaders: options.maxReaders)
            defer { environment.close() }
            let transaction = try environment.begin(readOnly: false)
            do {
                try transaction.put(.meta, Array("format".utf8), seqBytes(format))
                try transaction.put(.meta, Array("indexed_to".utf8), seqBytes(0) + Hash256.zero.bytes)
            } catch {
                environment.abort(transaction)
                throw error
            }
            try environment.commit(transaction)
        } catch {
            removeUnnamed(unnamed)
            throw error
        }
        Failpoint.hit("log.created.unnamed")
        try AtomicFile.syncFolder(unnamed)
        guard unsafe rename(unnamed, folder) == 0 else {
            let number = errno
            removeUnnamed(unnamed)
            guard number != ENOTEMPTY, number != EEXIST, number != ENOTDIR else {
                throw EventLogError(.alreadyExists, "\(folder) holds other files; choose another root or move them away")
            }
            throw EventLogError.system(number, "rename \(unnamed) to \(folder)")
        }
        Failpoint.hit("log.created.named")
        try AtomicFile.syncFolder(parent)
        return try open(at: folder, mode: .readWrite, indexing: indexing, options: options)
    }

    private static func removeUnnamed(_ folder: String) {
        unsafe unlink("\(folder)/data.mdb")
        unsafe unlink("\(folder)/lock.mdb")
        unsafe rmdir(folder)
    }

    /// Opens an existing log. Readers that died are cleared from its table.
    ///
    /// - Throws: ``EventLogError``: `.notFound`, `.alreadyOpen`, `.unsuitableFileSystem`, `.foreign`, `.truncated`, `.newerFormat`,
    ///   `.damaged` or a system failure. Nothing is changed by a failed open.
    package static func open(
        at folder: String, mode: Mode, indexing: @escaping EventIndexing, options: Options = Options()
    ) throws -> EventLog {
        let file = "\(folder)/data.mdb"
        guard FileIdentity.exists(file) else {
            throw EventLogError(
                .notFound, "there is no log in \(folder) (data.mdb is missing). `bedrot init` makes one; a backup restores one.")
        }
        try FileSystemCheck.require(local: folder)
        // LMDB would take an empty file for a new log.
        let size = try FileIdentity.size(of: file)
        guard size >= 8192 else {
            throw EventLogError(.truncated, "\(file) is cut short: it has only \(size) bytes. Restore the log from a backup.")
        }
        let environment = try Environment(
            folder: folder, readOnly: mode == .readOnly, creating: false, mapSize: options.mapSize, maxReaders: options.maxReaders)
        do {
            return try EventLog(environment, folder: folder, mode: mode, indexing: indexing, options: options)
        } catch {
            environment.close()
            throw error
        }
    }

    /// Waits for running transactions and closes the log; later calls throw `.closed`.
    package func close() {
        environment.close()
    }

    /// Runs `body` on one unchanging state of the log.
    ///
    /// Keep it short: pages that a long reader may still need cannot be reused.
    package func read<R>(_ body: (borrowing ReadTransaction) throws -> R) throws -> R {
        let transaction = ReadTransaction(core: TransactionCore(log: self, transaction: try environment.begin(readOnly: true)))
        defer { environment.abort(transaction.core.transaction) }
        return try body(transaction)
    }

    /// Runs `body` alone among all writers and makes everything it appended durable by one commit; if it throws, nothing happened.
    ///
    /// - Throws: what `body` throws; `.headMoved` (retryable) when the map had to grow and another process appended meanwhile;
    ///   `.diskFull`, `.readOnly` and other failures of the commit. After any of these the log is as it was.
    @discardableResult
    package func write<R>(_ body: (inout WriteTransaction) throws -> R) throws -> R {
        guard mode == .readWrite else { throw EventLogError(.readOnly, "the log in \(folder) was opened for reading only") }
        precondition(writer.withLock { $0 } != pthread_self(), "a write inside a write of the same thread waits for itself")
        var transaction = WriteTransaction(core: try beginWrite())
        writer.withLock { $0 = pthread_self() }
        defer { writer.withLock { if $0 == pthread_self() { $0 = nil } } }
        do {
            Failpoint.hit("append.begun")
            let result = try body(&transaction)
            try transaction.commit()
            return result
        } catch {
            transaction.abort()
            throw error
        }
    }

    /// Begins a write with room to spare. Others may have used it up while this one waited for the lock, so it looks again inside.
    private func beginWrite() throws -> TransactionCore {
        while true {
            let canGrow = try growIfLow()
            let transaction = try environment.begin(readOnly: false)
            if !canGrow || !environment.isLow { return TransactionCore(log: self, transaction: transaction) }
            environment.abort(transaction)
        }
    }

    /// Growing needs this thread to be outside a read; if it is not, there may still be room enough.
    private func growIfLow() throws -> Bool {
        do {
            if environment.isLow { try environment.grow() }
            return true
        } catch let error where error.code == .nested {
            return false
        }
    }

    /// Waits until the log has an event after `seq`, asking again with short reads.
    ///
    /// - Returns: the head, which is not beyond `seq` if the time ran out.
    package func waitForHead(beyond seq: Int64, timeoutMilliseconds: Int) throws -> LogHead {
        var left = timeoutMilliseconds
        while true {
            let head = try read { transaction in try transaction.head() }
            if head.seq > seq || left <= 0 { return head }
            let pause = min(left, 50)
            usleep(UInt32(pause) * 1000)
            left -= pause
        }
    }

    /// Hands over matching events after `seq` as they come, until `body` returns false or `idle` does.
    ///
    /// - Parameter idle: asked about every second while nothing comes.
    package func follow(
        _ query: EventQuery, after seq: Int64, idle: () -> Bool = { true }, _ body: (Event) throws -> Bool
    ) throws {
        var last = seq
        while true {
            let head = try waitForHead(beyond: last, timeoutMilliseconds: 1000)
            if head.seq <= last {
                guard idle() else { return }
                continue
            }
            while last < head.seq {
                var part = query
                part.newestFirst = false
                part.limit = nil
                let upper = min(head.seq, last + 1000)
                let wanted = query.seqs ?? 1...Int64.max
                var goesOn = true
                if wanted.upperBound <= last { return }
                if wanted.overlaps(last + 1...upper) {
                    part.seqs = wanted.clamped(to: last + 1...upper)
                    var found: [Event] = []
                    try read { transaction in
                        try transaction.events(part) { event in
                            found.append(event)
                            return true
                        }
                    }
                    for event in found where goesOn { goesOn = try body(event) }
                }
                guard goesOn else { return }
                last = upper
            }
        }
    }

    // MARK: Indexes

    /// Brings `ids`, `by_stream`, `by_type` and `by_run` up to the head, in sorted batches of one commit each.
    ///
    /// Readers are right without it, since they scan the events beyond `indexed_to`; they are faster with it.
    package func catchUpIndexes() throws {
        guard mode == .readWrite else { throw EventLogError(.readOnly, "the log in \(folder) was opened for reading only") }
        while try indexBatch(50_000) {}
    }

    private func indexBatch(_ limit: Int64) throws -> Bool {
        while true {
            do {
                return try indexBatchOnce(limit)
            } catch let error as EventLogError where error.code == .mapFull {
                try environment.grow()
            }
        }
    }

    private func indexBatchOnce(_ limit: Int64) throws -> Bool {
        let core = try beginWrite()
        let reached: Int64?
        do {
            reached = try core.index(limit)
        } catch {
            environment.abort(core.transaction)
            throw error
        }
        guard reached != nil else {
            environment.abort(core.transaction)
            return false
        }
        Failpoint.hit("index.before-commit")
        try environment.commit(core.transaction)
        Failpoint.hit("index.committed")
        return true
    }
}
