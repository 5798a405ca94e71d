import EventLog
import Glibc
import Testing

/// `bedrot watch` as a process that goes on while files come and go. Nothing here sleeps: tests wait for lines of its output.
@Suite struct WatchTests {
    @Test func filesAreFedAsTheyAppearAndASignalEndsIt() throws {
        let root = try Root()
        let landing = "\(root.path)/1_landing"
        try Tree.write(Made.first[0].bytes, to: "\(landing)/\(Made.first[0].name)")
        let watch = try Watcher(root)
        try watch.line("rows, 9 new")
        try watch.line("watching")

        // A new folder with a file in it: both appear after the watch has begun.
        try AtomicFile.makeFolders("\(landing)/tiktok/overview")
        try Tree.write(Made.tiktok(1...9, made: 9).bytes, to: "\(landing)/tiktok/overview/\(Made.tiktok(1...9, made: 9).name)")
        try watch.line("tiktok/overview, account zone.a0")
        // A download under its other name, then whole.
        let bank = Made.bank(Made.sales, made: 14)
        try AtomicFile.makeFolders("\(landing)/distrokid/bank_details/label")
        let path = "\(landing)/distrokid/bank_details/label/\(bank.name)"
        try Tree.write(Array(bank.bytes.prefix(300)), to: path + ".part")
        try Tree.write(Array(bank.bytes.prefix(300)), to: "\(landing)/distrokid/bank_details/label/.hidden.tsv")
        try Tree.write(bank.bytes, to: path + ".part")
        #expect(rename(path + ".part", path) == 0)
        try watch.line("distrokid/bank_details, account label")
        try watch.line("undo:")
        let output = try watch.end(SIGTERM)
        #expect(output.code == 0, "\(output)")
        #expect(output.errors == "root \(root.path)\n", "nothing else was worth a word: \(output)")
        #expect(try root.seqs("extraction.captured").count == 3)
        #expect(try root.seqs("extraction.duplicate").isEmpty)
        #expect(
            try root.events(["--type", "run.started"]).compactMap { $0["body"]?["command"]?.string }.filter { $0 != "watch" }.isEmpty)
        try root.ok(["verify", "--shadow"])

        // What lies there is known: another watch has nothing to do and leaves no event.
        let head = try root.digest().seq
        let again = try root.ok(["watch", "--once", "--settle", "0"])
        #expect(again.text.isEmpty, "\(again)")
        #expect(try root.events().count == Int(head))
    }

    @Test(arguments: [[], ["--poll", "0.05"]]) func aForeignFolderGivesOnlyWhatIsRecognised(how: [String]) throws {
        let root = try Root()
        let downloads = "\(root.inbox)/Downloads"
        try AtomicFile.makeFolders("\(downloads)/inside")
        try Tree.write(Array("name,price\nbread,2\n".utf8), to: "\(downloads)/shopping.csv")
        try Tree.write(Made.tiktok(1...9, made: 9).bytes, to: "\(downloads)/inside/\(Made.tiktok(1...9, made: 9).name)")
        // The service names the folder below the person's home.
        try AtomicFile.makeFolders("\(root.path)/definitions/zones/spotify")
        try Tree.write(Array("title: Spotify\nwatch: [~/Downloads]\n".utf8), to: "\(root.path)/definitions/zones/spotify/service.yml")
        let watch = try Watcher(root, how, environment: ["HOME": root.inbox])
        try watch.line("watching")
        try Tree.write(Made.tiktok(1...9, made: 9).bytes, to: "\(downloads)/\(Made.tiktok(1...9, made: 9).name)")
        try Tree.write(Array("so it goes".utf8), to: "\(downloads)/book.txt")
        try Tree.write(Made.first[0].bytes, to: "\(downloads)/\(Made.first[0].name)")
        try watch.line("spotify/audience, account")
        try watch.line("undo:")
        let output = try watch.end(SIGINT)
        #expect(output.code == 0)
        #expect(!output.text.contains("tiktok") && !output.text.contains("shopping"), "\(output)")
        #expect(output.errors == "root \(root.path)\n", "unknown files are left alone silently: \(output)")
        #expect(try root.seqs("extraction.captured").count == 1)
        // Named by a person, the folder gives what any contract knows; a folder inside it is not looked into.
        try Tree.write(Made.bank(Made.sales, made: 14).bytes, to: "\(downloads)/\(Made.bank(Made.sales, made: 14).name)")
        let once = try root.ok(["watch", "--once", "--settle", "0", "--folder", downloads], code: 2)
        #expect(once.text.contains("tiktok/overview") && once.errors.contains("--account NAME"), "\(once)")
        #expect(try root.seqs("extraction.captured").count == 2)
        // The file that waits for its account is not asked about again until it is touched.
        let head = try root.events().count
        #expect(try root.ok(["watch", "--once", "--settle", "0", "--folder", downloads]).text.isEmpty)
        #expect(try root.events().count == head)
        // Nor does a touch alone feed a known file again.
        #expect(utimes("\(downloads)/\(Made.first[0].name)", nil) == 0)
        try root.ok(["watch", "--once", "--settle", "0", "--folder", downloads])
        #expect(try root.seqs("extraction.duplicate").isEmpty)
    }

    @Test func aRunThatIsUnderWayIsWaitedFor() throws {
        let root = try Root()
        let lock = "\(root.path)/ledger/runs.lock"
        let descriptor = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        #expect(flock(descriptor, LOCK_EX) == 0)
        try Tree.write(Made.first[0].bytes, to: "\(root.path)/1_landing/\(Made.first[0].name)")
        let watch = try Watcher(root)
        try watch.remark("another run is at work")
        #expect(try root.seqs("extraction.captured").isEmpty)
        close(descriptor)
        try watch.line("rows, 9 new")
        #expect(try watch.end(SIGTERM).code == 0)
    }

    @Test func aWithdrawnFileStaysWithdrawnUntilItIsPutThereAgain() throws {
        let root = try Root()
        let path = "\(root.path)/1_landing/\(Made.first[0].name)"
        try Tree.write(Made.first[0].bytes, to: path)
        try root.ok(["watch", "--once", "--settle", "0"])
        let capture = try #require(root.seqs("extraction.captured").last)
        try root.ok(["retract", "\(capture)", "--reason", "wrong"])
        try root.ok(["watch", "--once", "--settle", "0"])
        #expect(try root.seqs("extraction.captured").count == 1)
        try Tree.write(Made.first[0].bytes, to: path)
        try root.ok(["watch", "--once", "--settle", "0"])
        #expect(try root.seqs("extraction.captured").count == 2)
    }

    @Test func aBrokenDefinitionDoesNotEndTheWatch() throws {
        let root = try Root()
        let watch = try Watcher(root)
        try watch.line("watching")
        let definition = "\(root.path)/definitions/zones/spotify/audience.yml"
        try AtomicFile.makeFolders(AtomicFile.parent(of: definition))
        try Tree.write(Array("titel: Half a contract\n".utf8), to: definition)
        try Tree.write(Made.first[0].bytes, to: "\(root.path)/1_landing/\(Made.first[0].name)")
        try watch.remark("files wait until this is mended")
        #expect(try watch.end(SIGTERM).code == 0)
        #expect(unlink(definition) == 0)
        try root.ok(["watch", "--once", "--settle", "0"])
        #expect(try root.seqs("extraction.captured").count == 1)
    }
}

/// `bedrot watch` under way: its lines are read as they come.
private final class Watcher {
    private let id: pid_t
    private let pipes: [Int32]
    private var texts = ["", ""]
    /// How much of each stream earlier waits have used up.
    private var used = [0, 0]
    private var isOver = false

    init(_ root: Root, _ more: [String] = [], environment: [String: String] = [:]) throws {
        var output: [Int32] = [0, 0]
        var errors: [Int32] = [0, 0]
        try #require(pipe(&output) == 0 && pipe(&errors) == 0)
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output[1], 1)
        posix_spawn_file_actions_adddup2(&actions, errors[1], 2)
        for end in output + errors { posix_spawn_file_actions_addclose(&actions, end) }
        let arguments = [Binary.path, "watch", "--root", root.path, "--settle", "30"] + more
        var argv = arguments.map { strdup($0) } + [nil]
        var envp = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for pointer in argv + envp { free(pointer) } }
        var child: pid_t = 0
        let code = posix_spawn(&child, Binary.path, &actions, nil, &argv, &envp)
        close(output[1])
        close(errors[1])
        try #require(code == 0, "cannot start bedrot: \(String(cString: strerror(code)))")
        id = child
        pipes = [output[0], errors[0]]
    }

    /// Waits until a text appears on standard output, after what was waited for before.
    func line(_ text: String, _ location: SourceLocation = #_sourceLocation) throws { try wait(0, text, location) }

    /// The same on standard error.
    func remark(_ text: String, _ location: SourceLocation = #_sourceLocation) throws { try wait(1, text, location) }

    private func wait(_ stream: Int, _ text: String, _ location: SourceLocation) throws {
        while true {
            let rest = texts[stream].utf8.dropFirst(used[stream])
            if let range = String(rest)?.firstRange(of: text) {
                used[stream] += String(rest)?[..<range.upperBound].utf8.count ?? 0
                return
            }
            guard more() else {
                Issue.record(
                    "the watch ended, or was silent for a minute, without “\(text)”:\n\(texts[0])\(texts[1])", sourceLocation: location)
                throw CancellationError()
            }
        }
    }

    /// Reads what comes next on either stream; false at the end of both, or when nothing comes.
    private func more(_ milliseconds: Int32 = 60_000) -> Bool {
        var polled = pipes.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        guard poll(&polled, 2, milliseconds) > 0 else { return false }
        var any = false
        for index in 0..<2 where polled[index].revents != 0 {
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            let count = buffer.withUnsafeMutableBytes { read(pipes[index], $0.baseAddress, $0.count) }
            guard count > 0 else { continue }
            texts[index] += String(decoding: buffer[..<count], as: UTF8.self)
            any = true
        }
        return any
    }

    /// Sends a signal and waits for the end.
    func end(_ name: Int32) throws -> Output {
        kill(id, name)
        var status: Int32 = 0
        while waitpid(id, &status, 0) < 0, errno == EINTR {}
        isOver = true
        // Not to the end of the pipe: another test's process may hold it open.
        while more(0) {}
        let signal = status & 0x7F
        return Output(
            arguments: ["watch"], code: signal == 0 ? status >> 8 & 0xFF : nil, signal: signal == 0 ? nil : signal,
            bytes: Array(texts[0].utf8), errors: texts[1])
    }

    deinit {
        if !isOver {
            kill(id, SIGKILL)
            var status: Int32 = 0
            waitpid(id, &status, 0)
        }
        for end in pipes { close(end) }
    }
}
