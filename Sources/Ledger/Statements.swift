import Cleaning
package import EventLog
import GRDB
package import Projection

/// What a payee gets for one statement month, as it was known when the statement was made.
package struct Statement: Sendable {
    /// A month stated before whose figures have changed since.
    package struct Adjustment: Sendable, Equatable {
        /// The month that was stated.
        package let month: Int64
        /// What was stated of it last, and what is known now; nano-USD.
        package let was: Int64
        package let now: Int64
        /// What this statement adds for it, nano-USD.
        package var amount: Int64 { now - was }
    }

    /// A capture that the lines rest on.
    package struct Source: Sendable, Equatable {
        package let name: String
        package let event: Int64
        package let object: Hash256
    }

    /// The label, as the log names it.
    package let label: String
    /// Pseudonym.
    package let payee: String
    /// As the person who asked for the statement wrote it; nil hides the payee.
    package internal(set) var name: String?
    /// Year × 12 + month − 1: the month in which distributors reported.
    package let month: Int64
    package let lines: [RoyaltyShare]
    package let adjustments: [Adjustment]
    package let sources: [Source]
    /// The last event that the figures rest on, its id and time.
    package let seq: Int64
    package let id: Hash256
    package let time: Timestamp
    /// The event that issued it, and whether that was just now.
    package internal(set) var event: Int64 = 0
    package internal(set) var isNew = false

    /// Sum of the lines, nano-USD.
    package var base: Int64 { lines.reduce(0) { $0 + ($1.amount ?? 0) } }
    /// Sum of lines and adjustments, nano-USD.
    package var total: Int64 { adjustments.reduce(base) { $0 + $1.amount } }
    /// Amounts that wait for an exchange rate; they are in no sum.
    package var unconverted: Int64 { lines.reduce(0) { $0 + $1.unconverted } }
    /// A few letters that stand for the payee.
    package var short: String { Self.short(payee) }

    static func short(_ payee: String) -> String { String(payee.suffix(32).prefix(8)) }
}

/// The statements of a month, and what a person should know beside them.
package struct StatementReport: Sendable {
    package internal(set) var statements: [Statement] = []
    /// Files that were written.
    package internal(set) var paths: [String] = []
    /// What the label keeps of the month's net royalties, nano-USD; with all payees it comes to `net`.
    package internal(set) var own: Int64 = 0
    package internal(set) var net: Int64 = 0
    /// What belongs to collaborators who are not named in any split, and to those whose key was destroyed; nano-USD.
    package internal(set) var unnamed: Int64 = 0
    package internal(set) var erased: Int64 = 0
}

extension Lake {
    /// Makes the statements of a month, one a payee, and issues those that are new (`statement.issued`).
    ///
    /// A statement says what was known when it was issued. Asked for again it is the same bytes, and nothing is appended; what has changed
    /// since stands in the payee's next statement as an adjustment. `payee` is a name, whose pseudonym must match, or a pseudonym or its
    /// first letters; only a name appears in the files. `folder` takes one CSV and one HTML page a payee; nil is the folder of reports.
    package func issueStatements(month: Int64, payee: String? = nil, to folder: String? = nil) throws -> StatementReport {
        let folder = folder ?? layout.reports
        try ExportPlace.check(folder, layout)
        let wanted = try payee.map { try Wanted($0, KeyRing(layout)) }
        let run = try Run(self, command: "export statement")
        try run.complete("ok")
        _ = try project()
        let desk = try StatementDesk(self, month: month)
        var report = StatementReport()
        (report.net, report.own) = (desk.net, desk.own)
        report.unnamed = desk.sum { $0 == StatementDesk.unnamed }
        report.erased = desk.sum { desk.isErased($0) }
        let payees = desk.payees.filter { wanted?.matches($0) ?? true }
        if let wanted {
            guard !payees.isEmpty else { throw desk.nobody(wanted.text) }
            guard payees.count == 1 else { throw LedgerError("more than one payee begins with “\(wanted.text)”; write more of it") }
        }
        var statements = try payees.map { try desk.statement($0) }
        let drafts = statements.filter(\.isNew).map {
            draft("statement/\(CalendarDay.text(month: month))", .statementIssued, run: nil, $0.body)
        }
        if !drafts.isEmpty {
            var seqs = try log.write { transaction in try drafts.map { try transaction.append($0).seq } }[...]
            for i in statements.indices where statements[i].isNew { statements[i].event = seqs.removeFirst() }
            _ = try project()
        }
        for i in statements.indices {
            statements[i].name = wanted?.name(of: statements[i].payee)
            let stem = "\(folder)/statement_\(CalendarDay.text(month: month))_\(statements[i].short)"
            try Files.makeFolder(folder)
            for (path, bytes) in [("\(stem).csv", statements[i].csv), ("\(stem).html", statements[i].html)] {
                try AtomicFile.write(bytes, to: path, mode: 0o600)
                report.paths.append(path)
            }
        }
        report.statements = statements
        return report
    }
}

/// Whom a statement is asked for.
private struct Wanted {
    let text: String
    /// What the text stands for, if it is a name.
    private let pseudonym: String?

    init(_ text: String, _ keys: KeyRing) throws {
        self.text = text.trimmingSpaces
        guard !self.text.isEmpty else { throw LedgerError("--payee is empty: write the payee's name, or a pseudonym") }
        let isPseudonym = self.text.hasPrefix("p1:") || Self.isHex(self.text)
        var keys = keys
        do {
            pseudonym = try keys.pseudonym("payee", of: text)
        } catch let error as CleaningError where error.code == "key_missing" {
            guard isPseudonym else {
                throw LedgerError(
                    """
                    payees cannot be told by name: there is no key of the group “payee” (keys/payee.key or BEDROT_KEY_PAYEE). Bring it \
                    back from your backup, or give the first letters of a pseudonym, as in --payee e087f7b6
                    """)
            }
            pseudonym = nil
        }
    }

    private static func isHex(_ text: String) -> Bool {
        (6...32).contains(text.utf8.count) && text.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
    }

    func matches(_ payee: String) -> Bool {
        payee == pseudonym || payee == text || Self.isHex(text) && payee.suffix(32).hasPrefix(text)
    }

    /// The name, where the payee was asked for by it.
    func name(of payee: String) -> String? { payee == pseudonym ? text : nil }
}

/// What is known of one statement month, and what was stated before.
private final class StatementDesk {
    static let unnamed = "unnamed"

    private let lake: Lake
    private let month: Int64
    private let label: String
    /// The last data-bearing event of the warehouse.
    private let seq: Int64
    private let definitions: DefinitionSet
    private let issued: [Issued]
    private let shares: [RoyaltyShare]
    private let captures: [Int64]
    let net: Int64
    let own: Int64
    /// payee → month → nano-USD, as known now.
    private var totals: [String: [Int64: Int64]] = [:]

    init(_ lake: Lake, month: Int64) throws {
        self.lake = lake
        self.month = month
        label = try lake.settings().label
        definitions = try lake.definitionsInForce()
        let (seq, today): (Int64, Int64) = try lake.warehouse().queue.read { database in
            (
                try Int64.fetchOne(database, sql: "SELECT data_seq FROM checkpoint") ?? 0,
                try Int64.fetchOne(database, sql: "SELECT MAX(day_no) FROM kpi_snapshot") ?? 0
            )
        }
        self.seq = seq
        let days = CalendarDay.span(ofMonth: month)
        guard days.last < today else {
            throw LedgerError(
                """
                \(CalendarDay.text(month: month)) was not over when data last came in (\(CalendarDay.text(day: today))): distributors may \
                still report in it. Repeat after the month's end, when its files are fed.
                """)
        }
        issued = try lake.log.read { try $0.events(EventQuery(types: [EventType.statementIssued.rawValue])) }.map { try Issued($0) }
        let (asked, sums) = try Self.ask(lake, definitions) { question in
            (try question.reported(days, at: seq), try question.totals(at: seq))
        }
        (shares, captures, net, own) = asked
        for (payee, month, amount) in sums { totals[payee, default: [:]][month] = amount }
        try checkShares()
    }

    private static func ask<R>(_ lake: Lake, _ definitions: DefinitionSet, _ body: (RoyaltyQuestion) throws -> R) throws -> R {
        try Warehouse.Reader(lake.layout, scratch: true).queue.writeWithoutTransaction { database in
            try body(RoyaltyQuestion(database: database, definitions: definitions))
        }
    }

    /// Nobody can be paid more than a line's whole.
    private func checkShares() throws {
        struct Line: Hashable {
            let share: [Int64]
            let texts: [String]
        }
        var sums: [Line: Int64] = [:]
        for share in shares {
            let line = Line(
                share: [share.reportDay, share.saleMonth], texts: [share.distributor, share.platform, share.artist, share.track])
            sums[line, default: 0] += share.share
            guard sums[line, default: 0] <= 1_000_000_000 else {
                throw LedgerError(
                    """
                    the shares of \(share.track) in \(CalendarDay.text(month: share.saleMonth)) add up to more than the whole; \
                    correct them (bedrot reference history split), then repeat
                    """)
            }
        }
    }

    /// Whoever has lines in the month, or a month stated before that has changed; in the order of pseudonyms.
    var payees: [String] {
        let named = Set(shares.map(\.payee)).union(issued.filter { $0.month == month }.map(\.payee))
        let changed = Set(issued.map(\.payee)).filter { !adjustments($0).isEmpty }
        return named.union(changed).filter { $0 != Self.unnamed && !isErased($0) }.sorted()
    }

    func sum(_ isMeant: (String) -> Bool) -> Int64 { shares.reduce(0) { $0 + (isMeant($1.payee) ? $1.amount ?? 0 : 0) } }

    /// Whether the key that the pseudonym was made with is destroyed: whom it stood for cannot be told any more.
    func isErased(_ payee: String) -> Bool {
        let parts = payee.split(separator: ":")
        return payee.hasPrefix("p1:payee:erased") || parts.count == 4 && definitions.erased.contains("payee:\(parts[2])")
    }

    func nobody(_ text: String) -> LedgerError {
        let known = payees.map { Statement.short($0) }.joined(separator: ", ")
        return LedgerError(
            """
            “\(text)” has no share in what was reported in \(CalendarDay.text(month: month)), and nothing to adjust; \
            \(known.isEmpty ? "nobody has" : "payees who have: \(known)"). Shares enter by bedrot reference set split
            """)
    }

    /// What differs today from what the payee was told last of each month.
    private func adjustments(_ payee: String) -> [Statement.Adjustment] {
        var stated: [Int64: Int64] = [:]
        for statement in issued where statement.payee == payee {
            stated[statement.month] = statement.base
            for change in statement.adjustments { stated[change.month] = change.now }
        }
        return stated.sorted { $0.key < $1.key }.compactMap { month, was in
            let now = totals[payee]?[month] ?? 0
            return now == was ? nil : Statement.Adjustment(month: month, was: was, now: now)
        }
    }

    /// The statement as it was issued, or a new one.
    func statement(_ payee: String) throws -> Statement {
        if let earlier = issued.first(where: { $0.payee == payee && $0.month == month }) { return try again(earlier) }
        var made = try statement(payee, shares: shares, captures: captures, adjustments: adjustments(payee), seq: seq)
        made.isNew = true
        return made
    }

    private func again(_ earlier: Issued) throws -> Statement {
        let definitions = try lake.projector.definitions(until: earlier.event)
        let asked = try Self.ask(lake, definitions) { try $0.reported(CalendarDay.span(ofMonth: month), at: earlier.seq) }
        var made = try statement(
            earlier.payee, shares: asked.shares, captures: asked.captures, adjustments: earlier.adjustments, seq: earlier.seq)
        guard Hash256(hashing: made.csv) == earlier.digest else {
            throw LedgerError(
                """
                the statement of event \(earlier.event) cannot be made again as it was issued: the warehouse reads the facts known \
                at event \(earlier.seq) differently now. Its total was \(Money.decimal(earlier.total)) USD; `bedrot verify` tells whether \
                something is damaged
                """)
        }
        made.event = earlier.event
        return made
    }

    private func statement(
        _ payee: String, shares: [RoyaltyShare], captures: [Int64], adjustments: [Statement.Adjustment], seq: Int64
    ) throws -> Statement {
        guard let known = try lake.log.read({ try $0.event(seq) }) else { throw LedgerError("the log has no event \(seq)") }
        let sources = try lake.log.read { transaction in
            try captures.compactMap { capture in
                try transaction.event(capture).map { try Capture($0) }
                    .map { Statement.Source(name: $0.name, event: $0.seq, object: $0.object) }
            }
        }
        return Statement(
            label: label, payee: payee, month: month, lines: shares.filter { $0.payee == payee }, adjustments: adjustments,
            sources: sources,
            seq: seq, id: known.id, time: known.time)
    }
}

/// What a `statement.issued` event says.
private struct Issued {
    let event: Int64
    let payee: String
    let month: Int64
    let seq: Int64
    let base: Int64
    let total: Int64
    let adjustments: [Statement.Adjustment]
    let digest: Hash256

    init(_ event: Event) throws {
        func need<T>(_ name: String, _ body: JSON, _ read: (JSON) -> T?) throws -> T {
            guard let value = body[name].flatMap(read) else {
                throw LedgerError("event \(event.seq) (\(event.type)) says no “\(name)”; run `bedrot verify`")
            }
            return value
        }
        let month = { (json: JSON) in json.string.flatMap { CalendarDay.month($0) } }
        let nano = { (json: JSON) in json.string.flatMap { Int64($0) } }
        self.event = event.seq
        payee = try need("payee", event.body, \.string)
        self.month = try need("month", event.body, month)
        seq = try need("seq", event.body, \.int)
        base = try need("lines_nano", event.body, nano)
        total = try need("total_nano", event.body, nano)
        digest = try need("csv", event.body) { $0.string.flatMap { Hash256(hex: $0) } }
        adjustments = try (event.body["adjustments"]?.array ?? []).map {
            Statement.Adjustment(
                month: try need("month", $0, month), was: try need("was_nano", $0, nano), now: try need("is_nano", $0, nano))
        }
    }
}

extension Statement {
    /// What `statement.issued` says: amounts as text, for they may exceed what JSON numbers hold.
    fileprivate var body: JSON {
        let month = CalendarDay.text(month: month)
        return [
            "payee": .string(payee), "month": .string(month), "seq": .int(seq), "id": .string(id.hex), "currency": "USD",
            "lines": .int(Int64(lines.count)), "lines_nano": .string(String(base)), "total_nano": .string(String(total)),
            "adjustments": .array(
                adjustments.map {
                    [
                        "month": .string(CalendarDay.text(month: $0.month)), "was_nano": .string(String($0.was)),
                        "is_nano": .string(String($0.now)),
                    ]
                }),
            "csv": .string(Hash256(hashing: csv).hex), "key": .string("statement \(month) \(payee)"),
        ]
    }
}
