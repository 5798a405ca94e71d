import Cleaning
import EventLog
import GRDB
package import Projection

/// One run: the bracket of events around what a command changes.
///
/// A run that finds itself alone first settles what a killed one left: captures with neither promotion nor quarantine are promoted.
final class Run {
    /// The lock that a run holds alone, or shares with others.
    static let lockName = "ledger/runs.lock"

    let lake: Lake
    let id: String
    let definitions: DefinitionSet
    /// Keys of persons, loaded when a contract needs them.
    var keys: KeyRing
    private let command: String
    private var isStarted = false
    private let lock: FileLock?
    private let isAlone: Bool
    /// A file failed half-way: a capture of this run may have neither promotion nor quarantine, and the next run is to look again.
    var leavesUnsettled = false

    /// `holdsLock` says that the caller holds the lock of runs alone, for as long as the run lasts.
    init(_ lake: Lake, command: String, holdsLock: Bool = false) throws {
        self.lake = lake
        self.command = command
        keys = KeyRing(lake.layout)
        id = RunID.make(at: .now())
        let path = lake.layout.path(Self.lockName)
        let alone = holdsLock ? nil : try FileLock(path, wait: false)
        let definitions = try lake.captureDefinitions(run: nil)
        self.definitions = definitions
        isAlone = holdsLock || alone != nil
        lock = isAlone ? alone : try FileLock(path, shared: true)
        if isAlone {
            try lake.objects.removeOrphans()
            try Files.removeDrafts(below: lake.layout.folder(.landing))
            try settle()
        }
    }

    /// Promotes what an interrupted run left behind, and what changed contracts concern.
    private func settle() throws {
        let known = try lake.log.read { transaction in
            var known: Int64 = 0
            try transaction.events(EventQuery(types: [EventType.runCompleted.rawValue], newestFirst: true)) { event in
                guard let settled = event.body["settled_to"]?.int else { return true }
                known = settled
                return false
            }
            return known
        }
        let head = try lake.log.read { try $0.head().seq }
        if head > known {
            let captures = try lake.log.read { try $0.events(EventQuery(seqs: (known + 1)...head, types: [EventType.captured.rawValue])) }
            for stream in Set(captures.map(\.stream)).sorted() {
                let state = try lake.log.read { try StreamState(stream, $0) }
                for event in captures where event.stream == stream {
                    guard let entry = state.entries[event.seq], entry.isUnsettled, let (contract, hash) = definitions.contracts[stream]
                    else { continue }
                    try start()
                    try lake.finishOriginal(entry.capture, contract, definitions.secrets, &keys)
                    _ = try promoter.promote(entry.capture, contract: contract, hash: hash, acceptChanges: false, ask: nil)
                }
            }
        }
        try promoter.repromote(definitions, start: start)
    }

    var promoter: Promoter { Promoter(lake: lake, run: id) }

    /// Appends `run.started` once; events of a run that changes nothing but definitions need no bracket.
    func start() throws {
        guard !isStarted else { return }
        isStarted = true
        _ = try lake.log.write { try $0.append(startDraft) }
    }

    /// `run.started`, for a caller that appends it together with its first event.
    func startDraftIfNeeded() -> EventDraft? {
        guard !isStarted else { return nil }
        isStarted = true
        return startDraft
    }

    private var startDraft: EventDraft { lake.draft("run", .runStarted, run: id, ["command": .string(command)]) }

    /// Appends `run.completed` with the last data-bearing seq; nothing when the run never started.
    func complete(_ outcome: String) throws {
        guard isStarted else { return }
        let (dataTo, unsettled) = try lake.log.read { transaction in
            var seq: Int64 = 0
            for type in EventType.allCases where type.bearsData {
                try transaction.events(EventQuery(types: [type.rawValue], newestFirst: true, limit: 1)) { event in
                    seq = max(seq, event.seq)
                    return false
                }
            }
            return (seq, try transaction.head().seq)
        }
        var body: [String: JSON] = ["outcome": .string(outcome), "data_to": .int(dataTo)]
        // A run among others cannot know what its neighbours have not finished.
        if isAlone, !leavesUnsettled { body["settled_to"] = .int(unsettled) }
        _ = try lake.log.write { try $0.append(lake.draft("run", .runCompleted, run: id, .object(body))) }
    }
}

extension Lake {
    /// Projects up to the head, lets the reactor append what follows, and projects that.
    package func project(trusting: Set<Int64> = []) throws -> ProjectionOutcome {
        projector.trusted = trusting
        var outcome = try projector.project()
        var appended = 0
        do {
            let reader = try warehouse()
            defer { withExtendedLifetime(reader) {} }
            appended = try react()
            outcome.alerts = try judgeAlerts()
        }
        // The reader is gone first: whoever closes the file last empties its journal, and a reader cannot.
        if appended > 0 || !outcome.alerts.isEmpty { _ = try projector.project() }
        try log.catchUpIndexes()
        return outcome
    }

    /// The one step of a run that appends what a live projection gave: curated promotions and archived versions.
    ///
    /// It compares the state with the log, so it can be repeated after a crash at any point; idempotence keys guard against two at once.
    func react() throws -> Int {
        let files = try warehouse().queue.read { database in
            try CuratedFile.all(database)
        }
        var drafts: [(key: String, draft: EventDraft)] = []
        try log.read { transaction in
            for file in files {
                var last: String?
                try transaction.events(
                    EventQuery(streams: ["curated/\(file.path)"], types: [EventType.promoted.rawValue], newestFirst: true, limit: 1)
                ) { event in
                    last = event.body["output"]?.string
                    return false
                }
                guard last != file.digest else { continue }
                let key = "curated \(file.path) \(file.digest) \(file.dataSeq)"
                guard try transaction.seq(forKey: key) == nil else { continue }
                drafts.append(
                    (
                        key,
                        draft(
                            "curated/\(file.path)", .promoted, run: nil,
                            [
                                "from": "staging", "to": "curated", "path": .string(file.path), "output": .string(file.digest),
                                "rows": .int(file.rows),
                                "data_to": .int(file.dataSeq), "key": .string(key),
                            ])
                    ))
            }
            var definitions: DefinitionSet?
            for path in Files.walk(layout.folder(.archive)) where path.hasSuffix(".gz") {
                let relative = layout.name(.archive) + path.dropFirst(layout.folder(.archive).count)
                let key = "archived \(relative)"
                guard try transaction.seq(forKey: key) == nil else { continue }
                if definitions == nil { definitions = try definitionsInForce() }
                let file = ArchiveNames.file(of: relative, below: layout.name(.archive))
                let years = definitions?.curated.first { file == $0.file || file.hasPrefix($0.file + "/") }?.keepYears ?? 7
                let bytes = try Files.read(path)
                let until = ArchiveNames.keepUntil(.now(), years: years)
                drafts.append(
                    (
                        key,
                        draft(
                            "archive", .archived, run: nil,
                            [
                                "path": .string(relative), "file": .string(file), "object": .null,
                                "sha256": .string(Hash256(hashing: bytes).hex),
                                "content": .string(Hash256(hashing: try Gzip.decompress(bytes)).hex), "keep_years": .int(years),
                                "keep_until": .string(CalendarDay.text(day: until)), "key": .string(key),
                            ])
                    ))
            }
        }
        guard !drafts.isEmpty else { return 0 }
        return try log.write { transaction in
            var appended = 0
            for (key, draft) in drafts where try transaction.seq(forKey: key) == nil {
                _ = try transaction.append(draft)
                appended += 1
            }
            return appended
        }
    }
}
