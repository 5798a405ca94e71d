import Cleaning
import EventLog
import Projection
import Testing

@testable import Ledger

@Suite struct RawRecordTexts {
    struct Case: Sendable, CustomTestStringConvertible {
        let label: String
        let bytes: String
        let records: [String]
        var testDescription: String { label }
    }

    static let cases: [Case] = [
        Case(label: "LF", bytes: "a,b\n1,2\n3,4\n", records: ["a,b", "1,2", "3,4"]),
        Case(label: "CRLF", bytes: "a,b\r\n1,2\r\n3,4\r\n", records: ["a,b", "1,2", "3,4"]),
        Case(label: "CR", bytes: "a,b\r1,2\r3,4\r", records: ["a,b", "1,2", "3,4"]),
        Case(label: "all three", bytes: "a,b\r\n1,2\n3,4\r5,6", records: ["a,b", "1,2", "3,4", "5,6"]),
        Case(label: "no end", bytes: "a,b\n1,2", records: ["a,b", "1,2"]),
        Case(label: "an empty line is a record", bytes: "a,b\n\n1,2\n", records: ["a,b", "", "1,2"]),
        Case(label: "a line end in quotes", bytes: "a,b\n\"x\ny\",2\n3,4\n", records: ["a,b", "\"x\ny\",2", "3,4"]),
        Case(label: "doubled quotes", bytes: "a,b\n\"x\"\"\n\",2\n3,4\n", records: ["a,b", "\"x\"\"\n\",2", "3,4"]),
        Case(
            label: "a quote inside a field is a letter", bytes: "a,b\n12\" vinyl,2\n3,4\n5,\"6\"\n",
            records: ["a,b", "12\" vinyl,2", "3,4", "5,\"6\""]),
        Case(label: "text after a closing quote", bytes: "a,b\n\"x\" y,\"2\n\"\n3,4\n", records: ["a,b", "\"x\" y,\"2\n\"", "3,4"]),
        Case(label: "tabs without quotes", bytes: "a\tb\n\"1\t2\n3\t4\n", records: ["a\tb", "\"1\t2", "3\t4"]),
        Case(label: "tabs with quotes", bytes: "\"a\"\t\"b\"\n\"x\ny\"\t2\n", records: ["\"a\"\t\"b\"", "\"x\ny\"\t2"]),
        Case(
            label: "tabs with quotes after a byte order mark", bytes: "\u{FEFF}\"a\"\t\"b\"\n\"x\ny\"\t2\n",
            records: ["\u{FEFF}\"a\"\t\"b\"", "\"x\ny\"\t2"]),
        Case(label: "semicolons", bytes: "a;b\n1,\"2;3\n4;5\n", records: ["a;b", "1,\"2;3", "4;5"]),
        Case(
            label: "a comma in a quoted heading of a tab table", bytes: "\"a,b\"\t\"c\"\n1,\"\t2\n3\t4\n",
            records: ["\"a,b\"\t\"c\"", "1,\"\t2", "3\t4"]),
    ]

    @Test(arguments: cases)
    func table(_ item: Case) {
        let wanted = Set(1...Int64(item.records.count) + 2)
        let expected = Dictionary(uniqueKeysWithValues: item.records.enumerated().map { (Int64($0.offset + 1), $0.element) })
        #expect(RawRecords.texts(wanted, in: Array(item.bytes.utf8)) == expected)
        #expect(RawRecords.texts([2], in: Array(item.bytes.utf8)) == expected.filter { $0.key == 2 })
    }

    @Test func longRecordsAreClippedAndMissingOnesAbsent() {
        let bytes = Array(("a,b\n" + String(repeating: "x", count: 3000) + ",1\n2,3\n").utf8)
        let found = RawRecords.texts([2, 3, 9], in: bytes)
        #expect(found[2]?.utf8.count == 2000)
        #expect(found[3] == "2,3")
        #expect(found.count == 2)
        #expect(RawRecords.texts([1], in: []).isEmpty)
    }

    /// The line numbers of the cleaner and of lineage are the same numbers.
    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func agreesWithTheCleaner(_ seed: UInt64) throws {
        var random = SplitMix64(state: seed)
        let contract = try Contract.parse(Array(try #require(appendContract["zones/test/lines.yml"]).utf8), path: "zones/test/lines.yml")
        for round in 0..<50 {
            var text = "word,amount"
            var words: [Int64: String] = [:]
            let end = try #require(["\n", "\r\n", "\r"].randomElement(using: &random))
            text += end
            for index in 0..<Int.random(in: 1...8, using: &random) {
                let mark = "w\(index)"
                let field = try #require(
                    [mark, "\"\(mark),\"\"\n\"", "\(mark)\" x", "\"\(mark)\" x", "\"\(mark)\r\n\"", ""].randomElement(using: &random))
                let amount = try #require(["1", "", "\"2\"", "many"].randomElement(using: &random))
                let record = "\(field),\(amount)"
                words[Int64(index + 2)] = record
                text += record + end
            }
            let bytes = Array(text.utf8)
            var sink = Lines()
            var cleaner = Cleaner(contract: contract, facts: CaptureFacts(fileName: "x"))
            try cleaner.push(bytes, to: &sink)
            _ = try cleaner.finish(to: &sink)
            let found = RawRecords.texts(Set(sink.lines), in: bytes)
            for line in sink.lines { #expect(found[line] == words[line], "seed \(seed), round \(round), line \(line) of \(text)") }
        }
    }

    private struct Lines: RowSink {
        var lines: [Int64] = []
        mutating func take(_ batch: StagedBatch) throws { for row in 0..<batch.count { lines.append(batch.lines[row]) } }
        mutating func take(_ rejects: [Reject]) throws { lines += rejects.map(\.line) }
    }
}

@Suite struct Answers {
    /// Two exports of one artist, the second changes a day and brings another; and a statement.
    static func root() throws -> (root: Root, first: Int64, second: Int64, bank: Int64) {
        let root = try Root()
        let first = try root.feed(try root.file(Export.spotifyName("artistone", "20250401_120000"), Export.spotify([100, 200])))
        let bank = try root.feed(
            try root.file("dk_bank_details_20250401_120000.tsv", Export.bank([.init(), .init(artist: "PIG1987", usd: "2")])),
            account: "label")
        _ = try root.lake.projectCommand()
        let second = try root.feed(
            try root.file(Export.spotifyName("artistone", "20250402_120000"), Export.spotify([110, 200, 300])), project: true)
        return (root, try #require(first.capture), try #require(second.capture), try #require(bank.capture))
    }

    @Test func lineageOfACapture() throws {
        let (root, first, second, _) = try Self.root()
        let report = try root.lake.lineage(capture: first)
        #expect(report.captures.map(\.seq) == [first])
        #expect(report.events.map(\.type) == ["extraction.captured", "zone.promoted", "zone.promoted"])
        _ = try root.lake.retract(second, reason: "x", project: false)
        #expect(try root.lake.lineage(capture: second).events.last?.type == "extraction.retracted")
        #expect(throws: LedgerError.self) { try root.lake.lineage(capture: 1) }
    }

    @Test func lineageOfATable() throws {
        let (root, first, second, _) = try Self.root()
        let report = try root.lake.lineage(table: "fact_audience_day", condition: "streams_native IN (110, 200, 300)", limit: 10)
        #expect(report.rows == 3)
        let lines = report.lines.map { "\($0.capture.seq) \($0.line) \($0.text)" }
        // The unchanged day goes back to the first capture that said so.
        #expect(lines == ["\(second) 4 2025-03-03,10,300,100", "\(second) 2 2025-03-01,10,110,100", "\(first) 3 2025-03-02,10,200,100"])
        #expect(report.captures.map(\.seq) == [first, second])
        #expect(report.lines.first?.rawPath == "2_raw/spotify/audience/artistone/spotify_audience_artistone_20250402_120000.csv")
        #expect(throws: LedgerError.self) { try root.lake.lineage(table: "sqlite_master", condition: "1", limit: 1) }
        // The text comes from the object, whatever became of the zones.
        try Files.removeTree(root.layout.folder(.raw))
        try Files.removeTree(root.layout.folder(.landing))
        #expect(
            try root.lake.lineage(table: "fact_audience_day", condition: "streams_native = 300", limit: 1).lines.first?.text
                == "2025-03-03,10,300,100")
    }

    @Test func lineageOfAKPI() throws {
        let (root, _, _, bank) = try Self.root()
        let values = try root.lake.latestKPIs().values.filter { $0.kpi == "revenue_by_artist" && $0.numerator == 2_000_000_000 }
        let artist = try #require(values.first.flatMap { try JSON.parse(Array($0.dimensions.utf8))["artist"]?.string })
        let report = try root.lake.lineage(kpi: "revenue_by_artist", filter: ["artist": artist], day: nil, knownAt: nil, limit: 5)
        #expect(report.rows == 1)
        #expect(report.lines.map(\.line) == [3])
        #expect(report.lines.first?.text.contains("PIG1987") == true)
        #expect(report.captures.map(\.seq) == [bank])
        #expect(report.subject.contains("2.00"))
        #expect(throws: LedgerError.self) {
            try root.lake.lineage(kpi: "revenue_by_artist", filter: ["artist": "nobody"], day: nil, knownAt: nil, limit: 5)
        }
        #expect(throws: LedgerError.self) { try root.lake.lineage(kpi: "no_such", filter: [:], day: nil, knownAt: nil, limit: 5) }
    }

    @Test func restatements() throws {
        let (root, first, second, _) = try Self.root()
        let promoted = try #require(try root.promotions("spotify/audience").last?.seq)
        let changed = try root.lake.restatements(limit: 10)
        #expect(changed.count == 1)
        let one = try #require(changed.first)
        #expect((one.table, one.event, one.isWithdrawn) == ("fact_audience_day", promoted, false))
        #expect(one.changes.map { "\($0.column) \($0.before ?? "–") \($0.after ?? "–")" } == ["streams_native 100 110"])
        #expect(one.key.contains { $0 == ("day_no", "2025-03-01") })
        let event = try root.lake.retract(second, reason: "x").event
        let withdrawn = try root.lake.restatements(limit: 10).filter { $0.event == event }
        #expect(withdrawn.filter(\.isWithdrawn).map { $0.key.first { $0.0 == "day_no" }?.1 } == ["2025-03-03"])
        #expect(withdrawn.filter { !$0.isWithdrawn }.count == 1)
        #expect(withdrawn.first(where: \.isWithdrawn)?.changes.allSatisfy { $0.after == nil } == true)
        #expect(try root.lake.restatements(limit: 1).count == 1)
        #expect(try root.lake.restatements(limit: 10, since: event).isEmpty)
        #expect(try root.lake.restatements(limit: 10, table: "total_royalty").isEmpty)
        _ = first
    }

    @Test func restatementsOfStatementsAreReadFromTheKeptTotals() throws {
        let (root, _, _, _) = try Self.root()
        let more = Export.bank([.init(usd: "1.75"), .init(artist: "PIG1987", usd: "2")])
        try root.feed(try root.file("dk_bank_details_20250402_120000.tsv", more), account: "label", project: true)
        let found = try root.lake.restatements(limit: 10, table: "fact_royalty_line")
        #expect(found.map(\.table) == ["total_royalty"])
        let one = try #require(found.first)
        #expect(one.key.contains { $0 == ("artist", "ZONE A0") })
        #expect(one.changes.map { "\($0.column) \($0.before ?? "–") \($0.after ?? "–")" } == ["net_nano 1.5 1.75"])
    }

    @Test func textOfNanoUnits() {
        let table: [(Int64, String)] = [
            (0, "0"), (1, "0.000000001"), (-1, "-0.000000001"), (1_500_000_000, "1.5"), (-2_000_000_000, "-2"),
            (.min, "-9223372036.854775808"),
        ]
        for (value, text) in table { #expect(CellText.nano(value) == text) }
    }

    @Test func questionsCannotWrite() throws {
        let (root, _, _, _) = try Self.root()
        let digest = try root.lake.projector.digest()
        for sql in [
            "DELETE FROM fact_audience_day_v", "PRAGMA user_version = 3", "CREATE TABLE x (y)", "UPDATE checkpoint SET seq = 1",
            "SELECT 1; DELETE FROM kpi_value",
        ] {
            _ = try? root.lake.query(sql)
        }
        #expect(throws: (any Error).self) { try root.lake.query("DELETE FROM fact_audience_day_v") }
        #expect(try root.lake.projector.digest() == digest)
        let answer = try root.lake.query("SELECT seq, type FROM events WHERE seq = 1")
        #expect(answer.columns == ["seq", "type"])
        #expect(answer.rows == [[.int(1), .string("log.opened")]])
    }
}

@Suite struct Previewing {
    /// Feeds the same folder twice: first as a look, then for good.
    private func compare(_ root: Root, account: String? = "label", acceptChanges: Bool = false) throws -> (IngestReport, IngestReport) {
        var options = IngestOptions()
        options.account = account
        options.acceptChanges = acceptChanges
        let head = try root.head()
        let digest = try root.lake.projector.digest()
        let before = try root.snapshot()
        let preview = try root.lake.preview(["\(root.folder)/in/drop"], options)
        #expect(try root.head() == head)
        let after = try root.snapshot()
        let touched = Set(after.keys).union(before.keys).filter { after[$0] != before[$0] }
        #expect(touched.allSatisfy { $0.contains("/warehouse/gen/") }, "\(touched)")
        #expect(try root.lake.projector.digest() == digest)
        return (preview, try root.lake.ingest(["\(root.folder)/in/drop"], options, ask: nil))
    }

    private func words(_ report: IngestReport) -> [String] {
        report.files.map { file in
            "\(Files.name(file.path)) \(file.word) \(file.account ?? "–") \(file.observed?.iso ?? "–") \(file.observedFrom ?? "–") "
                + "in \(file.item?.rowsIn ?? 0) out \(file.item?.rowsOut ?? 0) rejected \(file.item?.rejectedRows ?? 0) held \(file.held)"
        }
    }

    private func moves(_ report: IngestReport) -> [String] {
        report.moves.map { "\($0.kpi.id) \($0.dimensions) \($0.before?.numerator ?? -1) \($0.after?.numerator ?? -1)" }
    }

    private func changes(_ report: IngestReport) -> [String] {
        (report.projection?.changes ?? [:]).values.map { "\($0.opened) \($0.closed) \($0.replaced)" }.filter { $0 != "0 0 0" }.sorted()
    }

    @Test func theSameCountsAsTheRealThing() throws {
        let (root, _, _, _) = try Answers.root()
        try root.file(
            "drop/\(Export.spotifyName("artistone", "20250403_120000"))", Export.spotify([110, 210, 300, 400]) + "2025-03-05,x,1,1\n")
        try root.file("drop/dk_bank_details_20250403_120000.tsv", Export.bank([.init(), .init(day: "2025-03-27", usd: "4")]))
        try root.file("drop/unknown.csv", "colour\nred\n")
        try root.file("drop/old/\(Export.spotifyName("artistone", "20250402_120000"))", Export.spotify([110, 200, 300]))
        try root.file("drop/.hidden/\(Export.spotifyName("artistone", "20250409_120000"))", Export.spotify([1]))
        let (preview, real) = try compare(root)
        #expect(words(preview) == words(real))
        #expect(preview.files.map(\.word).sorted() == ["duplicate", "promoted", "promoted", "unknown"])
        #expect(changes(preview) == changes(real))
        #expect(moves(preview) == moves(real))
        #expect(!moves(real).isEmpty)
    }

    @Test func oneFileKnowsOfTheOneBefore() throws {
        let (root, _, _, _) = try Answers.root()
        let text = Export.spotify([110, 200, 300, 400])
        try root.file("drop/1/\(Export.spotifyName("artistone", "20250403_120000"))", text)
        try root.file("drop/2/\(Export.spotifyName("artistone", "20250403_120000"))", text)
        try root.file("drop/3/dk_bank_details_20250403_120000.tsv", Export.bank([.init(day: "2025-03-27"), .init(day: "2025-03-27")]))
        try root.file("drop/4/dk_bank_details_20250404_120000.tsv", Export.bank([.init(day: "2025-03-27")]))
        let (preview, real) = try compare(root)
        #expect(words(preview) == words(real))
        #expect(preview.files.map(\.held) == [0, 0, 0, 1])
        #expect(moves(preview) == moves(real))
    }

    @Test func doubtsAreShownBeforehand() throws {
        let (root, _, _, _) = try Answers.root()
        try root.file("drop/\(Export.spotifyName("artistone", "20250403_120000"))", Export.spotify([900, 900, 900]))
        let (preview, real) = try compare(root)
        #expect(words(preview) == words(real))
        #expect(preview.files.map(\.word) == ["quarantined"])
        #expect(preview.isDegraded)
    }

    @Test func betterEvidenceIsSeen() throws {
        let root = try Root()
        let path = try root.file("drop/Overview.csv", Export.tiktok([1, 2, 3]), day: "2025-06-01")
        try root.feed(path, account: "handle", project: true)
        var options = IngestOptions()
        options.account = "handle"
        #expect(try root.lake.preview([path], options).files.map(\.word) == ["duplicate"])
        options.downloadedOn = Day.number("2025-03-04")
        #expect(try root.lake.preview([path], options).files.map(\.word) == ["promoted"])
        #expect(try root.lake.ingest([path], options, ask: nil).files.map(\.word) == ["promoted"])
    }
}

@Suite struct Creating {
    @Test func aRootIsMadeOnce() throws {
        let root = try Root()
        let opened = try #require(try root.lake.log.read { try $0.event(1) })
        #expect(opened.type == "log.opened")
        let settings = try root.lake.settings()
        #expect((settings.label, settings.zone, settings.currency) == ("Test", "UTC", "USD"))
        #expect(Files.exists("\(root.layout.root)/.gitignore"))
        root.lake.close()
        let head = Files.size("\(root.layout.log)/data.mdb")
        let error = #expect(throws: LedgerError.self) {
            try Lake.create(root.layout, settings: Lake.Settings(label: "Other", zone: "UTC", currency: "USD"), definitions: Root.package)
        }
        #expect(error?.description.contains("already") == true)
        #expect(Files.size("\(root.layout.log)/data.mdb") == head)
        let again = try Lake.open(root.layout, mode: .readOnly, definitions: Root.package)
        #expect(try again.settings().label == "Test")
        again.close()
    }

    @Test(arguments: [
        ("Europe/Nowhere", "USD"), ("", "USD"), ("+2:00", "USD"), ("+15:00", "USD"), ("+02:60", "USD"), ("UTC ", "USD"), ("UTC", "usd"),
        ("UTC", "US"),
        ("UTC", "EURO"), ("UTC", ""), ("UTC", "€"),
    ])
    func badSettingsLeaveNothingBehind(_ zone: String, _ currency: String) throws {
        let folder = try Root.makeFolder()
        defer { try? Files.removeTree(folder) }
        let layout = Layout(root: "\(folder)/root")
        let error = #expect(throws: LedgerError.self) {
            try Lake.create(layout, settings: Lake.Settings(label: "x", zone: zone, currency: currency), definitions: Root.package)
        }
        let value = zone == "UTC" ? currency : zone
        #expect(error?.description.contains("“\(value)”") == true)
        #expect(!Files.exists(layout.root))
    }

    @Test func openingNeedsALog() throws {
        let folder = try Root.makeFolder()
        defer { try? Files.removeTree(folder) }
        let error = #expect(throws: LedgerError.self) { try Lake.open(Layout(root: folder), mode: .readOnly, definitions: Root.package) }
        #expect(error?.description.contains("init") == true)
    }

    /// The stored bytes of a log, one event a line.
    static func export(_ root: Root) throws -> [String] {
        try root.lake.log.read { transaction in try transaction.events(EventQuery()).map { String(decoding: $0.bytes, as: UTF8.self) } }
    }

    @Test func aLogFromItsEventsHasTheSameIDs() throws {
        let root = try Root()
        try root.feed(try root.file(Export.spotifyName("artistone", "20250401_120000"), Export.spotify([1, 2])))
        let lines = try Self.export(root)
        let path = try root.file("events.ndjson", lines.joined(separator: "\n") + "\n")
        let copy = try Lake.create(Layout(root: "\(root.folder)/copy"), fromEvents: path, definitions: Root.package)
        defer { copy.close() }
        let ids = try root.lake.log.read { try $0.events(EventQuery()).map(\.id) }
        #expect(try copy.log.read { try $0.events(EventQuery()).map(\.id) } == ids)
        #expect(try copy.settings().label == "Test")
    }

    struct Damage: Sendable, CustomTestStringConvertible {
        let label: String
        let line: Int
        let damage: @Sendable (String) -> String
        var testDescription: String { label }
    }

    static let damages: [Damage] = [
        Damage(label: "not JSON", line: 3, damage: { _ in "{" }),
        Damage(label: "a changed letter", line: 2, damage: { $0.replacing("definition", with: "definitiom") }),
        Damage(label: "a space", line: 4, damage: { $0.replacing(":", with: ": ", maxReplacements: 1) }),
        Damage(label: "a blank line before it", line: 3, damage: { _ in "\nnothing" }),
        Damage(label: "the first event", line: 1, damage: { _ in "null" }),
    ]

    @Test(arguments: damages)
    func aDamagedLineIsNamedAndNothingIsLeft(_ damage: Damage) throws {
        let root = try Root()
        var lines = try Self.export(root)
        lines[damage.line - 1] = damage.damage(lines[damage.line - 1])
        let path = try root.file("events.ndjson", lines.joined(separator: "\n") + "\n")
        let layout = Layout(root: "\(root.folder)/copy")
        let error = #expect(throws: LedgerError.self) { try Lake.create(layout, fromEvents: path, definitions: Root.package) }
        // A changed event breaks the chain at the next one.
        let shift = damage.label == "a blank line before it" || damage.label == "a changed letter" ? 1 : 0
        #expect(error?.description.contains("\(path):\(damage.line + shift): ") == true, "\(error?.description ?? "")")
        // The same ids, or nothing: after a repair the same command works.
        let whole = try root.file("whole.ndjson", try Self.export(root).joined(separator: "\n"))
        let copy = try Lake.create(layout, fromEvents: whole, definitions: Root.package)
        #expect(try copy.log.read { try $0.head() } == root.lake.log.read { try $0.head() })
        copy.close()
    }

    @Test func anEmptyFileIsNoLog() throws {
        let root = try Root()
        let layout = Layout(root: "\(root.folder)/copy")
        for text in ["", "\n"] {
            let path = try root.file("events.ndjson", text)
            #expect(throws: LedgerError.self) { try Lake.create(layout, fromEvents: path, definitions: Root.package) }
        }
        #expect(throws: (any Error).self) { try Lake.create(layout, fromEvents: "\(root.folder)/absent", definitions: Root.package) }
    }
}
