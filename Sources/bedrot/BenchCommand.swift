import ArgumentParser
import Cleaning
import EventLog
import Glibc
import Ledger
import LedgerTesting

struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure this machine: the log, the cleaner, the KPIs of a lake; or make a sample lake.",
        discussion: "Figures are per second of CPU time unless they say otherwise. ops/bench compares whole jobs with other tools.",
        subcommands: [Log.self, Clean.self, KPIs.self, SampleLakeCommand.self])

    struct Log: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Append, index and verify events.")

        @Option(help: "Folder for the log; a temporary one by default.") var folder: String?
        @Option(help: "Events.") var events = 200_000
        @Option(help: "Events a commit.") var batch = 1000

        func run() throws {
            let target = folder ?? "/tmp/bedrot-bench-\(getpid())"
            for figure in try LogBench.run(folder: target, events: events, batch: batch) {
                Terminal.out("\(figure.name): \(Words.grouped(Int64(figure.value.rounded()))) \(figure.unit)")
            }
        }
    }

    struct Clean: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Tokenise, validate and type royalty lines.")

        @Option(help: "Megabytes of lines.") var megabytes = 256

        func run() {
            for figure in CleanBench.run(megabytes: megabytes) {
                Terminal.out("\(figure.name): \(Words.grouped(Int64(figure.value.rounded()))) \(figure.unit)")
            }
        }
    }

    struct KPIs: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "kpis", abstract: "Compute every KPI of a lake: now, and at many points of its past; writes nothing.")

        @OptionGroup var options: RootOptions
        @Option(help: "Passes over all KPIs; the best counts.") var passes = 5
        @Option(help: "Points of the past.") var states = 0

        func run() throws {
            let (all, slowest) = try options.read { try KPIBench.run($0, passes: passes, states: states) }
            func text(_ figure: KPIBench.Figure) -> String {
                "\(figure.name): \(Words.grouped(Int64(figure.milliseconds))).\(Int64(figure.milliseconds * 10) % 10) ms of CPU"
            }
            if options.json {
                return try Terminal.json([
                    "figures": .array((all + slowest).map { ["name": .string($0.name), "cpu_us": .int(Int64($0.milliseconds * 1000))] })
                ])
            }
            for figure in all { Terminal.out(text(figure)) }
            Terminal.out("slowest:")
            for figure in slowest { Terminal.out("  \(text(figure))") }
        }
    }

    struct SampleLakeCommand: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "lake", abstract: "Write made-up exports of a small label, in the order they would be downloaded.",
            shouldDisplay: false)

        @Argument(help: "An empty folder.") var folder: String

        func run() throws {
            let drops = try SampleLake().write(to: folder)
            Terminal.out("wrote \(Words.count(Int64(drops.count), "drop")) to \(folder)")
        }
    }
}
