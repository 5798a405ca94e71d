import Cleaning
import Foundation
import Testing

private let sound = """
    title: Made up
    names:
      - export_<handle>_<captured_at>.csv
    account: <handle>
    columns:
      - name: day
        type: day
        required: true
      - {name: plays, type: integer}
      - {name: amount, type: money, currency: EUR}
    merge:
      upsert: [day]
    period: day
    """

@Suite struct ContractTests {
    @Test(arguments: ["distrokid/bank_details", "spotify/audience", "tiktok/overview"]) func shippedContractsParse(_ stream: String) throws
    {
        let contract = try contract(stream)
        #expect(contract.stream == stream)
        #expect(!contract.names.isEmpty)
    }

    @Test func everythingIsRead() throws {
        let bank = try contract("distrokid/bank_details")
        #expect(bank.account == .ask && bank.dayZone == "unknown" && bank.reportingLagDays == 60 && !bank.partialLastDay)
        #expect(bank.delimiters == [.tab, .comma] && bank.encodings == [.utf8, .windows1252])
        #expect(
            bank.merge
                == .replacePartition(
                    column: "reporting_date", guard: PartitionGuard(total: "earnings_usd", maxRowDropPermille: 0, maxTotalDropPermille: 0)))
        let earnings = bank.columns[try #require(bank.index(of: "earnings_usd"))]
        #expect(earnings.type == .money && earnings.currency == "USD" && earnings.negative && earnings.required)
        #expect(bank.columns.map(\.name).last == "date_inserted" && bank.columns.count == 15)
        let tiktok = try contract("tiktok/overview")
        #expect(tiktok.account == .fields(["handle"]) && tiktok.partialLastDay && tiktok.period == "date")
        #expect(tiktok.changeGuard == ChangeGuard(column: "video_views", changedPermille: 200, factor: 2))
        #expect(try contract(yaml: sound).merge == .upsert(key: ["day"]))
        #expect(try contract(yaml: sound.replacing("upsert: [day]", with: "").replacing("merge:", with: "merge: append")).merge == .append)
        #expect(try contract(yaml: sound.replacing("account: <handle>", with: "account: {fixed: us}")).account == .fixed("us"))
    }

    struct Wrong: CustomTestStringConvertible, Sendable {
        var old: String
        var new: String
        var line: Int
        var key: String
        var says: String
        var testDescription: String { new.isEmpty ? "without \(old)" : new }
    }

    @Test(arguments: [
        Wrong(old: "columns:", new: "colums:", line: 5, key: "colums", says: "did you mean 'columns'?"),
        Wrong(old: "period: day", new: "periode: day", line: 13, key: "periode", says: "did you mean 'period'?"),
        Wrong(old: "period: day", new: "zebra: day", line: 13, key: "zebra", says: "known keys: title"),
        Wrong(old: "title: Made up\n", new: "", line: 1, key: "title", says: "the key is missing"),
        Wrong(old: "title: Made up", new: "title: [a]", line: 1, key: "title", says: "must be a text"),
        Wrong(old: "period: day", new: "period: dey", line: 13, key: "period", says: "did you mean 'day'?"),
        Wrong(old: "period: day", new: "period: plays", line: 13, key: "period", says: "'plays' is of type integer"),
        Wrong(old: "type: integer", new: "type: intger", line: 9, key: "columns.2.type", says: "did you mean 'integer'?"),
        Wrong(
            old: "type: integer", new: "type: integer, requird: true", line: 9, key: "columns.2.requird", says: "did you mean 'required'?"),
        Wrong(old: "type: integer", new: "type: integer, required: maybe", line: 9, key: "columns.2.required", says: "true or false"),
        Wrong(
            old: "type: integer", new: "type: integer, currency: EUR", line: 9, key: "columns.2.currency",
            says: "no meaning for type integer"),
        Wrong(
            old: "type: integer", new: "type: integer, thousands: '.'", line: 9, key: "columns.2.thousands", says: "must be one character"),
        Wrong(old: ", currency: EUR", new: "", line: 10, key: "columns.3.currency", says: "ISO 4217"),
        Wrong(old: "name: plays", new: "name: day", line: 9, key: "columns.2.name", says: "stands twice"),
        Wrong(old: "name: plays", new: "name: plays, aliases: [DAY]", line: 9, key: "columns.2.aliases", says: "already means day"),
        Wrong(old: "upsert: [day]", new: "upsert: [plays]", line: 12, key: "merge.upsert", says: "must be a required column"),
        Wrong(old: "upsert: [day]", new: "upsert: [dya]", line: 12, key: "merge.upsert", says: "did you mean 'day'?"),
        Wrong(
            old: "upsert: [day]", new: "replace_partition: amount", line: 12, key: "merge.replace_partition",
            says: "'amount' is of type money"),
        Wrong(old: "upsert: [day]", new: "upset: [day]", line: 12, key: "merge.upset", says: "did you mean 'upsert'?"),
        Wrong(old: "upsert: [day]", new: "guard: {}", line: 12, key: "merge", says: "upsert or replace_partition is missing"),
        Wrong(old: "account: <handle>", new: "account: <handel>", line: 4, key: "account", says: "did you mean <handle>?"),
        Wrong(old: "export_<handle>_", new: "export_<handle_", line: 3, key: "names.1", says: "not a name pattern"),
        Wrong(old: "title: Made up", new: "title: Made up\ntitle: Again", line: 1, key: "title", says: "stands twice"),
        Wrong(old: "title: Made up", new: "title: [", line: 2, key: "", says: "not YAML"),
        Wrong(
            old: "period: day", new: "period: day\nformat: {delimiters: [tabs]}", line: 14, key: "format.delimiters.1",
            says: "did you mean 'tab'?"),
        Wrong(
            old: "period: day", new: "max_reject_permille: 1001", line: 13, key: "max_reject_permille", says: "from 0 to 1000"),
        Wrong(
            old: "  - {name: plays, type: integer}", new: "  - {name: p, type: flag, derived: partial_last_day}\n", line: 1,
            key: "columns.2.derived", says: "needs a period column"),
        Wrong(
            old: "{name: plays, type: integer}", new: "{name: handle, type: text, from: name.handle, personal: fan}", line: 1,
            key: "columns.2.personal", says: "is part of the account"),
        Wrong(
            old: "{name: plays, type: integer}", new: "{name: fan, type: text, from: account, personal: fan}", line: 1,
            key: "columns.2.personal", says: "where this column stands"),
        Wrong(
            old: "{name: plays, type: integer}",
            new: "{name: cell, type: text}\n  - {name: fan, type: text, from: column.cell, path: fan, personal: fan}", line: 1,
            key: "columns.3.personal", says: "inside another column's cell"),
        Wrong(
            old: "{name: amount, type: money, currency: EUR}\n",
            new: "{name: fan, type: text, personal: fan}\nformat: {kind: json, records: [rows], header: head}\n", line: 1,
            key: "columns.3.personal", says: "where header: names the columns"),
    ]) func errorsNameFileLineAndKey(_ wrong: Wrong) throws {
        var yaml = sound.replacing(wrong.old, with: wrong.new)
        if wrong.key == "columns.2.derived" { yaml = yaml.replacing("period: day", with: "") }
        #expect(yaml != sound)
        do {
            _ = try contract(yaml: yaml)
            Issue.record("accepted")
        } catch let error as ContractError {
            #expect(error.path == "zones/service/dataset.yml")
            #expect(error.key == wrong.key, "\(error)")
            #expect(error.description.contains(wrong.says), "\(error)")
            #expect(error.line == wrong.line || wrong.says == "stands twice" || wrong.says == "not YAML", "\(error)")
            #expect(error.line > 0)
        }
    }

    @Test func pathsNameServiceAndDataset() {
        for path in ["dataset.yml", "zones/Service/dataset.yml", "zones/ser vice/dataset.yml", "zones//.yml"] {
            #expect(throws: ContractError.self, "\(path)") { try Contract.parse(Array(sound.utf8), path: path) }
        }
        #expect(throws: ContractError.self) { try Contract.parse([0xFF, 0xFE], path: "zones/a/b.yml") }
        #expect(throws: ContractError.self) { try Contract.parse([], path: "zones/a/b.yml") }
        #expect(throws: ContractError.self) { try Contract.parse(Array("- 1\n".utf8), path: "zones/a/b.yml") }
    }

    @Test(
        arguments: [
            ("Overview_2024-05-28_1748368733_zone.a0.zip", ["first_day": "2024-05-28", "epoch": "1748368733", "handle": "zone.a0"]),
            ("overview_2024-05-28_1748368733_pig_1987 (2).ZIP", ["first_day": "2024-05-28", "epoch": "1748368733", "handle": "pig_1987"]),
            ("Overview_2024-02-30_1748368733_zone.a0.zip", nil), ("Overview_2024-05-28_17483_zone.a0.zip", nil),
            ("Overview_2024-05-28_1748368733_.zip", nil), ("Overview_2024-05-28_1748368733_zone.a0.tar", nil), ("", nil),
        ] as [(String, [String: String]?)]) func tiktokNames(_ name: String, _ fields: [String: String]?) throws
    {
        #expect(try contract("tiktok/overview").match(fileName: name)?.fields == fields)
    }

    @Test func namesGiveMomentsAndAccounts() throws {
        let tiktok = try #require(try contract("tiktok/overview").match(fileName: "Overview_2024-05-28_1748368733_zone.a0.zip"))
        #expect(tiktok.account == "zone.a0" && tiktok.capturedAt == 1_748_368_733_000)
        #expect(tiktok.firstDay == CalendarDay.day("2024-05-28"))
        let spotify = try contract("spotify/audience")
        let name = try #require(spotify.match(fileName: "spotify_audience_0a1b2c_20250616_081402.csv"))
        #expect(name.account == "0a1b2c" && name.capturedAt == 1_750_061_642_000)
        let generic = try #require(spotify.match(fileName: "spotify_audience_20250616_081402.csv"))
        #expect(generic.account == nil && generic.capturedAt == 1_750_061_642_000)
        #expect(spotify.match(fileName: "ZONE A0-audience-timeline (1).csv")?.account == "ZONE A0")
        #expect(spotify.match(fileName: "spotify_audience_x_20250616_251402.csv") == nil)
        let songs = try contract("spotify/songs_csv")
        let dated = try #require(songs.match(fileName: "Demo-songs-28day-2025-06-05.csv"))
        #expect(dated.account == "Demo" && dated.fields["window"] == "28day" && dated.capturedAt == 1_749_081_600_000)
        #expect(songs.match(fileName: "songs-all-2025-06-05 (1).csv")?.capturedAt == 1_749_081_600_000)
        for (name, window) in [
            ("Demo-songs-28day.csv", "28day"), ("Demo-songs-28day-2025-13-05.csv", "28day"), ("Demo-songs-1year-05-06-2025.csv", "1year"),
        ] {
            let undated = try #require(songs.match(fileName: name))
            #expect(undated.account == "Demo" && undated.fields["window"] == window && undated.capturedAt == nil, "\(name)")
        }
        let sales = try contract("toolost/sales_report")
        for (name, day) in [("05-2025-100.csv", "2025-05-31"), ("02-2024-7 (1).csv", "2024-02-29"), ("12-2025-x.csv", "2025-12-31")] {
            #expect(sales.match(fileName: name)?.capturedAt == CalendarDay.day(day).map { $0 * 86_400_000 }, "\(name)")
        }
        for name in ["13-2025-100.csv", "00-2025-100.csv", "5-2025-100.csv", "05-25-100.csv", "+5-2025-100.csv"] {
            #expect(sales.match(fileName: name) == nil, "\(name)")
        }
        let dump = try #require(NamePattern("dump_<captured_at>/ads.json", isPath: true))
        #expect(dump.match("/a/b/dump_20250525_060000/ads.json") == ["captured_at": "20250525_060000"])
        #expect(dump.match("dump_20250525_060000/ads (2).json") != nil && dump.match("ads.json") == nil)
        #expect(dump.match("dump_20250525_060000/old/ads.json") == nil)
        let plain = try #require(NamePattern("<name>.json", isPath: true))
        #expect(plain.match("a folder/ads.json") == ["name": "ads"], "without a folder of its own the last name counts")
        for bad in ["/a", "a/", "a//b", "a/b/c"] { #expect(NamePattern(bad, isPath: true) == nil, "\(bad)") }
        for bad in ["", "<", "a<>b", "<a><b>", "<a>x<a>", "<a"] { #expect(NamePattern(bad) == nil, "\(bad)") }
    }

    @Test func evidenceForTheDayOfDownload() {
        var facts = CaptureFacts(fileName: "x", fields: ["epoch": "1748368733"], observedDay: 7, observedBasis: "now", downloadedOn: 3)
        #expect(facts.downloadDay == 3)
        facts.downloadedOn = nil
        #expect(facts.downloadDay == CalendarDay.day("2025-05-27"))
        facts.fields = [:]
        for (basis, day) in [("now", nil), ("last_day", nil), ("file_time", 7), ("header", 7), ("name", 7), ("declared", 7)]
            as [(String, Int64?)]
        {
            facts.observedBasis = basis
            #expect(facts.downloadDay == day, "\(basis)")
        }
    }
}
