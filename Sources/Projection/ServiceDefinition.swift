import Cleaning
import Yams

/// `zones/<service>/service.yml`: what is said of a service as a whole.
package struct ServiceDefinition: Sendable {
    /// Keys that a service file may have; some are read by other parts than this one.
    package static let keys = [
        "title", "freshness", "priority", "page", "watch", "session", "hosts", "extract", "limits",
    ]

    package let path: String
    /// The folder's name.
    package let service: String
    /// What people call it.
    package let title: String
    /// Where a person gets its exports: an address, or a few words on the way there.
    package let page: String?
    /// Pages of single datasets, by dataset.
    package let pages: [String: String]
    /// `freshness.warn_days`: the age in days at which its newest data counts as old.
    package let warnDays: Int64?
    /// Folders of this machine that its exports are saved to; `~/` is the person's home.
    package let watch: [String]

    /// Reads one file.
    ///
    /// - Throws: ``DefinitionError`` with file and line; unknown keys are errors too.
    package init(path: String, bytes: [UInt8]) throws {
        func fail(_ node: Node?, _ reason: String) -> DefinitionError {
            DefinitionError(path: path, line: node?.mark?.line, reason: reason)
        }
        let root: Node?
        do {
            root = try Yams.compose(yaml: String(decoding: bytes, as: UTF8.self), .basic)
        } catch {
            throw DefinitionError(path: path, line: Self.line(of: error), reason: "not YAML: \(error)")
        }
        guard let root, let mapping = root.mapping else { throw fail(root, "must be a list of key: value, beginning with title:") }
        for (key, _) in mapping where !Self.keys.contains(key.string ?? "") {
            throw fail(key, "unknown key “\(key.string ?? "?")”; known: \(Self.keys.joined(separator: ", "))")
        }
        let parts = path.split(separator: "/")
        service = parts.count > 1 ? String(parts[parts.count - 2]) : path
        self.path = path
        guard let title = root["title"]?.string, !title.isEmpty else { throw fail(root, "the key title is missing: write title: NAME") }
        self.title = title
        if let node = root["page"], node.mapping == nil, node.string == nil {
            throw fail(node, "page is a text, or one text a dataset: {<dataset>: <text>}")
        }
        page = root["page"]?.mapping == nil ? root["page"]?.string : nil
        var pages: [String: String] = [:]
        for (key, value) in root["page"]?.mapping ?? [:] {
            guard let dataset = key.string, let text = value.string else { throw fail(key, "page has one text a dataset") }
            pages[dataset] = text
        }
        self.pages = pages
        if let node = root["freshness"]?["warn_days"] {
            guard let days = node.int, (1...3_650).contains(days) else {
                throw fail(node, "freshness: warn_days is a number of days, 1 to 3650")
            }
            warnDays = Int64(days)
        } else {
            warnDays = nil
        }
        if let node = root["watch"] {
            guard let list = node.sequence?.compactMap(\.string) ?? node.string.map({ [$0] }), list.allSatisfy({ !$0.isEmpty }) else {
                throw fail(node, "watch is a list of folders such as [~/Downloads]")
            }
            if let bad = list.first(where: { !$0.hasPrefix("/") && !$0.hasPrefix("~/") }) {
                throw fail(node, "watch: “\(bad)” must begin with / or ~/, so that it means the same folder wherever bedrot is started")
            }
            watch = list
        } else {
            watch = []
        }
    }

    /// Where a YAML error was found, if it says so.
    static func line(of error: any Error) -> Int? {
        guard let error = error as? YamlError else { return nil }
        switch error {
        case .scanner(_, _, let mark, _), .parser(_, _, let mark, _), .composer(_, _, let mark, _): return mark.line
        case .duplicatedKeysInMapping(_, let context): return context.mark.line
        default: return nil
        }
    }
}

extension DefinitionSet {
    /// The services of these definitions, by name. A file that does not parse is left out; `bedrot doctor contracts` names it.
    package var services: [String: ServiceDefinition] {
        var found: [String: ServiceDefinition] = [:]
        for (path, file) in files where DefinitionKind(path: path) == .service {
            guard let service = try? ServiceDefinition(path: path, bytes: file.bytes) else { continue }
            found[service.service] = service
        }
        return found
    }
}

extension DefinitionSet {
    /// The fact and its column that hold the days of a dataset, where a key of a fact is the dataset's period as it is.
    package func dayColumn(of stream: String) -> (fact: String, column: String)? {
        guard let contract = contracts[stream]?.contract, let period = contract.period, case .upsert = contract.merge else { return nil }
        for fact in facts(of: stream) {
            for column in fact.columns where column.isKey && column.storage == .day {
                if fact.loaders[stream]?.bareColumn(of: column.name) == period { return (fact.name, column.name) }
            }
        }
        return nil
    }
}
