/*---
curated: spotify_song_metrics_curated
title: Spotify songs by window, one line a track, artist, window and day seen; never added over windows or days
file: spotify_song_metrics_curated.csv
formats: {extraction_date: day}
---*/
-- extracted_at and source_file name the capture that first showed the values of the line; there is no processing time.
SELECT
  t.value AS track_id,
  s.value AS artist_id,
  a.name AS artist_name,
  w.value AS time_period,
  f.day_no AS extraction_date,
  f.streams AS streams,
  f.listeners AS listeners,
  f.saves AS savers,
  f.canvas_views AS canvas_views,
  c.observed AS extracted_at,
  c.name AS source_file
FROM fact_track_window f
JOIN source_value t ON t.id = f.track_id
JOIN source_value w ON w.id = f.time_period
JOIN source_value s ON s.id = f.account
JOIN source_value d ON d.id = f.src
JOIN artist_of a ON a.source_id = f.artist
JOIN capture c ON c.seq = f.set_seq
WHERE d.value = 'spotify/songs'
ORDER BY a.name, f.day_no, w.value, f.streams DESC NULLS LAST, t.value, s.value;
