package import Cleaning
package import EventLog

/// The closed vocabulary of event types. A type that is not listed here is kept, counted and recorded as skipped.
package enum EventType: String, CaseIterable, Sendable {
    case logOpened = "log.opened"
    case definitionCaptured = "definition.captured"
    case captured = "extraction.captured"
    case duplicate = "extraction.duplicate"
    case failed = "extraction.failed"
    case retracted = "extraction.retracted"
    case reinstated = "extraction.reinstated"
    case promoted = "zone.promoted"
    case quarantined = "zone.quarantined"
    case accepted = "zone.accepted"
    case drifted = "zone.drifted"
    case archived = "zone.archived"
    case expired = "zone.expired"
    case signedIn = "auth.signed_in"
    case sessionRefreshed = "auth.refreshed"
    case sessionExpiring = "auth.expiring"
    case sessionExpired = "auth.expired"
    case signInRequired = "auth.required"
    case sessionChecked = "auth.checked"
    case sessionRevoked = "auth.revoked"
    case runStarted = "run.started"
    case runStep = "run.step"
    case runCompleted = "run.completed"
    case referenceChanged = "reference.changed"
    case rebuilt = "projection.rebuilt"
    case swapped = "projection.swapped"
    case kpiAlerted = "kpi.alerted"
    case kpiAcknowledged = "kpi.acknowledged"
    case kpiResolved = "kpi.resolved"
    case subjectErased = "subject.erased"
    case gapAcknowledged = "coverage.acknowledged"
    case tagSet = "tag.set"
    case tagRemoved = "tag.removed"
    case statementIssued = "statement.issued"

    /// The newest body version this binary understands. All bodies are at version 1, so no upcaster exists yet.
    package var version: Int { 1 }

    /// Events that can change a fact, a member or an assumption, and so call for a new KPI snapshot.
    package var bearsData: Bool {
        switch self {
        case .promoted, .accepted, .retracted, .reinstated, .quarantined, .referenceChanged: true
        default: false
        }
    }
}

/// How the log indexes what this vocabulary says: captures by object, liveness of captures, idempotence keys.
package func indexEntries(type: String, body: JSON) -> IndexEntries {
    var entries = IndexEntries()
    switch EventType(rawValue: type) {
    case .captured: entries.object = body["object"]?.string.flatMap { Hash256(hex: $0) }
    case .retracted: if let capture = body["capture"]?.int { entries.liveness = [(capture, false)] }
    case .reinstated: if let capture = body["capture"]?.int { entries.liveness = [(capture, true)] }
    default: break
    }
    entries.key = body["key"]?.string
    return entries
}

/// Object hashes that an event names, for the check that every one of them exists and hashes to its name.
package func namedObjects(type: String, body: JSON) -> [Hash256] {
    switch EventType(rawValue: type) {
    case .captured, .duplicate, .definitionCaptured: [body["object"]?.string.flatMap { Hash256(hex: $0) }].compactMap(\.self)
    default: []
    }
}

/// Objects that an event gives up: their bytes are gone on purpose, until a later event names them again.
package func releasedObjects(type: String, body: JSON) -> [Hash256] {
    guard EventType(rawValue: type) == .expired else { return [] }
    return (body["items"]?.array ?? []).compactMap { $0["object"]?.string.flatMap { Hash256(hex: $0) } }
}

extension LogReading where Self: ~Copyable {
    /// Objects that were ever given up, by the last event that did so; some may be back.
    package func expiredObjects() throws -> [Hash256: Int64] {
        var expired: [Hash256: Int64] = [:]
        try events(EventQuery(types: [EventType.expired.rawValue])) { event in
            for hash in releasedObjects(type: event.type, body: event.body) { expired[hash] = event.seq }
            return true
        }
        return expired
    }
}

/// The bytes of a capture were removed on purpose, and they are needed.
package struct ExpiredObject: Error, CustomStringConvertible {
    /// The capture whose bytes are gone.
    package let capture: Capture
    /// The `zone.expired` event that gave them up.
    package let event: Int64

    package init(capture: Capture, event: Int64) {
        self.capture = capture
        self.event = event
    }

    /// What is gone since when, and the ways out.
    package var description: String {
        """
        capture \(capture.seq) (\(capture.name), \(capture.stream)) cannot be read: its bytes were removed on purpose by event \(event) \
        (zone.expired), which is no damage. To go on, bring them back: feed the same file again (bedrot ingest FILE), or take object \
        \(capture.object) from a backup. Or stop before it: bedrot replay --until \(capture.seq) --into DIR
        """
    }
}

/// An event whose body does not say what its type promises.
package struct VocabularyError: Error, CustomStringConvertible {
    let seq: Int64
    let type: String
    let field: String

    package var description: String {
        """
        event \(seq) (\(type)): field “\(field)” is missing or malformed; the log was written by another version or is damaged: \
        run `bedrot verify`
        """
    }
}

extension Event {
    /// A required field of the body.
    func field<T>(_ name: String, _ read: (JSON) -> T?) throws -> T {
        guard let value = body[name].flatMap(read) else { throw VocabularyError(seq: seq, type: type, field: name) }
        return value
    }

    func text(_ name: String) throws -> String { try field(name) { $0.string } }
    func int(_ name: String) throws -> Int64 { try field(name) { $0.int } }
    func hash(_ name: String) throws -> Hash256 { try field(name) { $0.string.flatMap { Hash256(hex: $0) } } }
}

/// What `extraction.captured` says: the bytes, whose they are, and when the source showed them.
package struct Capture: Sendable, Equatable {
    /// The seq of the capture's event: its name everywhere.
    package var seq: Int64
    package var object: Hash256
    package var size: Int64
    package var service: String
    package var dataset: String
    package var account: String
    /// File name as it arrived.
    package var name: String
    /// Path of the landing copy below the root.
    package var landing: String
    /// api, session, browser, folder, manual, exec or singer.
    package var source: String
    /// When the source showed these figures, UTC.
    package var observed: Timestamp
    /// What `observed` rests on: `declared`, `name`, `last_day`, `file_time` or `now`.
    package var observedFrom: String
    /// What the file name said, by capture name.
    package var fields: [String: String]
    /// `--downloaded-on`, as days since 1970-01-01.
    package var downloadedOn: Int64?
    /// Modification time of the file that was captured: recorded evidence of the download date where nothing better is known.
    package var fileTime: Timestamp?
    /// What was replaced before anything was stored; said in the event, not read back.
    package var protection: ProtectionReport?

    /// The name of its stream in the log.
    package var stream: String { "\(service)/\(dataset)" }

    /// Captures rank by (observed, seq): the rank decides every merge.
    package var rank: Rank { Rank(observed: observed.milliseconds, seq: seq) }

    /// The evidence that cleaning may rest on.
    package var facts: CaptureFacts {
        let isWeak = observedFrom == "last_day" || observedFrom == "now"
        return CaptureFacts(
            fileName: name, account: account, fields: fields,
            observedDay: (isWeak ? fileTime ?? observed : observed).milliseconds.flooredDay,
            observedBasis: isWeak && fileTime != nil ? "file_time" : observedFrom,
            downloadedOn: downloadedOn, firstDay: fields["first_day"].flatMap { CalendarDay.day($0) })
    }

    package init(
        seq: Int64, object: Hash256, size: Int64, service: String, dataset: String, account: String, name: String, landing: String,
        source: String, observed: Timestamp, observedFrom: String, fields: [String: String], downloadedOn: Int64?, fileTime: Timestamp?
    ) {
        self.seq = seq
        self.object = object
        self.size = size
        self.service = service
        self.dataset = dataset
        self.account = account
        self.name = name
        self.landing = landing
        self.source = source
        self.observed = observed
        self.observedFrom = observedFrom
        self.fields = fields
        self.downloadedOn = downloadedOn
        self.fileTime = fileTime
    }

    /// Reads an `extraction.captured` event.
    package init(_ event: Event) throws { try self.init(seq: event.seq, body: event.body) }

    /// Reads the body of an `extraction.captured` event.
    package init(seq: Int64, body: JSON) throws {
        func need<T>(_ name: String, _ read: (JSON) -> T?) throws -> T {
            guard let value = body[name].flatMap(read) else {
                throw VocabularyError(seq: seq, type: EventType.captured.rawValue, field: name)
            }
            return value
        }
        self.init(
            seq: seq, object: try need("object") { $0.string.flatMap { Hash256(hex: $0) } }, size: try need("size", \.int),
            service: try need("service", \.string), dataset: try need("dataset", \.string), account: try need("account", \.string),
            name: try need("name", \.string), landing: try need("landing", \.string), source: try need("source", \.string),
            observed: try need("observed") { $0.string.flatMap { Timestamp(iso: $0) } }, observedFrom: try need("observed_from", \.string),
            fields: (body["fields"]?.object ?? [:]).compactMapValues(\.string),
            downloadedOn: body["downloaded_on"]?.string.flatMap { CalendarDay.day($0) },
            fileTime: body["file_time"]?.string.flatMap { Timestamp(iso: $0) })
    }

    /// The body of the event, canonical order left to the log.
    package var body: JSON {
        var body: [String: JSON] = [
            "object": .string(object.hex), "size": .int(size), "service": .string(service), "dataset": .string(dataset),
            "account": .string(account), "name": .string(name), "landing": .string(landing), "source": .string(source),
            "observed": .string(observed.iso), "observed_from": .string(observedFrom),
        ]
        if !fields.isEmpty { body["fields"] = .object(fields.mapValues { .string($0) }) }
        if let downloadedOn { body["downloaded_on"] = .string(CalendarDay.text(day: downloadedOn)) }
        if let fileTime { body["file_time"] = .string(fileTime.iso) }
        if let protection {
            body["protected"] = [
                "personal": .object(protection.personal.mapValues { .int(Int64($0)) }), "redacted": .int(Int64(protection.redacted)),
                "lines": .int(Int64(protection.lines)),
            ]
        }
        return .object(body)
    }
}

/// The order of captures of one dataset and account.
package struct Rank: Comparable, Hashable, Sendable {
    package var observed: Int64
    package var seq: Int64

    package init(observed: Int64, seq: Int64) {
        self.observed = observed
        self.seq = seq
    }

    package static func < (a: Rank, b: Rank) -> Bool { a.observed != b.observed ? a.observed < b.observed : a.seq < b.seq }
}

/// One capture's entry in a `zone.promoted(to: staging)` event.
package struct StagedPromotion: Sendable, Equatable {
    /// One partition of a `replace_partition` dataset as this capture tells it.
    package struct Partition: Sendable, Equatable {
        package var value: Int64
        package var rows: Int64
        package var rejects: Int64
        /// Sum of the contract's guarded column, in its own units.
        package var total: Int64
        /// Multiset digest of the typed rows.
        package var digest: UInt64
        /// Held back until a person accepts it.
        package var held: Bool
    }

    package var capture: Int64
    package var input: Hash256
    package var rawOutput: Hash256
    package var rawPath: String
    package var output: Hash256
    package var path: String
    /// Digest and path of the reject file; nil when nothing was rejected.
    package var rejects: (hash: Hash256, path: String)?
    package var rowsIn: Int64
    package var rowsOut: Int64
    package var rejected: [String: Int64]
    package var rounded: Int64
    /// Lines that were totals, not data.
    package var skipped: Int64
    /// Rows that broke a rule of severity `warn`, by its name.
    package var warned: [String: Int64]
    /// Values that no enumeration knows, by column.
    package var unmapped: [String: Int64]
    package var firstDay: Int64?
    package var lastDay: Int64?
    /// Optional columns that the file lacks.
    package var missing: [String]
    package var partitions: [Partition]

    package init(
        capture: Int64, input: Hash256, rawOutput: Hash256, rawPath: String, output: Hash256, path: String,
        rejects: (hash: Hash256, path: String)?, report: CleaningReport
    ) {
        self.capture = capture
        self.input = input
        self.rawOutput = rawOutput
        self.rawPath = rawPath
        self.output = output
        self.path = path
        self.rejects = rejects
        rowsIn = Int64(report.rowsIn)
        rowsOut = Int64(report.rowsOut)
        rejected = report.rejectedByReason.mapValues { Int64($0) }
        rounded = Int64(report.roundedCount)
        skipped = Int64(report.skipped)
        warned = report.warnings.mapValues { Int64($0) }
        unmapped = report.unmapped.mapValues { Int64($0) }
        firstDay = report.period?.lowerBound
        lastDay = report.period?.upperBound
        missing = report.missingOptional
        partitions = report.partitions.map {
            Partition(value: $0.value, rows: Int64($0.rows), rejects: Int64($0.rejects), total: $0.total, digest: $0.digest, held: false)
        }
    }

    package static func == (a: Self, b: Self) -> Bool { a.body == b.body }

    /// Lines rejected, for whatever reason.
    package var rejectedRows: Int64 { rejected.values.reduce(0, +) }

    package init(_ item: JSON, seq: Int64) throws {
        func need<T>(_ name: String, _ read: (JSON) -> T?) throws -> T {
            guard let value = item[name].flatMap(read) else {
                throw VocabularyError(seq: seq, type: EventType.promoted.rawValue, field: "items.\(name)")
            }
            return value
        }
        func hash(_ name: String) throws -> Hash256 { try need(name) { $0.string.flatMap { Hash256(hex: $0) } } }
        capture = try need("capture", \.int)
        input = try hash("input")
        rawOutput = try hash("raw")
        rawPath = try need("raw_path", \.string)
        output = try hash("output")
        path = try need("path", \.string)
        rejects = try item["rejects"].map { _ in (try hash("rejects"), try need("rejects_path", \.string)) }
        rowsIn = try need("rows_in", \.int)
        rowsOut = try need("rows_out", \.int)
        rejected = (item["rejected"]?.object ?? [:]).compactMapValues(\.int)
        rounded = item["rounded"]?.int ?? 0
        skipped = item["skipped"]?.int ?? 0
        warned = (item["warned"]?.object ?? [:]).compactMapValues(\.int)
        unmapped = (item["unmapped"]?.object ?? [:]).compactMapValues(\.int)
        firstDay = item["first_day"]?.string.flatMap { CalendarDay.day($0) }
        lastDay = item["last_day"]?.string.flatMap { CalendarDay.day($0) }
        missing = (item["missing"]?.array ?? []).compactMap(\.string)
        partitions = try (item["partitions"]?.array ?? []).map { part in
            guard let value = part["value"]?.int, let rows = part["rows"]?.int, let rejects = part["rejects"]?.int,
                let total = part["total"]?.string.flatMap({ Int64($0) }),
                let digest = part["digest"]?.string.flatMap({ UInt64($0, radix: 16) })
            else { throw VocabularyError(seq: seq, type: EventType.promoted.rawValue, field: "items.partitions") }
            return Partition(
                value: value, rows: rows, rejects: rejects, total: total, digest: digest, held: part["held"]?.bool ?? false)
        }
    }

    /// The item as it stands in a promotion event; `init(_:seq:)` reads it back to an equal value.
    package var body: JSON {
        var body: [String: JSON] = [
            "capture": .int(capture), "input": .string(input.hex), "raw": .string(rawOutput.hex), "raw_path": .string(rawPath),
            "output": .string(output.hex), "path": .string(path), "rows_in": .int(rowsIn), "rows_out": .int(rowsOut),
        ]
        if let rejects {
            body["rejects"] = .string(rejects.hash.hex)
            body["rejects_path"] = .string(rejects.path)
            body["rejected"] = .object(rejected.mapValues { .int($0) })
        }
        if rounded > 0 { body["rounded"] = .int(rounded) }
        if skipped > 0 { body["skipped"] = .int(skipped) }
        if !warned.isEmpty { body["warned"] = .object(warned.mapValues { .int($0) }) }
        if !unmapped.isEmpty { body["unmapped"] = .object(unmapped.mapValues { .int($0) }) }
        if let firstDay { body["first_day"] = .string(CalendarDay.text(day: firstDay)) }
        if let lastDay { body["last_day"] = .string(CalendarDay.text(day: lastDay)) }
        if !missing.isEmpty { body["missing"] = .array(missing.map { .string($0) }) }
        if !partitions.isEmpty {
            body["partitions"] = .array(
                partitions.map { part in
                    var entry: [String: JSON] = [
                        "value": .int(part.value), "rows": .int(part.rows), "rejects": .int(part.rejects),
                        "total": .string(String(part.total)), "digest": .string(String(part.digest, radix: 16)),
                    ]
                    if part.held { entry["held"] = .bool(true) }
                    return .object(entry)
                })
        }
        return .object(body)
    }
}

/// Where a dataset's rows come from at one event: the contract and reader revision that cleaned them, and one item a capture.
package struct StagingPromotion: Sendable {
    package var seq: Int64
    package var stream: String
    package var contract: Hash256
    package var revision: Int64
    package var items: [StagedPromotion]

    /// nil when the promotion leads to another zone.
    package init?(_ event: Event) throws {
        guard event.body["to"]?.string == "staging" else { return nil }
        seq = event.seq
        stream = event.stream
        contract = try event.hash("contract")
        revision = try event.int("reader")
        items = try event.field("items") { $0.array }.map { try StagedPromotion($0, seq: event.seq) }
    }
}

extension Int64 {
    /// Days since 1970-01-01 of a count of milliseconds, rounded towards the past.
    package var flooredDay: Int64 {
        let day: Int64 = 86_400_000
        return self >= 0 ? self / day : -((-self + day - 1) / day)
    }
}
