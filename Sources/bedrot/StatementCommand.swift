import ArgumentParser
import Cleaning
import EventLog
import Ledger
import Projection

struct ExportStatement: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "statement", abstract: "What each collaborator gets for a month: a CSV and a printable page a payee.",
        discussion: """
            The month is the one in which distributors reported. Shares come from `bedrot reference set split` or the track catalogue.
            A statement says what was known when it was issued (an event, statement.issued). Asked for again it is the same, and nothing \
            is issued; what has changed since stands in the payee's next statement as an adjustment.
            Payees are stored as pseudonyms. A name appears in the files only when --payee gives it.
            """)

    @OptionGroup var options: RootOptions
    @Option(help: "The statement month, YYYY-MM.", transform: ExportStatement.month) var month: Int64
    @Option(help: "Only this payee: the name, which then stands in the files, or the first letters of the pseudonym.") var payee: String?
    @Option(help: "Folder to write to. Default: reports/.", completion: .directory) var to: String?

    private static func month(_ text: String) throws -> Int64 {
        guard let month = CalendarDay.month(text) else { throw ValidationError("“\(text)” is not a month; write YYYY-MM") }
        return month
    }

    func run() throws {
        let folder = to.map { RootOptions.absolute($0) }
        let report = try options.write { try $0.issueStatements(month: month, payee: payee, to: folder) }
        let waiting = report.statements.reduce(0) { $0 + $1.unconverted }
        if options.json {
            try Terminal.json([
                "month": .string(CalendarDay.text(month: month)), "statements": .array(report.statements.map { $0.json }),
                "files": .array(report.paths.map { .string($0) }), "net": .string(Money.decimal(report.net)),
                "own": .string(Money.decimal(report.own)), "unnamed": .string(Money.decimal(report.unnamed)),
                "erased": .string(Money.decimal(report.erased)),
            ])
        } else {
            say(report)
        }
        if waiting > 0 {
            Terminal.note(
                """
                \(Words.count(waiting, "amount")) in no sum: no exchange rate; enter it (bedrot reference rate), the next statement \
                adjusts
                """)
            throw degraded
        }
    }

    private func say(_ report: StatementReport) {
        let month = CalendarDay.text(month: month)
        guard !report.statements.isEmpty else {
            Terminal.out("no statement: nobody has a share in what was reported in \(month)")
            return rest(report)
        }
        var table = TextTable(columns: [
            ("payee", .left), ("lines", .right), ("adjustments", .right), ("total USD", .right), ("issued", .left),
        ])
        table.rows = report.statements.map {
            [
                $0.name ?? $0.short, "\($0.lines.count)", "\($0.adjustments.count)", Money.decimal($0.total),
                $0.isNew ? "now, event \($0.event)" : "before, event \($0.event)",
            ]
        }
        Terminal.out(table.render())
        for path in report.paths { Terminal.out(path) }
        rest(report)
    }

    private func rest(_ report: StatementReport) {
        Terminal.out("net royalties \(Money.decimal(report.net)) USD, the label's own \(Money.decimal(report.own))")
        if report.unnamed != 0 {
            Terminal.note("\(Money.decimal(report.unnamed)) USD belong to collaborators nobody names: bedrot reference set split")
        }
        if report.erased != 0 { Terminal.note("\(Money.decimal(report.erased)) USD belong to erased payees: no statement can be made") }
    }
}

extension Statement {
    fileprivate var json: JSON {
        [
            "payee": .string(payee), "month": .string(CalendarDay.text(month: month)), "lines": .int(Int64(lines.count)),
            "total": .string(Money.decimal(total)), "currency": "USD", "known_at": .int(seq), "event": .int(event), "new": .bool(isNew),
            "adjustments": .array(
                adjustments.map {
                    [
                        "month": .string(CalendarDay.text(month: $0.month)), "was": .string(Money.decimal($0.was)),
                        "is": .string(Money.decimal($0.now)), "amount": .string(Money.decimal($0.amount)),
                    ]
                }),
            "unconverted": .int(unconverted),
        ]
    }
}
