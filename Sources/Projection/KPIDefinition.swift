import Cleaning
import EventLog
import Yams

/// One KPI: a SELECT of its dimensions, `num` and `den`, and what its header says of it.
package struct KPIDefinition: Sendable {
    /// When a value of the KPI calls for a person.
    package struct AlertRule: Sendable, Equatable {
        /// How loud an alert is.
        package enum Severity: String, Sendable, Comparable, CaseIterable {
            case info, warn, critical

            package static func < (a: Self, b: Self) -> Bool { rank(a) < rank(b) }

            private static func rank(_ severity: Self) -> Int { allCases.firstIndex(of: severity) ?? 0 }
        }

        /// A limit that each service has of its own, in hours, for KPIs by `source` or `service`.
        package enum ServiceLimit: String, Sendable { case warn = "freshness.warn", critical = "freshness.critical" }

        /// Its name; with the KPI and the dimensions it tells one alert from another.
        package let id: String
        /// Whether values above the limit alarm, or those below.
        package let isAbove: Bool
        /// In billionths of the unit that people see: −20 percent is −20 000 000 000.
        package let limit: Int64
        /// Where the limit is the service's own; `limit` is 0 then.
        package let serviceLimit: ServiceLimit?
        /// Covered days or months from which on a value is judged; nil: all that are expected.
        package let minCovered: Int64?
        /// The dimension of which only the newest value is judged, for each combination of the others; nil: every value is.
        package let newestOf: String?
        /// The numerator, without its sign and in its own unit, must exceed it too; nil where any change is news.
        package let floor: Int64?
        /// The same as the file says it: `100 usd`.
        package let floorText: String?
        package let severity: Severity
        /// Days for which a resolved alert that comes back is not told again.
        package let cooldownDays: Int64
        /// What it means, in one sentence.
        package let text: String
    }

    package let path: String
    package let id: String
    package let title: String
    /// streaming, audience, revenue, social, links, email, video, ads or operations; another word for a user's own.
    package let domain: String
    /// usd, count, percent, ratio, months, …
    package let unit: String
    /// up, down or neutral: which way is better.
    package let direction: String
    /// Decimals to show.
    package let decimals: Int
    package let formula: String
    package let dimensions: [String]
    /// Dimensions over which numerators and denominators may be added; a denominator that is the unit stays.
    package let addsOver: [String]
    /// The days it covers, in words; nil where that is all time.
    package let window: String?
    /// When a value counts as complete, in words.
    package let completeness: String?
    /// The goal of the reference table `goal` that it is measured against.
    package let goal: String?
    package let alerts: [AlertRule]
    /// The observers of the same plays that it sets side by side; none for every KPI but a comparison.
    package let compares: [String]
    /// Why the platform's own page may show another figure.
    package let differs: String?
    /// The facts, each with a condition, that show which rows a value rests on; parameters are `:day` and the dimensions.
    package let evidence: [(fact: String, condition: String)]
    package let sql: String

    private static let keys: Set = [
        "kpi", "title", "domain", "unit", "direction", "decimals", "formula", "dimensions", "window", "completeness", "goal", "alerts",
        "compares", "differs", "evidence", "adds_over",
    ]

    init(path: String, bytes: [UInt8]) throws {
        let file = try SQLFile(path: path, bytes: bytes)
        try file.allow(Self.keys)
        self.path = path
        id = try file.text("kpi")
        title = try file.text("title")
        domain = file.header["domain"]?.string ?? "other"
        unit = try file.text("unit")
        direction = try file.text("direction")
        guard ["up", "down", "neutral"].contains(direction) else {
            throw DefinitionError(
                path: path, line: file.header["direction"]?.mark.map { $0.line + 1 }, reason: "`direction` is up, down or neutral")
        }
        decimals = file.header["decimals"]?.int ?? 0
        guard (0...9).contains(decimals) else {
            throw DefinitionError(path: path, line: file.header["decimals"]?.mark.map { $0.line + 1 }, reason: "`decimals` is 0 to 9")
        }
        formula = try file.text("formula")
        dimensions = try file.strings("dimensions")
        addsOver = try file.strings("adds_over")
        if let unknown = Set(addsOver).subtracting(dimensions).min() {
            throw DefinitionError(path: path, line: 1, reason: "`adds_over` names “\(unknown)”, which is no dimension")
        }
        window = file.header["window"]?.string
        completeness = file.header["completeness"]?.string
        goal = file.header["goal"]?.string
        let dimensions = dimensions
        alerts = try (file.header["alerts"]?.sequence ?? []).map { try AlertRule($0, dimensions: dimensions, path: path) }
        compares = try file.strings("compares")
        differs = file.header["differs"]?.string
        evidence = try Self.evidence(file.header).map { node in
            let known = node.mapping?.allSatisfy { ["fact", "where"].contains($0.key.string) } ?? false
            guard known, let fact = node["fact"]?.string, let condition = node["where"]?.string else {
                throw DefinitionError(
                    path: path, line: node.mark.map { $0.line + 1 },
                    reason: "`evidence` is {fact: <table>, where: <condition>}, or a list of them")
            }
            return (fact, condition)
        }
        sql = try SQLText.checked(file.body, path: path, line: file.bodyLine, needsOrder: true)
    }
}

extension KPIDefinition {
    /// What a header says of evidence: one mapping, or a list of them where several facts make the value.
    static func evidence(_ header: Node) -> [Node] { header["evidence"].map { $0.sequence.map { Array($0) } ?? [$0] } ?? [] }

    /// The values told by fewer dimensions: numerators are added, and so are denominators unless all are the same unit.
    ///
    /// Refuses dimensions the KPI lacks, and to drop one that it does not add over.
    package func values(_ values: [KPIValue], by kept: [String]) throws -> [KPIValue] {
        func refuse(_ reason: String) -> DefinitionError { DefinitionError(path: path, line: nil, reason: reason) }
        if let unknown = kept.first(where: { !dimensions.contains($0) }) {
            throw refuse("\(id) is told by \(dimensions.joined(separator: ", ")), not by \(unknown)")
        }
        let dropped = dimensions.filter { !kept.contains($0) }
        if let fixed = dropped.first(where: { !addsOver.contains($0) }) {
            throw refuse(
                """
                \(id) cannot be added over \(fixed); keep it: --by \
                \(dimensions.filter { kept.contains($0) || !addsOver.contains($0) }.joined(separator: ","))
                """
            )
        }
        guard !dropped.isEmpty else { return values }
        var groups: [String: [KPIValue]] = [:]
        for value in values {
            let own = try JSON.parse(Array(value.dimensions.utf8)).object ?? [:]
            groups[String(decoding: try JSON.object(own.filter { kept.contains($0.key) }).canonical(), as: UTF8.self), default: []].append(
                value)
        }
        return try groups.sorted { $0.key < $1.key }.map { key, parts in
            func sum(_ of: (KPIValue) -> Int64?) throws -> Int64? {
                let known = parts.compactMap(of)
                guard !known.isEmpty else { return nil }
                guard let sum = Int64(exactly: known.reduce(Int128(0)) { $0 + Int128($1) }) else {
                    throw refuse("\(id): a sum exceeds 64 bits")
                }
                return sum
            }
            let units = Set(parts.map(\.denominator))
            let isUnit = units == [1] || units == [1_000_000_000]
            return KPIValue(
                kpi: id, dimensions: key, numerator: try sum(\.numerator),
                denominator: isUnit ? parts[0].denominator : try sum(\.denominator),
                unconverted: try sum(\.unconverted),
                // Flags of single months add up; of the days of one window the least counts.
                covered: parts.allSatisfy { $0.expected == 1 } ? try sum(\.covered) : parts.compactMap(\.covered).min(),
                expected: parts.allSatisfy { $0.expected == 1 } ? try sum(\.expected) : parts.compactMap(\.expected).max())
        }
    }
}

extension KPIDefinition.AlertRule {
    fileprivate init(_ node: Node, dimensions: [String], path: String) throws {
        let line = node.mark.map { $0.line + 1 }
        func fail(_ reason: String) -> DefinitionError { DefinitionError(path: path, line: line, reason: "alerts: \(reason)") }
        for (key, _) in node.mapping ?? [:] {
            let known = ["alert", "above", "below", "severity", "cooldown_days", "min_covered", "newest", "floor", "text"]
            guard let name = key.string, known.contains(name) else {
                throw fail("unknown key “\(key.string ?? "?")”; known: \(known.joined(separator: ", "))")
            }
        }
        guard let id = node["alert"]?.string, let text = node["text"]?.string else { throw fail("`alert` (a name) and `text` are needed") }
        let sides = (node["above"]?.scalar?.string, node["below"]?.scalar?.string)
        guard let written = sides.0 ?? sides.1, sides.0 == nil || sides.1 == nil else { throw fail("give one of `above` and `below`") }
        let serviceLimit = ServiceLimit(rawValue: written)
        var limit: Int64 = 0
        if serviceLimit == nil {
            guard case .value(let number, exact: true) = PlainNumber.parse(Array(written.utf8), scale: 9) else {
                throw fail("“\(written)” is neither a number with at most nine decimals nor freshness.warn or freshness.critical")
            }
            limit = number
        }
        guard let severity = Severity(rawValue: node["severity"]?.string ?? "warn") else {
            throw fail("`severity` is info, warn or critical")
        }
        let days = node["cooldown_days"]?.int ?? 7
        guard (0...3650).contains(days) else { throw fail("`cooldown_days` is 0 to 3650") }
        let newest = node["newest"]?.string
        let floorText = node["floor"]?.scalar?.string
        if let newest, !dimensions.contains(newest) {
            throw fail("`newest` names “\(newest)”, which is none of the dimensions \(dimensions.joined(separator: ", "))")
        }
        self.init(
            id: id, isAbove: sides.0 != nil, limit: limit, serviceLimit: serviceLimit,
            minCovered: node["min_covered"]?.int.map { Int64($0) }, newestOf: newest,
            floor: try floorText.map { text in
                guard let floor = Self.floor(text) else {
                    throw fail("`floor` is an amount such as “100 usd”, or a whole number, and not below zero")
                }
                return floor
            }, floorText: floorText, severity: severity, cooldownDays: Int64(days), text: text)
    }

    /// Dollars in billionths, as amounts are counted; other numbers as they are.
    private static func floor(_ text: String) -> Int64? {
        let isMoney = text.hasSuffix(" usd")
        guard case .value(let number, exact: true) = PlainNumber.parse(Array(text.dropLast(isMoney ? 4 : 0).utf8), scale: isMoney ? 9 : 0),
            number >= 0
        else { return nil }
        return number
    }
}

/// One view of the star schema: a SELECT over facts, totals, dimensions and other views, as known at the seq that is asked for.
package struct ViewDefinition: Sendable {
    package let path: String
    package let name: String
    package let title: String
    /// Columns that tell its rows apart.
    package let grain: [String]
    /// Every column with its unit and meaning, in the order of the SELECT.
    package let columns: [(name: String, note: String)]
    package let sql: String

    init(path: String, bytes: [UInt8]) throws {
        let file = try SQLFile(path: path, bytes: bytes)
        guard let name = file.header["view"]?.string else {
            throw DefinitionError(
                path: path, line: 1, reason: "the header lacks `view`; files called dim_, bridge_ or v_ are views, others facts")
        }
        try file.allow(["view", "title", "grain", "columns"])
        self.path = path
        self.name = name
        title = try file.text("title")
        grain = try file.strings("grain")
        columns = try (file.header["columns"]?.mapping ?? [:]).map { key, value in
            guard let name = key.string, let note = value.string else {
                throw DefinitionError(path: path, line: key.mark.map { $0.line + 1 }, reason: "a column is `name: what it is`")
            }
            return (name, note)
        }
        try FactDefinition.checkNames(tables: [name], columns: [], path: path)
        for name in columns.map(\.name) { try FactDefinition.checkNames(tables: [name], columns: [], path: path) }
        for column in grain where !columns.contains(where: { $0.name == column }) {
            throw DefinitionError(path: path, line: 1, reason: "`grain` names “\(column)”, which `columns` lacks")
        }
        sql = try SQLText.checked(file.body, path: path, line: file.bodyLine, needsOrder: false)
    }
}

/// `guards.yml`: which measures observe the same plays, which must never be summed, and whose sum only divides.
package struct Guards: Sendable {
    /// fact.column → observer, for measures that count plays.
    package private(set) var observers: [String: String] = [:]
    /// fact.column of measures that are not additive.
    package private(set) var nonAdditive: Set<String> = []
    /// fact.column of measures whose sum over days may divide another, and is no figure itself.
    package private(set) var onlyDivides: Set<String> = []
    /// fact.column → the view that tells it once; the fact tells it several times over.
    package private(set) var toldOnceBy: [String: String] = [:]

    init() {}

    init(path: String, bytes: [UInt8]) throws {
        guard let root = try compose(bytes, path: path) else { return }
        for (key, value) in root["plays"]?.mapping ?? [:] {
            for column in value.sequence?.compactMap(\.string) ?? [] { observers[column] = key.string }
        }
        nonAdditive = Set(root["never_summed"]?.sequence?.compactMap(\.string) ?? [])
        onlyDivides = Set(root["only_divides"]?.sequence?.compactMap(\.string) ?? [])
        for (key, value) in root["told_once_by"]?.mapping ?? [:] {
            for column in value.sequence?.compactMap(\.string) ?? [] { toldOnceBy[column] = key.string }
        }
        let known = ["plays", "never_summed", "only_divides", "told_once_by"]
        for (key, _) in root.mapping ?? [:] where !(key.string.map(known.contains) ?? false) {
            throw DefinitionError(
                path: path, line: key.mark?.line,
                reason: "unknown key “\(key.string ?? "?")”; known: \(known.joined(separator: ", "))")
        }
    }
}
