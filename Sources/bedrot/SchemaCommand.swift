import ArgumentParser
import EventLog
import Ledger
import Projection

struct Schema: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Every table, column, unit and KPI, from the definitions in force.",
        discussion: """
            Prints Markdown, or writes one HTML page that needs nothing else:
              bedrot schema --html schema.html
              bedrot schema fact_stream_day
            """)

    @OptionGroup var options: RootOptions
    @Argument(help: "Only this table, KPI or curated table.") var name: String?
    @Option(help: "Write a page to this file instead.", completion: .file(extensions: ["html"])) var html: String?

    func run() throws {
        let (page, path) = try options.read { lake in
            let all = try lake.schema()
            let page = try name.map { try all.part($0) } ?? all
            return (page, try html.map { try lake.write(page.html, to: RootOptions.absolute($0)) })
        }
        if options.json { return try Terminal.json(page.json) }
        guard let path else { return Terminal.out(page.markdown) }
        Terminal.out("wrote \(Words.count(Int64(page.tables.count), "table")) and \(Words.count(Int64(page.kpis.count), "KPI")) to \(path)")
    }
}
