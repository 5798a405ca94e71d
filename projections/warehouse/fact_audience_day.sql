/*---
fact: fact_audience_day
title: A day of an artist on a streaming platform, as the platform tells the artist
columns:
  day_no: key day
  platform: key source:platform
  artist: key source:artist
  listeners: measure count
  streams_native: measure count
  followers_total: measure count
  monthly_listeners: measure count
  monthly_active_listeners: measure count
  super_listeners: measure count
  playlist_adds: measure count
  saves: measure count
indexes:
  - [artist, day_no]
---*/

-- from: spotify/audience
SELECT
  date AS day_no,
  'Spotify' AS platform,
  account AS artist,
  listeners,
  streams AS streams_native,
  followers AS followers_total,
  monthly_listeners,
  monthly_active_listeners,
  super_listeners,
  playlist_adds,
  saves
FROM staged;
