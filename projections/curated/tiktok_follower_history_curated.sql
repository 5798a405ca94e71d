/*---
curated: tiktok_follower_history_curated
title: TikTok followers by day, one line an account and day
file: tiktok_follower_history_curated.csv
formats: {date: day}
---*/
SELECT
  s.value AS artist,
  f.day_no AS date,
  f.followers_total AS followers,
  f.followers_change AS change,
  f.partial AS partial,
  c.observed AS extracted_at,
  c.name AS source_file
FROM fact_follower_day f
JOIN source_value s ON s.id = f.account
JOIN source_value d ON d.id = f.src
JOIN capture c ON c.seq = f.set_seq
WHERE d.value = 'tiktok/follower_history'
ORDER BY s.value, f.day_no;
