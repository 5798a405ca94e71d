package import Cleaning
package import EventLog
import Glibc
package import Projection

/// What a person says about the files they feed.
package struct IngestOptions: Sendable {
    package var account: String?
    /// Days or moments given by `--observed`.
    package var observed: Timestamp?
    /// Day number given by `--downloaded-on`.
    package var downloadedOn: Int64?
    /// Day number given by `--first-day`.
    package var firstDay: Int64?
    package var acceptChanges = false
    package var project = true
    /// `--account` is a claim about the one file that was named, not a fallback for those that do not say whose they are.
    var isAboutOneFile = false

    package init() {}
}

/// What became of one file.
package struct FileOutcome: Sendable {
    /// Each file ends in exactly one of these.
    package enum Kind: Sendable {
        case promoted(capture: Int64, event: Int64, StagedPromotion, report: CleaningReport, held: Int)
        case duplicate(of: Int64)
        /// Held back whole: reason and remedy.
        case quarantined(capture: Int64?, reason: String, remedy: String?)
        /// No contract fits; the nearest with the reasons.
        case unknown([(stream: String, reason: String)])
        case ambiguous([String])
        /// The file or a copy of it could not be read or written: path and reason.
        case failed(String)
    }

    package var path: String
    package var stream: String?
    package var account: String?
    package var observed: Timestamp?
    package var observedFrom: String?
    package var kind: Kind
    /// The capture that a duplicate repeats is quarantined still.
    package var waits = false
    /// The file's shape is news.
    package var drift: Drift?
    /// Captures of the same bytes whose names said less: this one takes their place.
    package var replaced: [Int64] = []
    /// A time in the file's name that no one believes, as it is still to come.
    package var doubtedTime: Timestamp?
    /// Why a file that was not captured is held back, in a word.
    var code = "account_unknown"
    /// What the file name says of persons.
    var hidden: [String] = []

    /// Something needs a person.
    package var isDegraded: Bool {
        switch kind {
        case .promoted(_, _, let item, _, let held): held > 0 || item.rejectedRows > 0
        case .duplicate: waits
        case .quarantined, .unknown, .ambiguous: true
        case .failed: false
        }
    }
}

/// A KPI value that an ingest moved.
package struct KPIMove: Sendable {
    package let kpi: KPIDefinition
    package let dimensions: String
    package let before: KPIValue?
    package let after: KPIValue?
}

/// What an ingest did.
package struct IngestReport: Sendable {
    package var files: [FileOutcome] = []
    package var projection: ProjectionOutcome?
    package var moves: [KPIMove] = []

    /// Whether any of the files needs a person.
    package var isDegraded: Bool { files.contains(where: \.isDegraded) || projection?.refused.isEmpty == false }

    /// Whether any of the files could not be read or stored.
    package var hasFailed: Bool { files.contains { if case .failed = $0.kind { true } else { false } } }
}

extension Lake {
    /// Places where a crash test may kill an ingest, in the order it meets them.
    package static let failpoints = [
        "ingest.object", "ingest.landed", "ingest.captured", "ingest.files", "ingest.promoted", "ingest.completed", "ingest.projected",
    ]

    /// Places that only files with personal values, and an expiry, meet; their crash tests are their own.
    package static let rareFailpoints = ["original.sealed", "original.placed", "expire.said"]

    /// Feeds files and folders: recognise, settle the account, land, capture, promote, project.
    ///
    /// `ask` puts a yes-or-no question to a person; nil where there is none. Each file stands alone: one that fails does not stop
    /// the others.
    package func ingest(_ paths: [String], _ options: IngestOptions, ask: ((String) -> Bool)?) throws -> IngestReport {
        try options.check()
        let files = try Files.named(paths)
        let run = try Run(self, command: "ingest")
        let recognizer = Recognizer(contracts: run.definitions.contracts.values.map(\.contract))
        var report = IngestReport()
        var promoted: Set<Int64> = []
        var options = options
        options.isAboutOneFile = files.count == 1 && files == paths
        for (index, path) in files.enumerated() {
            let outcomes: [FileOutcome]
            do {
                outcomes = try ingest(path, run: run, recognizer: recognizer, options: options, ask: ask)
            } catch  where concernsOneFile(error) {
                outcomes = [try failed(FileOutcome(path: path, kind: .unknown([])), error, run: run)]
            }
            for outcome in outcomes {
                if case .promoted(let capture, _, _, _, _) = outcome.kind { promoted.insert(capture) }
            }
            report.files += outcomes
            progress?("ingest", Int64(index + 1), Int64(files.count))
        }
        try run.complete(report.hasFailed ? "failed" : report.isDegraded ? "degraded" : "ok")
        Failpoint.hit("ingest.completed")
        guard options.project else {
            try log.catchUpIndexes()
            return report
        }
        let before = try? latestKPIs()
        report.projection = try project(trusting: promoted)
        Failpoint.hit("ingest.projected")
        report.moves = kpiMoves(before?.values ?? [], try latestKPIs().values, run.definitions.kpis)
        return report
    }

    /// Feeds one file within a run: one outcome for each dataset that it holds.
    func ingest(_ path: String, run: Run, recognizer: Recognizer, options: IngestOptions, ask: ((String) -> Bool)?) throws -> [FileOutcome]
    {
        try identify(path, recognizer, options).map { identified in
            do {
                return try ingest(identified, run: run, options: options, ask: ask)
            } catch  where concernsOneFile(error) && Files.exists(path) {
                return try failed(identified.outcome, error, run: run)
            }
        }
    }

    private func ingest(
        _ identified: Identified, run: Run, options: IngestOptions, ask: ((String) -> Bool)?
    ) throws -> FileOutcome {
        var outcome = identified.outcome
        let path = outcome.path
        guard let (contract, name, account) = identified.dataset, let hash = run.definitions.contracts[contract.stream]?.hash else {
            if let stream = outcome.stream, case .quarantined(_, _, let remedy?) = outcome.kind {
                try refuse(stream, path: path, code: outcome.code, remedy: remedy, hiding: outcome.hidden, run: run)
            }
            return outcome
        }
        var capture: Capture
        (capture, outcome.doubtedTime) = try describe(path, contract: contract, name: name, account: account, options: options)
        let safe: ProtectedFile?
        do {
            safe = try protected(path, contract, run.definitions.secrets, &run.keys)
        } catch let error as CleaningError {
            // Nothing of the file may be stored.
            let remedy = error.remedy ?? "look at the file; nothing of it was stored"
            try refuse(contract.stream, path: path, code: error.code, remedy: remedy, hiding: outcome.hidden, run: run)
            outcome.kind = .quarantined(capture: nil, reason: "\(error)", remedy: remedy)
            return outcome
        }
        if let safe {
            capture.object = try objects.put(safe.bytes)
            capture.size = Int64(safe.bytes.count)
            capture.name = safe.name
            capture.protection = safe.report
            try run.keys.hide(contract, in: &capture)
        } else {
            capture.object = try objects.put(contentsOf: path).hash
        }
        Failpoint.hit("ingest.object")
        try settleObserved(&capture, contract: contract)
        outcome.observed = capture.observed
        outcome.observedFrom = capture.observedFrom
        try land(path, &capture, contract)
        Failpoint.hit("ingest.landed")
        let appended = try append(capture, contract: contract, run: run)
        if safe != nil { try settleOriginal(path, capture, contract, &run.keys) }
        switch appended {
        case .duplicate(let of, let waits):
            // A file that was doubted and is fed again with the answer needs no second capture.
            guard waits, options.acceptChanges, let twin = try log.read({ try StreamState(contract.stream, $0).entries[of] }),
                twin.isDoubted
            else {
                outcome.kind = .duplicate(of: of)
                outcome.waits = waits
                return outcome
            }
            capture = twin.capture
        case .new(let seq, let replaced):
            capture.seq = seq
            outcome.replaced = replaced
        }
        Failpoint.hit("ingest.captured")
        switch try run.promoter.promote(capture, contract: contract, hash: hash, acceptChanges: options.acceptChanges, ask: ask) {
        case .promoted(let seq, let item, _, let report, let drift):
            outcome.drift = drift
            outcome.kind = .promoted(capture: capture.seq, event: seq, item, report: report, held: item.partitions.filter(\.held).count)
        case .quarantined(_, _, let reason, let remedy):
            outcome.kind = .quarantined(capture: capture.seq, reason: reason, remedy: remedy)
        }
        Failpoint.hit("ingest.promoted")
        return outcome
    }

    /// Whether an error is one file's trouble, so that the others can go on: a full disk or a damaged log is everybody's.
    func concernsOneFile(_ error: any Error) -> Bool {
        if let failure = error as? FileFailure { return ![ENOSPC, EDQUOT, EROFS].contains(failure.code) }
        return [.inputOutput, .notFound, .permission].contains((error as? EventLogError)?.code)
    }

    /// Notes a file that could not be read or stored, without the folder it lies in.
    private func failed(_ outcome: FileOutcome, _ error: any Error, run: Run) throws -> FileOutcome {
        var outcome = outcome
        let reason = "\(error)"
        outcome.kind = .failed(reason.contains(outcome.path) ? reason : "\(outcome.path): \(reason)")
        run.leavesUnsettled = true
        let name = Files.name(outcome.path)
        let folder = outcome.path.hasSuffix("/\(name)") ? String(outcome.path.dropLast(name.count)) : ""
        let message = folder.isEmpty ? reason : reason.replacing(folder, with: "").replacing("\(layout.root)/", with: "")
        _ = try log.write { transaction in
            if let start = run.startDraftIfNeeded() { _ = try transaction.append(start) }
            return try transaction.append(
                draft(
                    outcome.stream ?? "run", .failed, run: run.id,
                    [
                        "code": "unreadable", "severity": "medium", "retryable": true, "name": .string(name), "reason": .string(message),
                    ]))
        }
        return outcome
    }

    /// A file, or the part of it that is one dataset's.
    struct Identified {
        var outcome: FileOutcome
        /// nil when dataset or account is not settled; the outcome then says why.
        var dataset: (contract: Contract, name: NameMatch, account: String)?
    }

    /// Which datasets a file holds and whose it is: at least one entry.
    func identify(_ path: String, _ recognizer: Recognizer, _ options: IngestOptions) throws -> [Identified] {
        var outcome = FileOutcome(path: path, kind: .unknown([]))
        switch try recognizer.recognise(fileName: Files.realPath(path) ?? path, source: CaptureReader.source(of: path)) {
        case .match(let matches): return try matches.map { try settle(path, $0, options) }
        case .ambiguous(let contracts): outcome.kind = .ambiguous(contracts.map(\.stream))
        case .none(let closest): outcome.kind = .unknown(closest.map { ($0.contract.stream, $0.reason) })
        }
        return [Identified(outcome: outcome)]
    }

    private func settle(_ path: String, _ match: Recognition.Match, _ options: IngestOptions) throws -> Identified {
        let (contract, name) = (match.contract, match.name)
        var outcome = FileOutcome(path: path, kind: .unknown([]))
        outcome.stream = contract.stream
        outcome.hidden = contract.personalHoles.compactMap { name.fields[$0.hole] }
        let accounts = try AccountBook(log: log, service: contract.service)
        let landing = layout.folder(.landing)
        if options.isAboutOneFile, let given = options.account,
            let said = accounts.says(contract, name: name, path: path, landing: landing), accounts.member(given) != said.account
        {
            outcome.code = "account_contradicted"
            outcome.kind = .quarantined(
                capture: nil, reason: "--account says \(given), but the \(said.by) says \(said.account)",
                remedy: "bedrot ingest \(path.shellQuoted) without --account; if the \(said.by) is wrong, correct that first")
            return Identified(outcome: outcome)
        }
        guard
            let account = accounts.settle(
                contract, name: name, path: path, landing: landing, given: options.account, isClaim: options.isAboutOneFile)
        else {
            let known = name.account.map { "; “\($0)” is not a known account" } ?? ""
            let alias = "bedrot reference account \(contract.service)"
            let lasting = name.account.map { "; once and for all: \(alias) \($0.shellQuoted) NAME" } ?? ""
            outcome.kind = .quarantined(
                capture: nil, reason: "nothing says whose file this is: not its name, not its folder\(known)",
                remedy: "bedrot ingest --account NAME \(path.shellQuoted)\(lasting)")
            return Identified(outcome: outcome)
        }
        outcome.account = account
        return Identified(outcome: outcome, dataset: (contract, name, account))
    }

    /// Copies the file into its landing folder, unless it is there already.
    private func land(_ path: String, _ capture: inout Capture, _ contract: Contract) throws {
        let landing = layout.folder(.landing)
        if let real = Files.realPath(path), let base = Files.realPath(landing), real.hasPrefix(base + "/") {
            // A protected form takes the place of its original.
            let folder = Files.parent(layout.name(.landing) + real.dropFirst(base.count))
            capture.landing = "\(folder)/\(capture.protection == nil ? Files.name(real) : capture.name)"
            return
        }
        let folder = "\(landing)/\(capture.service)/\(capture.dataset)/\(ZoneNames.safe(capture.account))"
        let names = ZoneNames(capture: capture, isDocument: contract.rawIsDocument, layout: layout)
        let relative = try names.free("\(folder)/\(ZoneNames.safe(capture.name))", digest: capture.object)
        let full = layout.path(relative)
        if !Files.exists(full) {
            try Files.makeFolder(Files.parent(full))
            try objects.place(capture.object, at: full)
        }
        capture.landing = relative
    }

    enum Appended {
        case new(Int64, replaced: [Int64])
        case duplicate(Int64, waits: Bool)
    }

    /// Appends the capture unless an equal one lives; the check is made inside the write transaction.
    ///
    /// The same bytes that live under a name which says less are retracted in the same transaction: their rows are told anew.
    private func append(_ capture: Capture, contract: Contract, run: Run) throws -> Appended {
        try log.write { transaction in
            if let start = run.startDraftIfNeeded() { _ = try transaction.append(start) }
            var poorer: [Int64] = []
            for (seq, live) in try transaction.captures(of: capture.object) where live {
                guard let event = try transaction.event(seq) else { continue }
                let other = try Capture(event)
                guard other.isEqual(capture, under: contract) else { continue }
                guard !capture.saysMore(than: other, under: contract) else {
                    poorer.append(seq)
                    continue
                }
                // A quarantined capture does not stand in the way of the same bytes with better evidence.
                let waits = try transaction.isQuarantined(other)
                if waits, !capture.hasSameEvidence(other) { continue }
                _ = try transaction.append(
                    draft(
                        capture.stream, .duplicate, run: run.id,
                        [
                            "capture": .int(seq), "object": .string(capture.object.hex), "name": .string(capture.name),
                            "observed": .string(capture.observed.iso), "account": .string(capture.account),
                        ]))
                return .duplicate(seq, waits: waits)
            }
            let seq = try transaction.append(draft(capture.stream, .captured, run: run.id, capture.body)).seq
            // A merge that needs bytes which were given up cannot be made: then both stay, and a person must see to it.
            if !poorer.isEmpty, try StreamState(capture.stream, transaction).expiredAmong(capture.account, objects) != nil { poorer = [] }
            for old in poorer {
                let reason = "capture \(seq) has the same bytes under a name that says more"
                _ = try transaction.append(
                    draft(capture.stream, .retracted, run: run.id, ["capture": .int(old), "reason": .string(reason)]))
            }
            return .new(seq, replaced: poorer)
        }
    }

    /// Notes a file that cannot even be captured.
    private func refuse(_ stream: String, path: String, code: String, remedy: String, hiding hidden: [String], run: Run) throws {
        func shown(_ text: String) -> String { hidden.reduce(text) { $0.replacing($1, with: "…") } }
        _ = try log.write { transaction in
            if let start = run.startDraftIfNeeded() { _ = try transaction.append(start) }
            return try transaction.append(
                draft(
                    stream, .quarantined, run: run.id,
                    ["code": .string(code), "name": .string(shown(Files.name(path))), "remedy": .string(shown(remedy))]))
        }
    }
}

extension WriteTransaction {
    /// Whether the last word on a capture is a quarantine.
    func isQuarantined(_ capture: Capture) throws -> Bool {
        var answer = false
        try events(
            EventQuery(
                seqs: capture.seq...Int64.max, streams: [capture.stream],
                types: [EventType.quarantined.rawValue, EventType.promoted.rawValue], newestFirst: true)
        ) { event in
            if event.type == EventType.quarantined.rawValue, event.body["capture"]?.int == capture.seq {
                answer = true
                return false
            }
            return try StagingPromotion(event)?.items.contains { $0.capture == capture.seq } != true
        }
        return answer
    }
}

/// Names that accounts go by, from `reference.changed` events.
struct AccountBook {
    private var aliases: [String: String] = [:]

    init(log: EventLog, service: String) throws {
        try log.read { transaction in
            try transaction.events(EventQuery(types: [EventType.referenceChanged.rawValue])) { event in
                guard event.body["kind"]?.string == "account", event.body["service"]?.string == service,
                    let value = event.body["value"]?.string,
                    let account = event.body["member"]?.string
                else { return true }
                aliases[SourceNames.normalised(value)] = account
                return true
            }
        }
    }

    /// The account of a file: from its name (a name that is no id must be known), else its landing folder, else what the person said.
    ///
    /// nil when nothing says it. With `isClaim` the person speaks of this very file: that beats a name which is no id.
    func settle(_ contract: Contract, name: NameMatch, path: String, landing: String, given: String?, isClaim: Bool = false) -> String? {
        if let found = name.account {
            if hasID(contract, name) { return member(found) }
            if let known = aliases[SourceNames.normalised(found)], !isClaim || given == nil { return known }
        }
        return folder(contract, path: path, landing: landing) ?? given
    }

    /// What the file itself says with the weight of an id: its contract, its name or its landing folder; nil when none does.
    func says(_ contract: Contract, name: NameMatch, path: String, landing: String) -> (account: String, by: String)? {
        if let found = name.account, hasID(contract, name) {
            if case .fixed = contract.account { return (found, "contract") }
            return (member(found), "file name")
        }
        return folder(contract, path: path, landing: landing).map { ($0, "landing folder") }
    }

    /// The account that a name stands for; itself when it is no alias.
    func member(_ name: String) -> String { aliases[SourceNames.normalised(name)] ?? name }

    /// A field is the account's own id, unless it is called `<…_name>`: names must be known.
    private func hasID(_ contract: Contract, _ name: NameMatch) -> Bool {
        guard case .fields(let keys) = contract.account else { return true }
        return keys.contains { !$0.hasSuffix("_name") && name.fields[$0] != nil }
    }

    /// The folder `<account>` of a file in landing.
    private func folder(_ contract: Contract, path: String, landing: String) -> String? {
        let prefix = "\(landing)/\(contract.service)/\(contract.dataset)/"
        if let real = Files.realPath(path), let base = Files.realPath(landing),
            real.hasPrefix("\(base)/\(contract.service)/\(contract.dataset)/")
        {
            let rest = real.dropFirst("\(base)/\(contract.service)/\(contract.dataset)/".count).split(separator: "/")
            if rest.count > 1 { return String(rest[0]) }
        } else if path.hasPrefix(prefix) {
            let rest = path.dropFirst(prefix.count).split(separator: "/")
            if rest.count > 1 { return String(rest[0]) }
        }
        return nil
    }
}

extension Files {
    /// The files that paths name: folders with all that is in them, sorted, without hidden files and folders and sealed originals.
    static func named(_ paths: [String]) throws -> [String] {
        try paths.flatMap { path -> [String] in
            guard exists(path) else { throw LedgerError("\(path) does not exist") }
            guard isFolder(path) else { return [path] }
            // The index of a landing folder is ours.
            return walk(path).filter { file in
                name(file) != "_hashes.json" && !file.hasSuffix(".sealed")
                    && !file.dropFirst(path.count).split(separator: "/").contains { $0.hasPrefix(".") }
            }
        }
    }

    /// The path without links and dots; nil when it does not exist.
    static func realPath(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}
