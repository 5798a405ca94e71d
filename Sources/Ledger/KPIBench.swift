import EventLog
import GRDB
import Glibc
import Projection

/// Measures the KPIs of a lake: all of them now, each of them, and at many points of the past.
package enum KPIBench {
    /// One measured number.
    package struct Figure: Sendable {
        package let name: String
        /// Milliseconds of CPU time.
        package let milliseconds: Double
    }

    private static func cpu() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) * 1000 + Double(time.tv_nsec) / 1e6
    }

    /// Statements are compiled and pages are in memory when the clock starts.
    ///
    /// - Parameter states: points of the past, spread evenly over the log, at each of which every KPI is computed as known then.
    package static func run(_ lake: Lake, passes: Int, states: Int) throws -> (all: [Figure], slowest: [Figure]) {
        let definitions = try lake.definitionsInForce()
        return try Warehouse.Reader(lake.layout, scratch: true).queue.writeWithoutTransaction { database in
            let question = KPIQuestion(database: database, definitions: definitions)
            let seq = try Int64.fetchOne(database, sql: "SELECT seq FROM checkpoint") ?? 0
            let snapshots = try Row.fetchAll(database, sql: "SELECT seq, day_no FROM kpi_snapshot ORDER BY seq")
            let last: Int64 = snapshots.last?["day_no"] ?? 0
            var each: [String: Double] = [:]
            var best = Double.infinity
            for pass in 0...max(1, passes) {
                let start = cpu()
                for kpi in definitions.kpis {
                    let before = cpu()
                    _ = try question.currentValues(kpi, day: last, seq: seq)
                    if pass > 0 { each[kpi.id] = min(each[kpi.id] ?? .infinity, cpu() - before) }
                }
                if pass > 0 { best = min(best, cpu() - start) }
            }
            var figures = [
                Figure(name: "all \(definitions.kpis.count) KPIs, warm", milliseconds: best)
            ]
            let revenue = definitions.kpis.filter { ["revenue_net", "revenue_by_report"].contains($0.id) }
            if !revenue.isEmpty {
                figures.append(
                    Figure(
                        name: "revenue of every month (\(revenue.map(\.id).joined(separator: ", ")))",
                        milliseconds: revenue.map { each[$0.id] ?? 0 }.max() ?? 0))
            }
            if states > 0, seq > 0 {
                let points = (1...states).map { seq * Int64($0) / Int64(states) }
                let questions = points.flatMap { point in
                    let day = snapshots.first { ($0["seq"] as Int64) >= point }?["day_no"] as Int64? ?? last
                    return definitions.kpis.map { (kpi: $0, day: day, seq: point) }
                }
                let start = cpu()
                var at = 0
                while at < questions.count {
                    // In parts, so that answers are not kept all at once.
                    _ = try question.values(Array(questions[at..<min(at + 20_000, questions.count)]))
                    at += 20_000
                }
                figures.append(
                    Figure(name: "the same at \(states) points of the past, as known then", milliseconds: cpu() - start))
            }
            let slowest = each.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(12).map {
                Figure(name: $0.key, milliseconds: $0.value)
            }
            return (figures, slowest)
        }
    }
}
