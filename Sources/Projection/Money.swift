import GRDB

/// Amounts in other currencies: exact integers, rounded half-even, never through a floating point type.
package enum Money {
    /// ISO 4217 for no currency: the source does not say which.
    package static let unknown = "XXX"

    /// Nano units of a currency in nano-USD, at a rate in nano-USD for one whole unit; nil where the result exceeds 64 bits.
    package static func convert(_ nano: Int64, rate: Int64) -> Int64? {
        let product = Int128(nano) * Int128(rate)
        let unit: Int128 = 1_000_000_000
        let (whole, rest) = product.quotientAndRemainder(dividingBy: unit)
        var quotient = whole
        let twice = rest.magnitude * 2
        if twice > unit.magnitude || twice == unit.magnitude && quotient % 2 != 0 { quotient += product < 0 ? -1 : 1 }
        return Int64(exactly: quotient)
    }

    /// Nano units as a decimal with as few digits as say the same.
    package static func decimal(_ nano: Int64) -> String {
        var fraction = String(nano.magnitude % 1_000_000_000)
        fraction = String(repeating: "0", count: 9 - fraction.count) + fraction
        while fraction.hasSuffix("0") { fraction.removeLast() }
        return (nano < 0 ? "-" : "") + String(nano.magnitude / 1_000_000_000) + (fraction.isEmpty ? "" : "." + fraction)
    }

    /// `CONVERT_NANO(amount, rate)`: the function of that name in SQL; NULL where an argument is or the result exceeds 64 bits, but 0 for
    /// an amount of 0, which needs no rate.
    static let function = DatabaseFunction("CONVERT_NANO", argumentCount: 2, pure: true) { values in
        let integers = values.map { value -> Int64? in if case .int64(let number) = value.storage { number } else { nil } }
        if integers[0] == 0 { return 0 }
        guard let amount = integers[0], let rate = integers[1] else { return nil }
        return convert(amount, rate: rate)
    }
}

extension FactDefinition {
    /// The column of kind `currency`: the one of that name where there are several.
    var currencyColumn: String? {
        let named = columns.filter { $0.storage == .source("currency") }
        return (named.first { $0.name == "currency" } ?? named.first)?.name
    }

    /// Where an amount's currency and its day stand: the column of kind `currency`, and the day that a rate is looked up for.
    ///
    /// nil for facts whose amounts are in one currency, or that have no day.
    var currency: (column: String, day: String)? {
        let days = columns.filter { $0.storage == .day }
        guard let column = currencyColumn,
            let day = days.first(where: { $0.name == partition }) ?? days.first(where: \.isKey) ?? days.first
        else { return nil }
        return (column, day.name)
    }
}
