import EventLog
import Glibc
package import Projection

/// A replay beside the live state.
package struct ReplayComparison: Sendable {
    package let replayed: ProjectionDigest
    /// Tables and files that are not equal; empty also when nothing was compared.
    package let differences: [String]
    package let isCompared: Bool
    /// Definitions left out, because what they read was not captured yet at the seq replayed to; by path, with the reason.
    package var unready: [String: String] = [:]
}

extension Lake {
    /// `project`: captures changed definitions, settles what an interrupted run left, projects, lets the reactor speak.
    package func projectCommand() throws -> ProjectionOutcome {
        let stale = try staleDefinitions()
        let run = try Run(self, command: "project")
        try run.complete("ok")
        var outcome = try project()
        if !stale.isEmpty {
            let events = try definitionEvents()
            outcome.stale = stale.map { $0.captured(at: events[$0.path]) }
        }
        return outcome
    }

    /// Rebuilds the live state from the log.
    package func rebuild(until: Int64?, definitionsNow: Bool) throws -> ProjectionOutcome {
        try checkEnd(until)
        // What an ingest of this process put into the zones may be gone by now.
        projector.trusted = []
        let outcome = try projector.rebuild(until: until, definitionsNow: definitionsNow)
        guard until == nil else { return outcome }
        if try react() > 0 { _ = try projector.project() }
        try log.catchUpIndexes()
        return outcome
    }

    /// Replays into a folder (a temporary one when nil) and compares with the live state at the same seq.
    package func replay(into folder: String?, until: Int64?, only names: [String]) throws -> ReplayComparison {
        try checkEnd(until)
        let temporary = layout.path("warehouse/.replay-\(getpid())")
        let target = folder ?? temporary
        defer { if folder == nil { try? Files.removeTree(temporary) } }
        if let folder, Files.exists(folder), !Files.list(folder).isEmpty {
            throw LedgerError("\(folder) is not empty; a replay goes into a new folder")
        }
        try Files.makeFolder(target)
        guard until == nil else {
            let replayed = try projector.replay(into: target, until: until)
            return ReplayComparison(replayed: replayed, differences: [], isCompared: false, unready: projector.unready)
        }
        let live = try projector.digest()
        let replayed = try projector.replay(into: target, until: live.seq)
        var differences: [String] = []
        let mine = live.tables.merging(live.files) { $1 }
        let theirs = replayed.tables.merging(replayed.files) { $1 }
        for name in Set(mine.keys).union(theirs.keys).sorted() where mine[name] != theirs[name] && (names.isEmpty || names.contains(name)) {
            differences.append("\(name): live \(mine[name]?.prefix(12) ?? "absent"), replayed \(theirs[name]?.prefix(12) ?? "absent")")
        }
        return ReplayComparison(replayed: replayed, differences: differences, isCompared: true)
    }

    /// A replay ends at an event that exists.
    private func checkEnd(_ until: Int64?) throws {
        guard let until else { return }
        let head = try log.read { try $0.head().seq }
        guard (1...max(1, head)).contains(until) else {
            throw LedgerError(
                "--until \(until) is no event: the log holds events 1 to \(head); `bedrot events --newest --limit 20` lists the last")
        }
    }
}
