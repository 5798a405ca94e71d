import Yams

/// What is wrong in a contract file, and where.
package struct ContractError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Path as given to the parser.
    package let path: String
    /// Line and column, from 1.
    package let line: Int
    /// Column, from 1.
    package let column: Int
    /// Dotted key, for example `columns.3.type`; empty for the file as a whole.
    package let key: String
    /// What is wrong.
    package let message: String
    /// What to write instead.
    package let suggestion: String?

    package var description: String {
        let place = key.isEmpty ? "" : "\(key): "
        return "\(path):\(line):\(column): \(place)\(message)" + (suggestion.map { "; \($0)" } ?? "")
    }
}

extension Contract {
    /// Parses a contract. The last two parts of the path name service and dataset. Unknown keys are errors, with the closest known key.
    package static func parse(_ yaml: [UInt8], path: String) throws(ContractError) -> Contract {
        let file = ContractFile(path: path)
        guard let text = String(validating: yaml, as: UTF8.self) else {
            throw file.error(nil, "", "the file is not UTF-8", "save it as UTF-8")
        }
        let root: Node?
        do {
            root = try Yams.compose(yaml: text, .basic)
        } catch let error as YamlError {
            throw file.error(error)
        } catch {
            throw file.error(nil, "", "not YAML: \(error)", nil)
        }
        guard let root else { throw file.error(nil, "", "the file is empty", "start with a title: line") }
        return try file.contract(root)
    }
}

/// Walks the YAML nodes, so that each complaint knows its line.
struct ContractFile {
    let path: String

    func error(_ node: Node?, _ key: String, _ message: String, _ suggestion: String? = nil) -> ContractError {
        ContractError(
            path: path, line: node?.mark?.line ?? 1, column: node?.mark?.column ?? 1, key: key, message: message, suggestion: suggestion)
    }

    func error(_ yaml: YamlError) -> ContractError {
        switch yaml {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _), .composer(_, let problem, let mark, _):
            return ContractError(
                path: path, line: mark.line, column: mark.column, key: "", message: "not YAML: \(problem)", suggestion: nil)
        case .duplicatedKeysInMapping(let duplicates, let context):
            return ContractError(
                path: path, line: context.mark.line, column: context.mark.column, key: duplicates.sorted().first ?? "",
                message: "the key stands twice", suggestion: "keep one of them")
        default:
            return error(nil, "", "not YAML: \(yaml)", nil)
        }
    }

    // MARK: the tree

    func contract(_ root: Node) throws(ContractError) -> Contract {
        let (service, dataset) = try nameFromPath()
        let top = try map(
            root, "",
            [
                "title", "names", "account", "format", "columns", "merge", "period", "day_zone", "reporting_lag_days", "partial_last_day",
                "change_guard", "max_reject_permille", "set_aside", "ignore", "freeze", "redact", "original", "rules", "rounding",
            ])
        let setAside = try top["set_aside"].map { node throws(ContractError) in try bool(node, "set_aside") } ?? false
        let columns = setAside ? [] : try self.columns(try need(top, root, "columns"))
        let names = try patterns(try need(top, root, "names"))
        let format = try top["format"].map { node throws(ContractError) in
            try map(
                node, "format",
                [
                    "kind", "delimiters", "encodings", "zip_members", "max_mebibytes", "preamble", "skip_when", "records", "shape",
                    "header",
                    "series",
                ])
        }
        let known = columns.map(\.name)
        var period: String?
        if let node = top["period"] {
            period = try column(node, "period", columns, types: [.day, .month])
        }
        let merge = setAside ? .append : try self.merge(try need(top, root, "merge"), columns)
        let mebibytes = try format?["max_mebibytes"].map { node throws(ContractError) in
            try integer(node, "format.max_mebibytes", 1...1_048_576)
        }
        var contract = Contract(
            service: service, dataset: dataset, title: try string(try need(top, root, "title"), "title"), names: names,
            account: try account(try need(top, root, "account"), names), columns: columns, merge: merge, period: period,
            dayZone: try top["day_zone"].map { node throws(ContractError) in try string(node, "day_zone") } ?? "unknown",
            reportingLagDays: try top["reporting_lag_days"].map { node throws(ContractError) in
                try integer(node, "reporting_lag_days", 0...3_650)
            } ?? 0,
            partialLastDay: try top["partial_last_day"].map { node throws(ContractError) in try bool(node, "partial_last_day") } ?? false,
            changeGuard: try top["change_guard"].map { node throws(ContractError) in try changeGuard(node, columns) },
            delimiters: try format?["delimiters"].map { node throws(ContractError) in try choices(node, "format.delimiters") } ?? [.comma],
            encodings: try format?["encodings"].map { node throws(ContractError) in try choices(node, "format.encodings") } ?? [.utf8],
            members: try format?["zip_members"].map { node throws(ContractError) in try strings(node, "format.zip_members") } ?? [],
            maxBytes: 0,
            maxRejectPermille: try top["max_reject_permille"].map { node throws(ContractError) in
                try integer(node, "max_reject_permille", 0...1_000)
            } ?? 1_000)
        contract.setAside = setAside
        try finish(&contract, root, top, format ?? [:], mebibytes)
        for (index, column) in columns.enumerated() where column.derived == .partialLastDay {
            guard let period, columns.contains(where: { $0.name == period && $0.type == .day }) else {
                throw error(
                    root, "columns.\(index + 1).derived", "partial_last_day needs a period column of type day",
                    "add period: with one of \(known.joined(separator: ", "))")
            }
        }
        return contract
    }

    private func nameFromPath() throws(ContractError) -> (String, String) {
        let parts = path.split(separator: "/")
        guard parts.count >= 2, let last = parts.last else {
            throw error(nil, "", "the path must end in <service>/<dataset>.yml", "move the file into a folder named after its service")
        }
        let dataset = last.hasSuffix(".yml") ? last.dropLast(4) : last.hasSuffix(".yaml") ? last.dropLast(5) : last[...]
        let service = parts[parts.count - 2]
        for name in [service, dataset[...]] {
            let plain = name.utf8.allSatisfy { lower($0) == $0 && ($0 &- 48 <= 9 || $0 &- 97 < 26 || $0 == 95 || $0 == 45) }
            guard plain, !name.isEmpty else {
                throw error(nil, "", "'\(name)' is no name for a service or dataset", "use lower-case letters, digits, _ and -")
            }
        }
        return (String(service), String(dataset))
    }

    private func patterns(_ node: Node) throws(ContractError) -> [NamePattern] {
        var result: [NamePattern] = []
        for (index, text) in try strings(node, "names").enumerated() {
            guard let pattern = NamePattern(text, isPath: true) else {
                throw error(
                    node.sequence?[index], "names.\(index + 1)", "'\(text)' is not a name pattern",
                    "close each <hole>, name it once, and put text between two holes")
            }
            result.append(pattern)
        }
        return result
    }

    private func account(_ node: Node, _ names: [NamePattern]) throws(ContractError) -> AccountRule {
        if let mapping = node.mapping {
            let keys = try map(node, "account", ["fixed"])
            guard let value = keys["fixed"] else { throw error(node, "account", "fixed: is missing in \(mapping.count) keys", nil) }
            return .fixed(try string(value, "account.fixed"))
        }
        if node.scalar?.string == "ask" { return .ask }
        let known = Set(names.flatMap(\.fields))
        var fields: [String] = []
        for field in try strings(node, "account") {
            let name = field.hasPrefix("<") && field.hasSuffix(">") ? String(field.dropFirst().dropLast()) : field
            guard known.contains(name) else {
                throw error(
                    node, "account", "no name pattern has <\(name)>",
                    closest(name, known.sorted()).map { "did you mean <\($0)>?" } ?? "write ask, or {fixed: NAME}")
            }
            fields.append(name)
        }
        return .fields(fields)
    }

    private func columns(_ node: Node) throws(ContractError) -> [Column] {
        guard let list = node.sequence, !list.isEmpty else {
            throw error(node, "columns", "must be a list with at least one column", "write - name: …")
        }
        var result: [Column] = []
        var headings: [String: String] = [:]
        for (index, item) in list.enumerated() {
            let key = "columns.\(index + 1)"
            let column = try self.column(item, key)
            if result.contains(where: { $0.name == column.name }) {
                throw error(item, "\(key).name", "'\(column.name)' stands twice", "give each column its own name")
            }
            if column.derived == nil, column.origin == nil, column.paths.isEmpty {
                for heading in [column.heading] + column.aliases {
                    if let other = headings.updateValue(column.name, forKey: folded(heading)) {
                        throw error(
                            item, "\(key).aliases", "heading '\(heading)' already means \(other)", "remove it from one of the columns")
                    }
                }
            }
            result.append(column)
        }
        return result
    }

    func column(_ item: Node, _ key: String) throws(ContractError) -> Column {
        let keys = try map(
            item, key,
            [
                "name", "heading", "aliases", "type", "required", "optional", "nulls", "negative", "thousands", "currency", "unit",
                "values", "form", "yearless", "derived", "path", "from", "dates", "shift_days", "symbols", "decimal_mark", "divide",
                "percent", "rate_of", "members", "personal", "trailing_zeros", "default", "lenient",
            ])
        let name = try string(try need(keys, item, "name", in: key), "\(key).name")
        let type: ColumnType = try choice(try need(keys, item, "type", in: key), "\(key).type")
        func flag(_ name: String) throws(ContractError) -> Bool {
            guard let node = keys[name] else { return false }
            return try bool(node, "\(key).\(name)")
        }
        func only(_ name: String, _ types: [ColumnType]) throws(ContractError) {
            guard let node = keys[name], !types.contains(type) else { return }
            throw error(
                node, "\(key).\(name)", "has no meaning for type \(type.rawValue)",
                "it goes with \(types.map(\.rawValue).joined(separator: ", "))")
        }
        try only("negative", [.integer, .money, .decimal])
        try only("thousands", [.integer, .money, .decimal])
        try only("currency", [.money])
        try only("values", [.text])
        try only("form", [.text, .integer])
        try only("dates", [.day, .month])
        try only("shift_days", [.day])
        try only("symbols", [.integer, .money, .decimal])
        try only("decimal_mark", [.integer, .money, .decimal])
        try only("divide", [.integer, .money, .decimal])
        try only("percent", [.decimal])
        try only("rate_of", [.decimal])
        try only("members", [.text])
        try only("lenient", [.text])
        try only("personal", [.text])
        try only("trailing_zeros", [.integer])
        try only("yearless", [.day])
        try only("derived", [.flag])
        let currency = try keys["currency"].map { node throws(ContractError) in try string(node, "\(key).currency") }
        if type == .money {
            let isCode = currency.map { $0.utf8.count == 3 && $0.utf8.allSatisfy { $0 &- 65 < 26 } } ?? false
            let isName = currency.map { $0.utf8.allSatisfy { $0 &- 97 < 26 || $0 &- 48 < 10 || $0 == 95 } } ?? false
            guard isCode || isName else {
                throw error(
                    keys["currency"] ?? item, "\(key).currency", "money needs an ISO 4217 code, or the text column that holds it",
                    "write currency: USD")
            }
        }
        let thousands = try keys["thousands"].map { node throws(ContractError) in try string(node, "\(key).thousands") }
        if let thousands,
            thousands.count != 1 || thousands == "." && keys["decimal_mark"] == nil || thousands == "-" || Int(thousands) != nil
        {
            throw error(
                keys["thousands"], "\(key).thousands", "must be one character, not a digit, point or minus", "write thousands: \",\"")
        }
        let isDuration = type == .integer && keys["form"]?.scalar?.string == "duration"
        if let node = keys["form"], type == .integer, !isDuration {
            throw error(node, "\(key).form", "of an integer can only be duration", nil)
        }
        var column = Column(
            name: name, heading: try keys["heading"].map { node throws(ContractError) in try string(node, "\(key).heading") } ?? name,
            aliases: try keys["aliases"].map { node throws(ContractError) in try strings(node, "\(key).aliases") } ?? [], type: type,
            required: try flag("required"), optional: try flag("optional"),
            nulls: try keys["nulls"].map { node throws(ContractError) in try strings(node, "\(key).nulls") } ?? [],
            negative: try flag("negative"), thousands: thousands, currency: currency,
            unit: try keys["unit"].map { node throws(ContractError) in try string(node, "\(key).unit") },
            values: try keys["values"].map { node throws(ContractError) in try strings(node, "\(key).values") } ?? [],
            form: isDuration ? .any : try keys["form"].map { node throws(ContractError) in try choice(node, "\(key).form") } ?? .any,
            yearless: try flag("yearless"),
            derived: try keys["derived"].map { node throws(ContractError) in try choice(node, "\(key).derived") })
        column.isDuration = isDuration
        try finish(&column, keys, key)
        return column
    }

    private func merge(_ node: Node, _ columns: [Column]) throws(ContractError) -> Merge {
        if node.scalar?.string == "append" { return .append }
        guard node.mapping != nil else {
            throw error(node, "merge", "must be append, {upsert: [COLUMN…]} or {replace_partition: COLUMN}", nil)
        }
        let keys = try map(node, "merge", ["upsert", "replace_partition", "guard"])
        if let key = keys["upsert"] {
            if let other = keys["replace_partition"] ?? keys["guard"] {
                throw error(other, "merge", "upsert stands alone", "remove replace_partition and guard")
            }
            var names: [String] = []
            for name in try strings(key, "merge.upsert") {
                names.append(try required(name, key, "merge.upsert", columns))
            }
            guard !names.isEmpty else { throw error(key, "merge.upsert", "needs at least one column", nil) }
            return .upsert(key: names)
        }
        guard let partition = keys["replace_partition"] else {
            throw error(node, "merge", "upsert or replace_partition is missing", nil)
        }
        let name = try column(partition, "merge.replace_partition", columns, types: [.day, .month, .integer])
        _ = try required(name, partition, "merge.replace_partition", columns)
        var total: String?
        var rowDrop = 0
        var totalDrop = 0
        if let bound = keys["guard"] {
            let parts = try map(bound, "merge.guard", ["total", "max_row_drop_permille", "max_total_drop_permille"])
            if let node = parts["total"] { total = try column(node, "merge.guard.total", columns, types: [.integer, .money, .decimal]) }
            if let node = parts["max_row_drop_permille"] { rowDrop = try integer(node, "merge.guard.max_row_drop_permille", 0...1_000) }
            if let node = parts["max_total_drop_permille"] {
                totalDrop = try integer(node, "merge.guard.max_total_drop_permille", 0...1_000)
            }
        }
        return .replacePartition(
            column: name, guard: PartitionGuard(total: total, maxRowDropPermille: rowDrop, maxTotalDropPermille: totalDrop))
    }

    private func changeGuard(_ node: Node, _ columns: [Column]) throws(ContractError) -> ChangeGuard {
        let keys = try map(node, "change_guard", ["column", "changed_permille", "factor"])
        return ChangeGuard(
            column: try column(
                try need(keys, node, "column", in: "change_guard"), "change_guard.column", columns, types: [.integer, .money, .decimal]),
            changedPermille: try keys["changed_permille"].map { node throws(ContractError) in
                try integer(node, "change_guard.changed_permille", 1...1_000)
            } ?? 200,
            factor: try keys["factor"].map { node throws(ContractError) in try integer(node, "change_guard.factor", 2...1_000) } ?? 2)
    }

    func required(_ name: String, _ node: Node, _ key: String, _ columns: [Column]) throws(ContractError) -> String {
        let known = columns.map(\.name)
        guard let found = columns.first(where: { $0.name == name }) else {
            throw error(node, key, "no column is named '\(name)'", closest(name, known).map { "did you mean '\($0)'?" })
        }
        guard found.required, !found.optional || found.fallback != nil else {
            throw error(node, key, "'\(name)' must be a required column", "add required: true to it, and remove optional or add a default")
        }
        return name
    }

    func column(_ node: Node, _ key: String, _ columns: [Column], types: [ColumnType]) throws(ContractError) -> String {
        let name = try string(node, key)
        guard let found = columns.first(where: { $0.name == name }) else {
            throw error(node, key, "no column is named '\(name)'", closest(name, columns.map(\.name)).map { "did you mean '\($0)'?" })
        }
        guard types.contains(found.type) else {
            throw error(
                node, key, "'\(name)' is of type \(found.type.rawValue)",
                "it must be one of \(types.map(\.rawValue).joined(separator: ", "))")
        }
        return name
    }

    // MARK: the leaves

    func map(_ node: Node, _ key: String, _ allowed: [String]) throws(ContractError) -> [String: Node] {
        guard let mapping = node.mapping else { throw error(node, key, "must be a list of key: value", nil) }
        var result: [String: Node] = [:]
        for (name, value) in mapping {
            let text = name.string ?? ""
            guard allowed.contains(text) else {
                throw error(
                    name, key.isEmpty ? text : "\(key).\(text)", "unknown key '\(text)'",
                    closest(text, allowed).map { "did you mean '\($0)'?" } ?? "known keys: \(allowed.joined(separator: ", "))")
            }
            result[text] = value
        }
        return result
    }

    func need(_ keys: [String: Node], _ node: Node, _ name: String, in parent: String = "") throws(ContractError) -> Node {
        guard let value = keys[name] else {
            throw error(node, parent.isEmpty ? name : "\(parent).\(name)", "the key is missing", "add \(name):")
        }
        return value
    }

    func string(_ node: Node, _ key: String) throws(ContractError) -> String {
        guard let text = node.scalar?.string, !text.isEmpty else { throw error(node, key, "must be a text", nil) }
        return text
    }

    func strings(_ node: Node, _ key: String) throws(ContractError) -> [String] {
        guard let list = node.sequence else { return [try string(node, key)] }
        var result: [String] = []
        for (index, item) in list.enumerated() { result.append(try string(item, "\(key).\(index + 1)")) }
        return result
    }

    func bool(_ node: Node, _ key: String) throws(ContractError) -> Bool {
        switch node.scalar?.string {
        case "true", "yes": return true
        case "false", "no": return false
        default: throw error(node, key, "must be true or false", nil)
        }
    }

    func integer(_ node: Node, _ key: String, _ range: ClosedRange<Int>) throws(ContractError) -> Int {
        guard let value = node.scalar.flatMap({ Int($0.string) }), range.contains(value) else {
            throw error(node, key, "must be a whole number from \(range.lowerBound) to \(range.upperBound)", nil)
        }
        return value
    }

    func choice<Choice: RawRepresentable & CaseIterable>(_ node: Node, _ key: String) throws(ContractError) -> Choice
    where Choice.RawValue == String {
        let text = try string(node, key)
        let all = Choice.allCases.map(\.rawValue)
        guard let value = Choice(rawValue: text) else {
            throw error(
                node, key, "'\(text)' is not one of \(all.joined(separator: ", "))", closest(text, all).map { "did you mean '\($0)'?" })
        }
        return value
    }

    func choices<Choice: RawRepresentable & CaseIterable>(_ node: Node, _ key: String) throws(ContractError) -> [Choice]
    where Choice.RawValue == String {
        guard let list = node.sequence else { return [try choice(node, key)] }
        guard !list.isEmpty else { throw error(node, key, "needs at least one entry", nil) }
        var result: [Choice] = []
        for (index, item) in list.enumerated() { result.append(try choice(item, "\(key).\(index + 1)")) }
        return result
    }
}

/// How headings are compared: trimmed, letters of ASCII in lower case.
func folded(_ heading: String) -> String {
    String(decoding: trimmed(heading.utf8).map(lower), as: UTF8.self)
}

/// The candidate within a third of the word's length (at least two edits), if any.
package func closest(_ word: String, _ candidates: [String]) -> String? {
    let scored = candidates.map { (distance(Array(word.utf8), Array($0.utf8)), $0) }
    guard let best = scored.min(by: { $0.0 < $1.0 }), best.0 <= max(2, word.utf8.count / 3) else { return nil }
    return best.1
}

private func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    var row = Array(0...b.count)
    for (i, x) in a.enumerated() {
        var diagonal = row[0]
        row[0] = i + 1
        for (j, y) in b.enumerated() {
            let next = min(row[j + 1] + 1, row[j] + 1, diagonal + (x == y ? 0 : 1))
            diagonal = row[j + 1]
            row[j + 1] = next
        }
    }
    return row[b.count]
}
