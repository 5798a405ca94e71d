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
        /// Code of the quarantine that stands, and the contract it was found under.
        var quarantine: (code: String, contract: Hash256?)?

        /// Neither promoted nor quarantined: an interrupted run left it.
        var isUnsettled: Bool { live && promotion == nil && quarantine == nil }

        /// Whether a contract has not judged this capture yet.
        func awaits(_ contract: Hash256) -> Bool {
            if let promotion { return promotion.contract != contract || promotion.revision != Int64(Cleaner.revision) }
            guard let quarantine, live, let judged = quarantine.contract else { return false }
            return judged != contract && quarantine.code != "looks_like_another_account"
        }
    }

    private(set) var entries: [Int64: Entry] = [:]
    /// The last event of the stream that this state knows.
    private(set) var seq: Int64 = 0

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
            }
        case .accepted:
            if let capture = event.body["capture"]?.int, let partition = event.body["partition"]?.int {
                entries[capture]?.held.remove(partition)
            }
        case .quarantined:
            if let capture = event.body["capture"]?.int {
                entries[capture]?.promotion = nil
                entries[capture]?.held = []
                entries[capture]?.quarantine = (
                    event.body["code"]?.string ?? "quarantined", event.body["contract"]?.string.flatMap { Hash256(hex: $0) }
                )
            }
        default: break
        }
    }

    /// Live, promoted captures of an account, in rank order.
    func ranked(_ account: String) -> [Entry] {
        entries.values.filter { $0.live && $0.promotion != nil && $0.capture.account == account }.sorted {
            $0.capture.rank < $1.capture.rank
        }
    }

    /// Partitions of a promotion that the contract's guard holds back: those that would replace a live one with rejected lines, fewer rows or a
    /// lower total beyond the bound. A partition that an earlier promotion of the same capture had accepted stays accepted.
    func holds(_ item: StagedPromotion, rank: Rank, account: String, merge: Merge) -> Set<Int64> {
        guard case .replacePartition(_, let bounds) = merge else { return [] }
        let before = entries[item.capture]
        let rivals = ranked(account).filter { $0.capture.seq != item.capture }
        var held = Set<Int64>()
        for part in item.partitions {
            if let earlier = before?.promotion?.item.partitions.first(where: { $0.value == part.value }), earlier.held,
                before?.held.contains(part.value) == false
            {
                continue
            }
            guard
                let winner = rivals.last(where: { entry in
                    !entry.held.contains(part.value) && entry.promotion?.item.partitions.contains { $0.value == part.value } ?? false
                }), winner.capture.rank < rank,
                let live = winner.promotion?.item.partitions.first(where: { $0.value == part.value })
            else { continue }
            let fewerRows = (live.rows - part.rows) * 1000 > live.rows * Int64(bounds.maxRowDropPermille)
            let drop = live.total.subtractingReportingOverflow(part.total)
            let lowerTotal =
                bounds.total != nil
                && (drop.overflow || Int128(drop.partialValue) * 1000 > Int128(live.total.magnitude) * Int128(bounds.maxTotalDropPermille))
            if part.rejects > live.rejects || fewerRows || lowerTotal { held.insert(part.value) }
        }
        return held
    }
}
