import Cleaning
import EventLog
import GRDB

/// Assumptions and members: what `reference.changed` says, versioned like the facts.
extension ProjectionRun {
    /// Names what changed, as `table_change` does: the tables of assumptions, or `*` where a name or a rate reaches whatever reads it.
    func referenceChanged(_ event: Event) throws -> Set<String> {
        var changed: Set<String> = []
        for change in event.body["changes"]?.array ?? [event.body] {
            let change = ReferenceChange(body: change, event: event)
            let kind = try change.text("kind")
            if change.body["keys"] != nil {
                try rowChanged(change, kind: kind)
                if let table = definitions.reference.tables.first(where: { $0.kind == kind })?.table { changed.insert(table) }
                continue
            }
            if kind == "rate" {
                try rateChanged(change)
            } else {
                try aliasChanged(change, kind: kind)
            }
            changed.insert("*")
        }
        assumptionsChanged.formUnion(changed)
        return changed
    }

    /// One assumption of an event, which may hold several.
    private struct ReferenceChange {
        let body: JSON
        let event: Event
        var seq: Int64 { event.seq }

        func field<T>(_ name: String, _ read: (JSON) -> T?) throws -> T {
            guard let value = body[name].flatMap(read) else { throw VocabularyError(seq: event.seq, type: event.type, field: name) }
            return value
        }

        func text(_ name: String) throws -> String { try field(name) { $0.string } }
    }

    /// A row of a reference table is set, or taken away. What the definitions in force do not name is counted as skipped.
    private func rowChanged(_ change: ReferenceChange, kind: String) throws {
        guard let table = definitions.reference.tables.first(where: { $0.kind == kind }) else {
            return try skip("reference.changed/\(kind)")
        }
        let keys = try change.field("keys") { $0.object }
        let values = change.body["values"]?.object ?? [:]
        var cells: [ReferenceTable.StoredCell?] = []
        for column in table.columns {
            let cell = (column.isKey ? keys : values)[column.name]?.string.flatMap { column.type.read(SourceNames.member($0)) }
            if column.isKey, cell == nil { return try skip("reference.changed/\(kind)") }
            cells.append(erased(cell, column.type))
        }
        let arguments = cells.map(\.databaseValue)
        let isThisKey = table.key.map { "\"\($0.name)\" = ?" }.joined(separator: " AND ")
        let columns = table.columns.map { "\"\($0.name)\"" }.joined(separator: ", ")
        let known = try Row.fetchOne(
            database, sql: "SELECT \(columns), from_seq FROM \"\(table.table)\" WHERE \(isThisKey) AND to_seq IS NULL",
            arguments: StatementArguments(arguments.prefix(table.key.count)))
        let isRemoved = change.body["removed"]?.bool == true
        if let known, !isRemoved, known.databaseValues.dropLast().elementsEqual(arguments) { return }
        if let known {
            let isOfThisEvent = known["from_seq"] as Int64 == change.seq
            let end = isOfThisEvent ? "DELETE FROM \"\(table.table)\"" : "UPDATE \"\(table.table)\" SET to_seq = \(change.seq)"
            try database.execute(
                sql: "\(end) WHERE \(isThisKey) AND to_seq IS NULL", arguments: StatementArguments(arguments.prefix(table.key.count)))
        }
        guard !isRemoved else { return }
        try database.execute(
            sql: """
                INSERT INTO "\(table.table)" (\(columns), from_seq, to_seq) VALUES \
                (\(arguments.map { _ in "?" }.joined(separator: ", ")), \(change.seq), NULL)
                """, arguments: StatementArguments(arguments))
    }

    /// A pseudonym whose key is destroyed reads erased, and still tells one person from another.
    private func erased(_ cell: ReferenceTable.StoredCell?, _ type: ReferenceTable.CellType) -> ReferenceTable.StoredCell? {
        guard case .personal(let group) = type, case .text(let text) = cell else { return cell }
        let parts = text.split(separator: ":")
        guard parts.count == 4, definitions.erased.contains("\(group):\(parts[2])") else { return cell }
        return .text("p1:\(group):erased:\(Hash256(hashing: Array(text.utf8)).hex.prefix(8))")
    }

    /// A value that the service shows means a member, from this event on.
    private func aliasChanged(_ event: ReferenceChange, kind: String) throws {
        let service = try event.text("service")
        let norm = SourceNames.normalised(try event.text("value"))
        let member = SourceNames.member(try event.text("member"))
        // Rows in no currency point to the account's, so it must be a source value of the service.
        if kind == "currency" { try sources.use(try sources.id(sources.space(kind: kind, service: service), member), in: database) }
        try flushSources()
        let current = try String.fetchOne(
            database, sql: "SELECT member FROM alias_v WHERE kind = ? AND service = ? AND norm = ? AND to_seq IS NULL",
            arguments: [kind, service, norm])
        if current != member {
            try database.execute(
                sql: "UPDATE alias_v SET to_seq = ? WHERE kind = ? AND service = ? AND norm = ? AND to_seq IS NULL",
                arguments: [event.seq, kind, service, norm])
            try database.execute(
                sql: "INSERT OR REPLACE INTO alias_v VALUES (?, ?, ?, ?, ?, NULL)", arguments: [kind, service, norm, member, event.seq])
        }
        if let name = event.body["name"]?.string {
            let known = try String.fetchOne(
                database, sql: "SELECT name FROM member_name_v WHERE kind = ? AND member = ? AND to_seq IS NULL", arguments: [kind, member])
            if known != name {
                try database.execute(
                    sql: "UPDATE member_name_v SET to_seq = ? WHERE kind = ? AND member = ? AND to_seq IS NULL",
                    arguments: [event.seq, kind, member])
                try database.execute(
                    sql: "INSERT OR REPLACE INTO member_name_v VALUES (?, ?, ?, ?, NULL)", arguments: [kind, member, name, event.seq])
            }
        }
        for id in try Int64.fetchAll(
            database, sql: "SELECT id FROM source_value WHERE kind = ? AND norm = ? AND (service = ? OR ? = '*')",
            arguments: [kind, norm, service, service])
        {
            try deriveMembers(id)
        }
    }

    /// A dated reference rate: nano-USD for one unit, from that day on until the next one that is dated.
    private func rateChanged(_ event: ReferenceChange) throws {
        let currency = try event.text("currency")
        let day = try event.field("day") { $0.string.flatMap { CalendarDay.day($0) } }
        let rate = try event.field("nano_usd") { $0.string.flatMap { Int64($0) }.flatMap { $0 > 0 ? $0 : nil } }
        let known = try Int64.fetchOne(
            database, sql: "SELECT nano_usd FROM rate_v WHERE currency = ? AND from_day = ? AND to_seq IS NULL", arguments: [currency, day])
        guard known != rate else { return }
        try database.execute(
            sql: "UPDATE rate_v SET to_seq = ? WHERE currency = ? AND from_day = ? AND to_seq IS NULL",
            arguments: [event.seq, currency, day])
        try database.execute(sql: "INSERT OR REPLACE INTO rate_v VALUES (?, ?, ?, ?, NULL)", arguments: [currency, day, rate, event.seq])
    }

    /// The members of a source value over time: its default, then what the aliases say, each from its event on.
    private func deriveMembers(_ id: Int64) throws {
        guard let row = try Row.fetchOne(database, sql: "SELECT kind, service, value, norm FROM source_value WHERE id = ?", arguments: [id])
        else { return }
        let (kind, service, value, norm): (String, String, String, String) = (row["kind"], row["service"], row["value"], row["norm"])
        if definitions.reference.campaignNames.sources.contains(kind) { return try takeApart(value) }
        let defaults = definitions.reference.aliases[kind]
        let initial: String
        switch kind {
        case "artist": initial = "artist:\(norm.isEmpty ? "unknown" : norm)"
        case "platform": initial = defaults?[norm] ?? "platform:unmapped"
        case "territory": initial = defaults?[norm] ?? "terr:ZZ"
        case "isrc": initial = value.isEmpty ? "track:unknown" : "track:\(SQLText.upper(value))"
        // A title tells a track where nothing better does; the catalogue says which ISRC it is.
        case "title": initial = norm.isEmpty ? "track:unknown" : "track:\(norm)"
        default: return
        }
        if VersionedTable.singular.contains(kind) { twinsAreStale = true }
        var versions: [(member: String, from: Int64)] = [(initial, 0)]
        for alias in try Row.fetchAll(
            database, sql: "SELECT member, from_seq FROM alias_v WHERE kind = ? AND norm = ? AND service IN (?, '*') ORDER BY from_seq",
            arguments: [kind, norm, service])
        {
            let member: String = alias["member"]
            if versions.last?.member != member { versions.append((member, alias["from_seq"])) }
        }
        try database.execute(sql: "DELETE FROM member_v WHERE source_id = ?", arguments: [id])
        for (i, version) in versions.enumerated() {
            try database.cachedStatement(sql: "INSERT INTO member_v VALUES (?, ?, ?, ?)")
                .execute(arguments: [id, version.member, version.from, i + 1 < versions.count ? versions[i + 1].from : nil])
        }
    }

    /// The parts of a campaign's name; several source values may be one name.
    private func takeApart(_ name: String) throws {
        let parts = definitions.reference.campaignNames.parts(of: name)
        try database.cachedStatement(sql: "INSERT OR IGNORE INTO campaign_name_part VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
            .execute(arguments: [
                name, parts.count, parts.first, parts.second, parts.rest, parts.firstNorm, parts.secondNorm, parts.isFirstTargeting,
                parts.isSecondTargeting, parts.copy, parts.whole,
            ])
    }

    func flushSources() throws {
        for id in sources.takeFresh() { try deriveMembers(id) }
    }

    /// For each source value, those of its service that were the same member before it: its twins, while they share the member.
    ///
    /// First is whom an earlier alias event, or none at all, made the member; among equals the lesser text.
    func deriveTwins() throws {
        guard twinsAreStale else { return }
        twinsAreStale = false
        let kinds = VersionedTable.singular.sorted().map { "'\($0)'" }.joined(separator: ", ")
        try database.execute(
            sql: """
                DELETE FROM member_twin_v;
                INSERT INTO member_twin_v
                SELECT a.source_id, b.source_id, MAX(a.from_seq, b.from_seq),
                  CASE WHEN a.to_seq IS NULL THEN b.to_seq WHEN b.to_seq IS NULL THEN a.to_seq ELSE MIN(a.to_seq, b.to_seq) END
                FROM source_value s CROSS JOIN member_v a ON a.source_id = s.id CROSS JOIN member_v b ON b.member = a.member
                CROSS JOIN source_value z ON z.id = b.source_id AND z.id <> s.id AND z.kind = s.kind AND z.service = s.service
                WHERE s.kind IN (\(kinds)) AND (b.from_seq < a.from_seq OR b.from_seq = a.from_seq AND z.value < s.value)
                  AND (a.to_seq IS NULL OR b.from_seq < a.to_seq) AND (b.to_seq IS NULL OR a.from_seq < b.to_seq)
                """)
    }
}

extension ReferenceTable {
    /// The versioned table, empty.
    var createSQL: String {
        let cells = columns.map { "\"\($0.name)\" \($0.type.isInteger ? "INTEGER" : "TEXT")\($0.isKey ? " NOT NULL" : "")" }
        let key = self.key.map { "\"\($0.name)\"" } + ["from_seq"]
        return """
            CREATE TABLE "\(table)" (\((cells + ["from_seq INTEGER NOT NULL", "to_seq INTEGER"]).joined(separator: ", ")), \
            PRIMARY KEY (\(key.joined(separator: ", ")))) STRICT, WITHOUT ROWID
            """
    }

    /// Makes the table with the rows that ship with the product; they hold before every event.
    func create(_ database: Database) throws {
        try database.execute(sql: createSQL)
        let marks = columns.map { _ in "?" }.joined(separator: ", ")
        for row in rows {
            try database.execute(
                sql: "INSERT INTO \"\(table)\" VALUES (\(marks), 0, NULL)", arguments: StatementArguments(row.map(\.databaseValue)))
        }
    }
}

extension ReferenceTable.StoredCell? {
    fileprivate var databaseValue: DatabaseValue {
        switch self {
        case .text(let text): text.databaseValue
        case .int(let number): number.databaseValue
        case nil: .null
        }
    }
}
