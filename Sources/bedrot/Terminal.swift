import EventLog
import Glibc
import Synchronization

/// Everything the program prints: results on stdout, the rest on stderr.
enum Terminal {
    static let isInteractive = isatty(STDERR_FILENO) == 1
    static let canAsk = isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1

    private static let isRead = isatty(STDOUT_FILENO) == 1

    static func out(_ text: String) { write(STDOUT_FILENO, (isRead ? harmless(text) : text) + "\n") }
    /// Without the line end.
    static func out(part text: String) { write(STDOUT_FILENO, isRead ? harmless(text) : text) }
    static func note(_ text: String) { write(STDERR_FILENO, harmless(text) + "\n") }

    /// File names and cells are other people's text: control characters in them must not steer a terminal.
    private static func harmless(_ text: String) -> String {
        func steers(_ scalar: Unicode.Scalar) -> Bool {
            (scalar.value < 32 && scalar != "\n" && scalar != "\t") || (127..<160).contains(scalar.value)
        }
        guard text.unicodeScalars.contains(where: steers) else { return text }
        return String(String.UnicodeScalarView(text.unicodeScalars.map { steers($0) ? "\u{FFFD}" : $0 }))
    }
    static func draw(_ text: String) { write(STDERR_FILENO, text) }

    static func out(bytes: [UInt8]) {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.write(STDOUT_FILENO, $0.baseAddress.map { $0 + done }, $0.count - done) }
            if count < 0, errno == EINTR { continue }
            // The reader went away (head, less): nothing more to say.
            guard count > 0 else { exit(0) }
            done += count
        }
    }

    private static func write(_ descriptor: Int32, _ text: String) {
        var text = text
        text.withUTF8 { bytes in
            var done = 0
            while done < bytes.count {
                let count = Glibc.write(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return }
                done += count
            }
        }
    }

    /// A line that the person types; nil for an empty one.
    static func answer(_ question: String) -> String? {
        write(STDERR_FILENO, "\(question): ")
        return readLine().flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Puts a yes-or-no question; no is the default.
    static func ask(_ question: String) -> Bool {
        write(STDERR_FILENO, "\(question)\nGo on all the same? [y/N] ")
        guard let answer = readLine() else { return false }
        return ["y", "yes"].contains(answer.lowercased())
    }

    /// Asks for a text; nil where the person gives none.
    static func read(_ question: String) -> String? {
        write(STDERR_FILENO, "\(question): ")
        return readLine()
    }

    /// Canonical JSON, one line.
    static func json(_ value: JSON) throws { out(bytes: try value.canonical() + [10]) }
}

/// A bar for long work on a terminal, nothing elsewhere: filled part, n of total, rate, time left.
final class Bar: Sendable {
    private struct State {
        var started: Double?
        var drawn = 0.0
        var isShown = false
    }

    private let state = Mutex(State())
    private let isEnabled: Bool

    init(quiet: Bool) { isEnabled = Terminal.isInteractive && !quiet }

    func update(_ what: String, _ done: Int64, _ total: Int64) {
        guard isEnabled, total > 0 else { return }
        let now = Self.now()
        let line: String? = state.withLock { state in
            let started = state.started ?? now
            state.started = started
            guard done == total || now - state.drawn > 0.1 else { return nil }
            state.drawn = now
            state.isShown = true
            let width = 28
            let filled = Int(Int64(width) * done / total)
            let seconds = max(now - started, 0.001)
            let rate = Double(done) / seconds
            let left = rate > 0 ? Double(total - done) / rate : 0
            let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
            return "\r\u{1B}[K\(what) \(bar) \(done) of \(total), \(Int(rate))/s, \(Int(left.rounded(.up))) s left"
        }
        if let line { Self.draw(line) }
    }

    func clear() {
        let shown = state.withLock { state in
            let shown = state.isShown
            state = State()
            return shown
        }
        if shown { Self.draw("\r\u{1B}[K") }
    }

    private static func draw(_ text: String) { Terminal.draw(text) }

    private static func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

/// The one renderer of list output.
struct TextTable {
    enum Alignment { case left, right }

    var columns: [(title: String, alignment: Alignment)]
    var rows: [[String]] = []
    /// Cells longer than this are cut with an ellipsis.
    var limit = 60
    /// At least so wide; empty asks for nothing. A long answer goes on under its heading with the widths of its first rows.
    var widths: [Int] = []

    func render(heading: Bool = true) -> String {
        let shown = rows.map { row in row.map { cell in cell.count > limit ? cell.prefix(limit - 1) + "…" : cell } }
        var widths = columns.enumerated().map { max($1.title.count, self.widths.isEmpty ? 0 : self.widths[$0]) }
        for row in shown { for (i, cell) in row.enumerated() { widths[i] = max(widths[i], cell.count) } }
        func line(_ cells: [String]) -> String {
            let parts = cells.enumerated().map { i, cell -> String in
                let space = String(repeating: " ", count: widths[i] - cell.count)
                return columns[i].alignment == .right ? space + cell : cell + space
            }
            var text = parts.joined(separator: "  ")
            while text.last == " " { text.removeLast() }
            return text
        }
        let rule = widths.map { String(repeating: "─", count: $0) }.joined(separator: "  ")
        return ((heading ? [line(columns.map(\.title)), rule] : []) + shown.map(line)).joined(separator: "\n")
    }
}

/// Numbers for people.
enum Words {
    static func count(_ n: Int64, _ one: String, _ many: String? = nil) -> String { "\(grouped(n)) \(n == 1 ? one : many ?? one + "s")" }

    /// `1,234,567`.
    static func grouped(_ n: Int64) -> String {
        var out = ""
        for (i, digit) in String(n.magnitude).reversed().enumerated() {
            if i > 0, i % 3 == 0 { out.append(",") }
            out.append(digit)
        }
        return (n < 0 ? "-" : "") + String(out.reversed())
    }

    static func bytes(_ n: Int64) -> String {
        n < 10_000 ? "\(n) B" : n < 10_000_000 ? "\(n / 1000) kB" : "\(n / 1_000_000) MB"
    }
}
