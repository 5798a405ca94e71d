import ArgumentParser
import Cleaning
import EventLog
import Ledger
import Projection

extension Reference {
    struct Set: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Set a row of a table of assumptions.",
            discussion: """
                Columns that are not named keep what they hold; an empty value clears one.
                  bedrot reference set goal goal=streams_year from_day=2025-01-01 until_day=2026-01-01 target=1500000
                  bedrot reference set split track=QZBDR2400001 payee="Anna" from_day=2025-01-01 share=0.4
                Persons are stored as pseudonyms: bedrot keys create payee.
                """)

        @OptionGroup var options: RootOptions
        @Argument(help: "The table.") var kind: String
        @Argument(help: "column=value.") var cells: [String]

        func run() throws {
            let row = try Reference.cells(cells)
            try Reference.change(options) { try $0.changeReference(kind, [(place: "reference set", cells: row)]) }
        }
    }

    struct Remove: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take a row of a table of assumptions away, from now on.", discussion: "Its key names it: column=value for each part."
        )

        @OptionGroup var options: RootOptions
        @Argument(help: "The table.") var kind: String
        @Argument(help: "column=value, the parts of the key.") var key: [String]

        func run() throws {
            let row = try Reference.cells(key)
            try Reference.change(options) { try $0.changeReference(kind, [(place: "reference remove", cells: row)], remove: true) }
        }
    }

    struct Import: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Enter many assumptions from a CSV whose heading names the columns.",
            discussion: """
                One wrong line, and nothing is entered; rows that are known already are left out.
                  bedrot reference import rates FILE      currency, date, usd
                  bedrot reference import track FILE      title, artist, isrc, upc, release_day, …
                """)

        @OptionGroup var options: RootOptions
        @Argument(help: "The table, or rates.") var kind: String
        @Argument(help: "The file.", completion: .file(extensions: ["csv"])) var file: String

        func run() throws {
            if ["rate", "rates"].contains(kind) { return try Reference.enter(try options.read { try $0.readRates(file) }, options) }
            let records = try CommaFile(file).records
            try Reference.change(options) { lake in
                try lake.changeReference(kind, records.map { (place: $0.place, cells: $0.cells) })
            }
        }
    }

    struct History: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Every change of a table's rows: when, by whom, from what to what.")

        @OptionGroup var options: RootOptions
        @Argument(help: "The table.") var kind: String
        @Argument(help: "column=value, to see only such rows.") var filter: [String] = []

        func run() throws {
            let filter = try Reference.cells(filter)
            let (table, steps) = try options.read { lake in
                let table = try lake.referenceTable(kind)
                return (table, try lake.referenceHistory(table, filter: filter))
            }
            func json(_ cells: [String: String]?) -> JSON { cells.map { .object($0.mapValues { .string($0) }) } ?? .null }
            if options.json {
                return try Terminal.json(
                    .array(
                        steps.map {
                            [
                                "seq": .int($0.seq), "time": .string($0.time), "actor": .string($0.actor), "before": json($0.before),
                                "after": json($0.after),
                            ]
                        }))
            }
            guard !steps.isEmpty else { return Terminal.out("no event changed \(kind)") }
            var rows = TextTable(columns: [("event", .right), ("time", .left), ("by", .left), ("row", .left), ("change", .left)])
            rows.rows = steps.map { step in
                let cells = step.after ?? step.before ?? [:]
                let change = table.values.compactMap { column -> String? in
                    let (before, after) = (step.before?[column.name], step.after?[column.name])
                    guard before != after else { return nil }
                    return "\(column.name) \(before.map { "\($0) → " } ?? "")\(after ?? "–")"
                }
                return [
                    "\(step.seq)", step.time, step.actor, table.key.map { cells[$0.name] ?? "" }.joined(separator: ", "),
                    step.after == nil ? "taken away" : change.joined(separator: "; "),
                ]
            }
            Terminal.out(rows.render())
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "What is in force of a table; without one, the tables.",
            discussion: "Also: rate, account, currency, artist-names, titles.")

        @OptionGroup var options: RootOptions
        @Argument(help: "The table.") var kind: String?

        func run() throws {
            switch kind {
            case nil: try listTables()
            case "rate", "rates": try listRates()
            case "account": try listNames("account")
            case "currency": try listNames("currency")
            case "artist-names": try listNames("artist")
            case "titles": try listNames("title")
            case let kind?: try listRows(kind)
            }
        }

        private func listTables() throws {
            let tables = try options.read { lake in
                try lake.referenceTables().map { (table: $0, rows: try lake.referenceRows($0).count) }
            }
            if options.json {
                return try Terminal.json(
                    .array(
                        tables.map { table, rows in
                            [
                                "kind": .string(table.kind), "title": .string(table.title), "rows": .int(Int64(rows)),
                                "key": .array(table.key.map { .string($0.name) }),
                                "columns": .array(table.columns.map { .string($0.name) }),
                            ]
                        }))
            }
            var text = TextTable(columns: [("table", .left), ("rows", .right), ("what", .left), ("key; columns", .left)])
            text.rows = tables.map { table, rows in
                [
                    table.kind, "\(rows)", table.title,
                    "\(table.key.map(\.name).joined(separator: ", ")); \(table.values.map(\.name).joined(separator: ", "))",
                ]
            }
            Terminal.out(text.render())
        }

        private func listRows(_ kind: String) throws {
            let (table, rows) = try options.read { lake in
                let table = try lake.referenceTable(kind)
                return (table, try lake.referenceRows(table))
            }
            if options.json {
                return try Terminal.json(
                    .array(rows.map { .object($0.cells.mapValues { .string($0) }.merging(["seq": .int($0.seq)]) { $1 }) }))
            }
            guard !rows.isEmpty else {
                return Terminal.out(
                    "\(kind) has no row; set one: bedrot reference set \(kind) \(table.key.map { "\($0.name)=…" }.joined(separator: " "))")
            }
            var text = TextTable(
                columns: table.columns.map { ($0.name, [.nano, .count].contains($0.type) ? .right : .left) } + [("event", .right)])
            text.rows = rows.map { row in table.columns.map { row.cells[$0.name] ?? "–" } + [row.seq == 0 ? "shipped" : "\(row.seq)"] }
            Terminal.out(text.render())
        }

        private func listRates() throws {
            let rates = try options.read { try $0.rates() }
            if options.json {
                return try Terminal.json(
                    .array(
                        rates.map {
                            [
                                "currency": .string($0.currency), "date": .string(CalendarDay.text(day: $0.day)),
                                "usd": .string(CellText.nano($0.nano)),
                            ]
                        }))
            }
            guard !rates.isEmpty else { return Terminal.out("no rate is known; enter one: bedrot reference rate EUR DAY USD") }
            var table = TextTable(columns: [("currency", .left), ("from", .left), ("USD for one", .right)])
            table.rows = rates.map { [$0.currency, CalendarDay.text(day: $0.day), CellText.nano($0.nano)] }
            Terminal.out(table.render())
        }

        private func listNames(_ kind: String) throws {
            let names = try options.read { try $0.names(kind) }
            if options.json {
                return try Terminal.json(
                    .array(
                        names.map {
                            [
                                "service": .string($0.service), "name": .string($0.value), "member": .string($0.member),
                                "seq": .int($0.seq),
                            ]
                        }))
            }
            guard !names.isEmpty else { return Terminal.out("no \(kind) has another name") }
            var table = TextTable(columns: [("service", .left), ("name", .left), ("is", .left), ("event", .right)])
            table.rows = names.map { [$0.service, $0.value, $0.member, "\($0.seq)"] }
            Terminal.out(table.render())
        }
    }

    /// `column=value` pairs.
    static func cells(_ pairs: [String]) throws -> [String: String] {
        var cells: [String: String] = [:]
        for pair in pairs {
            guard let equals = pair.firstIndex(of: "=") else { throw ValidationError("“\(pair)” is not column=value") }
            guard cells.updateValue(String(pair[pair.index(after: equals)...]), forKey: String(pair[..<equals])) == nil else {
                throw ValidationError("\(pair[..<equals]) is given twice")
            }
        }
        return cells
    }

    static func change(_ options: RootOptions, _ change: (Lake) throws -> ReferenceReport) throws {
        let report = try options.write { lake in
            let report = try change(lake)
            if !report.seqs.isEmpty { _ = try lake.project() }
            return report
        }
        if options.json {
            return try Terminal.json([
                "events": .array(report.seqs.map { .int($0) }), "changed": .int(Int64(report.changed)), "known": .int(Int64(report.known)),
                "remarks": .array(report.remarks.map { .string($0) }),
            ])
        }
        let events =
            report.seqs.count > 1
            ? "events \(report.seqs[0]) to \(report.seqs[report.seqs.count - 1])" : report.seqs.first.map { "event \($0)" }
        Terminal.out(
            "changed \(Words.count(Int64(report.changed), "row or name", "rows and names"))"
                + (report.known > 0 ? ", \(report.known) known already" : "") + (events.map { " (\($0))" } ?? ""))
        for remark in report.remarks { Terminal.note(remark) }
    }
}

extension Artist {
    struct Add: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Enter an artist: name, Spotify id, handles, splits, in one event; shows which rows it resolves.",
            discussion: """
                Asks at a terminal for what is not given. Handles and splits may be given several times:
                  bedrot artist add "ZONE A0" --spotify-id 62owJQCD2XzVB2o19CVsFM --handle tiktok=zone.a0 \\
                    --split track=QZBDR2400001,payee=Anna,from_day=2025-01-01,share=0.4
                A collaboration names its members: --member "ZONE A0=0.5" --member "SXNCTUARY=0.5"
                """)

        @OptionGroup var options: RootOptions
        @Argument(help: "The name, as on releases.") var name: String?
        @Option(help: "The Spotify id.") var spotifyId: String?
        @Option(name: .customLong("handle"), help: "service=name or id there.") var handles: [String] = []
        @Option(name: .customLong("split"), help: "track=…,payee=…,from_day=…,share=…") var splits: [String] = []
        @Option(name: .customLong("member"), help: "Of a collaboration: artist=share.") var members: [String] = []

        func run() throws {
            var (name, id, handles, splits) = (name, spotifyId, handles, splits)
            if Terminal.canAsk, !options.json {
                if name == nil { name = Terminal.answer("name, as on releases") }
                if id == nil { id = Terminal.answer("Spotify id (empty: none)") }
                if handles.isEmpty { handles = Self.many("handle as service=name (empty: no more)") }
                if splits.isEmpty { splits = Self.many("split as track=…,payee=…,from_day=…,share=… (empty: no more)") }
            }
            guard let name else { throw ValidationError("name the artist: bedrot artist add NAME") }
            func pair(_ text: String) throws -> (String, String) {
                guard let equals = text.lastIndex(of: "=") else { throw ValidationError("“\(text)” is not name=value") }
                return (String(text[..<equals]), String(text[text.index(after: equals)...]))
            }
            let rows = try splits.map { try Reference.cells($0.split(separator: ",").map(String.init)) }
            let (seq, member, resolved) = try options.write { lake in
                let added = try lake.addArtist(
                    name, spotifyID: id, handles: try handles.map(pair), splits: rows, members: try members.map(pair))
                if added.seq != nil { _ = try lake.project() }
                return (added.seq, added.member, try lake.resolvedRows(added.member))
            }
            if options.json {
                return try Terminal.json([
                    "seq": seq.map { .int($0) } ?? .null, "member": .string(member),
                    "resolved": .array(
                        resolved.map {
                            [
                                "fact": .string($0.fact), "value": .string($0.value), "service": .string($0.service), "rows": .int($0.rows),
                            ]
                        }),
                ])
            }
            Terminal.out(seq.map { "event \($0): \(name) is \(member)" } ?? "\(name) (\(member)) was known just so")
            guard !resolved.isEmpty else { return Terminal.out("no row names this artist yet") }
            var table = TextTable(columns: [("rows that are this artist’s", .left), ("under", .left), ("of", .left), ("rows", .right)])
            table.rows = resolved.map { [$0.fact, $0.value, $0.service.isEmpty ? "all" : $0.service, "\($0.rows)"] }
            Terminal.out(table.render())
        }

        private static func many(_ question: String) -> [String] {
            var answers: [String] = []
            while let answer = Terminal.answer(question) { answers.append(answer) }
            return answers
        }
    }
}
