/*---
kpi: unmapped_rows_pct
title: Rows of unknown stores, artists and tracks
domain: operations
unit: percent
direction: down
decimals: 2
formula: rows whose store, artist or track is unknown / all rows, of the royalty lines of all statements
dimensions: [source, kind]
window: all time up to the day reported on
completeness: >-
  territories are not counted; an artist or track that a file names is known, also when nobody has confirmed it. A source none of whose
  rows names an artist, such as Too Lost's sales report, has no artist to be known or unknown, and no value of that kind
alerts:
  - {alert: unmapped, above: 1, severity: warn, cooldown_days: 7, text: "More than one row in a hundred belongs to nobody known; add the names: bedrot artist alias, or platforms.yml."}
evidence:
  - fact: fact_royalty_line
    where: >-
      :source = 'distrokid/bank_details' AND (report_day_no <= :day) AND (:kind = 'platform' AND platform IN (SELECT source_id FROM
      platform_of WHERE platform_id = 'platform:unmapped') OR :kind = 'artist' AND artist IN (SELECT source_id FROM artist_of WHERE
      artist_id = 'artist:unknown') OR :kind = 'track' AND isrc IN (SELECT source_id FROM track_of WHERE track_id = 'track:unknown') AND
      title IN (SELECT source_id FROM track_of WHERE track_id = 'track:unknown'))
  - fact: fact_sale_line
    where: >-
      :source = 'toolost/sales_report' AND (sale_day_no <= :day) AND (:kind = 'platform' AND platform IN (SELECT source_id FROM
      platform_of WHERE platform_id = 'platform:unmapped') OR :kind = 'artist' AND artist IN (SELECT source_id FROM artist_of WHERE
      artist_id = 'artist:unknown') OR :kind = 'track' AND isrc IN (SELECT source_id FROM track_of WHERE track_id = 'track:unknown') AND
      title IN (SELECT source_id FROM track_of WHERE track_id = 'track:unknown'))
---*/
WITH found AS (
  SELECT t.src AS src, 'platform' AS kind, SUM(t.row_count) AS row_count,
    SUM(CASE WHEN p.platform_id = 'platform:unmapped' THEN t.row_count ELSE 0 END) AS unknown_count
  FROM total_royalty_month t
  JOIN platform_of p ON p.source_id = t.platform
  WHERE t.report_day_no <= :day
  GROUP BY t.src
  UNION ALL
  SELECT t.src, 'artist', SUM(t.row_count), SUM(CASE WHEN a.artist_id = 'artist:unknown' THEN t.row_count ELSE 0 END)
  FROM total_royalty t
  JOIN artist_of a ON a.source_id = t.artist
  WHERE t.report_day_no <= :day
  GROUP BY t.src
  UNION ALL
  SELECT t.src, 'track', SUM(t.row_count),
    SUM(CASE WHEN i.track_id = 'track:unknown' AND n.track_id = 'track:unknown' THEN t.row_count ELSE 0 END)
  FROM total_royalty t
  JOIN track_of i ON i.source_id = t.isrc
  JOIN track_of n ON n.source_id = t.title
  WHERE t.report_day_no <= :day
  GROUP BY t.src
  UNION ALL
  SELECT t.src, 'platform', SUM(t.row_count), SUM(CASE WHEN p.platform_id = 'platform:unmapped' THEN t.row_count ELSE 0 END)
  FROM total_sale t
  JOIN platform_of p ON p.source_id = t.platform
  WHERE t.sale_day_no <= :day
  GROUP BY t.src
  UNION ALL
  SELECT t.src, 'artist', SUM(t.row_count), SUM(CASE WHEN a.artist_id = 'artist:unknown' THEN t.row_count ELSE 0 END)
  FROM total_sale t
  JOIN artist_of a ON a.source_id = t.artist
  WHERE t.sale_day_no <= :day
  GROUP BY t.src
  UNION ALL
  SELECT t.src, 'track', SUM(t.row_count),
    SUM(CASE WHEN i.track_id = 'track:unknown' AND n.track_id = 'track:unknown' THEN t.row_count ELSE 0 END)
  FROM total_sale t
  JOIN track_of i ON i.source_id = t.isrc
  JOIN track_of n ON n.source_id = t.title
  WHERE t.sale_day_no <= :day
  GROUP BY t.src
)
SELECT d.value AS source, f.kind AS kind, SUM(f.unknown_count) AS num, SUM(f.row_count) AS den
FROM found f
JOIN source_value d ON d.id = f.src
GROUP BY d.value, f.kind
HAVING f.kind <> 'artist' OR SUM(f.unknown_count) < SUM(f.row_count)
ORDER BY d.value, f.kind;
