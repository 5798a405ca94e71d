package import GRDB

/// Something a person should know of the figures: a line of the view `quality_issue`.
package struct QualityIssue: Sendable, Equatable {
    /// What is wrong. New kinds may come: readers show what they do not know by its name.
    package enum Kind: String, Sendable {
        /// Two source values of one member met on one key; rows of the later one are left out.
        case sameMember = "same_member"
        /// Amounts in a currency for which no rate is dated on or before their day; they are not converted.
        case noRate = "no_rate"
        /// Amounts in no currency: neither the source nor a person has said the account's.
        case noCurrency = "no_currency"
        /// Lines of a file that do not count, because a later line of it has the same key.
        case sameKey = "same_key"
    }

    package let issue: String
    /// The fact concerned.
    package let fact: String
    /// The member, or the currency, or the account whose currency is not known, or the dataset.
    package let subject: String
    /// The source value as the files spell it; the service where no currency is known; the name of the file.
    package let value: String
    /// Rows of the fact concerned.
    package let rows: Int64

    /// What it means, in one sentence.
    package var text: String {
        let count = "\(rows) \(rows == 1 ? "row" : "rows") of \(fact)"
        switch Kind(rawValue: issue) {
        case .sameMember: return "\(count) under “\(value)” left out: an earlier name of \(subject) has the same key"
        case .noRate:
            return "\(count) in \(subject) not converted: no rate is dated on or before the day; bedrot reference rate \(subject) DAY USD"
        case .noCurrency:
            return """
                \(count) of account \(subject) in a currency that nobody names, so not converted; \
                bedrot reference currency \(value.shellQuoted) \(subject.shellQuoted) CODE
                """
        case .sameKey:
            return """
                \(count) left out: \(value) (\(subject)) has several lines with the same key, of which the last counts; \
                bedrot lineage \(value)
                """
        case nil: return "\(count): \(issue) of \(subject) (“\(value)”)"
        }
    }

    /// The issues as known now (as known at a seq inside `withKnownViews`), of some facts or all, in a fixed order.
    package static func all(_ database: Database, facts: Set<String>? = nil) throws -> [QualityIssue] {
        try Row.fetchAll(
            database, sql: "SELECT issue, fact, subject, value, row_count FROM quality_issue ORDER BY issue, fact, subject, value"
        ).map { QualityIssue(issue: $0["issue"], fact: $0["fact"], subject: $0["subject"], value: $0["value"], rows: $0["row_count"]) }
            .filter { facts?.contains($0.fact) ?? true }
    }
}
