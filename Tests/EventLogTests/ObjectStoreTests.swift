import Glibc
import Synchronization
import Testing

@testable import EventLog

@Suite struct ObjectStoreTests {
    @Test func putReadPlace() throws {
        let folder = try TemporaryFolder()
        let store = ObjectStore(at: folder.path + "/objects")
        let bytes = Array("date,streams\n2025-01-01,7\n".utf8)
        let hash = try store.put(bytes)
        #expect(hash == Hash256(hashing: bytes))
        let path = store.path(of: hash)
        #expect(path == "\(folder.path)/objects/sha256/\(hash.hex.prefix(2))/\(hash.hex.dropFirst(2).prefix(2))/\(hash.hex)")
        #expect(try store.read(hash) == bytes)
        #expect(try store.size(of: hash) == Int64(bytes.count))
        #expect(try FileIdentity.status(of: path).st_mode & 0o777 == 0o444)
        #expect(store.contains(hash))

        let before = try FileIdentity(of: path)
        #expect(try store.put(bytes) == hash)
        #expect(try FileIdentity(of: path) == before, "a known object must not be written again")

        let copy = folder.path + "/copy.csv"
        try AtomicFile.write([1, 2, 3], to: copy)
        try store.place(hash, at: copy)
        #expect(try AtomicFile.read(copy) == bytes)
        let placed = try FileIdentity.status(of: copy)
        #expect(placed.st_nlink == 1)
        #expect(placed.st_mode & 0o777 == 0o444)
        #expect(try FileIdentity(of: copy) != before, "a copy, never a hard link")
        #expect(try names(in: folder.path + "/objects/tmp").isEmpty)
    }

    @Test(arguments: [0, 1, 262_143, 262_144, 262_145, 1_000_000])
    func putFile(size: Int) throws {
        let folder = try TemporaryFolder()
        let store = ObjectStore(at: folder.path + "/objects")
        var random = SplitMix64(state: UInt64(size))
        let bytes = (0..<size).map { _ in UInt8.random(in: 0...255, using: &random) }
        let source = folder.path + "/source"
        try AtomicFile.write(bytes, to: source)
        let (hash, stored) = try store.put(contentsOf: source)
        #expect(hash == Hash256(hashing: bytes))
        #expect(stored == Int64(size))
        #expect(try store.read(hash) == bytes)
        #expect(try store.put(contentsOf: source).hash == hash)
        var pieces: [UInt8] = []
        try store.chunks(of: hash, size: 1000) { pieces.append(contentsOf: $0) }
        #expect(pieces == bytes)
    }

    @Test func aFileTooLargeForMemory() throws {
        let folder = try TemporaryFolder()
        let store = ObjectStore(at: folder.path + "/objects")
        let source = folder.path + "/source"
        var hasher = Hasher256()
        try AtomicFile.write(to: source) { (file) throws(EventLogError) in
            for number in 0..<UInt8(34) { try file.write(Array(repeating: number, count: 1 << 20)) }
        }
        for number in 0..<UInt8(34) { hasher.update(Array(repeating: number, count: 1 << 20)) }
        let expected = hasher.finalize()
        for _ in 0..<2 {
            let (hash, size) = try store.put(contentsOf: source)
            #expect(hash == expected)
            #expect(size == 34 << 20)
        }
        #expect(try store.size(of: expected) == 34 << 20)
        try store.chunks(of: expected, size: 1 << 20) { _ in }
    }

    @Test func damageAndAbsenceAreErrors() throws {
        let folder = try TemporaryFolder()
        let store = ObjectStore(at: folder.path + "/objects")
        let hash = try store.put([1, 2, 3])
        let absent = Hash256(hashing: [9])
        #expect(code { _ = try store.read(absent) } == .objectMissing)
        #expect(code { _ = try store.size(of: absent) } == .objectMissing)
        #expect(code { try store.place(absent, at: folder.path + "/x") } == .objectMissing)
        #expect(code { _ = try store.put(contentsOf: folder.path) } == .inputOutput, "a folder is no file")
        #expect(code { _ = try store.put(contentsOf: folder.path + "/none") } == .notFound)

        try AtomicFile.write([1, 2, 4], to: store.path(of: hash))
        #expect(code { _ = try store.read(hash) } == .objectDamaged)
        #expect(code { try store.chunks(of: hash, size: 2) { _ in } } == .objectDamaged)
        try AtomicFile.write([1], to: store.path(of: hash))
        #expect(try store.put([1, 2, 3]) == hash, "an object of the wrong length is replaced")
        #expect(try store.read(hash) == [1, 2, 3])
    }

    @Test func listsObjectsAndForeignNames() throws {
        let folder = try TemporaryFolder()
        let store = ObjectStore(at: folder.path + "/objects")
        #expect(try store.all { _, _ in }.isEmpty, "no folder yet")
        let expected = Set(try (0..<20).map { try store.put([UInt8($0)]) })
        try AtomicFile.write([], to: folder.path + "/objects/sha256/readme")
        try AtomicFile.write([], to: store.path(of: Hash256(hashing: [3])) + "x")
        var found: Set<Hash256> = []
        let foreign = try store.all { hash, _ in found.insert(hash) }
        #expect(found == expected)
        #expect(foreign.count == 2)
    }

    @Test func orphansOfDeadProcessesGo() throws {
        let folder = try TemporaryFolder()
        let store = ObjectStore(at: folder.path)
        try store.put([1])
        try AtomicFile.write([1], to: folder.path + "/tmp/.tmp-999999999-1")
        try AtomicFile.write([1], to: folder.path + "/tmp/.tmp-\(getpid())-0")
        try AtomicFile.write([1], to: folder.path + "/tmp/.tmp-1-1")
        try store.removeOrphans()
        #expect(try names(in: folder.path + "/tmp") == [".tmp-1-1", ".tmp-\(getpid())-0"])
    }

    @Test func twoThreadsPutTheSameBytes() async throws {
        let folder = try TemporaryFolder()
        let store = ObjectStore(at: folder.path + "/objects")
        try await withThrowingTaskGroup(of: [Hash256].self) { group in
            for _ in 0..<4 {
                group.addTask { try (0..<40).map { try store.put(Array(repeating: UInt8($0), count: 5000)) } }
            }
            for try await hashes in group {
                for (index, hash) in hashes.enumerated() { #expect(try store.read(hash) == Array(repeating: UInt8(index), count: 5000)) }
            }
        }
        #expect(try names(in: folder.path + "/objects/tmp").isEmpty)
    }

    @Test func aFailedWriteLeavesTheOldFile() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/file"
        try AtomicFile.write([1], to: path, mode: 0o600)
        #expect(
            code {
                try AtomicFile.write(to: path) { (file) throws(EventLogError) in
                    try file.write([2, 2])
                    throw EventLogError(.diskFull, "made up")
                }
            } == .diskFull)
        #expect(try AtomicFile.read(path) == [1])
        #expect(try names(in: folder.path) == ["file"])
        #expect(try FileIdentity.status(of: path).st_mode & 0o777 == 0o600)
    }

    @Test(arguments: [("/a/b", "/a"), ("/a", "/"), ("a", "."), ("/a/b/", "/a"), ("a/b", "a"), ("/", "/")])
    func parents(path: String, parent: String) {
        #expect(AtomicFile.parent(of: path) == parent)
    }
}

func names(in folder: String) throws -> [String] {
    guard let stream = opendir(folder) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
        let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
}
