/*---
kpi: streams_native_7d
title: Spotify streams by artist, 7 days
domain: streaming
unit: count
direction: up
decimals: 0
formula: sum of the daily streams that Spotify for Artists shows the artist, over the 7 days up to the newest day it reported
dimensions: [artist]
window: 7 days up to the newest day of the artist with streams
completeness: a day is covered when the artist's streams were reported
differs: >-
  Spotify's page counts by its own UTC day, shows the newest days some days later and revises them, and rounds large figures.
  Streams that distributors report are another observer of the same plays.
evidence:
  fact: fact_audience_day
  where: "day_no > (SELECT MAX(day_no) FROM fact_audience_day WHERE day_no <= :day AND streams_native IS NOT NULL AND artist IN (SELECT source_id FROM artist_of WHERE artist_id = :artist)) - 7 AND day_no <= :day AND artist IN (SELECT source_id FROM artist_of WHERE artist_id = :artist)"
---*/
WITH told AS (
  SELECT f.artist AS artist, f.platform AS platform, MAX(f.day_no) AS day_no
  FROM fact_audience_day f
  WHERE f.day_no <= :day AND f.streams_native IS NOT NULL
  GROUP BY f.artist, f.platform
), latest AS (
  SELECT a.artist_id AS artist_id, MAX(t.day_no) AS day_no
  FROM told t
  JOIN artist_of a ON a.source_id = t.artist
  JOIN platform_of p ON p.source_id = t.platform AND p.platform_id = 'platform:spotify'
  GROUP BY a.artist_id
)
SELECT l.artist_id AS artist, SUM(f.streams_native) AS num, 1 AS den, COUNT(DISTINCT f.day_no) AS covered, 7 AS expected
FROM latest l
JOIN artist_of a ON a.artist_id = l.artist_id
JOIN fact_audience_day f ON f.artist = a.source_id AND f.day_no <= l.day_no AND f.day_no > l.day_no - 7
JOIN platform_of p ON p.source_id = f.platform AND p.platform_id = 'platform:spotify'
WHERE f.streams_native IS NOT NULL
GROUP BY l.artist_id
ORDER BY l.artist_id;
