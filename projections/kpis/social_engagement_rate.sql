/*---
kpi: social_engagement_rate
title: TikTok engagement rate, 28 days
unit: percent
direction: up
decimals: 2
formula: sum of likes, comments and shares / sum of video views over the last 28 days reported (a ratio of sums)
dimensions: [artist]
evidence:
  fact: fact_social_day
  where: "day_no > (SELECT MAX(day_no) FROM fact_social_day WHERE day_no <= :day AND artist IN (SELECT source_id FROM artist_of WHERE artist_id = :artist)) - 28 AND day_no <= :day AND artist IN (SELECT source_id FROM artist_of WHERE artist_id = :artist)"
---*/
WITH latest AS (
  SELECT a.artist_id AS artist_id, MAX(f.day_no) AS day_no
  FROM fact_social_day f
  JOIN artist_of a ON a.source_id = f.artist
  WHERE f.day_no <= :day
  GROUP BY a.artist_id
)
SELECT l.artist_id AS artist, SUM(f.likes + f.comments + f.shares) AS num, SUM(f.video_views) AS den
FROM latest l
JOIN artist_of a ON a.artist_id = l.artist_id
JOIN fact_social_day f ON f.artist = a.source_id AND f.day_no <= l.day_no AND f.day_no > l.day_no - 28
GROUP BY l.artist_id
ORDER BY l.artist_id;
