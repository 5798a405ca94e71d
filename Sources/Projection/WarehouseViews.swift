import GRDB

/// The plain names of the warehouse: what KPI and curated SQL may read, as it is now or as it was known at a seq.
///
/// The same list of SELECTs makes the permanent views (the current state) and the temporary ones that shadow them in one connection.
struct WarehouseViews {
    /// One view: its name and the SELECT behind it.
    struct View {
        let name: String
        let select: String
    }

    /// Which versions a view shows.
    enum Known {
        /// The current ones.
        case now
        /// Those known at the seq that the one row of `temp.known_at` holds: set it, and the same statements answer for another seq.
        case asked
    }

    let facts: [FactDefinition]
    private let operations: [View]
    private let defined: [ViewDefinition]
    private let references: [ReferenceTable]
    private let known: Known

    init(_ definitions: DefinitionSet, known: Known) {
        facts = definitions.facts
        defined = definitions.views
        references = definitions.reference.tables
        self.known = known
        operations = Operations.views(
            definitions, known: known == .now ? "(SELECT seq FROM main.ops_known)" : "(SELECT seq FROM temp.known_at)")
    }

    /// Names of the warehouse that no definition may take.
    static let fixedNames: Set<String> = Operations.viewNames.union([
        "artist_of", "platform_of", "territory_of", "track_of", "dim_rate", "rate_of", "quality_issue", "dim_date", "dim_month",
        "dim_platform", "dim_territory", "source_value", "capture", "checkpoint", "zone_file", "kpi_snapshot", "kpi_value",
        "events", "known_at", "alias_of", "name_of", "artist_told", "campaign_name_part",
    ])

    /// Every view, each after those it reads but for the defined ones, which may read each other in any order.
    var all: [View] {
        memberViews + [toldArtists] + rateViews + operations + references.map(view)
            + facts.flatMap { fact in [view(of: fact)] + fact.totals.map { view(of: $0, in: fact) } }
            + [qualityIssues] + defined.map { View(name: $0.name, select: $0.sql) }
    }

    /// Makes the permanent views, and makes those anew whose definition changed.
    func refresh(_ database: Database) throws {
        var existing: [String: String] = [:]
        for row in try Row.fetchAll(database, sql: "SELECT name, sql FROM main.sqlite_master WHERE type = 'view'") {
            existing[row["name"]] = row["sql"]
        }
        for view in all {
            let sql = "CREATE VIEW \"\(view.name)\" AS \(view.select)"
            let before = existing.removeValue(forKey: view.name)
            if before == sql { continue }
            if before != nil { try database.execute(sql: "DROP VIEW main.\"\(view.name)\"") }
            try database.execute(sql: sql)
        }
        for name in existing.keys.sorted() { try database.execute(sql: "DROP VIEW main.\"\(name)\"") }
    }

    /// Condition that a version is known.
    private func live(_ table: String) -> String {
        switch known {
        case .now: "\(table).to_seq IS NULL"
        case .asked:
            """
            \(table).from_seq <= (SELECT seq FROM temp.known_at) AND (\(table).to_seq IS NULL OR \(table).to_seq > (SELECT seq FROM \
            temp.known_at))
            """
        }
    }

    private func view(_ reference: ReferenceTable) -> View {
        View(
            name: reference.view,
            select: """
                SELECT \(reference.columns.map { "r.\"\($0.name)\"" }.joined(separator: ", ")), r.from_seq FROM \
                main."\(reference.table)" r WHERE \(live("r"))
                """)
    }

    // MARK: Members

    private var artist: String {
        """
        SELECT s.id AS source_id, m.member AS artist_id, COALESCE(n.name, UPPER(SUBSTR(m.member, 8))) AS name FROM \
        main.source_value s JOIN main.member_v m ON m.source_id = s.id AND \(live("m")) LEFT JOIN main.member_name_v n ON \
        n.kind = 'artist' AND n.member = m.member AND \(live("n")) WHERE s.kind = 'artist'
        """
    }

    /// Views that resolve source values to members.
    private var memberViews: [View] {
        [
            View(name: "artist_of", select: artist),
            View(
                name: "platform_of",
                select: """
                    SELECT s.id AS source_id, m.member AS platform_id, COALESCE(p.name, s.value) AS name, p.family AS family FROM \
                    main.source_value s JOIN main.member_v m ON m.source_id = s.id AND \(live("m")) LEFT JOIN main.dim_platform p ON \
                    p.platform_id = m.member WHERE s.kind = 'platform'
                    """),
            View(
                name: "track_of",
                select: """
                    SELECT s.id AS source_id, m.member AS track_id, s.kind AS kind FROM main.source_value s JOIN main.member_v m ON \
                    m.source_id = s.id AND \(live("m")) WHERE s.kind IN ('isrc', 'title')
                    """),
            View(
                name: "alias_of",
                select: """
                    SELECT l.kind AS kind, l.service AS service, l.norm AS norm, l.member AS member, l.from_seq AS from_seq FROM \
                    main.alias_v l WHERE \(live("l"))
                    """
            ),
            View(
                name: "name_of",
                select: """
                    SELECT n.kind AS kind, n.member AS member, n.name AS name, n.from_seq AS from_seq FROM main.member_name_v n WHERE \
                    \(live("n"))
                    """
            ),
            View(
                name: "territory_of",
                select: """
                    SELECT s.id AS source_id, m.member AS territory_id, COALESCE(t.name, s.value) AS name FROM main.source_value s JOIN \
                    main.member_v m ON m.source_id = s.id AND \(live("m")) LEFT JOIN main.dim_territory t ON t.territory_id = m.member \
                    WHERE s.kind = 'territory'
                    """),
        ]
    }

    /// `artist_told`: the source values that mean an artist in some row, of whatever fact.
    ///
    /// `source_value` also holds what is learned later. The few values are looked up in the facts, never the facts read through: only a
    /// fact without an index on its artist is, once. `first_seq` is computed only where it is asked for.
    private var toldArtists: View {
        var tables: [(isIndexed: Bool, table: String, column: String)] = []
        for fact in facts {
            let table = VersionedTable(fact: fact)
            for column in fact.columns where column.storage == .source("artist") {
                if let total = fact.totals.first(where: { $0.fullIndexes.contains { $0.first == column.name } }) {
                    tables.append((true, total.name, column.name))
                } else {
                    let isKey = table.shadows.contains { $0.column == column.name }
                    tables.append((isKey || fact.fullIndexes.contains { $0.first == column.name }, fact.name, column.name))
                }
            }
        }
        let found = tables.filter(\.isIndexed).map {
            "EXISTS (SELECT 1 FROM main.\"\($0.table)_v\" f WHERE f.\"\($0.column)\" = s.id AND \(live("f")))"
        }
        let read = tables.filter { !$0.isIndexed }.map {
            "s.id IN (SELECT f.\"\($0.column)\" FROM main.\"\($0.table)_v\" f WHERE \(live("f")))"
        }
        let first =
            ["SELECT NULL AS seq"] + tables.map { "SELECT MIN(f.from_seq) FROM main.\"\($0.table)_v\" f WHERE f.\"\($0.column)\" = s.id" }
        let isTold = found + read + ["0"]
        return View(
            name: "artist_told",
            select: """
                SELECT s.id AS source_id, (SELECT MIN(q.seq) FROM (\(first.joined(separator: " UNION ALL "))) q) AS first_seq FROM \
                main.source_value s WHERE s.kind = 'artist' AND (\(isTold.joined(separator: " OR ")))
                """)
    }

    /// Days that lie outside of every fact, so that a rate's span needs no null: the first of year 1, and of year 10000.
    private static let always = (from: Int64(-719_162), until: Int64(2_932_897))

    /// `dim_rate`, the spans in which each rate holds, and `rate_of`, the same for each currency as the files spell it.
    private var rateViews: [View] {
        let rates = """
            SELECT r.currency AS currency, r.from_day AS from_day, COALESCE((SELECT MIN(n.from_day) FROM main.rate_v n WHERE n.currency \
            = r.currency AND n.from_day > r.from_day AND \(live("n"))), \(Self.always.until)) AS until_day, r.nano_usd AS nano_usd FROM \
            main.rate_v r WHERE \(live("r")) UNION ALL SELECT 'USD', \(Self.always.from), \(Self.always.until), 1000000000
            """
        return [
            View(name: "dim_rate", select: rates),
            View(
                name: "rate_of",
                select: """
                    SELECT s.id AS source_id, d.currency AS currency, d.from_day AS from_day, d.until_day AS until_day, d.nano_usd AS \
                    nano_usd FROM main.source_value s JOIN (\(rates)) d ON d.currency = UPPER(s.value) WHERE s.kind = 'currency'
                    """),
        ]
    }

    // MARK: Facts and totals

    private func columns(_ table: VersionedTable, _ alias: String, of fact: FactDefinition) -> [String] {
        table.columns.map { $0.name == fact.currencyColumn ? "\(currency($0.name, alias)) AS \"\($0.name)\"" : "\(alias).\"\($0.name)\"" }
    }

    /// The currency of a row: its own, or where the source said none, the one that a person gave the account.
    private func currency(_ column: String, _ alias: String) -> String {
        """
        CASE WHEN \(alias)."\(column)" IN (SELECT id FROM main.source_value WHERE kind = 'currency' AND value = '\(Money.unknown)') THEN \
        COALESCE((SELECT c.id FROM main.source_value x JOIN main.source_value a ON a.id = \(alias).account JOIN main.alias_v l ON \
        l.kind = 'currency' AND l.service = x.service AND l.norm = a.norm AND \(live("l")) JOIN main.source_value c ON \
        c.kind = 'currency' AND c.service = x.service AND c.value = l.member WHERE x.id = \(alias)."\(column)"), \
        \(alias)."\(column)") ELSE \(alias)."\(column)" END
        """
    }

    private func view(of fact: FactDefinition) -> View {
        let table = VersionedTable(fact: fact)
        let list = (columns(table, "f", of: fact) + ["f.from_seq", "f.set_seq", "f.set_line"]).joined(separator: ", ")
        let shadowed = table.shadows.map { " AND NOT \(isShadowed($0, table))" }.joined()
        return View(name: table.name, select: "SELECT \(list) FROM main.\"\(table.name)_v\" f WHERE \(live("f"))\(shadowed)")
    }

    /// Whether the row `f` stands behind a row whose source value has been the same member for longer.
    private func isShadowed(_ shadow: VersionedTable.Shadow, _ table: VersionedTable) -> String {
        var conditions = table.key.filter { $0 != shadow.column && $0 != "account" }.map { "g.\"\($0)\" = f.\"\($0)\"" }
        conditions.append("g.\"\(shadow.column)\" = w.before_id")
        switch shadow.account {
        case .tellsApart: conditions.append("g.account = f.account")
        case .isTheMember: break
        case .isTheMemberIn(let streams):
            let list = streams.map { "'\($0)'" }.joined(separator: ", ")
            conditions.append(
                "(g.account = f.account OR f.src IN (SELECT id FROM main.source_value WHERE kind = 'dataset' AND value IN (\(list))))")
        }
        return """
            EXISTS (SELECT 1 FROM main.member_twin_v w CROSS JOIN main."\(table.name)_v" g ON \(conditions.joined(separator: " AND ")) AND \
            \(live("g")) WHERE w.source_id = f."\(shadow.column)" AND \(live("w")))
            """
    }

    /// Rows of a fact that its view leaves out; found from the few source values that have a twin, never by reading the fact.
    private func shadowed(_ table: VersionedTable) -> String {
        let any = table.shadows.map { shadow in
            "(f.\"\(shadow.column)\" IN (SELECT source_id FROM main.member_twin_v) AND \(isShadowed(shadow, table)))"
        }
        return "main.\"\(table.name)_v\" f WHERE \(live("f")) AND (\(any.joined(separator: " OR ")))"
    }

    /// A kept total counts every row of its fact; what the fact's view leaves out is taken off again.
    private func view(of total: FactDefinition.Total, in fact: FactDefinition) -> View {
        let table = VersionedTable(total: total, of: fact)
        let base = VersionedTable(fact: fact)
        let tail = ["t.from_seq", "t.set_seq", "t.set_line"]
        guard !base.shadows.isEmpty else {
            let list = (columns(table, "t", of: fact) + tail).joined(separator: ", ")
            return View(name: table.name, select: "SELECT \(list) FROM main.\"\(table.name)_v\" t WHERE \(live("t"))")
        }
        let keys = table.key.map { "f.\"\($0)\" AS \"\($0)\"" }
        let sums = total.sums.map { "COALESCE(SUM(f.\"\($0)\"), 0) AS \"\($0)\"" }
        let hidden = """
            SELECT \((keys + ["COUNT(*) AS row_count"] + sums).joined(separator: ", ")) FROM \(shadowed(base)) GROUP BY \
            \(table.key.map { "f.\"\($0)\"" }.joined(separator: ", "))
            """
        let plain = columns(table, "t", of: fact)
        let list = table.columns.enumerated().map { index, column in
            table.key.contains(column.name)
                ? plain[index] : "t.\"\(column.name)\" - COALESCE(h.\"\(column.name)\", 0) AS \"\(column.name)\""
        }
        return View(
            name: table.name,
            select: """
                SELECT \((list + tail).joined(separator: ", ")) FROM main."\(table.name)_v" t LEFT JOIN (\(hidden)) h ON \
                \(table.key.map { "h.\"\($0)\" IS t.\"\($0)\"" }.joined(separator: " AND ")) WHERE \(live("t")) AND \
                t.row_count > COALESCE(h.row_count, 0)
                """)
    }

    // MARK: Quality

    /// `quality_issue`: what a person should know of the figures. One line an issue, fact, member and value, with the rows concerned.
    private var qualityIssues: View {
        let parts = facts.flatMap { fact -> [String] in
            let table = VersionedTable(fact: fact)
            return table.shadows.map { shadow in
                """
                SELECT 'same_member' AS issue, '\(table.name)' AS fact, m.member AS subject, s.value AS value, COUNT(*) AS row_count
                FROM main."\(table.name)_v" f JOIN main.source_value s ON s.id = f."\(shadow.column)"
                JOIN main.member_v m ON m.source_id = s.id AND \(live("m"))
                WHERE f."\(shadow.column)" IN (SELECT source_id FROM main.member_twin_v) AND \(live("f"))
                  AND \(isShadowed(shadow, table))
                GROUP BY m.member, s.value
                """
            }
        }
        let unconverted = facts.compactMap { fact in fact.currency.map { unconvertedRows(fact, currency: $0.column, day: $0.day) } }
        let nothing = "SELECT NULL AS issue, NULL AS fact, NULL AS subject, NULL AS value, NULL AS row_count WHERE 0"
        return View(name: "quality_issue", select: ([nothing] + parts + unconverted + [overridden]).joined(separator: " UNION ALL "))
    }

    /// Lines that a later line of their file stands in for. A capture that was withdrawn since counts as withdrawn at any seq.
    private var overridden: String {
        let known = known == .now ? "" : " AND c.seq <= (SELECT seq FROM temp.known_at)"
        return """
            SELECT 'same_key', o.fact, c.stream, c.name, SUM(o.lines) FROM main.overridden_line o JOIN main.capture c ON c.seq = o.capture \
            WHERE c.live = 1\(known) GROUP BY o.fact, c.stream, c.name
            """
    }

    /// Amounts of a fact in a currency that has no rate on their day, counted on a kept total where there is one.
    private func unconvertedRows(_ fact: FactDefinition, currency: String, day: String) -> String {
        let total = fact.totals.first { $0.by.contains(currency) && $0.by.contains(day) }
        // An amount of 0 needs no rate.
        let amounts = fact.columns.filter { $0.isMeasure && $0.storage == .nano }.map(\.name)
        func some(_ names: [String]) -> String { "(\(names.map { "f.\"\($0)\" <> 0" }.joined(separator: " OR ")))" }
        let isSummed = total.map { total in amounts.allSatisfy(total.sums.contains) } ?? false
        let counted =
            total.map { ("SUM(f.row_count)", $0.name, isSummed ? some(amounts) : "1") } ?? ("COUNT(*)", fact.name, some(amounts))
        let condition = amounts.isEmpty ? "0" : counted.2
        return """
            SELECT 'no_rate', '\(fact.name)', UPPER(s.value), s.value, \(counted.0)
            FROM "\(counted.1)" f JOIN source_value s ON s.id = f."\(currency)"
            WHERE UPPER(s.value) NOT IN ('USD', '\(Money.unknown)') AND \(condition) AND NOT EXISTS (
              SELECT 1 FROM main.rate_v r
              WHERE r.currency = UPPER(s.value) AND r.from_day <= f."\(day)" AND \(live("r")))
            GROUP BY s.value
            UNION ALL
            SELECT 'no_currency', '\(fact.name)', a.value, a.service, \(counted.0)
            FROM "\(counted.1)" f JOIN source_value s ON s.id = f."\(currency)" JOIN source_value a ON a.id = f.account
            WHERE s.value = '\(Money.unknown)' AND \(condition)
            GROUP BY a.value, a.service
            """
    }
}
