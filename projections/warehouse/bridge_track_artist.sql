/*---
view: bridge_track_artist
title: Who plays on a track, as people, the catalogue, statements and platforms tell it
grain: [track_id, artist_id]
columns:
  track_id: "text; member id"
  artist_id: "text; member id"
  role: "text; primary, also: named for the track beside the primary artist, member: one of the collaboration that is the primary artist"
  position: "count; 1 is the primary artist"
---*/
-- Figures of a track belong to its primary artist; bridge_artist_member has the shares of a collaboration.
WITH told AS (
  SELECT t.track_id AS track_id, t.artist_id AS artist_id, t.authority AS authority, t.day_no AS day_no,
    ROW_NUMBER() OVER (
      PARTITION BY t.track_id, t.artist_id ORDER BY t.authority NULLS LAST, t.day_no DESC NULLS LAST) AS telling
  FROM v_track_told t
  WHERE t.artist_id <> 'artist:unknown'
), placed AS (
  SELECT n.track_id AS track_id, n.artist_id AS artist_id,
    ROW_NUMBER() OVER (
      PARTITION BY n.track_id ORDER BY n.authority NULLS LAST, n.day_no DESC NULLS LAST, n.artist_id NULLS LAST) AS place
  FROM told n
  WHERE n.telling = 1
), part AS (
  SELECT p.track_id AS track_id, p.artist_id AS artist_id, CASE WHEN p.place = 1 THEN 1 ELSE 2 END AS rank_no, p.place AS place
  FROM placed p
  UNION ALL
  SELECT p.track_id, b.member_id, 3, 1
  FROM placed p
  JOIN bridge_artist_member b ON b.artist_id = p.artist_id AND b.member_id <> b.artist_id
  WHERE p.place = 1
), first AS (
  SELECT p.track_id AS track_id, p.artist_id AS artist_id, MIN(p.rank_no) AS rank_no, MIN(p.place) AS place
  FROM part p
  GROUP BY p.track_id, p.artist_id
)
SELECT f.track_id AS track_id, f.artist_id AS artist_id,
  CASE f.rank_no WHEN 1 THEN 'primary' WHEN 2 THEN 'also' ELSE 'member' END AS role,
  ROW_NUMBER() OVER (PARTITION BY f.track_id ORDER BY f.rank_no, f.place, f.artist_id) AS position
FROM first f;
