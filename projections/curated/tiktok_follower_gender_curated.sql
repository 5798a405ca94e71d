/*---
curated: tiktok_follower_gender_curated
title: TikTok followers by gender, as seen on a day; shares of one
file: tiktok_follower_gender_curated.csv
formats: {extraction_date: day, share: nano}
---*/
SELECT
  s.value AS artist,
  f.day_no AS extraction_date,
  m.value AS gender,
  g.value AS gender_code,
  f.share_nano AS share,
  c.observed AS extracted_at,
  c.name AS source_file
FROM fact_audience_share f
JOIN source_value m ON m.id = f.member
JOIN source_value g ON g.id = f.member_code
JOIN source_value s ON s.id = f.account
JOIN source_value d ON d.id = f.src
JOIN capture c ON c.seq = f.set_seq
WHERE d.value = 'tiktok/follower_gender'
ORDER BY s.value, f.day_no, f.share_nano DESC NULLS LAST, m.value;
