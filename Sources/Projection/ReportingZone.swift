package import EventLog

/// Where a day begins: how far the log's reporting zone is east of UTC, at any moment.
///
/// `UTC` and `±HH:MM` need no table. Names such as `Europe/Berlin` are looked up in the captured table, never in the system's, so that a
/// replay on another machine, or years later, gives the same days.
package struct ReportingZone: Sendable {
    /// Minutes east before the first change.
    private let first: Int64
    /// Minutes since 1970-01-01T00:00Z and the minutes east from then on, ascending.
    private let changes: [(at: Int64, east: Int64)]

    /// nil for a name that is neither fixed nor in the table; throws where the table's line does not read.
    package init?(_ name: String, table: ZoneTable) throws {
        if let fixed = Self.offset(name) {
            (first, changes) = (fixed / 60_000, [])
        } else if let rules = try table.rules(of: name) {
            (first, changes) = rules
        } else {
            return nil
        }
    }

    /// The day a moment falls on. After the last change that the table knows, its offset stays.
    package func day(of moment: Timestamp) -> Int64 {
        let minute = moment.milliseconds >= 0 ? moment.milliseconds / 60_000 : (moment.milliseconds - 59_999) / 60_000
        var (low, high) = (0, changes.count)
        while low < high {
            let middle = (low + high) / 2
            if changes[middle].at <= minute { low = middle + 1 } else { high = middle }
        }
        let east = low == 0 ? first : changes[low - 1].east
        return (moment.milliseconds + east * 60_000).flooredDay
    }

    /// Milliseconds east of UTC; nil for a name that is not `UTC` or `±HH:MM`.
    package static func offset(_ name: String) -> Int64? {
        if name == "UTC" { return 0 }
        let bytes = Array(name.utf8)
        guard bytes.count == 6, bytes[0] == 43 || bytes[0] == 45, bytes[3] == 58,
            [1, 2, 4, 5].allSatisfy({ (48...57).contains(bytes[$0]) }), let hours = Int64(name.dropFirst().prefix(2)),
            let minutes = Int64(name.suffix(2)), hours <= 14, minutes < 60
        else { return nil }
        return (hours * 60 + minutes) * 60_000 * (bytes[0] == 45 ? -1 : 1)
    }
}

/// `projections/reference/timezones.tsv`: the rules of time zones, as captured in the log.
package struct ZoneTable: Sendable {
    private var path = ""
    /// Its lines of three cells: names, offset before the first change, changes.
    private var lines: [(number: Int, cells: [Substring])] = []

    init() {}

    /// Only the shape is checked; numbers are read when a zone is asked for.
    init(path: String, bytes: [UInt8]) throws {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw DefinitionError(path: path, line: nil, reason: "not UTF-8; save it as UTF-8")
        }
        self.path = path
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
        where !line.isEmpty && !line.hasPrefix("#") {
            let cells = line.split(separator: "\t", omittingEmptySubsequences: false)
            guard cells.count == 3, !cells[0].isEmpty, Int64(cells[1]) != nil else {
                throw DefinitionError(
                    path: path, line: index + 1,
                    reason: "a line is names, minutes east, changes, with tabs between; see ops/make-timezones")
            }
            lines.append((index + 1, cells))
        }
    }

    fileprivate func rules(of name: String) throws -> (first: Int64, changes: [(at: Int64, east: Int64)])? {
        guard let line = lines.first(where: { $0.cells[0].split(separator: " ").contains(Substring(name)) }) else { return nil }
        func fail(_ change: Substring) -> DefinitionError {
            DefinitionError(path: path, line: line.number, reason: "“\(change)” is no change: minutes since 1970, a sign, minutes east")
        }
        var changes: [(at: Int64, east: Int64)] = []
        for change in line.cells[2].split(separator: " ") {
            guard let sign = change.lastIndex(where: { $0 == "+" || $0 == "-" }), let at = Int64(change[..<sign]),
                let east = Int64(change[sign...]), east.magnitude < 24 * 60, changes.last.map({ $0.at < at }) ?? true
            else { throw fail(change) }
            changes.append((at, east))
        }
        return (Int64(line.cells[1]) ?? 0, changes)
    }

    /// Names that end like the one given, for a hint to who mistyped it.
    package func names(like name: String) -> [String] {
        let wanted = SourceNames.normalised(String(name.split(separator: "/").last ?? ""))
        guard !wanted.isEmpty else { return [] }
        return lines.flatMap { $0.cells[0].split(separator: " ") }.map(String.init)
            .filter { SourceNames.normalised(String($0.split(separator: "/").last ?? "")).hasPrefix(wanted) }.sorted()
    }
}
