/*---
kpi: followers_total
title: Spotify followers
unit: count
direction: up
decimals: 0
formula: followers on the last day reported up to the day asked for
dimensions: [artist]
evidence:
  fact: fact_audience_day
  where: "day_no > (SELECT MAX(day_no) FROM fact_audience_day WHERE day_no <= :day AND artist IN (SELECT source_id FROM artist_of WHERE artist_id = :artist)) - 1 AND day_no <= :day AND artist IN (SELECT source_id FROM artist_of WHERE artist_id = :artist)"
---*/
WITH latest AS (
  SELECT a.artist_id AS artist_id, MAX(f.day_no) AS day_no
  FROM fact_audience_day f
  JOIN artist_of a ON a.source_id = f.artist
  WHERE f.day_no <= :day AND f.followers_total IS NOT NULL
  GROUP BY a.artist_id
)
SELECT l.artist_id AS artist, MAX(f.followers_total) AS num, 1 AS den
FROM latest l
JOIN artist_of a ON a.artist_id = l.artist_id
JOIN fact_audience_day f ON f.artist = a.source_id AND f.day_no = l.day_no
GROUP BY l.artist_id
ORDER BY l.artist_id;
