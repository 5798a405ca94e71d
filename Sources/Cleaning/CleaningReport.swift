/// What one partition of a capture holds.
package struct PartitionSummary: Hashable, Sendable {
    /// The typed partition cell.
    package let value: Int64
    /// The same for people: `2025-08-13`, `2025-08`, or the number.
    package let label: String
    /// Accepted rows.
    package internal(set) var rows = 0
    /// Rejected lines whose partition cell could be read.
    package internal(set) var rejects = 0
    /// Sum of the guard's total column over the accepted rows (nano units for money and decimals; nulls count nothing).
    package internal(set) var total: Int64 = 0
    /// Wrapping sum of the row hashes: equal multisets of rows have equal digests, in any order.
    package internal(set) var digest: UInt64 = 0
}

/// What cleaning one file came to.
package struct CleaningReport: Hashable, Sendable {
    /// Data lines, without header and empty lines.
    package internal(set) var rowsIn = 0
    /// Lines that became rows.
    package internal(set) var rowsOut = 0
    /// Lines that did not.
    package internal(set) var rejects = 0
    /// The same by reason.
    package internal(set) var rejectedByReason: [String: Int] = [:]
    /// Numbers with more than nine decimals that were not exact in nano units, rounded half-even.
    package internal(set) var roundedCount = 0
    /// First and last day of the contract's period column over the accepted rows; months count with all their days.
    package internal(set) var period: ClosedRange<Int64>?
    /// By partition, sorted by value; empty unless the merge mode is `replace_partition`.
    package internal(set) var partitions: [PartitionSummary] = []
    /// Headings as they stand in the file, in order.
    package internal(set) var headings: [String] = []
    /// Headings the contract does not know.
    package internal(set) var newColumns: [String] = []
    /// Optional staged columns the file has not.
    package internal(set) var missingOptional: [String] = []
    /// Lines rejected because a cell does not read as its column's type, by column.
    package internal(set) var mistyped: [String: Int] = [:]
    /// Columns that no longer read as the type declared: more than half of the data lines, two at least, were rejected for it. Sorted.
    package var retyped: [String] { mistyped.filter { $0.value >= 2 && $0.value * 2 > rowsIn }.keys.sorted() }
    /// Lines that were totals, not data.
    package internal(set) var skipped = 0
    /// Accepted rows that broke a rule of severity `warn`, by the rule's name.
    package internal(set) var warnings: [String: Int] = [:]
    /// Values that no enumeration knows, by column.
    package internal(set) var unmapped: [String: Int] = [:]
    /// What to do about rejected lines, where they have something in common; sentences for people.
    package internal(set) var hints: [String] = []
    /// Whether the last row is the day of the download, still running.
    package internal(set) var lastDayPartial = false
    /// What proved the years of year-less days: `first_day`, `download_day`; nil where none were needed.
    package internal(set) var yearProof: String?
    /// Wrapping sum of all row hashes.
    package internal(set) var digest: UInt64 = 0

    /// An empty report.
    package init() {}
}

/// Totals by partition. Lines of one partition stand together in real files, so the last one is kept at hand.
struct PartitionTable {
    private var index: [Int64: Int] = [:]
    private var list: [PartitionSummary] = []
    private var last = StagedBatch.null
    private var at = 0
    private(set) var overflowed = false

    @inline(__always) mutating func add(_ value: Int64, total: Int64, hash: UInt64) {
        if value != last { find(value) }
        list[at].rows &+= 1
        list[at].digest &+= hash
        guard total != StagedBatch.null else { return }
        let (sum, overflow) = list[at].total.addingReportingOverflow(total)
        list[at].total = sum
        overflowed = overflowed || overflow
    }

    mutating func reject(_ value: Int64) {
        if value != last { find(value) }
        list[at].rejects += 1
    }

    private mutating func find(_ value: Int64) {
        last = value
        if let known = index[value] {
            at = known
        } else {
            at = list.count
            index[value] = at
            list.append(PartitionSummary(value: value, label: ""))
        }
    }

    func sorted(_ contract: Contract) -> [PartitionSummary] {
        let type = contract.merge.partitionColumn.flatMap { contract.index(of: $0) }.map { contract.columns[$0].type }
        return list.sorted { $0.value < $1.value }.map { found in
            let label =
                switch type {
                case .day: CalendarDay.text(day: found.value)
                case .month: CalendarDay.text(month: found.value)
                default: String(found.value)
                }
            var summary = PartitionSummary(value: found.value, label: label)
            summary.rows = found.rows
            summary.rejects = found.rejects
            summary.total = found.total
            summary.digest = found.digest
            return summary
        }
    }
}
