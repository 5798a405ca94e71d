import Glibc
import Testing

@testable import EventLog

@Suite struct VerifierTests {
    private static func verifier(_ folder: TemporaryFolder) -> Verifier {
        Verifier(
            folder: folder.path + "/log", objects: ObjectStore(at: folder.path + "/objects"), indexing: indexing,
            references: { _, body in body["object"]?.string.flatMap { Hash256(hex: $0) }.map { [$0] } ?? [] })
    }

    /// A small log that uses every table, with its objects.
    private static func make(_ folder: TemporaryFolder) throws -> EventLog {
        let store = ObjectStore(at: folder.path + "/objects")
        let objects = try [[1, 2, 3], [4, 5]].map { try store.put($0) }
        let log = try makeLog(folder)
        try log.write { transaction in
            try transaction.append(draft(["object": .string(objects[0].hex)], run: "r1"))
            try transaction.append(draft(["object": .string(objects[1].hex)], stream: "demo/weekly"))
            try transaction.append(draft(["retracts": 1], type: "demo.retracted", after: -10))
            try transaction.append(draft(["key": "k", "text": "é"], run: "r2"))
        }
        try log.catchUpIndexes()
        try log.write { try $0.append(draft(["n": 1], after: 7)) }
        return log
    }

    @Test func aSoundLog() throws {
        let folder = try TemporaryFolder()
        let log = try Self.make(folder)
        let head = try log.read { try $0.head() }
        log.close()
        try ObjectStore(at: folder.path + "/objects").put([9])
        var phases: [Verifier.Progress.Phase] = []
        let report = try Self.verifier(folder).run { phases.append($0.phase) }
        #expect(report.findings.isEmpty, "\(report.findings)")
        #expect(report.isSound)
        #expect(report.events == 5)
        #expect(report.objects == 3)
        #expect(report.unnamedObjects == 1)
        #expect(report.head == head)
        #expect(phases == [.events, .objects])
    }

    @Test func everyFlippedByteIsFound() throws {
        let folder = try TemporaryFolder()
        try Self.make(folder).close()
        let file = folder.path + "/log/data.mdb"
        var regions: [(table: String, range: Range<Int>)] = []
        try PageWalker(path: file).walk { entry, isRecord in
            guard !isRecord else { return }
            regions.append((entry.table, entry.key))
            regions.append((entry.table, entry.value))
        }
        #expect(Set(regions.map(\.table)) == ["meta", "events", "ids", "by_stream", "by_type", "by_run", "by_object", "by_key"])
        let descriptor = open(file, O_RDWR)
        defer { close(descriptor) }
        let verifier = Self.verifier(folder)
        let bytes = try AtomicFile.read(file)
        var flips = 0
        for (table, range) in regions {
            for offset in range {
                for mask in [1 << (offset % 8), 0xFF] as [UInt8] {
                    var flipped = bytes[offset] ^ mask
                    #expect(pwrite(descriptor, &flipped, 1, offset) == 1)
                    let report = try verifier.run()
                    #expect(!report.isSound, "\(table), byte \(offset - range.lowerBound) of \(range.count), mask \(mask)")
                    if table == "events" {
                        #expect(report.firstBadEvent != nil, "\(table) \(offset - range.lowerBound) \(report.findings)")
                    }
                    var original = bytes[offset]
                    #expect(pwrite(descriptor, &original, 1, offset) == 1)
                    flips += 1
                }
            }
        }
        #expect(flips > 3000)
        #expect(try verifier.run().isSound)
    }

    /// No flip in an event, an id or an index entry may turn into a wrong answer: reading gives the truth or an error.
    @Test func noFlippedEventIsEverRead() throws {
        let folder = try TemporaryFolder()
        let log = try Self.make(folder)
        let truth = try log.read { try $0.events(EventQuery()) }
        log.close()
        let file = folder.path + "/log/data.mdb"
        var ranges: [Range<Int>] = []
        try PageWalker(path: file).walk { entry, _ in if entry.table == "events" { ranges += [entry.key, entry.value] } }
        let bytes = try AtomicFile.read(file)
        let descriptor = open(file, O_RDWR)
        defer { close(descriptor) }
        for offset in ranges.joined() {
            var flipped = bytes[offset] ^ 1 << UInt8(offset % 8)
            #expect(pwrite(descriptor, &flipped, 1, offset) == 1)
            do {
                let log = try reopen(folder, mode: .readOnly)
                defer { log.close() }
                let read = try log.read { try $0.events(EventQuery()) }
                #expect(read.map(\.bytes) == truth.map(\.bytes), "byte \(offset)")
                Issue.record("byte \(offset) changed and nothing was noticed")
            } catch {
                #expect((error as? EventLogError)?.code == .damaged)
            }
            var original = bytes[offset]
            #expect(pwrite(descriptor, &original, 1, offset) == 1)
        }
    }

    @Test func objects() throws {
        let folder = try TemporaryFolder()
        try Self.make(folder).close()
        let store = ObjectStore(at: folder.path + "/objects")
        let verifier = Self.verifier(folder)
        for bytes in [[1, 2, 3], [4, 5]] as [[UInt8]] {
            let hash = Hash256(hashing: bytes)
            for index in bytes.indices {
                var flipped = bytes
                flipped[index] ^= 0x10
                try AtomicFile.write(flipped, to: store.path(of: hash), mode: 0o444)
                #expect(try verifier.run().findings.map(\.what) == [.objectDamaged])
                #expect(try verifier.run().findings.map(\.object) == [hash])
            }
            #expect(unlink(store.path(of: hash)) == 0)
            #expect(try verifier.run().findings.map(\.what) == [.objectMissing])
            try store.put(bytes)
        }
        try AtomicFile.write([], to: folder.path + "/objects/sha256/stray")
        #expect(try verifier.run().findings.map(\.what) == [.objectName])
    }

    @Test func wholeEventsAndEntriesThatDoNotBelong() throws {
        func findings(_ change: (EventLog, Transaction) throws -> Void) throws -> Set<Verifier.Finding.What> {
            let folder = try TemporaryFolder()
            let log = try Self.make(folder)
            let transaction = try log.environment.begin(readOnly: false)
            try change(log, transaction)
            try log.environment.commit(transaction)
            log.close()
            return Set(try Self.verifier(folder).run().findings.map(\.what))
        }
        let stranger = Hash256(hashing: [77])
        #expect(
            try findings { _, transaction in try transaction.put(.byStream, Array("demo/none".utf8) + [0] + seqBytes(2), []) } == [
                .indexExtra
            ])
        #expect(try findings { _, transaction in try transaction.put(.byRun, Array("r9".utf8) + [0] + seqBytes(2), []) } == [.indexExtra])
        #expect(try findings { _, transaction in try transaction.put(.ids, stranger.bytes, seqBytes(2)) } == [.indexExtra])
        #expect(try findings { _, transaction in try transaction.put(.byKey, stranger.bytes, seqBytes(2)) } == [.indexExtra])
        #expect(
            try findings { _, transaction in try transaction.put(.byObject, stranger.bytes + seqBytes(2), Liveness.bytes(true)) } == [
                .indexExtra
            ])
        #expect(
            try findings { _, transaction in
                let hash = Hash256(hashing: [1, 2, 3])
                try transaction.put(.byObject, hash.bytes + seqBytes(1), Liveness.bytes(true))
            } == [.indexWrong])
        // A well-formed event with a right id, but of another chain, at the end.
        let found = try findings { log, transaction in
            let last = try TransactionCore(log: log, transaction: transaction).event(5)
            var text = String(decoding: try #require(last).bytes, as: UTF8.self).replacing("\"seq\":5", with: "\"seq\":6")
            text = text.replacing("\"n\":1", with: "\"n\":2")
            let bytes = Array(text.utf8)
            try bytes.withUnsafeBytes { try transaction.append(6, id: Hash256(hashing: bytes), bytes: $0) }
        }
        #expect(found == [.eventLink])
    }

    @Test func aTruncatedOrForeignLogIsAFinding() throws {
        let folder = try TemporaryFolder()
        try Self.make(folder).close()
        let file = folder.path + "/log/data.mdb"
        let whole = try AtomicFile.read(file)
        for bytes in [Array(whole.prefix(12_288)), Array(whole.prefix(5)), Array(repeating: 7, count: whole.count)] {
            try AtomicFile.write(bytes, to: file)
            let report = try Self.verifier(folder).run()
            #expect(report.findings.contains { $0.what == .log })
        }
        TemporaryFolder.remove(folder.path + "/log")
        #expect(code { _ = try Self.verifier(folder).run() } == .notFound)
    }
}
