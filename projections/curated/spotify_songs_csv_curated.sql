/*---
curated: spotify_songs_csv_curated
title: Spotify songs by window from downloaded tables, which have no track ids; never added over windows or days
file: spotify_songs_csv_curated.csv
formats: {extraction_date: day}
---*/
SELECT
  t.value AS song,
  r.value AS release_date,
  s.value AS artist_id,
  a.name AS artist_name,
  w.value AS time_period,
  f.day_no AS extraction_date,
  f.streams AS streams,
  f.listeners AS listeners,
  f.saves AS savers,
  c.observed AS extracted_at,
  c.name AS source_file
FROM fact_track_window f
JOIN source_value t ON t.id = f.song
JOIN source_value r ON r.id = f.release_text
JOIN source_value w ON w.id = f.time_period
JOIN source_value s ON s.id = f.account
JOIN source_value d ON d.id = f.src
JOIN artist_of a ON a.source_id = f.artist
JOIN capture c ON c.seq = f.set_seq
WHERE d.value = 'spotify/songs_csv'
ORDER BY a.name, f.day_no, w.value, f.streams DESC NULLS LAST, t.value, r.value, s.value;
