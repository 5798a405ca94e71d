/// A file name with typed holes, for example `Overview_<first_day>_<epoch>_<handle>.zip`.
///
/// `<first_day>` and `<captured_day>` are ISO days, `<epoch>` Unix seconds, `<captured_at>` `YYYYMMDD_HHMMSS` UTC,
/// `<captured_month>` two and `<captured_year>` four digits, any other hole is text.
/// With a `/` the folder that the file lies in is part of the name: `meta_ads_dump_<captured_at>/ads.json`.
/// Letters match in any case; a browser's ` (1)` before the extension is ignored.
package struct NamePattern: Hashable, Sendable {
    /// The pattern as written.
    package let text: String
    private let parts: [Part]
    /// How many names of a path count, the last ones; nil where the text is no path.
    private let depth: Int?

    private enum Part: Hashable, Sendable {
        case literal([UInt8])
        case hole(String)
    }

    /// Parses a pattern; nil when a `<` is not closed, a hole is not named in a-z, 0-9 and _, two have one name, or two touch;
    /// nor for more than one folder.
    package init?(_ text: String, isPath: Bool = false) {
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
        let names = text.split(separator: "/", omittingEmptySubsequences: false)
        guard !parts.isEmpty, !isPath || names.count <= 2 && !names.contains("") else { return nil }
        depth = isPath ? names.count : nil
        self.parts = parts
    }

    /// Whether any text fits.
    var isOpen: Bool {
        if parts.count == 1, case .hole = parts[0] { true } else { false }
    }

    /// Names of the holes.
    package var fields: [String] {
        parts.compactMap { if case .hole(let name) = $0 { name } else { nil } }
    }

    /// Bytes that stand for themselves.
    var literalLength: Int {
        parts.reduce(0) { if case .literal(let bytes) = $1 { $0 + bytes.count } else { $0 } }
    }

    /// The text in each hole, or nil if the name does not fit. The name of a file may begin with folders.
    package func match(_ fileName: String) -> [String: String]? {
        let slash = UInt8(ascii: "/")
        let text = depth.map { Array(fileName.utf8.split(separator: slash).suffix($0).joined(separator: [slash])) }
        let name = Self.withoutCopyNumber(text ?? Array(fileName.utf8))
        var found: [String: String] = [:]
        var hopeless: Set<[Int]> = []
        guard match(name[...], parts[...], &found, &hopeless) else { return nil }
        return found
    }

    /// `hopeless`: where in the pattern and where in the name nothing fits; without it the time would double with every hole.
    private func match(
        _ name: ArraySlice<UInt8>, _ parts: ArraySlice<Part>, _ found: inout [String: String], _ hopeless: inout Set<[Int]>
    ) -> Bool {
        guard let part = parts.first else { return name.isEmpty }
        switch part {
        case .literal(let bytes):
            guard name.count >= bytes.count, name.prefix(bytes.count).map(lower) == bytes else { return false }
            return match(name.dropFirst(bytes.count), parts.dropFirst(), &found, &hopeless)
        case .hole(let field):
            guard !hopeless.contains([parts.startIndex, name.startIndex]) else { return false }
            for length in Self.lengths(field, name) where match(name.dropFirst(length), parts.dropFirst(), &found, &hopeless) {
                found[field] = String(decoding: name.prefix(length), as: UTF8.self)
                return true
            }
            hopeless.insert([parts.startIndex, name.startIndex])
            return false
        }
    }

    private static func lengths(_ field: String, _ name: ArraySlice<UInt8>) -> [Int] {
        func allDigits(_ bytes: ArraySlice<UInt8>) -> Bool { bytes.allSatisfy { $0 &- 48 <= 9 } }
        switch field {
        case "first_day", "captured_day":
            return name.count >= 10 && CalendarDay.day(Array(name.prefix(10))) != nil ? [10] : []
        case "epoch":
            return [9, 10, 11].filter { name.count >= $0 && allDigits(name.prefix($0)) }
        case "captured_month":
            return number(name.prefix(2)).map { (1...12).contains($0) } == true ? [2] : []
        case "captured_year":
            return number(name.prefix(4)).map { (1900...2999).contains($0) } == true ? [4] : []
        case "captured_at":
            return name.count >= 15 && moment(String(decoding: name.prefix(15), as: UTF8.self)) != nil ? [15] : []
        default:
            return name.isEmpty ? [] : Array(1...name.count)
        }
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
        digits.allSatisfy { $0 &- 48 <= 9 } ? Int(String(decoding: digits, as: UTF8.self)) : nil
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

    /// `<epoch>`, `<captured_at>` or the midnight of `<captured_day>` in Unix milliseconds.
    static func capturedAt(_ fields: [String: String]) -> Int64? {
        if let epoch = fields["epoch"].flatMap({ Int64($0) }) { return epoch * 1_000 }
        if let at = fields["captured_at"] { return moment(at) }
        return fields["captured_day"].flatMap { CalendarDay.day($0) }.map { $0 * 86_400_000 }
    }

    /// The midnight of the last day of `<captured_month>` in `<captured_year>`, in Unix milliseconds.
    static func capturedMonth(_ fields: [String: String]) -> Int64? {
        guard let month = fields["captured_month"].flatMap({ Int($0) }), let year = fields["captured_year"].flatMap({ Int($0) }) else {
            return nil
        }
        let next = month == 12 ? CalendarDay.days(year: year + 1, month: 1, day: 1) : CalendarDay.days(year: year, month: month + 1, day: 1)
        return (next - 1) * 86_400_000
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
