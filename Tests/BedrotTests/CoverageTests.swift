import EventLog
import Testing

/// `bedrot coverage` at a shell.
@Suite struct CoverageCommandTests {
    @Test func theMatrixInEveryForm() throws {
        let root = try Root()
        try root.feed([Made.spotify(1...9, made: 12), Made.spotify(12...16, made: 19)])
        let window = ["--from", "2025-03-01", "--to", "2025-03-16"]
        let text = try root.ok(["coverage", "spotify"] + window).text
        #expect(text.hasPrefix("spotify/audience, account \(Made.zonea0): 2 captures, last day 2025-03-16"), "\(text)")
        #expect(text.contains("  2025-03-01 to 2025-03-09, 9 days: pulled\n"))
        #expect(text.contains("  2025-03-10 to 2025-03-11, 2 days: never tried\n    next: open https://artists.spotify.com/"))
        #expect(text.contains("bedrot coverage acknowledge STREAM ACCOUNT FROM..TO --note TEXT"))
        let grid = try root.ok(["coverage", "spotify", "--grid"] + window).text
        #expect(grid.contains("  2025-03 █████████··█████               \n"), "\(grid)")
        let csv = try root.ok(["coverage", "--csv"] + window).lines
        #expect(csv[0] == "dataset,account,first_day,last_day,days,state,note,remedy")
        #expect(csv[1] == "spotify/audience,\(Made.zonea0),2025-03-01,2025-03-09,9,pulled,,")
        #expect(csv[2].hasPrefix("spotify/audience,\(Made.zonea0),2025-03-10,2025-03-11,2,never_tried,,\"open https"))
        let json = try root.json(["coverage", "spotify"] + window)
        #expect(json["datasets"]?.array?.first?["runs"]?.array?.map { $0["state"]?.string } == ["pulled", "never_tried", "pulled"])

        let before = try root.digest()
        let noted = try root.ok(
            ["coverage", "acknowledge", "spotify/audience", Made.zonea0, "2025-03-10..2025-03-11", "--note", "the account was new"])
        #expect(noted.text.contains("is a gap that stays"))
        #expect(
            try root.ok(["coverage", "spotify"] + window).text.contains(
                "2025-03-10 to 2025-03-11, 2 days: acknowledged (the account was new)"))
        #expect(try root.ok(["events", "--type", "coverage.*"]).text.contains("note the account was new"))
        try root.ok(["project"])
        #expect(try root.digest().all == before.all)
        try root.ok(["verify", "--shadow"])
    }

    @Test(arguments: [
        (["coverage", "nowhere"], Int32(1), "no service “nowhere”; known: distrokid"),
        (["coverage", "--from", "2025-03-02", "--to", "2025-03-01"], 64, "--from lies after --to"),
        (["coverage", "acknowledge", "spotify/audience", "A", "2025-03-01..soon", "--note", "x"], 64, "YYYY-MM-DD..YYYY-MM-DD"),
        (["coverage", "acknowledge", "spotify/audience", "A", "2025-03-01", "--note", "x"], 1, "nothing is known of spotify/audience"),
        (["coverage", "acknowledge", "spotify/audience", "A", "2025-03-01"], 64, "--note"),
    ])
    func mistakesAreExplained(arguments: [String], code: Int32, says: String) throws {
        let root = try Root()
        let output = try root.ok(arguments, code: code)
        #expect(output.errors.contains(says), "\(output)")
    }
}
