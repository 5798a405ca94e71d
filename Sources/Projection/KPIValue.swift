import EventLog
package import GRDB

/// One value of a KPI: its dimensions and an exact fraction.
package struct KPIValue: Sendable, Equatable {
    package let kpi: String
    /// Canonical JSON object of the dimensions, `{}` when there are none.
    package let dimensions: String
    package let numerator: Int64?
    package let denominator: Int64?
    /// Rows left out because no rate converts their currency; nil where the KPI does not say.
    package let unconverted: Int64?
    /// Days or months of its window that the sources cover, and how many there are; nil where the KPI has no window.
    package let covered: Int64?
    package let expected: Int64?

    package init(
        kpi: String, dimensions: String, numerator: Int64?, denominator: Int64?, unconverted: Int64? = nil, covered: Int64? = nil,
        expected: Int64? = nil
    ) {
        self.covered = covered
        self.expected = expected
        self.kpi = kpi
        self.dimensions = dimensions
        self.numerator = numerator
        self.denominator = denominator
        self.unconverted = unconverted
    }

    /// A row of `kpi_value`.
    package init(_ row: Row) {
        self.init(
            kpi: row["kpi"], dimensions: row["dims"], numerator: row["num"], denominator: row["den"], unconverted: row["unconverted"],
            covered: row["covered"], expected: row["expected"])
    }

    /// What the value leaves out, in words; nil when nothing.
    package var remark: String? {
        var parts: [String] = []
        if let covered, let expected, covered < expected { parts.append("\(covered) of \(expected) covered") }
        if let unconverted, unconverted > 0 { parts.append("\(unconverted) \(unconverted == 1 ? "row" : "rows") not converted") }
        return parts.isEmpty ? nil : parts.joined(separator: ", ")
    }

    /// Whether every day or month of the window is covered; true where the KPI has no window.
    package var isComplete: Bool { (covered ?? 0) >= (expected ?? 0) }

    /// All values of the snapshot at a seq.
    package static func all(_ database: Database, at seq: Int64) throws -> [KPIValue] {
        try Row.fetchAll(database, sql: "SELECT * FROM kpi_value WHERE seq = ? ORDER BY kpi, dims", arguments: [seq]).map { KPIValue($0) }
    }

    /// The value rounded half away from zero to `decimals`, as text; “–” where nothing was reported or the denominator is 0.
    package func text(unit: String, decimals: Int) -> String {
        guard let numerator, let denominator, denominator != 0 else { return "–" }
        var scaled = Int128(numerator)
        for _ in 0..<decimals { scaled *= 10 }
        if unit == "percent" { scaled *= 100 }
        var divisor = Int128(denominator)
        if divisor < 0 { (scaled, divisor) = (-scaled, -divisor) }
        let magnitude = (scaled.magnitude * 2 + divisor.magnitude) / (divisor.magnitude * 2)
        var digits = String(magnitude)
        if decimals > 0 {
            while digits.count <= decimals { digits = "0" + digits }
            digits.insert(".", at: digits.index(digits.endIndex, offsetBy: -decimals))
        }
        return (scaled < 0 && magnitude != 0 ? "-" : "") + digits
    }
}

extension KPIValue {
    /// Whether the value lies beyond a limit, given in billionths of the unit that people see; nil where there is no value.
    package func lies(above: Bool, limit: Int64, unit: String) -> Bool? {
        guard let numerator, let denominator, denominator != 0 else { return nil }
        var shown = Int128(numerator) * (unit == "percent" ? 100 : 1) * 1_000_000_000
        var bound = Int128(limit) * Int128(denominator)
        if denominator < 0 { (shown, bound) = (-shown, -bound) }
        return above ? shown > bound : shown < bound
    }
}

extension KPIValue {
    /// `{"artist":"artist:zonea0","platform":"platform:spotify"}` as `artist:zonea0, platform:spotify`.
    package static func shown(dimensions json: String) -> String {
        let object = (try? JSON.parse(Array(json.utf8)))?.object ?? [:]
        return object.sorted { $0.key < $1.key }.map { $0.value.string ?? $0.value.int.map { String($0) } ?? "–" }.joined(separator: ", ")
    }
}
