import Glibc

/// A moment in UTC, in whole milliseconds since 1970-01-01.
package struct Timestamp: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
    package var milliseconds: Int64

    /// The first millisecond that ``iso`` can write.
    package static let earliest = Timestamp(milliseconds: -62_167_219_200_000)
    /// The last millisecond that ``iso`` can write.
    package static let latest = Timestamp(milliseconds: 253_402_300_799_999)

    /// A moment from its milliseconds.
    package init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    /// Reads exactly the form `2025-09-01T06:00:00.123Z`; nil for any other, and for a day or hour that does not exist.
    package init?(iso: String) {
        self.init(iso: iso.utf8.span)
    }

    init?(iso text: Span<UInt8>) {
        guard text.count == 24, text[23] == UInt8(ascii: "Z"), text[10] == UInt8(ascii: "T") else { return nil }
        guard text[4] == UInt8(ascii: "-"), text[7] == UInt8(ascii: "-"), text[19] == UInt8(ascii: ".") else { return nil }
        guard text[13] == UInt8(ascii: ":"), text[16] == UInt8(ascii: ":") else { return nil }
        guard let century = Self.two(text, 0), let inCentury = Self.two(text, 2), let month = Self.two(text, 5),
            let day = Self.two(text, 8),
            let hour = Self.two(text, 11), let minute = Self.two(text, 14), let second = Self.two(text, 17), let tens = Self.two(text, 20),
            text[22] >= 0x30, text[22] <= 0x39
        else { return nil }
        let year = century * 100 + inCentury
        guard month >= 1, month <= 12, day >= 1, day <= Self.days(in: month, of: year) else { return nil }
        guard hour < 24, minute < 60, second < 60 else { return nil }
        let days = Self.dayNumber(year: year, month: month, day: day)
        milliseconds = (((days * 24 + hour) * 60 + minute) * 60 + second) * 1000 + tens * 10 + Int64(text[22] - 0x30)
    }

    /// The number of the two digits at `offset`.
    private static func two(_ text: Span<UInt8>, _ offset: Int) -> Int64? {
        let high = text[offset] &- 0x30
        let low = text[offset + 1] &- 0x30
        return high < 10 && low < 10 ? Int64(high) * 10 + Int64(low) : nil
    }

    /// The form `2025-09-01T06:00:00.123Z`. Moments outside the years 0 to 9999 are written as the nearest one inside.
    package var iso: String {
        var bytes: [UInt8] = []
        append(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The same as ``iso``.
    package var description: String { iso }

    /// The computer's clock.
    package static func now() -> Timestamp {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }

    /// Earlier first.
    package static func < (left: Timestamp, right: Timestamp) -> Bool { left.milliseconds < right.milliseconds }

    func append(to bytes: inout [UInt8]) {
        let clamped = min(max(milliseconds, Self.earliest.milliseconds), Self.latest.milliseconds)
        let inDay = ((clamped % 86_400_000) + 86_400_000) % 86_400_000
        let (year, month, day) = Self.civil((clamped - inDay) / 86_400_000)
        func two(_ value: Int64) {
            bytes.append(UInt8(truncatingIfNeeded: value / 10) + 0x30)
            bytes.append(UInt8(truncatingIfNeeded: value % 10) + 0x30)
        }
        two(year / 100)
        two(year % 100)
        bytes.append(UInt8(ascii: "-"))
        two(month)
        bytes.append(UInt8(ascii: "-"))
        two(day)
        bytes.append(UInt8(ascii: "T"))
        two(inDay / 3_600_000)
        bytes.append(UInt8(ascii: ":"))
        two(inDay / 60_000 % 60)
        bytes.append(UInt8(ascii: ":"))
        two(inDay / 1000 % 60)
        bytes.append(UInt8(ascii: "."))
        bytes.append(UInt8(truncatingIfNeeded: inDay / 100 % 10) + 0x30)
        two(inDay % 100)
        bytes.append(UInt8(ascii: "Z"))
    }

    private static func days(in month: Int64, of year: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days since 1970-01-01 in the Gregorian calendar; years are counted from March so that the leap day is the last of its year.
    private static func dayNumber(year: Int64, month: Int64, day: Int64) -> Int64 {
        let year = month <= 2 ? year - 1 : year
        let era = (year >= 0 ? year : year - 399) / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func civil(_ dayNumber: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = dayNumber + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
    }
}

/// An event to be appended: all that its writer decides. Seq, `prev` and id are given inside the write transaction.
package struct EventDraft: Sendable {
    /// What the event is about: `<service>/<dataset>`, `run`, …; 1 to 400 bytes without control characters.
    package var stream: String
    /// The event's type in the vocabulary; 1 to 400 bytes without control characters.
    package var type: String
    /// The version of the body's shape.
    package var version: Int
    /// `os:<uid>` or `user:<opaque id>`.
    package var actor: String
    /// The run this belongs to; left out of the event when nil.
    package var run: String?
    /// The writer's clock.
    package var time: Timestamp
    /// An object.
    package var body: JSON

    /// Collects the fields.
    package init(
        stream: String, type: String, version: Int = 1, actor: String, run: String? = nil, time: Timestamp = .now(), body: JSON
    ) {
        self.stream = stream
        self.type = type
        self.version = version
        self.actor = actor
        self.run = run
        self.time = time
        self.body = body
    }
}

/// One event as it stands in the log.
package struct Event: Sendable {
    /// Its place, gapless from 1.
    package let seq: Int64
    /// SHA-256 of ``bytes``.
    package let id: Hash256
    /// The id of the event before it; ``Hash256/zero`` for the first.
    package let prev: Hash256
    /// The writer's clock, never earlier than that of the event before.
    package let time: Timestamp
    /// How many milliseconds behind the log the writer's clock was, when its time had to be held back.
    package let skewMilliseconds: Int64?
    /// What it is about.
    package let stream: String
    /// Its type in the vocabulary.
    package let type: String
    /// The version of its body's shape.
    package let version: Int
    /// Who wrote it.
    package let actor: String
    /// The run it belongs to.
    package let run: String?
    /// What it says.
    package let body: JSON
    /// The canonical bytes: those stored are those hashed.
    package let bytes: [UInt8]

    /// Reads an event from its canonical bytes and computes its id.
    ///
    /// - Throws: ``JSONError`` when the bytes are not exactly one canonical event.
    package init(canonical bytes: [UInt8]) throws(JSONError) {
        try self.init(bytes, id: Hash256(hashing: bytes))
    }

    init(_ bytes: [UInt8], id: Hash256) throws(JSONError) {
        let fields = try EnvelopeFields(bytes.span)
        try self.init(bytes, id: id, fields: fields)
    }

    init(_ bytes: [UInt8], id: Hash256, fields: EnvelopeFields) throws(JSONError) {
        let span = bytes.span
        seq = fields.seq
        self.id = id
        prev = fields.prev
        time = fields.time
        skewMilliseconds = fields.skew
        stream = try fields.text(fields.stream, of: span)
        type = try fields.text(fields.type, of: span)
        version = Int(fields.version)
        actor = try fields.text(fields.actor, of: span)
        if let range = fields.run { run = try fields.text(range, of: span) } else { run = nil }
        var at = fields.body.lowerBound
        body = try JSONText.value(span, &at, depth: 1)
        self.bytes = bytes
    }
}

/// The last event of a log: where the next one goes. Seq 0 with a zero id is the head of an empty log.
package struct LogHead: Hashable, Sendable {
    /// The seq of the last event.
    package let seq: Int64
    /// The id of the last event.
    package let id: Hash256

    /// The head of a log without events.
    package static let empty = LogHead(seq: 0, id: .zero)

    /// A head known from elsewhere, for example from a checkpoint.
    package init(seq: Int64, id: Hash256) {
        self.seq = seq
        self.id = id
    }
}

/// What the owner of the vocabulary wants indexed with an event, derived purely from its type and body.
package struct IndexEntries: Sendable {
    /// This event is a capture of that object; it begins live.
    package var object: Hash256?
    /// Earlier captures (by seq) whose liveness this event changes.
    package var liveness: [(capture: Int64, live: Bool)]
    /// An idempotence key: at most one event of a log carries it.
    package var key: String?

    /// Nothing to index unless said.
    package init(object: Hash256? = nil, liveness: [(capture: Int64, live: Bool)] = [], key: String? = nil) {
        self.object = object
        self.liveness = liveness
        self.key = key
    }
}

/// Derives the entries; the same type and body must always give the same answer.
package typealias EventIndexing = @Sendable (_ type: String, _ body: JSON) -> IndexEntries

/// Which events to read. Empty lists and nils do not restrict; everything given must hold.
package struct EventQuery: Sendable {
    /// Only these places.
    package var seqs: ClosedRange<Int64>?
    /// One of these streams; a trailing `*` stands for any ending.
    package var streams: [String]
    /// One of these types; a trailing `*` stands for any ending.
    package var types: [String]
    /// Only events of this run.
    package var run: String?
    /// Only captures of this object.
    package var object: Hash256?
    /// Only events whose `time` lies in this range.
    package var time: Range<Timestamp>?
    /// Highest seq first.
    package var newestFirst: Bool
    /// At most so many events.
    package var limit: Int?

    /// All events, oldest first, unless restricted.
    package init(
        seqs: ClosedRange<Int64>? = nil, streams: [String] = [], types: [String] = [], run: String? = nil, object: Hash256? = nil,
        time: Range<Timestamp>? = nil, newestFirst: Bool = false, limit: Int? = nil
    ) {
        self.seqs = seqs
        self.streams = streams
        self.types = types
        self.run = run
        self.object = object
        self.time = time
        self.newestFirst = newestFirst
        self.limit = limit
    }
}

// MARK: - The envelope's bytes

/// Where the fields of an event's canonical bytes lie; making one proves that the whole event is canonical.
struct EnvelopeFields {
    let actor: Range<Int>
    let body: Range<Int>
    let prev: Hash256
    let run: Range<Int>?
    let seq: Int64
    let skew: Int64?
    let stream: Range<Int>
    let time: Timestamp
    let type: Range<Int>
    let version: Int64

    init(_ bytes: Span<UInt8>) throws(JSONError) {
        var at = 0
        try JSONText.word("{\"actor\":", bytes, &at)
        actor = try Self.string(bytes, &at)
        try JSONText.word(",\"body\":", bytes, &at)
        let bodyStart = at
        guard at < bytes.count, bytes[at] == UInt8(ascii: "{") else {
            throw JSONError(.syntax, at: at, "the body of an event must be an object")
        }
        try JSONText.checkCanonical(bytes, &at, depth: 1)
        body = bodyStart..<at
        try JSONText.word(",\"prev\":\"", bytes, &at)
        guard at + 64 <= bytes.count, let hash = Hash256(hexDigits: bytes.extracting(at..<at + 64)) else {
            throw JSONError(.syntax, at: at, "prev must be 64 lower-case hexadecimal digits")
        }
        prev = hash
        at += 64
        try JSONText.word("\",", bytes, &at)
        if at + 1 < bytes.count, bytes[at + 1] == UInt8(ascii: "r") {
            try JSONText.word("\"run\":", bytes, &at)
            run = try Self.string(bytes, &at)
            try JSONText.word(",", bytes, &at)
        } else {
            run = nil
        }
        try JSONText.word("\"seq\":", bytes, &at)
        seq = try Self.integer(bytes, &at)
        try JSONText.word(",\"s", bytes, &at)
        if at < bytes.count, bytes[at] == UInt8(ascii: "k") {
            try JSONText.word("kew_ms\":", bytes, &at)
            skew = try Self.integer(bytes, &at)
            try JSONText.word(",\"s", bytes, &at)
        } else {
            skew = nil
        }
        try JSONText.word("tream\":", bytes, &at)
        stream = try Self.string(bytes, &at)
        try JSONText.word(",\"time\":\"", bytes, &at)
        guard at + 24 <= bytes.count, let moment = Timestamp(iso: bytes.extracting(at..<at + 24)) else {
            throw JSONError(.syntax, at: at, "time must look like 2025-09-01T06:00:00.123Z")
        }
        time = moment
        at += 24
        try JSONText.word("\",\"type\":", bytes, &at)
        type = try Self.string(bytes, &at)
        try JSONText.word(",\"v\":", bytes, &at)
        version = try Self.integer(bytes, &at)
        try JSONText.word("}", bytes, &at)
        guard at == bytes.count else { throw JSONError(.trailingBytes, at: at, "bytes follow the event") }
    }

    /// The text of a string whose range includes its quotes.
    func text(_ range: Range<Int>, of bytes: Span<UInt8>) throws(JSONError) -> String {
        var at = range.lowerBound
        return try JSONText.string(bytes, &at)
    }

    private static func string(_ bytes: Span<UInt8>, _ at: inout Int) throws(JSONError) -> Range<Int> {
        let start = at
        _ = try JSONText.checkString(bytes, &at)
        return start..<at
    }

    private static func integer(_ bytes: Span<UInt8>, _ at: inout Int) throws(JSONError) -> Int64 {
        guard at < bytes.count else { throw JSONError(.syntax, at: at, "a number is missing") }
        return try JSONText.integer(bytes, &at)
    }

    /// Writes an event whose body is canonical already.
    static func write(
        _ bytes: inout [UInt8], draft: borrowing EventDraft, body: [UInt8], prev: Hash256, seq: Int64, time: Timestamp, skew: Int64?
    ) {
        bytes.removeAll(keepingCapacity: true)
        bytes.append(contentsOf: "{\"actor\":".utf8)
        JSONText.append(string: draft.actor, to: &bytes)
        bytes.append(contentsOf: ",\"body\":".utf8)
        bytes.append(contentsOf: body)
        bytes.append(contentsOf: ",\"prev\":\"".utf8)
        prev.appendHex(to: &bytes)
        if let run = draft.run {
            bytes.append(contentsOf: "\",\"run\":".utf8)
            JSONText.append(string: run, to: &bytes)
            bytes.append(contentsOf: ",\"seq\":".utf8)
        } else {
            bytes.append(contentsOf: "\",\"seq\":".utf8)
        }
        JSONText.append(integer: seq, to: &bytes)
        if let skew {
            bytes.append(contentsOf: ",\"skew_ms\":".utf8)
            JSONText.append(integer: skew, to: &bytes)
        }
        bytes.append(contentsOf: ",\"stream\":".utf8)
        JSONText.append(string: draft.stream, to: &bytes)
        bytes.append(contentsOf: ",\"time\":\"".utf8)
        time.append(to: &bytes)
        bytes.append(contentsOf: "\",\"type\":".utf8)
        JSONText.append(string: draft.type, to: &bytes)
        bytes.append(contentsOf: ",\"v\":".utf8)
        JSONText.append(integer: Int64(draft.version), to: &bytes)
        bytes.append(UInt8(ascii: "}"))
    }
}
