import CLMDB
import Glibc

/// Why the log or the object store could not do something. `code` is for programs, `message` for people: it names what failed, where,
/// why, and what to do next.
package struct EventLogError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of failure.
    package enum Code: String, Sendable {
        case notFound, alreadyExists, alreadyOpen, unsuitableFileSystem, foreign, truncated, newerFormat, damaged
        case readOnly, diskFull, permission, inputOutput, mapFull, tooManyReaders, nested, closed
        case clockMoved, duplicateKey, headMoved, liveness, invalidEvent, objectMissing, objectDamaged
    }

    /// What kind of failure.
    package let code: Code
    /// What failed, where, why, and what to do next.
    package let message: String
    /// The event concerned, if one is.
    package let seq: Int64?

    /// The message.
    package var description: String { message }

    /// Whether the same call may succeed if simply made again.
    package var isRetryable: Bool { code == .headMoved || code == .tooManyReaders }

    /// An error with a message that says what failed, where, why, and what to do next.
    package init(_ code: Code, _ message: String, seq: Int64? = nil) {
        self.code = code
        self.message = message
        self.seq = seq
    }

    /// A failed system call.
    static func system(_ number: Int32, _ doing: String) -> EventLogError {
        let reason = unsafe strerror(number).map { unsafe String(cString: $0) } ?? "error \(number)"
        switch number {
        case ENOSPC, EDQUOT, EFBIG:
            return EventLogError(.diskFull, "cannot \(doing): \(reason). Nothing was lost; free some space and repeat the command.")
        case EROFS: return EventLogError(.readOnly, "cannot \(doing): \(reason). Make the disk writable and repeat the command.")
        case EACCES, EPERM: return EventLogError(.permission, "cannot \(doing): \(reason). Check the owner and the permissions.")
        case ENOENT: return EventLogError(.notFound, "cannot \(doing): \(reason).")
        default: return EventLogError(.inputOutput, "cannot \(doing): \(reason) (errno \(number)).")
        }
    }

    /// A failed LMDB call.
    static func lmdb(_ number: Int32, _ doing: String) -> EventLogError {
        let reason = unsafe mdb_strerror(number).map { unsafe String(cString: $0) } ?? "error \(number)"
        switch number {
        case MDB_MAP_FULL: return EventLogError(.mapFull, "cannot \(doing): \(reason)")
        case MDB_INVALID, MDB_VERSION_MISMATCH:
            return EventLogError(
                .foreign, "cannot \(doing): \(reason). This data.mdb was not written by this program; restore it from a backup.")
        case MDB_CORRUPTED, MDB_PAGE_NOTFOUND, MDB_PANIC, MDB_BAD_TXN:
            return EventLogError(.damaged, "cannot \(doing): \(reason). Run `bedrot verify`, then restore the log from a backup.")
        case MDB_READERS_FULL: return EventLogError(.tooManyReaders, "cannot \(doing): \(reason). Close other readers and repeat.")
        case 1...4095: return .system(number, doing)
        default: return EventLogError(.inputOutput, "cannot \(doing): LMDB \(number): \(reason)")
        }
    }
}

/// The tables of a log, in the order they are opened.
enum Table: Int, CaseIterable {
    case meta, events, ids, byStream, byType, byRun, byObject, byKey

    var name: String {
        switch self {
        case .meta: "meta"
        case .events: "events"
        case .ids: "ids"
        case .byStream: "by_stream"
        case .byType: "by_type"
        case .byRun: "by_run"
        case .byObject: "by_object"
        case .byKey: "by_key"
        }
    }
}

/// A log's LMDB environment and the process-wide rules LMDB states but does not check.
///
/// - One open environment per folder and process: a second would drop the first one's file locks.
/// - The map changes size only while no transaction of this process is open; `gate` sees to that.
///
/// `@unchecked Sendable`: the environment handle is made for many threads (`MDB_NOTLS`), and everything mutable is behind `gate`.
@safe final class Environment: @unchecked Sendable {
    let folder: String
    private let handle: OpaquePointer
    private let gate = Gate()
    private let identity: FileIdentity
    private var tables: [UInt32] = []
    private var closed = false

    private static let openFolders = Guarded<Set<FileIdentity>>([])

    init(folder: String, readOnly: Bool, creating: Bool, mapSize: Int, maxReaders: Int) throws(EventLogError) {
        let identity = try FileIdentity(of: folder)
        guard Self.openFolders.withLock({ $0.insert(identity).inserted }) else {
            throw EventLogError(.alreadyOpen, "the log in \(folder) is already open in this process; use that one")
        }
        do throws(EventLogError) {
            let handle = unsafe try Self.open(folder, readOnly: readOnly, creating: creating, mapSize: mapSize, maxReaders: maxReaders)
            unsafe self.handle = handle
        } catch {
            _ = Self.openFolders.withLock { $0.remove(identity) }
            throw error
        }
        self.folder = folder
        self.identity = identity
        do throws(EventLogError) {
            tables = unsafe try Self.openTables(handle, readOnly: readOnly, creating: creating, folder: folder)
        } catch {
            close()
            throw error
        }
    }

    deinit { close() }

    private static func open(
        _ folder: String, readOnly: Bool, creating: Bool, mapSize: Int, maxReaders: Int
    ) throws(EventLogError) -> OpaquePointer {
        let doing = "open the log in \(folder)"
        var made: OpaquePointer?
        try check(unsafe mdb_env_create(&made), doing)
        guard let handle = unsafe made else { throw EventLogError(.inputOutput, "cannot \(doing): LMDB gave no environment") }
        do throws(EventLogError) {
            try check(unsafe mdb_env_set_maxdbs(handle, 16), doing)
            try check(unsafe mdb_env_set_maxreaders(handle, UInt32(max(1, maxReaders))), doing)
            try check(unsafe mdb_env_set_mapsize(handle, pageRounded(mapSize)), doing)
            let flags = UInt32(MDB_NOTLS) | (readOnly ? UInt32(MDB_RDONLY) : 0)
            try check(unsafe mdb_env_open(handle, folder, flags, 0o600), doing)
            var cleared: Int32 = 0
            try check(unsafe mdb_reader_check(handle, &cleared), doing)
            if !creating { unsafe try checkLength(handle, folder) }
        } catch {
            unsafe mdb_env_close(handle)
            throw error
        }
        return unsafe handle
    }

    /// A file shorter than its last page number says may be whole (LMDB never writes pages it took and gave back in one
    /// transaction), so only then are the pages walked.
    private static func checkLength(_ handle: OpaquePointer, _ folder: String) throws(EventLogError) {
        var info = unsafe MDB_envinfo()
        var stat = MDB_stat()
        try unsafe check(mdb_env_info(handle, &info), "read the state of \(folder)")
        try unsafe check(mdb_env_stat(handle, &stat), "read the state of \(folder)")
        let needed = Int(unsafe info.me_last_pgno + 1) * Int(stat.ms_psize)
        let present = try FileIdentity.size(of: "\(folder)/data.mdb")
        if Int(present) < needed { try PageWalker(path: "\(folder)/data.mdb").walk { _, _ in } }
    }

    private static func openTables(_ handle: OpaquePointer, readOnly: Bool, creating: Bool, folder: String) throws(EventLogError)
        -> [UInt32]
    {
        var begun: OpaquePointer?
        let flags = readOnly ? UInt32(MDB_RDONLY) : 0
        var result = unsafe mdb_txn_begin(handle, nil, flags, &begun)
        while result == MDB_MAP_RESIZED {
            // Another process grew the map since this one looked.
            unsafe try check(mdb_env_set_mapsize(handle, 0), "resize the map of \(folder)")
            result = unsafe mdb_txn_begin(handle, nil, flags, &begun)
        }
        try check(result, "read the log in \(folder)")
        guard let transaction = unsafe begun else { throw EventLogError(.inputOutput, "LMDB gave no transaction") }
        var tables: [UInt32] = []
        for table in Table.allCases {
            var opened: UInt32 = 0
            let result = unsafe mdb_dbi_open(transaction, table.name, creating ? UInt32(MDB_CREATE) : 0, &opened)
            guard result == 0 else {
                unsafe mdb_txn_abort(transaction)
                guard result == MDB_NOTFOUND || result == MDB_INCOMPATIBLE else { throw .lmdb(result, "open \(table.name) in \(folder)") }
                throw EventLogError(
                    .foreign,
                    "\(folder)/data.mdb has no table \(table.name): it is not a Bedrot ledger's log. Restore the log from a backup.")
            }
            tables.append(opened)
        }
        try unsafe check(mdb_txn_commit(transaction), "open the tables in \(folder)")
        return tables
    }

    static func check(_ result: Int32, _ doing: @autoclosure () -> String) throws(EventLogError) {
        if result != 0 { throw .lmdb(result, doing()) }
    }

    static func pageRounded(_ size: Int) -> Int { max(16, (size + 4095) / 4096) * 4096 }

    /// Waits for running transactions, then gives the environment back. Later use throws `.closed`.
    func close() {
        gate.exclusive {
            guard !closed else { return }
            closed = true
            unsafe mdb_env_close(handle)
            _ = Self.openFolders.withLock { $0.remove(identity) }
        }
    }

    /// The path for messages.
    var file: String { "\(folder)/data.mdb" }

    // MARK: Transactions

    func begin(readOnly: Bool) throws(EventLogError) -> Transaction {
        while true {
            gate.enter()
            guard !closed else {
                gate.leave()
                throw EventLogError(.closed, "the log in \(folder) is closed")
            }
            var begun: OpaquePointer?
            let result = unsafe mdb_txn_begin(handle, nil, readOnly ? UInt32(MDB_RDONLY) : 0, &begun)
            if result == 0, let transaction = unsafe begun { return unsafe Transaction(handle: transaction, tables: tables, file: file) }
            gate.leave()
            guard result == MDB_MAP_RESIZED else { throw .lmdb(result, "begin a transaction on \(file)") }
            // Another process grew the map: take over its size.
            try resize { _ in 0 }
        }
    }

    func commit(_ transaction: Transaction) throws(EventLogError) {
        let result = unsafe mdb_txn_commit(transaction.handle)
        gate.leave()
        // LMDB calls it an input/output error when the disk took only a part of what it wrote.
        try Self.check(result == EIO && isFull ? ENOSPC : result, "commit to \(file)")
    }

    /// Whether the disk, or the process's limit on file sizes, has no room for another megabyte.
    private var isFull: Bool {
        let free = unsafe clmdb_free_bytes(folder)
        if free >= 0, free < 1 << 20 { return true }
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0, let size = try? FileIdentity.size(of: file) else {
            return false
        }
        return limit.rlim_cur < rlim_t(size) + 1 << 20
    }

    func abort(_ transaction: Transaction) {
        unsafe mdb_txn_abort(transaction.handle)
        gate.leave()
    }

    /// Whether a write might not fit: less than a quarter of the map, or less than 1 MiB, was never used.
    var isLow: Bool {
        let (used, size) = usage()
        return size - used < max(size / 4, 1 << 20)
    }

    /// Doubles the map at least once, until half of it is free.
    func grow() throws(EventLogError) {
        Failpoint.hit("log.growing")
        try resize { [self] size in
            let (used, _) = usage()
            var wanted = size * 2
            while wanted / 2 < used || wanted < 1 << 21 { wanted *= 2 }
            return wanted
        }
    }

    private func usage() -> (used: Int, size: Int) {
        var info = unsafe MDB_envinfo()
        var stat = MDB_stat()
        unsafe mdb_env_info(handle, &info)
        unsafe mdb_env_stat(handle, &stat)
        return unsafe ((Int(info.me_last_pgno) + 1) * Int(stat.ms_psize), Int(info.me_mapsize))
    }

    private func resize(_ wanted: (Int) -> Int) throws(EventLogError) {
        var result: Int32 = 0
        let done = gate.exclusive {
            guard !closed else { return }
            let size = wanted(usage().size)
            result = unsafe mdb_env_set_mapsize(handle, size)
        }
        guard done else {
            throw EventLogError(.nested, "the log in \(folder) must grow, but this thread is inside a read; write after the read has ended")
        }
        try Self.check(result, "resize the map of \(file)")
    }
}

/// A value behind a lock.
///
/// A plain POSIX lock and not `Mutex`, because the thread sanitizer sees only the former on Linux. `@unchecked Sendable`: the value is
/// touched only under the lock.
@safe final class Guarded<Value>: @unchecked Sendable {
    private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private var value: Value

    init(_ value: sending Value) {
        self.value = value
        unsafe lock.initialize(to: pthread_mutex_t())
        unsafe pthread_mutex_init(lock, nil)
    }

    deinit {
        unsafe pthread_mutex_destroy(lock)
        unsafe lock.deallocate()
    }

    func withLock<R>(_ body: (inout Value) throws -> R) rethrows -> R {
        unsafe pthread_mutex_lock(lock)
        defer { unsafe pthread_mutex_unlock(lock) }
        return try body(&value)
    }
}

/// Lets transactions in together and a change of the map in alone.
///
/// `@unchecked Sendable`: all state is guarded by its own lock.
@safe private final class Gate: @unchecked Sendable {
    private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var inside: [pthread_t: Int] = [:]
    private var waiting = 0
    private var alone = false

    init() {
        unsafe lock.initialize(to: pthread_mutex_t())
        unsafe changed.initialize(to: pthread_cond_t())
        unsafe pthread_mutex_init(lock, nil)
        unsafe pthread_cond_init(changed, nil)
    }

    deinit {
        unsafe pthread_cond_destroy(changed)
        unsafe pthread_mutex_destroy(lock)
        unsafe changed.deallocate()
        unsafe lock.deallocate()
    }

    /// A thread already inside is let in again even while someone waits to be alone: it could not leave otherwise.
    func enter() {
        unsafe pthread_mutex_lock(lock)
        let me = pthread_self()
        while alone || (waiting > 0 && inside[me] == nil) { unsafe pthread_cond_wait(changed, lock) }
        inside[me, default: 0] += 1
        unsafe pthread_mutex_unlock(lock)
    }

    func leave() {
        unsafe pthread_mutex_lock(lock)
        let me = pthread_self()
        let count = inside[me, default: 0]
        precondition(count > 0, "a transaction must end on the thread that began it")
        inside[me] = count == 1 ? nil : count - 1
        unsafe pthread_cond_broadcast(changed)
        unsafe pthread_mutex_unlock(lock)
    }

    /// Runs `body` while no transaction is open; false, without running it, if this thread itself has one.
    @discardableResult
    func exclusive(_ body: () -> Void) -> Bool {
        unsafe pthread_mutex_lock(lock)
        defer { unsafe pthread_mutex_unlock(lock) }
        guard inside[pthread_self()] == nil else { return false }
        waiting += 1
        while alone || !inside.isEmpty { unsafe pthread_cond_wait(changed, lock) }
        waiting -= 1
        alone = true
        unsafe pthread_mutex_unlock(lock)
        body()
        unsafe pthread_mutex_lock(lock)
        alone = false
        unsafe pthread_cond_broadcast(changed)
        return true
    }
}

/// Which file a path names, whatever the path's spelling.
struct FileIdentity: Hashable, Sendable {
    let device: UInt64
    let inode: UInt64

    init(of path: String) throws(EventLogError) {
        let status = try Self.status(of: path)
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
    }

    static func size(of path: String) throws(EventLogError) -> Int64 { Int64(try status(of: path).st_size) }

    static func status(of path: String) throws(EventLogError) -> stat {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { throw .system(errno, "look at \(path)") }
        return status
    }

    static func exists(_ path: String) -> Bool {
        var status = stat()
        return unsafe stat(path, &status) == 0
    }
}

/// Refuses the places where LMDB's shared map and locks do not work.
enum FileSystemCheck {
    static func require(local folder: String) throws(EventLogError) {
        let magic = unsafe clmdb_file_system(folder)
        guard magic >= 0 else { throw .system(errno, "look at the file system of \(folder)") }
        if let name = Self.refused(UInt32(truncatingIfNeeded: magic)) {
            throw EventLogError(
                .unsuitableFileSystem,
                """
                \(folder) lies on \(name). The log needs a disk of this computer: a shared memory map and its locks do not work there. \
                Choose a root on a local disk (ext4, XFS, btrfs, …) and use `bedrot backup` for the other place.
                """)
        }
    }

    /// The name of a file system that cannot hold a log, by the magic number of statfs(2).
    static func refused(_ magic: UInt32) -> String? {
        switch magic {
        case 0x6969: "NFS (a network folder)"
        case 0x517B, 0xFF53_4D42, 0xFE53_4D42: "SMB (a network folder)"
        case 0x0102_1997: "9P (a folder of the host or of Windows)"
        case 0x5346_4846: "a Windows drive under WSL"
        case 0x786F_4256: "a VirtualBox shared folder"
        case 0xBACB_ACBC: "a VMware shared folder"
        case 0x7C7C_6673: "a Parallels shared folder"
        case 0x6573_5546: "FUSE (a synced or mounted folder)"
        case 0x5346_414F, 0x6B41_4653: "AFS (a network folder)"
        case 0x7375_7245, 0x00C3_6400, 0x0BD0_0BD0, 0x0116_1970, 0x7461_636F: "a cluster file system"
        default: nil
        }
    }
}

// MARK: - Reading and writing inside a transaction

/// A running LMDB transaction: a plain handle, ended by the environment that began it.
@safe struct Transaction {
    let handle: OpaquePointer
    let tables: [UInt32]
    let file: String

    /// The value under a key; valid until the transaction writes or ends.
    @unsafe func get(_ table: Table, _ key: [UInt8]) throws(EventLogError) -> UnsafeRawBufferPointer? {
        let (result, value) = unsafe key.withUnsafeBytes { bytes in
            var key = unsafe MDB_val(mv_size: bytes.count, mv_data: UnsafeMutableRawPointer(mutating: bytes.baseAddress))
            var value = unsafe MDB_val()
            let result = unsafe mdb_get(handle, tables[table.rawValue], &key, &value)
            return unsafe (result, UnsafeRawBufferPointer(value))
        }
        if result == MDB_NOTFOUND { return nil }
        try Environment.check(result, "read \(table.name) of \(file)")
        return unsafe value
    }

    /// The stored value (id and bytes) of an event; valid until the transaction writes or ends.
    @unsafe func event(_ seq: Int64) throws(EventLogError) -> UnsafeRawBufferPointer? {
        var stored = UInt64(bitPattern: seq).bigEndian
        let (result, value) = unsafe withUnsafeMutableBytes(of: &stored) { bytes in
            var key = unsafe MDB_val(mv_size: 8, mv_data: bytes.baseAddress)
            var value = unsafe MDB_val()
            let result = unsafe mdb_get(handle, tables[Table.events.rawValue], &key, &value)
            return unsafe (result, UnsafeRawBufferPointer(value))
        }
        if result == MDB_NOTFOUND { return nil }
        try Environment.check(result, "read event \(seq) of \(file)")
        return unsafe value
    }

    /// Adds an event behind the last one, writing straight into LMDB's page.
    func append(_ seq: Int64, id: Hash256, bytes: UnsafeRawBufferPointer) throws(EventLogError) {
        var stored = UInt64(bitPattern: seq).bigEndian
        let result = unsafe withUnsafeMutableBytes(of: &stored) { keyBytes in
            var key = unsafe MDB_val(mv_size: 8, mv_data: keyBytes.baseAddress)
            var value = unsafe MDB_val(mv_size: 32 + bytes.count, mv_data: nil)
            let result = unsafe mdb_put(handle, tables[Table.events.rawValue], &key, &value, UInt32(MDB_APPEND | MDB_RESERVE))
            if result == 0 {
                let room = unsafe UnsafeMutableRawBufferPointer(start: value.mv_data, count: value.mv_size)
                unsafe id.store(to: room)
                unsafe UnsafeMutableRawBufferPointer(rebasing: room[32...]).copyMemory(from: bytes)
            }
            return result
        }
        try Environment.check(result, "append event \(seq) to \(file)")
    }

    func put(_ table: Table, _ key: [UInt8], _ value: [UInt8], flags: Int32 = 0) throws(EventLogError) {
        let result = unsafe key.withUnsafeBytes { keyBytes in
            unsafe value.withUnsafeBytes { valueBytes in
                var key = unsafe MDB_val(mv_size: keyBytes.count, mv_data: UnsafeMutableRawPointer(mutating: keyBytes.baseAddress))
                var value = unsafe MDB_val(mv_size: valueBytes.count, mv_data: UnsafeMutableRawPointer(mutating: valueBytes.baseAddress))
                return unsafe mdb_put(handle, tables[table.rawValue], &key, &value, UInt32(flags))
            }
        }
        try Environment.check(result, "write \(table.name) of \(file)")
    }

    /// The highest key of the events, with its value.
    @unsafe func last() throws(EventLogError) -> (key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer)? {
        let cursor = try Cursor(self, .events)
        return unsafe try cursor.move(MDB_LAST)
    }
}

/// A cursor over one table of a transaction; closed when it goes.
@safe struct Cursor: ~Copyable {
    private let handle: OpaquePointer
    private let table: Table
    private let file: String

    init(_ transaction: Transaction, _ table: Table) throws(EventLogError) {
        var opened: OpaquePointer?
        try Environment.check(
            unsafe mdb_cursor_open(transaction.handle, transaction.tables[table.rawValue], &opened),
            "read \(table.name) of \(transaction.file)")
        guard let cursor = unsafe opened else { throw EventLogError(.inputOutput, "LMDB gave no cursor") }
        unsafe handle = cursor
        self.table = table
        file = transaction.file
    }

    deinit { unsafe mdb_cursor_close(handle) }

    /// Moves and gives the entry there, nil past the end; valid until the transaction writes or ends.
    @unsafe func move(_ operation: MDB_cursor_op) throws(EventLogError) -> (key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer)? {
        var key = unsafe MDB_val()
        var value = unsafe MDB_val()
        let result = unsafe mdb_cursor_get(handle, &key, &value, operation)
        if result == MDB_NOTFOUND { return nil }
        try Environment.check(result, "read \(table.name) of \(file)")
        return unsafe (UnsafeRawBufferPointer(key), UnsafeRawBufferPointer(value))
    }

    /// Moves to the first entry whose key is not below `key`.
    @unsafe func seek(_ key: [UInt8]) throws(EventLogError) -> (key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer)? {
        // LMDB refuses an empty key, which would be below all, and one longer than it can store.
        if key.isEmpty { return unsafe try move(MDB_FIRST) }
        if key.count > 511 { return nil }
        let (result, found, value) = unsafe key.withUnsafeBytes { bytes in
            var key = unsafe MDB_val(mv_size: bytes.count, mv_data: UnsafeMutableRawPointer(mutating: bytes.baseAddress))
            var value = unsafe MDB_val()
            let result = unsafe mdb_cursor_get(handle, &key, &value, MDB_SET_RANGE)
            return unsafe (result, UnsafeRawBufferPointer(key), UnsafeRawBufferPointer(value))
        }
        if result == MDB_NOTFOUND { return nil }
        try Environment.check(result, "read \(table.name) of \(file)")
        return unsafe (found, value)
    }

    /// Writes through the cursor: cheap when keys come sorted, since the cursor is near already.
    func put(_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws(EventLogError) {
        var key = unsafe MDB_val(mv_size: key.count, mv_data: UnsafeMutableRawPointer(mutating: key.baseAddress))
        var value = unsafe MDB_val(mv_size: value.count, mv_data: UnsafeMutableRawPointer(mutating: value.baseAddress))
        try Environment.check(unsafe mdb_cursor_put(handle, &key, &value, 0), "write \(table.name) of \(file)")
    }
}

extension UnsafeRawBufferPointer {
    fileprivate init(_ value: MDB_val) {
        unsafe self.init(start: value.mv_data, count: value.mv_data == nil ? 0 : value.mv_size)
    }

    /// The eight big-endian bytes at `offset` as a seq; nil if there are not eight or the number is no seq.
    func seq(at offset: Int = 0) -> Int64? {
        guard offset >= 0, offset + 8 <= count else { return nil }
        return Int64(exactly: UInt64(bigEndian: unsafe loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
    }
}

/// The eight big-endian bytes of a seq.
func seqBytes(_ seq: Int64) -> [UInt8] {
    unsafe withUnsafeBytes(of: UInt64(bitPattern: seq).bigEndian) { unsafe Array($0) }
}
