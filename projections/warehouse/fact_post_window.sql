/*---
fact: fact_post_window
title: A post or video with its totals so far, as they stood on a day; totals of different days are never added
columns:
  day_no: key day
  platform: key source:platform
  artist: key source:artist
  post: key source:post
  title: source:post_title
  posted_text: source:posted
  posted_day_no: day
  views: measure count
  likes: measure count
  comments: measure count
  shares: measure count
  saves: measure count
  reach: measure count
  average_watch_nano: measure nano
indexes:
  - [artist, day_no]
---*/

-- posted_text is the day as the export writes it, often without a year; it is never turned into a day by a guess.
-- from: tiktok/content
SELECT
  as_of AS day_no,
  'TikTok' AS platform,
  account AS artist,
  video_link AS post,
  COALESCE(video_title, '') AS title,
  COALESCE(posted, '') AS posted_text,
  NULL AS posted_day_no,
  views,
  likes,
  comments,
  shares,
  favorites AS saves,
  reach,
  average_watch_time AS average_watch_nano
FROM staged;

-- from: youtube/video_statistics
SELECT
  as_of AS day_no,
  'YouTube' AS platform,
  account AS artist,
  video_id AS post,
  COALESCE(title, '') AS title,
  '' AS posted_text,
  published AS posted_day_no,
  views,
  likes,
  comments,
  NULL AS shares,
  NULL AS saves,
  NULL AS reach,
  NULL AS average_watch_nano
FROM staged;

-- from: instagram/media
SELECT
  as_of AS day_no,
  'Instagram' AS platform,
  account AS artist,
  media_id AS post,
  COALESCE(caption, '') AS title,
  '' AS posted_text,
  published AS posted_day_no,
  views,
  likes,
  comments,
  shares,
  saves,
  reach,
  average_watch_ms * 1000000 AS average_watch_nano
FROM staged;
