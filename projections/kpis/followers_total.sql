/*---
kpi: followers_total
title: Spotify followers
domain: audience
unit: count
direction: up
decimals: 0
formula: followers of the newest day that Spotify for Artists reported
dimensions: [artist]
window: the newest day of the artist with followers
differs: >-
  Spotify's page shows the followers of this moment; the downloaded file ends a day or two before, and a day's figure is that of its
  end in UTC.
evidence:
  fact: fact_audience_day
  where: "day_no > (SELECT MAX(day_no) FROM fact_audience_day WHERE day_no <= :day AND followers_total IS NOT NULL AND artist IN (SELECT source_id FROM artist_of WHERE artist_id = :artist)) - 1 AND day_no <= :day AND artist IN (SELECT source_id FROM artist_of WHERE artist_id = :artist)"
---*/
WITH told AS (
  SELECT f.artist AS artist, f.platform AS platform, MAX(f.day_no) AS day_no
  FROM fact_audience_day f
  WHERE f.day_no <= :day AND f.followers_total IS NOT NULL
  GROUP BY f.artist, f.platform
), latest AS (
  SELECT a.artist_id AS artist_id, MAX(t.day_no) AS day_no
  FROM told t
  JOIN artist_of a ON a.source_id = t.artist
  JOIN platform_of p ON p.source_id = t.platform AND p.platform_id = 'platform:spotify'
  GROUP BY a.artist_id
)
SELECT l.artist_id AS artist, MAX(f.followers_total) AS num, 1 AS den
FROM latest l
JOIN artist_of a ON a.artist_id = l.artist_id
JOIN fact_audience_day f ON f.artist = a.source_id AND f.day_no = l.day_no
JOIN platform_of p ON p.source_id = f.platform AND p.platform_id = 'platform:spotify'
GROUP BY l.artist_id
ORDER BY l.artist_id;
