package import Cleaning
package import EventLog
import Yams

/// A definition file that does not say what it must.
package struct DefinitionError: Error, CustomStringConvertible {
    package let path: String
    package let line: Int?
    /// From 1, where it is known; nil where the whole line or file is meant.
    package let column: Int?
    package let reason: String
    /// The file reads a table or column that does not exist.
    let namesWhatIsMissing: Bool

    init(path: String, line: Int?, column: Int? = nil, reason: String, namesWhatIsMissing: Bool = false) {
        self.namesWhatIsMissing = namesWhatIsMissing
        self.path = path
        self.line = line
        self.column = line == nil ? nil : column
        self.reason = reason
    }

    package var description: String { "\(path)\(line.map { ":\($0)" } ?? "")\(column.map { ":\($0)" } ?? ""): \(reason)" }
}

/// Every definition in use at one point of the log: files by path, parsed.
package struct DefinitionSet: Sendable {
    /// The bytes of one file and their hash.
    package struct File: Sendable {
        package let hash: Hash256
        package let bytes: [UInt8]
    }

    /// By path below the definitions folder, such as `zones/spotify/audience.yml`.
    package private(set) var files: [String: File] = [:]
    /// By stream, such as `spotify/audience`.
    package private(set) var contracts: [String: (contract: Contract, hash: Hash256)] = [:]
    package private(set) var facts: [FactDefinition] = []
    package private(set) var curated: [CuratedDefinition] = []
    package private(set) var kpis: [KPIDefinition] = []
    package private(set) var views: [ViewDefinition] = []
    /// The services, by name. A file that does not parse is left out; `bedrot doctor contracts` names it.
    package private(set) var services: [String: ServiceDefinition] = [:]
    package private(set) var guards = Guards()
    package private(set) var reference = ReferenceDefaults()
    /// Destroyed keys of persons, `<group>:<key id>`. An erasure holds for the past too, so it belongs to the rules of every replay.
    package internal(set) var erased: Set<String> = []
    package private(set) var zones = ZoneTable()
    /// What secrets are called.
    package private(set) var secrets = SecretNames.least

    /// Reads the files; where `other` was read from just these bytes it is taken as it is.
    package init(files: [String: [UInt8]], or other: DefinitionSet? = nil) throws {
        if let other, other.files.count == files.count, files.allSatisfy({ other.files[$0.key]?.bytes == $0.value }) {
            self = other
            erased = []
            return
        }
        for (path, bytes) in files.sorted(by: { $0.key < $1.key }) { try read(path: path, bytes: bytes) }
        if let conflict = conflicts().first { throw conflict }
    }

    /// Nothing is defined yet.
    init() {}

    /// Adds one file.
    mutating func read(path: String, bytes: [UInt8]) throws {
        let file = File(hash: Hash256(hashing: bytes), bytes: bytes)
        switch DefinitionKind(path: path) {
        case .contract:
            let contract = try Contract.parse(bytes, path: path)
            if let other = contracts[contract.stream] {
                throw DefinitionError(
                    path: path, line: nil,
                    reason: "a second contract for \(contract.stream) (the other is “\(other.contract.title)”); remove one")
            }
            contracts[contract.stream] = (contract, file.hash)
        case .fact: facts.append(try FactDefinition(path: path, bytes: bytes))
        case .view: views.append(try ViewDefinition(path: path, bytes: bytes))
        case .curated: curated.append(try CuratedDefinition(path: path, bytes: bytes))
        case .kpi: kpis.append(try KPIDefinition(path: path, bytes: bytes))
        case .guards: guards = try Guards(path: path, bytes: bytes)
        case .zones: zones = try ZoneTable(path: path, bytes: bytes)
        case .reference: try reference.read(path: path, bytes: bytes)
        case .service: if let service = try? ServiceDefinition(path: path, bytes: bytes) { services[service.service] = service }
        case .secrets: secrets = try SecretNames.parse(bytes, path: path)
        case nil: break
        }
        files[path] = file
    }

    /// SHA-256 over paths and hashes of the files that `matching` picks: names one set of rules.
    package func fingerprint(_ matching: (DefinitionKind) -> Bool) -> Hash256 {
        var hasher = Hasher256()
        for (path, file) in files.sorted(by: { $0.key < $1.key }) {
            guard let kind = DefinitionKind(path: path), matching(kind) else { continue }
            hasher.update(Array("\(path)\u{0}\(file.hash.hex)\n".utf8))
        }
        if matching(.fact) { for key in erased.sorted() { hasher.update(Array("erased\u{0}\(key)\n".utf8)) } }
        return hasher.finalize()
    }

    /// Facts that a stream feeds.
    package func facts(of stream: String) -> [FactDefinition] { facts.filter { $0.loaders[stream] != nil } }

    /// Breaches of the rules that span files: a fact's key holds the contract's key or the row identity; names are unique.
    func conflicts() -> [DefinitionError] {
        var found: [DefinitionError] = []
        func breach(_ path: String, _ reason: String) { found.append(DefinitionError(path: path, line: nil, reason: reason)) }
        var names = Set<String>()
        for fact in facts {
            for name in fact.tableNames where !names.insert(name).inserted {
                breach(fact.path, "the table name \(name) is defined twice")
            }
            for (stream, loader) in fact.loaders.sorted(by: { $0.key < $1.key }) {
                guard let contract = contracts[stream]?.contract else { continue }
                switch contract.merge {
                case .upsert(let key):
                    let sources = fact.columns.filter(\.isKey).compactMap { loader.bareColumn(of: $0.name) }
                    for column in key where !sources.contains(column) {
                        breach(
                            fact.path, "the key of \(fact.name) must contain the contract's key column “\(column)” of \(stream) as it is")
                    }
                    if fact.identity == .row { breach(fact.path, "\(stream) merges by key, so \(fact.name) cannot say `identity: row`") }
                case .replacePartition(let column, _):
                    guard fact.identity == .row, let partition = fact.partition, loader.bareColumn(of: partition) == column else {
                        breach(
                            fact.path,
                            """
                            \(stream) replaces partitions of “\(column)”: \(fact.name) needs `identity: row` and a \
                            `partition:` column that is it
                            """)
                        continue
                    }
                case .append:
                    if fact.identity != .row { breach(fact.path, "\(stream) appends lines: \(fact.name) needs `identity: row`") }
                }
            }
        }
        let plain = names.union(reference.tables.map(\.view)).union(WarehouseViews.fixedNames)
        for view in views where plain.contains(view.name) { breach(view.path, "the table name \(view.name) is defined twice") }
        for list in [kpis.map(\.id), curated.map(\.name), views.map(\.name), reference.tables.map(\.kind)] {
            for twice in Dictionary(grouping: list, by: \.self).filter({ $0.value.count > 1 }).keys.sorted() {
                breach("projections", "“\(twice)” is defined twice")
            }
        }
        return found
    }
}

/// What a definition file is, told by its path.
package enum DefinitionKind: String, Sendable {
    case contract, service, fact, view, curated, kpi, guards, reference, zones, secrets

    /// Whether another file of this kind gives other rows, and not only other tables, KPIs or files of them.
    var shapesFacts: Bool { self == .fact || self == .reference || self == .zones }
    /// Whether another file of this kind can give other curated files, from the same facts.
    var shapesCurated: Bool { self == .curated || self == .view }
    /// Whether another file of this kind can give other KPI values, from the same facts.
    var shapesKPIs: Bool { self == .kpi || self == .guards || self == .view || self == .service }

    package init?(path: String) {
        let parts = path.split(separator: "/").map(String.init)
        switch (parts.first, parts.count) {
        case ("zones", 2) where parts[1] == "secrets.yml": self = .secrets
        case ("zones", 3) where parts[2] == "service.yml": self = .service
        case ("zones", 3) where parts[2].hasSuffix(".yml"): self = .contract
        case ("projections", 2) where parts[1] == "guards.yml": self = .guards
        case ("projections", 3) where parts[1] == "warehouse" && parts[2].hasSuffix(".sql"):
            self = ["dim_", "bridge_", "v_"].contains(where: parts[2].hasPrefix) ? .view : .fact
        case ("projections", 3) where parts[1] == "curated" && parts[2].hasSuffix(".sql"): self = .curated
        case ("projections", 3) where parts[1] == "kpis" && parts[2].hasSuffix(".sql"): self = .kpi
        case ("projections", 3) where parts[1] == "reference" && parts[2] == "timezones.tsv": self = .zones
        case ("projections", 3) where parts[1] == "reference" && parts[2].hasSuffix(".yml"): self = .reference
        default: return nil
        }
    }
}

/// The tree of a YAML file, or of a header of which `before` lines of its file come first.
func compose(_ bytes: [UInt8], path: String, before: Int = 0) throws -> Node? {
    guard let text = String(validating: bytes, as: UTF8.self) else {
        throw DefinitionError(path: path, line: nil, reason: "not UTF-8; save it as UTF-8")
    }
    func failure(_ line: Int?, _ column: Int?, _ reason: String) -> DefinitionError {
        DefinitionError(path: path, line: line.map { $0 + before }, column: column, reason: reason)
    }
    do {
        return try Yams.compose(yaml: text, .basic)
    } catch let error as YamlError {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _), .composer(_, let problem, let mark, _):
            throw failure(mark.line, mark.column, "not YAML: \(problem)")
        case .duplicatedKeysInMapping(let duplicates, let context):
            throw failure(context.mark.line, context.mark.column, "the key “\(duplicates.min() ?? "")” stands twice; keep one of them")
        case .reader(let problem, let offset, _, _):
            let start = text.unicodeScalars.prefix(offset ?? 0)
            let column = start.reversed().prefix { $0 != "\n" }.count + 1
            throw failure(start.count { $0 == "\n" } + 1, column, "not YAML: \(problem)")
        default: throw failure(nil, nil, "not YAML: \(error)")
        }
    }
}

/// An SQL file: YAML between `/*---` and `---*/`, then SQL.
struct SQLFile {
    let path: String
    let header: Node
    let body: String
    /// The number of the body's first line in the file.
    let bodyLine: Int

    init(path: String, bytes: [UInt8]) throws {
        self.path = path
        guard String(validating: bytes, as: UTF8.self) != nil else { throw DefinitionError(path: path, line: nil, reason: "not UTF-8") }
        // Editors of other systems begin a file with a mark, and end its lines with two bytes; the file's hash is over all of them.
        var bytes = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes
        if bytes.contains(13) {
            bytes = bytes.indices.filter { bytes[$0] != 13 || $0 + 1 == bytes.count || bytes[$0 + 1] != 10 }.map { bytes[$0] }
        }
        let (start, close) = (Array("/*---\n".utf8), Array("\n---*/\n".utf8))
        var end = start.count
        var lines = 2
        while end < bytes.count, bytes[end] != 10 || !bytes[end...].starts(with: close) {
            if bytes[end] == 10 { lines += 1 }
            end += 1
        }
        guard bytes.starts(with: start), end < bytes.count else {
            throw DefinitionError(path: path, line: 1, reason: "must start with a YAML header between `/*---` and `---*/`")
        }
        guard let node = try compose(Array(bytes[start.count..<end]), path: path, before: 1) else {
            throw DefinitionError(path: path, line: 1, reason: "the header is empty")
        }
        header = node
        body = String(decoding: bytes[(end + close.count)...], as: UTF8.self)
        bodyLine = lines + 2
    }

    func text(_ key: String) throws -> String {
        guard let value = header[key]?.string else { throw DefinitionError(path: path, line: 1, reason: "the header lacks `\(key)`") }
        return value
    }

    /// Refuses header keys that nobody reads.
    func allow(_ keys: Set<String>) throws {
        for (key, _) in header.mapping ?? [:] {
            guard let name = key.string, keys.contains(name) else {
                throw DefinitionError(
                    path: path, line: key.mark.map { $0.line + 1 },
                    reason: "unknown header key “\(key.string ?? "?")”; known: \(keys.sorted().joined(separator: ", "))")
            }
        }
    }

    func strings(_ key: String) throws -> [String] {
        guard let node = header[key] else { return [] }
        guard let list = node.sequence else { throw DefinitionError(path: path, line: 1, reason: "`\(key)` must be a list") }
        return list.compactMap(\.string)
    }
}

/// One fact table, its kept totals, and the SQL that loads it from `staged`.
package struct FactDefinition: Sendable {
    /// How a stored integer reads.
    package enum Storage: Hashable, Sendable {
        case day, month, count, nano, flag
        /// Text kept in the dictionary of source values under this kind.
        case source(String)
    }

    /// A column of the fact table, in the order of the definition.
    package struct Column: Hashable, Sendable {
        package let name: String
        package let storage: Storage
        package let isKey: Bool
        package let isMeasure: Bool
    }

    /// A kept sum: the measures `sums`, grouped by the columns `by`.
    package struct Total: Sendable {
        package let name: String
        package let by: [String]
        package let sums: [String]
        let fullIndexes: [[String]]
    }

    /// What tells two rows of one account apart.
    package enum Identity: String, Sendable {
        /// The key columns: of several lines of a file with one key the last counts.
        case key
        /// The key columns and a number: several lines of a file with one key all count.
        case occurrence
        /// All columns of the staged row and a number.
        case row
    }

    package let path: String
    package let name: String
    package let title: String
    package let identity: Identity
    package let partition: String?
    package let columns: [Column]
    package let indexes: [[String]]
    /// Indexes of every version, so that what was known is found as fast as what is.
    let fullIndexes: [[String]]
    package let totals: [Total]
    /// By stream.
    let loaders: [String: LoaderSQL]
    /// Its table and those of its kept totals.
    package var tableNames: [String] { [name] + totals.map(\.name) }
    /// Datasets that feed it, sorted.
    package var streams: [String] { loaders.keys.sorted() }

    init(path: String, bytes: [UInt8]) throws {
        let file = try SQLFile(path: path, bytes: bytes)
        try file.allow(["fact", "title", "identity", "partition", "columns", "indexes", "full_indexes", "totals"])
        self.path = path
        name = try file.text("fact")
        title = try file.text("title")
        guard let identity = Identity(rawValue: file.header["identity"]?.string ?? "key") else {
            throw DefinitionError(path: path, line: 1, reason: "`identity` is key, occurrence or row")
        }
        self.identity = identity
        partition = file.header["partition"]?.string
        guard let mapping = file.header["columns"]?.mapping else {
            throw DefinitionError(path: path, line: 1, reason: "the header lacks `columns`")
        }
        columns = try mapping.map { key, value in
            let line = key.mark.map { $0.line + 1 }
            guard let name = key.string, let words = value.string?.split(separator: " ").map(String.init), let last = words.last else {
                throw DefinitionError(
                    path: path, line: line, reason: "a column is `name: [key|measure] day|month|count|nano|flag|source:<kind>`")
            }
            let storage: Storage
            switch last {
            case "day": storage = .day
            case "month": storage = .month
            case "count": storage = .count
            case "nano": storage = .nano
            case "flag": storage = .flag
            case _ where last.hasPrefix("source:"): storage = .source(String(last.dropFirst(7)))
            default:
                throw DefinitionError(
                    path: path, line: line,
                    reason: "column “\(name)”: unknown type “\(last)”; known: day, month, count, nano, flag, source:<kind>")
            }
            return Column(name: name, storage: storage, isKey: words.contains("key"), isMeasure: words.contains("measure"))
        }
        indexes = try Self.columnLists(file.header["indexes"], "indexes", path: path)
        fullIndexes = try Self.columnLists(file.header["full_indexes"], "full_indexes", path: path)
        totals = try (file.header["totals"]?.mapping ?? [:]).map { key, value in
            guard let name = key.string, let by = value["by"]?.sequence?.compactMap(\.string),
                let sums = value["sum"]?.sequence?.compactMap(\.string)
            else {
                throw DefinitionError(
                    path: path, line: key.mark.map { $0.line + 1 }, reason: "a total is `name: {by: [columns], sum: [columns]}`")
            }
            let full = try Self.columnLists(value["full_indexes"], "full_indexes", path: path)
            for column in full.joined() where !by.contains(column) {
                throw DefinitionError(
                    path: path, line: key.mark.map { $0.line + 1 },
                    reason: "`full_indexes` of \(name) names “\(column)”, which is not in `by`")
            }
            return Total(name: name, by: by, sums: sums, fullIndexes: full)
        }
        try Self.checkNames(tables: [name] + totals.map(\.name), columns: columns.map(\.name), path: path)
        let known = Set(columns.map(\.name))
        for name in (partition.map { [$0] } ?? []) + (indexes + fullIndexes).flatMap(\.self) + totals.flatMap({ $0.by + $0.sums })
        where !known.contains(name) {
            throw DefinitionError(path: path, line: nil, reason: "“\(name)” is not a column of \(self.name)")
        }
        var loaders: [String: LoaderSQL] = [:]
        for section in file.body.split(separator: "-- from: ", omittingEmptySubsequences: false).dropFirst().map(String.init) {
            guard let newline = section.firstIndex(of: "\n") else { continue }
            let stream = section[..<newline].trimmingSpaces
            loaders[stream] = try LoaderSQL(path: path, sql: String(section[newline...]), columns: columns.map(\.name))
        }
        guard !loaders.isEmpty else {
            throw DefinitionError(
                path: path, line: nil, reason: "no loader: write `-- from: <service>/<dataset>` and a SELECT over `staged`")
        }
        self.loaders = loaders
    }

    private static func columnLists(_ node: Node?, _ key: String, path: String) throws -> [[String]] {
        try (node?.sequence ?? []).map { node in
            guard let list = node.sequence?.compactMap(\.string), !list.isEmpty else {
                throw DefinitionError(path: path, line: node.mark.map { $0.line + 1 }, reason: "`\(key)` is a list of column lists")
            }
            return list
        }
    }

    /// Columns that every versioned table has.
    static let own: Set = [
        "id", "src", "account", "row_hash", "row_no", "row_count", "from_seq", "to_seq", "set_seq", "set_line", "win_seq",
    ]

    /// Names go into SQL as they are, beside columns that every versioned table has.
    static func checkNames(tables: [String], columns: [String], path: String) throws {
        for name in tables + columns {
            let isPlain = name.utf8.allSatisfy { $0 == 95 || (48...57).contains($0) || (97...122).contains($0) }
            guard isPlain, let first = name.utf8.first, !(48...57).contains(first) else {
                throw DefinitionError(
                    path: path, line: nil, reason: "“\(name)” is no name for a table or column: use a to z, digits and _, a letter first")
            }
        }
        if let taken = columns.first(where: own.contains) {
            throw DefinitionError(path: path, line: nil, reason: "“\(taken)” is a column that every fact has; use another name")
        }
        if let twice = Dictionary(grouping: columns, by: \.self).filter({ $0.value.count > 1 }).keys.min() {
            throw DefinitionError(path: path, line: nil, reason: "the column “\(twice)” stands twice")
        }
    }

    /// Position of a column; the caller has checked the name.
    func index(_ name: String) -> Int {
        guard let index = columns.firstIndex(where: { $0.name == name }) else { preconditionFailure("\(self.name) has no column \(name)") }
        return index
    }
}

/// One row-wise SELECT over `staged`: an expression for every column of the fact, no more.
struct LoaderSQL: Sendable {
    let sql: String
    /// The expressions in the order of the fact's columns.
    let expressions: [String]
    let names: [String]

    /// Words that no row-wise loader may hold.
    static let refused: Set = ["RANDOM", "STRFTIME", "DATETIME", "JULIANDAY", "OVER", "SELECT"]

    init(path: String, sql: String, columns: [String]) throws {
        func fail(_ reason: String) -> DefinitionError { DefinitionError(path: path, line: nil, reason: reason) }
        let tokens = SQLTokens(SQLText.withoutComments(sql))
        let end = tokens.tokens.last?.isSymbol(";") == true ? tokens.indices.upperBound - 1 : tokens.indices.upperBound
        guard end >= 3, tokens[0].isWord("SELECT"), tokens[end - 2].isWord("FROM"), tokens[end - 1].isWord("STAGED") else {
            throw fail(
                "a loader is `SELECT <expression> AS <column>, … FROM staged`: row-wise, one row each, without WHERE, JOIN or GROUP BY")
        }
        let list = 1..<end - 2
        var byName: [String: String] = [:]
        for item in tokens.split(list, at: { $0.isSymbol(",") }) {
            let alias = tokens.top(item).last { tokens[$0].isWord("AS") }
            let expression = tokens.text(item.lowerBound..<(alias ?? item.upperBound))
            byName[alias.map { tokens.text($0 + 1..<item.upperBound) } ?? expression] = expression
        }
        for index in list where tokens[index].kind == .word {
            let word = tokens[index].text
            let isSum = (word == "SUM" || word == "COUNT") && tokens[index + 1].isSymbol("(")
            guard isSum || Self.refused.contains(word) else { continue }
            throw fail("“\(word)\(isSum ? "(" : "")” has no place in a row-wise loader")
        }
        let divides = tokens.tokens.contains { $0.isWord("IDIV") }
        expressions = try columns.map { column in
            guard let expression = byName.removeValue(forKey: column) else {
                throw fail("the loader gives no value for “\(column)”; write NULL AS \(column) if the source has none")
            }
            return expression
        }
        if let extra = byName.keys.sorted().first { throw fail("the loader gives “\(extra)”, which is not a column of the fact") }
        names = columns
        let values = zip(expressions, columns).map { "\(divides ? SQLText.expandMacros($0) : $0) AS \($1)" }
        self.sql = "SELECT \(values.joined(separator: ", ")) FROM staged"
    }

    /// The staged column that a fact column is, when it is one unchanged.
    func bareColumn(of column: String) -> String? {
        guard let index = names.firstIndex(of: column) else { return nil }
        let expression = expressions[index]
        return expression.utf8.allSatisfy { $0 == 95 || (48...57).contains($0) || (97...122).contains($0) } ? expression : nil
    }
}

/// One curated table: a SELECT, a file name, and how each column is written.
package struct CuratedDefinition: Sendable {
    /// How an integer of the SELECT is written to the CSV.
    package enum Format: Hashable, Sendable {
        case plain, day, month, nano
        /// An integer with this many decimals.
        case decimal(Int)
    }

    package let path: String
    package let name: String
    package let file: String
    /// Column whose values name the files of a folder; nil for one file.
    package let partition: String?
    package let formats: [String: Format]
    /// Years that superseded versions are kept in the archive.
    package let keepYears: Int64
    package let sql: String

    init(path: String, bytes: [UInt8]) throws {
        let source = try SQLFile(path: path, bytes: bytes)
        try source.allow(["curated", "title", "file", "partition", "formats", "keep_years"])
        keepYears = try Self.keepYears(source)
        self.path = path
        name = try source.text("curated")
        file = try source.text("file")
        partition = source.header["partition"]?.string
        var formats: [String: Format] = [:]
        for (key, value) in source.header["formats"]?.mapping ?? [:] {
            guard let column = key.string, let word = value.string else { continue }
            switch word {
            case "day": formats[column] = .day
            case "month": formats[column] = .month
            case "nano": formats[column] = .nano
            default:
                guard word.hasPrefix("decimal/"), let digits = Int(word.dropFirst(8)), (0...18).contains(digits) else {
                    throw DefinitionError(
                        path: path, line: key.mark.map { $0.line + 1 },
                        reason: "unknown format “\(word)”; known: day, month, nano, decimal/<0 to 18 digits>")
                }
                formats[column] = .decimal(digits)
            }
        }
        self.formats = formats
        guard !file.contains("/"), !file.hasPrefix(".") else {
            throw DefinitionError(path: path, line: nil, reason: "`file` is a plain name in the curated folder")
        }
        sql = try SQLText.checked(source.body, path: path, line: source.bodyLine, needsOrder: true)
    }

    private static func keepYears(_ source: SQLFile) throws -> Int64 {
        guard let node = source.header["keep_years"] else { return 7 }
        guard let years = node.int, (1...100).contains(years) else {
            throw DefinitionError(path: source.path, line: 1, reason: "`keep_years` is a whole number from 1 to 100")
        }
        return Int64(years)
    }
}
