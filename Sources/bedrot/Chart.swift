import Cleaning
import Projection

/// A KPI over its snapshots, drawn as text or SVG. Only for looking at: the figures are in the table.
struct Chart {
    struct Series {
        let name: String
        var points: [(day: Int64, value: Double)]
    }

    let kpi: KPIDefinition
    let label: String
    private(set) var series: [Series] = []
    private let lastSeq: Int64

    init(kpi: KPIDefinition, history: [(seq: Int64, day: Int64, value: KPIValue)], label: String) {
        self.kpi = kpi
        self.label = label
        lastSeq = history.last?.seq ?? 0
        for entry in history {
            guard let numerator = entry.value.numerator, let denominator = entry.value.denominator, denominator != 0 else { continue }
            let value = Double(numerator) / Double(denominator) * (kpi.unit == "percent" ? 100 : 1)
            let name = KPIValue.shown(dimensions: entry.value.dimensions)
            let index = series.firstIndex { $0.name == name } ?? series.count
            if index == series.count { series.append(Series(name: name, points: [])) }
            // Several snapshots of one day: the last one stands.
            if series[index].points.last?.day == entry.day { series[index].points.removeLast() }
            series[index].points.append((entry.day, value))
        }
        // More lines than colours cannot be told apart: the ones with the largest last values stay.
        series.sort { ($0.points.last?.value ?? 0, $1.name) > ($1.points.last?.value ?? 0, $0.name) }
        series = Array(series.prefix(8))
    }

    var points: Int { series.reduce(0) { $0 + $1.points.count } }

    private var span: (first: Int64, last: Int64, low: Double, high: Double) {
        let all = series.flatMap(\.points)
        let high = all.map(\.value).max() ?? 1
        let low = min(0, all.map(\.value).min() ?? 0)
        return (all.map(\.day).min() ?? 0, all.map(\.day).max() ?? 1, low, high > low ? high : low + 1)
    }

    /// Round steps of 1, 2 or 5 times a power of ten.
    private func ticks(_ low: Double, _ high: Double) -> [Double] {
        var step = 1.0
        while (high - low) / step > 6 { step *= step.isDecade ? 2 : step.isDoubled ? 2.5 : 2 }
        while (high - low) / step < 3 { step /= 10 }
        while (high - low) / step > 6 { step *= 2 }
        var found: [Double] = []
        var value = (low / step).rounded(.down) * step
        while value <= high + step * 0.999 {
            found.append(value)
            value += step
        }
        return found
    }

    private func number(_ value: Double) -> String {
        if value.magnitude >= 100 || value == value.rounded() { return Words.grouped(Int64(value.rounded())) }
        var text = String(Int64((value * 1000).rounded()))
        let sign = text.hasPrefix("-") ? String(text.removeFirst()) : ""
        while text.count < 4 { text = "0" + text }
        text.insert(".", at: text.index(text.endIndex, offsetBy: -3))
        while text.hasSuffix("0") { text.removeLast() }
        return sign + text
    }

    // MARK: Text

    func text() -> String {
        let (width, height) = (72, 14)
        let span = span
        var grid = [[Character]](repeating: [Character](repeating: " ", count: width), count: height)
        let marks: [Character] = ["●", "○", "■", "□", "▲", "△", "◆", "◇"]
        for (i, line) in series.enumerated() {
            for point in line.points {
                let x =
                    span.last > span.first ? Int(Double(point.day - span.first) / Double(span.last - span.first) * Double(width - 1)) : 0
                let y = Int((point.value - span.low) / (span.high - span.low) * Double(height - 1))
                grid[height - 1 - y][x] = marks[i % marks.count]
            }
        }
        var lines = ["\(kpi.title), \(kpi.unit)"]
        let labels = [number(span.high), number((span.high + span.low) / 2), number(span.low)]
        let margin = labels.map(\.count).max() ?? 1
        for (row, cells) in grid.enumerated() {
            let label = row == 0 ? labels[0] : row == height / 2 ? labels[1] : row == height - 1 ? labels[2] : ""
            lines.append(String(repeating: " ", count: margin - label.count) + label + " ┤" + String(cells))
        }
        let first = CalendarDay.text(day: span.first)
        let last = CalendarDay.text(day: span.last)
        lines.append(String(repeating: " ", count: margin) + " └" + String(repeating: "─", count: width))
        lines.append(
            String(repeating: " ", count: margin + 2) + first + String(repeating: " ", count: max(1, width - first.count - last.count))
                + last)
        if series.count > 1 || series.first?.name.isEmpty == false {
            lines.append(series.enumerated().map { "\(marks[$0 % marks.count]) \($1.name)" }.joined(separator: "   "))
        }
        return lines.joined(separator: "\n")
    }

    // MARK: SVG

    private static let colours = ["#2f6fde", "#d9603b", "#2a9d6f", "#8a5cc2", "#c2952a", "#3aa6b9", "#b9478a", "#6b7280"]

    func svg() -> String {
        let (width, height, left, right, top) = (920.0, 460.0, 84.0, 28.0, 74.0)
        let legend = 26.0 * Double((series.count + 2) / 3)
        let bottom = 58.0 + (series.count > 1 ? legend : 0)
        let span = span
        let marks = ticks(span.low, span.high)
        let (low, high) = (marks.first ?? span.low, marks.last ?? span.high)
        func x(_ day: Int64) -> Double {
            left + (span.last > span.first ? Double(day - span.first) / Double(span.last - span.first) : 0.5) * (width - left - right)
        }
        func y(_ value: Double) -> Double { top + (high - value) / (high - low) * (height - top - bottom) }
        func place(_ value: Double) -> String { String(Int((value * 10).rounded()) / 10) + "." + String(Int((value * 10).rounded()) % 10) }
        func escaped(_ text: String) -> String {
            text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing("\"", with: "&quot;")
        }
        var out = """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(Int(width)) \(Int(height))" font-family="system-ui, sans-serif" \
            role="img" aria-label="\(escaped(kpi.title))">
            <rect width="100%" height="100%" fill="#ffffff"/>
            <text x="\(place(left))" y="32" font-size="19" font-weight="600" fill="#111827">\(escaped(kpi.title))</text>
            <text x="\(place(left))" y="53" font-size="13" \
            fill="#6b7280">\(escaped("\(label) · \(kpi.unit) · \(kpi.formula)".prefix(120) + ""))</text>

            """
        for tick in marks {
            out +=
                """
                <line x1="\(place(left))" x2="\(place(width - right))" y1="\(place(y(tick)))" y2="\(place(y(tick)))" \
                stroke="#e5e7eb"/>\n
                """
            out +=
                """
                <text x="\(place(left - 8))" y="\(place(y(tick) + 4))" font-size="12" text-anchor="end" \
                fill="#6b7280">\(number(tick))</text>\n
                """
        }
        for i in 0...4 {
            let day = span.first + (span.last - span.first) * Int64(i) / 4
            let anchor = i == 0 ? "start" : i == 4 ? "end" : "middle"
            out +=
                """
                <text x="\(place(x(day)))" y="\(place(height - bottom + 20))" font-size="12" text-anchor="\(anchor)" \
                fill="#6b7280">\(CalendarDay.text(day: day))</text>\n
                """
        }
        for (i, line) in series.enumerated() {
            let colour = Self.colours[i % Self.colours.count]
            let path = line.points.map { "\(place(x($0.day))),\(place(y($0.value)))" }.joined(separator: " ")
            out += "<polyline points=\"\(path)\" fill=\"none\" stroke=\"\(colour)\" stroke-width=\"2.2\" stroke-linejoin=\"round\"/>\n"
            if let last = line.points.last {
                out += "<circle cx=\"\(place(x(last.day)))\" cy=\"\(place(y(last.value)))\" r=\"3.6\" fill=\"\(colour)\"/>\n"
            }
            if series.count > 1 {
                let (column, row) = (Double(i % 3), Double(i / 3))
                let at = (left + column * 270, height - bottom + 46 + row * 22)
                out += "<rect x=\"\(place(at.0))\" y=\"\(place(at.1 - 10))\" width=\"12\" height=\"12\" rx=\"2\" fill=\"\(colour)\"/>"
                out +=
                    """
                    <text x="\(place(at.0 + 18))" y="\(place(at.1))" font-size="12.5" \
                    fill="#374151">\(escaped(line.name))</text>\n
                    """
            }
        }
        out +=
            """
            <text x="\(place(width - right))" y="\(place(height - 10))" font-size="11" text-anchor="end" \
            fill="#9ca3af">\(escaped(kpi.id)) as known at event \(lastSeq)</text>\n</svg>\n
            """
        return out
    }
}

extension Double {
    /// 1, 10, 100, …
    fileprivate var isDecade: Bool {
        var value = self
        while value >= 10 { value /= 10 }
        return value == 1
    }

    /// 2, 20, 200, …
    fileprivate var isDoubled: Bool {
        var value = self
        while value >= 10 { value /= 10 }
        return value == 2
    }
}
