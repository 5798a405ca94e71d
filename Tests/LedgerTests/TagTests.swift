import Cleaning
import EventLog
import Projection
import Testing

@testable import Ledger

@Suite struct Tagging {
    /// A lake in a zone, with events some hours apart, far enough to lie on several days.
    private static func lake(_ zone: String) throws -> (lake: Lake, folder: String) {
        let folder = try Root.makeFolder()
        let lake = try Lake.create(
            Layout(root: "\(folder)/root"), settings: Lake.Settings(label: "x", zone: zone, currency: "USD"), definitions: Root.package)
        let start = try #require(try lake.log.read { try $0.event(1) }).time.milliseconds
        for hours: Int64 in [7, 19, 20, 31, 50, 74, 75, 99] {
            _ = try lake.log.write { transaction in
                try transaction.append(
                    EventDraft(
                        stream: "run", type: "run.step", actor: "os:1", time: Timestamp(milliseconds: start + hours * 3_600_000), body: [:])
                )
            }
        }
        return (lake, folder)
    }

    @Test(arguments: ["UTC", "+14:00", "America/New_York"], [11, 12] as [UInt64])
    func aTimeIsTheLastEventAtOrBeforeIt(_ zone: String, _ seed: UInt64) throws {
        let (lake, folder) = try Self.lake(zone)
        defer {
            lake.close()
            try? Files.removeTree(folder)
        }
        let events = try lake.log.read { try $0.events(EventQuery()) }
        let reporting = try lake.reportingZone(try lake.projector.definitions(until: try lake.log.read { try $0.head().seq }))
        let start = events[0].time.milliseconds
        var random = SplitMix64(state: seed)
        for _ in 0..<40 {
            // Some exactly at an event, some just before it.
            let near = try #require(events.randomElement(using: &random)).time.milliseconds + Int64.random(in: -1...1, using: &random)
            let moment = Bool.random(using: &random) ? near : start + Int64.random(in: 0...(110 * 3_600_000), using: &random)
            let expected = events.last { $0.time.milliseconds <= moment }
            let text = Timestamp(milliseconds: moment).iso
            guard let expected else {
                #expect(throws: LedgerError.self, "seed \(seed), \(text)") { try lake.moment(text) }
                continue
            }
            #expect(try lake.moment(text) == Moment(expected), "seed \(seed), \(text)")
            // The same moment in another zone's clothes.
            let east = Timestamp(milliseconds: moment + 330 * 60_000).iso
            #expect(try lake.moment(east.dropLast() + "+05:30") == Moment(expected), "seed \(seed), \(east)")
        }
        for day in Set(events.map { reporting.day(of: $0.time) }).sorted() {
            let expected = try #require(events.last { reporting.day(of: $0.time) <= day })
            #expect(try lake.moment(CalendarDay.text(day: day)) == Moment(expected), "\(CalendarDay.text(day: day)) in \(zone)")
        }
        let before = #expect(throws: LedgerError.self) { try lake.moment("2001-01-01") }
        #expect(before?.description.contains("nothing was known at the end of 2001-01-01 (\(zone)): the log begins at ") == true)
    }

    @Test(arguments: [
        ("2025-09-01T06:00:00Z", "2025-09-01T06:00:00.000Z"), ("2025-09-01t06:00:00z", "2025-09-01T06:00:00.000Z"),
        ("2025-09-01T06:00:00.5Z", "2025-09-01T06:00:00.500Z"), ("2025-09-01T06:00:00.1239999Z", "2025-09-01T06:00:00.123Z"),
        ("2025-09-01T00:30:00+02:00", "2025-08-31T22:30:00.000Z"), ("2025-09-01T06:00:00-00:30", "2025-09-01T06:30:00.000Z"),
        ("2025-09-01T06:00:00", nil), ("2025-09-01 06:00:00Z", nil), ("2025-09-01T06:00Z", nil), ("2025-09-31T06:00:00Z", nil),
        ("2025-09-01T06:00:00.Z", nil), ("2025-09-01T06:00:00.1xZ", nil), ("2025-09-01T06:00:00+2:00", nil), ("", nil),
        ("2025-09-01T24:00:00Z", nil), ("2025-09-01T06:00:00+02:00Z", nil),
    ])
    func timesAreRead(_ text: String, _ expected: String?) {
        #expect(MomentText.time(text)?.iso == expected)
    }

    @Test(arguments: [
        ("2025-08-close", true), ("q3", true), ("3rd.look_b", true), ("a", true), ("2025", false), ("42", false), ("2025-08", false),
        ("2025-08-31", false), ("2025-13-99", false), ("2025-8-1", false), ("2025-08-31t18", false), ("Close", false), ("über", false),
        ("a b", false), ("-a", false), (".a", false), ("", false), ("a/b", false), ("a\u{0}", false), ("2025-08-31-close", true),
        (String(repeating: "a", count: 64), true), (String(repeating: "a", count: 65), false),
    ])
    func aNameIsNeitherASeqNorATime(_ name: String, _ isGood: Bool) throws {
        #expect((MomentText.reason(against: name) == nil) == isGood)
    }

    @Test func aTagIsSetMovedAndRemoved() throws {
        let root = try Root()
        #expect(try root.lake.tags().isEmpty)
        let head = try root.head()
        let first = try root.lake.setTag("2025-08-close", at: nil, note: " as reported ", force: false)
        #expect((first.moment.seq, first.note, first.moves) == (head, "as reported", 0))
        #expect(try root.lake.moment("2025-08-close") == first.moment)
        // Once more the same: nothing new in the log.
        #expect(try root.lake.setTag("2025-08-close", at: "\(head)", note: nil, force: false) == first)
        #expect(try root.head() == head + 1)
        let refused = #expect(throws: LedgerError.self) { try root.lake.setTag("2025-08-close", at: "2", note: nil, force: false) }
        #expect(refused?.description.contains("names event \(head)") == true && refused?.description.contains("--force") == true)
        let moved = try root.lake.setTag("2025-08-close", at: "2", note: nil, force: true)
        #expect((moved.moment.seq, moved.moves, moved.note) == (2, 1, nil))
        #expect(try root.events(.tagSet).map { $0.body["moved_from"]?.int } == [nil, head])
        // A new note on the same place is no move.
        #expect(try root.lake.setTag("2025-08-close", at: "2", note: "why", force: false).moves == 1)
        _ = try root.lake.setTag("q3", at: "2025-08-close", note: nil, force: false)
        #expect(try root.lake.tags().map(\.name) == ["2025-08-close", "q3"])
        #expect(try root.lake.removeTag("2025-08-close").moment.seq == 2)
        #expect(try root.lake.tags().map(\.name) == ["q3"])
        #expect(throws: LedgerError.self) { try root.lake.removeTag("2025-08-close") }
        let unknown = #expect(throws: LedgerError.self) { try root.lake.moment("2025-08-close") }
        #expect(unknown?.description.contains("tags: q3") == true)
        #expect(throws: LedgerError.self) { try root.lake.setTag("7", at: nil, note: nil, force: true) }
    }

    @Test func aTagChangesNoFigure() throws {
        let (root, _, _, _) = try Answers.root()
        let digest = try root.lake.projector.digest()
        let files = try root.snapshot()
        let tag = try root.lake.setTag("close", at: nil, note: nil, force: false)
        let after = try root.snapshot()
        #expect(after == files)
        _ = try root.lake.project()
        #expect(try root.lake.projector.digest().tables == digest.tables)
        #expect(try root.lake.projector.digest().files == digest.files)
        #expect(try root.lake.known(at: "close") == tag.moment)
    }

    @Test func aMomentMustBeProjectedWhereFiguresMayDiffer() throws {
        let (root, _, _, _) = try Answers.root()
        let seq = try root.lake.projectedTo()
        #expect(try root.lake.known(at: nil).seq == seq)
        // A tag behind the projection changes no figure.
        let tag = try root.lake.setTag("close", at: nil, note: nil, force: false)
        #expect(try root.lake.known(at: "\(tag.event)").seq == tag.event)
        let kpi = try root.lake.kpi("streams_native_7d")
        #expect(
            try root.lake.kpiValues(kpi, day: nil, knownAt: tag.event).values == root.lake.kpiValues(kpi, day: nil, knownAt: seq).values)
        try root.feed(try root.file(Export.spotifyName("artistone", "20250403_120000"), Export.spotify([110, 200, 300, 400])))
        let head = try root.head()
        let stale = #expect(throws: LedgerError.self) { try root.lake.known(at: "\(head)") }
        #expect(stale?.description.contains("bedrot project") == true && stale?.description.contains("zone.promoted") == true)
        #expect(throws: LedgerError.self) { try root.lake.kpiValues(kpi, day: nil, knownAt: head) }
        #expect(try root.lake.known(at: "close") == tag.moment)
        #expect(throws: LedgerError.self) { try root.lake.moment("\(head + 1)") }
        #expect(throws: LedgerError.self) { try root.lake.moment("0") }
        #expect(throws: LedgerError.self) { try root.lake.moment("99999999999999999999") }
        let zone = #expect(throws: LedgerError.self) { try root.lake.moment("2025-09-01T06:00:00") }
        #expect(zone?.description.contains("add Z for UTC") == true)
        _ = try root.lake.project()
        #expect(try root.lake.known(at: "\(head)").seq == head)
    }
}
