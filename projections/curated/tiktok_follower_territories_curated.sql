/*---
curated: tiktok_follower_territories_curated
title: TikTok followers by country, as seen on a day; shares of one
file: tiktok_follower_territories_curated.csv
formats: {extraction_date: day, share: nano}
---*/
SELECT
  s.value AS artist,
  f.day_no AS extraction_date,
  m.value AS territory,
  f.share_nano AS share,
  c.observed AS extracted_at,
  c.name AS source_file
FROM fact_audience_share f
JOIN source_value m ON m.id = f.member
JOIN source_value s ON s.id = f.account
JOIN source_value d ON d.id = f.src
JOIN capture c ON c.seq = f.set_seq
WHERE d.value = 'tiktok/follower_territories'
ORDER BY s.value, f.day_no, f.share_nano DESC NULLS LAST, m.value;
