import Glibc
import Testing

@testable import EventLog

/// Kills a process between every two steps and looks at what it left behind.
@Suite struct CrashTests {
    /// Meets every failpoint of the module: a new log, a map that grows, an object, its copy, a plain file, an append, the indexes.
    private static func scenario(_ path: String) throws {
        let log = try EventLog.create(at: path + "/log", indexing: indexing, options: Options(mapSize: 65_536))
        let store = ObjectStore(at: path + "/objects")
        let hash = try store.put(Array("bytes".utf8))
        try AtomicFile.write(Array("new".utf8), to: path + "/file")
        try store.place(hash, at: path + "/copy")
        for number in 0..<Int64(3) {
            let event = try log.write { try $0.append(draft(["object": .string(hash.hex), "n": .int(number)], after: number)) }
            try AtomicFile.write(seqBytes(event.seq), to: path + "/acknowledged")
            try log.catchUpIndexes()
        }
    }

    @Test(arguments: Failpoint.all)
    func killedAt(point: String) async throws {
        let folder = try TemporaryFolder()
        let path = folder.path
        try AtomicFile.write(Array("old".utf8), to: path + "/file")
        try AtomicFile.write(seqBytes(0), to: path + "/acknowledged")
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String, point = point as String] in
            setenv("BEDROT_FAILPOINT", point, 1)
            try Self.scenario(path)
        }
        let store = ObjectStore(at: path + "/objects")
        try store.removeOrphans()
        #expect(try names(in: path + "/objects/tmp").isEmpty)
        let foreign = try store.all { hash, _ in
            let bytes = try store.read(hash)
            #expect(bytes == Array("bytes".utf8), "never half an object under its name")
        }
        #expect(foreign.isEmpty)
        if FileIdentity.exists(path + "/copy") { #expect(try AtomicFile.read(path + "/copy") == Array("bytes".utf8)) }
        let file = String(decoding: try AtomicFile.read(path + "/file"), as: UTF8.self)
        #expect(file == "old" || file == "new")
        let acknowledged = Int64(try AtomicFile.read(path + "/acknowledged").last ?? 0)

        guard FileIdentity.exists(path + "/log") else {
            #expect(point == "log.created.unnamed" || point == "log.growing")
            try Self.scenario(path)
            return
        }
        let log = try reopen(folder)
        let head = try log.read { try $0.scanVerifying { _, _, _ in true } }
        #expect(head.seq >= acknowledged, "what was acknowledged is there")
        let named = try log.read { transaction in try transaction.captures(of: Hash256(hashing: Array("bytes".utf8))).map(\.seq) }
        #expect(named == Array(1...max(1, head.seq)).filter { $0 <= head.seq })
        #expect(try log.write { try $0.append(draft(after: 1000)) }.seq == head.seq + 1)
        try log.catchUpIndexes()
        log.close()
        let report = try Verifier(folder: path + "/log", objects: store, indexing: indexing, references: { _, _ in [] }).run()
        #expect(report.isSound, "\(report.findings)")
    }

    @Test func everyFailpointIsListedOnceAndUsed() throws {
        let here = AtomicFile.parent(of: #filePath)
        let sources = AtomicFile.parent(of: AtomicFile.parent(of: here)) + "/Sources/EventLog"
        var used: [String] = []
        for name in try names(in: sources) where name.hasSuffix(".swift") {
            let text = String(decoding: try AtomicFile.read("\(sources)/\(name)"), as: UTF8.self)
            for part in text.split(separator: "Failpoint.hit(\"").dropFirst() { used.append(String(part.prefix { $0 != "\"" })) }
        }
        #expect(Set(used) == Set(Failpoint.all))
        #expect(Set(Failpoint.all).count == Failpoint.all.count)
    }

    @Test(arguments: [("object.renamed", true), ("object.renamed:2", false), ("object.renamed:0", true), ("object", false), ("", false)])
    func theEnvironmentChooses(value: String, dies: Bool) async throws {
        let folder = try TemporaryFolder()
        let path = folder.path
        await #expect(processExitsWith: dies ? .signal(SIGKILL) : .success) { [value = value as String, path = path as String] in
            setenv("BEDROT_FAILPOINT", value, 1)
            try ObjectStore(at: path).put([1])
        }
    }
}
