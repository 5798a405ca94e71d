/// How the bytes of one dataset become typed rows: the meaning of `zones/<service>/<dataset>.yml`.
///
/// A contract is data. It is parsed by ``parse(_:path:)`` and never changes afterwards.
package struct Contract: Sendable {
    /// Name of the service, the folder of the file.
    package let service: String
    /// Name of the dataset, the file's name without `.yml`.
    package let dataset: String
    /// What a person calls it.
    package let title: String
    /// `service/dataset`: the stream in the log and the folder in the zones.
    package var stream: String { "\(service)/\(dataset)" }
    /// File names as extractors and browsers give them.
    package let names: [NamePattern]
    /// Who the file belongs to.
    package let account: AccountRule
    /// Columns in the order of the staging file.
    package internal(set) var columns: [Column]
    /// How captures are merged.
    package let merge: Merge
    /// Column (day or month) that gives the period a capture covers.
    package let period: String?
    /// The clock behind the days: `UTC`, an IANA name, `account` or `unknown`. Days are never shifted.
    package let dayZone: String
    /// How many days late the source reports.
    package let reportingLagDays: Int
    /// Whether the day of the download is not over yet and its row will be corrected by a later capture.
    package let partialLastDay: Bool
    /// When to suspect that the file is another account's.
    package let changeGuard: ChangeGuard?
    /// Field separators to try, in order.
    package let delimiters: [Delimiter]
    /// Encodings to try, in order.
    package let encodings: [TextEncoding]
    /// Which member of a ZIP is meant: glob patterns over the member's own name. Empty: ZIP is not accepted.
    package let members: [String]
    /// Largest unpacked size.
    package internal(set) var maxBytes: Int
    /// More rejected lines per thousand than this quarantine the file.
    package let maxRejectPermille: Int
    /// How the received bytes hold their records.
    var shape = RecordShape.table(preamble: 0)
    /// Lines that are no data: a cell of this column (by index) holds one of these words.
    var skips: [Skip] = []
    /// The file is recognised and kept, but no row is read from it.
    package internal(set) var setAside = false
    /// Headings and members that are known and not wanted, folded.
    package internal(set) var ignored: Set<String> = []
    /// Whether a heading that nobody named holds the file back.
    package internal(set) var freeze = false
    /// Members of a document that may hold secrets.
    var redactions: [RecordPath] = []
    /// What becomes of a personal file that was found in landing.
    package internal(set) var original = OriginalFate.encrypted
    /// What each row must satisfy.
    package internal(set) var rules: [Rule] = []

    /// Whether raw files hold one JSON object a line; else they are tables.
    package var rawIsDocument: Bool { shape.isDocument }

    /// Whether the received files are saved pages.
    package var isPage: Bool { if case .script = shape { true } else { false } }

    /// Whether a column holds personal values.
    package var isPersonal: Bool { columns.contains { $0.personal != nil } }

    /// Holes of the file name that hold personal values, with their groups: those called like a personal column, and those it reads.
    package var personalHoles: [(hole: String, group: String)] {
        columns.flatMap { column -> [(hole: String, group: String)] in
            guard let group = column.personal else { return [] }
            guard case .name(let hole) = column.origin, hole != column.name else { return [(column.name, group)] }
            return [(column.name, group), (hole, group)]
        }
    }

    /// Whether a capture shows the source as it was at that moment: the day is that of the capture, and no other can be asked for.
    package var isSnapshot: Bool {
        guard let column = columns.first(where: { $0.name == period }) else { return false }
        return column.origin == .observedDay && column.paths.isEmpty
    }

    /// Whether cells must be brought into plain form before the row engine reads them.
    var needsFront: Bool {
        if case .table(preamble: 0) = shape {} else { return true }
        return !skips.isEmpty || !rules.isEmpty || columns.contains(where: \.isSpecial)
            || columns.contains { ([$0.heading] + $0.aliases).contains { $0.contains("<") } }
    }

    /// Holes of the file name that stand in the rows: equal bytes under names that differ there are different data.
    package var rowFields: Set<String> { rowFields(of: Set(columns.map(\.name))) }

    /// ``rowFields`` of some columns.
    package func rowFields(of names: Set<String>) -> Set<String> {
        Set(columns.compactMap { if case .name(let hole)? = $0.origin, names.contains($0.name) { hole } else { nil } })
    }

    /// ``rowFields``, and the first day where it proves the year of the days.
    package var nameFields: Set<String> { columns.contains(where: \.yearless) ? rowFields.union(["first_day"]) : rowFields }

    /// Index of a column by name.
    package func index(of name: String) -> Int? {
        columns.firstIndex { $0.name == name }
    }

    /// The columns as the staging file and batches have them.
    package var stagedColumns: [StagedColumn] {
        columns.map { StagedColumn(name: $0.name, type: $0.type) }
    }

    /// The captures of the first name pattern that fits, or nil. `name (1).csv` fits like `name.csv`. Folders before it
    /// count where a pattern has one.
    package func match(fileName: String) -> NameMatch? {
        for pattern in names {
            guard let fields = pattern.match(fileName) else { continue }
            var who: String?
            switch account {
            case .ask: break
            case .fixed(let value): who = value
            case .fields(let keys): who = keys.lazy.compactMap { fields[$0] }.first
            }
            return NameMatch(fields: fields, account: who)
        }
        return nil
    }
}

extension Contract {
    /// How much of the first fitting name pattern is text of its own: the more, the more it says.
    func literalLength(of fileName: String) -> Int {
        names.first { $0.match(fileName) != nil }?.literalLength ?? 0
    }
}

/// What a file name says.
package struct NameMatch: Hashable, Sendable {
    /// The captures by name, as written.
    package let fields: [String: String]
    /// The account the name gives, unresolved (an alias table may know it by another name).
    package let account: String?

    /// What nothing says: used when a file was recognised by its header alone.
    package init(fields: [String: String] = [:], account: String? = nil) {
        self.fields = fields
        self.account = account
    }

    /// Holes that say when the source showed the data.
    package static let timeFields = ["epoch", "captured_at", "captured_day", "captured_month", "captured_year"]

    /// `<first_day>` as a day number.
    package var firstDay: Int64? { fields["first_day"].flatMap { CalendarDay.day($0) } }

    /// When the source showed the data, in Unix milliseconds: `<epoch>`, `<captured_at>` (UTC), the midnight of `<captured_day>`,
    /// or that of the last day of `<captured_month>` in `<captured_year>`.
    package var capturedAt: Int64? { NamePattern.capturedAt(fields) ?? NamePattern.capturedMonth(fields) }
}

/// Who a file belongs to.
package enum AccountRule: Hashable, Sendable {
    /// The folder, `--account` or a person says so.
    case ask
    /// The first of these name captures that the file name has.
    case fields([String])
    /// Always the same.
    case fixed(String)
}

/// Type of a cell.
package enum ColumnType: String, CaseIterable, Hashable, Sendable {
    /// Days since 1970-01-01.
    case day
    /// `year * 12 + (month - 1)`.
    case month
    /// A whole number.
    case integer
    /// Nano units of a currency.
    case money
    /// Nano units of one.
    case decimal
    /// UTF-8 bytes.
    case text
    /// 0 or 1.
    case flag
}

/// One column of a contract.
package struct Column: Sendable {
    /// Field name in staging, curated and SQL.
    package let name: String
    /// The source's own heading, as exported today.
    package let heading: String
    /// Other headings that mean the same.
    package let aliases: [String]
    /// Type of the cells.
    package let type: ColumnType
    /// Whether a line without a value is rejected.
    package let required: Bool
    /// Whether the heading may be missing; the cells are then null.
    package let optional: Bool
    /// Words that mean null, beside the empty cell.
    package let nulls: [String]
    /// Whether numbers below zero are accepted.
    package let negative: Bool
    /// Thousands separator that may stand in numbers.
    package let thousands: String?
    /// ISO 4217 code, for money.
    package let currency: String?
    /// What is counted, for people.
    package let unit: String?
    /// The only values a text may have; empty: any.
    package let values: [String]
    /// Shape of a text.
    package let form: TextForm
    /// Whether days may come without a year; the year is then proved or the file is quarantined.
    package let yearless: Bool
    /// Where the value comes from if not from the file.
    package let derived: Derivation?
    /// Where a record of a document holds the value: the first that is there and not null.
    var paths: [RecordPath] = []
    /// Where the value comes from if neither a cell nor a member holds it.
    var origin: Origin?
    /// Spellings of days and months that are accepted beside ISO.
    var dates: [DatePattern] = []
    /// Days added to what was read.
    var shiftDays: Int64 = 0
    /// Text that may stand around a number, longest first.
    var symbols: [[UInt8]] = []
    /// The decimal mark, if it is not a point.
    var decimalMark: UInt8?
    /// How many decimal places the point moves to the left: 2 for cents and percents.
    var shiftDecimals = 0
    /// Whether a percent sign moves the point by two places, and its absence leaves a fraction as it is.
    var isPercentBySign = false
    /// Whether the value is a length of time.
    var isDuration = false
    /// The two columns whose ratio tells a fraction from a percent.
    var rateOf: (part: String, whole: String)?
    /// Words of an enumeration and the members they mean, folded; any other word is ``unmapped``.
    var members: [String: String] = [:]
    /// Group of persons the values belong to.
    package internal(set) var personal: String?
    /// Whether hyphens, blanks and small letters of an ISRC mean nothing, and what still is none reads null.
    var isLenient = false
    /// Whether zeros on the newest rows are a reporting lag.
    var trailingZerosMissing = false
    /// What an empty cell stands for.
    var fallback: String?

    /// The member that unknown words of an enumeration become.
    package static let unmapped = "unmapped"

    /// Whether a table has a heading for it.
    var isCell: Bool { derived == nil && origin == nil }

    /// Whether the column needs more than the engine's plain forms.
    var isSpecial: Bool {
        origin != nil || !dates.isEmpty || shiftDays != 0 || !symbols.isEmpty || decimalMark != nil || shiftDecimals != 0 || isDuration
            || isPercentBySign || (thousands?.utf8.count ?? 0) > 1 || rateOf != nil || !members.isEmpty || personal != nil
            || fallback != nil || form == .id
    }
}

/// How the received bytes hold their records.
enum RecordShape: Hashable, Sendable {
    /// Lines under a heading line; so many lines may stand before it.
    case table(preamble: Int)
    /// Records in JSON. `tests` tell the dataset from others; `header` names the elements of records that are lists.
    case json(records: [RecordPath], tests: [ShapeTest], header: RecordPath?)
    /// Points of a chart in page script: the list after `after`, or the longest one.
    case script(after: String?, longest: Bool, requires: String?)

    /// Whether raw files hold one JSON object a line.
    var isDocument: Bool { if case .table = self { false } else { true } }

    /// Whether a document is of the dataset: all tests hold or, without tests, one of the record paths exists.
    func fits(_ document: Document) -> Bool {
        guard case .json(let records, let tests, _) = self else { return false }
        return tests.isEmpty ? records.contains { $0.exists(in: document) } : tests.allSatisfy { $0.holds(document) }
    }

    /// What ``fits(_:)`` looks for, in words.
    var wanted: String {
        guard case .json(let records, let tests, _) = self else { return "" }
        return tests.isEmpty ? records.map(\.text).joined(separator: " or ") : tests.map(\.text).joined(separator: " and ")
    }
}

/// Lines that are no data.
struct Skip: Hashable, Sendable {
    /// Index of the column.
    let column: Int
    /// Trimmed words in lower case.
    let words: [[UInt8]]
}

/// Where a value comes from that no cell holds.
enum Origin: Hashable, Sendable {
    /// A hole of the file name.
    case name(String)
    /// The day on which the source showed it.
    case observedDay
    /// Whose file it is.
    case account
    /// A hole of a heading.
    case heading(String)
    /// The line before the heading line.
    case preamble
    /// JSON in the cell of an earlier column.
    case column(String)
}

/// What becomes of a personal file that was found in landing.
package enum OriginalFate: String, CaseIterable, Hashable, Sendable {
    case encrypted, removed
}

/// What a row must satisfy: two operands and a comparison. Nulls pass.
package struct Rule: Hashable, Sendable {
    /// What happens when it does not hold.
    package enum Severity: String, CaseIterable, Hashable, Sendable {
        case warn, reject, quarantine
    }

    enum Operand: Hashable, Sendable {
        case column(Int)
        case literal([UInt8])
    }

    enum Comparison: String, CaseIterable, Hashable, Sendable {
        case below = "<"
        case atMost = "<="
        case above = ">"
        case atLeast = ">="
        case equal = "=="
        case unequal = "!="
    }

    /// As written.
    package let check: String
    /// Name in reports.
    package let name: String
    /// What happens when it does not hold.
    package let severity: Severity
    let left: Operand
    let comparison: Comparison
    let right: Operand
}

/// Shape of a text cell.
package enum TextForm: String, CaseIterable, Hashable, Sendable {
    /// Any text.
    case any
    /// Two capital letters, three capitals or digits, seven digits.
    case isrc
    /// Two capital letters, or one of the column's `values`.
    case country
    /// Any text but a number in the short form that a spreadsheet program gives long numbers, `1.202E+17`.
    case id
}

/// A column that is not in the file.
package enum Derivation: String, CaseIterable, Hashable, Sendable {
    /// 1 on the row of the download day, 0 before it, null where the download day is not known and the row is the last.
    case partialLastDay = "partial_last_day"
}

/// How captures of one account are merged.
package enum Merge: Hashable, Sendable {
    /// Per key the best-ranked capture wins its whole row.
    case upsert(key: [String])
    /// Per partition the best-ranked capture that names it wins whole.
    case replacePartition(column: String, guard: PartitionGuard)
    /// Every line counts.
    case append

    /// Whether rows are told apart by more than this column.
    func isWiderThan(_ column: String) -> Bool {
        guard case .upsert(let key) = self else { return true }
        return key != [column]
    }

    /// The partition column, if there is one.
    package var partitionColumn: String? {
        if case .replacePartition(let column, _) = self { column } else { nil }
    }
}

/// When a partition that would replace a live one is held back. Permille of the live figure; 0 = any drop.
package struct PartitionGuard: Hashable, Sendable {
    /// Column whose total is compared.
    package let total: String?
    /// Largest accepted drop of rows.
    package let maxRowDropPermille: Int
    /// Largest accepted drop of the total.
    package let maxTotalDropPermille: Int

    /// A guard with these bounds.
    package init(total: String?, maxRowDropPermille: Int, maxTotalDropPermille: Int) {
        self.total = total
        self.maxRowDropPermille = maxRowDropPermille
        self.maxTotalDropPermille = maxTotalDropPermille
    }
}

/// A file that changes too many known days too much is probably another account's.
package struct ChangeGuard: Hashable, Sendable {
    /// The compared column.
    package let column: String
    /// Share of the known days that must have changed, in permille.
    package let changedPermille: Int
    /// Only changes beyond this factor, up or down, count.
    package let factor: Int

    /// A guard with these bounds.
    package init(column: String, changedPermille: Int, factor: Int) {
        self.column = column
        self.changedPermille = changedPermille
        self.factor = factor
    }
}

/// A field separator.
package enum Delimiter: String, CaseIterable, Hashable, Sendable {
    /// Fields may be quoted.
    case comma
    /// Fields are quoted only if the heading line starts with a quote.
    case tab
    /// Fields may be quoted.
    case semicolon

    var byte: UInt8 {
        switch self {
        case .comma: UInt8(ascii: ",")
        case .tab: 9
        case .semicolon: UInt8(ascii: ";")
        }
    }
}

/// An encoding of the landing file.
package enum TextEncoding: String, CaseIterable, Hashable, Sendable {
    /// With or without byte order mark.
    case utf8 = "utf-8"
    /// CP1252; its five undefined bytes are read as Latin-1 controls, so every byte has a meaning.
    case windows1252 = "windows-1252"
    /// UTF-16 with a byte order mark, in either order.
    case utf16 = "utf-16"
}

/// What is known of a capture besides its bytes; all of it is recorded in the capture event.
package struct CaptureFacts: Hashable, Sendable {
    /// Name of the landing file, without folder.
    package var fileName: String
    /// Whose file it is.
    package var account: String
    /// Captures of the name pattern.
    package var fields: [String: String]
    /// Day on which the source showed this, as a day number.
    package var observedDay: Int64?
    /// What that rests on: `header`, `name`, `declared`, `last_day`, `file_time` or `now`.
    package var observedBasis: String
    /// Day of the download, if a person declared it.
    package var downloadedOn: Int64?
    /// First day covered, if declared or in the name.
    package var firstDay: Int64?

    /// Facts of a capture; what is not known stays nil.
    package init(
        fileName: String, account: String = "", fields: [String: String] = [:], observedDay: Int64? = nil, observedBasis: String = "now",
        downloadedOn: Int64? = nil, firstDay: Int64? = nil
    ) {
        self.fileName = fileName
        self.account = account
        self.fields = fields
        self.observedDay = observedDay
        self.observedBasis = observedBasis
        self.downloadedOn = downloadedOn
        self.firstDay = firstDay
    }

    /// The day of the download where there is evidence for it: declared, in the name, or observed by header, declaration or file time.
    ///
    /// The clock of the computer (`now`) and the rows themselves (`last_day`) are no evidence.
    package var downloadDay: Int64? {
        if let downloadedOn { return downloadedOn }
        if let captured = NamePattern.capturedAt(fields) { return CalendarDay.day(unixSeconds: captured / 1_000) }
        // The month of a report is no day of a download.
        if observedBasis == "name", fields["captured_month"] != nil { return nil }
        return ["header", "name", "declared", "file_time"].contains(observedBasis) ? observedDay : nil
    }
}
