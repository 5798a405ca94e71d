import Cleaning
import EventLog
import Projection

/// The two forms of a statement: a table for programs and a page for people. Both are a function of the statement alone.
extension Statement {
    private var monthText: String { CalendarDay.text(month: month) }
    private var payeeText: String { name ?? short }
    private var rests: String { "as known at event \(seq) (\(id.hex.prefix(12))) of \(time.iso.prefix(16))Z" }

    private func note(_ change: Adjustment) -> String {
        "adjusts \(CalendarDay.text(month: change.month)): was \(Money.decimal(change.was)), is \(Money.decimal(change.now))"
    }

    private func note(_ line: RoyaltyShare) -> String { line.unconverted > 0 ? "\(line.unconverted) waiting for an exchange rate" : "" }

    // MARK: Table

    /// CSV in UTF-8: a record a line, an adjustment, the total, a file; amounts in US dollars with as few digits as say the same.
    package var csv: [UInt8] {
        var rows = [
            [
                "record", "track", "isrc", "artist", "platform", "distributor", "reported", "sale_month", "quantity", "net", "share",
                "amount",
                "currency", "note",
            ]
        ]
        for line in lines {
            rows.append([
                "line", line.title.isEmpty ? line.track : line.title, line.isrc, line.artist, line.platform, line.distributor,
                CalendarDay.text(day: line.reportDay), CalendarDay.text(month: line.saleMonth), line.quantity.map { String($0) } ?? "",
                line.net.map { Money.decimal($0) } ?? "", Money.decimal(line.share), line.amount.map { Money.decimal($0) } ?? "", "USD",
                note(line),
            ])
        }
        func add(_ record: String, amount: Int64? = nil, _ note: String) {
            let money = amount.map { [Money.decimal($0), "USD"] } ?? ["", ""]
            rows.append([record] + Array(repeating: "", count: 10) + money + [note])
        }
        for change in adjustments { add("adjustment", amount: change.amount, note(change)) }
        add("total", amount: total, "statement \(monthText) of \(payeeText), \(rests)")
        for source in sources { add("file", "\(source.name) (event \(source.event), SHA-256 \(source.object.hex))") }
        var out: [UInt8] = []
        for row in rows {
            out += row.map { Self.quoted($0) }.joined(separator: ",").utf8
            out.append(10)
        }
        return out
    }

    /// A cell, in quotes where a comma, a quote or a line end would end it.
    private static func quoted(_ text: String) -> String {
        guard text.utf8.contains(where: { [44, 34, 10, 13].contains($0) }) else { return text }
        return "\"\(text.replacing("\"", with: "\"\""))\""
    }

    // MARK: Page

    /// One HTML page that needs nothing else and prints on paper.
    package var html: [UInt8] {
        let rows = lines.map { line in
            let amount = line.amount.map { Money.decimal($0) } ?? "–"
            return Self.row(
                [line.title.isEmpty ? line.track : line.title, line.isrc, line.artist, line.platform, line.distributor],
                [
                    CalendarDay.text(day: line.reportDay), CalendarDay.text(month: line.saleMonth), line.quantity.map { String($0) } ?? "–",
                    line.net.map { Money.decimal($0) } ?? "–", Money.decimal(line.share), amount + (note(line).isEmpty ? "" : " *"),
                ])
        }
        let changes = adjustments.map { change in
            "<tr><td colspan=\"10\">\(Self.escaped(note(change)))</td><td class=\"n\">\(Money.decimal(change.amount))</td></tr>"
        }
        let files = sources.map { "<li>\(Self.escaped($0.name)), event \($0.event), SHA-256 <code>\($0.object.hex)</code></li>" }
        let waiting =
            unconverted > 0
            ? "<p>* \(unconverted) amounts wait for an exchange rate and are in no sum; a later statement adds them.</p>\n" : ""
        let heading = ["Track", "ISRC", "Artist", "Platform", "Distributor"].map { "<th>\($0)</th>" }.joined()
        let numbers = ["Reported", "Sale month", "Quantity", "Net", "Share", "Amount"].map { "<th class=\"n\">\($0)</th>" }.joined()
        let page = """
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8"><title>Statement \(monthText)</title>
            <style>
            body { font: 13px/1.4 sans-serif; margin: 2em; color: #111 }
            table { border-collapse: collapse; width: 100% }
            th, td { padding: 3px 6px; border-bottom: 1px solid #ccc; text-align: left; vertical-align: top }
            th { border-bottom: 2px solid #111 } thead { display: table-header-group } tr { break-inside: avoid }
            .n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
            .total td { border-top: 2px solid #111; border-bottom: 0; font-weight: bold }
            footer { margin-top: 2em; font-size: 11px; color: #444 } code { word-break: break-all }
            @page { size: A4 landscape; margin: 15mm } @media print { body { margin: 0 } }
            </style></head><body>
            <h1>Royalty statement \(monthText)</h1>
            <p>From \(Self.escaped(label)) to \(Self.escaped(payeeText)). What distributors reported in \(monthText), in US dollars.</p>
            <table><thead><tr>\(heading)\(numbers)</tr></thead><tbody>
            \((rows + changes).joined(separator: "\n"))
            <tr class="total"><td colspan="10">Total, USD</td><td class="n">\(Money.decimal(total))</td></tr>
            </tbody></table>
            \(waiting)<footer><p>Amount is net times share, rounded half-even to a billionth of a dollar for each track, artist, \
            sale month and report; its lines by platform come to it exactly. The share is the one that holds on the last day of the sale \
            month. Figures \(Self.escaped(rests)). What changes later stands in a later \
            statement as an adjustment.</p>
            <ul>\(files.joined())</ul></footer>
            </body></html>

            """
        return Array(page.utf8)
    }

    private static func row(_ texts: [String], _ numbers: [String]) -> String {
        "<tr>" + texts.map { "<td>\(escaped($0))</td>" }.joined() + numbers.map { "<td class=\"n\">\($0)</td>" }.joined() + "</tr>"
    }

    /// Text that can stand in an element or an attribute.
    static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;").replacing("\"", with: "&quot;")
            .replacing("'", with: "&#39;")
    }
}
