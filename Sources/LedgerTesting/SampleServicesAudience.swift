/// Who listens, watches and reads elsewhere: the distributors' own streams, YouTube, Instagram, Mailchimp.
extension SampleLake {
    // MARK: - Distributors

    /// What a distributor saw of the label's plays: DistroKid 94 %, Too Lost the rest, each within two percent.
    private func delivered(by distributor: String, on day: Day) -> Int {
        let share = distributor == "DistroKid" ? 940 : 60
        return labelPlays(on: day) * share / 1_000 * (980 + noise(distributor, "streams", day.number) % 40) / 1_000
    }

    func distributors(on day: Day, week: Int) -> [File] {
        var files: [File] = []
        let at = day.seconds + 70_000
        if week % 8 == 4 {
            files.append(streamPage(on: day, at: at, isSpaced: week % 16 == 4))
            files.append(applePage(on: day, at: at + 30))
        }
        // The last answer of 2024 is of 29 December: what came after it in that year is gone.
        if week % 10 == 8 || week == 26 {
            for (index, platform) in ["spotify", "apple"].enumerated() {
                files.append(tooLost(platform, on: day, at: at + 60 + index, isWrapped: week % 20 != 18))
            }
        }
        switch week {
        case 18:
            files.append(File("extraction_log_\(stamp(at + 70)).json", at: at + 70, #"{"extractor":"toolost","status":"ok","files":2}"#))
        case 39:
            let text = #"{"extractor":"toolost","status":"failed","reason":"no token","cookie_status":"expired"}"#
            files.append(File("extraction_failure_\(stamp(at + 70)).json", at: at + 70, text))
        case 24, 41, 59: files.append(sales(on: day, at: at + 80))
        default: break
        }
        return files
    }

    /// The year's chart between two others; the two newest days are not reported yet and stand there as 0.
    private func streamPage(on day: Day, at seconds: Int, isSpaced: Bool) -> File {
        let points = Self.window(365, until: day.adding(-1)).map { shown in
            let value = day.number - shown.number <= 2 ? 0 : delivered(by: "DistroKid", on: shown)
            return isSpaced
                ? "\n    { \"category\": \"\(shown.text)\", \"column-1\": \"\(grouped(value))\", }"
                : "{\"category\":\"\(shown.text)\",\"column-1\":\(value)}"
        }
        let id = isSpaced ? "\"id\" : \"trend365day\"" : "\"id\":\"trend365day\""
        let text = """
            <!DOCTYPE html>
            <html><head><title>Stats</title></head><body>
            <div id="trend7"></div><div id="trend365day"></div>
            <script>
            AmCharts.makeChart("trend7", {"type":"serial","id":"trend7day","dataProvider":[{"category":"\(day.text)","column-1":999}]});
            AmCharts.makeChart("chart", {"type":"serial",\(id),"categoryField":"category",\
            "dataProvider":[\(points.joined(separator: ",")),]});
            </script></body></html>

            """
        return File("streams_stats_\(stamp(seconds)).html", at: seconds, text)
    }

    private func applePlays(by distributor: String, on day: Day) -> Int {
        delivered(by: distributor, on: day) * 31 / 100
    }

    private func applePage(on day: Day, at seconds: Int) -> File {
        let points = Self.window(365, until: day.adding(-1)).map { shown in
            let value = day.number - shown.number <= 2 ? 0 : applePlays(by: "DistroKid", on: shown)
            return "{\"field\":\"\(shown.text)\",\"value\":\(value)}"
        }
        let text = """
            <html><body><script>
            var chartData = {};
            chart({"dataProvider":[{"field":"\(day.text)","value":1}]});
            chart({"id":"year","dataProvider":[\(points.joined(separator: ",")),]});
            </script></body></html>

            """
        return File("applemusic_stats_\(stamp(seconds)).html", at: seconds, text)
    }

    /// This year so far, bare with numbers or wrapped with texts. From 23 March 2025 on, two weeks of January are 15 % higher.
    private func tooLost(_ platform: String, on day: Day, at seconds: Int, isWrapped: Bool) -> File {
        let floor = Day(number: max(Artist.firstDay.number, Day(year: day.year, month: 1, day: 1).number))
        let points = Self.window(365, until: day.adding(-1), floor: floor).map { shown in
            var value = platform == "spotify" ? delivered(by: "TooLost", on: shown) : applePlays(by: "TooLost", on: shown)
            if "2025-01-13" <= shown.text, shown.text <= "2025-01-26", day.text >= "2025-03-23" { value = value * 1_150 / 1_000 }
            if day.number - shown.number <= 2 { value = 0 }
            return "{\"date\":\"\(shown.text)\",\"streams\":\(isWrapped ? "\"\(value)\"" : "\(value)")}"
        }
        let list = "[" + points.joined(separator: ",") + "]"
        let body = platform == "spotify" ? "{\"streams\":\(list)}" : "{\"totalStreams\":\(list)}"
        let wrapped = """
            {"timestamp":"\(day.text)T19:27:40","source":"toolost_api","platform":"\(platform)","data":\(body)}
            """
        return File(
            isWrapped ? "\(platform)_analytics_\(stamp(seconds)).json" : "toolost_\(platform)_\(stamp(seconds)).json", at: seconds,
            isWrapped ? wrapped : body)
    }

    /// A month of sales, three dates a line; one sale is split in two, one is taken back.
    private func sales(on day: Day, at seconds: Int) -> File {
        let month = day.firstOfMonth(adding: -2)
        let end = day.firstOfMonth(adding: -1)
        var text =
            "transaction_id,sale_date,accounting_date,reporting_date,release_title,release_id,track_title,track_id,channel,country,isrc,"
        text += "upc,units,unit_price,original_currency,split_id,share,rev_fee,net_revenue\n"
        let tracks = Artist.all[1].tracks.filter { Day($0.released).number < month.number }
        var number = 900_000 + month.number * 10
        let outlets = [("Spotify", "US", 3_214, "USD"), ("Apple Music", "DE", 6_100, "EUR"), ("Spotify", "Worldwide", 2_900, "USD")]
        for shown in (month.number..<end.number).map({ Day(number: $0) }) {
            for (place, track) in tracks.enumerated() {
                let (channel, country, price, currency) = outlets[(shown.number + place) % outlets.count]
                number += 1
                let isBack = noise("back", track.isrc + country, shown.number) % 23 == 0
                let units = 2 + noise("sale", track.isrc + channel + country, shown.number) % 30
                let splits = number % 17 == 0 ? [50, 50] : [100]
                for (split, share) in splits.enumerated() {
                    let net = units * price * share / 100 * 85 / 100
                    text += "\(number),\(shown.text),\(end.adding(30).text),\(day.adding(-6).text),\(track.title) EP,\(70 + place),"
                    text += "\(cell(track.title)),\(500 + place),\(channel),\(country),\(track.isrc),\(track.upc),"
                    text += "\(isBack ? "-" : "")\(units),0.00\(price),\(currency),\(split + 1),\(share),0.15,"
                    text += "\(isBack ? "-" : "")\(fraction(net, 6))\n"
                }
            }
        }
        return File("\(padded(month.month, 2))-\(month.year)-\(number % 100_000).csv", at: seconds, text)
    }

    // MARK: - YouTube

    private static let channel = "UC0bedrot0channel0000000"
    private static let videos = [
        (id: "bdRot000001", title: "THE SOURCE “official”, 4K", published: "2024-04-05", length: "PT3M20S", seconds: 200),
        (id: "bdRot000002", title: "RENEGADE PIPELINE", published: "2024-09-20", length: "PT2M58S", seconds: 178),
        (id: "bdRot000003", title: "THE SCALE (live)", published: "2024-11-15", length: "PT1H2M3S", seconds: 3_723),
    ]

    /// A video's views of one day; an answer within three days of it misses a few.
    private func views(_ video: Int, on day: Day, seenOn seen: Day) -> Int {
        let published = Day(Self.videos[video].published)
        guard published.number <= day.number else { return 0 }
        let age = day.number - published.number
        let final = (60 + 9_000 / (20 + age)) * (850 + noise("youtube", Self.videos[video].id, day.number) % 300) / 1_000
        return seen.number - day.number <= 4 ? final * 97 / 100 : final
    }

    func youtube(on day: Day, week: Int) -> [File] {
        var files: [File] = []
        let at = day.seconds + 71_000
        if week % 8 == 2 { files.append(videoDays(on: day, at: at, count: 90, by: nil)) }
        if week == 26 || week == 58 { files.append(videoDays(on: day, at: at + 10, count: 28, by: "video")) }
        if week == 42 { files.append(videoDays(on: day, at: at + 10, count: 28, by: "country")) }
        if [10, 22, 34, 46, 59].contains(week) { files.append(channelTotals(on: day, at: at + 20, isHidden: week == 22)) }
        if [22, 46, 60].contains(week) { files.append(videoTotals(on: day, at: at + 30)) }
        switch week {
        case 30: files.append(studioTable(on: day, at: at + 40, isByCountry: false))
        case 57: files.append(studioTable(on: day, at: at + 40, isByCountry: true))
        default: break
        }
        return files
    }

    /// A result table: names above, lists below. The answer ends three days back.
    private func videoDays(on day: Day, at seconds: Int, count: Int, by dimension: String?) -> File {
        let metrics = [
            "views", "estimatedMinutesWatched", "averageViewDuration", "averageViewPercentage", "likes", "comments", "shares",
            "subscribersGained", "subscribersLost",
        ]
        let headers = (["day"] + (dimension.map { [$0] } ?? []) + metrics).map { name in
            let isMetric = metrics.contains(name)
            let type = !isMetric ? "STRING" : name == "averageViewPercentage" ? "FLOAT" : "INTEGER"
            return "{\"name\":\"\(name)\",\"columnType\":\"\(isMetric ? "METRIC" : "DIMENSION")\",\"dataType\":\"\(type)\"}"
        }
        var rows: [String] = []
        func row(_ shown: Day, _ member: String?, _ views: Int) {
            let cell = member.map { "\"\($0)\"," } ?? ""
            let likes = views / 28 - (noise("liked", member ?? "", shown.number) % 11 == 0 ? views / 20 : 0)
            rows.append(
                """
                ["\(shown.text)",\(cell)\(views),\(views * 3 / 2).0,92,\(40 + noise("kept", "", shown.number) % 9).37,\
                \(likes),\(views / 200),\
                \(views / 120),\(views / 150),\(views / 400)]
                """)
        }
        for shown in Self.window(count, until: day.adding(-3)) {
            let each = Self.videos.indices.map { views($0, on: shown, seenOn: day) }
            let sum = each.reduce(0, +)
            switch dimension {
            case nil: row(shown, nil, sum)
            case "country": for (country, share) in [("US", 58), ("DE", 22), ("JP", 9)] { row(shown, country, sum * share / 100) }
            default: for (index, views) in each.enumerated() where views > 0 { row(shown, Self.videos[index].id, views) }
            }
        }
        let text = """
            {"kind":"youtubeAnalytics#resultTable","columnHeaders":[\(headers.joined(separator: ","))],\
            "rows":[\(rows.joined(separator: ","))]}
            """
        return File("youtube_analytics_\(Self.channel)_\(stamp(seconds)).json", at: seconds, text)
    }

    private func viewsSoFar(_ video: Int, on day: Day) -> Int {
        Self.window(10_000, until: day.adding(-1)).reduce(0) { $0 + views(video, on: $1, seenOn: day) }
    }

    /// Numbers as texts; a hidden count is missing.
    private func channelTotals(on day: Day, at seconds: Int, isHidden: Bool) -> File {
        let views = Self.videos.indices.reduce(0) { $0 + viewsSoFar($1, on: day) }
        let count = Self.videos.filter { Day($0.published).number < day.number }.count
        let subscribers = isHidden ? "" : "\"subscriberCount\":\"\((1_200 + views / 150) / 10 * 10)\","
        let text = """
            {"kind":"youtube#channelListResponse","etag":"e","pageInfo":{"totalResults":1,"resultsPerPage":5},"items":[\
            {"kind":"youtube#channel","etag":"f","id":"\(Self.channel)","snippet":{"title":"Bedrot Demo","customUrl":"@bedrotdemo",\
            "publishedAt":"2019-03-01T12:00:00.123456Z","country":"US"},"statistics":{"viewCount":"\(views)",\(subscribers)\
            "hiddenSubscriberCount":\(isHidden),"videoCount":"\(count)"}}]}
            """
        return File("youtube_channel_\(Self.channel)_\(stamp(seconds)).json", at: seconds, text)
    }

    private func videoTotals(on day: Day, at seconds: Int) -> File {
        let items = Self.videos.indices.filter { Day(Self.videos[$0].published).number < day.number }.map { index in
            let video = Self.videos[index]
            let views = viewsSoFar(index, on: day)
            // The third has comments off and likes hidden.
            let more = index == 2 ? "" : ",\"likeCount\":\"\(views / 28)\",\"favoriteCount\":\"0\",\"commentCount\":\"\(views / 200)\""
            return """
                {"kind":"youtube#video","etag":"x","id":"\(video.id)","snippet":{"title":\(quoted(video.title)),\
                "publishedAt":"\(video.published)T16:00:00Z","channelId":"\(Self.channel)","tags":["a"]},\
                "contentDetails":{"duration":"\(video.length)","dimension":"2d"},"statistics":{"viewCount":"\(views)"\(more)}}
                """
        }
        let text = """
            {"kind":"youtube#videoListResponse","items":[\(items.joined(separator: ","))],"pageInfo":{"totalResults":\(items.count)}}
            """
        return File("youtube_videos_\(Self.channel)_\(stamp(seconds)).json", at: seconds, text)
    }

    /// The ZIP of the Studio, with three tables of which one is read; its first line is the total.
    private func studioTable(on day: Day, at seconds: Int, isByCountry: Bool) -> File {
        let first = day.firstOfMonth(adding: -1)
        let last = day.firstOfMonth(adding: 0).adding(-1)
        let days = (first.number...last.number).map { Day(number: $0) }
        let each = Self.videos.indices.map { video in days.reduce(0) { $0 + views(video, on: $1, seenOn: day) } }
        let sum = each.reduce(0, +)
        func hours(_ views: Int) -> String { fraction(views * 256, 4) }
        var text = ""
        if isByCountry {
            text = "Geography,Views,Average view duration,Watch time (hours)\nTotal,\(sum),0:01:32,\(hours(sum))\n"
            for (country, share, length) in [("US", 58, "0:01:42"), ("DE", 22, "0:01:08"), ("JP", 9, "0:02:01")] {
                text += "\(country),\(sum * share / 100),\(length),\(hours(sum * share / 100))\n"
            }
        } else {
            text = "Content,Video title,Video publish time,Duration,Views,Watch time (hours),Subscribers,Estimated revenue (USD),"
            text +=
                "Impressions,Impressions click-through rate (%)\n"
            text += "Total,,,,\(sum),\(hours(sum)),12,\(fraction(sum * 11, 4)),\(sum * 12),4.1\n"
            for (video, views) in zip(Self.videos, each) where views > 0 {
                let date = Day(video.published)
                text +=
                    "\(video.id),\(cell(video.title)),\"\(monthNames[date.month - 1].prefix(3)) \(date.day), \(date.year)\","
                text += "\(video.seconds),"
                text += "\(views),\(hours(views)),\(views / 300),\(fraction(views * 11, 4)),\(views * 12),4.25\n"
            }
        }
        let table = Array(text.utf8)
        let chart = Array("Date,Views\n\(first.text),\(sum / days.count)\n".utf8)
        let totals = Array("Date,Views\n\(last.text),\(sum)\n".utf8)
        return File(
            name: "\(isByCountry ? "Geography" : "Content") \(first.text)_\(last.text) Bedrot Demo.zip", downloaded: seconds,
            bytes: zipArchive([("Chart data.csv", chart), ("Table data.csv", table), ("Totals.csv", totals)], modified: day))
    }

    // MARK: - Instagram

    private static let instagram = "17841400000000000"
    private static let posts = [
        ("18000000000000001", "New song out\nnow 🎵, \"RENEGADE\"", "REELS", "2024-09-20"),
        ("18000000000000002", "Rehearsal", "FEED", "2024-10-02"), ("18000000000000003", "THE SCALE is here", "REELS", "2024-11-15"),
        ("18000000000000004", "", "FEED", "2025-03-03"), ("18000000000000005", "Transformer.", "REELS", "2025-06-06"),
    ]

    private func reach(on day: Day) -> Int {
        let near = Self.posts.map { day.number - Day($0.3).number }.filter { $0 >= 0 && $0 < 14 }
        return (160 + near.reduce(0) { $0 + 900 / (1 + $1) }) * (800 + noise("reach", "instagram", day.number) % 400) / 1_000
    }

    func instagram(on day: Day, week: Int) -> [File] {
        var files: [File] = []
        let at = day.seconds + 72_000
        if week % 8 == 6 || week == 60 { files.append(metrics(on: day, at: at, isEmpty: week == 30)) }
        if [14, 38, 60].contains(week) { files.append(posts(on: day, at: at + 10, withInsights: week == 60)) }
        switch week {
        case 22: files.append(suite("Views", factor: 3, on: day, at: at + 20))
        case 46: files.append(suite("Interaktionen mit Inhalten", factor: 0, on: day, at: at + 20))
        case 59: files.append(suite("Views", factor: 3, on: day, at: at + 20))
        default: break
        }
        return files
    }

    /// The end of a day, midnight in California, as UTC; daylight saving of 2024 and 2025.
    private func endOfDay(_ day: Day) -> String {
        let next = day.adding(1)
        let isSummer = ("2024-03-11"..."2024-11-03").contains(next.text) || ("2025-03-10"..."2025-11-02").contains(next.text)
        return "\(next.text)T0\(isSummer ? 7 : 8):00:00+0000"
    }

    /// Two answers of 30 days, one after the other: series of days, and totals that have no time. Nothing to tell is an empty list.
    private func metrics(on day: Day, at seconds: Int, isEmpty: Bool) -> File {
        func series(_ name: String, _ period: String, until last: Day, _ value: (Day) -> Int) -> String {
            let values = Self.window(period == "day" ? 30 : 2, until: last).map {
                "{\"value\":\(value($0)),\"end_time\":\"\(endOfDay($0))\"}"
            }
            return """
                {"name":"\(name)","period":"\(period)","values":[\(values.joined(separator: ","))],"title":"\(name)",\
                "id":"\(Self.instagram)/insights/\(name)/\(period)"}
                """
        }
        func days(until last: Day) -> [String] {
            [
                series("reach", "day", until: last) { reach(on: $0) },
                series("follower_count", "day", until: last) { 1 + reach(on: $0) / 90 },
            ]
        }
        let likes = Self.window(30, until: day.adding(-1)).reduce(0) { $0 + reach(on: $1) / 12 }
        let parts = [("18-24", "F", 210), ("18-24", "M", 260), ("25-34", "M", 330)].map {
            "{\"dimension_values\":[\"\($0.0)\",\"\($0.1)\"],\"value\":\($0.2 + noise("fans", $0.0 + $0.1, day.number) % 30)}"
        }
        let totals = [
            series("reach", "days_28", until: day.adding(-1)) { shown in
                Self.window(28, until: shown).reduce(0) { $0 + reach(on: $1) } * 6 / 10
            },
            """
            {"name":"likes","period":"day","total_value":{"value":\(likes)},"title":"Likes","id":"\(Self.instagram)/insights/likes/day"}
            """,
            """
            {"name":"follower_demographics","period":"lifetime","total_value":{"breakdowns":[{"dimension_keys":["age","gender"],\
            "results":[\(parts.joined(separator: ","))]}]},"title":"Followers",\
            "id":"\(Self.instagram)/insights/follower_demographics/lifetime"}
            """,
        ]
        let answers = isEmpty ? [[]] : [days(until: day.adding(-1)) + totals, days(until: day.adding(-31))]
        let text = answers.map { answer in
            """
            {"data":[\(answer.joined(separator: ","))],\
            "paging":{"previous":"https://graph.example/?access_token=EXAMPLE","next":"https://graph.example/?access_token=EXAMPLE"}}

            """
        }
        return File("instagram_insights_\(Self.instagram)_\(stamp(seconds)).json", at: seconds, text.joined())
    }

    private func posts(on day: Day, at seconds: Int, withInsights: Bool) -> File {
        let rows = Self.posts.filter { Day($0.3).number < day.number }.map { post in
            let likes = min(day.number - Day(post.3).number, 60) * (2 + noise("post", post.0, 0) % 5) + 20
            let isReel = post.2 == "REELS"
            // The second hides its likes.
            let count = post.0.hasSuffix("2") ? "" : "\"like_count\":\(likes),"
            let parts = [("views", likes * 30), ("reach", likes * 19), ("saved", likes / 9), ("shares", likes / 12)].map {
                "{\"name\":\"\($0.0)\",\"period\":\"lifetime\",\"values\":[{\"value\":\($0.1)}],\"id\":\"x\"}"
            }
            let insights = withInsights ? ",\"insights\":{\"data\":[\(parts.joined(separator: ","))]}" : ""
            let caption = post.1.isEmpty ? "" : "\"caption\":\(quoted(post.1)),"
            return """
                {"id":"\(post.0)",\(caption)"media_type":"\(isReel ? "VIDEO" : "IMAGE")","media_product_type":"\(post.2)",\
                "timestamp":"\(post.3)T17:03:12+0000","permalink":"https://www.instagram.com/p/\(post.0.suffix(4))/",\(count)\
                "comments_count":\(likes / 15)\(insights)}
                """
        }
        return File(
            "instagram_media_\(Self.instagram)_\(stamp(seconds)).json", at: seconds,
            "{\"data\":[\(rows.joined(separator: ","))],\"paging\":{\"cursors\":{\"after\":\"x\"}}}")
    }

    /// UTF-16LE with a byte order mark, `sep=,` and the metric's title in the language of the page.
    private func suite(_ title: String, factor: Int, on day: Day, at seconds: Int) -> File {
        let isGerman = factor == 0
        var text = "sep=,\n\"\(title)\"\n" + (isGerman ? "\"Datum\",\"Primär\"\n" : "\"Date\",\"Primary\"\n")
        for shown in Self.window(90, until: day.adding(-1)) {
            let value = isGerman ? reach(on: shown) / 10 : reach(on: shown) * factor
            text += "\"\(shown.text)T00:00:00\",\"\(grouped(value))\"\n"
        }
        var bytes: [UInt8] = [0xff, 0xfe]
        for unit in text.utf16 { bytes += [UInt8(unit & 0xff), UInt8(unit >> 8)] }
        return File(name: "business_suite_bedrot_\(stamp(seconds)).csv", downloaded: seconds, bytes: bytes)
    }
}

// MARK: - Mailchimp

extension SampleLake {
    private static let list = "l1a2b3c4d5"
    private static let mails = [
        ("0aa11bb22c", "Renegade Pipeline, \"out\" now", "2024-09-20"), ("0aa11bb22d", "The Scale", "2024-11-15"),
        ("0aa11bb22e", "Winter letter", "2025-01-10"), ("0aa11bb22f", "IWARY", "2025-02-14"),
        ("0aa11bb230", "Transformer Architecture", "2025-06-06"),
    ]

    private func readers(on day: Day) -> Int { 430 + (day.number - Artist.firstDay.number) / 4 }

    func mailchimp(on day: Day, week: Int) -> [File] {
        var files: [File] = []
        let at = day.seconds + 73_000
        func answer(_ kind: String, _ later: Int, _ text: String) {
            files.append(File("mailchimp_\(kind)_\(stamp(at + later)).json", at: at + later, text))
        }
        if [16, 32, 48, 60].contains(week) { answer("reports_bedrot", 0, reports(on: day, isPercent: week == 32)) }
        if [16, 40, 60].contains(week) {
            answer("lists_bedrot", 5, lists(on: day))
            answer("growth_history_bedrot", 10, growth(on: day))
            answer("list_activity_bedrot", 15, activity(on: day))
        }
        if week == 32 || week == 60 { answer("members_bedrot_\(Self.list)", 20, members(on: day)) }
        return files
    }

    private func reports(on day: Day, isPercent: Bool) -> String {
        let rows = Self.mails.filter { Day($0.2).number < day.number }.map { mail in
            let sent = readers(on: Day(mail.2))
            let unique = sent * (20 + noise("open", mail.0, 0) % 12) / 100 + min(20, (day.number - Day(mail.2).number) / 4)
            let clicks = unique / 6
            func rate(_ part: Int) -> String { isPercent ? fraction(part * 10_000 / sent, 2) : fraction(part * 10_000 / sent, 4) }
            return """
                {"id":"\(mail.0)","campaign_title":\(quoted(mail.1)),"type":"regular","list_id":"\(Self.list)","list_is_active":true,\
                "list_name":"Bedrot readers","subject_line":\(quoted(mail.1)),"emails_sent":\(sent),"abuse_reports":0,"unsubscribed":1,\
                "send_time":"\(mail.2)T12:53:00+00:00","bounces":{"hard_bounces":9,"soft_bounces":4,"syntax_errors":0},\
                "forwards":{"forwards_count":0,"forwards_opens":0},"opens":{"opens_total":\(unique + unique / 3),"unique_opens":\(unique),\
                "open_rate":\(rate(unique)),"last_open":""},"clicks":{"clicks_total":\(clicks + 2),"unique_clicks":\(clicks),\
                "unique_subscriber_clicks":\(clicks),"click_rate":\(rate(clicks)),"last_click":"\(mail.2)T19:00:00+00:00"},\
                "ecommerce":{"total_orders":1,"total_spent":9.99,"total_revenue":9.99,"currency_code":"USD"},\
                "delivery_status":{"enabled":false},"share_report":{"share_url":"https://example.com/r","share_password":"EXAMPLE"},\
                "_links":[]}
                """
        }
        return "{\"reports\":[\(rows.joined(separator: ","))],\"total_items\":\(rows.count),\"_links\":[]}"
    }

    private func lists(on day: Day) -> String {
        let sent = Self.mails.filter { Day($0.2).number < day.number }
        return """
            {"lists":[{"id":"\(Self.list)","web_id":1,"name":"Bedrot readers",\
            "contact":{"company":"Bedrot Demo","address1":"1 Example Street"},\
            "campaign_defaults":{"from_name":"Bedrot","from_email":"letters@example.com","subject":"","language":"en"},\
            "notify_on_subscribe":"letters@example.com","beamer_address":"x@example.com","date_created":"2020-01-02T03:04:05+00:00",\
            "list_rating":3,"stats":{"member_count":\(readers(on: day)),"total_contacts":\(readers(on: day) + 60),"unsubscribe_count":41,\
            "cleaned_count":12,"campaign_count":\(sent.count),"campaign_last_sent":"\(sent.last?.2 ?? "2024-01-01")T12:53:00+00:00",\
            "avg_sub_rate":12,"avg_unsub_rate":1,"open_rate":24.5,"click_rate":4.125,\
            "last_sub_date":"\(day.adding(-2).text)T00:00:00+00:00",\
            "last_unsub_date":""},"_links":[]}],"total_items":1}
            """
    }

    /// Newest first; the running month is not over.
    private func growth(on day: Day) -> String {
        let rows = (0..<9).map { back in
            let month = day.firstOfMonth(adding: -back)
            let end = back == 0 ? day : day.firstOfMonth(adding: 1 - back).adding(-1)
            return """
                {"list_id":"\(Self.list)","month":"\(month.text.prefix(7))","existing":0,"imports":0,"optins":\(back % 4),\
                "subscribed":\(readers(on: end)),"unsubscribed":\(30 + (9 - back)),"reconfirm":0,"cleaned":12,"pending":2,"deleted":0,\
                "transactional":1,"_links":[]}
                """
        }
        return "{\"history\":[\(rows.joined(separator: ","))],\"list_id\":\"\(Self.list)\",\"total_items\":\(rows.count)}"
    }

    /// The last 180 days, newest first.
    private func activity(on day: Day) -> String {
        let rows = Self.window(180, until: day).reversed().map { shown in
            let isSent = Self.mails.contains { $0.2 == shown.text }
            let opens = isSent ? readers(on: shown) / 4 : noise("opens", "list", shown.number) % 4
            return """
                {"day":"\(shown.text)","emails_sent":\(isSent ? readers(on: shown) : 0),"unique_opens":\(opens),\
                "recipient_clicks":\(opens / 6),\
                "hard_bounce":\(isSent ? 9 : 0),"soft_bounce":\(isSent ? 4 : 0),"subs":\(shown.number % 4 == 0 ? 1 : 0),"unsubs":0,\
                "other_adds":0,"other_removes":0}
                """
        }
        return "{\"activity\":[\(rows.joined(separator: ","))],\"list_id\":\"\(Self.list)\",\"total_items\":\(rows.count)}"
    }

    /// Addresses that never reach the lake.
    private func members(on day: Day) -> String {
        let rows = (1...(12 + day.number % 7)).map { number in
            """
            {"id":"\(number)","email_address":"reader\(padded(number, 2))@example.com","full_name":"Reader \(number)",\
            "status":"\(number % 9 == 0 ? "unsubscribed" : "subscribed")","timestamp_opt":"2024-01-02T03:04:05+00:00","member_rating":3,\
            "vip":false,"list_id":"\(Self.list)","stats":{"avg_open_rate":0.5,"avg_click_rate":0.1},"source":"Hosted Signup Form"}
            """
        }
        return "{\"members\":[\(rows.joined(separator: ","))],\"list_id\":\"\(Self.list)\",\"total_items\":\(rows.count)}"
    }
}
