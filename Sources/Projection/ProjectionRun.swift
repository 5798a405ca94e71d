import Cleaning
package import EventLog
import GRDB

/// What a projection did, for reports and for the reactor.
package struct ProjectionOutcome: Sendable {
    /// Changes by the seq of the event that made them.
    package struct Change: Sendable {
        package var opened = 0
        package var closed = 0
        package var replaced = 0
    }

    /// A curated file that took the place of another.
    package struct Replaced: Sendable {
        package let table: String
        package let path: String
        package let digest: Hash256
        package let rows: Int64
        /// Digest and archive path of what stood there before; nil for a new file.
        package let before: (digest: Hash256, archive: String)?
    }

    package var from: Int64 = 0
    package var to: Int64 = 0
    package var generation = 0
    package var changes: [Int64: Change] = [:]
    package var curated: [Replaced] = []
    /// Seqs of the completions that got a KPI snapshot.
    package var snapshots: [Int64] = []
    /// Types of events this binary does not know, with their number.
    package var skipped: [String: Int64] = [:]
    /// Definitions that could not be used yet at the seq replayed to, by path, with the reason.
    package var unready: [String: String] = [:]
    /// KPIs that have no value in a snapshot of this pass, because a sum does not fit 64 bits: some file holds an absurd amount.
    package var overflowing: Set<String> = []
}

/// One pass over the log into one open warehouse transaction.
///
/// It never reads a clock, a definition file or a zone file, and never appends to the log.
final class ProjectionRun {
    let layout: Layout
    let definitions: DefinitionSet
    let database: Database
    let reader: CaptureReader
    let writers: [String: TableWriter]
    let tables: [VersionedTable]
    let sources = SourceValues()
    let merger: Merger
    /// Bytes of merge state after which versions are written out and forgotten.
    var memoryBudget = Int.max
    /// The pass ends in the past, where a definition may read a table that is captured only a few events later.
    var endsInThePast = false

    private(set) var seq: Int64
    private(set) var dataSeq: Int64
    private var snapshotSeq: Int64
    private var completions: [(seq: Int64, time: Timestamp)] = []
    private var touched = Merger.Changes()
    private var membersChanged = false
    /// Members were derived whose source values may have a twin.
    private var twinsAreStale = false
    /// Datasets whose files in landing, raw or staging are other than before this pass.
    var touchedStreams: Set<String> = []
    /// The indexes to be written after the commit.
    var indexes: [HashIndex] = []
    /// The last data-bearing event by dataset, as far as this pass saw any; `reference` stands for the assumptions.
    private var streamSeqs: [String: Int64] = [:]
    /// Captures whose zone files may not be what their last promotion says.
    private var unsettled: Set<Int64> = []
    private let zone: String
    var outcome = ProjectionOutcome()

    /// `fresh` is an empty database whose schema this makes.
    init(
        layout: Layout, definitions: DefinitionSet, database: Database, reader: CaptureReader, zone: String, fresh: Bool,
        calendar: ClosedRange<Int> = CalendarDimension.years
    ) throws {
        self.layout = layout
        self.definitions = definitions
        self.database = database
        self.reader = reader
        self.zone = zone
        tables = definitions.facts.flatMap { fact in [VersionedTable(fact: fact)] + fact.totals.map { VersionedTable(total: $0, of: fact) }
        }
        sources.erased = definitions.erased
        if fresh { try Self.createSchema(database, tables: tables, definitions: definitions, calendar: calendar) }
        writers = Dictionary(uniqueKeysWithValues: tables.map { ($0.name, TableWriter(table: $0, fresh: fresh)) })
        merger = Merger(definitions: definitions, writers: writers, sources: sources, source: reader)
        if fresh {
            (seq, dataSeq, snapshotSeq) = (0, 0, 0)
        } else {
            let row = try Row.fetchOne(database, sql: "SELECT seq, data_seq, snapshot_seq FROM checkpoint")
            (seq, dataSeq, snapshotSeq) = (row?["seq"] ?? 0, row?["data_seq"] ?? 0, row?["snapshot_seq"] ?? 0)
            try sources.attach(database)
            try begin()
            try loadCaptures()
        }
        outcome.from = seq
    }

    private static func createSchema(
        _ database: Database, tables: [VersionedTable], definitions: DefinitionSet, calendar: ClosedRange<Int>
    ) throws {
        for sql in Warehouse.schema { try database.execute(sql: sql) }
        try CalendarDimension.fill(database, years: calendar)
        for table in tables { try database.execute(sql: table.createSQL) }
        for view in WarehouseViews(facts: definitions.facts, seq: nil).all {
            try database.execute(sql: "CREATE VIEW \"\(view.name)\" AS \(view.select)")
        }
        for member in definitions.reference.members["platform"] ?? [] {
            try database.execute(
                sql: "INSERT INTO dim_platform VALUES (?, ?, ?, ?)",
                arguments: [member.id, member.name, member.attributes["kind"], member.attributes["family"]])
        }
        for member in definitions.reference.members["territory"] ?? [] {
            try database.execute(
                sql: "INSERT INTO dim_territory VALUES (?, ?, ?)", arguments: [member.id, member.name, member.attributes["region"]])
        }
    }

    private func begin() throws { for table in tables { try writers[table.name]?.begin(database) } }

    private func loadCaptures() throws {
        for row in try Row.fetchAll(database, sql: "SELECT seq, stream, body, live, contract, reader, item FROM capture") {
            let body: String = row["body"]
            var state = CaptureState(capture: try Capture(seq: row["seq"], body: try JSON.parse(Array(body.utf8))))
            state.live = row["live"]
            if let contract: String = row["contract"], let hash = Hash256(hex: contract), let item: String = row["item"] {
                let parsed = try StagedPromotion(try JSON.parse(Array(item.utf8)), seq: state.capture.seq)
                state.promotion = (hash, row["reader"], parsed)
                state.held = Set(parsed.partitions.filter(\.held).map(\.value))
            }
            merger.captures[state.capture.seq] = state
        }
    }

    // MARK: Events

    func apply(_ event: Event) throws {
        guard event.seq == seq + 1 else {
            throw SQLiteFailure(message: "the log gives event \(event.seq) after \(seq): it has a gap; run `bedrot verify`")
        }
        seq = event.seq
        guard let type = EventType(rawValue: event.type) else {
            outcome.skipped[event.type, default: 0] += 1
            try database.execute(
                sql: "INSERT INTO ops_skipped VALUES (?, 1) ON CONFLICT(type) DO UPDATE SET events = events + 1", arguments: [event.type])
            return
        }
        guard event.version <= type.version else {
            throw SQLiteFailure(
                message:
                    """
                    event \(event.seq) is a \(event.type) of version \(event.version); this program knows version \
                    \(type.version). Install a newer bedrot.
                    """
            )
        }
        var changes: Merger.Changes?
        switch type {
        case .captured: try captured(event)
        case .promoted:
            if let promotion = try StagingPromotion(event) {
                changes = try merger.promote(promotion)
                try promoted(promotion)
            }
        case .retracted, .reinstated:
            let capture = try event.int("capture")
            changes = try merger.setLive(type == .reinstated, capture: capture, at: event.seq)
            try database.execute(sql: "UPDATE capture SET live = ? WHERE seq = ?", arguments: [type == .reinstated, capture])
        case .quarantined:
            if let capture = event.body["capture"]?.int, merger.captures[capture]?.promotion != nil {
                changes = try merger.unpromote(capture: capture, at: event.seq)
                try database.execute(
                    sql: "UPDATE capture SET contract = NULL, reader = NULL, item = NULL WHERE seq = ?", arguments: [capture])
                try setFiles([], capture: capture)
                touchedStreams.insert(event.stream)
            }
        case .accepted:
            let capture = try event.int("capture")
            let partition = try event.int("partition")
            changes = try merger.accept(partition: partition, capture: capture, at: event.seq)
            try saveItem(capture)
        case .referenceChanged: try referenceChanged(event)
        case .runStarted:
            try database.execute(
                sql: "INSERT INTO ops_run VALUES (?, ?, ?, NULL, NULL)",
                arguments: [event.run ?? "", event.body["command"]?.string ?? "", event.seq])
        case .runCompleted:
            try database.execute(
                sql: "UPDATE ops_run SET completed_seq = ?, outcome = ? WHERE run = ?",
                arguments: [event.seq, event.body["outcome"]?.string ?? "", event.run ?? ""])
            if dataSeq > snapshotSeq {
                completions.append((event.seq, event.time))
                snapshotSeq = event.seq
            }
        case .duplicate:
            try database.execute(
                sql: "INSERT INTO ops_ingest VALUES (?, ?, 'duplicate', ?)",
                arguments: [event.seq, event.stream, event.body["capture"]?.int])
        case .expired: try expired(event)
        case .logOpened, .definitionCaptured, .failed, .drifted, .archived, .runStep, .rebuilt, .swapped, .subjectErased,
            .gapAcknowledged:
            break
        }
        switch type {
        case .promoted where event.body["to"]?.string != "staging": break
        // What was never promoted leaves no gap when it is quarantined.
        case .quarantined where changes == nil: break
        default:
            if type.bearsData {
                dataSeq = event.seq
                streamSeqs[type == .referenceChanged ? "reference" : event.stream] = event.seq
            }
        }
        if let changes {
            touched.merge(changes)
            outcome.changes[event.seq] = .init(opened: changes.opened, closed: changes.closed, replaced: changes.replaced)
        }
        if tables.reduce(0, { $0 + (writers[$1.name]?.store.footprint ?? 0) }) > memoryBudget { try flush(forget: true) }
    }

    private func captured(_ event: Event) throws {
        let capture = try Capture(event)
        merger.captures[capture.seq] = CaptureState(capture: capture)
        touchedStreams.insert(capture.stream)
        try database.cachedStatement(sql: "INSERT INTO capture VALUES (?, ?, ?, ?, ?, ?, 1, NULL, NULL, NULL)")
            .execute(arguments: [
                capture.seq, capture.stream, capture.account, capture.name, capture.observed.iso,
                String(decoding: try event.body.canonical(), as: UTF8.self),
            ])
        try database.execute(sql: "INSERT INTO ops_ingest VALUES (?, ?, 'new', ?)", arguments: [event.seq, capture.stream, capture.seq])
    }

    private func promoted(_ promotion: StagingPromotion) throws {
        touchedStreams.insert(promotion.stream)
        for item in promotion.items {
            try database.cachedStatement(sql: "UPDATE capture SET contract = ?, reader = ? WHERE seq = ?")
                .execute(arguments: [promotion.contract.hex, promotion.revision, item.capture])
            try saveItem(item.capture)
            var files: [ZoneFile] = [
                (item.rawPath, .raw, item.rawOutput, item.rowsIn), (item.path, .staging, item.output, item.rowsOut),
            ]
            if let rejects = item.rejects { files.append((rejects.path, .staging, rejects.hash, item.rejectedRows)) }
            try setFiles(files, capture: item.capture)
            if merger.checked.remove(item.capture) != nil { unsettled.remove(item.capture) } else { unsettled.insert(item.capture) }
        }
    }

    /// The raw and staging files of captures whose bytes were given up go with them, also when the bytes come back.
    private func expired(_ event: Event) throws {
        for item in event.body["items"]?.array ?? [] {
            guard let capture = item["capture"]?.int else { continue }
            try setFiles([], capture: capture)
            unsettled.remove(capture)
            touchedStreams.insert(event.stream)
        }
    }

    private typealias ZoneFile = (path: String, zone: Layout.Zone, digest: Hash256, rows: Int64)

    /// Replaces the raw and staging files of a capture; those that nobody names any more go after the commit.
    private func setFiles(_ files: [ZoneFile], capture: Int64) throws {
        let before = try String.fetchAll(
            database.cachedStatement(sql: "SELECT path FROM zone_file WHERE capture = ?"), arguments: [capture])
        if !before.isEmpty { try database.execute(sql: "DELETE FROM zone_file WHERE capture = ?", arguments: [capture]) }
        for file in files { try setFile(file.path, zone: file.zone, digest: file.digest, rows: file.rows, capture: capture) }
        for path in before where !files.contains(where: { $0.path == path }) {
            try database.execute(sql: "INSERT OR REPLACE INTO pending_file VALUES (?)", arguments: [path])
        }
    }

    /// Keeps the promotion of a capture with the holds that still stand.
    private func saveItem(_ capture: Int64) throws {
        guard let state = merger.captures[capture], var item = state.promotion?.item else { return }
        for i in item.partitions.indices { item.partitions[i].held = state.held.contains(item.partitions[i].value) }
        try database.cachedStatement(sql: "UPDATE capture SET item = ? WHERE seq = ?")
            .execute(arguments: [String(decoding: try item.body.canonical(), as: UTF8.self), capture])
    }

    private func setFile(_ path: String, zone: Layout.Zone, digest: Hash256, rows: Int64, capture: Int64?) throws {
        try database.cachedStatement(
            sql:
                """
                INSERT INTO zone_file VALUES (?, ?, ?, ?, ?) ON CONFLICT(path, COALESCE(capture, 0)) DO UPDATE SET zone = \
                excluded.zone, digest = excluded.digest, rows = excluded.rows
                """
        ).execute(arguments: [path, zone.rawValue, digest.hex, rows, capture])
    }

    // MARK: Members

    private func referenceChanged(_ event: Event) throws {
        let kind = try event.text("kind")
        if kind == "rate" { return try rateChanged(event) }
        let service = try event.text("service")
        let norm = SourceNames.normalised(try event.text("value"))
        let member = try event.text("member")
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
                sql: "INSERT INTO alias_v VALUES (?, ?, ?, ?, ?, NULL)", arguments: [kind, service, norm, member, event.seq])
        }
        if let name = event.body["name"]?.string {
            let known = try String.fetchOne(
                database, sql: "SELECT name FROM member_name_v WHERE kind = ? AND member = ? AND to_seq IS NULL", arguments: [kind, member])
            if known != name {
                try database.execute(
                    sql: "UPDATE member_name_v SET to_seq = ? WHERE kind = ? AND member = ? AND to_seq IS NULL",
                    arguments: [event.seq, kind, member])
                try database.execute(
                    sql: "INSERT INTO member_name_v VALUES (?, ?, ?, ?, NULL)", arguments: [kind, member, name, event.seq])
            }
        }
        for id in try Int64.fetchAll(
            database, sql: "SELECT id FROM source_value WHERE kind = ? AND norm = ? AND (service = ? OR ? = '*')",
            arguments: [kind, norm, service, service])
        {
            try deriveMembers(id)
        }
        membersChanged = true
    }

    /// A dated reference rate: nano-USD for one unit, from that day on until the next one that is dated.
    private func rateChanged(_ event: Event) throws {
        let currency = try event.text("currency")
        let day = try event.field("day") { $0.string.flatMap { CalendarDay.day($0) } }
        let rate = try event.field("nano_usd") { $0.string.flatMap { Int64($0) }.flatMap { $0 > 0 ? $0 : nil } }
        let known = try Int64.fetchOne(
            database, sql: "SELECT nano_usd FROM rate_v WHERE currency = ? AND from_day = ? AND to_seq IS NULL", arguments: [currency, day])
        guard known != rate else { return }
        try database.execute(
            sql: "UPDATE rate_v SET to_seq = ? WHERE currency = ? AND from_day = ? AND to_seq IS NULL",
            arguments: [event.seq, currency, day])
        try database.execute(sql: "INSERT INTO rate_v VALUES (?, ?, ?, ?, NULL)", arguments: [currency, day, rate, event.seq])
        membersChanged = true
    }

    /// The members of a source value over time: its default, then what the aliases say, each from its event on.
    private func deriveMembers(_ id: Int64) throws {
        guard let row = try Row.fetchOne(database, sql: "SELECT kind, service, value, norm FROM source_value WHERE id = ?", arguments: [id])
        else { return }
        let (kind, service, value, norm): (String, String, String, String) = (row["kind"], row["service"], row["value"], row["norm"])
        let defaults = definitions.reference.aliases[kind]
        let initial: String
        switch kind {
        case "artist": initial = "artist:\(norm.isEmpty ? "unknown" : norm)"
        case "platform": initial = defaults?[norm] ?? "platform:unmapped"
        case "territory": initial = defaults?[norm] ?? "terr:ZZ"
        case "isrc": initial = value.isEmpty ? "track:unknown" : "track:\(value)"
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

    private func flushSources() throws {
        for id in sources.takeFresh() { try deriveMembers(id) }
    }

    /// For each source value, those of its service that were the same member before it: its twins, while they share the member.
    ///
    /// First is whom an earlier alias event, or none at all, made the member; among equals the lesser text.
    private func deriveTwins() throws {
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

    // MARK: The end of a pass

    private func flush(forget: Bool) throws {
        for table in tables { try writers[table.name]?.flush(database, sources: sources, forget: forget) }
        try flushSources()
        if forget {
            try sources.attach(database)
            try begin()
        }
    }

    /// Writes what is pending, snapshots, curated contents and the checkpoint. Returns the files to put under their names after the commit.
    func finish(id: Hash256, curatedStale: Bool, kpisStale: Bool) throws -> [StagedFile] {
        try flush(forget: false)
        for table in tables { try writers[table.name]?.createIndexes(database) }
        try settleZoneFiles()
        try deriveTwins()
        try settleIndexes()
        for (stream, seq) in streamSeqs.sorted(by: { $0.key < $1.key }) {
            try database.execute(sql: "INSERT OR REPLACE INTO stream_seq VALUES (?, ?)", arguments: [stream, seq])
        }
        try snapshots(recompute: kpisStale)
        let files = try curated(stale: curatedStale)
        try database.execute(
            sql: "INSERT OR REPLACE INTO checkpoint VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?)",
            arguments: [
                seq, id.hex, definitions.fingerprint(\.shapesFacts).hex,
                definitions.fingerprint { $0 == .curated }.hex,
                definitions.fingerprint { $0 == .kpi || $0 == .guards }.hex, Warehouse.revision, dataSeq, snapshotSeq,
            ])
        for table in tables { writers[table.name]?.end() }
        sources.detach()
        outcome.to = seq
        return files
    }

    /// Brings raw and staging files to what the last promotions of this pass say, where the merge has not done so already.
    private func settleZoneFiles() throws {
        for capture in unsettled.sorted() {
            guard let state = merger.captures[capture], let promotion = state.promotion else { continue }
            try reader.settle(promotion.item, of: state.capture, contract: promotion.contract, revision: promotion.revision)
        }
        unsettled = []
    }

    private func snapshots(recompute: Bool) throws {
        let engine = KPIEngine(database: database, definitions: definitions, tables: tables)
        guard recompute || !completions.isEmpty else { return }
        guard let zone = try ReportingZone(zone, table: definitions.zones) else {
            throw SQLiteFailure(
                message: "the log counts days in \(zone), which projections/reference/timezones.tsv does not know; put its line back")
        }
        let kpis = try definitions.kpis.filter { kpi in try isReady(kpi.path) { try engine.check(kpi) } }
        for completion in completions {
            try database.execute(
                sql: "INSERT INTO kpi_snapshot VALUES (?, ?, ?)",
                arguments: [completion.seq, completion.time.iso, zone.day(of: completion.time)])
            outcome.snapshots.append(completion.seq)
        }
        var due = completions.map(\.seq)
        if recompute {
            try database.execute(sql: "DELETE FROM kpi_value")
            due = try Int64.fetchAll(database, sql: "SELECT seq FROM kpi_snapshot ORDER BY seq")
        }
        let insert = try database.makeStatement(sql: "INSERT INTO kpi_value VALUES (?, ?, ?, ?, ?, ?)")
        for seq in due {
            guard let row = try Row.fetchOne(database, sql: "SELECT time, day_no FROM kpi_snapshot WHERE seq = ?", arguments: [seq]),
                let time = Timestamp(iso: row["time"])
            else { continue }
            let compute = { [self] in
                for kpi in kpis {
                    let values: [KPIValue]
                    do {
                        values = try engine.values(kpi, day: row["day_no"], seq: seq, now: time.milliseconds)
                    } catch let error as SQLiteFailure where error.isOverflow {
                        // What one file said must not lock all others up, also after it was withdrawn: the past keeps this snapshot.
                        outcome.overflowing.insert(kpi.id)
                        continue
                    }
                    for value in values {
                        try insert.execute(arguments: [
                            kpi.id, seq, value.dimensions, value.numerator, value.denominator, value.unconverted,
                        ])
                    }
                }
            }
            // Nothing data-bearing came after it: what is current is what was known.
            if seq >= dataSeq { try compute() } else { try engine.withKnownViews(at: seq, compute) }
        }
    }

    /// Whether what a definition reads is there. In the past it may not be yet: the definition is then left out, with the reason.
    private func isReady(_ path: String, _ check: () throws -> Void) throws -> Bool {
        do {
            try check()
            return true
        } catch let error as DefinitionError where endsInThePast && error.namesWhatIsMissing {
            outcome.unready[path] = "\(error)"
            return false
        }
    }

    private func curated(stale: Bool) throws -> [StagedFile] {
        guard stale || membersChanged || !touched.facts.isEmpty else { return [] }
        let engine = KPIEngine(database: database, definitions: definitions, tables: tables)
        let writer = CuratedWriter(layout: layout, database: database)
        var files: [StagedFile] = []
        var wanted = Set<String>()
        for definition in definitions.curated {
            var reads = Set<String>()
            guard try isReady(definition.path, { reads = try engine.reads(definition.sql, path: definition.path).tables }) else { continue }
            let isStale = stale || membersChanged
            guard isStale || !reads.isDisjoint(with: touched.facts) else { continue }
            let partitions = isStale ? nil : touchedPartitions(of: definition, reading: reads)
            var current = Set<String>()
            for rendered in try writer.render(definition, partitions: partitions) {
                let isGone = definition.partition != nil && rendered.rows == 0
                if !isGone {
                    wanted.insert(rendered.path)
                    current.insert(rendered.path)
                }
                let before = try String.fetchOne(database, sql: "SELECT digest FROM zone_file WHERE path = ?", arguments: [rendered.path])
                if before == (isGone ? nil : rendered.digest.hex) { continue }
                if isGone {
                    try database.execute(sql: "DELETE FROM zone_file WHERE path = ?", arguments: [rendered.path])
                } else {
                    try setFile(rendered.path, zone: .curated, digest: rendered.digest, rows: rendered.rows, capture: nil)
                }
                try database.execute(sql: "INSERT OR REPLACE INTO pending_file VALUES (?)", arguments: [rendered.path])
                files.append(
                    try StagedFile(
                        layout: layout, rendered: rendered, before: before.flatMap { Hash256(hex: $0) }, isRemoved: isGone))
            }
            if partitions == nil {
                let prefix = "\(layout.name(.curated))/\(definition.file)/"
                files += try remove(table: definition.name) { $0.hasPrefix(prefix) && !current.contains($0) }
            }
        }
        if stale { files += try remove(table: "") { !wanted.contains($0) } }
        return files
    }

    /// The partitions of a curated table that changed; nil when all must be looked at.
    private func touchedPartitions(of definition: CuratedDefinition, reading facts: Set<String>) -> Set<Int64>? {
        let parts = definition.partition?.split(separator: ".").map(String.init) ?? []
        guard parts.count == 2, facts == [parts[0]], definitions.facts.first(where: { $0.name == parts[0] })?.cut == parts[1] else {
            return nil
        }
        return touched.partitions[parts[0]] ?? []
    }

    /// Curated files that are there no longer.
    private func remove(table: String, where isGone: (String) -> Bool) throws -> [StagedFile] {
        let rows = try Row.fetchAll(database, sql: "SELECT path, digest FROM zone_file WHERE zone = 'curated' ORDER BY path")
        return try rows.filter { isGone($0["path"]) }.map { row in
            let path: String = row["path"]
            try database.execute(sql: "DELETE FROM zone_file WHERE path = ? AND zone = 'curated'", arguments: [path])
            try database.execute(sql: "INSERT OR REPLACE INTO pending_file VALUES (?)", arguments: [path])
            let nothing = CuratedWriter.Rendered(path: path, table: table, digest: Hash256(hashing: []), rows: 0, bytes: [])
            return try StagedFile(layout: layout, rendered: nothing, before: Hash256(hex: row["digest"] as String), isRemoved: true)
        }
    }
}

/// A curated file written under a temporary name, waiting for the commit.
struct StagedFile {
    let table: String
    let path: String
    let temporary: String
    let digest: Hash256
    let rows: Int64
    let before: Hash256?
    let isRemoved: Bool

    init(layout: Layout, rendered: CuratedWriter.Rendered, before: Hash256?, isRemoved: Bool) throws {
        table = rendered.table
        path = rendered.path
        digest = rendered.digest
        rows = rendered.rows
        self.before = before
        self.isRemoved = isRemoved
        let full = layout.path(rendered.path)
        try Files.makeFolder(Files.parent(full))
        temporary = "\(Files.parent(full))/.next-\(Files.name(full))"
        if !isRemoved { try AtomicFile.write(rendered.bytes, to: temporary) }
    }
}
