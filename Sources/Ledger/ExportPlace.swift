import EventLog
import Glibc
import Projection

/// Where a file for people goes: never into the ledger's own folders, never over a file that is not an export.
struct ExportPlace {
    let path: String
    let manifestPath: String

    /// - Parameter target: an absolute path; one that ends in .csv or .ndjson is a file, any other a folder that gets the file
    ///   under `name`. nil means `reports/`.
    init(target: String?, name: String, layout: Layout) throws {
        let target = target ?? layout.reports + "/"
        let isFile = [".csv", ".ndjson"].contains(where: target.hasSuffix) && !Files.isFolder(target)
        path = target.hasSuffix("/") ? target + name : isFile ? target : "\(target)/\(name)"
        if !isFile, Files.exists(target), !Files.isFolder(target) {
            throw LedgerError("\(target) is a file; name a folder with --to, or a file that ends in .csv or .ndjson")
        }
        try Self.check(path, layout)
        let file = Files.name(path)
        let stem = file.lastIndex(of: ".").flatMap { $0 == file.startIndex ? nil : String(file[..<$0]) } ?? file
        manifestPath = "\(Files.parent(path))/\(stem).manifest.json"
        guard !Files.isFolder(manifestPath) else { throw LedgerError("\(manifestPath) is a folder; choose another name with --to") }
    }

    /// Refuses a path inside a folder of the ledger, whatever links or dots lead there.
    static func check(_ path: String, _ layout: Layout) throws {
        let real = resolved(path)
        let own = ["ledger", "warehouse", "keys", "sessions", "logs", "definitions"].map { ($0, layout.path($0)) }
        for (name, folder) in Layout.Zone.allCases.map({ (layout.name($0), layout.folder($0)) }) + own {
            let real = (real, resolved(folder))
            guard real.0 == real.1 || real.0.hasPrefix(real.1 + "/") else { continue }
            throw LedgerError("\(path) lies in \(name), which belongs to the ledger; choose another place with --to, such as reports/")
        }
    }

    /// The path with links and dots of all that exists followed.
    private static func resolved(_ path: String) -> String {
        if let real = realpath(path, nil) {
            defer { free(real) }
            return String(cString: real)
        }
        let parent = Files.parent(path)
        guard parent != path, !parent.isEmpty else { return path }
        let above = path.hasPrefix("/") && parent.isEmpty ? "/" : resolved(parent)
        let name = Files.name(path)
        if name == "." || name.isEmpty { return above }
        if name == ".." { return Files.parent(above) }
        return above == "/" ? "/\(name)" : "\(above)/\(name)"
    }

    /// Writes the file by what `body` puts; it gives the digest of all. A file that is there stays when something fails.
    func write(_ body: (_ put: ([UInt8]) throws -> Void) throws -> Hash256) throws {
        try Files.makeFolder(Files.parent(path))
        let before = try standing()
        var failure: (any Error)?
        do {
            try AtomicFile.write(to: path) { (file) throws(EventLogError) in
                do {
                    let digest = try body { try file.write($0) }
                    if let before, before.digest != digest, !before.isExport {
                        throw LedgerError("\(path) is there already and is no export, or was changed since; choose another name with --to")
                    }
                } catch let error as EventLogError {
                    throw error
                } catch {
                    failure = error
                    throw EventLogError(.inputOutput, "\(error)")
                }
            }
        } catch {
            throw failure ?? error
        }
    }

    /// The file that is there now, and whether the manifest beside it tells its bytes.
    private func standing() throws -> (digest: Hash256, isExport: Bool)? {
        guard Files.exists(path) else { return nil }
        guard !Files.isFolder(path) else { throw LedgerError("\(path) is a folder; choose another name with --to") }
        let digest = try DraftFile.digest(of: path)
        guard Files.exists(manifestPath), let manifest = try? JSON.parse(Array(try Files.read(manifestPath).dropLast())) else {
            return (digest, false)
        }
        return (digest, manifest["file"]?.string == Files.name(path) && manifest["sha256"]?.string == digest.hex)
    }
}
