import Cleaning
import EventLog
import Glibc
import Projection
import Testing

@testable import Ledger

/// Every KPI against sums that a person did by hand, on lakes of a few days.
@Suite struct KPITests {
    @Test(arguments: KPICases.domains())
    func valuesAreThoseOfTheHandMadeSums(_ domain: String) throws {
        let cases = try KPICases(domain: domain)
        let lake = try SmallLake()
        try cases.feed(lake)
        let questions = cases.questions
        let answers = try lake.open { lake in
            try lake.kpiValues(asking: questions.map { (kpi: $0.kpi, day: $0.day, seq: try cases.seq(of: $0)) })
        }
        var dimensions: [String: [String]] = [:]
        for kpi in try KPICases.shipped() { dimensions[kpi.id] = kpi.dimensions }
        for (question, values) in zip(questions, answers) {
            let found = values.map { KPICases.row($0, dimensions: dimensions[question.kpi] ?? []) }
            cases.compare(question, found)
        }
        try lake.open { try whatWasSaidThenIsSaidOfThen($0, domain) }
        try lake.open { lake in
            try valuesRestOnLines(
                lake, domain, zip(questions, answers).map { ($0, try cases.seq(of: $0), $1) })
        }
    }

    /// The datasets that a value's evidence leads to, where a KPI reads several: one fact must not hide the others.
    private static let datasets: [String: Set<String>] = [
        "net_income": ["distrokid/bank_details", "toolost/sales_report", "manual/card_purchases"],
        "revenue_net": ["distrokid/bank_details", "toolost/sales_report"],
        "revenue_gross": ["distrokid/bank_details", "toolost/sales_report"],
        "revenue_by_report": ["distrokid/bank_details", "toolost/sales_report"],
        "revenue_own_share": ["distrokid/bank_details", "toolost/sales_report", "manual/track_catalog"],
        "social_video_views": ["tiktok/overview", "instagram/insights"],
        "social_engagements": ["tiktok/overview", "instagram/insights", "instagram/business_suite"],
        "social_followers_net": [
            "tiktok/follower_history", "tiktok/follower_snapshot", "tiktok/overview", "youtube/analytics", "instagram/insights",
            "instagram/business_suite",
        ],
        "ad_reach_period": ["metaads/insights"],
        "source_variance_pct": ["distrokid/spotify_streams", "spotify/audience"],
    ]

    /// Behind every value that a KPI with evidence told last there are lines, of every dataset that it reads.
    private func valuesRestOnLines(_ lake: Lake, _ domain: String, _ answers: [(KPICases.Question, seq: Int64, [KPIValue])]) throws {
        var asked: [(kpi: KPIDefinition, dimensions: [String: JSON], day: Int64, seq: Int64)] = []
        for kpi in try KPICases.shipped() where !kpi.evidence.isEmpty {
            for (question, seq, values) in answers where question.kpi == kpi.id && values.contains(where: { ($0.numerator ?? 0) != 0 }) {
                for value in values where (value.numerator ?? 0) != 0 {
                    asked.append((kpi, try #require(JSON.parse(Array(value.dimensions.utf8)).object), question.day, seq))
                }
            }
        }
        var told: [String: Set<Int64>] = [:]
        for (value, found) in zip(asked, try lake.evidence(asked, limit: 3)) {
            let name = "\(domain): \(value.kpi.id) \(value.dimensions) on \(CalendarDay.text(day: value.day))"
            #expect(found.total > 0 && found.lines.count == min(3, Int(found.total)) && !found.captures.isEmpty, "\(name): no lines")
            told[value.kpi.id, default: []].formUnion(found.captures)
        }
        for (kpi, captures) in told.sorted(by: { $0.key < $1.key }) {
            guard let datasets = Self.datasets[kpi] else { continue }
            let streams = try lake.log.read { log in try captures.compactMap { try log.event($0)?.stream } }
            #expect(datasets.isSubset(of: streams), "\(domain): \(kpi) leads to \(Set(streams).sorted())")
        }
    }

    /// Asked today of what was known at each snapshot, every KPI says what it said there: nothing learned later gets in.
    private func whatWasSaidThenIsSaidOfThen(_ lake: Lake, _ domain: String) throws {
        func text(_ cell: JSON) -> String {
            switch cell {
            case .int(let number): String(number)
            case .string(let text): text
            default: "null"
            }
        }
        var said: [String: [String]] = [:]
        let columns = "dims, num, den, unconverted, covered, expected"
        for row in try lake.query("SELECT kpi, seq, \(columns) FROM kpi_value ORDER BY kpi, seq, dims").rows {
            said["\(text(row[0])) at event \(text(row[1]))", default: []].append(row[2...].map(text).joined(separator: " "))
        }
        let snapshots = try lake.query("SELECT seq, day_no FROM kpi_snapshot ORDER BY seq").rows.map { row in
            (seq: try #require(row[0].int), day: try #require(row[1].int))
        }
        // Those that read the clock are asked at another hour than the snapshot's.
        let timeless = try KPICases.shipped().filter { !$0.sql.contains(":now_ms") }
        let questions = timeless.flatMap { kpi in snapshots.map { (kpi: kpi.id, day: $0.day, seq: $0.seq) } }
        for (question, values) in zip(questions, try lake.kpiValues(asking: questions)) {
            let name = "\(question.kpi) at event \(question.seq)"
            let asked = values.map { value in
                let numbers = [value.numerator, value.denominator, value.unconverted, value.covered, value.expected]
                return ([value.dimensions] + numbers.map { $0.map { String($0) } ?? "null" }).joined(separator: " ")
            }
            #expect(asked.sorted() == said[name, default: []].sorted(), "\(domain): \(name)")
        }
        #expect(snapshots.count > 1 && !said.isEmpty, "\(domain): snapshots to compare")
    }

    @Test func everyKPIHasAtLeastFourCases() throws {
        var lines: [String: Int] = [:]
        for domain in KPICases.domains() {
            for line in try KPICases(domain: domain).lines { lines[line.question.kpi, default: 0] += 1 }
        }
        let shipped = try KPICases.shipped().map(\.id)
        let poor = shipped.filter { lines[$0, default: 0] < 4 }
        #expect(poor.isEmpty, "fewer than four lines in Tests/BedrotTests/KPIs/*/expected.txt: \(poor.joined(separator: ", "))")
        let unknown = Set(lines.keys).subtracting(shipped).sorted()
        #expect(unknown.isEmpty, "no file in projections/kpis: \(unknown.joined(separator: ", "))")
    }

    @Test func everyKPIPassesTheGuards() throws {
        let lake = try SmallLake()
        try lake.open { lake in
            // A projection refuses a definition that breaks a guard; asking checks each by itself, so that the message names it.
            for kpi in try lake.definitionsInForce().kpis {
                do {
                    _ = try lake.kpiValues(asking: [(kpi: kpi.id, day: 0, seq: 1)])
                } catch {
                    Issue.record("\(error)")
                }
            }
        }
    }
}

/// The hand-made cases of one domain.
///
/// `KPIs/<domain>/steps/1`, `2`, … hold the files of each step as people drop them, fed with `--account label`; a folder in a step is the
/// account of the files in it. Beside them may lie
/// - `refused`: names of files of this step that must be held back or not known, one a line,
/// - `reference.ndjson`: bodies of `reference.changed` events, one a line, appended after the files,
/// - `commands`: command lines of bedrot without `--root`, run after that; a word with spaces stands in double quotes.
///
/// `KPIs/<domain>/expected.txt` holds lines `kpi | day | step | dimensions | num/den | covered/expected`, and says what the KPI answers for
/// the day from what was known after the step (0: before the first). All rows of an answer are listed, or the line ends in `none`.
/// `dimensions` is `name=value, …` in the order of the KPI's header, or `-`; the value is `null` where `num` is; coverage is `-` where the
/// KPI gives none. A seventh field `unconverted n` is there where n rows had no rate. What follows `#` is a comment.
private struct KPICases {
    struct Question: Hashable {
        let kpi: String
        let day: Int64
        let step: Int
    }

    struct Line {
        let number: Int
        let question: Question
        /// As ``KPICases/row(_:dimensions:)`` writes it; nil says that there is no row.
        let row: String?
    }

    static let folder = "\(Binary.checkout)/Tests/BedrotTests/KPIs"

    static func domains() -> [String] { Tree.names(folder).filter { Files.exists("\(folder)/\($0)/expected.txt") } }

    static func shipped() throws -> [KPIDefinition] {
        try DefinitionSet(files: try DefinitionFolders(root: Layout(root: "\(folder)/none"), explicit: Binary.checkout).read()).kpis
    }

    let path: String
    let lines: [Line]
    private let steps: Steps

    init(domain: String) throws {
        path = "\(Self.folder)/\(domain)/expected.txt"
        steps = Steps(folder: "\(Self.folder)/\(domain)/steps")
        var lines: [Line] = []
        let text = String(decoding: try Files.read(path), as: UTF8.self)
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let plain = line.hasPrefix("#") ? "" : line.firstRange(of: " #").map { line[..<$0.lowerBound] } ?? line
            let fields = plain.split(separator: "|", omittingEmptySubsequences: false).map { $0.trimmingSpaces }
            if fields == [""] { continue }
            let isNone = fields.count == 4 && fields[3] == "none"
            guard isNone || (6...7).contains(fields.count), let day = CalendarDay.day(fields[1]), let step = Int(fields[2]) else {
                Issue.record("\(path):\(index + 1): write kpi | day | step | dimensions | num/den | covered/expected")
                continue
            }
            let row = isNone ? nil : fields[3...].joined(separator: " | ")
            lines.append(Line(number: index + 1, question: Question(kpi: fields[0], day: day, step: step), row: row))
        }
        self.lines = lines
    }

    /// Each question once, in the order of the file.
    var questions: [Question] {
        var seen: Set<Question> = []
        return lines.map(\.question).filter { seen.insert($0).inserted }
    }

    func feed(_ lake: SmallLake) throws { try steps.feed(lake) }

    func seq(of question: Question) throws -> Int64 {
        try #require(steps.heads.indices.contains(question.step) ? steps.heads[question.step] : nil, "\(path): no step \(question.step)")
    }

    /// One row of an answer as `expected.txt` writes it.
    static func row(_ value: KPIValue, dimensions: [String]) -> String {
        let object = (try? JSON.parse(Array(value.dimensions.utf8))) ?? .null
        let names = dimensions.map { name in
            switch object[name] {
            case .string(let text)?: "\(name)=\(text)"
            case .int(let number)?: "\(name)=\(number)"
            default: "\(name)=null"
            }
        }
        func text(_ number: Int64?) -> String { number.map { String($0) } ?? "null" }
        var parts = [names.isEmpty ? "-" : names.joined(separator: ", ")]
        parts.append(value.numerator == nil ? "null" : "\(text(value.numerator))/\(text(value.denominator))")
        parts.append(value.covered == nil && value.expected == nil ? "-" : "\(text(value.covered))/\(text(value.expected))")
        if let unconverted = value.unconverted, unconverted > 0 { parts.append("unconverted \(unconverted)") }
        return parts.joined(separator: " | ")
    }

    func compare(_ question: Question, _ found: [String]) {
        let wanted = lines.filter { $0.question == question }
        let rows = wanted.compactMap(\.row)
        guard rows.sorted() != found.sorted() else { return }
        let missing = wanted.filter { line in line.row.map { !found.contains($0) } ?? !found.isEmpty }
        let list = missing.map { "  line \($0.number): \($0.row ?? "none")" }
        Issue.record(
            """
            \(path): \(question.kpi) on \(CalendarDay.text(day: question.day)) after step \(question.step)
            expected, and not found:
            \(list.isEmpty ? "  nothing more" : list.joined(separator: "\n"))
            the whole answer:
            \(found.isEmpty ? "  none" : found.map { "  \($0)\(rows.contains($0) ? "" : "   <- not expected")" }.joined(separator: "\n"))
            """)
    }
}

/// The steps of a domain, and the head of the log after each.
private final class Steps {
    private let folder: String
    /// By step; the first is that of the empty lake.
    private(set) var heads: [Int64] = []

    init(folder: String) { self.folder = folder }

    func feed(_ lake: SmallLake) throws {
        try close(lake)
        var number = 1
        while Files.exists("\(folder)/\(number)") {
            try feed(lake, step: number)
            try close(lake)
            number += 1
        }
    }

    private func close(_ lake: SmallLake) throws { heads.append(try lake.open { try $0.log.read { try $0.head().seq } }) }

    private func feed(_ lake: SmallLake, step: Int) throws {
        let source = "\(folder)/\(step)"
        let inbox = "\(lake.folder.path)/step\(step)"
        func words(_ name: String) throws -> [String] {
            guard Files.exists("\(source)/\(name)") else { return [] }
            let text = String(decoding: try Files.read("\(source)/\(name)"), as: UTF8.self)
            return text.split(separator: "\n").map { $0.trimmingSpaces }.filter { !$0.isEmpty && !$0.hasPrefix("#") }
        }
        let refused = Set(try words("refused"))
        var accounts: Set<String> = []
        for name in Tree.names(source) where !["refused", "reference.ndjson", "commands"].contains(name) {
            let isFolder = Files.isFolder("\(source)/\(name)")
            accounts.insert(isFolder ? name : "label")
            if !isFolder { try AtomicFile.makeFolders("\(inbox)/label") }
            try Tree.copy("\(source)/\(name)", to: isFolder ? "\(inbox)/\(name)" : "\(inbox)/label/\(name)")
        }
        // The time of a file counts where nothing better says when it was made; a checkout has the time of the checkout.
        let noon = timespec(tv_sec: Int(CalendarDay.days(year: 2025, month: 6, day: 1) + Int64(step)) * 86_400 + 43_200, tv_nsec: 0)
        for path in Files.walk(inbox) {
            try #require(utimensat(AT_FDCWD, path, [noon, noon], 0) == 0, "cannot set the time of \(path)")
        }
        try lake.open { lake in
            for account in accounts.sorted() {
                var options = IngestOptions()
                options.account = account
                options.acceptChanges = true
                options.project = false
                for outcome in try lake.ingest(["\(inbox)/\(account)"], options, ask: nil).files {
                    let name = Files.name(outcome.path)
                    switch outcome.kind {
                    case .promoted, .duplicate: try #require(!refused.contains(name), "step \(step): \(name) was taken")
                    case .quarantined, .unknown, .ambiguous, .failed:
                        try #require(refused.contains(name), "step \(step): \(name): \(outcome.kind)")
                    }
                }
            }
            for line in try words("reference.ndjson") {
                let body = try JSON.parse(Array(line.utf8))
                let kind = try #require(body["kind"]?.string, "step \(step): no kind in \(line)")
                _ = try lake.log.write { try $0.append(lake.draft("reference/\(kind)", .referenceChanged, run: nil, body)) }
            }
            _ = try lake.project()
        }
        for line in try words("commands") {
            let output = try Binary.run(Self.split(line) + ["--root", lake.path])
            #expect(output.code == 0, "step \(step): \(output)")
        }
    }

    /// Words of a command line; those in double quotes may hold spaces.
    private static func split(_ line: String) -> [String] {
        line.split(separator: "\"", omittingEmptySubsequences: false).enumerated().flatMap { index, part in
            index % 2 == 1 ? [String(part)] : part.split(separator: " ").map { String($0) }
        }
    }
}

/// A data root with the shipped definitions and a key for each group of persons, open only while it is asked.
private final class SmallLake {
    let folder: TemporaryFolder
    let path: String
    private let layout: Layout

    init() throws {
        folder = try TemporaryFolder(inMemory: true)
        path = "\(folder.path)/lake"
        layout = Layout(root: path)
        let lake = try Lake.create(
            layout, settings: Lake.Settings(label: "Test", zone: "UTC", currency: "USD"), definitions: Binary.checkout)
        defer { lake.close() }
        let groups = try Files.walk("\(Binary.checkout)/zones").filter { $0.hasSuffix(".yml") }.flatMap { path in
            String(decoding: try Files.read(path), as: UTF8.self).matches(of: /personal: ([a-z_]+)/).map { String($0.output.1) }
        }
        for group in Set(groups + ["payee"]).sorted() { _ = try lake.createKey(group) }
        _ = try lake.project()
    }

    func open<R>(_ body: (Lake) throws -> R) throws -> R {
        let lake = try Lake.open(layout, mode: .readWrite, definitions: Binary.checkout)
        defer { lake.close() }
        return try body(lake)
    }
}
