/*---
kpi: revenue_by_report
title: Net royalties by statement month
unit: usd
direction: up
decimals: 2
formula: sum of earnings by the month of the reporting date; nano-USD / 10^9
dimensions: [month]
evidence:
  fact: fact_royalty_line
  where: report_day_no <= :day AND report_day_no IN (SELECT day_no FROM dim_date WHERE month = :month)
---*/
SELECT d.month AS month, SUM(t.net_nano) AS num, 1000000000 AS den
FROM total_royalty t
JOIN dim_date d ON d.day_no = t.report_day_no
WHERE t.report_day_no <= :day
GROUP BY d.month
ORDER BY d.month;
