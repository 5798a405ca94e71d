import Cleaning
import EventLog
import GRDB
import Projection

/// What is known of one day of one dataset and account.
package enum DayState: String, CaseIterable, Sendable {
    /// A live capture covers the day, with rows.
    case pulled
    /// A live capture covers the day and has no row of it.
    case empty = "pulled_empty"
    /// Only seen before it was over.
    case partial
    /// The last try found no session.
    case signIn = "sign_in_needed"
    /// The last try failed, or its file is held back.
    case failed
    /// The account does not show the day.
    case limited
    case never = "never_tried"
    /// Nobody took it while the source showed it; what was shown then is gone.
    case missed
    /// The source reports later than this.
    case notDue = "not_yet_due"
    /// A gap that a person has accepted.
    case acknowledged

    /// Whether a person could still do something about the day.
    package var isGap: Bool {
        switch self {
        case .partial, .signIn, .failed, .limited, .never: true
        case .pulled, .empty, .missed, .notDue, .acknowledged: false
        }
    }
}

/// Neighbouring days in the same state.
package struct DayRun: Sendable, Equatable {
    package var days: ClosedRange<Int64>
    package var state: DayState
    /// Why: the message of a failure, the note of an acknowledgement.
    package var note: String?
    /// What to do about it; only gaps have one.
    package var remedy: String?
}

/// The days of one dataset and account.
package struct CoverageRow: Sendable {
    package let stream: String
    package let title: String
    package let account: String
    /// In order, without holes. Empty for a source that knows nothing of days.
    package let runs: [DayRun]
    /// Last day that a live capture shows.
    package let lastDay: Int64?
    package let captures: Int
    /// Each capture shows the day it was made on and no past, and one is due every so many days; nil for a source of days.
    package let snapshotDays: Int64?
}

/// The source × day matrix.
package struct CoverageReport: Sendable {
    /// The day it was asked on, in the reporting zone.
    package let today: Int64
    package let rows: [CoverageRow]
    /// Datasets of the asked services that nothing ever came of, with what to do for a first file.
    package let untouched: [(stream: String, remedy: String)]
}

/// A try to get data that brought none.
private struct Attempt {
    let seq: Int64
    let day: Int64
    let account: String?
    let state: DayState
    let note: String?
    /// The days it was about, where that is known.
    var days: ClosedRange<Int64>?
    /// A file of unknown days: those since the last day that is here, up to its own.
    var isOpen = false
}

extension Lake {
    /// Today in the log's reporting zone, by the clock of this computer.
    package func today() throws -> Int64 {
        try reportingZone(try projector.definitions(until: try log.read { try $0.head().seq })).day(of: .now())
    }

    /// The zone in which the log counts days, by the table that it has captured.
    func reportingZone(_ definitions: DefinitionSet) throws -> ReportingZone {
        let name = try settings().zone
        guard let zone = try ReportingZone(name, table: definitions.zones) else {
            throw LedgerError("the log counts days in \(name), which projections/reference/timezones.tsv does not know; put its line back")
        }
        return zone
    }

    /// Which days of which source are here, which are missing and why, and what to do about each gap.
    ///
    /// Days are those of the captures' periods; a row begins at its first day unless `from` says otherwise and ends today or at `to`.
    package func coverage(service: String?, from: Int64?, to: Int64?, today: Int64) throws -> CoverageReport {
        let definitions = try projector.definitions(until: try log.read { try $0.head().seq })
        let services = definitions.services
        let known = Set(definitions.contracts.values.map(\.contract.service)).union(services.keys)
        if let service, !known.contains(service) {
            throw LedgerError("there is no service “\(service)”; known: \(known.sorted().joined(separator: ", "))")
        }
        let zone = try reportingZone(definitions)
        var rows: [CoverageRow] = []
        var untouched: [(stream: String, remedy: String)] = []
        // What is set aside holds no figures, so nothing of it can be missing.
        for (stream, (contract, _)) in definitions.contracts.sorted(by: { $0.key < $1.key }) where !contract.setAside {
            if let service, contract.service != service { continue }
            let reader = CoverageReader(lake: self, contract: contract, service: services[contract.service], zone: zone)
            let past = try reader.read()
            let accounts = Set(past.state.entries.values.map(\.capture.account)).union(past.attempts.compactMap(\.account))
            guard !accounts.isEmpty || !past.attempts.isEmpty else {
                untouched.append((stream, reader.remedy.text(.never, nil, account: nil)))
                continue
            }
            for account in accounts.isEmpty ? [""] : accounts.sorted() {
                rows.append(
                    try reader.row(
                        account, past, window: (from, to), today: today, dayColumn: definitions.dayColumn(of: stream)))
            }
        }
        return CoverageReport(today: today, rows: rows, untouched: untouched)
    }

    /// Notes why days were missed, or that a gap can no longer be filled: `coverage.acknowledged`. The data still lack it; nobody is asked
    /// any more.
    ///
    /// - Throws: ``LedgerError`` for an unknown dataset or account, an empty note, and days of which none is a gap.
    package func acknowledge(_ stream: String, account: String, days: ClosedRange<Int64>, note: String, today: Int64) throws -> Int64 {
        guard note.contains(where: { !$0.isWhitespace }) else {
            throw LedgerError("say why the days can no longer be fetched: --note TEXT")
        }
        let service = stream.split(separator: "/").first.map(String.init) ?? stream
        let rows = try coverage(service: service, from: days.lowerBound, to: days.upperBound, today: today).rows.filter {
            $0.stream == stream
        }
        guard let row = rows.first(where: { $0.account == account }) else {
            let known = rows.map { "“\($0.account)”" }.joined(separator: ", ")
            throw LedgerError(
                "nothing is known of \(stream), account “\(account)”"
                    + (known.isEmpty ? "; `bedrot coverage` lists what is" : "; known accounts: \(known)"))
        }
        guard row.runs.contains(where: { $0.state.isGap || $0.state == .missed }) else {
            throw LedgerError(
                """
                \(CalendarDay.text(day: days.lowerBound)) to \(CalendarDay.text(day: days.upperBound)) of \(stream), account \(account), \
                holds no gap; `bedrot coverage \(service)` shows them
                """
            )
        }
        let run = try Run(self, command: "coverage acknowledge")
        let seq = try log.write { transaction in
            if let start = run.startDraftIfNeeded() { _ = try transaction.append(start) }
            return try transaction.append(
                draft(
                    stream, .gapAcknowledged, run: run.id,
                    [
                        "account": .string(account), "first_day": .string(CalendarDay.text(day: days.lowerBound)),
                        "last_day": .string(CalendarDay.text(day: days.upperBound)), "note": .string(note),
                    ])
            ).seq
        }
        try run.complete("ok")
        try log.catchUpIndexes()
        return seq
    }
}

/// Reads one dataset's coverage from the log.
private struct CoverageReader {
    let lake: Lake
    let contract: Contract
    let service: ServiceDefinition?
    /// Milliseconds east of UTC.
    let zone: ReportingZone

    typealias Note = (account: String, days: ClosedRange<Int64>, text: String)

    /// What the log says of a dataset.
    struct Past {
        var state: StreamState
        var attempts: [Attempt] = []
        var notes: [Note] = []
        /// The day each capture was made on: it can show no later one.
        var made: [Int64: Int64] = [:]
    }

    func read() throws -> Past {
        try lake.log.read { transaction in
            let state = try StreamState(contract.stream, transaction)
            var attempts: [Attempt] = []
            var notes: [Note] = []
            var made: [Int64: Int64] = [:]
            let types: [EventType] = [.captured, .failed, .quarantined, .gapAcknowledged]
            try transaction.events(EventQuery(streams: [contract.stream], types: types.map(\.rawValue))) { event in
                if event.type == EventType.captured.rawValue {
                    made[event.seq] = day(event)
                } else if event.type == EventType.gapAcknowledged.rawValue {
                    if let account = event.body["account"]?.string, let days = days(event.body) {
                        notes.append((account, days, event.body["note"]?.string ?? ""))
                    }
                } else if let attempt = attempt(event, state, made) {
                    attempts.append(attempt)
                }
                return true
            }
            // Sessions belong to a service: what one lacks, all its datasets lack.
            var asked: [String: Attempt] = [:]
            try transaction.events(EventQuery(streams: ["\(contract.service)/auth/*"], types: ["auth.*"])) { event in
                let account = event.body["account"]?.string ?? event.stream.split(separator: "/").last.map(String.init) ?? ""
                switch event.type {
                case "auth.required", "auth.expired", "auth.revoked":
                    asked[account] = Attempt(
                        seq: event.seq, day: day(event), account: account, state: .signIn, note: event.body["reason"]?.string)
                case "auth.signed_in", "auth.refreshed", "auth.checked": asked[account] = nil
                default: break
                }
                return true
            }
            return Past(state: state, attempts: attempts + asked.values.sorted { $0.seq < $1.seq }, notes: notes, made: made)
        }
    }

    private func day(_ event: Event) -> Int64 { zone.day(of: event.time) }

    private func days(_ body: JSON) -> ClosedRange<Int64>? {
        guard let first = body["first_day"]?.string.flatMap({ CalendarDay.day($0) }),
            let last = body["last_day"]?.string.flatMap({ CalendarDay.day($0) }), first <= last
        else { return nil }
        return first...last
    }

    private func attempt(_ event: Event, _ state: StreamState, _ made: [Int64: Int64]) -> Attempt? {
        if event.type == EventType.quarantined.rawValue {
            guard let seq = event.body["capture"]?.int else {
                // Nothing is known of its days but the one it was fed on.
                return Attempt(
                    seq: event.seq, day: day(event), account: nil, state: .failed,
                    note: "\(event.body["name"]?.string ?? "a file") was refused: \(event.body["code"]?.string ?? "")",
                    days: day(event)...day(event))
            }
            guard let entry = state.entries[seq], entry.live, entry.quarantine != nil else { return nil }
            let seen = min(zone.day(of: entry.capture.observed), made[seq] ?? day(event))
            var attempt = Attempt(
                seq: event.seq, day: seen, account: entry.capture.account, state: .failed,
                note: "\(entry.capture.name) (capture \(seq)) is held back: \(event.body["code"]?.string ?? "quarantined")")
            if let days = period(of: entry.capture), days.lowerBound <= made[seq] ?? day(event) {
                // Days still to come are no evidence of those before them.
                let isToCome = days.upperBound > made[seq] ?? day(event)
                attempt.days = days.lowerBound...(isToCome ? max(days.lowerBound, seen) : days.upperBound)
            } else {
                attempt.isOpen = true
            }
            return attempt
        }
        let outcome = event.body["outcome"]?.string ?? ""
        let state: DayState =
            outcome.contains("auth") || outcome.contains("sign_in") || outcome.contains("session")
            ? .signIn : outcome.contains("limited") ? .limited : .failed
        return Attempt(
            seq: event.seq, day: day(event), account: event.body["account"]?.string, state: state, note: event.body["message"]?.string,
            days: days(event.body))
    }

    /// The days that a capture which is held back tells of; nil where it cannot be read that far.
    private func period(of capture: Capture) -> ClosedRange<Int64>? {
        guard !contract.isSnapshot, contract.period != nil else { return nil }
        let reader = CaptureReader(objects: lake.objects, zones: nil)
        return try? reader.stage(object: capture.object, contract: contract, facts: capture.facts, digests: false) { _ in }.report.period
    }

    // MARK: Days

    func row(
        _ account: String, _ past: Past, window: (from: Int64?, to: Int64?), today: Int64, dayColumn: (fact: String, column: String)?
    ) throws -> CoverageRow {
        let state = past.state
        let attempts = past.attempts.filter { $0.account ?? account == account }
        let notes = past.notes.filter { $0.account == account }
        let live = state.entries.values.filter { $0.live && $0.capture.account == account }.sorted { $0.capture.seq < $1.capture.seq }
        if contract.isSnapshot { return snapshots(account, live, attempts, notes, window: window, today: today) }
        var spans: [(days: ClosedRange<Int64>, isPartial: Bool)] = []
        for entry in live {
            guard let item = entry.promotion?.item else { continue }
            let seen = zone.day(of: entry.capture.observed)
            guard let first = item.firstDay, let last = item.lastDay, first <= last else {
                // No row: what the name says was asked for, up to when it was asked.
                let asked = entry.capture.fields["first_day"].flatMap { CalendarDay.day($0) } ?? seen
                spans.append((min(asked, seen)...seen, false))
                continue
            }
            let download = entry.capture.facts.downloadDay
            let made = past.made[entry.capture.seq] ?? last
            if first <= made { spans.append((first...min(last, made), contract.partialLastDay && download == last)) }
        }
        func answer(_ runs: [DayRun]) -> CoverageRow {
            CoverageRow(
                stream: contract.stream, title: contract.title, account: account, runs: runs,
                lastDay: spans.map(\.days.upperBound).max(), captures: live.count, snapshotDays: nil)
        }
        let hasDays = contract.period != nil
        let beginnings = spans.map(\.days.lowerBound) + attempts.map { $0.days?.lowerBound ?? $0.day }
        guard hasDays, let first = window.from ?? beginnings.min() else { return answer([]) }
        let last = window.to ?? max(today, spans.map(\.days.upperBound).max() ?? today)
        guard first <= last, last - first < 36_600 else { return answer([]) }
        var days = [DayState](repeating: .never, count: Int(last - first + 1))
        var why: [Int: String] = [:]
        func fill(_ span: ClosedRange<Int64>, _ body: (Int) -> Void) {
            guard span.overlaps(first...last) else { return }
            let part = span.clamped(to: first...last)
            for index in Int(part.lowerBound - first)...Int(part.upperBound - first) { body(index) }
        }
        for attempt in attempts.sorted(by: { $0.seq < $1.seq }) {
            var since = first
            if attempt.isOpen {
                let before = spans.map(\.days).filter { $0.lowerBound <= attempt.day }.map(\.upperBound).max()
                since = min(before ?? attempt.day, attempt.day - 1) + 1
            }
            guard let span = attempt.days ?? (since <= attempt.day ? since...attempt.day : nil) else { continue }
            fill(span) { (days[$0], why[$0]) = (attempt.state, attempt.note) }
        }
        for note in notes { fill(note.days) { (days[$0], why[$0]) = (.acknowledged, note.text) } }
        let present = try dayColumn.flatMap { try daysWithRows($0, account: account, state: state) }
        for span in spans {
            fill(span.days) { index in
                let day = first + Int64(index)
                why[index] = nil
                if span.isPartial, day == span.days.upperBound {
                    if days[index] != .pulled, days[index] != .empty { days[index] = .partial }
                } else {
                    days[index] = present.map { $0.contains(day) } ?? true ? .pulled : .empty
                }
            }
        }
        let due = today - Int64(max(1, contract.reportingLagDays))
        if due < last {
            fill(max(first, due + 1)...max(first, last)) {
                if first + Int64($0) > due, days[$0].isGap { (days[$0], why[$0]) = (.notDue, nil) }
            }
        }
        let reach = service?.historyDays[contract.dataset].map { today - $0 }
        if let reach, reach > first {
            fill(first...min(last, reach - 1)) { index in
                guard [.never, .signIn, .limited].contains(days[index]) else { return }
                (days[index], why[index]) = (.missed, "the source shows the last \(today - reach) days only")
            }
        }
        return answer(compressed(days, why, first, account, reach: reach))
    }

    /// A source that shows the present only: a capture covers its own day and those until the next one is due. Past days that none
    /// covers are missed for good; only today's capture can still be made.
    private func snapshots(
        _ account: String, _ live: [StreamState.Entry], _ attempts: [Attempt], _ notes: [Note], window: (from: Int64?, to: Int64?),
        today: Int64
    ) -> CoverageRow {
        let every = service?.warnDays ?? Self.snapshotDays
        let taken = live.compactMap { entry -> (day: Int64, state: DayState)? in
            guard let item = entry.promotion?.item else { return nil }
            return (zone.day(of: entry.capture.observed), item.rowsOut == 0 ? .empty : .pulled)
        }.sorted { $0.day < $1.day }
        func answer(_ runs: [DayRun]) -> CoverageRow {
            CoverageRow(
                stream: contract.stream, title: contract.title, account: account, runs: runs, lastDay: taken.last?.day,
                captures: live.count, snapshotDays: every)
        }
        let newest = live.last { $0.promotion != nil }?.capture.seq ?? 0
        let beginnings = taken.map(\.day) + attempts.map(\.day)
        guard let first = window.from ?? beginnings.min() else { return answer([]) }
        let last = window.to ?? max(today, taken.last?.day ?? today)
        guard first <= last, last - first < 36_600 else { return answer([]) }
        var days = (first...last).map { $0 < today ? DayState.missed : $0 == today ? .never : .notDue }
        var why: [Int: String] = [:]
        func fill(_ from: Int64, _ to: Int64, _ body: (Int) -> Void) {
            let (from, to) = (max(from, first), min(to, last))
            if from <= to { for day in from...to { body(Int(day - first)) } }
        }
        for attempt in attempts.sorted(by: { $0.seq < $1.seq }) {
            fill(attempt.day, attempt.day) { why[$0] = attempt.note }
            // What stood in the way last is what a person has to see to today.
            if attempt.day <= today, attempt.seq > newest { fill(today, today) { (days[$0], why[$0]) = (attempt.state, attempt.note) } }
        }
        for note in notes { fill(note.days.lowerBound, note.days.upperBound) { (days[$0], why[$0]) = (.acknowledged, note.text) } }
        for snapshot in taken {
            fill(snapshot.day, snapshot.day + every - 1) { (days[$0], why[$0]) = (snapshot.state, nil) }
        }
        return answer(compressed(days, why, first, account))
    }

    /// How many days a snapshot counts for, where `service.yml` does not say when data is old.
    private static let snapshotDays: Int64 = 7

    /// Days that the warehouse has rows of; nil while it has not caught up with the dataset.
    private func daysWithRows(_ place: (fact: String, column: String), account: String, state: StreamState) throws -> Set<Int64>? {
        let promoted = try lake.log.read { transaction in
            try transaction.events(
                EventQuery(streams: [contract.stream], types: [EventType.promoted.rawValue], newestFirst: true, limit: 1)
            )
            .first?.seq ?? 0
        }
        guard let reader = try? lake.warehouse() else { return nil }
        return try reader.queue.read { database in
            guard try Int64.fetchOne(database, sql: "SELECT seq FROM checkpoint") ?? 0 >= promoted else { return nil }
            return try Set(
                Int64.fetchAll(
                    database,
                    sql: """
                        SELECT DISTINCT f."\(place.column)" FROM "\(place.fact)" f JOIN source_value a ON a.id = f.account
                        JOIN source_value s ON s.id = f.src WHERE a.value = ? AND s.value = ?
                        """, arguments: [account, contract.stream]))
        }
    }

    var remedy: CoverageRemedy { CoverageRemedy(contract: contract, service: service, layout: lake.layout) }

    /// `reach`: the first day that the source still shows.
    private func compressed(
        _ days: [DayState], _ why: [Int: String], _ first: Int64, _ account: String, reach: Int64? = nil
    ) -> [DayRun] {
        var runs: [DayRun] = []
        for (index, state) in days.enumerated() {
            let day = first + Int64(index)
            if let last = runs.last, last.state == state, last.note == why[index] {
                runs[runs.count - 1].days = last.days.lowerBound...day
            } else {
                runs.append(DayRun(days: day...day, state: state, note: why[index], remedy: nil))
            }
        }
        for index in runs.indices where runs[index].state.isGap {
            let days = runs[index].days
            if let reach, days.upperBound < reach {
                runs[index].remedy = remedy.acknowledging(runs[index].state, days, account: account)
            } else {
                // What is out of reach on its own is named above; of the rest only what the source still shows can be chosen.
                let shown = reach.map { max($0, days.lowerBound)...days.upperBound } ?? days
                runs[index].remedy = remedy.text(runs[index].state, contract.isSnapshot ? nil : shown, account: account)
            }
        }
        return runs
    }
}
