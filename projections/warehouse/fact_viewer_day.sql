/*---
fact: fact_viewer_day
title: Distinct viewers of an account on a day
columns:
  day_no: key day
  platform: key source:platform
  artist: key source:artist
  viewers_total: measure count
  viewers_new: measure count
  viewers_returning: measure count
  partial: flag
indexes:
  - [artist, day_no]
---*/

-- A day without a total has a 0 for the other two that is no figure.
-- from: tiktok/viewers
SELECT
  date AS day_no,
  'TikTok' AS platform,
  account AS artist,
  total_viewers AS viewers_total,
  CASE WHEN total_viewers IS NULL AND new_viewers = 0 THEN NULL ELSE new_viewers END AS viewers_new,
  CASE WHEN total_viewers IS NULL AND returning_viewers = 0 THEN NULL ELSE returning_viewers END AS viewers_returning,
  partial
FROM staged;
