/*---
curated: linktree_analytics
title: Linktree, one line an account and day
file: linktree_analytics.csv
formats: {date: day, clickThroughRate: decimal/4}
---*/
-- clickThroughRate is clicks by views as a fraction, empty for a day without views.
SELECT
  f.day_no AS date,
  f.views AS totalViews,
  f.unique_views AS uniqueViews,
  f.clicks AS totalClicks,
  f.unique_clicks AS uniqueClicks,
  CASE WHEN f.views > 0 THEN IDIV(f.clicks * 20000 + f.views, 2 * f.views) END AS clickThroughRate,
  a.value AS account
FROM fact_link_day f
JOIN source_value p ON p.id = f.platform
JOIN source_value l ON l.id = f.link
JOIN source_value a ON a.id = f.account
WHERE p.value = 'Linktree' AND l.value = 'all'
ORDER BY f.day_no, a.value;
