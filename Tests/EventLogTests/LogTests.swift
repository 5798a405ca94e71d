import Glibc
import Testing

@testable import EventLog

@Suite struct LogTests {
    @Test func anEventIsItsCanonicalBytes() throws {
        let folder = try TemporaryFolder()
        let log = try makeLog(folder)
        #expect(try log.read { try $0.head() } == .empty)
        let first = try log.write { try $0.append(draft(["b": 2, "a": "x"], run: "01J")) }
        let expected =
            #"{"actor":"os:1000","body":{"a":"x","b":2},"prev":"\#(String(repeating: "0", count: 64))","run":"01J","seq":1,"#
            + #""stream":"demo/daily","time":"2025-06-15T15:06:40.000Z","type":"demo.noted","v":1}"#
        #expect(String(decoding: first.bytes, as: UTF8.self) == expected)
        #expect(first.id == Hash256(hashing: Array(expected.utf8)))
        let second = try log.write { try $0.append(draft()) }
        #expect(second.seq == 2)
        #expect(second.prev == first.id)
        #expect(second.run == nil)
        #expect(!String(decoding: second.bytes, as: UTF8.self).contains("run"))
        log.close()

        let again = try reopen(folder, mode: .readOnly)
        try again.read { transaction in
            let head = try transaction.head()
            #expect(head == LogHead(seq: 2, id: second.id))
            let read = try #require(try transaction.event(1))
            #expect(read.body == ["a": "x", "b": 2])
            #expect(read.bytes == first.bytes)
            #expect(read.run == "01J")
            #expect(read.time == start)
            #expect(try transaction.id(2) == second.id)
            #expect(try transaction.event(3) == nil)
            #expect(try transaction.event(0) == nil)
            #expect(try transaction.seq(ofID: second.id) == 2)
            #expect(try transaction.seq(ofID: Hash256(hashing: [1])) == nil)
            guard let span = try transaction.bytes(1) else {
                Issue.record("the bytes are missing")
                return
            }
            #expect(span.count == first.bytes.count)
            #expect(span[0] == UInt8(ascii: "{"))
        }
        #expect(code { try again.write { _ in } } == .readOnly)
    }

    @Test func aThrowingWriteLeavesNothing() throws {
        struct Stop: Error {}
        let folder = try TemporaryFolder()
        let log = try makeLog(folder)
        try log.write { try $0.append(draft()) }
        #expect(throws: Stop.self) {
            try log.write { transaction in
                try transaction.append(draft(["object": .string(Hash256(hashing: [1]).hex), "key": "k"]))
                #expect(try transaction.head().seq == 2)
                throw Stop()
            }
        }
        try log.read { transaction in
            let head = try transaction.head()
            #expect(head.seq == 1)
            #expect(try transaction.captures(of: Hash256(hashing: [1])).isEmpty)
            #expect(try transaction.seq(forKey: "k") == nil)
        }
        #expect(try log.write { try $0.append(draft()) }.seq == 2)
    }

    @Test func expectedHead() throws {
        let folder = try TemporaryFolder()
        let log = try makeLog(folder)
        let seen = try log.read { try $0.head() }
        try log.write { transaction in
            try transaction.require(head: seen)
            try transaction.append(draft())
        }
        let failure = #expect(throws: EventLogError.self) {
            try log.write { transaction in
                try transaction.require(head: seen)
                try transaction.append(draft())
            }
        }
        #expect(failure?.code == .headMoved)
        #expect(failure?.isRetryable == true)
        #expect(try log.read { try $0.head() }.seq == 1)
    }

    @Test func idempotenceKeysAndLiveness() throws {
        let folder = try TemporaryFolder()
        let log = try makeLog(folder)
        let object = Hash256(hashing: [1])
        let capture: JSON = ["object": .string(object.hex)]
        try log.write { transaction in
            try transaction.append(draft(capture))
            try transaction.append(draft(["key": "alert/kpi/7"]))
            try transaction.append(draft(capture))
            #expect(code { _ = try transaction.append(draft(["key": "alert/kpi/7"])) } == .duplicateKey)
            #expect(try transaction.seq(forKey: "alert/kpi/7") == 2)
        }
        try log.write { transaction in
            _ = try transaction.head()
            #expect(code { _ = try transaction.append(draft(["retracts": 2])) } == .liveness, "not a capture")
            #expect(code { _ = try transaction.append(draft(["retracts": 99])) } == .liveness, "no such event")
            #expect(code { _ = try transaction.append(draft(["reinstates": 1])) } == .liveness, "live already")
            try transaction.append(draft(["retracts": 1]))
            #expect(code { _ = try transaction.append(draft(["retracts": 1])) } == .liveness, "retracted already")
            #expect(try transaction.captures(of: object).map(\.live) == [false, true])
        }
        try log.read { transaction in
            let captures = try transaction.captures(of: object)
            #expect(captures.map(\.seq) == [1, 3])
            #expect(try transaction.isLive(capture: 1) == false)
            #expect(try transaction.isLive(capture: 3) == true)
            #expect(try transaction.isLive(capture: 2) == nil)
            #expect(try transaction.isLive(capture: 50) == nil)
            #expect(try transaction.head().seq == 4)
        }
        try log.write { try $0.append(draft(["reinstates": 1])) }
        #expect(try log.read { try $0.isLive(capture: 1) } == true)
    }

    @Test(
        arguments: [
            (ahead: 0, time: 0, skew: nil), (ahead: 1, time: 1, skew: nil), (ahead: 172_800_000, time: 172_800_000, skew: nil),
            (ahead: 172_800_001, time: nil, skew: nil), (ahead: -1, time: 0, skew: 1), (ahead: -300_000, time: 0, skew: 300_000),
            (ahead: -300_001, time: nil, skew: nil),
        ] as [(ahead: Int64, time: Int64?, skew: Int64?)])
    func clocks(ahead: Int64, time: Int64?, skew: Int64?) throws {
        let folder = try TemporaryFolder()
        var log = try makeLog(folder)
        try log.write { try $0.append(draft()) }
        if let time {
            let event = try log.write { try $0.append(draft(after: ahead)) }
            #expect(event.time.milliseconds == start.milliseconds + time)
            #expect(event.skewMilliseconds == skew)
            #expect(try log.read { try $0.event(2) }?.skewMilliseconds == skew)
        } else {
            #expect(code { try log.write { _ = try $0.append(draft(after: ahead)) } } == .clockMoved)
            #expect(try log.read { try $0.head() }.seq == 1)
            log.close()
            log = try reopen(folder, options: Options(allowClockJump: true))
            let event = try log.write { try $0.append(draft(after: ahead)) }
            #expect(event.time.milliseconds == start.milliseconds + max(0, ahead), "time never runs backwards")
            #expect(event.skewMilliseconds == (ahead < 0 ? -ahead : nil))
        }
    }

    @Test(arguments: ["", "a\nb", "a\"b", "a\\b", "a\u{0}b", String(repeating: "x", count: 401)])
    func badNames(name: String) throws {
        let folder = try TemporaryFolder()
        let log = try makeLog(folder)
        try log.write { transaction in
            #expect(code { _ = try transaction.append(draft(stream: name)) } == .invalidEvent)
            #expect(code { _ = try transaction.append(draft(type: name)) } == .invalidEvent)
            #expect(code { _ = try transaction.append(draft(run: name)) } == .invalidEvent)
            #expect(code { _ = try transaction.append(draft([1])) } == .invalidEvent)
            #expect(code { _ = try transaction.append(draft(["n": .int(.max)])) } == .invalidEvent)
            let event = try transaction.append(draft())
            #expect(event.seq == 1, "the transaction goes on")
        }
    }

    @Test func rawBytesKeepTheirIds() throws {
        let folder = try TemporaryFolder()
        let other = try TemporaryFolder()
        let log = try makeLog(folder)
        try log.write { transaction in
            try transaction.append(draft(["object": .string(Hash256(hashing: [1]).hex)]))
            try transaction.append(draft(["key": "k"], run: "r", after: 5))
            try transaction.append(draft(["retracts": 1], after: -100))
        }
        let copy = try makeLog(other)
        let events = try log.read { try $0.events(EventQuery()) }
        try copy.write { transaction in
            #expect(code { _ = try transaction.appendRaw(events[1].bytes) } == .invalidEvent, "a gap")
            for event in events {
                let copied = try transaction.appendRaw(event.bytes)
                #expect(copied.id == event.id)
            }
            #expect(code { _ = try transaction.appendRaw(events[2].bytes) } == .invalidEvent, "twice")
            #expect(code { _ = try transaction.appendRaw(Array("{}".utf8)) } == .invalidEvent)
        }
        let head = try log.read { try $0.head() }
        try copy.read { transaction in
            let copied = try transaction.head()
            #expect(copied == head)
            #expect(try transaction.isLive(capture: 1) == false)
            #expect(try transaction.seq(forKey: "k") == 2)
        }
        // One bit of the link changed: canonical, the right seq, another chain.
        let bent = String(decoding: events[0].bytes, as: UTF8.self).replacing("\"prev\":\"0", with: "\"prev\":\"1")
        let third = try TemporaryFolder()
        let fresh = try makeLog(third)
        #expect(code { try fresh.write { _ = try $0.appendRaw(Array(bent.utf8)) } } == .invalidEvent)
    }

    @Test func canonicalBodiesAreCheckedAndEqualTheSlowPath() throws {
        let folder = try TemporaryFolder()
        let other = try TemporaryFolder()
        let log = try makeLog(folder)
        let fast = try makeLog(other)
        let body: JSON = ["a": [1, "é", nil], "b": ["c": true]]
        let slow = try log.write { try $0.append(draft(body)) }
        let head = try fast.write { transaction in
            let head = try transaction.append(draft(), canonicalBody: try body.canonical())
            for text in ["", "[]", "{} ", "{\"b\":1,\"a\":1}", "{\"a\":1.5}", "{\"e\u{301}\":1,\"\u{e9}\":2}"] {
                #expect(code { _ = try transaction.append(draft(), canonicalBody: Array(text.utf8)) } == .invalidEvent)
            }
            return head
        }
        #expect(head == LogHead(seq: 1, id: slow.id))
    }

    @Test func theMapGrowsInsideATransaction() throws {
        let folder = try TemporaryFolder()
        let log = try makeLog(folder, options: Options(mapSize: 65_536))
        let filler = JSON.string(String(repeating: "x", count: 3000))
        let count: Int64 = 1500
        try log.write { transaction in
            for number in 1...count {
                let object = Hash256(hashing: Array("\(number)".utf8))
                let event = try transaction.append(draft(["filler": filler, "object": .string(object.hex)]))
                #expect(event.seq == number)
            }
        }
        for number in count + 1...count + 50 { #expect(try log.write { try $0.append(draft(["filler": filler])) }.seq == number) }
        try log.catchUpIndexes()
        log.close()
        #expect(try FileIdentity.size(of: folder.path + "/log/data.mdb") > 4_500_000)
        let again = try reopen(folder, options: Options(mapSize: 65_536))
        try again.read { transaction in
            let last = try transaction.scanVerifying { _, _, _ in true }
            #expect(last.seq == count + 50)
            #expect(try transaction.captures(of: Hash256(hashing: Array("1500".utf8))).map(\.seq) == [1500])
        }
        #expect(try again.write { try $0.append(draft()) }.seq == count + 51)
    }

    @Test func growingInsideAReadIsRefusedClearly() throws {
        let folder = try TemporaryFolder()
        let log = try makeLog(folder, options: Options(mapSize: 65_536))
        let filler = JSON.string(String(repeating: "x", count: 30_000))
        let failure = try log.read { _ in
            code { try log.write { transaction in for _ in 0..<10 { try transaction.append(draft(["filler": filler])) } } }
        }
        #expect(failure == .nested)
        #expect(try log.read { try $0.head() } == .empty)
        #expect(try log.write { try $0.append(draft(["filler": filler])) }.seq == 1)
    }

    @Test func manyThreadsAppendAndReadWhileTheMapGrows() async throws {
        let folder = try TemporaryFolder()
        let log = try makeLog(folder, options: Options(mapSize: 65_536))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<4 {
                group.addTask {
                    for number in 0..<50 {
                        try log.write {
                            try $0.append(
                                draft(["n": .int(Int64(number)), "x": .string(String(repeating: "y", count: 500))], run: "w\(writer)"))
                        }
                    }
                }
            }
            group.addTask {
                for _ in 0..<50 { try log.read { transaction in _ = try transaction.scanVerifying { _, _, _ in true } } }
            }
            group.addTask { for _ in 0..<10 { try log.catchUpIndexes() } }
            try await group.waitForAll()
        }
        try log.catchUpIndexes()
        try log.read { transaction in
            let last = try transaction.scanVerifying { _, _, _ in true }
            #expect(last.seq == 200)
            for writer in 0..<4 {
                #expect(try transaction.events(EventQuery(run: "w\(writer)")).map { $0.body["n"]?.int } == (0..<50).map { Int64($0) })
            }
        }
    }

    @Test func waitingAndFollowing() async throws {
        let folder = try TemporaryFolder()
        let log = try makeLog(folder)
        #expect(try log.waitForHead(beyond: 0, timeoutMilliseconds: 0) == .empty)
        async let followed: [Int64] = Task.detached {
            var seen: [Int64] = []
            try log.follow(EventQuery(types: ["demo.*"]), after: 0) { event in
                seen.append(event.seq)
                return seen.count < 3
            }
            return seen
        }.value
        for number in 0..<5 { try log.write { try $0.append(draft(type: number == 1 ? "other" : "demo.noted")) } }
        #expect(try await followed == [1, 3, 4])
        #expect(try log.waitForHead(beyond: 3, timeoutMilliseconds: 60_000).seq == 5)
    }

    @Test func theBenchCountsAndLeavesASoundLog() throws {
        let folder = try TemporaryFolder()
        let figures = try LogBench.run(folder: folder.path + "/log", events: 2500, batch: 1000)
        #expect(figures.count == 10)
        #expect(figures.allSatisfy { $0.value > 0 })
        let log = try EventLog.open(at: folder.path + "/log", mode: .readOnly, indexing: { _, _ in IndexEntries() })
        let last = try log.read { try $0.scanVerifying { _, _, _ in true } }
        #expect(last.seq == 2100)
        #expect(try log.read { try $0.indexedTo() } == 2000)
    }
}

@Suite struct QueryTests {
    private static let streams = ["a/b", "a/bc", "a", "run", "é/ü"]
    private static let types = ["x.y", "x.yz", "x", "zone.promoted"]

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func everyQueryEqualsAFilter(seed: UInt64) throws {
        var random = SplitMix64(state: seed)
        let folder = try TemporaryFolder()
        let log = try makeLog(folder)
        var all: [Event] = []
        let indexed = Int.random(in: 0...120, using: &random)
        for number in 0..<120 {
            let object = Hash256(hashing: [UInt8.random(in: 0..<5, using: &random)])
            let body: JSON = Bool.random(using: &random) ? ["object": .string(object.hex)] : [:]
            let event = draft(
                body, stream: Self.streams.randomElement(using: &random) ?? "a", type: Self.types.randomElement(using: &random) ?? "x",
                run: [nil, "r1", "r2"].randomElement(using: &random) ?? nil, after: Int64(number / 3) * 1000)
            all.append(try log.write { try $0.append(event) })
            if number == indexed { try log.catchUpIndexes() }
        }
        for _ in 0..<150 {
            let query = Self.query(&random)
            let found = try log.read { try $0.events(query) }
            #expect(found.map(\.seq) == Self.filter(all, query).map(\.seq), "seed \(seed), \(query)")
        }
        let places = try log.read { transaction in try all.map { try transaction.seq(ofID: $0.id) } }
        #expect(places == all.map(\.seq))
    }

    private static func query(_ random: inout SplitMix64) -> EventQuery {
        var query = EventQuery(newestFirst: Bool.random(using: &random))
        func sometimes() -> Bool { Int.random(in: 0..<3, using: &random) == 0 }
        if sometimes() {
            let low = Int64.random(in: -3...125, using: &random)
            query.seqs = low...low + Int64.random(in: 0...60, using: &random)
        }
        if sometimes() {
            query.streams = (0..<2).map { _ in ["a/b", "a/*", "*", "a", "a/b*", "none", "é/*"].randomElement(using: &random) ?? "" }
        }
        if sometimes() { query.types = [["x.y", "x*", "x", "*", "nothing*"].randomElement(using: &random) ?? ""] }
        if sometimes() { query.run = ["r1", "r2", "r"].randomElement(using: &random) }
        if sometimes() { query.object = Hash256(hashing: [UInt8.random(in: 0..<6, using: &random)]) }
        if sometimes() {
            let low = start.milliseconds + Int64.random(in: -2000...42_000, using: &random)
            query.time = Timestamp(milliseconds: low)..<Timestamp(milliseconds: low + Int64.random(in: 0...20_000, using: &random))
        }
        if sometimes() { query.limit = Int.random(in: 0...10, using: &random) }
        return query
    }

    private static func filter(_ events: [Event], _ query: EventQuery) -> [Event] {
        func fits(_ value: String, _ patterns: [String]) -> Bool {
            patterns.isEmpty || patterns.contains { $0.hasSuffix("*") ? value.hasPrefix($0.dropLast()) || $0 == "*" : value == $0 }
        }
        var found = events.filter { event in
            fits(event.stream, query.streams) && fits(event.type, query.types) && (query.run == nil || event.run == query.run)
                && (query.seqs?.contains(event.seq) ?? true) && (query.time?.contains(event.time) ?? true)
                && (query.object == nil || event.body["object"]?.string == query.object?.hex)
        }
        if query.newestFirst { found.reverse() }
        return Array(found.prefix(query.limit ?? .max))
    }
}

@Suite struct OpeningTests {
    @Test func whereThereIsNothing() throws {
        let folder = try TemporaryFolder()
        #expect(code { _ = try reopen(folder) } == .notFound)
        #expect(try names(in: folder.path).isEmpty, "opening must not make anything")
    }

    @Test func whereThereIsSomething() throws {
        let folder = try TemporaryFolder()
        try makeLog(folder).close()
        #expect(code { _ = try makeLog(folder) } == .alreadyExists)
        try reopen(folder).close()
        let other = try TemporaryFolder()
        try AtomicFile.makeFolders(other.path + "/log")
        try AtomicFile.write([1], to: other.path + "/log/mine")
        #expect(code { _ = try makeLog(other) } == .alreadyExists)
        #expect(try names(in: other.path) == ["log"])
        #expect(try names(in: other.path + "/log") == ["mine"])
        #expect(try FileIdentity.status(of: folder.path + "/log").st_mode & 0o777 == 0o700)
    }

    @Test func aSecondOpenInOneProcessIsRefused() throws {
        let folder = try TemporaryFolder()
        let log = try makeLog(folder)
        #expect(symlink(folder.path + "/log", folder.path + "/link") == 0)
        #expect(code { _ = try reopen(folder) } == .alreadyOpen)
        #expect(code { _ = try EventLog.open(at: folder.path + "/link", mode: .readOnly, indexing: indexing) } == .alreadyOpen)
        log.close()
        #expect(code { _ = try log.read { try $0.head() } } == .closed)
        log.close()
        try reopen(folder).close()
    }

    @Test func foreignFiles() throws {
        let folder = try TemporaryFolder()
        try AtomicFile.makeFolders(folder.path + "/log")
        var random = SplitMix64(state: 1)
        for (bytes, expected) in [
            ([], .truncated), (Array("hello".utf8), .truncated),
            ((0..<20_000).map { _ in UInt8.random(in: 0...255, using: &random) }, .foreign),
            (Array(repeating: 0, count: 65_536), .foreign),
        ] as [([UInt8], EventLogError.Code)] {
            try AtomicFile.write(bytes, to: folder.path + "/log/data.mdb")
            #expect(code { _ = try reopen(folder) } == expected, "\(bytes.count) bytes")
            #expect(try AtomicFile.read(folder.path + "/log/data.mdb") == bytes, "left as it was")
        }
    }

    @Test func everyTruncationAtAPageIsFoundOrHarmless() throws {
        let folder = try TemporaryFolder()
        let log = try makeLog(folder)
        for _ in 0..<20 { try log.write { try $0.append(draft(["filler": .string(String(repeating: "z", count: 2500))])) } }
        try log.catchUpIndexes()
        let head = try log.read { try $0.head() }
        log.close()
        let file = folder.path + "/log/data.mdb"
        let whole = try AtomicFile.read(file)
        var refused = 0
        for size in stride(from: 0, through: whole.count, by: 4096) + [100, 8191, 8193, whole.count - 1] {
            try AtomicFile.write(Array(whole.prefix(size)), to: file)
            do {
                let cut = try reopen(folder, mode: .readOnly)
                defer { cut.close() }
                #expect(try cut.read { try $0.scanVerifying { _, _, _ in true } } == head, "\(size) bytes: all or an error")
            } catch let error as EventLogError {
                #expect(error.code == .truncated, "\(size): \(error)")
                refused += 1
            }
        }
        #expect(refused >= whole.count / 4096 - 3)
    }

    @Test func aNewerFormatIsRefused() throws {
        let folder = try TemporaryFolder()
        let log = try makeLog(folder)
        let transaction = try log.environment.begin(readOnly: false)
        try transaction.put(.meta, Array("format".utf8), seqBytes(2))
        try log.environment.commit(transaction)
        log.close()
        let failure = #expect(throws: EventLogError.self) { try reopen(folder) }
        #expect(failure?.code == .newerFormat)
        #expect(failure?.message.contains("format 2") == true)
    }

    @Test(
        arguments: [(0x6969, true), (0xFF53_4D42, true), (0x0102_1997, true), (0x6573_5546, true), (0xEF53, false), (0x0102_1994, false)]
            as [(UInt32, Bool)])
    func fileSystems(magic: UInt32, refused: Bool) {
        #expect((FileSystemCheck.refused(magic) != nil) == refused)
    }

    @Test func aFullDiskLosesNothing() async {
        await #expect(processExitsWith: .success) {
            signal(SIGXFSZ, SIG_IGN)
            let folder = try TemporaryFolder()
            let log = try makeLog(folder)
            let filler = JSON.string(String(repeating: "x", count: 2000))
            try log.write { try $0.append(draft(["filler": filler])) }
            var limit = rlimit(rlim_cur: 400_000, rlim_max: rlim_t.max)
            #expect(setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
            var acknowledged: Int64 = 1
            var failure: EventLogError.Code?
            for _ in 0..<1000 where failure == nil {
                failure = code { acknowledged = try log.write { try $0.append(draft(["filler": filler])) }.seq }
            }
            #expect(failure == .diskFull)
            #expect(acknowledged > 20)
            #expect(try log.read { try $0.head() }.seq == acknowledged)
            log.close()
            limit.rlim_cur = rlim_t.max
            #expect(setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
            let again = try reopen(folder)
            #expect(try again.read { try $0.scanVerifying { _, _, _ in true } }.seq == acknowledged)
            #expect(try again.write { try $0.append(draft()) }.seq == acknowledged + 1)
        }
    }

    @Test(arguments: ["append.event", "append.before-commit", "append.committed"])
    func aKilledProcessLeavesWhatWasAcknowledged(point: String) async throws {
        let folder = try TemporaryFolder()
        let log = try makeLog(folder)
        try log.write { try $0.append(draft()) }
        log.close()
        let path = folder.path
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String, point = point as String] in
            setenv("BEDROT_FAILPOINT", point + ":2", 1)
            let log = try EventLog.open(at: path + "/log", mode: .readWrite, indexing: indexing)
            for _ in 0..<2 { try log.write { try $0.append(draft()) } }
        }
        let again = try reopen(folder)
        #expect(try again.read { try $0.scanVerifying { _, _, _ in true } }.seq == (point == "append.committed" ? 3 : 2))
        #expect(try again.write { try $0.append(draft()) }.seq == (point == "append.committed" ? 4 : 3))
    }

    @Test func processesAppendAtOnceWhileTheMapGrows() async throws {
        let folder = try TemporaryFolder()
        let log = try makeLog(folder, options: Options(mapSize: 65_536))
        let path = folder.path
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<2 {
                group.addTask {
                    await #expect(processExitsWith: .success) { [path = path as String] in
                        let log = try EventLog.open(
                            at: path + "/log", mode: .readWrite, indexing: indexing, options: Options(mapSize: 65_536))
                        for _ in 0..<60 { try log.write { try $0.append(draft(["x": .string(String(repeating: "y", count: 3000))])) } }
                        try log.catchUpIndexes()
                    }
                }
            }
            group.addTask {
                for _ in 0..<60 { try log.write { try $0.append(draft(["x": .string(String(repeating: "y", count: 3000))])) } }
            }
            try await group.waitForAll()
        }
        #expect(try log.read { try $0.scanVerifying { _, _, _ in true } }.seq == 180, "no gap, no loss")
        #expect(try log.write { try $0.append(draft()) }.seq == 181)
    }
}
