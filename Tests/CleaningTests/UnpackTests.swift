import Cleaning
import Testing

private let table = "Date,Video Views,Profile Views,Likes,Comments,Shares\n2025-01-01,1,1,1,1,1\n"

@Suite struct UnpackTests {
    private func code(_ bytes: [UInt8], _ stream: String = "tiktok/overview") throws -> String {
        do {
            _ = try unpack(bytes, contract(stream))
            return "accepted"
        } catch let error as CleaningError {
            #expect(error.remedy?.isEmpty == false, "\(error)")
            return error.code
        }
    }

    private func member(_ name: String = "Overview.csv", _ text: String = table) -> ZIPWriter.Member {
        ZIPWriter.Member(name: name, bytes: Array(text.utf8))
    }

    @Test(arguments: ["Overview.csv", "a/b/Overview.csv", "overview.CSV"], [true, false]) func honestArchives(_ name: String, deflate: Bool)
        throws
    {
        var wanted = member(name)
        wanted.deflate = deflate
        let extra = [member("a/", ""), member("__MACOSX/Overview.csv", "junk"), member("Viewers.csv", "other")]
        let (raw, report) = try unpack(
            ZIPWriter.write([extra[0], wanted, extra[1], extra[2]], comment: "hello"), contract("tiktok/overview"))
        #expect(raw == Array(table.utf8))
        #expect(report.member == name && report.encoding == "utf-8" && !report.isIdentity && report.bytesOut == raw.count)
    }

    @Test func archivesAreDecodedToo() throws {
        let latin = Array("Reporting Date\tñ\n".unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) })
        let (raw, report) = try unpack(ZIPWriter.write([.init(name: "x.tsv", bytes: latin)]), contract("distrokid/bank_details"))
        #expect(report.encoding == "windows-1252" && raw == Array("Reporting Date\tñ\n".utf8))
        let marked = try unpack(
            ZIPWriter.write([.init(name: "Overview.csv", bytes: [0xEF, 0xBB, 0xBF] + Array(table.utf8))]), contract("tiktok/overview"))
        #expect(marked.report.encoding == "utf-8-bom" && marked.raw == Array(table.utf8))
    }

    @Test func aLargeMemberComesOutWhole() throws {
        var random = SplitMix64(state: 3)
        var text = ""
        while text.utf8.count < 700_000 { text += "\(UInt64.random(in: 0...(.max), using: &random))\n" }
        for deflate in [true, false] {
            let zip = ZIPWriter.write([.init(name: "Overview.csv", bytes: Array(text.utf8), deflate: deflate)])
            #expect(try unpack(zip, contract("tiktok/overview")).raw == Array(text.utf8))
        }
    }

    @Test(arguments: ["../Overview.csv", "a/../../Overview.csv", "/Overview.csv", "a\\Overview.csv", "C:/Overview.csv"])
    func pathTricks(_ name: String) throws {
        #expect(try code(ZIPWriter.write([member(name)])) == "zip_path")
        #expect(try code(ZIPWriter.write([member(), member(name, "x")])) == "zip_path")
    }

    @Test func archivesThatAreRefused() throws {
        #expect(try code(ZIPWriter.write([member(), member("b/Overview.csv")])) == "zip_two_members")
        #expect(try code(ZIPWriter.write([member("Viewers.csv")])) == "zip_no_member")
        #expect(try code(ZIPWriter.write([])) == "zip_no_member")
        var odd = member()
        odd.encrypted = true
        #expect(try code(ZIPWriter.write([odd])) == "zip_encrypted")
        odd = member()
        odd.method = 12
        #expect(try code(ZIPWriter.write([odd])) == "zip_method")
        odd = member()
        odd.crc = 7
        #expect(try code(ZIPWriter.write([odd])) == "zip_damaged")
        odd = member()
        odd.localName = "Overvuew.csv"
        #expect(try code(ZIPWriter.write([odd])) == "zip_damaged")
        odd = member()
        odd.declared = table.utf8.count + 1
        #expect(try code(ZIPWriter.write([odd])) == "zip_damaged")
        #expect(try code(ZIPWriter.write([member()]), "spotify/audience") == "zip_unexpected")
    }

    @Test func bombs() throws {
        var bomb = member()
        bomb.bytes = Array(repeating: 48, count: 4 << 20)
        #expect(try code(ZIPWriter.write([bomb])) == "zip_bomb")
        // A member that lies about its size is stopped when it goes beyond it.
        bomb.declared = 1_000
        #expect(try code(ZIPWriter.write([bomb])) == "zip_bomb")
        bomb.declared = 0xFFFF_FFFF
        #expect(try code(ZIPWriter.write([bomb])) == "zip_bomb")
        let many = (0..<1_001).map { member("\($0)/Viewers.csv", "x") }
        #expect(try code(ZIPWriter.write(many + [member()])) == "zip_bomb")
    }

    @Test func everyTruncationIsNoticed() throws {
        let zip = ZIPWriter.write([member()])
        for length in 4..<zip.count {
            let found = try code(Array(zip[..<length]))
            #expect(found == "zip_damaged", "\(length)")
        }
    }

    /// Any flipped bit gives the right bytes or an error, never other bytes.
    @Test func everyBitFlipIsHarmless() throws {
        let contract = try contract("tiktok/overview")
        let zip = ZIPWriter.write([member()])
        for at in zip.indices.dropFirst(4) {
            for bit in 0..<8 {
                var flipped = zip
                flipped[at] ^= 1 << UInt8(bit)
                guard let raw = try? unpack(flipped, contract).raw else { continue }
                #expect(raw == Array(table.utf8), "byte \(at), bit \(bit)")
            }
        }
    }

    @Test(
        arguments: [
            ([0xFF, 0xFE, 0x41, 0x00], "utf_16"), ([0xFE, 0xFF, 0x00, 0x41], "utf_16"), ([0x41, 0x00, 0x42], "binary"), ([], "empty_file"),
            ([0x41, 0xC3], "not_utf_8"), ([0x41, 0xC0, 0x80], "not_utf_8"), ([0xED, 0xA0, 0x80], "not_utf_8"),
            ([0xF4, 0x90, 0x80, 0x80], "not_utf_8"),
            ([0xE0, 0x80, 0x80], "not_utf_8"), ([0xF0, 0x80, 0x80, 0x80], "not_utf_8"), ([0x80], "not_utf_8"), ([0xF5], "not_utf_8"),
            ([0xC3, 0xA9, 0xE2, 0x82, 0xAC, 0xF0, 0x9F, 0x8E, 0xB5, 0xED, 0x9F, 0xBF, 0xF4, 0x8F, 0xBF, 0xBF], "accepted"),
        ] as [([UInt8], String)]) func encodings(_ bytes: [UInt8], _ expected: String) throws
    {
        #expect(try code(bytes, "spotify/audience") == expected)
    }

    @Test func theStandardLibraryAgreesOnUTF8() throws {
        let contract = try contract("spotify/audience")
        var random = SplitMix64(state: 5)
        let starts: [UInt8] = [0x41, 0x7F, 0x80, 0xBF, 0xC1, 0xC2, 0xDF, 0xE0, 0xED, 0xEF, 0xF0, 0xF4, 0xF5, 0xA0, 0x9F, 0x90, 0x8F]
        for _ in 0..<4_000 {
            let bytes = (0..<Int.random(in: 1...12, using: &random)).map { _ in starts.randomElement(using: &random) ?? 0x41 }
            let accepted = (try? unpack(bytes, contract)) != nil
            #expect(accepted == (String(validating: bytes, as: UTF8.self) != nil), "\(bytes)")
        }
    }

    @Test func everyByteOfWindows1252HasAMeaning() throws {
        let contract = try contract("distrokid/bank_details")
        let bytes = [0xFF] + (UInt8(1)...255).map { $0 }
        let text = String(decoding: try unpack(bytes, contract).raw, as: UTF8.self)
        #expect(text.unicodeScalars.count == 256)
        #expect(text.contains("€") && text.contains("Ÿ") && text.contains("\u{81}") && text.contains("ÿ"))
    }

    @Test func aSourceThatShrinksIsNoticed() throws {
        let contract = try contract("spotify/audience")
        let source = ByteSource(count: 100) { _, _ in 0 }
        #expect(throws: CleaningError.self) { try Cleaner.unpack(source, under: contract) { _ in } }
    }
}

@Suite struct WholeFileTests {
    private func code(_ text: String, _ stream: String) throws -> CleaningError? {
        try clean(text, contract(stream)).error
    }

    @Test func filesThatAreHeldBack() throws {
        let spotify = "spotify/audience"
        #expect(try code("", spotify)?.code == "empty_file")
        #expect(try code("\n\n", spotify)?.code == "empty_file")
        let missing = try #require(try code("date,listeners,strems,followers\n2025-01-01,1,1,1\n", spotify))
        #expect(missing.code == "missing_column" && missing.column == "streams" && missing.line == 1)
        #expect(missing.remedy?.contains("'strems' looks alike") == true)
        #expect(try code("<!doctype html>\n<html>", spotify)?.code == "missing_column")
        #expect(try code("date,listeners,streams,Streams,followers\n", spotify)?.code == "duplicate_column")
        #expect(try code("date,listeners,streams,followers\n\"2025-01-01,1,1,1\n", spotify)?.code == "open_quote")
        #expect(try code("\"date,listeners", spotify)?.code == "open_quote")
        #expect(try code(String(repeating: "x", count: 70_000), spotify)?.code == "no_header")
        #expect(try code(String(repeating: ",", count: 2_000) + "\n", spotify)?.code == "too_many_columns")
        let long = "date,listeners,streams,followers\n" + String(repeating: "1", count: 1 << 21)
        let error = try #require(try code(long, spotify))
        #expect(error.code == "line_too_long" && error.line == 2 && error.byte == 33 && (error.value?.utf8.count ?? 0) <= 64)
        #expect(error.description.contains("line 2, byte 33"))
    }

    @Test func emptyTablesAreFine() throws {
        let outcome = try clean("\u{FEFF}\n\ndate,listeners,streams,followers\n\n", contract("spotify/audience"))
        let report = try #require(outcome.report)
        #expect(report.rowsIn == 0 && report.period == nil && report.partitions.isEmpty)
    }

    @Test func tooManyRejects() throws {
        let strict = try contract(
            yaml: """
                title: Strict
                names: [x.csv]
                account: ask
                columns: [{name: a, type: integer}]
                merge: append
                max_reject_permille: 500
                """)
        #expect(try clean("a\n1\nx\n", strict).report?.rejects == 1)
        #expect(try clean("a\n1\nx\ny\n", strict).error?.code == "too_many_rejects")
    }

    @Test func totalsThatOverflow() throws {
        let contract = try contract("distrokid/bank_details")
        let heading = contract.columns.filter { !$0.optional }.map(\.heading).joined(separator: "\t")
        let line = "2025-08-13\t2025-06\tS\tA\tT\t\t1\t1\t100\tSong\tUS\t0\t9000000000\n"
        #expect(try clean(heading + "\n" + line, contract).report?.partitions.first?.total == 9_000_000_000_000_000_000)
        #expect(try clean(heading + "\n" + line + line, contract).error?.code == "total_overflow")
    }

    @Test func wordsFlagsAndNulls() throws {
        let contract = try contract(
            yaml: """
                title: Words
                names: [x.csv]
                account: ask
                format: {delimiters: [semicolon, comma]}
                columns:
                  - {name: kind, type: text, values: [song, album], nulls: ["-"], required: true}
                  - {name: note, type: text, nulls: [n/a]}
                  - {name: sold, type: flag, nulls: ["?"]}
                  - {name: rate, type: decimal, nulls: [undefined], thousands: ","}
                  - {name: month, type: month, nulls: [never]}
                  - {name: day, type: day, nulls: [never]}
                merge: {replace_partition: number}
                """.replacing("merge: {replace_partition: number}", with: "merge: append"))
        let outcome = try clean(
            """
            kind;note;sold;rate;month;day
            song;n/a;YES;1,234.5; 2025-01;2025-01-01 
            album;a,b;no;undefined;never;never
            -;x;1;1;2025-01;2025-01-01
            tune;x;1;1;2025-01;2025-01-01
            song;x;maybe;1;2025-01;2025-01-01
            song;x;?; ;2025-1;2025-01-01
            song;x;0; ;;2025-1-1

            """, contract)
        #expect(String(decoding: outcome.sink.csv, as: UTF8.self) == "song,,1,1234.5,2025-01,2025-01-01\nalbum,\"a,b\",0,,,\n")
        #expect(outcome.sink.rejects.map(\.reason) == ["missing", "not_in_list", "not_a_flag", "not_a_month", "not_a_day"])
        #expect(outcome.sink.rejects.map(\.expected)[1] == "song or album")
    }

    @Test func everyCharacterOfAnISRCCounts() throws {
        let contract = try contract(
            yaml: """
                title: Codes
                names: [x.csv]
                account: ask
                columns: [{name: isrc, type: text, form: isrc}, {name: n, type: integer}]
                merge: append
                """)
        func accepted(_ code: [UInt8]) throws -> Bool {
            try clean("isrc,n\n\(String(decoding: code, as: UTF8.self)),1\n", contract).report?.rowsOut == 1
        }
        let good = Array("QZAB12400001".utf8)
        #expect(try accepted(good) && accepted(Array("US1239999999".utf8)))
        for place in good.indices {
            for (byte, letter, digit) in [("A", true, false), ("Z", true, false), ("0", false, true), ("9", false, true)] {
                var code = good
                code[place] = byte.utf8.first ?? 0
                #expect(try accepted(code) == (place < 2 ? letter : place < 5 ? true : digit))
            }
            for byte in ["a", "@", "[", "/", ":", " ", "-"] {
                var code = good
                code[place] = byte.utf8.first ?? 0
                #expect(try !accepted(code), "\(byte) at \(place)")
            }
        }
        #expect(try !accepted(Array(good.dropLast())) && !accepted(good + [48]))
    }

    @Test func partitionsOfEveryType() throws {
        for (type, values, labels) in [
            ("month", ["2025-02", "2025-01", "2025-02"], ["2025-01", "2025-02"]), ("integer", ["10", "9", "10"], ["9", "10"]),
        ] {
            let contract = try contract(
                yaml: """
                    title: Parts
                    names: [x.csv]
                    account: ask
                    columns: [{name: part, type: \(type), required: true}, {name: n, type: integer}]
                    merge: {replace_partition: part, guard: {total: n}}
                    \(type == "month" ? "period: part" : "")
                    """)
            let report = try #require(try clean("part,n\n\(values[0]),1\n\(values[1]),2\n\(values[2]),x\n\(values[2]),\n", contract).report)
            #expect(report.partitions.map(\.label) == labels)
            #expect(report.partitions.map(\.rows) == [1, 2] && report.partitions.map(\.rejects) == [0, 1])
            #expect(report.partitions.map(\.total) == [2, 1])
            if type == "month" {
                #expect(
                    report.period.map { CalendarDay.text(day: $0.lowerBound) + " " + CalendarDay.text(day: $0.upperBound) }
                        == "2025-01-01 2025-02-28")
            }
        }
    }
}

@Suite struct BenchTests {
    @Test func theBenchCleansEveryLine() {
        let figures = Dictionary(uniqueKeysWithValues: CleanBench.run(megabytes: 1).map { ($0.name, $0.value) })
        #expect(figures["lines"] ?? 0 > 5_000)
        #expect(figures["lines"] == figures["rows"])
    }
}

@Suite struct RecognizerTests {
    private func recognizer() throws -> Recognizer {
        try Recognizer(contracts: ["distrokid/bank_details", "spotify/audience", "tiktok/overview"].map { try contract($0) })
    }

    private func describe(_ recognition: Recognition) -> String {
        switch recognition {
        case .match(let found): found.map { "\($0.contract.stream) \($0.name.account ?? "?")" }.joined(separator: " + ")
        case .ambiguous(let contracts): "ambiguous " + contracts.map(\.stream).joined(separator: " ")
        case .none(let closest): "none " + closest.map { "\($0.contract.stream): \($0.reason)" }.joined(separator: "; ")
        }
    }

    @Test(arguments: [
        ("spotify_audience_abc_20250101_060000.csv", "date,listeners,streams,followers\n", "spotify/audience abc"),
        ("download.csv", "\u{FEFF}date,listeners,streams,followers\n", "spotify/audience ?"),
        ("download.csv", "\"Date\",\"Video Views\",\"Profile Views\",\"Likes\",\"Comments\",\"Shares\"\r\n", "tiktok/overview ?"),
        // The name alone: the cleaner will say what is wrong inside.
        ("spotify_audience_abc_20250101_060000.csv", "date,listeners\n", "spotify/audience abc"),
        // The name and the headings contradict each other.
        (
            "spotify_audience_abc_20250101_060000.csv", "Date,Video Views,Profile Views,Likes,Comments,Shares\n",
            "ambiguous spotify/audience tiktok/overview"
        ),
        ("x.csv", "song,listeners,streams,saves,release_date\n", "none spotify/audience: no column is headed 'date', 'followers'"),
        ("x.csv", "", "none distrokid/bank_details: the file is empty"),
        ("x.csv", "\0\0\0\n", "none distrokid/bank_details: the file is no text"),
    ]) func filesAreRecognised(_ name: String, _ head: String, _ expected: String) throws {
        let found = describe(try recognizer().recognise(fileName: name, head: Array(head.utf8)))
        #expect(found.hasPrefix(expected), "\(found)")
    }

    @Test func archivesAreRecognised() throws {
        let zip = ZIPWriter.write([.init(name: "x/", bytes: [], deflate: false), .init(name: "x/Overview.csv", bytes: Array(table.utf8))])
        #expect(describe(try recognizer().recognise(fileName: "export.zip", head: zip)) == "tiktok/overview ?")
        #expect(describe(try recognizer().recognise(fileName: "export.zip", head: Array(zip.prefix(160)))) == "tiktok/overview ?")
        let other = ZIPWriter.write([.init(name: "photo.jpg", bytes: [1, 2, 3])])
        #expect(describe(try recognizer().recognise(fileName: "export.zip", head: other)).hasPrefix("none"))
        #expect(describe(try recognizer().recognise(fileName: "export.zip", head: Array(zip.prefix(20)))).contains("cannot be read"))
        let named = "Overview_2024-05-28_1748368733_zone.a0.zip"
        #expect(describe(try recognizer().recognise(fileName: named, head: zip)) == "tiktok/overview zone.a0")
    }

    @Test func twoContractsForOneFile() throws {
        let twice = try Recognizer(contracts: [contract("spotify/audience"), contract("tiktok/overview")].flatMap { [$0, $0] })
        #expect(describe(twice.recognise(fileName: "x.csv", head: Array("date,listeners,streams,followers\n".utf8))).hasPrefix("ambiguous"))
    }
}
