import EventLog
import Glibc
import Testing

/// What pages show of a terminal is what a terminal shows: every `console` block is typed again, in order, on a small lake.
///
/// `RECORD_GOLDEN=1` writes the answers into the page. What differs from day to day is made the same: times, ids, the seqs of events, the
/// place of the lake. A line `<!-- then: later files -->` feeds what came later.
@Suite struct TranscriptTests {
    private static let page = "\(Binary.checkout)/projections/README.md"

    /// A command with its prompt, and what it printed.
    private struct Exchange {
        var command: [String] = []
        var answer: [String] = []
    }

    private static func exchanges(_ block: [String]) -> [Exchange] {
        var found: [Exchange] = []
        for line in block {
            // A command ends where its quotes are closed.
            let isOpen = found.last.map { !$0.command.joined().count { $0 == "\"" }.isMultiple(of: 2) } ?? false
            if isOpen {
                found[found.count - 1].command.append(line)
            } else if line.hasPrefix("$ ") {
                found.append(Exchange(command: [line]))
            } else if !found.isEmpty {
                found[found.count - 1].answer.append(line)
            }
        }
        return found
    }

    /// Gives the same numbers and times on every day.
    private struct Steady {
        private var seqs: [Substring: Int] = [:]

        private mutating func seq(_ text: Substring) -> String {
            let known = [182, 183, 264, 265, 266, 267, 268, 269]
            let index = seqs[text] ?? seqs.count
            seqs[text] = index
            return String(known[min(index, known.count - 1)])
        }

        mutating func line(_ line: String) -> String {
            var line = line.replacing(/20\d\d-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?Z?)?/) { match in
                String("2025-09-01T06:00:00.000Z".prefix(match.output.count))
            }
            line = line.replacing(/\b[0-9a-f]{64}\b/) { _ in "9f2c…" }
            line = line.replacing(/"from_seq":\d+/) { _ in "\"from_seq\":164" }
            // In words, in JSON, and in the column of a table.
            let found = line.matches(of: /(?:event |"seq": )(\d+)|( +\d+)(?=  20\d\d-)/).map { $0.output.1 ?? $0.output.2 ?? "" }
            for (digits, number) in found.map({ ($0, seq($0.drop { $0 == " " })) }).reversed() {
                let space = max(0, digits.count - number.count)
                line.replaceSubrange(
                    digits.startIndex..<digits.endIndex, with: (digits.first == " " ? String(repeating: " ", count: space) : "") + number)
            }
            return line
        }
    }

    /// Runs what stands behind the prompt, in the folder that holds the lake under the name `my-label`.
    private static func answer(_ exchange: Exchange, _ root: Root, _ steady: inout Steady) throws -> [String] {
        let folder = AtomicFile.parent(of: root.path)
        let command = exchange.command.joined(separator: "\n").dropFirst(2)
        let script = """
            cd '\(folder)' || exit 9
            export PROJECT_ROOT='\(root.path)'
            bedrot() { '\(Binary.path)' "$@"; }
            \(command)
            """
        let output = try Binary.other("bash", ["-c", script])
        #expect(output.code == 0 || output.errors.hasPrefix("Error: "), "\(command)\n\(output)")
        let text = output.text + (output.code == 0 ? "" : output.errors)
        var lines = text.replacing(root.path, with: "my-label").replacing(folder + "/", with: "")
            .split(separator: "\n", omittingEmptySubsequences: false).map { steady.line(String($0)) }
        while lines.last == "" { lines.removeLast() }
        return lines
    }

    @Test func thePageTellsTheTruth() throws {
        let root = try Root()
        try root.feed(Made.first, Made.account)
        #expect(symlink(root.path, "\(AtomicFile.parent(of: root.path))/my-label") == 0)
        var steady = Steady()
        let lines = String(decoding: try AtomicFile.read(Self.page), as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        var page: [String] = []
        var block: [String]?
        var count = 0
        for line in lines {
            if line == "<!-- then: later files -->" { try root.feed(Made.second, Made.account) }
            if line == "```console" {
                block = []
                page.append(line)
            } else if line == "```", let typed = block {
                for exchange in Self.exchanges(typed) {
                    let answer = try Self.answer(exchange, root, &steady)
                    if getenv("RECORD_GOLDEN") == nil { #expect(answer == exchange.answer, "\(exchange.command[0])") }
                    page += exchange.command + answer
                    count += 1
                }
                block = nil
                page.append(line)
            } else if block != nil {
                block?.append(line)
            } else {
                page.append(line)
            }
        }
        #expect(count > 8)
        if getenv("RECORD_GOLDEN") != nil { try Tree.write(Array(page.joined(separator: "\n").utf8), to: Self.page) }
    }
}
