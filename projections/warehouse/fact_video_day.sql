/*---
fact: fact_video_day
title: A day of a video channel; slice says what a row counts a part of
columns:
  day_no: key day
  platform: key source:platform
  artist: key source:artist
  video: key source:video
  playlist: key source:playlist
  territory: key source:territory
  traffic_source: key source:traffic_source
  device: key source:device
  playback_location: key source:playback_location
  subscribed: key source:subscribed
  content_type: key source:content_type
  sharing_service: key source:sharing_service
  slice: source:video_slice
  views: measure count
  engaged_views: measure count
  watch_seconds: measure count
  likes: measure count
  dislikes: measure count
  comments: measure count
  shares: measure count
  subscribers_gained: measure count
  subscribers_lost: measure count
  playlist_adds: measure count
  playlist_removals: measure count
  impressions: measure count
  revenue_nano: measure nano
  gross_revenue_nano: measure nano
  currency: source:currency
indexes:
  - [artist, day_no]
---*/
-- slice is channel for the whole of it, video for one video, else part: rows of several slices tell the same views again.

-- from: youtube/analytics
SELECT
  day AS day_no,
  'YouTube' AS platform,
  account AS artist,
  video AS video,
  playlist AS playlist,
  country AS territory,
  traffic_source AS traffic_source,
  device AS device,
  playback_location AS playback_location,
  subscribed AS subscribed,
  content_type AS content_type,
  sharing_service AS sharing_service,
  CASE
    WHEN playlist <> 'all' OR country <> 'all' OR traffic_source <> 'all' OR device <> 'all' OR playback_location <> 'all'
      OR subscribed <> 'all' OR content_type <> 'all' OR sharing_service <> 'all' THEN 'part'
    WHEN video <> 'all' THEN 'video'
    ELSE 'channel'
  END AS slice,
  views,
  engaged_views,
  watch_minutes * 60 AS watch_seconds,
  likes,
  dislikes,
  comments,
  shares,
  subscribers_gained,
  subscribers_lost,
  playlist_adds,
  playlist_removals,
  impressions,
  estimated_revenue_usd AS revenue_nano,
  gross_revenue_usd AS gross_revenue_nano,
  'USD' AS currency
FROM staged;
