import Cleaning
import EventLog
import GRDB
import GRDBSQLite

/// A promotion to staging as it concerns one capture.
typealias Promotion = (contract: Hash256, revision: Int64, item: StagedPromotion)

/// What the log says of one capture up to the event being applied.
struct CaptureState {
    var capture: Capture
    var live = true
    /// The last promotion to staging; nil before it and after a quarantine.
    var promotion: Promotion?
    /// Partitions held back by that promotion and not accepted since.
    var held: Set<Int64> = []
}

/// Gives the typed rows of a promoted capture, batch by batch.
protocol RowSource: AnyObject {
    /// `verify` also checks that the staging output still has the digest of the promotion.
    func rows(
        of capture: Capture, contract: Hash256, revision: Int64, expecting: StagedPromotion, verify: Bool,
        _ body: (StagedBatch) throws -> Void) throws
    func contract(_ hash: Hash256) throws -> Contract
}

/// Applies promotions, retractions, reinstatements and acceptances to the facts: the merge rules of the contracts.
///
/// Every method is the net effect of one event. A capture that outranks all others of its account is merged against the current versions;
/// anything else is a fold over the captures of its dataset and account in rank order, restricted to the keys or partitions concerned.
final class Merger {
    /// One fact fed by one stream.
    fileprivate final class Feed {
        let fact: FactDefinition
        let writer: TableWriter
        let totals: [TotalFeed]
        let loader: FactLoader
        let dataset: Int64
        let accountSpace: Int
        /// Where the number stands among rows with one key, where that is part of their identity.
        let occurrenceIndex: Int?
        let partitionIndex: Int?
        /// Where the fact's ``FactDefinition/cut`` stands.
        let cutIndex: Int?
        /// Where the row's hash stands, where that is part of its identity.
        let hashIndex: Int?

        init(
            fact: FactDefinition, writer: TableWriter, totals: [TotalFeed], loader: FactLoader, stream: String,
            sources: SourceValues
        ) throws {
            self.fact = fact
            self.writer = writer
            self.totals = totals
            self.loader = loader
            let service = String(stream.prefix { $0 != "/" })
            dataset = try sources.id(sources.space(kind: "dataset", service: ""), stream)
            accountSpace = sources.space(kind: "account", service: service)
            let end = 2 + fact.columns.count
            hashIndex = fact.identity == .row ? end : nil
            occurrenceIndex =
                switch fact.identity {
                case .key: nil
                case .occurrence: end
                case .row: end + 1
                }
            partitionIndex = fact.partition.map { 2 + fact.index($0) }
            cutIndex = fact.cut.map { 2 + fact.index($0) }
        }
    }

    /// A kept total and where its columns stand in the fact's rows.
    fileprivate final class TotalFeed {
        let writer: TableWriter
        let deltas: DeltaTable
        let by: [Int]
        let sums: [Int]

        init(total: FactDefinition.Total, fact: FactDefinition, writer: TableWriter) {
            self.writer = writer
            by = [0, 1] + total.by.map { 2 + fact.index($0) }
            sums = total.sums.map { 2 + fact.index($0) }
            deltas = DeltaTable(keyWidth: by.count, sumCount: sums.count)
        }
    }

    /// What one event changed, for reports and for the curated files that must be rewritten.
    struct Changes {
        var opened = 0
        var closed = 0
        var replaced = 0
        /// Facts with any change, lineage included, and kept totals with a change.
        var facts: Set<String> = []
        /// fact → values of its ``FactDefinition/cut`` column in changed rows, for facts that have one.
        var partitions: [String: Set<Int64>] = [:]

        mutating func merge(_ other: Changes) {
            opened += other.opened
            closed += other.closed
            replaced += other.replaced
            facts.formUnion(other.facts)
            partitions.merge(other.partitions) { $0.union($1) }
        }
    }

    private let definitions: DefinitionSet
    private let source: any RowSource
    let sources: SourceValues
    let writers: [String: TableWriter]
    var captures: [Int64: CaptureState] = [:]
    /// Captures whose outputs were checked, and their zone files written, while they were merged. Whoever reads this takes them out.
    var checked: Set<Int64> = []
    /// Lines of a capture, by fact, that a later line of the file with the same key stood in for. Whoever reads this takes them out.
    var overridden: [Int64: [String: Int64]] = [:]
    private var feeds: [String: [Feed]] = [:]

    init(definitions: DefinitionSet, writers: [String: TableWriter], sources: SourceValues, source: any RowSource) {
        self.definitions = definitions
        self.writers = writers
        self.sources = sources
        self.source = source
    }

    // MARK: Events

    /// `zone.promoted` to staging: the last promotion of a capture replaces its earlier one whole, at unchanged rank.
    func promote(_ promotion: StagingPromotion) throws -> Changes {
        let stream = promotion.stream
        let isFirst = promotion.items.count == 1 && captures[promotion.items[0].capture]?.promotion == nil
        for item in promotion.items {
            guard captures[item.capture] != nil else {
                throw VocabularyError(seq: promotion.seq, type: EventType.promoted.rawValue, field: "items.capture \(item.capture)")
            }
            captures[item.capture]?.promotion = (promotion.contract, promotion.revision, item)
            captures[item.capture]?.held = Set(item.partitions.filter(\.held).map(\.value))
        }
        if isFirst, let state = captures[promotion.items[0].capture] {
            guard state.live else { return Changes() }
            return try mergeNew(state, stream: stream, seq: promotion.seq)
        }
        // A re-promotion may have changed keys and columns alike: everything of its accounts is folded again.
        var changes = Changes()
        for account in Set(promotion.items.compactMap({ captures[$0.capture]?.capture.account })).sorted() {
            changes.merge(try refold(stream: stream, account: account, seq: promotion.seq, contract: promotion.contract))
        }
        return changes
    }

    /// A capture was withdrawn, or brought back, or its promotion was quarantined.
    func setLive(_ live: Bool, capture seq: Int64, at event: Int64) throws -> Changes {
        guard let state = captures[seq], state.live != live else { return Changes() }
        captures[seq]?.live = live
        guard let promotion = state.promotion else { return Changes() }
        return try refold(state.capture, promotion, seq: event)
    }

    /// The quarantine of a promoted capture: it counts as never promoted.
    func unpromote(capture seq: Int64, at event: Int64) throws -> Changes {
        guard let state = captures[seq], let promotion = state.promotion else { return Changes() }
        captures[seq]?.promotion = nil
        captures[seq]?.held = []
        defer { overridden[seq] = [:] }
        return state.live ? try refold(state.capture, promotion, seq: event) : Changes()
    }

    /// `zone.accepted`: a held partition is let through.
    func accept(partition: Int64, capture seq: Int64, at event: Int64) throws -> Changes {
        guard captures[seq]?.held.remove(partition) != nil, let state = captures[seq], state.live, let promotion = state.promotion else {
            return Changes()
        }
        return try refold(state.capture, promotion, seq: event, only: [partition])
    }

    // MARK: Merging

    /// Live, promoted captures of an account in rank order.
    private func ranked(_ stream: String, _ account: String) -> [CaptureState] {
        captures.values
            .filter { $0.live && $0.promotion != nil && $0.capture.account == account && $0.capture.stream == stream }
            .sorted { $0.capture.rank < $1.capture.rank }
    }

    private func mergeNew(_ state: CaptureState, stream: String, seq: Int64) throws -> Changes {
        guard let promotion = state.promotion else { return Changes() }
        let others = ranked(stream, state.capture.account).filter { $0.capture.seq != state.capture.seq }
        let contract = try source.contract(promotion.contract)
        let isTop = others.last.map { $0.capture.rank < state.capture.rank } ?? true
        var slow = Set<Int64>()
        var named: [Int64] = []
        if case .replacePartition = contract.merge {
            for partition in promotion.item.partitions where !state.held.contains(partition.value) {
                let rival = isTop ? nil : others.last { other in !other.held.contains(partition.value) && other.names(partition.value) }
                if let rival, rival.capture.rank > state.capture.rank {
                    slow.insert(partition.value)
                } else {
                    named.append(partition.value)
                }
            }
        }
        if !slow.isEmpty {
            // One event, one net effect: everything this capture touches goes through the fold together.
            return try refold(state.capture, promotion, seq: seq)
        }
        let feeds = try feeds(of: stream, contract: promotion.contract)
        try collect(state.capture, promotion, held: state.held, feeds: feeds, contract: contract, verify: true)
        for feed in feeds {
            let account = try sources.id(feed.accountSpace, state.capture.account)
            switch contract.merge {
            case .append:
                feed.writer.store.applyCandidates(capture: state.capture.seq, folding: false)
            case .replacePartition:
                feed.writer.store.applyCandidates(capture: state.capture.seq, folding: false)
                for partition in named { try feed.writer.store.dropMissing(in: [feed.dataset, account, partition], folding: false) }
            case .upsert:
                if isTop {
                    feed.writer.store.applyCandidates(capture: state.capture.seq, folding: false)
                } else if !feed.writer.store.applyRanked(
                    capture: state.capture.seq, rank: { self.captures[$0]?.capture.rank ?? Rank(observed: .min, seq: 0) })
                {
                    feed.writer.store.clearTargets()
                    feed.writer.store.touchCandidates()
                    feed.writer.store.clearCandidates()
                    try fold(stream: stream, account: state.capture.account, feeds: [feed], scope: .touchedKeys)
                }
            }
            feed.writer.store.clearCandidates()
        }
        return try settle(feeds, seq: seq)
    }

    /// What a fold derives anew.
    private enum Scope {
        case everything, touchedKeys
        case partitions(Set<Int64>)
    }

    /// Re-derives what one promotion of a capture names from all live captures of its account.
    private func refold(_ capture: Capture, _ promotion: Promotion, seq: Int64, only: Set<Int64>? = nil) throws -> Changes {
        let contract = try source.contract(promotion.contract)
        let feeds = try feeds(of: capture.stream, contract: promotion.contract)
        var scope = Scope.touchedKeys
        if case .replacePartition = contract.merge {
            let named = promotion.item.partitions.map(\.value).filter { only?.contains($0) ?? true }
            for feed in feeds {
                let account = try sources.id(feed.accountSpace, capture.account)
                for partition in named { try feed.writer.store.touchPartition([feed.dataset, account, partition]) }
            }
            scope = .partitions(Set(named))
        } else {
            try collect(capture, promotion, held: [], feeds: feeds, contract: contract, verify: false)
            for feed in feeds {
                feed.writer.store.touchCandidates()
                feed.writer.store.clearCandidates()
            }
        }
        try fold(stream: capture.stream, account: capture.account, feeds: feeds, scope: scope)
        return try settle(feeds, seq: seq)
    }

    /// Re-derives everything of an account.
    private func refold(stream: String, account: String, seq: Int64, contract: Hash256) throws -> Changes {
        let feeds = try feeds(of: stream, contract: contract)
        for feed in feeds {
            let account = try sources.id(feed.accountSpace, account)
            try feed.writer.loadAll(source: feed.dataset, account: account)
            feed.writer.store.touchAll(source: feed.dataset, account: account)
        }
        try fold(stream: stream, account: account, feeds: feeds, scope: .everything)
        return try settle(feeds, seq: seq)
    }

    /// Runs over the live captures in rank order and leaves in the targets what they make of the scope.
    private func fold(stream: String, account: String, feeds: [Feed], scope: Scope) throws {
        for state in ranked(stream, account) {
            guard let promotion = state.promotion else { continue }
            let contract = try source.contract(promotion.contract)
            var named = promotion.item.partitions.map(\.value).filter { !state.held.contains($0) }
            var only: Set<Int64>?
            var onlyTouched = false
            switch scope {
            case .everything: break
            case .touchedKeys: onlyTouched = true
            case .partitions(let partitions):
                named = named.filter(partitions.contains)
                only = partitions
                if named.isEmpty { continue }
            }
            // The feeds of the scope share their stores with those of the capture's own contract.
            let own = try self.feeds(of: stream, contract: promotion.contract).filter { feed in feeds.contains { $0.writer === feed.writer }
            }
            try collect(
                state.capture, promotion, held: state.held, feeds: own, contract: contract, verify: false, onlyPartitions: only,
                onlyTouched: onlyTouched)
            for feed in own {
                let accountID = try sources.id(feed.accountSpace, account)
                feed.writer.store.applyCandidates(capture: state.capture.seq, folding: true)
                for partition in named { try feed.writer.store.dropMissing(in: [feed.dataset, accountID, partition], folding: true) }
                feed.writer.store.clearCandidates()
            }
        }
    }

    /// Offers the rows of one capture to the stores of the feeds.
    private func collect(
        _ capture: Capture, _ promotion: Promotion, held: Set<Int64>, feeds: [Feed], contract: Contract,
        verify: Bool, onlyPartitions: Set<Int64>? = nil, onlyTouched: Bool = false
    ) throws {
        if verify { checked.insert(capture.seq) }
        var accounts: [Int64] = []
        for feed in feeds { accounts.append(try sources.id(feed.accountSpace, capture.account)) }
        let isAppend = contract.merge == .append
        let width = feeds.map(\.writer.table.width).max() ?? 0
        let row = UnsafeMutablePointer<Int64>.allocate(capacity: max(width, 1))
        defer { row.deallocate() }
        try source.rows(
            of: capture, contract: promotion.contract, revision: promotion.revision, expecting: promotion.item, verify: verify
        ) { batch in
            for (f, feed) in feeds.enumerated() {
                let store = feed.writer.store
                row[0] = feed.dataset
                row[1] = accounts[f]
                try feed.loader.load(batch, account: capture.account)
                let columns = feed.fact.columns.count
                for index in 0..<batch.count {
                    (row + 2).update(from: feed.loader.rows.base + index * columns, count: columns)
                    if let partition = feed.partitionIndex {
                        if held.contains(row[partition]) { continue }
                        if let onlyPartitions, !onlyPartitions.contains(row[partition]) { continue }
                    }
                    if let hash = feed.hashIndex { row[hash] = isAppend ? capture.seq : Int64(bitPattern: batch.hashes[index]) }
                    if let occurrence = feed.occurrenceIndex, !isAppend {
                        store.offerOccurrence(row, occurrence: occurrence, line: batch.lines[index], onlyTouched: onlyTouched)
                    } else {
                        if let occurrence = feed.occurrenceIndex { row[occurrence] = batch.lines[index] }
                        store.offer(row, line: batch.lines[index], onlyTouched: onlyTouched)
                    }
                }
                try store.check()
            }
        }
        guard !onlyTouched, onlyPartitions == nil else { return }
        overridden[capture.seq] = Dictionary(feeds.map { ($0.fact.name, $0.writer.store.overridden) }, uniquingKeysWith: { $1 })
    }

    // MARK: Settling

    private func settle(_ feeds: [Feed], seq: Int64) throws -> Changes {
        var changes = Changes()
        for feed in feeds {
            let name = feed.fact.name
            var touchedPartitions = Set<Int64>()
            var isTouched = false
            try feed.writer.store.settle(seq: seq) { old, new in
                isTouched = true
                if old != nil, new != nil { changes.replaced += 1 } else if new != nil { changes.opened += 1 } else { changes.closed += 1 }
                if let partition = feed.cutIndex {
                    if let old { touchedPartitions.insert(old[partition]) }
                    if let new { touchedPartitions.insert(new[partition]) }
                }
                for total in feed.totals {
                    if let old { try total.deltas.add(old, by: total.by, sums: total.sums, sign: -1) }
                    if let new { try total.deltas.add(new, by: total.by, sums: total.sums, sign: 1) }
                }
            } moved: { row in
                isTouched = true
                if let partition = feed.cutIndex { touchedPartitions.insert(row[partition]) }
            }
            if isTouched {
                changes.facts.insert(name)
                changes.partitions[name, default: []].formUnion(touchedPartitions)
            }
            for total in feed.totals {
                try total.deltas.drain { delta in try total.writer.store.adjust(delta, keyWidth: total.by.count) }
                try total.writer.store.settle(seq: seq) { _, _ in
                    changes.facts.insert(total.writer.table.name)
                } moved: { _ in
                }
            }
        }
        return changes
    }

    private func feeds(of stream: String, contract hash: Hash256) throws -> [Feed] {
        let key = "\(stream) \(hash.hex)"
        if let known = feeds[key] { return known }
        let facts = definitions.facts(of: stream)
        var made: [Feed] = []
        if !facts.isEmpty {
            let columns = try source.contract(hash).stagedColumns
            // A loader reads what the contract of today has; an earlier one may lack columns, which nobody reported then.
            let names = Set(columns.map(\.name))
            let absent = (definitions.contracts[stream]?.contract.stagedColumns ?? []).filter { !names.contains($0.name) }
            let staged = try StagedTable(columns: columns, absent: absent)
            made = try facts.map { fact in
                guard let writer = writers[fact.name], let loader = fact.loaders[stream] else {
                    throw DefinitionError(
                        path: fact.path, line: nil, reason: "no table \(fact.name) in the warehouse; run `bedrot rebuild`")
                }
                let totals = fact.totals.compactMap { total in writers[total.name].map { TotalFeed(total: total, fact: fact, writer: $0) } }
                let factLoader = try FactLoader(
                    fact: fact, loader: loader, staged: staged, columns: columns, absent: absent,
                    isOfToday: definitions.contracts[stream]?.hash == hash, service: String(stream.prefix { $0 != "/" }), sources: sources)
                return try Feed(fact: fact, writer: writer, totals: totals, loader: factLoader, stream: stream, sources: sources)
            }
        }
        feeds[key] = made
        return made
    }
}

extension FactDefinition {
    /// The column whose changed values ``Merger/Changes/partitions`` lists: the partition, else the first key column that is a day
    /// or a month.
    var cut: String? { partition ?? columns.first { $0.isKey && ($0.storage == .day || $0.storage == .month) }?.name }
}

extension CaptureState {
    /// Whether the capture names the partition, in an accepted or a rejected line.
    func names(_ partition: Int64) -> Bool { promotion?.item.partitions.contains { $0.value == partition } ?? false }
}

/// Sums of changes by group, gathered over one event.
final class DeltaTable {
    private let keyWidth: Int
    private let stride: Int
    private var rows: RawVector<Int64>
    private var count = 0
    private var slots = RawVector<Int32>(capacity: 1 << 10)

    init(keyWidth: Int, sumCount: Int) {
        self.keyWidth = keyWidth
        stride = keyWidth + 1 + sumCount
        rows = RawVector(capacity: stride * 16)
        _ = slots.extend(by: 1 << 10)
        for i in 0..<slots.count { slots[i] = -1 }
    }

    deinit {
        rows.free()
        slots.free()
    }

    @inline(__always) func add(_ row: UnsafePointer<Int64>, by: [Int], sums: [Int], sign: Int64) throws {
        var hash: UInt64 = 7
        for column in by { hash = mixed(hash, UInt64(bitPattern: row[column])) }
        var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
        var at = -1
        search: while slots[slot] >= 0 {
            let candidate = Int(slots[slot]) * stride
            var same = true
            for (i, column) in by.enumerated() where rows[candidate + i] != row[column] { same = false }
            if same {
                at = candidate
                break search
            }
            slot = (slot + 1) & (slots.count - 1)
        }
        if at < 0 {
            at = rows.extend(by: stride)
            for (i, column) in by.enumerated() { rows[at + i] = row[column] }
            for i in keyWidth..<stride { rows[at + i] = 0 }
            slots[slot] = Int32(count)
            count += 1
            if count * 2 > slots.count { rehash() }
        }
        rows[at + keyWidth] += sign
        for (i, column) in sums.enumerated() where row[column] != Int64.min {
            let (sum, overflow) = rows[at + keyWidth + 1 + i].addingReportingOverflow(sign * row[column])
            guard !overflow else { throw SQLiteFailure(message: "a kept total exceeds 64 bits: a file holds an absurd amount") }
            rows[at + keyWidth + 1 + i] = sum
        }
    }

    private func rehash() {
        let size = slots.count * 2
        slots.removeAll()
        _ = slots.extend(by: size)
        for i in 0..<size { slots[i] = -1 }
        for entry in 0..<count {
            var hash: UInt64 = 7
            for i in 0..<keyWidth { hash = mixed(hash, UInt64(bitPattern: rows[entry * stride + i])) }
            var slot = Int(truncatingIfNeeded: hash) & (size - 1)
            while slots[slot] >= 0 { slot = (slot + 1) & (size - 1) }
            slots[slot] = Int32(entry)
        }
    }

    /// Hands out every group whose count or sums changed, and forgets them all.
    func drain(_ body: (UnsafePointer<Int64>) throws -> Void) throws {
        for entry in 0..<count {
            let row = rows.base + entry * stride
            var changed = false
            for i in keyWidth..<stride where row[i] != 0 { changed = true }
            if changed { try body(row) }
        }
        rows.removeAll()
        count = 0
        for i in 0..<slots.count { slots[i] = -1 }
    }
}
