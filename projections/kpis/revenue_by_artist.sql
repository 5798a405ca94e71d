/*---
kpi: revenue_by_artist
title: Net royalties by artist, as spelled by the distributor, all time
unit: usd
direction: up
decimals: 2
formula: sum of earnings of all statements; nano-USD / 10^9
dimensions: [artist]
evidence:
  fact: fact_royalty_line
  where: artist IN (SELECT source_id FROM artist_of WHERE artist_id = :artist) AND report_day_no <= :day
---*/
SELECT a.artist_id AS artist, SUM(t.net_nano) AS num, 1000000000 AS den
FROM total_royalty t
JOIN artist_of a ON a.source_id = t.artist
WHERE t.report_day_no <= :day
GROUP BY a.artist_id
ORDER BY a.artist_id;
