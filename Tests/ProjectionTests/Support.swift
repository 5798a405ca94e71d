import EventLog
import GRDB
import LedgerTesting

@testable import Projection

/// The warehouse of a lab in the words of ``BruteFold``: sorted lines of text.
struct WarehouseReading: Equatable {
    var versions: [String]
    var totals: [String]
    var kpis: [String]
    var issues: [String]

    /// Reads the live generation of a root.
    init(_ layout: Layout) throws {
        let reader = try Warehouse.Reader(layout)
        self = try reader.queue.read { try WarehouseReading($0) }
    }

    init(_ database: Database) throws {
        let cells = "artist.value || '|' || f.day || '|' || COALESCE(f.v, '–') || '|' || COALESCE(note.value, '–')"
        let joins = """
            JOIN source_value account ON account.id = f.account JOIN source_value artist ON artist.id = f.artist
            LEFT JOIN source_value note ON note.id = f.note
            """
        let tail = "' · ' || f.from_seq || ' · ' || COALESCE(f.to_seq, 'now') || ' · ' || f.set_seq || ' · ' || f.set_line"
        versions = []
        for (table, key) in [
            ("up", "artist.value || '|' || f.day"), ("oc", "artist.value || '|' || f.day || '|' || f.row_no"),
            ("rp", "\(cells) || '|' || f.row_no"), ("ap", "f.row_hash || '|' || f.row_no"),
        ] {
            versions += try String.fetchAll(
                database,
                sql: "SELECT '\(table)|' || account.value || '|' || \(key) || ' · ' || \(cells) || \(tail) FROM \(table)_v f \(joins)")
        }
        versions.sort()
        totals = []
        for (table, group) in [
            ("up_total", "artist.value"), ("oc_total", "artist.value"), ("rp_total", "f.day || '|' || artist.value"),
            ("ap_total", "artist.value"),
        ] {
            totals += try String.fetchAll(
                database,
                sql: """
                    SELECT '\(table)|' || account.value || '|' || \(group) || ' · ' || f.row_count || ', ' || f.v || ' · ' || f.from_seq
                      || ' · ' || COALESCE(f.to_seq, 'now')
                    FROM \(table)_v f JOIN source_value account ON account.id = f.account JOIN source_value artist ON artist.id = f.artist
                    """)
        }
        totals.sort()
        kpis = try String.fetchAll(
            database,
            sql: "SELECT kpi || ' · ' || seq || ' · ' || dims || ' · ' || COALESCE(num, '–') || ' · ' || COALESCE(den, '–') FROM kpi_value"
        ).sorted()
        issues = try String.fetchAll(
            database,
            sql: """
                SELECT subject || ' · ' || value || ' · ' || row_count FROM quality_issue WHERE issue IN ('same_member', 'same_key')
                """
        ).sorted()
    }

    init(_ fold: BruteFold) {
        issues = fold.issues
        versions = fold.versions
        totals = fold.totals
        kpis = fold.kpis
    }

    /// What only one side has, at most eight lines.
    func difference(_ other: WarehouseReading) -> String {
        var lines: [String] = []
        for (name, mine, theirs) in [
            ("version", versions, other.versions), ("total", totals, other.totals), ("kpi", kpis, other.kpis),
            ("issue", issues, other.issues),
        ] {
            lines += Set(mine).subtracting(theirs).sorted().map { "\(name) only in the first:  \($0)" }
            lines += Set(theirs).subtracting(mine).sorted().map { "\(name) only in the second: \($0)" }
        }
        return lines.isEmpty && self != other ? "the same lines in other numbers" : lines.prefix(8).joined(separator: "\n")
    }
}

/// Which digests differ, by name; empty when none does.
func difference(_ a: ProjectionDigest, _ b: ProjectionDigest) -> String {
    func names(_ x: [String: String], _ y: [String: String]) -> [String] {
        Set(x.keys).union(y.keys).filter { x[$0] != y[$0] }.sorted().map {
            "\($0): \(x[$0]?.prefix(8) ?? "none") ≠ \(y[$0]?.prefix(8) ?? "none")"
        }
    }
    var lines = names(a.tables, b.tables) + names(a.files, b.files)
    if a.seq != b.seq { lines.append("seq \(a.seq) ≠ \(b.seq)") }
    if a.ops != b.ops { lines.append("ops") }
    if lines.isEmpty, a != b { lines.append("all") }
    return lines.joined(separator: "\n")
}

/// Bytes of all files of a root's raw, staging and curated zones, by path below the root.
func zoneFiles(_ layout: Layout) throws -> [String: [UInt8]] {
    var files: [String: [UInt8]] = [:]
    for zone in [Layout.Zone.raw, .staging, .curated] {
        for path in Files.walk(layout.folder(zone)) { files[String(path.dropFirst(layout.root.count + 1))] = try Files.read(path) }
    }
    return files
}
