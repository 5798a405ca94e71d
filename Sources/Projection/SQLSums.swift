/// What a statement adds up: guarded columns are followed through CTEs, subqueries and other names to the sums they end in.
///
/// A name that stands for two tables is taken for the guarded one. What a condition (`CASE WHEN`) or COUNT looks at is not added.
struct SQLSums {
    /// What a column of a result holds of the guarded columns, `table.column`.
    private struct Load {
        /// The column itself, under whatever function.
        var column: String?
        /// A sum of it.
        var sum: String?

        func merging(_ other: Load) -> Load { Load(column: column ?? other.column, sum: sum ?? other.sum) }
        var isEmpty: Bool { column == nil && sum == nil }
    }

    private typealias Columns = [String: Load]
    /// What is in sight: names of FROM clauses with their columns, the innermost first.
    private typealias Scope = [(alias: String, columns: Columns)]

    /// The first guarded column that an aggregate adds up; nil where none is.
    private(set) var first: String?
    private var results: Columns = [:]
    /// By table and column, in upper case.
    private var guarded: [String: Columns] = [:]
    private let tokens: SQLTokens
    private var known: [ObjectIdentifier: Columns] = [:]
    /// Keeps them, so that none takes the identity of another.
    private var read: [SQLQuery] = []

    /// - Parameter columns: `table.column`, as guards.yml names them.
    init(_ columns: Set<String>, in sql: String) {
        tokens = SQLTokens(sql)
        guard !columns.isEmpty else { return }
        for column in columns.sorted() {
            let parts = column.split(separator: ".").map { SQLText.upper(String($0)) }
            if parts.count == 2 { guarded[parts[0], default: [:]][parts[1]] = Load(column: column) }
        }
        results = self.columns(of: SQLQuery(tokens, tokens.indices), [])
    }

    /// The guarded column whose sum is part of the result's column `name`; nil where none is.
    func sum(into name: String) -> String? { results[SQLText.upper(name)]?.sum }

    private mutating func columns(of query: SQLQuery, _ outer: Scope) -> Columns {
        let id = ObjectIdentifier(query)
        if let columns = known[id] { return columns }
        // A CTE that reads itself adds nothing to what it starts with.
        known[id] = [:]
        read.append(query)
        for (_, cte) in query.ctes { _ = columns(of: cte, []) }
        var found: Columns = [:]
        var names: [String?] = query.columnNames
        for (index, core) in query.cores.enumerated() {
            let scope = core.sources.map { source in (alias: source.alias, columns: columns(of: source, in: query)) } + outer
            var own: [(name: String?, load: Load)] = []
            for item in core.items {
                let last = item.expression.upperBound - 1
                if last >= 0, tokens.at(last)?.isSymbol("*") == true, [1, 3].contains(item.expression.count) {
                    let only = item.expression.count == 3 ? tokens[item.expression.lowerBound].text : nil
                    for source in scope.prefix(core.sources.count) where only == nil || source.alias == only {
                        for (name, load) in source.columns.sorted(by: { $0.key < $1.key }) { own.append((name, load)) }
                    }
                } else {
                    own.append((item.alias, load(of: item.expression, in: query, scope)))
                }
            }
            for range in core.sources.map(\.on) + [core.conditions, core.having] { _ = load(of: range, in: query, scope) }
            if index == 0, names.isEmpty { names = own.map(\.name) }
            for (position, column) in own.enumerated() where !column.load.isEmpty {
                // Further branches of a UNION go by position.
                guard let name = position < names.count ? names[position] : column.name else { continue }
                found[name] = (found[name] ?? Load()).merging(column.load)
            }
        }
        known[id] = found
        return found
    }

    private mutating func columns(of source: SQLQuery.Source, in query: SQLQuery) -> Columns {
        if let inner = source.query { return columns(of: inner, []) }
        guard let table = source.table else { return [:] }
        return query.cte(table).map { columns(of: $0, []) } ?? guarded[table] ?? [:]
    }

    private mutating func load(of range: Range<Int>, in query: SQLQuery, _ scope: Scope) -> Load {
        var found = Load()
        let inner = query.subqueries(in: range)
        var index = range.lowerBound
        while index < range.upperBound {
            let token = tokens[index]
            if let subquery = inner.first(where: { $0.open == index }), let body = tokens.inside(index) {
                for load in columns(of: subquery.query, scope).sorted(by: { $0.key < $1.key }).map(\.value) { found = found.merging(load) }
                index = body.upperBound + 1
                continue
            }
            if token.isWord("WHEN") {
                index = condition(from: index + 1, to: range.upperBound)
                continue
            }
            if [.word, .name].contains(token.kind) {
                if let body = tokens.inside(index + 1), token.kind == .word {
                    if token.text == "COUNT" {
                        index = body.upperBound + 1
                        continue
                    }
                    if Self.aggregates.contains(token.text) {
                        let load = load(of: body, in: query, scope)
                        if let column = load.column {
                            first = first ?? column
                            found = found.merging(Load(column: column, sum: column))
                        }
                        found = found.merging(load)
                        index = body.upperBound + 1
                        continue
                    }
                } else if tokens.at(index + 1)?.isSymbol(".") == true, let column = tokens.at(index + 2) {
                    for source in scope where source.alias == token.text {
                        if let load = source.columns[column.text] { found = found.merging(load) }
                    }
                    index += 3
                    continue
                } else {
                    for source in scope { if let load = source.columns[token.text] { found = found.merging(load) } }
                }
            }
            index += 1
        }
        return found
    }

    /// The index of the THEN that ends a condition.
    private func condition(from start: Int, to end: Int) -> Int {
        var index = start
        var depth = 0
        while index < end {
            if tokens[index].isWord("CASE") { depth += 1 }
            if tokens[index].isWord("END") { depth -= 1 }
            if depth == 0, tokens[index].isWord("THEN") { return index }
            index += 1
        }
        return end
    }

    /// An average is a sum too.
    private static let aggregates: Set = ["SUM", "TOTAL", "AVG"]
}
