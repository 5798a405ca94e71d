/*---
kpi: retention_rate
title: Revenue retention
domain: revenue
unit: percent
direction: up
decimals: 1
formula: net royalties after splits / net royalties, all statements
dimensions: [artist]
window: all statements
completeness: as far as statements and shares go
evidence:
  - fact: fact_royalty_line
    where: >-
      artist IN (SELECT source_id FROM artist_of WHERE artist_id = :artist) AND report_day_no <= :day
  - fact: fact_sale_line
    where: >-
      (artist IN (SELECT source_id FROM artist_of WHERE artist_id = :artist AND artist_id <> 'artist:unknown') OR artist IN (SELECT
      source_id FROM artist_of WHERE artist_id = 'artist:unknown') AND (isrc IN (SELECT i.source_id FROM track_of i JOIN v_sale_artist w
      ON w.track_id = i.track_id WHERE i.kind = 'isrc' AND w.artist_id = :artist) OR :artist = 'artist:unknown' AND isrc NOT IN (SELECT
      i.source_id FROM track_of i JOIN v_sale_artist w ON w.track_id = i.track_id WHERE i.kind = 'isrc'))) AND (report_day_no <= :day OR
      report_day_no IS NULL AND sale_day_no IN (SELECT d.day_no FROM dim_date d JOIN dim_month m ON m.month_no = d.month_no WHERE
      m.last_day_no <= :day))
---*/
SELECT r.artist_id AS artist, SUM(r.own_nano) AS num, SUM(r.net_nano) AS den, SUM(r.unconverted) AS unconverted
FROM v_royalty_own r
WHERE r.report_day_no <= :day
GROUP BY r.artist_id
HAVING SUM(r.net_nano) > 0
ORDER BY r.artist_id NULLS FIRST;
