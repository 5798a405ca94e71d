/// What the label pays for attention, and what comes of it: Meta Ads, Linktree, and the files kept by hand.
extension SampleLake {
    /// One campaign a release, paid by the day.
    struct Campaign {
        var id: String
        var name: String
        var start: Day
        var days: Int
        /// A day, in cents.
        var budget: Int
        var objective: String

        var last: Day { start.adding(days - 1) }
        var adset: String { String(id.dropLast(2)) + "1" + String(id.suffix(1)) }
        /// Two ads; the first gets most of the money.
        func ad(_ index: Int) -> String { String(id.dropLast(3)) + "2\(index)" + String(id.suffix(1)) }
        func runs(on day: Day) -> Bool { start.number <= day.number && day.number <= last.number }

        static let account = "act_100000000000001"
        static let all = [
            Campaign(
                id: "120200000000000001", name: "PIG1987 - RENEGADE PIPELINE - BROAD", start: Day("2024-09-20"), days: 28, budget: 900,
                objective: "OUTCOME_ENGAGEMENT"),
            Campaign(
                id: "120200000000000002", name: "ZONE A0 - \"THE SCALE\", LOOKALIKE", start: Day("2024-11-15"), days: 35, budget: 1_200,
                objective: "OUTCOME_TRAFFIC"),
            Campaign(
                id: "120200000000000003", name: "PIG1987 - IWARY - BROAD", start: Day("2025-02-14"), days: 28, budget: 700,
                objective: "OUTCOME_ENGAGEMENT"),
            Campaign(
                id: "120200000000000004", name: "PIG1987 - TRANSFORMER ARCHITECTURE – Copy", start: Day("2025-06-06"), days: 42,
                budget: 1_500, objective: "OUTCOME_SALES"),
        ]
    }

    /// What one campaign brought on one day.
    struct Delivery {
        /// Cents.
        var spend: Int
        var impressions: Int
        var reach: Int
        var clicks: Int
        var linkClicks: Int

        static let none = Delivery(spend: 0, impressions: 0, reach: 0, clicks: 0, linkClicks: 0)

        static func + (a: Delivery, b: Delivery) -> Delivery {
            Delivery(
                spend: a.spend + b.spend, impressions: a.impressions + b.impressions, reach: a.reach + b.reach, clicks: a.clicks + b.clicks,
                linkClicks: a.linkClicks + b.linkClicks)
        }

        func part(_ permille: Int) -> Delivery {
            Delivery(
                spend: spend * permille / 1_000, impressions: impressions * permille / 1_000, reach: reach * permille / 1_000,
                clicks: clicks * permille / 1_000, linkClicks: linkClicks * permille / 1_000)
        }
    }

    /// As of `seen`: the day of asking is not over.
    func delivery(_ campaign: Campaign, on day: Day, seenOn seen: Day) -> Delivery {
        guard campaign.runs(on: day) else { return .none }
        let spend = campaign.budget * (820 + noise("spend", campaign.id, day.number) % 300) / 1_000
        // 2 to 3 dollars for 1,000 impressions.
        let impressions = spend * 1_000 / (200 + noise("cpm", campaign.id, day.number) % 110)
        let clicks = impressions * (6 + noise("ctr", campaign.id, day.number) % 7) / 1_000
        let whole = Delivery(
            spend: spend, impressions: impressions, reach: impressions * 88 / 100, clicks: clicks, linkClicks: clicks * 7 / 10)
        return day.number == seen.number ? whole.part(640) : whole
    }

    func metaAds(on day: Day, week: Int) -> [File] {
        var files: [File] = []
        let at = day.seconds + 67_000
        switch week {
        // Week 17 and 26 need two pages, week 42 finds nothing to tell.
        case 14, 17, 22, 26, 35, 38, 42, 51, 55: files += insights(on: day, at: at, pages: week == 17 || week == 26 ? 2 : 1)
        default: break
        }
        switch week {
        case 15, 24, 36, 53: files.append(campaignDays(on: day, at: at + 60, isOld: week == 15))
        case 18: files.append(adsManager(Campaign.all[0], on: day, at: at + 80))
        case 57: files.append(adsManagerSpanish(Campaign.all[3], on: day, at: at + 80))
        default: break
        }
        if week == 26 || week == 58 {
            files += objects(on: day, at: at + 20, isDump: week == 58)
        }
        if week == 58 {
            files.append(adsetTotals(on: day, at: at + 40))
        }
        return files
    }

    private static let paging = """
        "paging":{"cursors":{"before":"MAZDZD","after":"MAZDZD"},"next":"https://graph.example/v25.0/act_1/insights?access_token=EXAMPLE"}
        """

    /// Every figure a text, and one event under three names.
    private func figures(_ told: Delivery, _ campaign: Campaign) -> String {
        let views = told.linkClicks / 3
        let actions = [
            ("link_click", told.linkClicks), ("offsite_conversion.fb_pixel_view_content", views), ("view_content", views),
            ("omni_view_content", views), ("post_engagement", told.clicks * 2),
            ("omni_purchase", campaign.objective == "OUTCOME_SALES" ? told.linkClicks / 40 : 0),
        ].filter { $0.1 > 0 }
        var text = """
            "spend":"\(cents(told.spend))","impressions":"\(told.impressions)","clicks":"\(told.clicks)","reach":"\(told.reach)",\
            "frequency":"1.136364"
            """
        if told.clicks > 0 { text += ",\"cpc\":\"\(cents(told.spend / told.clicks))\"" }
        if !actions.isEmpty {
            let list = actions.map { "{\"action_type\":\"\($0.0)\",\"value\":\"\($0.1)\"}" }
            text += ",\"actions\":[" + list.joined(separator: ",") + "]"
        }
        return text
    }

    /// A campaign and day a row, the last 31 days; days without delivery have no row.
    private func insights(on day: Day, at seconds: Int, pages: Int) -> [File] {
        var rows: [String] = []
        for campaign in Campaign.all {
            for shown in Self.window(31, until: day) where campaign.runs(on: shown) {
                rows.append(
                    """
                    {"campaign_id":"\(campaign.id)","campaign_name":\(quoted(campaign.name)),"account_currency":"USD",\
                    "date_start":"\(shown.text)","date_stop":"\(shown.text)",\
                    \(figures(delivery(campaign, on: shown, seenOn: day), campaign))}
                    """)
            }
        }
        let size = (rows.count + pages - 1) / pages
        return (0..<pages).map { page in
            let part = rows.dropFirst(page * size).prefix(size)
            let name = "metaads_insights_\(Campaign.account)_\(stamp(seconds + page))" + (pages > 1 ? "_\(page + 1)" : "")
            let end = page + 1 < pages ? Self.paging : "\"paging\":{}"
            return File(name + ".json", at: seconds + page, "{\"data\":[" + part.joined(separator: ",") + "],\(end)}")
        }
    }

    /// The bare list of a dump: an ad set over all its days.
    private func adsetTotals(on day: Day, at seconds: Int) -> File {
        let rows = Campaign.all.map { campaign in
            let told = Self.window(campaign.days, until: campaign.last).reduce(Delivery.none) {
                $0 + delivery(campaign, on: $1, seenOn: day)
            }
            return """
                  {"campaign_id":"\(campaign.id)","campaign_name":\(quoted(campaign.name)),"adset_id":"\(campaign.adset)",\
                "adset_name":"BROAD 18-44","date_start":"\(campaign.start.text)","date_stop":"\(campaign.last.text)",\
                \(figures(told, campaign))}
                """
        }
        return File(
            "metaads_insights_\(Campaign.account)_\(stamp(seconds)).json", at: seconds, "[\n" + rows.joined(separator: ",\n") + "\n]\n")
    }

    /// Campaigns, ad sets and ads as they stand on the day: pages of an answer, or the bare lists of a dump.
    private func objects(on day: Day, at seconds: Int, isDump: Bool) -> [File] {
        let begun = Campaign.all.filter { $0.start.number <= day.number }
        func times(_ campaign: Campaign) -> String {
            """
            "created_time":"\(campaign.start.adding(-1).text)T06:58:12-0700","updated_time":"\(campaign.last.text)T06:58:12-0700"
            """
        }
        func status(_ campaign: Campaign) -> String { campaign.runs(on: day) ? "ACTIVE" : "PAUSED" }
        let campaigns = begun.map { campaign in
            """
            {"id":"\(campaign.id)","name":\(quoted(campaign.name)),"status":"\(status(campaign))","effective_status":"\(status(campaign))",\
            "objective":"\(campaign.objective)","daily_budget":"\(campaign.budget)","spend_cap":"922337203685478",\
            "special_ad_categories":[],"start_time":"\(campaign.start.text)T07:00:00-0700",\(times(campaign))}
            """
        }
        let sets = begun.map { campaign in
            """
            {"id":"\(campaign.adset)","name":"BROAD 18-44","status":"ACTIVE","campaign_id":"\(campaign.id)",\
            "daily_budget":"\(campaign.budget)","bid_strategy":"LOWEST_COST_WITHOUT_CAP","optimization_goal":"LINK_CLICKS",\
            "billing_event":"IMPRESSIONS","targeting":{"age_min":18,"age_max":44,"geo_locations":{"countries":["US","DE"]}},\
            "pacing_type":["standard"],"start_time":"\(campaign.start.text)T07:00:00-0700",\(times(campaign))}
            """
        }
        let ads = begun.flatMap { campaign in
            (1...2).map { index in
                """
                {"id":"\(campaign.ad(index))","name":"AD0\(index)","status":"ACTIVE","effective_status":"ADSET_PAUSED",\
                "adset_id":"\(campaign.adset)","campaign_id":"\(campaign.id)","creative":{"id":"90000000000000\(index)"},\(times(campaign))}
                """
            }
        }
        return [("campaigns", campaigns), ("adsets", sets), ("ads", ads)].enumerated().map { index, list in
            let body = list.1.joined(separator: ",")
            return File(
                "metaads_\(list.0)_\(Campaign.account)_\(stamp(seconds + index)).json", at: seconds + index,
                isDump ? "[" + body + "]" : "{\"data\":[" + body + "],\(Self.paging)}")
        }
    }

    /// The predecessor's daily pull, in its older and its newer layout.
    private func campaignDays(on day: Day, at seconds: Int, isOld: Bool) -> File {
        var text =
            isOld
            ? "date,campaign_id,campaign_name,adset_id,reach,cpc,spend_usd,clicks,impressions,is_active,meta_pixel_events\n"
            : "date,campaign_id,campaign_name,campaign_objective,campaign_status,adset_id,adset_name,spend_usd,impressions,clicks,reach,"
                + "frequency,cpc,cpm,ctr,meta_pixel_events,is_active\n"
        for campaign in Campaign.all {
            for shown in Self.window(31, until: day) where campaign.runs(on: shown) {
                let told = delivery(campaign, on: shown, seenOn: day)
                let events = told.linkClicks > 0 ? "\"{\"\"LinkClick\"\": \(told.linkClicks)}\"" : "{}"
                let cpc = told.clicks > 0 ? cents(told.spend / told.clicks) : ""
                let name = cell(campaign.name)
                text +=
                    isOld
                    ? "\(shown.text),\(campaign.id),\(name),,\(told.reach),\(cpc),\(cents(told.spend)),\(told.clicks),"
                        + "\(told.impressions),True,\(events)\n"
                    : "\(shown.text),\(campaign.id),\(name),\(campaign.objective),ACTIVE,,,\(cents(told.spend)),\(told.impressions),"
                        + "\(told.clicks),\(told.reach).0,1.136364,\(cpc),2.6,0.9,\(events),True\n"
            }
        }
        return File("metaads_campaign_daily_\(Campaign.account)_\(stamp(seconds)).csv", at: seconds, text)
    }

    private func whole(_ campaign: Campaign, on day: Day) -> Delivery {
        Self.window(campaign.days, until: campaign.last).reduce(.none) { $0 + delivery(campaign, on: $1, seenOn: day) }
    }

    private func range(_ campaign: Campaign) -> String {
        [campaign.start, campaign.last].map { "\(monthNames[$0.month - 1].prefix(3))-\($0.day)-\($0.year)" }.joined(separator: "-")
    }

    /// Thousands, percent and dollar signs, and a line of totals without a name.
    private func adsManager(_ campaign: Campaign, on day: Day, at seconds: Int) -> File {
        let told = whole(campaign, on: day)
        let first = told.part(700)
        let second = Delivery(
            spend: told.spend - first.spend, impressions: told.impressions - first.impressions, reach: told.reach - first.reach,
            clicks: told.clicks - first.clicks, linkClicks: told.linkClicks - first.linkClicks)
        var text = "\u{FEFF}Reporting starts,Reporting ends,Campaign name,Ad Set Name,Ad name,Ad delivery,Attribution setting,Results,"
        text += "Result indicator,Reach,Impressions,\"Cost per results\",Amount spent (USD),CTR (all),Ends,Clicks\n"
        for (index, part) in [first, second].enumerated() {
            text += "\(campaign.start.text),\(campaign.last.text),\(cell(campaign.name)),BROAD 18-44,AD0\(index + 1),inactive,"
            text += "7-day click or 1-day view,\(part.linkClicks),actions:link_click,\(cell(grouped(part.reach))),"
            text += "\(cell(grouped(part.impressions))),\(cents(part.spend / max(1, part.linkClicks))),$\(cents(part.spend)),"
            text += "\(cents(part.clicks * 10_000 / max(1, part.impressions)))%,Ongoing,\(part.clicks)\n"
        }
        text +=
            "\(campaign.start.text),\(campaign.last.text),,,,,,\(told.linkClicks),,\(told.reach),\(told.impressions),,"
        text += "$\(cents(told.spend)),,,"
        text += "\(told.clicks)\n"
        return File("BEDROT-Ads-\(range(campaign)).csv", at: seconds, text)
    }

    private func adsManagerSpanish(_ campaign: Campaign, on day: Day, at seconds: Int) -> File {
        let told = whole(campaign, on: day)
        let text = """
            "Nombre de la campaña",Entrega,Resultados,"Indicador de resultado",Alcance,Impresiones,"Coste por resultado",\
            "Importe gastado (USD)","Clics (todos)","Inicio del informe","Fin del informe"
            \(cell(campaign.name)),inactive,\(told.linkClicks),actions:link_click,\(told.reach),\(told.impressions),\
            \(cents(told.spend / max(1, told.linkClicks))),\(cents(told.spend)),\(told.clicks),\(campaign.start.text),\(campaign.last.text)

            """
        return File("BEDROT-Campaigns-\(range(campaign)).csv", at: seconds, text)
    }
}

// MARK: - Linktree

extension SampleLake {
    /// Link clicks of ads land here, beside those who come by themselves.
    private func visits(on day: Day) -> (views: Int, clicks: Int) {
        let own = 34 + noise("linktree", "bedrot", day.number) % 24
        let views = own + Campaign.all.reduce(0) { $0 + delivery($1, on: day, seenOn: day.adding(1)).linkClicks / 2 }
        return (views, views * (46 + noise("clicks", "bedrot", day.number) % 18) / 100)
    }

    /// The plan shows 90 days, and nobody asked between weeks 22 and 38: three weeks are gone.
    func linktree(on day: Day, week: Int) -> [File] {
        let at = day.seconds + 68_000
        func name(_ seconds: Int, _ fraction: Int) -> String { "graphql_bedrot_\(stamp(seconds))_\(padded(fraction, 6)).json" }
        var files: [File] = []
        if [6, 14, 22, 38, 46, 54, 60].contains(week) {
            let isPercent = week == 22
            let rows = Self.window(90, until: day).map { shown in
                let part = shown.number == day.number ? 60 : 100
                let views = visits(on: shown).views * part / 100
                let clicks = visits(on: shown).clicks * part / 100
                let rate = views == 0 ? 0 : clicks * 10_000 / views
                return """
                    {"date":"\(shown.text)","totalViews":\(views),"uniqueViews":\(views * 8 / 10),"totalClicks":\(clicks),\
                    "uniqueClicks":\(clicks * 9 / 10),"clickThroughRate":\(isPercent ? fraction(rate, 2) : fraction(rate, 4)),\
                    "__typename":"AnalyticsTimeseries"}
                    """
            }
            let answer = "{\"data\":{\"getAccountAnalytics\":{\"overview\":{\"timeseries\":[" + rows.joined(separator: ",") + "]}}}}"
            files.append(
                File(name(at, 123_456), at: at, week == 38 ? "[{\"data\":{\"viewer\":{\"id\":\"1\"}}},\(answer)]" : answer))
        }
        switch week {
        case 6: files.append(File(name(at + 1, 1_042), at: at + 1, #"{"data":{"viewer":{"id":"1","__typename":"User"}}}"#))
        case 54: files.append(File(name(at + 1, 3), at: at + 1, #"{"data":{"getLinks":[]}}"#))
        case 22: files.append(File(name(at + 1, 3), at: at + 1, #"{"data":null,"errors":[{"message":"Unauthorized"}]}"#))
        default: break
        }
        return files
    }
}

// MARK: - Kept by hand

extension SampleLake {
    func handKept(on day: Day, week: Int) -> [File] {
        var files: [File] = []
        let at = day.seconds + 69_000
        if week % 8 == 7 || week == 60 { files.append(cardPurchases(on: day, at: at)) }
        switch week {
        case 13, 57: files.append(linkVisitsByDay(on: day, at: at + 20))
        case 37: files.append(linkVisits(on: day, at: at + 20))
        default: break
        }
        if week == 9 || week == 49 { files.append(catalogue(on: day, at: at + 40)) }
        if week == 19 || week == 37 || week == 55 { files.append(payouts(on: day, at: at + 60)) }
        return files
    }

    /// Ten weeks of a card, two of them seen before. Meta bills each Monday what the week before cost.
    private func cardPurchases(on day: Day, at seconds: Int) -> File {
        var lines: [String] = []
        func line(_ shown: Day, _ what: String, _ amount: Int, _ category: String) {
            let status = day.number - shown.number < 2 ? "Pending" : "Posted"
            lines.append(
                "\(padded(shown.month, 2))/\(padded(shown.day, 2))/\(shown.year),\(cell(what)),\(cents(amount)),\(category),\(status),4821")
        }
        for shown in Self.window(70, until: day.adding(-1), floor: Day("2024-05-01")) {
            // 1970-01-01 was a Thursday.
            if (shown.number + 3) % 7 == 0 {
                let spent = Self.window(7, until: shown.adding(-1)).reduce(0) { sum, past in
                    sum + Campaign.all.reduce(0) { $0 + delivery($1, on: past, seenOn: day).spend }
                }
                if spent > 0 { line(shown, "META PLATFORMS, ADS", spent, "Advertising") }
            }
            if shown.day == 3 { line(shown, "REHEARSAL ROOM 4", 18_000 + 100 * (noise("rent", "", shown.month) % 9), "Rent") }
            if shown.day == 11 {
                line(shown, "SAMPLE LIBRARY SUBSCRIPTION", 1_499, "Software")
                line(shown, "SAMPLE LIBRARY SUBSCRIPTION", 1_499, "Software")
            }
            if shown.day == 17 && shown.month % 4 == 2 { line(shown, "CABLES & CO REFUND", -2_350, "Merchandise") }
            if shown.day == 25 { line(shown, "CARD PAYMENT, THANK YOU", -25_000, "Payment/Credit") }
        }
        return File(
            "card_purchases_\(stamp(seconds)).csv", at: seconds,
            "Date,Description,Amount,Category,Status,CardLast4\n" + lines.joined(separator: "\n") + "\n")
    }

    private func linkVisitsByDay(on day: Day, at seconds: Int) -> File {
        var text = "Date,Artist,Track,Country,Referrer,UTM Source,UTM Medium,UTM Campaign,Opened,Clicked\n"
        var sum = 0
        for shown in Self.window(14, until: day.adding(-1)) {
            for (index, country) in ["United States", "Germany"].enumerated() {
                let opened = 3 + noise("submithub", country, shown.number) % 14
                let origin = index == 0 ? "instagram.com,ig,story,launch" : ",,,"
                text += "\(shown.text),PIG1987,\(Artist.all[1].tracks[0].title),\(country),\(origin),\(opened),\(opened * 2 / 5)\n"
                sum += opened
            }
        }
        return File("submithub_links_analytics_\(stamp(seconds)).csv", at: seconds, text + "Total,,,,,,,,\(sum),\n")
    }

    /// A line a visit, each with an address that is replaced before anything is stored.
    private func linkVisits(on day: Day, at seconds: Int) -> File {
        var text = "Timestamp,Link name,IP address,Country code,Source,Clicked service\n"
        for shown in Self.window(7, until: day.adding(-1)) {
            for visit in 0..<(4 + noise("visits", "iwary", shown.number) % 6) {
                let address = "192.0.2.\(1 + noise("address", "iwary", shown.number * 16 + visit) % 40)"
                let service = visit % 3 == 0 ? "" : "Spotify"
                text +=
                    "\(shown.text)T\(padded(9 + visit, 2)):11:12Z,iwary,\(address),\(visit % 4 == 1 ? "DE" : "US"),instagram,\(service)\n"
            }
        }
        return File("submithub_links_analytics_iwary_\(stamp(seconds)).csv", at: seconds, text)
    }

    /// One line a track and payee; the label's own share has none.
    private func catalogue(on day: Day, at seconds: Int) -> File {
        var text = "artist,title,isrc,upc,release_date,release_type,payee,royalty_percentage\n"
        for artist in Artist.all {
            for track in artist.tracks where Day(track.released).number <= day.adding(30).number {
                let about = "\(artist.name),\(track.title),\(track.isrc),\(track.upc),\(track.released),single"
                text += "\(about),,\(track.team)\n"
                if track.team != "100" { text += "\(about),Jo Example,\(100 - (Int(track.team) ?? 0))%\n" }
            }
        }
        return File("track_catalog_royalty_splits_\(stamp(seconds)).csv", at: seconds, text)
    }

    /// Every four months the balances are taken out: what was reported until then, less a dollar at DistroKid.
    private func payouts(on day: Day, at seconds: Int) -> File {
        var text = "date,distributor,amount,fee,currency,reference\n"
        var since = ""
        for (index, date) in ["2024-10-31", "2025-02-28", "2025-06-30"].map({ Day($0) }).enumerated() where date.number < day.number {
            let earned = reportingDates(until: date).filter { $0.text > since }.reduce(0) { $0 + reported($1, seenOn: day) }
            text += "\(date.text),DistroKid,\(cell(grouped(earned / 100) + "." + padded(earned % 100, 2))),1.00,USD,DK-000\(index + 1)\n"
            text += "\(date.adding(12).text),TooLost,\(cents(earned * 6 / 100)),,USD,TL-\(70 + index)\n"
            since = date.text
        }
        return File("payouts_\(stamp(seconds)).csv", at: seconds, text)
    }

    /// What a statement came to, in cents.
    private func reported(_ date: Day, seenOn day: Day) -> Int {
        statement(of: date, seenOn: day).reduce(0) { sum, line in
            guard let cell = line.split(separator: "\t").last, let value = Int(cell.filter { $0 != "." }) else { return sum }
            return sum + value / 1_000_000
        } / 10_000
    }
}
