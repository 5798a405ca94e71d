import Cleaning
import Glibc
import LedgerTesting
import Projection
import Testing

@testable import Ledger

/// The made-up label of the demo: its files are the same everywhere, and each is taken by the dataset it was made for.
@Suite struct SampleLakeTests {
    /// Weeks that hold all datasets between them, and none of the bad files.
    private static let weeks = ["020", "024", "039", "042", "049", "054", "055", "057", "058", "059", "060", "061"]
    /// What a collector leaves behind, kept without figures; the label of the demo has none.
    private static let unfed: Set<String> = ["tiktok/debug"]

    private struct Lakes: ~Copyable {
        let folder: String
        init() throws { folder = try Root.makeFolder() }
        deinit { try? Files.removeTree(folder) }
    }

    @Test func namesAreTheSameForAnySeedAndBytesForTheSame() throws {
        let lakes = try Lakes()
        let drops = try ["a": 1987, "b": 1987, "c": 7].mapValues { seed in UInt64(seed) }.sorted { $0.key < $1.key }.map { name, seed in
            try SampleLake(seed: seed).write(to: "\(lakes.folder)/\(name)")
        }
        #expect(drops[0] == drops[1] && drops[0] == drops[2])
        var differ = 0
        var size = 0
        var files = 0
        for drop in drops[0] {
            for file in drop.files {
                let bytes = try ["a", "b", "c"].map { try Files.read("\(lakes.folder)/\($0)/\(drop.folder)/\(file)") }
                #expect(bytes[0] == bytes[1], "\(drop.folder)/\(file)")
                differ += bytes[0] == bytes[2] ? 0 : 1
                size += bytes[0].count
                files += 1
            }
        }
        #expect(differ > files * 8 / 10 && files < 410 && size < 10_000_000, "\(differ) of \(files) files, \(size) bytes")
    }

    @Test func everyServiceIsFedAndNothingIsLeftOver() throws {
        let lakes = try Lakes()
        let drops = try SampleLake().write(to: "\(lakes.folder)/drop").filter { Self.weeks.contains(String($0.folder.prefix(3))) }
        #expect(drops.count == Self.weeks.count)
        let root = try Root()
        let groups = try Files.walk("\(Root.package)/zones").filter { $0.hasSuffix(".yml") }.flatMap { path in
            String(decoding: try Files.read(path), as: UTF8.self).matches(of: /personal: ([a-z_]+)/).map { String($0.output.1) }
        }
        for group in Set(groups).sorted() { _ = try root.lake.createKey(group) }
        var options = IngestOptions()
        options.account = "bedrot"
        var fed: [String: Int64] = [:]
        for (index, drop) in drops.enumerated() {
            options.project = index == drops.count - 1
            let report = try root.lake.ingest(["\(lakes.folder)/drop/\(drop.folder)"], options, ask: nil)
            #expect(Set(report.files.map { Files.name($0.path) }) == Set(drop.files), "\(drop.folder)")
            for outcome in report.files {
                let about = "\(drop.folder)/\(Files.name(outcome.path)): \(outcome.word) \(outcome.stream ?? "") \(outcome.reason)"
                guard case .promoted(_, _, let item, let cleaning, let held) = outcome.kind else {
                    Issue.record("\(about)")
                    continue
                }
                #expect(cleaning.rejects == 0 && cleaning.newColumns.isEmpty && held == 0, "\(about)")
                fed[outcome.stream ?? "", default: 0] += item.rowsOut
            }
        }
        // Every dataset came, and all but those without figures have rows.
        let definitions = try DefinitionSet(files: root.lake.definitionFolders.read())
        #expect(Set(definitions.contracts.keys).subtracting(fed.keys) == Self.unfed)
        for (stream, (contract, _)) in definitions.contracts where !Self.unfed.contains(stream) {
            #expect(contract.setAside == (fed[stream] == 0), "\(stream): \(fed[stream] ?? -1) rows")
        }
        // What the services' pages promise as curated is there.
        var promised = Set<String>()
        for path in Files.walk("\(Root.package)/zones") where path.hasSuffix("README.md") {
            let text = String(decoding: try Files.read(path), as: UTF8.self)
            promised.formUnion(text.matches(of: /`([a-z_]+\.csv)`/).map { String($0.output.1) })
        }
        promised.remove("metaads_campaigns_daily.csv")
        #expect(promised.count > 30)
        for file in promised.sorted() {
            let lines = try? Files.read("\(root.layout.folder(.curated))/\(file)").count { $0 == UInt8(ascii: "\n") }
            #expect((lines ?? 0) > 1, "\(file) has \(lines.map { "\($0)" } ?? "no") lines")
        }
    }
}
