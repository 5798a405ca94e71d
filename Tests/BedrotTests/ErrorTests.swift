import EventLog
import Glibc
import Testing

/// What goes wrong is said in words: what, where, and what to do next; with the exit code that scripts rely on.
@Suite struct ErrorTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var arguments: [String]
        var code: Int32
        /// Parts of what is printed on standard error; `%` is the root.
        var says: [String]
        var testDescription: String { arguments.joined(separator: " ") }

        init(_ arguments: [String], _ code: Int32 = 1, _ says: String...) {
            self.arguments = arguments
            self.code = code
            self.says = says
        }
    }

    @Test(arguments: [
        Case(["init", "--label", "Again"], 1, "there is a log in %/ledger/log already", "another root"),
        Case(["init"], 64, "say what the label is called", "--label NAME"),
        Case(["ingest"], 64, "<paths>"),
        Case(["ingest", "/nowhere/x.csv"], 1, "/nowhere/x.csv does not exist"),
        Case(["ingest", "/nowhere/x.csv", "--observed", "yesterday"], 64, "“yesterday”", "YYYY-MM-DD"),
        Case(["ingest", "/nowhere/x.csv", "--downloaded-on", "2025-02-30"], 64, "“2025-02-30” is not a day", "YYYY-MM-DD"),
        Case(["retract", "1", "--reason", "x"], 1, "event 1 is not a capture", "bedrot events --type extraction.captured"),
        Case(["retract", "999999", "--reason", "x"], 1, "event 999999 is not a capture", "bedrot events"),
        Case(["retract", "1"], 64, "--reason"),
        Case(["reinstate", "1", "--reason", "x"], 1, "event 1 is not a capture", "bedrot events"),
        Case(["zones", "accept", "1", "2025-03-13", "--reason", "x"], 1, "event 1 is not a capture", "bedrot zones held"),
        Case(["show", "999999"], 1, "no event 999999", "head is"),
        Case(["show", "ffffffff"], 1, "“ffffffff”", "bedrot events"),
        Case(["events", "--object", "xyz"], 64, "“xyz” is not a SHA-256"),
        Case(["events", "--after", "noon"], 64, "“noon”", "YYYY-MM-DD"),
        Case(["kpi", "show", "nope"], 1, "no KPI “nope”", "bedrot kpi list"),
        Case(["kpi", "show", "streams_native"], 1, "did you mean", "streams_native_7d"),
        Case(["kpi", "history", "nope"], 1, "no KPI “nope”", "bedrot kpi list"),
        Case(["alerts", "ack", "1", "--note", "x"], 1, "event 1 is not an alert", "bedrot alerts"),
        Case(["alerts", "ack", "1"], 64, "--note"),
        Case(["kpi", "show", "streams_native_7d", "--known-at", "999999"], 1, "no event 999999", "its head is"),
        Case(["lineage", "fact_audience_day"], 64, "--where"),
        Case(["lineage", "fact_nothing", "--where", "1 = 1"], 1, "fact_nothing"),
        Case(["lineage", "kpi:streams_native_7d", "artist"], 64, "“artist” is not dimension=value"),
        Case(["lineage", "kpi:streams_native_7d", "artist=nobody"], 1, "artist=nobody", "bedrot kpi show streams_native_7d"),
        Case(["lineage", "1"], 1, "1", "capture"),
        Case(["query", "SELECT elsewhere FROM fact_audience_day"], 1, "no such column: elsewhere"),
        Case(["query", "DELETE FROM kpi_value"], 1, "only questions", "bedrot retract"),
        Case(["rebuild", "--until", "999999"], 1, "999999"),
        Case(["replay", "--until", "999999"], 1, "999999", "bedrot events"),
        Case(["replay", "--into", "/usr"], 1, "/usr is not empty"),
        Case(["frobnicate"], 64, "“bedrot” has no command “frobnicate”", "Known: init", "bedrot --help"),
        Case(["evnets"], 64, "no command “evnets”; did you mean events?"),
        Case(["artist", "alia"], 64, "“bedrot artist” has no command “alia”; did you mean alias?"),
        Case(["archive", "restore", "nothing"], 1, "the archive has no “nothing”", "bedrot archive list"),
        Case(["archive", "expire"], 64, "--dry-run", "--yes"),
        Case(["archive", "expire", "--yes", "--on", "2099-01-01"], 64, "--on is for --dry-run"),
        Case(["archive", "expire", "--yes", "--objects", "--file", "x.csv"], 64, "--objects is about what was received"),
        Case(["archive", "expire", "--yes", "--yes-the-log-cannot-replay-them"], 64, "second word", "--objects --yes"),
        Case(["events", "--service", "spotfy"], 1, "no service “spotfy”", "did you mean spotify?"),
        Case(["events", "--service", "definition"], 1, "no service “definition”"),
        Case(["events", "--dataset", "spotify/audience"], 1, "no dataset “spotify/audience”", "did you mean audience?"),
        Case(["events", "--dataset", "overviev", "--by", "day"], 1, "did you mean overview?"),
        Case(["restatements", "--platform", "spotfy"], 1, "no platform “spotfy”", "did you mean Spotify?"),
        Case(["restatements", "--table", "fact_audience_dy"], 1, "did you mean fact_audience_day?"),
        Case(["events", "--definitions", "/nowhere"], 1, "/nowhere holds no definitions", "--definitions"),
    ])
    func mistakesAreExplained(test: Case) throws {
        let root = try SliceTests.lake.get()
        let before = try root.digest()
        let output = try root.run(test.arguments)
        #expect(output.code == test.code, "\(output)")
        for part in test.says { #expect(output.errors.contains(part.replacing("%", with: root.path)), "\(part)\n\(output)") }
        #expect(!output.errors.contains("Swift."), "no type names: \(output)")
        #expect(try root.digest() == before)
    }

    @Test func aWrongCommandBehindAnOptionIsNamed() throws {
        let output = try Binary.run(["--root", "/nowhere", "ingset", "x"])
        #expect(output.code == 64 && output.errors.contains("no command “ingset”; did you mean ingest?"), "\(output)")
        #expect(!output.errors.contains("--root"))
    }

    @Test func aRootMustBeFoundAndOnlyOne() throws {
        let (one, other) = (try SliceTests.lake.get(), try Root())
        let folder = try TemporaryFolder()
        let none = try Binary.run(["digest"], workingFolder: folder.path)
        #expect(none.code == 1)
        #expect(none.errors.contains("no data root") && none.errors.contains("init --label"))
        let missing = try Binary.run(["digest", "--root", folder.path])
        #expect(missing.code == 1)
        #expect(
            missing.errors.contains("\(folder.path) is not a data root") && missing.errors.contains("bedrot --root \(folder.path) init"))
        let named = try Binary.run(["digest"], environment: ["PROJECT_ROOT": one.path], workingFolder: folder.path)
        let inside = try Binary.run(["digest"], workingFolder: "\(one.path)/2_raw/spotify")
        let leading = try Binary.run(["--root", one.path, "digest"])
        #expect(named.code == 0 && named.text == inside.text && leading.text == named.text)
        let both = try Binary.run(["digest"], environment: ["PROJECT_ROOT": one.path], workingFolder: other.path)
        #expect(both.code == 1)
        for part in [one.path, other.path, "--root"] { #expect(both.errors.contains(part)) }
    }

    /// A path is meant as the shell gave it, not from the root on.
    @Test func lineageOfAPathFromAboveTheRoot() throws {
        let root = try SliceTests.lake.get()
        let parts = root.path.split(separator: "/")
        let above = "/" + parts.dropLast().joined(separator: "/")
        let name = try #require(parts.last)
        let known = try Binary.run(["lineage", "4_curated/dk_bank_details.csv", "--root", root.path], workingFolder: "/")
        #expect(known.code == 0, "\(known)")
        for path in ["\(name)/4_curated/dk_bank_details.csv", "./\(name)/2_raw/../4_curated/dk_bank_details.csv"] {
            let output = try Binary.run(["lineage", path, "--root", root.path], workingFolder: above)
            #expect(output.text.replacing(path, with: "4_curated/dk_bank_details.csv") == known.text, "\(output)")
        }
        let unknown = try Binary.run(["lineage", "no such file.csv", "--root", root.path], workingFolder: above)
        #expect(unknown.code == 1 && unknown.errors.contains("bedrot ingest 'no such file.csv'"), "\(unknown)")
    }

    @Test func aFolderWithoutFilesIsSaid() throws {
        let (root, folder) = (try Root(), try TemporaryFolder())
        let output = try root.ok(["ingest", folder.path])
        #expect(output.errors.contains("there is no file in \(folder.path)"), "\(output)")
        #expect(try root.events(["--type", "run.*"]).isEmpty)
    }

    @Test(arguments: [(["--zone", "Mars"], "Mars"), (["--zone", "Europe/Nowhere"], "+02:00"), (["--currency", "dollars"], "ISO 4217")])
    func aLabelCountsInAKnownZoneAndCurrency(options: [String], says: String) throws {
        let root = try Root(initialised: false)
        let output = try root.ok(["init", "--label", "Test"] + options, code: 1)
        #expect(output.errors.contains(says))
        #expect(access("\(root.path)/ledger/log/data.mdb", F_OK) != 0, "nothing half made")
        try root.ok(["init", "--label", "Test", "--zone", "+02:00", "--currency", "EUR"])
    }

    @Test func aNewRootIsPrivate() throws {
        let root = try Root()
        for folder in ["", "/1_landing", "/ledger", "/ledger/log", "/keys", "/sessions", "/warehouse"] {
            var status = stat()
            #expect(stat(root.path + folder, &status) == 0)
            #expect(status.st_mode & 0o777 == 0o700, "\(folder)")
        }
        #expect(String(decoding: try AtomicFile.read("\(root.path)/.gitignore"), as: UTF8.self).contains("!definitions/"))
        // Asking before anything was fed is no error.
        #expect(try root.ok(["project", "--status"]).text.contains("projected to event 0"))
        try root.ok(["zones", "held"])
        try root.ok(["project"])
        #expect(try root.ok(["kpi", "list"]).code == 0)
        #expect(try root.ok(["restatements"]).text == "nothing was restated\n")
    }
}
