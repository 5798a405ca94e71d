import Glibc

/// Where everything of one data root is: the one resolver of folder names.
package struct Layout: Sendable, Equatable {
    /// A zone folder.
    package enum Zone: String, CaseIterable, Sendable {
        case landing, raw, staging, curated, archive

        var defaultName: String {
            switch self {
            case .landing: "1_landing"
            case .raw: "2_raw"
            case .staging: "3_staging"
            case .curated: "4_curated"
            case .archive: "5_archive"
            }
        }

        /// The environment variable that overrides the folder's name.
        package var variable: String { "\(rawValue.uppercased())_ZONE" }
    }

    package let root: String
    private let zones: [String]

    /// `environment` may name other zone folders (`LANDING_ZONE`, …), relative to the root or absolute.
    package init(root: String, environment: [String: String] = [:]) {
        self.root = root
        zones = Zone.allCases.map { zone in environment[zone.variable].flatMap { $0.isEmpty ? nil : $0 } ?? zone.defaultName }
    }

    /// The same folder names below another root; a zone that has an absolute path gets its default name there.
    package func moved(to root: String) -> Layout {
        var names: [String: String] = [:]
        for zone in Zone.allCases where !name(zone).hasPrefix("/") { names[zone.variable] = name(zone) }
        return Layout(root: root, environment: names)
    }

    /// The folder of a zone, as a path below the root (or absolute when overridden so).
    package func name(_ zone: Zone) -> String { zones[Zone.allCases.firstIndex(of: zone) ?? 0] }

    /// The absolute path of a name below the root.
    package func path(_ relative: String) -> String { relative.hasPrefix("/") ? relative : "\(root)/\(relative)" }

    /// The absolute path of a zone, with the name this root gives it.
    package func folder(_ zone: Zone) -> String { path(name(zone)) }

    /// Where the parts of a root lie, as absolute paths.
    package var log: String { path("ledger/log") }
    package var objects: String { path("ledger/objects") }
    package var warehouse: String { path("warehouse") }
    package var generations: String { path("warehouse/gen") }
    /// The symbolic link to the live generation.
    package var live: String { path("warehouse/bedrot_analytics.db") }
    package var definitions: String { path("definitions") }
    package var reports: String { path("reports") }

    /// The database file of a generation.
    package func generation(_ number: Int) -> String { "\(generations)/\(number)/bedrot_analytics.db" }
}

/// The few file operations that projections need.
package enum Files {
    /// Whether anything is there, links followed; false also where it may not be looked at.
    package static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// Makes a folder and those above it, 0700.
    package static func makeFolder(_ path: String) throws {
        if exists(path) { return }
        if let slash = path.lastIndex(of: "/"), slash != path.startIndex { try makeFolder(String(path[..<slash])) }
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw FileFailure("make the folder", path, errno) }
    }

    /// The path up to the last slash; `.` when there is none.
    package static func parent(_ path: String) -> String { path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "." }
    /// What follows the last slash; the whole path when there is none.
    package static func name(_ path: String) -> String { path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path }

    /// Names in a folder, sorted; empty when there is none.
    package static func list(_ path: String) -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Whether the path is a folder, or a link to one.
    package static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// In bytes, links followed; nil when nothing is there.
    package static func size(_ path: String) -> Int64? {
        var status = stat()
        return stat(path, &status) == 0 ? Int64(status.st_size) : nil
    }

    /// All regular files below a folder, sorted by path.
    package static func walk(_ path: String) -> [String] {
        list(path).flatMap { name -> [String] in
            let full = "\(path)/\(name)"
            var status = stat()
            guard lstat(full, &status) == 0 else { return [] }
            if status.st_mode & S_IFMT == S_IFDIR { return walk(full) }
            return status.st_mode & S_IFMT == S_IFREG ? [full] : []
        }
    }

    /// Removes temporary files of ours below a folder, those of living processes excepted.
    package static func removeDrafts(below folder: String) throws {
        for path in walk(folder) {
            let parts = name(path).split(separator: "-")
            guard let first = parts.first, [".draft", ".next", ".tmp"].contains(first) else { continue }
            if first != ".next", parts.count > 1, let owner = Int32(parts[1]), owner != getpid(), kill(owner, 0) == 0 { continue }
            try remove(path)
        }
    }

    /// All bytes of a file.
    package static func read(_ path: String) throws -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileFailure("read", path, errno) }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: Int(size(path) ?? 0))
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress.map { $0 + done }, $0.count - done) }
            guard count >= 0 else { throw FileFailure("read", path, errno) }
            if count == 0 { break }
            done += count
        }
        bytes.removeLast(bytes.count - done)
        return bytes
    }

    /// Removes a file; one that is not there is no error.
    package static func remove(_ path: String) throws {
        guard unlink(path) == 0 || errno == ENOENT else { throw FileFailure("remove", path, errno) }
    }

    /// Removes a folder of ours with all that is in it.
    package static func removeTree(_ path: String) throws {
        for name in list(path) {
            let full = "\(path)/\(name)"
            var status = stat()
            guard lstat(full, &status) == 0 else { continue }
            if status.st_mode & S_IFMT == S_IFDIR { try removeTree(full) } else { try remove(full) }
        }
        guard rmdir(path) == 0 || errno == ENOENT else { throw FileFailure("remove the folder", path, errno) }
    }

    /// Renames in one step, replacing a file at the new path; both must lie on one file system.
    package static func move(_ from: String, to: String) throws {
        guard rename(from, to) == 0 else { throw FileFailure("rename \(from) to", to, errno) }
    }

    /// Flushes a file or a folder to the disk.
    package static func sync(_ path: String) throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileFailure("open", path, errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw FileFailure("flush", path, errno) }
    }
}

/// A system call on a file that failed: what, which, why.
package struct FileFailure: Error, CustomStringConvertible {
    package let description: String
    package let code: Int32

    package init(_ what: String, _ path: String, _ code: Int32) {
        self.code = code
        description = "cannot \(what) \(path): \(String(cString: strerror(code)))"
    }
}

/// An advisory lock on a file, held until it is closed or the process ends.
package final class FileLock {
    private let descriptor: Int32

    /// Waits for the lock unless `wait` is false; nil when somebody else holds it then.
    package init?(_ path: String, shared: Bool = false, wait: Bool = true) throws {
        try Files.makeFolder(Files.parent(path))
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw FileFailure("lock", path, errno) }
        let operation = (shared ? LOCK_SH : LOCK_EX) | (wait ? 0 : LOCK_NB)
        while flock(descriptor, operation) != 0 {
            if errno == EINTR { continue }
            // All is set, so `deinit` runs and closes the descriptor.
            let code = errno
            if code == EWOULDBLOCK { return nil }
            throw FileFailure("lock", path, code)
        }
    }

    deinit { close(descriptor) }
}
