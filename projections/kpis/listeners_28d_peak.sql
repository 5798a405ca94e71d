/*---
kpi: listeners_28d_peak
title: Peak of daily Spotify listeners, 28 days
domain: audience
unit: count
direction: up
decimals: 0
formula: largest daily listeners of the 28 days up to the newest day reported
dimensions: [artist]
window: 28 days up to the newest day of the artist with listeners
completeness: a day is covered when the artist's listeners were reported
differs: >-
  Spotify's page counts by its own UTC day, shows the newest days some days later and revises them, and rounds large figures.
  Monthly listeners, which it shows first, count each person once in 28 days and are larger.
evidence:
  fact: fact_audience_day
  where: "day_no > (SELECT MAX(day_no) FROM fact_audience_day WHERE day_no <= :day AND listeners IS NOT NULL AND artist IN (SELECT source_id FROM artist_of WHERE artist_id = :artist)) - 28 AND day_no <= :day AND artist IN (SELECT source_id FROM artist_of WHERE artist_id = :artist)"
---*/
WITH told AS (
  SELECT f.artist AS artist, f.platform AS platform, MAX(f.day_no) AS day_no
  FROM fact_audience_day f
  WHERE f.day_no <= :day AND f.listeners IS NOT NULL
  GROUP BY f.artist, f.platform
), latest AS (
  SELECT a.artist_id AS artist_id, MAX(t.day_no) AS day_no
  FROM told t
  JOIN artist_of a ON a.source_id = t.artist
  JOIN platform_of p ON p.source_id = t.platform AND p.platform_id = 'platform:spotify'
  GROUP BY a.artist_id
)
SELECT l.artist_id AS artist, MAX(f.listeners) AS num, 1 AS den, COUNT(DISTINCT f.day_no) AS covered, 28 AS expected
FROM latest l
JOIN artist_of a ON a.artist_id = l.artist_id
JOIN fact_audience_day f ON f.artist = a.source_id AND f.day_no <= l.day_no AND f.day_no > l.day_no - 28
JOIN platform_of p ON p.source_id = f.platform AND p.platform_id = 'platform:spotify'
WHERE f.listeners IS NOT NULL
GROUP BY l.artist_id
ORDER BY l.artist_id;
