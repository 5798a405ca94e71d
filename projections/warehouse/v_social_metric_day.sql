/*---
view: v_social_metric_day
title: What a social platform's named metrics say of a day of an account; of several rows of one measure, that of authority 1 counts
grain: []
columns:
  day_no: "day"
  platform_id: "text; member id"
  artist_id: "text; member id"
  measure: "text; video_views, profile_views, engagements, shares, followers_gained or followers_lost, as ref_social_metric maps the platform's metric"
  authority: "count; 1 is the platform's interface, 2 an export by hand"
  value: "count"
---*/
-- Only series of days: a total covers whatever range was asked for. No GROUP BY, so that a window of days reads a window of days.
SELECT f.day_no AS day_no, p.platform_id AS platform_id, a.artist_id AS artist_id, m.measure AS measure, m.authority AS authority,
  f.value AS value
FROM fact_metric_day f
JOIN source_value n ON n.id = f.metric
JOIN ref_social_metric m ON m.metric = n.value
JOIN source_value d ON d.id = f.period AND d.value = 'day'
JOIN source_value s ON s.id = f.form AND s.value = 'series'
JOIN source_value w ON w.id = f.member AND w.value = 'all'
JOIN platform_of p ON p.source_id = f.platform
JOIN artist_of a ON a.source_id = f.artist
WHERE f.value IS NOT NULL;
