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
        let tables = definitions.facts.flatMap { fact in
            [VersionedTable(fact: fact)] + fact.totals.map { VersionedTable(total: $0, of: fact) }
        }
        engine = KPIEngine(database: database, definitions: definitions, tables: tables)
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
                let isISRC = code.utf8.count == 12 && code.utf8.allSatisfy { (48...57).contains($0) || (65...90).contains($0) }
                titles[track] = (row["title"] ?? "", row["isrc"] ?? (isISRC ? String(code) : ""))
            }
            let shares = try Row.fetchAll(database, sql: Self.shares, arguments: arguments).map { row in
                let track: String = row["track_id"]
                return RoyaltyShare(
                    payee: row["payee"], distributor: row["distributor"], reportDay: row["report_day_no"], saleMonth: row["sale_month_no"],
                    platform: row["platform"], artist: row["artist"], track: track, title: titles[track]?.title ?? "",
                    isrc: titles[track]?.isrc ?? "", quantity: row["quantity"], net: row["net_nano"], share: row["share_nano"],
                    amount: row["amount_nano"], unconverted: row["unconverted"])
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

    private static let shares = """
        SELECT s.payee, s.distributor, s.report_day_no, s.sale_month_no, COALESCE(p.name, s.platform_id) AS platform,
          COALESCE(a.name, s.artist_id) AS artist, s.track_id, s.quantity, s.net_nano, s.share_nano, s.amount_nano, s.unconverted
        FROM v_royalty_share s
        LEFT JOIN dim_platform p ON p.platform_id = s.platform_id
        LEFT JOIN dim_artist a ON a.artist_id = s.artist_id
        WHERE s.report_day_no BETWEEN ? AND ?
        ORDER BY s.payee, s.track_id, s.sale_month_no, s.platform_id, s.distributor, s.report_day_no, s.artist_id
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
