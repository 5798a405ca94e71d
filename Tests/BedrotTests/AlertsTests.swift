import EventLog
import Testing

/// Alerts and goals as a person sees them.
@Suite struct AlertsTests {
    @Test func anAlertIsToldListedAndAcknowledged() throws {
        let root = try Root()
        let fed = try root.feed([Made.spotify(1...3, made: 4)])
        #expect(fed.text.contains("alert: data_age_hours of"), "\(fed)")
        #expect(fed.text.contains("1 new alert, 1 critical: bedrot alerts"), "\(fed)")
        let table = try root.ok(["alerts"]).text
        for part in ["critical", "open", "data_age_hours", "> 168", "Figures are missing"] { #expect(table.contains(part), "\(table)") }
        let alert = try #require(try root.json(["alerts"])["alerts"]?.array?.first)
        let id = try #require(alert["alert"]?.int)
        #expect(alert["rule"] == "missing" && alert["state"] == "open" && alert["side"] == "above" && alert["limit"] == "168")
        #expect(alert["dimensions"]?["source"] == "spotify/audience")
        #expect(try root.ok(["alerts", "ack", "\(id)", "--note", "asked for it"]).text.contains("alert \(id) is acknowledged"))
        #expect(try root.ok(["alerts"]).text.contains("\(id): asked for it"))
        #expect(try root.run(["alerts", "ack", "\(id)", "--note", "again"]).errors.contains("acknowledged already"))
        // The file withdrawn, the alert is over; the log says it all.
        let capture = try #require(try root.events().first { $0["type"] == "extraction.captured" }?["seq"]?.int)
        #expect(try root.ok(["retract", "\(capture)", "--reason", "wrong"]).code == 0)
        #expect(try root.ok(["alerts"]).text == "no alert\n")
        #expect(try root.ok(["alerts", "--all"]).text.contains("resolved"))
        #expect(try root.ok(["project", "--status"]).text.contains("not projected") == false)
        #expect(try root.ok(["verify", "--shadow"]).code == 0)
    }

    @Test func goalsAreEmptyUntilOneIsSet() throws {
        let root = try Root()
        #expect(try root.ok(["goals"]).text.contains("no goal is set"))
        #expect(try root.ok(["alerts"]).text.contains("no alert: there is no snapshot yet"))
        #expect(try root.json(["goals"])["goals"] == JSON.array([]))
        let pending = try root.feed([Made.spotify(1...3, made: 4)], ["--no-project"])
        #expect(pending.code == 0)
        #expect(try root.ok(["project", "--status"]).text.contains("events not projected: bedrot project"))
    }
}
