/*---
kpi: video_avg_view_duration
title: Average view duration, 28 days
domain: video
unit: seconds
direction: up
decimals: 0
formula: sum of watch time / sum of views over 28 days, in seconds; video all is the whole channel
dimensions: [artist, video]
window: the 28 days up to the newest day that the answers tell; a channel that told nothing for 56 days, while others did, is left out
completeness: all 28 days are told for the channel, or for any of its videos
differs: >-
  YouTube divides seconds it does not tell; watch time comes as whole minutes a day, so a video with few views can be off by seconds.
evidence:
  fact: fact_video_day
  where: >-
    artist IN (SELECT source_id FROM artist_of WHERE artist_id = :artist) AND slice IN (SELECT id FROM source_value WHERE kind =
    'video_slice' AND value = CASE WHEN :video = 'all' THEN 'channel' ELSE 'video' END) AND watch_seconds IS NOT NULL AND views IS NOT
    NULL AND video IN (SELECT id FROM source_value WHERE kind = 'video' AND value = :video) AND day_no <= :day AND day_no > (SELECT
    MAX(day_no) FROM fact_video_day WHERE day_no <= :day AND artist IN (SELECT source_id FROM artist_of WHERE artist_id = :artist) AND
    slice IN (SELECT id FROM source_value WHERE kind = 'video_slice' AND value = CASE WHEN :video = 'all' THEN 'channel' ELSE 'video'
    END) AND watch_seconds IS NOT NULL AND views IS NOT NULL) - 28
---*/
WITH last AS (
  SELECT MAX(f.day_no) AS day_no
  FROM fact_video_day f
  WHERE f.day_no <= :day
), told AS (
  SELECT a.artist_id AS artist_id, s.value AS slice, v.value AS video, f.day_no AS day_no,
    f.watch_seconds AS watch_seconds, f.views AS views,
    CASE WHEN f.day_no > l.day_no - 56 THEN 1 ELSE 0 END AS is_recent
  FROM last l
  JOIN fact_video_day f ON f.day_no <= l.day_no AND f.day_no > l.day_no - 84
  JOIN source_value s ON s.id = f.slice AND s.value <> 'part'
  JOIN source_value v ON v.id = f.video
  JOIN artist_of a ON a.source_id = f.artist
  WHERE f.watch_seconds IS NOT NULL AND f.views IS NOT NULL
), newest AS (
  SELECT t.artist_id AS artist_id, t.slice AS slice, MAX(t.day_no) AS day_no
  FROM told t
  WHERE t.is_recent = 1
  GROUP BY t.artist_id, t.slice
), cover AS (
  SELECT n.artist_id AS artist_id, n.slice AS slice, n.day_no AS day_no, COUNT(DISTINCT t.day_no) AS covered
  FROM newest n
  JOIN told t ON t.artist_id = n.artist_id AND t.slice = n.slice AND t.day_no > n.day_no - 28
  GROUP BY n.artist_id, n.slice, n.day_no
)
SELECT t.artist_id AS artist, t.video AS video, CASE WHEN SUM(t.views) > 0 THEN SUM(t.watch_seconds) END AS num,
  CASE WHEN SUM(t.views) > 0 THEN SUM(t.views) END AS den,
  MAX(c.covered) AS covered, 28 AS expected
FROM cover c
JOIN told t ON t.artist_id = c.artist_id AND t.slice = c.slice AND t.day_no > c.day_no - 28
GROUP BY t.artist_id, t.video
ORDER BY t.artist_id, t.video;
