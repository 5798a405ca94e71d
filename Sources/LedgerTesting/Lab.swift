package import EventLog
package import Projection
import Cleaning
import Glibc

/// A small data root in a folder of its own, for tests of the projections: four datasets, one of each way to merge, all files made up.
///
/// Events are drafted first and get the seq they will have; ``append(upTo:)`` then writes them to a real log, so that a test can project in
/// as many steps as it likes. The folder goes with the lab.
package final class Lab {
    /// The datasets of the service `test`, by merge mode: upsert, upsert of numbered lines, replace a partition, append.
    package enum Dataset: String, CaseIterable, Sendable { case up, oc, rp, ap }

    /// Whose files the histories know.
    package static let accounts = ["first", "second"]
    /// The first event's time; each later one is an hour after the one before.
    package static let start = Timestamp(milliseconds: 1_740_000_000_000)

    package let layout: Layout
    package let log: EventLog
    package let objects: ObjectStore
    /// Events in order; the seq of the last is their number.
    package private(set) var drafts: [EventDraft] = []
    /// The seq of the last event that opens the lab: from here on all definitions are known.
    package private(set) var opened: Int64 = 0
    private var appended = 0
    private var contracts: [Dataset: Hash256] = [:]
    private let reader: CaptureReader
    private let folder: String

    /// Makes the folder, an empty log, and drafts the events that open it and name the definitions.
    package init(definitions: [String: String] = Lab.definitions, zone: String = "+02:00") throws {
        let parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"
        var template = Array("\(parent)/bedrot-lab-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw FileFailure("make a folder like", "\(parent)/bedrot-lab-XXXXXX", errno) }
        folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        layout = Layout(root: "\(folder)/root")
        try Files.makeFolder("\(layout.root)/ledger")
        log = try EventLog.create(at: layout.log, indexing: indexEntries)
        objects = ObjectStore(at: layout.objects)
        reader = CaptureReader(objects: objects, zones: nil)
        add("log", .logOpened, ["format": 1, "log": "lab", "label": "Lab", "zone": .string(zone), "currency": "USD"])
        for (path, text) in definitions.sorted(by: { $0.key < $1.key }) { try define(path, text) }
        for dataset in Dataset.allCases { try useContract(version: 0, for: dataset) }
        opened = Int64(drafts.count)
    }

    deinit {
        log.close()
        try? Files.removeTree(folder)
    }

    /// A folder beside the root, for replays.
    package func shadow(_ name: String) -> String { "\(folder)/\(name)" }

    /// A projector of the root that makes a short calendar.
    package func projector() -> Projector {
        let projector = Projector(layout: layout, log: log, objects: objects)
        projector.calendar = 2025...2025
        return projector
    }

    // MARK: Drafting

    /// Adds an event and gives its seq.
    @discardableResult
    package func add(_ stream: String, _ type: EventType, _ body: JSON, run: String? = nil) -> Int64 {
        add(stream, type: type.rawValue, body, run: run)
    }

    /// Adds an event of any type, known or not.
    @discardableResult
    package func add(_ stream: String, type: String, _ body: JSON, run: String? = nil) -> Int64 {
        let time = Timestamp(milliseconds: Self.start.milliseconds + Int64(drafts.count) * 3_600_000)
        drafts.append(EventDraft(stream: stream, type: type, actor: "os:1000", run: run, time: time, body: body))
        return Int64(drafts.count)
    }

    /// Appends the drafts up to a seq (all when nil) to the log.
    package func append(upTo seq: Int64? = nil) throws {
        let end = min(Int(seq ?? Int64(drafts.count)), drafts.count)
        guard appended < end else { return }
        try log.write { transaction in
            for draft in drafts[appended..<end] { try transaction.append(draft) }
        }
        appended = end
    }

    /// Captures a definition file.
    @discardableResult
    package func define(_ path: String, _ text: String) throws -> Int64 {
        let hash = try objects.put(Array(text.utf8))
        return add("definition/\(path)", .definitionCaptured, ["path": .string(path), "object": .string(hash.hex), "kind": "definition"])
    }

    /// Captures a version of a dataset's contract: odd ones accept numbers below zero, those from 2 on read `none` as “not reported”.
    package func useContract(version: Int, for dataset: Dataset) throws {
        let text = Self.contract(dataset, version: version)
        contracts[dataset] = Hash256(hashing: Array(text.utf8))
        try define("zones/test/\(dataset.rawValue).yml", text)
    }

    /// Captures a file; `observed` counts days of March 2025.
    package func capture(_ dataset: Dataset, account: String, observed: Int64, _ text: String) throws -> Int64 {
        let bytes = Array(text.utf8)
        let name = "\(dataset.rawValue)_\(drafts.count + 1).csv"
        let capture = Capture(
            seq: Int64(drafts.count + 1), object: try objects.put(bytes), size: Int64(bytes.count), service: "test",
            dataset: dataset.rawValue, account: account, name: name, landing: "1_landing/test/\(dataset.rawValue)/\(account)/\(name)",
            source: "manual",
            observed: Timestamp(milliseconds: (CalendarDay.days(year: 2025, month: 3, day: 1) + observed) * 86_400_000),
            observedFrom: "declared", fields: [:], downloadedOn: nil, fileTime: nil)
        return add(capture.stream, .captured, capture.body)
    }

    /// Cleans captures under the dataset's present contract and gives what their promotion would say, with nothing held.
    package func stage(_ captures: [Int64], of dataset: Dataset) throws -> [StagedPromotion] {
        guard let hash = contracts[dataset] else { preconditionFailure("every dataset has a contract from the start") }
        let contract = try reader.contract(hash)
        return try captures.map { seq in
            let capture = try Capture(seq: seq, body: drafts[Int(seq) - 1].body)
            let result = try reader.stage(object: capture.object, contract: contract, facts: capture.facts) { _ in }
            let name = "test/\(dataset.rawValue)/\(capture.account)"
            let stem = "\(dataset.rawValue)_\(seq)"
            return StagedPromotion(
                capture: seq, input: capture.object, rawOutput: result.raw, rawPath: "2_raw/\(name)/\(stem).csv", output: result.staged,
                path: "3_staging/\(name)/\(stem)_\(result.staged.hex.prefix(8)).csv",
                rejects: result.rejects.map { ($0, "3_staging/\(name)/\(stem)_\($0.hex.prefix(8)).rejects.ndjson") }, report: result.report)
        }
    }

    /// Promotes to staging what ``stage(_:of:)`` made.
    @discardableResult
    package func promote(_ items: [StagedPromotion], of dataset: Dataset) throws -> Int64 {
        guard let hash = contracts[dataset] else { preconditionFailure("every dataset has a contract from the start") }
        return add(
            "test/\(dataset.rawValue)", .promoted,
            [
                "from": "raw", "to": "staging", "contract": .string(hash.hex), "reader": .int(Int64(Cleaner.revision)),
                "against": .int(Int64(drafts.count)), "items": .array(items.map(\.body)),
            ])
    }

    /// Captures a file and promotes it, nothing held; gives the capture's seq.
    @discardableResult
    package func ingest(_ dataset: Dataset, account: String = "first", observed: Int64, _ text: String) throws -> Int64 {
        let seq = try capture(dataset, account: account, observed: observed, text)
        try promote(try stage([seq], of: dataset), of: dataset)
        return seq
    }

    /// Starts and ends a run; gives the seq of the end.
    @discardableResult
    package func completeRun() -> Int64 {
        let run = "run-\(drafts.count)"
        add("run", .runStarted, ["command": "ingest"], run: run)
        return add("run", .runCompleted, ["outcome": "ok", "data_to": .int(Int64(drafts.count))], run: run)
    }

    /// The day an event happened on in the lab's reporting zone, two hours east of UTC.
    package func day(of seq: Int64) -> Int64 { (drafts[Int(seq) - 1].time.milliseconds + 7_200_000) / 86_400_000 }
}

extension Lab {
    /// The files behind the lab's facts, curated tables and KPIs, by path.
    package static let definitions: [String: String] = [
        "projections/warehouse/up.sql": """
        /*---
        fact: up
        title: One row a name and day
        columns:
          artist: key source:artist
          day: key day
          v: measure count
          note: source:note
        indexes:
          - [day]
        totals:
          up_total: {by: [artist], sum: [v]}
        ---*/
        -- from: test/up
        SELECT k AS artist, p AS day, v, note FROM staged
        """,
        "projections/warehouse/oc.sql": """
        /*---
        fact: oc
        title: Rows of a name and day, numbered
        identity: occurrence
        columns:
          artist: key source:label
          day: key day
          v: measure count
          note: source:note
        totals:
          oc_total: {by: [artist], sum: [v]}
        ---*/
        -- from: test/oc
        SELECT k AS artist, p AS day, v, note FROM staged
        """,
        "projections/warehouse/rp.sql": """
        /*---
        fact: rp
        title: Lines without a key
        identity: row
        partition: day
        columns:
          day: key day
          artist: source:artist
          v: measure count
          note: source:note
        totals:
          rp_total: {by: [day, artist], sum: [v]}
        ---*/
        -- from: test/rp
        SELECT p AS day, k AS artist, v, note FROM staged
        """,
        "projections/warehouse/ap.sql": """
        /*---
        fact: ap
        title: Every line counts
        identity: row
        columns:
          artist: source:artist
          day: day
          v: measure count
          note: source:note
        totals:
          ap_total: {by: [artist], sum: [v]}
        ---*/
        -- from: test/ap
        SELECT k AS artist, p AS day, v, note FROM staged
        """,
        "projections/curated/up.sql": """
        /*---
        curated: up_table
        title: All upserts
        file: up.csv
        formats: {day: day}
        ---*/
        SELECT c.value AS account, s.value AS artist, f.day AS day, f.v AS v, n.value AS note
        FROM up f JOIN source_value c ON c.id = f.account JOIN source_value s ON s.id = f.artist LEFT JOIN source_value n ON n.id = f.note
        ORDER BY 1, 2, 3
        """,
        "projections/curated/rp.sql": """
        /*---
        curated: rp_table
        title: One file a day
        file: rp
        partition: rp.day
        formats: {day: day, partition: day}
        ---*/
        SELECT c.value AS account, s.value AS artist, f.day AS day, f.v AS v, n.value AS note
        FROM rp f JOIN source_value c ON c.id = f.account JOIN source_value s ON s.id = f.artist LEFT JOIN source_value n ON n.id = f.note
        WHERE f.day = :partition
        ORDER BY 1, 2, 3, 4 NULLS FIRST, 5 NULLS FIRST
        """,
        "projections/curated/members.sql": """
        /*---
        curated: members
        title: Appended lines by member
        file: members.csv
        ---*/
        SELECT a.artist_id AS member, a.name AS name, SUM(t.row_count) AS lines, SUM(t.v) AS v
        FROM ap_total t JOIN artist_of a ON a.source_id = t.artist
        GROUP BY a.artist_id, a.name
        ORDER BY 1, 2
        """,
        "projections/kpis/up_by_artist.sql": """
        /*---
        kpi: up_by_artist
        title: Upserts by name, from the kept total
        unit: count
        direction: up
        formula: sum of v over rows
        dimensions: [artist]
        ---*/
        SELECT s.value AS artist, SUM(t.v) AS num, SUM(t.row_count) AS den
        FROM up_total t JOIN source_value s ON s.id = t.artist
        GROUP BY s.value
        ORDER BY s.value
        """,
        "projections/kpis/rp_by_member.sql": """
        /*---
        kpi: rp_by_member
        title: Lines by member, from the fact
        unit: count
        direction: up
        formula: sum of v over rows
        dimensions: [member]
        ---*/
        SELECT a.artist_id AS member, SUM(f.v) AS num, COUNT(*) AS den
        FROM rp f JOIN artist_of a ON a.source_id = f.artist
        GROUP BY a.artist_id
        ORDER BY a.artist_id
        """,
        "projections/kpis/up_by_member.sql": """
        /*---
        kpi: up_by_member
        title: Upserts by member, one of two names a day
        unit: count
        direction: up
        formula: sum of v over rows
        dimensions: [member]
        ---*/
        SELECT a.artist_id AS member, SUM(f.v) AS num, COUNT(*) AS den
        FROM up f JOIN artist_of a ON a.source_id = f.artist
        GROUP BY a.artist_id
        ORDER BY a.artist_id
        """,
        "projections/kpis/ap_today.sql": """
        /*---
        kpi: ap_today
        title: Appended lines and the parameters
        unit: count
        direction: up
        formula: sum of v plus the day
        ---*/
        SELECT COALESCE(SUM(f.v), 0) + :day AS num, :seq AS den FROM ap f ORDER BY 1
        """,
    ]

    /// The contract of a dataset in one of four versions.
    package static func contract(_ dataset: Dataset, version: Int) -> String {
        let merge =
            switch dataset {
            case .up, .oc: "merge: {upsert: [k, p]}"
            case .rp: "merge: {replace_partition: p, guard: {total: v}}"
            case .ap: "merge: append"
            }
        return """
            # Version \(version).
            title: Lab \(dataset.rawValue)
            names: ["\(dataset.rawValue)_<n>.csv"]
            account: ask
            columns:
              - {name: k, type: text, required: true}
              - {name: p, type: day, required: true}
              - {name: v, type: integer, negative: \(version % 2 == 1)\(version >= 2 ? ", nulls: [none]" : "")}
              - {name: note, type: text, optional: true}
            \(merge)
            period: p

            """
    }
}
