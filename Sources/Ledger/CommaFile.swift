import EventLog
import Projection

/// A small CSV of assumptions that a person wrote: a heading line, quoted cells, any line end. Not for data: that goes through a contract.
package struct CommaFile: Sendable {
    /// One record.
    package struct Record: Sendable {
        /// By heading, white space around them removed.
        package let cells: [String: String]
        /// The line it begins on, from 1.
        package let line: Int
        /// `<file>:<line>`.
        package let place: String
    }

    /// In lower case.
    package let headings: [String]
    package private(set) var records: [Record] = []

    /// Reads the whole file; errors name the line.
    package init(_ path: String) throws {
        guard let text = String(validating: try Files.read(path), as: UTF8.self) else {
            throw LedgerError("\(path) is not UTF-8; save it as UTF-8")
        }
        var parsed = try Self.parse(text.hasPrefix("\u{FEFF}") ? String(text.dropFirst()) : text, path)[...]
        let first = parsed.popFirst()
        headings = (first?.cells ?? []).map { SQLText.lower($0) }
        if let twice = Dictionary(grouping: headings, by: \.self).filter({ $0.value.count > 1 }).keys.min() {
            throw LedgerError("\(path):1: the column “\(twice)” stands twice")
        }
        for (cells, line) in parsed {
            guard cells.count == headings.count else {
                throw LedgerError("\(path):\(line): \(cells.count) cells, but the heading has \(headings.count)")
            }
            records.append(
                Record(cells: Dictionary(zip(headings, cells), uniquingKeysWith: { $1 }), line: line, place: "\(path):\(line)"))
        }
    }

    private static func parse(_ text: String, _ path: String) throws -> [(cells: [String], line: Int)] {
        var rows: [(cells: [String], line: Int)] = []
        var cells: [String] = []
        var cell = ""
        var isQuoted = false
        var wasQuoted = false
        var (line, start) = (1, 1)
        func endCell() {
            cells.append(wasQuoted ? cell : cell.trimmingSpaces)
            (cell, wasQuoted) = ("", false)
        }
        func endLine() {
            endCell()
            if cells != [""] { rows.append((cells, start)) }
            cells = []
        }
        var rest = text[...]
        while let character = rest.popFirst() {
            if character.isNewline { line += 1 }
            if isQuoted {
                if character != "\"" {
                    cell.append(character)
                } else if rest.first == "\"" {
                    rest.removeFirst()
                    cell.append("\"")
                } else {
                    isQuoted = false
                }
            } else if character == "\"", cell.trimmingSpaces.isEmpty {
                (cell, isQuoted, wasQuoted) = ("", true, true)
            } else if character == "," {
                endCell()
            } else if character.isNewline {
                endLine()
                start = line
            } else if !wasQuoted || !character.isWhitespace {
                cell.append(character)
            }
        }
        guard !isQuoted else { throw LedgerError("\(path):\(start): a quotation mark is opened and never closed") }
        endLine()
        return rows
    }
}
