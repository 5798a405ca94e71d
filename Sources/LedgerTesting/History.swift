import Cleaning
import EventLog
import Projection

/// A small generator whose whole sequence follows from its seed.
package struct SplitMix64: Sendable {
    private var state: UInt64

    /// Equal seeds give equal sequences.
    package init(seed: UInt64) { state = seed }

    /// The next 64 bits.
    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }

    /// A number in the range.
    package mutating func number(_ range: ClosedRange<Int>) -> Int { range.lowerBound + Int(next() % UInt64(range.count)) }

    /// One of the elements; the array must not be empty.
    package mutating func pick<T>(_ elements: [T]) -> T { elements[number(0...elements.count - 1)] }

    /// True in `percent` of all cases.
    package mutating func chance(_ percent: Int) -> Bool { number(1...100) <= percent }
}

/// A random history of a lab: what a careless year does to a ledger in thirty events.
///
/// Captures out of order and of two accounts, duplicates, values that come back, withdrawn and reinstated captures, held and accepted days,
/// changed contracts, late promotions, quarantined promotions, aliases, snapshots in between, equal lines, rejected lines.
/// The history knows what each event means (``happenings``) from reading the lines itself, and checks its reading against the cleaner's.
package struct History {
    package let seed: UInt64
    /// One for each event of the lab.
    package private(set) var happenings: [Happening] = []

    private let lab: Lab
    private var random: SplitMix64
    private var captures: [Int64: Source] = [:]
    private var versions: [Lab.Dataset: Int] = [:]
    private var files: [Lab.Dataset: [[Line]]] = [:]

    private struct Source {
        var dataset: Lab.Dataset
        var account: String
        var observed: Int64
        var lines: [Line]
        var isLive = true
        var isQuarantined = false
    }

    /// A line as it is written.
    private struct Line: Hashable {
        var artist: String
        var day: String
        var value: String
        /// nil: the whole file has no such column.
        var note: String?
    }

    /// The lab's cleaner and the history read a file differently.
    package struct Disagreement: Error, CustomStringConvertible {
        package let description: String
    }

    /// Drafts at least `length` events in the lab.
    package init(seed: UInt64, length: Int, in lab: Lab) throws {
        self.seed = seed
        self.lab = lab
        random = SplitMix64(seed: seed)
        note(.nothing)
        while lab.drafts.count < length + 20 { try step() }
        completeRun()
    }

    /// Notes the meaning of the event just drafted; those before it that nobody noted mean nothing.
    private mutating func note(_ happening: Happening) {
        while happenings.count + 1 < lab.drafts.count { happenings.append(.nothing) }
        happenings.append(happening)
    }

    private mutating func completeRun() {
        let seq = lab.completeRun()
        note(.completed(day: lab.day(of: seq)))
    }

    private mutating func step() throws {
        let known = captures.keys.sorted()
        let die = known.isEmpty ? 1 : random.number(1...100)
        switch die {
        case ...48: try capture()
        case ...55:
            let live = known.filter { captures[$0]?.isLive == true }
            if !live.isEmpty { setLive(false, random.pick(live)) }
        case ...62:
            let dead = known.filter { captures[$0]?.isLive == false }
            if !dead.isEmpty { setLive(true, random.pick(dead)) }
        case ...68: try changeContract()
        case ...75: accept()
        case ...79: try promoteLate()
        case ...83:
            let seq = random.pick(known)
            captures[seq]?.isQuarantined = true
            lab.add("test/\(captures[seq]?.dataset.rawValue ?? "")", .quarantined, ["capture": .int(seq), "reason": "looks wrong"])
            note(.quarantined(capture: seq))
        case ...90:
            let (service, value, member) = (random.pick(["test", "*"]), random.pick(Self.artists), random.pick(["artist:m", "artist:n"]))
            var body: [String: JSON] = ["kind": "artist", "service": .string(service), "value": .string(value), "member": .string(member)]
            if random.chance(50) { body["name"] = .string(random.pick(["M", "N", "The Ns"])) }
            lab.add("reference/artist", .referenceChanged, .object(body))
            note(.alias(service: service, value: value, member: member))
        case ...92:
            lab.add("run", type: "future.thing", ["says": "nothing to this program"])
            note(.nothing)
        default: completeRun()
        }
    }

    // MARK: Captures

    private static let artists = ["A", "b c", "BC"]
    private static let days = ["2025-02-01", "2025-02-02"]

    private mutating func makeFile() -> [Line] {
        let hasNotes = random.chance(60)
        return (0..<random.number(1...5)).map { _ in
            Line(
                artist: random.pick(Self.artists), day: random.chance(4) ? "yesterday" : random.pick(Self.days),
                value: random.pick(["1", "1", "2", "3", "-1", "none", "x", ""]),
                note: hasNotes ? random.pick(["", "", "n,1", "say \"n\""]) : nil)
        }
    }

    private static func text(_ lines: [Line]) -> String {
        let hasNotes = lines.contains { $0.note != nil }
        return (hasNotes ? "k,p,v,note\n" : "k,p,v\n")
            + lines.map { line in
                let note = line.note.map { ",\"\($0.replacing("\"", with: "\"\""))\"" } ?? ""
                return "\(line.artist),\(line.day),\(line.value)\(note)\n"
            }.joined()
    }

    private mutating func capture() throws {
        let dataset = random.pick(Lab.Dataset.allCases)
        let account = random.pick(Lab.accounts)
        let observed = Int64(random.number(1...9))
        var lines = makeFile()
        if let known = files[dataset], random.chance(25) { lines = random.pick(known) } else { files[dataset, default: []].append(lines) }
        if let equal = liveEqual(dataset, account, observed, lines) {
            lab.add("test/\(dataset.rawValue)", .duplicate, ["capture": .int(equal)])
            note(.nothing)
            return
        }
        let seq = try lab.capture(dataset, account: account, observed: observed, Self.text(lines))
        captures[seq] = Source(dataset: dataset, account: account, observed: observed, lines: lines)
        note(.captured(dataset: dataset, account: account, observed: observed))
        if random.chance(30) {
            lab.add("test/\(dataset.rawValue)", .promoted, ["from": "landing", "to": "raw", "items": []])
            note(.nothing)
        }
        if random.chance(90) { try promote([seq], of: dataset) }
    }

    private func liveEqual(_ dataset: Lab.Dataset, _ account: String, _ observed: Int64, _ lines: [Line], except seq: Int64 = 0) -> Int64? {
        captures.filter { entry in
            let it = entry.value
            return entry.key != seq && it.isLive && it.dataset == dataset && it.account == account && it.lines == lines
                && (it.observed == observed || dataset == .ap)
        }.keys.min()
    }

    private mutating func setLive(_ isLive: Bool, _ seq: Int64) {
        guard let it = captures[seq] else { return }
        if isLive, liveEqual(it.dataset, it.account, it.observed, it.lines, except: seq) != nil { return }
        captures[seq]?.isLive = isLive
        lab.add("test/\(it.dataset.rawValue)", isLive ? .reinstated : .retracted, ["capture": .int(seq), "reason": "test"])
        note(.live(capture: seq, isLive))
    }

    // MARK: Promotions

    private mutating func changeContract() throws {
        let dataset = random.pick(Lab.Dataset.allCases)
        versions[dataset] = random.number(0...3)
        try lab.useContract(version: versions[dataset] ?? 0, for: dataset)
        note(.nothing)
        let all = captures.filter { $0.value.dataset == dataset && !$0.value.isQuarantined }.keys.sorted()
        if !all.isEmpty { try promote(all, of: dataset) }
    }

    private mutating func promoteLate() throws {
        let state = BruteState(happenings)
        let waiting = captures.keys.sorted().filter { state.captures[$0]?.staging == nil }
        guard !waiting.isEmpty else { return }
        let seq = random.pick(waiting)
        captures[seq]?.isQuarantined = false
        if let dataset = captures[seq]?.dataset { try promote([seq], of: dataset) }
    }

    private mutating func accept() {
        let state = BruteState(happenings)
        let held = state.captures.keys.sorted().flatMap { seq in (state.captures[seq]?.staging?.held ?? []).sorted().map { (seq, $0) } }
        guard !held.isEmpty else { return }
        let (seq, day) = random.pick(held)
        lab.add("test/rp", .accepted, ["capture": .int(seq), "partition": .int(day)])
        note(.accepted(capture: seq, day: day))
    }

    /// Cleans, decides what is held, drafts the event.
    private mutating func promote(_ seqs: [Int64], of dataset: Lab.Dataset) throws {
        let state = BruteState(happenings)
        var items = try lab.stage(seqs, of: dataset)
        var meaning: [LabStaging] = []
        for i in items.indices {
            var staging = LabStaging(capture: items[i].capture, rows: [], days: [], held: [])
            var rejects: [Int64: Int] = [:]
            var rejected = 0
            read(items[i].capture, &staging, &rejects, &rejected)
            guard staging.rows.count == items[i].rowsOut, rejected == items[i].rejectedRows else {
                throw Disagreement(
                    description: "seed \(seed): capture \(items[i].capture) has \(staging.rows.count) rows and \(rejected) rejects by eye, "
                        + "the cleaner finds \(items[i].rowsOut) and \(items[i].rejectedRows)")
            }
            if dataset == .rp {
                guard staging.days == Set(items[i].partitions.map(\.value)) else {
                    throw Disagreement(
                        description: "seed \(seed): capture \(items[i].capture) names other days by eye than the cleaner finds")
                }
                staging.held = staging.days.filter { isHeld(staging, day: $0, rejects: rejects[$0] ?? 0, state) }
                for p in items[i].partitions.indices where staging.held.contains(items[i].partitions[p].value) {
                    items[i].partitions[p].held = true
                }
            }
            meaning.append(staging)
        }
        try lab.promote(items, of: dataset)
        note(.promoted(meaning))
    }

    /// Whether a day would replace a better known one with less.
    private func isHeld(_ staging: LabStaging, day: Int64, rejects: Int, _ state: BruteState) -> Bool {
        guard let account = captures[staging.capture]?.account, let rival = state.claimants(account, day: day).last,
            rival != staging.capture,
            state.isRanked(rival, below: staging.capture)
        else { return false }
        func sum(_ rows: [LabRow]) -> (rows: Int, total: Int64) {
            rows.filter { $0.day == day }.reduce((0, 0)) { ($0.0 + 1, $0.1 + ($1.value ?? 0)) }
        }
        let (mine, theirs) = (sum(staging.rows), sum(state.rows(of: rival)))
        return rejects > 0 || mine.rows < theirs.rows || mine.total < theirs.total
    }

    /// Types the lines of a capture under the contract of the day.
    private func read(_ seq: Int64, _ staging: inout LabStaging, _ rejects: inout [Int64: Int], _ rejected: inout Int) {
        guard let source = captures[seq] else { return }
        let version = versions[source.dataset] ?? 0
        for (index, line) in source.lines.enumerated() {
            let day = CalendarDay.day(line.day)
            if let day { staging.days.insert(day) }
            let isNull = line.value.isEmpty || version >= 2 && line.value == "none"
            let value = isNull ? nil : Int64(line.value)
            guard let day, isNull || value != nil, version % 2 == 1 || (value ?? 0) >= 0 else {
                rejected += 1
                if let day { rejects[day, default: 0] += 1 }
                continue
            }
            let note = line.note.flatMap { $0.isEmpty ? nil : $0 }
            staging.rows.append(LabRow(line: Int64(index + 2), artist: line.artist, day: day, value: value, note: note))
        }
    }
}
