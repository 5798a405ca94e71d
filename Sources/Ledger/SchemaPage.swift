package import EventLog
package import Projection

/// What a person can ask for, on one page: tables with their columns, KPIs and curated tables, as the definitions in force have them.
package struct SchemaPage: Sendable {
    package let tables: [TableDescription]
    package let kpis: [KPIDefinition]
    package let curated: [CuratedDefinition]
    package let guards: Guards
    /// SHA-256 over the definitions.
    package let fingerprint: Hash256
    /// The event up to which definitions count, and the label's name.
    package let seq: Int64
    package let label: String
    /// Whether it tells one name only, without what is said of all.
    fileprivate var isPart = false

    /// The part that tells of one table, KPI or curated table; throws with names like it when there is none.
    package func part(_ name: String) throws -> SchemaPage {
        let part = SchemaPage(
            tables: tables.filter { $0.name == name }, kpis: kpis.filter { $0.id == name }, curated: curated.filter { $0.name == name },
            guards: guards, fingerprint: fingerprint, seq: seq, label: label, isPart: true)
        guard part.tables.isEmpty, part.kpis.isEmpty, part.curated.isEmpty else { return part }
        let names = tables.map(\.name) + kpis.map(\.id) + curated.map(\.name)
        throw LedgerError("nothing is called “\(name)”\(NearNames.question(name, in: names)) `bedrot schema` lists all there is")
    }
}

extension Lake {
    /// The page for what the warehouse was made with; before anything was projected, for what the log names.
    package func schema() throws -> SchemaPage {
        let isProjected = try Warehouse.liveGeneration(layout) != nil
        let seq = try isProjected ? projectedTo() : log.read { try $0.head().seq }
        let definitions = try projector.definitions(until: seq)
        return SchemaPage(
            tables: TableDescription.all(definitions), kpis: definitions.kpis.sorted { $0.id < $1.id },
            curated: definitions.curated.sorted { $0.name < $1.name }, guards: definitions.guards,
            fingerprint: definitions.fingerprint { _ in true }, seq: seq, label: try settings().label)
    }

    /// Writes a text for people to a file, never into the ledger's own folders. Gives the path.
    package func write(_ text: String, to path: String) throws -> String {
        try ExportPlace.check(path, layout)
        guard !Files.isFolder(path) else { throw LedgerError("\(path) is a folder; name a file in it") }
        try Files.makeFolder(Files.parent(path))
        try AtomicFile.write(Array(text.utf8), to: path)
        return path
    }
}

// MARK: Writing it down

extension SchemaPage {
    /// A piece of the page; Markdown and HTML are two ways to write the same pieces.
    private enum Piece {
        case heading(Int, String, anchor: String?)
        case paragraph([Run])
        case table([String], [[[Run]]])
    }

    /// Words in a piece: plain, or code.
    private enum Run {
        case plain(String)
        case code(String)
        case link(String, anchor: String)
    }

    private static let groups: [(kind: TableDescription.Kind, title: String, text: String)] = [
        (.fact, "Facts", "What the sources said, one row each. The plain name shows what counts now; NAME_v holds all versions."),
        (.total, "Kept totals", "Sums that are kept beside a fact, so that a question over millions of lines reads a few thousand rows."),
        (.dimension, "Dimensions", "Names, calendars and rates to join facts to."),
        (.reference, "Assumptions", "What people entered with bedrot reference; NAME_v holds all versions."),
        (.view, "Views", "SELECTs over the tables above, under a name."),
        (.kpi, "Values of KPIs", "What every KPI said, at every snapshot."),
        (.books, "Books of the projector", "How the warehouse keeps itself in step with the log. Questions seldom need them."),
    ]

    private static let units: [(String, String)] = [
        ("day", "days since 1970-01-01; `dim_date` has the date"), ("month", "year × 12 + month − 1; `dim_month` has the text"),
        ("count", "a whole number"), ("nano", "a billionth of the unit: 1.5 is 1500000000"),
        ("source value", "the id of a text as the files spell it: `source_value` has the text, `artist_of` and its like the member"),
        ("event", "the seq of an event of the log: `events` has it"), ("private key", "known to this file of the warehouse only"),
        ("text", "as it reads"), ("0 or 1", "no or yes"),
    ]

    private var pieces: [Piece] {
        if isPart { return tables.flatMap { self.pieces(of: $0) } + kpiPieces + curatedPieces }
        var pieces: [Piece] = [
            .heading(1, "Schema of \(label)", anchor: nil),
            .paragraph([
                .plain("Definitions as of event \(seq), fingerprint "), .code(String(fingerprint.hex.prefix(16))),
                .plain(". Empty is “not reported”; 0 is zero."),
            ]),
            .heading(2, "Units", anchor: nil),
            .table(["unit", "stored as"], Self.units.map { [[.plain($0.0)], Self.runs($0.1)] }),
        ]
        for group in Self.groups {
            let members = tables.filter { $0.kind == group.kind }
            guard !members.isEmpty else { continue }
            pieces.append(.heading(2, group.title, anchor: nil))
            pieces.append(.paragraph([.plain(group.text)]))
            for table in members { pieces += self.pieces(of: table) }
        }
        pieces += rulePieces + kpiPieces + curatedPieces
        return pieces
    }

    private func pieces(of table: TableDescription) -> [Piece] {
        var about: [Run] = [.plain("\(table.title).")]
        if !table.key.isEmpty { about += [.plain(" One row per "), .code(table.key.joined(separator: ", ")), .plain(".")] }
        if !table.sources.isEmpty { about.append(.plain(" From \(table.sources.joined(separator: ", ")).")) }
        if table.hasVersions {
            about += [
                .plain(" All versions: "), .code(table.name + "_v"), .plain(" (also "), .code("to_seq"), .plain(", empty while current)."),
            ]
        }
        if let path = table.path { about += [.plain(" Defined in "), .code(path), .plain(".")] }
        return [
            .heading(3, table.name, anchor: table.name), .paragraph(about),
            .table(
                ["column", "unit", "key", "note"],
                table.columns.map {
                    [[.code($0.name)], [.plain($0.unit.word)], [.plain($0.isKey ? "key" : "")], $0.note.map { [.plain($0)] } ?? []]
                }),
        ]
    }

    private var rulePieces: [Piece] {
        var pieces: [Piece] = [.heading(2, "Rules", anchor: nil)]
        let observers = Dictionary(grouping: guards.observers.keys.sorted()) { guards.observers[$0] ?? "" }
        if !observers.isEmpty {
            pieces.append(.paragraph([.plain("The same plays, seen by different observers: a KPI reads one of them.")]))
            pieces.append(
                .table(
                    ["observer", "columns"],
                    observers.sorted { $0.key < $1.key }.map { [[.plain($0.key)], [.code($0.value.joined(separator: ", "))]] }))
        }
        for kpi in kpis where !kpi.compares.isEmpty {
            pieces.append(.paragraph([.code(kpi.id), .plain(" sets \(kpi.compares.joined(separator: " and ")) side by side.")]))
        }
        if !guards.nonAdditive.isEmpty {
            pieces.append(
                .paragraph([
                    .plain("Never summed: "), .code(guards.nonAdditive.sorted().joined(separator: ", ")), .plain("."),
                ]))
        }
        return pieces
    }

    private var kpiPieces: [Piece] {
        guard !kpis.isEmpty else { return [] }
        return [
            .heading(2, "KPIs", anchor: "kpis"),
            .paragraph(Self.runs("Each is a SELECT in a file of its own; `bedrot kpi explain ID` shows it.")),
            .table(
                ["id", "title", "domain", "unit", "better", "by", "window", "formula"],
                kpis.map { kpi in
                    [
                        [.code(kpi.id)], [.plain(kpi.title)], [.plain(kpi.domain)], [.plain(kpi.unit)], [.plain(kpi.direction)],
                        [.plain(kpi.dimensions.joined(separator: ", "))], [.plain(kpi.window ?? "")], [.plain(kpi.formula)],
                    ]
                }),
        ]
    }

    private var curatedPieces: [Piece] {
        guard !curated.isEmpty else { return [] }
        return [
            .heading(2, "Curated tables", anchor: "curated"),
            .paragraph([.plain("Written to 4_curated after every projection.")]),
            .table(
                ["name", "file", "one file per", "kept in the archive"],
                curated.map { table in
                    [
                        [.code(table.name)], [.code(table.file)], table.partition.map { [.code($0)] } ?? [],
                        [.plain("\(table.keepYears) years")],
                    ]
                }),
        ]
    }

    /// Text with code between backquotes.
    private static func runs(_ text: String) -> [Run] {
        text.split(separator: "`", omittingEmptySubsequences: false).enumerated().compactMap { index, part in
            part.isEmpty ? nil : index % 2 == 1 ? .code(String(part)) : .plain(String(part))
        }
    }
}

extension SchemaPage {
    /// The page as Markdown, no line end at its end.
    package var markdown: String {
        func escaped(_ text: String) -> String {
            var out = ""
            for character in text {
                if character.isNewline {
                    out.append(" ")
                } else if character == "<" {
                    out += "&lt;"
                } else {
                    if "\\|*[]`".contains(character) { out.append("\\") }
                    out.append(character)
                }
            }
            return out
        }
        func written(_ runs: [Run]) -> String {
            runs.map { run in
                switch run {
                case .plain(let text): escaped(text)
                // In a table a bar ends the cell even inside code; a backquote would end the code.
                case .code(let text): text.isEmpty ? "" : "`\(text.replacing("`", with: "'").replacing("|", with: "\\|"))`"
                case .link(let text, let anchor): "[\(escaped(text))](#\(anchor))"
                }
            }.joined()
        }
        return pieces.map { piece in
            switch piece {
            case .heading(let level, let text, _): return "\(String(repeating: "#", count: level)) \(escaped(text))"
            case .paragraph(let runs): return written(runs)
            case .table(let heading, let rows):
                let lines = [heading.map(escaped), heading.map { _ in "---" }] + rows.map { $0.map(written) }
                return lines.map { "| \($0.joined(separator: " | ")) |" }.joined(separator: "\n")
            }
        }.joined(separator: "\n\n")
    }

    /// The page as one HTML file: no script, nothing fetched.
    package var html: String {
        func escaped(_ text: String) -> String {
            text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;").replacing("\"", with: "&quot;")
                .replacing("'", with: "&#39;")
        }
        func written(_ runs: [Run]) -> String {
            runs.map { run in
                switch run {
                case .plain(let text): escaped(text)
                case .code(let text): text.isEmpty ? "" : "<code>\(escaped(text))</code>"
                case .link(let text, let anchor): "<a href=\"#\(escaped(anchor))\">\(escaped(text))</a>"
                }
            }.joined()
        }
        let style = """
            body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1c1c1c;background:#fff}
            h1,h2,h3{line-height:1.2}h2{margin-top:3rem}h3{margin-top:2rem;font-family:ui-monospace,monospace}
            table{border-collapse:collapse;width:100%;display:block;overflow-x:auto}
            th,td{text-align:left;vertical-align:top;padding:.25rem .75rem .25rem 0;border-bottom:1px solid #ddd}
            code{font-family:ui-monospace,monospace;font-size:.9em}nav a{margin-right:1rem;display:inline-block}
            @media(prefers-color-scheme:dark){body{color:#e8e8e8;background:#161616}th,td{border-color:#444}a{color:#9cc4ff}}
            """
        let links = tables.filter { $0.kind != .books }.map { Run.link($0.name, anchor: $0.name) }
        var out = [
            "<!doctype html>", "<html lang=\"en\">", "<head>", "<meta charset=\"utf-8\">",
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">",
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
            "<title>\(escaped("Schema of \(label)"))</title>", "<style>\(style)</style>", "</head>", "<body>", "<main>",
        ]
        var contents: String? = (links + [.link("KPIs", anchor: "kpis")]).map { written([$0]) }.joined(separator: "\n")
        for piece in pieces {
            switch piece {
            case .heading(let level, let text, let anchor):
                // Behind the title and what it says.
                if level > 1, let links = contents.take() { out.append("<nav aria-label=\"Tables\">\(links)</nav>") }
                out.append("<h\(level)\(anchor.map { " id=\"\(escaped($0))\"" } ?? "")>\(escaped(text))</h\(level)>")
            case .paragraph(let runs): out.append("<p>\(written(runs))</p>")
            case .table(let heading, let rows):
                out.append("<table>")
                out.append("<thead><tr>\(heading.map { "<th scope=\"col\">\(escaped($0))</th>" }.joined())</tr></thead>")
                out.append("<tbody>")
                out += rows.map { "<tr>\($0.map { "<td>\(written($0))</td>" }.joined())</tr>" }
                out.append("</tbody></table>")
            }
        }
        return (out + ["</main>", "</body>", "</html>"]).joined(separator: "\n") + "\n"
    }

    /// The same facts for programs.
    package var json: JSON {
        [
            "seq": .int(seq), "definitions": .string(fingerprint.hex),
            "tables": .array(
                tables.map { table in
                    [
                        "name": .string(table.name), "kind": .string(table.kind.rawValue), "title": .string(table.title),
                        "path": table.path.map { .string($0) } ?? .null, "key": .array(table.key.map { .string($0) }),
                        "sources": .array(table.sources.map { .string($0) }), "versions": .bool(table.hasVersions),
                        "columns": .array(
                            table.columns.map {
                                [
                                    "name": .string($0.name), "unit": .string($0.unit.word), "key": .bool($0.isKey),
                                    "note": $0.note.map { .string($0) } ?? .null,
                                ]
                            }),
                    ]
                }),
            "kpis": .array(
                kpis.map {
                    [
                        "id": .string($0.id), "title": .string($0.title), "unit": .string($0.unit), "direction": .string($0.direction),
                        "formula": .string($0.formula), "domain": .string($0.domain), "window": $0.window.map { .string($0) } ?? .null,
                        "compares": .array($0.compares.map { .string($0) }), "dimensions": .array($0.dimensions.map { .string($0) }),
                        "path": .string($0.path),
                    ]
                }),
            "curated": .array(curated.map { ["name": .string($0.name), "file": .string($0.file), "path": .string($0.path)] }),
        ]
    }
}
