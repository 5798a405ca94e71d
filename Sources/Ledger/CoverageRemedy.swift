import Cleaning
import Projection

/// What a person does about days that are missing.
struct CoverageRemedy {
    let contract: Contract
    let service: ServiceDefinition?
    let layout: Layout

    /// The page or question, the days to choose, the file that is expected, where it goes. Holes that the account and the days do not fill
    /// are explained in words.
    func text(_ state: DayState, _ days: ClosedRange<Int64>?, account: String?) -> String {
        let account = account.flatMap { $0.isEmpty ? nil : $0 }
        let page = filled(
            service?.pages[contract.dataset] ?? service?.page ?? "the page of \(service?.title ?? contract.service)", account, days)
        let isQuestion = page.hasPrefix("ask ")
        var parts = [state == .signIn ? (isQuestion ? "sign in, then \(page)" : "sign in at \(page)") : isQuestion ? page : "open \(page)"]
        if let days {
            let (first, last) = (CalendarDay.text(day: days.lowerBound), CalendarDay.text(day: days.upperBound))
            parts.append((isQuestion ? "for " : "choose ") + (first == last ? first : "\(first) to \(last)"))
        }
        if state == .limited { parts.append("if the account does not show these days, acknowledge them") }
        if let name = pattern {
            let expected = filled(name.text, account, days)
            let holes = Self.holes(of: page + expected).map { "<\($0)>: \(words(for: $0))" }
            let legend = holes.isEmpty ? "" : " (\(holes.joined(separator: "; ")))"
            let isAsked = if case .ask = contract.account { true } else { false }
            let own = account.map { "/\(ZoneNames.safe($0))" } ?? (isAsked ? "/ACCOUNT" : "")
            let folder = "\(layout.name(.landing))/\(contract.stream)\(own)"
            parts.append("save it as \(expected)\(legend) in \(folder), then `bedrot ingest` it")
        }
        return parts.joined(separator: ", ")
    }

    /// The command for days that nobody can fetch any more.
    func acknowledging(_ state: DayState, _ days: ClosedRange<Int64>, account: String) -> String {
        let (first, last) = (CalendarDay.text(day: days.lowerBound), CalendarDay.text(day: days.upperBound))
        return """
            the source no longer shows \(first == last ? "this day" : "these days")\
            \(state == .failed ? "; if what came of it cannot be mended" : ""): bedrot coverage acknowledge \(contract.stream) \
            \(account.shellQuoted) \(first)..\(last) --note TEXT
            """
    }

    /// The first name without what a person does not have at hand: the number of a page, a name that stands for the account's id.
    private var pattern: NamePattern? {
        contract.names.first { !$0.fields.contains("page") && !$0.fields.contains { $0.hasSuffix("_name") } } ?? contract.names.first
    }

    private func filled(_ text: String, _ account: String?, _ days: ClosedRange<Int64>?) -> String {
        var text = text
        if let account, case .fields(let fields) = contract.account, let field = fields.first(where: { !$0.hasSuffix("_name") }) {
            text = text.replacing("<\(field)>", with: account)
        }
        if let days {
            text = text.replacing("<first_day>", with: CalendarDay.text(day: days.lowerBound))
            text = text.replacing("<last_day>", with: CalendarDay.text(day: days.upperBound))
        }
        return text
    }

    private static func holes(of text: String) -> [String] {
        var found: [String] = []
        for part in text.split(separator: "<", omittingEmptySubsequences: false).dropFirst() {
            guard let end = part.firstIndex(of: ">") else { continue }
            let hole = String(part[..<end])
            if !found.contains(hole) { found.append(hole) }
        }
        return found
    }

    private func words(for hole: String) -> String {
        switch hole {
        case "captured_at": return "the UTC time, YYYYMMDD_HHMMSS"
        case "captured_day": return "the day it is of, YYYY-MM-DD"
        case "captured_month": return "the report's month, MM"
        case "captured_year": return "the report's year, YYYY"
        case "epoch": return "the time of the download in Unix seconds"
        case "first_day", "since": return "the first day, YYYY-MM-DD"
        case "window": return "the window, such as 28day"
        case "last_day": return "the last day, YYYY-MM-DD"
        default:
            if case .fields(let fields) = contract.account, fields.contains(hole) { return "whose file it is" }
            return "the \(hole.replacing("_", with: " "))"
        }
    }
}
