/*---
fact: fact_follower_day
title: Followers of an account on a day; a total that can fall, and the change the platform states
columns:
  day_no: key day
  platform: key source:platform
  artist: key source:artist
  followers_total: measure count
  followers_change: measure count
  partial: flag
indexes:
  - [artist, day_no]
---*/

-- from: tiktok/follower_history
SELECT
  date AS day_no,
  'TikTok' AS platform,
  account AS artist,
  followers AS followers_total,
  change AS followers_change,
  partial
FROM staged;

-- from: tiktok/follower_snapshot
SELECT
  date AS day_no,
  'TikTok' AS platform,
  account AS artist,
  followers AS followers_total,
  NULL AS followers_change,
  NULL AS partial
FROM staged;
