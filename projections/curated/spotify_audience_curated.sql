/*---
curated: spotify_audience_curated
title: Spotify for Artists, one line an artist and day
file: spotify_audience_curated.csv
formats: {date: day}
---*/
-- extracted_at and source_file name the capture that first showed the values of the line; there is no processing time, which would differ on each replay.
SELECT
  f.day_no AS date,
  f.listeners AS listeners,
  f.streams_native AS streams,
  f.followers_total AS followers,
  s.value AS artist_id,
  a.name AS artist_name,
  c.observed AS extracted_at,
  c.name AS source_file,
  'spotify_audience' AS data_source,
  f.monthly_listeners AS monthly_listeners,
  f.monthly_active_listeners AS monthly_active_listeners,
  f.super_listeners AS super_listeners,
  f.playlist_adds AS playlist_adds,
  f.saves AS saves
FROM fact_audience_day f
JOIN source_value s ON s.id = f.account
JOIN source_value p ON p.id = f.platform
JOIN artist_of a ON a.source_id = f.artist
JOIN capture c ON c.seq = f.set_seq
WHERE p.value = 'Spotify'
ORDER BY a.name, f.day_no, s.value;
