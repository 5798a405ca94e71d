/// The merge state of one fact table in memory: the current version of each key that was touched, and the versions that were closed.
///
/// Rows are flat runs of integers: the columns, then `from_seq`, `set_seq`, `set_line`, `win_seq`. Every change goes through three steps,
/// so that what an event does is its net effect: *candidates* (what one capture says of a key, its last line), *targets* (what the event
/// makes of the key), *settle* (the difference to the current version opens and closes versions at the event's seq).
final class VersionStore {
    struct Meta {
        static let from = 0, setSeq = 1, setLine = 2, win = 3, count = 4
    }

    /// Columns without the meta columns.
    let width: Int
    let keyColumns: [Int]
    let partitionColumns: [Int]?
    private let stride: Int

    private var rows: RawVector<Int64>
    private var rowids = RawVector<Int64>()
    private var flags = RawVector<UInt8>()
    private var hashes = RawVector<UInt64>()
    private var slots = RawVector<Int32>(capacity: 1 << 12)
    private var candidateOf = RawVector<Int32>()
    private var targetOf = RawVector<Int32>()

    private static let present: UInt8 = 1
    private static let dirty: UInt8 = 2
    private static let movedLineage: UInt8 = 4

    // Candidates of one capture: entry, line, columns.
    private var candidateEntries = RawVector<Int32>()
    private var candidateLines = RawVector<Int64>()
    private var candidateRows: RawVector<Int64>
    // Targets of one event: entry, present, row with meta.
    private var targetEntries = RawVector<Int32>()
    private var targetPresent = RawVector<Bool>()
    private var targetRows: RawVector<Int64>

    /// Closed versions not yet written: row with meta, then `to_seq`.
    private(set) var closed: RawVector<Int64>
    private(set) var closedRowids = RawVector<Int64>()

    /// Entries of each partition that is loaded, by partition hash; only for partitioned facts.
    private var partitionEntries: [[Int64]: [Int32]] = [:]
    private(set) var loadedPartitions = Set<[Int64]>()

    /// Called when a key is not in memory; must call `load` if the warehouse has a current version of it.
    var lookUp: ((UnsafePointer<Int64>) throws -> Void)?
    /// Called before the entries of a partition are needed; must call `load` for each current version in it.
    var lookUpPartition: (([Int64]) throws -> Void)?

    private(set) var entryCount = 0
    /// The entry whose look-up is running; -1 otherwise.
    private var awaited = -1

    init(width: Int, keyColumns: [Int], partitionColumns: [Int]?) {
        self.width = width
        self.keyColumns = keyColumns
        self.partitionColumns = partitionColumns
        stride = width + Meta.count
        rows = RawVector(capacity: stride * 64)
        candidateRows = RawVector(capacity: width * 64)
        targetRows = RawVector(capacity: stride * 64)
        closed = RawVector(capacity: 16)
        _ = slots.extend(by: 1 << 12)
        for i in 0..<slots.count { slots[i] = -1 }
    }

    deinit {
        rows.free()
        rowids.free()
        flags.free()
        hashes.free()
        slots.free()
        candidateOf.free()
        targetOf.free()
        candidateEntries.free()
        candidateLines.free()
        candidateRows.free()
        targetEntries.free()
        targetPresent.free()
        targetRows.free()
        closed.free()
        closedRowids.free()
    }

    /// Bytes held, roughly: what a memory budget is checked against.
    var footprint: Int { rows.count * 8 + entryCount * 45 + closed.count * 8 + targetRows.count * 8 + candidateRows.count * 8 }

    // MARK: Entries

    @inline(__always) private func hash(_ row: UnsafePointer<Int64>) -> UInt64 {
        var hash: UInt64 = 0x51_7C_C1_B7_27_22_0A_95
        for column in keyColumns { hash = mixed(hash, UInt64(bitPattern: row[column])) }
        return hash
    }

    @inline(__always) private func sameKey(_ entry: Int, _ row: UnsafePointer<Int64>) -> Bool {
        let mine = rows.base + entry * stride
        for column in keyColumns where mine[column] != row[column] { return false }
        return true
    }

    /// The entry of a key, made (absent) when there is none and `create` is set; -1 otherwise.
    @inline(__always) private func entry(_ row: UnsafePointer<Int64>, create: Bool) -> Int {
        let found = find(row)
        return found.entry >= 0 || !create ? found.entry : make(row, found.hash, found.slot)
    }

    /// The entry of a key, -1 when there is none, and where it would go.
    @inline(__always) private func find(_ row: UnsafePointer<Int64>) -> (entry: Int, hash: UInt64, slot: Int) {
        let hash = hash(row)
        var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
        while true {
            let entry = Int(slots[slot])
            if entry < 0 || hashes[entry] == hash && sameKey(entry, row) { return (entry, hash, slot) }
            slot = (slot + 1) & (slots.count - 1)
        }
    }

    /// Makes the entry of a key and takes over what the warehouse holds of it.
    ///
    /// A failing look-up is kept in ``failure`` and thrown by the caller's next ``check()``: the loops above this call nothing that throws,
    /// because Swift 6.3.1 returns a stale error from them in release builds.
    @inline(never) private func make(_ row: UnsafePointer<Int64>, _ hash: UInt64, _ slot: Int) -> Int {
        let made = insert(row, hash, slot)
        guard let lookUp, failure == nil else { return made }
        awaited = made
        do { try lookUp(rows.base + made * stride) } catch { failure = error }
        awaited = -1
        return made
    }

    /// Why a look-up failed, until it is thrown.
    private var failure: (any Error)?

    /// Throws what a look-up failed with since the last check; to be called after every batch of offers.
    @inline(never) func check() throws {
        guard let failure else { return }
        self.failure = nil
        throw failure
    }

    @inline(never) private func insert(_ row: UnsafePointer<Int64>, _ hash: UInt64, _ slot: Int) -> Int {
        let made = entryCount
        entryCount += 1
        let at = rows.extend(by: stride)
        for i in 0..<width { rows.base[at + i] = row[i] }
        for i in width..<stride { rows.base[at + i] = 0 }
        rowids.append(0)
        flags.append(0)
        hashes.append(hash)
        candidateOf.append(-1)
        targetOf.append(-1)
        slots[slot] = Int32(made)
        if entryCount * 2 > slots.count { rehash() }
        if let partitionColumns { partitionEntries[partitionColumns.map { row[$0] }, default: []].append(Int32(made)) }
        return made
    }

    private func rehash() {
        let size = slots.count * 2
        slots.removeAll()
        _ = slots.extend(by: size)
        for i in 0..<size { slots.base[i] = -1 }
        for entry in 0..<entryCount {
            var slot = Int(truncatingIfNeeded: hashes[entry]) & (size - 1)
            while slots.base[slot] >= 0 { slot = (slot + 1) & (size - 1) }
            slots.base[slot] = Int32(entry)
        }
    }

    /// Takes over the current version that the warehouse holds of a key: columns, then meta.
    ///
    /// A key that is in memory already stays as it is: memory is ahead of the file, which may still call current what has been closed here.
    func load(_ row: UnsafePointer<Int64>, rowid: Int64) {
        let known = entryCount
        let found = find(row)
        let entry = found.entry >= 0 ? found.entry : insert(row, found.hash, found.slot)
        guard entry == known || entry == awaited else { return }
        let at = rows.base + entry * stride
        for i in 0..<stride { at[i] = row[i] }
        rowids[entry] = rowid
        flags[entry] = Self.present
    }

    private func loadPartition(_ key: [Int64]) throws {
        guard let lookUpPartition, loadedPartitions.insert(key).inserted else { return }
        try lookUpPartition(key)
    }

    // MARK: Candidates

    /// Lines of the candidates' capture that a later line of the same key, but with other values, stood in for.
    private(set) var overridden: Int64 = 0

    /// Offers one row of a capture; the last line of a key wins. With `onlyTouched`, keys without a target are passed over.
    @inline(__always) func offer(_ row: UnsafePointer<Int64>, line: Int64, onlyTouched: Bool) {
        let entry = entry(row, create: !onlyTouched)
        if entry < 0 || (onlyTouched && targetOf[entry] < 0) { return }
        var candidate = Int(candidateOf[entry])
        if candidate < 0 {
            candidate = candidateEntries.count
            candidateEntries.append(Int32(entry))
            candidateLines.append(line)
            _ = candidateRows.extend(by: width)
            candidateOf[entry] = Int32(candidate)
        } else {
            let before = candidateRows.base + candidate * width
            var same = true
            for column in 0..<width where before[column] != row[column] { same = false }
            if !same { overridden += 1 }
        }
        candidateLines[candidate] = line
        (candidateRows.base + candidate * width).update(from: row, count: width)
    }

    /// Offers one row whose key is not its own: the n-th row of a capture with it gets `n` in `occurrence`.
    ///
    /// With `onlyTouched` the touched numbers of a key must run from 1 on, as one whole capture touches them.
    func offerOccurrence(_ row: UnsafeMutablePointer<Int64>, occurrence: Int, line: Int64, onlyTouched: Bool) {
        row[occurrence] = 1
        var found = find(row)
        while found.entry >= 0, candidateOf[found.entry] >= 0 {
            row[occurrence] += 1
            found = find(row)
        }
        offer(row, line: line, onlyTouched: onlyTouched)
    }

    /// Forgets the candidates after a capture.
    func clearCandidates() {
        for i in 0..<candidateEntries.count { candidateOf[Int(candidateEntries[i])] = -1 }
        overridden = 0
        candidateEntries.removeAll()
        candidateLines.removeAll()
        candidateRows.removeAll()
    }

    // MARK: Targets

    @inline(__always) private func target(_ entry: Int, startingAbsent: Bool) -> Int {
        let known = Int(targetOf[entry])
        if known >= 0 { return known }
        let made = targetEntries.count
        targetEntries.append(Int32(entry))
        let current = rows.base + entry * stride
        let at = targetRows.extend(by: stride)
        (targetRows.base + at).update(from: current, count: stride)
        targetPresent.append(!startingAbsent && flags[entry] & Self.present != 0)
        targetOf[entry] = Int32(made)
        return made
    }

    /// Marks every key of the candidates as touched, with nothing in it yet: the start of a fold over captures.
    func touchCandidates() {
        for i in 0..<candidateEntries.count { _ = target(Int(candidateEntries[i]), startingAbsent: true) }
    }

    /// Marks every current row of a partition as touched, with nothing in it yet.
    func touchPartition(_ key: [Int64]) throws {
        try loadPartition(key)
        for entry in partitionEntries[key] ?? [] { _ = target(Int(entry), startingAbsent: true) }
    }

    /// Marks everything of an account as touched, with nothing in it yet.
    func touchAll(source: Int64, account: Int64) {
        for entry in 0..<entryCount where rows[entry * stride] == source && rows[entry * stride + 1] == account {
            _ = target(entry, startingAbsent: true)
        }
    }

    /// One step of the merge: the candidates of a capture that outranks what the targets hold so far.
    ///
    /// `folding` starts untouched targets from nothing (a fold from the first capture on) instead of from the current version.
    func applyCandidates(capture: Int64, folding: Bool) {
        for i in 0..<candidateEntries.count { applyCandidate(i, capture: capture, folding: folding) }
    }

    @inline(__always) private func applyCandidate(_ i: Int, capture: Int64, folding: Bool) {
        let index = target(Int(candidateEntries[i]), startingAbsent: folding)
        let at = targetRows.base + index * stride
        let candidate = candidateRows.base + i * width
        var same = targetPresent[index]
        if same { for column in 0..<width where at[column] != candidate[column] { same = false } }
        if !same {
            at.update(from: candidate, count: width)
            at[width + Meta.setSeq] = capture
            at[width + Meta.setLine] = candidateLines[i]
            targetPresent[index] = true
        }
        at[width + Meta.win] = capture
    }

    /// Applies the candidates of a capture of any rank from the pointers of the current versions alone.
    ///
    /// Returns false, with targets half made, when a key cannot be decided so: the caller then folds over all captures.
    func applyRanked(capture: Int64, rank: (Int64) -> Rank) -> Bool {
        let mine = rank(capture)
        for i in 0..<candidateEntries.count {
            let entry = Int(candidateEntries[i])
            let current = rows.base + entry * stride
            if flags[entry] & Self.present == 0 || mine > rank(current[width + Meta.win]) {
                applyCandidate(i, capture: capture, folding: false)
                continue
            }
            let candidate = candidateRows.base + i * width
            var same = true
            for column in 0..<width where current[column] != candidate[column] { same = false }
            // Between the first and the last capture of an unbroken run an equal value changes nothing; below the run a different one
            // does not.
            if (mine > rank(current[width + Meta.setSeq])) != same { return false }
        }
        return true
    }

    /// Forgets the targets made so far.
    func clearTargets() {
        for i in 0..<targetEntries.count { targetOf[Int(targetEntries[i])] = -1 }
        targetEntries.removeAll()
        targetPresent.removeAll()
        targetRows.removeAll()
    }

    /// Rows of the partition that the capture no longer has become absent. Call after `applyCandidates` of the same capture.
    func dropMissing(in key: [Int64], folding: Bool) throws {
        if !folding { try loadPartition(key) }
        for entry in partitionEntries[key] ?? [] where candidateOf[Int(entry)] < 0 {
            if targetOf[Int(entry)] < 0, folding || flags[Int(entry)] & Self.present == 0 { continue }
            // `target` may move the vector: never inside the subscript.
            let index = target(Int(entry), startingAbsent: folding)
            targetPresent[index] = false
        }
    }

    /// Adds a change to a kept total: the group's key, its row count, its sums. A group without rows is absent.
    func adjust(_ delta: UnsafePointer<Int64>, keyWidth: Int) throws {
        let entry = entry(delta, create: true)
        try check()
        let index = target(entry, startingAbsent: false)
        let at = targetRows.base + index * stride
        if !targetPresent[index] {
            at.update(from: delta, count: width)
        } else {
            for i in keyWidth..<width {
                let (sum, overflow) = at[i].addingReportingOverflow(delta[i])
                guard !overflow else { throw SQLiteFailure(message: "a kept total exceeds 64 bits: a file holds an absurd amount") }
                at[i] = sum
            }
        }
        targetPresent[index] = at[keyWidth] != 0
    }

    // MARK: Settling

    /// Ends an event: opens, closes and moves, and tells each change to `changed` (old row or nil, new row or nil).
    ///
    /// Versions that the event would open and close at once cannot occur: an entry is settled once an event.
    func settle(
        seq: Int64, changed: (_ old: UnsafePointer<Int64>?, _ new: UnsafePointer<Int64>?) throws -> Void,
        moved: (UnsafePointer<Int64>) -> Void
    ) throws {
        for i in 0..<targetEntries.count {
            let entry = Int(targetEntries[i])
            targetOf[entry] = -1
            let current = rows.base + entry * stride
            let target = targetRows.base + i * stride
            let wasPresent = flags[entry] & Self.present != 0
            let isPresent = targetPresent[i]
            var same = wasPresent && isPresent
            if same { for column in 0..<width where current[column] != target[column] { same = false } }
            if same {
                if current[width + Meta.setSeq] != target[width + Meta.setSeq]
                    || current[width + Meta.setLine] != target[width + Meta.setLine]
                    || current[width + Meta.win] != target[width + Meta.win]
                {
                    if current[width + Meta.setSeq] != target[width + Meta.setSeq]
                        || current[width + Meta.setLine] != target[width + Meta.setLine]
                    {
                        moved(target)
                    }
                    current[width + Meta.setSeq] = target[width + Meta.setSeq]
                    current[width + Meta.setLine] = target[width + Meta.setLine]
                    current[width + Meta.win] = target[width + Meta.win]
                    flags[entry] |= Self.movedLineage
                }
                continue
            }
            guard wasPresent || isPresent else { continue }
            try changed(wasPresent ? UnsafePointer(current) : nil, isPresent ? UnsafePointer(target) : nil)
            if wasPresent {
                let at = closed.extend(by: stride + 1)
                (closed.base + at).update(from: current, count: stride)
                closed.base[at + stride] = seq
                closedRowids.append(rowids[entry])
                rowids[entry] = 0
                flags[entry] = 0
            }
            if isPresent {
                current.update(from: target, count: stride)
                current[width + Meta.from] = seq
                flags[entry] = Self.present | Self.dirty
            }
        }
        clearTargets()
    }

    // MARK: Writing out

    struct Pending {
        /// Entries that need an INSERT, in key order.
        var inserts: [Int32]
        /// Entries written before, whose lineage moved.
        var moves: [Int32]
    }

    /// What must be written; inserts sorted by key columns so that loads run in the order of the key index.
    func pending() -> Pending {
        var inserts: [Int32] = []
        var moves: [Int32] = []
        for entry in 0..<entryCount {
            if flags[entry] & Self.dirty != 0 {
                inserts.append(Int32(entry))
            } else if flags[entry] & Self.movedLineage != 0, rowids[entry] != 0 {
                moves.append(Int32(entry))
            }
        }
        let base = rows.base
        let stride = stride
        let keys = keyColumns
        inserts.sort { a, b in
            let x = base + Int(a) * stride
            let y = base + Int(b) * stride
            for column in keys where x[column] != y[column] { return x[column] < y[column] }
            return false
        }
        return Pending(inserts: inserts, moves: moves)
    }

    func row(_ entry: Int32) -> UnsafePointer<Int64> { UnsafePointer(rows.base + Int(entry) * stride) }
    func rowid(_ entry: Int32) -> Int64 { rowids[Int(entry)] }
    var closedStride: Int { stride + 1 }

    func markWritten(_ entry: Int32, rowid: Int64) {
        rowids[Int(entry)] = rowid
        flags[Int(entry)] = Self.present
    }

    /// Everything is written: forget closed versions, and all entries too when `forget` is set.
    func written(forget: Bool) {
        closed.removeAll()
        closedRowids.removeAll()
        guard forget else { return }
        entryCount = 0
        rows.reset()
        closed.reset()
        rowids.removeAll()
        flags.removeAll()
        hashes.removeAll()
        candidateOf.removeAll()
        targetOf.removeAll()
        partitionEntries = [:]
        loadedPartitions = []
        for i in 0..<slots.count { slots.base[i] = -1 }
    }
}
