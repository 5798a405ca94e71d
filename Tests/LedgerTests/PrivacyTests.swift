import EventLog
import Glibc
import Projection
import Testing

@testable import Ledger

/// Personal values never reach log, objects, zones or warehouse; without a key nothing of such a file is stored.
@Suite struct PrivacyTests {
    private static let contract = """
        title: Made-up card purchases
        names: [purchases_<captured_at>.csv]
        account: {fixed: main}
        columns:
          - {name: date, type: day, required: true}
          - {name: card, heading: CardLast4, type: text, personal: payment_card}
          - {name: payee, type: text, personal: payees}
          - {name: amount, type: money, currency: USD, negative: true}
        merge: append
        period: date
        """
    private static let fact = """
        /*---
        fact: fact_purchase
        title: A purchase
        identity: row
        columns:
          day_no: day
          card: source:card
          payee: source:payee
          amount_nano: measure nano
        ---*/
        -- from: bank/purchases
        SELECT date AS day_no, COALESCE(card, '') AS card, COALESCE(payee, '') AS payee, amount AS amount_nano FROM staged;
        """

    private func root() throws -> Root {
        try Root(overlay: ["zones/bank/purchases.yml": Self.contract, "projections/warehouse/fact_purchase.sql": Self.fact])
    }

    private static let planted = ["73915204861", "Zyxw Vutsrq"]
    private static let table =
        "date,CardLast4,payee,amount\n2025-03-01,73915204861,Zyxw Vutsrq,-5\n2025-03-02,73915204861,zyxw vutsrq ,-7.5\n"
    private static let name = "purchases_20250303_060000.csv"

    /// Files below the root that hold one of the planted values.
    private func leaks(_ root: Root) throws -> [String] {
        try Files.walk(root.layout.root).filter { path in
            guard !path.hasSuffix(".sealed") else { return false }
            let bytes = try Files.read(path)
            return Self.planted.contains { planted in
                [planted, planted.lowercased()].contains { Self.holds(bytes, Array($0.utf8)) }
            }
        }
    }

    private static func holds(_ bytes: [UInt8], _ part: [UInt8]) -> Bool {
        guard bytes.count >= part.count, let first = part.first else { return false }
        return (0...(bytes.count - part.count)).contains { bytes[$0] == first && bytes[$0..<($0 + part.count)].elementsEqual(part) }
    }

    @Test func withoutAKeyNothingIsStored() throws {
        let root = try root()
        let outcome = try root.feed(root.file(Self.name, Self.table))
        #expect(outcome.word == "quarantined" && outcome.reason.contains("key_missing"))
        if case .quarantined(_, _, let remedy) = outcome.kind { #expect(remedy?.contains("bedrot keys create pay") ?? false) }
        #expect(try leaks(root) == [])
        #expect(try root.events(.captured).isEmpty && root.events(.quarantined).count == 1)
    }

    @Test func valuesBecomePseudonymsEverywhere() throws {
        let root = try root()
        for group in ["payment_card", "payees"] { _ = try root.lake.createKey(group) }
        #expect(throws: LedgerError.self) { try root.lake.createKey("payees") }
        let file = try root.file(Self.name, Self.table)
        let dry = try root.lake.preview([file], IngestOptions())
        #expect(dry.files.first?.word == "promoted")
        #expect(try root.feed(file, project: true).word == "promoted")
        #expect(try leaks(root) == [])
        // The person's own file is theirs.
        #expect(try String(decoding: Files.read(file), as: UTF8.self) == Self.table)
        let rows = try root.lake.query(
            "SELECT v.value AS payee, f.amount_nano FROM fact_purchase f JOIN source_value v ON v.id = f.payee ORDER BY 2")
        let payees = Set(rows.rows.map { "\($0[0])" })
        #expect(rows.rows.count == 2 && payees.count == 1 && payees.first?.contains("p1:payees:") ?? false)
        // Fed again it is the same capture.
        #expect(try root.feed(file).word == "duplicate")
        let captured = try #require(root.events(.captured).first)
        #expect(captured.body["protected"]?["personal"]?["payees"]?.int == 2)
    }

    /// What the contract does not name may hold anything: it is hidden, and told as new.
    @Test func columnsThatNobodyNamedAreHidden() throws {
        let root = try root()
        for group in ["payment_card", "payees"] { _ = try root.lake.createKey(group) }
        let landing = root.layout.folder(.landing) + "/bank/purchases/" + Self.name
        let text = "date,CardLast4,payee,amount,new_thing\n2025-03-01,73915204861,Zyxw Vutsrq,-5,of Zyxw Vutsrq\n"
        let outcome = try root.feed(root.file(landing, text), project: true)
        #expect(outcome.word == "promoted" && outcome.drift?.hidden == ["new_thing"])
        #expect(try leaks(root) == [])
        #expect(try root.events(.drifted).first?.body["hidden"]?.array?.count == 1)
    }

    @Test(arguments: ["encrypted", "removed"]) func theOriginalInLandingIsSealedOrGone(_ fate: String) throws {
        let root = try root()
        try root.define("zones/bank/purchases.yml", Self.contract + "\noriginal: \(fate)\n")
        for group in ["payment_card", "payees"] { _ = try root.lake.createKey(group) }
        let landing = root.layout.folder(.landing) + "/bank/purchases/" + Self.name
        let file = try root.file(landing, Self.table)
        #expect(try root.feed(file, project: true).word == "promoted")
        #expect(try leaks(root) == [])
        #expect(Files.exists(landing) && Files.exists(landing + ".sealed") == (fate == "encrypted"))
        if fate == "encrypted" {
            #expect(try String(decoding: root.lake.unsealed(landing + ".sealed", group: "payment_card"), as: UTF8.self) == Self.table)
            #expect(throws: LedgerError.self) { try root.lake.unsealed(landing + ".sealed", group: "payees") }
        }
        let options = IngestOptions()
        #expect(try root.lake.ingest([root.layout.folder(.landing)], options, ask: nil).files.map(\.word) == ["duplicate"])
    }

    @Test func anErasedGroupReadsErasedInEveryReplay() throws {
        let root = try root()
        for group in ["payment_card", "payees"] { _ = try root.lake.createKey(group) }
        try root.feed(root.file(Self.name, Self.table), project: true)
        let before = try root.head()
        let seq = try root.lake.eraseSubjects("payees", reason: "asked to")
        _ = try root.lake.project()
        func payees() throws -> Set<String> {
            try Set(
                root.lake.query("SELECT v.value FROM fact_purchase f JOIN source_value v ON v.id = f.payee").rows.map { "\($0[0])" })
        }
        #expect(try payees().first?.contains("p1:payees:erased") ?? false && payees().count == 1)
        #expect(seq > before && !Files.exists(root.layout.path("keys/payees.key")))
        let digest = try root.lake.projector.digest().all
        _ = try root.lake.rebuild(until: nil, definitionsNow: false)
        #expect(try root.lake.projector.digest().all == digest)
        // The other group is as it was; new files of the erased one need a new key.
        #expect(try root.lake.keys().map(\.group) == ["payment_card"])
        #expect(try root.feed(root.file("purchases_20250304_060000.csv", Self.table)).word == "quarantined")
    }

    @Test func aPersonInTheFileNameIsHiddenToo() throws {
        let root = try root()
        try root.define(
            "zones/bank/purchases.yml",
            Self.contract.replacing("[purchases_<captured_at>.csv]", with: "[purchases_<card>_<captured_at>.csv]"))
        // Without a key the file is refused, and the refusal does not name the person.
        let early = try root.file("purchases_\(Self.planted[0])_20250303_060000.csv", Self.table)
        #expect(try root.feed(early).word == "quarantined")
        #expect(try root.events(.quarantined).first?.body["name"]?.string == "purchases_…_20250303_060000.csv")
        for group in ["payment_card", "payees"] { _ = try root.lake.createKey(group) }
        let landing = root.layout.folder(.landing) + "/bank/purchases/purchases_\(Self.planted[0])_20250303_060000.csv"
        #expect(try root.feed(try root.file(landing, Self.table), project: true).word == "promoted")
        #expect(try leaks(root) == [] && !Files.walk(root.layout.root).contains { $0.contains(Self.planted[0]) })
        let captured = try #require(root.events(.captured).first)
        #expect(captured.body["fields"]?["card"]?.string?.hasPrefix("p1:payment_card:") ?? false)
        #expect(try root.lake.ingest([root.layout.folder(.landing)], IngestOptions(), ask: nil).files.map(\.word) == ["duplicate"])
    }

    @Test func oneSpellingOfAPersonIsOnePseudonym() throws {
        let root = try root()
        try root.define(
            "zones/bank/purchases.yml",
            Self.contract.replacing("[purchases_<captured_at>.csv]", with: "[purchases_<payee>_<captured_at>.csv]"))
        for group in ["payment_card", "payees"] { _ = try root.lake.createKey(group) }
        let table = "date,CardLast4,payee,amount\n2025-03-01,1234,ÄNNE Öder,-5\n"
        #expect(try root.feed(try root.file("purchases_ÄNNE Öder_20250303_060000.csv", table), project: true).word == "promoted")
        let named = try root.events(.captured).first?.body["fields"]?["payee"]?.string
        var keys = KeyRing(root.layout)
        #expect(try named == keys.pseudonym("payees", of: " ÄnNE ÖDER"))
        let rows = try root.lake.query("SELECT v.value FROM fact_purchase f JOIN source_value v ON v.id = f.payee").rows
        #expect("\(rows)".contains(named ?? "none"), "\(rows)")
    }

    @Test func aKeyThatOthersCanReadIsRefused() throws {
        let root = try root()
        for group in ["payment_card", "payees"] { _ = try root.lake.createKey(group) }
        chmod(root.layout.path("keys/payees.key"), 0o644)
        #expect(throws: LedgerError.self) { try root.feed(root.file(Self.name, Self.table)) }
    }
}
