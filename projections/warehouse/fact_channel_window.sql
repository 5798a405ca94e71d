/*---
fact: fact_channel_window
title: Counters of a channel since it began, as of a day
columns:
  as_of_day_no: key day
  platform: key source:platform
  artist: key source:artist
  channel: key source:channel
  title: source:channel_title
  published_day_no: day
  views: measure count
  subscribers_total: measure count
  subscribers_hidden: flag
  videos_total: measure count
---*/

-- from: youtube/channel_statistics
SELECT
  as_of AS as_of_day_no,
  'YouTube' AS platform,
  account AS artist,
  channel_id AS channel,
  title,
  published AS published_day_no,
  views,
  subscribers AS subscribers_total,
  subscribers_hidden,
  videos AS videos_total
FROM staged;
