import Cleaning
import EventLog
package import Projection

extension Lake {
    /// Which definitions are others than the live projections were made with, by path; nothing when nothing is projected yet.
    ///
    /// Files on disk that no event names yet count too: the next run takes them over.
    package func staleDefinitions() throws -> [StaleDefinition] {
        guard let used = try projector.usedDefinitions() else { return [] }
        let head = try log.read { try $0.head().seq }
        let captured = try projector.definitions(until: head)
        let disk = try definitionFolders.read().mapValues { Hash256(hashing: $0) }
        let known = captured.files.mapValues(\.hash)
        let events = try known == used ? [:] : definitionEvents()
        let reread = try projector.captures(notReadBy: Int64(Cleaner.revision))
        var found: [StaleDefinition] = []
        for path in Set(used.keys).union(disk.keys).union(known.keys).sorted() {
            guard let kind = DefinitionKind(path: path), kind != .service else { continue }
            let isCaptured = disk[path] == known[path]
            let change: StaleDefinition.Change
            switch (used[path], disk[path]) {
            case (nil, .some): change = .new
            case (.some, nil): change = .removed
            case (let before, let now) where before != now: change = .changed
            default:
                if kind == .contract, let captures = reread[captured.name(of: path)] {
                    found.append(
                        StaleDefinition(
                            path: path, kind: kind, change: .reread, name: captured.name(of: path), event: nil, captures: captures))
                }
                continue
            }
            var waiting: Int64 = 0
            if kind == .contract, let hash = disk[path] { waiting = try captures(of: captured.name(of: path), awaiting: hash) }
            // A contract without captures changes no figure.
            if kind == .contract, waiting == 0 { continue }
            found.append(
                StaleDefinition(
                    path: path, kind: kind, change: change, name: captured.name(of: path), event: isCaptured ? events[path] : nil,
                    captures: waiting))
        }
        return found
    }

    /// By path: the last event that took over a definition, or noted that it is gone.
    func definitionEvents() throws -> [String: Int64] {
        var events: [String: Int64] = [:]
        try log.read { transaction in
            try transaction.events(EventQuery(types: [EventType.definitionCaptured.rawValue])) { event in
                if let path = event.body["path"]?.string { events[path] = event.seq }
                return true
            }
        }
        return events
    }

    /// Captures of a dataset that a contract has not judged yet.
    private func captures(of stream: String, awaiting contract: Hash256) throws -> Int64 {
        let state = try log.read { try StreamState(stream, $0) }
        return Int64(state.entries.values.count { $0.awaits(contract) })
    }
}
