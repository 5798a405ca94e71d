/*---
fact: fact_post_window
title: Counters of a post or video since it was published, as of a day
columns:
  as_of_day_no: key day
  platform: key source:platform
  artist: key source:artist
  post: key source:post
  title: source:post_title
  form: source:post_form
  posted_day_no: day
  length_seconds: count
  views: measure count
  likes: measure count
  comments: measure count
  shares: measure count
  saves: measure count
  reach: measure count
  interactions: measure count
  average_watch_ms: measure count
indexes:
  - [post, as_of_day_no]
---*/

-- from: youtube/video_statistics
SELECT
  as_of AS as_of_day_no,
  'YouTube' AS platform,
  account AS artist,
  video_id AS post,
  title,
  'VIDEO' AS form,
  published AS posted_day_no,
  length_seconds,
  views,
  likes,
  comments,
  NULL AS shares,
  NULL AS saves,
  NULL AS reach,
  NULL AS interactions,
  NULL AS average_watch_ms
FROM staged;

-- from: instagram/media
SELECT
  as_of AS as_of_day_no,
  'Instagram' AS platform,
  account AS artist,
  media_id AS post,
  caption AS title,
  COALESCE(product, media_type) AS form,
  published AS posted_day_no,
  NULL AS length_seconds,
  views,
  likes,
  comments,
  shares,
  saves,
  reach,
  interactions,
  average_watch_ms
FROM staged;
