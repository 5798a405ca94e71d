/*---
kpi: video_impression_ctr
title: Thumbnail click rate, newest report
domain: video
unit: percent
direction: up
decimals: 2
formula: clicks on the thumbnail / times it was shown, as YouTube Studio states it for each video in its newest table by video
dimensions: [artist, video]
window: the range of the newest exported table by video
completeness: the table states the rate; without a new export the value stays
differs: >-
  The rate is copied, not computed: it is that of the exported range, to two digits. YouTube's page shows another range, and counts only
  thumbnails
  shown on YouTube for more than a second.
evidence:
  fact: fact_studio_window
  where: >-
    as_of_day_no = (SELECT MAX(as_of_day_no) FROM fact_studio_window WHERE as_of_day_no <= :day AND title IS NOT NULL AND
    impression_clicks_share_nano IS NOT NULL AND artist IN (SELECT source_id FROM artist_of WHERE artist_id = :artist)) AND artist IN
    (SELECT source_id FROM artist_of WHERE artist_id = :artist) AND member IN (SELECT id FROM source_value WHERE kind =
    'studio_member' AND value = :video)
---*/
-- A line with a title is a video, in whatever language the table calls its first column.
WITH told AS (
  SELECT a.artist_id AS artist_id, m.value AS video, f.as_of_day_no AS day_no,
    CASE WHEN e.value = 'unknown' THEN '' ELSE e.value END AS last_day,
    CASE WHEN b.value = 'unknown' THEN '' ELSE b.value END AS first_day, f.impression_clicks_share_nano AS share_nano
  FROM fact_studio_window f
  JOIN source_value m ON m.id = f.member
  JOIN source_value e ON e.id = f.last_day
  JOIN source_value b ON b.id = f.first_day
  JOIN artist_of a ON a.source_id = f.artist
  WHERE f.as_of_day_no <= :day AND f.title IS NOT NULL AND f.impression_clicks_share_nano IS NOT NULL
), ranked AS (
  SELECT t.artist_id AS artist_id, t.video AS video, t.share_nano AS share_nano,
    RANK() OVER (PARTITION BY t.artist_id ORDER BY t.day_no DESC, t.last_day DESC, t.first_day DESC) AS place
  FROM told t
)
SELECT r.artist_id AS artist, r.video AS video, MAX(r.share_nano) AS num, 1000000000 AS den
FROM ranked r
WHERE r.place = 1
GROUP BY r.artist_id, r.video
ORDER BY r.artist_id, r.video;
