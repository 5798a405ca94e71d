/*---
fact: fact_track_window
title: A track in a rolling window of a streaming platform, as it stood on a day; windows overlap and are never added
columns:
  day_no: key day
  platform: key source:platform
  artist: key source:artist
  time_period: key source:time_period
  track_id: key source:track_id
  song: key source:title
  release_text: key source:release_date
  title: source:title
  track_uri: source:track_uri
  image_url: source:image_url
  release_day_no: day
  streams: measure count
  listeners: measure count
  saves: measure count
  canvas_views: measure count
  disabled: flag
indexes:
  - [artist, day_no]
---*/

-- A track has its id, or, in the downloaded table, its title and release date.

-- from: spotify/songs
SELECT
  as_of AS day_no,
  'Spotify' AS platform,
  account AS artist,
  time_period AS time_period,
  track_id AS track_id,
  '' AS song,
  '' AS release_text,
  COALESCE(track_name, '') AS title,
  COALESCE(track_uri, '') AS track_uri,
  COALESCE(image_url, '') AS image_url,
  release_date AS release_day_no,
  streams,
  listeners,
  savers AS saves,
  canvas_views,
  is_disabled AS disabled
FROM staged;

-- With the filter "all" the table has 0 for listeners and saves and means that it does not say.
-- from: spotify/songs_csv
SELECT
  as_of AS day_no,
  'Spotify' AS platform,
  account AS artist,
  time_period AS time_period,
  '' AS track_id,
  song AS song,
  release_date AS release_text,
  song AS title,
  '' AS track_uri,
  '' AS image_url,
  NULL AS release_day_no,
  streams,
  CASE WHEN listeners = 0 AND (time_period = 'all' OR streams > 0) THEN NULL ELSE listeners END AS listeners,
  CASE WHEN saves = 0 AND COALESCE(listeners, 0) = 0 AND (time_period = 'all' OR streams > 0) THEN NULL ELSE saves END AS saves,
  NULL AS canvas_views,
  NULL AS disabled
FROM staged;
