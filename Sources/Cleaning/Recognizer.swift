/// Which dataset a file is.
package enum Recognition: Sendable {
    /// One dataset with what the name says, or several that a ZIP holds members of, in the order of their streams.
    case match([Match])
    /// Several fit: a person must choose.
    case ambiguous([Contract])
    /// None fits. The nearest come first, each with the reason.
    case none(closest: [Mismatch])

    /// A dataset that a file is of.
    package struct Match: Sendable {
        /// How its bytes become rows.
        package let contract: Contract
        /// What the file name says under it.
        package let name: NameMatch
    }

    /// Why a contract does not fit.
    package struct Mismatch: Sendable {
        /// The contract that was tried.
        package let contract: Contract
        /// Why it does not fit, in words.
        package let reason: String
    }
}

/// Finds the contract of a file by its name, then by its heading line or the shape of its document. Never guesses.
package struct Recognizer: Sendable {
    private let contracts: [Contract]
    /// How much of a file is looked at.
    private static let head = 1 << 16
    /// How much of a page: the script that is looked for may stand far down.
    private static let page = 1 << 22

    /// A recognizer over all known contracts.
    package init(contracts: [Contract]) {
        self.contracts = contracts.sorted { $0.stream < $1.stream }
    }

    /// Recognises a file from its name and its first bytes. 64 KiB are plenty; of a ZIP that is cut off only the first member counts.
    package func recognise(fileName: String, head: [UInt8]) -> Recognition {
        (try? recognise(fileName: fileName, source: ByteSource(head))) ?? .none(closest: [])
    }

    /// Recognises a file from its name and its bytes, of which 64 KiB a member are read.
    ///
    /// - A name that fits one contract is enough, unless only another contract knows what is inside: then a person must choose.
    /// - Without such a name the inside must fit exactly one contract. Of several, the one with the fewest unknown headings wins, then the
    ///   longest name pattern; a contract that only sets files aside loses against any other.
    /// - Each member of a ZIP is looked at by itself, so one file can hold several datasets.
    package func recognise(fileName: String, source: ByteSource) throws -> Recognition {
        let parts = try Self.parts(source)
        var matches: [Recognition.Match] = []
        var others: [Recognition] = []
        for part in parts {
            switch recognise(fileName, part) {
            case .match(let found):
                for match in found where !matches.contains(where: { $0.contract.stream == match.contract.stream }) { matches.append(match) }
            case let other: others.append(other)
            }
        }
        guard matches.isEmpty else { return .match(matches.sorted { $0.contract.stream < $1.contract.stream }) }
        return others.first { if case .ambiguous = $0 { true } else { false } } ?? others.first ?? .none(closest: [])
    }

    private func recognise(_ fileName: String, _ part: Part) -> Recognition {
        var fits: [(contract: Contract, name: NameMatch?, fit: Fit)] = []
        var named: [(contract: Contract, name: NameMatch)] = []
        var mismatches: [(missing: Int, Recognition.Mismatch)] = []
        for contract in contracts {
            let name = contract.match(fileName: fileName)
            if let name { named.append((contract, name)) }
            switch Self.compare(part, contract, isNamed: name != nil) {
            case .fits(let fit): fits.append((contract, name, fit))
            case .differs(let missing, let reason, let known):
                // In thousandths of the wanted headings that are missing; of equals the one with more known comes first.
                let distance = known > 0 ? missing * 1_000 / (missing + known) * 1_000 - known : missing * 1_000_000
                mismatches.append((distance, Recognition.Mismatch(contract: contract, reason: reason)))
            }
        }
        let both = fits.filter { $0.name != nil }
        if let best = Self.best(both.map { ($0.contract, $0.fit, $0.contract.literalLength(of: fileName)) }) {
            return best.count == 1
                ? .match([Recognition.Match(contract: best[0], name: best[0].match(fileName: fileName) ?? NameMatch())]) : .ambiguous(best)
        }
        // What is wrong inside is for the cleaner to say. The headings of another dataset contradict the name.
        if !named.isEmpty {
            let loading = named.filter { !$0.contract.setAside }
            // A contract that does not know all the headings contradicts nothing.
            if !fits.contains(where: { $0.fit.unknown == 0 && !$0.contract.setAside }), loading.count == 1 {
                return .match([Recognition.Match(contract: loading[0].contract, name: loading[0].name)])
            }
            return .ambiguous(named.map(\.contract) + fits.map(\.contract))
        }
        if let best = Self.best(fits.map { ($0.contract, $0.fit, 0) }) {
            return best.count == 1 ? .match([Recognition.Match(contract: best[0], name: NameMatch())]) : .ambiguous(best)
        }
        let nearest = mismatches.enumerated().sorted { ($0.element.missing, $0.offset) < ($1.element.missing, $1.offset) }
        return .none(closest: nearest.prefix(3).map(\.element.1))
    }

    /// The contracts that fit best, all of them when they fit equally; nil when there are none.
    private static func best(_ candidates: [(contract: Contract, fit: Fit, literal: Int)]) -> [Contract]? {
        func order(_ candidate: (contract: Contract, fit: Fit, literal: Int)) -> (Int, Int, Int) {
            (candidate.contract.setAside ? 1 : 0, candidate.fit.unknown, -candidate.literal)
        }
        guard let first = candidates.map(order).min(by: <) else { return nil }
        return candidates.filter { order($0) == first }.map(\.contract)
    }

    /// How well an inside fits.
    private struct Fit {
        /// Headings that the contract does not know.
        var unknown = 0
    }

    private enum Comparison {
        case fits(Fit)
        /// `missing` headings, and `known` ones that are there: what shares most with the file is the nearest.
        case differs(missing: Int, reason: String, known: Int = 0)
    }

    private static func compare(_ part: Part, _ contract: Contract, isNamed: Bool) -> Comparison {
        if let member = part.member {
            let own = Array(member.utf8.split(separator: UInt8(ascii: "/")).last ?? [])
            guard contract.members.contains(where: { ZIPArchive.fits(own[...], Array($0.utf8)[...]) }) else {
                let wanted = contract.members.isEmpty ? "does not come as ZIP" : "wants \(contract.members.joined(separator: " or "))"
                return .differs(missing: 100, reason: "the ZIP holds \(member), but \(contract.title) \(wanted)")
            }
        }
        switch contract.shape {
        case .json(_, let tests, _):
            if contract.setAside, tests.isEmpty {
                return isNamed ? .fits(Fit()) : .differs(missing: 1_000, reason: "the name is not one of \(contract.title)")
            }
            guard let document = part.document else { return .differs(missing: 1_000, reason: "the file is no JSON") }
            return contract.shape.fits(document)
                ? .fits(Fit()) : .differs(missing: 50, reason: "the document does not hold \(contract.shape.wanted)")
        case .script(let after, _, let requires):
            let holds = PageScript.mayHold(part.bytes, after: after.map { Array($0.utf8) }, requires: requires.map { Array($0.utf8) })
            return holds && (isNamed || part.isPage)
                ? .fits(Fit()) : .differs(missing: 1_000, reason: "the page does not hold \(after ?? requires ?? "a chart")")
        case .table(let preamble):
            if contract.setAside {
                return isNamed ? .fits(Fit()) : .differs(missing: 1_000, reason: "the name is not one of \(contract.title)")
            }
            guard part.document == nil, !part.isPage else { return .differs(missing: 1_000, reason: "the file is no table") }
            var first: Comparison?
            for line in part.lines.prefix(preamble + 1) {
                let result = compare(line, contract, isNamed: isNamed)
                if case .fits = result { return result }
                first = first ?? result
            }
            return first ?? .differs(missing: 1_000, reason: part.problem)
        }
    }

    private static func compare(_ line: [UInt8], _ contract: Contract, isNamed: Bool) -> Comparison {
        do {
            let header = try Header(line, contract: contract, number: 1, offset: 0)
            // A table that shares only a few headings with a contract full of optional ones is something else; without a name most
            // headings must be known.
            let known = header.headings.count - header.unknown.count
            return known > (isNamed ? 0 : header.headings.count / 2)
                ? .fits(Fit(unknown: header.unknown.count))
                : .differs(missing: 100, reason: isNamed || known == 0 ? "no heading is known" : "most headings are not known")
        } catch {
            var known = Set<String>()
            for column in contract.columns { known.formUnion(([column.heading, column.name] + column.aliases).map(folded)) }
            let fields = contract.delimiters.map { Header.split(line, $0.byte).map(folded) }
            let best = fields.map { Set($0) }.max { $0.intersection(known).count < $1.intersection(known).count } ?? []
            let missing = contract.columns.filter { column in
                column.isCell && !column.optional
                    && !([column.heading, column.name] + column.aliases).contains { best.contains(folded($0)) }
            }
            let names = missing.prefix(4).map { "'\($0.heading)'" }.joined(separator: ", ")
            let more = missing.count > 4 ? " and \(missing.count - 4) more" : ""
            return .differs(
                missing: missing.count, reason: missing.isEmpty ? error.message : "no column is headed \(names)\(more)",
                known: best.intersection(known).count)
        }
    }

    /// The first bytes of a file, or of one member of a ZIP.
    private struct Part {
        var member: String?
        /// UTF-8 without byte order mark.
        var bytes: [UInt8] = []
        /// Lines that are not empty; the last may be cut off.
        var lines: [[UInt8]] = []
        var document: Document?
        var problem = ""

        /// Whether this looks like HTML.
        var isPage: Bool { bytes.first { $0 != 32 && !(9...13).contains($0) } == UInt8(ascii: "<") }
    }

    private static func parts(_ source: ByteSource) throws -> [Part] {
        let start = try source.bytes(0, min(source.count, head))
        guard start.starts(with: [0x50, 0x4B, 3, 4]) else {
            let first = part(start)
            return [first.isPage && source.count > head ? part(try source.bytes(0, min(source.count, page))) : first]
        }
        guard let members = try? ZIPArchive(source).heads(head) else {
            guard let (name, bytes) = firstMember(start) else { return [Part(problem: "the ZIP cannot be read")] }
            return [part(bytes, member: name)]
        }
        return members.isEmpty ? [Part(problem: "the ZIP is empty")] : members.map { part($0.bytes, member: $0.name) }
    }

    private static func part(_ head: [UInt8], member: String? = nil) -> Part {
        var part = Part(member: member, bytes: head)
        if head.starts(with: [0xFF, 0xFE]) || head.starts(with: [0xFE, 0xFF]) {
            var decoder = UTF16Decoder(bigEndian: head[0] == 0xFE)
            part.bytes = []
            do { try decoder.decode(head.dropFirst(2), to: &part.bytes) } catch { part.problem = error.message }
        } else if head.starts(with: [0xEF, 0xBB, 0xBF]) {
            part.bytes.removeFirst(3)
        }
        guard !part.bytes.isEmpty, !part.bytes.contains(0) else {
            part.problem = head.isEmpty ? "the file is empty" : "the file is no text"
            return part
        }
        if String(validating: part.bytes.dropLast(min(3, part.bytes.count)), as: UTF8.self) == nil {
            let bytes = part.bytes
            part.bytes = []
            Windows1252.decode(bytes, to: &part.bytes)
        }
        part.lines = part.bytes.split(maxSplits: 120, whereSeparator: { $0 == 10 || $0 == 13 }).map(Array.init)
        if let first = part.bytes.first(where: { $0 != 32 && !(9...13).contains($0) }),
            first == UInt8(ascii: "{") || first == UInt8(ascii: "[")
        {
            part.document = try? Document(part.bytes, lenient: true)
        }
        return part
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
