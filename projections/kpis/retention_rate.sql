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
  fact: fact_royalty_line
  where: artist IN (SELECT source_id FROM artist_of WHERE artist_id = :artist) AND report_day_no <= :day
---*/
WITH paid AS (
  SELECT s.artist_id AS artist_id, SUM(s.amount_nano) AS amount_nano
  FROM v_royalty_share s
  WHERE s.report_day_no <= :day
  GROUP BY s.artist_id
), net AS (
  SELECT r.artist_id AS artist_id, SUM(r.net_nano) AS net_nano, SUM(r.unconverted) AS unconverted
  FROM v_royalty r
  WHERE r.report_day_no <= :day
  GROUP BY r.artist_id
)
SELECT n.artist_id AS artist, n.net_nano - COALESCE(p.amount_nano, 0) AS num, n.net_nano AS den, n.unconverted AS unconverted
FROM net n
LEFT JOIN paid p ON p.artist_id = n.artist_id
WHERE n.net_nano > 0
ORDER BY n.artist_id;
