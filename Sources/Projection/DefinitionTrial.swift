import Cleaning
import GRDB
import GRDBSQLite

/// Definitions tried out in memory, as `project` would use them: what only SQLite can find is found before the log names the files.
extension DefinitionSet {
    /// Loaders that cannot be compiled over the columns of their contracts.
    ///
    /// - Parameter changed: only facts and contracts of these paths are looked at; nil for all.
    package func loaderErrors(changed: Set<String>? = nil) -> [DefinitionError] {
        var found: [DefinitionError] = []
        for fact in facts {
            for (stream, loader) in fact.loaders.sorted(by: { $0.key < $1.key }) {
                guard let contract = contracts[stream]?.contract else { continue }
                if let changed, !changed.contains(fact.path), !changed.contains("zones/\(stream).yml") { continue }
                do {
                    _ = try FactLoader(
                        fact: fact, loader: loader, staged: try StagedTable(columns: contract.stagedColumns),
                        columns: contract.stagedColumns, service: contract.service, sources: SourceValues())
                } catch {
                    let isAbsent = "\(error)".contains("no such column")
                    let remedy = isAbsent ? "name it in zones/\(stream).yml" : "give a column that is a word of SQL another name"
                    let reason = "the loader of \(stream) does not work: \(error); \(remedy)"
                    found.append(DefinitionError(path: fact.path, line: nil, reason: reason))
                }
            }
        }
        return found
    }

    /// What stops a warehouse, a curated table or a KPI from being made, tried in an empty warehouse in memory.
    ///
    /// Meant for definitions in which nothing else was found.
    func trialErrors() -> [DefinitionError] {
        var found: [DefinitionError] = []
        func attempt(_ path: String, _ body: () throws -> Void) {
            do {
                try body()
            } catch let error as DefinitionError {
                found.append(error)
            } catch {
                found.append(DefinitionError(path: path, line: nil, reason: "\(error)"))
            }
        }
        attempt("projections") {
            var configuration = Configuration()
            configuration.prepareDatabase { $0.add(function: Money.function) }
            try DatabaseQueue(configuration: configuration).inDatabase { database in
                for sql in Warehouse.schema + Operations.schema { try database.execute(sql: sql) }
                for fact in facts {
                    attempt(fact.path) {
                        let all = [VersionedTable(fact: fact)] + fact.totals.map { VersionedTable(total: $0, of: fact) }
                        for table in all { for sql in [table.createSQL] + table.indexSQL { try database.execute(sql: sql) } }
                    }
                }
                for table in reference.tables { try table.create(database) }
                try WarehouseViews(self, known: .now).refresh(database)
                for view in views {
                    attempt(view.path) { _ = try database.makeStatement(sql: "SELECT * FROM \"\(view.name)\"") }
                }
                let engine = KPIEngine(database: database, definitions: self, tables: tables)
                for table in curated { attempt(table.path) { _ = try engine.reads(table.sql, path: table.path) } }
                for kpi in kpis { attempt(kpi.path) { _ = try engine.check(kpi) } }
            }
        }
        return found
    }

    /// Whether a column of this name cannot stand in SQL as it is, or is a name that every fact or the source of its loader has.
    package static func isReserved(_ name: String) -> Bool {
        let upper = name.uppercased()
        return sqlite3_keyword_check(name, Int32(name.utf8.count)) != 0 || reserved.contains(upper) || FactDefinition.own.contains(name)
            || SQLLint.isOutside(upper) || LoaderSQL.refused.contains(upper)
    }

    /// What the source of a loader has itself, names that SQLite gives rows, and words of PostgreSQL.
    private static let reserved: Set = [
        "LINE", "ACCOUNT", "ROWID", "OID", "_ROWID_", "STAGED", "ARRAY", "BOTH", "LATERAL", "LEADING", "PLACING", "SOME", "SYMMETRIC",
        "TRAILING", "USER", "VARIADIC",
    ]
}
