/*---
view: bridge_track_release
title: Which tracks are on which release; a UPC belongs to a release, a track may be on several
grain: [track_id, release_id]
columns:
  track_id: "text; member id"
  release_id: "text"
  place: "count; 1 is the release that is believed first: a person's, the catalogue's, else the one of the newest statement"
---*/
WITH pair AS (
  SELECT t.track_id AS track_id, t.release_id AS release_id, MIN(t.authority) AS authority, MAX(t.day_no) AS day_no
  FROM v_release_told t
  GROUP BY t.track_id, t.release_id
)
SELECT p.track_id AS track_id, p.release_id AS release_id,
  ROW_NUMBER() OVER (PARTITION BY p.track_id ORDER BY p.authority NULLS LAST, p.day_no DESC NULLS LAST, p.release_id NULLS LAST) AS place
FROM pair p;
