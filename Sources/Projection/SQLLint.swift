/// Something in an SQL file that another engine reads differently, or that no replay may do.
package struct SQLFinding: Sendable, Hashable {
    /// The file, as the caller names it.
    package fileprivate(set) var path = ""
    /// From 1, in the file.
    package let line: Int
    package let column: Int
    /// What stands there.
    package let construct: String
    /// What is wrong with it.
    package let message: String
    /// The portable form.
    package let suggestion: String
}

/// The portable subset of SQL, as rules over the tokens and the shape of a file.
///
/// The same files are to run on SQLite, PostgreSQL and Citus. A rule that cannot tell says nothing, except about nulls in an ORDER BY,
/// where saying `NULLS FIRST` costs nothing. Rules never decide whether a captured definition replays:
/// ``SQLText/checked(_:path:line:needsOrder:)`` does.
package struct SQLLint {
    /// What a file's SQL is for.
    package enum Kind: Sendable {
        /// Row-wise SELECTs over `staged` behind `-- from:` lines.
        case loaders
        /// One SELECT whose rows go out in its order: a curated table, a KPI.
        case table
        /// One SELECT that others read: its order does not matter.
        case view
        /// No statement, only a condition: the one that finds a KPI's evidence.
        case condition
    }

    private let tokens: SQLTokens
    private let kind: Kind
    private let nulls: SQLNulls
    private var found: [SQLFinding] = []

    /// Everything that an SQL file holds outside the portable subset, in the order of the file; the header counts as a comment.
    ///
    /// - Parameter catalog: what is known of the tables that the file reads.
    package static func findings(path: String, sql: String, kind: Kind, catalog: SQLCatalog = SQLCatalog()) -> [SQLFinding] {
        var lint = SQLLint(tokens: SQLTokens(sql), kind: kind, nulls: SQLNulls(catalog: catalog))
        lint.found = unrepeatable(lint.tokens)
        lint.checkTokens()
        switch kind {
        case .condition: break
        case .loaders:
            for part in lint.tokens.split(lint.tokens.indices, at: { $0.isSymbol(";") || $0.isWord("STAGED") }) {
                let query = SQLQuery(lint.tokens, part)
                for core in query.cores { lint.checkValues(core) }
            }
        case .table, .view:
            lint.checkEnd()
            let end = lint.tokens.tokens.last?.isSymbol(";") == true ? lint.tokens.indices.dropLast() : lint.tokens.indices
            let query = SQLQuery(lint.tokens, end)
            lint.check(query)
            if kind == .table { lint.checkOrder(query) }
        }
        for i in lint.found.indices { lint.found[i].path = path }
        let allowed = allowed(in: sql)
        return Set(lint.found).filter { allowed[$0.construct] == nil }.sorted {
            ($0.line, $0.column, $0.construct) < ($1.line, $1.column, $1.construct)
        }
    }

    /// Constructs that a file takes on purpose, with the reason: `-- lint: allow EXISTS: why it is right here`. Without a reason it is not.
    private static func allowed(in sql: String) -> [String: String] {
        var allowed: [String: String] = [:]
        for line in sql.split(separator: "\n") {
            let text = line.trimmingSpaces
            guard text.hasPrefix("-- lint: allow ") else { continue }
            let parts = text.dropFirst(15).split(separator: ":", maxSplits: 1).map(\.trimmingSpaces)
            if parts.count == 2, !parts[1].isEmpty { allowed[parts[0]] = parts[1] }
        }
        return allowed
    }

    private init(tokens: SQLTokens, kind: Kind, nulls: SQLNulls) { (self.tokens, self.kind, self.nulls) = (tokens, kind, nulls) }

    // MARK: What no replay may do

    private static let clocks: Set = ["DATE", "TIME", "DATETIME", "STRFTIME", "JULIANDAY", "UNIXEPOCH", "TIMEDIFF"]
    private static let now: Set = ["DATE", "TIME", "TIMESTAMP"]
    private static let chance: Set = ["RANDOM", "RANDOMBLOB"]

    /// What gives other rows another day or in another warehouse file: clocks, chance, private row numbers.
    static func unrepeatable(_ tokens: SQLTokens) -> [SQLFinding] {
        tokens.indices.compactMap { index in
            let token = tokens[index]
            guard token.kind == .word else { return nil }
            let isCall = tokens.at(index + 1)?.isSymbol("(") == true
            // Behind a point or AS stands the name of a column.
            if index > 0, tokens[index - 1].isWord("AS"), !isCall { return nil }
            func finding(_ message: String, _ suggestion: String) -> SQLFinding {
                SQLFinding(
                    line: token.line, column: token.column, construct: token.text, message: "`\(token.text)` \(message)",
                    suggestion: suggestion)
            }
            switch token.text {
            case let name where isCall && clocks.contains(name):
                return finding("is an engine's date function and can read the clock", "join dim_date and use day_no")
            case let name where isCall && chance.contains(name): return finding("is chance", "nothing random is replayed")
            case let name where name.hasPrefix("CURRENT_") && now.contains(String(name.dropFirst(8))):
                return finding("reads the clock", "use the parameters :day and :now_ms")
            case "ROWID", "_ROWID_": return finding("is private to one warehouse file", "use natural keys")
            default: return nil
            }
        }
    }

    // MARK: Tokens

    /// Functions and words, with what to write instead.
    private static let calls: [String: String] = [
        "IFNULL": "COALESCE(a, b)", "NVL": "COALESCE(a, b)", "IIF": "CASE WHEN a THEN b ELSE c END", "ROUND": "integers with IDIV(a, b)",
        "AVG": "a sum and a count, as num and den", "TOTAL": "SUM(a) of integers", "GROUP_CONCAT": "one row a value",
        "STRING_AGG": "one row a value", "PRINTF": "a format in the header", "FORMAT": "a format in the header",
        "TYPEOF": "columns of one type", "INSTR": "lower(a) LIKE '%…%'", "LIKELY": "the condition alone", "UNLIKELY": "the condition alone",
        "CHANGES": "nothing: it counts writes", "LAST_INSERT_ROWID": "nothing: it counts writes", "DATE_TRUNC": "dim_date and day_no",
        "EXTRACT": "dim_date and day_no", "NOW": "the parameters :day and :now_ms", "JSON_EXTRACT": "columns of the fact",
        "JSON_EACH": "rows of the fact", "JSON_GROUP_ARRAY": "one row a value", "SIGN": "CASE", "HEX": "text columns",
    ]
    private static let words: [String: String] = [
        "GLOB": "lower(x) LIKE 'pattern'", "REGEXP": "lower(x) LIKE 'pattern'", "MATCH": "lower(x) LIKE 'pattern'",
        "ILIKE": "lower(x) LIKE 'pattern'", "RECURSIVE": "the calendar dimension", "INDEXED": "nothing: the engine chooses its indexes",
        "PRAGMA": "nothing: one SELECT", "ATTACH": "nothing: one SELECT", "INTERVAL": "day_no + n", "COLLATE": "lower(x)",
        "ISNULL": "x IS NULL", "NOTNULL": "x IS NOT NULL", "REPLACE": "one SELECT", "INSERT": "one SELECT", "UPDATE": "one SELECT",
        "DELETE": "one SELECT",
    ]

    /// Whether a word of this spelling, in upper case, is outside the portable subset wherever it stands.
    static func isOutside(_ word: String) -> Bool { words[word] != nil }

    private mutating func report(_ index: Int, _ construct: String, _ message: String, use suggestion: String) {
        guard let token = tokens.at(index) else { return }
        found.append(
            SQLFinding(
                line: token.line, column: token.column, construct: construct, message: "`\(construct)` \(message)", suggestion: suggestion))
    }

    private mutating func outside(_ index: Int, _ construct: String, use suggestion: String) {
        report(index, construct, "is outside the portable subset", use: "write \(suggestion)")
    }

    private mutating func checkTokens() {
        for index in tokens.indices {
            let token = tokens[index]
            let isColumn = index > 0 && (tokens[index - 1].isSymbol(".") || tokens[index - 1].isWord("AS"))
            switch token.kind {
            case .symbol:
                if token.text == "/" { outside(index, "/", use: "IDIV(a, b)") }
                if token.text == "==" { outside(index, "==", use: "a = b") }
                if ["->", "->>", "&", "|", "~", "<<", ">>"].contains(token.text) { outside(index, token.text, use: "columns of the fact") }
            case .name:
                let quote = tokens.bytes[token.range.lowerBound]
                if quote != UInt8(ascii: "\"") { outside(index, tokens.text(index..<index + 1), use: "\"name\"") }
            case .word where !isColumn: checkWord(index)
            default: break
            }
        }
    }

    private mutating func checkWord(_ index: Int) {
        let word = tokens[index].text
        if let arguments = tokens.arguments(index) {
            if let form = Self.calls[word] { outside(index, "\(word)(", use: form) }
            if word == "MIN" || word == "MAX", arguments.count > 1 {
                outside(index, "\(word)(a, b)", use: "CASE WHEN a \(word == "MIN" ? "<" : ">") b THEN a ELSE b END")
            }
            if word == "IDIV", arguments.count != 2 { report(index, "IDIV", "takes two arguments", use: "write IDIV(a, b)") }
            if word == "SUM", arguments.contains(where: { comparison(in: $0) != nil }) {
                outside(index, "SUM(a = b)", use: "SUM(CASE WHEN a = b THEN 1 ELSE 0 END)")
            }
            if word.hasPrefix("PRAGMA_") { outside(index, word, use: "nothing: one SELECT") }
            if word == "REPLACE" { return }
        } else if word.hasPrefix("SQLITE_") {
            outside(index, word, use: "the tables of the warehouse")
        }
        if let form = Self.words[word] { outside(index, word, use: form) }
        if word == "LIKE" { checkLike(index) }
        if word == "IS", let next = tokens.at(index + 1), !["NULL", "NOT", "DISTINCT", "TRUE", "FALSE"].contains(next.text) {
            outside(index, "a IS b", use: "a = b, or a = b OR (a IS NULL AND b IS NULL)")
        }
        if word == "LIMIT", let comma = tokens.top(index + 1..<tokens.indices.upperBound).prefix(2).last, tokens[comma].isSymbol(",") {
            outside(index, "LIMIT a, b", use: "LIMIT b OFFSET a")
        }
    }

    /// Case matters to LIKE everywhere but in SQLite: both sides must be in lower case.
    private mutating func checkLike(_ index: Int) {
        var left = index - 1
        if tokens.at(left)?.isWord("NOT") == true { left -= 1 }
        let isLower = tokens.partner[left].map { $0 < left && tokens.at($0 - 1)?.isWord("LOWER") == true } ?? false
        if !isLower { return outside(index, "LIKE", use: "lower(x) LIKE 'pattern'") }
        if let pattern = tokens.at(index + 1), pattern.kind == .text, pattern.text.utf8.contains(where: { (65...90).contains($0) }) {
            report(index + 1, pattern.text, "never fits a text in lower case", use: "write the pattern in lower case")
        }
    }

    /// The first comparison in a range that stands in no CASE, window or subquery.
    private func comparison(in range: Range<Int>) -> Int? {
        var cases = 0
        var index = range.lowerBound
        while index < range.upperBound {
            let token = tokens[index]
            if token.isWord("CASE") { cases += 1 }
            if token.isWord("END") { cases -= 1 }
            if let body = tokens.inside(index), let first = tokens.at(body.lowerBound) {
                let isWindow = index > 0 && (tokens[index - 1].isWord("OVER") || tokens[index - 1].isWord("FILTER"))
                if first.isWord("SELECT") || first.isWord("WITH") || isWindow { index = body.upperBound }
            }
            let isComparison =
                token.kind == .symbol
                ? ["=", "<>", "!=", "<", ">", "<=", ">=", "=="].contains(token.text)
                : token.kind == .word && ["LIKE", "IN", "IS", "BETWEEN", "AND", "OR", "NOT", "EXISTS", "GLOB"].contains(token.text)
            if cases == 0, isComparison { return index }
            index += 1
        }
        return nil
    }

    /// One statement, and nothing behind it.
    private mutating func checkEnd() {
        for index in tokens.indices.dropLast() where tokens[index].isSymbol(";") {
            report(index, ";", "ends the statement before the file ends", use: "keep one SELECT a file")
        }
    }

    // MARK: Shape

    private mutating func check(_ query: SQLQuery) {
        for cte in query.ctes { check(cte.query) }
        for core in query.cores {
            checkValues(core)
            checkHaving(core)
            checkGroups(core)
            for source in core.sources { if let inner = source.query { check(inner) } }
            for item in core.items {
                for (open, inner) in query.subqueries(in: item.expression) {
                    check(inner)
                    if nulls.readsFacts(inner) || isCorrelated(inner) != nil {
                        outside(open, "(SELECT …) in the SELECT list", use: "a CTE and a join")
                    }
                }
                checkWindows(item.expression, core, query)
            }
            for range in [core.conditions, core.having] + core.sources.map(\.on) { checkSubqueries(range, core, query) }
        }
        checkNulls(query)
    }

    /// What comes out must be a value and not a truth: 0 and 1 here are true and false elsewhere.
    private mutating func checkValues(_ core: SQLQuery.Core) {
        for item in core.items {
            if let at = comparison(in: item.expression), !isInSum(at) {
                outside(at, "a truth as a value", use: "CASE WHEN … THEN 1 ELSE 0 END")
            }
        }
    }

    /// A comparison inside SUM has a finding of its own.
    private func isInSum(_ index: Int) -> Bool {
        tokens.partner.contains { open, close in
            open < index && index < close && tokens.at(open - 1)?.isWord("SUM") == true
        }
    }

    private mutating func checkHaving(_ core: SQLQuery.Core) {
        for index in tokens.top(core.having) where [.word, .name].contains(tokens[index].kind) {
            let isPart = tokens.at(index - 1)?.isSymbol(".") == true || tokens.at(index + 1)?.isSymbol(".") == true
            guard !isPart, tokens.at(index + 1)?.isSymbol("(") != true else { continue }
            let item = core.items.first { $0.alias == tokens[index].text && $0.expression.count != 1 }
            if let item {
                outside(index, "HAVING \(tokens.text(index..<index + 1))", use: "the expression again: \(tokens.text(item.expression))")
            }
        }
    }

    private static let aggregates: Set = ["SUM", "COUNT", "MIN", "MAX", "AVG", "TOTAL", "GROUP_CONCAT"]

    /// Whether a name at an index is an aggregate over the group, not over a window.
    private func isAggregate(_ index: Int) -> Bool {
        guard tokens[index].kind == .word, Self.aggregates.contains(tokens[index].text), let body = tokens.inside(index + 1) else {
            return false
        }
        return tokens.at(body.upperBound + 1)?.isWord("OVER") != true
    }

    /// A column beside aggregates must be one that is grouped by: SQLite takes any row's value, others refuse.
    private mutating func checkGroups(_ core: SQLQuery.Core) {
        let isGrouped = !core.groups.isEmpty || core.items.contains { $0.expression.contains(where: isAggregate) }
        guard isGrouped else { return }
        let groups = Set(core.groups.map { tokens.spelled($0) })
        for (place, item) in core.items.enumerated() {
            if groups.contains(tokens.spelled(item.expression)) || groups.contains("\(place + 1)") { continue }
            if let alias = item.alias, groups.contains(alias) { continue }
            var index = item.expression.lowerBound
            while index < item.expression.upperBound {
                if isAggregate(index), let body = tokens.inside(index + 1) {
                    index = body.upperBound
                    if tokens.at(index + 1)?.isWord("FILTER") == true, let filter = tokens.inside(index + 2) { index = filter.upperBound }
                } else if let whole = core.groups.first(where: {
                    index + $0.count <= item.expression.upperBound && tokens.spelled(index..<index + $0.count) == tokens.spelled($0)
                }) {
                    index += whole.count - 1
                } else if tokens[index].kind == .word || tokens[index].kind == .name, tokens.at(index + 1)?.isSymbol(".") == true {
                    outside(
                        index, "\(tokens.text(index..<min(index + 3, item.expression.upperBound))) beside a group",
                        use: "the column in GROUP BY too, or MIN or MAX of it")
                    index += 2
                }
                index += 1
            }
        }
    }

    /// Subqueries of conditions: one that names the query around it runs once a row, which a cluster refuses over facts.
    private mutating func checkSubqueries(_ range: Range<Int>, _ core: SQLQuery.Core, _ query: SQLQuery) {
        for (open, inner) in query.subqueries(in: range) {
            check(inner)
            let isExists = tokens.at(open - 1)?.isWord("EXISTS") == true
            let touchesFacts = nulls.readsFacts(inner) || core.sources.contains { nulls.isFact($0, in: query) }
            guard touchesFacts else { continue }
            if isExists {
                outside(open - 1, "EXISTS", use: "x IN (SELECT …), or a CTE and a join")
            } else if let name = isCorrelated(inner) {
                outside(name, "\(tokens.text(name..<name + 1)). of the query around it", use: "a CTE and a join")
            }
        }
    }

    /// Where a subquery names a source of the query around it.
    private func isCorrelated(_ query: SQLQuery) -> Int? {
        var outer: Set<String> = []
        var around = query.outer
        while let one = around {
            outer.formUnion(one.cores.flatMap { $0.sources.map(\.alias) })
            around = one.outer
        }
        let own = aliases(query)
        for core in query.cores {
            for range in core.items.map(\.expression) + [core.from, core.conditions, core.having] + core.groups {
                for index in range where tokens.at(index + 1)?.isSymbol(".") == true && [.word, .name].contains(tokens[index].kind) {
                    if outer.contains(tokens[index].text), !own.contains(tokens[index].text) { return index }
                }
            }
        }
        return nil
    }

    /// What the sources of a query and of those inside it are called.
    private func aliases(_ query: SQLQuery) -> Set<String> {
        var found = query.ctes.reduce(into: Set<String>()) { $0.formUnion(aliases($1.query)) }
        for core in query.cores {
            for source in core.sources {
                found.insert(source.alias)
                if let inner = source.query { found.formUnion(aliases(inner)) }
            }
            for range in core.items.map(\.expression) + [core.conditions, core.having] + core.sources.map(\.on) {
                for (_, inner) in query.subqueries(in: range) { found.formUnion(aliases(inner)) }
            }
        }
        return found
    }

    // MARK: Order

    private mutating func checkNulls(_ query: SQLQuery) {
        for term in query.order where !term.saysNulls {
            // A UNION orders by the names of its first core, the others answer by place.
            let place = query.cores.first.flatMap { output(term.expression, $0) }
            let isSolid = query.cores.allSatisfy { core in
                guard let place, core.items.indices.contains(place) else {
                    return nulls.isSolid(term.expression, core, of: query)
                }
                return nulls.isSolid(core.items[place].expression, core, of: query)
            }
            if isSolid { continue }
            report(
                term.expression.lowerBound, "ORDER BY \(tokens.text(term.expression))", "can be null, which engines sort first or last",
                use: "write NULLS FIRST or NULLS LAST behind it")
        }
    }

    /// The position of the output column that an ORDER BY or GROUP BY names by place or alias.
    private func output(_ term: Range<Int>, _ core: SQLQuery.Core) -> Int? {
        guard term.count == 1, let first = term.first else { return nil }
        if let place = Int(tokens[first].text) { return core.items.indices.contains(place - 1) ? place - 1 : nil }
        return core.items.firstIndex { $0.alias == tokens[first].text }
    }

    /// An expression that an ORDER BY or GROUP BY names, as it stands in the SELECT list.
    private func meant(_ term: Range<Int>, _ core: SQLQuery.Core) -> Range<Int> {
        output(term, core).map { core.items[$0].expression } ?? term
    }

    private mutating func checkWindows(_ range: Range<Int>, _ core: SQLQuery.Core, _ query: SQLQuery) {
        for index in range where tokens[index].isWord("OVER") {
            guard let body = tokens.inside(index + 1) else { continue }
            let top = tokens.top(body)
            guard let order = top.first(where: { tokens[$0].isWord("ORDER") }) else { continue }
            let frame = top.first { $0 > order && ["ROWS", "RANGE", "GROUPS"].contains(tokens[$0].text) } ?? body.upperBound
            for term in query.terms(min(order + 2, frame)..<frame) where !term.saysNulls && !nulls.isSolid(term.expression, core, of: query)
            {
                report(
                    term.expression.lowerBound, "ORDER BY \(tokens.text(term.expression))", "can be null, which engines sort first or last",
                    use: "write NULLS FIRST or NULLS LAST behind it")
            }
        }
    }

    /// The rows of a table go out in its order, so the order must leave no two rows equal.
    private mutating func checkOrder(_ query: SQLQuery) {
        guard query.orderAt != nil else {
            return report(
                0, "SELECT", "has no ORDER BY of its own, so the order of rows is left to the engine", use: "end with a total ORDER BY")
        }
        guard query.cores.count == 1, let core = query.cores.first else { return }
        let terms = Set(query.order.map { tokens.spelled(meant($0.expression, core)) })
        for term in query.order {
            let expression = meant(term.expression, core)
            guard expression.count == 3, let source = core.sources.first(where: { $0.alias == tokens[expression.lowerBound].text }),
                let name = source.table, query.cte(name) == nil,
                nulls.catalog.tables[name]?.ids.contains(tokens[expression.lowerBound + 2].text) == true
            else { continue }
            report(
                term.expression.lowerBound, "ORDER BY \(tokens.text(expression))", "is an id that is private to one warehouse file",
                use: "join source_value and order by its value")
        }
        if core.groups.isEmpty { return checkKey(core, query, terms) }
        for group in core.groups {
            let expression = meant(group, core)
            guard !terms.contains(tokens.spelled(expression)) else { continue }
            report(
                query.orderAt ?? 0, "ORDER BY", "leaves rows equal that differ in \(tokens.text(expression))",
                use: "name every column of GROUP BY in ORDER BY")
        }
    }

    /// Rows of a fact are told apart by its key: what the order does not name of it, a condition must fix.
    private mutating func checkKey(_ core: SQLQuery.Core, _ query: SQLQuery, _ terms: Set<String>) {
        guard !core.isDistinct, !core.items.contains(where: { $0.expression.contains(where: isAggregate) }), let fact = core.sources.first,
            let name = fact.table, query.cte(name) == nil, let key = nulls.catalog.tables[name]?.key
        else { return }
        var known = terms
        // An equation fixes one side by the other: `v.id = f.vendor`, `d.value = 'a'`. A source value is its id, and the other way round.
        var equations: [(String, String)] = core.sources.filter { $0.table == "SOURCE_VALUE" }.flatMap { source in
            [("\(source.alias) . ID", "\(source.alias) . VALUE"), ("\(source.alias) . VALUE", "\(source.alias) . ID")]
        }
        for condition in [core.conditions] + core.sources.map(\.condition) {
            for part in nulls.conjuncts(condition, tokens) {
                let sides = tokens.split(part) { $0.isSymbol("=") }
                guard sides.count == 2 else { continue }
                for side in sides where side.count == 1 && [.text, .number, .parameter].contains(tokens[side.lowerBound].kind) {
                    known.insert(tokens.spelled(side))
                }
                let (left, right) = (tokens.spelled(sides[0]), tokens.spelled(sides[1]))
                equations += [(left, right), (right, left)]
            }
        }
        // What a join that may find nothing gives follows from the fact, not the other way round, but for the id it looks up.
        for source in core.sources where source.isOptional && source.table == "SOURCE_VALUE" {
            for part in nulls.conjuncts(source.on, tokens) {
                let sides = tokens.split(part) { $0.isSymbol("=") }.map { tokens.spelled($0) }
                if sides.count == 2, sides.contains("\(source.alias) . ID") { equations += [(sides[0], sides[1]), (sides[1], sides[0])] }
            }
        }
        while let next = equations.first(where: { known.contains($0.0) && !known.contains($0.1) }) { known.insert(next.1) }
        // With one dataset asked for, what its loader gives as a text is the same in every row.
        let fixed = nulls.catalog.tables[name]?.fixed.filter { known.contains($0.key) }.values.first ?? []
        let missing = key.filter { !known.contains("\(fact.alias) . \($0)") && !fixed.contains($0) }.map { $0.lowercased() }
        guard !missing.isEmpty else { return }
        report(
            query.orderAt ?? 0, "ORDER BY", "leaves rows of \(name.lowercased()) equal that differ in \(missing.joined(separator: ", "))",
            use: "name the fact's whole key in ORDER BY")
    }
}
