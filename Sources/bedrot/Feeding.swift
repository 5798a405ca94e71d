import ArgumentParser
import Cleaning
import EventLog
import Ledger
import Projection

struct Init: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make a data root.",
        discussion:
            """
            One root is one label and one log, used on one computer. `--from` takes the output of `bedrot events --raw` and \
            gives the same ids.
            """
    )

    @OptionGroup var options: RootOptions

    @Option(help: "Name of the label.")
    var label: String?

    @Option(help: "Reporting time zone: UTC, a fixed offset such as +02:00, or a name such as Europe/Berlin.")
    var zone = "UTC"

    @Option(help: "Reporting currency, ISO 4217.")
    var currency = "USD"

    @Option(help: "File with the stored events of another log, one a line.")
    var from: String?

    func validate() throws {
        if label == nil, from == nil { throw ValidationError("say what the label is called: --label NAME") }
    }

    func run() throws {
        let layout = try options.layout(creating: true)
        try Files.makeFolder(layout.root)
        let lake: Lake
        if let from {
            lake = try Lake.create(layout, fromEvents: from, definitions: options.definitions)
        } else {
            lake = try Lake.create(
                layout, settings: .init(label: label ?? "", zone: zone, currency: currency), definitions: options.definitions)
        }
        defer { lake.close() }
        let head = try lake.log.read { try $0.head() }
        if options.json {
            try Terminal.json(["root": .string(layout.root), "seq": .int(head.seq), "id": .string(head.id.hex)])
        } else {
            Terminal.out("made \(layout.root): \(Words.count(head.seq, "event")), head \(head.id.hex.prefix(12))")
            if from != nil {
                Terminal.note(
                    "the events are here, the bytes they name are not: copy ledger/objects of the old root, then `bedrot rebuild`")
            }
        }
    }
}

struct Ingest: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Feed files or folders: recognise, land, capture, clean, project.",
        discussion: """
            Each file stands alone. A file that nobody recognises, that breaks its contract or whose account or year cannot be proved is \
            reported with the remedy, and the exit code is 2; one that cannot be read or stored is named, and the exit code is 1 when the \
            others are done. Feeding the same file again changes no figure.
            An id in a file's name and the folder of an account in landing say whose a file is; --account is for those that say nothing. \
            Named together with one file it must not contradict them, and it beats a mere artist name.
            """)

    @OptionGroup var options: RootOptions

    @Argument(help: "Files and folders.", completion: .file())
    var paths: [String]

    @Option(help: "Whose the files are, where neither name nor folder says it.")
    var account: String?

    @Option(help: "When the source showed these figures: a day or a UTC moment.", transform: Moments.moment)
    var observed: Timestamp?

    @Option(help: "Day of the download: proves the years of days without one.", transform: Moments.day)
    var downloadedOn: Int64?

    @Option(help: "First day in the file: proves the years too.", transform: Moments.day)
    var firstDay: Int64?

    @Flag(help: "Take a file in doubt: many known days change a lot, days still to come, a name that says too little.")
    var acceptChanges = false

    @Flag(inversion: .prefixedNo, help: "Project after ingesting.")
    var project = true

    @Flag(help: "Show what would happen and write nothing.")
    var dryRun = false

    func run() throws {
        var ingest = IngestOptions()
        ingest.account = account
        ingest.observed = observed
        ingest.downloadedOn = downloadedOn
        ingest.firstDay = firstDay
        ingest.acceptChanges = acceptChanges
        ingest.project = project
        let report: IngestReport
        if dryRun {
            report = try options.read { try $0.preview(paths, ingest) }
        } else {
            report = try options.write { lake in
                try lake.ingest(paths, ingest, ask: Terminal.canAsk && !options.json ? { Terminal.ask($0) } : nil)
            }
        }
        if options.json {
            try Terminal.json(IngestText.json(report))
        } else {
            if report.files.isEmpty {
                Terminal.note("there is no file in \(paths.map(\.shellQuoted).joined(separator: ", ")); nothing was fed")
            }
            IngestText.print(report, quiet: options.quiet, isDryRun: dryRun)
        }
        if report.hasFailed { throw ExitCode(1) }
        if report.isDegraded { throw degraded }
    }
}

struct Retract: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Withdraw a capture (a wrong file), with a reason.")

    @OptionGroup var options: RootOptions
    @Argument(help: "Seq of the capture.") var capture: Int64
    @Option(help: "Why.") var reason: String
    @Flag(inversion: .prefixedNo, help: "Project afterwards.") var project = true

    func run() throws {
        let report = try options.write { try $0.retract(capture, reason: reason, project: project) }
        try CorrectionText.print(report, "retracted", undo: "bedrot reinstate \(capture) --reason …", options)
    }
}

struct Reinstate: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Take a retraction back.")

    @OptionGroup var options: RootOptions
    @Argument(help: "Seq of the capture.") var capture: Int64
    @Option(help: "Why.") var reason: String
    @Flag(inversion: .prefixedNo, help: "Project afterwards.") var project = true

    func run() throws {
        let report = try options.write { try $0.reinstate(capture, reason: reason, project: project) }
        try CorrectionText.print(report, "reinstated", undo: "bedrot retract \(capture) --reason …", options)
    }
}

struct Zones: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Partitions that were held back, and new datasets.", subcommands: [Held.self, Accept.self, New.self],
        defaultSubcommand: Held.self)

    struct Held: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the partitions that wait for a person.")

        @OptionGroup var options: RootOptions

        func run() throws {
            let held = try options.read { try $0.held() }
            if options.json {
                try Terminal.json(
                    .array(
                        held.map {
                            .object([
                                "capture": .int($0.capture), "name": .string($0.name), "stream": .string($0.stream),
                                "account": .string($0.account),
                                "partition": .string($0.partition), "rows": .int($0.rows), "rejects": .int($0.rejects),
                            ])
                        }))
                return
            }
            guard !held.isEmpty else { return Terminal.out("nothing is held") }
            var table = TextTable(columns: [
                ("capture", .right), ("dataset", .left), ("account", .left), ("partition", .left), ("rows", .right), ("rejects", .right),
                ("file", .left),
            ])
            table.rows = held.map { ["\($0.capture)", $0.stream, $0.account, $0.partition, "\($0.rows)", "\($0.rejects)", $0.name] }
            Terminal.out(table.render())
            Terminal.out("let one through: bedrot zones accept \(held[0].capture) \(held[0].partition) --reason …")
        }
    }

    struct Accept: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Let a held partition replace the live one.")

        @OptionGroup var options: RootOptions
        @Argument(help: "Seq of the capture.") var capture: Int64
        @Argument(help: "The partition, as `bedrot zones held` shows it.") var partition: String
        @Option(help: "Why.") var reason: String
        @Flag(inversion: .prefixedNo, help: "Project afterwards.") var project = true

        func run() throws {
            let report = try options.write { try $0.accept(partition: partition, of: capture, reason: reason, project: project) }
            try CorrectionText.print(report, "accepted \(partition) of", undo: "bedrot retract \(capture) --reason …", options)
        }
    }
}

struct Artist: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Enter artists, and say which names and ids are one.",
        discussion:
            "Spellings that differ in case, spaces, dots, hyphens and underscores are one name already; ids of services need an alias.",
        subcommands: [Add.self, Alias.self])

    struct Alias: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give an artist another name or id.",
            discussion: "Example: bedrot artist alias \"ZONE A0\" spotify 62owJQCD2XzVB2o19CVsFM")

        @OptionGroup var options: RootOptions
        @Argument(help: "The artist's name.") var artist: String
        @Argument(help: "The service, or * for all.") var service: String
        @Argument(help: "The name or id there.") var value: String

        func run() throws {
            let seq = try options.write { lake in
                let seq = try lake.alias(
                    kind: "artist", service: service, value: value, member: "artist:\(SourceNames.normalised(artist))", name: artist)
                _ = try lake.project()
                return seq
            }
            if options.json {
                try Terminal.json(["seq": .int(seq)])
            } else {
                Terminal.out("event \(seq): “\(value)” of \(service) is \(artist)")
            }
        }
    }
}

/// Days and moments on the command line.
enum Moments {
    static func day(_ text: String) throws -> Int64 {
        guard let day = CalendarDay.day(text) else { throw ValidationError("“\(text)” is not a day; write YYYY-MM-DD") }
        return day
    }

    /// The days of a day, month or year.
    static func period(_ text: String) throws -> ClosedRange<Int64> {
        if let day = CalendarDay.day(text) { return day...day }
        let first = text.utf8.count == 4 ? "\(text)-01" : text
        guard let month = CalendarDay.month(first), let from = CalendarDay.day("\(first)-01"),
            let end = CalendarDay.day("\(CalendarDay.text(month: month + (text.utf8.count == 4 ? 12 : 1)))-01")
        else { throw ValidationError("“\(text)” is none of YYYY-MM-DD, YYYY-MM, YYYY") }
        return from...(end - 1)
    }

    static func moment(_ text: String) throws -> Timestamp {
        if let day = CalendarDay.day(text) { return Timestamp(milliseconds: day * 86_400_000) }
        guard let moment = MomentText.time(text) else {
            throw ValidationError("“\(text)” is neither YYYY-MM-DD nor a time such as 2025-08-31T18:00:00Z")
        }
        return moment
    }
}
