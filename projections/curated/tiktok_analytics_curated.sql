/*---
curated: tiktok_analytics_curated
title: TikTok Studio, one line an account and day
file: tiktok_analytics_curated.csv
formats: {date: day, engagement_rate: decimal/4}
---*/
-- Followers is the total of the day: from the daily follower table, else from the overview itself, else as seen on the profile that day.
-- It stays empty where none was observed, and new_followers where the day before has none either: neither is stamped on other days.
WITH counted AS (
  SELECT f.account AS account, f.day_no AS day_no, f.followers_total AS followers, 1 AS place
  FROM fact_follower_day f
  JOIN source_value d ON d.id = f.src
  WHERE d.value = 'tiktok/follower_history' AND f.followers_total IS NOT NULL
  UNION ALL
  SELECT f.account, f.day_no, f.followers_total, 2
  FROM fact_social_day f
  JOIN source_value d ON d.id = f.src
  WHERE d.value = 'tiktok/overview' AND f.followers_total IS NOT NULL
  UNION ALL
  SELECT f.account, f.day_no, f.followers_total, 3
  FROM fact_follower_day f
  JOIN source_value d ON d.id = f.src
  WHERE d.value = 'tiktok/follower_snapshot' AND f.followers_total IS NOT NULL
),
best AS (SELECT account, day_no, MIN(place) AS place FROM counted GROUP BY account, day_no),
total AS (
  SELECT c.account AS account, c.day_no AS day_no, c.followers AS followers
  FROM counted c
  JOIN best b ON b.account = c.account AND b.day_no = c.day_no AND b.place = c.place
)
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
  n.followers AS "Followers",
  n.followers - y.followers AS new_followers
FROM fact_social_day f
JOIN source_value s ON s.id = f.account
JOIN source_value p ON p.id = f.platform
JOIN dim_date d ON d.day_no = f.day_no
LEFT JOIN total n ON n.account = f.account AND n.day_no = f.day_no
LEFT JOIN total y ON y.account = f.account AND y.day_no = f.day_no - 1
WHERE p.value = 'TikTok'
ORDER BY s.value, f.day_no;
