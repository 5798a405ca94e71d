import Cleaning
package import EventLog
import GRDB
import Glibc
package import Projection

/// How a data root is, in figures, and what is not as it should be.
package struct DoctorReport: Sendable {
    /// A folder or file of the root.
    package struct Part: Sendable {
        package let name: String
        package let bytes: Int64
        package let files: Int
    }

    package let parts: [Part]
    package let events: Int64
    package let projected: Int64
    package let freeBytes: Int64
    /// Name and version of the program's formats and libraries.
    package let versions: [(name: String, value: String)]
    /// This computer's clock, and the time of the last event.
    package let now: Timestamp
    package let lastEvent: Timestamp?
    /// The time of the first event.
    package let firstEvent: Timestamp?
    /// The live warehouse file; nil when nothing is projected.
    package let warehouse: Warehouse.Pages?
    package let zone: String
    /// Where definitions are looked for, later ones first in force, and how many files each gives.
    package let definitions: [(folder: String, files: Int)]
    /// What to look at, with what to do.
    package let concerns: [String]
}

extension Lake {
    /// Sizes, free disk, versions, clock, definitions. Changes nothing.
    package func doctor(program: String) throws -> DoctorReport {
        var concerns: [String] = []
        var parts = [part("ledger/log"), part("ledger/objects")]
        for zone in Layout.Zone.allCases { parts.append(part(layout.name(zone))) }
        for name in ["warehouse", "sessions", "keys", "definitions", "logs", "reports"] { parts.append(part(name)) }

        var disk = statvfs()
        let free = statvfs(layout.root, &disk) == 0 ? Int64(disk.f_bavail) * Int64(disk.f_frsize) : 0
        let needed = max(1_000_000_000, 2 * (parts.first { $0.name == "warehouse" }?.bytes ?? 0))
        if free < needed {
            concerns.append(
                "only \(free / 1_000_000) MB are free on the disk of \(layout.root); a rebuild may need \(needed / 1_000_000) MB")
        }
        var status = stat()
        if stat(layout.root, &status) == 0, status.st_mode & 0o077 != 0 {
            concerns.append("others may look into \(layout.root): chmod 700 \(layout.root)")
        }
        if Mounts.isShared(layout.root) { concerns.append("\(layout.root) is on a network or shared folder: the log needs a local disk") }

        let now = Timestamp.now()
        let (head, first, last) = try log.read { transaction in
            let head = try transaction.head().seq
            return (head, try transaction.event(1)?.time, try transaction.event(head)?.time)
        }
        if let last, last.milliseconds - now.milliseconds > 300_000 {
            concerns.append("the clock (\(now.iso)) stands before the last event (\(last.iso)): set it right before anything is written")
        }
        let state = try projector.status()
        let definitions = try staleDefinitions().map(\.text)
        for why in definitions.isEmpty ? state.stale : definitions where state.generation != nil {
            concerns.append("stale: \(why); run `bedrot project`")
        }

        for refused in try projector.refusedKPIs() { concerns.append("a KPI is left out: \(refused.reason)") }

        let folders = definitionFolders.folders
        let origins = definitionFolders.origins()
        let found = DefinitionSet.findings(in: try definitionFolders.read(), own: definitionFolders.own()).filter { !$0.isWarning }
        if !found.isEmpty { concerns.append("errors in definitions: \(found.count); `bedrot doctor contracts` lists them") }
        return DoctorReport(
            parts: parts, events: head, projected: state.projected, freeBytes: free,
            versions: [
                ("bedrot", program), ("log format", String(EventLog.format)), ("reader revision", String(Cleaner.revision)),
                ("log library", EventLog.library), ("SQLite", try Self.sqliteVersion()),
            ],
            now: now, lastEvent: last, firstEvent: first, warehouse: try Warehouse.livePages(layout), zone: try settings().zone,
            definitions: folders.reversed().map { folder in (folder, origins.values.filter { $0.hasPrefix(folder + "/") }.count) },
            concerns: concerns)
    }

    private static func sqliteVersion() throws -> String {
        try DatabaseQueue().read { try String.fetchOne($0, sql: "SELECT sqlite_version()") } ?? "unknown"
    }

    /// What lies below a name: allocated sizes count, as holes in the log's map are no use of the disk.
    private func part(_ name: String) -> DoctorReport.Part {
        var bytes: Int64 = 0
        let files = Files.walk(layout.path(name))
        for path in files {
            var status = stat()
            if lstat(path, &status) == 0 { bytes += min(Int64(status.st_size), Int64(status.st_blocks) * 512) }
        }
        return DoctorReport.Part(name: name, bytes: bytes, files: files.count)
    }
}

/// What is wrong in the definition files that a root, or the given folder, uses.
package struct DefinitionDoctor {
    /// All findings, the path of each made absolute; warnings are about SQL of the user's own that not every engine runs.
    package let findings: [(file: String, finding: DefinitionFinding)]
    /// Files read.
    package let files: Int

    /// Looks at the files that commands on this root would use; the root itself need not exist.
    ///
    /// - Throws: ``LedgerError`` when there are no definitions at all.
    package init(_ layout: Layout, definitions: String?) throws {
        let folders = try DefinitionFolders(root: layout, explicit: definitions)
        let read = try folders.read()
        let origins = folders.origins()
        files = read.count
        var found = DefinitionSet.findings(in: read, own: folders.own())
        // Some rules are judged by the tables of a warehouse: what a projection left out, it left a reason for.
        for refused in (try? Warehouse.Reader(layout).queue.read({ try RefusedKPI.all($0) })) ?? [] where read[refused.path] != nil {
            found.append(DefinitionFinding(refused))
        }
        findings = found.map { (origins[$0.path] ?? $0.path, $0) }
    }
}

extension DefinitionFolders {
    /// The file that each definition is read from, by its path below a definitions folder.
    func origins() -> [String: String] {
        var found: [String: String] = [:]
        for folder in folders {
            for part in ["zones", "projections"] {
                for path in Files.walk("\(folder)/\(part)") {
                    let relative = part + path.dropFirst("\(folder)/\(part)".count)
                    if DefinitionKind(path: relative) != nil { found[relative] = path }
                }
            }
        }
        return found
    }
}
