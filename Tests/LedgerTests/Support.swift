import Cleaning
import EventLog
import Glibc
import Projection
import Testing

@testable import Ledger

/// A data root in a folder of its own, with the shipped definitions; the folder goes with it.
final class Root {
    /// The checkout that these tests were built in: the shipped definitions are there.
    static let package: String = Files.parent(Files.parent(Files.parent(#filePath)))

    let folder: String
    let layout: Layout
    private(set) var lake: Lake

    /// `overlay` holds definition files of the user's own, by path.
    init(overlay: [String: String] = [:], zone: String = "UTC") throws {
        folder = try Self.makeFolder()
        layout = Layout(root: "\(folder)/root")
        for (path, text) in overlay {
            let full = "\(layout.definitions)/\(path)"
            try Files.makeFolder(Files.parent(full))
            try AtomicFile.write(Array(text.utf8), to: full)
        }
        if overlay.isEmpty, zone == "UTC" {
            try Self.copyNew(to: layout)
            lake = try Lake.open(layout, mode: .readWrite, definitions: Self.package)
        } else {
            lake = try Lake.create(layout, settings: Self.settings(zone), definitions: Self.package)
        }
        lake.projector.calendar = 2024...2026
    }

    private static func settings(_ zone: String) -> Lake.Settings { Lake.Settings(label: "Test", zone: zone, currency: "USD") }

    /// The files of a lake that was just made, once: the making checks every definition that ships.
    private static let new = Result {
        let folder = try makeFolder()
        defer { try? Files.removeTree(folder) }
        let lake = try Lake.create(Layout(root: "\(folder)/root"), settings: settings("UTC"), definitions: package)
        lake.close()
        let root = "\(folder)/root"
        return try Files.walk(root).map { (path: String($0.dropFirst(root.count)), bytes: try Files.read($0)) }
    }

    private static func copyNew(to layout: Layout) throws {
        for (path, bytes) in try new.get() {
            try Files.makeFolder(Files.parent(layout.root + path))
            try AtomicFile.write(bytes, to: layout.root + path)
        }
    }

    /// Opens the root again after its lake was closed.
    func reopen() throws {
        lake = try Lake.open(layout, mode: .readWrite, definitions: Self.package)
        lake.projector.calendar = 2024...2026
    }

    deinit {
        lake.close()
        try? Files.removeTree(folder)
    }

    static func makeFolder() throws -> String {
        let parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"
        var template = Array("\(parent)/bedrot-ledger-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw FileFailure("make a folder like", "\(parent)/bedrot-ledger-XXXXXX", errno) }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Writes a definition of the user's own; nil removes it.
    func define(_ path: String, _ text: String?) throws {
        let full = "\(layout.definitions)/\(path)"
        guard let text else { return try Files.remove(full) }
        try Files.makeFolder(Files.parent(full))
        try AtomicFile.write(Array(text.utf8), to: full)
    }

    /// A file outside the root, or at a path below it; `day` is the day of its file time.
    @discardableResult
    func file(_ name: String, _ text: String, day: String = "2025-05-01") throws -> String {
        let full = name.hasPrefix("/") ? name : "\(folder)/in/\(name)"
        try Files.makeFolder(Files.parent(full))
        try Files.remove(full)
        try AtomicFile.write(Array(text.utf8), to: full)
        let time = timespec(tv_sec: Int(Day.number(day)) * 86_400, tv_nsec: 0)
        guard utimensat(AT_FDCWD, full, [time, time], 0) == 0 else { throw FileFailure("set the time of", full, errno) }
        return full
    }

    /// Feeds one file without projecting.
    @discardableResult
    func feed(
        _ path: String, account: String? = nil, observed: String? = nil, downloadedOn: String? = nil, acceptChanges: Bool = false,
        project: Bool = false,
        ask: ((String) -> Bool)? = nil
    ) throws -> FileOutcome {
        var options = IngestOptions()
        options.account = account
        options.observed = observed.map { Timestamp(milliseconds: Day.number($0) * 86_400_000) }
        options.downloadedOn = downloadedOn.map { Day.number($0) }
        options.acceptChanges = acceptChanges
        options.project = project
        let report = try lake.ingest([path], options, ask: ask)
        return try #require(report.files.first)
    }

    func events(_ type: EventType, stream: String? = nil) throws -> [Event] {
        try lake.log.read { try $0.events(EventQuery(streams: stream.map { [$0] } ?? [], types: [type.rawValue])) }
    }

    func head() throws -> Int64 { try lake.log.read { try $0.head().seq } }

    func append(_ stream: String, _ type: EventType, _ body: JSON) throws -> Int64 {
        try lake.log.write { try $0.append(lake.draft(stream, type, run: nil, body)).seq }
    }

    /// What the log says of a stream.
    func state(_ stream: String) throws -> StreamState { try lake.log.read { try StreamState(stream, $0) } }

    /// The last staging promotion of each capture of a stream, by event.
    func promotions(_ stream: String) throws -> [StagingPromotion] {
        try events(.promoted, stream: stream).compactMap { try StagingPromotion($0) }
    }

    /// Every path below the root but those of the log itself, whose map may grow, with its bytes.
    func snapshot() throws -> [String: Hash256] {
        var found: [String: Hash256] = [:]
        for path in Files.walk(layout.root) where !path.contains("/ledger/log/") { found[path] = try DraftFile.digest(of: path) }
        return found
    }
}

enum Day {
    static func number(_ text: String) -> Int64 {
        guard let day = CalendarDay.day(text) else { preconditionFailure("“\(text)” is no day") }
        return day
    }
}

extension FileOutcome {
    /// The kind in a word.
    var word: String {
        switch kind {
        case .promoted: "promoted"
        case .duplicate: "duplicate"
        case .quarantined: "quarantined"
        case .unknown: "unknown"
        case .ambiguous: "ambiguous"
        case .failed: "failed"
        }
    }

    var capture: Int64? {
        switch kind {
        case .promoted(let capture, _, _, _, _): capture
        case .duplicate(let of): of
        case .quarantined(let capture, _, _): capture
        case .unknown, .ambiguous, .failed: nil
        }
    }

    var item: StagedPromotion? { if case .promoted(_, _, let item, _, _) = kind { item } else { nil } }
    var held: Int { if case .promoted(_, _, _, _, let held) = kind { held } else { 0 } }
    var reason: String { if case .quarantined(_, let reason, _) = kind { reason } else { "" } }
}

/// Made-up exports in the forms of the three services.
enum Export {
    /// Days from the 1st of March 2025 with their streams; nil is an empty cell.
    static func spotify(_ streams: [Int?], from first: String = "2025-03-01") -> String {
        var text = "date,listeners,streams,followers\n"
        for (i, value) in streams.enumerated() {
            text += "\(CalendarDay.text(day: Day.number(first) + Int64(i))),10,\(value.map(String.init) ?? ""),100\n"
        }
        return text
    }

    static func spotifyName(_ artist: String, _ stamp: String) -> String { "spotify_audience_\(artist)_\(stamp).csv" }

    /// Days of March with their video views.
    static func tiktok(_ views: [Int], from first: Int = 1) -> String {
        var text = "\"Date\",\"Video Views\",\"Profile Views\",\"Likes\",\"Comments\",\"Shares\"\n"
        for (i, value) in views.enumerated() { text += "\"March \(first + i)\",\"\(value)\",\"1\",\"2\",\"3\",\"4\"\n" }
        return text
    }

    /// Midnight of a day in Unix seconds, as names have it.
    static func epoch(_ day: String, hours: Int64 = 0) -> String { String(Day.number(day) * 86_400 + hours * 3600) }

    struct Line {
        var day = "2025-03-13"
        var artist = "ZONE A0"
        var isrc = "QZABC2400001"
        var quantity = "10"
        var usd = "1.5"
    }

    static func bank(_ lines: [Line]) -> String {
        var text =
            """
            Reporting Date\tSale Month\tStore\tArtist\tTitle\tISRC\tUPC\tQuantity\tTeam Percentage\tSong/Album\tCountry of \
            Sale\tSongwriter Royalties Withheld\tEarnings (USD)\n
            """
        for line in lines {
            text +=
                """
                \(line.day)\t2025-01\tSpotify\t\(line.artist)\tGlass \
                Tide\t\(line.isrc)\t019800000001\t\(line.quantity)\t100\tSong\tUS\t0\t\(line.usd)\n
                """
        }
        return text
    }
}

/// A dataset in which every line counts.
let appendContract: [String: String] = [
    "zones/test/lines.yml": """
    title: Lines
    names: ["lines_<captured_at>.csv"]
    account: {fixed: label}
    columns:
      - {name: word, type: text, required: true}
      - {name: amount, type: integer}
    merge: append

    """
]

/// A small generator of numbers that a seed decides.
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

extension Hash256 {
    static func of(_ text: String) -> Hash256 { Hash256(hashing: Array(text.utf8)) }
}
