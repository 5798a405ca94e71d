import Glibc

/// Measures the log the way its goals are stated: events a second of CPU time, so that a busy machine does not blur them.
package enum LogBench {
    /// One measured number.
    package struct Figure: Sendable {
        /// What was measured.
        package let name: String
        /// The number.
        package let value: Double
        /// What it counts.
        package let unit: String
    }

    /// Makes a log of `events` events of about 400 bytes in `folder` (which must not exist) and measures appending, indexing and reading.
    ///
    /// The log is left there; the caller removes it. LMDB flushes twice for a durable commit (pages, then the new root), however many
    /// events it holds; the figure for one event is that number.
    package static func run(folder: String, events: Int, batch: Int = 1000) throws -> [Figure] {
        let log = try EventLog.create(at: folder, indexing: { _, _ in IndexEntries() })
        defer { log.close() }
        let count = max(1, events / batch) * batch
        let body = try sampleBody()
        var figures: [Figure] = []

        let append = try measured {
            for start in stride(from: 0, to: count, by: batch) {
                try log.write { transaction in
                    for index in start..<start + batch { try transaction.append(draft(index), canonicalBody: body) }
                }
            }
        }
        figures.append(Figure(name: "append, batches of \(batch), durable", value: Double(count) / append.cpu, unit: "events/s cpu"))
        figures.append(Figure(name: "append, batches of \(batch), durable", value: Double(count) / append.wall, unit: "events/s wall"))

        let index = try measured { try log.catchUpIndexes() }
        figures.append(Figure(name: "append and index", value: Double(count) / (append.cpu + index.cpu), unit: "events/s cpu"))

        var bytes = 0
        let replay = try measured {
            try log.read { transaction in
                _ = unsafe try transaction.scanVerifying { _, _, event in
                    bytes += event.count
                    return true
                }
            }
        }
        figures.append(Figure(name: "replay, every id and link checked", value: Double(count) / replay.cpu, unit: "events/s cpu"))
        figures.append(Figure(name: "replay, every id and link checked", value: Double(bytes) / replay.cpu / 1e6, unit: "MB/s cpu"))
        figures.append(Figure(name: "event size", value: Double(bytes) / Double(count), unit: "bytes"))

        let parsed = try measured {
            try log.read { transaction in
                try transaction.events(EventQuery()) { _ in true }
            }
        }
        figures.append(Figure(name: "read as parsed events", value: Double(count) / parsed.cpu, unit: "events/s cpu"))

        let singles = 100
        let single = try measured {
            for index in 0..<singles {
                _ = try log.write { transaction in try transaction.append(draft(count + index), canonicalBody: body) }
            }
        }
        figures.append(Figure(name: "one durable append", value: single.cpu / Double(singles) * 1e6, unit: "µs cpu"))
        figures.append(Figure(name: "one durable append", value: single.wall / Double(singles) * 1e3, unit: "ms wall"))
        figures.append(Figure(name: "flushes of one durable append", value: 2, unit: "flushes (by LMDB's design)"))
        return figures
    }

    private static func draft(_ index: Int) -> EventDraft {
        EventDraft(
            stream: index % 3 == 0 ? "distrokid/bank_details" : "spotify/audience", type: "extraction.captured", actor: "os:1000",
            run: "01J8Z0T5Q2W3E4R5T6Y7", time: Timestamp(milliseconds: 1_750_000_000_000 + Int64(index)), body: .null)
    }

    private static func sampleBody() throws -> [UInt8] {
        let body: JSON = [
            "account": "zonea0", "media_type": "text/csv", "name": "audience-timeline.csv", "observed": "2025-06-15T00:00:00.000Z",
            "size": 48213,
            "object": .string(Hash256(hashing: [1]).hex),
        ]
        return try body.canonical()
    }

    private static func measured(_ body: () throws -> Void) rethrows -> (cpu: Double, wall: Double) {
        let before = clocks()
        try body()
        let after = clocks()
        return (max(after.cpu - before.cpu, 1e-9), max(after.wall - before.wall, 1e-9))
    }

    private static func clocks() -> (cpu: Double, wall: Double) {
        var usage = rusage()
        unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        var now = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &now)
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        return (seconds(usage.ru_utime) + seconds(usage.ru_stime), Double(now.tv_sec) + Double(now.tv_nsec) / 1e9)
    }
}
