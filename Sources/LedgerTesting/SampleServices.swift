/// What arrives in a week beside the weekly exports, and the shapes that several services share.
extension SampleLake {
    /// The files of all other datasets that reach the label on `day`; no service comes every week.
    func services(on day: Day, week: Int) -> [File] {
        spotifyCatalogue(on: day, week: week) + tiktokStudio(on: day, week: week) + metaAds(on: day, week: week)
            + distributors(on: day, week: week) + linktree(on: day, week: week) + youtube(on: day, week: week)
            + instagram(on: day, week: week) + mailchimp(on: day, week: week) + handKept(on: day, week: week)
    }

    /// Days up to `last`, `count` of them, none before `floor`.
    static func window(_ count: Int, until last: Day, floor: Day = Artist.firstDay) -> [Day] {
        let first = max(floor.number, last.number - count + 1)
        return first > last.number ? [] : (first...last.number).map { Day(number: $0) }
    }

    /// Plays of one song on one day as an export made on `seen` showed them; the songs of an artist come to the artist's figure, or to one
    /// or two less.
    func plays(_ artist: Artist, _ track: Track, on day: Day, seenOn seen: Day) -> Int {
        let out = artist.tracks.filter { Day($0.released).number <= day.number }
        guard out.contains(where: { $0.isrc == track.isrc }) else { return 0 }
        return streams(artist, on: day, seenOn: seen) * weight(track, on: day) / out.reduce(0) { $0 + weight($1, on: day) }
    }

    /// New songs are played more; each keeps a part.
    private func weight(_ track: Track, on day: Day) -> Int {
        300 + 42_000 / (60 + day.number - Day(track.released).number) + noise("track", track.isrc, day.number) % 80
    }

    /// Plays of the whole label on Spotify in the end.
    func labelPlays(on day: Day) -> Int {
        Artist.all.reduce(0) { $0 + streams($1, on: day, seenOn: Day(Self.lastDrop).adding(30)) }
    }
}

/// `12345` as `12,345`.
func grouped(_ value: Int) -> String {
    value < 1_000 ? "\(value)" : grouped(value / 1_000) + "," + padded(value % 1_000, 3)
}

/// Whole cents as `12.34`, below zero with a sign.
func cents(_ value: Int) -> String {
    (value < 0 ? "-" : "") + "\(abs(value) / 100)." + padded(abs(value) % 100, 2)
}

/// Parts per `10^digits` as a decimal fraction: `decimal(55, 2)` is `0.55`.
func fraction(_ value: Int, _ digits: Int) -> String {
    let scale = (0..<digits).reduce(1) { power, _ in power * 10 }
    return "\(value / scale)." + padded(value % scale, digits)
}

/// A text as JSON writes it.
func quoted(_ text: String) -> String {
    "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n") + "\""
}

/// A cell of a comma-separated table, between quotes.
func cell(_ text: String) -> String {
    "\"" + text.replacing("\"", with: "\"\"") + "\""
}

// MARK: - Spotify for Artists

extension SampleLake {
    private static let windows: [(name: String, days: Int, listeners: Int)] = [
        ("1day", 1, 840), ("7day", 7, 690), ("28day", 28, 560), ("1year", 365, 410), ("all", 10_000, 380),
    ]

    private func spotifyCatalogue(on day: Day, week: Int) -> [File] {
        var files: [File] = []
        if week % 20 == 0 {
            for (place, artist) in Artist.all.enumerated() {
                for (index, window) in Self.windows.enumerated() {
                    files.append(songs(artist, window, on: day, week: week, at: day.seconds + 64_900 + 60 * place + 7 * index))
                }
            }
        }
        switch week {
        case 24, 59: files.append(songTable(Artist.all[0], Self.windows[2], on: day, at: day.seconds + 65_020))
        case 44: files.append(songTable(Artist.all[1], Self.windows[4], on: day, at: day.seconds + 65_020))
        default: break
        }
        switch week {
        case 23, 47: files.append(songDays(Artist.all[0], Artist.all[0].tracks[0], on: day))
        case 36, 58: files.append(songDays(Artist.all[1], Artist.all[1].tracks[2], on: day))
        case 28, 45, 60: files.append(playlists(Artist.all[week == 45 ? 1 : 0], on: day))
        default: break
        }
        return files
    }

    private func total(_ artist: Artist, _ track: Track, _ days: Int, on seen: Day) -> Int {
        Self.window(days, until: seen.adding(-1)).reduce(0) { $0 + plays(artist, track, on: $1, seenOn: seen) }
    }

    /// The answer behind the songs page: wrapped with numbers as texts, bare with numbers, wrapped with the members of an older version.
    private func songs(_ artist: Artist, _ window: (name: String, days: Int, listeners: Int), on day: Day, week: Int, at seconds: Int)
        -> File
    {
        let asText = week == 20
        func number(_ value: Int) -> String { asText ? quoted(grouped(value)) : "\(value)" }
        let entries = artist.tracks.filter { Day($0.released).number < day.number }.map { track in
            let streams = total(artist, track, window.days, on: day)
            let listeners = streams * window.listeners / 1_000
            let id = track.spotify
            return """
                {"id":\(quoted(id)),"trackName":\(quoted(track.title)),"trackUri":"spotify:track:\(id)","releaseDate":"\(track.released)",\
                "imageUrl":"https://i.example/\(id).jpg","numStreams":\(number(streams)),"numListeners":\(number(listeners)),\
                "numSavers":\(number(listeners / 19)),"numCanvasViews":null,"isDisabled":false\(week == 60 ? ",\"trend\":\"UP\"" : "")}
                """
        }
        let body = "{\"songs\":[" + entries.joined(separator: ",") + "]}"
        let url = "https://generic.wg.example/catalog-view/v1/artist/\(artist.spotify)/songs?time-filter=\(window.name)"
        let wrapped = """
            {"data":\(body),"url":"\(url)","status":200,"timestamp":"\(day.text)T18:01:40"}
            """
        return File(
            "spotify_songs_\(artist.spotify)_\(window.name)_\(stamp(seconds)).json", at: seconds, week == 40 ? body : wrapped)
    }

    /// The downloaded table: no ids, and with the filter "all" neither listeners nor saves.
    private func songTable(_ artist: Artist, _ window: (name: String, days: Int, listeners: Int), on day: Day, at seconds: Int) -> File {
        var text = "\u{FEFF}song,listeners,streams,saves,release_date\n"
        for track in artist.tracks where Day(track.released).number < day.number {
            let streams = total(artist, track, window.days, on: day)
            let listeners = window.name == "all" ? 0 : streams * window.listeners / 1_000
            text += "\(cell(track.title)),\(listeners),\(streams),\(listeners / 19),\(track.released)\n"
        }
        return File("\(artist.name)-songs-\(window.name).csv", at: seconds, text)
    }

    /// One song by day; only the name says which.
    private func songDays(_ artist: Artist, _ track: Track, on day: Day) -> File {
        var text = "\u{FEFF}date,streams\n"
        for shown in Self.window(365, until: day.adding(-1), floor: Day(track.released)) {
            text += "\(shown.text),\(plays(artist, track, on: shown, seenOn: day))\n"
        }
        return File("\(track.title)-timeline.csv", at: day.seconds + 65_040, text)
    }

    private func playlists(_ artist: Artist, on day: Day) -> File {
        let lists = [
            ("Night Shift, Slow", "Curator A", "2024-08-02", 90), ("Radio", "", "n/a", 160), ("Night Shift, Slow", "Curator B", "-", 20),
            ("Discover Weekly", "Spotify", "n/a", 120),
        ]
        let month = Self.window(28, until: day.adding(-1)).reduce(0) { $0 + streams(artist, on: $1, seenOn: day) }
        var text = "\u{FEFF}title,author,listeners,streams,date_added\n"
        for (title, author, added, share) in lists {
            let streams = month * share / 1_000 * (800 + noise(title, author, day.number) % 400) / 1_000
            text += "\(cell(title)),\(cell(author)),\(streams * 7 / 10),\(streams),\(added)\n"
        }
        return File("\(artist.name)-playlists-28day.csv", at: day.seconds + 65_060, text)
    }
}

// MARK: - TikTok

extension SampleLake {
    private func tiktokStudio(on day: Day, week: Int) -> [File] {
        var files: [File] = []
        if week % 12 == 0 {
            for (place, artist) in Artist.all.enumerated() {
                let isSpanish = week == 36 && place == 1
                files.append(followers(artist, on: day, at: day.seconds + 66_000 + 90 * place, isSpanish: isSpanish))
                files.append(studio(artist, on: day, at: day.seconds + 66_030 + 90 * place))
            }
        }
        if week % 10 == 4 {
            let artist = Artist.all[week / 10 % 2]
            let seconds = day.seconds + 66_300
            let text = """
                {
                  "count": \(tiktokFollowers(artist, on: day)),
                  "source_url": "https://www.tiktok.example/api/user/detail/?uniqueId=\(artist.handle)",
                  "timestamp": "\(day.text)T18:25:00",
                  "artist": "\(artist.handle)"
                }
                """
            files.append(File("\(artist.handle)_followers_\(stamp(seconds)).json", at: seconds, text))
        }
        return files
    }

    private func tiktokFollowers(_ artist: Artist, on day: Day) -> Int {
        let age = day.number - Artist.firstDay.number
        return artist.dailyViews / 3 + artist.dailyViews * age / 900 + noise("fans", artist.name, day.number) % 6
    }

    private func yearless(_ day: Day, isSpanish: Bool = false) -> String {
        let spanish = [
            "enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre",
        ]
        return isSpanish ? "\(day.day) de \(spanish[day.month - 1])" : "\(monthNames[day.month - 1]) \(day.day)"
    }

    /// Byte order mark, every cell between quotes, no final line end.
    private func tiktokTable(_ rows: [[String]]) -> [UInt8] {
        Array(("\u{FEFF}" + rows.map { $0.map(cell).joined(separator: ",") }.joined(separator: "\n")).utf8)
    }

    /// One ZIP, four datasets: history by day, activity by hour of seven days, gender and countries as of the download.
    private func followers(_ artist: Artist, on day: Day, at seconds: Int, isSpanish: Bool) -> File {
        let first = Day(number: max(Day("2024-07-01").number, day.number - 364))
        var history = [
            isSpanish
                ? ["Fecha", "Seguidores", "Diferencia de seguidores con respecto al día anterior"]
                : ["Date", "Followers", "Difference in followers from previous day"]
        ]
        for shown in Self.window(365, until: day, floor: first) {
            let count = tiktokFollowers(artist, on: shown)
            let isKnown = shown.text >= "2024-07-04"
            history.append(
                [yearless(shown, isSpanish: isSpanish)]
                    + (isKnown
                        ? [grouped(count), "\(count - tiktokFollowers(artist, on: shown.adding(-1)))"] : ["undefined", "undefined"]))
        }
        var activity = [isSpanish ? ["Fecha", "Hora", "Seguidores activos"] : ["Date", "Hour", "Active followers"]]
        for shown in Self.window(7, until: day) {
            for hour in 0..<24 {
                let active = tiktokFollowers(artist, on: shown) * (hour < 7 ? 40 : 90 + 6 * hour) / 1_000
                let isAhead = shown.number == day.number && hour > 18
                activity.append([yearless(shown, isSpanish: isSpanish), "\(hour)", isAhead ? "0" : "\(active)"])
            }
        }
        let shift = noise("gender", artist.name, day.number) % 30
        let gender = [
            isSpanish ? ["Género", "Distribución"] : ["Gender", "Distribution"],
            [isSpanish ? "Mujer" : "Female", fraction(390 + shift, 3)], [isSpanish ? "Hombre" : "Male", fraction(590 - shift, 3)],
            [isSpanish ? "Otro" : "Other", "0.02"],
        ]
        let places = [
            [isSpanish ? "Principales territorios" : "Top territories", isSpanish ? "Distribución" : "Distribution"],
            ["US", fraction(300 + shift, 3)], ["DE", "0.125"], ["BR", "0.11"], ["Others", fraction(465 - shift, 3)],
        ]
        let members = [
            ("FollowerHistory.csv", tiktokTable(history)), ("FollowerActivity.csv", tiktokTable(activity)),
            ("FollowerGender.csv", tiktokTable(gender)), ("FollowerTopTerritories.csv", tiktokTable(places)),
        ]
        return File(
            name: "Followers_\(first.text)_\(seconds)_\(artist.handle).zip", downloaded: seconds,
            bytes: zipArchive(members, modified: day))
    }

    /// Viewers and videos in one ZIP under a name of its own.
    private func studio(_ artist: Artist, on day: Day, at seconds: Int) -> File {
        let first = Day(number: max(Day("2024-07-01").number, day.number - 364))
        var viewers = [["Date", "Total Viewers", "New Viewers", "Returning Viewers"]]
        for shown in Self.window(365, until: day, floor: first) {
            guard shown.text >= "2024-07-04" else {
                viewers.append([yearless(shown), "undefined", "0", "0"])
                continue
            }
            let part = shown.number == day.number ? 50 : 100
            let people = artist.dailyViews * (500 + noise("viewers", artist.name, shown.number) % 300) / 1_000 * part / 100
            viewers.append([yearless(shown), grouped(people), "\(people - people / 4)", "\(people / 4)"])
        }
        var content = [["Time", "Video title", "Video link", "Post time", "Total likes", "Total comments", "Total shares", "Total views"]]
        for clip in 0..<9 {
            let posted = Day(number: Day("2024-07-08").number + 41 * clip)
            guard posted.number < day.number else { break }
            let age = day.number - posted.number
            let views = artist.dailyViews * (2 + noise("clip", artist.name, clip) % 9) * min(age, 60 + age / 20) / 20
            content.append([
                yearless(day), clip == 2 ? "" : "\(artist.tracks[clip % 2].title), \"live\" #bedrot 🎹",
                "https://www.tiktok.com/@\(artist.handle)/video/74000000000000\(padded(10_000 + clip, 5))", yearless(posted),
                grouped(views * 6 / 100), "\(views / 400)", "\(views / 300)", "\(views)",
            ])
        }
        return File(
            name: "Studio_\(first.text)_\(seconds)_\(artist.handle).zip", downloaded: seconds,
            bytes: zipArchive([("Viewers.csv", tiktokTable(viewers)), ("Content.csv", tiktokTable(content))], modified: day))
    }
}

extension SampleLake.Track {
    /// Twenty-two characters, as Spotify's ids have.
    var spotify: String { "5" + isrc + "bedrotabc" }
}
