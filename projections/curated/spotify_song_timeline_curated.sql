/*---
curated: spotify_song_timeline_curated
title: Spotify streams of single songs by day
file: spotify_song_timeline_curated.csv
formats: {date: day}
---*/
SELECT
  f.day_no AS date,
  t.value AS song,
  f.streams AS streams,
  f.listeners AS listeners,
  f.playlist_adds AS playlist_adds,
  f.saves AS saves,
  s.value AS artist_id,
  a.name AS artist_name,
  c.observed AS extracted_at,
  c.name AS source_file
FROM fact_track_day f
JOIN source_value t ON t.id = f.song
JOIN source_value s ON s.id = f.account
JOIN source_value d ON d.id = f.src
JOIN artist_of a ON a.source_id = f.artist
JOIN capture c ON c.seq = f.set_seq
WHERE d.value = 'spotify/song_timeline'
ORDER BY a.name, t.value, f.day_no, s.value;
