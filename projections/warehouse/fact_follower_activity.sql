/*---
fact: fact_follower_activity
title: Followers that were active in an hour of a day
columns:
  day_no: key day
  hour: key count
  platform: key source:platform
  artist: key source:artist
  active_followers: measure count
  partial: flag
indexes:
  - [artist, day_no]
---*/

-- Hours of the day of the download that are still to come stand in the file as 0.
-- from: tiktok/follower_activity
SELECT
  date AS day_no,
  hour AS hour,
  'TikTok' AS platform,
  account AS artist,
  CASE WHEN partial = 1 AND active_followers = 0 THEN NULL ELSE active_followers END AS active_followers,
  partial
FROM staged;
