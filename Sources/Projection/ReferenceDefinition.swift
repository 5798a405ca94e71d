import Cleaning
import Yams

/// What `projections/reference/*.yml` defines: members that ship with the product, and tables of assumptions that people fill.
package struct ReferenceDefaults: Sendable {
    /// One member, with its further columns by name.
    package struct Member: Sendable {
        package let id: String
        package let name: String
        package let attributes: [String: String]
    }

    /// kind → members.
    package private(set) var members: [String: [Member]] = [:]
    /// kind → normalised source value → member id.
    package private(set) var aliases: [String: [String: String]] = [:]
    /// In the order of their paths.
    package private(set) var tables: [ReferenceTable] = []
    /// How the names of campaigns are taken apart.
    package private(set) var campaignNames = CampaignNames()

    mutating func read(path: String, bytes: [UInt8]) throws {
        guard let root = try compose(bytes, path: path), let kind = root["kind"]?.string else {
            throw DefinitionError(path: path, line: 1, reason: "a reference file has `kind`, and `members` or `key` and `columns`")
        }
        if kind == "campaign_name" {
            campaignNames = try CampaignNames(root, path: path)
            return
        }
        if root["key"] != nil { return tables.append(try ReferenceTable(root, kind: kind, path: path)) }
        guard let list = root["members"]?.mapping else {
            throw DefinitionError(path: path, line: 1, reason: "a reference file has `kind`, and `members` or `key` and `columns`")
        }
        for (key, value) in list {
            guard let id = key.string, let name = value["name"]?.string else {
                throw DefinitionError(path: path, line: key.mark?.line, reason: "a member is `id: {name: …, values: […]}`")
            }
            var attributes: [String: String] = [:]
            for (attribute, text) in value.mapping ?? [:] where text.string != nil { attributes[attribute.string ?? ""] = text.string }
            members[kind, default: []].append(Member(id: id, name: name, attributes: attributes))
            for source in value["values"]?.sequence?.compactMap(\.string) ?? [] {
                aliases[kind, default: [:]][SourceNames.normalised(source)] = id
            }
        }
    }
}

/// One table of assumptions: rows that ship with the product, and those that `reference.changed` events set or take away.
///
/// Its rows are versioned like facts (`ref_<kind>_v`); SQL reads `ref_<kind>`, the rows known at the seq that is asked for.
package struct ReferenceTable: Sendable {
    /// What a cell may be, and how it is stored.
    package enum CellType: Sendable, Equatable {
        case text
        /// ISO day; stored as days since 1970-01-01.
        case day
        /// ISO month; stored as year × 12 + month − 1.
        case month
        case count
        /// A decimal; stored in billionths.
        case nano
        /// yes or no; stored as 1 or 0.
        case flag
        /// A value of a person: only its pseudonym of this group is stored.
        case personal(group: String)
    }

    /// A column, as the file defines it.
    package struct Column: Sendable {
        /// Its name in SQL, in events and on the command line.
        package let name: String
        /// What its cells may be.
        package let type: CellType
        /// Whether it is a part of the key.
        package let isKey: Bool
        /// What a person should know, for the schema page.
        package let note: String
    }

    package let path: String
    package let kind: String
    package let title: String
    /// Keys first, in the order of `key`, then the others in the order of the file.
    package let columns: [Column]
    /// Shipped rows: a stored value, or nil, for each column.
    let rows: [[StoredCell?]]

    /// The columns that tell rows apart.
    package var key: [Column] { columns.filter(\.isKey) }
    /// The columns that a change sets.
    package var values: [Column] { columns.filter { !$0.isKey } }
    /// The name that SQL reads.
    package var view: String { "ref_\(kind)" }
    /// The versioned table behind it.
    var table: String { "ref_\(kind)_v" }

    /// The shipped rows as people read them, cells by column.
    package var shippedRows: [[String: String]] {
        rows.map { row in
            Dictionary(
                zip(columns, row).compactMap { column, cell in cell.map { (column.name, column.type.text($0)) } }, uniquingKeysWith: { $1 })
        }
    }

    /// A cell as it is stored.
    package enum StoredCell: Sendable, Equatable {
        case text(String)
        case int(Int64)
    }

    fileprivate init(_ root: Node, kind: String, path: String) throws {
        func fail(_ node: Node?, _ reason: String) -> DefinitionError {
            DefinitionError(path: path, line: node?.mark?.line, reason: reason)
        }
        for (key, _) in root.mapping ?? [:] where !["kind", "title", "key", "columns", "rows"].contains(key.string) {
            throw fail(key, "unknown key “\(key.string ?? "?")”; known: kind, title, key, columns, rows")
        }
        guard let title = root["title"]?.string, let keys = root["key"]?.sequence?.compactMap(\.string), !keys.isEmpty,
            let list = root["columns"]?.mapping
        else { throw fail(root, "a reference table has `title`, `key` (a list) and `columns`") }
        var columns: [Column] = []
        for (name, value) in list {
            guard let name = name.string, let text = value.string else { throw fail(value, "a column is `name: type; note`") }
            let parts = text.split(separator: ";", maxSplits: 1).map(\.trimmingSpaces)
            guard let word = parts.first, let type = CellType(word) else {
                throw fail(
                    value, "column “\(name)”: unknown type “\(text)”; known: text, day, month, count, nano, flag, personal:<group>")
            }
            columns.append(Column(name: name, type: type, isKey: keys.contains(name), note: parts.count > 1 ? parts[1] : ""))
        }
        try FactDefinition.checkNames(tables: ["ref_\(kind)"], columns: columns.map(\.name), path: path)
        let ordered = try keys.map { key in
            guard let column = columns.first(where: { $0.name == key }) else { throw fail(root["key"], "`key` names “\(key)”, no column") }
            return column
        }
        self.path = path
        self.kind = kind
        self.title = title
        self.columns = ordered + columns.filter { !$0.isKey }
        let all = self.columns
        var seen = Set<String>()
        rows = try (root["rows"]?.sequence ?? []).map { node in
            for (name, _) in node.mapping ?? [:] where !all.contains(where: { $0.name == name.string }) {
                throw fail(name, "a row names “\(name.string ?? "?")”, which is no column of \(kind)")
            }
            let row = try all.map { column -> StoredCell? in
                guard let written = node[column.name]?.scalar?.string, !written.isEmpty else {
                    guard !column.isKey else { throw fail(node, "a row lacks its key “\(column.name)”") }
                    return nil
                }
                guard let cell = column.type.read(written) else {
                    throw fail(node, "“\(written)” is not \(column.type.expected) (column \(column.name))")
                }
                return cell
            }
            guard seen.insert("\(row.prefix(keys.count))").inserted else { throw fail(node, "a second row of the same key") }
            return row
        }
    }
}

extension ReferenceTable.CellType {
    init?(_ word: String) {
        switch word {
        case "text": self = .text
        case "day": self = .day
        case "month": self = .month
        case "count": self = .count
        case "nano": self = .nano
        case "flag": self = .flag
        case _ where word.hasPrefix("personal:"): self = .personal(group: String(word.dropFirst(9)))
        default: return nil
        }
    }

    /// Reads what a person wrote, or what an event says; nil where it is not of the type. A personal value must be a pseudonym already.
    package func read(_ text: String) -> ReferenceTable.StoredCell? {
        switch self {
        case .text: .text(text)
        case .personal(let group): text.hasPrefix("p1:\(group):") ? .text(text) : nil
        case .day: CalendarDay.day(text).map { .int($0) }
        case .month: CalendarDay.month(text).map { .int($0) }
        case .count: Int64(text).map { .int($0) }
        case .nano: if case .value(let nano, exact: true) = PlainNumber.parse(Array(text.utf8), scale: 9) { .int(nano) } else { nil }
        case .flag: ["yes": .int(1), "true": .int(1), "1": .int(1), "no": .int(0), "false": .int(0), "0": .int(0)][text.lowercased()]
        }
    }

    /// A stored cell as people read and write it.
    package func text(_ cell: ReferenceTable.StoredCell) -> String {
        switch (self, cell) {
        case (_, .text(let text)): text
        case (.day, .int(let day)): CalendarDay.text(day: day)
        case (.month, .int(let month)): CalendarDay.text(month: month)
        case (.nano, .int(let nano)): Money.decimal(nano)
        case (.flag, .int(let flag)): flag == 0 ? "no" : "yes"
        case (_, .int(let number)): String(number)
        }
    }

    /// What is expected, for messages.
    package var expected: String {
        switch self {
        case .text: "text"
        case .day: "a day (YYYY-MM-DD)"
        case .month: "a month (YYYY-MM)"
        case .count: "a whole number"
        case .nano: "a number with at most nine decimals"
        case .flag: "yes or no"
        case .personal(let group): "a pseudonym of the group \(group)"
        }
    }

    var isInteger: Bool {
        switch self {
        case .text, .personal: false
        case .day, .month, .count, .nano, .flag: true
        }
    }
}
