import Cleaning
package import EventLog
import GRDB

/// How one table of the live warehouse differs from what a replay gives.
package struct ShadowDifference: Sendable {
    /// What a side says of the first row that differs.
    package enum Kind: String, Sendable {
        /// The live table lacks the row.
        case missing
        /// Only the live table has the row.
        case extra
        /// Both have it, with other values.
        case changed
    }

    /// One column of the row, as text; nil is null, or the whole row is not there.
    package struct Cell: Sendable, Equatable {
        package let column: String
        package let live: String?
        package let replayed: String?
    }

    package let table: String
    package let kind: Kind
    /// The natural key of the first row that differs, in natural order.
    package let key: [(column: String, value: String)]
    /// The columns that differ; of a row that one side lacks, all that are no key.
    package let cells: [Cell]
    /// Rows that differ in all.
    package internal(set) var rows: Int64
    /// The first event since which the two say different things; nil where the rows do not tell.
    package internal(set) var seq: Int64?
    /// The row as replayed.
    let row: [DatabaseValue]?

    /// `fact: 2 rows differ; the first: day = 2025-03-01, …: streams is 7, a replay gives 5`.
    package var text: String {
        let place = key.map { "\($0.column) = \($0.value)" }.joined(separator: ", ")
        let what =
            switch kind {
            case .missing:
                "the live table lacks it; a replay gives \(cells.map { "\($0.column) \($0.replayed ?? "null")" }.joined(separator: ", "))"
            case .extra: "only the live table has it, with \(cells.map { "\($0.column) \($0.live ?? "null")" }.joined(separator: ", "))"
            case .changed:
                cells.map { "\($0.column) is \($0.live ?? "null"), a replay gives \($0.replayed ?? "null")" }.joined(separator: "; ")
            }
        return "\(table): \(rows) \(rows == 1 ? "row differs" : "rows differ"); the first: \(place): \(what)"
    }

    /// `{"table":…,"kind":…,"rows":n,"key":{…},"cells":[{"column":…,"live":…,"replayed":…}],"first_event":n}`.
    package var json: JSON {
        [
            "table": .string(table), "kind": .string(kind.rawValue), "rows": .int(rows),
            "key": .array(key.map { ["column": .string($0.column), "value": .string($0.value)] }),
            "cells": .array(
                cells.map {
                    [
                        "column": .string($0.column), "live": $0.live.map { .string($0) } ?? .null,
                        "replayed": $0.replayed.map { .string($0) } ?? .null,
                    ]
                }),
            "first_event": seq.map { .int($0) } ?? .null,
        ]
    }
}

/// Rows of one table in natural-key order, as its digest reads them, with the names and the use of their columns.
struct TableListing {
    let table: String
    let sql: String
    let names: [String]
    /// Positions of the columns that order the rows.
    let key: [Int]
    /// Columns that hold days.
    var days: Set<Int> = []

    private func index(_ name: String) -> Int? { names.firstIndex(of: name) }

    /// Compares the rows of two databases; nil when they are equal.
    ///
    /// Both sides are read once, side by side; memory does not grow with the table.
    func difference(live: Database, replayed: Database) throws -> ShadowDifference? {
        let mine = try Row.fetchCursor(live, sql: sql)
        let theirs = try Row.fetchCursor(replayed, sql: sql)
        var left = try next(mine)
        var right = try next(theirs)
        var found: ShadowDifference?
        var rows: Int64 = 0
        var seq: Int64?
        while left != nil || right != nil {
            let order = compare(left, right)
            let (l, r) = (order <= 0 ? left : nil, order >= 0 ? right : nil)
            if l != r {
                rows += 1
                if found == nil { found = describe(l, r) }
                if let told = parting(l, r) { seq = min(seq ?? told, told) }
            }
            if order <= 0 { left = try next(mine) }
            if order >= 0 { right = try next(theirs) }
        }
        found?.rows = rows
        found?.seq = seq
        return found
    }

    /// Whether a database holds just this row.
    func contains(_ row: [DatabaseValue], _ database: Database) throws -> Bool {
        let cursor = try Row.fetchCursor(database, sql: sql)
        while let other = try next(cursor) { if other == row { return true } }
        return false
    }

    private func next(_ cursor: RowCursor) throws -> [DatabaseValue]? { try cursor.next().map { Array($0.databaseValues) } }

    /// The order of two rows; a side that has no more rows comes last.
    private func compare(_ left: [DatabaseValue]?, _ right: [DatabaseValue]?) -> Int {
        guard let left else { return 1 }
        guard let right else { return -1 }
        for index in key {
            let order = Self.compare(left[index], right[index])
            if order != 0 { return order }
        }
        return 0
    }

    /// The order of SQLite: null, integers, texts by their bytes.
    private static func compare(_ left: DatabaseValue, _ right: DatabaseValue) -> Int {
        switch (left.storage, right.storage) {
        case (.null, .null): 0
        case (.null, _): -1
        case (_, .null): 1
        case (.int64(let a), .int64(let b)): a == b ? 0 : a < b ? -1 : 1
        case (.int64, _): -1
        case (_, .int64): 1
        case (.string(let a), .string(let b)): a.utf8.elementsEqual(b.utf8) ? 0 : a.utf8.lexicographicallyPrecedes(b.utf8) ? -1 : 1
        default: 0
        }
    }

    private func describe(_ live: [DatabaseValue]?, _ replayed: [DatabaseValue]?) -> ShadowDifference {
        let kind: ShadowDifference.Kind = live == nil ? .missing : replayed == nil ? .extra : .changed
        let shown = names.indices.filter { index in
            kind == .changed ? live?[index] != replayed?[index] : !key.contains(index) && !["set_seq", "set_line"].contains(names[index])
        }
        return ShadowDifference(
            table: table, kind: kind, key: key.map { (names[$0], text((live ?? replayed)?[$0], $0) ?? "null") },
            cells: shown.map { .init(column: names[$0], live: text(live?[$0], $0), replayed: text(replayed?[$0], $0)) }, rows: 1, seq: nil,
            row: replayed)
    }

    private func text(_ value: DatabaseValue?, _ index: Int) -> String? {
        switch value?.storage {
        case .int64(let number): days.contains(index) ? CalendarDay.text(day: number) : "\(number)"
        case .string(let text): text.count > 200 ? text.prefix(199) + "…" : text
        default: nil
        }
    }

    /// The event since which two versions of a row part, as their own columns tell; 0 is no event.
    private func parting(_ live: [DatabaseValue]?, _ replayed: [DatabaseValue]?) -> Int64? {
        func number(_ row: [DatabaseValue]?, _ column: Int) -> Int64? { row.flatMap { Int64.fromDatabaseValue($0[column]) } }
        let told: Int64?
        if let from = index("from_seq"), let to = index("to_seq") {
            let lineage = ["set_seq", "set_line"].compactMap(index)
            let differing = names.indices.filter { live?[$0] != replayed?[$0] }
            if live == nil || replayed == nil || !Set(differing).isSubset(of: Set(lineage + [to])) {
                told = number(live ?? replayed, from)
            } else if differing.contains(to) {
                told = min(number(live, to) ?? .max, number(replayed, to) ?? .max)
            } else {
                // Lineage moves in place and keeps no date.
                told = nil
            }
        } else if let seq = index("seq") {
            // What became of a capture later is dated elsewhere.
            let later = Set(["live", "contract", "reader", "item"].compactMap(index))
            let differing = names.indices.filter { live?[$0] != replayed?[$0] }
            told = live != nil && replayed != nil && Set(differing).isSubset(of: later) ? nil : number(live ?? replayed, seq)
        } else {
            told = index("started_seq").flatMap { number(live ?? replayed, $0) }
        }
        return told.flatMap { $0 > 0 ? $0 : nil }
    }
}

extension DigestBuilder {
    /// The listing behind the digest of each table, those that count other events than data last.
    func listings() throws -> [TableListing] {
        var found = try (Self.fixed + Self.ops).map { name, sql in
            let statement = try database.makeStatement(sql: sql)
            let order = sql.components(after: "ORDER BY").split(separator: ",").compactMap { Int($0.trimmingSpaces) }.map { $0 - 1 }
            return TableListing(table: name, sql: sql, names: statement.columnNames, key: order)
        }
        for table in tables {
            let names = table.columns.map(\.name) + ["from_seq", "to_seq"] + (table.hasLineage ? ["set_seq", "set_line"] : [])
            let order = table.columns.indices.filter { table.key.contains(table.columns[$0].name) } + [table.columns.count]
            let days = table.columns.indices.filter { table.columns[$0].storage == .day }
            found.append(TableListing(table: table.name, sql: select(table), names: names, key: order, days: Set(days)))
        }
        return found
    }
}

extension String {
    /// What follows the last occurrence of a text; empty where there is none.
    fileprivate func components(after text: String) -> String { ranges(of: text).last.map { String(self[$0.upperBound...]) } ?? "" }
}

extension Projector {
    /// How the tables of the live generation differ from those replayed into a folder, by name of the table.
    ///
    /// - Throws: ``SQLiteFailure`` when the live state is at another event than `seq` meanwhile.
    package func differences(fromReplayIn folder: String, at seq: Int64) throws -> [ShadowDifference] {
        let live = try Warehouse.Reader(layout)
        let replayed = try Warehouse.Reader(layout.moved(to: folder))
        return try live.queue.read { mine in
            guard try Int64.fetchOne(mine, sql: "SELECT seq FROM checkpoint") == seq else {
                throw SQLiteFailure(message: "another command projected in the meantime; do it again")
            }
            return try replayed.queue.read { theirs in
                var found: [ShadowDifference] = []
                for listing in try self.listings(theirs, at: seq) {
                    if let difference = try listing.difference(live: mine, replayed: theirs) { found.append(difference) }
                }
                return found.sorted { $0.table < $1.table }
            }
        }
    }

    /// Whether a replay into a folder holds the row that the live state has not.
    package func holds(_ difference: ShadowDifference, at seq: Int64, inReplay folder: String) throws -> Bool {
        let replayed = try Warehouse.Reader(layout.moved(to: folder))
        return try replayed.queue.read { database in
            guard let row = difference.row,
                let listing = try self.listings(database, at: seq).first(where: { $0.table == difference.table })
            else { return false }
            return try listing.contains(row, database)
        }
    }

    private func listings(_ database: Database, at seq: Int64) throws -> [TableListing] {
        try DigestBuilder(database: database, tables: definitions(until: seq).tables).listings()
    }
}
