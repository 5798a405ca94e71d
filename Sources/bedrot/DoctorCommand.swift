import ArgumentParser
import EventLog
import Ledger
import Projection

struct Doctor: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "How the root is: sizes, free disk, versions, clock, definitions.",
        discussion: "Exit code 2 when something should be looked at. `doctor contracts` reads every definition file and lists all errors.",
        subcommands: [State.self, Contracts.self], defaultSubcommand: State.self)

    struct State: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "state", abstract: "Sizes, free disk, versions, clock, definitions.")

        @OptionGroup var options: RootOptions

        func run() throws {
            let layout = try options.layout()
            let report = try options.read { try $0.doctor(program: Bedrot.configuration.version) }
            if options.json { try Terminal.json(DoctorText.json(report)) } else { DoctorText.print(report, layout) }
            if !report.concerns.isEmpty { throw degraded }
        }
    }

    struct Contracts: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Read all definitions and list everything that is wrong in them.",
            discussion:
                """
                Works without a data root too. SQL that not every engine runs is an error in a shipped file and a warning in a user's own \
                (definitions/ of the root). Exit code 1 when there is an error.
                """)

        @OptionGroup var options: RootOptions

        func run() throws {
            let layout = (try? options.layout()) ?? Layout(root: RootOptions.absolute("."))
            let doctor = try DefinitionDoctor(layout, definitions: options.definitions)
            let errors = doctor.findings.count { !$0.finding.isWarning }
            if options.json {
                try Terminal.json(.array(doctor.findings.map { DoctorText.json($0.file, $0.finding) }))
            } else {
                for (file, finding) in doctor.findings {
                    let place = "\(file)\(finding.line.map { ":\($0)" } ?? "")\(finding.column.map { ":\($0)" } ?? "")"
                    let what = "\(finding.isWarning ? "warning: " : "")\(finding.key.isEmpty ? "" : "\(finding.key): ")"
                    Terminal.out("\(place): \(what)\(finding.message)")
                    if let suggestion = finding.suggestion { Terminal.out("    \(suggestion)") }
                }
                if !options.quiet {
                    let files = Words.count(Int64(doctor.files), "definition file")
                    let warnings = doctor.findings.count - errors
                    Terminal.note(
                        """
                        \(files), \(errors == 0 ? "no error" : Words.count(Int64(errors), "error"))\
                        \(warnings == 0 ? "" : ", \(Words.count(Int64(warnings), "warning"))")
                        """)
                }
            }
            if errors > 0 { throw ExitCode(1) }
        }
    }
}

private enum DoctorText {
    static func print(_ report: DoctorReport, _ layout: Layout) {
        Terminal.out("root \(layout.root)")
        var table = TextTable(columns: [("part", .left), ("size", .right), ("files", .right)])
        for part in report.parts { table.rows.append([part.name, Words.bytes(part.bytes), Words.grouped(Int64(part.files))]) }
        Terminal.out(table.render())
        Terminal.out("free on its disk: \(Words.bytes(report.freeBytes))")
        if let objects = report.parts.first(where: { $0.name == "ledger/objects" }) {
            Terminal.out("objects: \(Words.grouped(Int64(objects.files))), \(Words.bytes(objects.bytes))")
        }
        if let pages = report.warehouse {
            let size = Words.bytes(pages.size * pages.count)
            Terminal.out("warehouse: \(size) in \(Words.count(pages.count, "page")), \(Words.grouped(pages.free)) free")
        }
        let lag = report.events - report.projected
        Terminal.out(
            "events: \(Words.grouped(report.events)), projected to \(Words.grouped(report.projected)), \(Words.grouped(lag)) not projected")
        if let first = report.firstEvent, let last = report.lastEvent { Terminal.out("oldest event \(first.iso), newest \(last.iso)") }
        Terminal.out("clock: \(report.now.iso), last event \(report.lastEvent?.iso ?? "none"), reporting zone \(report.zone)")
        for version in report.versions { Terminal.out("\(version.name): \(version.value)") }
        for (folder, files) in report.definitions { Terminal.out("definitions: \(Words.count(Int64(files), "file")) in \(folder)") }
        for concern in report.concerns { Terminal.note("look at: \(concern)") }
        if report.concerns.isEmpty { Terminal.out("nothing needs a person") }
    }

    static func json(_ report: DoctorReport) -> JSON {
        [
            "parts": .object(
                Dictionary(
                    report.parts.map { ($0.name, JSON.object(["bytes": .int($0.bytes), "files": .int(Int64($0.files))])) },
                    uniquingKeysWith: { $1 })),
            "events": .int(report.events), "projected": .int(report.projected), "free_bytes": .int(report.freeBytes),
            "versions": .object(Dictionary(report.versions.map { ($0.name, JSON.string($0.value)) }, uniquingKeysWith: { $1 })),
            "now": .string(report.now.iso), "last_event": report.lastEvent.map { .string($0.iso) } ?? .null,
            "first_event": report.firstEvent.map { .string($0.iso) } ?? .null,
            "warehouse": report.warehouse.map {
                ["page_bytes": .int($0.size), "pages": .int($0.count), "free_pages": .int($0.free)]
            } ?? .null, "zone": .string(report.zone),
            "definitions": .array(report.definitions.map { ["folder": .string($0.folder), "files": .int(Int64($0.files))] }),
            "concerns": .array(report.concerns.map { .string($0) }),
        ]
    }

    static func json(_ file: String, _ finding: DefinitionFinding) -> JSON {
        var body: [String: JSON] = [
            "file": .string(file), "key": .string(finding.key), "message": .string(finding.message),
            "severity": finding.isWarning ? "warning" : "error",
        ]
        if let line = finding.line { body["line"] = .int(Int64(line)) }
        if let column = finding.column { body["column"] = .int(Int64(column)) }
        if let construct = finding.construct { body["construct"] = .string(construct) }
        if let suggestion = finding.suggestion { body["suggestion"] = .string(suggestion) }
        return .object(body)
    }
}
