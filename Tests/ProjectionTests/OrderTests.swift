import EventLog
import GRDB
import Glibc
import LedgerTesting
import Testing

@testable import Projection

/// The same files, fed in another order, give the same figures: what is current follows from the captures and their ranks alone.
///
/// `BEDROT_HISTORIES` sets the number of plans; `BEDROT_SEED` where their seeds begin.
@Suite struct OrderTests {
    private static let groups = 10

    @Test("random interleavings", arguments: 0..<groups)
    func interleavings(group: Int) throws {
        func environment(_ name: String, _ fallback: Int) -> Int { getenv(name).flatMap { Int(String(cString: $0)) } ?? fallback }
        let first = environment("BEDROT_SEED", 1)
        for seed in stride(from: first + group, to: first + environment("BEDROT_HISTORIES", 60), by: Self.groups) {
            do {
                var random = SplitMix64(seed: UInt64(seed) ^ 0x0DDE5)
                let plan = Plan(&random)
                let one = try plan.play(plan.inOrder, &random)
                for _ in 0..<2 {
                    let other = try plan.play(plan.interleaving(&random), &random)
                    let names = Set(one.files.keys).union(other.files.keys).filter { one.files[$0] != other.files[$0] }.sorted()
                    #expect(names.isEmpty, "seed \(seed): curated files differ: \(names)")
                    let (mine, theirs) = (Set(one.rows).subtracting(other.rows).sorted(), Set(other.rows).subtracting(one.rows).sorted())
                    #expect(mine.isEmpty && theirs.isEmpty, "seed \(seed): in order \(mine.prefix(4)), otherwise \(theirs.prefix(4))")
                    #expect(one.rows.count == other.rows.count, "seed \(seed)")
                }
            } catch {
                Issue.record("seed \(seed): \(error)")
            }
        }
    }
}

/// Captures and what happens to them. Steps of one chain keep their order; chains are independent of each other.
private struct Plan {
    enum Step {
        case capture(Int), duplicate(Int), retract(Int), reinstate(Int), quarantine(Int)
        case contract(Lab.Dataset, Int)
        case alias(service: String, value: String, member: String, name: String?)
        case snapshot
    }

    private struct File {
        let dataset: Lab.Dataset
        let account: String
        let observed: Int64
        let text: String
    }

    /// What a lake says at the end, without any seq.
    struct Reading {
        var rows: [String]
        var files: [String: [UInt8]]
    }

    private var files: [File] = []
    private var chains: [[Step]] = []

    init(_ random: inout SplitMix64) {
        var texts: Set<String> = []
        var observed: [String: Int64] = [:]
        for _ in 0..<random.number(2...9) {
            let dataset = random.pick(Lab.Dataset.allCases)
            let account = random.pick(Lab.accounts)
            let text = Self.makeFile(&random)
            // Equal bytes of one account are one capture where every line counts.
            guard texts.insert("\(dataset) \(account) \(text)").inserted else { continue }
            // No two captures of one rank: then only the order of arrival could tell them apart.
            let day = observed["\(dataset) \(account)", default: 0] + Int64(random.number(1...3))
            observed["\(dataset) \(account)"] = day
            let index = files.count
            files.append(File(dataset: dataset, account: account, observed: day, text: text))
            var chain = [Step.capture(index)]
            if random.chance(20) { chain.append(.duplicate(index)) }
            if random.chance(35) { chain.append(.retract(index)) }
            if chain.count > 1, case .retract? = chain.last, random.chance(50) { chain.append(.reinstate(index)) }
            if random.chance(10) { chain.append(.quarantine(index)) }
            chains.append(chain)
        }
        for dataset in Lab.Dataset.allCases where random.chance(50) {
            chains.append((0..<random.number(1...3)).map { _ in .contract(dataset, random.number(0...3)) })
        }
        chains.append(
            (0..<random.number(0...3)).map { _ in
                .alias(
                    service: random.pick(["test", "*"]), value: random.pick(Self.artists), member: random.pick(["artist:m", "artist:n"]),
                    name: random.chance(50) ? random.pick(["M", "N"]) : nil)
            })
        chains.append((0..<random.number(0...3)).map { _ in .snapshot })
    }

    private static let artists = ["A", "b c", "BC"]

    private static func makeFile(_ random: inout SplitMix64) -> String {
        let hasNotes = random.chance(60)
        var text = hasNotes ? "k,p,v,note\n" : "k,p,v\n"
        for _ in 0..<random.number(1...5) {
            let day = random.chance(4) ? "yesterday" : random.pick(["2025-02-01", "2025-02-02", "2025-02-03"])
            text += "\(random.pick(artists)),\(day),\(random.pick(["1", "1", "2", "3", "-1", "none", "x", ""]))"
            text += hasNotes ? ",\(random.pick(["", "n"]))\n" : "\n"
        }
        return text
    }

    /// As time went by: the captures, then everything else.
    var inOrder: [Step] { chains.flatMap(\.self) }

    /// The same steps, the chains mixed.
    func interleaving(_ random: inout SplitMix64) -> [Step] {
        var left = chains.map { $0[...] }
        var steps: [Step] = []
        while true {
            let open = left.indices.filter { !left[$0].isEmpty }
            guard !open.isEmpty else { return steps }
            if let step = left[random.pick(open)].popFirst() { steps.append(step) }
        }
    }

    /// Makes a lake of the steps and projects it in steps of random length.
    func play(_ steps: [Step], _ random: inout SplitMix64) throws -> Reading {
        let lab = try Lab()
        var seqs: [Int: Int64] = [:]
        var quarantined: Set<Int> = []
        func correct(_ index: Int, _ type: EventType) {
            lab.add("test/\(files[index].dataset.rawValue)", type, ["capture": .int(seqs[index] ?? 0), "reason": "test"])
        }
        for step in steps {
            switch step {
            case .capture(let index):
                let file = files[index]
                seqs[index] = try lab.ingest(file.dataset, account: file.account, observed: file.observed, file.text)
            case .duplicate(let index): correct(index, .duplicate)
            case .retract(let index): correct(index, .retracted)
            case .reinstate(let index): correct(index, .reinstated)
            case .quarantine(let index):
                quarantined.insert(index)
                correct(index, .quarantined)
            case .contract(let dataset, let version):
                try lab.useContract(version: version, for: dataset)
                let all = seqs.filter { files[$0.key].dataset == dataset && !quarantined.contains($0.key) }.values.sorted()
                if !all.isEmpty { try lab.promote(try lab.stage(all, of: dataset), of: dataset) }
            case .alias(let service, let value, let member, let name):
                var body: [String: JSON] = [
                    "kind": "artist", "service": .string(service), "value": .string(value), "member": .string(member),
                ]
                if let name { body["name"] = .string(name) }
                lab.add("reference/artist", .referenceChanged, .object(body))
            case .snapshot: lab.completeRun()
            }
        }
        let projector = lab.projector()
        var seq = lab.opened - 1
        while seq < Int64(lab.drafts.count) {
            seq = min(Int64(lab.drafts.count), seq + Int64(random.pick([2, 7, 100])))
            try lab.append(upTo: seq)
            projector.batch = random.pick([1, 7, 512])
            _ = try projector.project()
        }
        let names = Dictionary(seqs.map { ($0.value, $0.key) }, uniquingKeysWith: { $1 })
        return Reading(rows: try Self.rows(lab.layout, names), files: try Self.curated(lab.layout))
    }

    /// Current rows with the file and line each goes back to, kept totals, members.
    private static func rows(_ layout: Layout, _ names: [Int64: Int]) throws -> [String] {
        try Warehouse.Reader(layout).queue.read { database in
            var rows: [String] = []
            for (table, identity) in [("up", "''"), ("oc", "f.row_no"), ("rp", "f.row_no"), ("ap", "''")] {
                let cells = try Row.fetchAll(
                    database,
                    sql: """
                        SELECT '\(table)|' || account.value || '|' || artist.value || '|' || f.day || '|' || COALESCE(f.v, '–') || '|'
                          || COALESCE(note.value, '–') || '|' || \(identity) || '|' || COALESCE(member.artist_id || '|' || member.name, '–')
                          || '|' || f.set_line,
                          f.set_seq
                        FROM \(table)_v f JOIN source_value account ON account.id = f.account
                        JOIN source_value artist ON artist.id = f.artist LEFT JOIN source_value note ON note.id = f.note
                        LEFT JOIN artist_of member ON member.source_id = f.artist
                        WHERE f.to_seq IS NULL
                        """)
                rows += cells.map { "\($0[0] as String) of file \(names[$0[1] as Int64] ?? -1)" }
            }
            for (table, group) in [
                ("up_total", "artist.value"), ("oc_total", "artist.value"), ("rp_total", "f.day || '|' || artist.value"),
                ("ap_total", "artist.value"),
            ] {
                rows += try String.fetchAll(
                    database,
                    sql: """
                        SELECT '\(table)|' || account.value || '|' || \(group) || ' · ' || f.row_count || ', ' || f.v
                        FROM \(table)_v f JOIN source_value account ON account.id = f.account
                        JOIN source_value artist ON artist.id = f.artist
                        WHERE f.to_seq IS NULL
                        """)
            }
            return rows.sorted()
        }
    }

    /// Curated files by path; the manifest says where in the log they stand, which the order changes.
    private static func curated(_ layout: Layout) throws -> [String: [UInt8]] {
        try zoneFiles(layout).filter { $0.key.hasPrefix(layout.name(.curated)) && !$0.key.hasSuffix("_manifest.json") }
    }
}
