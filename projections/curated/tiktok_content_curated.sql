/*---
curated: tiktok_content_curated
title: TikTok videos with their totals so far, as seen on a day
file: tiktok_content_curated.csv
formats: {extraction_date: day, average_watch_time: nano}
---*/
SELECT
  s.value AS artist,
  f.day_no AS extraction_date,
  v.value AS video_link,
  t.value AS video_title,
  o.value AS posted,
  f.views AS views,
  f.likes AS likes,
  f.comments AS comments,
  f.shares AS shares,
  f.saves AS favorites,
  f.reach AS reach,
  f.average_watch_nano AS average_watch_time,
  c.observed AS extracted_at,
  c.name AS source_file
FROM fact_post_window f
JOIN source_value v ON v.id = f.post
JOIN source_value t ON t.id = f.title
JOIN source_value o ON o.id = f.posted_text
JOIN source_value s ON s.id = f.account
JOIN source_value d ON d.id = f.src
JOIN capture c ON c.seq = f.set_seq
WHERE d.value = 'tiktok/content'
ORDER BY s.value, f.day_no, f.views DESC NULLS LAST, v.value;
