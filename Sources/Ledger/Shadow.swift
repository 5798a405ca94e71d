package import EventLog
import Glibc
package import Projection

/// What a replay beside the live state found.
package struct ShadowReport: Sendable {
    /// A file that is not what a replay writes.
    package struct File: Sendable {
        package let path: String
        /// The first line that differs, from 1; nil where one side has no file.
        package let line: Int?
        package let live: String?
        package let replayed: String?
    }

    /// The digest of the live state, and that of the replay to the same event.
    package let live: ProjectionDigest
    package let replayed: ProjectionDigest
    /// Tables that differ, by name.
    package let tables: [ShadowDifference]
    /// Files that differ, by path.
    package let files: [File]
    /// The first event at which live and replayed state part; nil when they are equal or no event explains it.
    package let parting: Event?

    /// Whether a replay gives the live state.
    package var isEqual: Bool { tables.isEmpty && files.isEmpty }
}

extension Lake {
    /// Replays everything into a temporary folder and compares it with the live state, table by table and file by file.
    ///
    /// Where the rows that differ do not say since which event, the log is replayed to events in between until the first one is found that
    /// makes the row.
    package func shadow() throws -> ShadowReport {
        let folder = layout.path("warehouse/.replay-\(getpid())")
        defer { try? Files.removeTree(folder) }
        let live = try liveDigest()
        try Files.makeFolder(folder)
        let replayed = try projector.replay(into: folder, until: live.seq)
        guard live.all != replayed.all || live.ops != replayed.ops else {
            return ShadowReport(live: live, replayed: replayed, tables: [], files: [], parting: nil)
        }
        let tables = try projector.differences(fromReplayIn: folder, at: live.seq)
        let files = try Set(live.files.keys).union(replayed.files.keys).sorted().filter { live.files[$0] != replayed.files[$0] }.map {
            try difference(of: $0, folder)
        }
        var seq = tables.compactMap(\.seq).min()
        if seq == nil, let first = tables.first(where: { $0.kind != .extra }) {
            try Files.removeTree(folder)
            seq = try firstEvent(that: first, upTo: live.seq, folder)
        }
        let parting = try seq.flatMap { seq in try log.read { try $0.event(seq) } }
        return ShadowReport(live: live, replayed: replayed, tables: tables, files: files, parting: parting)
    }

    private func liveDigest() throws -> ProjectionDigest {
        guard try Warehouse.liveGeneration(layout) != nil else { return try projector.digest() }
        do {
            return try projector.digest()
        } catch {
            throw LedgerError("the live warehouse cannot be read (\(error)). The log is sound, so make it anew: bedrot rebuild")
        }
    }

    /// The first event after which a replay holds a row, by halves.
    private func firstEvent(that difference: ShadowDifference, upTo end: Int64, _ folder: String) throws -> Int64? {
        var (before, after) = (Int64(0), end)
        while after - before > 1 {
            let middle = before + (after - before) / 2
            try Files.makeFolder(folder)
            defer { try? Files.removeTree(folder) }
            _ = try projector.shadow(in: folder, until: middle, definitionsNow: true)
            if try projector.holds(difference, at: end, inReplay: folder) { after = middle } else { before = middle }
        }
        return after
    }

    private func difference(of path: String, _ folder: String) throws -> ShadowReport.File {
        let (mine, theirs) = (layout.path(path), layout.moved(to: folder).path(path))
        guard Files.exists(mine), Files.exists(theirs) else {
            return ShadowReport.File(
                path: path, line: nil, live: Files.exists(mine) ? "there" : nil, replayed: Files.exists(theirs) ? "there" : nil)
        }
        let left = try Files.read(mine).split(separator: 10, omittingEmptySubsequences: false)
        let right = try Files.read(theirs).split(separator: 10, omittingEmptySubsequences: false)
        let line = zip(left, right).enumerated().first { $0.element.0 != $0.element.1 }?.offset ?? min(left.count, right.count)
        func text(_ lines: [ArraySlice<UInt8>]) -> String? { lines.indices.contains(line) ? clipped(lines[line]) : nil }
        return ShadowReport.File(path: path, line: line + 1, live: text(left), replayed: text(right))
    }

    private func clipped(_ line: ArraySlice<UInt8>) -> String {
        String(decoding: line.prefix(160), as: UTF8.self) + (line.count > 160 ? "…" : "")
    }
}
