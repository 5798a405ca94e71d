import Cleaning
package import EventLog
import GRDB
import Projection

/// A position of the log that a question is asked at: what was known when this event had been written.
package struct Moment: Sendable, Equatable {
    /// The event.
    package let seq: Int64
    package let id: Hash256
    package let time: Timestamp

    init(seq: Int64, id: Hash256, time: Timestamp) {
        self.seq = seq
        self.id = id
        self.time = time
    }

    init(_ event: Event) { self.init(seq: event.seq, id: event.id, time: event.time) }
}

/// A name that a person gave to a position of the log.
package struct Tag: Sendable, Equatable {
    /// Lower-case, such as `2025-08-close`.
    package let name: String
    /// What it names.
    package let moment: Moment
    package let note: String?
    /// The `tag.set` event that says so, and its time.
    package let event: Int64
    package let set: Timestamp
    /// How often it named another position before, since it was last removed.
    package let moves: Int
}

extension Lake {
    // MARK: Moments

    /// What a person means by a position of the log: the one reading of every `--known-at`, and of every `--until` that ends at an event.
    ///
    /// A seq; a time in RFC 3339 form, or a bare day, which means its end in the log's reporting zone: the last event at or before it; or
    /// the name of a tag. The warehouse is not asked; see ``known(at:)``.
    ///
    /// - Throws: ``LedgerError`` for anything else, a seq that the log does not have, and a time before its first event.
    package func moment(_ text: String) throws -> Moment {
        if !text.isEmpty, text.utf8.allSatisfy({ (48...57).contains($0) }) {
            let head = try log.read { try $0.head().seq }
            guard let seq = Int64(text), (1...max(1, head)).contains(seq), let event = try log.read({ try $0.event(seq) }) else {
                throw LedgerError("the log has no event \(text); events count from 1, its head is \(head)")
            }
            return Moment(event)
        }
        if let day = CalendarDay.day(text) {
            let name = try settings().zone
            let zone = try reportingZone(try projector.definitions(until: try log.read { try $0.head().seq }))
            return try last(before: "the end of \(text) (\(name))") { zone.day(of: $0.time) <= day }
        }
        if let time = MomentText.time(text) { return try last(before: text) { $0.time <= time } }
        return try tag(named: text).moment
    }

    /// The event behind which a span begins that a person asks for with `--since`; 0 where it begins with the log.
    ///
    /// A seq or a tag is that event, a time the last event at or before it, and a day begins with its midnight in the reporting zone.
    ///
    /// - Throws: ``LedgerError`` for anything else.
    package func seq(before text: String) throws -> Int64 {
        if let day = CalendarDay.day(text) {
            let zone = try reportingZone(try projector.definitions(until: try log.read { try $0.head().seq }))
            return try last { zone.day(of: $0.time) < day }?.seq ?? 0
        }
        if let time = MomentText.time(text) { return try last { $0.time <= time }?.seq ?? 0 }
        return text == "0" ? 0 : try moment(text).seq
    }

    /// The tag of a name.
    ///
    /// - Throws: ``LedgerError`` that says how positions are written, and which tags there are.
    package func tag(named text: String) throws -> Tag {
        let tags = try tags()
        if let tag = tags.first(where: { $0.name == text }) { return tag }
        let hint = MomentText.lacksZone(text) ? "“\(text)” does not say its zone: add Z for UTC, or an offset such as +02:00. " : ""
        let near = tags.isEmpty ? "" : "; tags: \(tags.suffix(12).map(\.name).joined(separator: ", "))"
        throw LedgerError(
            """
            \(hint)“\(text)” is neither an event, nor a time, nor a tag: write a seq such as 42, a day such as 2025-08-31 (its end), a \
            time such as 2025-08-31T18:00:00Z, or a tag\(near)
            """)
    }

    private func last(before what: String, _ holds: (Event) -> Bool) throws -> Moment {
        if let found = try last(holds) { return found }
        let first = try log.read { try $0.event(1)?.time.iso ?? "" }
        throw LedgerError("nothing was known at \(what): the log begins at \(first)")
    }

    /// The last event that a condition holds for; times never fall along the log, so it is found by halving.
    private func last(_ holds: (Event) -> Bool) throws -> Moment? {
        try log.read { transaction in
            var low: Int64 = 0
            var high = try transaction.head().seq
            var found: Event?
            while low < high {
                let middle = low + (high - low + 1) / 2
                guard let event = try transaction.event(middle) else {
                    throw LedgerError("the log has no event \(middle) where it must have one; run `bedrot verify`")
                }
                if holds(event) { (low, found) = (middle, event) } else { high = middle - 1 }
            }
            return found.map { Moment($0) }
        }
    }

    /// The position that a question is answered at; nil means what the warehouse knows now.
    ///
    /// - Throws: ``LedgerError`` also where the warehouse has not read that far.
    package func known(at text: String?) throws -> Moment {
        guard let text else {
            let seq = try projectedTo()
            guard seq > 0, let event = try log.read({ try $0.event(seq) }) else {
                throw LedgerError("nothing has been projected yet; run `bedrot project`")
            }
            return Moment(event)
        }
        let moment = try moment(text)
        try requireProjected(moment.seq)
        return moment
    }

    /// The last event that the warehouse has read.
    func projectedTo() throws -> Int64 {
        try warehouse().queue.read { try Int64.fetchOne($0, sql: "SELECT seq FROM checkpoint") ?? 0 }
    }

    /// Refuses a position behind which the warehouse lacks an event that changes figures. Others, such as a tag just set, change nothing.
    func requireProjected(_ seq: Int64) throws {
        let known = try projectedTo()
        guard seq > known else { return }
        try log.read { transaction in
            let head = try transaction.head().seq
            guard seq <= head else { throw LedgerError("the log has no event \(seq); its head is \(head)") }
            try transaction.events(EventQuery(seqs: (known + 1)...seq)) { event in
                let isOutput = event.type == EventType.promoted.rawValue && event.body["to"]?.string != "staging"
                guard EventType(rawValue: event.type)?.bearsData == true, !isOutput else { return true }
                throw LedgerError(
                    """
                    the warehouse knows events up to \(known), not \(seq): event \(event.seq) (\(event.type)) may change figures; run \
                    `bedrot project`
                    """)
            }
        }
    }

    // MARK: Tags

    /// The tags in force, by the positions they name, then by name.
    package func tags() throws -> [Tag] {
        try log.read { transaction in
            try Self.tags(try transaction.events(EventQuery(types: ["tag.*"]))) { try transaction.event($0) }
        }
    }

    private static func tags(_ events: [Event], _ find: (Int64) throws -> Event?) throws -> [Tag] {
        var known: [String: Tag] = [:]
        for event in events {
            guard let name = event.body["name"]?.string else { continue }
            guard event.type == EventType.tagSet.rawValue else {
                known[name] = nil
                continue
            }
            guard let seq = event.body["at"]?.int, let id = event.body["id"]?.string.flatMap({ Hash256(hex: $0) }),
                let named = try find(seq), named.id == id
            else {
                throw LedgerError("event \(event.seq) (tag.set) does not name an event of this log by seq and id; run `bedrot verify`")
            }
            let before = known[name]
            known[name] = Tag(
                name: name, moment: Moment(named), note: event.body["note"]?.string, event: event.seq, set: event.time,
                moves: before.map { $0.moves + ($0.moment.seq == seq ? 0 : 1) } ?? 0)
        }
        return known.values.sorted { ($0.moment.seq, $0.name) < ($1.moment.seq, $1.name) }
    }

    /// Names a position of the log: `tag.set`. Saying the same once more changes nothing.
    ///
    /// - Parameter place: what ``moment(_:)`` reads; nil means the log's head.
    /// - Parameter force: let a tag that names another position move; where it was stays in the log.
    /// - Throws: ``LedgerError`` for a name that is none, and for a tag that would move without `force`.
    package func setTag(_ name: String, at place: String?, note: String?, force: Bool) throws -> Tag {
        if let reason = MomentText.reason(against: name) { throw LedgerError(reason) }
        let note = note.map(\.trimmingSpaces).flatMap { $0.isEmpty ? nil : $0 }
        guard note.map({ $0.utf8.count <= 1000 }) ?? true else { throw LedgerError("the note is longer than 1,000 bytes; shorten it") }
        let asked = try place.map { try moment($0) }
        try log.write { transaction in
            let events = try transaction.events(EventQuery(types: ["tag.*"]))
            let before = try Self.tags(events) { try transaction.event($0) }.first { $0.name == name }
            let head = try transaction.head()
            let (seq, id) = asked.map { ($0.seq, $0.id) } ?? (head.seq, head.id)
            if let before {
                if before.moment.seq == seq, note == nil || note == before.note { return }
                guard before.moment.seq == seq || force else {
                    throw LedgerError(
                        """
                        the tag “\(name)” names event \(before.moment.seq) of \(before.moment.time.iso.prefix(16)); choose another name, \
                        or move it to event \(seq) with --force (the log keeps where it was)
                        """)
                }
            }
            var body: [String: JSON] = ["name": .string(name), "at": .int(seq), "id": .string(id.hex)]
            if let note { body["note"] = .string(note) }
            if let before, before.moment.seq != seq { body["moved_from"] = .int(before.moment.seq) }
            _ = try transaction.append(draft("tag/\(name)", .tagSet, run: nil, .object(body)))
        }
        try log.catchUpIndexes()
        guard let tag = try tags().first(where: { $0.name == name }) else {
            throw LedgerError("the tag “\(name)” was removed by another command at the same time; set it again")
        }
        return tag
    }

    /// Takes a name back: `tag.removed`. The log keeps what it named. Gives the tag as it was.
    package func removeTag(_ name: String) throws -> Tag {
        let tag = try log.write { transaction in
            let events = try transaction.events(EventQuery(types: ["tag.*"]))
            let tags = try Self.tags(events) { try transaction.event($0) }
            guard let tag = tags.first(where: { $0.name == name }) else {
                let known = tags.isEmpty ? "there are none" : "known: \(tags.map(\.name).joined(separator: ", "))"
                throw LedgerError("there is no tag “\(name)”; \(known)")
            }
            _ = try transaction.append(
                draft("tag/\(name)", .tagRemoved, run: nil, ["name": .string(name), "at": .int(tag.moment.seq)]))
            return tag
        }
        try log.catchUpIndexes()
        return tag
    }
}

/// How moments and tags are written.
package enum MomentText {
    /// Reads RFC 3339: day, `T`, time with seconds and an optional fraction, `Z` or an offset. Parts of a millisecond are cut off.
    package static func time(_ text: String) -> Timestamp? {
        var bytes = Array(text.utf8)
        guard bytes.count >= 20, bytes[10] == UInt8(ascii: "T") || bytes[10] == UInt8(ascii: "t") else { return nil }
        bytes[10] = UInt8(ascii: "T")
        var east: Int64 = 0
        if bytes.last == UInt8(ascii: "Z") || bytes.last == UInt8(ascii: "z") {
            bytes.removeLast()
        } else {
            guard let offset = ReportingZone.offset(String(decoding: bytes.suffix(6), as: UTF8.self)) else { return nil }
            east = offset
            bytes.removeLast(6)
        }
        var fraction = Array(bytes.dropFirst(19))
        if !fraction.isEmpty {
            guard fraction.count > 1, fraction[0] == UInt8(ascii: "."), fraction.dropFirst().allSatisfy({ (48...57).contains($0) }) else {
                return nil
            }
            fraction.removeFirst()
        }
        while fraction.count < 3 { fraction.append(48) }
        let iso = bytes.prefix(19) + [UInt8(ascii: ".")] + fraction.prefix(3) + [UInt8(ascii: "Z")]
        return Timestamp(iso: String(decoding: iso, as: UTF8.self)).map { Timestamp(milliseconds: $0.milliseconds - east) }
    }

    /// A day and a time, but no zone to read it in.
    static func lacksZone(_ text: String) -> Bool {
        let part = text.replacing(" ", with: "T")
        return time(text) == nil && ["Z", ":00Z", "T00:00:00Z"].contains { time(part + $0) != nil }
    }

    /// Why a text is no name for a tag; nil where it is one.
    static func reason(against name: String) -> String? {
        let bytes = Array(name.utf8)
        func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }
        func isPlain(_ byte: UInt8) -> Bool { isDigit(byte) || (97...122).contains(byte) }
        let rule = "a tag is 1 to 64 of a to z, 0 to 9, “.”, “_” and “-”, and begins with a letter or digit, such as 2025-08-close"
        guard (1...64).contains(bytes.count), let first = bytes.first, isPlain(first),
            bytes.allSatisfy({ isPlain($0) || [45, 46, 95].contains($0) })
        else { return "“\(name)” is no name for a tag: \(rule)" }
        if bytes.allSatisfy(isDigit) { return "“\(name)” would read as an event: a tag has a letter in it, such as tag-\(name)" }
        // Nothing that is a time, or nearly one: 2025-08, 2025-08-31, 2025-08-31t18.
        let shape = String(decoding: bytes.map { isDigit($0) ? UInt8(ascii: "0") : $0 }, as: UTF8.self)
        if ["0000-00", "0000-00-00", "0000-0", "0000-00-0", "0000-0-0", "0000-0-00"].contains(shape) || shape.hasPrefix("0000-00-00t") {
            return "“\(name)” would read as a time: say more, such as \(name.prefix { $0 != "t" })-close"
        }
        return nil
    }
}
