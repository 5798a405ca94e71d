import EventLog
import GRDB
import LedgerTesting
import Testing

@testable import Projection

@Suite struct DescriptionTests {
    /// A table that somebody adds without a word about it is found here.
    @Test func everyTableAndColumnIsDescribed() throws {
        let lab = try Lab()
        try lab.append()
        let projector = lab.projector()
        _ = try projector.project()
        let described = TableDescription.all(try projector.definitions(until: lab.opened))
        #expect(Set(described.map(\.name)).count == described.count)
        try Warehouse.Reader(lab.layout).queue.read { database in
            let names = try String.fetchAll(
                database, sql: "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY name")
            let versions = Set(described.filter(\.hasVersions).map { $0.name + "_v" })
            for name in names where !versions.contains(name) {
                guard let table = described.first(where: { $0.name == name }) else {
                    Issue.record("\(name) is not described: add it to TableDescription.builtIn")
                    continue
                }
                let columns = try String.fetchAll(database, sql: "SELECT name FROM pragma_table_info(?) ORDER BY cid", arguments: [name])
                #expect(table.columns.map(\.name) == columns, "\(name)")
                #expect(!table.title.isEmpty && Set(table.key).isSubset(of: columns), "\(name)")
            }
            #expect(Set(described.map(\.name)).subtracting(names).isEmpty, "described but not there")
        }
    }

    @Test func unitsAndNotesAreRead() {
        let table = TableDescription(
            "v_plays", .view, title: "Plays", grain: ["day_no"],
            columns: [("day_no", "day"), ("platform", "source:platform; as spelt"), ("share", "percent ; of all; really"), ("x", "")])
        #expect(table.columns.map(\.unit) == [.day, .source("platform"), .other("percent"), .text])
        #expect(table.columns.map(\.note) == [nil, "as spelt", "of all; really", nil])
        #expect(table.columns.map(\.isKey) == [true, false, false, false])
        let money = TableDescription("v", .view, title: "", grain: [], columns: [("a", "nano-USD; null without a rate"), ("b", "private")])
        #expect(money.key.isEmpty && money.columns.map(\.unit) == [.nano, .privateKey])
        #expect(money.columns.map(\.note) == ["USD; null without a rate", nil])
        #expect(money.exportSQL == "SELECT t.\"a\" FROM \"v\" t ORDER BY 1")
    }

    @Test func factsSayTheirKeysAndRules() throws {
        let described = TableDescription.all(try DefinitionSet(files: Lab.definitions.mapValues { Array($0.utf8) }))
        let facts = described.filter { $0.kind == .fact }
        #expect(facts.map(\.name) == facts.map(\.name).sorted() && !facts.isEmpty)
        for fact in facts {
            #expect(fact.columns.suffix(3).map(\.name) == ["from_seq", "set_seq", "set_line"])
            #expect(!fact.sources.isEmpty && fact.path != nil && fact.hasVersions)
            #expect(fact.key.contains("account"))
        }
    }
}
