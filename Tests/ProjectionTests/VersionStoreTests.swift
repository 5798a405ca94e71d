import GRDB
import LedgerTesting
import Testing

@testable import Projection

/// Rows of these tests: source, account, key, value. The first three are the key.
private func makeStore(partitioned: Bool = false) -> VersionStore {
    VersionStore(width: 4, keyColumns: [0, 1, 2], partitionColumns: partitioned ? [0, 1] : nil)
}

/// What happened to one key in one event.
private enum Change: Equatable {
    case opened(Int64), closed(Int64), replaced(Int64, Int64), moved(Int64)
}

extension VersionStore {
    fileprivate func offer(_ key: Int64, _ value: Int64, line: Int64, account: Int64 = 1) throws {
        try [1, account, key, value].withUnsafeBufferPointer { row in
            offer(try #require(row.baseAddress), line: line, onlyTouched: false)
        }
    }

    /// Merges a capture that outranks all others.
    fileprivate func merge(_ capture: Int64, at seq: Int64, _ rows: [(key: Int64, value: Int64)]) throws -> [Change] {
        for (i, row) in rows.enumerated() { try offer(row.key, row.value, line: Int64(i + 2)) }
        applyCandidates(capture: capture, folding: false)
        clearCandidates()
        return try settled(seq)
    }

    fileprivate func settled(_ seq: Int64) throws -> [Change] {
        var changes: [Change] = []
        try settle(seq: seq) { old, new in
            switch (old, new) {
            case (let old?, let new?): changes.append(.replaced(old[3], new[3]))
            case (let old?, nil): changes.append(.closed(old[3]))
            case (nil, let new?): changes.append(.opened(new[3]))
            case (nil, nil): Issue.record("a change from nothing to nothing")
            }
        } moved: {
            changes.append(.moved($0[3]))
        }
        return changes
    }
}

@Suite struct VersionStoreTests {
    @Test("the last line of a key wins inside a capture")
    func lastLine() throws {
        let store = makeStore()
        #expect(try store.merge(5, at: 6, [(1, 10), (2, 20), (1, 11)]) == [.opened(11), .opened(20)])
        let pending = store.pending()
        #expect(pending.inserts.map { store.row($0)[3] } == [11, 20])
        #expect(pending.inserts.map { store.row($0)[4 + VersionStore.Meta.setLine] } == [4, 3])
    }

    @Test("lines with a key that a later line has are counted where they say something else")
    func overridden() throws {
        let store = makeStore()
        for (line, value) in [10, 10, 11, 10].enumerated() { try store.offer(1, Int64(value), line: Int64(line + 2)) }
        #expect(store.overridden == 2)
        store.clearCandidates()
        #expect(store.overridden == 0)
    }

    @Test("an equal value keeps its version and lineage, and only the winner moves")
    func equalValue() throws {
        let store = makeStore()
        _ = try store.merge(5, at: 6, [(1, 10)])
        #expect(try store.merge(7, at: 8, [(1, 10)]).isEmpty)
        let row = try store.row(#require(store.pending().inserts.first))
        #expect([row[4], row[5], row[6], row[7]] == [6, 5, 2, 7])
        #expect(try store.merge(9, at: 10, [(1, 12)]) == [.replaced(10, 12)])
        #expect(store.closedRowids.count == 1 && store.closed.base[8] == 10)
    }

    @Test("a target that ends as it began changes nothing")
    func netEffect() throws {
        let store = makeStore()
        _ = try store.merge(5, at: 6, [(1, 10)])
        store.touchAll(source: 1, account: 1)
        try store.offer(1, 10, line: 2)
        store.applyCandidates(capture: 5, folding: true)
        store.clearCandidates()
        #expect(try store.settled(7).isEmpty)
        store.touchAll(source: 1, account: 1)
        #expect(try store.settled(8) == [.closed(10)])
        store.touchAll(source: 1, account: 1)
        #expect(try store.settled(9).isEmpty, "what is absent stays so")
    }

    @Test(
        "a capture between others is decided from the pointers, or not at all",
        arguments: [
            // (value, rank) of the new capture beside a run 20 … 40 that ends in 10: what the store says.
            (10, 30, true), (11, 30, false), (11, 10, true), (10, 10, false), (11, 50, true), (10, 50, true),
        ])
    func ranked(value: Int64, rank: Int64, isDecided: Bool) throws {
        let store = makeStore()
        _ = try store.merge(20, at: 21, [(1, 10)])
        _ = try store.merge(40, at: 41, [(1, 10)])
        try store.offer(1, value, line: 2)
        #expect(store.applyRanked(capture: rank) { Rank(observed: $0, seq: $0) } == isDecided)
    }

    @Test("rows of a partition that a capture no longer has go; targets may outgrow their vectors meanwhile")
    func dropMissing() throws {
        let store = makeStore(partitioned: true)
        _ = try store.merge(5, at: 6, (0..<500).map { ($0, $0) })
        try store.offer(0, 0, line: 2)
        store.applyCandidates(capture: 7, folding: false)
        try store.dropMissing(in: [1, 1], folding: false)
        store.clearCandidates()
        #expect(try store.settled(8) == (1..<500).map { .closed($0) })
    }

    @Test("what is in memory is not overwritten by what the file still says")
    func memoryIsAhead() throws {
        let store = makeStore()
        let written: [Int64] = [1, 1, 7, 70, 3, 2, 2, 2]
        store.lookUp = { [unowned store] key in
            if key[2] == 7 { try written.withUnsafeBufferPointer { store.load(try #require($0.baseAddress), rowid: 99) } }
        }
        #expect(try store.merge(5, at: 6, [(7, 71)]) == [.replaced(70, 71)])
        store.touchAll(source: 1, account: 1)
        #expect(try store.settled(7) == [.closed(71)])
        try written.withUnsafeBufferPointer { store.load(try #require($0.baseAddress), rowid: 99) }
        store.touchAll(source: 1, account: 1)
        #expect(try store.settled(8).isEmpty, "the closed version must not come back")
        #expect((0..<store.closedRowids.count).map { store.closedRowids[$0] } == [99, 0])
    }

    @Test("equal rows are numbered")
    func occurrences() throws {
        let store = VersionStore(width: 4, keyColumns: [0, 1, 2, 3], partitionColumns: [0, 1])
        var row: [Int64] = [1, 1, 5, 0]
        for line in 2...4 {
            try row.withUnsafeMutableBufferPointer {
                store.offerOccurrence(try #require($0.baseAddress), occurrence: 3, line: Int64(line), onlyTouched: false)
            }
        }
        store.applyCandidates(capture: 8, folding: false)
        store.clearCandidates()
        #expect(try store.settled(9) == [.opened(1), .opened(2), .opened(3)])
    }

    @Test("a total adds up, and is gone when its last row goes")
    func totals() throws {
        let store = VersionStore(width: 3, keyColumns: [0], partitionColumns: nil)
        func adjust(_ delta: [Int64]) throws {
            try delta.withUnsafeBufferPointer { try store.adjust(#require($0.baseAddress), keyWidth: 1) }
        }
        func ends(_ seq: Int64) throws -> [[Int64]] {
            var rows: [[Int64]] = []
            try store.settle(seq: seq) { _, new in
                rows.append(new.map { [$0[1], $0[2]] } ?? [])
            } moved: { _ in
            }
            return rows
        }
        try adjust([1, 2, 50])
        #expect(try ends(1) == [[2, 50]])
        try adjust([1, -1, -20])
        #expect(try ends(2) == [[1, 30]])
        try adjust([1, -1, -30])
        #expect(try ends(3) == [[]])
        try adjust([1, 1, Int64.max])
        _ = try ends(4)
        #expect(throws: SQLiteFailure.self) { try adjust([1, 1, 1]) }
    }

    @Test("thousands of keys survive growth, and forgetting forgets all of them")
    func growth() throws {
        let store = makeStore()
        #expect(try store.merge(1, at: 2, (0..<5_000).map { ($0, $0 * 2) }).count == 5_000)
        #expect(try store.merge(3, at: 4, (0..<5_000).reversed().map { ($0, $0 * 2) }).isEmpty)
        #expect(store.pending().inserts.map { store.row($0)[2] } == Array(0..<5_000))
        store.written(forget: true)
        #expect(store.entryCount == 0 && store.pending().inserts.isEmpty)
        #expect(try store.merge(5, at: 6, [(1, 2)]) == [.opened(2)])
    }
}

@Suite struct SourceValuesTests {
    private func database() throws -> DatabaseQueue {
        let queue = try DatabaseQueue()
        try queue.write { database in for sql in Warehouse.schema { try database.execute(sql: sql) } }
        return queue
    }

    @Test("one id a text and space, given back after a restart")
    func identity() throws {
        let queue = try database()
        try queue.write { database in
            let values = SourceValues()
            let artists = values.space(kind: "artist", service: "test")
            let others = values.space(kind: "artist", service: "elsewhere")
            let ids = try (0..<3_000).map { try values.id(artists, "artist number \($0)") }
            #expect(Set(ids).count == 3_000)
            #expect(try values.id(artists, "artist number 17") == ids[17])
            #expect(try values.id(others, "artist number 17") != ids[17])
            #expect(try values.id(artists, "") != values.id(artists, " "))
            try values.use(ids[17], in: database)
            try values.use(ids[17], in: database)
            #expect(values.takeFresh() == [ids[17]] && values.takeFresh().isEmpty)

            let later = SourceValues()
            try later.attach(database)
            let space = later.space(kind: "artist", service: "test")
            #expect(try later.id(space, "artist number 17") == ids[17])
            #expect(try later.id(space, "artist number 18") > ids[17], "never written, so it is new")
            #expect(try String.fetchAll(database, sql: "SELECT value FROM source_value") == ["artist number 17"])
        }
    }

    @Test(
        "names are equal but for spaces, dots, hyphens, underscores and case",
        arguments: [
            ("ZONE A0", "zonea0"), ("zone.a0", "zonea0"), ("zone_A-0\t", "zonea0"), ("ÉCLAT", "éclat"), ("E\u{301}CLAT", "éclat"),
            ("BJÖRK", "björk"), ("Bjo\u{308}rk", "björk"), ("BJO\u{308}RK", "björk"), ("ΟΔΌΣ", "οδόσ"), ("Оксана ЙЁ", "оксанайё"), ("", ""),
            (" . ", ""), ("初音", "初音"),
        ])
    func normalised(name: String, expected: String) { #expect(SourceNames.normalised(name) == expected) }
}
