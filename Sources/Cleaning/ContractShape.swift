import Yams

// The part of a contract file that says how records lie in the bytes and how cells become plain.
extension ContractFile {
    /// The keys of the contract that need its columns.
    func finish(
        _ contract: inout Contract, _ root: Node, _ top: [String: Node], _ format: [String: Node], _ mebibytes: Int?
    ) throws(ContractError) {
        contract.shape = try shape(format, root)
        contract.maxBytes = (mebibytes ?? (contract.shape.isDocument ? 64 : 1_024)) << 20
        if contract.setAside {
            for name in ["columns", "merge", "period", "rules", "change_guard"] {
                guard let node = top[name] else { continue }
                throw error(node, name, "has no meaning for a file that is set aside", "remove it, or set_aside:")
            }
            return
        }
        contract.skips = try format["skip_when"].map { node throws(ContractError) in try skips(node, contract) } ?? []
        contract.ignored = Set(try top["ignore"].map { node throws(ContractError) in try strings(node, "ignore") }?.map(folded) ?? [])
        contract.freeze = try top["freeze"].map { node throws(ContractError) in try bool(node, "freeze") } ?? false
        contract.redactions = try top["redact"].map { node throws(ContractError) in try paths(node, "redact") } ?? []
        contract.original = try top["original"].map { node throws(ContractError) in try choice(node, "original") } ?? .encrypted
        contract.rules = try top["rules"].map { node throws(ContractError) in try rules(node, contract) } ?? []
        if let node = top["rounding"], node.scalar?.string != "half_even" {
            throw error(node, "rounding", "the only rounding is half_even", nil)
        }
        if case .json(let records, _, _) = contract.shape, records.isEmpty {
            throw error(root, "format.records", "the key is missing", "say where the records are, for example records: [data[]]")
        }
        try checkPersonal(contract, root)
        for (index, column) in contract.columns.enumerated() {
            let key = "columns.\(index + 1)"
            if contract.shape.isDocument, column.derived == nil, column.origin == nil, column.paths.isEmpty,
                let path = RecordPath(column.name)
            {
                contract.columns[index].paths = [path]
            }
            if let name = column.currency, name.utf8.first.map({ $0 &- 97 < 26 }) ?? false {
                guard contract.columns.contains(where: { $0.name == name && $0.type == .text }) else {
                    throw error(root, "\(key).currency", "no text column is named '\(name)'", "write an ISO 4217 code, or add that column")
                }
            }
            if let pair = column.rateOf {
                for name in [pair.part, pair.whole] where !contract.columns.contains(where: { $0.name == name && $0.type == .integer }) {
                    throw error(root, "\(key).rate_of", "no integer column is named '\(name)'", nil)
                }
            }
            if case .name(let hole) = column.origin, !contract.names.contains(where: { $0.fields.contains(hole) }) {
                throw error(
                    root, "\(key).from", "no name pattern has <\(hole)>",
                    closest(hole, Set(contract.names.flatMap(\.fields)).sorted()).map { "did you mean name.\($0)?" })
            }
            if case .heading(let hole) = column.origin {
                let headings = contract.columns.flatMap { [$0.heading] + $0.aliases }
                guard headings.contains(where: { $0.contains("<\(hole)>") }) else {
                    throw error(root, "\(key).from", "no heading has <\(hole)>", "write a heading such as Amount spent (<\(hole)>)")
                }
            }
            if column.trailingZerosMissing, contract.period == nil {
                throw error(root, "\(key).trailing_zeros", "needs a period column, which says what is newest", "add period:")
            }
            var isInCell = false
            if case .column(let name) = column.origin {
                isInCell = true
                guard contract.columns[..<index].contains(where: { $0.name == name && $0.type == .text }), !column.paths.isEmpty else {
                    throw error(
                        root, "\(key).from", "column.\(name) needs an earlier text column of that name, and a path into its JSON", nil)
                }
            }
            if !contract.shape.isDocument, !column.paths.isEmpty, !isInCell {
                throw error(root, "\(key).path", "has no meaning in a table", "write heading:, or format: {kind: json}")
            }
        }
    }

    /// Personal values are replaced before anything is stored, so they must stand where that can be done.
    private func checkPersonal(_ contract: Contract, _ root: Node) throws(ContractError) {
        let accounts: [String] = if case .fields(let fields) = contract.account { fields } else { [] }
        for (index, column) in contract.columns.enumerated() where column.personal != nil {
            let why: String? =
                switch (contract.shape, column.origin) {
                case (.script, _): "cannot be replaced inside a page's script"
                case (.json(_, _, .some), _): "cannot be replaced where header: names the columns"
                case (_, .column): "cannot be replaced inside another column's cell"
                case (_, .preamble), (_, .heading), (_, .account): "cannot be replaced where this column stands"
                case _ where !accounts.allSatisfy({ name in !contract.personalHoles.contains { $0.hole == name } }):
                    "is part of the account, which names the stream of events"
                default: nil
                }
            guard let why else { continue }
            throw error(
                root, "columns.\(index + 1).personal", "a personal value \(why)",
                "take it from a cell, a member of the records or a hole of the file name")
        }
    }

    /// The keys of a column that ``RecordFront`` reads.
    func finish(_ column: inout Column, _ keys: [String: Node], _ key: String) throws(ContractError) {
        if let node = keys["path"] { column.paths = try paths(node, "\(key).path") }
        if let node = keys["from"] {
            let text = try string(node, "\(key).from")
            switch text {
            case "observed_day": column.origin = .observedDay
            case "account": column.origin = .account
            case "preamble": column.origin = .preamble
            case let name where name.hasPrefix("name."): column.origin = .name(String(name.dropFirst(5)))
            case let name where name.hasPrefix("column."): column.origin = .column(String(name.dropFirst(7)))
            case let name where name.hasPrefix("heading."): column.origin = .heading(String(name.dropFirst(8)))
            default:
                throw error(
                    node, "\(key).from", "'\(text)' is not known",
                    "write name.HOLE, heading.HOLE, column.NAME, observed_day, account or preamble")
            }
        }
        let dates = try keys["dates"].map { node throws(ContractError) in try strings(node, "\(key).dates") } ?? []
        for (index, text) in dates.enumerated() {
            guard let pattern = DatePattern(text, month: column.type == .month) else {
                throw error(
                    keys["dates"], "\(key).dates.\(index + 1)", "'\(text)' is no date pattern",
                    "use YYYY, MM or Mon, and DD or D, once each, with text between them")
            }
            column.dates.append(pattern)
        }
        if let node = keys["shift_days"] { column.shiftDays = Int64(try integer(node, "\(key).shift_days", -366...366)) }
        if let node = keys["symbols"] {
            column.symbols = try strings(node, "\(key).symbols").map { Array($0.utf8) }.sorted { $0.count > $1.count }
        }
        if let node = keys["decimal_mark"] {
            let mark = Array(try string(node, "\(key).decimal_mark").utf8)
            guard mark.count == 1, mark[0] &- 48 > 9, mark[0] != UInt8(ascii: "-"), column.thousands.map({ Array($0.utf8) != mark }) ?? true
            else { throw error(node, "\(key).decimal_mark", "must be one character, and not the thousands separator", nil) }
            column.decimalMark = mark[0]
        }
        if let node = keys["divide"] {
            guard let text = node.scalar?.string, let places = ["10", "100", "1000", "10000", "1000000"].firstIndex(of: text) else {
                throw error(node, "\(key).divide", "must be 10, 100, 1000, 10000 or 1000000", nil)
            }
            column.shiftDecimals = places < 4 ? places + 1 : 6
        }
        if let node = keys["percent"] {
            column.isPercentBySign = node.scalar?.string == "sign"
            let isPercent = try column.isPercentBySign ? false : bool(node, "\(key).percent")
            if isPercent { column.shiftDecimals += 2 }
        }
        if column.isPercentBySign || column.shiftDecimals > 0, keys["percent"] != nil {
            if !column.symbols.contains([UInt8(ascii: "%")]) { column.symbols.append([UInt8(ascii: "%")]) }
        }
        if let node = keys["rate_of"] {
            let pair = try strings(node, "\(key).rate_of")
            guard pair.count == 2 else { throw error(node, "\(key).rate_of", "needs two columns: [part, whole]", nil) }
            column.rateOf = (pair[0], pair[1])
        }
        if let node = keys["members"] {
            guard let mapping = node.mapping else { throw error(node, "\(key).members", "must be WORD: member", nil) }
            for (word, member) in mapping {
                column.members[folded(try string(word, "\(key).members"))] = try string(member, "\(key).members")
            }
        }
        if let node = keys["personal"] {
            let group = try string(node, "\(key).personal")
            guard group.utf8.allSatisfy({ $0 &- 97 < 26 || $0 &- 48 < 10 || $0 == 95 }) else {
                throw error(node, "\(key).personal", "a group is named in a-z, 0-9 and _", nil)
            }
            column.personal = group
        }
        if let node = keys["lenient"] {
            guard column.form == .isrc else { throw error(node, "\(key).lenient", "has no meaning without form: isrc", nil) }
            column.isLenient = try bool(node, "\(key).lenient")
        }
        if let node = keys["trailing_zeros"] {
            guard node.scalar?.string == "missing" else { throw error(node, "\(key).trailing_zeros", "can only be missing", nil) }
            column.trailingZerosMissing = true
        }
        if let node = keys["default"] { column.fallback = node.scalar?.string ?? "" }
    }

    private func shape(_ format: [String: Node], _ root: Node) throws(ContractError) -> RecordShape {
        enum Kind: String, CaseIterable { case table, json, script }
        let kind: Kind = try format["kind"].map { node throws(ContractError) in try choice(node, "format.kind") } ?? .table
        let own = ["table": ["delimiters", "preamble", "skip_when"], "json": ["records", "shape", "header"], "script": ["series"]]
        for (other, keys) in own.sorted(by: { $0.key < $1.key }) where other != kind.rawValue {
            for key in keys {
                guard let node = format[key] else { continue }
                throw error(node, "format.\(key)", "has no meaning for kind \(kind.rawValue)", "it goes with kind: \(other)")
            }
        }
        switch kind {
        case .table:
            return .table(
                preamble: try format["preamble"].map { node throws(ContractError) in try integer(node, "format.preamble", 0...100) } ?? 0)
        case .json:
            var tests: [ShapeTest] = []
            for text in try format["shape"].map({ node throws(ContractError) in try strings(node, "format.shape") }) ?? [] {
                guard let test = ShapeTest(text) else {
                    throw error(format["shape"], "format.shape", "'\(text)' is no path", "write a.b, a.b[] or a.b=value")
                }
                tests.append(test)
            }
            let records = try format["records"].map { node throws(ContractError) in try paths(node, "format.records") } ?? []
            let header = try format["header"].map { node throws(ContractError) in try paths(node, "format.header") }?.first
            if let odd = (records + [header].compactMap(\.self)).first(where: \.isOfRecord) {
                throw error(format["records"], "format.records", "'\(odd.text)' is for columns", "write a path from the document's root")
            }
            return .json(records: records, tests: tests, header: header)
        case .script:
            guard let node = format["series"] else {
                throw error(root, "format.series", "the key is missing", "write series: {after: TEXT} or {longest: true}")
            }
            let keys = try map(node, "format.series", ["after", "longest", "requires"])
            let after = try keys["after"].map { node throws(ContractError) in try string(node, "format.series.after") }
            let longest = try keys["longest"].map { node throws(ContractError) in try bool(node, "format.series.longest") } ?? false
            guard longest != (after != nil) else {
                throw error(node, "format.series", "needs one of after: and longest: true", nil)
            }
            return .script(
                after: after, longest: longest,
                requires: try keys["requires"].map { node throws(ContractError) in try string(node, "format.series.requires") })
        }
    }

    private func paths(_ node: Node, _ key: String) throws(ContractError) -> [RecordPath] {
        var result: [RecordPath] = []
        for text in try strings(node, key) {
            guard let path = RecordPath(text) else {
                throw error(node, key, "'\(text)' is no path", "write keys with points between them, [] for each element")
            }
            result.append(path)
        }
        return result
    }

    private func skips(_ node: Node, _ contract: Contract) throws(ContractError) -> [Skip] {
        guard let mapping = node.mapping else { throw error(node, "format.skip_when", "must be COLUMN: [WORD…]", nil) }
        var result: [Skip] = []
        for (name, words) in mapping {
            let text = try column(name, "format.skip_when", contract.columns, types: ColumnType.allCases)
            let list = words.sequence?.map { $0.scalar?.string ?? "" } ?? [words.scalar?.string ?? ""]
            result.append(
                Skip(column: contract.index(of: text) ?? 0, words: list.map { trimmed(Array($0.utf8)).map(lower) }))
        }
        return result
    }

    private func rules(_ node: Node, _ contract: Contract) throws(ContractError) -> [Rule] {
        guard let list = node.sequence else { throw error(node, "rules", "must be a list", "write - {check: a <= b, severity: warn}") }
        var result: [Rule] = []
        for (index, item) in list.enumerated() {
            let key = "rules.\(index + 1)"
            let keys = try map(item, key, ["check", "severity", "name"])
            let check = try string(try need(keys, item, "check", in: key), "\(key).check")
            let words = check.split(separator: " ").map(String.init)
            guard words.count == 3, let comparison = Rule.Comparison(rawValue: words[1]) else {
                throw error(
                    item, "\(key).check", "'\(check)' is no comparison", "write column <= column, with < <= > >= == or != and spaces")
            }
            func operand(_ word: String) throws(ContractError) -> Rule.Operand {
                if let at = contract.index(of: word) { return .column(at) }
                let bare = word.hasPrefix("'") && word.hasSuffix("'") && word.count > 1 ? String(word.dropFirst().dropLast()) : word
                let isValue = bare != word || bare.utf8.first.map { $0 &- 48 <= 9 || $0 == UInt8(ascii: "-") } ?? false
                guard isValue else {
                    throw error(
                        item, "\(key).check", "no column is named '\(word)'",
                        closest(word, contract.columns.map(\.name)).map { "did you mean '\($0)'?" } ?? "put a text in '…'")
                }
                return .literal(Array(bare.utf8))
            }
            result.append(
                Rule(
                    check: check, name: try keys["name"].map { node throws(ContractError) in try string(node, "\(key).name") } ?? check,
                    severity: try keys["severity"].map { node throws(ContractError) in try choice(node, "\(key).severity") } ?? .reject,
                    left: try operand(words[0]), comparison: comparison, right: try operand(words[2])))
        }
        return result
    }
}
