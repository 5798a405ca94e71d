/*---
curated: tiktok_analytics_curated
title: TikTok Studio, one line an account and day
file: tiktok_analytics_curated.csv
formats: {date: day, engagement_rate: decimal/4}
---*/
-- Followers and new_followers stay empty where no follower count was observed for the day: they are never stamped on other days.
SELECT
  s.value AS artist,
  s.value AS zone,
  f.day_no AS date,
  f.video_views AS "Video Views",
  f.profile_views AS "Profile Views",
  f.likes AS "Likes",
  f.comments AS "Comments",
  f.shares AS "Shares",
  d.year AS "Year",
  CASE WHEN f.video_views > 0 THEN IDIV((f.likes + f.comments + f.shares) * 20000 + f.video_views, 2 * f.video_views) END AS engagement_rate,
  f.followers_total AS "Followers",
  NULL AS new_followers
FROM fact_social_day f
JOIN source_value s ON s.id = f.account
JOIN source_value p ON p.id = f.platform
JOIN dim_date d ON d.day_no = f.day_no
WHERE p.value = 'TikTok'
ORDER BY s.value, f.day_no;
