/*---
curated: tiktok_follower_activity_curated
title: TikTok followers active by hour, one line an account, day and hour
file: tiktok_follower_activity_curated.csv
formats: {date: day}
---*/
SELECT
  s.value AS artist,
  f.day_no AS date,
  f.hour AS hour,
  f.active_followers AS active_followers,
  f.partial AS partial,
  c.observed AS extracted_at,
  c.name AS source_file
FROM fact_follower_activity f
JOIN source_value s ON s.id = f.account
JOIN source_value d ON d.id = f.src
JOIN capture c ON c.seq = f.set_seq
WHERE d.value = 'tiktok/follower_activity'
ORDER BY s.value, f.day_no, f.hour;
