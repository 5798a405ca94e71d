import ArgumentParser
import EventLog
import Ledger

/// `bedrot keys`: the keys that stand between persons and their pseudonyms.
struct Keys: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Keys that replace personal values by pseudonyms before anything is stored.",
        discussion: """
            Contracts name groups of persons (personal: GROUP). Values of a group become p1:GROUP:KEY:HEX, a keyed hash. The key lies in \
            keys/GROUP.key (0600) or in the variable BEDROT_KEY_<GROUP> (64 hexadecimal digits). Back keys/ up apart from ledger/: \
            without the key the same person cannot be recognised in new files.
            """,
        subcommands: [Create.self, List.self, Open.self, Erase.self])

    struct Create: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Make the key of a group.")

        @OptionGroup var options: RootOptions
        @Argument(help: "The group, as contracts name it.") var group: String

        func run() throws {
            let id = try options.write { try $0.createKey(group) }
            if options.json {
                try Terminal.json(["group": .string(group), "key": .string(id)])
            } else {
                Terminal.out("key \(id) of \(group) is in keys/\(group).key; back it up apart from ledger/")
            }
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "The keys at hand.")

        @OptionGroup var options: RootOptions

        func run() throws {
            let keys = try options.read { try $0.keys() }
            if options.json {
                try Terminal.json(.array(keys.map { ["group": .string($0.group), "key": .string($0.id)] }))
            } else if keys.isEmpty {
                Terminal.out("no keys; a contract with personal columns needs one: bedrot keys create GROUP")
            } else {
                for key in keys { Terminal.out("\(key.id)  \(key.group)") }
            }
        }
    }

    struct Open: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Print what a sealed original in landing holds.")

        @OptionGroup var options: RootOptions
        @Argument(help: "The .sealed file.") var file: String
        @Option(help: "The group whose key sealed it.") var group: String

        func run() throws {
            let bytes = try options.read { try $0.unsealed(file, group: group) }
            Terminal.out(bytes: bytes)
        }
    }

    struct Erase: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Destroy the key of a group: its persons can never be told again.",
            discussion: "Every replay, also of the past, then reads their values as erased. This cannot be undone.")

        @OptionGroup var options: RootOptions
        @Argument(help: "The group.") var group: String
        @Option(help: "Why; kept in the log.") var reason: String
        @Flag(help: "Really destroy it.") var yes = false

        func validate() throws {
            guard yes else { throw ValidationError("this cannot be undone; repeat with --yes") }
        }

        func run() throws {
            let seq = try options.write { lake in
                let seq = try lake.eraseSubjects(group, reason: reason)
                _ = try lake.project(trusting: [])
                return seq
            }
            if options.json {
                try Terminal.json(["event": .int(seq), "group": .string(group)])
            } else {
                Terminal.out("the key of \(group) is destroyed (event \(seq)); its values read p1:\(group):erased")
            }
        }
    }
}
