/*---
kpi: canvas_view_rate
title: Canvas views per Spotify stream by track, 28 days
domain: audience
unit: percent
direction: up
decimals: 1
formula: views of the track's Canvas / its streams, both of Spotify's own window of 28 days as of the newest day with both
dimensions: [artist, track]
window: Spotify's window of 28 days, as of the newest day it was downloaded for the artist
completeness: the platform reports the window whole
differs: >-
  Spotify's page shows the window as of this moment, this figure as of the day of the download. Two songs of one title count as one
  row with the larger figure.
evidence:
  fact: fact_track_window
  where: "time_period IN (SELECT id FROM source_value WHERE value IN ('28day')) AND day_no = (SELECT MAX(day_no) FROM fact_track_window WHERE day_no <= :day AND canvas_views IS NOT NULL AND streams IS NOT NULL AND time_period IN (SELECT id FROM source_value WHERE value = '28day') AND artist IN (SELECT source_id FROM artist_of WHERE artist_id = :artist)) AND artist IN (SELECT source_id FROM artist_of WHERE artist_id = :artist) AND title IN (SELECT source_id FROM track_of WHERE track_id = :track)"
---*/
WITH latest AS (
  SELECT a.artist_id AS artist_id, MAX(f.day_no) AS day_no
  FROM fact_track_window f
  JOIN source_value w ON w.id = f.time_period AND w.value = '28day'
  JOIN artist_of a ON a.source_id = f.artist
  WHERE f.day_no <= :day AND f.canvas_views IS NOT NULL AND f.streams IS NOT NULL
  GROUP BY a.artist_id
)
SELECT l.artist_id AS artist, t.track_id AS track, CASE WHEN MAX(f.streams) > 0 THEN MAX(f.canvas_views) END AS num,
  CASE WHEN MAX(f.streams) > 0 THEN MAX(f.streams) END AS den
FROM latest l
JOIN artist_of a ON a.artist_id = l.artist_id
JOIN fact_track_window f ON f.artist = a.source_id AND f.day_no = l.day_no
JOIN source_value w ON w.id = f.time_period AND w.value = '28day'
JOIN track_of t ON t.source_id = f.title
WHERE f.canvas_views IS NOT NULL AND f.streams IS NOT NULL
GROUP BY l.artist_id, t.track_id
ORDER BY l.artist_id, t.track_id;
