/*---
fact: fact_playlist_window
title: What a playlist brought in a rolling window, as it stood on a day; windows overlap and are never added
columns:
  day_no: key day
  platform: key source:platform
  artist: key source:artist
  time_period: key source:time_period
  playlist: key source:playlist
  author: key source:playlist_author
  listeners: measure count
  streams: measure count
  added_day_no: day
indexes:
  - [artist, day_no]
---*/

-- from: spotify/playlists
SELECT
  as_of AS day_no,
  'Spotify' AS platform,
  account AS artist,
  time_period AS time_period,
  title AS playlist,
  author AS author,
  listeners,
  streams,
  date_added AS added_day_no
FROM staged;
