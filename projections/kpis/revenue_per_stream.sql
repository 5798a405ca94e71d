/*---
kpi: revenue_per_stream
title: Net royalties per unit by platform, year to the newest statement
unit: usd
direction: up
decimals: 6
formula: sum of earnings / sum of quantity by platform over the 365 days up to the newest statement; nano-USD / 10^9 / units
dimensions: [platform]
evidence:
  fact: fact_royalty_line
  where: report_day_no <= :day AND report_day_no > (SELECT MAX(report_day_no) FROM fact_royalty_line WHERE report_day_no <= :day) - 365 AND platform IN (SELECT source_id FROM platform_of WHERE platform_id = :platform)
---*/
WITH newest AS (
  SELECT MAX(t.report_day_no) AS day_no
  FROM total_royalty t
  WHERE t.report_day_no <= :day
)
SELECT p.platform_id AS platform, SUM(t.net_nano) AS num, SUM(t.quantity) * 1000000000 AS den
FROM total_royalty t
JOIN newest n ON t.report_day_no <= n.day_no AND t.report_day_no > n.day_no - 365
JOIN platform_of p ON p.source_id = t.platform
GROUP BY p.platform_id
HAVING SUM(t.quantity) > 0
ORDER BY p.platform_id;
