package import EventLog
import GRDB

/// A definition that is another one than the live projections were made with.
package struct StaleDefinition: Sendable, Equatable {
    /// What happened to the file.
    package enum Change: String, Sendable {
        case new, changed, removed
        /// The file is the same; this program cleans with another revision of its reader.
        case reread
    }

    package let path: String
    package let kind: DefinitionKind
    package let change: Change
    /// Name of the KPI, the curated table, the view, the fact or the dataset.
    package let name: String
    /// The event that says so; nil while only the file on disk is another one.
    package internal(set) var event: Int64?
    /// Captures of the dataset that wait to be promoted again, for contracts.
    package let captures: Int64

    package init(path: String, kind: DefinitionKind, change: Change, name: String, event: Int64?, captures: Int64 = 0) {
        (self.path, self.kind, self.change, self.name, self.event, self.captures) = (path, kind, change, name, event, captures)
    }

    /// The same, now that an event says so.
    package func captured(at event: Int64?) -> StaleDefinition {
        var copy = self
        if let event, change != .reread { copy.event = event }
        return copy
    }

    /// ``cause``, and what the next run does beyond making just that anew.
    package var text: String {
        let waiting = captures == 1 ? "1 capture is" : "\(captures) captures are"
        return cause + (kind.shapesFacts ? ": the next run rebuilds" : captures > 0 ? ": \(waiting) promoted again by the next run" : "")
    }

    /// `KPI streams_total: projections/kpis/streams_total.sql changed (event 812)`.
    package var cause: String {
        let subject =
            switch kind {
            case .kpi: "KPI \(name)"
            case .guards: "KPIs"
            case .curated: "curated \(name)"
            case .view: "view \(name)"
            case .fact, .reference, .zones: "facts"
            case .contract, .service, .secrets: name
            }
        let what =
            switch change {
            case .new: "\(path) is new"
            case .changed: "\(path) changed"
            case .removed: "\(path) was removed"
            case .reread: "this program reads its files in another way"
            }
        let place = change == .reread ? "" : event.map { " (event \($0))" } ?? " on disk"
        return "\(subject): \(what)\(place)"
    }

    /// `{"path":…,"kind":…,"name":…,"change":…,"event":n or null,"captures":n,"rebuilds":…}`.
    package var json: JSON {
        [
            "path": .string(path), "kind": .string(kind.rawValue), "name": .string(name), "change": .string(change.rawValue),
            "event": event.map { .int($0) } ?? .null, "captures": .int(captures), "rebuilds": .bool(kind.shapesFacts),
        ]
    }
}

extension DefinitionSet {
    /// What a definition file is called: its KPI, table, fact or dataset; the name of a file that is not in the set.
    package func name(of path: String) -> String {
        let file = Files.name(path)
        let stem = file.lastIndex(of: ".").map { String(file[..<$0]) } ?? file
        return switch DefinitionKind(path: path) {
        case .kpi: kpis.first { $0.path == path }?.id ?? stem
        case .curated: curated.first { $0.path == path }?.name ?? stem
        case .fact: facts.first { $0.path == path }?.name ?? stem
        case .view: views.first { $0.path == path }?.name ?? stem
        case .contract: "\(Files.name(Files.parent(path)))/\(stem)"
        default: stem
        }
    }

    /// Keeps in a warehouse which definitions it was made with, so that others can be named later.
    func keepUsed(_ database: Database) throws {
        try database.execute(
            sql: "CREATE TABLE IF NOT EXISTS definition_used (path TEXT PRIMARY KEY, hash TEXT NOT NULL) STRICT, WITHOUT ROWID")
        let wanted = files.mapValues(\.hash.hex)
        let kept = try Self.used(database)
        guard kept != wanted else { return }
        for path in Set(kept.keys).subtracting(wanted.keys).sorted() {
            try database.execute(sql: "DELETE FROM definition_used WHERE path = ?", arguments: [path])
        }
        for (path, hash) in wanted.sorted(by: { $0.key < $1.key }) where kept[path] != hash {
            try database.execute(sql: "INSERT OR REPLACE INTO definition_used VALUES (?, ?)", arguments: [path, hash])
        }
    }

    /// What ``keepUsed(_:)`` kept; nothing in a warehouse that is older than that.
    fileprivate static func used(_ database: Database) throws -> [String: String] {
        guard try database.tableExists("definition_used") else { return [:] }
        let rows = try Row.fetchAll(database, sql: "SELECT path, hash FROM definition_used")
        return Dictionary(rows.map { ($0["path"], $0["hash"]) }, uniquingKeysWith: { $1 })
    }
}

extension Projector {
    /// The definition files that the live projections were made with, by path; nil when nothing is projected.
    package func usedDefinitions() throws -> [String: Hash256]? {
        guard try Warehouse.liveGeneration(layout) != nil else { return nil }
        let (kept, seq) = try Warehouse.Reader(layout).queue.read { database in
            (try DefinitionSet.used(database), try Int64.fetchOne(database, sql: "SELECT seq FROM checkpoint") ?? 0)
        }
        // An older warehouse was made with those live at its last event.
        return kept.isEmpty ? try definitions(until: seq).files.mapValues(\.hash) : kept.compactMapValues { Hash256(hex: $0) }
    }

    /// Captures that the live warehouse holds as cleaned by another revision of the reader, by dataset.
    package func captures(notReadBy revision: Int64) throws -> [String: Int64] {
        guard try Warehouse.liveGeneration(layout) != nil else { return [:] }
        return try Warehouse.Reader(layout).queue.read { database in
            let rows = try Row.fetchAll(
                database, sql: "SELECT stream, COUNT(*) AS n FROM capture WHERE reader <> ? GROUP BY stream", arguments: [revision])
            return Dictionary(rows.map { ($0["stream"], $0["n"]) }, uniquingKeysWith: { $1 })
        }
    }
}
