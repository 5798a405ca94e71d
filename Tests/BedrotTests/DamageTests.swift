import EventLog
import Glibc
import LedgerTesting
import Testing

/// Bits that flip, files that vanish: found and named, or without any effect on an answer.
@Suite struct DamageTests {
    static let seed = getenv("BEDROT_SEED").flatMap { UInt64(String(cString: $0)) } ?? SystemRandomNumberGenerator.seed()

    /// A lake whose log has pages of every kind: more events than a leaf holds, indexes caught up.
    static let lake = Result { () -> Root in
        let root = try Root(copyOf: SliceTests.lake.get())
        try root.feed(Made.first, Made.account)
        return root
    }

    /// Everything the log answers.
    private static func answers(_ root: Root) throws -> [Output] {
        [
            try root.run(["events", "--raw"]), try root.run(["events", "--raw", "--type", "extraction.captured"]),
            try root.run(["events", "--raw", "--stream", "spotify/*", "--newest"]),
        ]
    }

    @Test(arguments: 0..<4)
    func aFlippedByteIsFoundOrChangesNoAnswer(worker: Int) throws {
        print("flips with BEDROT_SEED=\(Self.seed)")
        let root = try Root(copyOf: Self.lake.get())
        let file = "\(root.path)/ledger/log/data.mdb"
        let sound = try AtomicFile.read(file)
        let truth = try Self.answers(root).map(\.bytes)
        var random = SplitMix64(seed: Self.seed &+ UInt64(worker))
        var found = 0
        // Few pages are branches, but every search by key goes through them.
        let branches = stride(from: 2 * 4096, to: sound.count - 4095, by: 4096).filter { sound[$0 + 10] & 1 == 1 }
        #expect(!branches.isEmpty)
        for _ in 0..<40 {
            var offset = random.number(0...(sound.count - 1))
            if worker == 3 {
                let page = branches[random.number(0...(branches.count - 1))]
                let upper = Int(sound[page + 14]) | Int(sound[page + 15]) << 8
                offset = page + random.number(min(upper, 4095)...4095)
            }
            var damaged = sound
            damaged[offset] ^= UInt8(random.number(1...255))
            try Tree.write(damaged, to: file)
            let what = "byte \(offset) \(sound[offset]) → \(damaged[offset]), seed \(Self.seed)"
            let verdict = try root.run(["verify"])
            #expect(verdict.code == 0 || verdict.code == 1, "\(what): \(verdict)")
            if verdict.code == 1 {
                found += 1
                #expect(verdict.errors.contains("bad: ") || verdict.errors.contains("Error: "), "\(what): \(verdict)")
            } else {
                for (output, bytes) in zip(try Self.answers(root), truth) {
                    #expect(
                        output.code == 0 && output.bytes == bytes,
                        "\(what): verify says sound, but events answers otherwise: \(output.code == 0 ? "other events" : "\(output)")")
                }
            }
        }
        try Tree.write(sound, to: file)
        try root.ok(["verify"])
        #expect(found > 4, "flips in what is used are found")
    }

    @Test func aFlippedByteInAnyObjectIsFoundAndNamed() throws {
        let root = try Root(copyOf: Self.lake.get())
        let objects = try Tree.listing("\(root.path)/ledger/objects").filter { $0.value != "folder" }.keys.sorted()
        #expect(objects.count > 30)
        for object in objects {
            let path = "\(root.path)/ledger/objects/\(object)"
            let sound = try AtomicFile.read(path)
            var damaged = sound
            damaged[sound.count / 2] ^= 4
            try Tree.write(damaged, to: path)
            let verdict = try root.run(["verify"])
            #expect(verdict.code == 1, "\(object)")
            #expect(verdict.errors.contains(String(object.suffix(64))), "\(verdict)")
            try Tree.write(sound, to: path)
        }
        try root.ok(["verify"])
    }

    @Test func aLostObjectIsNamedAndWhatNeedsItStops() throws {
        let root = try Root(copyOf: Self.lake.get())
        let capture = try #require(root.events(["--type", "extraction.captured"]).first?["body"]?["object"]?.string)
        unlink("\(root.path)/ledger/objects/sha256/\(capture.prefix(2))/\(capture.dropFirst(2).prefix(2))/\(capture)")
        let verdict = try root.ok(["verify"], code: 1)
        #expect(verdict.errors.contains(capture))
        let digest = try root.digest()
        let rebuild = try root.ok(["rebuild"], code: 1)
        #expect(rebuild.errors.contains(capture), "\(rebuild)")
        #expect(try root.digest() == digest, "the live generation stays")
    }

    enum Ruin: String, CaseIterable, Sendable { case empty, half, page, noise, text, gone }

    @Test(arguments: Ruin.allCases)
    func aRuinedLogIsAClearError(ruin: Ruin) throws {
        let root = try Root(copyOf: Self.lake.get())
        let file = "\(root.path)/ledger/log/data.mdb"
        let sound = try AtomicFile.read(file)
        switch ruin {
        case .empty: try Tree.write([], to: file)
        case .half: try Tree.write(Array(sound.prefix(sound.count / 8192 * 4096)), to: file)
        case .page: try Tree.write(Array(sound.prefix(4096)), to: file)
        case .noise: try Tree.write(sound.indices.map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 7) }, to: file)
        case .text: try Tree.write(Array("this is no database\n".utf8), to: file)
        case .gone: unlink(file)
        }
        let left = try? AtomicFile.read(file)
        for command in [["verify"], ["events", "--raw"], ["project"], ["ingest"] + [try root.file(Made.first[0])]] {
            let output = try root.run(command)
            #expect(output.code == 1, "\(ruin): \(output)")
            #expect(output.errors.contains("Error: ") || output.errors.contains("bad: "), "\(ruin): \(output)")
        }
        #expect((try? AtomicFile.read(file)) == left, "nothing is written over what may be rescued")
    }

    @Test func aNewerFormatIsRefused() throws {
        let lake = try Self.lake.get()
        let folder = try TemporaryFolder()
        let raw = try lake.ok(["events", "--raw", "--limit", "1"]).text.replacing("\"format\":1", with: "\"format\":2")
        try Tree.write(Array(raw.utf8), to: "\(folder.path)/events")
        let made = try Binary.run(["init", "--from", "\(folder.path)/events", "--root", "\(folder.path)/lake"])
        let asked = try Binary.run(["events", "--root", "\(folder.path)/lake"])
        #expect(made.code == 1 || asked.code == 1, "\(made)\n\(asked)")
        #expect((made.errors + asked.errors).contains("newer"), "\(made)\n\(asked)")
    }
}
