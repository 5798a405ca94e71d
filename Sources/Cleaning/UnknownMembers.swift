/// Members beside personal values that a contract does not name: nobody has looked at what they hold.
struct UnknownMembers {
    private let document: Document
    private let records: [Document.Node]
    private let isRecord: Set<Document.Node>
    /// Where the records begin in the text, in order.
    private let starts: [Int]
    /// Paths from the record that the contract names, as folded keys.
    private let named: Set<[String]>
    /// What leads to a named path, and is no value itself.
    private let onTheWay: Set<[String]>
    /// Names that may stand anywhere around the records.
    private let around: Set<String>
    private var found: [(node: Document.Node, name: String)] = []

    /// What is to be hidden in a document, with names such as `stats.other`: members of records at any depth, and texts around the records
    /// that look like an address.
    static func all(in document: Document, records: [Document.Node], _ contract: Contract) -> [(node: Document.Node, name: String)] {
        var search = UnknownMembers(document, records, contract)
        search.lookIntoRecords()
        search.lookAroundRecords()
        return search.found
    }

    private init(_ document: Document, _ records: [Document.Node], _ contract: Contract) {
        self.document = document
        self.records = records
        isRecord = Set(records)
        starts = records.map { document.range($0).lowerBound }.sorted()
        let paths = contract.columns.flatMap(\.paths)
        named = Set(contract.ignored.map { [$0] } + paths.flatMap(\.named))
        onTheWay = Set(named.flatMap { path in path.indices.map { Array(path.prefix($0)) } })
        around = contract.ignored.union(paths.map { folded(String($0.text.drop { $0 == "^" || $0 == "$" })) })
    }

    private mutating func lookIntoRecords() {
        // A path that begins with `*` names everything.
        guard !named.contains([]) else { return }
        var seen: Set<Document.Node> = []
        for record in records where seen.insert(record).inserted { look(into: record, [], "") }
    }

    /// A record, or what lies below a member that is named only as the way to others.
    private mutating func look(into node: Document.Node, _ path: [String], _ name: String) {
        for (index, member) in members(of: node, asRecord: path.isEmpty).enumerated() where document.kind(member.value) != .null {
            let (path, name) = (path + [folded(member.key)], name.isEmpty ? member.key : "\(name).\(member.key)")
            if named.contains(path) || path.count == 1 && named.contains(["#\(index + 1)"]) { continue }
            if member.value != node, isRecord.contains(member.value) { continue }
            if member.value != node, onTheWay.contains(path) || holdsRecord(member.value) {
                look(into: member.value, path, name)
            } else {
                found.append((member.value, name))
            }
        }
        guard !path.isEmpty else { return }
        switch document.kind(node) {
        case .array: for element in document.elements(node) where !isRecord.contains(element) { look(into: element, path, name) }
        case .string, .number, .bool: found.append((node, name))
        case .object, .null: break
        }
    }

    /// The elements of a record that is a list are called by their number, and one that is a plain value is its only one, as in raw.
    private func members(of node: Document.Node, asRecord: Bool) -> [(key: String, value: Document.Node)] {
        switch document.kind(node) {
        case .object: document.members(node).map { (String(decoding: $0.key, as: UTF8.self), $0.value) }
        case .array where asRecord: document.elements(node).enumerated().map { (String($0.offset), $0.element) }
        case .string, .number, .bool: asRecord ? [("0", node)] : []
        case .array, .null: []
        }
    }

    /// Whether a record lies in a value: then it is no one value.
    private func holdsRecord(_ node: Document.Node) -> Bool {
        let range = document.range(node)
        var (low, high) = (0, starts.count)
        while low < high {
            let middle = (low + high) / 2
            if starts[middle] < range.lowerBound { low = middle + 1 } else { high = middle }
        }
        return low < starts.count && starts[low] < range.upperBound
    }

    private mutating func lookAroundRecords() {
        var open = isRecord.contains(document.root) ? [] : [document.root]
        while let node = open.popLast() {
            let parts = document.kind(node) == .object ? document.members(node) : document.elements(node).map { (key: [], value: $0) }
            for (key, value) in parts where !isRecord.contains(value) {
                if document.isContainer(value) {
                    open.append(value)
                } else if document.kind(value) == .string, document.bytes[document.range(value)].contains(UInt8(ascii: "@")) {
                    let key = String(decoding: key, as: UTF8.self)
                    if !around.contains(folded(key)) { found.append((value, key.isEmpty ? "text" : key)) }
                }
            }
        }
    }
}
