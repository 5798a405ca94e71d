/*---
kpi: track_momentum
title: Momentum of a track
domain: streaming
unit: ratio
direction: up
decimals: 2
formula: >-
  (streams of Spotify's window of 7 days / 7) / (streams of its window of 28 days / 28), both as of the same day; above 1 a track is
  gaining
dimensions: [artist, track]
window: Spotify's windows of 7 and 28 days, as of the newest day both were downloaded for the artist
completeness: the platform reports both windows whole
differs: >-
  Spotify's page shows the window as of this moment, this figure as of the day of the download. Two songs of one title count as one
  row with the larger figure.
evidence:
  fact: fact_track_window
  where: "time_period IN (SELECT id FROM source_value WHERE value IN ('7day', '28day')) AND day_no = (SELECT MAX(day_no) FROM fact_track_window WHERE day_no <= :day AND streams IS NOT NULL AND time_period IN (SELECT id FROM source_value WHERE value = '28day') AND artist IN (SELECT source_id FROM artist_of WHERE artist_id = :artist)) AND artist IN (SELECT source_id FROM artist_of WHERE artist_id = :artist) AND title IN (SELECT source_id FROM track_of WHERE track_id = :track)"
---*/
WITH seen AS (
  SELECT a.artist_id AS artist_id, f.day_no AS day_no
  FROM fact_track_window f
  JOIN source_value w ON w.id = f.time_period AND w.value IN ('7day', '28day')
  JOIN artist_of a ON a.source_id = f.artist
  WHERE f.day_no <= :day AND f.streams IS NOT NULL
  GROUP BY a.artist_id, f.day_no
  HAVING COUNT(DISTINCT w.value) = 2
), latest AS (
  SELECT s.artist_id AS artist_id, MAX(s.day_no) AS day_no
  FROM seen s
  GROUP BY s.artist_id
), pair AS (
  SELECT l.artist_id AS artist_id, t.track_id AS track_id, MAX(CASE WHEN w.value = '7day' THEN f.streams END) AS week,
    MAX(CASE WHEN w.value = '28day' THEN f.streams END) AS month
  FROM latest l
  JOIN artist_of a ON a.artist_id = l.artist_id
  JOIN fact_track_window f ON f.artist = a.source_id AND f.day_no = l.day_no
  JOIN source_value w ON w.id = f.time_period AND w.value IN ('7day', '28day')
  JOIN track_of t ON t.source_id = f.title
  GROUP BY l.artist_id, t.track_id
)
SELECT p.artist_id AS artist, p.track_id AS track, CASE WHEN p.month > 0 THEN p.week * 4 END AS num,
  CASE WHEN p.month > 0 THEN p.month END AS den
FROM pair p
WHERE p.week IS NOT NULL AND p.month IS NOT NULL
ORDER BY p.artist_id, p.track_id;
