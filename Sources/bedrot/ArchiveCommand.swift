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
                With --objects also the received bytes in ledger/objects, with their files in 2_raw and 3_staging, when all captures of \
                them are as old as the longest keep_years (7 at least). Those that gave rows are needed by every rebuild and replay: \
                without them neither gets past the first. They go only when you say so twice.
                """)

        @OptionGroup var options: RootOptions
        @Option(help: "Only versions of this curated file, or of this folder of files.") var file: String?
        @Option(help: "With --dry-run: as if it were this day.", transform: Moments.day) var on: Int64?
        @Flag(help: "Say what is due and remove nothing.") var dryRun = false
        @Flag(help: "Remove what is due.") var yes = false
        @Flag(help: "Also the received bytes in ledger/objects.") var objects = false
        @Flag(help: "With --objects --yes: also bytes that replays need. At a terminal you can type their number instead.")
        var yesTheLogCannotReplayThem = false

        func validate() throws {
            if yesTheLogCannotReplayThem, !objects || !yes {
                throw ValidationError("--yes-the-log-cannot-replay-them is the second word beside --objects --yes")
            }
            if objects, file != nil { throw ValidationError("--file names a curated file; --objects is about what was received: say one") }
            if dryRun == yes { throw ValidationError("say either --dry-run, to see what is due, or --yes, to remove it") }
            if on != nil, !dryRun { throw ValidationError("--on is for --dry-run: what is removed is removed by today's date") }
        }

        func run() throws {
            let day = on ?? Timestamp.now().milliseconds.flooredDay
            let body = { (lake: Lake) -> (Lake.Expiry, Lake.ObjectExpiry?) in
                let bytes = try objects ? lake.objectsDue(on: day) : nil
                if !dryRun, let bytes { try confirm(bytes) }
                return (
                    try lake.expireArchive(on: day, file: file, dryRun: dryRun),
                    try bytes.map { try dryRun ? $0 : lake.expireObjects($0, on: day) }
                )
            }
            let (expiry, bytes) = try dryRun ? options.read(body) : options.write(body)
            if options.json {
                var answer: [String: JSON] = ["removed": .bool(expiry.isDone), "due": .array(expiry.due.map { $0.json })]
                if let bytes { answer["objects"] = .array(bytes.due.map { $0.json }) }
                return try Terminal.json(.object(answer))
            }
            if !expiry.due.isEmpty { Terminal.out(ArchiveText.table(expiry.due)) }
            if let bytes, !bytes.due.isEmpty { Terminal.out(ArchiveText.table(bytes.due)) }
            var counts = [Words.count(Int64(expiry.due.count), "version")]
            if let bytes { counts.append(Words.count(Int64(bytes.due.count), "object")) }
            guard !expiry.due.isEmpty || bytes?.due.isEmpty == false else {
                return Terminal.out("nothing is due on \(CalendarDay.text(day: day))")
            }
            let what = counts.joined(separator: " and ")
            Terminal.out(expiry.isDone ? "removed \(what)" : "dry run: \(what) due, nothing was removed")
            if let bytes, !bytes.needed.isEmpty {
                Terminal.note(ArchiveText.warning(bytes))
            }
        }

        /// The second word for bytes that replays need.
        private func confirm(_ bytes: Lake.ObjectExpiry) throws {
            let count = bytes.needed.count
            guard count > 0, !yesTheLogCannotReplayThem else { return }
            Terminal.note(ArchiveText.warning(bytes))
            if Terminal.canAsk, !options.json, Terminal.read("Type \(count) to remove them all the same") == "\(count)" { return }
            throw LedgerError(
                """
                nothing was removed: say it a second time, with --yes-the-log-cannot-replay-them\
                \(Terminal.canAsk ? " or by typing \(count)" : "")
                """)
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

extension ArchiveText {
    static func table(_ objects: [Lake.ExpirableObject]) -> String {
        var table = TextTable(columns: [
            ("object", .left), ("captures", .left), ("kept until", .left), ("size", .right), ("replay", .left),
        ])
        table.limit = 100
        table.rows = objects.map { object in
            let captures = object.captures.prefix(3).map { "\($0.seq) \($0.name)" } + (object.captures.count > 3 ? ["…"] : [])
            return [
                String(object.object.hex.prefix(12)), captures.joined(separator: ", "), CalendarDay.text(day: object.keepUntil),
                Words.bytes(object.size), object.isNeeded ? "needs it" : "does without",
            ]
        }
        return table.render()
    }

    /// What the removal of needed bytes means.
    static func warning(_ bytes: Lake.ObjectExpiry) -> String {
        let first = bytes.needed.compactMap { $0.captures.first?.seq }.min() ?? 0
        return """
            \(Words.count(Int64(bytes.needed.count), "object")) gave rows: without them rebuild, replay and verify --shadow stop at \
            capture \(first), changed contracts no longer reach their datasets, and none of their captures can be withdrawn. The figures \
            of today stay only as long as the warehouse does. A backup of ledger/ brings them back.
            """
    }
}

extension Lake.ExpirableObject {
    var json: JSON {
        [
            "object": .string(object.hex), "size": .int(size), "captures": .array(captures.map { .int($0.seq) }),
            "keep_until": .string(CalendarDay.text(day: keepUntil)), "needed": .bool(isNeeded),
        ]
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
