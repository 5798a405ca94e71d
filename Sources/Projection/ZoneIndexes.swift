import Cleaning
import EventLog
import GRDB

/// `_hashes.json`: the files of one dataset in one zone, as the log tells them: name below the dataset's folder → SHA-256, sorted.
struct HashIndex {
    /// What every index is called.
    static let name = "_hashes.json"

    /// Path below the root.
    let path: String
    let names: Int64
    let bytes: [UInt8]

    /// The indexes of a dataset in landing, raw and staging; a folder without files has none.
    ///
    /// Landing shows what was captured there: files belong to people, and what they have become since is theirs to know. Of two
    /// captures of one path the later one counts.
    static func all(of stream: String, _ database: Database) throws -> [HashIndex] {
        var folders: [String: [String: JSON]] = [:]
        func add(_ path: String, _ digest: String) {
            guard let range = path.firstRange(of: "/\(stream)/") else { return }
            folders[String(path[..<range.upperBound]), default: [:]][String(path[range.upperBound...])] = .string(digest)
        }
        for body in try String.fetchAll(database, sql: "SELECT body FROM capture WHERE stream = ? ORDER BY seq", arguments: [stream]) {
            let body = try JSON.parse(Array(body.utf8))
            if let path = body["landing"]?.string, let object = body["object"]?.string { add(path, object) }
        }
        let files = try Row.fetchAll(
            database,
            sql:
                """
                SELECT f.path, f.digest FROM capture c JOIN zone_file f ON f.capture = c.seq WHERE c.stream = ? AND f.zone IN \
                ('raw', 'staging') ORDER BY f.path, c.seq
                """,
            arguments: [stream])
        for row in files { add(row[0], row[1]) }
        return try folders.sorted { $0.key < $1.key }.map { folder, names in
            HashIndex(path: folder + name, names: Int64(names.count), bytes: try JSON.object(names).canonical() + [10])
        }
    }

    /// The dataset that an index path belongs to.
    static func stream(of path: String) -> String { path.split(separator: "/").dropLast().suffix(2).joined(separator: "/") }
}

extension ProjectionRun {
    /// Notes the indexes of the datasets whose files changed in this pass; they are written after the commit.
    func settleIndexes() throws {
        for stream in touchedStreams.sorted() {
            let wanted = Dictionary(try HashIndex.all(of: stream, database).map { ($0.path, $0) }, uniquingKeysWith: { $1 })
            let usual = [Layout.Zone.landing, .raw, .staging].map { "\(layout.name($0))/\(stream)/\(HashIndex.name)" }
            for path in Set(wanted.keys).union(usual).sorted() {
                let before = try String.fetchOne(database, sql: "SELECT digest FROM zone_file WHERE path = ?", arguments: [path])
                let digest = wanted[path].map { Hash256(hashing: $0.bytes).hex }
                guard before != digest else { continue }
                try database.execute(sql: "DELETE FROM zone_file WHERE path = ?", arguments: [path])
                if let index = wanted[path] {
                    try database.execute(
                        sql: "INSERT INTO zone_file VALUES (?, 'index', ?, ?, NULL)", arguments: [path, digest, index.names])
                    indexes.append(index)
                }
                try database.execute(sql: "INSERT OR REPLACE INTO pending_file VALUES (?)", arguments: [path])
            }
        }
        touchedStreams = []
    }

    /// The manifest of the curated folder as of this pass: of each file what it is and which events it rests on.
    func manifest() throws -> [UInt8] {
        let engine = KPIEngine(database: database, definitions: definitions, tables: tables)
        let seqs = Dictionary(
            uniqueKeysWithValues: try Row.fetchAll(database, sql: "SELECT stream, seq FROM stream_seq").map {
                ($0["stream"] as String, $0["seq"] as Int64)
            })
        let promoted = merger.captures.values.filter { $0.live && $0.promotion != nil }.sorted { $0.capture.seq < $1.capture.seq }
        let sources = Dictionary(grouping: promoted) { $0.capture.stream }
        var entries: [Manifest.Entry] = []
        var streamsOf: [String: [String]] = [:]
        for row in try Row.fetchAll(database, sql: "SELECT path, digest, rows FROM zone_file WHERE zone = 'curated' ORDER BY path") {
            let path: String = row["path"]
            let below = path.dropFirst(layout.name(.curated).count + 1)
            guard let definition = definitions.curated.first(where: { below == $0.file || below.hasPrefix($0.file + "/") }) else {
                continue
            }
            let streams = try streamsOf[definition.name] ?? Self.streams(behind: definition, engine)
            streamsOf[definition.name] = streams
            var behind = streams.flatMap { sources[$0] ?? [] }
            let part = definition.partition.map { ($0, String(below.dropFirst(definition.file.count + 1).dropLast(4))) }
            if let (column, label) = part, definitions.facts.contains(where: { "\($0.name).\($0.partition ?? "")" == column }) {
                let format = definition.formats["partition"] ?? .day
                behind.removeAll { state in
                    state.promotion?.item.partitions.contains {
                        !state.held.contains($0.value) && CuratedWriter.format($0.value, format) == label
                    } != true
                }
            }
            let items = behind.compactMap { $0.promotion?.item }
            entries.append(
                Manifest.Entry(
                    path: path, table: definition.name, digest: row["digest"], rows: row["rows"],
                    seq: (streams + ["reference"]).compactMap { seqs[$0] }.max() ?? 0, events: behind.map(\.capture.seq).sorted(),
                    firstDay: part == nil ? items.compactMap(\.firstDay).min() : nil,
                    lastDay: part == nil ? items.compactMap(\.lastDay).max() : nil))
        }
        return try Manifest.bytes(entries, seq: dataSeq)
    }

    /// Datasets that feed what a curated table reads.
    private static func streams(behind definition: CuratedDefinition, _ engine: KPIEngine) throws -> [String] {
        let tables = try engine.reads(definition.sql, path: definition.path).tables
        let facts = engine.definitions.facts.filter { fact in !tables.isDisjoint(with: fact.tableNames) }
        return Set(facts.flatMap { $0.loaders.keys }).sorted()
    }
}

/// `_manifest.json`: what the curated folder holds, written last.
struct Manifest {
    struct Entry {
        let path: String
        let table: String
        let digest: String
        let rows: Int64
        /// The last data-bearing event of the datasets behind the file, or of the assumptions that all share.
        let seq: Int64
        /// The captures it rests on.
        let events: [Int64]
        /// Days covered by those captures; nil for a part of a table, whose name says it.
        let firstDay: Int64?
        let lastDay: Int64?
    }

    /// `seq` is the last data-bearing event behind the files.
    static func bytes(_ entries: [Entry], seq: Int64) throws -> [UInt8] {
        func day(_ number: Int64?) -> JSON { number.map { .string(CalendarDay.text(day: $0)) } ?? .null }
        return try JSON.object([
            "data_to": .int(seq),
            "files": .array(
                entries.sorted { $0.path < $1.path }.map {
                    .object([
                        "path": .string($0.path), "table": .string($0.table), "rows": .int($0.rows), "sha256": .string($0.digest),
                        "seq": .int($0.seq), "events": .array($0.events.map { .int($0) }), "first_day": day($0.firstDay),
                        "last_day": day($0.lastDay),
                    ])
                }),
        ]).canonical() + [10]
    }
}
