import EventLog

/// Rows as people read them, in bytes that are the same everywhere: CSV as the curated files have it, or one JSON object a line.
package struct ExportRows: Sendable {
    /// How rows are written.
    package enum Format: String, CaseIterable, Sendable { case csv, ndjson }

    /// One column: its heading, and how its integers read.
    package struct Column: Sendable {
        package let name: String
        package let format: CuratedDefinition.Format

        package init(_ name: String, _ format: CuratedDefinition.Format) {
            self.name = name
            self.format = format
        }
    }

    package let columns: [Column]
    package let format: Format
    /// `{"a":`, `,"b":` and so on.
    private let labels: [[UInt8]]

    /// - Throws: ``DefinitionError`` where a JSON object would hold a name twice; `path` is the file at fault.
    package init(_ columns: [Column], _ format: Format, path: String) throws {
        self.columns = columns
        self.format = format
        if format == .ndjson, let twice = Dictionary(grouping: columns, by: \.name).filter({ $0.value.count > 1 }).keys.min() {
            throw DefinitionError(path: path, line: nil, reason: "two columns are called “\(twice)”; export CSV, or rename one")
        }
        labels = try columns.enumerated().map { index, column in
            try Array((index == 0 ? "{" : ",").utf8) + JSON.string(column.name).canonical() + [UInt8(ascii: ":")]
        }
    }

    /// The first line of a CSV; nothing for NDJSON.
    package var heading: [UInt8] {
        guard format == .csv else { return [] }
        var out: [UInt8] = []
        for (index, column) in columns.enumerated() {
            if index > 0 { out.append(UInt8(ascii: ",")) }
            CuratedWriter.append(text: Array(column.name.utf8), to: &out)
        }
        return out + [10]
    }

    /// Adds one line. Null is an empty cell, or `null`; days, months and decimals are text in JSON, so that no reader rounds them.
    package func append(_ cells: [AnswerCell], to out: inout [UInt8]) throws {
        for (index, cell) in cells.enumerated() {
            if format == .csv {
                if index > 0 { out.append(UInt8(ascii: ",")) }
            } else {
                out += labels[index]
            }
            switch cell {
            case .null: if format == .ndjson { out += Array("null".utf8) }
            case .text(let text):
                if format == .csv {
                    CuratedWriter.append(text: Array(text.utf8), to: &out)
                } else {
                    out += try JSON.string(text).canonical()
                }
            case .integer(let number):
                let isText = format == .ndjson && (columns[index].format != .plain || number.magnitude >= 1 << 53)
                if isText { out.append(UInt8(ascii: "\"")) }
                CuratedWriter.append(number, columns[index].format, to: &out)
                if isText { out.append(UInt8(ascii: "\"")) }
            case .real, .blob:
                throw SQLiteFailure(message: "column “\(columns[index].name)” gives a REAL or BLOB; exports hold integers and text only")
            }
        }
        if format == .ndjson { out.append(UInt8(ascii: "}")) }
        out.append(10)
    }
}

extension TableDescription {
    /// How an export shows a column: the heading says what the cells are, no longer how they are stored.
    package struct Shown: Sendable {
        package let column: Column
        package let heading: String
        package let format: CuratedDefinition.Format
    }

    /// The columns that an export shows; private keys are not.
    package var shown: [Shown] {
        let names = Set(columns.map(\.name))
        return columns.filter { $0.unit != .privateKey }.map { column in
            func without(_ suffix: String) -> String {
                let short = String(column.name.dropLast(suffix.count))
                return column.name.hasSuffix(suffix) && !short.isEmpty && !names.contains(short) ? short : column.name
            }
            switch column.unit {
            case .day: return Shown(column: column, heading: without("_no"), format: .day)
            case .month: return Shown(column: column, heading: without("_no"), format: .month)
            case .nano:
                let isFirst = column.name.hasPrefix("nano_") && !names.contains(String(column.name.dropFirst(5)))
                return Shown(column: column, heading: isFirst ? String(column.name.dropFirst(5)) : without("_nano"), format: .nano)
            case .source: return Shown(column: column, heading: column.name == "src" ? "dataset" : without("_id"), format: .plain)
            default: return Shown(column: column, heading: column.name, format: .plain)
            }
        }
    }

    /// The SELECT of an export: what ``shown`` says, in the order of the key and then of all columns, so that no order is left to chance.
    package var exportSQL: String {
        let shown = shown
        let cells = shown.map { item -> String in
            guard case .source = item.column.unit else { return "t.\"\(item.column.name)\"" }
            return "(SELECT s.value FROM main.source_value s WHERE s.id = t.\"\(item.column.name)\")"
        }
        // A private key is another number in another warehouse; the hash of a row is not.
        var order = key.compactMap { name in
            shown.firstIndex { $0.column.name == name }.map { String($0 + 1) } ?? (name == "row_hash" ? "t.row_hash" : nil)
        }
        order += (1...cells.count).map(String.init).filter { !order.contains($0) }
        return "SELECT \(cells.joined(separator: ", ")) FROM \"\(name)\" t ORDER BY \(order.joined(separator: ", "))"
    }

    /// Headings in which an export puts its rows in order.
    package var shownOrder: [String] {
        let names = key.compactMap { name in shown.first { $0.column.name == name }?.heading ?? (name == "row_hash" ? name : nil) }
        return names.isEmpty ? shown.map(\.heading) : names
    }
}
