package import GRDB

/// What a payee gets of one line of royalties, in US dollars.
package struct RoyaltyShare: Sendable, Equatable {
    /// A pseudonym, or `unnamed`.
    package let payee: String
    package let distributor: String
    /// Day since 1970-01-01 on which the distributor reported it.
    package let reportDay: Int64
    /// Year × 12 + month − 1.
    package let saleMonth: Int64
    /// Name of the platform.
    package let platform: String
    /// Name of the artist.
    package let artist: String
    /// Member id.
    package let track: String
    /// As the catalogue or, without one, a distributor spells it.
    package let title: String
    package let isrc: String
    /// Streams and downloads; nil where not reported.
    package let quantity: Int64?
    /// Nano-USD; nil where no rate converts the currency.
    package let net: Int64?
    /// Billionths of the whole.
    package let share: Int64
    /// Nano-USD: net times share, rounded half-even; nil where net is.
    package let amount: Int64?
    /// Amounts of the line that no rate converts.
    package let unconverted: Int64
}

/// Asks what payees get, as it was known at an event.
package struct RoyaltyQuestion {
    private let engine: KPIEngine

    /// `database` must allow temporary views; the definitions say how royalties are read and shared.
    package init(database: Database, definitions: DefinitionSet) {
        engine = KPIEngine(database: database, definitions: definitions, tables: definitions.tables)
    }

    /// What was reported from one day to another, as known at an event: the lines of all payees in the order of payee, track, sale month,
    /// platform, distributor, day and artist; the captures they rest on; and what the label keeps, in nano-USD.
    package func reported(_ days: (first: Int64, last: Int64), at seq: Int64) throws -> (
        shares: [RoyaltyShare], captures: [Int64], net: Int64, own: Int64
    ) {
        try engine.withKnownViews(at: seq) {
            let database = engine.database
            let arguments: StatementArguments = [days.first, days.last]
            var titles: [String: (title: String, isrc: String)] = [:]
            for row in try Row.fetchAll(database, sql: Self.titles) {
                let track: String = row["track_id"]
                let code = track.dropFirst(6)
                titles[track] = (row["title"] ?? "", row["isrc"] ?? (SourceNames.isISRC(code) ? String(code) : ""))
            }
            let lines = Self.told(try Row.fetchAll(database, sql: Self.shares, arguments: arguments).map(Line.init))
            let shares = lines.map { line in
                RoyaltyShare(
                    payee: line.payee, distributor: line.distributor, reportDay: line.reportDay, saleMonth: line.saleMonth,
                    platform: line.platform, artist: line.artist, track: line.track, title: titles[line.track]?.title ?? "",
                    isrc: titles[line.track]?.isrc ?? "", quantity: line.quantity, net: line.net, share: line.share, amount: line.amount,
                    unconverted: line.unconverted)
            }
            let captures = try Int64.fetchAll(database, sql: Self.captures, arguments: arguments + arguments + arguments)
            let sums = try Row.fetchOne(
                database,
                sql: "SELECT SUM(net_nano) AS net, SUM(own_nano) AS own FROM v_royalty_own WHERE report_day_no BETWEEN ? AND ?",
                arguments: arguments)
            return (shares, captures, sums?["net"] ?? 0, sums?["own"] ?? 0)
        }
    }

    /// What each payee gets of each month's reports, in nano-USD, as known at an event.
    package func totals(at seq: Int64) throws -> [(payee: String, month: Int64, amount: Int64)] {
        try engine.withKnownViews(at: seq) {
            try Row.fetchAll(
                engine.database,
                sql: """
                    SELECT s.payee AS payee, d.month_no AS month, COALESCE(SUM(s.amount_nano), 0) AS amount FROM v_royalty_share s \
                    JOIN dim_date d ON d.day_no = s.report_day_no GROUP BY s.payee, d.month_no ORDER BY s.payee, d.month_no
                    """
            ).map { ($0["payee"], $0["month"], $0["amount"]) }
        }
    }

    /// What a payee gets by one platform.
    private struct Line {
        let payee, distributor, platform, artistID, artist, track: String
        let reportDay, saleMonth, share, unconverted: Int64
        /// Where it stands in a statement.
        let place: Int64
        let quantity, net: Int64?
        var amount: Int64?

        init(_ row: Row) {
            (payee, distributor, platform, place) = (row["payee"], row["distributor"], row["platform"], row["place"])
            (artistID, artist, track) = (row["artist_id"], row["artist"], row["track_id"])
            (reportDay, saleMonth, share) = (row["report_day_no"], row["sale_month_no"], row["share_nano"])
            (unconverted, quantity, net) = (row["unconverted"], row["quantity"], row["net_nano"])
        }

        /// Whether the other is a line of the same amount of `v_royalty_share`.
        func isPart(of other: Self) -> Bool {
            (payee, track, saleMonth, distributor, reportDay, artistID)
                == (other.payee, other.track, other.saleMonth, other.distributor, other.reportDay, other.artistID)
        }
    }

    /// Tells the amounts of `v_royalty_share` apart by platform, in the order of a statement.
    ///
    /// A line is what the payee has got with it, less what he had before, each rounded half-even: its distance from the exact amount is
    /// below one nano, and the lines of an amount come to it to the nano.
    private static func told(_ lines: [Line]) -> [Line] {
        var lines = lines
        var (net, paid) = (Int128(0), Int64(0))
        for i in lines.indices {
            if i == 0 || !lines[i].isPart(of: lines[i - 1]) { (net, paid) = (0, 0) }
            guard let own = lines[i].net else { continue }
            net += Int128(own)
            guard let sum = Int64(exactly: net), let all = Money.convert(sum, rate: lines[i].share) else { continue }
            lines[i].amount = all - paid
            paid = all
        }
        return lines.sorted { $0.place < $1.place }
    }

    // Lines of one amount follow each other, platforms in the order of their ids.
    private static let shares = """
        SELECT b.payee, r.distributor, r.report_day_no, r.sale_month_no, COALESCE(p.name, r.platform_id) AS platform,
          r.artist_id, COALESCE(a.name, r.artist_id) AS artist, r.track_id, b.share_nano, SUM(r.quantity) AS quantity,
          SUM(r.net_nano) AS net_nano, SUM(r.unconverted) AS unconverted,
          ROW_NUMBER() OVER (
            ORDER BY b.payee, r.track_id, r.sale_month_no, r.platform_id, r.distributor, r.report_day_no, r.artist_id
          ) AS place
        FROM v_royalty r
        CROSS JOIN dim_month m
        CROSS JOIN bridge_track_share b
        LEFT JOIN dim_platform p ON p.platform_id = r.platform_id
        LEFT JOIN dim_artist a ON a.artist_id = r.artist_id
        WHERE r.report_day_no BETWEEN ? AND ? AND m.month_no = r.sale_month_no AND b.track_id = r.track_id
          AND b.from_day <= m.last_day_no AND m.last_day_no < b.until_day
        GROUP BY b.payee, r.track_id, r.sale_month_no, r.distributor, r.report_day_no, r.artist_id, r.platform_id, b.share_nano, p.name,
          a.name
        ORDER BY b.payee, r.track_id, r.sale_month_no, r.distributor, r.report_day_no, r.artist_id, b.share_nano, r.platform_id
        """

    private static let titles = """
        SELECT k.track_id AS track_id, COALESCE(MAX(c.title), MIN(k.title)) AS title, MAX(c.isrc) AS isrc
        FROM (
          SELECT CASE WHEN i.track_id <> 'track:unknown' THEN i.track_id ELSE n.track_id END AS track_id, NULLIF(v.value, '') AS title
          FROM (SELECT isrc, title FROM total_royalty UNION SELECT isrc, title FROM total_sale) t
          LEFT JOIN track_of i ON i.source_id = t.isrc
          LEFT JOIN track_of n ON n.source_id = t.title
          LEFT JOIN source_value v ON v.id = t.title
        ) k
        LEFT JOIN ref_track c ON c.track = k.track_id
        GROUP BY k.track_id
        """

    private static let captures = """
        SELECT set_seq FROM fact_royalty_line WHERE report_day_no BETWEEN ? AND ?
        UNION SELECT set_seq FROM fact_sale_line WHERE report_day_no BETWEEN ? AND ?
        UNION SELECT set_seq FROM fact_sale_line WHERE report_day_no IS NULL AND sale_day_no BETWEEN ? AND ?
        ORDER BY 1
        """
}
