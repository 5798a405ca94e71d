/*---
view: dim_video
title: Videos and posts, with the title that the newest day gives them
grain: [platform_id, video]
columns:
  platform_id: "text; member id"
  video: "text; the platform's id; on TikTok the address"
  artist_id: "text; member id"
  title: "text; empty where none is told"
  posted_day_no: "day; null where no file tells it with its year"
  first_day_no: "day; the first on which it was seen"
  last_day_no: "day; the last on which it was seen"
---*/
-- A line of a table by country or traffic has no title: it is no video.
WITH told AS (
  SELECT p.platform_id AS platform_id, v.value AS video, a.artist_id AS artist_id, COALESCE(t.value, '') AS title,
    f.posted_day_no AS posted_day_no, f.day_no AS day_no
  FROM fact_post_window f
  JOIN platform_of p ON p.source_id = f.platform
  JOIN source_value v ON v.id = f.post
  JOIN artist_of a ON a.source_id = f.artist
  LEFT JOIN source_value t ON t.id = f.title
  UNION ALL
  SELECT 'platform:youtube', v.value, a.artist_id, t.value, f.posted_day_no, f.as_of_day_no
  FROM fact_studio_window f
  JOIN source_value v ON v.id = f.member
  JOIN artist_of a ON a.source_id = f.artist
  JOIN source_value t ON t.id = f.title
  UNION ALL
  SELECT p.platform_id, v.value, a.artist_id, '', NULL, f.day_no
  FROM fact_video_day f
  JOIN source_value s ON s.id = f.slice AND s.value = 'video'
  JOIN platform_of p ON p.source_id = f.platform
  JOIN source_value v ON v.id = f.video
  JOIN artist_of a ON a.source_id = f.artist
), placed AS (
  SELECT t.platform_id AS platform_id, t.video AS video, t.artist_id AS artist_id, t.title AS title, t.posted_day_no AS posted_day_no,
    MIN(t.posted_day_no) OVER (PARTITION BY t.platform_id, t.video) AS any_posted_day_no,
    MIN(t.day_no) OVER (PARTITION BY t.platform_id, t.video) AS first_day_no,
    MAX(t.day_no) OVER (PARTITION BY t.platform_id, t.video) AS last_day_no,
    ROW_NUMBER() OVER (PARTITION BY t.platform_id, t.video ORDER BY CASE WHEN t.title = '' THEN 1 ELSE 0 END, t.day_no DESC, t.title,
      t.posted_day_no NULLS LAST, t.artist_id) AS place
  FROM told t
)
SELECT p.platform_id AS platform_id, p.video AS video, p.artist_id AS artist_id, p.title AS title,
  COALESCE(p.posted_day_no, p.any_posted_day_no) AS posted_day_no, p.first_day_no AS first_day_no, p.last_day_no AS last_day_no
FROM placed p
WHERE p.place = 1;
