import Cleaning
import Yams

/// One thing that is wrong in a definition file.
package struct DefinitionFinding: Error, Sendable, Hashable, CustomStringConvertible {
    /// Path below the definitions folder.
    package let path: String
    /// From 1, where it is known.
    package let line: Int?
    /// From 1, in bytes, where it is known.
    package let column: Int?
    /// Dotted key; empty for the file as a whole.
    package let key: String
    package let message: String
    /// What to write instead.
    package let suggestion: String?
    /// What stands there, for findings about SQL.
    package let construct: String?
    /// The file can be used as it is: it only does not run on every engine.
    package let isWarning: Bool

    package var description: String {
        """
        \(path)\(line.map { ":\($0)" } ?? "")\(column.map { ":\($0)" } ?? ""): \(key.isEmpty ? "" : "\(key): ")\(message)\
        \(suggestion.map { "; \($0)" } ?? "")
        """
    }

    init(_ error: ContractError, key: String, line: Int) {
        self.init(path: error.path, line: line, key: key, message: error.message, suggestion: error.suggestion)
    }

    /// What a projection left out, with the reason that it kept.
    package init(_ refused: RefusedKPI) {
        let place = "\(refused.path): "
        let reason = refused.reason.hasPrefix(place) ? String(refused.reason.dropFirst(place.count)) : refused.reason
        self.init(path: refused.path, line: nil, key: "", message: reason, suggestion: nil)
    }

    init(_ error: any Error, path: String) {
        if let error = error as? DefinitionError {
            self.init(path: error.path, line: error.line, column: error.column, key: "", message: error.reason, suggestion: nil)
        } else {
            self.init(path: path, line: nil, key: "", message: "\(error)", suggestion: nil)
        }
    }

    init(_ finding: SQLFinding, path: String, isWarning: Bool) {
        self.init(
            path: path, line: finding.line, column: finding.column, key: "", message: finding.message, suggestion: finding.suggestion,
            construct: finding.construct, isWarning: isWarning)
    }

    private init(
        path: String, line: Int?, column: Int? = nil, key: String, message: String, suggestion: String?, construct: String? = nil,
        isWarning: Bool = false
    ) {
        (self.path, self.line, self.column, self.key, self.message) = (path, line, column, key, message)
        (self.suggestion, self.construct, self.isWarning) = (suggestion, construct, isWarning)
    }
}

extension DefinitionKind {
    /// What the SQL of such a file is for; nil where there is none.
    var lint: SQLLint.Kind? {
        switch self {
        case .fact: .loaders
        case .curated, .kpi: .table
        case .view: .view
        case .contract, .service, .guards, .reference, .zones, .secrets: nil
        }
    }
}

extension DefinitionSet {
    /// All that is wrong in a set of definition files, by path and line; empty when they can be used.
    ///
    /// Contracts are read on behind an error, one complaint a key. Rules that span files, and the portability of SQL, are judged over the
    /// files that are sound; where nothing is wrong with any, they are tried out as `project` would use them.
    ///
    /// - Parameter own: files of the user's own, whose SQL need not run on every engine: there that is a warning.
    package static func findings(in files: [String: [UInt8]], own: Set<String> = []) -> [DefinitionFinding] {
        var found: [DefinitionFinding] = []
        var sound = DefinitionSet()
        for (path, bytes) in files.sorted(by: { $0.key < $1.key }) {
            do {
                if DefinitionKind(path: path) == .service { _ = try ServiceDefinition(path: path, bytes: bytes) }
                try sound.read(path: path, bytes: bytes)
            } catch let error as ContractError where DefinitionKind(path: path) == .secrets {
                found.append(DefinitionFinding(error, key: error.key, line: error.line))
            } catch let error as ContractError {
                found += ContractCheck(path: path, first: error).findings(bytes)
            } catch {
                found.append(DefinitionFinding(error, path: path))
            }
        }
        found += (sound.conflicts() + sound.loaderErrors()).map { DefinitionFinding($0, path: $0.path) }
        found += sound.portability(of: Set(sound.files.keys), own: own)
        if !found.contains(where: { !$0.isWarning }) { found += sound.trialErrors().map { DefinitionFinding($0, path: $0.path) } }
        return found.sorted { ($0.path, $0.line ?? 0, $0.column ?? 0, $0.key) < ($1.path, $1.line ?? 0, $1.column ?? 0, $1.key) }
    }

    /// What some of the files hold that other engines read differently, by path and place.
    ///
    /// - Parameter own: files of the user's own; their findings are warnings.
    package func portability(of paths: Set<String>, own: Set<String>) -> [DefinitionFinding] {
        let catalog = SQLCatalog(self)
        return paths.sorted().flatMap { path -> [DefinitionFinding] in
            guard let file = files[path], let kind = DefinitionKind(path: path)?.lint else { return [] }
            let sql = String(decoding: file.bytes, as: UTF8.self)
            var found = SQLLint.findings(path: path, sql: sql, kind: kind, catalog: catalog)
            // The conditions of a KPI's evidence are SQL in the header.
            for evidence in (try? SQLFile(path: path, bytes: file.bytes)).map({ KPIDefinition.evidence($0.header) }) ?? [] {
                guard let node = evidence["where"], let condition = node.string else { continue }
                found += SQLLint.findings(path: path, sql: condition, kind: .condition, catalog: catalog).map {
                    SQLFinding(
                        line: (node.mark?.line ?? 0) + 1, column: node.mark?.column ?? 1, construct: $0.construct, message: $0.message,
                        suggestion: $0.suggestion)
                }
            }
            return found.map { DefinitionFinding($0, path: path, isWarning: own.contains(path)) }
        }
    }
}

/// Finds the errors of a contract behind its first: what is complained of is taken out of the tree, and the rest is read again.
private struct ContractCheck {
    let path: String
    let first: ContractError

    /// More than a person mends at once.
    private static let most = 50

    func findings(_ bytes: [UInt8]) -> [DefinitionFinding] {
        var found = [DefinitionFinding(first, key: first.key, line: first.line)]
        guard let original = (try? Yams.compose(yaml: String(decoding: bytes, as: UTF8.self), .basic)) ?? nil, original.mapping != nil
        else {
            return found
        }
        var tree = original
        // Where each column of the tree stands in the file.
        var columns = Array((original["columns"]?.sequence ?? []).indices)
        var removed: Set<String> = []
        var error = first
        while found.count < Self.most {
            guard let cut = Self.without(error.key, tree, &columns, &removed), let text = try? Yams.serialize(node: cut) else { break }
            tree = cut
            do {
                _ = try Contract.parse(Array(text.utf8), path: path)
                break
            } catch let next {
                error = next
            }
            // A complaint about what was taken out is our doing.
            if removed.contains(where: { error.message.contains("'\($0)'") }) { continue }
            var key = error.key
            let parts = key.split(separator: ".").map(String.init)
            if parts.first == "columns", parts.count > 1, let index = Int(parts[1]), columns.indices.contains(index - 1) {
                key = (["columns", String(columns[index - 1] + 1)] + parts.dropFirst(2)).joined(separator: ".")
            }
            guard !found.contains(where: { $0.key == key && $0.message == error.message }) else { break }
            found.append(DefinitionFinding(error, key: key, line: Self.line(of: key, in: original)))
        }
        return found
    }

    /// The tree without what a key names: a column, a key of the file; a missing one is put in its place. nil when that cannot help.
    private static func without(_ key: String, _ tree: Node, _ columns: inout [Int], _ removed: inout Set<String>) -> Node? {
        let parts = key.split(separator: ".").map(String.init)
        guard let top = parts.first, var mapping = tree.mapping else { return nil }
        let node = Node(top)
        if top == "columns", parts.count > 1, let index = Int(parts[1]), var list = mapping[node]?.sequence,
            list.indices.contains(index - 1)
        {
            if let name = list[index - 1]["name"]?.string { removed.insert(name) }
            list.remove(at: index - 1)
            columns.remove(at: index - 1)
            // Something must stay that the rest can be read with.
            if list.isEmpty { return nil }
            mapping[node] = Node.sequence(list)
            return Node.mapping(mapping)
        }
        let needed: [String: Node] = ["title": Node("title"), "names": ["name.csv"], "account": Node("ask"), "merge": Node("append")]
        if let value = mapping[node] {
            if let name = value.string { removed.insert(name) }
            mapping[node] = needed[top]
            if needed[top] == value { return nil }
        } else {
            guard let value = needed[top] else { return nil }
            mapping[node] = value
        }
        return Node.mapping(mapping)
    }

    /// The line of the deepest part of a key that the file has.
    private static func line(of key: String, in tree: Node) -> Int {
        var node = tree
        var line = 1
        for part in key.split(separator: ".").map(String.init) {
            if let index = Int(part), let list = node.sequence, list.indices.contains(index - 1) {
                node = list[index - 1]
                line = node.mark?.line ?? line
            } else if let pair = node.mapping?.first(where: { $0.key.string == part }) {
                line = pair.key.mark?.line ?? line
                node = pair.value
            } else {
                break
            }
        }
        return line
    }
}
