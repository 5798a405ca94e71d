/*---
view: v_release_told
title: Which tracks are on which release, in every telling that has a UPC
grain: []
columns:
  release_id: "text; release: and the UPC without leading zeros, which spreadsheets lose"
  upc: "text; as told"
  track_id: "text; member id"
  authority: "count; 1 a person's catalogue, 2 the catalogue file, 3 statements and sales reports"
  day_no: "day; the newest that tells it so; null where a telling has no day"
  artist_id: "text; member id of the track's artist"
  track_title: "text; empty where none is told"
  release_title: "text; empty where none is told"
  release_type: "text; null where none is told"
  release_day_no: "day; null where none is told"
  distributor_release_id: "text; the distributor's own; empty where none is told"
---*/
-- Only the lines themselves have the UPC: this reads them all.
WITH lines AS (
  SELECT 3 AS authority, MAX(f.report_day_no) AS day_no, f.artist AS artist, f.title AS title, f.isrc AS isrc, f.upc AS upc,
    NULL AS release_title, NULL AS release, NULL AS release_day_no, NULL AS release_type
  FROM fact_royalty_line f
  GROUP BY f.artist, f.title, f.isrc, f.upc
  UNION ALL
  SELECT 3, MAX(f.sale_day_no), f.artist, f.title, f.isrc, f.upc, f.release_title, f.release_id, NULL, NULL
  FROM fact_sale_line f
  GROUP BY f.artist, f.title, f.isrc, f.upc, f.release_title, f.release_id
  UNION ALL
  SELECT 2, NULL, f.artist, f.title, f.isrc, f.upc, NULL, NULL, f.release_day_no, f.release_type
  FROM fact_track_catalog f
)
SELECT 'release:' || LTRIM(TRIM(r.upc), '0') AS release_id, TRIM(r.upc) AS upc, r.track AS track_id, 1 AS authority, NULL AS day_no,
  COALESCE(r.artist, 'artist:unknown') AS artist_id, COALESCE(r.title, '') AS track_title, COALESCE(r.release_title, '') AS release_title,
  r.release_type AS release_type, r.release_day AS release_day_no, '' AS distributor_release_id
FROM ref_track r
WHERE LTRIM(TRIM(COALESCE(r.upc, '')), '0') <> ''
UNION ALL
SELECT 'release:' || LTRIM(TRIM(u.value), '0'), TRIM(u.value),
  CASE WHEN i.track_id NOT IN ('track:unknown', 'track:NONE') THEN i.track_id ELSE n.track_id END, t.authority, t.day_no, a.artist_id,
  v.value, COALESCE(e.value, ''), y.value, t.release_day_no, COALESCE(d.value, '')
FROM lines t
JOIN source_value u ON u.id = t.upc
JOIN source_value v ON v.id = t.title
JOIN track_of i ON i.source_id = t.isrc
JOIN track_of n ON n.source_id = t.title
JOIN artist_of a ON a.source_id = t.artist
LEFT JOIN source_value e ON e.id = t.release_title
LEFT JOIN source_value d ON d.id = t.release
LEFT JOIN source_value y ON y.id = t.release_type
WHERE LTRIM(TRIM(u.value), '0') <> '';
