import EventLog
import Ledger
import Testing

/// A file with personal values that lies in landing: killed at any step, its original is never lost, and never left in the clear for good.
@Suite struct OriginalTests {
    private static let contract = """
        title: Made-up card purchases
        names: ["purchases_<card>_<captured_at>.csv", "purchases_<captured_at>.csv"]
        account: {fixed: main}
        columns:
          - {name: date, type: day, required: true}
          - {name: card, heading: CardLast4, type: text, personal: payment_card}
          - {name: amount, type: money, currency: USD, negative: true}
        merge: append
        period: date

        """
    private static let planted = "73915204861"
    private static let table = "date,CardLast4,amount\n2025-03-01,\(planted),-5\n2025-03-02,\(planted),-7.5\n"
    private static let points =
        Lake.rareFailpoints.filter { $0.hasPrefix("original.") } + [
            "ingest.object", "ingest.landed", "ingest.captured", "place.copied", "place.renamed",
        ]

    /// Files below a folder that hold the planted value, in themselves or in their names; sealed ones hold nothing.
    private static func leaks(_ folder: String, below path: String) throws -> [String] {
        let part = Array(planted.utf8)
        return try Tree.listing(path).filter { $0.value.contains(" bytes ") }.keys.filter { name in
            let bytes = try AtomicFile.read("\(path)/\(name)")
            let holds =
                bytes.count >= part.count
                && (0...(bytes.count - part.count)).contains { bytes[$0] == part[0] && bytes[$0..<($0 + part.count)].elementsEqual(part) }
            return name.hasPrefix(folder) && (holds || name.contains(planted))
        }.sorted()
    }

    @Test(arguments: points, ["purchases_20250303_060000.csv", "purchases_\(planted)_20250303_060000.csv"])
    func aKillLeavesOneOfThemAndTheNextRunSettlesIt(point: String, name: String) throws {
        let root = try Root()
        try AtomicFile.makeFolders("\(root.path)/definitions/zones/bank")
        try Tree.write(Array(Self.contract.utf8), to: "\(root.path)/definitions/zones/bank/purchases.yml")
        try root.ok(["keys", "create", "payment_card"])
        let landing = "\(root.path)/1_landing/bank/purchases"
        try AtomicFile.makeFolders(landing)
        try Tree.write(Array(Self.table.utf8), to: "\(landing)/\(name)")
        let killed = try root.run(["ingest", "\(landing)/\(name)"], environment: ["BEDROT_FAILPOINT": point])
        #expect(killed.signal == 9, "\(killed)")
        // Whatever the moment: nothing but the original itself holds the value, and either it or its sealed form is there.
        #expect(try Self.leaks("", below: root.path).allSatisfy { $0 == "1_landing/bank/purchases/\(name)" })
        let there = Tree.names(landing)
        #expect(there.contains(name) || there.contains { $0.hasSuffix(".sealed") }, "\(there)")
        // Feeding the folder again settles it.
        try root.ok(["ingest", "\(root.path)/1_landing"])
        #expect(try Self.leaks("", below: root.path) == [])
        let sealed = try #require(Tree.names(landing).first { $0.hasSuffix(".sealed") })
        #expect(Tree.names(landing).filter { $0.hasSuffix(".csv") }.count == 1)
        let opened = try root.ok(["keys", "open", "\(landing)/\(sealed)", "--group", "payment_card"])
        #expect(opened.bytes == Array(Self.table.utf8), "\(opened)")
        let captured = try root.events(["--type", "extraction.captured"])
        #expect(captured.count == 1)
        try root.ok(["verify", "--shadow"])
    }
}
