/*---
kpi: revenue_net
title: Net royalties by sale month
unit: usd
direction: up
decimals: 2
formula: sum of earnings by the month of sale; nano-USD / 10^9
dimensions: [month]
evidence:
  fact: fact_royalty_line
  where: sale_month_no IN (SELECT month_no FROM dim_month WHERE month = :month) AND report_day_no <= :day
---*/
SELECT m.month AS month, SUM(t.net_nano) AS num, 1000000000 AS den
FROM total_royalty t
JOIN dim_month m ON m.month_no = t.sale_month_no
WHERE t.report_day_no <= :day
GROUP BY m.month
ORDER BY m.month;
