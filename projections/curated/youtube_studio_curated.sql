/*---
curated: youtube_studio_curated
title: YouTube Studio tables, one line a member of what the report was grouped by
file: youtube_studio_curated.csv
formats: {as_of: day, posted: day, watch_hours: nano, average_view_share: nano, impression_clicks_share: nano, revenue: nano}
---*/
SELECT
  f.as_of_day_no AS as_of,
  b.value AS first_day,
  e.value AS last_day,
  d.value AS dimension,
  m.value AS member,
  t.value AS title,
  f.posted_day_no AS posted,
  f.views AS views,
  f.engaged_views AS engaged_views,
  f.unique_viewers AS unique_viewers,
  f.watch_hours_nano AS watch_hours,
  f.average_view_seconds AS average_view_seconds,
  f.average_view_share_nano AS average_view_share,
  f.subscribers_net AS subscribers,
  f.likes AS likes,
  f.comments AS comments,
  f.shares AS shares,
  f.impressions AS impressions,
  f.impression_clicks_share_nano AS impression_clicks_share,
  f.revenue_nano AS revenue,
  u.value AS currency,
  a.value AS account
FROM fact_studio_window f
JOIN source_value b ON b.id = f.first_day
JOIN source_value e ON e.id = f.last_day
JOIN source_value d ON d.id = f.dimension
JOIN source_value m ON m.id = f.member
JOIN source_value a ON a.id = f.account
LEFT JOIN source_value t ON t.id = f.title
LEFT JOIN source_value u ON u.id = f.currency
ORDER BY f.as_of_day_no, b.value, e.value, d.value, m.value, a.value;
