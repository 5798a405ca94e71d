import EventLog
import Projection
import Testing

@testable import Ledger

/// What one file's trouble does to the others, and what a claim about one file is worth.
@Suite struct OneFilesTrouble {
    /// A regular file that can be opened and never read.
    private static let unreadable = "/proc/self/mem"

    @Test func othersGoOnAndTheEventSaysWhy() throws {
        let root = try Root()
        let good = try root.file(Export.spotifyName("artistone", "20250401_120000"), Export.spotify([1, 2]))
        let later = try root.file(Export.spotifyName("artisttwo", "20250401_120000"), Export.spotify([3]))
        let report = try root.lake.ingest([good, Self.unreadable, later], IngestOptions(), ask: nil)
        #expect(report.files.map(\.word) == ["promoted", "failed", "promoted"])
        #expect(report.hasFailed)
        guard case .failed(let reason) = report.files[1].kind else { return }
        #expect(reason.contains(Self.unreadable) && reason.contains("Input/output error"))
        let event = try #require(try root.events(.failed).first)
        #expect(event.body["name"]?.string == "mem" && event.body["severity"]?.string == "medium")
        #expect(event.body["reason"]?.string?.contains("/proc") == false, "no folder of this computer in the log")
        #expect(try root.events(.runCompleted).last?.body["outcome"]?.string == "failed")
        #expect(try root.lake.preview([good, Self.unreadable], IngestOptions()).files.map(\.word) == ["duplicate", "failed"])
    }

    @Test func aCaptureLeftHalfWayIsSettledByTheNextRun() throws {
        let root = try Root()
        // A file stands where the raw folder of the account must be made.
        try Files.makeFolder("\(root.layout.folder(.raw))/spotify/audience")
        let obstacle = try root.file("\(root.layout.folder(.raw))/spotify/audience/artistone", "in the way")
        let report = try root.lake.ingest(
            [try root.file(Export.spotifyName("artistone", "20250401_120000"), Export.spotify([1, 2]))], IngestOptions(), ask: nil)
        #expect(report.files.map(\.word) == ["failed"])
        let capture = try #require(try root.events(.captured).first)
        #expect(try root.state("spotify/audience").entries[capture.seq]?.isUnsettled == true)
        try Files.remove(obstacle)
        _ = try root.lake.projectCommand()
        #expect(try root.promotions("spotify/audience").flatMap(\.items).map(\.capture) == [capture.seq])
    }

    struct Claim: Sendable, CustomTestStringConvertible {
        let label: String
        let name: String
        var folder: String?
        /// nil: refused.
        let account: String?
        var testDescription: String { label }
    }

    @Test(arguments: [
        Claim(label: "an id in the name", name: "spotify_audience_artistone_20250401_120000.csv", account: nil),
        Claim(label: "the same id", name: "spotify_audience_artisttwo_20250401_120000.csv", account: "artisttwo"),
        Claim(label: "a known artist name", name: "ZONE A0-audience-timeline.csv", account: "artisttwo"),
        Claim(label: "an unknown artist name", name: "Nobody-audience-timeline.csv", account: "artisttwo"),
        Claim(label: "a landing folder", name: "spotify_audience_20250401_120000.csv", folder: "artistone", account: nil),
    ])
    func aClaimAboutOneFile(_ claim: Claim) throws {
        let root = try Root()
        _ = try root.lake.alias(kind: "account", service: "spotify", value: "ZONE A0", member: "artistone", name: nil)
        let folder = claim.folder.map { "\(root.layout.folder(.landing))/spotify/audience/\($0)" } ?? "\(root.folder)/in"
        let path = try root.file("\(folder)/\(claim.name)", Export.spotify([1]))
        let outcome = try root.feed(path, account: "artisttwo")
        guard let account = claim.account else {
            guard case .quarantined(nil, let reason, let remedy) = outcome.kind else {
                Issue.record("should be refused: \(outcome.word)")
                return
            }
            #expect(reason.contains("--account says artisttwo") && reason.contains("artistone"))
            #expect(remedy?.hasPrefix("bedrot ingest \(path)") == true)
            #expect(try root.events(.captured).isEmpty)
            #expect(try root.events(.quarantined).last?.body["code"]?.string == "account_contradicted")
            // What the remedy says works; and among several files --account is for those that say nothing.
            #expect(try root.feed(path).account == "artistone")
            return
        }
        #expect(outcome.word == "promoted" && outcome.account == account)
    }

    @Test func amongSeveralFilesTheNameWins() throws {
        let root = try Root()
        let named = try root.file("spotify_audience_artistone_20250401_120000.csv", Export.spotify([1]))
        let bank = try root.file("dk_bank_details_20250401_120000.tsv", Export.bank([.init()]))
        var options = IngestOptions()
        options.account = "label"
        #expect(try root.lake.ingest([named, bank], options, ask: nil).files.map(\.account) == ["artistone", "label"])
    }
}

/// A replay may stop at any event, also between two definitions that need each other.
@Suite struct ReplayingBetweenDefinitions {
    @Test func whatCannotBeReadYetIsLeftOutWithTheReason() throws {
        let root = try Root()
        let definitions = try root.events(.definitionCaptured)
        let kpi = try #require(definitions.last { $0.body["path"]?.string?.hasPrefix("projections/kpis/") == true })
        let comparison = try root.lake.replay(into: nil, until: kpi.seq, only: [])
        #expect(comparison.replayed.seq == kpi.seq)
        #expect(comparison.unready["projections/kpis/streams_native_7d.sql"]?.contains("no such table: fact_audience_day") == true)
        #expect(comparison.unready["projections/curated/dk_bank_details.sql"] != nil)
        let whole = try root.lake.replay(into: nil, until: try root.head(), only: [])
        #expect(whole.unready.isEmpty)
    }

    @Test func nowAWrongTableOfAPersonsOwnIsLeftOutWithTheReason() throws {
        let root = try Root()
        let definitions = try root.lake.projector.definitions(until: try root.head())
        let shipped = try #require(definitions.files["projections/kpis/followers_total.sql"])
        let text = String(decoding: shipped.bytes, as: UTF8.self).replacing("fact_audience_day", with: "fact_audience_dya")
        try root.define("projections/kpis/followers_total.sql", text)
        let refused = try root.lake.projectCommand().refused
        #expect(refused.map(\.kpi) == ["followers_total"])
        #expect(refused.first?.reason.contains("no such table: fact_audience_dya") == true)
    }
}
