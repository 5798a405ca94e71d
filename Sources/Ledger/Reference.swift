import Cleaning
import EventLog
import Projection

/// A dated reference rate: what one unit of a currency is worth in US dollars, from that day until the next dated one.
package struct ReferenceRate: Sendable, Hashable {
    /// ISO 4217 code; never USD, which is 1.
    package let currency: String
    /// Days since 1970-01-01.
    package let day: Int64
    /// Nano-USD for one whole unit, above 0.
    package let nano: Int64

    /// Reads what a person wrote; throws with the part that is wrong and how it is written.
    package init(currency: String, day: String, usd: String) throws {
        let code = SQLText.upper(currency.trimmingSpaces)
        guard code.utf8.count == 3, code.utf8.allSatisfy({ (65...90).contains($0) }) else {
            throw LedgerError("“\(currency)” is no currency; write an ISO 4217 code such as EUR")
        }
        guard code != Money.unknown else {
            throw LedgerError(
                "\(code) stands for a currency that is not known; say the account's: bedrot reference currency SERVICE ACCOUNT CODE")
        }
        guard code != "USD" else { throw LedgerError("USD needs no rate: it is what others are converted to, and is always 1") }
        guard let number = CalendarDay.day(day.trimmingSpaces) else { throw LedgerError("“\(day)” is not a day; write YYYY-MM-DD") }
        guard case .value(let nano, exact: true) = PlainNumber.parse(Array(usd.utf8), scale: 9), nano > 0 else {
            throw LedgerError("“\(usd)” is no rate; write US dollars for one \(code), above 0, with at most nine decimals, such as 1.0923")
        }
        self.currency = code
        self.day = number
        self.nano = nano
    }

    init(currency: String, day: Int64, nano: Int64) {
        self.currency = currency
        self.day = day
        self.nano = nano
    }
}

/// A name or id that means a member or an account, as `reference.changed` events say it.
package struct ReferenceName: Sendable, Equatable {
    /// The service, or `*` for all.
    package let service: String
    package let value: String
    package let member: String
    /// The event that said so.
    package let seq: Int64
}

extension Lake {
    /// Enters rates, one `reference.changed` event each, in one commit; those that are known already are left out.
    ///
    /// - Returns: the seqs of the new events; fewer than the rates when some were known.
    package func setRates(_ rates: [ReferenceRate]) throws -> [Int64] {
        var known: [String: Int64] = [:]
        for rate in try self.rates() { known["\(rate.currency) \(rate.day)"] = rate.nano }
        let new = rates.filter { known["\($0.currency) \($0.day)"] != $0.nano }
        guard !new.isEmpty else { return [] }
        let run = try Run(self, command: "reference")
        let seqs = try log.write { transaction in
            if let start = run.startDraftIfNeeded() { _ = try transaction.append(start) }
            return try new.map { rate in
                try transaction.append(
                    draft(
                        "reference/rate", .referenceChanged, run: run.id,
                        [
                            "kind": "rate", "currency": .string(rate.currency), "day": .string(CalendarDay.text(day: rate.day)),
                            "nano_usd": .string(String(rate.nano)),
                        ])
                ).seq
            }
        }
        try run.complete("ok")
        return seqs
    }

    /// The rates of a CSV with the columns currency, date and usd, in any order. One wrong line, and nothing is entered.
    package func readRates(_ path: String) throws -> [ReferenceRate] {
        let file = try CommaFile(path)
        for name in ["currency", "date", "usd"] where !file.headings.contains(name) {
            throw LedgerError("\(path):1: no column “\(name)”; the heading must name currency, date and usd")
        }
        var rates: [ReferenceRate] = []
        var lines: [String: (line: Int, nano: Int64)] = [:]
        for record in file.records {
            func fail(_ reason: String) -> LedgerError { LedgerError("\(record.place): \(reason)") }
            let (currency, date, usd) = (record.cells["currency"] ?? "", record.cells["date"] ?? "", record.cells["usd"] ?? "")
            do {
                let rate = try ReferenceRate(currency: currency, day: date, usd: usd)
                let key = "\(rate.currency) \(rate.day)"
                if let other = lines[key] {
                    guard other.nano == rate.nano else {
                        throw LedgerError("\(rate.currency) has another rate for \(date) at line \(other.line); keep one of them")
                    }
                    continue
                }
                lines[key] = (record.line, rate.nano)
                rates.append(rate)
            } catch let error as LedgerError {
                throw fail(error.description)
            }
        }
        return rates
    }

    /// The rates in force, by currency and day. Read from the log: they need no projection.
    package func rates() throws -> [ReferenceRate] {
        var known: [String: [Int64: Int64]] = [:]
        try eachReference("rate") { change, _ in
            guard let currency = change["currency"]?.string, let day = change["day"]?.string.flatMap({ CalendarDay.day($0) }),
                let nano = change["nano_usd"]?.string.flatMap({ Int64($0) })
            else { return }
            known[currency, default: [:]][day] = nano
        }
        return known.sorted { $0.key < $1.key }.flatMap { currency, days in
            days.sorted { $0.key < $1.key }.map { ReferenceRate(currency: currency, day: $0.key, nano: $0.value) }
        }
    }

    /// Says that a name the service shows, as in a file's name, means an account.
    package func nameAccount(service: String, name: String, account: String) throws -> Int64 {
        let known = Set(try projector.definitions(until: try log.read { try $0.head().seq }).contracts.values.map(\.contract.service))
        guard known.contains(service) else {
            throw LedgerError("there is no service “\(service)”; known: \(known.sorted().joined(separator: ", "))")
        }
        guard !SourceNames.normalised(name).isEmpty, !account.trimmingSpaces.isEmpty else {
            throw LedgerError("a name and an account are needed, and neither may be empty")
        }
        return try alias(kind: "account", service: service, value: name, member: account, name: nil)
    }

    /// Says in which currency a service counts an account's money, for files that do not say it: `reference.changed`.
    ///
    /// - Returns: the seq of the event; nil when that is known already.
    package func setCurrency(service: String, account: String, code: String) throws -> Int64? {
        let known = Set(try projector.definitions(until: try log.read { try $0.head().seq }).contracts.values.map(\.contract.service))
        guard known.contains(service) else {
            throw LedgerError("there is no service “\(service)”; known: \(known.sorted().joined(separator: ", "))")
        }
        let account = account.trimmingSpaces
        guard !SourceNames.normalised(account).isEmpty else { throw LedgerError("an account is needed; `bedrot coverage` shows them") }
        let currency = SQLText.upper(code.trimmingSpaces)
        guard currency.utf8.count == 3, currency.utf8.allSatisfy({ (65...90).contains($0) }), currency != Money.unknown else {
            throw LedgerError("“\(code)” is no currency; write an ISO 4217 code such as EUR")
        }
        let norm = SourceNames.normalised(account)
        let isKnown = try names("currency").contains {
            $0.service == service && SourceNames.normalised($0.value) == norm && $0.member == currency
        }
        if isKnown { return nil }
        return try alias(kind: "currency", service: service, value: account, member: currency, name: nil)
    }

    /// The names in force of one kind, such as `artist` or `account`, by service and name.
    package func names(_ kind: String) throws -> [ReferenceName] {
        var known: [String: ReferenceName] = [:]
        try eachReference(kind) { change, event in
            guard let service = change["service"]?.string, let value = change["value"]?.string,
                let member = change["member"]?.string.map(SourceNames.member)
            else { return }
            let key = "\(service)\u{0}\(SourceNames.normalised(value))"
            if known[key]?.member != member {
                known[key] = ReferenceName(service: service, value: value, member: member, seq: event.seq)
            }
        }
        return known.sorted { $0.key < $1.key }.map(\.value)
    }

    private func eachReference(_ kind: String, _ body: (_ change: JSON, _ event: Event) -> Void) throws {
        try log.read { transaction in
            try transaction.events(EventQuery(types: [EventType.referenceChanged.rawValue])) { event in
                for change in event.body["changes"]?.array ?? [event.body] where change["kind"]?.string == kind { body(change, event) }
                return true
            }
        }
    }
}
