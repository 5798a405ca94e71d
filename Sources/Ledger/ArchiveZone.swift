import Cleaning
package import EventLog
import Projection

/// A superseded curated version, as the log tells it.
package struct ArchivedVersion: Sendable {
    /// The seq of its `zone.archived` event: its name everywhere.
    package let event: Int64
    package let archived: Timestamp
    /// The curated file it was, such as `dk_bank_details.csv`, or `folder/part.csv` of a partitioned table.
    package let file: String
    /// Where it lies, below the root.
    package let path: String
    /// Of the compressed bytes.
    package let digest: Hash256
    /// Of the CSV inside; nil in events of older versions.
    package let content: Hash256?
    /// Days since 1970-01-01; from this day on it may be removed.
    package let keepUntil: Int64
    /// The `zone.expired` event that took it away.
    package let expired: Int64?
    /// In bytes, compressed; nil when it is not there.
    package let size: Int64?
}

/// Names and dates of the archive.
enum ArchiveNames {
    /// `dk_bank_details.csv` from `5_archive/dk_bank_details_20250901_060000.csv.gz`, its folder kept.
    static func file(of path: String, below archive: String) -> String {
        var name = path.hasPrefix(archive + "/") ? String(path.dropFirst(archive.count + 1)) : Files.name(path)
        if name.hasSuffix(".csv.gz") { name.removeLast(7) }
        func isNumber(_ text: Substring, _ count: Int) -> Bool {
            text.utf8.count == count && text.utf8.allSatisfy { (48...57).contains($0) }
        }
        var parts = name.split(separator: "_", omittingEmptySubsequences: false)
        if parts.count > 3, parts[parts.count - 1].utf8.count == 8, isNumber(parts[parts.count - 2], 6), isNumber(parts[parts.count - 3], 8)
        {
            parts.removeLast()
        }
        if parts.count > 2, isNumber(parts[parts.count - 1], 6), isNumber(parts[parts.count - 2], 8) { parts.removeLast(2) }
        return parts.joined(separator: "_") + ".csv"
    }

    /// The same day so many years later; the 29th of February becomes the 28th.
    static func keepUntil(_ time: Timestamp, years: Int64) -> Int64 {
        let text = time.iso
        let day = time.milliseconds.flooredDay
        guard let year = Int64(text.prefix(4)) else { return day }
        let later = String(repeating: "0", count: max(0, 4 - String(year + years).count)) + String(year + years)
        return CalendarDay.day(later + text.dropFirst(4).prefix(6)) ?? CalendarDay.day("\(later)-02-28") ?? day
    }
}

extension Lake {
    /// Every version that was ever archived, oldest first; `file` is a curated file or the folder of a partitioned table.
    package func archive(file wanted: String? = nil) throws -> [ArchivedVersion] {
        try log.read { transaction in
            var expired: [String: Int64] = [:]
            try transaction.events(EventQuery(types: [EventType.expired.rawValue])) { event in
                if let path = event.body["path"]?.string { expired[path] = event.seq }
                return true
            }
            var found: [ArchivedVersion] = []
            try transaction.events(EventQuery(types: [EventType.archived.rawValue])) { event in
                guard let path = event.body["path"]?.string, let digest = event.body["sha256"]?.string.flatMap({ Hash256(hex: $0) }) else {
                    throw LedgerError("event \(event.seq) (zone.archived) lacks its path or digest; run `bedrot verify`")
                }
                let file = event.body["file"]?.string ?? ArchiveNames.file(of: path, below: layout.name(.archive))
                if let wanted, file != wanted, !file.hasPrefix(wanted + "/") { return true }
                let until = event.body["keep_until"]?.string.flatMap { CalendarDay.day($0) }
                found.append(
                    ArchivedVersion(
                        event: event.seq, archived: event.time, file: file, path: path, digest: digest,
                        content: event.body["content"]?.string.flatMap { Hash256(hex: $0) },
                        keepUntil: until ?? ArchiveNames.keepUntil(event.time, years: event.body["keep_years"]?.int ?? 7),
                        expired: expired[path], size: Files.size(layout.path(path))))
                return true
            }
            return found
        }
    }

    /// Unpacks an archived version, named by its event, its path or its file name, and writes it where it is wanted.
    ///
    /// Both digests are checked: of the compressed file and of the CSV inside. Nothing is written into a zone. Gives the path written to.
    package func restoreArchived(_ name: String, to target: String?) throws -> (version: ArchivedVersion, path: String) {
        let all = try archive()
        let seq = Int64(name)
        let matches = all.filter { $0.event == seq || $0.path == name || Files.name($0.path) == name || $0.file == name }
        guard let version = matches.first else {
            throw LedgerError("the archive has no “\(name)”; `bedrot archive list` shows its versions")
        }
        guard matches.count == 1 else {
            throw LedgerError(
                """
                “\(name)” is \(matches.count) versions, events \(matches.suffix(8).map { String($0.event) }.joined(separator: ", ")): \
                say which, as in bedrot archive restore \(matches[matches.count - 1].event)
                """)
        }
        let full = layout.path(version.path)
        guard Files.exists(full) else { throw LedgerError(try howToMakeAgain(version)) }
        let bytes = try Files.read(full)
        guard Hash256(hashing: bytes) == version.digest else {
            throw LedgerError(
                "\(version.path) is damaged: its bytes are not those of event \(version.event). \(try howToMakeAgain(version))")
        }
        let content = try Gzip.decompress(bytes)
        guard version.content == nil || Hash256(hashing: content) == version.content else {
            throw LedgerError("what \(version.path) holds is not what event \(version.event) says; run `bedrot verify`")
        }
        let stem = Files.name(version.path).hasSuffix(".gz") ? String(Files.name(version.path).dropLast(3)) : Files.name(version.path)
        let path = target.map { Files.isFolder($0) ? "\($0)/\(stem)" : $0 } ?? "\(layout.reports)/\(stem)"
        for zone in Layout.Zone.allCases where path.hasPrefix(layout.folder(zone) + "/") || Files.parent(path) == layout.folder(zone) {
            throw LedgerError("\(path) lies in \(layout.name(zone)), which is output of the log; choose another place with --to")
        }
        guard try !Files.exists(path) || Files.read(path) == content else {
            throw LedgerError("\(path) is there already and holds something else; choose another name with --to")
        }
        try Files.makeFolder(Files.parent(path))
        try AtomicFile.write(content, to: path)
        return (version, path)
    }

    /// A version that is gone is still a replay away: the events it was made from are never removed.
    private func howToMakeAgain(_ version: ArchivedVersion) throws -> String {
        let gone = version.expired.map { "\(version.path) expired by event \($0)" } ?? "\(version.path) is not there as it was"
        var until: Int64?
        if let content = version.content {
            try log.read { transaction in
                let query = EventQuery(seqs: 1...version.event, types: [EventType.promoted.rawValue], newestFirst: true)
                try transaction.events(query) { event in
                    guard event.body["to"]?.string == "curated", event.body["output"]?.string == content.hex else { return true }
                    until = event.body["data_to"]?.int
                    return false
                }
            }
        }
        return "\(gone). Make it again: bedrot replay --until \(until.map { String($0) } ?? "SEQ") --into DIR, then see DIR/4_curated"
    }

    /// What an expiry on a day would remove or has removed.
    package struct Expiry: Sendable {
        package let due: [ArchivedVersion]
        package let isDone: Bool
    }

    /// Removes archived versions whose retention date has come, each by a `zone.expired` event that is written first.
    ///
    /// Objects, definitions and the live curated files are never touched: every version stays a replay away.
    ///
    /// - Parameter day: days since 1970-01-01 that the dates are compared with.
    /// - Parameter dryRun: say what is due and change nothing.
    package func expireArchive(on day: Int64, file: String? = nil, dryRun: Bool) throws -> Expiry {
        let due = try archive(file: file).filter { $0.expired == nil && $0.keepUntil <= day }
        guard !dryRun else { return Expiry(due: due, isDone: false) }
        let run = try Run(self, command: "archive expire")
        if !due.isEmpty {
            try log.write { transaction in
                for version in due {
                    let key = "expired \(version.path)"
                    guard try transaction.seq(forKey: key) == nil else { continue }
                    if let start = run.startDraftIfNeeded() { _ = try transaction.append(start) }
                    _ = try transaction.append(
                        draft(
                            "archive", .expired, run: run.id,
                            [
                                "archived": .int(version.event), "path": .string(version.path), "sha256": .string(version.digest.hex),
                                "keep_until": .string(CalendarDay.text(day: version.keepUntil)), "key": .string(key),
                            ]))
                }
            }
        }
        // Also those of an expiry that was interrupted between the event and the file.
        for version in try archive() where version.expired != nil && version.size != nil {
            let full = layout.path(version.path)
            guard full.hasPrefix(layout.folder(.archive) + "/") else { continue }
            try Files.remove(full)
        }
        try run.complete("ok")
        try log.catchUpIndexes()
        return Expiry(due: due, isDone: true)
    }
}
