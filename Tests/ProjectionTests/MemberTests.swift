import EventLog
import GRDB
import LedgerTesting
import Testing

@testable import Projection

/// Two source values of one member on one key: the first one counts, and a person can see that there was another.
@Suite struct MemberTests {
    private static let rows = "k,p,v\nA,2025-02-01,10\nB,2025-02-01,200\nB,2025-02-02,3000\n"

    private func alias(_ lab: Lab, _ value: String, _ member: String = "artist:m") -> Int64 {
        lab.add(
            "reference/artist", .referenceChanged,
            ["kind": "artist", "service": "test", "value": .string(value), "member": .string(member)])
    }

    private func project(_ lab: Lab) throws {
        try lab.append()
        _ = try lab.projector().project()
    }

    private func read<R>(_ lab: Lab, _ body: (Database) throws -> R) throws -> R { try Warehouse.Reader(lab.layout).queue.read(body) }

    /// `member: sum` over the plain fact joined to its members.
    private func sums(_ lab: Lab, knownAt seq: Int64? = nil, kpi: String = "up_by_member") throws -> [String] {
        let projector = lab.projector()
        let definitions = try projector.definitions(until: Int64(lab.drafts.count))
        let kpi = try #require(definitions.kpis.first { $0.id == kpi })
        return try Warehouse.Reader(lab.layout, scratch: true).queue.writeWithoutTransaction { database in
            let question = KPIQuestion(database: database, definitions: definitions)
            let head = Int64(lab.drafts.count)
            let values =
                try seq.map { try question.values(kpi, day: 20_200, seq: $0, now: 0) }
                ?? question.currentValues(kpi, day: 20_200, seq: head)
            return try values.map { value in
                let dimensions = try JSON.parse(Array(value.dimensions.utf8)).object ?? [:]
                return "\(dimensions.values.compactMap(\.string).joined()): \(value.numerator ?? -1)"
            }
        }
    }

    private func issues(_ lab: Lab) throws -> [String] {
        try read(lab) {
            try String.fetchAll(
                $0, sql: "SELECT issue || ' ' || fact || ' ' || subject || ' ' || value || ' ' || row_count FROM quality_issue")
        }
    }

    @Test("the first in the order of the alias events counts, and the issue names what is left out", arguments: [["A", "B"], ["B", "A"]])
    func first(order: [String]) throws {
        let lab = try Lab()
        try lab.ingest(.up, observed: 1, Self.rows)
        try project(lab)
        #expect(try sums(lab) == ["artist:a: 10", "artist:b: 3200"])
        #expect(try issues(lab) == [])
        let before = Int64(lab.drafts.count)
        for value in order { _ = alias(lab, value) }
        try project(lab)
        #expect(try sums(lab) == [order[0] == "A" ? "artist:m: 3010" : "artist:m: 3200"])
        #expect(try issues(lab) == ["same_member up artist:m \(order[1]) 1"])
        #expect(try sums(lab, knownAt: before) == ["artist:a: 10", "artist:b: 3200"], "what was known before stays known")
        #expect(try sums(lab, knownAt: before + 1).count == 2, "one alias makes no pair")
        #expect(try sums(lab, kpi: "up_by_artist") == (order[0] == "A" ? ["A: 10", "B: 3000"] : ["B: 3200"]), "kept totals agree")
        #expect(difference(try lab.projector().digest(), try lab.projector().replay(into: lab.shadow("replay"))).isEmpty)
    }

    @Test("what was a member by its own name comes before any alias")
    func ownName() throws {
        let lab = try Lab()
        try lab.ingest(.up, observed: 1, Self.rows)
        _ = alias(lab, "A", "artist:b")
        try project(lab)
        #expect(try sums(lab) == ["artist:b: 3200"])
    }

    @Test("spellings of one name meet without any alias")
    func spellings() throws {
        let lab = try Lab()
        try lab.ingest(.up, observed: 1, "k,p,v\nB.C,2025-02-01,1\nb c,2025-02-01,20\nb c,2025-02-02,300\n")
        try project(lab)
        #expect(try sums(lab) == ["artist:bc: 301"])
        #expect(try issues(lab) == ["same_member up artist:bc b c 1"])
    }

    @Test("when the first one is withdrawn the other counts again, and both pasts stay")
    func retraction() throws {
        let lab = try Lab()
        let first = try lab.ingest(.up, observed: 1, "k,p,v\nA,2025-02-01,10\n")
        try lab.ingest(.up, observed: 2, "k,p,v\nB,2025-02-01,200\n")
        _ = alias(lab, "A")
        let paired = alias(lab, "B")
        try project(lab)
        #expect(try sums(lab) == ["artist:m: 10"])
        let withdrawn = lab.add("test/up", .retracted, ["capture": .int(first), "reason": "wrong file"])
        try project(lab)
        #expect(try sums(lab) == ["artist:m: 200"])
        #expect(try issues(lab) == [])
        lab.add("test/up", .reinstated, ["capture": .int(first), "reason": "right after all"])
        try project(lab)
        #expect(try sums(lab) == ["artist:m: 10"])
        #expect(try sums(lab, knownAt: paired) == ["artist:m: 10"])
        #expect(try sums(lab, knownAt: withdrawn) == ["artist:m: 200"])
        // The alias is taken back: two members, two rows.
        _ = alias(lab, "B", "artist:other")
        try project(lab)
        #expect(try sums(lab) == ["artist:m: 10", "artist:other: 200"])
        #expect(try sums(lab, knownAt: paired) == ["artist:m: 10"])
    }

    @Test("an account tells rows apart, unless the loader takes the member from it", arguments: [false, true])
    func accounts(fromAccount: Bool) throws {
        var definitions = Lab.definitions
        definitions["projections/warehouse/up.sql"] = """
            /*---
            fact: up
            title: One row a name and day
            columns:
              artist: key source:artist
              name: key source:title
              day: key day
              v: measure count
            ---*/
            -- from: test/up
            SELECT \(fromAccount ? "account" : "COALESCE(note, k)") AS artist, k AS name, p AS day, v FROM staged
            """
        for path in ["projections/curated/up.sql", "projections/kpis/up_by_artist.sql"] { definitions[path] = nil }
        let lab = try Lab(definitions: definitions)
        try lab.ingest(.up, account: "first", observed: 1, "k,p,v,note\nA,2025-02-01,10,first\n")
        try lab.ingest(.up, account: "second", observed: 1, "k,p,v,note\nA,2025-02-01,200,second\n")
        _ = alias(lab, "first")
        _ = alias(lab, "second")
        try project(lab)
        #expect(try sums(lab) == [fromAccount ? "artist:m: 10" : "artist:m: 210"])
    }

    @Test("an alias rewrites no fact")
    func cost() throws {
        let lab = try Lab()
        try lab.ingest(.up, observed: 1, Self.rows)
        try project(lab)
        let before = try lab.projector().digest().tables
        _ = alias(lab, "A", "artist:b")
        try project(lab)
        let after = try lab.projector().digest().tables
        #expect(["up", "up_total", "rp", "ap"].allSatisfy { before[$0] == after[$0] })
        #expect(["member", "member_twin"].allSatisfy { before[$0] != after[$0] })
    }
}
