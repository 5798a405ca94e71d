/*---
view: v_sale_artist
title: The artist of ISRCs that sales reports name without one, as people, the catalogue or statements tell it
grain: [track_id]
columns:
  track_id: "text; member id"
  artist_id: "text; member id"
---*/
-- dim_track says the same of every track; this asks only for those concerned, and the cross joins keep it at that.
WITH unnamed AS (
  SELECT DISTINCT t.isrc AS isrc
  FROM total_sale t
  WHERE t.artist IN (SELECT source_id FROM artist_of WHERE artist_id = 'artist:unknown')
), track AS (
  SELECT DISTINCT i.track_id AS track_id
  FROM unnamed u
  JOIN track_of i ON i.source_id = u.isrc
  WHERE i.track_id NOT IN ('track:unknown', 'track:NONE')
), told AS (
  SELECT k.track_id AS track_id, 1 AS authority, NULL AS day_no, r.artist AS artist_id
  FROM track k
  JOIN ref_track r ON r.track = k.track_id
  UNION ALL
  SELECT k.track_id, 2, NULL, a.artist_id
  FROM fact_track_catalog f
  JOIN track_of i ON i.source_id = f.isrc
  JOIN track k ON k.track_id = i.track_id
  JOIN artist_of a ON a.source_id = f.artist
  UNION ALL
  SELECT k.track_id, 3, t.report_day_no, a.artist_id
  FROM track k
  CROSS JOIN track_of i
  CROSS JOIN total_royalty t
  CROSS JOIN artist_of a
  WHERE i.track_id = k.track_id AND i.kind = 'isrc' AND t.isrc = i.source_id AND a.source_id = t.artist
), placed AS (
  SELECT t.track_id AS track_id, t.artist_id AS artist_id,
    ROW_NUMBER() OVER (PARTITION BY t.track_id ORDER BY t.authority NULLS LAST, t.day_no DESC NULLS LAST, t.artist_id NULLS LAST) AS place
  FROM told t
  WHERE t.artist_id IS NOT NULL AND t.artist_id <> 'artist:unknown'
)
SELECT p.track_id AS track_id, p.artist_id AS artist_id
FROM placed p
WHERE p.place = 1;
