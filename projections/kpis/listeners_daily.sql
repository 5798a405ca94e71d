/*---
kpi: listeners_daily
title: Spotify listeners on the newest day
domain: audience
unit: count
direction: up
decimals: 0
formula: listeners of the newest day that Spotify for Artists reported
dimensions: [artist]
window: the newest day of the artist with listeners
differs: >-
  Spotify's page counts by its own UTC day, shows the newest days some days later and revises them, and rounds large figures. Its
  large figure, monthly listeners, counts each person once in 28 days.
evidence:
  fact: fact_audience_day
  where: "day_no > (SELECT MAX(day_no) FROM fact_audience_day WHERE day_no <= :day AND listeners IS NOT NULL AND artist IN (SELECT source_id FROM artist_of WHERE artist_id = :artist)) - 1 AND day_no <= :day AND artist IN (SELECT source_id FROM artist_of WHERE artist_id = :artist)"
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
SELECT l.artist_id AS artist, MAX(f.listeners) AS num, 1 AS den
FROM latest l
JOIN artist_of a ON a.artist_id = l.artist_id
JOIN fact_audience_day f ON f.artist = a.source_id AND f.day_no = l.day_no
JOIN platform_of p ON p.source_id = f.platform AND p.platform_id = 'platform:spotify'
GROUP BY l.artist_id
ORDER BY l.artist_id;
