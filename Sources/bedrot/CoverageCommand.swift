import ArgumentParser
import Cleaning
import EventLog
import Glibc
import Ledger
import Projection

struct Coverage: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Which days of which source are here, and what to do about the gaps.",
        discussion: """
            Each dataset and account has its days: pulled, pulled but empty, seen before the day was over, sign-in needed, failed, limited \
            by the account, never tried, not yet due. A gap ends with what to do; one that can no longer be fetched is noted with \
            `bedrot coverage acknowledge STREAM ACCOUNT FROM..TO --note TEXT`.
            """,
        subcommands: [Matrix.self, Acknowledge.self], defaultSubcommand: Matrix.self)

    struct Matrix: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "show", abstract: "The source × day matrix.")

        @OptionGroup var options: RootOptions
        @Argument(help: "Only this service.") var service: String?
        @Option(help: "First day. Default: the first one known, of each dataset.", transform: Moments.day) var from: Int64?
        @Option(help: "Last day. Default: today.", transform: Moments.day) var to: Int64?
        @Flag(help: "Print CSV: one line a run of days.") var csv = false
        @Flag(inversion: .prefixedNo, help: "Draw a line a month. Default: on a terminal.") var grid: Bool?

        func run() throws {
            if let from, let to, from > to { throw ValidationError("--from lies after --to") }
            let report = try options.read { try $0.coverage(service: service, from: from, to: to, today: $0.today()) }
            if options.json { return try Terminal.json(CoverageText.json(report)) }
            if csv { return Terminal.out(CoverageText.csv(report)) }
            CoverageText.print(report, grid: grid ?? (isatty(STDOUT_FILENO) == 1), quiet: options.quiet)
        }
    }

    struct Acknowledge: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Note that a gap can no longer be fetched.",
            discussion: "Example: bedrot coverage acknowledge tiktok/overview zone.a0 2024-01-01..2024-02-29 --note \"before the account\"")

        @OptionGroup var options: RootOptions
        @Argument(help: "The dataset, as <service>/<dataset>.") var stream: String
        @Argument(help: "The account.") var account: String
        @Argument(help: "The days: FROM..TO, or one day.") var days: String
        @Option(help: "Why they cannot be fetched.") var note: String

        func run() throws {
            let ends = days.split(separator: "..", omittingEmptySubsequences: false).map(String.init)
            guard ends.count <= 2, let first = CalendarDay.day(ends[0]), let last = CalendarDay.day(ends[ends.count - 1]), first <= last
            else { throw ValidationError("“\(days)” is no range of days; write YYYY-MM-DD..YYYY-MM-DD, the earlier day first") }
            let seq = try options.write {
                try $0.acknowledge(stream, account: account, days: first...last, note: note, today: $0.today())
            }
            if options.json { return try Terminal.json(["event": .int(seq)]) }
            Terminal.out("event \(seq): \(days) of \(stream), account \(account), is a gap that stays")
        }
    }
}

/// Coverage in words, as a grid, as CSV, as JSON.
private enum CoverageText {
    static func words(_ state: DayState) -> String {
        switch state {
        case .pulled: "pulled"
        case .empty: "pulled, empty"
        case .partial: "seen before the day was over"
        case .signIn: "sign-in needed"
        case .failed: "failed"
        case .limited: "limited by the account"
        case .never: "never tried"
        case .missed: "missed"
        case .notDue: "not yet due"
        case .acknowledged: "acknowledged"
        }
    }

    private static func mark(_ state: DayState) -> Character {
        switch state {
        case .pulled: "█"
        case .empty: "░"
        case .partial: "▄"
        case .signIn: "s"
        case .failed: "f"
        case .limited: "l"
        case .never: "·"
        case .missed: "×"
        case .notDue: " "
        case .acknowledged: "a"
        }
    }

    static func print(_ report: CoverageReport, grid: Bool, quiet: Bool) {
        var gaps = 0
        for row in report.rows {
            Terminal.out(
                "\(row.stream), \(row.account.isEmpty ? "account unknown" : "account \(row.account)"): \(summary(row, report.today))")
            if grid { for line in months(row) { Terminal.out("  \(line)") } }
            for run in row.runs where !grid || run.state.isGap || run.note != nil {
                let (first, last) = (CalendarDay.text(day: run.days.lowerBound), CalendarDay.text(day: run.days.upperBound))
                let count = Words.count(run.days.upperBound - run.days.lowerBound + 1, "day")
                let days = first == last ? first : "\(first) to \(last), \(count)"
                Terminal.out("  \(days): \(words(run.state))\(run.note.map { " (\($0))" } ?? "")")
                if let remedy = run.remedy { Terminal.out("    next: \(remedy)") }
                if run.state.isGap { gaps += 1 }
            }
        }
        if grid, !report.rows.isEmpty {
            Terminal.out(
                DayState.allCases.filter { $0 != .notDue }.map { "\(mark($0)) \(words($0))" }.joined(separator: "   ")
                    + "   blank: not yet due")
        }
        if !report.untouched.isEmpty, !quiet {
            if report.untouched.count <= 3 {
                for (stream, remedy) in report.untouched { Terminal.out("\(stream): nothing ever came\n    next: \(remedy)") }
            } else {
                Terminal.out("nothing ever came of \(report.untouched.map(\.stream).joined(separator: ", "))")
            }
        }
        if gaps > 0, !quiet {
            Terminal.out("a gap that can no longer be fetched: bedrot coverage acknowledge STREAM ACCOUNT FROM..TO --note TEXT")
        }
    }

    private static func summary(_ row: CoverageRow, _ today: Int64) -> String {
        var parts = [Words.count(Int64(row.captures), "capture")]
        if let last = row.lastDay { parts.append("last day \(CalendarDay.text(day: last)), \(age(last, today))") }
        if let days = row.snapshotDays { parts.append("a snapshot counts for \(Words.count(days, "day"))") }
        let gaps = row.runs.filter(\.state.isGap).reduce(Int64(0)) { $0 + $1.days.upperBound - $1.days.lowerBound + 1 }
        let missed = row.runs.filter { $0.state == .missed }.reduce(Int64(0)) { $0 + $1.days.upperBound - $1.days.lowerBound + 1 }
        if missed > 0 { parts.append("\(Words.count(missed, "day")) missed for good") }
        if !row.runs.isEmpty { parts.append(gaps == 0 ? "no gap" : "\(Words.count(gaps, "day")) missing") }
        return parts.joined(separator: ", ")
    }

    private static func age(_ day: Int64, _ today: Int64) -> String {
        switch today - day {
        case ..<0: "ahead of today"
        case 0: "today"
        case 1: "yesterday"
        default: "\(today - day) days ago"
        }
    }

    /// `2025-03 ██████░···`: a line a month, a mark a day; months without anything to tell between two others are left out.
    private static func months(_ row: CoverageRow) -> [String] {
        var marks: [Int64: [Character]] = [:]
        for run in row.runs {
            for day in run.days {
                let civil = CalendarDay.civil(day)
                let month = Int64(civil.year) * 12 + Int64(civil.month) - 1
                marks[month, default: Array(repeating: " ", count: CalendarDay.length(year: civil.year, month: civil.month))][
                    civil.day - 1] =
                    mark(run.state)
            }
        }
        return marks.sorted { $0.key < $1.key }.map { "\(CalendarDay.text(month: $0.key)) \(String($0.value))" }
    }

    static func csv(_ report: CoverageReport) -> String {
        func cell(_ text: String) -> String {
            text.contains { ",\"\n\r".contains($0) } ? "\"\(text.replacing("\"", with: "\"\""))\"" : text
        }
        var lines = ["dataset,account,first_day,last_day,days,state,note,remedy"]
        for row in report.rows {
            for run in row.runs {
                lines.append(
                    [
                        row.stream, row.account, CalendarDay.text(day: run.days.lowerBound), CalendarDay.text(day: run.days.upperBound),
                        "\(run.days.upperBound - run.days.lowerBound + 1)", run.state.rawValue, run.note ?? "", run.remedy ?? "",
                    ].map(cell).joined(separator: ","))
            }
        }
        return lines.joined(separator: "\n")
    }

    static func json(_ report: CoverageReport) -> JSON {
        let rows = report.rows.map { row -> JSON in
            let runs = row.runs.map { run -> JSON in
                var body: [String: JSON] = [
                    "first_day": .string(CalendarDay.text(day: run.days.lowerBound)),
                    "last_day": .string(CalendarDay.text(day: run.days.upperBound)), "state": .string(run.state.rawValue),
                ]
                if let note = run.note { body["note"] = .string(note) }
                if let remedy = run.remedy { body["remedy"] = .string(remedy) }
                return .object(body)
            }
            return [
                "dataset": .string(row.stream), "account": .string(row.account), "captures": .int(Int64(row.captures)),
                "last_day": row.lastDay.map { .string(CalendarDay.text(day: $0)) } ?? .null, "snapshots": .bool(row.snapshotDays != nil),
                "snapshot_days": row.snapshotDays.map { .int($0) } ?? .null,
                "runs": .array(runs),
            ]
        }
        return [
            "today": .string(CalendarDay.text(day: report.today)), "datasets": .array(rows),
            "untouched": .array(report.untouched.map { ["dataset": .string($0.stream), "remedy": .string($0.remedy)] }),
        ]
    }
}
