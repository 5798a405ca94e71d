import ArgumentParser
import Cleaning
import EventLog
import Glibc
import LedgerTesting

struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure this machine: the log, the cleaner; or make a sample lake.",
        discussion: "Figures are per second of CPU time unless they say otherwise. ops/bench compares whole jobs with other tools.",
        subcommands: [Log.self, Clean.self, SampleLakeCommand.self])

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
