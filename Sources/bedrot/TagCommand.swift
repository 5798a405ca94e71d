import ArgumentParser
import EventLog
import Ledger

struct TagCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tag", abstract: "Name a position of the log; without a name, list the tags.",
        discussion: """
            A tag says what was known then, and every --known-at takes it:
              bedrot tag 2025-08-close --note "August as reported to the artists"
              bedrot kpi show revenue_net --known-at 2025-08-close
            A tag is an event, so its history stays: bedrot events --type 'tag.*'
            """)

    @OptionGroup var options: RootOptions
    @Argument(help: "The tag: a to z, 0 to 9, “.”, “_”, “-”; never what reads as an event or a time.") var name: String?
    @Option(help: "What to name: \(KnownAt.words). Default: the log's head.") var at: String?
    @Option(help: "Why, in a few words. It stays in the log.") var note: String?
    @Flag(help: "Let a tag that names another position move.") var force = false
    @Flag(help: "Take the name back.") var delete = false

    func validate() throws {
        if name == nil, delete || force || at != nil || note != nil {
            throw ValidationError("say which tag, such as bedrot tag 2025-08-close")
        }
        if delete, force || at != nil || note != nil { throw ValidationError("--delete takes the name and nothing else") }
    }

    func run() throws {
        guard let name else { return try list() }
        if delete {
            let tag = try options.write { try $0.removeTag(name) }
            if options.json { return try Terminal.json(tag.json) }
            return Terminal.out("the tag \(name) is gone; it named event \(tag.moment.seq)")
        }
        let tag = try options.write { try $0.setTag(name, at: at, note: note, force: force) }
        if options.json { return try Terminal.json(tag.json) }
        Terminal.out("\(name) names event \(tag.moment.seq) of \(tag.moment.time.iso.prefix(16)) (event \(tag.event))")
    }

    private func list() throws {
        let tags = try options.read { try $0.tags() }
        if options.json { return try Terminal.json(.array(tags.map(\.json))) }
        guard !tags.isEmpty else { return Terminal.out("no position has a name; give it one: bedrot tag NAME") }
        var table = TextTable(columns: [
            ("tag", .left), ("event", .right), ("time", .left), ("set", .left), ("moved", .right), ("note", .left),
        ])
        table.rows = tags.map {
            [
                $0.name, "\($0.moment.seq)", String($0.moment.time.iso.prefix(16)), String($0.set.iso.prefix(16)),
                $0.moves == 0 ? "" : Words.count(Int64($0.moves), "time"), $0.note ?? "",
            ]
        }
        Terminal.out(table.render())
    }
}

extension Tag {
    fileprivate var json: JSON {
        [
            "name": .string(name), "seq": .int(moment.seq), "id": .string(moment.id.hex), "time": .string(moment.time.iso),
            "note": note.map { .string($0) } ?? .null, "event": .int(event), "set": .string(set.iso), "moves": .int(Int64(moves)),
        ]
    }
}

/// What every `--known-at` says in its help.
enum KnownAt {
    static let words = "an event's seq, a time (RFC 3339), a day (its end) or a tag"
    static let help: ArgumentHelp = "As known at \(words). Default: now."
}
