import Cleaning
import EventLog
import Projection

/// A new dataset made from a sample: the files written and what a person should look at.
package struct DatasetDraft: Sendable {
    package let stream: String
    /// Paths of the files, in the order in which a person reads them.
    package let files: [String]
    package let doubts: [String]
    /// File name of the curated table, when one was made.
    package let curated: String?
}

extension Lake {
    /// Writes a first contract for `service/dataset` into the root's own definitions, made from a sample; with `projections` also a fact
    /// and a curated table for it. Refuses to replace a file; the next command that writes captures the new files in the log.
    package func draftDataset(_ stream: String, from path: String, projections: Bool) throws -> DatasetDraft {
        let parts = stream.split(separator: "/").map(String.init)
        let isPlain = parts.allSatisfy { $0.utf8.allSatisfy { $0 &- 97 < 26 || $0 &- 48 < 10 || $0 == 95 } }
        guard parts.count == 2, isPlain else {
            throw LedgerError("“\(stream)” is no dataset: write <service>/<dataset>, in a-z, 0-9 and _")
        }
        let draft: ContractDraft
        let contract: Contract
        do {
            draft = try ContractDraft(
                stream: stream, fileName: Files.name(path), sample: CaptureReader.source(of: path), isTaken: DefinitionSet.isReserved)
            contract = try Contract.parse(Array(draft.yaml.utf8), path: "zones/\(stream).yml")
        } catch let error as CleaningError {
            throw LedgerError("\(path): \(error)")
        }
        var files = [("zones/\(stream).yml", draft.yaml)]
        let service = "zones/\(parts[0])/service.yml"
        if try definitionFolders.read()[service] == nil {
            files.append((service, "title: \(parts[0])\nfreshness:\n  warn_days: 35\n  critical_days: 70\n"))
        }
        let table = "\(parts[0])_\(parts[1])"
        if projections {
            files.append(("projections/warehouse/fact_\(table).sql", Self.factText(contract, table)))
            files.append(("projections/curated/\(table).sql", Self.curatedText(contract, table)))
        }
        for (name, _) in files where Files.exists("\(layout.definitions)/\(name)") {
            throw LedgerError("\(layout.definitions)/\(name) exists already; remove it first, or choose another name")
        }
        try check(files, of: path)
        for (name, text) in files {
            let full = "\(layout.definitions)/\(name)"
            try Files.makeFolder(Files.parent(full))
            try AtomicFile.write(Array(text.utf8), to: full)
        }
        return DatasetDraft(
            stream: stream, files: files.map { "\(layout.definitions)/\($0.0)" }, doubts: draft.doubts,
            curated: projections ? "\(table).csv" : nil)
    }

    /// Refuses files that the next command would stumble over.
    private func check(_ files: [(String, String)], of sample: String) throws {
        let before = try definitionFolders.read()
        let added = files.map { ($0.0, Array($0.1.utf8)) }
        let known = Set(DefinitionSet.findings(in: before, own: Set(before.keys)))
        let after = before.merging(added) { _, new in new }
        let found = DefinitionSet.findings(in: after, own: Set(after.keys)).filter { !$0.isWarning && !known.contains($0) }
        guard let first = found.first else { return }
        throw LedgerError(
            "a draft for \(sample) would not work: \(first); nothing was written. Rename the heading in the sample, or write it by hand")
    }

    private static func keys(_ contract: Contract) -> [String] {
        if case .upsert(let key) = contract.merge { key } else { [] }
    }

    private static func factText(_ contract: Contract, _ table: String) -> String {
        let keys = keys(contract)
        var columns = ""
        var values: [String] = []
        for column in contract.columns {
            let type =
                switch column.type {
                case .day: "day"
                case .month: "month"
                case .integer: "measure count"
                case .money, .decimal: "measure nano"
                case .flag: "flag"
                case .text: "source:\(column.name)"
                }
            let isKey = keys.contains(column.name)
            columns += "  \(column.name): \(isKey ? "key \(type.replacing("measure ", with: ""))" : type)\n"
            values.append(column.type == .text && !isKey ? "  COALESCE(\(column.name), '') AS \(column.name)" : "  \(column.name)")
        }
        return """
            /*---
            fact: fact_\(table)
            title: \(contract.title)
            \(keys.isEmpty ? "identity: row\n" : "")columns:
            \(columns)---*/

            -- from: \(contract.stream)
            SELECT
            \(values.joined(separator: ",\n"))
            FROM staged;

            """
    }

    private static func curatedText(_ contract: Contract, _ table: String) -> String {
        var formats: [String] = []
        var values: [String] = []
        var joins = ["FROM fact_\(table) f", "JOIN source_value w ON w.id = f.account"]
        var order: [String] = []
        for (index, column) in contract.columns.enumerated() {
            var place = "f.\(column.name)"
            switch column.type {
            case .day: formats.append("\(column.name): day")
            case .month: formats.append("\(column.name): month")
            case .money, .decimal: formats.append("\(column.name): nano")
            case .text:
                place = "s\(index).value"
                joins.append("JOIN source_value s\(index) ON s\(index).id = f.\(column.name)")
            case .integer, .flag: break
            }
            values.append("  \(place) AS \(column.name)")
            if keys(contract).contains(column.name) { order.append(place) }
        }
        if order.isEmpty { order = ["f.set_seq", "f.set_line"] }
        return """
            /*---
            curated: \(table)
            title: \(contract.title)
            file: \(table).csv
            formats: {\(formats.joined(separator: ", "))}
            ---*/
            SELECT
              w.value AS account,
            \(values.joined(separator: ",\n"))
            \(joins.joined(separator: "\n"))
            ORDER BY w.value, \(order.joined(separator: ", "));

            """
    }
}
