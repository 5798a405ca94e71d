import Cleaning
import Yams

/// `zones/<service>/service.yml`: what is said of a service as a whole.
package struct ServiceDefinition: Sendable {
    /// Keys that a service file may have; some are read by other parts than this one.
    package static let keys = [
        "title", "freshness", "priority", "page", "history_days", "watch", "session", "hosts", "extract", "limits",
    ]

    /// How old the newest content may be before it counts as old, and as missing.
    package struct Freshness: Sendable, Equatable {
        package let warnHours: Int64
        package let criticalHours: Int64
    }

    /// How much the health of a service weighs.
    package enum Priority: String, Sendable, CaseIterable {
        case critical, high, medium, low

        /// The factor on every deduction from a health score, in tenths.
        package var tenths: Int64 {
            switch self {
            case .critical: 15
            case .high: 12
            case .medium: 10
            case .low: 8
            }
        }
    }

    package let path: String
    /// Nil where the file does not say.
    package let freshness: Freshness?
    package let priority: Priority
    /// The folder's name.
    package let service: String
    /// What people call it.
    package let title: String
    /// Where a person gets its exports: an address, or a few words on the way there.
    package let page: String?
    /// Pages of single datasets, by dataset.
    package let pages: [String: String]
    /// For how many days back a source still shows its figures, by dataset; nothing where it shows all or nobody knows.
    package let historyDays: [String: Int64]
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
        freshness = try root["freshness"].map { node in
            guard let warn = node["warn_days"]?.int, let critical = node["critical_days"]?.int, (1...3650).contains(warn),
                (warn...3650).contains(critical)
            else { throw fail(node, "freshness is {warn_days: n, critical_days: n}, whole days, the second not less than the first") }
            return Freshness(warnHours: Int64(warn) * 24, criticalHours: Int64(critical) * 24)
        }
        if let node = root["priority"] {
            guard let priority = node.string.flatMap({ Priority(rawValue: $0) }) else {
                throw fail(node, "priority is \(Priority.allCases.map(\.rawValue).joined(separator: ", "))")
            }
            self.priority = priority
        } else {
            priority = .medium
        }
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
        var historyDays: [String: Int64] = [:]
        if let node = root["history_days"] {
            guard let mapping = node.mapping else { throw fail(node, "history_days has one number of days a dataset: {<dataset>: 365}") }
            for (key, value) in mapping {
                guard let dataset = key.string, let days = value.int, (1...36_500).contains(days) else {
                    throw fail(key, "history_days has one number of days a dataset, 1 to 36500")
                }
                historyDays[dataset] = Int64(days)
            }
        }
        self.historyDays = historyDays
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
