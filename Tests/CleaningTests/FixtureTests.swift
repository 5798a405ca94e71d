import Cleaning
import Foundation
import Testing

/// One made-up landing file and what is known of it.
///
/// Beside the list below, every folder `Fixtures/input/<service>/<dataset>` has a `cases.txt` with a line a file:
///
///     <file> | <name it arrives under> | downloaded=2025-01-02 observed=2025-01-02 account=someone same=<file> error=<code> recognised=no
///
/// The third part is optional. `same`: the typed rows are those of that sibling. `error`: the file is held back with that code.
/// `recognised=no`: name and inside do not tell the dataset alone.
struct Fixture: CustomTestStringConvertible, Sendable {
    var file: String
    var stream: String
    var name: String
    var downloadedOn: String?
    var observed: String?
    var account: String?
    var same: String?
    var error: String?
    var isRecognised = true
    var testDescription: String { file }

    func landing() throws -> [UInt8] {
        let folder = try #require(Bundle.module.resourceURL)
        return try Array(Data(contentsOf: folder.appending(path: "Fixtures/input/\(file)")))
    }

    func prepare() throws -> (contract: Contract, facts: CaptureFacts, raw: [UInt8]) {
        let contract = try contract(stream)
        var facts = facts(name, contract, downloadedOn: downloadedOn)
        if let account { facts.account = account }
        if let day = observed.flatMap({ CalendarDay.day($0) }) {
            facts.observedDay = day
            facts.observedBasis = "declared"
        } else if let moment = contract.match(fileName: name)?.capturedAt {
            facts.observedDay = CalendarDay.day(unixSeconds: moment / 1_000)
            facts.observedBasis = "name"
        }
        return (contract, facts, try unpack(landing(), contract).raw)
    }

    /// What the `cases.txt` files list.
    static func found() throws -> [Fixture] {
        let input = checkout.appending(path: "Tests/CleaningTests/Fixtures/input")
        var fixtures: [Fixture] = []
        let list = FileManager.default.enumerator(atPath: input.path())?.compactMap { $0 as? String } ?? []
        for path in list.sorted() where path.hasSuffix("/cases.txt") {
            let folder = String(path.dropLast("/cases.txt".count))
            for line in try String(contentsOf: input.appending(path: path), encoding: .utf8).split(separator: "\n") {
                let parts = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
                guard !line.hasPrefix("#"), parts.count >= 2 else { continue }
                var fixture = Fixture(file: "\(folder)/\(parts[0])", stream: folder, name: parts[1])
                for option in parts.dropFirst(2).joined(separator: " ").split(separator: " ") {
                    let pair = option.split(separator: "=", maxSplits: 1).map(String.init)
                    switch pair[0] {
                    case "downloaded": fixture.downloadedOn = pair[1]
                    case "observed": fixture.observed = pair[1]
                    case "account": fixture.account = pair[1]
                    case "same": fixture.same = "\(folder)/\(pair[1])"
                    case "error": fixture.error = pair[1]
                    case "recognised": fixture.isRecognised = pair[1] != "no"
                    default: throw CocoaError(.formatting, userInfo: ["file": path, "option": String(option)])
                    }
                }
                fixtures.append(fixture)
            }
        }
        return fixtures
    }

    /// Fixtures that give rows.
    static let clean = all.filter { $0.error == nil }
    static let all: [Fixture] =
        [
            "distrokid_13_lf.tsv", "distrokid_13_no_final_newline.tsv", "distrokid_13_cr.tsv", "distrokid_13_crlf_bom.tsv",
            "distrokid_13_latin1.tsv", "distrokid_13_rejects.tsv", "distrokid_13_rounding.tsv", "distrokid_15.tsv",
            "distrokid_15_song_album.tsv", "distrokid_15_quoted.csv", "distrokid_13_quoted_crlf.csv", "distrokid_13_bad_quotes.csv",
            "distrokid_13_quoted.tsv", "distrokid_extra_column.tsv", "distrokid_isrc_spellings.tsv",
        ].map { Fixture(file: $0, stream: "distrokid/bank_details", name: "dk_bank_details_20251016_060000.tsv") }
        + ["spotify_4.csv", "spotify_6.csv", "spotify_8.csv", "spotify_9.csv", "spotify_rejects.csv"].map {
            Fixture(file: $0, stream: "spotify/audience", name: "spotify_audience_0a1b2c3d4e5f6g7h8i9j0k_20250109_060000.csv")
        }
        + [
            Fixture(file: "tiktok_new_year.csv", stream: "tiktok/overview", name: "Overview_2024-12-30_1735905600_zone.a0.csv"),
            Fixture(file: "tiktok_spanish.csv", stream: "tiktok/overview", name: "Overview.csv", downloadedOn: "2025-03-10"),
            Fixture(file: "tiktok_leap.csv", stream: "tiktok/overview", name: "Overview_2024-02-27_1709300000_pig1987.csv"),
            Fixture(file: "tiktok_iso.csv", stream: "tiktok/overview", name: "anything.csv", downloadedOn: "2025-05-27"),
            Fixture(file: "tiktok_rejects.csv", stream: "tiktok/overview", name: "x.csv", downloadedOn: "2025-05-28"),
        ] + ((try? found()) ?? [])
}

@Suite struct FixtureTests {
    /// The staging file of each fixture, and the report with the rejects. `RECORD_GOLDEN=1` writes them anew: then look at the difference,
    /// and raise `Cleaner.revision` if rows changed.
    @Test(arguments: Fixture.clean) func golden(_ fixture: Fixture) throws {
        let (contract, facts, raw) = try fixture.prepare()
        let outcome = try clean([raw[...]], contract, facts)
        let report = try #require(outcome.report, "\(String(describing: outcome.error))")
        var rejects: [UInt8] = []
        for reject in outcome.sink.rejects { RejectNDJSON.append(reject, to: &rejects) }
        let made = [
            "csv": StagingCSV.header(contract) + outcome.sink.csv, "report.txt": Array(describe(report, outcome.sink).utf8) + rejects,
        ]
        for (kind, bytes) in made.sorted(by: { $0.key < $1.key }) {
            let path = "Fixtures/golden/\(fixture.file).\(kind)"
            if ProcessInfo.processInfo.environment["RECORD_GOLDEN"] == "1" {
                let target = URL(filePath: #filePath).deletingLastPathComponent().appending(path: path)
                try FileManager.default.createDirectory(at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
                try Data(bytes).write(to: target)
            } else {
                let folder = try #require(Bundle.module.resourceURL)
                let expected = try Data(contentsOf: folder.appending(path: path))
                #expect(String(decoding: bytes, as: UTF8.self) == String(decoding: expected, as: UTF8.self), "\(path)")
            }
        }
    }

    @Test(arguments: try Fixture.found()) func theDatasetIsRecognised(_ fixture: Fixture) throws {
        let landing = try fixture.landing()
        let found = try Recognizer(contracts: allContracts()).recognise(fileName: fixture.name, source: ByteSource(landing))
        if case .match(let matches) = found {
            #expect(matches.contains { $0.contract.stream == fixture.stream } || !fixture.isRecognised, "\(matches.map(\.contract.stream))")
        } else {
            #expect(!fixture.isRecognised, "\(found)")
        }
    }

    @Test(arguments: try Fixture.found().filter { $0.same != nil }) func siblingsGiveTheSameRows(_ fixture: Fixture) throws {
        let other = try #require(Fixture.all.first { $0.file == fixture.same })
        func cells(_ fixture: Fixture) throws -> [String] {
            let (contract, facts, raw) = try fixture.prepare()
            return try clean([raw[...]], contract, facts).sink.cells
        }
        #expect(try cells(fixture) == cells(other))
    }

    @Test(arguments: Fixture.all.filter { $0.error != nil }) func brokenFilesAreHeldBack(_ fixture: Fixture) throws {
        var code: String?
        do {
            let (contract, facts, raw) = try fixture.prepare()
            code = try clean([raw[...]], contract, facts).error?.code
        } catch let error as CleaningError {
            code = error.code
        }
        #expect(code == fixture.error)
    }

    /// One line a revision: what all fixtures came to under it. Recording adds a line for a new revision and never changes one, so an
    /// output that changed without a new `Cleaner.revision` fails whatever is recorded.
    @Test func aChangedOutputNeedsANewRevision() throws {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for fixture in Fixture.clean {
            let (contract, facts, raw) = try fixture.prepare()
            let outcome = try clean([raw[...]], contract, facts)
            for byte in StagingCSV.header(contract) + outcome.sink.csv { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        }
        let name = "Fixtures/golden/revisions.txt"
        let made = "\(Cleaner.revision) \(Fixture.clean.count) \(String(hash, radix: 16))"
        let source = URL(filePath: #filePath).deletingLastPathComponent().appending(path: name)
        let recorded = ((try? String(contentsOf: source, encoding: .utf8)) ?? "").split(separator: "\n").map(String.init)
        // More fixtures under one revision are a line of their own.
        let mine = recorded.filter { $0.hasPrefix("\(Cleaner.revision) \(Fixture.clean.count) ") }
        if mine.isEmpty, ProcessInfo.processInfo.environment["RECORD_GOLDEN"] == "1" {
            try Data((recorded + [made]).map { $0 + "\n" }.joined().utf8).write(to: source)
        } else {
            #expect(mine == [made], "the staging output changed: raise Cleaner.revision, then RECORD_GOLDEN=1")
        }
    }

    @Test(arguments: Fixture.clean) func sameRowsWhereverTheBytesAreCut(_ fixture: Fixture) throws {
        let (contract, facts, raw) = try fixture.prepare()
        let whole = try clean([raw[...]], contract, facts)
        #expect(whole.report != nil)
        for cut in 0...raw.count {
            let parts = try clean([raw[..<cut], raw[cut...]], contract, facts)
            guard parts == whole else {
                Issue.record("cut at \(cut) changes the result")
                return
            }
        }
        #expect(try clean(raw.indices.map { raw[$0...$0] }, contract, facts) == whole)
    }

    @Test(arguments: Fixture.clean, [1, 2, 3, 7]) func sameRowsWhateverTheBatch(_ fixture: Fixture, batchRows: Int) throws {
        let (contract, facts, raw) = try fixture.prepare()
        let small = try clean([raw[...]], contract, facts, batchRows: batchRows)
        #expect(try clean([raw[...]], contract, facts) == small)
        #expect(small.sink.largestBatch <= batchRows)
    }

    @Test(arguments: [
        "distrokid_13_no_final_newline.tsv", "distrokid_13_cr.tsv", "distrokid_13_crlf_bom.tsv", "distrokid_13_quoted.tsv",
    ]) func formsOfOneTableGiveTheSameRows(_ file: String) throws {
        func rows(_ file: String) throws -> Outcome {
            let fixture = try #require(Fixture.all.first { $0.file == file })
            let (contract, facts, raw) = try fixture.prepare()
            return try clean([raw[...]], contract, facts)
        }
        #expect(try rows(file).sink == rows("distrokid_13_lf.tsv").sink)
        #expect(try rows(file).report?.partitions == rows("distrokid_13_lf.tsv").report?.partitions)
    }

    @Test func rawBytesAreTouchedOnlyWhereTheyMustBe() throws {
        let contract = try contract("distrokid/bank_details")
        for (file, encoding) in [
            ("distrokid_13_lf.tsv", "utf-8"), ("distrokid_13_crlf_bom.tsv", "utf-8-bom"), ("distrokid_13_latin1.tsv", "windows-1252"),
        ] {
            let landing = try Fixture(file: file, stream: contract.stream, name: file).landing()
            let (raw, report) = try unpack(landing, contract)
            #expect(report.encoding == encoding)
            #expect(report.isIdentity == (encoding == "utf-8"))
            #expect(report.bytesOut == raw.count)
            if encoding == "utf-8-bom" { #expect(raw == Array(landing.dropFirst(3))) }
            if encoding == "windows-1252" { #expect(String(decoding: raw, as: UTF8.self).contains("Björn's “Häus”\tNight – €")) }
        }
    }

    /// Damaged files: any outcome is allowed but a crash, and it must not depend on how the bytes came.
    @Test(arguments: 0..<40) func mutatedFilesNeverDependOnTheirPieces(_ seed: UInt64) throws {
        var random = SplitMix64(state: seed)
        let fixture = try #require(Fixture.clean.randomElement(using: &random))
        let (contract, facts, original) = try fixture.prepare()
        let spice: [UInt8] = [10, 13, 9, 34, 44, 0, 45, 46, 48, 57, 0xC3, 0xFF, 32]
        for _ in 0..<20 {
            var raw = original
            for _ in 0..<Int.random(in: 1...6, using: &random) where !raw.isEmpty {
                let at = Int.random(in: 0..<raw.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: raw[at] = spice.randomElement(using: &random) ?? 0
                case 1: raw.insert(spice.randomElement(using: &random) ?? 0, at: at)
                default: raw.removeSubrange(at..<min(raw.count, at + Int.random(in: 1...20, using: &random)))
                }
            }
            var pieces: [ArraySlice<UInt8>] = []
            var at = 0
            while at < raw.count {
                let end = min(raw.count, at + Int.random(in: 1...97, using: &random))
                pieces.append(raw[at..<end])
                at = end
            }
            let whole = try clean([raw[...]], contract, facts)
            let parts = try clean(pieces, contract, facts, batchRows: Int.random(in: 1...5, using: &random))
            guard parts == whole else {
                Issue.record("seed \(seed), \(fixture.file): \(String(describing: whole.error)) and \(String(describing: parts.error))")
                return
            }
            if let report = whole.report {
                #expect(report.rowsIn == report.rowsOut + report.rejects)
                #expect(report.rowsOut == whole.sink.lines.count && report.rejects == whole.sink.rejects.count)
                #expect(whole.sink.rejects.allSatisfy { $0.byteOffset >= 0 && $0.byteOffset <= raw.count })
            }
        }
    }

    /// A file larger than every buffer, in every form, with long and short lines.
    @Test(arguments: [("\t", "\n", false), ("\t", "\r\n", false), (",", "\n", true), (",", "\r", true)])
    func largeFiles(_ form: (delimiter: String, lineEnd: String, quoted: Bool)) throws {
        let contract = try contract("distrokid/bank_details")
        var random = SplitMix64(state: 11)
        let quote = form.quoted ? "\"" : ""
        func line(_ fields: [String]) -> String {
            fields.map { quote + $0 + quote }.joined(separator: form.delimiter) + form.lineEnd
        }
        var text = line(contract.columns.filter { !$0.optional }.map(\.heading))
        var total: Int64 = 0
        var offsets: [Int: Int64] = [:]
        for row in 0..<9_000 {
            let nano = Int64.random(in: -5_000_000_000...5_000_000_000, using: &random)
            total += row % 100 == 99 ? 0 : nano
            let fraction = String(1_000_000_000 + nano.magnitude % 1_000_000_000).dropFirst()
            let amount = "\(nano < 0 ? "-" : "")\(nano.magnitude / 1_000_000_000).\(fraction)"
            let title = String(repeating: "long ", count: row % 300 == 7 ? 9_000 : 1)
            if row % 100 == 99 { offsets[row] = Int64(text.utf8.count) }
            text += line([
                "2025-08-1\(row % 10)", row % 100 == 99 ? "2025-6" : "2025-06", "Store \(row % 7)", "A", title, "QZABC2400001", "1",
                "\(row)", "100", "Song", "US", "0", amount,
            ])
        }
        let bytes = Array(text.utf8)
        let outcome = try clean([bytes[...]], contract, CaptureFacts(fileName: "x"), batchRows: 1_000)
        let report = try #require(outcome.report)
        #expect(report.rowsOut == 8_910 && report.rejects == 90)
        #expect(report.partitions.reduce(0) { $0 + $1.total } == total)
        #expect(report.partitions.map(\.rejects) == [0, 0, 0, 0, 0, 0, 0, 0, 0, 90])
        #expect(report.rejectedByReason == ["not_a_month": 90])
        let skip = Int64(form.quoted ? 14 : 11)
        #expect(outcome.sink.rejects.map(\.byteOffset) == offsets.sorted { $0.key < $1.key }.map { $0.value + skip })
        #expect(outcome.sink.lines.first == 2 && outcome.sink.lines.last == 9_000)
        let pieces = stride(from: 0, to: bytes.count, by: 10_007).map { bytes[$0..<min(bytes.count, $0 + 10_007)] }
        #expect(try clean(pieces, contract, CaptureFacts(fileName: "x"), batchRows: 77) == outcome)
    }

    private func describe(_ report: CleaningReport, _ sink: Collector) -> String {
        var text = """
            in \(report.rowsIn), out \(report.rowsOut), rejects \(report.rejects), rounded \(report.roundedCount)
            period \(report.period.map { "\(CalendarDay.text(day: $0.lowerBound)) to \(CalendarDay.text(day: $0.upperBound))" } ?? "none")
            headings \(report.headings.joined(separator: " | "))
            new \(report.newColumns.joined(separator: " | "))
            missing \(report.missingOptional.joined(separator: " | "))
            last day partial \(report.lastDayPartial), years by \(report.yearProof ?? "none")
            digest \(String(report.digest, radix: 16))

            """
        if report.skipped > 0 { text += "skipped \(report.skipped)\n" }
        for (rule, count) in report.warnings.sorted(by: { $0.key < $1.key }) { text += "warned \(rule): \(count)\n" }
        for (column, count) in report.unmapped.sorted(by: { $0.key < $1.key }) { text += "unmapped \(column) \(count)\n" }
        for (reason, count) in report.rejectedByReason.sorted(by: { $0.key < $1.key }) { text += "rejected \(reason) \(count)\n" }
        for part in report.partitions {
            text += "partition \(part.label): rows \(part.rows), rejects \(part.rejects), total \(part.total), "
            text += "digest \(String(part.digest, radix: 16))\n"
        }
        for (line, hash) in zip(sink.lines, sink.hashes) { text += "line \(line) hash \(String(hash, radix: 16))\n" }
        return text
    }
}
