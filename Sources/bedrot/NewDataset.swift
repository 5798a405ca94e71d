import ArgumentParser
import EventLog
import Ledger
import Projection

extension Zones {
    struct New: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write a first contract for a new dataset from a sample file.",
            discussion: """
                The contract goes into the root's definitions/. Check what it was unsure about, then feed the sample with \
                bedrot ingest. With --projections a fact and a curated table are written too, so that the figures reach 4_curated/ and KPIs.
                """)

        @OptionGroup var options: RootOptions
        @Argument(help: "The dataset: <service>/<dataset>.") var dataset: String
        @Option(name: .customLong("from"), help: "A sample: CSV, TSV or JSON.") var sample: String
        @Flag(help: "Write a fact and a curated table too.") var projections = false

        func run() throws {
            let draft = try options.write { try $0.draftDataset(dataset, from: sample, projections: projections) }
            if options.json {
                try Terminal.json([
                    "dataset": .string(draft.stream), "files": .array(draft.files.map { .string($0) }),
                    "doubts": .array(draft.doubts.map { .string($0) }),
                ])
                return
            }
            for file in draft.files { Terminal.out("wrote \(file)") }
            if !draft.doubts.isEmpty { Terminal.out("not sure about:") }
            for doubt in draft.doubts { Terminal.out("  - \(doubt)") }
            Terminal.out("next: check the contract, then bedrot ingest --account NAME \(sample.shellQuoted)")
        }
    }
}
