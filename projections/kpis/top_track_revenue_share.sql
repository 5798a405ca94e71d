/*---
kpi: top_track_revenue_share
title: Dependence on the top track
unit: percent
direction: down
decimals: 1
formula: largest net royalties of one track / all net royalties, all statements
evidence:
  fact: fact_royalty_line
  where: report_day_no <= :day
---*/
WITH track AS (
  SELECT t.isrc AS isrc, t.title AS title, SUM(t.net_nano) AS net_nano
  FROM total_royalty t
  WHERE t.report_day_no <= :day
  GROUP BY t.isrc, t.title
)
SELECT MAX(track.net_nano) AS num, SUM(track.net_nano) AS den
FROM track
HAVING SUM(track.net_nano) > 0
ORDER BY 1 NULLS LAST;
