/*---
view: dim_track
title: Tracks by ISRC, else by title, as people, the catalogue, statements and platforms tell them
grain: [track_id]
columns:
  track_id: "text; member id"
  title: "text; a person's, the catalogue's, else that of the newest statement, else of a platform; empty where none is told"
  isrc: "text; empty where none is told"
  release_id: "text; of several releases the one believed first, see bridge_track_release; null where no UPC is told"
  artist_id: "text; member id of the primary artist, believed in the same order"
  release_day_no: "day; null where none is told"
  release_type: "text; single, ep or album, as told; null where nobody says it"
  genre: "text; as a person says; null where nobody does"
  spotify_track_id: "text; empty where none is told"
---*/
-- A title that nobody has tied to its ISRC is a track of its own: `bedrot reference import track` says what titles mean.
WITH placed AS (
  SELECT t.track_id AS track_id, t.artist_id AS artist_id, t.title AS title, t.isrc AS isrc, t.spotify_track_id AS spotify_track_id,
    t.release_day_no AS release_day_no, t.release_type AS release_type,
    ROW_NUMBER() OVER (PARTITION BY t.track_id ORDER BY CASE WHEN t.title = '' THEN 1 ELSE 0 END, t.authority NULLS LAST,
      t.day_no DESC NULLS LAST, t.title NULLS LAST) AS title_place,
    ROW_NUMBER() OVER (PARTITION BY t.track_id ORDER BY CASE WHEN t.artist_id = 'artist:unknown' THEN 1 ELSE 0 END, t.authority NULLS LAST,
      t.day_no DESC NULLS LAST, t.artist_id NULLS LAST) AS artist_place,
    ROW_NUMBER() OVER (PARTITION BY t.track_id ORDER BY CASE WHEN t.isrc = '' THEN 1 ELSE 0 END, t.authority NULLS LAST,
      t.day_no DESC NULLS LAST, t.isrc NULLS LAST) AS isrc_place,
    ROW_NUMBER() OVER (PARTITION BY t.track_id ORDER BY CASE WHEN t.spotify_track_id = '' THEN 1 ELSE 0 END, t.authority NULLS LAST,
      t.day_no DESC NULLS LAST, t.spotify_track_id NULLS LAST) AS spotify_place,
    ROW_NUMBER() OVER (PARTITION BY t.track_id ORDER BY CASE WHEN t.release_day_no IS NULL THEN 1 ELSE 0 END, t.authority NULLS LAST,
      t.release_day_no NULLS LAST) AS day_place,
    ROW_NUMBER() OVER (PARTITION BY t.track_id ORDER BY CASE WHEN t.release_type IS NULL THEN 1 ELSE 0 END, t.authority NULLS LAST,
      t.release_type NULLS LAST) AS type_place
  FROM v_track_told t
), track AS (
  SELECT p.track_id AS track_id, MAX(CASE WHEN p.title_place = 1 THEN p.title END) AS title,
    MAX(CASE WHEN p.isrc_place = 1 THEN p.isrc END) AS isrc, MAX(CASE WHEN p.artist_place = 1 THEN p.artist_id END) AS artist_id,
    MAX(CASE WHEN p.day_place = 1 THEN p.release_day_no END) AS release_day_no,
    MAX(CASE WHEN p.type_place = 1 THEN p.release_type END) AS release_type,
    MAX(CASE WHEN p.spotify_place = 1 THEN p.spotify_track_id END) AS spotify_track_id
  FROM placed p
  GROUP BY p.track_id
)
SELECT t.track_id AS track_id, t.title AS title, t.isrc AS isrc, b.release_id AS release_id, t.artist_id AS artist_id,
  t.release_day_no AS release_day_no, t.release_type AS release_type, r.genre AS genre, t.spotify_track_id AS spotify_track_id
FROM track t
LEFT JOIN bridge_track_release b ON b.track_id = t.track_id AND b.place = 1
LEFT JOIN ref_track r ON r.track = t.track_id;
