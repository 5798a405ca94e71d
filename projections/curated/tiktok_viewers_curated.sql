/*---
curated: tiktok_viewers_curated
title: TikTok viewers by day, one line an account and day; distinct people, never added over days
file: tiktok_viewers_curated.csv
formats: {date: day}
---*/
SELECT
  s.value AS artist,
  f.day_no AS date,
  f.viewers_total AS total_viewers,
  f.viewers_new AS new_viewers,
  f.viewers_returning AS returning_viewers,
  f.partial AS partial,
  c.observed AS extracted_at,
  c.name AS source_file
FROM fact_viewer_day f
JOIN source_value s ON s.id = f.account
JOIN source_value d ON d.id = f.src
JOIN capture c ON c.seq = f.set_seq
WHERE d.value = 'tiktok/viewers'
ORDER BY s.value, f.day_no;
