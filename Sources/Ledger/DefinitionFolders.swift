import EventLog
import Glibc
import Projection

/// Where definition files are looked for: the shipped ones, overlaid by the user's own.
struct DefinitionFolders {
    /// Lowest priority first.
    let folders: [String]

    /// `--definitions` or `BEDROT_DEFINITIONS` replaces the shipped folder; `<root>/definitions` overlays both.
    init(root: Layout, explicit: String?) throws {
        let named = explicit ?? getenv("BEDROT_DEFINITIONS").map { String(cString: $0) }
        if let named, !named.isEmpty {
            guard Files.isFolder("\(named)/zones") || Files.isFolder("\(named)/projections") else {
                throw LedgerError(
                    "\(named) holds no definitions (neither zones/ nor projections/); check --definitions or BEDROT_DEFINITIONS")
            }
            folders = [named, root.definitions]
        } else if let shipped = Self.shipped() {
            folders = [shipped, root.definitions]
        } else {
            throw LedgerError(
                """
                the shipped definitions (zones/, projections/) are neither in ../share/bedrot beside the program nor in the \
                checkout it was built in; name them: --definitions DIR
                """
            )
        }
    }

    private static func shipped() -> String? {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        guard count > 0 else { return nil }
        var folder = Files.parent(String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self))
        let installed = "\(Files.parent(folder))/share/bedrot"
        if Files.isFolder("\(installed)/zones"), Files.isFolder("\(installed)/projections") { return installed }
        while folder != "/", folder != "." {
            if Files.exists("\(folder)/Package.swift"), Files.isFolder("\(folder)/zones") { return folder }
            folder = Files.parent(folder)
        }
        return nil
    }

    /// Paths of the files that the user's own folder gives; every other file ships with the program.
    func own() -> Set<String> {
        guard let folder = folders.last else { return [] }
        let files = ["zones", "projections"].flatMap { Files.walk("\(folder)/\($0)") }
        return Set(files.map { String($0.dropFirst(folder.count + 1)) })
    }

    /// Whether a file of this path and these contents came with the program.
    func ships(_ path: String, _ hash: Hash256) -> Bool {
        folders.dropLast().contains { (try? Files.read("\($0)/\(path)")).map { Hash256(hashing: $0) } == hash }
    }

    /// Definition files by path; a user's file replaces a shipped one of the same path.
    func read() throws -> [String: [UInt8]] {
        var files: [String: [UInt8]] = [:]
        for folder in folders {
            for part in ["zones", "projections"] {
                for path in Files.walk("\(folder)/\(part)") {
                    let relative = part + path.dropFirst("\(folder)/\(part)".count)
                    if DefinitionKind(path: relative) != nil { files[relative] = try Files.read(path) }
                }
            }
        }
        return files
    }
}

extension Lake {
    /// Brings the log up to the definition files on disk: new and changed ones are captured, vanished ones noted.
    ///
    /// Returns the definitions in use. A definition that does not parse stops here, before anything is written, and so does a loader that
    /// cannot run, and a shipped file whose SQL is not portable; what is not portable in a user's own goes to ``definitionWarnings``.
    func captureDefinitions(run: String?) throws -> DefinitionSet {
        let files = try definitionFolders.read()
        let set = try DefinitionSet(files: files, or: projector.remembered)
        projector.remember(set)
        let known = try knownDefinitions()
        try checkPortability(of: set, changed: Set(set.files.keys.filter { known[$0] != set.files[$0]?.hash }))
        var drafts: [EventDraft] = []
        for (path, file) in set.files.sorted(by: { $0.key < $1.key }) where known[path] != file.hash {
            _ = try objects.put(file.bytes)
            drafts.append(
                draft(
                    "definition/\(path)", .definitionCaptured, run: run,
                    ["path": .string(path), "kind": .string(DefinitionKind(path: path)?.rawValue ?? ""), "object": .string(file.hash.hex)]))
        }
        for (path, hash) in known.sorted(by: { $0.key < $1.key }) where set.files[path] == nil {
            drafts.append(
                draft(
                    "definition/\(path)", .definitionCaptured, run: run,
                    [
                        "path": .string(path), "kind": .string(DefinitionKind(path: path)?.rawValue ?? ""), "object": .string(hash.hex),
                        "removed": true,
                    ]))
        }
        if !drafts.isEmpty { try log.write { transaction in for draft in drafts { _ = try transaction.append(draft) } } }
        return set
    }

    private func checkPortability(of set: DefinitionSet, changed: Set<String>) throws {
        guard !changed.isEmpty else { return }
        let found = set.portability(of: changed, own: definitionFolders.own())
        definitionWarnings += found.filter(\.isWarning)
        // Once the log names a loader that cannot run, no dataset is projected any more.
        if let error = set.loaderErrors(changed: changed).first { throw LedgerError("\(error); nothing was written") }
        let errors = found.filter { !$0.isWarning }
        guard let first = errors.first else { return }
        throw LedgerError(
            """
            \(first)\(errors.count > 1 ? " (and \(errors.count - 1) more: bedrot doctor contracts)" : ""). Shipped files must run on every \
            engine; put a file of your own into \(layout.definitions)
            """)
    }

    /// path → object of the definitions that the log names, removed ones left out.
    private func knownDefinitions() throws -> [String: Hash256] {
        var known: [String: Hash256] = [:]
        try log.read { transaction in
            try transaction.events(EventQuery(types: [EventType.definitionCaptured.rawValue])) { event in
                guard let path = event.body["path"]?.string else { return true }
                known[path] = event.body["removed"]?.bool == true ? nil : event.body["object"]?.string.flatMap { Hash256(hex: $0) }
                return true
            }
        }
        return known
    }
}
