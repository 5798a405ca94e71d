/*---
kpi: revenue_by_artist
title: Net royalties by artist, all statements
domain: revenue
unit: usd
direction: up
decimals: 2
formula: sum of net royalties of all statements
dimensions: [artist]
adds_over: [artist]
window: all statements
completeness: as far as statements go
differs: Distributors spell artists as each release does; here all names of one artist count together.
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
SELECT r.artist_id AS artist, SUM(r.net_nano) AS num, 1000000000 AS den, SUM(r.unconverted) AS unconverted
FROM v_royalty_title r
WHERE r.report_day_no <= :day
GROUP BY r.artist_id
ORDER BY r.artist_id NULLS FIRST;
