import EventLog
import Projection
import Testing

@testable import Ledger

/// What the names of advertising campaigns say, and what they said when less was known.
@Suite struct CampaignTests {
    private static func shipped() throws -> CampaignNames {
        let path = "projections/reference/campaign_names.yml"
        return try DefinitionSet(files: [path: Files.read("\(Root.package)/\(path)")]).reference.campaignNames
    }

    @Test(
        "names are taken apart",
        arguments: [
            ("PIG1987 - THE STATE OF THE WORLD - HARD TRANCE", "3: PIG1987 | THE STATE OF THE WORLD | HARD TRANCE", ""),
            ("THE SOURCE - Streaming", "2: THE SOURCE | STREAMING | ", "second is targeting"),
            ("THE SCALE", "1: THE SCALE |  | ", ""),
            ("IWARY – BROAD MALE — US | 18-44", "4: IWARY | BROAD MALE | US - 18-44", "second is targeting"),
            ("PIG1987 - IWARY - Copy", "2: PIG1987 | IWARY | ", "copy 1"),
            ("PIG1987 - IWARY - Copy 2", "2: PIG1987 | IWARY | ", "copy 2"),
            ("PIG1987 – IWARY – Kopie 12", "2: PIG1987 | IWARY | ", "copy 12"),
            ("PIG1987 - IWARY - copia - Cópia 3", "2: PIG1987 | IWARY | ", "copy 4"),
            ("IWARY - コピー", "1: IWARY |  | ", "copy 1"),
            ("IWARY - Copyright - Copy x", "3: IWARY | COPYRIGHT | COPY X", ""),
            ("Copy", "1: COPY |  | ", ""), ("- Copy", "1: COPY |  | ", ""),
            ("ZONE A0 - \"THE SCALE\", LOOKALIKE", "3: ZONE A0 | THE SCALE | LOOKALIKE", ""),
            ("“THE SCALE”", "1: THE SCALE |  | ", ""), ("\"open", "1: \"OPEN |  | ", ""),
            (" \t PIG1987\u{A0}-\u{A0}IWARY -  - ", "2: PIG1987 | IWARY | ", ""),
            ("ZONE-A0 - NON-STOP", "2: ZONE-A0 | NON-STOP | ", ""),
            ("BROAD 18-44 - 65+", "2: BROAD 18-44 | 65+ | ", "first is targeting, second is targeting"),
            ("BROAD 18-x - HARD TRANCE US", "2: BROAD 18-X | HARD TRANCE US | ", "second is targeting"),
            ("HARD - -", "1: HARD |  | ", ""),
            ("ZONE A0 - New Engagement", "2: ZONE A0 | NEW ENGAGEMENT | ", "whole ENGAGEMENT"),
            ("ZONE A0 - NEW ENGAGEMENTS", "2: ZONE A0 | NEW ENGAGEMENTS | ", ""),
            ("straße ÿ", "1: STRAßE ÿ |  | ", ""), (" - ", "0:  |  | ", ""), ("", "0:  |  | ", ""),
        ])
    func parts(name: String, expected: String, says: String) throws {
        let parts = try Self.shipped().parts(of: name)
        #expect("\(parts.count): \(parts.first) | \(parts.second) | \(parts.rest)" == expected)
        var found: [String] = []
        if parts.isFirstTargeting { found.append("first is targeting") }
        if parts.isSecondTargeting { found.append("second is targeting") }
        if parts.copy > 0 { found.append("copy \(parts.copy)") }
        if !parts.whole.isEmpty { found.append("whole \(parts.whole)") }
        #expect(found.joined(separator: ", ") == says)
    }

    @Test(
        "a wrong file says where and what",
        arguments: [
            ("kind: campaign_name\nseparator: [x]\n", "unknown key “separator”"),
            ("kind: campaign_name\nsources: x\n", "`sources` is a list"),
            ("kind: campaign_name\nsources: [a]\nseparators: [' - ']\nquotes: ['abc']\n", "quotes are two signs"),
            (
                "kind: campaign_name\nsources: [a]\nseparators: [' - ']\nquotes: []\ncopies: []\ntargeting: []\nwhole: [x]\n",
                "{words: …, targeting: …}"
            ),
        ])
    func wrongFile(text: String, says: String) {
        let error = #expect(throws: DefinitionError.self) {
            try DefinitionSet(files: ["projections/reference/campaign_names.yml": Array(text.utf8)])
        }
        #expect(error?.description.contains(says) == true, "\(error.map(String.init(describing:)) ?? "")")
    }

    /// A name, and what it says: artist / track / targeting, copy, rule and confidence.
    private static let names: [(name: String, says: String)] = [
        ("PIG1987 - THE STATE OF THE WORLD - HARD TRANCE", "pig1987 / thestateoftheworld / HARD TRANCE, 0, artist_track 95"),
        ("THE SOURCE - Streaming", "zonea0 / thesource / STREAMING, 0, track 90"),
        ("IWARY - BROAD MALE", "pig1987 / iwary / BROAD MALE, 0, track 60"),
        ("THE SCALE", "zonea0 / thescale / -, 0, track 90"),
        ("PIG1987 - DYSMORPHIA", "pig1987 / dysmorphia / -, 0, artist_title 70"),
        ("PIG1987 - IWARY - BROAD - Copy 2", "pig1987 / iwary / BROAD, 2, artist_track 90"),
        ("PIG1987 – THE SCALE – BROAD", "pig1987 / thescale / BROAD, 0, artist_track 60"),
        ("NEW ENGAGEMENT", "- / - / ENGAGEMENT, 0, whole 90"),
        ("PIG1987 - NEW ENGAGEMENT - US", "- / - / ENGAGEMENT, 0, whole 90"),
        ("ZONE A0 - ENGAGEMENT PROTOCOL - BROAD", "zonea0 / engagementprotocol / BROAD, 0, artist_track 95"),
        ("zone.a0 — \"The Scale\", lookalike", "zonea0 / thescale / LOOKALIKE, 0, artist_track 95"),
        ("IWARY", "pig1987 / iwary / -, 0, track 60"),
        ("IWARY - SOMETHING NEW - BROAD", "iwary / somethingnew / BROAD, 0, artist_title 50"),
        ("PIG1987", "pig1987 / - / -, 0, artist 80"),
        ("PIG1987 - BROAD MALE", "pig1987 / - / BROAD MALE, 0, artist 85"),
        ("PIG1987 - ZONE A0 - BROAD", "pig1987 / - / ZONE A0 - BROAD, 0, artist 50"),
        ("BROAD - THE SOURCE", "zonea0 / thesource / BROAD, 0, second_track 80"),
        ("GHOST - THE SCALE - US", "zonea0 / thescale / US, 0, second_track 60"),
        ("THE SOURCE - ZONE A0 - US", "zonea0 / thesource / US, 0, track_artist 90"),
        ("THE SOURCE - PARTY", "zonea0 / thesource / PARTY, 0, track 80"),
        ("US - PIG1987", "pig1987 / - / US, 0, second_artist 80"),
        ("BROAD 18-44", "- / - / BROAD 18-44, 0, targeting 80"),
        ("SOMEBODY - SOMETHING - BROAD", "- / - / SOMEBODY - SOMETHING - BROAD, 0, unknown 0"),
        // Only a royalty line knows it: by its ISRC.
        ("LOST TAPE - BROAD", "zonea0 / QZLST2500001 / BROAD, 0, track 90"),
    ]

    private static let parsed = """
        /*---
        kpi: parsed
        title: What names say
        unit: percent
        direction: up
        formula: confidence
        dimensions: [campaign, artist, track, targeting, copy, rule, source]
        ---*/
        SELECT d.campaign_id AS campaign, d.artist_id AS artist, d.track_id AS track, d.targeting AS targeting, d.copy_no AS copy,
          d.parse_rule AS rule, d.parse_source AS source, d.parse_confidence AS num, 1 AS den
        FROM dim_campaign d
        ORDER BY d.campaign_id
        """

    /// What is said of each campaign, by its number in `names`.
    private func said(_ root: Root, at seq: Int64) throws -> [String: String] {
        var said: [String: String] = [:]
        for value in try root.lake.kpiValues(asking: [(kpi: "parsed", day: 20_200, seq: seq)])[0] {
            let of = try JSON.parse(Array(value.dimensions.utf8))
            func text(_ key: String) -> String { (of[key]?.string).map { String($0.split(separator: ":").last ?? "") } ?? "-" }
            let manual = text("source") == "manual" ? " (manual)" : ""
            said[text("campaign")] =
                """
                \(text("artist")) / \(text("track")) / \(text("targeting")), \(of["copy"]?.int ?? -1), \(text("rule")) \
                \(value.numerator ?? -1)\(manual)
                """
        }
        return said
    }

    private func feedNames(_ root: Root) throws {
        let rows = Self.names.enumerated().map { index, name in
            let quoted = name.name.replacing("\"", with: "\\\"")
            return """
                {"campaign_id":"\(index)","campaign_name":"\(quoted)","date_start":"2025-03-01","date_stop":"2025-03-01","spend":"1.00",\
                "account_currency":"USD","impressions":"10","clicks":"1"}
                """
        }
        let file = try root.file("metaads_insights_act_1_20250306_120000.json", "{\"data\":[\(rows.joined(separator: ",\n"))]}")
        let outcome = try root.feed(file)
        guard case .promoted = outcome.kind else {
            Issue.record("\(outcome)")
            return
        }
    }

    private func head(_ root: Root) throws -> Int64 {
        _ = try root.lake.project()
        return try root.lake.log.read { try $0.head().seq }
    }

    @Test("parts are known artists and tracks, as far as they were known")
    func resolution() throws {
        let root = try Root(overlay: ["projections/kpis/parsed.sql": Self.parsed])
        try feedNames(root)
        let before = try head(root)
        let unknown = try said(root, at: before)
        for (artist, name) in [("pig1987", "PIG1987"), ("zonea0", "ZONE A0"), ("iwary", "IWARY")] {
            _ = try root.lake.changeReference("artist", [(place: "here", cells: ["artist": "artist:\(artist)", "name": name])])
        }
        let tracks = [
            ("pig1987", "THE STATE OF THE WORLD"), ("zonea0", "THE SOURCE"), ("zonea0", "THE SCALE"), ("pig1987", "IWARY"),
            ("zonea0", "ENGAGEMENT PROTOCOL"),
        ]
        for (artist, title) in tracks {
            let cells = ["track": "track:\(SourceNames.normalised(title))", "title": title, "artist": "artist:\(artist)"]
            _ = try root.lake.changeReference("track", [(place: "here", cells: cells)])
        }
        let heading = "Reporting Date\tSale Month\tStore\tArtist\tTitle\tISRC\tUPC\tQuantity\tTeam Percentage\tSong/Album\tCountry of Sale"
        let statement = try root.file(
            "dk_bank_details_20250401_120000.tsv",
            "\(heading)\tSongwriter Royalties Withheld\tEarnings (USD)\n"
                + "2025-03-28\t2025-01\tSpotify\tZONE A0\tLOST TAPE\tQZLST2500001\t019800000017\t10\t100\tSong\tUS\t0\t0.04\n")
        try root.feed(statement, account: "label")
        let after = try head(root)
        let found = try said(root, at: after)
        for (index, name) in Self.names.enumerated() { #expect(found["\(index)"] == name.says, "\(name.name)") }
        #expect(try said(root, at: before) == unknown, "what was learned later says nothing of what was known")
        for (index, name) in Self.names.enumerated() {
            let says = try #require(unknown["\(index)"])
            #expect(says.hasPrefix("- / - / "), "\(name.name): \(says)")
        }
        #expect(try root.lake.digestEqualsRebuild())
        #expect(try said(root, at: before) == unknown)
    }

    @Test("a person's word takes the place of the name, from then on; a changed file takes names apart anew")
    func overrides() throws {
        let root = try Root(overlay: ["projections/kpis/parsed.sql": Self.parsed])
        try feedNames(root)
        _ = try root.lake.changeReference("artist", [(place: "here", cells: ["artist": "artist:pig1987", "name": "PIG1987"])])
        let cells = ["track": "track:a", "title": "THE SCALE", "artist": "artist:pig1987"]
        _ = try root.lake.changeReference("track", [(place: "here", cells: cells)])
        let before = try head(root)
        #expect(try said(root, at: before)["22"] == "- / - / SOMEBODY - SOMETHING - BROAD, 0, unknown 0")
        _ = try root.lake.changeReference(
            "campaign", [(place: "here", cells: ["campaign": "22", "track": "track:a", "targeting": "FANS"])])
        let after = try head(root)
        #expect(try said(root, at: after)["22"] == "pig1987 / a / FANS, 0, manual 100 (manual)", "the artist is the track's")
        #expect(try said(root, at: before)["22"] == "- / - / SOMEBODY - SOMETHING - BROAD, 0, unknown 0")
        let path = "projections/reference/campaign_names.yml"
        let text = String(decoding: try Files.read("\(Root.package)/\(path)"), as: UTF8.self)
        try root.define(path, text.replacing("separators: [\" - \",", with: "separators: [\" & \","))
        _ = try root.lake.projectCommand()
        let changed = try head(root)
        #expect(try said(root, at: changed)["0"] == "- / - / PIG1987 - THE STATE OF THE WORLD - HARD TRANCE, 0, unknown 0")
        #expect(try said(root, at: changed)["6"] == "pig1987 / a / BROAD, 0, artist_track 95")
        #expect(try root.lake.digestEqualsRebuild())
    }
}
