import EventLog
import GRDB
import LedgerTesting
import Testing

@testable import Projection

@Suite struct ReportingZoneTests {
    private static let path = "projections/reference/timezones.tsv"

    /// The shipped table.
    private static func bytes() throws -> [UInt8] {
        try Files.read("\(Files.parent(Files.parent(Files.parent(#filePath))))/\(path)")
    }

    @Test(
        "the day follows the zone's rules, to the minute of a change",
        arguments: [
            ("UTC", "2025-03-30T23:59:59.999Z", "2025-03-30"), ("+02:00", "2025-03-30T22:00:00.000Z", "2025-03-31"),
            ("Europe/Berlin", "2025-01-15T22:59:59.999Z", "2025-01-15"), ("Europe/Berlin", "2025-01-15T23:00:00.000Z", "2025-01-16"),
            ("Europe/Berlin", "2025-07-15T21:59:59.999Z", "2025-07-15"), ("Europe/Berlin", "2025-07-15T22:00:00.000Z", "2025-07-16"),
            // The nights of the changes: 2025-03-30 begins at 23:00Z and ends at 22:00Z, 2025-10-26 the other way round.
            ("Europe/Berlin", "2025-03-29T23:00:00.000Z", "2025-03-30"), ("Europe/Berlin", "2025-03-30T22:00:00.000Z", "2025-03-31"),
            ("Europe/Berlin", "2025-10-25T22:00:00.000Z", "2025-10-26"), ("Europe/Berlin", "2025-10-26T22:59:59.999Z", "2025-10-26"),
            ("America/New_York", "2025-02-01T04:59:59.999Z", "2025-01-31"), ("America/New_York", "2025-08-01T04:00:00.000Z", "2025-08-01"),
            ("America/St_Johns", "2025-08-01T02:29:59.999Z", "2025-07-31"), ("Asia/Tokyo", "2025-08-01T15:00:00.000Z", "2025-08-02"),
            ("Australia/Sydney", "2025-01-01T13:00:00.000Z", "2025-01-02"), ("Asia/Kolkata", "2025-01-01T18:30:00.000Z", "2025-01-02"),
            ("America/Sao_Paulo", "2025-01-02T02:59:59.999Z", "2025-01-01"),
            // A zone that changed sides, and moments outside the table.
            ("Pacific/Apia", "2011-12-29T20:00:00.000Z", "2011-12-29"), ("Pacific/Apia", "2011-12-30T11:00:00.000Z", "2011-12-31"),
            ("Europe/Berlin", "1969-12-31T23:00:00.000Z", "1970-01-01"), ("Europe/Berlin", "2099-01-15T23:00:00.000Z", "2099-01-16"),
        ])
    func days(zone: String, moment: String, day: String) throws {
        let table = try ZoneTable(path: Self.path, bytes: try Self.bytes())
        let zone = try #require(try ReportingZone(zone, table: table))
        let time = try #require(Timestamp(iso: moment))
        let expected = try #require(Timestamp(iso: "\(day)T00:00:00.000Z")).milliseconds.flooredDay
        #expect(zone.day(of: time) == expected)
    }

    @Test("every line of the shipped table reads, and unknown names are nil, with a hint")
    func shipped() throws {
        let table = try ZoneTable(path: Self.path, bytes: try Self.bytes())
        var names = 0
        for line in String(decoding: try Self.bytes(), as: UTF8.self).split(separator: "\n") where !line.hasPrefix("#") {
            for name in line.split(separator: "\t")[0].split(separator: " ") {
                #expect(try ReportingZone(String(name), table: table) != nil)
                names += 1
            }
        }
        #expect(names > 400)
        #expect(try ReportingZone("Berlin", table: table) == nil)
        #expect(table.names(like: "europe/berlin") == ["Europe/Berlin"])
        #expect(table.names(like: "").isEmpty)
        #expect(try ReportingZone("Europe/Berlin", table: ZoneTable()) == nil)
    }

    @Test(
        "a wrong line is named",
        arguments: [
            ("# x\nEurope/Berlin 60", 2, "tabs"), ("A/B\tsixty\t", 1, "tabs"), ("A/B\t60\t\nC/D\t0\t5+60 4+0", 2, "4+0"),
            ("C/D\t0\t5", 1, "“5”"), ("C/D\t0\t5+9999", 1, "5+9999"),
        ])
    func wrong(text: String, line: Int, says: String) {
        let error = #expect(throws: DefinitionError.self) {
            _ = try ReportingZone("C/D", table: try ZoneTable(path: Self.path, bytes: Array(text.utf8)))
        }
        #expect(error?.line == line && error?.reason.contains(says) == true, "\(error.map(String.init(describing:)) ?? "")")
    }

    @Test("snapshots are of the zone's day; the captured table decides, also in a rebuild of the past")
    func snapshots() throws {
        var definitions = Lab.definitions
        definitions[Self.path] = String(decoding: try Self.bytes(), as: UTF8.self)
        let lab = try Lab(definitions: definitions, zone: "America/New_York")
        var expected: [Int64] = []
        for _ in 0..<8 {
            try lab.ingest(.up, observed: 1, "k,p,v\nA,2025-02-01,\(expected.count)\n")
            let seq = lab.completeRun()
            expected.append((lab.drafts[Int(seq) - 1].time.milliseconds - 5 * 3_600_000).flooredDay)
        }
        #expect(Set(expected).count > 1)
        try lab.append()
        _ = try lab.projector().project()
        func days() throws -> [Int64] {
            try Warehouse.Reader(lab.layout).queue.read { try Int64.fetchAll($0, sql: "SELECT day_no FROM kpi_snapshot ORDER BY seq") }
        }
        #expect(try days() == expected)
        #expect(difference(try lab.projector().digest(), try lab.projector().replay(into: lab.shadow("replay"))).isEmpty)

        // Another table: other days, by a rebuild that the next projection makes by itself.
        try lab.define(Self.path, "America/New_York\t0\t\n")
        try lab.append()
        _ = try lab.projector().project()
        #expect(try days() != expected)
        lab.add("definition/\(Self.path)", .definitionCaptured, ["path": .string(Self.path), "removed": true])
        try lab.append()
        let error = #expect(throws: SQLiteFailure.self) { _ = try lab.projector().project() }
        #expect(error?.description.contains("timezones.tsv") == true)
    }
}
