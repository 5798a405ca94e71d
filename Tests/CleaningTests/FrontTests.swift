import Cleaning
import Foundation
import Testing

/// The parts of the contract language that bring a source's cells into plain form.
@Suite struct FrontTests {
    private func table(_ columns: String, format: String = "{}", more: String = "") throws -> Contract {
        try contract(
            yaml: """
                title: Made up
                names: ["x_<window>_<captured_at>.csv", "x.csv"]
                account: ask
                format: \(format)
                columns:
                \(columns.split(separator: "\n").map { "  - {\($0)}" }.joined(separator: "\n"))
                merge: append
                \(more)
                """)
    }

    /// The staged cells of one column over one row, or the reject's reason.
    private func one(_ column: String, _ cell: String) throws -> String {
        let contract = try table("name: n, type: integer\n\(column)", more: "rules: [{check: n >= 0}]")
        let quoted = cell.replacing("\"", with: "\"\"")
        let outcome = try clean("n,c\n1,\"\(quoted)\"\n", contract)
        if let reject = outcome.sink.rejects.first { return "\(reject.reason) '\(reject.value)'" }
        return try String(#require(String(decoding: outcome.sink.csv, as: UTF8.self).split(separator: "\n").first).dropFirst(2))
    }

    @Test(arguments: [
        ("type: integer, thousands: ','", "1,234", "1234"), ("type: integer", "5.0", "5"), ("type: integer", "1e3", "1000"),
        ("type: integer", "1.5", "not_an_integer '1.5'"), ("type: integer", "12e-1", "not_an_integer '12e-1'"),
        ("type: decimal, percent: true", "2.10%", "0.021"), ("type: decimal, percent: true", "2.1", "0.021"),
        ("type: decimal, percent: sign", "61%", "0.61"), ("type: decimal, percent: sign", "0.55", "0.55"),
        ("type: decimal, percent: sign", "1.5 %", "0.015"), ("type: decimal, percent: sign", "1", "1"),
        ("type: decimal, percent: true", "0 %", "0"), ("type: decimal, percent: true", "x%", "not_a_number 'x%'"),
        ("type: money, currency: USD, symbols: ['$'], thousands: ','", "$1,234.56", "1234.56"),
        ("type: money, currency: USD, symbols: ['$'], negative: true", "-$0.50", "-0.5"),
        ("type: money, currency: USD, symbols: ['$'], negative: true", "($12.00)", "-12"),
        ("type: money, currency: USD, symbols: ['$']", "$-1", "negative '$-1'"),
        ("type: money, currency: EUR, symbols: ['€'], decimal_mark: ',', thousands: '.'", "1.234,56 €", "1234.56"),
        ("type: money, currency: EUR, decimal_mark: ','", "0,000183040000", "0.00018304"),
        ("type: money, currency: USD, divide: 100", "1999", "19.99"), ("type: integer, divide: 1000", "2000", "2"),
        ("type: integer, form: duration", "0:04:34", "274"), ("type: integer, form: duration", "PT3M20S", "200"),
        ("type: integer, form: duration", "P1DT1S", "86401"), ("type: integer, form: duration", "59", "59"),
        ("type: integer, form: duration", "1:75", "not_an_integer '1:75'"),
        ("type: day, dates: ['Mon D, YYYY']", "Aug 28, 2025", "2025-08-28"),
        ("type: day, dates: ['D. Mon YYYY']", "3. März 2025", "2025-03-03"),
        ("type: day, dates: ['MM/DD/YYYY']", "02/30/2025", "not_a_day '02/30/2025'"),
        ("type: day", "2025-05-22T12:53:00+00:00", "2025-05-22"),
        ("type: day, shift_days: -1", "2025-03-01T08:00:00+0000", "2025-02-28"), ("type: month, dates: ['MM-YYYY']", "05-2025", "2025-05"),
        ("type: text, members: {ACTIVE: active, Paused: paused}", "active", "active"),
        ("type: text, members: {ACTIVE: active, Paused: paused}", "DELETED", "unmapped"),
        ("type: text, members: {ACTIVE: active, '*': other}", "DELETED", "other"),
        ("type: text, members: {'*': series}, default: total", "", "total"),
        ("type: text, default: all", "", "all"), ("type: text, members: {a: b}", "", ""), ("type: flag", "True", "1"),
        ("type: text, personal: people", "p1:people:k1:00ff", "p1:people:k1:00ff"),
    ]) func cellsBecomePlain(_ column: String, _ cell: String, _ expected: String) throws {
        #expect(try one("name: c, \(column)", cell) == expected)
    }

    @Test(arguments: [
        ("0.55", "22", "40", "0.55"), ("55", "22", "40", "0.55"), ("0.9", "1", "110", "0.009"), ("0.009", "1", "110", "0.009"),
        ("1", "40", "40", "1"), ("1", "1", "100", "0.01"), ("12%", "1", "8", "0.12"), ("0", "0", "9", "0"), ("0.5", "0", "0", ""),
        ("1.2", "6", "5", "1.2"), ("120", "6", "5", "1.2"), ("55", "0", "0", "0.55"),
    ]) func aRateIsToldFromAPercent(_ rate: String, _ part: String, _ whole: String, _ expected: String) throws {
        let contract = try table(
            "name: rate, type: decimal, rate_of: [clicks, views]\nname: clicks, type: integer\nname: views, type: integer")
        let outcome = try clean("rate,clicks,views\n\(rate),\(part),\(whole)\n", contract)
        #expect(String(decoding: outcome.sink.csv, as: UTF8.self) == "\(expected),\(part),\(whole)\n")
    }

    @Test func aPersonalValueInTheClearIsRefused() throws {
        let contract = try table("name: mail, type: text, personal: people")
        #expect(try clean("mail\nx@example.org\n", contract).error?.code == "not_pseudonymised")
    }

    @Test func rulesWarnRejectAndQuarantine() throws {
        func run(_ severity: String) throws -> Outcome {
            let contract = try table(
                "name: a, type: integer\nname: b, type: integer", more: "rules: [{check: a <= b, severity: \(severity), name: order}]")
            return try clean("a,b\n1,2\n3,2\n,2\n2,2\n", contract)
        }
        let warned = try run("warn")
        #expect(warned.report?.rowsOut == 4 && warned.report?.warnings == ["order": 1])
        let rejected = try run("reject")
        #expect(rejected.report?.rejectedByReason == ["rule": 1])
        #expect(rejected.sink.rejects.map { "\($0.line) \($0.byteOffset) \($0.column) \($0.value) \($0.expected)" } == ["3 8 a 3 a <= b"])
        #expect(try run("quarantine").error?.code == "rule_broken")
    }

    @Test func preamblesTotalsAndHeadingsWithHoles() throws {
        let contract = try table(
            """
            name: metric, type: text, from: preamble
            name: currency, type: text, from: heading.currency
            name: window, type: text, from: name.window
            name: as_of, type: day, from: observed_day
            name: who, type: text, from: account
            name: campaign, heading: Campaign name, type: text
            name: spend, heading: "Amount spent (<currency>)", type: money, currency: currency, thousands: ','
            """, format: "{preamble: 3, skip_when: {campaign: ['', Total]}}", more: "ignore: [Ends]")
        let facts = CaptureFacts(
            fileName: "x_7day_20250101_060000.csv", account: "me", fields: ["window": "7day"], observedDay: 20_089, observedBasis: "name")
        let text =
            "sep=,\r\n\"Views\"\r\n\"Campaign name\",\"Amount spent (GBP)\",Ends\r\n\"A, B\",\"1,000.5\",x\r\n,9,\r\ntotal,9,\r\n,,\r\n"
        let outcome = try clean([Array(text.utf8)[...]], contract, facts)
        #expect(String(decoding: outcome.sink.csv, as: UTF8.self) == "Views,GBP,7day,2025-01-01,me,\"A, B\",1000.5\n")
        #expect(outcome.report?.skipped == 2 && outcome.report?.newColumns == [] && outcome.sink.lines == [4])
        for cut in 0...text.utf8.count {
            let bytes = Array(text.utf8)
            #expect(try clean([bytes[..<cut], bytes[cut...]], contract, facts) == outcome, "cut at \(cut)")
        }
    }

    @Test func totalsAreToldByTheColumnsThatAreThere() throws {
        let contract = try table(
            "name: a, type: text, required: true, optional: true, default: all\nname: n, type: integer", format: "{skip_when: {a: ['']}}")
        let outcome = try clean("a,n\nx,1\n,2\n", contract)
        #expect(String(decoding: outcome.sink.csv, as: UTF8.self) == "x,1\n" && outcome.report?.skipped == 1)
        #expect(String(decoding: try clean("n\n1\n2\n", contract).sink.csv, as: UTF8.self) == "all,1\nall,2\n")
    }

    @Test func theFirstUnknownHeadingIsTheDimension() throws {
        let contract = try table(
            "name: kind, type: text, from: heading.kind\nname: member, heading: <kind>, type: text\nname: views, type: integer")
        let outcome = try clean("Views,Geography,Other\n3,DE,x\n", contract)
        #expect(String(decoding: outcome.sink.csv, as: UTF8.self) == "Geography,DE,3\n")
        #expect(outcome.report?.newColumns == ["Other"])
    }

    @Test func aCellCanHoldJSON() throws {
        let contract = try table(
            "name: events, type: text\nname: clicks, type: integer, from: column.events, path: Click\nname: n, type: integer")
        let outcome = try clean("events,n\n\"{\"\"Click\"\": 7}\",1\n{},2\n,3\n{oops,4\n", contract)
        #expect(
            String(decoding: outcome.sink.csv, as: UTF8.self) == "\"{\"\"Click\"\": 7}\",7,1\n{},,2\n,,3\n"
                && outcome.sink.rejects.map(\.reason) == ["not_json"])
    }

    @Test func aPathCanHaveSomethingInItsPlace() throws {
        let contract = try contract(
            yaml: """
                title: Made up
                names: [x.json]
                account: ask
                format: {kind: json, records: ["[]"]}
                columns:
                  - {name: day, path: end, from: observed_day, type: day, required: true, shift_days: -1}
                merge: {upsert: [day]}
                """)
        let (raw, _) = try unpack(Array(#"[{"end":"2025-03-01T08:00:00+0000"},{"v":1}]"#.utf8), contract)
        let facts = CaptureFacts(fileName: "x.json", observedDay: CalendarDay.day("2025-03-09"))
        #expect(String(decoding: try clean([raw[...]], contract, facts).sink.csv, as: UTF8.self) == "2025-02-28\n2025-03-09\n")
    }

    @Test func aFrozenContractRefusesWhatIsNew() throws {
        let contract = try table("name: a, type: integer", more: "freeze: true\nrules: [{check: a >= 0}]")
        #expect(try clean("a\n1\n", contract).report?.rowsOut == 1)
        let error = try clean("a,b\n1,2\n", contract).error
        #expect(error?.code == "frozen" && error?.value == "b")
    }

    @Test func lateZerosAreNotReported() throws {
        let contract = try table(
            "name: day, type: day, required: true\nname: n, type: integer, trailing_zeros: missing",
            more: "period: day\nreporting_lag_days: 3")
        let outcome = try clean("day,n\n2025-01-01,0\n2025-01-02,5\n2025-01-03,0\n2025-01-05,0\n2025-01-04,\n", contract)
        #expect(
            String(decoding: outcome.sink.csv, as: UTF8.self)
                == "2025-01-01,0\n2025-01-02,5\n2025-01-03,\n2025-01-05,\n2025-01-04,\n")
        // Beyond the lag a zero is a zero.
        let old = try clean("day,n\n2025-01-01,0\n2025-01-02,0\n2025-01-03,0\n2025-01-04,0\n", contract)
        #expect(String(decoding: old.sink.csv, as: UTF8.self) == "2025-01-01,0\n2025-01-02,\n2025-01-03,\n2025-01-04,\n")
    }

    private func songs() throws -> Contract {
        try contract(
            yaml: """
                title: Songs
                names: [songs_<artist_id>_<window>_<captured_at>.json]
                account: <artist_id>
                format: {kind: json, records: ["data.songs[]", "songs[]"], shape: []}
                columns:
                  - {name: id, type: text, required: true}
                  - {name: streams, path: [numStreams, num_streams], type: integer, thousands: ","}
                  - {name: disabled, path: isDisabled, type: flag}
                  - {name: extra, path: more, type: text}
                  - {name: clicks, path: "actions[type=omni|link].value", type: integer}
                  - {name: at, path: "$timestamp", type: day}
                ignore: [imageUrl]
                merge: {upsert: [id]}
                """)
    }

    @Test func documentsBecomeRows() throws {
        let text = """
            {"timestamp":"2025-12-02T13:22:32","data":{"songs":[
              {"id":"a","numStreams":"1,204","isDisabled":false,"more":{"x": [1, 2]},"imageUrl":"u","fresh":1,
               "actions":[{"type":"link","value":"7"},{"type":"omni","value":8}]},
              {"id":"b","numStreams":null,"num_streams":12,"isDisabled":true},
              {"numStreams":3},{"id":"c","numStreams":"many"}]}}
            """
        let contract = try songs()
        let (raw, _) = try unpack(Array(text.utf8), contract)
        let outcome = try clean([raw[...]], contract, CaptureFacts(fileName: "x"))
        #expect(
            String(decoding: outcome.sink.csv, as: UTF8.self)
                == "a,1204,0,\"{\"\"x\"\":[1,2]}\",8,2025-12-02\nb,12,1,,,2025-12-02\n")
        #expect(outcome.report?.newColumns == ["fresh"])
        #expect(
            outcome.sink.rejects.map { "\($0.line) \($0.column) \($0.reason) \($0.value)" } == [
                "3 id missing ", "4 streams not_an_integer many",
            ])
        #expect(outcome.sink.lines == [1, 2])
        for cut in 0...raw.count { #expect(try clean([raw[..<cut], raw[cut...]], contract, CaptureFacts(fileName: "x")) == outcome) }
        // Every reject's byte is the start of its record.
        for reject in outcome.sink.rejects {
            #expect(reject.byteOffset == 0 || raw[Int(reject.byteOffset) - 1] == 10)
        }
    }

    @Test(arguments: [
        ("{\"data\":{\"songs\":[]}}", 0, nil), ("{\"songs\":[{\"id\":\"x\"}]}", 1, nil), ("{\"error\":{}}", -1, "no_records"),
        ("{\"songs\":", -1, "not_json"), ("", -1, "empty_file"),
    ]) func documentsThatHoldNothing(_ text: String, _ rows: Int, _ code: String?) throws {
        do {
            let (raw, _) = try unpack(Array(text.utf8), songs())
            let outcome = try clean([raw[...]], songs(), CaptureFacts(fileName: "x"))
            #expect(outcome.report?.rowsOut == rows && code == nil)
        } catch let error as CleaningError {
            #expect(error.code == code)
        }
    }

    @Test(arguments: [false, true]) func wideText(_ bigEndian: Bool) throws {
        let contract = try table(
            "name: date, type: day\nname: n, heading: Primary, type: text", format: "{encodings: [utf-16, utf-8], preamble: 2}")
        let text = "sep=,\r\n\"Views\"\r\n\"Date\",\"Primary\"\r\n\"2026-08-22T00:00:00\",\"é 🎵\"\r\n"
        var bytes: [UInt8] = bigEndian ? [0xFE, 0xFF] : [0xFF, 0xFE]
        for unit in text.utf16 {
            let pair = [UInt8(truncatingIfNeeded: unit >> 8), UInt8(truncatingIfNeeded: unit)]
            bytes += bigEndian ? pair : pair.reversed()
        }
        let (raw, report) = try unpack(bytes, contract)
        #expect(String(decoding: raw, as: UTF8.self) == text && report.encoding == (bigEndian ? "utf-16be" : "utf-16le"))
        #expect(
            String(decoding: try clean([raw[...]], contract, CaptureFacts(fileName: "x")).sink.csv, as: UTF8.self) == "2026-08-22,é 🎵\n")
        #expect(throws: CleaningError.self) { try unpack(Array(bytes.dropLast()), contract) }
    }

    @Test func whatIsSetAsideGivesNothing() throws {
        let contract = try contract(
            yaml: "title: Logs\nnames: [extraction_log_<captured_at>.json]\naccount: ask\nset_aside: true\n")
        let (raw, _) = try unpack(Array("{\"status\":".utf8) + [0, 255], contract)
        #expect(raw.isEmpty)
        #expect(try clean([raw[...]], contract, CaptureFacts(fileName: "x")).report?.rowsIn == 0)
        let recognizer = Recognizer(contracts: [contract, try songs()])
        guard case .match(let found) = recognizer.recognise(fileName: "extraction_log_20250101_000000.json", head: Array("{\"a\":1}".utf8))
        else {
            Issue.record("not recognised")
            return
        }
        #expect(found.map(\.contract.setAside) == [true])
    }

    @Test(arguments: [
        ("{name: a, type: integer, from: name.windw}", "did you mean name.window?"),
        ("{name: a, type: integer, from: nope}", "observed_day"),
        ("{name: a, type: day, dates: ['DD.MM']}", "no date pattern"), ("{name: a, type: money, currency: nope}", "no text column"),
        ("{name: a, type: integer, path: x}", "no meaning in a table"),
        ("{name: a, type: text, divide: 100}", "has no meaning for type text"),
        ("{name: a, type: decimal, rate_of: [a, b]}", "no integer column"), ("{name: a, type: integer, divide: 7}", "10, 100"),
        ("{name: a, type: text, from: heading.x}", "no heading has <x>"),
        ("{name: a, type: text, from: column.b, path: x}", "earlier text"), ("{name: a, type: integer, trailing_zeros: missing}", "period"),
    ]) func mistakesAreNamed(_ column: String, _ expected: String) {
        let error = #expect(throws: ContractError.self) {
            try contract(yaml: "title: T\nnames: [\"x_<window>.csv\"]\naccount: ask\ncolumns:\n  - \(column)\nmerge: append\n")
        }
        #expect(error.map { "\($0)" }?.contains(expected) ?? false, "\(String(describing: error))")
    }

    @Test(arguments: [
        ("5. Januar", 1, 5), ("5 janvier", 1, 5), ("1er mars", 3, 1), ("3 de março", 3, 3), ("31 Dez.", 12, 31), ("5 févr.", 2, 5),
        ("August 9", 8, 9), ("9 out", 10, 9), ("2 de ene", 1, 2),
    ]) func monthsInFiveLanguages(_ text: String, _ month: Int, _ day: Int) {
        let found = CalendarDay.monthDay(Array(text.utf8))
        #expect(found?.month == month && found?.day == day)
    }
}
