/*---
view: dim_release
title: Releases by their UPC, as people, the catalogue, statements and sales reports tell them
grain: [release_id]
columns:
  release_id: "text; release: and the UPC without leading zeros"
  upc: "text; in its longest spelling"
  title: "text; as told; that of its track where it is a single; empty where nobody says it"
  release_type: "text; single, ep or album, as told; null where nobody says it"
  release_day_no: "day; null where nobody says it"
  artist_id: "text; member id; null where its tracks are by several"
  distributor_release_id: "text; the distributor's own; empty where none is told"
  tracks: "count; tracks of it that are known, which may not be all"
---*/
WITH placed AS (
  SELECT t.release_id AS release_id, t.upc AS upc, t.track_id AS track_id, t.artist_id AS artist_id, t.track_title AS track_title,
    t.release_title AS release_title, t.release_type AS release_type, t.release_day_no AS release_day_no,
    t.distributor_release_id AS distributor_release_id,
    ROW_NUMBER() OVER (PARTITION BY t.release_id ORDER BY LENGTH(t.upc) DESC NULLS LAST, t.upc NULLS LAST) AS upc_place,
    ROW_NUMBER() OVER (PARTITION BY t.release_id ORDER BY CASE WHEN t.release_title = '' THEN 1 ELSE 0 END, t.authority NULLS LAST,
      t.day_no DESC NULLS LAST, t.release_title NULLS LAST) AS title_place,
    ROW_NUMBER() OVER (PARTITION BY t.release_id ORDER BY CASE WHEN t.track_title = '' THEN 1 ELSE 0 END, t.authority NULLS LAST,
      t.day_no DESC NULLS LAST, t.track_title NULLS LAST) AS track_place,
    ROW_NUMBER() OVER (PARTITION BY t.release_id ORDER BY CASE WHEN t.release_type IS NULL THEN 1 ELSE 0 END, t.authority NULLS LAST,
      t.release_type NULLS LAST) AS type_place,
    ROW_NUMBER() OVER (PARTITION BY t.release_id ORDER BY CASE WHEN t.release_day_no IS NULL THEN 1 ELSE 0 END, t.authority NULLS LAST,
      t.release_day_no NULLS LAST) AS day_place,
    ROW_NUMBER() OVER (PARTITION BY t.release_id ORDER BY CASE WHEN t.distributor_release_id = '' THEN 1 ELSE 0 END,
      t.day_no DESC NULLS LAST, t.distributor_release_id NULLS LAST) AS own_place
  FROM v_release_told t
), release AS (
  SELECT p.release_id AS release_id, MAX(CASE WHEN p.upc_place = 1 THEN p.upc END) AS upc,
    MAX(CASE WHEN p.title_place = 1 THEN p.release_title END) AS title,
    MAX(CASE WHEN p.track_place = 1 THEN p.track_title END) AS track_title,
    MAX(CASE WHEN p.type_place = 1 THEN p.release_type END) AS release_type,
    MAX(CASE WHEN p.day_place = 1 THEN p.release_day_no END) AS release_day_no,
    MAX(CASE WHEN p.own_place = 1 THEN p.distributor_release_id END) AS distributor_release_id,
    MIN(CASE WHEN p.artist_id <> 'artist:unknown' THEN p.artist_id END) AS first_artist_id,
    MAX(CASE WHEN p.artist_id <> 'artist:unknown' THEN p.artist_id END) AS last_artist_id, COUNT(DISTINCT p.track_id) AS tracks
  FROM placed p
  GROUP BY p.release_id
)
SELECT r.release_id AS release_id, r.upc AS upc,
  CASE WHEN r.title = '' AND LOWER(r.release_type) = 'single' AND r.tracks = 1 THEN r.track_title ELSE r.title END AS title,
  r.release_type AS release_type, r.release_day_no AS release_day_no,
  CASE WHEN r.first_artist_id = r.last_artist_id THEN r.first_artist_id END AS artist_id,
  r.distributor_release_id AS distributor_release_id, r.tracks AS tracks
FROM release r;
