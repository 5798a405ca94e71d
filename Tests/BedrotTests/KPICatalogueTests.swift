import EventLog
import Projection
import Testing

@testable import Ledger

/// The catalogue of `projections/kpis/README.md` is the files beside it, no more and no less.
@Suite struct KPICatalogueTests {
    private static let folder = "\(Binary.checkout)/projections/kpis"

    /// Rows of five cells, by the heading above them: id, title, unit, what it is told by, window.
    private static func rows() throws -> [(section: String, cells: [String])] {
        let text = String(decoding: try Files.read("\(folder)/README.md"), as: UTF8.self)
        var section = ""
        var rows: [(section: String, cells: [String])] = []
        for line in text.split(separator: "\n") {
            if line.hasPrefix("## ") { section = String(line.dropFirst(3)) }
            let cells = line.split(separator: "|", omittingEmptySubsequences: false).dropFirst().dropLast().map { $0.trimmingSpaces }
            if cells.count == 5, cells[0].hasPrefix("`") { rows.append((section, cells)) }
        }
        return rows
    }

    @Test func everyFileIsListedOnceAsItsHeaderSays() throws {
        let files = try DefinitionFolders(root: Layout(root: "\(Self.folder)/none"), explicit: Binary.checkout).read()
        let kpis = try DefinitionSet(files: files).kpis
        try #require(kpis.count > 50)
        let rows = try Self.rows()
        for kpi in kpis {
            let section = kpi.domain.prefix(1).uppercased() + kpi.domain.dropFirst()
            let words = (kpi.window ?? "").split(whereSeparator: \.isWhitespace).joined(separator: " ")
            let told = kpi.dimensions.isEmpty ? "one value" : kpi.dimensions.joined(separator: ", ")
            let wanted = ["`\(kpi.id)`", kpi.title, kpi.unit, told, words]
            let found = rows.filter { $0.cells[0] == wanted[0] }
            #expect(found.map(\.cells) == [wanted], "write under \(section): | \(wanted.joined(separator: " | ")) |")
            #expect(found.map(\.section) == [section], "\(kpi.id) belongs under \(section)")
        }
        let known = Set(kpis.map { "`\($0.id)`" })
        #expect(rows.map { $0.cells[0] }.filter { !known.contains($0) } == [], "no such file")
        for (section, list) in Dictionary(grouping: rows, by: \.section) {
            let ids = list.map { $0.cells[0].filter { $0 != "`" } }
            #expect(ids == ids.sorted(), "\(section) is sorted by id")
        }
    }
}
