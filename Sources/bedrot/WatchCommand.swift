import ArgumentParser
import Ledger
import Projection

struct Watch: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Ingest files as soon as they appear in landing.",
        discussion: """
            Files in landing are fed when they are whole: at rest for a moment, not hidden, not named like an unfinished download. The \
            same goes for folders that a service.yml names under `watch:` and for --folder; of these, only files that a contract \
            recognises are taken, and what lies in folders inside them is left alone. One run at a time: another one is waited for. Files \
            that are in the log already are not fed again. Ctrl-C or SIGTERM ends the watch after the file it is at, with exit code 0.
            """)

    @OptionGroup var options: RootOptions

    @Option(help: "Another folder to watch, such as ~/Downloads; may be repeated.", completion: .directory)
    var folder: [String] = []

    @Option(help: "Whose the files are, where neither name nor folder says it.")
    var account: String?

    @Flag(help: "Feed what is whole now and end. Exit code 2 if a file needs a person.")
    var once = false

    @Option(help: "Milliseconds that a file must stay unchanged before it counts as whole.")
    var settle: Int64 = 1000

    @Option(help: "Look every so many seconds instead of waiting to be told; network folders are always looked at.")
    var poll: Double?

    func validate() throws {
        guard (0...3_600_000).contains(settle) else { throw ValidationError("--settle is 0 to 3600000 milliseconds") }
        if let poll, !(0.05...86_400).contains(poll) { throw ValidationError("--poll is 0.05 to 86400 seconds") }
    }

    func run() throws {
        // Before anything starts a thread, which would take the signals otherwise.
        let stop = StopSignals()
        var watch = WatchOptions()
        watch.folders = folder.map { RootOptions.absolute($0) }
        watch.account = account
        watch.once = once
        watch.settleMilliseconds = settle
        watch.pollMilliseconds = poll.map { Int64($0 * 1000) }
        let isDegraded = try options.write { lake in
            try lake.watch(watch, stop: stop) { news in
                switch news {
                case .waiting(let folders):
                    if options.json || options.quiet { return }
                    Terminal.out("watching \(folders.joined(separator: ", ")); Ctrl-C ends it")
                case .fed(let report):
                    if options.json {
                        try? Terminal.json(IngestText.json(report))
                    } else {
                        IngestText.print(report, quiet: options.quiet, isDryRun: false)
                    }
                case .remark(let text): Terminal.note(text)
                }
            }
        }
        if once, isDegraded { throw degraded }
    }
}
