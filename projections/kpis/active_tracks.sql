/*---
kpi: active_tracks
title: Tracks with at least one Spotify stream, 28 days
domain: streaming
unit: count
direction: up
decimals: 0
formula: number of tracks with a stream in Spotify's own window of 28 days, as of the newest day it was downloaded
dimensions: [artist]
window: Spotify's window of 28 days, as of the newest day it was downloaded for the artist
completeness: the platform reports the window whole
differs: Spotify's page lists versions of one title apart; here they are one track.
evidence:
  fact: fact_track_window
  where: "time_period IN (SELECT id FROM source_value WHERE value IN ('28day')) AND day_no = (SELECT MAX(day_no) FROM fact_track_window WHERE day_no <= :day AND streams IS NOT NULL AND time_period IN (SELECT id FROM source_value WHERE value = '28day') AND artist IN (SELECT source_id FROM artist_of WHERE artist_id = :artist)) AND artist IN (SELECT source_id FROM artist_of WHERE artist_id = :artist)"
---*/
WITH latest AS (
  SELECT a.artist_id AS artist_id, MAX(f.day_no) AS day_no
  FROM fact_track_window f
  JOIN source_value w ON w.id = f.time_period AND w.value = '28day'
  JOIN artist_of a ON a.source_id = f.artist
  WHERE f.day_no <= :day AND f.streams IS NOT NULL
  GROUP BY a.artist_id
)
SELECT l.artist_id AS artist, COUNT(DISTINCT CASE WHEN f.streams > 0 THEN t.track_id END) AS num, 1 AS den
FROM latest l
JOIN artist_of a ON a.artist_id = l.artist_id
JOIN fact_track_window f ON f.artist = a.source_id AND f.day_no = l.day_no
JOIN source_value w ON w.id = f.time_period AND w.value = '28day'
JOIN track_of t ON t.source_id = f.title
WHERE f.streams IS NOT NULL
GROUP BY l.artist_id
ORDER BY l.artist_id;
