import EventLog
import Glibc
import Synchronization
import Testing

/// The built program, run as a process of its own: what a person at a shell would see.
enum Binary {
    /// Lies beside the test bundle, so its folder is that of the process that runs the tests.
    /// `BEDROT_BINARY` names another, such as the release build.
    static let path = getenv("BEDROT_BINARY").map { String(cString: $0) } ?? "\(AtomicFile.parent(of: executable))/bedrot"

    /// The checkout: the nearest folder above the build folder that holds the manifest.
    static let checkout: String = {
        var folder = AtomicFile.parent(of: executable)
        while folder != "/", access("\(folder)/Package.swift", F_OK) != 0 { folder = AtomicFile.parent(of: folder) }
        return folder
    }()

    private static let executable: String = {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        return String(decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }()

    /// Runs `bedrot` to its end. The environment is empty but for `PATH` and what is given; standard input is empty.
    ///
    /// With `killAfter`, in microseconds, the process gets SIGKILL then, unless it has ended before.
    static func run(
        _ arguments: [String], environment: [String: String] = [:], workingFolder: String? = nil, input: String = "/dev/null",
        killAfter: UInt32? = nil
    ) throws -> Output {
        let process = try Running(path, arguments, environment: environment, workingFolder: workingFolder, input: input)
        if let killAfter { process.kill(after: killAfter) }
        return try process.finish()
    }

    /// Runs another program found on `PATH`.
    static func other(_ program: String, _ arguments: [String], input: String = "/dev/null") throws -> Output {
        try Running(program, arguments, input: input).finish()
    }
}

/// What a process said and how it ended.
struct Output: CustomStringConvertible {
    var arguments: [String]
    /// Exit code; nil when a signal ended it.
    var code: Int32?
    var signal: Int32?
    var bytes: [UInt8]
    var errors: String

    var text: String { String(decoding: bytes, as: UTF8.self) }
    var lines: [String] { text.split(separator: "\n").map { String($0) } }
    var description: String {
        "bedrot \(arguments.joined(separator: " ")): \(code.map { "exit code \($0)" } ?? "signal \(signal ?? 0)")\n\(text)\(errors)"
    }

    /// The answer of a command with `--json`.
    func json(_ location: SourceLocation = #_sourceLocation) throws -> JSON {
        do {
            return try JSON.parse(Array(bytes.dropLast()))
        } catch {
            Issue.record("not one JSON value and a line end: \(error)\n\(self)", sourceLocation: location)
            throw error
        }
    }
}

/// A process under way. Its output goes to files, so that nobody waits for a full pipe.
final class Running {
    let id: pid_t
    private let arguments: [String]
    private let folder: TemporaryFolder
    private var isOver = false

    init(
        _ program: String, _ arguments: [String], environment: [String: String] = [:], workingFolder: String? = nil,
        input: String = "/dev/null"
    ) throws {
        self.arguments = arguments
        folder = try TemporaryFolder()
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, "\(folder.path)/out", O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, "\(folder.path)/err", O_WRONLY | O_CREAT | O_APPEND, 0o600)
        let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin"
        let variables = ["PATH=\(path)"] + environment.map { "\($0.key)=\($0.value)" }
        // `env` goes to the folder and becomes the program; the process stays the same.
        let command = (workingFolder.map { ["env", "-C", $0] } ?? []) + [program] + arguments
        var argv = command.map { strdup($0) } + [nil]
        var envp = variables.map { strdup($0) } + [nil]
        defer { for pointer in argv + envp { free(pointer) } }
        var child: pid_t = 0
        let code = posix_spawnp(&child, command[0], &actions, nil, &argv, &envp)
        try #require(code == 0, "cannot start \(program): \(String(cString: strerror(code)))")
        id = child
    }

    /// Waits so many microseconds, then kills.
    func kill(after microseconds: UInt32) {
        usleep(microseconds)
        Glibc.kill(id, SIGKILL)
    }

    /// What it has printed so far.
    func printed() throws -> [UInt8] { try AtomicFile.read("\(folder.path)/out") }

    /// Waits for the end.
    func finish() throws -> Output {
        var status: Int32 = 0
        while waitpid(id, &status, 0) < 0, errno == EINTR {}
        isOver = true
        let signal = status & 0x7F
        return Output(
            arguments: arguments, code: signal == 0 ? status >> 8 & 0xFF : nil, signal: signal == 0 ? nil : signal, bytes: try printed(),
            errors: String(decoding: try AtomicFile.read("\(folder.path)/err"), as: UTF8.self))
    }

    deinit {
        guard !isOver else { return }
        Glibc.kill(id, SIGKILL)
        var status: Int32 = 0
        waitpid(id, &status, 0)
    }
}

/// A folder of its own for one test, removed with it; those that tests share, when the process ends.
final class TemporaryFolder: Sendable {
    let path: String
    private static let left = Mutex<Set<String>>([])
    private static let removesAtExit: Bool = {
        atexit { TemporaryFolder.left.withLock { paths in for path in paths { Tree.remove(path) } } } == 0
    }()

    /// `inMemory` spares large tests the waiting for a disk.
    init(inMemory: Bool = false) throws {
        let parent = inMemory && access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"
        var template = Array("\(parent)/bedrot-e2e-XXXXXX".utf8CString)
        let made: String? = template.withUnsafeMutableBufferPointer { name in
            guard let base = name.baseAddress, let made = mkdtemp(base) else { return nil }
            return String(cString: made)
        }
        let path = try #require(made)
        self.path = path
        _ = Self.removesAtExit
        Self.left.withLock { _ = $0.insert(path) }
    }

    deinit {
        Tree.remove(path)
        Self.left.withLock { _ = $0.remove(path) }
    }
}

/// Files and folders, followed nowhere: links are copied and compared as links.
enum Tree {
    /// Names in a folder, sorted; empty when it is none.
    static func names(_ folder: String) -> [String] {
        guard let stream = opendir(folder) else { return [] }
        defer { closedir(stream) }
        var found: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            if name != ".", name != ".." { found.append(name) }
        }
        return found.sorted()
    }

    private enum Kind { case file, folder, link(String), none }

    private static func kind(_ path: String) -> Kind {
        var status = stat()
        guard lstat(path, &status) == 0 else { return .none }
        switch status.st_mode & S_IFMT {
        case S_IFDIR: return .folder
        case S_IFLNK:
            var buffer = [CChar](repeating: 0, count: 4096)
            let count = readlink(path, &buffer, buffer.count)
            return .link(String(decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self))
        default: return .file
        }
    }

    static func remove(_ path: String) {
        if case .folder = kind(path) {
            for name in names(path) { remove("\(path)/\(name)") }
            rmdir(path)
        } else {
            unlink(path)
        }
    }

    static func copy(_ from: String, to target: String) throws {
        switch kind(from) {
        case .folder:
            try AtomicFile.makeFolders(target)
            for name in names(from) { try copy("\(from)/\(name)", to: "\(target)/\(name)") }
        case .link(let text): symlink(text, target)
        case .file: try write(try AtomicFile.read(from), to: target)
        case .none: Issue.record("\(from) is not there to be copied")
        }
    }

    /// Writes without syncing: made for files nobody must find again after a power cut.
    static func write(_ bytes: [UInt8], to path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        try #require(descriptor >= 0, "cannot write \(path)")
        defer { close(descriptor) }
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress.map { $0 + done }, $0.count - done) }
            try #require(count > 0, "cannot write \(path)")
            done += count
        }
    }

    /// Every file, link and folder below: relative path → what it holds (SHA-256, target, or `folder`).
    static func listing(_ root: String) throws -> [String: String] {
        var found: [String: String] = [:]
        func visit(_ relative: String) throws {
            let path = "\(root)/\(relative)"
            switch kind(path) {
            case .folder:
                if !relative.isEmpty { found[relative] = "folder" }
                for name in names(path) { try visit(relative.isEmpty ? name : "\(relative)/\(name)") }
            case .link(let text): found[relative] = "link to \(text)"
            case .file:
                let bytes = try AtomicFile.read(path)
                found[relative] = "\(bytes.count) bytes \(Hash256(hashing: bytes))"
            case .none: break
            }
        }
        try visit("")
        return found
    }

    /// What differs between two listings, at most a few lines of it.
    static func differences(_ left: [String: String], _ right: [String: String]) -> [String] {
        Set(left.keys).union(right.keys).sorted().filter { left[$0] != right[$0] }.prefix(8).map {
            "\($0): \(left[$0] ?? "absent") – \(right[$0] ?? "absent")"
        }
    }
}

/// A data root made for one test.
final class Root: Sendable {
    let path: String
    private let folder: TemporaryFolder
    /// Files to feed are written here.
    let inbox: String

    /// An empty root of a label called “Test”.
    init(initialised: Bool = true, inMemory: Bool = false) throws {
        folder = try TemporaryFolder(inMemory: inMemory)
        path = "\(folder.path)/lake"
        inbox = "\(folder.path)/inbox"
        try AtomicFile.makeFolders(inbox)
        if initialised { try Tree.copy(Self.initialised.get().path, to: path) }
    }

    /// What `init` makes, once: a lake may be moved and copied, and the command reads and checks every definition.
    private static let initialised = Result {
        let root = try Root(initialised: false)
        try root.ok(["init", "--label", "Test"])
        return root
    }

    /// A copy of another root, inbox included.
    init(copyOf other: Root, inMemory: Bool = false) throws {
        folder = try TemporaryFolder(inMemory: inMemory)
        path = "\(folder.path)/lake"
        inbox = "\(folder.path)/inbox"
        try Tree.copy(other.path, to: path)
        try Tree.copy(other.inbox, to: inbox)
    }

    /// Runs a command on this root.
    @discardableResult
    func run(_ arguments: [String], environment: [String: String] = [:], killAfter: UInt32? = nil) throws -> Output {
        try Binary.run(arguments + ["--root", path], environment: environment, killAfter: killAfter)
    }

    /// Runs a command and expects its exit code.
    @discardableResult
    func ok(
        _ arguments: [String], code: Int32 = 0, environment: [String: String] = [:], _ location: SourceLocation = #_sourceLocation
    ) throws -> Output {
        let output = try run(arguments, environment: environment)
        #expect(output.code == code, "\(output)", sourceLocation: location)
        return output
    }

    /// The answer of a command with `--json`.
    func json(_ arguments: [String], code: Int32 = 0, _ location: SourceLocation = #_sourceLocation) throws -> JSON {
        try ok(arguments + ["--json"], code: code, location).json(location)
    }

    /// Writes a file to feed and gives back its path. `modified` is its file time, in seconds since 1970.
    func file(_ made: MadeFile) throws -> String {
        let path = "\(inbox)/\(made.name)"
        try AtomicFile.makeFolders(AtomicFile.parent(of: path))
        try Tree.write(made.bytes, to: path)
        if let modified = made.modified {
            var times = [timeval(tv_sec: modified, tv_usec: 0), timeval(tv_sec: modified, tv_usec: 0)]
            #expect(utimes(path, &times) == 0)
        }
        return path
    }

    /// Feeds files; the exit code must be as said.
    @discardableResult
    func feed(_ files: [MadeFile], _ more: [String] = [], code: Int32 = 0, _ location: SourceLocation = #_sourceLocation) throws -> Output {
        try ok(["ingest"] + files.map { try file($0) } + more, code: code, location)
    }

    /// The stored events, one canonical JSON a line.
    func events(_ more: [String] = []) throws -> [JSON] {
        let output = try ok(["events", "--raw"] + more)
        return try output.bytes.split(separator: 10).map { try JSON.parse(Array($0)) }
    }

    /// Seqs of the events of a type.
    func seqs(_ type: String) throws -> [Int64] { try events(["--type", type]).compactMap { $0["seq"]?.int } }

    /// `digest --json`.
    func digest() throws -> Digest { try Digest(json(["digest"])) }

    /// Rows of a query.
    func query(_ sql: String) throws -> [[String: JSON]] { try json(["query", sql]).array?.compactMap(\.object) ?? [] }

    /// The one number that a query answers.
    func number(_ sql: String) throws -> Int64 { try #require(try query(sql).first?.values.first?.int, "\(sql)") }

    /// Files in the zones as they are on disk.
    func zones() throws -> [String: String] {
        var found: [String: String] = [:]
        for zone in ["2_raw", "3_staging", "4_curated"] {
            for (path, content) in try Tree.listing("\(self.path)/\(zone)") where content != "folder" { found["\(zone)/\(path)"] = content }
        }
        return found
    }
}

/// What `digest --json` says.
struct Digest: Equatable {
    var seq: Int64
    var tables: [String: String]
    var files: [String: String]
    var ops: String?
    var all: String

    init(_ json: JSON) throws {
        seq = try #require(json["seq"]?.int)
        all = try #require(json["all"]?.string)
        tables = try #require(json["tables"]?.object).compactMapValues(\.string)
        files = try #require(json["files"]?.object).compactMapValues(\.string)
        ops = json["ops"]?.string ?? tables["ops"]
    }
}

/// Checks the chain of `events --raw` by hand: seq, prev, SHA-256 of each line. Gives back the ids.
func checkChain(_ raw: [UInt8], _ location: SourceLocation = #_sourceLocation) throws -> [String] {
    var ids = [String(repeating: "0", count: 64)]
    for (index, line) in raw.split(separator: 10, omittingEmptySubsequences: true).enumerated() {
        let event = try JSON.parse(Array(line))
        #expect(event["seq"]?.int == Int64(index + 1), sourceLocation: location)
        #expect(event["prev"]?.string == ids.last, sourceLocation: location)
        ids.append(Hash256(hashing: Array(line)).hex)
    }
    return Array(ids.dropFirst())
}
