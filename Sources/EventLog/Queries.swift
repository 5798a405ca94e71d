import CLMDB

/// How a query finds its events: by an index where one helps, by the seqs where none does.
extension TransactionCore {
    func events(_ query: EventQuery, _ body: (Event) throws -> Bool) throws {
        let head = try head().seq
        guard var range = clamp(query.seqs ?? 1...Int64.max, to: head) else { return }
        if let time = query.time {
            let lower = try firstSeq(notBefore: time.lowerBound, in: range)
            let upper = try firstSeq(notBefore: time.upperBound, in: range) - 1
            guard lower <= upper else { return }
            range = lower...upper
        }
        var left = query.limit ?? Int.max
        guard left > 0 else { return }
        /// Answers whether to go on.
        func offer(_ seq: Int64, indexed: String?) throws -> Bool {
            guard let stored = unsafe try checked(seq) else { throw damaged(seq, "it is missing") }
            let event = unsafe try event(seq, id: stored.id, bytes: stored.bytes)
            guard matches(event, query) else {
                guard let indexed, !matches(event, index: indexed, query) else { return true }
                throw EventLogError(
                    .damaged, "the index \(indexed) of \(transaction.file) names event \(seq) wrongly. Run `bedrot verify`.", seq: seq)
            }
            left -= 1
            return try body(event) && left > 0
        }
        guard let (name, indexed) = try indexedSeqs(query, range) else {
            return try each(range, query.newestFirst) { try offer($0, indexed: nil) }
        }
        let tail = clamp(range, from: name == "by_object" ? head + 1 : try indexedTo() + 1)
        if query.newestFirst {
            var goesOn = true
            if let tail {
                try each(tail, true) { seq in
                    goesOn = try offer(seq, indexed: nil)
                    return goesOn
                }
            }
            for seq in indexed.reversed() where goesOn { goesOn = try offer(seq, indexed: name) }
        } else {
            for seq in indexed { guard try offer(seq, indexed: name) else { return } }
            if let tail { try each(tail, false) { try offer($0, indexed: nil) } }
        }
    }

    private func each(_ range: ClosedRange<Int64>, _ newestFirst: Bool, _ body: (Int64) throws -> Bool) throws {
        if newestFirst {
            for seq in range.reversed() { guard try body(seq) else { return } }
        } else {
            for seq in range { guard try body(seq) else { return } }
        }
    }

    private func clamp(_ range: ClosedRange<Int64>, to last: Int64) -> ClosedRange<Int64>? {
        let lower = max(1, range.lowerBound)
        let upper = min(last, range.upperBound)
        return lower <= upper ? lower...upper : nil
    }

    private func clamp(_ range: ClosedRange<Int64>, from first: Int64) -> ClosedRange<Int64>? {
        first > range.upperBound ? nil : max(first, range.lowerBound)...range.upperBound
    }

    /// Times never fall along the log, so the first event at or after a moment is found by halving.
    private func firstSeq(notBefore time: Timestamp, in range: ClosedRange<Int64>) throws -> Int64 {
        var low = range.lowerBound
        var high = range.upperBound + 1
        while low < high {
            let middle = low + (high - low) / 2
            guard let event = try event(middle) else { throw damaged(middle, "it is missing") }
            if event.time < time { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private func matches(_ event: Event, _ query: EventQuery) -> Bool {
        guard query.streams.isEmpty || query.streams.contains(where: { Self.fits(event.stream, $0) }) else { return false }
        guard query.types.isEmpty || query.types.contains(where: { Self.fits(event.type, $0) }) else { return false }
        if let run = query.run, event.run != run { return false }
        if let time = query.time, !time.contains(event.time) { return false }
        if let object = query.object, log.indexing(event.type, event.body).object != object { return false }
        return true
    }

    /// Whether the event belongs under the index entry that named it, whatever else the query asks.
    private func matches(_ event: Event, index: String, _ query: EventQuery) -> Bool {
        switch index {
        case "by_object": log.indexing(event.type, event.body).object == query.object
        case "by_run": event.run == query.run
        case "by_stream": query.streams.contains { Self.fits(event.stream, $0) }
        default: query.types.contains { Self.fits(event.type, $0) }
        }
    }

    private static func fits(_ value: String, _ pattern: String) -> Bool {
        guard pattern.utf8.last == UInt8(ascii: "*") else { return value.utf8.elementsEqual(pattern.utf8) }
        return value.utf8.starts(with: pattern.utf8.dropLast())
    }

    /// The seqs an index gives for the query, sorted; nil if no index helps.
    private func indexedSeqs(_ query: EventQuery, _ range: ClosedRange<Int64>) throws -> (name: String, seqs: [Int64])? {
        if let object = query.object { return ("by_object", try captures(of: object).map(\.seq).filter(range.contains)) }
        if let run = query.run { return ("by_run", try seqs(.byRun, [run], exactly: true, range)) }
        if !query.streams.isEmpty { return ("by_stream", try seqs(.byStream, query.streams, exactly: false, range)) }
        if !query.types.isEmpty { return ("by_type", try seqs(.byType, query.types, exactly: false, range)) }
        return nil
    }

    private func seqs(_ table: Table, _ patterns: [String], exactly: Bool, _ range: ClosedRange<Int64>) throws -> [Int64] {
        let cursor = try Cursor(transaction, table)
        var found: Set<Int64> = []
        var list: [Int64] = []
        for pattern in patterns {
            let open = !exactly && pattern.utf8.last == UInt8(ascii: "*")
            var prefix = open ? Array(pattern.utf8.dropLast()) : Array(pattern.utf8) + [0]
            let length = prefix.count
            if !open { prefix += seqBytes(range.lowerBound) }
            var entry = unsafe try cursor.seek(prefix)
            while let (key, _) = unsafe entry, key.count >= length + (open ? 9 : 8),
                unsafe key.prefix(length).elementsEqual(prefix.prefix(length))
            {
                guard let seq = unsafe key.seq(at: key.count - 8) else {
                    throw EventLogError(.damaged, "an entry of \(table.name) in \(transaction.file) is wrong. Run `bedrot verify`.")
                }
                if !open, seq > range.upperBound { break }
                if range.contains(seq), patterns.count == 1 || found.insert(seq).inserted { list.append(seq) }
                unsafe entry = try cursor.move(MDB_NEXT)
            }
        }
        return list.sorted()
    }
}
