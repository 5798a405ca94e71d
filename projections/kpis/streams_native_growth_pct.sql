/*---
kpi: streams_native_growth_pct
title: Growth of Spotify streams by artist, 28 days
domain: streaming
unit: percent
direction: up
decimals: 1
formula: >-
  (streams of the days − streams of the 28 days before) / streams of the 28 days before; a day counts when both it and the day 28
  days before are reported; none when nothing was streamed before
dimensions: [artist]
window: 28 days up to the newest day of the artist with streams, and the 28 days before
completeness: a day is covered when both it and the earlier one are reported
differs: >-
  Spotify's page counts by its own UTC day, shows the newest days some days later and revises them, and rounds large figures.
  Streams that distributors report are another observer of the same plays.
evidence:
  fact: fact_audience_day
  where: "day_no > (SELECT MAX(day_no) FROM fact_audience_day WHERE day_no <= :day AND streams_native IS NOT NULL AND artist IN (SELECT source_id FROM artist_of WHERE artist_id = :artist)) - 56 AND day_no <= :day AND artist IN (SELECT source_id FROM artist_of WHERE artist_id = :artist)"
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
), pairs AS (
  SELECT l.artist_id AS artist_id, SUM(CASE WHEN f.day_no > l.day_no - 28 THEN f.streams_native END) AS later,
    SUM(CASE WHEN f.day_no <= l.day_no - 28 THEN f.streams_native END) AS earlier
  FROM latest l
  JOIN artist_of a ON a.artist_id = l.artist_id
  JOIN fact_audience_day f ON f.artist = a.source_id AND f.day_no <= l.day_no AND f.day_no > l.day_no - 56
  JOIN platform_of p ON p.source_id = f.platform AND p.platform_id = 'platform:spotify'
  WHERE f.streams_native IS NOT NULL
  GROUP BY l.artist_id, CASE WHEN f.day_no > l.day_no - 28 THEN f.day_no ELSE f.day_no + 28 END
  HAVING SUM(CASE WHEN f.day_no > l.day_no - 28 THEN f.streams_native END) IS NOT NULL
    AND SUM(CASE WHEN f.day_no <= l.day_no - 28 THEN f.streams_native END) IS NOT NULL
)
SELECT p.artist_id AS artist, CASE WHEN SUM(p.earlier) > 0 THEN SUM(p.later) - SUM(p.earlier) END AS num,
  CASE WHEN SUM(p.earlier) > 0 THEN SUM(p.earlier) END AS den, COUNT(*) AS covered, 28 AS expected
FROM pairs p
GROUP BY p.artist_id
ORDER BY p.artist_id;
