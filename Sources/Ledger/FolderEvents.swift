import Glibc
import Projection

/// What happens in folders, as inotify tells it.
final class FolderEvents {
    /// One thing that happened.
    enum Change {
        /// A file was closed after writing, or moved here.
        case file(String)
        /// A folder appeared inside a watched one.
        case folder(String)
        /// A watched folder went away or moved elsewhere.
        case gone(String)
        /// Somebody closed a file that is watched by itself.
        case closed(String)
        /// The queue overflowed: something happened, nobody knows what.
        case overflow
    }

    let descriptor: Int32
    private var folders: [Int32: String] = [:]
    private var files: [Int32: String] = [:]

    /// nil where the system offers no inotify.
    init?() {
        descriptor = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
        guard descriptor >= 0 else { return nil }
    }

    deinit { close(descriptor) }

    /// Listens to a folder (not to those inside it); false when the system refuses, as it does beyond its number of watches.
    func listen(to folder: String) -> Bool {
        let mask = UInt32(IN_CLOSE_WRITE) | UInt32(IN_MOVED_TO) | UInt32(IN_MOVED_FROM) | UInt32(IN_CREATE) | UInt32(IN_ONLYDIR)
        let watch = inotify_add_watch(descriptor, folder, mask | UInt32(IN_DELETE_SELF) | UInt32(IN_MOVE_SELF))
        guard watch >= 0 else { return false }
        folders[watch] = folder
        return true
    }

    /// Listens to the closing of one file by those who may write to it.
    func listen(toClosing file: String) {
        let watch = inotify_add_watch(descriptor, file, UInt32(IN_CLOSE_WRITE))
        if watch >= 0 { files[watch] = file }
    }

    /// Forgets a folder and all below it.
    func forget(_ folder: String) {
        for (watch, path) in folders where path == folder || path.hasPrefix(folder + "/") {
            inotify_rm_watch(descriptor, watch)
            folders[watch] = nil
        }
    }

    /// All that has happened since the last call; returns at once.
    func read() -> [Change] {
        var changes: [Change] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = buffer.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return changes }
            buffer.withUnsafeBytes { bytes in
                var at = 0
                while at + 16 <= count {
                    let watch = bytes.loadUnaligned(fromByteOffset: at, as: Int32.self)
                    let mask = bytes.loadUnaligned(fromByteOffset: at + 4, as: UInt32.self)
                    let length = Int(bytes.loadUnaligned(fromByteOffset: at + 12, as: UInt32.self))
                    let name = String(decoding: bytes[(at + 16)..<(at + 16 + length)].prefix { $0 != 0 }, as: UTF8.self)
                    at += 16 + length
                    if let change = meaning(watch, mask, name) { changes.append(change) }
                }
            }
        }
    }

    private func meaning(_ watch: Int32, _ mask: UInt32, _ name: String) -> Change? {
        func says(_ bit: some BinaryInteger) -> Bool { mask & UInt32(bit) != 0 }
        if says(IN_Q_OVERFLOW) { return .overflow }
        if let file = files[watch] { return says(IN_CLOSE_WRITE) ? .closed(file) : nil }
        guard let folder = folders[watch] else { return nil }
        if says(IN_IGNORED) {
            folders[watch] = nil
            return nil
        }
        if says(IN_DELETE_SELF) || says(IN_MOVE_SELF) { return .gone(folder) }
        let path = "\(folder)/\(name)"
        if mask & UInt32(IN_ISDIR) != 0 {
            if says(IN_MOVED_FROM) { return .gone(path) }
            return says(IN_CREATE) || says(IN_MOVED_TO) ? .folder(path) : nil
        }
        return says(IN_CLOSE_WRITE) || says(IN_MOVED_TO) ? .file(path) : nil
    }
}

/// SIGINT and SIGTERM as a wish to stop, looked at where it suits: nothing is ever cut short by them.
///
/// To be made before any other thread, so that all inherit the blocked signals.
package struct StopSignals: Sendable {
    private let others: sigset_t

    package init() {
        var wanted = sigset_t()
        var before = sigset_t()
        sigemptyset(&wanted)
        sigaddset(&wanted, SIGINT)
        sigaddset(&wanted, SIGTERM)
        pthread_sigmask(SIG_BLOCK, &wanted, &before)
        // Without a handler the signal would end the process at the moment it is let through.
        for name in [SIGINT, SIGTERM] {
            signal(name) { _ in }
            sigdelset(&before, name)
        }
        others = before
    }

    /// Whether one has come that no wait has seen yet.
    package var isRequested: Bool {
        var pending = sigset_t()
        sigpending(&pending)
        return sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1
    }

    /// Waits until the descriptor can be read, the time is over (nil: no end), or a signal comes: then true.
    func wait(_ descriptor: Int32?, milliseconds: Int64?) -> Bool {
        var readable = fd_set()
        if let descriptor { withUnsafeMutableBytes(of: &readable) { $0[Int(descriptor) / 8] |= 1 << UInt8(descriptor % 8) } }
        var mask = others
        var time = timespec(tv_sec: Int((milliseconds ?? 0) / 1000), tv_nsec: Int((milliseconds ?? 0) % 1000) * 1_000_000)
        let count = withUnsafePointer(to: &time) {
            pselect((descriptor ?? -1) + 1, &readable, nil, nil, milliseconds == nil ? nil : $0, &mask)
        }
        return count < 0 && errno == EINTR
    }
}

/// The lock of runs, tried again and again without the noise that opening and closing it would make.
final class RunGate {
    let path: String
    private let descriptor: Int32

    init(_ layout: Layout) throws {
        path = layout.path(Run.lockName)
        descriptor = open(path, O_RDONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw FileFailure("lock", path, errno) }
    }

    deinit { close(descriptor) }

    /// Whether nobody else runs now; then nobody else will until ``leave()``.
    func enter() throws -> Bool {
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            if errno == EINTR { continue }
            guard errno == EWOULDBLOCK else { throw FileFailure("lock", path, errno) }
            return false
        }
        return true
    }

    func leave() { flock(descriptor, LOCK_UN) }
}

/// Which file system a folder lies on, as the system's list of mounts says it.
enum Mounts {
    /// Whether changes made elsewhere reach a folder without an event: network and shared folders.
    static func isShared(_ folder: String) -> Bool {
        guard let real = Files.realPath(folder), let list = try? Files.stream("/proc/self/mountinfo") else { return false }
        var best = (length: -1, type: "")
        for line in String(decoding: list, as: UTF8.self).split(separator: "\n") {
            let fields = line.split(separator: " ").map(String.init)
            guard fields.count > 4, let dash = fields.firstIndex(of: "-"), dash + 1 < fields.count else { continue }
            let point = fields[4].replacing("\\040", with: " ")
            guard real == point || point == "/" || real.hasPrefix(point + "/"), point.utf8.count >= best.length else { continue }
            best = (point.utf8.count, fields[dash + 1])
        }
        return ["nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "drvfs", "vboxsf", "afs"].contains(best.type) || best.type.hasPrefix("fuse.")
    }
}

extension Files {
    /// All bytes of a file whose size the system does not know beforehand.
    static func stream(_ path: String) throws -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileFailure("read", path, errno) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = buffer.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw FileFailure("read", path, errno) }
            if count == 0 { return bytes }
            bytes += buffer[..<count]
        }
    }
}
