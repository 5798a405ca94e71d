/*---
fact: fact_social_day
title: A day of an account on a social platform; net changes, so any measure can be negative
columns:
  day_no: key day
  platform: key source:platform
  artist: key source:artist
  video_views: measure count
  profile_views: measure count
  likes: measure count
  comments: measure count
  shares: measure count
  followers_total: measure count
  partial: flag
indexes:
  - [artist, day_no]
---*/

-- from: tiktok/overview
SELECT
  date AS day_no,
  'TikTok' AS platform,
  account AS artist,
  video_views,
  profile_views,
  likes,
  comments,
  shares,
  followers AS followers_total,
  partial
FROM staged;
