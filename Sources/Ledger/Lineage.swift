import Cleaning
package import EventLog
import GRDB
package import Projection

/// Where a figure comes from: the capture, its events, the line and its text.
package struct LineageLine: Sendable {
    package let capture: Capture
    /// Record number in the raw file; the header is 1.
    package let line: Int64
    /// The record as it stands in the raw file, at most 2,000 bytes.
    package let text: String
    package let rawPath: String?
    /// The `zone.expired` event that removed the bytes; the text is then empty.
    package var expired: Int64?
}

/// The answer of `bedrot lineage`.
package struct LineageReport: Sendable {
    /// What was asked for, in words.
    package var subject: String
    package var lines: [LineageLine] = []
    /// Rows behind the figure in all; `lines` shows the newest of them.
    package var rows: Int64 = 0
    /// Every capture that the figure rests on.
    package var captures: [Capture] = []
    /// Events that name those captures, oldest first.
    package var events: [Event] = []
    /// Files of those captures in landing, raw and staging, and the curated files made from them.
    package var files: [String] = []
    /// By fact: rows that name those captures as their origin, current and of the past.
    package var facts: [(table: String, current: Int64, past: Int64)] = []
    /// Current rows that stand on the line asked for, in words.
    package var facing: [String] = []
}

extension Lake {
    /// From a KPI value to the rows, captures and lines behind it.
    ///
    /// - Parameter filter: dimension values that must match, such as `artist=artist:zonea0`; empty takes the first value.
    package func lineage(kpi id: String, filter: [String: String], day: Int64?, knownAt: Int64?, limit: Int) throws -> LineageReport {
        let kpi = try kpi(id)
        let answer = try kpiValues(kpi, day: day, knownAt: knownAt)
        guard let chosen = try answer.values.first(where: { try $0.matches(filter) }) else {
            throw LedgerError(
                """
                \(id) has no value with \(filter.map { "\($0.key)=\($0.value)" }.sorted().joined(separator: " ")); `bedrot kpi \
                show \(id)` lists its values
                """
            )
        }
        let dimensions = try JSON.parse(Array(chosen.dimensions.utf8)).object ?? [:]
        let shown = dimensions.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value.string ?? $0.value.int.map(String.init) ?? "")" }
            .joined(separator: " ")
        var report = LineageReport(
            subject:
                """
                \(kpi.title)\(shown.isEmpty ? "" : " (\(shown))") = \(chosen.text(unit: kpi.unit, decimals: kpi.decimals)) \
                \(kpi.unit), day \(CalendarDay.text(day: answer.day)), as known at event \(answer.seq)
                """
        )
        for evidence in try evidence([(kpi: kpi, dimensions: dimensions, day: answer.day, seq: answer.seq)], limit: limit) {
            report.rows = evidence.total
            try addLines(evidence.lines, to: &report)
            try trace(evidence.captures, into: &report)
        }
        return report
    }

    /// The rows that values rest on, by capture and line, at most `limit` each; how many there are, and all captures behind them.
    func evidence(_ values: [(kpi: KPIDefinition, dimensions: [String: JSON], day: Int64, seq: Int64)], limit: Int) throws -> [(
        lines: [(capture: Int64, line: Int64)], total: Int64, captures: [Int64]
    )] {
        let definitions = try definitionsInForce()
        return try Warehouse.Reader(layout, scratch: true).queue.writeWithoutTransaction { database in
            let question = KPIQuestion(database: database, definitions: definitions)
            return try values.map {
                try question.evidence($0.kpi, dimensions: $0.dimensions, day: $0.day, seq: $0.seq, limit: limit)
            }
        }
    }

    /// From rows of a fact to their captures and lines. `condition` is SQL over the plain table.
    package func lineage(table: String, condition: String, limit: Int) throws -> LineageReport {
        let definitions = try definitionsInForce()
        guard definitions.facts.contains(where: { $0.name == table }) else {
            throw LedgerError("“\(table)” is not a fact; known: \(definitions.facts.map(\.name).joined(separator: ", "))")
        }
        var report = LineageReport(subject: "\(table) where \(condition)")
        let (lines, total, captures) = try warehouse().queue.read { database -> ([(capture: Int64, line: Int64)], Int64, [Int64]) in
            let from = "FROM \"\(table)\" WHERE \(condition)"
            return (
                try Row.fetchAll(database, sql: "SELECT set_seq, set_line \(from) ORDER BY set_seq DESC, set_line DESC LIMIT \(limit)").map
                {
                    (capture: $0[0], line: $0[1])
                },
                try Int64.fetchOne(database, sql: "SELECT COUNT(*) \(from)") ?? 0,
                try Int64.fetchAll(database, sql: "SELECT DISTINCT set_seq \(from) ORDER BY set_seq")
            )
        }
        report.rows = total
        try addLines(lines, to: &report)
        try trace(captures, into: &report)
        return report
    }

    func addLines(_ lines: [(capture: Int64, line: Int64)], to report: inout LineageReport) throws {
        for seq in Set(lines.map(\.capture)).sorted(by: >) {
            let wanted = Set(lines.filter { $0.capture == seq }.map(\.line))
            guard let event = try log.read({ try $0.event(seq) }) else { continue }
            let capture = try Capture(event)
            let (texts, path, expired) = try records(wanted, of: capture)
            for line in wanted.sorted(by: >) {
                report.lines.append(
                    LineageLine(capture: capture, line: line, text: texts[line] ?? "", rawPath: path, expired: expired))
            }
        }
    }

    /// The texts of some records of a capture, from its object, whatever has become of the zone files.
    private func records(_ wanted: Set<Int64>, of capture: Capture) throws -> ([Int64: String], String?, expired: Int64?) {
        let state = try log.read { try StreamState(capture.stream, $0) }
        guard let entry = state.entries[capture.seq], let promotion = entry.promotion else { return ([:], nil, nil) }
        if let expired = entry.expired, !objects.contains(capture.object) { return ([:], nil, expired) }
        let contract = try CaptureReader(objects: objects, zones: nil).contract(promotion.contract)
        var raw: [UInt8] = []
        let bytes = try objects.read(capture.object)
        let report = try Cleaner.unpack(ByteSource(bytes), under: contract) { raw.append(contentsOf: $0) }
        if report.isIdentity { raw = bytes }
        return (RawRecords.texts(wanted, in: raw), promotion.item.rawPath, nil)
    }

    func trace(_ captures: [Int64], into report: inout LineageReport) throws {
        let known = Set(captures)
        var streams = Set<String>()
        try log.read { transaction in
            for seq in captures {
                guard let event = try transaction.event(seq), event.type == EventType.captured.rawValue else {
                    throw LedgerError("event \(seq) is not a capture; `bedrot events --type extraction.captured` lists them")
                }
                let capture = try Capture(event)
                report.captures.append(capture)
                streams.insert(capture.stream)
            }
            for stream in streams.sorted() {
                try transaction.events(EventQuery(streams: [stream])) { event in
                    let items = event.body["items"]?.array?.compactMap { $0["capture"]?.int } ?? []
                    let named =
                        items
                        + [event.body["capture"]?.int, event.type == EventType.captured.rawValue ? event.seq : nil].compactMap(\.self)
                    if !known.isDisjoint(with: named) { report.events.append(event) }
                    return true
                }
            }
        }
        report.events.sort { $0.seq < $1.seq }
    }
}

/// Finds records in delimited text: a record ends at a line end outside quotes; LF, CRLF and CR all end lines, and an empty line is
/// a record.
///
/// Quotes mean what they mean to the cleaner: something only where a field begins, and in tables with tabs only if the heading
/// line is quoted.
enum RawRecords {
    static func texts(_ wanted: Set<Int64>, in bytes: [UInt8]) -> [Int64: String] {
        var found: [Int64: String] = [:]
        let content = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        let (delimiter, quoting) = form(bytes[content...].prefix { $0 != 10 && $0 != 13 })
        var record: Int64 = 1
        var start = 0
        var i = content
        var isFieldStart = true
        func close(_ end: Int) {
            if wanted.contains(record) { found[record] = String(decoding: bytes[start..<min(end, start + 2000)], as: UTF8.self) }
        }
        while i < bytes.count {
            let byte = bytes[i]
            if byte == 34, quoting, isFieldStart {
                i += 1
                while i < bytes.count, bytes[i] != 34 || (i + 1 < bytes.count && bytes[i + 1] == 34) { i += bytes[i] == 34 ? 2 : 1 }
                isFieldStart = false
            } else if byte == 10 || byte == 13 {
                close(i)
                if byte == 13, i + 1 < bytes.count, bytes[i + 1] == 10 { i += 1 }
                start = i + 1
                record += 1
                isFieldStart = true
            } else {
                isFieldStart = byte == delimiter
            }
            i += 1
        }
        if start < bytes.count { close(bytes.count) }
        return found
    }

    /// The separator that divides the heading line most often outside quotes, and whether fields may be quoted.
    private static func form(_ heading: ArraySlice<UInt8>) -> (delimiter: UInt8, quoting: Bool) {
        var counts: [UInt8: Int] = [:]
        var isQuoted = false
        for byte in heading {
            if byte == 34 { isQuoted.toggle() }
            if !isQuoted { counts[byte, default: 0] += 1 }
        }
        var delimiter = UInt8(ascii: ",")
        for other in [9, UInt8(ascii: ";")] where counts[other, default: 0] > counts[delimiter, default: 0] { delimiter = other }
        return (delimiter, delimiter != 9 || heading.first == 34)
    }
}
