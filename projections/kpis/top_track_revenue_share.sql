/*---
kpi: top_track_revenue_share
title: Dependence on the top track
domain: revenue
unit: percent
direction: down
decimals: 1
formula: largest net royalties of one known track / all net royalties of the artist, over the 365 days up to the newest statement
dimensions: [artist]
window: 365 days up to the newest statement, by the day reported
completeness: as far as statements go
evidence:
  - fact: fact_royalty_line
    where: >-
      artist IN (SELECT source_id FROM artist_of WHERE artist_id = :artist) AND report_day_no <= :day AND report_day_no > (SELECT
      MAX(report_day_no) FROM v_royalty_month WHERE report_day_no <= :day) - 365
  - fact: fact_sale_line
    where: >-
      (artist IN (SELECT source_id FROM artist_of WHERE artist_id = :artist AND artist_id <> 'artist:unknown') OR artist IN (SELECT
      source_id FROM artist_of WHERE artist_id = 'artist:unknown') AND (isrc IN (SELECT i.source_id FROM track_of i JOIN v_sale_artist w
      ON w.track_id = i.track_id WHERE i.kind = 'isrc' AND w.artist_id = :artist) OR :artist = 'artist:unknown' AND isrc NOT IN (SELECT
      i.source_id FROM track_of i JOIN v_sale_artist w ON w.track_id = i.track_id WHERE i.kind = 'isrc'))) AND (report_day_no <= :day AND
      report_day_no > (SELECT MAX(report_day_no) FROM v_royalty_month WHERE report_day_no <= :day) - 365 OR report_day_no IS NULL AND
      sale_day_no IN (SELECT d.day_no FROM dim_date d JOIN dim_month m ON m.month_no = d.month_no WHERE m.last_day_no <= :day AND
      m.last_day_no > (SELECT MAX(report_day_no) FROM v_royalty_month WHERE report_day_no <= :day) - 365))
---*/
WITH newest AS (
  SELECT MAX(r.report_day_no) AS day_no
  FROM v_royalty_month r
  WHERE r.report_day_no <= :day
), track AS (
  SELECT r.artist_id AS artist_id, r.track_id AS track_id, SUM(r.net_nano) AS net_nano, SUM(r.unconverted) AS unconverted
  FROM v_royalty_title r
  JOIN newest n ON r.report_day_no <= n.day_no AND r.report_day_no > n.day_no - 365
  GROUP BY r.artist_id, r.track_id
)
SELECT t.artist_id AS artist, MAX(CASE WHEN t.track_id <> 'track:unknown' THEN t.net_nano END) AS num, SUM(t.net_nano) AS den,
  SUM(t.unconverted) AS unconverted
FROM track t
GROUP BY t.artist_id
HAVING SUM(t.net_nano) > 0
ORDER BY t.artist_id NULLS FIRST;
