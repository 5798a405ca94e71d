/*---
view: v_track_told
title: Which tracks the ledger knows, in every telling; a track is known by its ISRC, else by its title
grain: []
columns:
  track_id: "text; member id"
  authority: "count; 1 a person's catalogue, 2 the catalogue file, 3 statements and sales reports, 4 a streaming platform, 5 smart links"
  day_no: "day; the newest that tells it so; null where a telling has no day"
  artist_id: "text; member id"
  title: "text; empty where none is told"
  isrc: "text; empty where none is told"
  spotify_track_id: "text; empty where none is told"
  release_day_no: "day; null where none is told"
  release_type: "text; null where none is told"
---*/
-- Statements are read from their kept totals: one line a name, not one a sale.
WITH lines AS (
  SELECT t.artist AS artist, t.title AS title, t.isrc AS isrc, MAX(t.report_day_no) AS day_no
  FROM total_royalty t
  GROUP BY t.artist, t.title, t.isrc
  UNION ALL
  SELECT t.artist, t.title, t.isrc, MAX(t.sale_day_no)
  FROM total_sale t
  GROUP BY t.artist, t.title, t.isrc
), named AS (
  SELECT 3 AS authority, t.day_no AS day_no, t.artist AS artist, t.title AS title, t.isrc AS isrc, NULL AS release_day_no,
    NULL AS release_type
  FROM lines t
  UNION ALL
  SELECT 2, NULL, f.artist, f.title, f.isrc, f.release_day_no, f.release_type
  FROM fact_track_catalog f
), titled AS (
  SELECT 4 AS authority, MAX(f.day_no) AS day_no, f.artist AS artist, f.title AS title, f.track_id AS spotify_track,
    f.release_day_no AS release_day_no
  FROM fact_track_window f
  GROUP BY f.artist, f.title, f.track_id, f.release_day_no
  UNION ALL
  SELECT 4, MAX(f.day_no), f.artist, f.song, NULL, NULL
  FROM fact_track_day f
  GROUP BY f.artist, f.song
  UNION ALL
  SELECT 5, MAX(f.day_no), f.artist, f.title, NULL, NULL
  FROM fact_link_visit_day f
  GROUP BY f.artist, f.title
)
SELECT r.track AS track_id, 1 AS authority, NULL AS day_no, COALESCE(r.artist, 'artist:unknown') AS artist_id,
  COALESCE(r.title, '') AS title, COALESCE(r.isrc, '') AS isrc, COALESCE(r.spotify_track_id, '') AS spotify_track_id,
  r.release_day AS release_day_no, r.release_type AS release_type
FROM ref_track r
UNION ALL
SELECT CASE WHEN i.track_id NOT IN ('track:unknown', 'track:NONE') THEN i.track_id ELSE n.track_id END, t.authority, t.day_no,
  a.artist_id, v.value, CASE WHEN i.track_id NOT IN ('track:unknown', 'track:NONE') THEN x.value ELSE '' END, '', t.release_day_no, y.value
FROM named t
JOIN source_value v ON v.id = t.title
JOIN source_value x ON x.id = t.isrc
JOIN track_of i ON i.source_id = t.isrc
JOIN track_of n ON n.source_id = t.title
JOIN artist_of a ON a.source_id = t.artist
LEFT JOIN source_value y ON y.id = t.release_type
UNION ALL
SELECT n.track_id, t.authority, t.day_no, a.artist_id, v.value, '', COALESCE(k.value, ''), t.release_day_no, NULL
FROM titled t
JOIN source_value v ON v.id = t.title
JOIN track_of n ON n.source_id = t.title
JOIN artist_of a ON a.source_id = t.artist
LEFT JOIN source_value k ON k.id = t.spotify_track;
