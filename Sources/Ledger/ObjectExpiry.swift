import Cleaning
package import EventLog
package import Projection

/// What the log says of one object.
private struct Kept {
    var captures: [Capture] = []
    var received = Timestamp(milliseconds: 0)
    var isNeeded = false
}

extension Lake {
    /// The bytes of captures, one object, as far as their retention is concerned.
    package struct ExpirableObject: Sendable {
        package let object: Hash256
        /// In bytes.
        package let size: Int64
        /// All captures of these bytes, oldest first.
        package let captures: [Capture]
        /// Days since 1970-01-01; from this day on it may be removed.
        package let keepUntil: Int64
        /// A capture of it gave rows once, so every rebuild and replay that gets there reads it.
        package let isNeeded: Bool
    }

    /// What an expiry of objects would remove or has removed.
    package struct ObjectExpiry: Sendable {
        package let due: [ExpirableObject]
        package let isDone: Bool

        /// Those without which nothing can be rebuilt.
        package var needed: [ExpirableObject] { due.filter(\.isNeeded) }
    }

    /// Objects whose retention date has come, by the seq of their first capture.
    ///
    /// Definitions are never among them, nor what waits to be promoted.
    ///
    /// An object is kept for the longest `keep_years` of any curated table, 7 years at least, from the last time its bytes were received.
    ///
    /// - Parameter day: days since 1970-01-01 that the dates are compared with.
    package func objectsDue(on day: Int64) throws -> ObjectExpiry {
        try ObjectExpiry(due: log.read { try dueObjects(on: day, $0) }, isDone: false)
    }

    private func dueObjects(on day: Int64, _ transaction: borrowing some LogReading & ~Copyable) throws -> [ExpirableObject] {
        var kept: [Hash256: Kept] = [:]
        var objectOf: [Int64: Hash256] = [:]
        var waiting: Set<Int64> = []
        var definitions: Set<Hash256> = []
        let types: [EventType] = [.captured, .duplicate, .promoted, .quarantined, .retracted, .reinstated, .definitionCaptured]
        try transaction.events(EventQuery(types: types.map(\.rawValue))) { event in
            let capture = event.body["capture"]?.int
            switch EventType(rawValue: event.type) {
            case .captured:
                let capture = try Capture(event)
                objectOf[capture.seq] = capture.object
                waiting.insert(capture.seq)
                kept[capture.object, default: Kept()].captures.append(capture)
                kept[capture.object]?.received = event.time
            case .duplicate: if let object = capture.flatMap({ objectOf[$0] }) { kept[object]?.received = event.time }
            case .promoted:
                for item in try StagingPromotion(event)?.items ?? [] {
                    waiting.remove(item.capture)
                    if item.rowsOut > 0, let object = objectOf[item.capture] { kept[object]?.isNeeded = true }
                }
            case .quarantined, .retracted: if let capture { waiting.remove(capture) }
            case .reinstated: break
            default: for object in namedObjects(type: event.type, body: event.body) { definitions.insert(object) }
            }
            return true
        }
        let years = try max(7, definitionsInForce().curated.map(\.keepYears).max() ?? 7)
        var due: [ExpirableObject] = []
        for (object, kept) in kept where !definitions.contains(object) && objects.contains(object) {
            let until = ArchiveNames.keepUntil(kept.received, years: years)
            guard until <= day, !kept.captures.contains(where: { waiting.contains($0.seq) }) else { continue }
            due.append(
                ExpirableObject(
                    object: object, size: try objects.size(of: object), captures: kept.captures, keepUntil: until,
                    isNeeded: kept.isNeeded))
        }
        return due.sorted { ($0.captures.first?.seq ?? 0) < ($1.captures.first?.seq ?? 0) }
    }

    /// Removes objects and the raw and staging files made of them, each named by a `zone.expired` event of its dataset, written first.
    ///
    /// The caller has the word of a person, two of them where objects are needed. Files in landing are people's and stay.
    ///
    /// - Throws: when another run is at work, which may be about to use them.
    package func expireObjects(_ wanted: ObjectExpiry, on day: Int64) throws -> ObjectExpiry {
        guard let lock = try FileLock(layout.path(Run.lockName), wait: false) else {
            throw LedgerError("nothing was removed: another run is at work on \(layout.root); repeat when it has ended")
        }
        defer { withExtendedLifetime(lock) {} }
        let run = try Run(self, command: "archive expire --objects", holdsLock: true)
        let agreed = Set(wanted.due.map(\.object))
        let due = try log.write { transaction -> [ExpirableObject] in
            let due = try dueObjects(on: day, transaction).filter { agreed.contains($0.object) }
            var items: [String: [JSON]] = [:]
            for object in due {
                for capture in object.captures {
                    items[capture.stream, default: []].append([
                        "capture": .int(capture.seq), "object": .string(object.object.hex), "size": .int(object.size),
                        "keep_until": .string(CalendarDay.text(day: object.keepUntil)), "needed": .bool(object.isNeeded),
                    ])
                }
            }
            if !items.isEmpty, let start = run.startDraftIfNeeded() { _ = try transaction.append(start) }
            for (stream, items) in items.sorted(by: { $0.key < $1.key }) {
                for part in items.chunked(by: 1000) {
                    _ = try transaction.append(draft(stream, .expired, run: run.id, ["of": "objects", "items": .array(part)]))
                }
            }
            return due
        }
        Failpoint.hit("expire.said")
        // Also those of an expiry that was killed here; what was received again since is named by a later event.
        for object in try log.read({ try $0.releasedAndNotNamedSince() }) where objects.contains(object) {
            try Files.remove(objects.path(of: object))
        }
        try run.complete("ok")
        if try Warehouse.liveGeneration(layout) != nil { _ = try project() }
        try log.catchUpIndexes()
        return ObjectExpiry(due: due, isDone: true)
    }
}

extension LogReading where Self: ~Copyable {
    /// Objects whose last mention in the log is the event that gave them up.
    fileprivate func releasedAndNotNamedSince() throws -> [Hash256] {
        var released: Set<Hash256> = []
        let types: [EventType] = [.captured, .duplicate, .definitionCaptured, .expired]
        try events(EventQuery(types: types.map(\.rawValue))) { event in
            for object in namedObjects(type: event.type, body: event.body) { released.remove(object) }
            for object in releasedObjects(type: event.type, body: event.body) { released.insert(object) }
            return true
        }
        return released.sorted { $0.hex < $1.hex }
    }
}
