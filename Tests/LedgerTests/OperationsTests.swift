import Cleaning
import EventLog
import GRDB
import Projection
import Testing

@testable import Ledger

/// What the ledger tells of its own work, as known at each event.
@Suite struct OperationsTests {
    /// The values of a KPI as `dimensions num/den`, at an event and a clock.
    private static func values(_ root: Root, _ id: String, at seq: Int64? = nil, day: String = "2025-03-10", now: Timestamp? = nil) throws
        -> [String]
    {
        let kpi = try root.lake.kpi(id)
        let definitions = try root.lake.definitionsInForce()
        let number = Day.number(day)
        return try Warehouse.Reader(root.layout, scratch: true).queue.writeWithoutTransaction { database in
            let head = try Int64.fetchOne(database, sql: "SELECT seq FROM checkpoint") ?? 0
            return try KPIQuestion(database: database, definitions: definitions).values(
                kpi, day: number, seq: seq ?? head, now: now?.milliseconds ?? (number + 1) * 86_400_000
            ).map { value in
                let object = try JSON.parse(Array(value.dimensions.utf8)).object ?? [:]
                let names = object.sorted { $0.key < $1.key }.map { $0.value.string ?? "" }
                return (names + ["\(value.numerator.map { String($0) } ?? "null")/\(value.denominator.map { String($0) } ?? "null")"])
                    .joined(separator: " ")
            }
        }
    }

    @Test("a withdrawn capture counts until it is withdrawn, and again once it is back")
    func withdrawn() throws {
        let root = try Root()
        let path = try root.file(Export.spotifyName("one", "20250303_120000"), Export.spotify([1, 2]))
        let capture = try #require(try root.feed(path, project: true).capture)
        let fed = try root.head()
        _ = try root.lake.retract(capture, reason: "wrong")
        let gone = try root.head()
        _ = try root.lake.reinstate(capture, reason: "right")
        // 2 March ends on the 3rd; to the midnight after the 10th are eight days.
        for kpi in ["data_age_hours", "coverage_pct", "source_health_score", "quality_pass_rate", "quarantined_rows", "capture_age_hours"] {
            let before = try Self.values(root, kpi, at: fed)
            #expect(!before.isEmpty, "\(kpi)")
            #expect(try Self.values(root, kpi, at: gone) == [], "\(kpi)")
            #expect(try Self.values(root, kpi) == before, "\(kpi)")
            #expect(try Self.values(root, kpi, at: capture - 1) == [], "\(kpi)")
        }
        #expect(try Self.values(root, "data_age_hours", at: fed) == ["one spotify/audience 691200000/3600000"])
        // Two rows were opened, closed by the retraction, and opened again.
        #expect(try Self.values(root, "restated_values", at: fed) == ["spotify/audience 0/1"])
        #expect(try Self.values(root, "restated_values") == ["spotify/audience 2/1"])
        #expect(try Self.values(root, "duplicate_rate") == ["spotify/audience 0/1"])
        #expect(try Self.values(root, "run_success_rate") == ["ingest 1/1", "reinstate 1/1", "retract 1/1"])
        #expect(try root.lake.query("SELECT command, outcome FROM op_run ORDER BY started_seq").rows.map { $0[1] } == ["ok", "ok", "ok"])
    }

    @Test("a window of work leaves out what is older, and a run that never ended counts after a day")
    func window() throws {
        let root = try Root()
        let path = try root.file(Export.spotifyName("one", "20250303_120000"), Export.spotify([1, 2]))
        try root.feed(path)
        _ = try root.lake.log.write {
            try $0.append(root.lake.draft("run", .runStarted, run: "killed", ["command": "ingest"]))
        }
        _ = try root.lake.project()
        let last = try #require(try root.lake.log.read { try $0.event(try $0.head().seq) }).time.milliseconds
        func after(_ days: Int64) -> Timestamp { Timestamp(milliseconds: last + days * 86_400_000 + 60_000) }
        let kpis = ["duplicate_rate", "restated_values", "run_success_rate"]
        #expect(
            try kpis.flatMap { try Self.values(root, $0, now: after(0)) } == [
                "spotify/audience 0/1", "spotify/audience 0/1", "ingest 1/1",
            ])
        #expect(try Self.values(root, "run_success_rate", now: after(2)) == ["ingest 1/2"])
        #expect(try kpis.flatMap { try Self.values(root, $0, now: after(27)) }.count == 3)
        #expect(try kpis.flatMap { try Self.values(root, $0, now: after(29)) } == [])
    }

    @Test("a snapshot does not see what came after its run, whatever the pass")
    func snapshots() throws {
        let root = try Root()
        let path = try root.file(Export.spotifyName("one", "20250303_120000"), Export.spotify([1, 2]))
        try root.feed(path, project: true)
        let taken = try root.lake.latestKPIs().seq
        #expect(try root.feed(path, project: true).word == "duplicate")
        #expect(try root.lake.latestKPIs().seq == taken, "a duplicate is no news")
        func history() throws -> [String] {
            try root.lake.kpiHistory(try root.lake.kpi("duplicate_rate"), limit: nil).map {
                "\($0.seq) \($0.value.numerator ?? -1)/\($0.value.denominator ?? -1)"
            }
        }
        #expect(try history() == ["\(taken) 0/1"])
        #expect(try Self.values(root, "duplicate_rate") == ["spotify/audience 1/2"])
        let before = try root.lake.projector.digest()
        _ = try root.lake.rebuild(until: nil, definitionsNow: false)
        #expect(try root.lake.projector.digest() == before, "also the digest `ops`")
        #expect(try history() == ["\(taken) 0/1"])
    }

    @Test("sessions and steps are read where the log tells of them")
    func sessions() throws {
        let root = try Root()
        func auth(_ type: EventType, _ account: String, expires: String? = nil) throws -> Int64 {
            var body: [String: JSON] = ["service": "spotify", "account": .string(account), "kind": "cookie"]
            if let expires { body["expires"] = .string(expires) }
            return try root.append("spotify/auth/\(account)", type, .object(body))
        }
        let signedIn = try auth(.signedIn, "one", expires: "2025-03-14T00:00:00.000Z")
        let later = try auth(.sessionChecked, "one")
        _ = try auth(.signedIn, "two")
        let ended = try auth(.sessionExpired, "one")
        let asked = try auth(.signInRequired, "two")
        let again = try auth(.signedIn, "one", expires: "2025-03-12T00:00:00.000Z")
        for (step, outcome, failure) in [
            ("extract", "ok", ""), ("extract", "failed", "timeout"), ("extract", "failed", "auth_required"),
            ("extract", "auth_required", ""), ("project", "ok", ""), ("project", "skipped", ""),
        ] {
            _ = try root.append(
                "run", .runStep, ["step": .string(step), "outcome": .string(outcome), "class": failure.isEmpty ? .null : .string(failure)])
        }
        _ = try root.lake.project()
        func left(_ seq: Int64) throws -> [String] { try Self.values(root, "session_hours_left", at: seq) }
        // The clock is 11 March 0:00: three days to the 14th, one to the 12th.
        #expect(try left(signedIn) == ["one spotify 259200000/3600000"])
        #expect(try left(later) == ["one spotify 259200000/3600000"])
        #expect(try left(ended) == ["one spotify 0/3600000"])
        #expect(try left(asked) == ["one spotify 0/3600000", "two spotify 0/3600000"])
        #expect(try left(again) == ["one spotify 86400000/3600000", "two spotify 0/3600000"])
        #expect(try Self.values(root, "session_hours_left", day: "2025-03-12").first == "one spotify 0/3600000", "its time is over")
        #expect(try Self.values(root, "run_success_rate") == ["extract 1/2", "project 1/1"])
        #expect(try root.lake.digestEqualsRebuild())
    }

    @Test("another service file concerns the KPIs that read it, and no others")
    func services() throws {
        let root = try Root()
        let path = try root.file(Export.spotifyName("one", "20250303_120000"), Export.spotify([1, 2]))
        try root.feed(path, project: true)
        #expect(try Self.values(root, "source_health_score") == ["one spotify/audience 64/1"])
        try root.define("zones/spotify/service.yml", "title: S\npriority: low\nfreshness: {warn_days: 3, critical_days: 7}\n")
        #expect(try root.lake.projectCommand().recomputed == ["source_health_score"])
        // 30 weighed by 0.8.
        #expect(try Self.values(root, "source_health_score") == ["one spotify/audience 76/1"])
    }

    @Test(
        "a service file that says nonsense is found",
        arguments: [
            ("freshness: 3", "freshness is"), ("freshness: {warn_days: 9, critical_days: 3}", "not less"),
            ("priority: urgent", "critical, high, medium, low"), ("history_days: 7", "one number of days a dataset"),
            ("history_days: {a: 0}", "1 to 36500"),
        ])
    func serviceErrors(line: String, says: String) {
        let error = #expect(throws: DefinitionError.self) {
            try ServiceDefinition(path: "zones/x/service.yml", bytes: Array("title: X\n\(line)\n".utf8))
        }
        #expect(error?.description.contains(says) == true, "\(error.map { "\($0)" } ?? "")")
    }
}
