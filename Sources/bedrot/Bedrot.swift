import ArgumentParser
import EventLog
import Glibc
import Ledger
import Projection

@main
struct Bedrot: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bedrot",
        abstract: "A ledger for music labels: every figure can be traced, explained and reproduced.",
        discussion: """
            Files come in (ingest), an append-only event log grows, and everything a person looks at is rebuilt from it (project, rebuild).

            The data root is --root, else PROJECT_ROOT, else the nearest folder upwards that holds ledger/.
            Exit codes: 0 ok, 1 failed, 2 degraded (something needs a person), 64 usage.
            Environment: PROJECT_ROOT; BEDROT_DEFINITIONS (folder with zones/ and projections/); LANDING_ZONE, RAW_ZONE, STAGING_ZONE, \
            CURATED_ZONE, ARCHIVE_ZONE (other names for the zone folders); BEDROT_KEY_<GROUP> (the key of a group of persons, instead of \
            keys/).
            """,
        version: "0.1.0",
        groupedSubcommands: [
            CommandGroup(
                name: "Feeding",
                subcommands: [
                    Init.self, Ingest.self, Watch.self, Retract.self, Reinstate.self, Zones.self, Artist.self, Reference.self, Keys.self,
                ]),
            CommandGroup(name: "Projecting", subcommands: [Project.self, Rebuild.self, Replay.self, DigestCommand.self, Verify.self]),
            CommandGroup(
                name: "Asking",
                subcommands: [
                    Events.self, Show.self, Lineage.self, Restatements.self, Coverage.self, KPI.self, Alerts.self, Goals.self, Query.self,
                    Export.self, Schema.self,
                ]),
            CommandGroup(name: "Keeping", subcommands: [TagCommand.self, ArchiveCommand.self]),
            CommandGroup(name: "Measuring", subcommands: [Doctor.self, Bench.self]),
        ])

    static func main() {
        do {
            let arguments = leadingOptionsLast(Array(CommandLine.arguments.dropFirst()))
            try checkCommand(arguments)
            var command = try parseAsRoot(arguments)
            try command.run()
        } catch let code as ExitCode {
            exit(withError: code)
        } catch let error as LedgerError {
            Terminal.note("Error: \(error)")
            exit(withError: ExitCode(1))
        } catch {
            exit(withError: error)
        }
    }

    /// Names a command that does not exist: the parser would blame the first option behind it.
    static func checkCommand(_ arguments: [String]) throws {
        var words = ["bedrot"]
        var command: any ParsableCommand.Type = Bedrot.self
        for word in arguments {
            let known = command.configuration.subcommands
            guard !known.isEmpty, !word.hasPrefix("-"), word != "help" else { return }
            func name(_ command: any ParsableCommand.Type) -> String {
                command.configuration.commandName ?? String(describing: command).lowercased()
            }
            if let next = known.first(where: { name($0) == word }) {
                command = next
                words.append(word)
                continue
            }
            guard command.configuration.defaultSubcommand == nil else { return }
            let names = known.map(name)
            let near = names.filter { NearNames.distance($0, word) <= 2 }.sorted().joined(separator: " or ")
            let parent = words.joined(separator: " ")
            throw ValidationError(
                """
                “\(parent)” has no command “\(word)”\(near.isEmpty ? "" : "; did you mean \(near)?")
                Known: \(names.joined(separator: ", ")). See '\(parent) --help'.
                """)
        }
    }
}

/// `bedrot --root DIR kpi list` means `bedrot kpi list --root DIR`: options before the command go behind it.
func leadingOptionsLast(_ arguments: [String]) -> [String] {
    var leading: [String] = []
    var rest = arguments[...]
    while let first = rest.first {
        if ["--root", "--definitions"].contains(first), rest.count > 1 {
            leading += rest.prefix(2)
            rest = rest.dropFirst(2)
        } else if ["--json", "--quiet", "-q"].contains(first) || first.hasPrefix("--root=") || first.hasPrefix("--definitions=") {
            leading.append(first)
            rest = rest.dropFirst()
        } else {
            break
        }
    }
    guard rest.first.map({ !$0.hasPrefix("-") }) ?? false else { return arguments }
    guard let terminator = rest.firstIndex(of: "--") else { return rest + leading }
    return rest[..<terminator] + leading + rest[terminator...]
}

/// Something needs a person.
let degraded = ExitCode(2)

/// Options of every command that works on a root.
struct RootOptions: ParsableArguments {
    @Option(help: "The data root. Default: PROJECT_ROOT, else the nearest folder upwards that holds ledger/.")
    var root: String?

    @Option(help: "Folder with zones/ and projections/ instead of the shipped ones.")
    var definitions: String?

    @Flag(help: "Print JSON.")
    var json = false

    @Flag(name: .shortAndLong, help: "Print results only, no bar and no remarks.")
    var quiet = false

    /// Where the root is; refuses to choose between two.
    func layout(creating: Bool = false) throws -> Layout {
        let environment = Self.environment
        if let root { return Layout(root: Self.absolute(root), environment: environment) }
        let named = environment["PROJECT_ROOT"].flatMap { $0.isEmpty ? nil : Self.absolute($0) }
        let found = creating ? nil : Self.nearest()
        if let named, let found, named != found {
            throw LedgerError(
                "two data roots are meant: PROJECT_ROOT says \(named), but the working folder is inside \(found); say which with --root")
        }
        guard let root = named ?? found else {
            if creating { return Layout(root: Self.workingFolder, environment: environment) }
            throw LedgerError(
                """
                no data root: neither --root nor PROJECT_ROOT is given and no folder upwards holds ledger/; make one: bedrot \
                --root DIR init --label NAME
                """
            )
        }
        return Layout(root: root, environment: environment)
    }

    /// A path as the shell gave it, from the root of the file system on.
    static func absolute(_ path: String) -> String {
        if path.hasPrefix("/") { return path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path }
        let trimmed = path.hasSuffix("/") ? String(path.dropLast()) : path
        return trimmed == "." ? workingFolder : "\(workingFolder)/\(trimmed)"
    }

    private static func nearest() -> String? {
        var folder = workingFolder
        while true {
            if Files.isFolder("\(folder)/ledger/log") { return folder }
            guard folder != "/" else { return nil }
            folder = Files.parent(folder).isEmpty ? "/" : Files.parent(folder)
        }
    }

    private static var workingFolder: String {
        guard let path = getcwd(nil, 0) else { return "." }
        defer { free(path) }
        return String(cString: path)
    }

    static var environment: [String: String] {
        var found: [String: String] = [:]
        for name in ["PROJECT_ROOT"] + Layout.Zone.allCases.map(\.variable) {
            if let value = getenv(name) { found[name] = String(cString: value) }
        }
        return found
    }

    /// Opens the lake for reading.
    func read<R>(_ body: (Lake) throws -> R) throws -> R {
        let lake = try Lake.open(try layout(), mode: .readOnly, definitions: definitions)
        defer { lake.close() }
        return try body(lake)
    }

    /// Opens the lake for writing; prints the root first.
    func write<R>(_ body: (Lake) throws -> R) throws -> R {
        let layout = try layout()
        if !json, !quiet { Terminal.note("root \(layout.root)") }
        let lake = try Lake.open(layout, mode: .readWrite, definitions: definitions)
        defer { lake.close() }
        let bar = Bar(quiet: quiet || json)
        lake.progress = { bar.update($0, $1, $2) }
        defer {
            bar.clear()
            if !quiet { for warning in lake.definitionWarnings { Terminal.note("not portable: \(warning)") } }
        }
        return try body(lake)
    }
}
