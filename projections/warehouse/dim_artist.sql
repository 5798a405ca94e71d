/*---
view: dim_artist
title: Artists, as reference events name them and as files taught them
grain: [artist_id]
columns:
  artist_id: "text; member id"
  name: "text; the name given by a person, else the one learned"
---*/
SELECT a.artist_id AS artist_id, MIN(a.name) AS name
FROM artist_of a
GROUP BY a.artist_id;
