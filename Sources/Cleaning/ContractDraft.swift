/// A first contract made from a sample file, with what it could not be sure about.
///
/// The draft parses, and the sample cleans under it; names, units and the key are for a person to check.
package struct ContractDraft: Sendable {
    /// The contract file.
    package private(set) var yaml = ""
    /// What a person should look at, one sentence each.
    package private(set) var doubts: [String] = []

    /// Makes a draft for `service/dataset` from a sample. Throws ``CleaningError`` for a file that is neither a table nor JSON.
    ///
    /// - Parameter isTaken: whether a column cannot have a name; `_` is then put behind it.
    package init(stream: String, fileName: String, sample: ByteSource, isTaken: (String) -> Bool = { _ in false }) throws {
        let head = try sample.bytes(0, min(sample.count, 1 << 22))
        var bytes = head
        var encoding = "utf-8"
        if head.starts(with: [0xFF, 0xFE]) || head.starts(with: [0xFE, 0xFF]) {
            var decoder = UTF16Decoder(bigEndian: head[0] == 0xFE)
            bytes = []
            try decoder.decode(head.dropFirst(2).prefix(head.count / 2 * 2 - 2), to: &bytes)
            encoding = "utf-16"
        } else if head.starts(with: [0xEF, 0xBB, 0xBF]) {
            bytes.removeFirst(3)
        } else if String(validating: head, as: UTF8.self) == nil {
            bytes = []
            Windows1252.decode(head, to: &bytes)
            encoding = "windows-1252"
            doubts.append("the sample is not UTF-8; windows-1252 is taken, check names with accents")
        }
        guard let first = bytes.first(where: { $0 != 32 && !(9...13).contains($0) }), !bytes.contains(0) else {
            throw CleaningError(
                "no_sample", "the sample is empty or no text", byte: 0, remedy: "give a CSV, TSV or JSON file; unpack a ZIP first")
        }
        let isDocument = first == UInt8(ascii: "{") || first == UInt8(ascii: "[")
        var found = isDocument ? try Self.document(bytes, &doubts) : try Self.table(bytes, &doubts)
        for index in found.fields.indices where isTaken(found.fields[index].name) {
            let word = found.fields[index].name
            var name = word + "_"
            while isTaken(name) || found.fields.contains(where: { $0.name == name }) { name += "_" }
            found.fields[index].name = name
            doubts.append("\(found.fields[index].source) is called \(name): \(word) has a meaning of its own in SQL or in every table")
        }
        write(stream, Self.pattern(fileName, &doubts), encoding, found)
    }

    // MARK: what the sample shows

    private struct Field {
        var name: String
        /// Heading or path.
        var source: String
        var values: [[UInt8]] = []
    }

    private struct Sample {
        var format: [String]
        var fields: [Field]
        var isDocument: Bool
        var rows: Int
    }

    private static func table(_ bytes: [UInt8], _ doubts: inout [String]) throws -> Sample {
        let lines = bytes.split(maxSplits: 50, whereSeparator: { $0 == 10 || $0 == 13 }).map(Array.init)
        let separators: [(Delimiter, UInt8)] = [(.tab, 9), (.comma, 44), (.semicolon, 59)]
        // Headings are texts, each once; a title, `sep=,` or a row of figures is not that.
        var candidates: [(line: Int, delimiter: Delimiter, fields: Int)] = []
        for (index, line) in lines.prefix(10).enumerated() {
            for (delimiter, byte) in separators {
                let headings = Header.split(line, byte).map(folded)
                let isText = headings.allSatisfy { heading in !heading.isEmpty && !heading.utf8.allSatisfy { $0 &- 46 < 12 } }
                guard headings.count > 1, isText, Set(headings).count == headings.count else { continue }
                candidates.append((index, delimiter, headings.count))
            }
        }
        let most = candidates.map(\.fields).max() ?? 0
        let best = candidates.first { $0.fields * 10 >= most * 8 }
        guard let best else {
            throw CleaningError("no_sample", "the sample is no table: no line has two columns", byte: 0, remedy: "check the file")
        }
        if best.line > 0 { doubts.append("line \(best.line + 1) is taken for the headings; the lines before it are left out") }
        let headings = Header.split(lines[best.line], best.delimiter.byte)
        let header = Header(
            delimiter: best.delimiter, quoted: best.delimiter != .tab || lines[best.line].first == 34, headings: headings, unknown: [],
            missing: [], sources: [], width: headings.count)
        var fields = named(headings)
        var rows = 0
        for line in bytes.split(whereSeparator: { $0 == 10 || $0 == 13 }).dropFirst(best.line + 1).prefix(2_000) {
            guard let cells = RecordFront.fields(Array(line), header), cells.count == headings.count else { continue }
            rows += 1
            for index in fields.indices { fields[index].values.append(trimmed(cells[index])) }
        }
        var format = ["delimiters: [\(best.delimiter.rawValue)]"]
        if best.line > 0 { format.append("preamble: \(best.line)") }
        return Sample(format: format, fields: fields, isDocument: false, rows: rows)
    }

    private static func document(_ bytes: [UInt8], _ doubts: inout [String]) throws -> Sample {
        let document = try Document(bytes, lenient: true)
        var lists: [(path: String, elements: [Document.Node])] = []
        var open: [(Document.Node, String)] = [(document.root, "")]
        while let (node, path) = open.popLast() {
            switch document.kind(node) {
            case .array:
                let elements = document.elements(node)
                if elements.contains(where: { document.kind($0) == .object }) { lists.append(("\(path)[]", elements)) }
            case .object:
                for (key, value) in document.members(node) {
                    let name = String(decoding: key, as: UTF8.self)
                    open.append((value, path.isEmpty ? name : "\(path).\(name)"))
                }
            default: break
            }
        }
        guard let most = lists.map(\.elements.count).max(), let best = lists.last(where: { $0.elements.count == most }) else {
            throw CleaningError("no_sample", "the document holds no list of objects", byte: 0, remedy: "write the contract by hand")
        }
        if lists.count > 1 {
            let others = lists.map(\.path).filter { $0 != best.path }.sorted()
            doubts.append("the records are taken from \(best.path); there are also \(others.joined(separator: ", "))")
        }
        var paths: [String] = []
        for element in best.elements.prefix(200) {
            for (key, value) in document.members(element) {
                let name = String(decoding: key, as: UTF8.self)
                guard !name.contains(where: { ".[]<>^$#".contains($0) }) else { continue }
                if document.kind(value) == .object {
                    for (inner, _) in document.members(value) {
                        let path = "\(name).\(String(decoding: inner, as: UTF8.self))"
                        if RecordPath(path) != nil, !paths.contains(path) { paths.append(path) }
                    }
                } else if !paths.contains(name) {
                    paths.append(name)
                }
            }
        }
        var fields = named(paths)
        for element in best.elements.prefix(2_000) {
            for index in fields.indices {
                guard let path = RecordPath(fields[index].source) else { continue }
                fields[index].values.append(path.value(in: document, element).flatMap { document.text($0) } ?? [])
            }
        }
        return Sample(format: ["kind: json", "records: [\"\(best.path)\"]"], fields: fields, isDocument: true, rows: best.elements.count)
    }

    private static func named(_ sources: [String]) -> [Field] {
        var seen: Set<String> = []
        return sources.enumerated().map { index, source in
            var name = ""
            var before: UInt8 = 0
            for byte in source.utf8 {
                defer { before = byte }
                let small = lower(byte)
                if small &- 97 < 26 || small &- 48 < 10 {
                    if byte != small, before &- 97 < 26 { name += "_" }
                    name.unicodeScalars.append(Unicode.Scalar(small))
                } else if !name.isEmpty, !name.hasSuffix("_") {
                    name += "_"
                }
            }
            while name.hasSuffix("_") { name.removeLast() }
            if name.isEmpty || name.utf8.first.map({ $0 &- 48 < 10 }) ?? true { name = "column_\(index + 1)" }
            while !seen.insert(name).inserted { name += "_\(index + 1)" }
            return Field(name: name, source: source)
        }
    }

    // MARK: what it may mean

    private enum Kind {
        case day(String?), month, flag, text
        case integer(thousands: Bool, DraftNumbers.Style)
        case decimal(percent: Bool, DraftNumbers.Style)
        case money(code: String, symbols: [String], DraftNumbers.Style)
    }

    private static func kind(_ field: Field, _ numbers: DraftNumbers) -> (kind: Kind, doubt: String?) {
        let values = field.values.filter {
            !$0.isEmpty && !nulls.contains(String(decoding: $0, as: UTF8.self))
        }
        guard !values.isEmpty else { return (.text, "\(field.name) is empty in the sample: text is taken") }
        func all(_ test: ([UInt8]) -> Bool) -> Bool { values.allSatisfy(test) }
        func isDay(_ text: [UInt8]) -> Bool { text.count >= 10 && CalendarDay.day(Array(text[..<10])) != nil }
        if all(isDay) { return (.day(nil), nil) }
        for pattern in ["Mon D, YYYY", "D Mon YYYY", "D. Mon YYYY", "YYYY/MM/DD"] {
            guard let dates = DatePattern(pattern, month: false) else { continue }
            if all({ dates.iso($0) != nil }) { return (.day(pattern), nil) }
        }
        let numeric = ["MM/DD/YYYY", "DD/MM/YYYY", "DD.MM.YYYY"].filter { pattern in
            DatePattern(pattern, month: false).map { dates in all { dates.iso($0) != nil } } ?? false
        }
        if let first = numeric.first {
            return (
                .day(first), numeric.count > 1 ? "\(field.name) reads as \(numeric.joined(separator: " and as ")): \(first) is taken" : nil
            )
        }
        if all({ CalendarDay.month(String(decoding: $0, as: UTF8.self)) != nil }) { return (.month, nil) }
        let heading = field.source.uppercased()
        let digitsOnly = all { $0.allSatisfy { $0 &- 48 < 10 } }
        if digitsOnly,
            ["ID", "ISRC", "UPC", "EAN", "CODE", "PHONE"].contains(where: {
                heading == $0 || heading.hasSuffix("_\($0)") || heading.hasSuffix(" \($0)")
            })
                || values.contains(where: { $0.count > 1 && $0[0] == 48 && $0.allSatisfy { $0 &- 48 < 10 } })
        {
            return (.text, "\(field.name) looks like an identifier: text is taken, so that no digit is lost")
        }
        if let (style, doubt) = numbers.style(of: values, name: field.name) {
            let symbols = numbers.symbols(in: values)
            let code = DraftNumbers.code(in: heading)
            if symbols.contains("%") {
                return all { $0.last == UInt8(ascii: "%") } ? (.decimal(percent: true, style), doubt) : (.text, nil)
            }
            if let money = code ?? symbols.lazy.compactMap({ DraftNumbers.code(in: $0) }).first {
                let guess = money.isGuess ? "\(field.name) has \(money.found): \(money.code) is taken" : nil
                return (.money(code: money.code, symbols: symbols, style), [guess, doubt].compactMap(\.self).joined(separator: "; ").orNil)
            }
            if all({ numbers.isWhole($0, style) }) {
                return (.integer(thousands: values.contains { $0.contains(style.thousands) }, style), doubt)
            }
            return (.decimal(percent: false, style), doubt)
        }
        let words: Set<String> = ["true", "false", "yes", "no"]
        if all({ words.contains(folded(String(decoding: $0, as: UTF8.self))) }) { return (.flag, nil) }
        if all(DraftNumbers.looksLikeNumber) {
            return (
                .text, "\(field.name) looks like numbers in a spelling that cannot be told: text is taken; see thousands and decimal_mark"
            )
        }
        return (.text, nil)
    }

    /// The fewest leading columns, days first, that tell all rows apart; nil when none do.
    private static func key(_ fields: [Field], _ kinds: [Kind], rows: Int) -> [Int]? {
        let full = fields.indices.filter { index in fields[index].values.count == rows && !fields[index].values.contains([]) }
        let days = full.filter { if case .day = kinds[$0] { true } else { false } }
        let texts = full.filter { if case .text = kinds[$0] { true } else { false } }
        var chosen: [Int] = []
        for index in days.prefix(1) + texts.prefix(6) {
            chosen.append(index)
            // Of a time stamp only the day is kept.
            let keys = Set(
                (0..<rows).map { row in
                    chosen.map { if case .day = kinds[$0] { Array(fields[$0].values[row].prefix(10)) } else { fields[$0].values[row] } }
                })
            if keys.count == rows { return chosen }
        }
        return nil
    }

    private static func pattern(_ fileName: String, _ doubts: inout [String]) -> String {
        var out = ""
        var rest = Array(fileName.utf8)[...]
        var used: Set<String> = []
        func digits(_ count: Int) -> Bool { rest.prefix(count).count == count && rest.prefix(count).allSatisfy { $0 &- 48 < 10 } }
        while let byte = rest.first {
            var hole: (String, Int)?
            if digits(8), rest.count >= 15, rest[rest.startIndex + 8] == 95, rest.dropFirst(9).prefix(6).allSatisfy({ $0 &- 48 < 10 }) {
                hole = ("captured_at", 15)
            } else if rest.count >= 10, CalendarDay.day(Array(rest.prefix(10))) != nil {
                hole = ("first_day", 10)
            } else if digits(10), !digits(11), byte == 49 {
                hole = ("epoch", 10)
            }
            if let (name, length) = hole, used.insert(name).inserted {
                out += "<\(name)>"
                rest = rest.dropFirst(length)
            } else {
                out.unicodeScalars.append(Unicode.Scalar(byte < 128 ? byte : 95))
                rest = rest.dropFirst()
            }
        }
        if used.isEmpty { doubts.append("the file name says no day: the file's time will tell when the source showed it") }
        return out
    }

    // MARK: writing

    private mutating func write(_ stream: String, _ pattern: String, _ encoding: String, _ sample: Sample) {
        let title = stream.split(separator: "/").joined(separator: " ").replacing("_", with: " ")
        yaml = "# A first contract, made from a sample. Check names, units and the key, then remove this line.\n"
        yaml += "title: \(quoted(title.prefix(1).uppercased() + title.dropFirst()))\n\nnames:\n  - \(quoted(pattern))\n\n"
        yaml += "# Whose file it is: a hole of the name such as <handle>, ask, or {fixed: NAME}.\naccount: ask\n\n"
        yaml += "format:\n  encodings: [\(encoding)]\n" + sample.format.map { "  \($0)\n" }.joined() + "\ncolumns:\n"
        var kinds: [Kind] = []
        let numbers = DraftNumbers(sample.fields.map(\.values))
        for field in sample.fields {
            let (kind, doubt) = Self.kind(field, numbers)
            kinds.append(kind)
            if let doubt { doubts.append(doubt) }
        }
        let key = Self.key(sample.fields, kinds, rows: sample.rows)
        if sample.rows < 20 { doubts.append("the sample has only \(sample.rows) rows: types and key rest on little") }
        for (index, field) in sample.fields.enumerated() {
            var parts = ["name: \(field.name)"]
            if field.source != field.name { parts.append("\(sample.isDocument ? "path" : "heading"): \(quoted(field.source))") }
            parts.append(contentsOf: Self.keys(kinds[index]))
            if field.values.contains(where: { $0.contains(UInt8(ascii: "-")) && $0.count > 1 }), Self.isNumber(kinds[index]) {
                parts.append("negative: true")
            }
            let nulls = Set(field.values.map { String(decoding: $0, as: UTF8.self) }).intersection(Self.nulls)
            if !nulls.isEmpty { parts.append("nulls: [\(nulls.sorted().map(quoted).joined(separator: ", "))]") }
            if key?.contains(index) ?? false {
                parts.append("required: true")
            } else if sample.isDocument {
                parts.append("optional: true")
            }
            yaml += "  - {\(parts.joined(separator: ", "))}\n"
        }
        if let key {
            let names = key.map { sample.fields[$0].name }
            yaml += "\nmerge: {upsert: [\(names.joined(separator: ", "))]}\n"
            doubts.append("the key is taken to be \(names.joined(separator: ", ")): it tells the rows of the sample apart")
        } else {
            yaml += "\nmerge: append\n"
            doubts.append("no columns tell the rows apart: every line counts (append), so a file fed in two forms counts twice")
        }
        let days = kinds.indices.filter { if case .day = kinds[$0] { true } else { false } }
        if let day = days.first { yaml += "period: \(sample.fields[day].name)\n" }
        yaml += "day_zone: unknown\n"
        doubts.append("account is ask, day_zone unknown, and no unit or reporting lag is given: say them if you know them")
        let personal = sample.fields.filter { field in
            field.values.contains { $0.contains(UInt8(ascii: "@")) } || ["mail", "phone", "card"].contains { field.name.contains($0) }
        }
        for field in personal { doubts.append("\(field.name) may be personal: add personal: GROUP before you feed the file") }
    }

    static let nulls: Set<String> = ["-", "n/a", "null", "undefined"]

    private static func isNumber(_ kind: Kind) -> Bool {
        switch kind {
        case .integer, .decimal, .money: true
        default: false
        }
    }

    private static func keys(_ kind: Kind) -> [String] {
        switch kind {
        case .day(let pattern): ["type: day"] + (pattern.map { ["dates: [\"\($0)\"]"] } ?? [])
        case .month: ["type: month"]
        case .integer(let thousands, let style): ["type: integer"] + (thousands ? style.keys : [])
        case .decimal(let percent, let style):
            ["type: decimal"] + (percent ? ["percent: true"] + (style == .comma ? style.keys : []) : style.keys)
        case .money(let code, let symbols, let style):
            ["type: money", "currency: \(code)"] + style.keys
                + (symbols.isEmpty ? [] : ["symbols: [\(symbols.map { "\"\($0)\"" }.joined(separator: ", "))]"])
        case .flag: ["type: flag"]
        case .text: ["type: text"]
        }
    }

    private func quoted(_ text: some StringProtocol) -> String {
        "\"\(String(text).replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\""
    }
}
