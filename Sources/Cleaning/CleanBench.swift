import Glibc

/// One measured value.
package struct Figure: Hashable, Sendable {
    /// What was measured.
    package let name: String
    /// How much.
    package let value: Double
    /// In what.
    package let unit: String
}

/// Measures the cleaner on a table it makes itself. CPU time, not wall time: the machines are noisy.
package enum CleanBench {
    /// Cleans about this many megabytes of 13-column TSV and writes the staging CSV; the best of three rounds counts.
    package static func run(megabytes: Int) -> [Figure] {
        guard let contract = try? Contract.parse(Array(yaml.utf8), path: "zones/bench/royalties.yml") else { return [] }
        let (table, lines) = table(megabytes: max(1, megabytes))
        var best = (clean: Double.infinity, write: Double.infinity)
        var rows = 0
        for _ in 0..<3 {
            var drop = Drop()
            var start = cpuSeconds()
            if let report = try? clean(table, contract, &drop) { rows = report.rowsOut }
            best.clean = min(best.clean, cpuSeconds() - start)
            var write = Write()
            start = cpuSeconds()
            _ = try? clean(table, contract, &write)
            best.write = min(best.write, cpuSeconds() - start)
        }
        let size = Double(table.count) / 1e6
        return [
            Figure(name: "lines", value: Double(lines), unit: "lines"), Figure(name: "rows", value: Double(rows), unit: "rows"),
            Figure(name: "clean", value: size / best.clean, unit: "MB/s cpu"),
            Figure(name: "clean rows", value: Double(rows) / best.clean / 1e6, unit: "M rows/s cpu"),
            Figure(name: "clean and write staging", value: size / best.write, unit: "MB/s cpu"),
        ]
    }

    private struct Drop: RowSink {
        var rows = 0
        mutating func take(_ batch: StagedBatch) { rows += batch.count }
        mutating func take(_ rejects: [Reject]) {}
    }

    private struct Write: RowSink {
        var bytes = 0
        var out: [UInt8] = []
        mutating func take(_ batch: StagedBatch) {
            out.removeAll(keepingCapacity: true)
            StagingCSV.append(batch, to: &out)
            bytes += out.count
        }
        mutating func take(_ rejects: [Reject]) {}
    }

    private static func clean(_ table: [UInt8], _ contract: Contract, _ sink: inout some RowSink) throws -> CleaningReport {
        var cleaner = Cleaner(contract: contract, facts: CaptureFacts(fileName: "bench.tsv"))
        try cleaner.push(table, to: &sink)
        return try cleaner.finish(to: &sink)
    }

    private static func cpuSeconds() -> Double {
        var usage = rusage()
        unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        let seconds = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec
        return Double(seconds) + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6
    }

    private static func table(megabytes: Int) -> (bytes: [UInt8], lines: Int) {
        let stores = ["Spotify", "Apple Music", "YouTube (Ads)", "Amazon (Unlimited)", "Deezer", "TikTok", "iTunes", "Tencent"]
        let countries = ["US", "GB", "DE", "FR", "BR", "MX", "CA", "AU", "JP", "ES", "IT", "NL"]
        let words = ["Night", "River", "Gold", "Echo", "Summer", "Glass", "Ghost", "Neon", "Paper", "Honey"]
        var out = Array(
            ("Reporting Date\tSale Month\tStore\tArtist\tTitle\tISRC\tUPC\tQuantity\tTeam Percentage\tSong/Album\tCountry of Sale\t"
                + "Withheld\tEarnings\n").utf8)
        out.reserveCapacity(megabytes * 1_000_000 + 1_024)
        var state: UInt64 = 7
        func next(_ bound: UInt64) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % bound)
        }
        var lines = 0
        while out.count < megabytes * 1_000_000 {
            let track = next(1_500)
            let month = 1 + next(3)
            let title = "\(words[track % 10]) \(words[track / 10 % 10])\(track % 3 == 0 ? " \(words[track / 100 % 10])" : "")"
            let fraction = String(1_000_000_000 + next(40_000_000)).dropFirst()
            let line =
                "2025-08-13\t2025-0\(month)\t\(stores[next(8)])\t\(words[track / 7 % 10]) \(words[track % 10])\t\(title)\t"
                + "QZHN9\(2_400_000 + track)\t\(190_000_000_000 + track)\t\(1 + next(900))\t100.0\tSong\t"
                + "\(countries[next(12)])\t0\t\(next(3)).\(fraction)\n"
            out.append(contentsOf: line.utf8)
            lines += 1
        }
        return (out, lines)
    }

    private static let yaml = """
        title: Made-up royalties
        names: [bench.tsv]
        account: ask
        format: {delimiters: [tab]}
        columns:
          - {name: reporting_date, heading: Reporting Date, type: day, required: true}
          - {name: sale_month, heading: Sale Month, type: month, required: true}
          - {name: store, heading: Store, type: text, required: true}
          - {name: artist, heading: Artist, type: text}
          - {name: title, heading: Title, type: text}
          - {name: isrc, heading: ISRC, type: text, form: isrc}
          - {name: upc, heading: UPC, type: text}
          - {name: quantity, heading: Quantity, type: integer, required: true, negative: true}
          - {name: team_percentage, heading: Team Percentage, type: decimal}
          - {name: source_type, heading: Song/Album, type: text}
          - {name: country, heading: Country of Sale, type: text, form: country}
          - {name: withheld_usd, heading: Withheld, type: money, currency: USD, negative: true}
          - {name: earnings_usd, heading: Earnings, type: money, currency: USD, negative: true, required: true}
        merge: {replace_partition: reporting_date, guard: {total: earnings_usd}}
        period: reporting_date
        """
}
