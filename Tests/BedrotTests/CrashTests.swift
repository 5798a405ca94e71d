import EventLog
import Glibc
import LedgerTesting
import Ledger
import Projection
import Testing

/// Kills the real program between every two steps and at random moments, then looks at what it left behind.
///
/// `BEDROT_KILLS` says how many kills a run makes at least (200); the random ones print their seed, and `BEDROT_SEED` repeats them.
@Suite struct CrashTests {
    enum Action: String, CaseIterable, Sendable {
        case ingest, project, rebuild

        /// A lake in which the action has something to do.
        func root() throws -> Root {
            let prepared = try CrashTests.lakes.get()
            return try Root(copyOf: try #require(prepared[self]), inMemory: true)
        }

        func arguments(_ root: Root) throws -> [String] {
            self == .ingest ? try ["ingest"] + Made.second.map { try root.file($0) } + Made.account : [rawValue]
        }
    }

    struct Case: CustomTestStringConvertible, Sendable {
        var action: Action
        /// As in `BEDROT_FAILPOINT`.
        var point: String
        var isReached: Bool
        var testDescription: String { "\(action) at \(point)" }
    }

    static let points = Failpoint.all + Lake.failpoints + Projector.failpoints

    /// Points that an action on these lakes does not meet.
    static func isReached(_ point: String, _ action: Action) -> Bool {
        let isOfRebuild = point.hasPrefix("rebuild.")
        if point.hasPrefix("log.") || point.hasPrefix("vacuum.") { return false }
        switch action {
        case .ingest: return !isOfRebuild
        case .project: return !isOfRebuild && !["ingest.", "object.", "place."].contains { point.hasPrefix($0) }
        case .rebuild: return isOfRebuild || point.hasPrefix("file.") || point == "project.manifest"
        }
    }

    static let cases: [Case] = Action.allCases.flatMap { action in
        points.flatMap { point in
            let isReached = isReached(point, action)
            // Points that are met several times are not the same place each time.
            let later = isReached && action == .ingest && ["append.event", "append.committed"].contains(point)
            return [Case(action: action, point: point, isReached: isReached)]
                + (later ? [2, 3, 4].map { Case(action: action, point: "\(point):\($0)", isReached: true) } : [])
        }
    }

    /// The lakes before each action, and what all must come to in the end.
    static let lakes = Result { () -> [Action: Root] in
        let start = try Root()
        try start.feed(Made.first, Made.account)
        let pending = try Root(copyOf: start)
        try pending.feed(Made.second, Made.account + ["--no-project"])
        let done = try Root(copyOf: start)
        try done.feed(Made.second, Made.account)
        return [.ingest: start, .project: pending, .rebuild: done]
    }

    /// Zone files of a lake that nobody interrupted.
    static let expected = Result { () -> [String: String] in
        let prepared = try lakes.get()
        return try comparable(try #require(prepared[.rebuild]))
    }

    /// Files of landing, raw, staging and curated; the manifest is left out, for it names seqs, which a killed run shifts.
    static func comparable(_ root: Root) throws -> [String: String] {
        var files = try root.zones().filter { !$0.key.hasSuffix("_manifest.json") }
        for (path, content) in try Tree.listing("\(root.path)/1_landing") where content != "folder" { files["1_landing/\(path)"] = content }
        return files
    }

    /// What must hold after any kill, and after going on from there.
    static func check(_ root: Root, _ killed: Output, seen: [UInt8] = [], _ what: String) throws {
        let raw = try root.ok(["events", "--raw"]).bytes
        _ = try checkChain(raw)
        let stored = Set(raw.split(separator: 10).map { Array($0) })
        for line in seen.split(separator: 10, omittingEmptySubsequences: true).dropLast(seen.last == 10 ? 0 : 1) {
            #expect(stored.contains(Array(line)), "\(what): an event that was read is gone")
        }
        for line in killed.lines {
            guard let number = line.split(separator: ", capture ").dropFirst().first?.prefix(while: \.isNumber), let seq = Int64(number)
            else { continue }
            let event = try root.json(["show", "\(seq)"])
            #expect(event["type"] == "extraction.captured", "\(what): acknowledged but not in the log")
        }
        let before = try TemporaryFolder(inMemory: true)
        try Tree.copy(root.path, to: "\(before.path)/lake")
        var failed: [Output] = []
        for arguments in [["verify"], ["project"], try Action.ingest.arguments(root), ["verify", "--shadow"]] {
            let output = try root.run(arguments)
            #expect(output.code == 0, "\(what): \(output)")
            if output.code != 0 { failed.append(output) }
        }
        if !failed.isEmpty { try keep("\(before.path)/lake", failed, what) }
        let differences = Tree.differences(try comparable(root), try expected.get())
        #expect(differences == [], "\(what): not the files of an uninterrupted lake")
        let leftovers = try Tree.listing("\(root.path)/ledger/objects").keys.filter { $0.hasPrefix("tmp/") }
        #expect(leftovers == [], "\(what): half-written objects are removed")
    }

    /// Keeps a lake that did not go on, as the kill left it, with what the commands said: such a moment may not come again soon.
    private static func keep(_ lake: String, _ failed: [Output], _ what: String) throws {
        let name = String(what.map { $0.isLetter || $0.isNumber ? $0 : "-" })
        let folder = "\(AtomicFile.parent(of: Binary.path))/crashed/\(name)"
        Tree.remove(folder)
        try Tree.copy(lake, to: "\(folder)/lake")
        let text = "\(what)\n\n" + failed.map { "\($0)" }.joined(separator: "\n")
        try Tree.write(Array(text.utf8), to: "\(folder)/commands.txt")
        print("\(text)\nThe lake as it was before these commands is in \(folder)")
    }

    @Test(arguments: cases)
    func killedAtAPoint(test: Case) throws {
        let root = try test.action.root()
        let output = try root.run(test.action.arguments(root), environment: ["BEDROT_FAILPOINT": test.point])
        guard test.isReached else {
            #expect(output.code == 0, "\(output)")
            return
        }
        #expect(output.signal == SIGKILL, "\(output)")
        try Self.check(root, output, test.testDescription)
    }

    /// A switch of the journal mode leaves a journal to be played back when it is killed, and who only reads cannot do that.
    @Test(arguments: [Action.project, .rebuild]) func aGenerationIsReadyBeforeItIsLive(action: Action) throws {
        let root = try action.root()
        if action == .project { Tree.remove("\(root.path)/warehouse") }
        let output = try root.run([action.rawValue], environment: ["BEDROT_FAILPOINT": "rebuild.swapped"])
        #expect(output.signal == SIGKILL, "\(output)")
        let folder = "\(root.path)/warehouse"
        let header = try AtomicFile.read("\(folder)/bedrot_analytics.db")
        #expect(header[18...19] == [2, 2], "the file is in WAL mode")
        #expect(Tree.names("\(folder)/gen").flatMap { Tree.names("\(folder)/gen/\($0)") }.allSatisfy { !$0.hasSuffix("-journal") })
        try Self.check(root, output, "\(action) swapped")
    }

    @Test func aRuinedWarehouseIsMadeAnew() throws {
        let root = try Action.rebuild.root()
        let live = "\(root.path)/warehouse/bedrot_analytics.db"
        for length in [0, 4096] {
            try Tree.write(Array(repeating: UInt8(ascii: "x"), count: length), to: live)
            let output = try root.run(["digest"])
            #expect(output.code == 1, "\(output)")
            if length > 0 { #expect(output.errors.contains("bedrot rebuild"), "\(output)") }
            try root.ok(["rebuild"])
            try root.ok(["verify", "--shadow"])
        }
    }

    private static func variable(_ name: String) -> UInt64? { getenv(name).flatMap { UInt64(String(cString: $0)) } }

    static let seed = variable("BEDROT_SEED") ?? SystemRandomNumberGenerator.seed()
    static let kills = Int(variable("BEDROT_KILLS") ?? 200)

    @Test(arguments: 0..<6)
    func killedAtAnyMoment(worker: Int) throws {
        let action = Action.allCases[worker % 3]
        let share = max(4, kills(leftFor: worker))
        print("\(share) kills of \(action) at random moments, BEDROT_SEED=\(Self.seed)")
        var random = SplitMix64(seed: Self.seed &+ UInt64(worker))
        // How long it takes here and now, so that moments are spread over the whole of it.
        let timed = try action.root()
        let started = ContinuousClock.now
        try timed.ok(action.arguments(timed))
        let microseconds = Int((ContinuousClock.now - started) / .microseconds(1))
        for number in 0..<share {
            let root = try action.root()
            let arguments = try action.arguments(root)
            let moment = UInt32(random.number(0...microseconds))
            let watching = number % 4 == 0
            let follower =
                watching ? try Running(Binary.path, ["events", "--raw", "--follow", "--root", root.path]) : nil
            let output = try root.run(arguments, killAfter: moment)
            var seen: [UInt8] = []
            if let follower {
                follower.kill(after: 0)
                seen = try follower.finish().bytes
            }
            try Self.check(
                root, output, seen: seen, "\(action) killed after \(moment) µs (seed \(Self.seed), worker \(worker), kill \(number))")
        }
    }

    private func kills(leftFor worker: Int) -> Int {
        let left = Self.kills - Self.cases.filter(\.isReached).count
        return (left + 5 - worker) / 6
    }

    @Test(arguments: points)
    func killedWhileMakingARoot(point: String) throws {
        let root = try Root(initialised: false)
        let output = try root.run(["init", "--label", "Test"], environment: ["BEDROT_FAILPOINT": point])
        guard output.signal != nil else { return }
        // Whatever is there now, the same command again or plain use goes on.
        let again = try root.run(["init", "--label", "Test"])
        if again.code != 0 { #expect(again.errors.contains("there is a log"), "\(point): \(again)") }
        let fed = try root.feed(Made.first, Made.account)
        #expect(fed.code == 0, "\(point)")
        try root.ok(["verify", "--shadow"])
        #expect(try root.events().first?["type"] == "log.opened", "\(point)")
    }

    @Test func everyPointOfTheFacadeIsListedAndUsed() throws {
        for (module, listed) in [("Ledger", Lake.failpoints + Lake.rareFailpoints), ("Projection", Projector.failpoints)] {
            var used: [String] = []
            let folder = "\(Binary.checkout)/Sources/\(module)"
            for name in Tree.names(folder) where name.hasSuffix(".swift") {
                let text = String(decoding: try AtomicFile.read("\(folder)/\(name)"), as: UTF8.self)
                used += text.split(separator: "Failpoint.hit(\"").dropFirst().map { String($0.prefix { $0 != "\"" }) }
            }
            #expect(Set(used) == Set(listed), "\(module)")
        }
    }
}

extension SystemRandomNumberGenerator {
    /// A seed to print.
    static func seed() -> UInt64 {
        var generator = SystemRandomNumberGenerator()
        return generator.next() >> 16
    }
}

/// Several processes on one root.
@Suite struct TogetherTests {
    private static func start(_ root: Root, _ files: [MadeFile]) throws -> Running {
        let account = files.count == 1 ? Made.account(of: files[0]) : Made.account
        let arguments = ["ingest"] + (try files.map { try root.file($0) }) + account + ["--root", root.path]
        return try Running(Binary.path, arguments)
    }

    @Test(arguments: 0..<3)
    func differentFilesAtOnce(round: Int) throws {
        let root = try Root()
        let visits = [[Made.first[0]], [Made.first[1]], [Made.first[2]], Array(Made.second[1...2])]
        let running = try visits.map { try Self.start(root, $0) }
        for process in running {
            let output = try process.finish()
            #expect(output.code == 0, "\(output)")
        }
        _ = try checkChain(try root.ok(["events", "--raw"]).bytes)
        #expect(try root.seqs("extraction.captured").count == 5)
        #expect(try root.number("SELECT sum(streams_native) FROM fact_audience_day") == 4500 + 3600)
        #expect(try root.number("SELECT sum(video_views) FROM fact_social_day") == 50 * (1...16).reduce(0, +))
        try root.ok(["verify", "--shadow"])
        #expect(try root.json(["project", "--status"])["stale"] == [])
    }

    @Test(arguments: 0..<3)
    func theSameFileAtOnce(round: Int) throws {
        let root = try Root()
        let running = try (0..<3).map { _ in try Self.start(root, [Made.first[0]]) }
        for process in running {
            let output = try process.finish()
            #expect(output.code == 0, "\(output)")
        }
        _ = try checkChain(try root.ok(["events", "--raw"]).bytes)
        #expect(try root.seqs("extraction.captured").count == 1)
        #expect(try root.seqs("extraction.duplicate").count == 2)
        #expect(try root.number("SELECT sum(streams_native) FROM fact_audience_day") == 4500)
        try root.ok(["verify", "--shadow"])
    }

    @Test func questionsWhileARebuildSwaps() throws {
        let root = try Root(copyOf: SliceTests.lake.get())
        let digest = try root.digest()
        let arguments = ["rebuild", "--root", root.path]
        for _ in 0..<3 {
            let rebuild = try Running(Binary.path, arguments)
            for _ in 0..<4 { #expect(try root.digest() == digest) }
            let output = try rebuild.finish()
            #expect(output.code == 0, "\(output)")
        }
        // One that was read during the swap goes with the next.
        try root.ok(["rebuild"])
        #expect(Tree.names("\(root.path)/warehouse/gen").count == 1, "generations that nobody reads are gone")
    }
}
