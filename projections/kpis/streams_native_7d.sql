/*---
kpi: streams_native_7d
title: Spotify streams, last 7 days reported
unit: count
direction: up
decimals: 0
formula: sum of daily streams over the last 7 days reported by Spotify for Artists
dimensions: [artist]
evidence:
  fact: fact_audience_day
  where: "day_no > (SELECT MAX(day_no) FROM fact_audience_day WHERE day_no <= :day AND artist IN (SELECT source_id FROM artist_of WHERE artist_id = :artist)) - 7 AND day_no <= :day AND artist IN (SELECT source_id FROM artist_of WHERE artist_id = :artist)"
---*/
WITH latest AS (
  SELECT a.artist_id AS artist_id, MAX(f.day_no) AS day_no
  FROM fact_audience_day f
  JOIN artist_of a ON a.source_id = f.artist
  WHERE f.day_no <= :day
  GROUP BY a.artist_id
)
SELECT l.artist_id AS artist, SUM(f.streams_native) AS num, 1 AS den
FROM latest l
JOIN artist_of a ON a.artist_id = l.artist_id
JOIN fact_audience_day f ON f.artist = a.source_id AND f.day_no <= l.day_no AND f.day_no > l.day_no - 7
GROUP BY l.artist_id
ORDER BY l.artist_id;
