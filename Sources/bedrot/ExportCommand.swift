import ArgumentParser
import EventLog
import Ledger
import Projection

struct Export: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write a table, a KPI or a curated table to a file, with a manifest.",
        discussion: """
            `bedrot export NAME` means `bedrot export table NAME`; its options are in `bedrot export table --help`.
              bedrot export revenue_net --known-at 2025-08-close --to close/
              bedrot export statement --month 2025-08
            """,
        subcommands: [Table.self, ExportStatement.self], defaultSubcommand: Table.self)

    struct Table: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Any fact, total, dimension, view, KPI or curated table.",
            discussion: """
                Values are written as people read them: days, months, amounts as decimals, source values as text. A KPI has its exact \
                num and den beside the rounded value. NAME.manifest.json beside the file says what it holds: digest, rows, columns with \
                units, what was known when, and under which definitions. The same question always gives the same bytes.
                """)

        @OptionGroup var options: RootOptions
        @Argument(help: "What to write; table:NAME, kpi:NAME or curated:NAME where two share a name.") var name: String
        @Option(help: "File or folder to write to. Default: reports/ of the root.", completion: .file()) var to: String?
        @Option(help: "csv or ndjson.") var format = ExportRows.Format.csv
        @Option(help: "Of a KPI: the day reported on. Default: the newest snapshot's.", transform: Moments.day) var day: Int64?
        @Option(help: KnownAt.help) var knownAt: String?

        func run() throws {
            var request = ExportRequest(name)
            // A slash at the end says that a folder is meant, which need not be there yet.
            request.target = to.map { RootOptions.absolute($0) + ($0.hasSuffix("/") ? "/" : "") }
            request.format = format
            request.day = day
            request.knownAt = knownAt
            let report = try options.read { try $0.export(request) }
            if options.json {
                return try Terminal.json([
                    "path": .string(report.path), "manifest_path": .string(report.manifestPath), "manifest": report.manifest,
                ])
            }
            Terminal.out(
                """
                wrote \(Words.count(report.rows, "row")) to \(report.path), as known at event \(report.moment.seq) of \
                \(report.moment.time.iso.prefix(16))
                """)
            if !options.quiet { Terminal.note("sha-256 \(report.digest.hex); what it holds: \(Files.name(report.manifestPath))") }
        }
    }
}

extension ExportRows.Format: ExpressibleByArgument {}
