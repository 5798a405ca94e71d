/// A made-up file to feed.
struct MadeFile {
    var name: String
    var bytes: [UInt8]
    /// File time, in seconds since 1970.
    var modified: Int?

    init(_ name: String, _ bytes: [UInt8], modified: Int? = nil) {
        self.name = name
        self.bytes = bytes
        self.modified = modified
    }

    init(_ name: String, _ text: String, modified: Int? = nil) { self.init(name, Array(text.utf8), modified: modified) }
}

/// Small made-up exports whose figures are known exactly.
enum Made {
    static let zonea0 = "62owJQCD2XzVB2o19CVsFM"
    static let pig1987 = "1Eu67EqPy2NutiM0lqCarw"

    /// `2025-03-0n` of a day of March 2025.
    static func march(_ day: Int) -> String { "2025-03-\(day < 10 ? "0" : "")\(day)" }

    /// A Spotify audience export of days of March 2025 made on `made`; `streams` of a day are 100 × day × factor.
    static func spotify(_ days: ClosedRange<Int>, made: Int, factor: Int = 1) -> MadeFile {
        spotify(zonea0, days, made: made, factor: factor)
    }

    static func spotify(_ artist: String, _ days: ClosedRange<Int>, made: Int, factor: Int = 1) -> MadeFile {
        var text = "date,listeners,streams,followers\n"
        for day in days { text += "\(march(day)),\(60 * day * factor),\(100 * day * factor),\(1000 + 3 * day)\n" }
        return MadeFile("spotify_audience_\(artist)_\(march(made).replacing("-", with: ""))_180000.csv", text)
    }

    /// A TikTok overview of days of March 2025 without years; the year is proved by the name unless another name is given.
    static func tiktok(_ days: ClosedRange<Int>, made: Int) -> MadeFile { tiktok("zone.a0", days, made: made) }

    static func tiktok(_ handle: String, _ days: ClosedRange<Int>, made: Int, name: String? = nil, modified: Int? = nil) -> MadeFile {
        let rows = days.map { "\"March \($0)\",\"\(50 * $0)\",\"\($0)\",\"\(4 * $0)\",\"-1\",\"2\"" }
        let text = "\u{FEFF}\"Date\",\"Video Views\",\"Profile Views\",\"Likes\",\"Comments\",\"Shares\"\n" + rows.joined(separator: "\n")
        let epoch = 1_740_787_200 + 86_400 * (made - 1) + 64_800
        return MadeFile(name ?? "Overview_\(march(days.lowerBound))_\(epoch)_\(handle).csv", text, modified: modified ?? epoch)
    }

    /// A line of a bank export.
    struct Sale {
        var reported: String
        var artist = "ZONE A0"
        var quantity = 10
        var earnings = "0.025"
        var country = "US"
    }

    /// A DistroKid bank export made on a day of March 2025.
    static func bank(_ sales: [Sale], made: Int) -> MadeFile {
        let heading =
            """
            Reporting Date\tSale Month\tStore\tArtist\tTitle\tISRC\tUPC\tQuantity\tTeam Percentage\tSong/Album\tCountry of \
            Sale\tSongwriter Royalties Withheld\tEarnings (USD)\n
            """
        let lines = sales.map { sale in
            let isrc = sale.artist == "ZONE A0" ? "QZBDR2400001" : "QZBDR2400002"
            return
                """
                \(sale.reported)\t2024-12\tSpotify\t\(sale.artist)\tTHE \
                SOURCE\t\(isrc)\t019800000017\t\(sale.quantity)\t100\tSong\t\(sale.country)\t0\t\(sale.earnings)\n
                """
        }
        return MadeFile("dk_bank_details_\(march(made).replacing("-", with: ""))_190000.tsv", heading + lines.joined())
    }

    /// Two artists, two reporting dates: 0.20 USD in February, 0.35 USD in March.
    static let sales = [
        Sale(reported: "2025-02-13", quantity: 10, earnings: "0.050000000000"),
        Sale(reported: "2025-02-13", artist: "PIG1987", quantity: 30, earnings: "0.15"),
        Sale(reported: "2025-03-13", quantity: 20, earnings: "0.10"),
        Sale(reported: "2025-03-13", artist: "PIG1987", quantity: 50, earnings: "0.25", country: "DE"),
    ]

    /// One file of each dataset: what most tests begin with. The bank export needs `--account`.
    static let first = [spotify(1...9, made: 10), tiktok(1...9, made: 9), bank(sales, made: 14)]
    /// What arrives later: overlapping days, one of them changed, and another month.
    static let second = [
        spotify(5...16, made: 17, factor: 1), spotify(pig1987, 1...8, made: 17), tiktok(9...16, made: 16),
        bank(sales + [Sale(reported: "2025-03-27", quantity: 7, earnings: "0.035")], made: 28),
    ]
    static let account = ["--account", "label"]

    /// What a file fed alone needs: the others say in their names whose they are.
    static func account(of file: MadeFile) -> [String] { file.name.hasPrefix("dk_") ? account : [] }
}
