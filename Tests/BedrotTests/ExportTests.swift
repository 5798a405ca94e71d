import EventLog
import Testing

/// `bedrot export` from a shell.
@Suite struct ExportTests {
    @Test func aFileAndItsManifest() throws {
        let root = try SliceTests.lake.get()
        let folder = try TemporaryFolder()
        let seq = try #require(try root.query("SELECT MIN(seq) AS seq FROM kpi_snapshot").first?["seq"]?.int)
        let said = try root.ok([
            "export", "streams_native_7d", "--known-at", "\(seq)", "--day", "2025-03-09", "--to", "\(folder.path)/close/",
        ])
        #expect(said.text.contains("wrote 1 row to \(folder.path)/close/streams_native_7d.csv, as known at event \(seq)"), "\(said)")
        let bytes = try AtomicFile.read("\(folder.path)/close/streams_native_7d.csv")
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        #expect(lines.count == 2 && lines[0] == "day,artist,value,num,den,unconverted,covered,expected")
        #expect(lines[1].hasPrefix("2025-03-09,artist:") && lines[1].contains(",4200,4200,1,,"), "\(lines[1])")
        let manifest = try JSON.parse(Array(try AtomicFile.read("\(folder.path)/close/streams_native_7d.manifest.json").dropLast()))
        #expect(manifest["sha256"]?.string == Hash256(hashing: bytes).hex && manifest["known_at"]?["seq"]?.int == seq)

        let answer = try root.json(["export", "table", "fact_social_day", "--format", "ndjson", "--to", folder.path])
        #expect(answer["path"]?.string == "\(folder.path)/fact_social_day.ndjson" && answer["manifest"]?["rows"] == 16)
        // A path is the shell's: relative to where it stands.
        let here = try Binary.run(["export", "dim_artist", "--to", "a.csv", "--root", root.path], workingFolder: folder.path)
        #expect(
            here.code == 0
                && Tree.names(folder.path) == [
                    "a.csv", "a.manifest.json", "close", "fact_social_day.manifest.json", "fact_social_day.ndjson",
                ], "\(here)")
    }

    @Test(arguments: [
        (["export", "nothing_such"], 1, "nothing is called “nothing_such”"), (["export"], 64, "<name>"),
        (["export", "dim_artist", "--format", "xml"], 64, "xml"),
        (["export", "dim_artist", "--to", "%/4_curated/x.csv"], 1, "belongs to the ledger"),
        (["export", "dim_artist", "--known-at", "2001-01-01"], 1, "the log begins at"),
        (["export", "dim_artist", "--day", "2025-01-01"], 1, "--day is for KPIs"),
    ])
    func mistakesAreExplained(_ arguments: [String], _ code: Int32, _ says: String) throws {
        let root = try SliceTests.lake.get()
        let output = try root.ok(arguments.map { $0.replacing("%", with: root.path) }, code: code)
        #expect(output.errors.contains(says), "\(output)")
    }
}
