import ArgumentParser
import Cleaning
import EventLog
import Ledger
import Projection

struct ArchiveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "archive", abstract: "Superseded curated versions: list, restore, expire.",
        discussion: """
            A curated file that is replaced goes to the archive, compressed, and is kept for 7 years, or as many as the table's \
            `keep_years` says. Each can be made again by replay, whatever happens to the archive.
            """,
        subcommands: [List.self, Restore.self, Expire.self], defaultSubcommand: List.self)

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Every version that was archived, and what has become of it.")

        @OptionGroup var options: RootOptions
        @Option(help: "Only versions of this curated file, or of this folder of files.") var file: String?

        func run() throws {
            let versions = try options.read { try $0.archive(file: file) }
            if options.json { return try Terminal.json(.array(versions.map { $0.json })) }
            guard !versions.isEmpty else { return Terminal.out("nothing is archived\(file.map { " of \($0)" } ?? "")") }
            Terminal.out(ArchiveText.table(versions))
        }
    }

    struct Restore: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Unpack a version, after checking that it is what the log says.",
            discussion: "It is written to reports/, or where --to says; never into a zone.")

        @OptionGroup var options: RootOptions
        @Argument(help: "The version: its event, or its file in the archive.") var version: String
        @Option(help: "File or folder to write to.", completion: .file()) var to: String?

        func run() throws {
            let (found, path) = try options.read { try $0.restoreArchived(version, to: to) }
            if options.json {
                return try Terminal.json(["event": .int(found.event), "file": .string(found.file), "path": .string(path)])
            }
            Terminal.out("restored \(found.file) as it was until \(found.archived.iso.prefix(16)) to \(path)")
        }
    }

    struct Expire: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove versions whose retention date has come.",
            discussion: """
                Say --dry-run to see what is due, --yes to remove it. Each removal is an event (zone.expired), written before the file \
                goes. The log and its objects stay: a removed version can still be made again by replay.
                """)

        @OptionGroup var options: RootOptions
        @Option(help: "Only versions of this curated file, or of this folder of files.") var file: String?
        @Option(help: "With --dry-run: as if it were this day.", transform: Moments.day) var on: Int64?
        @Flag(help: "Say what is due and remove nothing.") var dryRun = false
        @Flag(help: "Remove what is due.") var yes = false
        @Flag(help: "Refused: objects are what every replay reads.") var objects = false

        func validate() throws {
            if dryRun == yes { throw ValidationError("say either --dry-run, to see what is due, or --yes, to remove it") }
            if on != nil, !dryRun { throw ValidationError("--on is for --dry-run: what is removed is removed by today's date") }
        }

        func run() throws {
            guard !objects else {
                throw LedgerError(
                    """
                    refused: the objects in ledger/objects are the bytes that every replay reads; without them nothing could be rebuilt, \
                    explained or proved. Nothing was removed. An archived version holds no object of its own: leave --objects out.
                    """)
            }
            let day = on ?? Timestamp.now().milliseconds.flooredDay
            let body = { (lake: Lake) in try lake.expireArchive(on: day, file: file, dryRun: dryRun) }
            let expiry = try dryRun ? options.read(body) : options.write(body)
            if options.json {
                return try Terminal.json(["removed": .bool(expiry.isDone), "due": .array(expiry.due.map { $0.json })])
            }
            guard !expiry.due.isEmpty else { return Terminal.out("nothing is due on \(CalendarDay.text(day: day))") }
            Terminal.out(ArchiveText.table(expiry.due))
            let count = Words.count(Int64(expiry.due.count), "version")
            Terminal.out(expiry.isDone ? "removed \(count)" : "dry run: \(count) due, nothing was removed")
        }
    }
}

enum ArchiveText {
    static func table(_ versions: [ArchivedVersion]) -> String {
        var table = TextTable(columns: [
            ("event", .right), ("archived", .left), ("file", .left), ("kept until", .left), ("size", .right), ("path", .left),
        ])
        table.limit = 100
        table.rows = versions.map { version in
            let size = version.size.map { Words.bytes($0) } ?? (version.expired.map { "expired by \($0)" } ?? "missing")
            return [
                "\(version.event)", String(version.archived.iso.prefix(16)), version.file, CalendarDay.text(day: version.keepUntil), size,
                version.path,
            ]
        }
        return table.render()
    }
}

extension ArchivedVersion {
    var json: JSON {
        [
            "event": .int(event), "archived": .string(archived.iso), "file": .string(file), "path": .string(path),
            "sha256": .string(digest.hex), "content": content.map { .string($0.hex) } ?? .null,
            "keep_until": .string(CalendarDay.text(day: keepUntil)), "expired": expired.map { .int($0) } ?? .null,
            "size": size.map { .int($0) } ?? .null,
        ]
    }
}
