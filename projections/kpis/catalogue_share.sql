/*---
kpi: catalogue_share
title: Share of back-catalogue in Spotify streams, 28 days
domain: streaming
unit: percent
direction: neutral
decimals: 1
formula: >-
  streams of songs released 548 days (18 months) or more before the newest day / streams of all songs with a known release date,
  over the 28 days up to that day
dimensions: [artist]
window: 28 days up to the newest day of the artist with streams by song
completeness: >-
  a day is covered when any song of the artist has streams; songs whose timeline was not downloaded are in neither part
differs: >-
  Spotify shows no such share. It rests on the timelines of songs that were downloaded, and on release dates of the catalogue or of
  Spotify's list of songs.
evidence:
  fact: fact_track_day
  where: "day_no > (SELECT MAX(day_no) FROM fact_track_day WHERE day_no <= :day AND streams IS NOT NULL AND artist IN (SELECT source_id FROM artist_of WHERE artist_id = :artist)) - 28 AND day_no <= :day AND artist IN (SELECT source_id FROM artist_of WHERE artist_id = :artist)"
---*/
WITH latest AS (
  SELECT a.artist_id AS artist_id, MAX(f.day_no) AS day_no
  FROM fact_track_day f
  JOIN artist_of a ON a.source_id = f.artist
  WHERE f.day_no <= :day AND f.streams IS NOT NULL
  GROUP BY a.artist_id
), song AS (
  SELECT l.artist_id AS artist_id, l.day_no AS day_no, t.track_id AS track_id, SUM(f.streams) AS streams
  FROM latest l
  JOIN artist_of a ON a.artist_id = l.artist_id
  JOIN fact_track_day f ON f.artist = a.source_id AND f.day_no <= l.day_no AND f.day_no > l.day_no - 28
  JOIN track_of t ON t.source_id = f.song
  WHERE f.streams IS NOT NULL
  GROUP BY l.artist_id, l.day_no, t.track_id
), days AS (
  SELECT l.artist_id AS artist_id, COUNT(DISTINCT f.day_no) AS covered
  FROM latest l
  JOIN artist_of a ON a.artist_id = l.artist_id
  JOIN fact_track_day f ON f.artist = a.source_id AND f.day_no <= l.day_no AND f.day_no > l.day_no - 28
  WHERE f.streams IS NOT NULL
  GROUP BY l.artist_id
), listed AS (
  SELECT a.artist_id AS artist_id, t.track_id AS track_id, MIN(COALESCE(f.release_day_no, d.day_no)) AS release_day
  FROM fact_track_window f
  JOIN artist_of a ON a.source_id = f.artist
  JOIN track_of t ON t.source_id = f.title
  JOIN source_value r ON r.id = f.release_text
  LEFT JOIN dim_date d ON d.date = r.value
  GROUP BY a.artist_id, t.track_id
), dated AS (
  SELECT s.artist_id AS artist_id, s.day_no AS day_no, s.streams AS streams, COALESCE(r.release_day, w.release_day) AS release_day
  FROM song s
  LEFT JOIN ref_track r ON r.track = s.track_id
  LEFT JOIN listed w ON w.artist_id = s.artist_id AND w.track_id = s.track_id
)
SELECT d.artist_id AS artist,
  CASE WHEN SUM(d.streams) > 0 THEN SUM(CASE WHEN d.release_day <= d.day_no - 548 THEN d.streams ELSE 0 END) END AS num,
  CASE WHEN SUM(d.streams) > 0 THEN SUM(d.streams) END AS den, MAX(c.covered) AS covered, 28 AS expected
FROM dated d
JOIN days c ON c.artist_id = d.artist_id
WHERE d.release_day IS NOT NULL
GROUP BY d.artist_id
ORDER BY d.artist_id;
