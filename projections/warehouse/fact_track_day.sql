/*---
fact: fact_track_day
title: A day of one song on a streaming platform, as the platform tells the artist
columns:
  day_no: key day
  platform: key source:platform
  artist: key source:artist
  song: key source:title
  streams: measure count
  listeners: measure count
  playlist_adds: measure count
  saves: measure count
indexes:
  - [artist, day_no]
---*/

-- from: spotify/song_timeline
SELECT
  date AS day_no,
  'Spotify' AS platform,
  account AS artist,
  song AS song,
  streams,
  listeners,
  playlist_adds,
  saves
FROM staged;
