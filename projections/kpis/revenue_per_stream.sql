/*---
kpi: revenue_per_stream
title: Net royalties per unit by platform, last 12 statement months
unit: usd
direction: up
decimals: 6
formula: sum of earnings / sum of quantity by platform over the statements of the last 12 months; nano-USD / 10^9 / units
dimensions: [platform]
evidence:
  fact: fact_royalty_line
  where: report_day_no <= :day AND report_day_no > :day - 365 AND platform IN (SELECT source_id FROM platform_of WHERE platform_id = :platform)
---*/
SELECT p.platform_id AS platform, SUM(t.net_nano) AS num, SUM(t.quantity) * 1000000000 AS den
FROM total_royalty t
JOIN platform_of p ON p.source_id = t.platform
WHERE t.report_day_no <= :day AND t.report_day_no > :day - 365
GROUP BY p.platform_id
HAVING SUM(t.quantity) > 0
ORDER BY p.platform_id;
