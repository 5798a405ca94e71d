/*---
curated: youtube_channel_curated
title: YouTube channel counters, one line a day they were asked for
file: youtube_channel_curated.csv
formats: {as_of: day, published: day}
---*/
SELECT
  f.as_of_day_no AS as_of,
  c.value AS channel_id,
  t.value AS title,
  f.published_day_no AS published,
  f.views AS views,
  f.subscribers_total AS subscribers,
  f.videos_total AS videos,
  a.value AS account
FROM fact_channel_window f
JOIN source_value c ON c.id = f.channel
JOIN source_value a ON a.id = f.account
LEFT JOIN source_value t ON t.id = f.title
ORDER BY f.as_of_day_no, c.value, a.value;
