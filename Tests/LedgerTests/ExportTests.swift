import Cleaning
import EventLog
import Glibc
import Projection
import Testing

@testable import Ledger

@Suite struct Exports {
    private func text(_ path: String) throws -> String { String(decoding: try Files.read(path), as: UTF8.self) }

    private func export(
        _ lake: Lake, _ name: String, to: String? = nil, _ format: ExportRows.Format = .csv, at: String? = nil, day: String? = nil
    ) throws -> ExportReport {
        var request = ExportRequest(name)
        request.target = to
        request.format = format
        request.knownAt = at
        request.day = day.map { Day.number($0) }
        return try lake.export(request)
    }

    @Test func aFactReadsAsPeopleReadIt() throws {
        let (root, first, second, _) = try Answers.root()
        let report = try export(root.lake, "fact_audience_day")
        #expect(report.path == "\(root.layout.reports)/fact_audience_day.csv" && report.rows == 3)
        let lines = try text(report.path).split(separator: "\n").map { $0.split(separator: ",", omittingEmptySubsequences: false) }
        let heading = try #require(lines.first).map(String.init)
        #expect(heading.prefix(5) == ["dataset", "account", "day", "platform", "artist"])
        func cell(_ row: Int, _ name: String) throws -> String { String(lines[row][try #require(heading.firstIndex(of: name))]) }
        #expect(try (1...3).map { try cell($0, "day") } == ["2025-03-01", "2025-03-02", "2025-03-03"])
        #expect(try (1...3).map { try cell($0, "streams_native") } == ["110", "200", "300"])
        #expect(try (1...3).map { try cell($0, "set_seq") } == ["\(second)", "\(first)", "\(second)"])
        #expect(try cell(1, "dataset") == "spotify/audience")
        #expect(try cell(1, "account") == "artistone")
        #expect(try cell(1, "saves").isEmpty, "not reported is empty, not 0")

        let manifest = report.manifest
        #expect(try Files.read(report.manifestPath) == manifest.canonical() + [10])
        #expect(manifest["sha256"]?.string == Hash256(hashing: try Files.read(report.path)).hex)
        #expect(manifest["bytes"]?.int == Files.size(report.path) && manifest["rows"] == 3)
        #expect(manifest["columns"]?.array?.compactMap { $0["name"]?.string } == heading)
        let day = try #require(manifest["columns"]?.array?.first { $0["name"]?.string == "day" })
        #expect(day == ["name": "day", "type": "day", "column": "day_no"])
        #expect(manifest["order"]?.array?.compactMap(\.string) == ["day", "dataset", "account", "platform", "artist"])
        let event = try #require(try root.lake.log.read { try $0.event(report.moment.seq) })
        #expect(manifest["known_at"] == ["seq": .int(event.seq), "id": .string(event.id.hex), "time": .string(event.time.iso)])
        #expect(manifest["definition"]?["path"] == "projections/warehouse/fact_audience_day.sql")
        #expect(manifest["definitions"]?.string == (try root.lake.definitionsInForce().fingerprint { _ in true }.hex))
    }

    @Test func amountsAreDecimalsAndMonthsMonths() throws {
        let (root, _, _, _) = try Answers.root()
        let report = try export(root.lake, "total_royalty", to: root.folder + "/out.ndjson", .ndjson)
        let rows = try text(report.path).split(separator: "\n").map { try JSON.parse(Array($0.utf8)) }
        #expect(rows.map { $0["net"]?.string } == ["2", "1.5"], "by artist: PIG1987 before ZONE A0")
        #expect(rows.allSatisfy { $0["sale_month"] == "2025-01" && $0["report_day"] == "2025-03-13" && $0["quantity"] == 10 })
        #expect(report.manifestPath == root.folder + "/out.manifest.json")
        #expect(rows[0]["set_seq"] == nil && rows[0]["from_seq"] != nil, "sums stand on many lines")
        let rate = try export(root.lake, "dim_rate")
        #expect(try text(rate.path) == "currency,from_day,until_day,usd\nUSD,0001-01-01,10000-01-01,1\n")
        let net = try #require(report.manifest["columns"]?.array?.first { $0["name"] == "net" })
        #expect(net["type"] == "decimal" && net["column"] == "net_nano")
    }

    /// What lies in the zone is what is exported, byte for byte.
    @Test func aCuratedTableIsItsFile() throws {
        let (root, _, _, _) = try Answers.root()
        let definitions = try root.lake.definitionsInForce()
        var compared = 0
        for curated in definitions.curated where curated.partition == nil {
            let report = try export(root.lake, "curated:\(curated.name)")
            let file = "\(root.layout.folder(.curated))/\(curated.file)"
            #expect(try Files.read(report.path) == Files.read(file), "\(curated.name)")
            if report.rows > 0 { compared += 1 }
        }
        #expect(compared > 1)
    }

    @Test func aKPIHasItsExactFraction() throws {
        let (root, _, _, _) = try Answers.root()
        let kpi = try root.lake.kpi("streams_per_listener")
        let report = try export(root.lake, kpi.id, day: "2025-03-02")
        let lines = try text(report.path).split(separator: "\n").map(String.init)
        #expect(lines[0] == "day,artist,value,num,den,unconverted,covered,expected")
        let values = try root.lake.kpiValues(kpi, day: Day.number("2025-03-02"), knownAt: nil).values
        #expect(lines.count == values.count + 1 && !values.isEmpty)
        for (line, value) in zip(lines.dropFirst(), values) {
            let artist = try #require(try JSON.parse(Array(value.dimensions.utf8))["artist"]?.string)
            let shown = value.text(unit: kpi.unit, decimals: kpi.decimals)
            let fraction = "\(try #require(value.numerator)),\(try #require(value.denominator))"
            #expect(line.hasPrefix("2025-03-02,\(artist),\(shown),\(fraction),,"))
        }
        #expect(report.manifest["day"] == "2025-03-02" && report.manifest["kind"] == "kpi")
        for kpi in try root.lake.definitionsInForce().kpis { _ = try export(root.lake, "kpi:\(kpi.id)", .ndjson) }
    }

    /// Every name: the same bytes after more has come in and all was rebuilt.
    @Test func theSameQuestionGivesTheSameBytes() throws {
        let (root, _, _, _) = try Answers.root()
        let definitions = try root.lake.definitionsInForce()
        let names =
            TableDescription.all(definitions).filter { ![.books, .kpi].contains($0.kind) }.map { "table:\($0.name)" }
            + definitions.kpis.map { "kpi:\($0.id)" } + definitions.curated.map { "curated:\($0.name)" }
        let tag = try root.lake.setTag("close", at: "\(try root.lake.projectedTo())", note: nil, force: false)
        func all(_ folder: String) throws -> [String: Hash256] {
            var found: [String: Hash256] = [:]
            for (index, name) in names.enumerated() {
                for format in ExportRows.Format.allCases where format == .csv || index % 8 == 0 {
                    let report = try export(
                        root.lake, name, to: "\(root.folder)/\(folder)/", format, at: "close",
                        day: name.hasPrefix("kpi:") ? "2025-03-03" : nil)
                    found["\(name) \(format)"] = Hash256(hashing: try Files.read(report.manifestPath))
                    #expect(Hash256(hashing: try Files.read(report.path)) == report.digest)
                    #expect(report.moment == tag.moment)
                }
            }
            return found
        }
        let before = try all("one")
        try root.feed(
            try root.file(Export.spotifyName("artistone", "20250403_120000"), Export.spotify([110, 210, 300, 400])), project: true)
        #expect(try export(root.lake, "fact_audience_day").rows == 4)
        _ = try root.lake.projector.rebuild()
        #expect(try all("two") == before)
    }

    @Test func onlyExportsAreReplaced() throws {
        let (root, _, _, _) = try Answers.root()
        let target = "\(root.folder)/figures.csv"
        let first = try export(root.lake, "dim_artist", to: target)
        let again = try export(root.lake, "fact_audience_day", to: target)
        #expect(again.digest != first.digest, "an export may be replaced by another")
        let mine = Array("mine\n".utf8)
        try AtomicFile.write(mine, to: target)
        let error = #expect(throws: LedgerError.self) { try export(root.lake, "dim_artist", to: target) }
        #expect(error?.description.contains("is no export, or was changed since") == true)
        #expect(try Files.read(target) == mine)
        #expect(Files.list(root.folder).allSatisfy { !$0.hasPrefix(".tmp") })
        // The same bytes without their manifest, as a crash would leave them, are taken up again.
        try Files.remove(target)
        _ = try export(root.lake, "dim_artist", to: target)
        try Files.remove(first.manifestPath)
        #expect(try export(root.lake, "dim_artist", to: target).digest == first.digest)
        #expect(Files.exists(first.manifestPath))
    }

    @Test func theLedgersFoldersAreRefused() throws {
        let (root, _, _, _) = try Answers.root()
        let before = try root.snapshot()
        #expect(symlink(root.layout.folder(.curated), "\(root.folder)/link") == 0)
        let places = [
            "4_curated/x.csv", "4_curated/", "1_landing/spotify/x.csv", "2_raw/new/x.csv", "3_staging/x.csv", "5_archive/x.csv", "ledger/x",
            "warehouse/x", "keys/x.csv", "definitions/x.csv", "sessions/x", "reports/../4_curated/x.csv", "../link/x.csv",
            "nowhere/../4_curated/x.csv", "./4_curated/./x.csv",
        ]
        for place in places {
            let error = #expect(throws: LedgerError.self, "\(place)") {
                try export(root.lake, "dim_artist", to: "\(root.layout.root)/\(place)")
            }
            #expect(error?.description.contains("belongs to the ledger") == true, "\(place): \(error?.description ?? "")")
        }
        let after = try root.snapshot()
        #expect(Set(after.keys).subtracting(before.keys).allSatisfy { $0.contains("/warehouse/gen/") })
        #expect(try export(root.lake, "dim_artist", to: "\(root.layout.root)/figures.csv").rows > 0, "beside the folders is fine")
        #expect(try export(root.lake, "dim_artist", to: "\(root.folder)/new/folder/").path == "\(root.folder)/new/folder/dim_artist.csv")
    }

    @Test func namesAreFoundOrExplained() throws {
        let (root, _, _, _) = try Answers.root()
        let near = #expect(throws: LedgerError.self) { try export(root.lake, "audience_day") }
        #expect(near?.description.contains("did you mean fact_audience_day") == true)
        for name in ["checkpoint", "sqlite_master", "fact_audience_day_v", "x; DROP", "", "kpi:fact_audience_day", "nope:x"] {
            #expect(throws: LedgerError.self, "\(name)") { try export(root.lake, name) }
        }
        let day = #expect(throws: LedgerError.self) { try export(root.lake, "dim_artist", day: "2025-03-01") }
        #expect(day?.description.contains("--day is for KPIs") == true)
    }

    @Test(arguments: [
        (AnswerCell.text("a,b"), "\"a,b\"", "\"a,b\""), (.text("say \"x\""), "\"say \"\"x\"\"\"", "\"say \\\"x\\\"\""),
        (.text("a\nb"), "\"a\nb\"", "\"a\\nb\""), (.text("ä"), "ä", "\"ä\""), (.null, "", "null"), (.integer(-5), "-5", "-5"),
        (.integer(.min), "-9223372036854775808", "\"-9223372036854775808\""), (.text(""), "", "\"\""),
    ])
    func cellsAreWritten(_ cell: AnswerCell, _ csv: String, _ json: String) throws {
        for (format, expected) in [(ExportRows.Format.csv, csv + "\n"), (.ndjson, "{\"x\":\(json)}\n")] {
            var out: [UInt8] = []
            try ExportRows([.init("x", .plain)], format, path: "x").append([cell], to: &out)
            #expect(String(decoding: out, as: UTF8.self) == expected)
        }
    }

    @Test func decimalsAndDaysAreTextInJSON() throws {
        let rows = try ExportRows([.init("d", .day), .init("m", .month), .init("n", .nano), .init("c", .decimal(2))], .ndjson, path: "x")
        var out: [UInt8] = []
        try rows.append([.integer(0), .integer(2025 * 12), .integer(-1_500_000_000), .integer(105)], to: &out)
        #expect(String(decoding: out, as: UTF8.self) == "{\"d\":\"1970-01-01\",\"m\":\"2025-01\",\"n\":\"-1.5\",\"c\":\"1.05\"}\n")
        #expect(throws: (any Error).self) { try rows.append([.real(1), .null, .null, .null], to: &out) }
        #expect(throws: DefinitionError.self) { try ExportRows([.init("x", .plain), .init("x", .plain)], .ndjson, path: "x") }
    }
}
