/// What a person must know of one table or view of the warehouse to ask it: the schema page and every export are written from these.
package struct TableDescription: Sendable {
    /// What a table is for.
    package enum Kind: String, CaseIterable, Sendable {
        /// Rows as the sources gave them; kept sums of them; names and calendars; assumptions of people; views over these; values of KPIs;
        /// the projector's own books.
        case fact, total, dimension, reference, view, kpi, books
    }

    /// How a stored value reads.
    package enum Unit: Hashable, Sendable {
        case day, month, count, nano, flag, text, seq
        /// An id of `source_value`; the text is what the files say. The kind tells which texts.
        case source(String)
        /// Known to this file of the warehouse only: never shown, never exported.
        case privateKey
        /// An integer or text in another unit, by its name.
        case other(String)

        /// `day`, `month`, `count`, `nano` (or `nano-USD` and its like), `flag`, `text`, `seq`, `private`, `source:<kind>`, or another.
        package init(_ word: String) {
            switch word {
            case "day": self = .day
            case "month": self = .month
            case "count": self = .count
            case "nano": self = .nano
            case "flag": self = .flag
            case "text": self = .text
            case "seq": self = .seq
            case "key", "private": self = .privateKey
            case _ where word.hasPrefix("nano-"): self = .nano
            case _ where word.hasPrefix("source:"): self = .source(String(word.dropFirst(7)))
            default: self = .other(word)
            }
        }

        init(_ storage: FactDefinition.Storage) {
            switch storage {
            case .day: self = .day
            case .month: self = .month
            case .count: self = .count
            case .nano: self = .nano
            case .flag: self = .flag
            case .source(let kind): self = .source(kind)
            }
        }

        /// In a word or two.
        package var word: String {
            switch self {
            case .day: "day"
            case .month: "month"
            case .count: "count"
            case .nano: "nano"
            case .flag: "0 or 1"
            case .text: "text"
            case .seq: "event"
            case .source(let kind): "source value, \(kind)"
            case .privateKey: "private key"
            case .other(let word): word
            }
        }
    }

    /// One column, in the order of the table.
    package struct Column: Sendable {
        package let name: String
        package let unit: Unit
        package let isKey: Bool
        /// Which currency or rule belongs to it, who observed it, whether it may be summed; nil where there is nothing to say.
        package let note: String?
    }

    package let name: String
    package let kind: Kind
    package let title: String
    /// The definition file; nil for what is built in.
    package let path: String?
    package let columns: [Column]
    /// Columns that tell rows apart and put them in order.
    package let key: [String]
    /// Datasets that feed it, sorted.
    package let sources: [String]
    /// Whether `NAME_v` holds its versions.
    package let hasVersions: Bool

    /// A table or view of the caller's: each column is a name and `unit; note`, the unit a word of ``Unit/init(_:)``, the note optional.
    ///
    /// - Parameter grain: the columns that tell rows apart; empty where nothing does.
    package init(
        _ name: String, _ kind: Kind, title: String, path: String? = nil, grain: [String], columns: [(name: String, words: String)],
        sources: [String] = []
    ) {
        self.name = name
        self.kind = kind
        self.title = title
        self.path = path
        key = grain
        self.sources = sources
        hasVersions = false
        self.columns = columns.map { name, words in
            let parts = words.split(separator: ";", maxSplits: 1).map(\.trimmingSpaces)
            let word = parts.first ?? "text"
            let currency = word.hasPrefix("nano-") ? [String(word.dropFirst(5))] : []
            let notes = currency + parts.dropFirst()
            return Column(
                name: name, unit: Unit(word), isKey: grain.contains(name), note: notes.isEmpty ? nil : notes.joined(separator: "; "))
        }
    }

    init(_ view: ViewDefinition, _ guards: Guards) {
        self.init(
            view.name, view.name.hasPrefix("dim_") ? .dimension : .view, title: view.title, path: view.path, grain: view.grain,
            columns: view.columns.map { name, note in
                let observer = guards.observers["\(view.name).\(name)"].map { "; plays as seen by \($0): never add another observer's" }
                return (name, note + (observer ?? "") + (guards.nonAdditive.contains("\(view.name).\(name)") ? "; never summed" : ""))
            })
    }

    init(_ reference: ReferenceTable) {
        name = reference.view
        kind = .reference
        title = reference.title
        path = reference.path
        key = reference.key.map(\.name)
        sources = []
        hasVersions = true
        columns =
            reference.columns.map { column in
                let (unit, rule): (Unit, String) =
                    switch column.type {
                    case .text: (.text, "")
                    case .day: (.day, "")
                    case .month: (.month, "")
                    case .count: (.count, "")
                    case .nano: (.nano, "")
                    case .flag: (.flag, "")
                    case .personal(let group): (.text, "a pseudonym of the group \(group)")
                    }
                let notes = [rule, column.note].filter { !$0.isEmpty }
                return Column(name: column.name, unit: unit, isKey: column.isKey, note: notes.isEmpty ? nil : notes.joined(separator: "; "))
            } + [Column(name: "from_seq", unit: .seq, isKey: false, note: "the event since which this is so")]
    }

    /// The same on one line: `name unit; note | name unit`.
    private init(_ name: String, _ kind: Kind, _ title: String, grain: String, _ columns: String) {
        self.init(
            name, kind, title: title, grain: grain.split(separator: " ").map(String.init),
            columns: columns.split(separator: "|").map { column in
                let words = column.trimmingSpaces
                let space = words.firstIndex(of: " ") ?? words.endIndex
                return (String(words[..<space]), words[space...].trimmingSpaces)
            })
    }

    init(_ fact: FactDefinition, _ guards: Guards) {
        let table = VersionedTable(fact: fact)
        self.init(table, .fact, title: fact.title, of: fact, note: { Self.note($0, in: fact.name, fact, guards) })
    }

    init(_ total: FactDefinition.Total, of fact: FactDefinition, _ guards: Guards) {
        self.init(
            VersionedTable(total: total, of: fact), .total, title: "Kept sums of \(fact.name) by \(total.by.joined(separator: ", "))",
            of: fact
        ) { column in
            column.name == "row_count" ? "rows behind the sums" : Self.note(column, in: total.name, fact, guards)
        }
    }

    private init(
        _ table: VersionedTable, _ kind: Kind, title: String, of fact: FactDefinition, note: (FactDefinition.Column) -> String?
    ) {
        name = table.name
        self.kind = kind
        self.title = title
        path = fact.path
        key = table.key
        sources = fact.streams
        hasVersions = true
        let lineage: [(String, Unit, String)] = [
            ("from_seq", .seq, "the event since which this is so"),
            ("set_seq", table.hasLineage ? .seq : .privateKey, table.hasLineage ? "the capture that first showed the value" : "not used"),
            ("set_line", table.hasLineage ? .count : .privateKey, table.hasLineage ? "its line in the raw file" : "not used"),
        ]
        columns =
            table.columns.map { column in
                let isHash = column.name == "row_hash" || column.name == "row_no"
                let unit: Unit = isHash ? (column.name == "row_hash" ? .privateKey : .count) : Unit(column.storage)
                let own = isHash ? (column.name == "row_hash" ? "the row's content" : "n-th equal row") : note(column)
                return Column(name: column.name, unit: unit, isKey: table.key.contains(column.name), note: own)
            } + lineage.map { Column(name: $0.0, unit: $0.1, isKey: false, note: $0.2) }
    }

    private static func note(_ column: FactDefinition.Column, in table: String, _ fact: FactDefinition, _ guards: Guards) -> String? {
        var notes: [String] = []
        if column.name == "src" { notes.append("the dataset") }
        if column.name == fact.partition { notes.append("a newer file replaces it whole") }
        if column.storage == .nano {
            // A share is of the whole, not of a currency.
            let isMoney = !column.name.hasSuffix("_share_nano") && !column.name.hasSuffix("_rate_nano") && column.isMeasure
            let own = fact.columns.first { $0.name == "currency" && $0.storage == .source("currency") }?.name
            if isMoney, let currency = own ?? fact.currency?.column { notes.append("in the currency that column \(currency) names") }
        }
        if let observer = guards.observers["\(table).\(column.name)"] {
            notes.append("plays as seen by \(observer): never add another observer's")
        }
        if guards.nonAdditive.contains("\(table).\(column.name)") { notes.append("never summed") }
        return notes.isEmpty ? nil : notes.joined(separator: "; ")
    }

    // MARK: What there is

    /// Everything a question may name, under the definitions in force: facts with their totals, then what is built in; by kind, then name.
    package static func all(_ definitions: DefinitionSet) -> [TableDescription] {
        var found = definitions.facts.flatMap { fact in
            [TableDescription(fact, definitions.guards)] + fact.totals.map { TableDescription($0, of: fact, definitions.guards) }
        }
        found += definitions.reference.tables.map { TableDescription($0) }
        found += definitions.views.map { TableDescription($0, definitions.guards) }
        found += builtIn
        let known = Set(found.map(\.name))
        found += (Warehouse.schema + Operations.schema).compactMap(books).filter { !known.contains($0.name) }
        let order = Kind.allCases
        return found.sorted { a, b in
            let (left, right) = (order.firstIndex(of: a.kind) ?? 0, order.firstIndex(of: b.kind) ?? 0)
            return (left, a.name) < (right, b.name)
        }
    }

    private static let builtIn = [
        TableDescription(
            "dim_date", .dimension, "A day of the calendar, 2000 to 2049", grain: "day_no",
            """
            day_no day | date text; YYYY-MM-DD | year count | quarter count; 1 to 4 | month_no month | month text; YYYY-MM | \
            iso_year count; the year of the ISO week | iso_week count | dow count; 1 is Monday | is_month_end flag
            """),
        TableDescription(
            "dim_month", .dimension, "A month of the calendar", grain: "month_no",
            "month_no month | month text; YYYY-MM | year count | first_day_no day | last_day_no day"),
        TableDescription(
            "dim_platform", .dimension, "A platform, with the stores that ship with the product", grain: "platform_id",
            "platform_id text | name text | kind text | family text; stores of one family are one platform in KPIs"),
        TableDescription(
            "dim_territory", .dimension, "A country or region by its code", grain: "territory_id",
            "territory_id text | name text | region text"),
        TableDescription(
            "dim_rate", .dimension, "What one unit of a currency is worth, from a day until the next dated rate",
            grain: "currency from_day",
            "currency text; ISO 4217 | from_day day | until_day day; the first day it no longer holds | nano_usd nano; USD for one unit"),
        TableDescription(
            "artist_of", .view, "The artist that a source value means", grain: "source_id",
            "source_id source:artist; join it to the artist column of a fact | artist_id text | name text"),
        TableDescription(
            "platform_of", .view, "The platform that a source value means", grain: "source_id",
            "source_id source:platform; join it to the platform column of a fact | platform_id text | name text | family text"),
        TableDescription(
            "track_of", .view, "The track that an ISRC or a title means", grain: "source_id",
            "source_id source:isrc or title; join it to that column of a fact | track_id text | kind text; isrc or title"),
        TableDescription(
            "territory_of", .view, "The territory that a source value means", grain: "source_id",
            "source_id source:territory; join it to the territory column of a fact | territory_id text | name text"),
        TableDescription(
            "rate_of", .view, "The rates of each currency as the files spell it", grain: "source_id from_day",
            """
            source_id source:currency; join it to the currency column of a fact | currency text | from_day day | until_day day | \
            nano_usd nano; USD for one unit
            """),
        TableDescription(
            "quality_issue", .view, "What a person should know of the figures", grain: "issue fact subject value",
            """
            issue text; same_member: a row left out, its artist has the key twice; no_rate, no_currency: an amount that is not converted; \
            same_key: a line left out, a later one of its file has its key | fact text | subject text; the member, currency or dataset | \
            value text; as the files spell it | row_count count
            """),
        TableDescription(
            "kpi_snapshot", .kpi, "A moment at which every KPI was computed: the end of a run that brought data", grain: "seq",
            "seq seq | time text; UTC | day_no day; the day reported on"),
        TableDescription(
            "kpi_value", .kpi, "The value of a KPI in a snapshot: num / den, exact", grain: "kpi seq dims",
            """
            kpi text; its id | seq seq; the snapshot | dims text; JSON of its dimensions | num count | den count | \
            unconverted count; rows left out for want of a rate | covered count; days or months of its window that sources cover | \
            expected count; days or months of its window
            """),
        TableDescription(
            "alias_of", .view, "Names that mean a member, as people and definitions say", grain: "kind service norm",
            """
            kind text | service text; or * for all | norm text; the name in lower case, without marks | member text | \
            from_seq seq; the event since which this is so
            """),
        TableDescription(
            "name_of", .view, "What people call a member", grain: "kind member",
            "kind text | member text | name text | from_seq seq; the event since which this is so"),
        TableDescription(
            "artist_told", .view, "Artists as the rows of facts spell them", grain: "source_id",
            "source_id source:artist; join it to artist_of | first_seq seq; the event that first told it"),
        TableDescription(
            "op_ingest", .view, "Captures, repeated captures, refused files and failed reads", grain: "event_seq",
            """
            event_seq seq | stream text | service text | dataset text | account text | outcome text | capture seq | observed_ms ms UTC | \
            time_ms ms UTC | live flag | state text | first_day day | last_day day | rows_in count | rows_out count | rejected count | \
            warned count | unmapped count | held count; partitions held back | held_rows count
            """),
        TableDescription(
            "op_run", .view, "Commands that ran", grain: "started_seq",
            """
            run text | command text | started_seq seq | started_ms ms UTC | completed_seq seq | completed_ms ms UTC | \
            outcome text; ok, degraded or failed
            """),
        TableDescription(
            "op_step", .view, "Steps of runs", grain: "event_seq",
            """
            event_seq seq | run text | step text | service text | dataset text | account text | outcome text | failure_class text | \
            severity text | rows_in count | rows_out count | time_ms ms UTC
            """),
        TableDescription(
            "op_session", .view, "What happened to sign-ins; never a secret", grain: "event_seq",
            """
            event_seq seq | service text | account text | kind text | event text | expires_ms ms UTC | time_ms ms UTC
            """),
        TableDescription(
            "op_change", .view, "What each event changed in the facts", grain: "event_seq",
            "event_seq seq | stream text | opened count | closed count | replaced count | time_ms ms UTC"),
        TableDescription(
            "op_source", .view, "How fresh each service must be, as its file says", grain: "service",
            "service text | warn_h hours | critical_h hours | weight_tenths count"),
        TableDescription(
            "definition_used", .books, "Definitions that tables, files and KPIs were made with", grain: "path",
            "path text | hash text; SHA-256"),
    ]

    /// A table of the projector's own, as its CREATE TABLE has it.
    private static func books(_ sql: String) -> TableDescription? {
        guard sql.hasPrefix("CREATE TABLE "), let open = sql.firstIndex(of: "("), let close = sql.lastIndex(of: ")") else { return nil }
        let name = sql[sql.index(sql.startIndex, offsetBy: 13)..<open].trimmingSpaces
        var key: [String] = []
        var columns: [(name: String, words: String)] = []
        for part in SQLText.split(String(sql[sql.index(after: open)..<close])) {
            let words = part.trimmingSpaces.split(separator: " ").map(String.init)
            guard words.count > 1, words[0] != "CHECK" else { continue }
            if words[0] == "PRIMARY" {
                guard let start = part.firstIndex(of: "("), let end = part.lastIndex(of: ")") else { continue }
                key = SQLText.split(String(part[part.index(after: start)..<end])).map(\.trimmingSpaces)
                continue
            }
            if part.contains("PRIMARY KEY") { key.append(words[0]) }
            let isSeq = words[0] == "seq" || words[0].hasSuffix("_seq") || words[0] == "capture" && words[1] == "INTEGER"
            columns.append((words[0], isSeq ? "seq" : words[0] == "source_id" || words[0] == "id" ? "key" : words[1].lowercased()))
        }
        let title = bookTitles[name] ?? (name.hasSuffix("_v") ? "All versions of \(name.dropLast(2))" : "Kept by the projector")
        return TableDescription(name, .books, title: title, grain: key, columns: columns)
    }

    private static let bookTitles = [
        "checkpoint": "How far the log was read, and under which rules",
        "source_value": "Texts as the files spell them, once each; facts hold their ids",
        "member_v": "Which member a source value means, all versions",
        "member_twin_v": "Source values of which an earlier one is the same member, all versions",
        "member_name_v": "What members are called, all versions", "rate_v": "Dated rates, all versions",
        "alias_v": "Names that mean a member, all versions",
        "capture": "Captures and what became of them",
        "overridden_line": "Lines of a file that do not count, because a later one has the same key",
        "zone_file": "Files that the zones must hold, with their digests",
        "pending_file": "Files on their way to their names", "stream_seq": "The last event of each stream that changed figures",
        "kpi_state": "The rules that the values of each KPI were computed with",
        "table_change": "Which facts, totals and tables of assumptions each event changed; * for names and rates",
        "ops_run": "Commands that ran", "ops_ingest": "Files that came, new or known already",
        "ops_skipped": "Events of types that this program does not know",
    ]
}
