/*---
kpi: bench_revenue
title: Revenue by sale month
unit: usd
direction: up
decimals: 2
formula: sum of earnings by sale month; nano-USD / 10^9
dimensions: [month]
---*/
SELECT m.month AS month, SUM(t.earnings_nano) AS num, 1000000000 AS den
FROM total_bench_month t
JOIN dim_month m ON m.month_no = t.sale_month_no
GROUP BY m.month
ORDER BY m.month;
