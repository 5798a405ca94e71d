import Cleaning
import EventLog
import GRDB

/// What the ledger's own work leaves: tables that count events without data, and the views by which KPIs read them as known at a seq.
///
/// They stay outside the digest `all`: captures that change nothing, runs and sign-ins come and go without a figure changing.
enum Operations {
    static let schema = [
        """
        CREATE TABLE ops_run (run TEXT PRIMARY KEY, command TEXT NOT NULL, started_seq INTEGER NOT NULL, started_ms INTEGER NOT NULL, \
        completed_seq INTEGER, completed_ms INTEGER, outcome TEXT) STRICT, WITHOUT ROWID
        """,
        """
        CREATE TABLE ops_ingest (seq INTEGER PRIMARY KEY, stream TEXT NOT NULL, service TEXT NOT NULL, dataset TEXT NOT NULL, account \
        TEXT NOT NULL, outcome TEXT NOT NULL, capture INTEGER, observed_ms INTEGER, time_ms INTEGER NOT NULL) STRICT
        """,
        "CREATE INDEX ops_ingest_time ON ops_ingest(time_ms)",
        // What is known of a capture, from event to event.
        """
        CREATE TABLE ops_capture (capture INTEGER NOT NULL, from_seq INTEGER NOT NULL, to_seq INTEGER, live INTEGER NOT NULL, state TEXT \
        NOT NULL, first_day INTEGER, last_day INTEGER, rows_in INTEGER, rows_out INTEGER, rejected INTEGER, warned INTEGER, unmapped \
        INTEGER, held INTEGER, held_rows INTEGER, PRIMARY KEY (capture, from_seq)) STRICT, WITHOUT ROWID
        """,
        """
        CREATE TABLE ops_step (seq INTEGER PRIMARY KEY, run TEXT NOT NULL, step TEXT NOT NULL, service TEXT, dataset TEXT, account TEXT, \
        outcome TEXT NOT NULL, failure_class TEXT, severity TEXT, rows_in INTEGER, rows_out INTEGER, time_ms INTEGER NOT NULL) STRICT
        """,
        """
        CREATE TABLE ops_session (seq INTEGER PRIMARY KEY, service TEXT NOT NULL, account TEXT NOT NULL, kind TEXT, event TEXT NOT NULL, \
        expires_ms INTEGER, time_ms INTEGER NOT NULL) STRICT
        """,
        """
        CREATE TABLE ops_change (seq INTEGER PRIMARY KEY, stream TEXT NOT NULL, opened INTEGER NOT NULL, closed INTEGER NOT NULL, replaced \
        INTEGER NOT NULL, time_ms INTEGER NOT NULL) STRICT
        """,
        "CREATE TABLE ops_skipped (type TEXT PRIMARY KEY, events INTEGER NOT NULL) STRICT, WITHOUT ROWID",
        // The event that the permanent views show the work up to: a snapshot must not see what came after its run.
        "CREATE TABLE ops_known (id INTEGER PRIMARY KEY CHECK (id = 1), seq INTEGER NOT NULL) STRICT",
        "INSERT INTO ops_known VALUES (1, \(Int64.max))",
    ]

    /// What the digest `ops` reads, in natural order.
    static let digested: [(name: String, sql: String)] = [
        ("ops_run", "SELECT run, command, started_seq, started_ms, completed_seq, completed_ms, outcome FROM ops_run ORDER BY 3"),
        ("ops_ingest", "SELECT * FROM ops_ingest ORDER BY 1"),
        ("ops_capture", "SELECT * FROM ops_capture ORDER BY 1, 2"),
        ("ops_step", "SELECT * FROM ops_step ORDER BY 1"),
        ("ops_session", "SELECT * FROM ops_session ORDER BY 1"),
        ("ops_change", "SELECT * FROM ops_change ORDER BY 1"),
    ]

    /// Names of the views.
    static let viewNames: Set = ["op_ingest", "op_run", "op_step", "op_session", "op_change", "op_source"]

    /// The views, showing what was known at the event that `known` gives as an SQL expression.
    static func views(_ definitions: DefinitionSet, known: String) -> [WarehouseViews.View] {
        [
            // Each capture, repeated capture, refused file and failed read; a capture with what is known of it. Not those of datasets
            // without figures: nobody waits for the next one.
            .init(
                name: "op_ingest",
                select: """
                    SELECT i.seq AS event_seq, i.stream AS stream, i.service AS service, i.dataset AS dataset, i.account AS account, \
                    i.outcome AS outcome, i.capture AS capture, i.observed_ms AS observed_ms, i.time_ms AS time_ms, c.live AS live, \
                    c.state AS state, c.first_day AS first_day, c.last_day AS last_day, c.rows_in AS rows_in, c.rows_out AS rows_out, \
                    c.rejected AS rejected, c.warned AS warned, c.unmapped AS unmapped, c.held AS held, c.held_rows AS held_rows FROM \
                    main.ops_ingest i LEFT JOIN main.ops_capture c ON c.capture = i.seq AND c.from_seq <= \(known) AND (c.to_seq IS NULL \
                    OR c.to_seq > \(known)) WHERE i.seq <= \(known) AND i.stream NOT IN (\(setAside(definitions)))
                    """),
            .init(
                name: "op_run",
                select: """
                    SELECT run, command, started_seq, started_ms, CASE WHEN completed_seq <= \(known) THEN completed_seq END AS \
                    completed_seq, CASE WHEN completed_seq <= \(known) THEN completed_ms END AS completed_ms, CASE WHEN completed_seq <= \
                    \(known) THEN outcome END AS outcome FROM main.ops_run WHERE started_seq <= \(known)
                    """),
            .init(
                name: "op_step",
                select: """
                    SELECT seq AS event_seq, run, step, service, dataset, account, outcome, failure_class, severity, rows_in, rows_out, \
                    time_ms FROM main.ops_step WHERE seq <= \(known)
                    """),
            .init(
                name: "op_session",
                select: """
                    SELECT seq AS event_seq, service, account, kind, event, expires_ms, time_ms FROM main.ops_session WHERE seq <= \(known)
                    """),
            .init(
                name: "op_change",
                select: """
                    SELECT seq AS event_seq, stream, opened, closed, replaced, time_ms FROM main.ops_change WHERE seq <= \(known)
                    """),
            sources(definitions),
        ]
    }

    /// The datasets that are only recognised and kept, as a list of literals.
    static func setAside(_ definitions: DefinitionSet) -> String {
        definitions.contracts.filter(\.value.contract.setAside).keys.sorted().map { "'\($0)'" }.joined(separator: ", ")
    }

    /// `op_source`: what the service files say, so that it is nobody's event and needs no table.
    private static func sources(_ definitions: DefinitionSet) -> WarehouseViews.View {
        let rows = definitions.services.values.sorted { $0.service < $1.service }.compactMap { service -> String? in
            guard let freshness = service.freshness else { return nil }
            let name = service.service.replacing("'", with: "''")
            return "SELECT '\(name)' AS service, \(freshness.warnHours) AS warn_h, \(freshness.criticalHours) AS critical_h, "
                + "\(service.priority.tenths) AS weight_tenths"
        }
        let none = "SELECT NULL AS service, NULL AS warn_h, NULL AS critical_h, NULL AS weight_tenths WHERE 0"
        return .init(name: "op_source", select: rows.isEmpty ? none : rows.joined(separator: " UNION ALL "))
    }
}

extension ProjectionRun {
    /// Notes what an event says of the ledger's own work; the facts have taken it in already.
    func noteOperation(_ event: Event, _ type: EventType, _ changes: Merger.Changes?) throws {
        let body = event.body
        let time = event.time.milliseconds
        switch type {
        case .captured:
            let capture = try Capture(event)
            try noteIngest(event, "new", account: capture.account, capture: event.seq, observed: capture.observed)
        case .duplicate:
            let capture = body["capture"]?.int
            let account = body["account"]?.string ?? capture.flatMap { merger.captures[$0]?.capture.account }
            try noteIngest(
                event, "duplicate", account: account, capture: capture, observed: body["observed"]?.string.flatMap { Timestamp(iso: $0) })
        case .quarantined:
            let capture = body["capture"]?.int
            let state = capture.flatMap { merger.captures[$0] }
            try noteIngest(event, "quarantined", account: state?.capture.account, capture: capture, observed: state?.capture.observed)
        case .failed: try noteIngest(event, "failed", account: body["account"]?.string, capture: nil, observed: nil)
        case .runStarted:
            try database.cachedStatement(sql: "INSERT INTO ops_run VALUES (?, ?, ?, ?, NULL, NULL, NULL)")
                .execute(arguments: [event.run ?? "", body["command"]?.string ?? "", event.seq, time])
        case .runCompleted:
            try database.cachedStatement(sql: "UPDATE ops_run SET completed_seq = ?, completed_ms = ?, outcome = ? WHERE run = ?")
                .execute(arguments: [event.seq, time, body["outcome"]?.string ?? "", event.run ?? ""])
        case .runStep:
            try database.cachedStatement(sql: "INSERT INTO ops_step VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
                .execute(arguments: [
                    event.seq, event.run ?? "", body["step"]?.string ?? "", body["service"]?.string, body["dataset"]?.string,
                    body["account"]?.string, body["outcome"]?.string ?? "", body["class"]?.string, body["severity"]?.string,
                    body["rows_in"]?.int, body["rows_out"]?.int, time,
                ])
        case .signedIn, .sessionRefreshed, .sessionExpiring, .sessionExpired, .signInRequired, .sessionChecked, .sessionRevoked:
            let parts = event.stream.split(separator: "/").map(String.init)
            try database.cachedStatement(sql: "INSERT INTO ops_session VALUES (?, ?, ?, ?, ?, ?, ?)")
                .execute(arguments: [
                    event.seq, body["service"]?.string ?? parts.first ?? "", body["account"]?.string ?? parts.last ?? "",
                    body["kind"]?.string, event.type, body["expires"]?.string.flatMap { Timestamp(iso: $0) }?.milliseconds, time,
                ])
        default: break
        }
        if let changes, changes.opened + changes.closed + changes.replaced > 0 {
            try database.cachedStatement(sql: "INSERT INTO ops_change VALUES (?, ?, ?, ?, ?, ?)")
                .execute(arguments: [event.seq, event.stream, changes.opened, changes.closed, changes.replaced, time])
        }
        switch type {
        case .captured: try noteCapture(event.seq, at: event.seq)
        case .promoted:
            for item in body["items"]?.array ?? [] { if let capture = item["capture"]?.int { try noteCapture(capture, at: event.seq) } }
        case .retracted, .reinstated, .accepted: if let capture = body["capture"]?.int { try noteCapture(capture, at: event.seq) }
        case .quarantined:
            if let capture = body["capture"]?.int { try noteCapture(capture, at: event.seq, isQuarantined: true) }
        default: break
        }
    }

    private func noteIngest(_ event: Event, _ outcome: String, account: String?, capture: Int64?, observed: Timestamp?) throws {
        let parts = event.stream.split(separator: "/", maxSplits: 1).map(String.init)
        try database.cachedStatement(sql: "INSERT INTO ops_ingest VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
            .execute(arguments: [
                event.seq, event.stream, parts.first ?? "", parts.count > 1 ? parts[1] : "", account ?? "", outcome, capture,
                observed?.milliseconds, event.time.milliseconds,
            ])
    }

    /// Opens a new version of what is known of a capture, where an event changed it.
    private func noteCapture(_ capture: Int64, at seq: Int64, isQuarantined: Bool = false) throws {
        guard let state = merger.captures[capture] else { return }
        let known = try Row.fetchOne(
            database.cachedStatement(sql: "SELECT * FROM ops_capture WHERE capture = ? AND to_seq IS NULL"), arguments: [capture])
        // A withdrawn or reinstated capture waits, or is held back, as before.
        let before = (known?["state"] as String?) ?? "waiting"
        let item = state.promotion?.item
        let word = item != nil ? "promoted" : isQuarantined ? "quarantined" : before == "promoted" ? "quarantined" : before
        let held = item.map { $0.partitions.filter { state.held.contains($0.value) } }
        let values: [(any DatabaseValueConvertible)?] = [
            state.live ? 1 : 0, word, item?.firstDay, item?.lastDay, item?.rowsIn, item?.rowsOut, item?.rejectedRows,
            item.map { $0.warned.values.reduce(0, +) }, item.map { $0.unmapped.values.reduce(0, +) }, held?.count,
            held.map { $0.reduce(0) { $0 + $1.rows } },
        ]
        let cells = values.map { $0?.databaseValue ?? .null }
        if let known, known.databaseValues.suffix(cells.count).elementsEqual(cells) { return }
        if known != nil {
            try database.cachedStatement(sql: "UPDATE ops_capture SET to_seq = ? WHERE capture = ? AND to_seq IS NULL")
                .execute(arguments: [seq, capture])
        }
        try database.cachedStatement(sql: "INSERT INTO ops_capture VALUES (?, ?, NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
            .execute(arguments: StatementArguments([capture.databaseValue, seq.databaseValue] + cells))
    }
}
