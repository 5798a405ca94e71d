/*---
curated: social_posts_curated
title: Posts and videos, one line a post and day it was asked for
file: social_posts_curated.csv
formats: {as_of: day, posted: day, average_watch_seconds: nano}
---*/
SELECT
  f.day_no AS as_of,
  p.value AS platform,
  a.value AS account,
  o.value AS post,
  t.value AS title,
  f.posted_day_no AS posted,
  w.value AS posted_text,
  f.views AS views,
  f.likes AS likes,
  f.comments AS comments,
  f.shares AS shares,
  f.saves AS saves,
  f.reach AS reach,
  f.average_watch_nano AS average_watch_seconds
FROM fact_post_window f
JOIN source_value p ON p.id = f.platform
JOIN source_value o ON o.id = f.post
JOIN source_value a ON a.id = f.account
LEFT JOIN source_value t ON t.id = f.title
LEFT JOIN source_value w ON w.id = f.posted_text
ORDER BY f.day_no, p.value, a.value, o.value;
