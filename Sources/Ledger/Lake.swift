import Cleaning
package import EventLog
import Glibc
package import Projection

/// A use case that cannot go on: what failed, why, what to do next.
package struct LedgerError: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}

/// One data root, open: the log, the objects, the projector. Every command works through one of these.
package final class Lake {
    package let layout: Layout
    package let log: EventLog
    package let objects: ObjectStore
    package let projector: Projector
    /// Who acts: `os:<uid>`.
    package let actor: String
    let definitionFolders: DefinitionFolders
    /// Opening a warehouse costs the reading of its whole schema. Weak, for a reader keeps its generation from being deleted.
    weak var heldReader: Warehouse.Reader?
    /// Told about long work: what, done, total.
    package var progress: (@Sendable (String, Int64, Int64) -> Void)?
    /// What new or changed definition files of the user's own hold that not every engine runs.
    package internal(set) var definitionWarnings: [DefinitionFinding] = []

    private init(layout: Layout, log: EventLog, definitions: DefinitionFolders) {
        self.layout = layout
        self.log = log
        definitionFolders = definitions
        objects = ObjectStore(at: layout.objects)
        projector = Projector(layout: layout, log: log, objects: objects)
        actor = "os:\(getuid())"
        projector.tolerates = { path, hash in !definitions.ships(path, hash) }
        projector.progress = { [weak self] done, total in self?.progress?("project", done, total) }
    }

    /// Opens the lake at a root.
    package static func open(_ layout: Layout, mode: EventLog.Mode, definitions: String?) throws -> Lake {
        guard Files.exists(layout.log) else {
            throw LedgerError(
                """
                \(layout.root) is not a data root (it has no ledger/log); make one: bedrot --root \(layout.root.shellQuoted) \
                init --label NAME
                """)
        }
        // A person at the keyboard may come back after weeks; only unattended runs stop at a jump ahead. Steps back are refused for all.
        let log = try EventLog.open(at: layout.log, mode: mode, indexing: indexEntries, options: Options(jumpLimit: Int64.max))
        do {
            try checkOpening(log, layout)
            return Lake(layout: layout, log: log, definitions: try DefinitionFolders(root: layout, explicit: definitions))
        } catch {
            log.close()
            throw error
        }
    }

    /// The format of the events that this program writes and understands.
    private static let format: Int64 = 1

    /// A log begins with `log.opened`, of a format that this program knows.
    private static func checkOpening(_ log: EventLog, _ layout: Layout) throws {
        guard let first = try log.read({ try $0.event(1) }) else {
            throw LedgerError(
                """
                the log in \(layout.log) is empty: making this root was interrupted; do it again: bedrot --root \(layout.root.shellQuoted) \
                init --label NAME
                """
            )
        }
        guard first.type == EventType.logOpened.rawValue, let format = first.body["format"]?.int else {
            throw LedgerError("the log in \(layout.log) does not begin with log.opened; run `bedrot verify`")
        }
        guard format <= Self.format else {
            throw LedgerError(
                """
                the events in \(layout.log) have format \(format); this program knows up to \(Self.format). Install a newer \
                bedrot to use them.
                """
            )
        }
    }

    /// Closes the log; the lake is not to be used afterwards.
    package func close() { log.close() }

    /// What a new lake is called and how it counts days and money.
    package struct Settings: Sendable {
        package var label: String
        package var zone: String
        package var currency: String

        package init(label: String, zone: String, currency: String) {
            self.label = label
            self.zone = zone
            self.currency = currency
        }
    }

    /// Makes a root: folders (0700), a `.gitignore`, the log with event 1, the definitions in use.
    package static func create(_ layout: Layout, settings: Settings, definitions: String?) throws -> Lake {
        guard settings.currency.utf8.count == 3, settings.currency.utf8.allSatisfy({ (65...90).contains($0) }) else {
            throw LedgerError("“\(settings.currency)” is not an ISO 4217 code such as USD")
        }
        // A definition that does not parse stops here, before there is anything to clean up.
        let set = try DefinitionSet(files: try DefinitionFolders(root: layout, explicit: definitions).read())
        guard try ReportingZone(settings.zone, table: set.zones) != nil else {
            let near = set.zones.names(like: settings.zone)
            throw LedgerError(
                """
                unknown reporting zone “\(settings.zone)”: write UTC, a fixed offset such as +02:00, or a name such as Europe/Berlin\
                \(near.isEmpty ? "" : "; did you mean \(near.prefix(3).joined(separator: " or "))?")
                """)
        }
        let lake = try empty(layout, definitions: definitions)
        _ = try lake.log.write { transaction in
            try transaction.append(
                EventDraft(
                    stream: "log", type: EventType.logOpened.rawValue, actor: lake.actor,
                    body: [
                        "format": 1, "log": .string(RunID.make(at: .now())), "hash": "sha256", "canonical": "rfc8785",
                        "label": .string(settings.label), "zone": .string(settings.zone), "currency": .string(settings.currency),
                    ]))
        }
        _ = try lake.captureDefinitions(run: nil)
        try lake.log.catchUpIndexes()
        return lake
    }

    /// Makes a root from the stored events of another, one canonical event a line: the same ids, or nothing.
    ///
    /// Objects are not in the events; copy `ledger/objects` beside it before anything is replayed.
    package static func create(_ layout: Layout, fromEvents path: String, definitions: String?) throws -> Lake {
        let bytes = try Files.read(path)
        guard bytes.contains(where: { $0 != 10 }) else { throw LedgerError("\(path) holds no events; write them with bedrot events --raw") }
        let lake = try empty(layout, definitions: definitions)
        do {
            var line: Int64 = 0
            for part in bytes.split(separator: 10, omittingEmptySubsequences: false).chunked(by: 1000) {
                try lake.log.write { transaction in
                    for bytes in part {
                        line += 1
                        if bytes.isEmpty { continue }
                        do {
                            _ = try transaction.appendRaw(Array(bytes))
                        } catch {
                            throw LedgerError("\(path):\(line): \(error)")
                        }
                    }
                }
            }
            try lake.log.catchUpIndexes()
            try checkOpening(lake.log, layout)
        } catch {
            // Half a log would be in the way of the next try; it was empty before.
            lake.close()
            try Files.removeTree(layout.log)
            throw error
        }
        return lake
    }

    private static func empty(_ layout: Layout, definitions: String?) throws -> Lake {
        let isThere = Files.exists("\(layout.log)/data.mdb")
        if isThere {
            let log = try EventLog.open(at: layout.log, mode: .readOnly, indexing: indexEntries)
            defer { log.close() }
            // An empty log is what an interrupted init leaves.
            guard try log.read({ try $0.head().seq }) == 0 else {
                throw LedgerError("there is a log in \(layout.log) already; use it, or choose another root")
            }
        }
        for zone in Layout.Zone.allCases { try Files.makeFolder(layout.folder(zone)) }
        for folder in ["ledger", "ledger/objects", "warehouse", "definitions", "reports", "keys", "sessions", "logs"] {
            try Files.makeFolder(layout.path(folder))
        }
        let ignore = layout.path(".gitignore")
        if !Files.exists(ignore) { try AtomicFile.write(Array("*\n!definitions/\n!definitions/**\n!.gitignore\n".utf8), to: ignore) }
        let log =
            isThere
            ? try EventLog.open(at: layout.log, mode: .readWrite, indexing: indexEntries)
            : try EventLog.create(at: layout.log, indexing: indexEntries)
        return Lake(layout: layout, log: log, definitions: try DefinitionFolders(root: layout, explicit: definitions))
    }

    /// What event 1 says.
    package func settings() throws -> Settings {
        guard let event = try log.read({ try $0.event(1) }), event.type == EventType.logOpened.rawValue else {
            throw LedgerError("the log in \(layout.log) does not begin with log.opened; run `bedrot verify`")
        }
        return Settings(
            label: event.body["label"]?.string ?? "", zone: event.body["zone"]?.string ?? "UTC",
            currency: event.body["currency"]?.string ?? "USD")
    }

    /// An event of a run by this actor.
    func draft(_ stream: String, _ type: EventType, run: String?, _ body: JSON) -> EventDraft {
        EventDraft(stream: stream, type: type.rawValue, actor: actor, run: run, body: body)
    }
}

/// Identifiers of runs: 26 characters, sortable by time (ULID). They are recorded, never derived, so chance is allowed here.
enum RunID {
    static func make(at time: Timestamp) -> String {
        let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)
        var out: [UInt8] = []
        for shift in stride(from: 45, through: 0, by: -5) { out.append(alphabet[Int(time.milliseconds >> Int64(shift)) & 31]) }
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<16 { out.append(alphabet[Int(generator.next() & 31)]) }
        return String(decoding: out, as: UTF8.self)
    }
}

extension Sequence {
    /// Runs of at most `size` elements.
    func chunked(by size: Int) -> [[Element]] {
        var chunks: [[Element]] = []
        for element in self {
            if chunks.isEmpty || chunks[chunks.count - 1].count == size { chunks.append([]) }
            chunks[chunks.count - 1].append(element)
        }
        return chunks
    }
}
