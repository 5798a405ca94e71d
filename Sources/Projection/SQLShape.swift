import Cleaning

/// One SELECT as far as the lint must understand it: its CTEs, its cores, its order. Ranges are of tokens.
final class SQLQuery {
    /// One entry of a SELECT list.
    struct Item {
        let expression: Range<Int>
        /// In upper case; nil when the entry has no name of its own.
        let alias: String?
    }

    /// One entry of a FROM clause.
    struct Source {
        /// What it is called in the query, in upper case.
        let alias: String
        /// The table, view or CTE it names, in upper case; nil for a subquery.
        let table: String?
        let query: SQLQuery?
        /// Its columns are null where the join finds nothing.
        let isOptional: Bool
        /// The condition of the join.
        let on: Range<Int>
        /// The condition where it is one that every row has passed: that of an inner join.
        var condition: Range<Int> { isOptional ? 0..<0 : on }
    }

    /// One term of an ORDER BY.
    struct Term {
        let expression: Range<Int>
        let saysNulls: Bool
    }

    /// SELECT … FROM … WHERE … GROUP BY … HAVING …: one branch of a UNION, or the whole.
    final class Core {
        var items: [Item] = []
        var sources: [Source] = []
        /// Everything between FROM and the next clause: subqueries may hide in its conditions.
        var from: Range<Int> = 0..<0
        var conditions: Range<Int> = 0..<0
        var groups: [Range<Int>] = []
        var having: Range<Int> = 0..<0
        var isDistinct = false
    }

    let tokens: SQLTokens
    var ctes: [(name: String, query: SQLQuery)] = []
    var cores: [Core] = []
    var order: [Term] = []
    /// Where ORDER stands.
    var orderAt: Int?
    /// What a CTE calls its columns where it says so, `name (a, b) AS …`; in upper case.
    private(set) var columnNames: [String] = []
    /// The query it stands in, whose sources it may name; a CTE stands in its query too, for the names of the CTEs before it.
    private(set) weak var outer: SQLQuery?
    /// Whether sources of the outer query are in sight.
    let seesOuter: Bool

    init(_ tokens: SQLTokens, _ range: Range<Int>, in outer: SQLQuery? = nil, seesOuter: Bool = false) {
        (self.tokens, self.outer, self.seesOuter) = (tokens, outer, seesOuter)
        read(range)
    }

    /// The CTE of a name that is in sight, with those before it.
    func cte(_ name: String) -> SQLQuery? { ctes.last { $0.name == name }?.query ?? outer?.cte(name) }

    // MARK: Reading

    private func read(_ range: Range<Int>) {
        var start = range.lowerBound
        if tokens.at(start)?.isWord("WITH") == true { start = readCTEs(start + 1, range.upperBound) }
        let compound: Set = ["UNION", "EXCEPT", "INTERSECT"]
        for part in tokens.split(start..<max(start, range.upperBound), at: { $0.kind == .word && compound.contains($0.text) }) {
            let isAll = tokens.at(part.lowerBound)?.isWord("ALL") == true
            readCore(part.lowerBound + (isAll ? 1 : 0)..<part.upperBound)
        }
    }

    /// Reads `name AS (…), …` and gives the index behind them.
    private func readCTEs(_ first: Int, _ end: Int) -> Int {
        var index = first
        if tokens.at(index)?.isWord("RECURSIVE") == true { index += 1 }
        while index < end, tokens[index].kind == .word || tokens[index].kind == .name {
            let name = tokens[index].text
            index += 1
            var names: [String] = []
            if let columns = tokens.inside(index) {
                names = columns.map { tokens[$0] }.filter { $0.kind == .word || $0.kind == .name }.map(\.text)
                index = columns.upperBound + 1
            }
            while index < end, !tokens[index].isSymbol("(") { index += 1 }
            guard index < end, let body = tokens.inside(index) else { return index }
            ctes.append((name, SQLQuery(tokens, body, in: self)))
            ctes[ctes.count - 1].query.columnNames = names
            index = body.upperBound + 1
            guard tokens.at(index)?.isSymbol(",") == true else { break }
            index += 1
        }
        return index
    }

    private func readCore(_ range: Range<Int>) {
        let core = Core()
        cores.append(core)
        // Where each clause begins, in the order of the text.
        var starts: [(clause: String, keyword: Int, body: Int)] = []
        for index in tokens.top(range) where tokens[index].kind == .word {
            let word = tokens[index].text
            switch word {
            case "SELECT", "FROM", "WHERE", "HAVING", "WINDOW", "LIMIT", "VALUES": starts.append((word, index, index + 1))
            case "GROUP", "ORDER":
                if tokens.at(index + 1)?.isWord("BY") == true { starts.append((word, index, index + 2)) }
            default: break
            }
        }
        for (i, start) in starts.enumerated() {
            let end = i + 1 < starts.count ? starts[i + 1].keyword : range.upperBound
            let body = min(start.body, end)..<end
            switch start.clause {
            case "SELECT": readItems(body, of: core)
            case "FROM":
                core.from = body
                readSources(body, of: core)
            case "WHERE": core.conditions = body
            case "GROUP": core.groups = tokens.split(body) { $0.isSymbol(",") }
            case "HAVING": core.having = body
            case "ORDER":
                orderAt = start.keyword
                order = terms(body)
            default: break
            }
        }
    }

    private func readItems(_ range: Range<Int>, of core: Core) {
        var range = range
        if let first = tokens.at(range.lowerBound), first.isWord("DISTINCT") || first.isWord("ALL"), !range.isEmpty {
            core.isDistinct = first.text == "DISTINCT"
            range = range.lowerBound + 1..<range.upperBound
        }
        core.items = tokens.split(range) { $0.isSymbol(",") }.map { part in
            let top = tokens.top(part)
            if let keyword = top.last(where: { tokens[$0].isWord("AS") }), let name = tokens.at(keyword + 1), keyword + 2 == part.upperBound
            {
                return Item(expression: part.lowerBound..<keyword, alias: name.text)
            }
            // A bare column keeps its name: `f.day_no`, `day_no`.
            let last = tokens[part.upperBound - 1]
            let isBare = part.count == 1 || (part.count == 3 && tokens[part.lowerBound + 1].isSymbol("."))
            return Item(expression: part, alias: isBare && (last.kind == .word || last.kind == .name) ? last.text : nil)
        }
    }

    private func readSources(_ range: Range<Int>, of core: Core) {
        var index = range.lowerBound
        var isOptional = false
        while index < range.upperBound {
            let token = tokens[index]
            switch token.text {
            case "LEFT", "FULL", "RIGHT":
                isOptional = token.text != "RIGHT"
                // What stands before these is optional too.
                if token.text != "LEFT" { core.sources = core.sources.map { Self.optional($0) } }
                index += 1
            case "JOIN", "INNER", "OUTER", "CROSS", "NATURAL", ",": index += 1
            default: index = readSource(index, range.upperBound, isOptional: &isOptional, of: core)
            }
        }
    }

    private static func optional(_ source: Source) -> Source {
        Source(alias: source.alias, table: source.table, query: source.query, isOptional: true, on: source.on)
    }

    /// Reads `table [AS] alias [ON …]` or `(SELECT …) alias [ON …]` and gives the index behind it.
    private func readSource(_ first: Int, _ end: Int, isOptional: inout Bool, of core: Core) -> Int {
        var index = first
        var table: String?
        var query: SQLQuery?
        if let body = tokens.inside(index) {
            query = SQLQuery(tokens, body, in: self)
            index = body.upperBound + 1
        } else {
            // `main.table` is the table.
            if tokens.at(index + 1)?.isSymbol(".") == true { index += 2 }
            table = tokens.at(index)?.text
            index += 1
            if let arguments = tokens.inside(index) { index = arguments.upperBound + 1 }
        }
        var alias = table ?? ""
        if index < end, tokens[index].isWord("AS") { index += 1 }
        if index < end, [.word, .name].contains(tokens[index].kind), !Self.joinWords.contains(tokens[index].text) {
            alias = tokens[index].text
            index += 1
        }
        var on = 0..<0
        if index < end, tokens[index].isWord("ON") {
            let start = index + 1
            let stop = tokens.top(start..<end).first { tokens[$0].isSymbol(",") || Self.joins.contains(tokens[$0].text) } ?? end
            on = start..<stop
            index = stop
        } else if index < end, tokens[index].isWord("USING") {
            index = (tokens.inside(index + 1)?.upperBound ?? index) + 1
        }
        core.sources.append(Source(alias: alias, table: table, query: query, isOptional: isOptional, on: on))
        isOptional = false
        return max(index, first + 1)
    }

    private static let joins: Set = ["JOIN", "LEFT", "RIGHT", "FULL", "INNER", "CROSS", "NATURAL", "OUTER"]
    private static let joinWords = joins.union(["ON", "USING", ",", "INDEXED", "NOT"])

    /// The terms of an ORDER BY, also of a window's.
    func terms(_ range: Range<Int>) -> [Term] {
        tokens.split(range) { $0.isSymbol(",") }.map { part in
            var end = part.upperBound
            var saysNulls = false
            if part.count > 2, tokens[end - 2].isWord("NULLS") {
                saysNulls = true
                end -= 2
            }
            if end > part.lowerBound, tokens[end - 1].isWord("ASC") || tokens[end - 1].isWord("DESC") { end -= 1 }
            return Term(expression: part.lowerBound..<end, saysNulls: saysNulls)
        }
    }

    /// The subqueries that stand in an expression or a condition, without those inside them: index of the bracket and the query.
    func subqueries(in range: Range<Int>) -> [(open: Int, query: SQLQuery)] {
        var found: [(open: Int, query: SQLQuery)] = []
        var index = range.lowerBound
        while index < range.upperBound {
            if let body = tokens.inside(index), let first = tokens.at(body.lowerBound), first.isWord("SELECT") || first.isWord("WITH") {
                found.append((index, SQLQuery(tokens, body, in: self, seesOuter: true)))
                index = body.upperBound
            }
            index += 1
        }
        return found
    }
}

// MARK: - What can be null

/// What is known of the tables that a statement may read.
package struct SQLCatalog: Sendable {
    /// One table or view.
    struct Table: Sendable {
        /// Columns that are never null, in upper case.
        var solid: Set<String>
        /// Columns that tell its rows apart, in upper case; nil where that is not known.
        var key: [String]?
        /// By dataset, spelled as a literal: columns of the key that its loader gives as a literal.
        var fixed: [String: Set<String>] = [:]
        /// Columns that hold ids of source values, which are private to one warehouse file.
        var ids: Set<String> = []
        /// A fact, a kept total, or a view over one: on a cluster its rows lie on several machines.
        var isFact: Bool
    }

    /// By name in upper case.
    private(set) var tables: [String: Table]

    /// What every warehouse has.
    package init() {
        func solid(_ names: String) -> Table {
            let columns = Set(names.split(separator: " ").map { SQLText.upper(String($0)) })
            let ids: Set = columns.contains("KIND") ? ["ID"] : ["SOURCE_ID"]
            return Table(solid: columns, ids: ids, isFact: false)
        }
        let known = [
            "source_value": solid("id kind service value norm"), "artist_of": solid("source_id artist_id name"),
            "platform_of": solid("source_id platform_id name"), "territory_of": solid("source_id territory_id name"),
            "track_of": solid("source_id track_id kind"), "artist_told": solid("source_id first_seq"),
            "dim_artist": solid("artist_id name"), "dim_platform": solid("platform_id name"), "dim_territory": solid("territory_id name"),
            "dim_date": solid("day_no date year quarter month_no month iso_year iso_week dow is_month_end"),
            "dim_month": solid("month_no month year first_day_no last_day_no"),
            "dim_rate": solid("currency from_day until_day nano_usd"), "rate_of": solid("source_id currency from_day until_day nano_usd"),
            "capture": solid("seq stream account name observed body live"),
        ]
        tables = Dictionary(known.map { (SQLText.upper($0.key), $0.value) }, uniquingKeysWith: { $1 })
    }

    /// With the facts and kept totals of a set of definitions. A column is solid when each of its loaders cannot give null.
    package init(_ definitions: DefinitionSet) {
        self.init()
        for view in definitions.views {
            tables[SQLText.upper(view.name)] = Table(solid: Set(view.grain.map(SQLText.upper)), isFact: view.name.hasPrefix("v_"))
        }
        for table in definitions.reference.tables {
            tables[SQLText.upper(table.view)] = Table(solid: Set(table.key.map { SQLText.upper($0.name) }), isFact: false)
        }
        for fact in definitions.facts {
            var solid: Set = ["SRC", "ACCOUNT", "ROW_HASH", "ROW_NO", "ROW_COUNT", "FROM_SEQ", "SET_SEQ", "SET_LINE"]
            for column in fact.columns {
                let isSolid = fact.loaders.allSatisfy { stream, loader in
                    guard let index = loader.names.firstIndex(of: column.name) else { return false }
                    let required = definitions.contracts[stream]?.contract.columns.filter(\.required).map(\.name) ?? []
                    return SQLNulls(staged: Set((required + ["account"]).map(SQLText.upper))).isSolid(loader.expressions[index])
                }
                if isSolid { solid.insert(SQLText.upper(column.name)) }
            }
            let table = VersionedTable(fact: fact)
            let ids = Set(table.sourceColumns.map { SQLText.upper(table.columns[$0].name) })
            for total in fact.totals { tables[SQLText.upper(total.name)] = Table(solid: solid, ids: ids, isFact: true) }
            var fixed: [String: Set<String>] = [:]
            for (stream, loader) in fact.loaders {
                fixed["'\(stream)'"] = Set(
                    loader.names.indices.filter { Self.isText(loader.expressions[$0]) }.map { SQLText.upper(loader.names[$0]) })
            }
            tables[SQLText.upper(fact.name)] = Table(solid: solid, key: Self.key(of: fact), fixed: fixed, ids: ids, isFact: true)
        }
    }

    /// The key of a fact without what follows from the rest of it: texts that the loader gives, and the account under another name.
    private static func key(of fact: FactDefinition) -> [String] {
        let key = VersionedTable(fact: fact).key
        func expressions(_ column: String) -> [String] {
            fact.loaders.values.map { loader in loader.names.firstIndex(of: column).map { loader.expressions[$0] } ?? "" }
        }
        // A column in which each dataset has a text of its own tells the datasets apart.
        let names = key.first { column in
            let texts = expressions(column)
            return texts.allSatisfy(isText) && Set(texts).count == texts.count
        }
        return key.filter { column in
            if column == "src" { return fact.loaders.count > 1 && names == nil }
            if column == names { return fact.loaders.count > 1 }
            let given = expressions(column)
            return !(Set(given).count == 1 && (given.allSatisfy(isText) || given[0] == "account"))
        }.map(SQLText.upper)
    }

    /// Whether an expression of a loader is a text and no more.
    private static func isText(_ expression: String) -> Bool { expression.hasPrefix("'") && expression.utf8.count { $0 == 39 } == 2 }

    /// Adds a view, of whose columns it finds out what the SELECT behind it says.
    package mutating func add(view name: String, sql: String) {
        let tokens = SQLTokens(sql)
        let query = SQLQuery(tokens, tokens.indices)
        let nulls = SQLNulls(catalog: self)
        tables[SQLText.upper(name)] = Table(solid: nulls.solidColumns(of: query), isFact: nulls.readsFacts(query))
    }
}
