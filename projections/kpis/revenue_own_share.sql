/*---
kpi: revenue_own_share
title: Revenue after splits, all statements
domain: revenue
unit: usd
direction: up
decimals: 2
formula: net royalties less what collaborators get of them by the shares that hold on the last day of the sale month
dimensions: [artist, track]
adds_over: [artist, track]
window: all statements
completeness: as far as statements go; a track without shares is the label's own
differs: Distributors show net royalties before the label pays collaborators, unless they pay them themselves.
evidence:
  - fact: fact_royalty_line
    where: >-
      report_day_no <= :day AND artist IN (SELECT source_id FROM artist_of WHERE artist_id = :artist) AND (isrc IN (SELECT source_id
      FROM track_of WHERE track_id = :track AND kind = 'isrc') OR isrc IN (SELECT source_id FROM track_of WHERE track_id =
      'track:unknown' AND kind = 'isrc') AND title IN (SELECT source_id FROM track_of WHERE track_id = :track AND kind = 'title'))
  - fact: fact_sale_line
    where: >-
      (artist IN (SELECT source_id FROM artist_of WHERE artist_id = :artist AND artist_id <> 'artist:unknown') OR artist IN (SELECT
      source_id FROM artist_of WHERE artist_id = 'artist:unknown') AND (isrc IN (SELECT i.source_id FROM track_of i JOIN v_sale_artist w
      ON w.track_id = i.track_id WHERE i.kind = 'isrc' AND w.artist_id = :artist) OR :artist = 'artist:unknown' AND isrc NOT IN (SELECT
      i.source_id FROM track_of i JOIN v_sale_artist w ON w.track_id = i.track_id WHERE i.kind = 'isrc'))) AND (isrc IN (SELECT source_id
      FROM track_of WHERE track_id = :track AND kind = 'isrc') OR isrc IN (SELECT source_id FROM track_of WHERE track_id = 'track:unknown'
      AND kind = 'isrc') AND title IN (SELECT source_id FROM track_of WHERE track_id = :track AND kind = 'title')) AND (report_day_no <=
      :day OR report_day_no IS NULL AND sale_day_no IN (SELECT d.day_no FROM dim_date d JOIN dim_month m ON m.month_no = d.month_no WHERE
      m.last_day_no <= :day))
  - fact: fact_track_catalog
    where: >-
      (isrc IN (SELECT source_id FROM track_of WHERE track_id = :track AND kind = 'isrc') OR isrc IN (SELECT source_id FROM track_of
      WHERE track_id IN ('track:unknown', 'track:NONE') AND kind = 'isrc') AND title IN (SELECT source_id FROM track_of WHERE track_id =
      :track AND kind = 'title'))
---*/
SELECT r.artist_id AS artist, r.track_id AS track, SUM(r.own_nano) AS num, 1000000000 AS den, SUM(r.unconverted) AS unconverted
FROM v_royalty_own r
WHERE r.report_day_no <= :day
GROUP BY r.artist_id, r.track_id
ORDER BY r.artist_id NULLS FIRST, r.track_id NULLS FIRST;
