/*---
kpi: revenue_own_share
title: Revenue after splits, all statements
domain: revenue
unit: usd
direction: up
decimals: 2
formula: net royalties less what collaborators get of them by the shares that hold on the last day of the sale month
dimensions: [artist, track]
window: all statements
completeness: as far as statements go; a track without shares is the label's own
differs: Distributors show net royalties before the label pays collaborators, unless they pay them themselves.
evidence:
  fact: fact_royalty_line
  where: "report_day_no <= :day AND artist IN (SELECT source_id FROM artist_of WHERE artist_id = :artist) AND (isrc IN (SELECT source_id FROM track_of WHERE track_id = :track AND kind = 'isrc') OR isrc IN (SELECT source_id FROM track_of WHERE track_id = 'track:unknown' AND kind = 'isrc') AND title IN (SELECT source_id FROM track_of WHERE track_id = :track AND kind = 'title'))"
---*/
WITH paid AS (
  SELECT s.artist_id AS artist_id, s.track_id AS track_id, SUM(s.amount_nano) AS amount_nano
  FROM v_royalty_share s
  WHERE s.report_day_no <= :day
  GROUP BY s.artist_id, s.track_id
), net AS (
  SELECT r.artist_id AS artist_id, r.track_id AS track_id, SUM(r.net_nano) AS net_nano, SUM(r.unconverted) AS unconverted
  FROM v_royalty r
  WHERE r.report_day_no <= :day
  GROUP BY r.artist_id, r.track_id
)
SELECT n.artist_id AS artist, n.track_id AS track, n.net_nano - COALESCE(p.amount_nano, 0) AS num, 1000000000 AS den,
  n.unconverted AS unconverted
FROM net n
LEFT JOIN paid p ON p.artist_id = n.artist_id AND p.track_id = n.track_id
ORDER BY n.artist_id, n.track_id;
