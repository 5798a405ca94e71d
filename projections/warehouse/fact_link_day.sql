/*---
fact: fact_link_day
title: A day of a link page; link all is the whole page
columns:
  day_no: key day
  platform: key source:platform
  artist: key source:artist
  link: key source:link
  views: measure count
  unique_views: measure count
  clicks: measure count
  unique_clicks: measure count
  partial: flag
indexes:
  - [artist, day_no]
---*/

-- from: linktree/analytics
SELECT
  date AS day_no,
  'Linktree' AS platform,
  account AS artist,
  'all' AS link,
  total_views AS views,
  unique_views,
  total_clicks AS clicks,
  unique_clicks,
  partial
FROM staged;
