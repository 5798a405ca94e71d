import Testing

@testable import Cleaning

@Suite struct ValueTests {
    @Test func daysRunWithoutGaps() {
        var expected = CalendarDay.days(year: 1599, month: 12, day: 31)
        for year in 1600...2400 {
            for month in 1...12 {
                for day in 1...CalendarDay.length(year: year, month: month) {
                    expected += 1
                    let days = CalendarDay.days(year: year, month: month, day: day)
                    guard days == expected, CalendarDay.civil(days) == (year, month, day) else {
                        Issue.record("\(year)-\(month)-\(day)")
                        return
                    }
                }
            }
        }
        #expect(CalendarDay.days(year: 1970, month: 1, day: 1) == 0)
        #expect(CalendarDay.civil(CalendarDay.days(year: -5, month: 2, day: 28)) == (-5, 2, 28))
    }

    @Test(
        arguments: [
            ("1970-01-01", 0), ("2000-02-29", 11_016), ("1969-12-31", -1), ("2025-02-29", nil), ("1900-02-29", nil), ("2025-13-01", nil),
            ("2025-00-01", nil), ("2025-01-00", nil), ("2025-1-01", nil), ("2025/01/01", nil), ("2025-01-011", nil), ("+025-01-01", nil),
            ("", nil),
        ] as [(String, Int64?)]) func isoDays(_ text: String, _ day: Int64?)
    {
        #expect(CalendarDay.day(text) == day)
        if let day { #expect(CalendarDay.text(day: day) == text) }
    }

    @Test(arguments: [("2025-06", 24_305), ("0000-01", 0), ("2025-13", nil), ("2025-6", nil), ("Total", nil)] as [(String, Int64?)])
    func isoMonths(_ text: String, _ month: Int64?) {
        #expect(CalendarDay.month(text) == month)
        if let month { #expect(CalendarDay.text(month: month) == text) }
    }

    @Test(arguments: [
        ("January 5", 1, 5), ("january 05", 1, 5), ("Jan 5", 1, 5), ("December 31", 12, 31), ("February 29", 2, 29), ("8 de marzo", 3, 8),
        ("5 de enero", 1, 5), ("5 enero", 1, 5), ("31 de Diciembre", 12, 31), ("1 de setiembre", 9, 1), ("May 7", 5, 7),
        ("7 de mayo", 5, 7),
        ("3 ago", 8, 3), ("Sept 3", 9, 3), ("February 30", 0, 0), ("January 0", 0, 0), ("January", 0, 0), ("5", 0, 0), ("Smarch 5", 0, 0),
        ("January 5 2025", 0, 0), ("5 du mars", 0, 0), ("January 123", 0, 0), ("", 0, 0),
    ]) func daysWithoutYear(_ text: String, _ month: Int, _ day: Int) {
        let found = CalendarDay.monthDay(Array(text.utf8))
        #expect(found?.month ?? 0 == month && found?.day ?? 0 == day)
    }

    @Test func spansOfMonths() {
        #expect(
            CalendarDay.span(ofMonth: 2024 * 12 + 1) == (
                CalendarDay.days(year: 2024, month: 2, day: 1), CalendarDay.days(year: 2024, month: 2, day: 29)
            ))
        #expect(CalendarDay.text(month: -1) == "-1-12")
        #expect(CalendarDay.day(unixSeconds: -1) == -1 && CalendarDay.day(unixSeconds: 86_400) == 1)
    }

    @Test(
        arguments: [
            ("0", .value(0, exact: true)), ("-0", .value(0, exact: true)), ("1.5", .value(1_500_000_000, exact: true)),
            (" 7 ", .value(7_000_000_000, exact: true)), ("9223372036.854775807", .value(.max, exact: true)),
            ("9223372036.854775808", .overflow), ("-9223372036.854775808", .overflow), ("9223372036.8547758075", .overflow),
            ("99999999999999999999999", .overflow), ("0.0000000005", .value(0, exact: false)), ("0.0000000015", .value(2, exact: false)),
            ("", .malformed), ("-", .malformed), (".5", .malformed), ("5.", .malformed), ("1e3", .malformed), ("1.2.3", .malformed),
            ("--1", .malformed), ("+1", .malformed), ("1,234", .malformed), ("N/A", .malformed), ("0x1", .malformed), ("1 2", .malformed),
        ] as [(String, PlainNumber.Result)]) func amounts(_ text: String, _ result: PlainNumber.Result)
    {
        #expect(PlainNumber.parse(Array(text.utf8), scale: 9) == result)
    }

    @Test(
        arguments: [
            ("1,234", .value(1_234, exact: true)), ("-1,234,567", .value(-1_234_567, exact: true)), ("12", .value(12, exact: true)),
            ("1,23", .malformed), ("1234,567", .malformed), (",123", .malformed), ("1,,234", .malformed), ("1.0", .malformed),
            ("9223372036854775807", .value(.max, exact: true)), ("9223372036854775808", .overflow),
        ] as [(String, PlainNumber.Result)]) func wholeNumbers(_ text: String, _ result: PlainNumber.Result)
    {
        #expect(PlainNumber.parse(Array(text.utf8), scale: 0, thousands: UInt8(ascii: ",")) == result)
    }

    /// The fast readers against the exact one, and that against long division on digit arrays.
    @Test(arguments: 0..<8) func fastNumbersEqualSlowOnes(_ seed: UInt64) {
        var random = SplitMix64(state: seed)
        let alphabet = Array("0123456789.-, eN".utf8)
        for _ in 0..<4_000 {
            var text: [UInt8]
            if Bool.random(using: &random) {
                let whole = (0..<Int.random(in: 1...12, using: &random)).map { _ in 48 + UInt8.random(in: 0...9, using: &random) }
                let decimals = (0..<Int.random(in: 0...20, using: &random)).map { _ in
                    48 + (Bool.random(using: &random) ? 0 : UInt8.random(in: 0...9, using: &random))
                }
                text = (Bool.random(using: &random) ? [45] : []) + whole + (decimals.isEmpty ? [] : [46] + decimals)
            } else {
                text = (0..<Int.random(in: 1...14, using: &random)).map { _ in alphabet.randomElement(using: &random) ?? 48 }
            }
            // What stands behind the field must not matter.
            let padded = text + (0..<64).map { _ in UInt8.random(in: 32...126, using: &random) }
            let slow = PlainNumber.parse(text, scale: 9)
            let slowInteger = PlainNumber.parse(text, scale: 0)
            let (nano, integer) = unsafe padded.withUnsafeBytes { bytes -> (Int64, Int64) in
                guard let base = bytes.baseAddress else { return (0, 0) }
                return unsafe (PlainNumber.nano(base, text.count), PlainNumber.integer(base, text.count))
            }
            let shown = String(decoding: text, as: UTF8.self)
            if nano != PlainNumber.notPlain { #expect(slow == .value(nano, exact: true), "seed \(seed), \(shown)") }
            if integer != PlainNumber.notPlain { #expect(slowInteger == .value(integer, exact: true), "seed \(seed), \(shown)") }
            if case .value(let value, let exact) = slow {
                let expected = reference(shown)
                #expect(expected.value == value && expected.exact == exact, "seed \(seed), \(shown)")
            }
        }
    }

    /// Half-even at nine decimals, on text alone.
    private func reference(_ text: String) -> (value: Int64, exact: Bool) {
        let bare = text.filter { $0 != "-" && $0 != " " }
        let parts = bare.split(separator: ".")
        let decimals = Array((parts.count > 1 ? String(parts[1]) : "") + "000000000")
        let kept = String(parts[0]) + String(decimals.prefix(9))
        let lost = String(decimals.dropFirst(9))
        let tail = lost.replacing(#/0+$/#, with: "")
        var value = Int64(kept) ?? -1
        if tail > "5" || (tail == "5" && value % 2 == 1) { value += 1 }
        return (text.contains("-") ? -value : value, tail.isEmpty)
    }

    @Test func rowHashesAreFrozen() throws {
        let contract = try Contract.parse(
            Array(
                """
                title: Frozen
                names: [x.csv]
                account: ask
                columns:
                  - {name: day, type: day}
                  - {name: name, type: text}
                  - {name: amount, type: money, currency: EUR, negative: true}
                  - {name: yes, type: flag}
                  - {name: month, type: month}
                  - {name: later, type: integer, optional: true}
                merge: append
                """.utf8), path: "zones/a/b.yml")
        let outcome = try clean(
            """
            day,name,amount,yes,month
            2025-01-01,a,1.5,1,2025-01
            2025-01-01,eight888,1.5,1,2025-01
            2025-01-01,nine 9999,-1.5,0,2025-01
            ,,,,
            2025-01-01,äöü and more than sixteen,0,1,2025-01

            """, contract)
        #expect(outcome.report?.rowsOut == 5)
        #expect(
            outcome.sink.hashes.map { String($0, radix: 16) } == [
                "794c917dc4a19be4", "36e31b6b9f11d331", "4e6e4496061cd31b", "736926bf01c8574a", "27401d9b4645ce6b",
            ])
        #expect(outcome.sink.hashes.allSatisfy { $0 >> 63 == 0 })
        // The loop and the plain definition agree; the order of columns and unused columns do not count.
        var cleaner = Cleaner(contract: contract, facts: CaptureFacts(fileName: "x"))
        var keeper = Keeper()
        try cleaner.push(Array("name,later,day,amount,yes,month\na,,2025-01-01,1.5,1,2025-01\n".utf8), to: &keeper)
        _ = try cleaner.finish(to: &keeper)
        let batch = try #require(keeper.batch)
        #expect(batch.hashes[0] == outcome.sink.hashes[0])
        #expect(RowHash(contract.columns.map(\.name)).of(0, in: batch) == batch.hashes[0])
    }

    private struct Keeper: RowSink {
        var batch: StagedBatch?
        mutating func take(_ batch: StagedBatch) { self.batch = batch }
        mutating func take(_ rejects: [Reject]) {}
    }

    @Test func rejectsAreJSON() {
        let reject = Reject(
            line: 3, byteOffset: 40, column: "a\"b", value: "x\t\\\u{1}é", reason: "missing", expected: "a value\r\n\u{8}\u{c}")
        var out: [UInt8] = []
        RejectNDJSON.append(reject, to: &out)
        #expect(
            String(decoding: out, as: UTF8.self)
                == #"{"byte":40,"column":"a\"b","expected":"a value\r\n\b\f","line":3,"reason":"missing","value":"x\t\\\u0001é"}"# + "\n")
    }

    @Test func clippedValuesAreValid() {
        #expect(clipped([0x61, 0xFF]) == "a\u{FFFD}")
        let long = clipped(Array(String(repeating: "é", count: 50).utf8))
        #expect(long.utf8.count <= 64 && long.allSatisfy { $0 == "é" })
        #expect(clipped(Array(("x" + String(repeating: "é", count: 50)).utf8)).utf8.count <= 64)
    }
}
