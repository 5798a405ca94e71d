package import EventLog
package import GRDB
import Glibc

/// Turns the log into warehouse generations, curated files and KPI snapshots.
///
/// Replay is deterministic: the same log up to the same seq gives the same digests, in any number of steps, on any machine.
/// One projector works on a root at a time (`warehouse/projector.lock`); readers are never blocked.
package final class Projector {
    package let layout: Layout
    private let log: EventLog
    private let objects: ObjectStore
    /// Told after every batch: events done, events in all.
    package var progress: ((_ done: Int64, _ total: Int64) -> Void)?
    /// Captures that this process has just promoted; see ``CaptureReader/trusted``.
    package var trusted: Set<Int64> = []
    /// Where the bytes of captures lie that are not in the store, for ``preview(_:_:)``.
    package var sources: [Hash256: String] = [:]
    /// Events read from the log at a time.
    package var batch = 512
    /// Bytes of merge state after which versions are written out and forgotten. Changes the memory used, never a result.
    package var memoryBudget = 384 << 20
    /// Years of the calendar dimension in a new warehouse. Fewer make small test warehouses faster; nothing else changes it.
    package var calendar = CalendarDimension.years

    /// Whether a KPI file that breaks a rule is left out, as a person's own; another one stops the projection.
    package var tolerates: (_ path: String, _ hash: Hash256) -> Bool = { _, _ in false }

    /// Definitions that the last ``replay(into:until:definitionsNow:)`` left out, by path, with the reason.
    package private(set) var unready: [String: String] = [:]

    /// The definitions read last: most questions are about the same ones.
    private var parsed: (files: [String: Hash256], set: DefinitionSet)?
    /// The definitions read last, of whatever moment.
    package var remembered: DefinitionSet? { parsed?.set }

    /// The places where a test may stop a projection or a rebuild as a crash would.
    package static let failpoints = [
        "project.begun", "project.applied", "project.before-commit", "project.committed", "project.archived", "project.renamed",
        "project.manifest",
        "rebuild.built", "rebuild.synced", "rebuild.swapped", "vacuum.half", "vacuum.committed",
    ]

    package init(layout: Layout, log: EventLog, objects: ObjectStore) {
        self.layout = layout
        self.log = log
        self.objects = objects
    }

    /// What `definition.captured` events name as of a seq: the only definitions a projection may use.
    package func definitions(until seq: Int64) throws -> DefinitionSet {
        var files: [String: Hash256] = [:]
        if seq > 0 {
            try log.read { transaction in
                try transaction.events(EventQuery(seqs: 1...seq, types: [EventType.definitionCaptured.rawValue])) { event in
                    let path = try event.text("path")
                    files[path] = event.body["removed"]?.bool == true ? nil : try event.hash("object")
                    return true
                }
            }
        }
        // Whatever the seq: what was erased later is erased in the past.
        var erased: Set<String> = []
        try log.read { transaction in
            try transaction.events(EventQuery(types: [EventType.subjectErased.rawValue])) { event in
                erased.insert("\(try event.text("group")):\(try event.text("key"))")
                return true
            }
        }
        var set: DefinitionSet
        if let parsed, parsed.files == files {
            set = parsed.set
        } else {
            set = try DefinitionSet(files: files.mapValues { try objects.read($0) })
        }
        set.erased = erased
        parsed = (files, set)
        return set
    }

    /// The name of the log's reporting zone.
    private func zone() throws -> String { try log.read { try $0.event(1) }?.body["zone"]?.string ?? "UTC" }

    /// Takes over definitions that were parsed already; they are used where the log names just these files.
    package func remember(_ set: DefinitionSet) { parsed = (set.files.mapValues(\.hash), set) }

    private func head(_ limit: Int64?) throws -> LogHead {
        try log.read { transaction in
            let head = try transaction.head()
            guard let limit, limit < head.seq else { return head }
            guard let id = try transaction.id(limit) else { throw SQLiteFailure(message: "the log has no event \(limit)") }
            return LogHead(seq: limit, id: id)
        }
    }

    private func lock() throws -> FileLock {
        try Files.makeFolder(layout.generations)
        guard let lock = try FileLock("\(layout.warehouse)/projector.lock") else {
            throw SQLiteFailure(message: "another projector is at work")
        }
        return lock
    }

    // MARK: Incremental

    /// Brings the live generation up to the log's head; builds one when there is none or the rules behind the facts changed.
    package func project() throws -> ProjectionOutcome {
        let lock = try lock()
        defer { withExtendedLifetime(lock) {} }
        let target = try head(nil)
        let definitions = try definitions(until: target.seq)
        guard let number = try Warehouse.liveGeneration(layout), try isUsable(number, definitions) else {
            return try build(definitions, until: target)
        }
        try Warehouse.removeFree(layout, except: number)
        let queue = try Warehouse.openForProjecting(layout.generation(number), fresh: false)
        defer { try? queue.close() }
        try reconcile(queue, definitions)
        Failpoint.hit("project.begun")
        var outcome = ProjectionOutcome()
        var files: [StagedFile] = []
        var manifest: [UInt8] = []
        var indexes: [HashIndex] = []
        try queue.writeWithoutTransaction { database in
            try database.inTransaction(.immediate) {
                let run = try self.run(database, definitions, fresh: false)
                try self.checkCheckpoint(database)
                let stale = try self.staleness(database, definitions)
                guard run.seq < target.seq || stale.curated || stale.kpis else {
                    outcome = run.outcome
                    outcome.to = run.seq
                    outcome.refused = try RefusedKPI.all(database)
                    manifest = try run.manifest()
                    return .rollback
                }
                try self.feed(run, until: target)
                Failpoint.hit("project.applied")
                files = try run.finish(id: target.id, curatedStale: stale.curated, kpisStale: stale.kpis)
                manifest = try run.manifest()
                indexes = run.indexes
                outcome = run.outcome
                Failpoint.hit("project.before-commit")
                return .commit
            }
        }
        Failpoint.hit("project.committed")
        outcome.generation = number
        outcome.curated = try publish(files, indexes, manifest: manifest, at: target, in: queue)
        try Warehouse.tidy(queue)
        return outcome
    }

    /// What projecting would do if these events were in the log; nothing is kept.
    package func preview(_ events: [Event], _ report: (Database, ProjectionOutcome) throws -> Void) throws {
        let lock = try lock()
        defer { withExtendedLifetime(lock) {} }
        let target = try head(nil)
        let definitions = try definitions(until: target.seq)
        let folder = "\(layout.warehouse)/.preview-\(getpid())"
        defer { try? Files.removeTree(folder) }
        let live = try Warehouse.liveGeneration(layout)
        let isFresh = try live.map { try !isUsable($0, definitions) } ?? true
        if isFresh { try Files.makeFolder(folder) }
        let queue = try Warehouse.openForProjecting(isFresh ? "\(folder)/preview.db" : layout.generation(live ?? 0), fresh: isFresh)
        defer { try? queue.close() }
        let shadow = Layout(root: folder)
        try queue.writeWithoutTransaction { database in
            try database.inTransaction(.immediate) {
                let run = try ProjectionRun(
                    layout: shadow, definitions: definitions, database: database, reader: try self.reader(zones: nil),
                    zone: try self.zone(),
                    fresh: isFresh, calendar: self.calendar)
                run.memoryBudget = self.memoryBudget
                run.tolerates = self.tolerates
                try self.feed(run, until: target)
                for event in events { try run.apply(event) }
                _ = try run.finish(id: .zero, curatedStale: false, kpisStale: false)
                try report(database, run.outcome)
                return .rollback
            }
        }
    }

    private func isUsable(_ number: Int, _ definitions: DefinitionSet) throws -> Bool {
        let reader = try Warehouse.Reader(layout, generation: number)
        return try reader.queue.read { database in
            guard let row = try Row.fetchOne(database, sql: "SELECT facts, revision FROM checkpoint") else { return false }
            return row["revision"] == Warehouse.revision && row["facts"] == definitions.fingerprint(\.shapesFacts).hex
        }
    }

    private func staleness(_ database: Database, _ definitions: DefinitionSet) throws -> (curated: Bool, kpis: Bool) {
        let row = try Row.fetchOne(database, sql: "SELECT curated, kpis FROM checkpoint")
        return (
            row?["curated"] != definitions.fingerprint(\.shapesCurated).hex, row?["kpis"] != definitions.fingerprint(\.shapesKPIs).hex
        )
    }

    /// A checkpoint that names an event which is not in the log belongs to another lake.
    private func checkCheckpoint(_ database: Database) throws {
        guard let row = try Row.fetchOne(database, sql: "SELECT seq, event FROM checkpoint") else { return }
        let seq: Int64 = row["seq"]
        let id = try log.read { try $0.id(seq) }
        guard seq == 0 || id?.hex == row["event"] else {
            throw SQLiteFailure(
                message:
                    "the warehouse was projected up to event \(seq) of another log (its id there is not in this one); run `bedrot rebuild`")
        }
    }

    private func reader(zones: Layout?) throws -> CaptureReader {
        let reader = CaptureReader(objects: objects, zones: zones)
        // Whatever the seq: what is gone is gone for the past as well.
        reader.expired = try log.read { try $0.expiredObjects() }
        reader.trusted = trusted
        reader.places = sources
        return reader
    }

    private func run(_ database: Database, _ definitions: DefinitionSet, fresh: Bool) throws -> ProjectionRun {
        let run = try ProjectionRun(
            layout: layout, definitions: definitions, database: database, reader: try reader(zones: layout), zone: try zone(),
            fresh: fresh,
            calendar: calendar)
        run.memoryBudget = memoryBudget
        run.tolerates = tolerates
        return run
    }

    /// Applies the events after the run's seq; no read transaction outlives a batch.
    private func feed(_ run: ProjectionRun, until target: LogHead) throws {
        let first = run.seq
        while run.seq < target.seq {
            let from = run.seq + 1
            let to = min(target.seq, run.seq + Int64(batch))
            let events = try log.read { try $0.events(EventQuery(seqs: from...to)) }
            for event in events { try run.apply(event) }
            guard run.seq == to else { throw SQLiteFailure(message: "the log has no event \(run.seq + 1); run `bedrot verify`") }
            progress?(run.seq - first, target.seq - first)
        }
    }

    // MARK: Files

    /// Archives what is replaced, renames the new files, writes the manifest, clears the list of pending files.
    private func publish(
        _ files: [StagedFile], _ indexes: [HashIndex], manifest: [UInt8], at head: LogHead, in queue: DatabaseQueue
    ) throws -> [ProjectionOutcome.Replaced] {
        let time = try log.read { try $0.event(head.seq) }?.time ?? Timestamp(milliseconds: 0)
        var replaced: [ProjectionOutcome.Replaced] = []
        for file in files {
            let full = layout.path(file.path)
            var before: (Hash256, String)?
            if let digest = file.before, Files.exists(full), try DraftFile.digest(of: full) == digest {
                before = (digest, try Archive.keep(full, digest: digest, time: time, layout: layout))
            }
            Failpoint.hit("project.archived")
            if file.isRemoved { try Files.remove(full) } else { try Files.move(file.temporary, to: full) }
            Failpoint.hit("project.renamed")
            replaced.append(
                .init(
                    table: file.table, path: file.path, digest: file.digest, rows: file.rows,
                    before: before.map { (digest: $0.0, archive: $0.1) }))
        }
        for index in indexes { try write(index) }
        let path = "\(layout.folder(.curated))/_manifest.json"
        if !files.isEmpty || !Files.exists(path) || (try? Files.read(path)) != manifest, !manifest.isEmpty {
            try Files.makeFolder(layout.folder(.curated))
            try AtomicFile.write(manifest, to: path)
        }
        Failpoint.hit("project.manifest")
        let abandoned = try queue.read { try String.fetchAll($0, sql: Self.abandonedFiles) }
        for path in abandoned { try Files.remove(layout.path(path)) }
        if !files.isEmpty || !indexes.isEmpty || !abandoned.isEmpty { try queue.write { try $0.execute(sql: "DELETE FROM pending_file") } }
        return replaced
    }

    private func write(_ index: HashIndex) throws {
        let full = layout.path(index.path)
        if Files.exists(full), try Files.read(full) == index.bytes { return }
        try Files.makeFolder(Files.parent(full))
        try AtomicFile.write(index.bytes, to: full)
    }

    /// Files that were ours and that nothing names any more.
    private static let abandonedFiles =
        "SELECT path FROM pending_file WHERE path NOT IN (SELECT path FROM zone_file) ORDER BY path"

    /// Repairs what an interrupted run left: zone files that are missing or not what the warehouse says, temporary files.
    private func reconcile(_ queue: DatabaseQueue, _ definitions: DefinitionSet) throws {
        for zone in [Layout.Zone.raw, .staging, .curated] { try Files.removeDrafts(below: layout.folder(zone)) }
        let (missing, pending, abandoned) = try queue.read { database -> ([Row], [String], [String]) in
            let rows = try Row.fetchAll(database, sql: "SELECT path, zone, digest, capture FROM zone_file ORDER BY path")
            return (
                rows.filter { !Files.exists(layout.path($0["path"])) }, try String.fetchAll(database, sql: "SELECT path FROM pending_file"),
                try String.fetchAll(database, sql: Self.abandonedFiles)
            )
        }
        for path in abandoned { try Files.remove(layout.path(path)) }
        var captures = Set<Int64>()
        for row in missing { if let capture: Int64 = row["capture"] { captures.insert(capture) } }
        if !captures.isEmpty {
            let reader = try reader(zones: layout)
            try queue.read { database in
                for seq in captures.sorted() {
                    guard
                        let row = try Row.fetchOne(
                            database, sql: "SELECT body, contract, reader, item FROM capture WHERE seq = ?", arguments: [seq]),
                        let contract: String = row["contract"], let hash = Hash256(hex: contract), let item: String = row["item"]
                    else { continue }
                    let body: String = row["body"]
                    try reader.restore(
                        try StagedPromotion(try JSON.parse(Array(item.utf8)), seq: seq),
                        of: try Capture(seq: seq, body: try JSON.parse(Array(body.utf8))),
                        contract: hash, revision: row["reader"])
                }
            }
        }
        let unwritten = Set(missing.map { $0["path"] as String } + pending).filter { Files.name($0) == HashIndex.name }
        try queue.read { database in
            for stream in Set(unwritten.map { HashIndex.stream(of: $0) }).sorted() {
                for index in try HashIndex.all(of: stream, database) where unwritten.contains(index.path) { try write(index) }
            }
        }
        let lost = missing.filter { ($0["zone"] as String) == Layout.Zone.curated.rawValue }.map { $0["path"] as String }
        guard !lost.isEmpty || !pending.isEmpty else { return }
        let due = Set(lost + pending)
        try queue.read { database in
            let writer = CuratedWriter(layout: layout, database: database)
            for definition in definitions.curated {
                let prefix = "\(layout.name(.curated))/\(definition.file)"
                guard due.contains(where: { $0 == prefix || $0.hasPrefix(prefix + "/") }) else { continue }
                for rendered in try writer.render(definition, partitions: nil) where due.contains(rendered.path) {
                    let full = layout.path(rendered.path)
                    try Files.makeFolder(Files.parent(full))
                    try AtomicFile.write(rendered.bytes, to: full)
                }
            }
        }
        try queue.write { try $0.execute(sql: "DELETE FROM pending_file") }
    }

    // MARK: Rebuild

    /// Builds the next generation from event 1 on beside the live one and swaps the link to it.
    ///
    /// - Parameter until: build the state of the past instead (the live generation then *is* that past until the next rebuild).
    /// - Parameter definitionsNow: with `until`, use the definitions at the head instead of those live at that seq.
    package func rebuild(until: Int64? = nil, definitionsNow: Bool = false) throws -> ProjectionOutcome {
        let lock = try lock()
        defer { withExtendedLifetime(lock) {} }
        let target = try head(until)
        return try build(try definitions(until: definitionsNow ? try head(nil).seq : target.seq), until: target)
    }

    private func build(_ definitions: DefinitionSet, until target: LogHead) throws -> ProjectionOutcome {
        let number = try Warehouse.nextGeneration(layout)
        let folder = "\(layout.generations)/\(number)"
        try Files.makeFolder(folder)
        for zone in [Layout.Zone.raw, .staging, .curated] { try Files.removeDrafts(below: layout.folder(zone)) }
        let path = layout.generation(number)
        let (outcome, files, indexes, manifest) = try fill(path, definitions, until: target)
        Failpoint.hit("rebuild.built")
        try Files.sync(path)
        try Files.sync(folder)
        Failpoint.hit("rebuild.synced")
        let before = try curatedFilesOfLiveGeneration()
        try Warehouse.swap(layout, to: number)
        Failpoint.hit("rebuild.swapped")
        let queue = try Warehouse.openForProjecting(path, fresh: false)
        defer { try? queue.close() }
        var result = outcome
        result.generation = number
        let changed = try files.filter { file in
            let full = layout.path(file.path)
            guard Files.exists(full), try DraftFile.digest(of: full) == file.digest else { return true }
            try Files.remove(file.temporary)
            return false
        }
        result.curated = try publish(changed, indexes, manifest: manifest, at: target, in: queue)
        if changed.isEmpty { try queue.write { try $0.execute(sql: "DELETE FROM pending_file") } }
        try removeOutdated(queue, definitions, before: before)
        return result
    }

    /// What the live generation knows as its curated files; nothing when there is none or it cannot be read.
    private func curatedFilesOfLiveGeneration() throws -> Set<String> {
        guard let number = try Warehouse.liveGeneration(layout), let reader = try? Warehouse.Reader(layout, generation: number) else {
            return []
        }
        let paths = try? reader.queue.read { try String.fetchAll($0, sql: "SELECT path FROM zone_file WHERE zone = 'curated'") }
        return Set(paths ?? [])
    }

    private func fill(_ path: String, _ definitions: DefinitionSet, until target: LogHead) throws -> (
        ProjectionOutcome, [StagedFile], [HashIndex], [UInt8]
    ) {
        let queue = try Warehouse.openForProjecting(path, fresh: true)
        defer { try? queue.close() }
        return try queue.writeWithoutTransaction { database in
            var outcome = ProjectionOutcome()
            var files: [StagedFile] = []
            var indexes: [HashIndex] = []
            var manifest: [UInt8] = []
            try database.inTransaction(.immediate) {
                let run = try self.run(database, definitions, fresh: true)
                run.endsInThePast = try target.seq < self.head(nil).seq
                try self.feed(run, until: target)
                files = try run.finish(id: target.id, curatedStale: true, kpisStale: true)
                (indexes, manifest) = (run.indexes, try run.manifest())
                outcome = run.outcome
                return .commit
            }
            // While nobody else has it: killed on a live file, this switch leaves a journal that readers may not play back, so nothing
            // could open the warehouse any more. Without a journal, as here, it is one write to a file that a crash throws away.
            try Warehouse.compact(database)
            try database.execute(sql: "PRAGMA journal_mode = WAL")
            return (outcome, files, indexes, manifest)
        }
    }

    /// Removes staging and curated files of ours that the new state no longer has. Files that people put among the curated ones stay.
    private func removeOutdated(_ queue: DatabaseQueue, _ definitions: DefinitionSet, before: Set<String>) throws {
        let known = try queue.read { Set(try String.fetchAll($0, sql: "SELECT path FROM zone_file")) }
        for zone in [Layout.Zone.staging, .curated] {
            let folder = layout.folder(zone)
            for path in Files.walk(folder) where path.hasSuffix(".csv") || path.hasSuffix(".ndjson") {
                let relative = layout.name(zone) + path.dropFirst(folder.count)
                let isOurs =
                    zone == .staging || before.contains(relative)
                    || definitions.curated.contains { relative.hasPrefix("\(layout.name(.curated))/\($0.file)/") }
                if isOurs, !known.contains(relative) { try Files.remove(path) }
            }
        }
        for zone in [Layout.Zone.landing, .raw, .staging] {
            let folder = layout.folder(zone)
            for path in Files.walk(folder) where Files.name(path) == HashIndex.name {
                if !known.contains(layout.name(zone) + path.dropFirst(folder.count)) { try Files.remove(path) }
            }
        }
    }

    // MARK: Replay and status

    /// Replays into a folder of its own, without a swap, and gives the digest there.
    package func replay(into folder: String, until: Int64? = nil, definitionsNow: Bool = false) throws -> ProjectionDigest {
        try shadow(in: folder, until: until, definitionsNow: definitionsNow).digest()
    }

    /// A projector of a folder into which it has replayed.
    package func shadow(in folder: String, until: Int64?, definitionsNow: Bool) throws -> Projector {
        let shadow = Projector(layout: layout.moved(to: folder), log: log, objects: objects)
        shadow.progress = progress
        shadow.parsed = parsed
        shadow.batch = batch
        shadow.memoryBudget = memoryBudget
        shadow.calendar = calendar
        shadow.tolerates = tolerates
        unready = try shadow.rebuild(until: until, definitionsNow: definitionsNow).unready
        return shadow
    }

    /// The digest of the live generation and of its files as they are on disk.
    package func digest() throws -> ProjectionDigest {
        let reader = try Warehouse.Reader(layout)
        return try reader.queue.read { database in
            let seq = try Int64.fetchOne(database, sql: "SELECT seq FROM checkpoint") ?? 0
            let definitions = try self.definitions(until: seq)
            let builder = DigestBuilder(database: database, tables: definitions.tables, references: definitions.reference.tables)
            let digests = try builder.tableDigests()
            var files: [String: String] = [:]
            for path in try String.fetchAll(database, sql: "SELECT path FROM zone_file ORDER BY path") + [
                "\(self.layout.name(.curated))/_manifest.json"
            ] {
                let full = self.layout.path(path)
                files[path] = Files.exists(full) ? try DraftFile.digest(of: full).hex : "missing"
            }
            return ProjectionDigest(
                seq: seq, tables: digests, files: files, all: DigestBuilder.combined(digests.merging(files) { $1 }),
                ops: DigestBuilder.combined(try builder.opsDigests()))
        }
    }

    /// How far the live generation is behind, and why it may need a rebuild.
    package struct Status: Sendable {
        package var projected: Int64
        package var head: Int64
        package var generation: Int?
        /// What the next `project` will do beyond new events.
        package var stale: [String]
        /// What a person should know of the figures as projected.
        package var issues: [QualityIssue] = []
    }

    /// What is projected, how far the log has gone since, and what is stale; changes nothing.
    package func status() throws -> Status {
        let head = try head(nil)
        guard let number = try Warehouse.liveGeneration(layout) else {
            return Status(projected: 0, head: head.seq, generation: nil, stale: ["nothing is projected yet"])
        }
        let definitions = try definitions(until: head.seq)
        let reader = try Warehouse.Reader(layout, generation: number)
        return try reader.queue.read { database in
            var stale: [String] = []
            let isUsable = try self.isUsable(number, definitions)
            if !isUsable { stale.append("facts (their rules changed: the next run rebuilds)") }
            let which = try self.staleness(database, definitions)
            if which.curated { stale.append("curated tables (their SQL changed)") }
            if which.kpis { stale.append("KPI snapshots (their SQL changed)") }
            return Status(
                projected: try Int64.fetchOne(database, sql: "SELECT seq FROM checkpoint") ?? 0, head: head.seq, generation: number,
                stale: stale,
                // A warehouse of other rules may lack the view; the rebuild that is due makes it.
                issues: isUsable ? try QualityIssue.all(database) : [])
        }
    }
}
