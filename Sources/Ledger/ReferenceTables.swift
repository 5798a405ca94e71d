import Cleaning
import EventLog
import GRDB
package import Projection

/// A row of a reference table, cells as people read and write them.
package struct ReferenceRow: Sendable, Equatable {
    /// By column; what is not known is left out.
    package let cells: [String: String]
    /// The event that set it; 0 for a row that ships with the product.
    package let seq: Int64
}

/// One change of a row of a reference table.
package struct ReferenceStep: Sendable {
    /// The event.
    package let seq: Int64
    /// When it was written, UTC.
    package let time: String
    /// Who wrote it, as the log says it.
    package let actor: String
    /// The row before; nil where there was none.
    package let before: [String: String]?
    /// The row after; nil where it was taken away.
    package let after: [String: String]?
}

/// What a change of assumptions did.
package struct ReferenceReport: Sendable {
    /// The new events; empty where everything was known already.
    package var seqs: [Int64] = []
    /// Rows and names that changed.
    package var changed = 0
    /// Rows that said nothing new.
    package var known = 0
    /// What a person should know of the rows.
    package var remarks: [String] = []
}

/// Rows of a fact that stand under a member because of one event.
package struct ResolvedRows: Sendable, Equatable {
    package let fact: String
    /// The name or id as the files spell it.
    package let value: String
    /// The service that spells it so.
    package let service: String
    package let rows: Int64
}

/// The changes of one `reference.changed` event, in the making.
struct ReferenceChanges {
    private(set) var list: [JSON] = []

    mutating func set(_ kind: String, keys: [String: String], values: [String: String]) {
        list.append(["kind": .string(kind), "keys": object(keys), "values": object(values)])
    }

    mutating func remove(_ kind: String, keys: [String: String]) {
        list.append(["kind": .string(kind), "keys": object(keys), "removed": .bool(true)])
    }

    mutating func alias(_ kind: String, service: String, value: String, member: String, name: String? = nil) {
        var body: [String: JSON] = [
            "kind": .string(kind), "service": .string(service), "value": .string(value), "member": .string(member),
        ]
        if let name { body["name"] = .string(name) }
        list.append(.object(body))
    }

    private func object(_ cells: [String: String]) -> JSON { .object(cells.mapValues { .string($0) }) }

    /// An event holds as many as a person can look at.
    static let most = 500

    /// Bodies of the events, in order.
    func bodies(_ kind: String) -> [JSON] {
        stride(from: 0, to: list.count, by: Self.most).map { start in
            ["kind": .string(kind), "changes": .array(Array(list[start..<min(start + Self.most, list.count)]))]
        }
    }
}

extension Lake {
    /// The tables of assumptions that the definitions in the log name, by kind.
    package func referenceTables() throws -> [ReferenceTable] {
        try projector.definitions(until: try log.read { try $0.head().seq }).reference.tables.sorted { $0.kind < $1.kind }
    }

    /// The table of a kind; throws with the known kinds where there is none.
    package func referenceTable(_ kind: String) throws -> ReferenceTable {
        let tables = try referenceTables()
        guard let table = tables.first(where: { $0.kind == kind }) else {
            throw LedgerError("there is no reference table “\(kind)”; known: \(tables.map(\.kind).joined(separator: ", "))")
        }
        return table
    }

    /// The rows in force, by key. Read from the log: they need no projection.
    package func referenceRows(_ table: ReferenceTable) throws -> [ReferenceRow] {
        var rows: [String: ReferenceRow] = [:]
        try fold(table) { key, _, after, event in rows[key] = after.map { ReferenceRow(cells: $0, seq: event?.seq ?? 0) } }
        return rows.sorted { $0.key < $1.key }.map(\.value)
    }

    /// Every change of the rows whose cells hold all of `filter`, oldest first.
    package func referenceHistory(_ table: ReferenceTable, filter: [String: String] = [:]) throws -> [ReferenceStep] {
        var steps: [ReferenceStep] = []
        try fold(table) { _, before, after, event in
            guard let event, filter.allSatisfy({ (after ?? before ?? [:])[$0.key] == $0.value }) else { return }
            steps.append(ReferenceStep(seq: event.seq, time: event.time.iso, actor: event.actor, before: before, after: after))
        }
        return steps
    }

    private func fold(
        _ table: ReferenceTable, _ step: (_ key: String, _ before: [String: String]?, _ after: [String: String]?, _ event: Event?) -> Void
    ) throws {
        var rows: [String: [String: String]] = [:]
        func key(_ cells: [String: String]) -> String { table.key.map { cells[$0.name] ?? "" }.joined(separator: "\u{0}") }
        for cells in table.shippedRows {
            rows[key(cells)] = cells
            step(key(cells), nil, cells, nil)
        }
        try log.read { transaction in
            try transaction.events(EventQuery(types: [EventType.referenceChanged.rawValue])) { event in
                for change in event.body["changes"]?.array ?? [event.body] where change["kind"]?.string == table.kind {
                    guard let keys = change["keys"]?.object?.compactMapValues(\.string) else { continue }
                    let name = key(keys)
                    let isRemoved = change["removed"]?.bool == true
                    let values = (change["values"]?.object ?? [:]).compactMapValues(\.string)
                    let after = isRemoved ? nil : keys.merging(values) { $1 }
                    guard rows[name] != after else { continue }
                    step(name, rows[name], after, event)
                    rows[name] = after
                }
                return true
            }
        }
    }

    // MARK: Changing

    /// Sets rows of a table, or takes them away; each row is cells by column, and columns it does not name keep what they hold.
    ///
    /// Names of artists and platforms may stand for their member ids, an ISRC or a title for a track's; personal cells are replaced by
    /// pseudonyms before anything is stored. One wrong cell, and nothing is entered. An empty cell clears a column.
    package func changeReference(_ kind: String, _ rows: [(place: String, cells: [String: String])], remove: Bool = false) throws
        -> ReferenceReport
    {
        let run = try Run(self, command: "reference")
        guard let table = run.definitions.reference.tables.first(where: { $0.kind == kind }) else {
            _ = try referenceTable(kind)
            throw LedgerError("there is no reference table “\(kind)”")
        }
        var report = ReferenceReport()
        var changes = ReferenceChanges()
        let rows = try rows.map { (place: $0.place, cells: try completed($0.cells, table, run, place: $0.place)) }
        try add(rows, of: table, remove: remove, to: &changes, &report)
        if kind == "goal", !remove { try checkGoals(rows, run.definitions.kpis) }
        if kind == "track", !remove { try nameTracks(rows.map(\.cells), definitions: run.definitions, to: &changes, &report) }
        report.seqs = try append(changes, kind: kind, run: run)
        report.changed = changes.list.count
        return report
    }

    private func add(
        _ rows: [(place: String, cells: [String: String])], of table: ReferenceTable, remove: Bool, to changes: inout ReferenceChanges,
        _ report: inout ReferenceReport
    ) throws {
        func key(_ cells: [String: String]) -> [String] { table.key.map { cells[$0.name] ?? "" } }
        let known = Dictionary(try referenceRows(table).map { (key($0.cells), $0.cells) }, uniquingKeysWith: { $1 })
        var seen: [[String]: String] = [:]
        for (place, cells) in rows {
            for column in table.key where cells[column.name]?.isEmpty ?? true {
                throw LedgerError("\(place): \(table.kind) needs \(column.name) (\(column.type.expected)), a part of its key")
            }
            if let other = seen[key(cells)] {
                throw LedgerError("\(place): the same key as \(other): \(key(cells).joined(separator: ", ")); keep one of them")
            }
            seen[key(cells)] = place
            let keys = cells.filter { cell in table.key.contains { $0.name == cell.key } }
            let before = known[key(cells)]
            if remove {
                guard before != nil else { throw LedgerError("\(place): \(table.kind) has no row \(key(cells).joined(separator: ", "))") }
                changes.remove(table.kind, keys: keys)
                continue
            }
            var values = (before ?? [:]).merging(cells) { $1 }.filter { !$0.value.isEmpty }
            for column in table.key { values[column.name] = nil }
            if let before, before == keys.merging(values, uniquingKeysWith: { $1 }) {
                report.known += 1
                continue
            }
            changes.set(table.kind, keys: keys, values: values)
        }
        guard !remove, ["split", "collaboration"].contains(table.kind) else { return }
        var after = known
        for (_, cells) in rows { after[key(cells)] = (after[key(cells)] ?? [:]).merging(cells) { $1 } }
        try checkShares(after.values.map(\.self), touched: rows, whole: table.kind == "split" ? "track" : "artist")
    }

    /// A goal is one that a KPI names, and ends no earlier than it begins.
    private func checkGoals(_ rows: [(place: String, cells: [String: String])], _ kpis: [KPIDefinition]) throws {
        let known = Set(kpis.compactMap(\.goal))
        for (place, cells) in rows {
            let goal = cells["goal"] ?? ""
            guard known.contains(goal) else {
                throw LedgerError(
                    """
                    \(place): no KPI is measured against a goal “\(goal)”\(NearNames.question(goal, in: known)) Goals: \
                    \(known.sorted().joined(separator: ", ")); a KPI of your own names another in its header (goal: NAME)
                    """)
            }
            if let from = cells["from_day"], let until = cells["until_day"], !until.isEmpty, until < from {
                throw LedgerError("\(place): until_day \(until) lies before from_day \(from): a goal is due on a day after it begins")
            }
        }
    }

    /// Shares are above 0, and those of one whole never exceed it on any day.
    private func checkShares(_ rows: [[String: String]], touched: [(place: String, cells: [String: String])], whole: String) throws {
        func nano(_ text: String?) -> Int64 {
            if case .value(let value, _) = PlainNumber.parse(Array((text ?? "").utf8), scale: 9) { value } else { 0 }
        }
        let unit: Int64 = 1_000_000_000
        let wholes = Dictionary(grouping: rows) { $0[whole] ?? "" }
        for (place, cells) in touched {
            guard (1...unit).contains(nano(cells["share"])) else {
                throw LedgerError("\(place): a share is above 0 and at most 1 (0.4 is 40 %), not “\(cells["share"] ?? "")”")
            }
            let name = cells[whole] ?? ""
            let parts = wholes[name] ?? []
            for day in Set(parts.map { $0["from_day"] ?? "" }).sorted() {
                // The newest row of each payee is the one that holds, as in bridge_track_share; it may have ended by then.
                let begun = parts.filter { ($0["from_day"] ?? "") <= day }
                let newest = Dictionary(grouping: begun) { $0["payee"] ?? $0["member"] ?? "" }.compactMap { _, rows in
                    rows.max { ($0["from_day"] ?? "") < ($1["from_day"] ?? "") }
                }
                let live = newest.filter { part in part["until_day"].map { $0.isEmpty || day < $0 } ?? true }
                let sum = live.reduce(Int64(0)) { $0 + nano($1["share"]) }
                guard sum <= unit else {
                    let since = day.isEmpty ? "" : " from \(day) on"
                    throw LedgerError(
                        "\(place): the shares of \(name)\(since) would be \(Money.decimal(sum)); end another one first")
                }
            }
        }
    }

    func append(_ changes: ReferenceChanges, kind: String, run: Run) throws -> [Int64] {
        guard !changes.list.isEmpty else { return [] }
        let seqs = try log.write { transaction in
            if let start = run.startDraftIfNeeded() { _ = try transaction.append(start) }
            return try changes.bodies(kind).map {
                try transaction.append(draft("reference/\(kind)", .referenceChanged, run: run.id, $0)).seq
            }
        }
        try run.complete("ok")
        return seqs
    }

    /// Cells in their stored spelling, names replaced by member ids, persons by pseudonyms.
    func completed(_ cells: [String: String], _ table: ReferenceTable, _ run: Run, place: String) throws -> [String: String] {
        var cells = cells
        for name in cells.keys.sorted() where !table.columns.contains(where: { $0.name == name }) {
            throw LedgerError(
                "\(place): \(table.kind) has no column “\(name)”; known: \(table.columns.map(\.name).joined(separator: ", "))")
        }
        if table.kind == "track", cells["track"]?.isEmpty ?? true {
            cells["track"] = cells["isrc"].flatMap { $0.isEmpty ? nil : $0 } ?? cells["title"]
        }
        for column in table.columns {
            guard let written = cells[column.name], !written.isEmpty else { continue }
            switch (column.type, column.name) {
            case (.personal(let group), _):
                guard !written.hasPrefix("p1:\(group):") else { break }
                do {
                    cells[column.name] = try run.keys.pseudonym(group, of: written)
                } catch let error as CleaningError where error.code == "key_missing" {
                    throw LedgerError("\(place): \(column.name) is a person, and there is no key: bedrot keys create \(group)")
                }
            case (.text, "artist"), (.text, "member"):
                cells[column.name] =
                    written.hasPrefix("artist:") ? SourceNames.member(written) : "artist:\(SourceNames.normalised(written))"
            case (.text, "track"): cells[column.name] = Self.trackID(written)
            case (.text, "platform"):
                if written.hasPrefix("platform:") { break }
                guard let member = run.definitions.reference.aliases["platform"]?[SourceNames.normalised(written)] else {
                    throw LedgerError(
                        "\(place): no platform is called “\(written)”; write its name as in projections/reference/platforms.yml")
                }
                cells[column.name] = member
            default:
                guard let cell = column.type.read(written) else {
                    throw LedgerError("\(place): “\(written)” is not \(column.type.expected) (column \(column.name))")
                }
                cells[column.name] = column.type.text(cell)
            }
        }
        return cells
    }

    /// The member id of a track that is named by its id, its ISRC or its title.
    static func trackID(_ text: String) -> String {
        if text.hasPrefix("track:") { return SourceNames.member(text) }
        let plain = SQLText.upper(String(text.filter { $0 != "-" && $0 != " " }))
        return SourceNames.isISRC(plain) ? "track:\(plain)" : "track:\(SourceNames.normalised(text))"
    }

    /// What a title means, for sources that tell no ISRC; a title that several tracks share means none of them.
    private func nameTracks(
        _ rows: [[String: String]], definitions: DefinitionSet, to changes: inout ReferenceChanges, _ report: inout ReferenceReport
    ) throws {
        guard let table = definitions.reference.tables.first(where: { $0.kind == "track" }) else { return }
        var tracks: [String: Set<String>] = [:]
        for cells in try referenceRows(table).map(\.cells) + rows {
            if let title = cells["title"], let track = cells["track"] { tracks[SourceNames.normalised(title), default: []].insert(track) }
        }
        let known = Dictionary(try names("title").map { (SourceNames.normalised($0.value), $0.member) }, uniquingKeysWith: { $1 })
        var done = Set<String>()
        for cells in rows {
            guard let title = cells["title"], !title.isEmpty, let track = cells["track"] else { continue }
            let norm = SourceNames.normalised(title)
            guard done.insert(norm).inserted else { continue }
            if tracks[norm, default: []].count > 1 {
                report.remarks.append("“\(title)” is the title of several tracks; lines without an ISRC are not counted to any of them")
            } else if known[norm] ?? "track:\(norm)" != track {
                changes.alias("title", service: "*", value: title, member: track)
            }
        }
    }

    // MARK: Artists

    /// Enters an artist with its names, ids and splits in one event.
    ///
    /// - Parameter handles: service (or `*`) and the name or id there.
    /// - Parameter splits: rows of the table `split`, cells by column.
    /// - Parameter members: of a collaboration: artist and share of one.
    package func addArtist(
        _ name: String, spotifyID: String?, handles: [(service: String, value: String)], splits: [[String: String]],
        members: [(artist: String, share: String)]
    ) throws -> (seq: Int64?, member: String) {
        guard !SourceNames.normalised(name).isEmpty else { throw LedgerError("an artist needs a name") }
        let run = try Run(self, command: "artist add")
        let services = Set(run.definitions.contracts.values.map(\.contract.service)).union(["*"])
        let member = "artist:\(SourceNames.normalised(name))"
        if let id = spotifyID {
            let isID = id.utf8.count == 22 && id.utf8.allSatisfy { $0 &- 97 < 26 || $0 &- 65 < 26 || $0 &- 48 < 10 }
            guard isID else { throw LedgerError("“\(id)” is no Spotify id: 22 letters and digits, the last part of the artist's link") }
        }
        func table(_ kind: String) throws -> ReferenceTable {
            guard let table = run.definitions.reference.tables.first(where: { $0.kind == kind }) else {
                throw LedgerError("there is no reference table “\(kind)”; put projections/reference/\(kind).yml back")
            }
            return table
        }
        var changes = ReferenceChanges()
        var report = ReferenceReport()
        let known = try names("artist")
        var aliases = handles
        if let spotifyID { aliases.append(("spotify", spotifyID)) }
        for (service, value) in aliases {
            guard services.contains(service) else {
                throw LedgerError("there is no service “\(service)”; known: \(services.sorted().joined(separator: ", "))")
            }
            let norm = SourceNames.normalised(value)
            if let other = known.first(where: { $0.service == service && SourceNames.normalised($0.value) == norm }) {
                guard other.member == member else {
                    throw LedgerError("“\(value)” of \(service) is \(other.member) already; change that first: bedrot artist alias …")
                }
                continue
            }
            changes.alias("artist", service: service, value: value, member: member, name: name)
        }
        var cells = ["artist": member, "name": name, "status": "active"]
        if let spotifyID { cells["spotify_id"] = spotifyID }
        try add([("artist add", cells)], of: table("artist"), remove: false, to: &changes, &report)
        let shares = try members.map { pair in
            (
                "artist add",
                try completed(
                    ["artist": member, "member": pair.artist, "share": pair.share], table("collaboration"), run, place: "artist add")
            )
        }
        try add(shares, of: table("collaboration"), remove: false, to: &changes, &report)
        let rows = try splits.map { ("artist add", try completed($0, table("split"), run, place: "artist add")) }
        try add(rows, of: table("split"), remove: false, to: &changes, &report)
        guard changes.list.count <= ReferenceChanges.most else {
            throw LedgerError("at most \(ReferenceChanges.most) names and splits at once")
        }
        return (try append(changes, kind: "artist", run: run).first, member)
    }

    /// The rows of every fact that stand under a member now, by fact and source value; `since` leaves only those that an event at or
    /// after it gave to the member.
    package func resolvedRows(_ member: String, since: Int64 = 0) throws -> [ResolvedRows] {
        let facts = try definitionsInForce().facts
        return try warehouse().queue.read { database in
            try facts.flatMap { fact in
                try fact.columns.filter { $0.storage == .source("artist") }.flatMap { column in
                    try Row.fetchAll(
                        database,
                        sql: """
                            SELECT s.value AS value, s.service AS service, COUNT(*) AS rows FROM member_v m JOIN source_value s ON s.id = \
                            m.source_id JOIN "\(fact.name)" f ON f."\(column.name)" = m.source_id WHERE m.member = ? AND m.to_seq IS NULL \
                            AND m.from_seq >= ? GROUP BY s.service, s.value ORDER BY s.service, s.value
                            """, arguments: [member, since]
                    ).map { ResolvedRows(fact: fact.name, value: $0["value"], service: $0["service"], rows: $0["rows"]) }
                }
            }
        }
    }
}
