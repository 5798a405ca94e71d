/*---
kpi: payment_lag_months
title: Reporting lag
unit: months
direction: down
decimals: 1
formula: quantity-weighted mean of statement month minus sale month over the 365 days up to the newest statement
evidence:
  fact: fact_royalty_line
  where: report_day_no <= :day AND report_day_no > (SELECT MAX(report_day_no) FROM fact_royalty_line WHERE report_day_no <= :day) - 365
---*/
WITH newest AS (
  SELECT MAX(t.report_day_no) AS day_no
  FROM total_royalty t
  WHERE t.report_day_no <= :day
)
SELECT SUM(t.quantity * (d.month_no - t.sale_month_no)) AS num, SUM(t.quantity) AS den
FROM total_royalty t
JOIN newest n ON t.report_day_no <= n.day_no AND t.report_day_no > n.day_no - 365
JOIN dim_date d ON d.day_no = t.report_day_no
WHERE t.quantity > 0
HAVING SUM(t.quantity) > 0
ORDER BY 1 NULLS LAST;
