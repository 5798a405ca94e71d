/*---
curated: spotify_tracks_dimension
title: Spotify tracks as last seen, one line a track; a track that is no longer listed stays
file: spotify_tracks_dimension.csv
formats: {release_date: day, first_seen: day, last_updated: day}
---*/
WITH seen AS (
  SELECT
    f.track_id AS track_id,
    f.artist AS artist,
    f.title AS title,
    f.track_uri AS track_uri,
    f.image_url AS image_url,
    f.release_day_no AS release_day_no,
    s.value AS artist_id,
    MIN(f.day_no) OVER (PARTITION BY f.track_id) AS first_day_no,
    f.day_no AS day_no,
    ROW_NUMBER() OVER (PARTITION BY f.track_id ORDER BY f.day_no DESC, s.value, w.value) AS place
  FROM fact_track_window f
  JOIN source_value s ON s.id = f.account
  JOIN source_value w ON w.id = f.time_period
  JOIN source_value d ON d.id = f.src
  WHERE d.value = 'spotify/songs'
)
SELECT
  t.value AS track_id,
  n.value AS track_name,
  u.value AS track_uri,
  e.release_day_no AS release_date,
  i.value AS image_url,
  e.artist_id AS artist_id,
  a.name AS artist_name,
  e.first_day_no AS first_seen,
  e.day_no AS last_updated
FROM seen e
JOIN source_value t ON t.id = e.track_id
JOIN source_value n ON n.id = e.title
JOIN source_value u ON u.id = e.track_uri
JOIN source_value i ON i.id = e.image_url
JOIN artist_of a ON a.source_id = e.artist
WHERE e.place = 1
ORDER BY a.name, n.value, t.value;
