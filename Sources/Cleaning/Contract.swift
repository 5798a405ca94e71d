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
    package let columns: [Column]
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
    package let maxBytes: Int
    /// More rejected lines per thousand than this quarantine the file.
    package let maxRejectPermille: Int

    /// Index of a column by name.
    package func index(of name: String) -> Int? {
        columns.firstIndex { $0.name == name }
    }

    /// The columns as the staging file and batches have them.
    package var stagedColumns: [StagedColumn] {
        columns.map { StagedColumn(name: $0.name, type: $0.type) }
    }

    /// The captures of the first name pattern that fits, or nil. `name (1).csv` fits like `name.csv`.
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

    /// `<first_day>` as a day number.
    package var firstDay: Int64? { fields["first_day"].flatMap { CalendarDay.day($0) } }

    /// When the file was made, in Unix milliseconds: `<epoch>` or `<captured_at>` (UTC).
    package var capturedAt: Int64? { NamePattern.capturedAt(fields) }
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
package struct Column: Hashable, Sendable {
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
}

/// Shape of a text cell.
package enum TextForm: String, CaseIterable, Hashable, Sendable {
    /// Any text.
    case any
    /// Two capital letters, three capitals or digits, seven digits.
    case isrc
    /// Two capital letters, or one of the column's `values`.
    case country
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
        return ["header", "name", "declared", "file_time"].contains(observedBasis) ? observedDay : nil
    }
}

/// A file name with typed holes, for example `Overview_<first_day>_<epoch>_<handle>.zip`.
///
/// `<first_day>` is an ISO day, `<epoch>` Unix seconds, `<captured_at>` `YYYYMMDD_HHMMSS` UTC, any other hole is text.
/// Letters match in any case; a browser's ` (1)` before the extension is ignored.
package struct NamePattern: Hashable, Sendable {
    /// The pattern as written.
    package let text: String
    private let parts: [Part]

    private enum Part: Hashable, Sendable {
        case literal([UInt8])
        case hole(String)
    }

    /// Parses a pattern; nil when a `<` is not closed, a hole is not named in a-z, 0-9 and _, two have one name, or two touch.
    package init?(_ text: String) {
        self.text = text
        var parts: [Part] = []
        var seen: Set<String> = []
        var rest = Array(text.utf8)[...]
        while let first = rest.first {
            if first == UInt8(ascii: "<") {
                guard let close = rest.firstIndex(of: UInt8(ascii: ">")) else { return nil }
                let name = String(decoding: rest[rest.startIndex + 1..<close], as: UTF8.self)
                if case .hole? = parts.last { return nil }
                let plain = name.utf8.allSatisfy { $0 &- 97 < 26 || $0 &- 48 < 10 || $0 == UInt8(ascii: "_") }
                guard !name.isEmpty, plain, seen.insert(name).inserted else { return nil }
                parts.append(.hole(name))
                rest = rest[(close + 1)...]
            } else {
                let end = rest.firstIndex(of: UInt8(ascii: "<")) ?? rest.endIndex
                parts.append(.literal(rest[..<end].map(lower)))
                rest = rest[end...]
            }
        }
        guard !parts.isEmpty else { return nil }
        self.parts = parts
    }

    /// Names of the holes.
    package var fields: [String] {
        parts.compactMap { if case .hole(let name) = $0 { name } else { nil } }
    }

    /// The text in each hole, or nil if the name does not fit.
    package func match(_ fileName: String) -> [String: String]? {
        let name = Self.withoutCopyNumber(Array(fileName.utf8))
        var found: [String: String] = [:]
        guard match(name[...], parts[...], &found) else { return nil }
        return found
    }

    private func match(_ name: ArraySlice<UInt8>, _ parts: ArraySlice<Part>, _ found: inout [String: String]) -> Bool {
        guard let part = parts.first else { return name.isEmpty }
        switch part {
        case .literal(let bytes):
            guard name.count >= bytes.count, name.prefix(bytes.count).map(lower) == bytes else { return false }
            return match(name.dropFirst(bytes.count), parts.dropFirst(), &found)
        case .hole(let field):
            for length in Self.lengths(field, name) where match(name.dropFirst(length), parts.dropFirst(), &found) {
                found[field] = String(decoding: name.prefix(length), as: UTF8.self)
                return true
            }
            return false
        }
    }

    private static func lengths(_ field: String, _ name: ArraySlice<UInt8>) -> [Int] {
        func allDigits(_ bytes: ArraySlice<UInt8>) -> Bool { bytes.allSatisfy { $0 &- 48 <= 9 } }
        switch field {
        case "first_day":
            return name.count >= 10 && CalendarDay.day(Array(name.prefix(10))) != nil ? [10] : []
        case "epoch":
            return [9, 10, 11].filter { name.count >= $0 && allDigits(name.prefix($0)) }
        case "captured_at":
            return name.count >= 15 && moment(String(decoding: name.prefix(15), as: UTF8.self)) != nil ? [15] : []
        default:
            return name.isEmpty ? [] : Array(1...name.count)
        }
    }

    private static func withoutCopyNumber(_ name: [UInt8]) -> [UInt8] {
        guard let dot = name.lastIndex(of: UInt8(ascii: ".")) else { return name }
        let stem = name[..<dot]
        guard stem.last == UInt8(ascii: ")"), let open = stem.lastIndex(of: UInt8(ascii: "(")), open >= 2,
            stem[open - 1] == UInt8(ascii: " "), stem.count - open > 2,
            stem[(open + 1)..<(dot - 1)].allSatisfy({ $0 &- 48 <= 9 })
        else { return name }
        return Array(stem[..<(open - 1)] + name[dot...])
    }

    /// `<epoch>` or `<captured_at>` in Unix milliseconds.
    static func capturedAt(_ fields: [String: String]) -> Int64? {
        if let epoch = fields["epoch"].flatMap({ Int64($0) }) { return epoch * 1_000 }
        return fields["captured_at"].flatMap { moment($0) }
    }

    /// `YYYYMMDD_HHMMSS` in Unix milliseconds; nil for what is no moment.
    private static func moment(_ text: String) -> Int64? {
        let bytes = Array(text.utf8)
        guard bytes.count == 15, bytes[8] == UInt8(ascii: "_") else { return nil }
        var parts: [Int] = []
        for range in [0..<4, 4..<6, 6..<8, 9..<11, 11..<13, 13..<15] {
            guard bytes[range].allSatisfy({ $0 &- 48 <= 9 }) else { return nil }
            parts.append(bytes[range].reduce(0) { $0 * 10 + Int($1 &- 48) })
        }
        guard CalendarDay.exists(year: parts[0], month: parts[1], day: parts[2]), parts[3] < 24, parts[4] < 60, parts[5] < 60 else {
            return nil
        }
        let day = CalendarDay.days(year: parts[0], month: parts[1], day: parts[2])
        return ((day * 24 + Int64(parts[3])) * 60 + Int64(parts[4])) * 60_000 + Int64(parts[5]) * 1_000
    }
}
