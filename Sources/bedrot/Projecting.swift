import ArgumentParser
import EventLog
import Glibc
import Ledger
import Projection

struct Project: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Bring warehouse, curated files and KPIs up to the log's head.")

    @OptionGroup var options: RootOptions
    @Flag(help: "Only say how far the projections are.") var status = false

    func run() throws {
        if status {
            let (status, definitions) = try options.read { (try $0.projector.status(), try $0.staleDefinitions()) }
            let stale = definitions.isEmpty ? status.stale : definitions.map(\.text)
            if options.json {
                return try Terminal.json([
                    "projected": .int(status.projected), "head": .int(status.head), "lag": .int(status.head - status.projected),
                    "generation": status.generation.map { .int(Int64($0)) } ?? .null,
                    "stale": .array(stale.map { .string($0) }),
                    "definitions": .array(definitions.map(\.json)),
                    "issues": .array(status.issues.map(\.json)),
                ])
            }
            let lag = status.head - status.projected
            Terminal.out(
                """
                projected to event \(status.projected) of \(status.head)\(status.generation.map { ", generation \($0)" } ?? "")\
                \(lag > 0 ? "; \(Words.count(lag, "event")) not projected: bedrot project" : "")
                """
            )
            for reason in stale { Terminal.out("stale: \(reason)") }
            for issue in status.issues { Terminal.out("issue: \(issue.text)") }
            return
        }
        let outcome = try options.write { try $0.projectCommand() }
        try ProjectionText.print(outcome, options)
        if !outcome.refused.isEmpty { throw degraded }
    }
}

/// Where a rebuild or a replay stops.
private enum ReplayEnd {
    /// A seq stays as it is: whether the log has it, the replay says.
    static func seq(_ text: String, _ lake: Lake) throws -> Int64 { try Int64(text) ?? lake.moment(text).seq }
}

struct Rebuild: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Build everything again from the log, then swap it in.",
        discussion:
            """
            Raw, staging and curated files, the warehouse and the KPI snapshots come back byte for byte. With --until the state \
            of the past becomes the live one until the next rebuild.
            """
    )

    @OptionGroup var options: RootOptions
    @Option(help: "Stop after this event: a seq, a time, a day (its end) or a tag.") var until: String?
    @Option(name: .customLong("with-definitions"), help: "With --until: `then`, the definitions live at that event, or `now`.") var which:
        Definitions = .then

    enum Definitions: String, ExpressibleByArgument, CaseIterable { case then, now }

    func run() throws {
        let outcome = try options.write { lake in
            try lake.rebuild(until: try until.map { try ReplayEnd.seq($0, lake) }, definitionsNow: which == .now)
        }
        try ProjectionText.print(outcome, options)
        if !outcome.refused.isEmpty { throw degraded }
    }
}

struct Replay: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Replay into another folder and compare with the live state.",
        discussion: "Exit code 1 when a table or file differs; the first differences are named.")

    @OptionGroup var options: RootOptions
    @Argument(help: "Only compare these tables and files.") var names: [String] = []
    @Option(help: "Stop after this event: a seq, a time, a day (its end) or a tag; nothing is compared then.") var until: String?
    @Option(help: "Keep the replayed state in this folder.", completion: .directory) var into: String?

    func run() throws {
        let comparison = try options.write { lake in
            try lake.replay(into: into, until: try until.map { try ReplayEnd.seq($0, lake) }, only: names)
        }
        if options.json {
            try Terminal.json([
                "replayed": comparison.replayed.json, "differences": .array(comparison.differences.map { .string($0) }),
                "unready": .object(comparison.unready.mapValues { .string($0) }),
            ])
        } else {
            Terminal.out("replayed to event \(comparison.replayed.seq): all \(comparison.replayed.all)")
            for difference in comparison.differences.prefix(20) { Terminal.note("differs: \(difference)") }
            ProjectionText.unready(comparison.unready)
            if comparison.isCompared, comparison.differences.isEmpty { Terminal.out("equal to the live state") }
        }
        if !comparison.differences.isEmpty { throw ExitCode(1) }
    }
}

struct DigestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "digest", abstract: "The logical digest of each table and file, and one over all, at a seq.")

    @OptionGroup var options: RootOptions

    func run() throws {
        let digest = try options.read { try $0.projector.digest() }
        if options.json { return try Terminal.json(digest.json) }
        Terminal.out("at event \(digest.seq)")
        for (name, value) in digest.tables.sorted(by: { $0.key < $1.key }) { Terminal.out("\(value)  \(name)") }
        for (path, value) in digest.files.sorted(by: { $0.key < $1.key }) { Terminal.out("\(value)  \(path)") }
        Terminal.out("\(digest.ops)  ops")
        Terminal.out("\(digest.all)  all")
    }
}

struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check the chain, ids, indexes and objects; with --shadow also that a replay gives the live state.",
        discussion:
            "The log is read in a child process, so that a damaged file is a finding and not a crash. Exit code 1 when something is wrong.")

    @OptionGroup var options: RootOptions
    @Flag(help: "Replay everything into a temporary folder and compare.") var shadow = false
    @Flag(help: .hidden) var worker = false

    func run() throws {
        let layout = try options.layout()
        if worker { return try VerifyWorker.run(layout) }
        let result = try VerifyWorker.spawn(layout, options: options)
        if options.json {
            let report = shadow && result.findings.isEmpty ? try options.write { try $0.shadow() } : nil
            try Terminal.json(result.json(with: report.map { ShadowText.json($0) }))
            guard result.findings.isEmpty, report?.isEqual != false else { throw ExitCode(1) }
            return
        } else {
            for finding in result.findings { Terminal.note("bad: \(finding)") }
            Terminal.out(
                """
                \(Words.count(result.events, "event")), \(Words.bytes(result.bytes)); \(Words.count(result.objects, "object")), \
                \(Words.bytes(result.objectBytes)); \(Words.grouped(result.eventsPerSecond)) events/s, \
                \(Words.grouped(result.megabytesPerSecond)) MB/s
                """
            )
            for (event, count) in result.released.sorted(by: { $0.key < $1.key }) {
                Terminal.out("\(Words.count(count, "object")) removed on purpose by event \(event) (zone.expired): no damage")
            }
            Terminal.out(
                result.findings.isEmpty
                    ? "the log is sound"
                    : """
                    \(Words.count(Int64(result.findings.count), "finding")): restore from a backup, or show these lines to whoever keeps \
                    the log
                    """
            )
        }
        guard result.findings.isEmpty else { throw ExitCode(1) }
        guard shadow else { return }
        let report = try options.write { try $0.shadow() }
        ShadowText.print(report)
        if !report.isEqual { throw ExitCode(1) }
    }
}

/// The child process behind `verify`: reads the log, prints one JSON line a finding and one at the end.
enum VerifyWorker {
    struct Result {
        var events: Int64 = 0
        var bytes: Int64 = 0
        var objects: Int64 = 0
        var objectBytes: Int64 = 0
        var seconds = 0.0
        var findings: [String] = []
        /// Objects that are missing because an event removed them, by that event.
        var released: [Int64: Int64] = [:]
        var isComplete = false

        var eventsPerSecond: Int64 { Int64(Double(events) / max(seconds, 0.001)) }
        var megabytesPerSecond: Int64 { Int64(Double(bytes + objectBytes) / 1e6 / max(seconds, 0.001)) }

        /// With what a replay beside the live state found, where one was asked for and the log is sound.
        func json(with shadow: JSON?) -> JSON {
            var body: [String: JSON] = [
                "events": .int(events), "bytes": .int(bytes), "objects": .int(objects), "object_bytes": .int(objectBytes),
                "findings": .array(findings.map { .string($0) }), "expired_objects": VerifyWorker.json(released),
            ]
            body["shadow"] = shadow
            return .object(body)
        }
    }

    private static func json(_ released: [Int64: Int64]) -> JSON {
        .object(Dictionary(uniqueKeysWithValues: released.map { (String($0.key), JSON.int($0.value)) }))
    }

    static func run(_ layout: Layout) throws {
        let verifier = Verifier(
            folder: layout.log, objects: ObjectStore(at: layout.objects), indexing: indexEntries, references: namedObjects,
            releases: releasedObjects)
        let report = try verifier.run { progress in
            try? Terminal.json(["phase": .string(progress.phase.rawValue), "done": .int(progress.done), "total": .int(progress.total)])
        }
        for finding in report.findings { try Terminal.json(["finding": .string("\(finding)")]) }
        try Terminal.json([
            "events": .int(report.events), "bytes": .int(report.bytes), "objects": .int(report.objects),
            "object_bytes": .int(report.objectBytes), "expired_objects": json(report.released),
        ])
    }

    static func spawn(_ layout: Layout, options: RootOptions) throws -> Result {
        var pipes: [Int32] = [0, 0]
        guard pipe(&pipes) == 0 else { throw FileFailure("make a pipe for", "the verifying process", errno) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, pipes[1], STDOUT_FILENO)
        posix_spawn_file_actions_addclose(&actions, pipes[0])
        defer { posix_spawn_file_actions_destroy(&actions) }
        var child: pid_t = 0
        let arguments = ["bedrot", "verify", "--worker", "--root", layout.root]
        var pointers = arguments.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        let code = posix_spawn(&child, "/proc/self/exe", &actions, nil, &pointers, environ)
        guard code == 0 else { throw FileFailure("start", "the verifying process", code) }
        close(pipes[1])
        var result = Result()
        let bar = Bar(quiet: options.quiet || options.json)
        let started = clock()
        read(pipes[0]) { line in
            guard let json = try? JSON.parse(line) else { return }
            if let phase = json["phase"]?.string, let done = json["done"]?.int, let total = json["total"]?.int {
                bar.update("verify \(phase)", done, total)
            }
            if let finding = json["finding"]?.string { result.findings.append(finding) }
            if let events = json["events"]?.int {
                result.events = events
                result.bytes = json["bytes"]?.int ?? 0
                result.objects = json["objects"]?.int ?? 0
                result.objectBytes = json["object_bytes"]?.int ?? 0
                for (event, count) in json["expired_objects"]?.object ?? [:] {
                    if let event = Int64(event) { result.released[event] = count.int }
                }
                result.isComplete = true
            }
        }
        bar.clear()
        close(pipes[0])
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0, errno == EINTR {}
        result.seconds = clock() - started
        if status & 0x7F != 0 {
            result.findings.append(
                "the log cannot be read through: its file is damaged so badly that reading it ended with signal \(status & 0x7F)")
        } else if !result.isComplete {
            throw ExitCode(1)
        }
        return result
    }

    private static func read(_ descriptor: Int32, _ line: ([UInt8]) -> Void) {
        var pending: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = buffer.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            pending += buffer[..<count]
            while let end = pending.firstIndex(of: 10) {
                line(Array(pending[..<end]))
                pending.removeSubrange(...end)
            }
        }
    }

    private static func clock() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

/// What `verify --shadow` says.
enum ShadowText {
    /// What brings back a live state that a replay does not give.
    static let remedy = "bedrot rebuild"

    static func print(_ report: ShadowReport) {
        guard !report.isEqual else { return Terminal.out("a replay gives the live state: \(report.replayed.all)") }
        for table in report.tables { Terminal.note("differs: \(table.text)") }
        for file in report.files { Terminal.note("differs: \(text(file))") }
        if let event = report.parting {
            Terminal.note("they part at event \(event.seq), \(event.type) of \(event.time.iso) (bedrot show \(event.seq))")
        } else if report.tables.isEmpty {
            Terminal.note("all tables agree: the files were changed after they were written")
        } else {
            Terminal.note("no event makes these rows: they were put into the live warehouse by another program")
        }
        Terminal.note("the log is sound, so make the live state anew: \(remedy)")
    }

    private static func text(_ file: ShadowReport.File) -> String {
        guard let line = file.line else {
            return file.live == nil ? "\(file.path) is missing" : "\(file.path) is there, but a replay writes no such file"
        }
        return "\(file.path):\(line): “\(file.live ?? "the end")”, a replay writes “\(file.replayed ?? "the end")”"
    }

    static func json(_ report: ShadowReport) -> JSON {
        [
            "equal": .bool(report.isEqual), "seq": .int(report.live.seq), "live": .string(report.live.all),
            "replayed": .string(report.replayed.all), "tables": .array(report.tables.map(\.json)),
            "files": .array(
                report.files.map { file in
                    [
                        "path": .string(file.path), "line": file.line.map { .int(Int64($0)) } ?? .null,
                        "live": file.live.map { .string($0) } ?? .null, "replayed": file.replayed.map { .string($0) } ?? .null,
                    ]
                }),
            "first_event": report.parting.map {
                ["seq": .int($0.seq), "type": .string($0.type), "stream": .string($0.stream), "time": .string($0.time.iso)]
            } ?? .null,
            "remedy": report.isEqual ? .null : .string(remedy),
        ]
    }
}

enum ProjectionText {
    static func print(_ outcome: ProjectionOutcome, _ options: RootOptions) throws {
        if options.json {
            return try Terminal.json([
                "from": .int(outcome.from), "to": .int(outcome.to), "generation": .int(Int64(outcome.generation)),
                "curated": .array(outcome.curated.map { .string($0.path) }), "snapshots": .array(outcome.snapshots.map { .int($0) }),
                "skipped": .object(outcome.skipped.mapValues { .int($0) }),
                "unready": .object(outcome.unready.mapValues { .string($0) }),
                "refused": .array(
                    outcome.refused.map { ["kpi": .string($0.kpi), "file": .string($0.path), "reason": .string($0.reason)] }),
                "stale": .array(outcome.stale.map(\.json)),
                "alerts": .object([
                    "opened": .int(Int64(outcome.alerts.count(where: \.isOpened))),
                    "resolved": .int(Int64(outcome.alerts.count { !$0.isOpened })),
                ]),
            ])
        }
        guard !options.quiet else { return }
        for definition in outcome.stale { Terminal.out("was stale: \(definition.cause)") }
        Terminal.out("projected events \(outcome.from + 1) to \(outcome.to), generation \(outcome.generation)")
        for file in outcome.curated {
            Terminal.out(
                "  \(file.path): \(Words.count(file.rows, "row"))\(file.before.map { "; the version before is in \($0.archive)" } ?? "")")
        }
        if !outcome.snapshots.isEmpty { Terminal.out("  \(Words.count(Int64(outcome.snapshots.count), "KPI snapshot"))") }
        for (type, count) in outcome.skipped.sorted(by: { $0.key < $1.key }) {
            Terminal.note("\(Words.count(count, "event")) of type \(type) kept but not understood: a newer bedrot may know it")
        }
        unready(outcome.unready)
        overflowing(outcome)
        refused(outcome)
        AlertText.news(outcome.alerts)
    }

    /// KPIs of a person's own that break a rule.
    static func refused(_ outcome: ProjectionOutcome) {
        for kpi in outcome.refused { Terminal.note("KPI \(kpi.kpi) is left out: \(kpi.reason)") }
    }

    /// KPIs without a value because of an absurd amount in some file.
    static func overflowing(_ outcome: ProjectionOutcome) {
        for kpi in outcome.overflowing.sorted() {
            Terminal.note(
                """
                KPI \(kpi) has no value: its sum does not fit 64 bits. A file holds an absurd amount: look at the last captures \
                (bedrot events --type extraction.captured --newest --limit 5), then withdraw it (bedrot retract SEQ --reason TEXT)
                """)
        }
    }

    /// Definitions left out of a past state.
    static func unready(_ definitions: [String: String]) {
        for (_, reason) in definitions.sorted(by: { $0.key < $1.key }) { Terminal.note("not ready at that event, left out: \(reason)") }
    }
}
