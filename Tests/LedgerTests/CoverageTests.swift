import Cleaning
import EventLog
import Projection
import Testing

@testable import Ledger

/// Which days of which source are here: the matrix, its gaps and what is to be done about them.
@Suite struct CoverageTests {
    private static let today = Day.number("2025-03-20")

    /// `first..last state` of each run of a dataset's days, without the year.
    private func days(
        _ root: Root, _ service: String, account: String? = nil, from: String? = nil, to: String? = nil, today: Int64 = today
    ) throws -> [String] {
        let report = try root.lake.coverage(
            service: service, from: from.map { Day.number($0) }, to: to.map { Day.number($0) }, today: today)
        let row = try #require(report.rows.first { account == nil || $0.account == account })
        return row.runs.map { run in
            let ends = [run.days.lowerBound, run.days.upperBound].map { String(CalendarDay.text(day: $0).dropFirst(5)) }
            return "\(ends[0])..\(ends[1]) \(run.state.rawValue)"
        }
    }

    private func spotify(_ root: Root, _ streams: [Int?], from first: String, artist: String = "A", made: String, project: Bool = true)
        throws
    {
        let stamp = "\(made.replacing("-", with: ""))_120000"
        let path = try root.file(Export.spotifyName(artist, stamp), Export.spotify(streams, from: first))
        _ = try root.feed(path, project: project)
    }

    @Test func daysBetweenCapturesAreMissingAndTheNewestAreNotDue() throws {
        let root = try Root()
        try spotify(root, [1, 2, 3], from: "2025-03-01", made: "2025-03-05")
        try spotify(root, [4, 5], from: "2025-03-10", made: "2025-03-13")
        let expected = ["03-01..03-03 pulled", "03-04..03-09 never_tried", "03-10..03-11 pulled", "03-12..03-18 never_tried"]
        // The contract says that the source reports two days late.
        #expect(try days(root, "spotify") == expected + ["03-19..03-20 not_yet_due"])
        #expect(try days(root, "spotify", to: "2025-03-11") == Array(expected.prefix(3)))
        #expect(try days(root, "spotify", from: "2025-02-27", to: "2025-03-02") == ["02-27..02-28 never_tried", "03-01..03-02 pulled"])
        let report = try root.lake.coverage(service: "spotify", from: nil, to: nil, today: Self.today)
        let remedy = try #require(report.rows[0].runs[1].remedy)
        for part in [
            "artists.spotify.com/c/en/artist/A", "2025-03-04 to 2025-03-09", "spotify_audience_A_<captured_at>.csv",
            "1_landing/spotify/audience/A",
        ] {
            #expect(remedy.contains(part), "\(part): \(remedy)")
        }
        #expect(report.rows[0].runs.filter { !$0.state.isGap }.allSatisfy { $0.remedy == nil })
        // A withdrawn capture covers nothing.
        let capture = try #require(try root.events(.captured).last?.seq)
        _ = try root.lake.retract(capture, reason: "wrong")
        #expect(try days(root, "spotify") == ["03-01..03-03 pulled", "03-04..03-18 never_tried", "03-19..03-20 not_yet_due"])
    }

    @Test func aCoveredDayWithoutARowIsEmpty() throws {
        let root = try Root()
        let text = "date,listeners,streams,followers\n2025-03-01,1,1,1\n2025-03-04,1,1,1\n"
        _ = try root.feed(root.file(Export.spotifyName("A", "20250306_120000"), text), project: true)
        let covered = ["03-01..03-01 pulled", "03-02..03-03 pulled_empty", "03-04..03-04 pulled"]
        #expect(try days(root, "spotify", to: "2025-03-04") == covered)
        // A later capture fills the days; until it is projected nobody says that they are empty.
        try spotify(root, [1, 1, 1, 1], from: "2025-03-01", made: "2025-03-07", project: false)
        #expect(try days(root, "spotify", to: "2025-03-04") == ["03-01..03-04 pulled"])
        _ = try root.lake.project()
        #expect(try days(root, "spotify", to: "2025-03-04") == ["03-01..03-04 pulled"])
    }

    @Test func theDayOfTheDownloadIsPulledAgain() throws {
        let root = try Root()
        func feed(_ days: ClosedRange<Int>, made: String) throws {
            let name = "Overview_2025-03-0\(days.lowerBound)_\(Export.epoch(made, hours: 18))_zone.a0.csv"
            _ = try root.feed(root.file(name, Export.tiktok(days.map { 10 * $0 }, from: days.lowerBound)), project: true)
        }
        try feed(1...9, made: "2025-03-09")
        let made = Day.number("2025-03-09")
        #expect(try days(root, "tiktok", today: made) == ["03-01..03-08 pulled", "03-09..03-09 not_yet_due"])
        #expect(try days(root, "tiktok", today: made + 2) == ["03-01..03-08 pulled", "03-09..03-09 partial", "03-10..03-11 not_yet_due"])
        try feed(5...12, made: "2025-03-13")
        #expect(try days(root, "tiktok", today: made + 4) == ["03-01..03-12 pulled", "03-13..03-13 not_yet_due"])
    }

    @Test func aTryThatBroughtNothingSaysWhy() throws {
        let root = try Root()
        try spotify(root, [1, 2, 3], from: "2025-03-01", made: "2025-03-05")
        let stream = "spotify/audience"
        _ = try root.append(
            stream, .failed,
            [
                "account": "A", "outcome": "limited", "first_day": "2025-03-06", "last_day": "2025-03-07", "message": "twelve months only",
            ])
        _ = try root.append(
            stream, .failed,
            ["account": "A", "outcome": "network", "first_day": "2025-03-10", "last_day": "2025-03-11", "message": "refused"])
        _ = try root.append(
            stream, .failed, ["account": "A", "outcome": "auth_required", "first_day": "2025-03-12", "last_day": "2025-03-18"])
        let expected = [
            "03-01..03-03 pulled", "03-04..03-05 never_tried", "03-06..03-07 limited", "03-08..03-09 never_tried", "03-10..03-11 failed",
            "03-12..03-18 sign_in_needed", "03-19..03-20 not_yet_due",
        ]
        #expect(try days(root, "spotify") == expected)
        let runs = try root.lake.coverage(service: "spotify", from: nil, to: nil, today: Self.today).rows[0].runs
        #expect(runs[2].note == "twelve months only" && runs[4].note == "refused")
        #expect(runs[5].remedy?.hasPrefix("sign in at https://artists.spotify.com") == true)
        // Data beats every failure.
        try spotify(root, [1, 2, 3, 4, 5], from: "2025-03-08", made: "2025-03-15")
        #expect(try days(root, "spotify").contains("03-08..03-12 pulled"))
    }

    @Test func aSessionThatIsMissedConcernsTheServiceUntilSomebodySignsIn() throws {
        let root = try Root()
        try spotify(root, [1, 2, 3], from: "2025-03-01", made: "2025-03-05")
        func auth(_ type: String) throws {
            let draft = EventDraft(
                stream: "spotify/auth/A", type: type, actor: "os:1", run: nil,
                body: ["service": "spotify", "account": "A", "kind": "cookies"])
            _ = try root.lake.log.write { try $0.append(draft) }
        }
        try auth("auth.required")
        // The try was made today by the clock, after all the days asked about.
        #expect(try days(root, "spotify") == ["03-01..03-03 pulled", "03-04..03-18 sign_in_needed", "03-19..03-20 not_yet_due"])
        try auth("auth.signed_in")
        #expect(try days(root, "spotify") == ["03-01..03-03 pulled", "03-04..03-18 never_tried", "03-19..03-20 not_yet_due"])
    }

    @Test func aFileThatIsHeldBackCoversNothing() throws {
        let root = try Root()
        try spotify(root, [1, 2, 3], from: "2025-03-01", made: "2025-03-05")
        _ = try root.feed(root.file(Export.spotifyName("A", "20250318_120000"), "date,listeners\n2025-03-04,1\n"))
        #expect(try days(root, "spotify") == ["03-01..03-03 pulled", "03-04..03-18 failed", "03-19..03-20 not_yet_due"])
        let report = try root.lake.coverage(service: "spotify", from: nil, to: nil, today: Self.today)
        #expect(report.rows[0].runs[1].note?.contains("is held back: ") == true)
        #expect(!report.untouched.contains { $0.stream == "spotify/audience" })
        let all = try root.lake.coverage(service: nil, from: nil, to: nil, today: Self.today)
        #expect(all.untouched.contains { $0.stream == "tiktok/overview" && $0.remedy.contains("Overview_") })
    }

    /// Only the days it tells of, or may tell of, are its fault.
    @Test func aFileThatIsHeldBackIsBlamedForItsOwnDaysOnly() throws {
        let root = try Root()
        try spotify(root, [1, 2, 3], from: "2025-03-01", made: "2025-03-05")
        try spotify(root, [1, 2, 3, 4], from: "2025-03-08", made: "2025-03-13")
        // Its days are known: it waits as it looks like another account's.
        let strange = [5000, 6000, 7000, 8000, 9000, 9000]
        let stamp = Export.spotifyName("A", "20250315_120000")
        #expect(try root.feed(root.file(stamp, Export.spotify(strange, from: "2025-03-08"))).word == "quarantined")
        let expected = ["03-01..03-03 pulled", "03-04..03-07 never_tried", "03-08..03-11 pulled", "03-12..03-13 failed"]
        #expect(try days(root, "spotify") == expected + ["03-14..03-18 never_tried", "03-19..03-20 not_yet_due"])
        // Its days are not known: those since the last day that is here, up to when it was made.
        _ = try root.feed(root.file(Export.spotifyName("A", "20250316_120000"), "date,listeners\n2025-03-04,1\n"))
        #expect(
            try days(root, "spotify")
                == Array(expected.prefix(3)) + ["03-12..03-16 failed", "03-17..03-18 never_tried", "03-19..03-20 not_yet_due"])
        // What was never captured is of the day it was fed on, and nobody's.
        #expect(try root.feed(root.file("Nobody-audience-timeline.csv", Export.spotify([1]))).word == "quarantined")
        #expect(try days(root, "spotify", to: "2025-03-07") == Array(expected.prefix(2)))
    }

    @Test func daysStillToComeAreNotCovered() throws {
        let root = try Root()
        let today = try root.lake.today()
        let first = CalendarDay.text(day: today - 3)
        let text = Export.spotify([1], from: first) + "2199-01-01,1,1,1\n"
        let path = try root.file("A-audience-timeline.csv", text)
        #expect(try root.feed(path, account: "A").word == "quarantined")
        let held = try root.lake.coverage(service: "spotify", from: nil, to: nil, today: today + 10).rows[0]
        #expect(held.runs.first { $0.state == .failed }?.days == today - 3...today - 3, "the days before are not its fault")
        let outcome = try root.feed(path, account: "A", acceptChanges: true)
        #expect(outcome.word == "promoted")
        let report = try root.lake.coverage(service: "spotify", from: nil, to: nil, today: today + 10)
        #expect(report.rows[0].lastDay == today, "a capture shows nothing later than itself")
        #expect(report.rows[0].runs.first?.days == today - 3...today)
        #expect(report.rows[0].runs.contains { $0.state == .never })
    }

    /// A remedy can be followed: it names a page or a question of its dataset, and no hole stays without a word on it.
    @Test func everyDatasetHasARemedyOfItsOwn() throws {
        let root = try Root()
        let untouched = try root.lake.coverage(service: nil, from: nil, to: nil, today: Self.today).untouched
        #expect(untouched.count > 30)
        for (stream, remedy) in untouched {
            #expect(!remedy.contains("the page of "), "\(stream): \(remedy)")
            for hole in remedy.split(separator: "<").dropFirst().compactMap({ $0.split(separator: ">").first }) {
                #expect(remedy.contains("<\(hole)>: "), "\(stream): \(remedy)")
            }
        }
        func text(_ stream: String) -> String { untouched.first { $0.stream == stream }?.remedy ?? "" }
        #expect(text("youtube/analytics").hasPrefix("ask the YouTube Analytics API: "))
        #expect(text("youtube/analytics").contains("youtube_analytics_<channel_id>_<captured_at>.json (<channel_id>: whose file it is; "))
        #expect(text("spotify/song_timeline").contains("<song>-timeline.csv (<song>: the song) in 1_landing/spotify/song_timeline/ACCOUNT"))
        try root.feed(try root.file("Glass Tide-timeline.csv", "date,streams\n2025-03-01,1\n"), account: "artistone")
        let row = try #require(try root.lake.coverage(service: "spotify", from: nil, to: nil, today: Self.today).rows.first)
        let remedy = try #require(row.runs.last { $0.state.isGap }?.remedy)
        #expect(remedy.hasPrefix("open https://artists.spotify.com (Music, Songs, the song, download), choose 2025-03-02 to "))
        #expect(remedy.contains("1_landing/spotify/song_timeline/artistone"))
    }

    /// The hours of a week that nobody downloaded are gone.
    @Test func whatTheSourceNoLongerShowsIsMissed() throws {
        let root = try Root()
        func feed(_ day: Int, made: String) throws {
            let text = "\"Date\",\"Hour\",\"Active followers\"\n\"March \(day)\",\"1\",\"5\"\n"
            try root.feed(root.file("FollowerActivity_2025-03-0\(day)_\(Export.epoch(made, hours: 18))_zone.a0.csv", text))
        }
        try feed(1, made: "2025-03-02")
        try feed(5, made: "2025-03-06")
        let expected = ["03-01..03-01 pulled", "03-02..03-04 missed", "03-05..03-05 pulled", "03-06..03-12 missed"]
        let found = try days(root, "tiktok")
        #expect(Array(found.prefix(4)) == expected && found[4].hasPrefix("03-13..") && found[4].hasSuffix("never_tried"), "\(found)")
        let runs = try root.lake.coverage(service: "tiktok", from: nil, to: nil, today: Self.today).rows[0].runs
        #expect(runs[1].remedy == nil && runs[1].note == "the source shows the last 7 days only")
        #expect(runs[4].remedy?.contains("choose 2025-03-13 to ") == true)
        // What waits in a file of a day that is gone can only be noted.
        try root.feed(root.file("FollowerActivity_2025-03-09_\(Export.epoch("2025-03-09", hours: 18))_zone.a0.csv", "\"Date\",\"Hour\"\n"))
        let held = try root.lake.coverage(service: "tiktok", from: nil, to: nil, today: Self.today).rows[0].runs
        let failed = try #require(held.first { $0.state == .failed })
        #expect(
            failed.remedy?.contains("bedrot coverage acknowledge tiktok/follower_activity zone.a0 2025-03-06..2025-03-09 --note") == true,
            "\(failed)")
    }

    @Test func aGapThatStaysCanBeAcknowledged() throws {
        let root = try Root()
        try spotify(root, [1, 2, 3], from: "2025-03-01", made: "2025-03-05")
        try spotify(root, [4, 5], from: "2025-03-10", made: "2025-03-13")
        func acknowledge(_ first: String, _ last: String, stream: String = "spotify/audience", account: String = "A", note: String = "gone")
            throws
        {
            _ = try root.lake.acknowledge(
                stream, account: account, days: Day.number(first)...Day.number(last), note: note, today: Self.today)
        }
        for wrong in [
            { try acknowledge("2025-03-01", "2025-03-02") }, { try acknowledge("2025-03-04", "2025-03-05", account: "B") },
            { try acknowledge("2025-03-04", "2025-03-05", stream: "spotify/nothing") },
            { try acknowledge("2025-03-04", "2025-03-05", note: " ") },
        ] { #expect(throws: LedgerError.self) { try wrong() } }
        #expect(try root.events(.gapAcknowledged).isEmpty, "what is refused leaves no event")
        try acknowledge("2025-03-03", "2025-03-06")
        #expect(
            try days(root, "spotify", to: "2025-03-11") == [
                "03-01..03-03 pulled", "03-04..03-06 acknowledged", "03-07..03-09 never_tried", "03-10..03-11 pulled",
            ])
        let event = try #require(try root.events(.gapAcknowledged).first)
        #expect(event.stream == "spotify/audience" && event.body["note"] == "gone")
        // Data that comes all the same is data; and the datasets' digests know nothing of the note.
        let before = try root.lake.projector.digest().all
        _ = try root.lake.project()
        #expect(try root.lake.projector.digest().all == before)
        try spotify(root, [1, 2], from: "2025-03-04", made: "2025-03-14")
        #expect(
            try days(root, "spotify", to: "2025-03-07") == ["03-01..03-05 pulled", "03-06..03-06 acknowledged", "03-07..03-07 never_tried"])
    }

    private func snapshot(_ root: Root, _ day: String, hours: Int64 = 18, rows: Bool = true) throws {
        let name = "FollowerGender_2025-02-01_\(Export.epoch(day, hours: hours))_zone.a0.csv"
        let text = "\"Gender\",\"Distribution\"\n" + (rows ? "\"Female\",\"0.6\"\n\"Male\",\"0.4\"\n" : "")
        _ = try root.feed(root.file(name, text), project: true)
    }

    @Test func aSnapshotCountsUntilTheNextIsDueAndThePastCannotBeAskedFor() throws {
        let root = try Root()
        // `warn_days` of the service is 3.
        for day in ["2025-03-01", "2025-03-03", "2025-03-10"] { try snapshot(root, day) }
        try snapshot(root, "2025-03-17", rows: false)
        let expected = [
            "03-01..03-05 pulled", "03-06..03-09 missed", "03-10..03-12 pulled", "03-13..03-16 missed", "03-17..03-19 pulled_empty",
        ]
        #expect(try days(root, "tiktok") == expected + ["03-20..03-20 never_tried"])
        #expect(try days(root, "tiktok", today: Self.today - 1) == expected)
        #expect(try days(root, "tiktok", from: "2025-03-08", to: "2025-03-10") == ["03-08..03-09 missed", "03-10..03-10 pulled"])
        #expect(try days(root, "tiktok", from: "2025-03-20", to: "2025-03-22").last == "03-21..03-22 not_yet_due")
        let row = try root.lake.coverage(service: "tiktok", from: nil, to: nil, today: Self.today).rows[0]
        #expect(row.snapshotDays == 3 && row.lastDay == Day.number("2025-03-17"))
        #expect(row.runs.filter { $0.state == .missed }.allSatisfy { $0.remedy == nil && !$0.state.isGap })
        let remedy = try #require(row.runs.last?.remedy)
        #expect(remedy.contains("tiktokstudio") && remedy.contains("FollowerGender_") && !remedy.contains("choose"), "\(remedy)")
        // Nothing can be done about what was missed, but a person may say why.
        let (first, last) = (Day.number("2025-03-04"), Day.number("2025-03-07"))
        _ = try root.lake.acknowledge("tiktok/follower_gender", account: "zone.a0", days: first...last, note: "ill", today: Self.today)
        let after = try days(root, "tiktok")
        #expect(after.prefix(3) == ["03-01..03-05 pulled", "03-06..03-07 acknowledged", "03-08..03-09 missed"], "what was pulled stays")
        #expect(throws: LedgerError.self) {
            try root.lake.acknowledge(
                "tiktok/follower_gender", account: "zone.a0", days: first...first, note: "x", today: Self.today)
        }
    }

    @Test func theDayOfASnapshotIsCountedInTheReportingZone() throws {
        let root = try Root(zone: "Pacific/Auckland")
        for (day, hours) in [("2025-03-01", Int64(3)), ("2025-03-03", 23)] { try snapshot(root, day, hours: hours) }
        let expected = ["03-01..03-06 pulled", "03-07..03-19 missed", "03-20..03-20 never_tried"]
        #expect(try days(root, "tiktok") == expected)
    }

    @Test func whyThereIsNoSnapshotToday() throws {
        let root = try Root()
        let today = try root.lake.today()
        try snapshot(root, CalendarDay.text(day: today - 10))
        #expect(try days(root, "tiktok", today: today).last?.hasSuffix("never_tried") == true)
        let draft = EventDraft(
            stream: "tiktok/auth/zone.a0", type: "auth.required", actor: "os:1", run: nil,
            body: ["service": "tiktok", "account": "zone.a0", "kind": "cookies"])
        _ = try root.lake.log.write { try $0.append(draft) }
        let asked = try #require(try newest(root, today))
        #expect(asked.state == .signIn && asked.days == today...today && asked.remedy?.hasPrefix("sign in at") == true)
        try snapshot(root, CalendarDay.text(day: today - 1))
        #expect(try newest(root, today)?.state == .pulled)
    }

    /// What a session lacks, every dataset of the service lacks: this looks at one of them.
    private func newest(_ root: Root, _ today: Int64) throws -> DayRun? {
        let rows = try root.lake.coverage(service: "tiktok", from: nil, to: nil, today: today).rows
        return rows.first { $0.stream == "tiktok/follower_gender" }?.runs.last
    }

    /// Sources that show the present only, by their contracts.
    @Test(arguments: [
        ("instagram/media", true), ("mailchimp/lists", true), ("mailchimp/reports", true), ("spotify/songs", true),
        ("youtube/video_statistics", true), ("tiktok/follower_snapshot", true), ("instagram/insights", false), ("spotify/audience", false),
        ("mailchimp/growth_history", false), ("manual/track_catalog", false),
    ])
    func contractsSayIt(stream: String, isSnapshot: Bool) throws {
        let path = "zones/\(stream).yml"
        let contract = try Contract.parse(Files.read("\(Root.package)/\(path)"), path: path)
        #expect(contract.isSnapshot == isSnapshot)
    }
}
