import Cleaning
import EventLog
import Projection
import Testing

@testable import Ledger

@Suite struct Corrections {
    static let stream = "spotify/audience"

    @Test func aRetractionFallsBackAndComesBack() throws {
        let root = try Root()
        try root.feed(try root.file(Export.spotifyName("artistone", "20250401_120000"), Export.spotify([100, 200])))
        let wrong = try #require(
            try root.feed(
                try root.file(Export.spotifyName("artistone", "20250402_120000"), Export.spotify([150, 200, 300])), project: true
            ).capture)
        let figures = "SELECT streams_native FROM fact_audience_day ORDER BY day_no"
        #expect(try root.lake.query(figures).rows == [[.int(150)], [.int(200)], [.int(300)]])
        let report = try root.lake.retract(wrong, reason: "wrong file")
        #expect(report.capture.seq == wrong)
        #expect(report.moves.contains { $0.kpi.id == "streams_native_7d" && $0.before?.numerator == 650 && $0.after?.numerator == 300 })
        #expect(try root.lake.query(figures).rows == [[.int(100)], [.int(200)]])
        let event = try #require(try root.events(.retracted).first)
        #expect((event.seq, event.body["reason"]?.string, event.stream) == (report.event, "wrong file", Self.stream))
        _ = try root.lake.reinstate(wrong, reason: "right after all")
        #expect(try root.lake.query(figures).rows == [[.int(150)], [.int(200)], [.int(300)]])
    }

    @Test func refusals() throws {
        let root = try Root()
        let path = try root.file(Export.spotifyName("artistone", "20250401_120000"), Export.spotify([1, 2]))
        let first = try #require(try root.feed(path).capture)
        func refused(_ text: String, _ body: () throws -> Void) throws {
            let head = try root.head()
            let error = #expect(throws: LedgerError.self, performing: body)
            #expect(error?.description.contains(text) == true, "\(error?.description ?? "")")
            #expect(try root.head() == head, "a refusal leaves no event, not even a run's")
        }
        try refused("is live") { _ = try root.lake.reinstate(first, reason: "x", project: false) }
        try refused("event 1 is not a capture") { _ = try root.lake.retract(1, reason: "x", project: false) }
        try refused("event 99999 is not a capture") { _ = try root.lake.retract(99_999, reason: "x", project: false) }
        try refused("event 0 is not a capture") { _ = try root.lake.retract(0, reason: "x", project: false) }
        try refused("event -1 is not a capture") { _ = try root.lake.reinstate(-1, reason: "x", project: false) }
        _ = try root.lake.retract(first, reason: "x", project: false)
        try refused("bedrot reinstate \(first)") { _ = try root.lake.retract(first, reason: "x", project: false) }
        let second = try #require(try root.feed(path).capture)
        try refused("bedrot retract \(second)") { _ = try root.lake.reinstate(first, reason: "x", project: false) }
        _ = try root.lake.retract(second, reason: "x", project: false)
        _ = try root.lake.reinstate(first, reason: "x", project: false)
        try refused("bedrot retract \(first)") { _ = try root.lake.reinstate(second, reason: "x", project: false) }
        #expect(try root.lake.log.read { try $0.isLive(capture: first) } == true)
        #expect(try root.lake.log.read { try $0.isLive(capture: second) } == false)
    }

    /// What would be a duplicate when fed is a duplicate when taken back.
    @Test func reinstatingNeedsThatNoEqualCaptureLives() throws {
        let root = try Root(overlay: appendContract)
        let text = "word,amount\nkick,1\n"
        let first = try #require(try root.feed(try root.file("lines_20250401_120000.csv", text)).capture)
        _ = try root.lake.retract(first, reason: "x", project: false)
        let second = try #require(try root.feed(try root.file("lines_20250402_120000.csv", text)).capture)
        #expect(first != second)
        #expect(throws: LedgerError.self) { try root.lake.reinstate(first, reason: "x", project: false) }
        // The same bytes, provably observed at another time, are another capture.
        let export = Export.spotify([1, 2])
        let early = try #require(try root.feed(try root.file(Export.spotifyName("artistone", "20250401_120000"), export)).capture)
        _ = try root.lake.retract(early, reason: "x", project: false)
        try root.feed(try root.file("spotify_audience_artistone_20250401_120000.csv", export), observed: "2025-04-09")
        _ = try root.lake.reinstate(early, reason: "x", project: false)
        #expect(try root.state(Self.stream).ranked("artistone").count == 2)
    }

    @Test func acceptingReleasesAPartition() throws {
        let root = try Root()
        let both = Export.bank([.init(), .init(artist: "PIG1987", usd: "2")])
        try root.feed(try root.file("dk_bank_details_20250401_120000.tsv", both), account: "label")
        let capture = try #require(
            try root.feed(try root.file("dk_bank_details_20250402_120000.tsv", Export.bank([.init()])), account: "label", project: true)
                .capture)
        let total = "SELECT SUM(net_nano) FROM fact_royalty_line"
        #expect(try root.lake.query(total).rows == [[.int(3_500_000_000)]])
        for (label, text) in [("soon", "not a partition"), ("2025-03-14", "holds no partition 2025-03-14"), ("", "not a partition")] {
            let head = try root.head()
            let error = #expect(throws: LedgerError.self) { try root.lake.accept(partition: label, of: capture, reason: "x") }
            #expect(error?.description.contains(text) == true)
            #expect(try root.head() == head)
        }
        #expect(throws: LedgerError.self) { try root.lake.accept(partition: "2025-03-13", of: 1, reason: "x") }
        let report = try root.lake.accept(partition: "2025-03-13", of: capture, reason: "the other artist left")
        #expect(try root.lake.query(total).rows == [[.int(1_500_000_000)]])
        #expect(try root.lake.held().isEmpty)
        #expect(try root.events(.accepted).map(\.seq) == [report.event])
        #expect(throws: LedgerError.self) { try root.lake.accept(partition: "2025-03-13", of: capture, reason: "twice") }
        #expect(try root.lake.digestEqualsRebuild())
    }

    @Test func aliasesMoveMembersOnly() throws {
        let root = try Root()
        try root.feed(
            try root.file("dk_bank_details_20250401_120000.tsv", Export.bank([.init(), .init(artist: "Zone Ay", usd: "2.25")])),
            account: "label")
        _ = try root.lake.projectCommand()
        func revenue() throws -> [String: Int64] {
            let values = try root.lake.latestKPIs().values.filter { $0.kpi == "revenue_by_artist" }
            return Dictionary(uniqueKeysWithValues: values.map { ($0.dimensions, $0.numerator ?? -1) })
        }
        let before = try revenue()
        #expect(before.values.sorted() == [1_500_000_000, 2_250_000_000])
        let member = try #require(
            before.first { $0.value == 1_500_000_000 }.flatMap { try JSON.parse(Array($0.key.utf8))["artist"]?.string })
        let facts = try root.lake.projector.digest().tables["fact_royalty_line"]
        let seq = try root.lake.alias(kind: "artist", service: "distrokid", value: "Zone Ay", member: member, name: "ZONE A0")
        #expect(try root.events(.referenceChanged).map(\.seq) == [seq])
        _ = try root.lake.projectCommand()
        #expect(try Array(revenue().values) == [3_750_000_000])
        #expect(try root.lake.projector.digest().tables["fact_royalty_line"] == facts, "an alias costs no fact")
        let kpi = try root.lake.kpi("revenue_by_artist")
        #expect(try root.lake.kpiValues(kpi, day: nil, knownAt: seq - 1).values.count == 2, "what was known before stays known")
        #expect(try root.lake.digestEqualsRebuild())
    }
}

extension Lake {
    /// Whether the digest of all survives a rebuild from the log.
    func digestEqualsRebuild() throws -> Bool {
        let before = try projector.digest()
        _ = try rebuild(until: nil, definitionsNow: false)
        let after = try projector.digest()
        return before.all == after.all && before.files == after.files
    }
}
