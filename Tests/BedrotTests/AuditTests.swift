import EventLog
import Glibc
import Testing

/// The audit questions of `projections/README.md`, asked of a small lake: what the page answers is what the program answers.
///
/// `RECORD_GOLDEN=1` writes the answers into the page.
@Suite struct AuditTests {
    private static let page = "\(Binary.checkout)/projections/README.md"

    private struct Question {
        var title: String
        var sql = ""
        var answer = ""
    }

    /// Sections `### n. …` with a block of SQL, then a block with the answer.
    private static func questions(_ text: String) -> [Question] {
        var found: [Question] = []
        var block: String?
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
            if line.hasPrefix("### ") {
                found.append(Question(title: line))
            } else if line.hasPrefix("```"), !found.isEmpty {
                if let open = block {
                    if found[found.count - 1].sql.isEmpty {
                        found[found.count - 1].sql = open
                    } else {
                        found[found.count - 1].answer = open
                    }
                    block = nil
                } else {
                    block = ""
                }
            } else if block != nil {
                block?.append(line + "\n")
            }
        }
        return found
    }

    /// A small lake with all that the pages speak of: files fed twice, a changed figure, a reject, a refused file, a withdrawn capture.
    static func lake() throws -> Root {
        let root = try Root()
        try root.feed(Made.first, Made.account)
        try root.feed(Made.second, Made.account)
        try root.feed([Made.spotify(15...17, made: 24, factor: 2)])
        let bad = "date,listeners,streams,followers\n2025-03-20,1,2,3\n2025-03-39,1,2,3\n2025-03-21,n.a.,2,3\n"
        try root.feed([MadeFile("spotify_audience_artistthree_20250401_120000.csv", bad)], code: 2)
        let broken = "Reporting Date\tSale Month\n2025-03-13\t2025-01\n"
        try root.feed([MadeFile("dk_bank_details_20250501_120000.tsv", broken)], Made.account, code: 2)
        let wrong = try #require(try root.events(["--account", "artistthree", "--type", "extraction.captured"]).first?["seq"]?.int)
        try root.ok(["retract", "\(wrong)", "--reason", "not our artist"])
        return root
    }

    @Test func theAnswersAreTrue() throws {
        let root = try Self.lake()
        let text = String(decoding: try AtomicFile.read(Self.page), as: UTF8.self)
        let start = try #require(text.firstRange(of: "## Audit: ten questions")?.lowerBound)
        let questions = Self.questions(String(text[start...]))
        #expect(questions.count == 10)
        var page = String(text[..<start]) + String(text[start...].split(separator: "\n### ")[0])
        for question in questions {
            let answer = try root.ok(["query", question.sql]).text
            #expect(answer.split(separator: "\n").count >= 3, "an answer has rows: \(question.title)")
            page += "\n\(question.title)\n\n```sql\n\(question.sql)```\n\n```\n\(answer)```\n"
            if getenv("RECORD_GOLDEN") == nil { #expect(answer == question.answer, "\(question.title)") }
        }
        if getenv("RECORD_GOLDEN") != nil { try Tree.write(Array(page.utf8), to: Self.page) }
    }

    @Test func lineageGoesBothWays() throws {
        let root = try SliceTests.lake.get()
        let capture = try #require(try root.events(["--type", "extraction.captured"]).first)
        let (seq, name) = (try #require(capture["seq"]?.int), try #require(capture["body"]?["name"]?.string))
        let forward = try root.json(["lineage", name])
        #expect(forward["captures"]?.array?.compactMap { $0["seq"]?.int } == [seq])
        #expect(forward["facts"]?.array?.first?["table"] == "fact_audience_day")
        #expect(forward["files"]?.array?.contains("4_curated/spotify_audience_curated.csv") == true)
        #expect(try root.json(["lineage", "\(seq)"])["files"] == forward["files"])
        let line = try root.json(["lineage", "\(name):2"])
        #expect(line["facing"]?.array?.count == 1 && line["lines"]?.array?.first?["line"] == 2)
        #expect(try root.json(["lineage", "\(seq):2"])["facing"] == line["facing"])
        #expect(try root.ok(["lineage", "\(seq):2"]).text.contains("stands in fact_audience_day: day_no 2025-03-01"))
        #expect(try root.ok(["lineage", "nowhere.csv"], code: 1).errors.contains("nothing is known of “nowhere.csv”"))
    }
}
