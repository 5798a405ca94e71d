/// One typed row of a made-up capture, as a reader of the file by eye would type it.
package struct LabRow: Hashable, Sendable {
    /// Record number in the file; the header is 1.
    package var line: Int64
    package var artist: String
    /// Days since 1970-01-01.
    package var day: Int64
    package var value: Int64?
    package var note: String?

    var cells: String { "\(artist)|\(day)|\(value.map(String.init) ?? "–")|\(note ?? "–")" }
}

/// One promoted capture in the terms of the merge rules.
package struct LabStaging: Sendable {
    package var capture: Int64
    package var rows: [LabRow]
    /// Days named in an accepted or a rejected line.
    package var days: Set<Int64>
    /// Days held back by the promotion.
    package var held: Set<Int64>
}

/// What one event of a made-up history means, without its bytes.
package enum Happening: Sendable {
    case captured(dataset: Lab.Dataset, account: String, observed: Int64)
    case promoted([LabStaging])
    case live(capture: Int64, Bool)
    case accepted(capture: Int64, day: Int64)
    case quarantined(capture: Int64)
    case alias(service: String, value: String, member: String)
    /// The end of a run; the day it happened on, in the log's reporting zone.
    case completed(day: Int64)
    /// An event that changes no fact and no member.
    case nothing
}

/// What is known after some events, found by going through all of them from the first.
struct BruteState {
    struct Known {
        var dataset: Lab.Dataset
        var account: String
        var observed: Int64
        var isLive = true
        var staging: LabStaging?
    }

    /// The value of a key with where its unbroken run began.
    struct Fact: Equatable {
        var row: LabRow
        var capture: Int64
        var line: Int64
    }

    private(set) var captures: [Int64: Known] = [:]
    /// service and plain name → member and the event that said so.
    private var aliases: [String: (member: String, seq: Int64)] = [:]
    /// Plain name → the event since which it has been what it is now; 0 by itself.
    private var since: [String: Int64] = [:]

    init(_ happenings: some Sequence<Happening>) {
        for (index, happening) in happenings.enumerated() {
            let seq = Int64(index + 1)
            switch happening {
            case .captured(let dataset, let account, let observed):
                captures[seq] = Known(dataset: dataset, account: account, observed: observed)
            case .promoted(let items): for item in items { captures[item.capture]?.staging = item }
            case .live(let capture, let isLive): captures[capture]?.isLive = isLive
            case .accepted(let capture, let day): captures[capture]?.staging?.held.remove(day)
            case .quarantined(let capture): captures[capture]?.staging = nil
            case .alias(let service, let value, let member):
                let name = "\(service)|\(Self.plain(value))"
                let before = self.member(of: value)
                if aliases[name]?.member != member { aliases[name] = (member, seq) }
                if self.member(of: value) != before { since[Self.plain(value)] = seq }
            case .completed, .nothing: break
            }
        }
    }

    private static func plain(_ name: String) -> String { name.lowercased().filter { $0 != " " && $0 != "-" && $0 != "." && $0 != "_" } }

    func member(of artist: String) -> String {
        let said = ["test", "*"].compactMap { aliases["\($0)|\(Self.plain(artist))"] }
        return said.max { $0.seq < $1.seq }?.member ?? "artist:\(Self.plain(artist))"
    }

    /// The facts without those that stand behind another of their account, day and member.
    func visible(_ facts: [String: Fact]) -> [String: Fact] {
        facts.filter { key, fact in
            guard key.hasPrefix("up|") else { return true }
            let account = key.split(separator: "|")[1]
            let mine = (since[Self.plain(fact.row.artist)] ?? 0, fact.row.artist)
            return !facts.contains { other in
                other.key.hasPrefix("up|\(account)|") && other.value.row.day == fact.row.day && other.value.row.artist != fact.row.artist
                    && member(of: other.value.row.artist) == member(of: fact.row.artist)
                    && (since[Self.plain(other.value.row.artist)] ?? 0, other.value.row.artist) < mine
            }
        }
    }

    func isRanked(_ a: Int64, below b: Int64) -> Bool {
        guard let x = captures[a], let y = captures[b] else { return false }
        return (x.observed, a) < (y.observed, b)
    }

    /// Live, promoted captures of an account, the best last.
    func ranked(_ dataset: Lab.Dataset, _ account: String) -> [Int64] {
        captures.filter { $0.value.isLive && $0.value.staging != nil && $0.value.dataset == dataset && $0.value.account == account }
            .keys.sorted { isRanked($0, below: $1) }
    }

    /// Those that name a day and are not held back on it, the best last.
    func claimants(_ account: String, day: Int64) -> [Int64] {
        ranked(.rp, account).filter { capture in
            captures[capture]?.staging.map { $0.days.contains(day) && !$0.held.contains(day) } ?? false
        }
    }

    func rows(of capture: Int64) -> [LabRow] { captures[capture]?.staging?.rows ?? [] }

    /// The facts by key.
    func facts() -> [String: Fact] {
        var facts: [String: Fact] = [:]
        for account in Lab.accounts {
            for capture in ranked(.ap, account) {
                for row in rows(of: capture) {
                    facts["ap|\(account)|\(capture)|\(row.line)"] = Fact(row: row, capture: capture, line: row.line)
                }
            }
            var claims: [String: [(row: LabRow, capture: Int64)]] = [:]
            for capture in ranked(.up, account) {
                var last: [String: LabRow] = [:]
                for row in rows(of: capture) { last["up|\(account)|\(row.artist)|\(row.day)"] = row }
                for (key, row) in last { claims[key, default: []].append((row, capture)) }
            }
            for capture in ranked(.oc, account) {
                var counts: [String: Int] = [:]
                for row in rows(of: capture) {
                    let key = "oc|\(account)|\(row.artist)|\(row.day)"
                    counts[key, default: 0] += 1
                    claims["\(key)|\(counts[key] ?? 0)", default: []].append((row, capture))
                }
            }
            for (key, list) in claims {
                var start = list.count - 1
                while start > 0, list[start - 1].row.cells == list[start].row.cells { start -= 1 }
                facts[key] = Fact(row: list[start].row, capture: list[start].capture, line: list[start].row.line)
            }
            for day in Set(ranked(.rp, account).flatMap { captures[$0]?.staging?.days ?? [] }) {
                let claims = claimants(account, day: day).map { (capture: $0, rows: numbered(rows(of: $0).filter { $0.day == day })) }
                guard let best = claims.last else { continue }
                for (key, _) in best.rows {
                    var start = claims.count - 1
                    while start > 0, claims[start - 1].rows[key] != nil { start -= 1 }
                    guard let row = claims[start].rows[key] else { continue }
                    facts["rp|\(account)|\(key)"] = Fact(row: row, capture: claims[start].capture, line: row.line)
                }
            }
        }
        return facts
    }

    /// Lines of live captures that a later line of the file with the same key, but with other values, stood in for.
    func overridden() -> [String] {
        captures.compactMap { capture, known in
            guard known.isLive, known.dataset == .up, let rows = known.staging?.rows else { return nil }
            var last: [String: String] = [:]
            let count = rows.count { row in last.updateValue(row.cells, forKey: "\(row.artist)|\(row.day)").map { $0 != row.cells } ?? false
            }
            return count > 0 ? "test/up · up_\(capture).csv · \(count)" : nil
        }
    }

    /// Rows by content and number among equal ones.
    private func numbered(_ rows: [LabRow]) -> [String: LabRow] {
        var counts: [String: Int] = [:]
        var result: [String: LabRow] = [:]
        for row in rows {
            counts[row.cells, default: 0] += 1
            result["\(row.cells)|\(counts[row.cells] ?? 0)"] = row
        }
        return result
    }
}

/// The merge rules by brute force: slow, simple, and sharing no code with the projector it checks.
///
/// After every event the whole history up to it is folded again; a version is what differs between two neighbours.
/// All results are sorted lines of text, so that a difference can be read.
package struct BruteFold {
    /// `key · cells · from_seq · to_seq · set_seq · set_line` of every version of every fact.
    package private(set) var versions: [String] = []
    /// `key · row count, sum · from_seq · to_seq` of every version of every kept total.
    package private(set) var totals: [String] = []
    /// `KPI · seq · dimensions · numerator · denominator` at every completion after something new.
    package private(set) var kpis: [String] = []
    /// `member · source value · rows left out` in the end: two source values of one member met on one key; or
    /// `dataset · file · lines left out`: two lines of one file did.
    package private(set) var issues: [String] = []

    /// Folds after each event.
    package init(_ happenings: [Happening]) {
        var open: [String: (from: Int64, fact: BruteState.Fact)] = [:]
        var openTotals: [String: (from: Int64, sums: String)] = [:]
        var hasNews = false
        func close(_ key: String, at seq: Int64?) {
            guard let (from, fact) = open.removeValue(forKey: key) else { return }
            versions.append("\(key) · \(fact.row.cells) · \(from) · \(seq.map(String.init) ?? "now") · \(fact.capture) · \(fact.line)")
        }
        func closeTotal(_ key: String, at seq: Int64?) {
            guard let (from, sums) = openTotals.removeValue(forKey: key) else { return }
            totals.append("\(key) · \(sums) · \(from) · \(seq.map(String.init) ?? "now")")
        }
        for (index, happening) in happenings.enumerated() {
            let seq = Int64(index + 1)
            switch happening {
            case .nothing, .captured: continue
            case .completed: break
            case .quarantined(let capture):
                // Of something never promoted it changes nothing.
                if BruteState(happenings[..<index]).captures[capture]?.staging == nil { continue }
                hasNews = true
            default: hasNews = true
            }
            let state = BruteState(happenings[...index])
            let facts = state.facts()
            if case .completed(let day) = happening {
                if hasNews { kpis += Self.kpis(state.visible(facts), state, seq: seq, day: day) }
                hasNews = false
                continue
            }
            for (key, before) in open where facts[key]?.row.cells != before.fact.row.cells { close(key, at: seq) }
            for (key, fact) in facts { open[key] = (open[key]?.from ?? seq, fact) }
            let sums = Self.totals(facts)
            for (key, before) in openTotals where sums[key] != before.sums { closeTotal(key, at: seq) }
            for (key, value) in sums where openTotals[key] == nil { openTotals[key] = (seq, value) }
        }
        let last = BruteState(happenings)
        let facts = last.facts()
        let left = facts.filter { [visible = last.visible(facts)] in visible[$0.key] == nil }
        issues =
            Dictionary(grouping: left.values) { $0.row.artist }
            .map { "\(last.member(of: $0)) · \($0) · \($1.count)" } + last.overridden()
        issues.sort()
        for key in open.keys { close(key, at: nil) }
        for key in openTotals.keys { closeTotal(key, at: nil) }
        versions.sort()
        totals.sort()
        kpis.sort()
    }

    /// `dataset_total|account|group` → `rows, sum`; what is not reported adds nothing.
    private static func totals(_ facts: [String: BruteState.Fact]) -> [String: String] {
        var sums: [String: (rows: Int64, sum: Int64)] = [:]
        for (key, fact) in facts {
            let parts = key.split(separator: "|")
            let group = parts[0] == "rp" ? "\(fact.row.day)|\(fact.row.artist)" : fact.row.artist
            let old = sums["\(parts[0])_total|\(parts[1])|\(group)"] ?? (0, 0)
            sums["\(parts[0])_total|\(parts[1])|\(group)"] = (old.rows + 1, old.sum + (fact.row.value ?? 0))
        }
        return sums.mapValues { "\($0.rows), \($0.sum)" }
    }

    private static func kpis(_ facts: [String: BruteState.Fact], _ state: BruteState, seq: Int64, day: Int64) -> [String] {
        var artists: [String: (rows: Int64, sum: Int64)] = [:]
        var members: [String: (rows: Int64, sum: Int64?)] = [:]
        var upMembers: [String: (rows: Int64, sum: Int64?)] = [:]
        var appended: Int64 = 0
        for (key, fact) in facts {
            if key.hasPrefix("up|") {
                let member = state.member(of: fact.row.artist)
                let known = upMembers[member] ?? (0, nil)
                upMembers[member] = (known.rows + 1, fact.row.value.map { (known.sum ?? 0) + $0 } ?? known.sum)
                let old = artists[fact.row.artist] ?? (0, 0)
                artists[fact.row.artist] = (old.rows + 1, old.sum + (fact.row.value ?? 0))
            } else if key.hasPrefix("rp|") {
                let member = state.member(of: fact.row.artist)
                let old = members[member] ?? (0, nil)
                members[member] = (old.rows + 1, fact.row.value.map { (old.sum ?? 0) + $0 } ?? old.sum)
            } else if key.hasPrefix("ap|") {
                appended += fact.row.value ?? 0
            }
        }
        return artists.map { "up_by_artist · \(seq) · {\"artist\":\"\($0)\"} · \($1.sum) · \($1.rows)" }
            + members.map { "rp_by_member · \(seq) · {\"member\":\"\($0)\"} · \($1.sum.map(String.init) ?? "–") · \($1.rows)" }
            + upMembers.map { "up_by_member · \(seq) · {\"member\":\"\($0)\"} · \($1.sum.map(String.init) ?? "–") · \($1.rows)" }
            + ["ap_today · \(seq) · {} · \(appended + day) · \(seq)"]
    }
}
