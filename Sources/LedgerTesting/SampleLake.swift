import Glibc

/// A made-up but plausible label: two artists, 14 months of the exports of nine services and of the files the label keeps by hand.
///
/// A pure function of the seed: the same seed writes the same bytes, names and file times on every machine. Neither clock, locale nor
/// system time zone is read; every figure follows from a hash of (seed, what it counts, day), so no order of work can change it.
/// What the drops hold beside plain data, so that a demo or a test has something to show:
/// - overlapping windows whose newest three days are revised by the next export, and a partial last day (TikTok);
/// - in March 2025 Spotify takes a month of ZONE A0's streams down by 8 %;
/// - bank exports that repeat all earlier reporting dates, negative corrections, one raised row, 15 columns from July 2025;
/// - what every other service has of its own quirks, in the files named SampleServices: a gap (Linktree, December 2024),
///   figures raised later (Too Lost, January 2025), answers without figures, hidden counts, other languages, personal data of four groups;
/// - a few bad rows (2024-10-13, 2025-02-23, 2025-05-11), one duplicate (2024-12-15) and one file without a required column (2025-04-13).
package struct SampleLake: Sendable {
    /// One folder of files that arrive together.
    package struct Drop: Sendable, Equatable {
        /// The folder's name inside the lake, `NNN_YYYY-MM-DD`; sorts in order of arrival.
        package let folder: String
        /// The day of arrival, `YYYY-MM-DD`.
        package let date: String
        /// File names inside the folder, in the order they were downloaded.
        package let files: [String]
    }

    /// The first and last day on which exports are made; both Sundays.
    package static let firstDrop = "2024-07-07"
    package static let lastDrop = "2025-08-31"

    let seed: UInt64

    /// A lake that differs with `seed` in its figures only, never in its names and shape.
    package init(seed: UInt64 = 1987) {
        self.seed = seed
    }

    /// Writes all drops under `folder` in chronological order and gives them back in that order.
    ///
    /// `folder` is made when missing. File times are the moment of download, so that evidence taken from them is stable.
    /// Fewer than 410 files, less than 10 MB. Throws `SampleLakeError` if `folder` holds anything already or a write fails.
    package func write(to folder: String) throws(SampleLakeError) -> [Drop] {
        try makeEmptyFolder(folder)
        var drops: [Drop] = []
        for (index, day) in stride(from: Day(Self.firstDrop).number, through: Day(Self.lastDrop).number, by: 7).enumerated() {
            let date = Day(number: day)
            let name = padded(index + 1, 3) + "_" + date.text
            let files = files(on: date, week: index + 1)
            try makeEmptyFolder(folder + "/" + name)
            for file in files {
                try write(file, to: folder + "/" + name)
            }
            drops.append(Drop(folder: name, date: date.text, files: files.map(\.name)))
        }
        return drops
    }
}

/// A file or folder of a sample lake that could not be written.
package struct SampleLakeError: Error, CustomStringConvertible {
    /// What was being done, where, and why it failed, in one line.
    package let description: String

    init(_ action: String, _ path: String, _ reason: String) {
        description = "cannot \(action) \(path): \(reason)"
    }

    init(_ action: String, _ path: String, errno code: Int32) {
        self.init(action, path, String(cString: strerror(code)))
    }
}

// MARK: - What arrives when

extension SampleLake {
    struct File {
        var name: String
        /// Seconds since 1970, UTC.
        var downloaded: Int
        var bytes: [UInt8]

        init(name: String, downloaded: Int, bytes: [UInt8]) {
            self.name = name
            self.downloaded = downloaded
            self.bytes = bytes
        }

        init(_ name: String, at downloaded: Int, _ text: String) {
            self.init(name: name, downloaded: downloaded, bytes: Array(text.utf8))
        }
    }

    private func files(on day: Day, week: Int) -> [File] {
        var files = Artist.all.enumerated().map { index, artist in spotify(artist, on: day, at: day.seconds + 64_800 + 61 * index) }
        if !week.isMultiple(of: 2) {
            files += Artist.all.enumerated().map { index, artist in
                tiktok(artist, on: day, at: day.seconds + 65_100 + 73 * index, zipped: week % 10 != 5)
            }
        }
        if day.month != day.adding(7).month {
            files.append(bank(on: day, at: day.seconds + 65_400))
        }
        switch day.text {
        case "2024-12-15":
            // Somebody feeds last week's download once more.
            files.append(spotify(Artist.all[0], on: day.adding(-7), at: day.adding(-7).seconds + 64_800))
        case "2025-04-13":
            var broken = spotify(Artist.all[1], on: day, at: day.seconds + 68_400)
            broken.bytes = withoutThirdColumn(broken.bytes)
            files.append(broken)
        default: break
        }
        return files + services(on: day, week: week)
    }

    /// The same table without its `streams`, as a person leaves it who tidied it up in a spreadsheet.
    private func withoutThirdColumn(_ bytes: [UInt8]) -> [UInt8] {
        var kept: [UInt8] = []
        var column = 1
        for byte in bytes {
            if byte == UInt8(ascii: "\n") { column = 1 }
            if column != 3 { kept.append(byte) }
            if byte == UInt8(ascii: ",") { column += 1 }
        }
        return kept
    }
}

// MARK: - Spotify and TikTok

extension SampleLake {
    /// `date,listeners,streams,followers`, with BOM, one row a day: since the first release, at most 365 days, up to yesterday.
    private func spotify(_ artist: Artist, on day: Day, at seconds: Int) -> File {
        var text = "\u{FEFF}date,listeners,streams,followers\n"
        for number in max(Artist.firstDay.number, day.number - 365)..<day.number {
            let shown = Day(number: number)
            if shown.text == "2024-10-09", day.text == "2024-10-13" {
                text += artist.name == "ZONE A0" ? "2024-10-39,312,508,2210\n" : "\(shown.text),n.a.,1.2K,1043\n"
                continue
            }
            let streams = streams(artist, on: shown, seenOn: day)
            let listeners = streams * (540 + noise("listeners", artist.name, number) % 120) / 1_000
            text += "\(shown.text),\(listeners),\(streams),\(followers(artist, on: shown))\n"
        }
        return File(name: "spotify_audience_\(artist.spotify)_\(stamp(seconds)).csv", downloaded: seconds, bytes: Array(text.utf8))
    }

    /// Streams of one day as an export made on `day` showed them: the newest three days still grow, and one month was corrected later.
    func streams(_ artist: Artist, on shown: Day, seenOn day: Day) -> Int {
        let final = streams(artist, on: shown.number)
        if artist.name == "ZONE A0", "2025-02-10" <= shown.text, shown.text <= "2025-03-09", day.text >= "2025-03-23" {
            return final * 920 / 1_000
        }
        return switch day.number - shown.number {
        case 1: final * (905 + noise("late", artist.name, shown.number) % 60) / 1_000
        case 2: final * 978 / 1_000
        case 3: final * 995 / 1_000
        default: final
        }
    }

    /// What the day came to in the end: base, slow growth, the week's wave, the decay after each release, noise.
    func streams(_ artist: Artist, on number: Int) -> Int {
        let age = number - Artist.firstDay.number
        let grown = artist.dailyStreams * (1_000 + 2 * age) / 1_000
        let weekday = [1_060, 940, 950, 970, 1_000, 1_120, 1_140][(number + 4) % 7]
        var lift = 1_000
        for track in artist.tracks where Day(track.released).number <= number {
            lift += 24_000 / (16 + 3 * (number - Day(track.released).number))
        }
        return grown * weekday / 1_000 * lift / 1_000 * (900 + noise("streams", artist.name, number) % 200) / 1_000
    }

    private func followers(_ artist: Artist, on day: Day) -> Int {
        let age = day.number - Artist.firstDay.number
        return artist.followers + artist.dailyStreams * age / 240 + noise("followers", artist.name, day.number) % 5
    }

    /// Six quoted columns with year-less dates, BOM and no final newline; the last row is the day of download, of which part is missing.
    private func tiktok(_ artist: Artist, on day: Day, at seconds: Int, zipped: Bool) -> File {
        let first = max(Day("2024-07-01").number, day.number - 364)
        var text = "\u{FEFF}" + #""Date","Video Views","Profile Views","Likes","Comments","Shares""#
        for number in first...day.number {
            let shown = Day(number: number)
            // A clip that travels: six times in a year, each gone within days.
            let clip = number % 61
            let reach = 1_000 + (clip < 9 ? 9_000 / (1 + clip * clip) : 0)
            let part = number == day.number ? 420 + noise("hour", artist.name, number) % 200 : 1_000
            let views = artist.dailyViews * reach / 1_000 * (700 + noise("views", artist.name, number) % 600) / 1_000 * part / 1_000
            let likes = views * (38 + noise("likes", artist.name, number) % 40) / 1_000
            let comments = views / 400 - (noise("comments", artist.name, number) % 9 == 0 ? 2 : 0)
            let shares = day.text == "2025-05-11" && shown.text == "2025-04-28" ? "1.5K" : "\(views / 300)"
            let unknown = number < Day("2024-07-04").number && artist.name == "PIG1987"
            let values =
                unknown ? Array(repeating: "undefined", count: 5) : ["\(views)", "\(views / 70)", "\(likes)", "\(comments)", shares]
            text += "\n\"\(monthNames[shown.month - 1]) \(shown.day)\",\"" + values.joined(separator: #"",""#) + "\""
        }
        let stem = "Overview_\(Day(number: first).text)_\(seconds)_\(artist.handle)"
        let bytes = Array(text.utf8)
        guard zipped else { return File(name: stem + ".csv", downloaded: seconds, bytes: bytes) }
        return File(name: stem + ".zip", downloaded: seconds, bytes: zipArchive([("Overview.csv", bytes)], modified: day))
    }
}

// MARK: - DistroKid

extension SampleLake {
    /// All reporting dates up to the day of download, newest first, as the bank page gives them: 13 columns, 15 from July 2025.
    private func bank(on day: Day, at seconds: Int) -> File {
        let wide = day.text >= "2025-07-01"
        var lines = [
            (wide ? "Date Inserted\t" : "") + "Reporting Date\tSale Month\tStore\tArtist\tTitle\tISRC\tUPC\tQuantity\tTeam Percentage\t"
                + (wide ? "Source Type" : "Song/Album") + "\tCountry of Sale\tSongwriter Royalties Withheld"
                + (wide ? " (USD)\tEarnings (USD)\tRecoup (USD)" : "\tEarnings (USD)")
        ]
        for reported in reportingDates(until: day).reversed() {
            let inserted = reported.adding(1).text + "\t"
            for line in statement(of: reported, seenOn: day) {
                lines.append(wide ? inserted + line + "\t0" : line)
            }
        }
        if day.text == "2025-02-23" {
            lines.append("Total\t\t\t\t\t\t\t\t\t\t\t\t")
        }
        let text = lines.joined(separator: wide ? "\r\n" : "\n") + (wide ? "\r\n" : "\n")
        return File(name: "dk_bank_details_\(stamp(seconds)).tsv", downloaded: seconds, bytes: Array(text.utf8))
    }

    /// The 13th and the 27th of each month from July 2024.
    func reportingDates(until day: Day) -> [Day] {
        (Day("2024-07-01").number...day.number).map { Day(number: $0) }.filter { $0.day == 13 || $0.day == 27 }
    }

    /// The lines of one reporting date: on the 13th the stores that report after two months, on the 27th those that take three.
    func statement(of reported: Day, seenOn day: Day) -> [String] {
        let lag = reported.day == 13 ? 2 : 3
        let sale = reported.firstOfMonth(adding: -lag)
        let days = sale.number..<reported.firstOfMonth(adding: 1 - lag).number
        var lines: [String] = []
        for artist in Artist.all {
            let tracks = artist.tracks.filter { Day($0.released).number < days.upperBound }
            let streams = days.reduce(0) { $0 + ($1 >= Artist.firstDay.number ? self.streams(artist, on: $1) : 0) }
            for track in tracks {
                for store in Store.all where store.lag == lag {
                    for (country, share, worth) in countries {
                        let grain = noise(track.isrc + store.name + country, artist.name, reported.number)
                        guard grain % 10 < 6 else { continue }
                        var units = streams / tracks.count * store.share / 1_000 * share / 1_000 * (600 + grain % 800) / 1_000
                        if store.name == "Apple Music", country == "US", reported.text == "2024-11-13", day.text >= "2025-01-01" {
                            units += 240
                        }
                        guard units > 0 else { continue }
                        let damaged = day.text == "2025-02-23" && reported.text == "2025-02-13" && country == "JP"
                        let earned = units * store.rate * worth / 1_000
                        lines.append(
                            track.line(
                                artist, reported, sale, store, units: "\(units)", country: country,
                                earnings: damaged ? "N/A" : decimal(earned)))
                    }
                }
            }
            if noise("correction", artist.name, reported.number) % 4 == 0, let track = tracks.first, reported.text >= "2024-09-01" {
                let units = 1 + noise("corrected", artist.name, reported.number) % 30
                lines.append(
                    track.line(
                        artist, reported, sale.firstOfMonth(adding: -1), Store.all[0], units: "-\(units)", country: "US",
                        earnings: "-" + decimal(units * Store.all[0].rate)))
            }
        }
        return lines
    }

    /// 10⁻¹² dollars as text with twelve decimals.
    private func decimal(_ picodollars: Int) -> String {
        "\(picodollars / 1_000_000_000_000)." + padded(picodollars % 1_000_000_000_000, 12)
    }
}

// MARK: - The cast

extension SampleLake {
    struct Artist {
        var name: String
        var spotify: String
        var handle: String
        var followers: Int
        var dailyStreams: Int
        var dailyViews: Int
        var tracks: [Track]

        /// The first release of both, and the first day the streaming figures know.
        static let firstDay = Day("2024-04-05")

        static let all = [
            Artist(
                name: "ZONE A0", spotify: "62owJQCD2XzVB2o19CVsFM", handle: "zone.a0", followers: 1_840, dailyStreams: 640,
                dailyViews: 2_300,
                tracks: [
                    Track(title: "THE SOURCE", isrc: "QZBDR2400001", upc: "019800000017", released: "2024-04-05", team: "40"),
                    Track(title: "THE SCALE", isrc: "QZBDR2400004", upc: "198000000041", released: "2024-11-15", team: "100"),
                ]),
            Artist(
                name: "PIG1987", spotify: "1Eu67EqPy2NutiM0lqCarw", handle: "pig1987", followers: 905, dailyStreams: 410, dailyViews: 5_100,
                tracks: [
                    Track(title: "THE STATE OF THE WORLD", isrc: "QZBDR2400002", upc: "198000000024", released: "2024-04-05", team: "100"),
                    Track(title: "RENEGADE PIPELINE", isrc: "QZBDR2400003", upc: "198000000031", released: "2024-09-20", team: "100"),
                    Track(title: "IWARY", isrc: "QZBDR2500001", upc: "198000000055", released: "2025-02-14", team: "100"),
                    Track(
                        title: "TRANSFORMER ARCHITECTURE", isrc: "QZBDR2500002", upc: "198000000062", released: "2025-06-06", team: "100"),
                ]),
        ]
    }

    struct Track {
        var title: String
        var isrc: String
        var upc: String
        var released: String
        var team: String

        /// The columns both bank layouts share, tab-separated.
        func line(_ artist: Artist, _ reported: Day, _ sale: Day, _ store: Store, units: String, country: String, earnings: String)
            -> String
        {
            [
                reported.text, String(sale.text.prefix(7)), store.name, artist.name, title, isrc, upc, units, team, "Song", country, "0",
                earnings,
            ].joined(separator: "\t")
        }
    }

    struct Store {
        var name: String
        /// Months from sale to statement.
        var lag: Int
        /// Plays for 1,000 plays on Spotify.
        var share: Int
        /// 10⁻¹² dollars a play in the United States.
        var rate: Int

        static let all = [
            Store(name: "Spotify", lag: 2, share: 1_000, rate: 2_274_000_000),
            Store(name: "Apple Music", lag: 2, share: 310, rate: 5_771_000_000),
            Store(name: "Amazon (Unlimited)", lag: 2, share: 60, rate: 4_012_345_000),
            Store(name: "Deezer", lag: 2, share: 45, rate: 3_150_400_000),
            Store(name: "YouTube (Red)", lag: 3, share: 220, rate: 1_004_183_217),
            Store(name: "TikTok", lag: 3, share: 400, rate: 31_250_480),
            Store(name: "SoundCloud", lag: 3, share: 35, rate: 2_900_000_000),
            Store(name: "iTunes", lag: 3, share: 2, rate: 637_000_000_000),
        ]
    }
}

/// Where it was played: share of all plays and worth of one, both per mille.
private let countries: [(code: String, share: Int, worth: Int)] = [
    ("US", 310, 1_000), ("GB", 120, 940), ("DE", 110, 880), ("CA", 90, 900), ("FR", 70, 760), ("AU", 60, 930), ("BR", 80, 270),
    ("MX", 70, 300),
    ("JP", 40, 820), ("MA", 25, 210), ("SA", 25, 420),
]

let monthNames = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
]

// MARK: - Days, noise, bytes

extension SampleLake {
    /// A proleptic Gregorian day, counted from 1970-01-01.
    struct Day {
        let number: Int
        let year: Int
        let month: Int
        let day: Int

        init(number: Int) {
            // https://howardhinnant.github.io/date_algorithms.html#civil_from_days, for days after 0000-03-01.
            let shifted = number + 719_468
            let era = shifted / 146_097
            let dayOfEra = shifted - era * 146_097
            let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
            let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
            let monthFromMarch = (5 * dayOfYear + 2) / 153
            self.number = number
            day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
            month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
            year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        }

        init(year: Int, month: Int, day: Int) {
            let marchYear = month <= 2 ? year - 1 : year
            let era = marchYear / 400
            let yearOfEra = marchYear - era * 400
            let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
            self.init(number: era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468)
        }

        /// Takes `YYYY-MM-DD`; only ever called with the constants of this file.
        init(_ text: String) {
            let parts = text.split(separator: "-").compactMap { Int($0) }
            precondition(parts.count == 3, "a day is written YYYY-MM-DD, not \(text)")
            self.init(year: parts[0], month: parts[1], day: parts[2])
        }

        var text: String { "\(year)-" + padded(month, 2) + "-" + padded(day, 2) }
        var seconds: Int { number * 86_400 }

        func adding(_ days: Int) -> Day { Day(number: number + days) }

        func firstOfMonth(adding months: Int) -> Day {
            let count = year * 12 + month - 1 + months
            return Day(year: count / 12, month: count % 12 + 1, day: 1)
        }
    }
}

func padded(_ value: Int, _ width: Int) -> String {
    let digits = "\(value)"
    return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
}

/// `YYYYMMDD_HHMMSS`, UTC.
func stamp(_ seconds: Int) -> String {
    let day = SampleLake.Day(number: seconds / 86_400)
    let time = seconds % 86_400
    return padded(day.year, 4) + padded(day.month, 2) + padded(day.day, 2) + "_" + padded(time / 3_600, 2) + padded(time / 60 % 60, 2)
        + padded(time % 60, 2)
}

extension SampleLake {
    /// A number that only (seed, what, whose, day) decide: FNV-1a over the names, SplitMix64's finaliser over all. Never negative.
    func noise(_ what: String, _ whose: String, _ day: Int) -> Int {
        var mixed = seed &+ 0xcbf2_9ce4_8422_2325
        for byte in what.utf8 { mixed = (mixed ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        for byte in whose.utf8 { mixed = (mixed ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        mixed = (mixed ^ UInt64(day)) &+ 0x9e37_79b9_7f4a_7c15
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return Int((mixed ^ (mixed >> 31)) >> 8)
    }

    private func makeEmptyFolder(_ path: String) throws(SampleLakeError) {
        if mkdir(path, 0o755) != 0, errno != EEXIST {
            throw SampleLakeError("make the folder", path, errno: errno)
        }
        guard let listing = opendir(path) else { throw SampleLakeError("open the folder", path, errno: errno) }
        defer { closedir(listing) }
        var entries = 0
        while readdir(listing) != nil { entries += 1 }
        // "." and ".." are always there.
        guard entries <= 2 else { throw SampleLakeError("write a sample lake into", path, "the folder is not empty; name a new one") }
    }

    private func write(_ file: File, to folder: String) throws(SampleLakeError) {
        let path = folder + "/" + file.name
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw SampleLakeError("create", path, errno: errno) }
        defer { close(descriptor) }
        var done = 0
        while done < file.bytes.count {
            let count = file.bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress.map { $0 + done }, $0.count - done) }
            guard count > 0 else { throw SampleLakeError("write", path, errno: errno) }
            done += count
        }
        let time = timespec(tv_sec: file.downloaded, tv_nsec: 0)
        guard futimens(descriptor, [time, time]) == 0 else { throw SampleLakeError("set the time of", path, errno: errno) }
    }
}

/// A ZIP archive of stored members, time stamp noon of `modified`.
func zipArchive(_ members: [(name: String, bytes: [UInt8])], modified: SampleLake.Day) -> [UInt8] {
    let date = (modified.year - 1_980) << 9 | modified.month << 5 | modified.day
    var archive: [UInt8] = []
    var directory: [UInt8] = []
    for (name, bytes) in members {
        // Version 2.0, no flags, stored, 12:00, date, CRC-32, packed and plain size, name length, no extra field.
        let common =
            little(20, 2) + little(0, 2) + little(0, 2) + little(12 << 11, 2) + little(date, 2) + little(Int(crc32(bytes)), 4)
            + little(bytes.count, 4) + little(bytes.count, 4) + little(name.utf8.count, 2) + little(0, 2)
        directory += little(0x0201_4b50, 4) + little(20, 2) + common + little(0, 10) + little(archive.count, 4) + Array(name.utf8)
        archive += little(0x0403_4b50, 4) + common + Array(name.utf8) + bytes
    }
    let end =
        little(0x0605_4b50, 4) + little(0, 4) + little(members.count, 2) + little(members.count, 2) + little(directory.count, 4)
        + little(archive.count, 4)
    return archive + directory + end + little(0, 2)
}

private func little(_ value: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { $0 < 8 ? UInt8(truncatingIfNeeded: value >> (8 * $0)) : 0 }
}

private func crc32(_ bytes: [UInt8]) -> UInt32 {
    var state: UInt32 = 0xffff_ffff
    for byte in bytes {
        state = crcTable[Int(UInt8(truncatingIfNeeded: state) ^ byte)] ^ (state >> 8)
    }
    return ~state
}

private let crcTable: [UInt32] = (0..<256).map { index in
    (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 0 ? value >> 1 : value >> 1 ^ 0xedb8_8320 }
}
