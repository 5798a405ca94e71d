/*---
fact: fact_track_catalog
title: A track of the label's catalogue and who owns what of it, as the label wrote it down
columns:
  artist: key source:artist
  title: key source:title
  isrc: key source:isrc
  payee: key source:payee
  upc: source:upc
  release_day_no: day
  release_type: source:release_type
  royalty_share_nano: measure nano
  own_share_nano: measure nano
---*/

-- from: manual/track_catalog
SELECT
  artist AS artist,
  title AS title,
  isrc AS isrc,
  payee AS payee,
  COALESCE(upc, '') AS upc,
  release_date AS release_day_no,
  release_type,
  royalty_share AS royalty_share_nano,
  own_share AS own_share_nano
FROM staged;
