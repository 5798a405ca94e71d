import ArgumentParser
import Cleaning
import EventLog
import Ledger
import Projection

struct Reference: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Assumptions: rates, splits, goals, the catalogue, limits of alerts, names.",
        discussion: """
            Each is an event (reference.changed): what was assumed when stays known, and a KPI can be asked for as it was then.
            The tables are files of projections/reference/; `bedrot reference list` names them.
            """,
        subcommands: [
            Set.self, Remove.self, Import.self, List.self, History.self, Rate.self, Account.self, Currency.self,
        ])

    struct Rate: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Enter what one unit of a currency is worth in US dollars, from a day on.",
            discussion: "Example: bedrot reference rate EUR 2025-08-01 1.0923\nIt holds until the next dated rate. USD is always 1.")

        @OptionGroup var options: RootOptions
        @Argument(help: "ISO 4217 code.") var currency: String
        @Argument(help: "The day, YYYY-MM-DD.") var day: String
        @Argument(help: "US dollars for one unit, at most nine decimals.") var usd: String

        func run() throws { try Reference.enter([try ReferenceRate(currency: currency, day: day, usd: usd)], options) }
    }

    struct Account: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say which account a name in a file name or browser means.",
            discussion: """
                Example: bedrot reference account spotify "ZONE A0" zonea0
                Files such as “ZONE A0-audience-timeline.csv” then belong to that account.
                """)

        @OptionGroup var options: RootOptions
        @Argument(help: "The service.") var service: String
        @Argument(help: "The name or id as the service shows it.") var name: String
        @Argument(help: "The account.") var account: String

        func run() throws {
            let seq = try options.write { lake in
                let seq = try lake.nameAccount(service: service, name: name, account: account)
                _ = try lake.project()
                return seq
            }
            if options.json { return try Terminal.json(["seq": .int(seq)]) }
            Terminal.out("event \(seq): “\(name)” of \(service) is the account \(account)")
        }
    }

    struct Currency: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say in which currency a service counts an account's money.",
            discussion: """
                Example: bedrot reference currency metaads act_100000000000001 EUR
                It counts for files that do not say it themselves, old ones too. Without it their amounts stay unconverted.
                """)

        @OptionGroup var options: RootOptions
        @Argument(help: "The service.") var service: String
        @Argument(help: "The account.") var account: String
        @Argument(help: "ISO 4217 code.") var currency: String

        func run() throws {
            let seq = try options.write { lake in
                let seq = try lake.setCurrency(service: service, account: account, code: currency)
                if seq != nil { _ = try lake.project() }
                return seq
            }
            if options.json { return try Terminal.json(["seq": seq.map { .int($0) } ?? .null]) }
            let says = "\(service) counts the money of \(account) in \(currency.uppercased())"
            Terminal.out(seq.map { "event \($0): \(says)" } ?? "known already: \(says)")
        }
    }

    static func enter(_ rates: [ReferenceRate], _ options: RootOptions) throws {
        let seqs = try options.write { lake in
            let seqs = try lake.setRates(rates)
            if !seqs.isEmpty { _ = try lake.project() }
            return seqs
        }
        if options.json {
            return try Terminal.json(["events": .array(seqs.map { .int($0) }), "known": .int(Int64(rates.count - seqs.count))])
        }
        let known = rates.count - seqs.count
        Terminal.out(
            "entered \(Words.count(Int64(seqs.count), "rate"))" + (known > 0 ? ", \(known) known already" : "")
                + (seqs.first.map { seqs.count > 1 ? " (events \($0) to \(seqs[seqs.count - 1]))" : " (event \($0))" } ?? ""))
    }
}
