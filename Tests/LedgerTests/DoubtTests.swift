import Cleaning
import EventLog
import Glibc
import Projection
import Testing

@testable import Ledger

/// Days that are still to come, in rows, names and file times.
@Suite struct DaysToCome {
    static let stream = "spotify/audience"
    static let right = Export.spotify([100, 200])
    static let wrong = right + "2199-01-01,10,7,100\n"

    @Test func rowsOfTheFutureWaitForAPerson() throws {
        let root = try Root()
        let path = try root.file("ZONE A0-audience-timeline.csv", Self.wrong)
        let held = try root.feed(path, account: "artist one")
        #expect(held.word == "quarantined")
        let seq = try #require(held.capture)
        for part in ["line 4", "2199-01-01", "still to come", "--accept-changes --account 'artist one' '", "bedrot retract \(seq) "] {
            #expect(held.reason.contains(part), "\(part): \(held.reason)")
        }
        // The last day that can be known of: a later export of the same days wins.
        #expect(held.observed?.iso == "2025-03-02T00:00:00.000Z")
        #expect(held.observedFrom == "last_day")
        let better = try root.feed(try root.file("ZONE A1-audience-timeline.csv", Export.spotify([150, 250])), account: "artist one")
        #expect(better.word == "promoted")
        #expect(try root.feed(path, account: "artist one").waits)
        let accepted = try root.feed(path, account: "artist one", acceptChanges: true)
        #expect((accepted.word, accepted.capture) == ("promoted", seq))
        #expect(try root.state(Self.stream).ranked("artist one").map(\.capture.seq) == [seq, better.capture ?? 0], "of one day the later")
    }

    @Test func tomorrowIsATimeZoneAhead() throws {
        let root = try Root()
        let tomorrow = CalendarDay.text(day: Timestamp.now().milliseconds.flooredDay + 1)
        let path = try root.file("a-audience-timeline.csv", Export.spotify([1], from: tomorrow))
        #expect(try root.feed(path, account: "a").word == "promoted")
    }

    @Test func aMonthThatIsNotOverIsNoDoubt() throws {
        let root = try Root()
        let today = Timestamp.now().milliseconds.flooredDay
        let month = CalendarDay.text(day: today).prefix(7)
        func answer(_ month: some StringProtocol) -> String {
            #"{"history": [{"list_id": "l1", "month": "\#(month)", "subscribed": 5}], "list_id": "l1"}"#
        }
        let outcome = try root.feed(try root.file("growth.json", answer(month)), account: "label")
        #expect(outcome.word == "promoted", "\(outcome.kind)")
        #expect(try #require(outcome.observed).milliseconds <= Timestamp.now().milliseconds)
        #expect(try root.feed(try root.file("later.json", answer("2199-01")), account: "label").word == "quarantined")
    }

    @Test func aTimeInTheNameThatIsStillToComeIsNotBelieved() throws {
        let root = try Root()
        let path = try root.file(Export.spotifyName("artistone", "21991231_000000"), Self.right)
        let outcome = try root.feed(path)
        #expect(outcome.doubtedTime?.iso == "2199-12-31T00:00:00.000Z")
        #expect((outcome.observed?.iso, outcome.observedFrom) == ("2025-03-02T00:00:00.000Z", "last_day"))
        let capture = try #require(try root.state(Self.stream).entries[outcome.capture ?? 0]).capture
        #expect(capture.fields == ["artist_id": "artistone"])
        #expect(try root.feed(path).word == "duplicate")
        let later = try root.feed(try root.file(Export.spotifyName("artistone", "20250401_120000"), Export.spotify([101, 200])))
        #expect(try root.state(Self.stream).ranked("artistone").last?.capture.seq == later.capture)
    }

    @Test func aFileTimeThatIsStillToComeIsNoEvidence() throws {
        let root = try Root()
        let table = "song,listeners,streams,saves,release_date\nA,1,1,1,2025-01-10\n"
        let path = try root.file("Artist One-songs-28day.csv", table, day: "2099-01-01")
        let outcome = try root.feed(path, account: "a")
        #expect(outcome.word == "promoted")
        #expect(try #require(outcome.observed).milliseconds <= Timestamp.now().milliseconds)
        #expect(try root.feed(path, account: "a").word == "duplicate")
    }

    @Test func whatAPersonDeclaresIsNotToComeEither() throws {
        let root = try Root()
        let path = try root.file("a-audience-timeline.csv", Self.right)
        let head = try root.head()
        #expect(throws: LedgerError.self) { try root.feed(path, account: "a", observed: "2199-01-01") }
        #expect(throws: LedgerError.self) { try root.feed(path, account: "a", downloadedOn: "2199-01-01") }
        #expect(try root.head() == head)
    }

    @Test func aReportOfAMonthThatIsNotOverIsOfToday() throws {
        let root = try Root()
        let today = CalendarDay.text(day: Timestamp.now().milliseconds.flooredDay)
        let name = "\(today.dropFirst(5).prefix(2))-\(today.prefix(4))-100.csv"
        let path = try root.file(name, "transaction_id,sale_date,channel,units,net_amount\nX1,2025-02-01,Spotify,1,1.00\n")
        let outcome = try root.feed(path, account: "label")
        #expect(outcome.doubtedTime == nil)
        #expect(try #require(outcome.observed).milliseconds <= Timestamp.now().milliseconds + 86_400_000)
        #expect(try root.feed(path, account: "label").word == "duplicate")
    }
}

/// Two files whose names lack what tells them apart.
@Suite struct NamelessTables {
    static func table(_ views: Int) -> String { "Geography,Views,Watch time (hours)\nTotal,\(views),1\nES,\(views),0.5\n" }

    @Test func unlikeTablesOfOneDayDoNotReplaceEachOther() throws {
        let root = try Root()
        let first = try root.feed(try root.file("one/Table data.csv", Self.table(3)), account: "channel")
        #expect(first.word == "promoted")
        let path = try root.file("two/Table data.csv", Self.table(5))
        var options = IngestOptions()
        options.account = "channel"
        #expect(try root.lake.preview([path], options).files.first?.word == "quarantined")
        let second = try root.feed(path, account: "channel")
        #expect(second.word == "quarantined")
        for part in ["capture \(first.capture ?? 0)", "first day, last day", "<table> <first_day>_<last_day>", "--accept-changes"] {
            #expect(second.reason.contains(part), "\(part): \(second.reason)")
        }
        // With its range it stands beside the other, and no longer waits.
        let named = try root.feed(try root.file("Geography 2025-01-01_2025-02-01.csv", Self.table(5)), account: "channel")
        #expect((named.word, named.replaced) == ("promoted", [second.capture ?? 0]))
        // A table of other members collides with nothing, nor does one of another day.
        let other = "Content,Views,Watch time (hours)\nTotal,5,1\nvideo,5,0.5\n"
        #expect(try root.feed(try root.file("three/Table data.csv", other), account: "channel").word == "promoted")
        let later = try root.file("four/Table data.csv", Self.table(9), day: "2025-05-02")
        #expect(try root.feed(later, account: "channel").word == "promoted")
    }

    @Test func thePersonMaySayThatItIsTheNewerOne() throws {
        let root = try Root()
        try root.feed(try root.file("one/Table data.csv", Self.table(3)), account: "channel")
        let path = try root.file("two/Table data.csv", Self.table(5))
        let held = try root.feed(path, account: "channel")
        let taken = try root.feed(path, account: "channel", acceptChanges: true)
        #expect((taken.word, taken.capture) == ("promoted", held.capture))
    }
}
