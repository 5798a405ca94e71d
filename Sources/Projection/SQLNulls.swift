/// Finds out which expressions can never be null, and which queries read facts.
///
/// It errs to one side: what it cannot prove counts as nullable.
struct SQLNulls {
    var catalog = SQLCatalog()
    /// Columns of `staged` that are never null, for the expressions of a loader.
    var staged: Set<String> = []

    /// Functions that give null only for a null argument.
    private static let strict: Set = ["LOWER", "UPPER", "TRIM", "LTRIM", "RTRIM", "ABS", "LENGTH", "SUBSTR", "REPLACE"]
    private static let numbering: Set = ["ROW_NUMBER", "RANK", "DENSE_RANK", "NTILE", "COUNT"]
    private static let comparisons: Set = ["=", "<>", "!=", "<", ">", "<=", ">="]
    private static let operators: Set = ["+", "-", "*", "||"]

    /// Whether an expression over `staged` is never null.
    func isSolid(_ expression: String) -> Bool {
        let tokens = SQLTokens(expression)
        return isSolid(tokens.indices, tokens, nil, nil)
    }

    /// Whether an expression of a core is never null.
    func isSolid(_ range: Range<Int>, _ core: SQLQuery.Core, of query: SQLQuery) -> Bool { isSolid(range, query.tokens, core, query) }

    /// The columns of a query's result that are never null, in upper case.
    func solidColumns(of query: SQLQuery) -> Set<String> {
        var solid: Set<String>?
        // The first core names the columns of a UNION, the others answer by place.
        let names = query.cores.first?.items.map { $0.alias ?? "" } ?? []
        for core in query.cores {
            let mine = Set(
                core.items.indices.filter { $0 < names.count && isSolid(core.items[$0].expression, core, of: query) }.map { names[$0] })
            solid = solid?.intersection(mine) ?? mine
        }
        return solid ?? []
    }

    /// Whether a query reads a fact or a kept total, itself or through a CTE, a view or a subquery.
    func readsFacts(_ query: SQLQuery) -> Bool {
        query.cores.contains { core in
            core.sources.contains { isFact($0, in: query) }
                || [core.conditions, core.having].contains { query.subqueries(in: $0).contains { readsFacts($0.query) } }
        }
    }

    /// Whether the rows of a source come from a fact.
    func isFact(_ source: SQLQuery.Source, in query: SQLQuery) -> Bool {
        if let inner = source.query { return readsFacts(inner) }
        guard let name = source.table else { return false }
        if let cte = query.cte(name) { return cte !== query && readsFacts(cte) }
        return catalog.tables[name]?.isFact ?? (name.hasPrefix("FACT_") || name.hasPrefix("TOTAL_"))
    }

    private func isSolid(_ range: Range<Int>, _ tokens: SQLTokens, _ core: SQLQuery.Core?, _ query: SQLQuery?) -> Bool {
        guard let first = range.first else { return false }
        func solid(_ part: Range<Int>) -> Bool { isSolid(part, tokens, core, query) }
        let top = tokens.top(range)
        if let body = tokens.inside(first), body.upperBound == range.upperBound - 1 { return solid(body) }
        if tokens[first].isWord("CASE"), range.count > 2 {
            return tokens[range.upperBound - 1].isWord("END") && isSolidCase(range, tokens, solid)
        }
        if top.contains(where: { $0 > first && Self.operators.contains(tokens[$0].text) && tokens[$0].kind == .symbol }) {
            guard !top.contains(where: { tokens[$0].isWord("CASE") }) else { return false }
            return tokens.split(range) { $0.kind == .symbol && Self.operators.contains($0.text) }.allSatisfy(solid)
        }
        if range.count == 1, [.text, .number, .parameter].contains(tokens[first].kind) { return true }
        if let arguments = tokens.arguments(first), tokens[first].kind == .word {
            let close = tokens.inside(first + 1)?.upperBound ?? range.upperBound
            let isAll = close == range.upperBound - 1
            let isWindow = tokens.at(close + 1)?.isWord("OVER") == true
            switch tokens[first].text {
            case "COALESCE": return isAll && arguments.contains(where: solid)
            case let name where Self.strict.contains(name): return isAll && arguments.allSatisfy(solid)
            case let name where Self.numbering.contains(name): return isAll || isWindow
            case "MIN", "MAX", "SUM": return isAll && core?.groups.isEmpty == false && arguments.count == 1 && arguments.allSatisfy(solid)
            default: return false
            }
        }
        return isSolidColumn(range, tokens, core, query)
    }

    /// `CASE … END` in which every branch is solid, and there is an ELSE.
    private func isSolidCase(_ range: Range<Int>, _ tokens: SQLTokens, _ solid: (Range<Int>) -> Bool) -> Bool {
        var branches: [Range<Int>] = []
        var start: Int?
        var hasElse = false
        for index in tokens.top(range.lowerBound + 1..<range.upperBound) {
            switch tokens[index].text {
            case "CASE" where tokens[index].kind == .word: return false
            case "WHEN", "ELSE", "END":
                if let start { branches.append(start..<index) }
                start = nil
                if tokens[index].text == "ELSE" { (start, hasElse) = (index + 1, true) }
            case "THEN": start = index + 1
            default: break
            }
        }
        return hasElse && branches.allSatisfy(solid)
    }

    private func isSolidColumn(_ range: Range<Int>, _ tokens: SQLTokens, _ core: SQLQuery.Core?, _ query: SQLQuery?) -> Bool {
        guard let first = range.first, [.word, .name].contains(tokens[first].kind), !tokens[first].isWord("NULL") else { return false }
        guard let core, let query else { return range.count == 1 && staged.contains(tokens[first].text) }
        if isCompared(tokens.spelled(range), core, tokens) { return true }
        let sources: [SQLQuery.Source]
        let column: String
        if range.count == 3, tokens[first + 1].isSymbol(".") {
            sources = core.sources.filter { $0.alias == tokens[first].text }
            column = tokens[first + 2].text
        } else if range.count == 1, core.sources.count == 1 {
            sources = core.sources
            column = tokens[first].text
        } else {
            return false
        }
        guard sources.count == 1, let source = sources.first, !source.isOptional else { return false }
        if let inner = source.query { return solidColumns(of: inner).contains(column) }
        guard let name = source.table else { return false }
        // A CTE may not read itself, so this ends.
        if let cte = query.cte(name), cte !== query { return solidColumns(of: cte).contains(column) }
        return catalog.tables[name]?.solid.contains(column) ?? false
    }

    /// Whether a condition that every row has passed compares the column, which a null would not pass.
    private func isCompared(_ column: String, _ core: SQLQuery.Core, _ tokens: SQLTokens) -> Bool {
        ([core.conditions] + core.sources.map(\.condition)).contains { condition in
            conjuncts(condition, tokens).contains { part in
                let top = tokens.top(part)
                let words = Set(top.filter { tokens[$0].kind == .word }.map { tokens[$0].text })
                guard words.isDisjoint(with: ["OR", "CASE", "IS"]) || (words.contains("IS") && isNotNull(part, tokens)) else {
                    return false
                }
                // A null is NOT IN the empty set.
                guard !words.contains("NOT") || words.contains("IS") || words.contains("LIKE") else { return false }
                let compares =
                    words.contains("IS") || words.contains("IN") || words.contains("LIKE") || words.contains("BETWEEN")
                    || top.contains { tokens[$0].kind == .symbol && Self.comparisons.contains(tokens[$0].text) }
                return compares
                    && top.contains { index in
                        let name = index + 2 < part.upperBound && tokens[index + 1].isSymbol(".") ? index..<index + 3 : index..<index + 1
                        let isTail = index > part.lowerBound && tokens[index - 1].isSymbol(".")
                        return !isTail && tokens.spelled(name) == column
                    }
            }
        }
    }

    /// `x IS NOT NULL` and no more.
    private func isNotNull(_ part: Range<Int>, _ tokens: SQLTokens) -> Bool {
        part.count >= 4 && tokens.spelled(part.upperBound - 3..<part.upperBound) == "IS NOT NULL" && [1, 3].contains(part.count - 3)
    }

    /// The parts of a condition that all must hold. `BETWEEN a AND b` falls into two, of which the first still compares.
    func conjuncts(_ range: Range<Int>, _ tokens: SQLTokens) -> [Range<Int>] {
        // An AND beside an OR, or inside a CASE, binds less than the whole.
        guard !tokens.top(range).contains(where: { tokens[$0].isWord("OR") || tokens[$0].isWord("CASE") }) else { return [] }
        return tokens.split(range) { $0.isWord("AND") }
    }
}
