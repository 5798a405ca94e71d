import EventLog
import Projection
import Testing

@testable import Ledger

/// Lineage from the other end: file, capture or line to rows and curated files.
@Suite struct ForwardLineage {
    @Test func aCaptureLeadsToItsFilesAndRows() throws {
        let (root, first, second, bank) = try Answers.root()
        let report = try root.lake.lineage(capture: second)
        #expect(report.facts.map { "\($0.table) \($0.current) \($0.past)" } == ["fact_audience_day 2 0"])
        #expect(report.files.last == "4_curated/spotify_audience_curated.csv")
        #expect(report.files.map { String($0.prefix(2)) } == ["1_", "2_", "3_", "4_"])
        for file in report.files { #expect(Files.exists(root.layout.path(file)), "\(file)") }
        // Of the first export one day still stands, one is of the past.
        #expect(try root.lake.lineage(capture: first).facts.map { [$0.current, $0.past] } == [[1, 1]])
        #expect(try root.lake.lineage(capture: bank).files.contains("4_curated/dk_bank_details.csv"))
    }

    @Test func everyFileLeadsToItsCapture() throws {
        let (root, first, second, bank) = try Answers.root()
        for (capture, file) in try [first, second, bank].flatMap({ seq in
            try root.lake.lineage(capture: seq).files.dropLast().map { (seq, $0) }
        }) {
            for name in [file, root.layout.path(file)] {
                #expect(try root.lake.lineage(file: name).captures.map(\.seq) == [capture], "\(name)")
            }
        }
        for name in ["4_curated/spotify_audience_curated.csv", "spotify_audience_curated.csv"] {
            #expect(try root.lake.lineage(file: name).captures.map(\.seq) == [first, second])
        }
        let archived = try #require(try root.lake.archive(file: "spotify_audience_curated.csv").first)
        #expect(try root.lake.lineage(file: archived.path).captures.map(\.seq) == [first, second])
        // A file elsewhere is known by its bytes.
        let copy = "\(root.folder)/copy of it.csv"
        let landing = try #require(try root.lake.lineage(capture: bank).captures.first?.landing)
        try AtomicFile.write(try Files.read(root.layout.path(landing)), to: copy)
        #expect(try root.lake.lineage(file: copy).captures.map(\.seq) == [bank])
        let failure = #expect(throws: LedgerError.self) { try root.lake.lineage(file: "nothing.csv") }
        #expect(failure?.description.contains("bedrot ingest nothing.csv") == true)
    }

    @Test func aLineLeadsToTheRowsThatStandOnIt() throws {
        let (root, first, second, _) = try Answers.root()
        let report = try root.lake.lineage(capture: second, line: 4)
        #expect(report.lines.map(\.text) == ["2025-03-03,10,300,100"])
        #expect(report.facing.count == 1)
        #expect(report.facing[0].hasPrefix("fact_audience_day: day_no 2025-03-03, platform Spotify, artist artistone, "))
        #expect(report.facing[0].contains("streams_native 300"))
        // There and back: the row names the line.
        let back = try root.lake.lineage(table: "fact_audience_day", condition: "streams_native = 300", limit: 1)
        #expect(back.lines.map { [$0.capture.seq, $0.line] } == [[second, 4]])
        // A line that a later file overruled stands under no current row.
        let overruled = try root.lake.lineage(capture: first, line: 2)
        #expect(overruled.facing.isEmpty && overruled.facts.map { [$0.current, $0.past] } == [[0, 1]])
        let raw = try #require(report.lines.first?.rawPath)
        #expect(try root.lake.lineage(file: raw, line: 4).facing == report.facing)
        #expect(throws: LedgerError.self) { try root.lake.lineage(capture: second, line: 99) }
    }
}

/// Lineage of a figure that several facts make.
@Suite struct FigureLineage {
    private static let plays = """
        /*---
        kpi: plays
        title: Plays
        unit: count
        direction: up
        formula: streams and views
        evidence:
          - {fact: fact_audience_day, where: day_no <= :day}
          - {fact: fact_social_day, where: day_no <= :day}
        ---*/
        SELECT COUNT(*) AS num, 1 AS den
        FROM (SELECT f.day_no FROM fact_audience_day f UNION ALL SELECT s.day_no FROM fact_social_day s) x
        ORDER BY 1
        """

    @Test func everyFactShowsItsLines() throws {
        let root = try Root(overlay: ["projections/kpis/plays.sql": Self.plays])
        let spotify = try root.file(Export.spotifyName("artistone", "20250306_120000"), Export.spotify([1, 2, 3, 4, 5]))
        let one = try #require(try root.feed(spotify).capture)
        let name = "Overview_2025-03-04_\(Export.epoch("2025-03-09"))_artistone.csv"
        let two = try #require(try root.feed(try root.file(name, Export.tiktok([10, 20, 30], from: 4)), project: true).capture)
        func lines(_ limit: Int, day: String = "2025-03-20") throws -> (LineageReport, [Int64: Int]) {
            let report = try root.lake.lineage(kpi: "plays", filter: [:], day: Day.number(day), knownAt: nil, limit: limit)
            return (report, Dictionary(grouping: report.lines, by: \.capture.seq).mapValues(\.count))
        }
        let (report, all) = try lines(20)
        #expect(report.rows == 8 && all == [one: 5, two: 3] && report.captures.map(\.seq) == [one, two])
        #expect(try lines(2).1 == [one: 1, two: 1], "none crowds the others out")
        #expect(try lines(5).1 == [one: 3, two: 2])
        #expect(try lines(7).1 == [one: 4, two: 3])
        #expect(try lines(20, day: "2025-03-03").1 == [one: 3])
        // A history by day goes from the first day of either to the last of either.
        let days = try root.lake.kpiByDay(try root.lake.kpi("plays"), every: 1).map(\.day)
        #expect(days == Array(Day.number("2025-03-01")...Day.number("2025-03-06")))
    }
}
