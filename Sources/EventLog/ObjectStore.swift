import CLMDB
import Glibc

/// Whole files that are either there with all their bytes or not there at all.
package enum AtomicFile {
    private static let counter = Guarded<UInt64>(0)

    /// Replaces `path` by a file with these bytes: temporary file beside it, flush, rename, flush of the folder.
    ///
    /// - Throws: ``EventLogError``; the old file is then untouched.
    package static func write(_ bytes: [UInt8], to path: String, mode: UInt32 = 0o644) throws(EventLogError) {
        try write(to: path, mode: mode) { (file) throws(EventLogError) in try file.write(bytes) }
    }

    /// The same, with the bytes written piece by piece by `body`.
    package static func write(
        to path: String, mode: UInt32 = 0o644, _ body: (borrowing NewFile) throws(EventLogError) -> Void
    ) throws(EventLogError) {
        let file = try NewFile(beside: path)
        try body(file)
        Failpoint.hit("file.written")
        try file.sync(mode: mode)
        Failpoint.hit("file.synced")
        try file.rename(to: path)
        Failpoint.hit("file.renamed")
        try syncFolder(parent(of: path))
    }

    /// All bytes of a file.
    package static func read(_ path: String) throws(EventLogError) -> [UInt8] {
        let file = try OpenFile(reading: path)
        let size = try file.status().st_size
        var bytes: [UInt8] = []
        bytes.reserveCapacity(max(0, size) + 1)
        unsafe try file.forEachChunk(of: 1 << 18) { (chunk) throws(EventLogError) in unsafe bytes.append(contentsOf: chunk) }
        return bytes
    }

    /// Makes a folder and those above it, each flushed into its parent.
    package static func makeFolders(_ path: String, mode: UInt32 = 0o700) throws(EventLogError) {
        if path.isEmpty || FileIdentity.exists(path) { return }
        let above = parent(of: path)
        if above != path { try makeFolders(above, mode: mode) }
        guard unsafe mkdir(path, mode) == 0 || errno == EEXIST else { throw .system(errno, "make the folder \(path)") }
        try syncFolder(above)
    }

    /// Makes the names in a folder durable.
    package static func syncFolder(_ path: String) throws(EventLogError) {
        let descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system(errno, "open the folder \(path)") }
        defer { Glibc.close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .system(errno, "flush the folder \(path)") }
    }

    /// The folder a path lies in; `.` for a bare name.
    package static func parent(of path: String) -> String {
        var bytes = Array(path.utf8)
        while bytes.count > 1, bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
        guard let slash = bytes.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == 0 ? "/" : String(decoding: bytes[..<slash], as: UTF8.self)
    }

    /// A name no other writer uses: process and counter.
    static func temporaryName() -> String {
        let number = counter.withLock { counter in
            counter += 1
            return counter
        }
        return ".tmp-\(getpid())-\(number)"
    }

    /// The process that made a temporary name; nil for any other name.
    static func temporaryOwner(_ name: String) -> Int32? {
        guard name.hasPrefix(".tmp-") else { return nil }
        return name.dropFirst(5).split(separator: "-").first.flatMap { Int32($0) }
    }
}

/// A file being written under a temporary name; removed again unless it is renamed.
package struct NewFile: ~Copyable {
    private let descriptor: Int32
    /// The temporary name.
    let path: String

    fileprivate init(beside target: String) throws(EventLogError) {
        try self.init(in: AtomicFile.parent(of: target))
    }

    fileprivate init(in folder: String) throws(EventLogError) {
        let name = "\(folder)/\(AtomicFile.temporaryName())"
        let opened = unsafe open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard opened >= 0 else { throw .system(errno, "make a file in \(folder)") }
        descriptor = opened
        path = name
    }

    deinit {
        Glibc.close(descriptor)
        unsafe unlink(path)
    }

    /// Adds bytes in memory.
    package func write(_ bytes: UnsafeRawBufferPointer) throws(EventLogError) {
        var rest = unsafe bytes
        while unsafe !rest.isEmpty {
            let count = unsafe Glibc.write(descriptor, rest.baseAddress, rest.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw .system(count < 0 ? errno : ENOSPC, "write \(path)") }
            unsafe rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }

    /// Adds the bytes of an array.
    package func write(_ bytes: [UInt8]) throws(EventLogError) {
        let failure: EventLogError? = unsafe bytes.withUnsafeBytes { bytes in
            do throws(EventLogError) {
                unsafe try write(bytes)
                return nil
            } catch {
                return error
            }
        }
        if let failure { throw failure }
    }

    /// Shares the blocks of `source`, or copies them in the kernel, or by hand.
    fileprivate func copy(from source: borrowing OpenFile) throws(EventLogError) {
        if clmdb_reflink(descriptor, source.descriptor) == 0 { return }
        var copied = false
        while true {
            let count = clmdb_copy_range(source.descriptor, descriptor, 1 << 30)
            if count == 0 { return }
            if count < 0, errno == EINTR { continue }
            if count < 0 {
                guard !copied, [EXDEV, EINVAL, ENOSYS, EOPNOTSUPP, EIO].contains(errno) else { throw .system(errno, "copy to \(path)") }
                break
            }
            copied = true
        }
        unsafe try source.forEachChunk(of: 1 << 18) { (chunk) throws(EventLogError) in unsafe try write(chunk) }
    }

    fileprivate func sync(mode: UInt32) throws(EventLogError) {
        guard fchmod(descriptor, mode) == 0 else { throw .system(errno, "set the permissions of \(path)") }
        guard fsync(descriptor) == 0 else { throw .system(errno, "flush \(path)") }
    }

    fileprivate func rename(to target: String) throws(EventLogError) {
        guard unsafe Glibc.rename(path, target) == 0 else { throw .system(errno, "rename \(path) to \(target)") }
    }
}

/// A file open for reading.
private struct OpenFile: ~Copyable {
    let descriptor: Int32
    private let path: String

    init(reading path: String) throws(EventLogError) {
        let opened = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard opened >= 0 else { throw .system(errno, "open \(path)") }
        descriptor = opened
        self.path = path
    }

    deinit { Glibc.close(descriptor) }

    func status() throws(EventLogError) -> stat {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw .system(errno, "look at \(path)") }
        return status
    }

    func rewind() throws(EventLogError) {
        guard lseek(descriptor, 0, SEEK_SET) == 0 else { throw .system(errno, "read \(path)") }
    }

    /// Reads to the end in pieces of at most `size` bytes.
    func forEachChunk(of size: Int, _ body: (UnsafeRawBufferPointer) throws(EventLogError) -> Void) throws(EventLogError) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, size), alignment: 64)
        defer { unsafe buffer.deallocate() }
        while true {
            let count = unsafe Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .system(errno, "read \(path)") }
            if count == 0 { return }
            unsafe try body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
    }
}

/// The bytes of captures and definitions, each file named by its SHA-256: `<folder>/sha256/ab/cd/<64 digits>`, mode 0444.
///
/// An object is never seen half written: its bytes go to `<folder>/tmp`, are flushed, renamed, and the folder is flushed, in that order.
/// Objects are never hard links to other people's files.
package struct ObjectStore: Sendable {
    /// The folder of the store.
    package let folder: String

    /// A store in `folder`, which is made when the first object comes.
    package init(at folder: String) {
        self.folder = folder
    }

    /// Where an object lies or would lie.
    package func path(of hash: Hash256) -> String {
        let hex = hash.hex
        return "\(folder)/sha256/\(hex.prefix(2))/\(hex.dropFirst(2).prefix(2))/\(hex)"
    }

    /// Whether there is a file of that name.
    package func contains(_ hash: Hash256) -> Bool { FileIdentity.exists(path(of: hash)) }

    /// The length of an object in bytes.
    ///
    /// - Throws: `.objectMissing`.
    package func size(of hash: Hash256) throws(EventLogError) -> Int64 {
        guard contains(hash) else { throw missing(hash) }
        return try FileIdentity.size(of: path(of: hash))
    }

    /// Stores bytes from memory; durable on return. An object that is there already is not written again.
    @discardableResult
    package func put(_ bytes: [UInt8]) throws(EventLogError) -> Hash256 {
        let hash = Hash256(hashing: bytes)
        if isThere(hash, size: Int64(bytes.count)) { return hash }
        let file = try newFile()
        Failpoint.hit("object.temp.created")
        try file.write(bytes)
        try settle(file, hash)
        return hash
    }

    /// Stores the bytes of a file; durable on return. The file is only read.
    ///
    /// The very bytes hashed are those stored: they come from the same read. If the file's size or time changed meanwhile it is read again.
    /// - Throws: `.inputOutput` if it does not hold still in five attempts.
    package func put(contentsOf path: String) throws -> (hash: Hash256, size: Int64) {
        let source = try OpenFile(reading: path)
        guard try source.status().st_mode & S_IFMT == S_IFREG else {
            throw EventLogError(.inputOutput, "cannot store \(path): it is not a regular file")
        }
        for _ in 0..<5 {
            let before = try source.status()
            try source.rewind()
            if before.st_size <= Self.inMemory {
                guard let bytes = try wholeBytes(source, before) else { continue }
                return (try put(bytes), Int64(bytes.count))
            }
            // A known file ends here, without a write.
            if let known = try knownHash(source, before) { return known }
            try source.rewind()
            let file = try newFile()
            Failpoint.hit("object.temp.created")
            var hasher = Hasher256()
            var size: Int64 = 0
            unsafe try source.forEachChunk(of: 1 << 18) { (chunk) throws(EventLogError) in
                unsafe hasher.update(chunk)
                size += Int64(chunk.count)
                unsafe try file.write(chunk)
            }
            let after = try source.status()
            guard Self.unchanged(before, after), size == Int64(after.st_size) else { continue }
            let hash = hasher.finalize()
            if isThere(hash, size: size) { return (hash, size) }
            try settle(file, hash)
            return (hash, size)
        }
        throw EventLogError(.inputOutput, "cannot store \(path): it keeps changing while it is read. Repeat when its writer has finished.")
    }

    /// Files up to this size are held in memory while they are hashed and stored, so they are read once.
    private static let inMemory = 32 << 20

    /// All bytes of a file, or nil if it changed meanwhile.
    private func wholeBytes(_ source: borrowing OpenFile, _ before: stat) throws(EventLogError) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(before.st_size)
        unsafe try source.forEachChunk(of: 1 << 18) { (chunk) throws(EventLogError) in unsafe bytes.append(contentsOf: chunk) }
        return Self.unchanged(before, try source.status()) && bytes.count == before.st_size ? bytes : nil
    }

    /// The hash of a large file if the store has it: hashing it twice costs less than writing it twice.
    private func knownHash(_ source: borrowing OpenFile, _ before: stat) throws(EventLogError) -> (hash: Hash256, size: Int64)? {
        var hasher = Hasher256()
        var size: Int64 = 0
        unsafe try source.forEachChunk(of: 1 << 18) { (chunk) throws(EventLogError) in
            unsafe hasher.update(chunk)
            size += Int64(chunk.count)
        }
        let hash = hasher.finalize()
        guard Self.unchanged(before, try source.status()), size == Int64(before.st_size), isThere(hash, size: size) else { return nil }
        return (hash, size)
    }

    private static func unchanged(_ before: stat, _ after: stat) -> Bool {
        before.st_size == after.st_size && before.st_mtim.tv_sec == after.st_mtim.tv_sec && before.st_mtim.tv_nsec == after.st_mtim.tv_nsec
    }

    /// A file of another length under the name is damage: it is replaced.
    private func isThere(_ hash: Hash256, size: Int64) -> Bool {
        guard let present = try? FileIdentity.size(of: path(of: hash)) else { return false }
        return present == size
    }

    private func newFile() throws(EventLogError) -> NewFile {
        try AtomicFile.makeFolders("\(folder)/tmp")
        return try NewFile(in: "\(folder)/tmp")
    }

    private func settle(_ file: borrowing NewFile, _ hash: Hash256) throws(EventLogError) {
        Failpoint.hit("object.temp.written")
        try file.sync(mode: 0o444)
        Failpoint.hit("object.temp.synced")
        let target = path(of: hash)
        try AtomicFile.makeFolders(AtomicFile.parent(of: target))
        try file.rename(to: target)
        Failpoint.hit("object.renamed")
        try AtomicFile.syncFolder(AtomicFile.parent(of: target))
        Failpoint.hit("object.folder.synced")
    }

    /// All bytes of an object, checked against its name.
    ///
    /// - Throws: `.objectMissing`, `.objectDamaged`.
    package func read(_ hash: Hash256) throws(EventLogError) -> [UInt8] {
        guard contains(hash) else { throw missing(hash) }
        let bytes = try AtomicFile.read(path(of: hash))
        guard Hash256(hashing: bytes) == hash else { throw damaged(hash) }
        return bytes
    }

    /// Hands over an object in pieces of `size` bytes (the last may be shorter), then checks the whole against its name.
    ///
    /// - Throws: `.objectDamaged` *after* the last piece: discard what was made of them.
    package func chunks(of hash: Hash256, size: Int, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        guard contains(hash) else { throw missing(hash) }
        let file = try OpenFile(reading: path(of: hash))
        var hasher = Hasher256()
        var failure: (any Error)?
        unsafe try file.forEachChunk(of: size) { (chunk) throws(EventLogError) in
            guard failure == nil else { return }
            unsafe hasher.update(chunk)
            do { unsafe try body(chunk) } catch { failure = error }
        }
        if let failure { throw failure }
        guard hasher.finalize() == hash else { throw damaged(hash) }
    }

    /// Puts a copy of an object at `path` (mode 0444), whole or not at all, replacing what is there. Shares blocks where the disk can.
    package func place(_ hash: Hash256, at path: String) throws(EventLogError) {
        guard contains(hash) else { throw missing(hash) }
        let source = try OpenFile(reading: self.path(of: hash))
        let file = try NewFile(beside: path)
        try file.copy(from: source)
        Failpoint.hit("place.copied")
        try file.sync(mode: 0o444)
        Failpoint.hit("place.synced")
        try file.rename(to: path)
        Failpoint.hit("place.renamed")
        try AtomicFile.syncFolder(AtomicFile.parent(of: path))
    }

    /// Calls `body` with each object and its path, in no particular order.
    ///
    /// - Returns: paths below the store that are neither objects in their place nor temporary files.
    @discardableResult
    package func all(_ body: (Hash256, String) throws -> Void) throws -> [String] {
        var foreign: [String] = []
        for name in try Self.names(in: folder) where name != "sha256" && name != "tmp" { foreign.append("\(folder)/\(name)") }
        let root = "\(folder)/sha256"
        for first in try Self.names(in: root) {
            guard first.utf8.count == 2 else {
                foreign.append("\(root)/\(first)")
                continue
            }
            for second in try Self.names(in: "\(root)/\(first)") {
                let place = "\(root)/\(first)/\(second)"
                guard second.utf8.count == 2 else {
                    foreign.append(place)
                    continue
                }
                for name in try Self.names(in: place) {
                    guard let hash = Hash256(hex: name), path(of: hash) == "\(place)/\(name)" else {
                        foreign.append("\(place)/\(name)")
                        continue
                    }
                    try body(hash, "\(place)/\(name)")
                }
            }
        }
        return foreign
    }

    /// Removes temporary files whose process is gone.
    package func removeOrphans() throws(EventLogError) {
        for name in try Self.names(in: "\(folder)/tmp") {
            guard let owner = AtomicFile.temporaryOwner(name), owner != getpid(), kill(owner, 0) != 0, errno == ESRCH else { continue }
            unsafe unlink("\(folder)/tmp/\(name)")
        }
    }

    /// The names in a folder, sorted; none if there is no such folder.
    private static func names(in folder: String) throws(EventLogError) -> [String] {
        guard let stream = unsafe opendir(folder) else {
            guard errno == ENOENT else { throw .system(errno, "list \(folder)") }
            return []
        }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    private func missing(_ hash: Hash256) -> EventLogError {
        EventLogError(.objectMissing, "object \(hash) is not in \(folder). Restore it from a backup, then run `bedrot verify`.")
    }

    private func damaged(_ hash: Hash256) -> EventLogError {
        EventLogError(
            .objectDamaged, "the bytes of \(path(of: hash)) do not hash to its name. Restore it from a backup, then run `bedrot verify`.")
    }
}
