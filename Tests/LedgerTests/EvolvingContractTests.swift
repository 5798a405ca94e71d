import EventLog
import Ledger
import LedgerTesting
import Projection
import Testing

/// Contracts and facts of a label's own, corrected after files went in: what was promoted before is replayed, and projecting goes on.
@Suite struct EvolvingContractTests {
    /// One state of the two files, as a person leaves them, and the rows it gives.
    struct Step: Sendable, CustomTestStringConvertible {
        var says: String
        var columns: [String]
        var key: [String]
        var rows: [[Int64?]]
        /// The column that `replace_partition` names, in place of a key.
        var partition: String?
        var testDescription: String { says }
    }

    private static let declared = [
        "date": (contract: "{name: date, type: day, required: true}", fact: "day_no: key day", sql: "date AS day_no"),
        "station": (contract: "{name: station, type: text}", fact: "station: key source:platform", sql: "station"),
        "hour": (contract: "{name: hour, type: integer}", fact: "hour: key count", sql: "hour"),
        "plays": (contract: "{name: plays, type: integer}", fact: "plays: measure count", sql: "plays"),
    ]

    private func define(_ step: Step, in root: Root) throws {
        let columns = step.columns.compactMap { name in Self.declared[name].map { (name: name, value: $0) } }
        func contract(_ column: (name: String, value: (contract: String, fact: String, sql: String))) -> String {
            (step.key + [step.partition ?? ""]).contains(column.name) && !column.value.contract.contains("required")
                ? column.value.contract.replacing("}", with: ", required: true}") : column.value.contract
        }
        func fact(_ column: (name: String, value: (contract: String, fact: String, sql: String))) -> String {
            step.key.contains(column.name) ? column.value.fact : column.value.fact.replacing("key ", with: "")
        }
        try root.define(
            "zones/radio/plays.yml",
            """
            title: Radio plays
            names: [radio_<captured_at>.csv]
            account: {fixed: radio}
            columns:
            \(columns.map { "  - \(contract($0))" }.joined(separator: "\n"))
            merge: \(step.partition.map { "{replace_partition: \($0)}" } ?? "{upsert: [\(step.key.joined(separator: ", "))]}")
            period: date
            day_zone: UTC
            """)
        try root.define(
            "projections/warehouse/fact_radio_play.sql",
            """
            /*---
            fact: fact_radio_play
            title: Radio plays
            \(step.partition.map { "identity: row\npartition: \($0 == "date" ? "day_no" : $0)" } ?? "identity: key")
            columns:
            \(columns.map { "  \(fact($0))" }.joined(separator: "\n"))
            ---*/
            -- from: radio/plays
            SELECT \(columns.map(\.value.sql).joined(separator: ", ")) FROM staged;
            """)
    }

    @Test(arguments: [
        [
            Step(says: "the day alone", columns: ["date", "plays"], key: ["date"], rows: [[4], [5]]),
            Step(says: "a station is shown", columns: ["date", "station", "plays"], key: ["date"], rows: [[4], [5]]),
            Step(
                says: "a station is a key", columns: ["date", "station", "plays"], key: ["date", "station"], rows: [[1], [3], [4], [5]]),
            Step(
                says: "an hour too", columns: ["date", "station", "hour", "plays"], key: ["date", "station", "hour"],
                rows: [[1], [2], [3], [4], [5]]),
            Step(says: "the day alone again", columns: ["date", "plays"], key: ["date"], rows: [[4], [5]]),
        ],
        [
            Step(says: "day and hour", columns: ["date", "hour", "plays"], key: ["date", "hour"], rows: [[2], [3], [4], [5]]),
            Step(
                says: "all keys", columns: ["date", "station", "hour", "plays"], key: ["date", "station", "hour"],
                rows: [[1], [2], [3], [4], [5]]),
            Step(says: "day and station", columns: ["date", "station", "plays"], key: ["date", "station"], rows: [[1], [3], [4], [5]]),
        ],
        [
            Step(says: "by day", columns: ["date", "plays"], key: ["date"], rows: [[4], [5]]),
            Step(says: "lines of a day", columns: ["date", "plays"], key: ["date"], rows: [[4], [5]], partition: "date"),
            Step(says: "lines of an hour", columns: ["date", "hour", "plays"], key: ["hour"], rows: [[3], [4], [5]], partition: "hour"),
            Step(says: "by hour", columns: ["date", "hour", "plays"], key: ["date", "hour"], rows: [[2], [3], [4], [5]]),
        ],
    ])
    func aKeyMayChange(_ steps: [Step]) throws {
        let root = try Root()
        let first = try root.file(
            "radio_20250401_120000.csv", "date,station,hour,plays\n2025-03-01,A,7,1\n2025-03-01,B,7,2\n2025-03-01,B,8,3\n")
        let second = try root.file("radio_20250402_120000.csv", "date,station,hour,plays\n2025-03-01,C,9,4\n2025-03-02,A,7,5\n")
        for (index, step) in steps.enumerated() {
            try define(step, in: root)
            if index == 0 {
                for path in [first, second] { #expect(try root.feed(path).word == "promoted", "\(step)") }
            }
            _ = try root.lake.projectCommand()
            #expect(try plays(root) == step.rows, "\(step)")
            #expect(try root.lake.digestEqualsRebuild(), "\(step)")
        }
        #expect(try root.lake.shadow().isEqual)
        _ = try root.lake.rebuild(until: nil, definitionsNow: true)
        #expect(try plays(root) == steps.last?.rows)
    }

    private func plays(_ root: Root) throws -> [[Int64?]] {
        try root.lake.query("SELECT plays FROM fact_radio_play ORDER BY plays").rows.map { row in
            row.map { if case .int(let value) = $0 { value } else { nil } }
        }
    }
}
