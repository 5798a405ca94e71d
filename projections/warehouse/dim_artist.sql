/*---
view: dim_artist
title: Artists, as people name them and as files taught them
grain: [artist_id]
columns:
  artist_id: "text; member id"
  name: "text; the name given by a person, else the one learned"
  kind: "text; collaboration where a person says who is behind it, unknown where a file names nobody, else solo"
  status: "text; active, inactive or archived, as a person says; null where nobody does"
  spotify_id: "text; as a person says"
---*/
-- Of what files teach only the names that a row tells: an artist learned later is not there yet.
WITH known AS (
  SELECT a.artist_id AS artist_id
  FROM artist_told t
  JOIN artist_of a ON a.source_id = t.source_id
  UNION
  SELECT l.member FROM alias_of l WHERE l.kind = 'artist'
  UNION
  SELECT r.artist FROM ref_artist r
  UNION
  SELECT c.artist FROM ref_collaboration c
  UNION
  SELECT c.member FROM ref_collaboration c
)
SELECT k.artist_id AS artist_id, COALESCE(MAX(n.name), MAX(r.name), UPPER(SUBSTR(k.artist_id, 8))) AS name,
  CASE WHEN k.artist_id = 'artist:unknown' THEN 'unknown' WHEN MAX(c.artist) IS NOT NULL THEN 'collaboration' ELSE 'solo' END AS kind,
  MAX(r.status) AS status, MAX(r.spotify_id) AS spotify_id
FROM known k
LEFT JOIN name_of n ON n.kind = 'artist' AND n.member = k.artist_id
LEFT JOIN ref_artist r ON r.artist = k.artist_id
LEFT JOIN ref_collaboration c ON c.artist = k.artist_id
GROUP BY k.artist_id;
