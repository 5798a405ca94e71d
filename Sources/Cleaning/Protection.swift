/// What protecting a file came to.
package struct ProtectionReport: Hashable, Sendable {
    /// Personal values replaced, by group.
    package internal(set) var personal: [String: Int] = [:]
    /// Members of documents replaced because they may hold secrets.
    package internal(set) var redacted = 0
    /// Lines whose columns cannot be told apart, replaced whole.
    package internal(set) var lines = 0
    /// Headings and members beside personal values that the contract does not name, in order of appearance: their values are hidden.
    package internal(set) var hidden: [String] = []

    /// Whether nothing had to be replaced.
    package var isClean: Bool { personal.isEmpty && redacted == 0 && lines == 0 && hidden.isEmpty }
}

extension ProtectionReport {
    mutating func hide(_ name: String) {
        if !hidden.contains(name) { hidden.append(name) }
    }
}

/// Personal values and secrets leave a file before anything of it is stored.
///
/// The protected form has the format of the file itself (a ZIP becomes the member that is wanted), so all that follows reads it like a
/// received file. Values that are pseudonyms already stay, so protecting twice changes nothing.
extension Cleaner {
    /// What stands in place of a secret.
    package static let redacted = "[redacted]"

    /// The protected bytes of a landing file.
    ///
    /// `pseudonym` gives what stands for a value of a group; the value comes trimmed and with ASCII letters in lower case. Where a contract
    /// has personal columns, values of columns and members that it does not name are hidden too: nobody has looked at what they hold.
    /// Documents lose the members that the contract names under `redact`, and every member or text that is named or holds an access
    /// token; saved pages, and files that are set aside, every value named like one, in tags and scripts. Throws ``CleaningError`` when the
    /// file cannot be read well enough to find what must go, and what `pseudonym` throws.
    package static func protect(
        _ source: ByteSource, under contract: Contract, secrets names: SecretNames = .least,
        pseudonym: (_ group: String, _ value: [UInt8]) throws -> [UInt8]
    ) throws -> (bytes: [UInt8], report: ProtectionReport) {
        let text: [UInt8]
        do {
            text = try decoded(source, under: contract)
        } catch let error as CleaningError where !contract.isPersonal {
            guard mayHoldSecret(try source.bytes(0, min(source.count, contract.maxBytes)), names) else { throw error }
            throw unreadable(error)
        }
        var report = ProtectionReport()
        switch contract.shape {
        case .table where contract.setAside:
            let page = PageSecrets.redact(text, names)
            report.redacted = page.count
            return (page.text, report)
        case .table: return (try protectTable(text, contract, pseudonym, &report), report)
        case .json(let records, _, _):
            do {
                return (try protectDocument(text, contract, records, names, pseudonym, &report), report)
            } catch let error as CleaningError where mayHoldSecret(text, names) {
                // A cut-off answer may still carry its token: what cannot be read cannot be redacted, so it is not stored.
                throw unreadable(error)
            }
        case .script:
            let page = PageSecrets.redact(text, names)
            report.redacted = page.count
            return (page.text, report)
        }
    }

    private static func unreadable(_ error: CleaningError) -> CleaningError {
        CleaningError(
            "secret_unreadable", "the file seems to hold an access token and cannot be read (\(error.message))", line: error.line,
            byte: error.byte, remedy: "fetch or export it again; nothing of it was stored")
    }

    /// Whether a contract's files must be protected before they are stored.
    package static func mustProtect(_ contract: Contract) -> Bool {
        if case .table = contract.shape { return contract.isPersonal || contract.setAside }
        return true
    }

    /// A personal value as it goes into a pseudonym: without white space around it, A to Z in lower case.
    ///
    /// Whatever way a value comes in, it must be spelled by this, or one person gets two pseudonyms.
    package static func normalised(personal value: [UInt8]) -> [UInt8] { trimmed(value).map(lower) }

    private static func replacement(
        _ value: [UInt8], _ group: String, _ pseudonym: (String, [UInt8]) throws -> [UInt8], _ report: inout ProtectionReport
    ) throws -> [UInt8] {
        guard case let bare = trimmed(value), !bare.isEmpty, !bare.starts(with: "p1:".utf8), !bare.elementsEqual(redacted.utf8) else {
            return value
        }
        report.personal[group, default: 0] += 1
        return try pseudonym(group, normalised(personal: value))
    }

    // MARK: tables

    private static func protectTable(
        _ text: [UInt8], _ contract: Contract, _ pseudonym: (String, [UInt8]) throws -> [UInt8], _ report: inout ProtectionReport
    ) throws -> [UInt8] {
        var lines = RecordFront(contract: contract, facts: CaptureFacts(fileName: ""))
        unsafe text.withUnsafeBytes { unsafe lines.take($0) }
        var out: [UInt8] = []
        out.reserveCapacity(text.count)
        var header: Header?
        while let (line, end) = try lines.nextLine() {
            defer { out += end }
            guard let found = header else {
                if case .headings(let heading) = try lines.heading(line) {
                    header = heading
                    out += line
                } else {
                    // What stands above the headings has no columns; a contract that reads it says that it is harmless.
                    let isRead = contract.columns.contains { $0.origin == .preamble }
                    out += line.isEmpty || isRead ? line : Array(redacted.utf8)
                }
                continue
            }
            guard !line.isEmpty else { continue }
            guard var fields = RecordFront.fields(line, found), fields.count == found.width else {
                // Which cells are personal cannot be told.
                report.lines += 1
                out += Array(redacted.utf8)
                continue
            }
            for (index, column) in contract.columns.enumerated() {
                guard let group = column.personal, found.sources[index] >= 0 else { continue }
                fields[found.sources[index]] = try replacement(fields[found.sources[index]], group, pseudonym, &report)
            }
            if contract.isPersonal {
                for (index, heading) in found.headings.enumerated() where found.unknown.contains(heading) {
                    let bare = trimmed(fields[index])
                    guard !bare.isEmpty, !bare.elementsEqual(redacted.utf8) else { continue }
                    report.hide(heading)
                    fields[index] = Array(redacted.utf8)
                }
            }
            for (index, field) in fields.enumerated() {
                if index > 0 { out.append(found.delimiter.byte) }
                let isPlain = !found.quoted || !field.contains { $0 == found.delimiter.byte || $0 == 34 || $0 == 10 || $0 == 13 }
                if isPlain {
                    out += field
                } else {
                    out.append(34)
                    for byte in field {
                        if byte == 34 { out.append(byte) }
                        out.append(byte)
                    }
                    out.append(34)
                }
            }
        }
        guard header != nil else { throw lines.withoutHeading() }
        return out
    }

    // MARK: documents

    private static func protectDocument(
        _ text: [UInt8], _ contract: Contract, _ records: [RecordPath], _ names: SecretNames,
        _ pseudonym: (String, [UInt8]) throws -> [UInt8], _ report: inout ProtectionReport
    ) throws -> [UInt8] {
        var changes: [(range: Range<Int>, text: [UInt8])] = []
        for document in try Document.all(text) {
            for node in contract.redactions.flatMap({ $0.records(in: document) }) where document.kind(node.node) != .null {
                changes.append((document.range(node.node), quoted(Array(redacted.utf8))))
                report.redacted += 1
            }
            for node in secrets(in: document, names) {
                changes.append((document.range(node), quoted(Array(redacted.utf8))))
                report.redacted += 1
            }
            let personal = contract.columns.filter { $0.personal != nil }
            let found = personal.isEmpty ? [] : RawRecords.all(records, in: document)
            // What encloses several records is replaced once.
            var done: Set<Document.Node> = []
            for record in found {
                for column in personal {
                    for path in column.paths {
                        for node in places(path, record, document) where done.insert(node).inserted && document.kind(node) != .null {
                            guard let group = column.personal, let value = document.text(node) else {
                                // Somebody told in several parts: none of them is the value that the contract means.
                                changes.append((document.range(node), quoted(Array(redacted.utf8))))
                                report.redacted += 1
                                continue
                            }
                            let made = try replacement(value, group, pseudonym, &report)
                            if made != value { changes.append((document.range(node), quoted(made))) }
                        }
                    }
                }
            }
            guard contract.isPersonal else { continue }
            for (node, name) in UnknownMembers.all(in: document, records: found.map(\.node), contract)
            where document.text(node) != Array(redacted.utf8) {
                report.hide(name)
                changes.append((document.range(node), quoted(Array(redacted.utf8))))
            }
        }
        guard !changes.isEmpty else { return text }
        changes.sort { ($0.range.lowerBound, -$0.range.upperBound) < ($1.range.lowerBound, -$1.range.upperBound) }
        var out: [UInt8] = []
        var at = 0
        for change in changes where change.range.lowerBound >= at {
            out += text[at..<change.range.lowerBound]
            out += change.text
            at = change.range.upperBound
        }
        return out + text[at...]
    }

    /// Where a column's values stand in the document itself: in the record, in an enclosing element (`^`) or at the root (`$`).
    private static func places(_ path: RecordPath, _ record: RecordPath.Found, _ document: Document) -> [Document.Node] {
        guard path.isOfRecord, !path.text.hasPrefix("#") else { return path.places(in: document, record.node) }
        let name = Array(path.text.utf8.drop { $0 == UInt8(ascii: "^") || $0 == UInt8(ascii: "$") })
        let depth = path.text.utf8.prefix { $0 == UInt8(ascii: "^") }.count
        guard depth <= record.parents.count else { return [] }
        return document.members(depth == 0 ? document.root : record.parents[depth - 1]).filter { $0.key == name }.map(\.value)
    }

    /// Whether a text that is no document has a key named like a secret, or a text that carries a token.
    private static func mayHoldSecret(_ text: [UInt8], _ names: SecretNames) -> Bool {
        let small = text.map(lower)
        return (names.marks + names.plain.map { Array("\"\($0)\"".utf8) }).contains { contains(small, $0) }
    }

    /// Members named like a secret, and texts that carry an access token in an address.
    private static func secrets(in document: Document, _ names: SecretNames) -> [Document.Node] {
        var found: [Document.Node] = []
        var open = [document.root]
        while let node = open.popLast() {
            var child = document.first(in: node)
            while let current = child {
                child = document.next(after: current, in: node)
                if names.isSecret(document.rawKey(current)), document.kind(current) != .null {
                    found.append(current)
                } else if document.isContainer(current) {
                    open.append(current)
                } else if document.kind(current) == .string {
                    let text = document.bytes[document.range(current)].map(lower)
                    if names.marks.contains(where: { contains(text, $0) }) { found.append(current) }
                }
            }
        }
        return found
    }

    private static func quoted(_ value: [UInt8]) -> [UInt8] {
        var out: [UInt8] = [34]
        for byte in value {
            if byte == 34 || byte == 92 { out.append(92) }
            if byte >= 32 { out.append(byte) }
        }
        return out + [34]
    }
}
