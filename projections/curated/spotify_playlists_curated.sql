/*---
curated: spotify_playlists_curated
title: Spotify playlists by window, as seen on a day; never added over windows or days
file: spotify_playlists_curated.csv
formats: {extraction_date: day, date_added: day}
---*/
SELECT
  t.value AS title,
  u.value AS author,
  s.value AS artist_id,
  a.name AS artist_name,
  w.value AS time_period,
  f.day_no AS extraction_date,
  f.listeners AS listeners,
  f.streams AS streams,
  f.added_day_no AS date_added,
  c.observed AS extracted_at,
  c.name AS source_file
FROM fact_playlist_window f
JOIN source_value t ON t.id = f.playlist
JOIN source_value u ON u.id = f.author
JOIN source_value w ON w.id = f.time_period
JOIN source_value s ON s.id = f.account
JOIN source_value d ON d.id = f.src
JOIN artist_of a ON a.source_id = f.artist
JOIN capture c ON c.seq = f.set_seq
WHERE d.value = 'spotify/playlists'
ORDER BY a.name, f.day_no, w.value, f.streams DESC NULLS LAST, t.value, u.value, s.value;
