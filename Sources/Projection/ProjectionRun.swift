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
        /// Lines that a later line of their file with the same key stood in for.
        package var overridden = 0
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
    /// KPIs of a person's own that break a rule, and so have no values.
    package var refused: [RefusedKPI] = []
    /// KPIs that have no value in a snapshot of this pass, because a sum does not fit 64 bits: some file holds an absurd amount.
    package var overflowing: Set<String> = []
    /// KPIs whose whole past was computed anew, because a definition changed.
    package var recomputed: Set<String> = []
    /// Definitions that were others than before this pass.
    package var stale: [StaleDefinition] = []
    /// Alerts that the reactor opened or resolved afterwards.
    package var alerts: [AlertNews] = []
}

/// An alert that a projection gave rise to, or put an end to, in words for people.
package struct AlertNews: Sendable {
    package let isOpened: Bool
    package let severity: KPIDefinition.AlertRule.Severity
    package let kpi: String
    /// Canonical JSON.
    package let dimensions: String
    package let text: String
    /// The value, with its unit.
    package let value: String

    package init(
        isOpened: Bool, severity: KPIDefinition.AlertRule.Severity, kpi: String, dimensions: String, text: String, value: String
    ) {
        (self.isOpened, self.severity, self.kpi) = (isOpened, severity, kpi)
        (self.dimensions, self.text, self.value) = (dimensions, text, value)
    }
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
    /// See ``Projector/tolerates``.
    var tolerates: (_ path: String, _ hash: Hash256) -> Bool = { _, _ in false }

    private(set) var seq: Int64
    private(set) var dataSeq: Int64
    private var snapshotSeq: Int64
    private var completions: [(seq: Int64, time: Timestamp)] = []
    private var touched = Merger.Changes()
    /// Tables of assumptions that changed; `*` where names or rates did, which reach whatever reads them.
    var assumptionsChanged: Set<String> = []
    /// Members were derived whose source values may have a twin.
    var twinsAreStale = false
    /// Datasets whose files in landing, raw or staging are other than before this pass.
    var touchedStreams: Set<String> = []
    /// The indexes to be written after the commit.
    var indexes: [HashIndex] = []
    /// The last data-bearing event by dataset, as far as this pass saw any; `reference` stands for the assumptions.
    private var streamSeqs: [String: Int64] = [:]
    /// Captures whose zone files may not be what their last promotion says.
    private var unsettled: Set<Int64> = []
    let zone: String
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
        tables = definitions.tables
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
        for sql in Warehouse.schema + Operations.schema { try database.execute(sql: sql) }
        try CalendarDimension.fill(database, years: calendar)
        for table in tables { try database.execute(sql: table.createSQL) }
        for table in definitions.reference.tables { try table.create(database) }
        try WarehouseViews(definitions, known: .now).refresh(database)
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
            return try skip(event.type)
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
        var assumptions: Set<String> = []
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
        case .referenceChanged: assumptions = try referenceChanged(event)
        case .runCompleted:
            if dataSeq > snapshotSeq {
                completions.append((event.seq, event.time))
                snapshotSeq = event.seq
            }
        case .expired: try expired(event)
        case .logOpened, .definitionCaptured, .duplicate, .failed, .drifted, .archived, .runStarted, .runStep, .rebuilt, .swapped,
            .subjectErased, .gapAcknowledged, .kpiAlerted, .kpiAcknowledged, .kpiResolved, .signedIn, .sessionRefreshed, .sessionExpiring,
            .sessionExpired, .signInRequired, .sessionChecked, .sessionRevoked, .tagSet, .tagRemoved, .statementIssued:
            break
        }
        try noteOperation(event, type, changes)
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
        let overridden = try noteOverridden()
        let changed = assumptions.union(changes?.facts ?? [])
        for name in changed.sorted() {
            try database.cachedStatement(sql: "INSERT OR IGNORE INTO table_change VALUES (?, ?)").execute(arguments: [event.seq, name])
        }
        if let changes {
            touched.merge(changes)
            outcome.changes[event.seq] = .init(
                opened: changes.opened, closed: changes.closed, replaced: changes.replaced, overridden: overridden)
        }
        if tables.reduce(0, { $0 + (writers[$1.name]?.store.footprint ?? 0) }) > memoryBudget { try flush(forget: true) }
    }

    /// Keeps how many lines of each capture that was just merged do not count; gives their number.
    private func noteOverridden() throws -> Int {
        let noted = merger.overridden
        merger.overridden = [:]
        for (capture, facts) in noted.sorted(by: { $0.key < $1.key }) {
            try database.cachedStatement(sql: "DELETE FROM overridden_line WHERE capture = ?").execute(arguments: [capture])
            for (fact, lines) in facts.sorted(by: { $0.key < $1.key }) where lines > 0 {
                try database.cachedStatement(sql: "INSERT INTO overridden_line VALUES (?, ?, ?)").execute(arguments: [capture, fact, lines])
            }
        }
        return noted.values.reduce(0) { $0 + Int($1.values.max() ?? 0) }
    }

    /// Counts what this program or the definitions in force do not know.
    func skip(_ what: String) throws {
        outcome.skipped[what, default: 0] += 1
        try database.execute(
            sql: "INSERT INTO ops_skipped VALUES (?, 1) ON CONFLICT(type) DO UPDATE SET events = events + 1", arguments: [what])
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
        if curatedStale || kpisStale { try WarehouseViews(definitions, known: .now).refresh(database) }
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
                definitions.fingerprint(\.shapesCurated).hex, definitions.fingerprint(\.shapesKPIs).hex, Warehouse.revision, dataSeq,
                snapshotSeq,
            ])
        try definitions.keepUsed(database)
        outcome.refused = try RefusedKPI.all(database)
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

    /// Values at each completion of this pass; where definitions changed, those of the KPIs they concern at every completion.
    private func snapshots(recompute: Bool) throws {
        guard recompute || !completions.isEmpty else { return }
        guard let zone = try ReportingZone(zone, table: definitions.zones) else {
            throw SQLiteFailure(
                message: "the log counts days in \(zone), which projections/reference/timezones.tsv does not know; put its line back")
        }
        for completion in completions {
            try database.execute(
                sql: "INSERT INTO kpi_snapshot VALUES (?, ?, ?)",
                arguments: [completion.seq, completion.time.iso, zone.day(of: completion.time)])
            outcome.snapshots.append(completion.seq)
        }
        let writer = SnapshotWriter(
            engine: KPIEngine(database: database, definitions: definitions, tables: tables), dataSeq: dataSeq
        ) { [tolerates, definitions] kpi in definitions.files[kpi.path].map { tolerates(kpi.path, $0.hash) } ?? false }
        let changed = recompute ? try writer.changed { path, check in try isReady(path, check) } : []
        let refused = try RefusedKPI.neverAsked(database)
        let others = definitions.kpis.filter { kpi in !refused.contains(kpi.id) && !changed.contains { $0.id == kpi.id } }
        if !changed.isEmpty {
            let all = try Int64.fetchAll(database, sql: "SELECT seq FROM kpi_snapshot ORDER BY seq")
            try writer.write(changed, at: all)
        }
        let ready =
            recompute ? try others.filter { kpi in try isReady(kpi.path) { _ = try writer.engine.reads(kpi.sql, path: kpi.path) } } : others
        try writer.write(ready, at: completions.map(\.seq))
        outcome.overflowing = writer.overflowing
        outcome.recomputed = Set(changed.map(\.id))
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
        guard stale || !assumptionsChanged.isEmpty || !touched.facts.isEmpty else { return [] }
        let engine = KPIEngine(database: database, definitions: definitions, tables: tables)
        let writer = CuratedWriter(layout: layout, database: database)
        var files: [StagedFile] = []
        var wanted = Set<String>()
        for definition in definitions.curated {
            var reads = KPIEngine.Reads()
            guard try isReady(definition.path, { reads = try engine.reads(definition.sql, path: definition.path) }) else { continue }
            let isStale = stale || assumptionsChanged.contains("*") || !reads.assumptions.isDisjoint(with: assumptionsChanged)
            guard isStale || !reads.tables.isDisjoint(with: touched.facts) else { continue }
            let partitions = isStale ? nil : touchedPartitions(of: definition, reading: reads.tables)
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
