import EventLog
import Glibc
import Ledger
import LedgerTesting
import Projection
import Testing

/// One made-up file of the cleaning tests as a person would feed it; the `cases.txt` beside it says under which name and how.
struct DatasetCase: CustomTestStringConvertible, Sendable {
    var stream: String
    /// Path below the folder of fixtures.
    var file: String
    var name: String
    var account: String?
    var observed: String?
    var downloadedOn: String?
    var error: String?
    var testDescription: String { file }

    static let folder = "\(Binary.checkout)/Tests/CleaningTests/Fixtures/input"

    /// Datasets whose fixtures lie beside the folders.
    private static let others = [("lf", "20250601"), ("crlf_bom", "20250601"), ("rejects", "20250602")].map { form, day in
        DatasetCase(
            stream: "distrokid/bank_details", file: "distrokid_13_\(form).tsv", name: "dk_bank_details_\(day)_060000.tsv", account: "demo")
    }

    /// What all `cases.txt` list, sorted by dataset, after the other ones.
    static func found() throws -> [DatasetCase] {
        try others
            + Tree.listing(folder).keys.filter { $0.hasSuffix("/cases.txt") }.sorted().flatMap { path in
                let stream = String(path.dropLast("/cases.txt".count))
                let text = String(decoding: try AtomicFile.read("\(folder)/\(path)"), as: UTF8.self)
                return text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { line in
                    let parts = line.split(separator: "|").map { trimmed($0) }
                    var made = DatasetCase(stream: stream, file: "\(stream)/\(parts[0])", name: parts[1])
                    for option in parts.dropFirst(2).joined(separator: " ").split(separator: " ") {
                        let pair = option.split(separator: "=", maxSplits: 1).map(String.init)
                        switch pair[0] {
                        case "account": made.account = pair[1]
                        case "observed": made.observed = pair[1]
                        case "downloaded": made.downloadedOn = pair[1]
                        case "error": made.error = pair[1]
                        default: break
                        }
                    }
                    return made
                }
            }
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return String(text)
    }

    /// What is left out by the cleaner without a key is no error where there is one.
    var isFed: Bool { error == nil || error == "not_pseudonymised" }

    /// What `bedrot ingest` needs to be told.
    var arguments: [String] {
        (account.map { ["--account", $0] } ?? []) + (observed.map { ["--observed", $0] } ?? [])
            + (downloadedOn.map { ["--downloaded-on", $0] } ?? [])
    }

    func options() -> IngestOptions {
        var options = IngestOptions()
        options.account = account
        options.observed = observed.flatMap { Timestamp(iso: "\($0)T00:00:00.000Z") }
        options.downloadedOn = downloadedOn.flatMap { Timestamp(iso: "\($0)T00:00:00.000Z") }.map { $0.milliseconds / 86_400_000 }
        options.acceptChanges = true
        options.project = false
        return options
    }
}

/// The files of every dataset in one lake: however it is projected, replayed or fed, the same comes out.
///
/// One lake is fed once; each test works on a copy of its ledger and keys.
@Suite(.serialized) struct DatasetTests {
    /// Made-up persons, put into the files that come in the clear.
    static let persons = [
        "fan@example.com", "Zyxw Vutsrq", "198.51.100.77", "0123fedcba9876543210", "192.0.2.1", "Jo Doe", "4929000011112222",
    ]

    private static func withPersons(_ one: DatasetCase, _ bytes: [UInt8]) -> [UInt8] {
        guard one.error == "not_pseudonymised" else { return bytes }
        var text = String(decoding: bytes, as: UTF8.self)
        for (from, to) in [
            (",1234\n", ",4929000011112222\n"), ("\"full_name\":\"[redacted]\"", "\"full_name\":\"Zyxw Vutsrq\""),
            ("\"id\":\"[redacted]\"", "\"id\":\"0123fedcba9876543210\""), ("\"vip\":", "\"ip_signup\":\"198.51.100.77\",\"vip\":"),
        ] {
            text = text.replacing(from, with: to)
        }
        return Array(text.utf8)
    }

    /// Cases that are told the same, so that one command feeds them, in the order of their first.
    static func groups(_ cases: [DatasetCase]) -> [[DatasetCase]] {
        var order: [[String]] = []
        var groups: [[String]: [DatasetCase]] = [:]
        for one in cases where one.isFed {
            let key = one.arguments + [one.error ?? ""]
            if groups[key] == nil { order.append(key) }
            groups[key, default: []].append(one)
        }
        return order.map { groups[$0] ?? [] }
    }

    /// The files of some cases, each in a folder of its own; those with persons in them lie in landing, where originals are sealed.
    static func files(_ cases: [DatasetCase], of root: Root) throws -> [String] {
        try cases.map { one in
            let place =
                one.error == nil
                ? "\(root.inbox)/\(one.file.replacing("/", with: "-"))" : "\(root.path)/1_landing/\(one.stream)/\(one.account ?? "demo")"
            try AtomicFile.makeFolders(place)
            let path = "\(place)/\(one.name)"
            try Tree.write(withPersons(one, try AtomicFile.read("\(DatasetCase.folder)/\(one.file)")), to: path)
            // Where nothing else says when it was made, the file's time does: the 1st of July 2025.
            var times = [timeval](repeating: timeval(tv_sec: 1_751_328_000, tv_usec: 0), count: 2)
            try #require(utimes(path, &times) == 0)
            return path
        }
    }

    static func open(_ root: Root) throws -> Lake {
        try Lake.open(Layout(root: root.path), mode: .readWrite, definitions: Binary.checkout)
    }

    /// A lake with all files, and what it is like.
    struct Fed: Sendable {
        let root: Root
        let digest: ProjectionDigest
        let zones: [String: String]
        /// Captures of each case, by its file.
        let captures: [String: [Int64]]
        /// All that was not promoted, and what became of it.
        let troubles: [String]
        /// The event that the steps began after.
        let opened: Int64
    }

    static let fed = Result { () -> Fed in
        let root = try Root(inMemory: true)
        let lake = try open(root)
        defer { lake.close() }
        for group in ["card", "link_visitor", "mailing_list", "payee"] { _ = try lake.createKey(group) }
        _ = try lake.nameAccount(service: "spotify", name: "Demo Artist", account: "demo.artist")
        let opened = try lake.log.read { try $0.head().seq }
        var captures: [String: [Int64]] = [:]
        var troubles: [String] = []
        for (step, group) in groups(try DatasetCase.found()).enumerated() {
            let paths = try files(group, of: root)
            let outcomes = try lake.ingest(paths, group[0].options(), ask: nil).files
            for (one, path) in zip(group, paths) {
                let mine = outcomes.filter { $0.path == path }
                if !mine.contains(where: { $0.stream == one.stream }) {
                    troubles.append("\(one): taken for \(mine.map { $0.stream ?? "?" })")
                }
                for outcome in mine {
                    switch outcome.kind {
                    case .promoted(let capture, _, _, _, _), .duplicate(let capture): captures[one.file, default: []].append(capture)
                    default: troubles.append("\(one): \(outcome.kind)")
                    }
                }
            }
            guard step % 2 == 0 else { continue }
            lake.projector.batch = [512, 1, 7][step % 3]
            lake.projector.memoryBudget = [384 << 20, 0, 20_000][step % 3]
            _ = try lake.projector.project()
        }
        _ = try lake.project()
        return Fed(
            root: root, digest: try lake.projector.digest(), zones: try root.zones(), captures: captures, troubles: troubles, opened: opened
        )
    }

    /// A root with a copy of the ledger and the keys, and with the zones and the warehouse on demand.
    static func copy(_ fed: Fed, output: Bool) throws -> Root {
        if output { return try Root(copyOf: fed.root, inMemory: true) }
        let root = try Root(initialised: false, inMemory: true)
        for name in ["ledger", "keys"] { try Tree.copy("\(fed.root.path)/\(name)", to: "\(root.path)/\(name)") }
        return root
    }

    static func same(_ digest: ProjectionDigest, _ fed: Fed, _ root: Root, _ what: String) throws {
        let (mine, theirs) = (digest.tables.merging(digest.files) { $1 }, fed.digest.tables.merging(fed.digest.files) { $1 })
        let names = Set(mine.keys).union(theirs.keys).filter { mine[$0] != theirs[$0] }.sorted()
        #expect(names == [] && digest.all == fed.digest.all && digest.ops == fed.digest.ops, "\(what)")
        #expect(Tree.differences(try root.zones(), fed.zones) == [], "\(what)")
    }

    @Test func everyFileIsTakenForWhatItIs() throws {
        let fed = try Self.fed.get()
        #expect(fed.troubles == [])
        #expect(try DatasetCase.found().filter(\.isFed).allSatisfy { fed.captures[$0.file] != nil })
    }

    @Test func stepsAndOneStepAndAReplayGiveTheSame() throws {
        let fed = try Self.fed.get()
        let root = try Self.copy(fed, output: false)
        let lake = try Self.open(root)
        defer { lake.close() }
        lake.projector.batch = 1
        _ = try lake.projector.rebuild(until: fed.opened)
        lake.projector.memoryBudget = 5_000
        _ = try lake.projector.project()
        try Self.same(try lake.projector.digest(), fed, root, "all in one step after the opening")
        for zone in ["2_raw", "3_staging", "4_curated"] { Tree.remove("\(root.path)/\(zone)") }
        (lake.projector.batch, lake.projector.memoryBudget) = (512, 384 << 20)
        _ = try lake.projector.rebuild()
        try Self.same(try lake.projector.digest(), fed, root, "rebuilt without zones")
        (lake.projector.batch, lake.projector.memoryBudget) = (7, 0)
        let replay = try lake.replay(into: "\(root.inbox)/replay", until: nil, only: [])
        #expect(replay.differences == [])
        #expect(replay.replayed.all == fed.digest.all)
    }

    @Test(arguments: [
        ["TZ": "Asia/Kathmandu", "LANG": "tr_TR.UTF-8", "LC_ALL": "tr_TR.UTF-8"],
        ["TZ": "UTC-14", "LC_ALL": "C", "LC_NUMERIC": "ar_EG.UTF-8"],
    ])
    func neitherClockNorLanguageMatters(environment: [String: String]) throws {
        let fed = try Self.fed.get()
        let root = try Self.copy(fed, output: false)
        try root.ok(["rebuild"], environment: environment)
        let lake = try Self.open(root)
        defer { lake.close() }
        try Self.same(try lake.projector.digest(), fed, root, "\(environment)")
    }

    @Test func feedingAgainChangesNothing() throws {
        let fed = try Self.fed.get()
        let root = try Self.copy(fed, output: true)
        let lake = try Self.open(root)
        defer { lake.close() }
        for group in Self.groups(try DatasetCase.found()) {
            let outcomes = try lake.ingest(try Self.files(group, of: root), group[0].options(), ask: nil).files
            for outcome in outcomes {
                guard case .duplicate = outcome.kind else {
                    Issue.record("\(outcome.path): \(outcome.kind)")
                    continue
                }
            }
        }
        _ = try lake.project()
        let digest = try lake.projector.digest()
        #expect(digest.all == fed.digest.all && digest.tables == fed.digest.tables && digest.files == fed.digest.files)
        #expect(digest.ops != fed.digest.ops)
        #expect(Tree.differences(try root.zones(), fed.zones) == [])
    }

    @Test func withdrawingEverythingLeavesEmptyTables() throws {
        let fed = try Self.fed.get()
        let root = try Self.copy(fed, output: true)
        let lake = try Self.open(root)
        defer { lake.close() }
        for capture in Set(fed.captures.values.joined()).sorted() {
            let stream = try #require(try lake.log.read { try $0.event(capture) }).stream
            _ = try lake.log.write {
                try $0.append(
                    EventDraft(
                        stream: stream, type: "extraction.retracted", actor: lake.actor,
                        body: ["capture": .int(capture), "reason": "all of them"]))
            }
        }
        _ = try lake.project()
        for (path, content) in try root.zones() where path.hasPrefix("4_curated/") && path.hasSuffix(".csv") {
            let lines = try AtomicFile.read("\(root.path)/\(path)").split(separator: 10)
            #expect(lines.count == 1, "\(path): \(content)")
        }
        for fact in try lake.projector.definitions(until: Int64.max >> 1).facts {
            #expect(try lake.query("SELECT COUNT(*) FROM \(fact.name)").rows == [[0]], "\(fact.name)")
        }
        #expect(try lake.replay(into: nil, until: nil, only: []).differences == [])
    }

    /// What a lake says now, without any seq.
    struct Reading {
        var files: [String: String] = [:]
        var rows: [String: [String]] = [:]

        init(_ lake: Lake, _ root: Root) throws {
            for (path, content) in try root.zones() where path.hasPrefix("4_curated/") && !path.hasSuffix("_manifest.json") {
                files[path] = content
            }
            let definitions = try lake.definitionsInForce()
            for fact in definitions.facts {
                let columns = fact.columns.map { column in
                    if case .source = column.storage { return "(SELECT value FROM source_value WHERE id = f.\"\(column.name)\")" }
                    return "f.\"\(column.name)\""
                }
                let account = "(SELECT value FROM source_value WHERE id = f.account)"
                rows[fact.name] = try lake.query("SELECT \(([account] + columns).joined(separator: ", ")) FROM \(fact.name) f").rows.map {
                    "\($0)"
                }
                .sorted()
            }
            // Those of the work done tell how the files came in, which is what differs.
            for kpi in definitions.kpis where !kpi.sql.contains("op_") {
                rows["KPI \(kpi.id)"] = try lake.kpiValues(kpi, day: 20_270, knownAt: nil).values.map {
                    "\($0.dimensions): \($0.numerator.map(String.init) ?? "–") of \($0.denominator.map(String.init) ?? "–")"
                }.sorted()
            }
        }
    }

    /// Up to four cases a dataset of which no two rank the same: of such the one that came first is the lesser, whatever it holds.
    private func withoutTies(_ fed: Fed) throws -> [DatasetCase] {
        let root = try Self.copy(fed, output: false)
        let lake = try Self.open(root)
        defer { lake.close() }
        var taken = Set<String>()
        var count: [String: Int] = [:]
        return try DatasetCase.found().filter { one in
            let ranks = try (fed.captures[one.file] ?? []).map { seq in
                let body = try #require(try lake.log.read { try $0.event(seq) }).body
                return ["service", "dataset", "account", "observed"].map { body[$0]?.string ?? "" }.joined(separator: "/")
            }
            guard one.isFed, taken.isDisjoint(with: ranks), count[one.stream, default: 0] < 4 else { return false }
            taken.formUnion(ranks)
            count[one.stream, default: 0] += 1
            return true
        }
    }

    @Test func theOrderOfArrivalDoesNotMatter() throws {
        let fed = try Self.fed.get()
        let cases = try withoutTies(fed)
        #expect(cases.count > 60)
        var readings: [Reading] = []
        for isReversed in [false, true] {
            let root = try Root(inMemory: true)
            try Tree.copy("\(fed.root.path)/keys", to: "\(root.path)/keys")
            let lake = try Self.open(root)
            defer { lake.close() }
            _ = try lake.nameAccount(service: "spotify", name: "Demo Artist", account: "demo.artist")
            let groups = Self.groups(cases)
            for group in isReversed ? groups.reversed() : groups {
                let paths = try Self.files(group, of: root)
                _ = try lake.ingest(isReversed ? paths.reversed() : paths, group[0].options(), ask: nil)
            }
            // A person lets through what would replace more by less, which depends on what was there.
            for held in try lake.held() {
                _ = try lake.accept(partition: held.partition, of: held.capture, reason: "all of them", project: false)
            }
            _ = try lake.project()
            readings.append(try Reading(lake, root))
        }
        let (one, other) = (readings[0], readings[1])
        #expect(Tree.differences(one.files, other.files) == [])
        for name in Set(one.rows.keys).union(other.rows.keys).sorted() {
            let (mine, theirs) = (one.rows[name] ?? [], other.rows[name] ?? [])
            #expect(Set(mine).subtracting(theirs).sorted().prefix(4) == [], "\(name): only in order")
            #expect(Set(theirs).subtracting(mine).sorted().prefix(4) == [], "\(name): only in reverse")
            #expect(mine.count == theirs.count, "\(name)")
        }
        // The comparison is one of figures: every table has some.
        #expect(one.rows.filter { $0.value.isEmpty && !$0.key.hasPrefix("KPI") }.keys.sorted() == [])
    }

    /// The persons whom the bytes name, in any case of letters that a normalised value may have.
    private static func persons(in bytes: [UInt8]) -> [String] {
        persons.filter { person in
            Set([person, person.lowercased()]).contains { text in
                bytes.withUnsafeBytes { here in
                    guard let base = here.baseAddress, let first = text.utf8.first else { return false }
                    let (end, length) = (base + here.count, text.utf8.count)
                    var at = base
                    while at + length <= end, let found = memchr(at, Int32(first), end - at - length + 1) {
                        if memcmp(found, text, length) == 0 { return true }
                        at = UnsafeRawPointer(found) + 1
                    }
                    return false
                }
            }
        }
    }

    @Test func noPersonIsNamedAnywhere() throws {
        let fed = try Self.fed.get()
        let root = try Self.copy(fed, output: true)
        func check(_ what: String) throws -> (sealed: Int, plain: Int) {
            let paths = try Tree.listing(root.path).filter { $0.value != "folder" && !$0.value.hasPrefix("link") }.keys
            for path in paths where !path.hasSuffix(".sealed") {
                #expect(Self.persons(in: try AtomicFile.read("\(root.path)/\(path)")) == [], "\(what): \(path)")
            }
            return (paths.count { $0.hasSuffix(".sealed") }, paths.count)
        }
        let cases = try DatasetCase.found().filter { $0.error == "not_pseudonymised" }
        let before = try check("fed")
        #expect(before.sealed > 0 && before.plain > 500)
        // The program itself, with everything it prints.
        for one in cases {
            let path = try Self.files([one], of: root)[0]
            #expect(try Self.persons(in: AtomicFile.read(path)) != [], "\(one): nobody in it")
            for arguments in [["ingest", path, "--dry-run"], ["ingest", path], ["ingest", path, "--json"]] {
                let output = try root.run(arguments + one.arguments)
                #expect(output.code == 0 || output.code == 2, "\(output)")
                #expect(Self.persons(in: output.bytes) == [] && Self.persons(in: Array(output.errors.utf8)) == [], "\(output)")
            }
        }
        try root.ok(["rebuild"])
        _ = try check("rebuilt")
        #expect(Self.persons(in: try root.ok(["events", "--raw"]).bytes) == [])
    }

    /// Two months with the largest amount there is: no sum of them fits.
    @Test func anAbsurdAmountDoesNotLockTheLake() throws {
        let root = try Root(inMemory: true)
        let lines = String(decoding: try AtomicFile.read("\(DatasetCase.folder)/distrokid_13_rounding.tsv"), as: UTF8.self).split(
            separator: "\n")
        let line = try #require(lines.first { $0.contains("9223372036.854775807") })
        let text = "\(lines[0])\n\(line)\n\(line.replacing("2025-09-13", with: "2025-10-13"))\n"
        let path = "\(root.inbox)/dk_bank_details_20250604_060000.tsv"
        try Tree.write(Array(text.utf8), to: path)
        let fed = try root.ok(["ingest", path, "--account", "demo"])
        #expect(fed.errors.contains("bedrot retract"), "\(fed)")
        try root.ok(["project"])
        let capture = try #require(root.seqs("extraction.captured").last)
        try root.ok(["retract", "\(capture)", "--reason", "absurd"])
        try root.ok(["rebuild"])
        try root.ok(["verify", "--shadow"])
    }
}
