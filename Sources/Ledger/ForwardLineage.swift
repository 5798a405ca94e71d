import Cleaning
import EventLog
import GRDB
import Projection

extension Lake {
    /// From a capture to all that came of it: its events, files and rows, and the curated files they go into.
    ///
    /// With a `line` (the record in the raw file, the heading being 1) only to the rows that stand on it.
    package func lineage(capture seq: Int64, line: Int64? = nil) throws -> LineageReport {
        var report = LineageReport(subject: line.map { "line \($0) of capture \(seq)" } ?? "capture \(seq)")
        try trace([seq], into: &report)
        try follow([seq], line: line, into: &report)
        if let line {
            try addLines([(capture: seq, line: line)], to: &report)
            if report.lines.allSatisfy({ $0.text.isEmpty && $0.expired == nil }) {
                throw LedgerError("capture \(seq) has no line \(line), or was not promoted; `bedrot lineage \(seq)` tells")
            }
        }
        return report
    }

    /// From a file to its captures and on: a file in a zone or the archive by path or name, or any file by its bytes.
    package func lineage(file name: String, line: Int64? = nil) throws -> LineageReport {
        let captures = try captures(of: name)
        guard let newest = captures.last else {
            throw LedgerError(
                """
                nothing is known of “\(name)”: it is no file of a zone, and its bytes were never captured; feed it: \
                bedrot ingest \(name.shellQuoted)
                """)
        }
        if let line { return try lineage(capture: newest, line: line) }
        var report = LineageReport(subject: name)
        try trace(captures, into: &report)
        try follow(captures, line: nil, into: &report)
        return report
    }

    /// Captures behind a file, oldest first.
    private func captures(of name: String) throws -> [Int64] {
        let path = below(name)
        func isMeant(_ known: String?) -> Bool { known.map { $0 == path || Files.name($0) == path } ?? false }
        var found = Set<Int64>()
        try log.read { transaction in
            try transaction.events(EventQuery(types: [EventType.captured.rawValue, EventType.promoted.rawValue])) { event in
                if event.type == EventType.captured.rawValue {
                    if isMeant(event.body["landing"]?.string) || event.body["name"]?.string == path { found.insert(event.seq) }
                } else {
                    for item in event.body["items"]?.array ?? [] {
                        let paths = ["raw_path", "path", "rejects_path"].map { item[$0]?.string }
                        if let capture = item["capture"]?.int, paths.contains(where: isMeant) { found.insert(capture) }
                    }
                }
                return true
            }
        }
        if found.isEmpty, Files.exists(name), !Files.isFolder(name) {
            let digest = try DraftFile.digest(of: name)
            found.formUnion(try log.read { try $0.captures(of: digest).map(\.seq) })
        }
        if found.isEmpty {
            let archived = try archive().first { isMeant($0.path) }?.file
            found.formUnion(try capturesBehindCurated(archived ?? path))
        }
        return found.sorted()
    }

    /// A path below the root, from the root on, wherever it is named from: it may lead there from the folder that the person is in. A name
    /// that leads nowhere stays as it is.
    private func below(_ name: String) -> String {
        if name.hasPrefix(layout.root + "/") { return String(name.dropFirst(layout.root.count + 1)) }
        let parent = Files.parent(name)
        let folder = parent.isEmpty ? name.hasPrefix("/") ? "/" : "." : parent
        guard Files.exists(name) || name.contains("/"), let root = Files.realPath(layout.root), let real = Files.realPath(folder),
            real == root || real.hasPrefix(root + "/")
        else { return name }
        return String("\(real)/\(Files.name(name))".dropFirst(root.count + 1))
    }

    /// Live captures of the datasets that a curated file is made of.
    private func capturesBehindCurated(_ path: String) throws -> [Int64] {
        let folder = layout.name(.curated) + "/"
        let file = path.hasPrefix(folder) ? String(path.dropFirst(folder.count)) : path
        let definitions = try definitionsInForce()
        guard let table = definitions.curated.first(where: { file == $0.file || file.hasPrefix($0.file + "/") }) else { return [] }
        return try Warehouse.Reader(layout, scratch: true).queue.read { database in
            let question = KPIQuestion(database: database, definitions: definitions)
            let streams = try definitions.facts.filter { fact in
                try question.curated(reading: Set(fact.tableNames)).contains { $0.name == table.name }
            }.flatMap(\.streams)
            return try Set(streams).sorted().flatMap { stream in
                try Int64.fetchAll(
                    database, sql: "SELECT seq FROM capture WHERE stream = ? AND live AND item IS NOT NULL ORDER BY seq",
                    arguments: [stream])
            }
        }
    }

    /// Adds what came of captures: zone files, rows by fact, curated files; for one line the rows that stand on it.
    private func follow(_ captures: [Int64], line: Int64?, into report: inout LineageReport) throws {
        var files: [String] = []
        for capture in report.captures {
            files.append(capture.landing)
            guard let entry = try log.read({ try StreamState(capture.stream, $0) }).entries[capture.seq], entry.expired == nil,
                let item = entry.promotion?.item
            else { continue }
            files += [item.rawPath, item.path] + [item.rejects?.path].compactMap(\.self)
        }
        guard try Warehouse.liveGeneration(layout) != nil else {
            report.files = files
            return
        }
        let definitions = try definitionsInForce()
        let facts = definitions.facts.filter { fact in report.captures.contains { fact.streams.contains($0.stream) } }
        let seqs = captures.map { String($0) }.joined(separator: ", ")
        let condition = "set_seq IN (\(seqs))" + (line.map { " AND set_line = \($0)" } ?? "")
        var rows: [(table: String, current: Int64, past: Int64)] = []
        var facing: [String] = []
        try Warehouse.Reader(layout, scratch: true).queue.read { database in
            for fact in facts {
                let counts = try Row.fetchOne(
                    database, sql: "SELECT SUM(to_seq IS NULL), SUM(to_seq IS NOT NULL) FROM \"\(fact.name)_v\" WHERE \(condition)")
                rows.append((fact.name, counts?[0] ?? 0, counts?[1] ?? 0))
                guard line != nil else { continue }
                for row in try Row.fetchAll(database, sql: "SELECT * FROM \"\(fact.name)\" WHERE \(condition) LIMIT 20") {
                    let cells = try fact.columns.compactMap { column -> String? in
                        guard let value = row[column.name] as Int64? else { return nil }
                        return "\(column.name) \(try CellText.text(value, column, database))"
                    }
                    facing.append("\(fact.name): \(cells.joined(separator: ", "))")
                }
            }
            let read = try KPIQuestion(database: database, definitions: definitions)
                .curated(reading: Set(facts.flatMap(\.tableNames)))
            let folder = layout.name(.curated) + "/"
            files += try CuratedFile.all(database).map(\.path).filter { path in
                read.contains { path == folder + $0.file || path.hasPrefix(folder + $0.file + "/") }
            }
        }
        report.files = files
        (report.facts, report.facing) = (rows, facing)
    }
}
