import Cleaning
import EventLog
import Projection

/// What the log says of one dataset up to its head: captures, which are live, what was promoted, held, accepted, quarantined.
struct StreamState {
    struct Entry {
        var capture: Capture
        var live = true
        var promotion: (contract: Hash256, revision: Int64, item: StagedPromotion)?
        var held: Set<Int64> = []
        /// Partitions that a person let through: no later promotion of this capture holds them again.
        var accepted: Set<Int64> = []
        /// The event that gave its bytes up; they may be back.
        var expired: Int64?
        /// Code of the quarantine that stands, and the contract it was found under.
        var quarantine: (code: String, contract: Hash256?)?

        /// Held back whole until a person answers.
        var isDoubted: Bool { quarantine.map { Doubts.codes.contains($0.code) } ?? false }

        /// Neither promoted nor quarantined: an interrupted run left it.
        var isUnsettled: Bool { live && promotion == nil && quarantine == nil }

        /// Whether a contract has not judged this capture yet.
        func awaits(_ contract: Hash256) -> Bool {
            if let promotion { return promotion.contract != contract || promotion.revision != Int64(Cleaner.revision) }
            guard let quarantine, live, let judged = quarantine.contract else { return false }
            return judged != contract && !Doubts.codes.contains(quarantine.code)
        }
    }

    private(set) var entries: [Int64: Entry] = [:]
    /// The last event of the stream that this state knows.
    private(set) var seq: Int64 = 0
    /// Digests by path of all zone files that the stream's promotions name, whether they are on disk or not.
    private(set) var paths: [String: Hash256] = [:]

    /// Nothing is known yet.
    init() {}

    init(_ stream: String, _ transaction: borrowing some LogReading & ~Copyable) throws {
        try transaction.events(EventQuery(streams: [stream])) { event in
            try apply(event)
            return true
        }
    }

    mutating func apply(_ event: Event) throws {
        seq = max(seq, event.seq)
        switch EventType(rawValue: event.type) {
        case .captured: entries[event.seq] = Entry(capture: try Capture(event))
        case .retracted: if let capture = event.body["capture"]?.int { entries[capture]?.live = false }
        case .reinstated: if let capture = event.body["capture"]?.int { entries[capture]?.live = true }
        case .promoted:
            guard let promotion = try StagingPromotion(event) else { return }
            for item in promotion.items {
                entries[item.capture]?.promotion = (promotion.contract, promotion.revision, item)
                entries[item.capture]?.held = Set(item.partitions.filter(\.held).map(\.value))
                entries[item.capture]?.quarantine = nil
                paths[item.rawPath] = item.rawOutput
                paths[item.path] = item.output
                if let rejects = item.rejects { paths[rejects.path] = rejects.hash }
            }
        case .accepted:
            if let capture = event.body["capture"]?.int, let partition = event.body["partition"]?.int {
                entries[capture]?.held.remove(partition)
                entries[capture]?.accepted.insert(partition)
            }
        case .quarantined:
            if let capture = event.body["capture"]?.int {
                entries[capture]?.promotion = nil
                entries[capture]?.held = []
                entries[capture]?.quarantine = (
                    event.body["code"]?.string ?? "quarantined", event.body["contract"]?.string.flatMap { Hash256(hex: $0) }
                )
            }
        case .expired:
            for item in event.body["items"]?.array ?? [] { if let capture = item["capture"]?.int { entries[capture]?.expired = event.seq } }
        default: break
        }
    }

    /// Why a merge beyond the newest capture of an account cannot be made: one that gave rows and whose bytes are gone.
    func expiredAmong(_ account: String, _ objects: ObjectStore) -> ExpiredObject? {
        let gone = entries.values.filter { entry in
            entry.expired != nil && entry.capture.account == account && (entry.promotion?.item.rowsOut ?? 0) > 0
                && !objects.contains(entry.capture.object)
        }
        guard let first = gone.min(by: { $0.capture.seq < $1.capture.seq }), let event = first.expired else { return nil }
        return ExpiredObject(capture: first.capture, event: event)
    }

    /// Live, promoted captures of an account, in rank order.
    func ranked(_ account: String) -> [Entry] {
        entries.values.filter { $0.live && $0.promotion != nil && $0.capture.account == account }.sorted {
            $0.capture.rank < $1.capture.rank
        }
    }

    /// Partitions of a promotion that the contract's guard holds back: those that would replace a live one with rejected lines,
    /// fewer rows or a lower total beyond the bound. A partition of this capture that a person has accepted stays accepted.
    func holds(_ item: StagedPromotion, rank: Rank, account: String, merge: Merge) -> Set<Int64> {
        guard case .replacePartition(_, let bounds) = merge else { return [] }
        let before = entries[item.capture]
        let rivals = ranked(account).filter { $0.capture.seq != item.capture }
        var held = Set<Int64>()
        for part in item.partitions where before?.accepted.contains(part.value) != true {
            guard
                let winner = rivals.last(where: { entry in
                    !entry.held.contains(part.value) && entry.promotion?.item.partitions.contains { $0.value == part.value } ?? false
                }), winner.capture.rank < rank,
                let live = winner.promotion?.item.partitions.first(where: { $0.value == part.value })
            else { continue }
            let fewerRows = (live.rows - part.rows) * 1000 > live.rows * Int64(bounds.maxRowDropPermille)
            let drop = Int128(live.total) - Int128(part.total)
            let lowerTotal = bounds.total != nil && drop * 1000 > Int128(live.total.magnitude) * Int128(bounds.maxTotalDropPermille)
            if part.rejects > live.rejects || fewerRows || lowerTotal { held.insert(part.value) }
        }
        return held
    }
}
