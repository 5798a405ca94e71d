import Cleaning
import EventLog
import Projection
import Testing

@testable import Ledger

@Suite struct ArchiveZone {
    /// Three versions of one curated file: two of them archived.
    private static func root(keepYears: Int? = nil) throws -> Root {
        var overlay: [String: String] = [:]
        if let keepYears {
            let path = "projections/curated/spotify_audience_curated.sql"
            let text = String(decoding: try Files.read("\(Root.package)/\(path)"), as: UTF8.self)
            overlay[path] = text.replacing("\ntitle:", with: "\nkeep_years: \(keepYears)\ntitle:")
        }
        let root = try Root(overlay: overlay)
        for i in 1...3 {
            let file = try root.file(Export.spotifyName("artistone", "2025040\(i)_120000"), Export.spotify([100 + i, 200]))
            try root.feed(file, project: true)
        }
        return root
    }

    private static func today() -> Int64 { Timestamp.now().milliseconds.flooredDay }

    @Test func versionsAreListedWithTheirDates() throws {
        let root = try Self.root(keepYears: 3)
        let versions = try root.lake.archive()
        #expect(versions.map(\.file) == ["spotify_audience_curated.csv", "spotify_audience_curated.csv"])
        #expect(versions.allSatisfy { $0.expired == nil && $0.size != nil })
        for version in versions {
            let later = (version.keepUntil - version.archived.milliseconds.flooredDay)
            #expect((365 * 3...365 * 3 + 1).contains(later))
            #expect(Hash256(hashing: try Gzip.decompress(try Files.read(root.layout.path(version.path)))) == version.content)
        }
        #expect(try root.lake.archive(file: "spotify_audience_curated.csv").count == 2)
        #expect(try root.lake.archive(file: "spotify_audience").isEmpty)
    }

    @Test func aVersionIsRestoredAndChecked() throws {
        let root = try Self.root()
        let version = try #require(try root.lake.archive().first)
        let (_, path) = try root.lake.restoreArchived("\(version.event)", to: nil)
        #expect(path.hasPrefix(root.layout.reports + "/spotify_audience_curated_"))
        #expect(try DraftFile.digest(of: path) == version.content)
        #expect(String(decoding: try Files.read(path), as: UTF8.self).contains("101"))
        // Again, by its file name, to a place of one's own.
        let other = "\(root.folder)/then.csv"
        #expect(try root.lake.restoreArchived(Files.name(version.path), to: other).path == other)
        try Files.remove(other)
        try AtomicFile.write([1], to: other)
        for (name, target, says) in [
            ("spotify_audience_curated.csv", nil, "2 versions"), ("nothing", nil, "bedrot archive list"),
            ("\(version.event)", other, "something else"), ("\(version.event)", "\(root.layout.folder(.curated))/x.csv", "4_curated"),
        ] as [(String, String?, String)] {
            let failure = #expect(throws: LedgerError.self) { try root.lake.restoreArchived(name, to: target) }
            #expect(failure?.description.contains(says) == true, "\(failure?.description ?? "")")
        }
        // Damaged or gone, the event tells how to make it again.
        let full = root.layout.path(version.path)
        var bytes = try Files.read(full)
        bytes[bytes.count / 2] ^= 1
        try Files.remove(full)
        try AtomicFile.write(bytes, to: full)
        let damaged = #expect(throws: LedgerError.self) { try root.lake.restoreArchived("\(version.event)", to: nil) }
        try Files.remove(full)
        let gone = #expect(throws: LedgerError.self) { try root.lake.restoreArchived("\(version.event)", to: nil) }
        for failure in [damaged, gone] {
            let words = try #require(failure?.description.split(separator: " ").map(String.init))
            let index = try #require(words.firstIndex(of: "--until"))
            let until = try #require(Int64(words[index + 1]))
            let folder = "\(root.folder)/again-\(words.count)"
            _ = try root.lake.replay(into: folder, until: until, only: [])
            #expect(try DraftFile.digest(of: "\(folder)/4_curated/spotify_audience_curated.csv") == version.content)
        }
    }

    @Test func whatIsDueGoesByAnEventAndNothingElse() throws {
        let root = try Self.root()
        let head = try root.head()
        let before = try root.lake.projector.digest()
        let versions = try root.lake.archive()
        #expect(try root.lake.expireArchive(on: Self.today() + 6 * 365, dryRun: false).due.isEmpty)
        let due = try root.lake.expireArchive(on: Self.today() + 8 * 365, dryRun: true)
        #expect(due.due.map(\.event) == versions.map(\.event) && !due.isDone)
        #expect(try root.head() == head, "neither early nor dry runs say anything")
        let stored = try root.snapshot().filter { $0.key.contains("/ledger/objects/") }
        _ = try root.lake.expireArchive(on: versions[0].keepUntil, file: "spotify_audience_curated.csv", dryRun: false)
        let events = try root.events(.expired)
        #expect(events.compactMap { $0.body["archived"]?.int } == versions.map(\.event))
        #expect(try root.lake.archive().map(\.expired) == events.map { Optional($0.seq) })
        #expect(Files.walk(root.layout.folder(.archive)).isEmpty)
        #expect(try root.snapshot().filter { $0.key.contains("/ledger/objects/") } == stored)
        #expect(try root.lake.expireArchive(on: Self.today() + 9 * 365, dryRun: false).due.isEmpty, "once is enough")
        #expect(try root.events(.expired).count == 2)
        // No figure moves, and a replay gives the same.
        _ = try root.lake.projectCommand()
        let after = try root.lake.projector.digest()
        #expect(after.all == before.all)
        #expect(try root.lake.replay(into: nil, until: nil, only: []).differences.isEmpty)
        #expect(try root.events(.archived).count == 2, "what expired is not archived again")
    }

    @Test func anInterruptedExpiryIsFinished() throws {
        let root = try Self.root()
        let version = try #require(try root.lake.archive().first)
        _ = try root.append("archive", .expired, ["path": .string(version.path), "archived": .int(version.event), "key": "expired x"])
        #expect(Files.exists(root.layout.path(version.path)))
        _ = try root.lake.expireArchive(on: Self.today(), dryRun: false)
        #expect(!Files.exists(root.layout.path(version.path)))
        #expect(Files.walk(root.layout.folder(.archive)).count == 1)
    }

    @Test(arguments: [
        ("5_archive/a.csv.gz", "a.csv"), ("5_archive/dk_bank_details_20250901_060000.csv.gz", "dk_bank_details.csv"),
        ("5_archive/dk_bank_details_20250901_060000_0a1b2c3d.csv.gz", "dk_bank_details.csv"),
        ("5_archive/daily.csv/2025-03-01_20250901_060000.csv.gz", "daily.csv/2025-03-01.csv"),
        ("5_archive/a_2025_20250901_060000.csv.gz", "a_2025.csv"),
    ])
    func namesTellTheFile(path: String, file: String) { #expect(ArchiveNames.file(of: path, below: "5_archive") == file) }

    @Test(arguments: [("2025-03-01", 7, "2032-03-01"), ("2024-02-29", 7, "2031-02-28"), ("2024-02-29", 4, "2028-02-29")])
    func yearsLater(day: String, years: Int, expected: String) throws {
        let time = Timestamp(milliseconds: Day.number(day) * 86_400_000 + 5)
        #expect(CalendarDay.text(day: ArchiveNames.keepUntil(time, years: Int64(years))) == expected)
    }

    @Test func gzipRoundTrips() throws {
        for bytes in [[], [1], Array(repeating: UInt8(7), count: 1_000_000), Array("a,b\n".utf8)] as [[UInt8]] {
            let packed = try Gzip.compress(bytes)
            #expect(try Gzip.decompress(packed) == bytes)
            #expect(throws: CleaningError.self) { try Gzip.decompress(Array(packed.dropLast())) }
            #expect(throws: CleaningError.self) { try Gzip.decompress(packed + [0]) }
        }
    }
}
