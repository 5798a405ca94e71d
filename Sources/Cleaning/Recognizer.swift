/// Which dataset a file is.
package enum Recognition: Sendable {
    /// One contract fits; what the name says comes with it.
    case match(Contract, NameMatch)
    /// Several fit: a person must choose.
    case ambiguous([Contract])
    /// None fits. The nearest come first, each with the reason.
    case none(closest: [Mismatch])

    /// Why a contract does not fit.
    package struct Mismatch: Sendable {
        /// The contract that was tried.
        package let contract: Contract
        /// Why it does not fit, in words.
        package let reason: String
    }
}

/// Finds the contract of a file by its name, then by its heading line. Never guesses.
package struct Recognizer: Sendable {
    private let contracts: [Contract]

    /// A recognizer over all known contracts.
    package init(contracts: [Contract]) {
        self.contracts = contracts.sorted { $0.stream < $1.stream }
    }

    /// Recognises a file from its name and its first bytes (64 KiB are plenty; a ZIP may be cut off).
    ///
    /// - A name that fits one contract is enough, unless only another contract knows the headings: then a person must choose.
    /// - Without such a name the headings must fit exactly one contract.
    package func recognise(fileName: String, head: [UInt8]) -> Recognition {
        let table = Self.table(head)
        let named = contracts.compactMap { contract in contract.match(fileName: fileName).map { (contract, $0) } }
        var headed: [Contract] = []
        var mismatches: [(missing: Int, Recognition.Mismatch)] = []
        for contract in contracts {
            switch Self.compare(table, contract) {
            case nil: headed.append(contract)
            case let problem?:
                mismatches.append((problem.missing, Recognition.Mismatch(contract: contract, reason: problem.reason)))
            }
        }
        let both = named.filter { pair in headed.contains { $0.stream == pair.0.stream } }
        if both.count == 1 { return .match(both[0].0, both[0].1) }
        if both.count > 1 { return .ambiguous(both.map(\.0)) }
        if !named.isEmpty {
            // The name speaks alone: what is wrong inside is for the cleaner to say. A heading line of another dataset contradicts it.
            if named.count == 1, headed.isEmpty { return .match(named[0].0, named[0].1) }
            return .ambiguous(named.map(\.0) + headed)
        }
        if headed.count == 1 { return .match(headed[0], NameMatch()) }
        if headed.count > 1 { return .ambiguous(headed) }
        let nearest = mismatches.enumerated().sorted { ($0.element.missing, $0.offset) < ($1.element.missing, $1.offset) }
        return .none(closest: nearest.prefix(3).map(\.element.1))
    }

    private static func compare(_ table: Table, _ contract: Contract) -> (missing: Int, reason: String)? {
        if let member = table.member {
            let own = Array(member.utf8.split(separator: UInt8(ascii: "/")).last ?? [])
            guard contract.members.contains(where: { ZIPArchive.fits(own[...], Array($0.utf8)[...]) }) else {
                let wanted = contract.members.isEmpty ? "does not come as ZIP" : "wants \(contract.members.joined(separator: " or "))"
                return (100, "the ZIP holds \(member), but \(contract.title) \(wanted)")
            }
        }
        guard let line = table.line else { return (1_000, table.problem) }
        do {
            let header = try Header(line, contract: contract, number: 1, offset: 0)
            // A table that shares only a few headings with a contract full of optional ones is something else.
            let known = header.headings.count - header.unknown.count
            return known > 0 ? nil : (100, "no heading is known")
        } catch {
            var known = Set<String>()
            for column in contract.columns { known.formUnion(([column.heading, column.name] + column.aliases).map(folded)) }
            let fields = contract.delimiters.map { Header.split(line, $0.byte).map(folded) }
            let best = fields.map { Set($0) }.max { $0.intersection(known).count < $1.intersection(known).count } ?? []
            let missing = contract.columns.filter { column in
                column.derived == nil && !column.optional
                    && !([column.heading, column.name] + column.aliases).contains { best.contains(folded($0)) }
            }
            let names = missing.prefix(4).map { "'\($0.heading)'" }.joined(separator: ", ")
            let more = missing.count > 4 ? " and \(missing.count - 4) more" : ""
            return (missing.count, missing.isEmpty ? error.message : "no column is headed \(names)\(more)")
        }
    }

    private struct Table {
        var line: [UInt8]?
        var member: String?
        var problem = ""
    }

    /// The first line that is not empty, as UTF-8, out of the ZIP if it is one.
    private static func table(_ head: [UInt8]) -> Table {
        var bytes = head
        var table = Table()
        if head.starts(with: [0x50, 0x4B, 3, 4]) {
            guard let (name, start) = firstMember(head) else {
                table.problem = "the ZIP cannot be read"
                return table
            }
            table.member = name
            bytes = start
        }
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
        let lines = bytes.split(whereSeparator: { $0 == 10 || $0 == 13 })
        guard let first = lines.first, !first.contains(0) else {
            table.problem = bytes.isEmpty ? "the file is empty" : "the file is no text"
            return table
        }
        table.line = Array(first)
        if String(validating: first, as: UTF8.self) == nil {
            var decoded: [UInt8] = []
            Windows1252.decode(first, to: &decoded)
            table.line = decoded
        }
        return table
    }

    /// Name and first bytes of the first member of a ZIP that is a file of its own, read from the local headers alone.
    private static func firstMember(_ head: [UInt8]) -> (String, [UInt8])? {
        var at = 0
        while at + 30 <= head.count, ZIPArchive.word32(head, at) == 0x0403_4B50 {
            let flags = ZIPArchive.word16(head, at + 6)
            let method = ZIPArchive.word16(head, at + 8)
            let packed = ZIPArchive.word32(head, at + 18)
            let nameEnd = at + 30 + ZIPArchive.word16(head, at + 26)
            let data = nameEnd + ZIPArchive.word16(head, at + 28)
            guard data <= head.count else { return nil }
            let name = String(decoding: head[(at + 30)..<nameEnd], as: UTF8.self)
            if !name.hasSuffix("/"), !name.hasPrefix("__MACOSX/") {
                guard flags & 1 == 0 else { return (name, []) }
                let sized = flags & 8 == 0
                let bytes = Array(head[data..<(sized ? min(head.count, data + packed) : head.count)])
                return (name, method == 8 ? inflated(bytes) : method == 0 ? bytes : [])
            }
            guard flags & 8 == 0 else { return nil }
            at = data + packed
        }
        return nil
    }

    private static func inflated(_ packed: [UInt8]) -> [UInt8] {
        guard let inflater = try? Inflater() else { return [] }
        inflater.feed(Array(packed.prefix(1 << 16)))
        switch inflater.produce() {
        case .bytes(let bytes), .end(let bytes): return bytes
        case .starved, .broken: return []
        }
    }
}
