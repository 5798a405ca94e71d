/*---
kpi: payment_lag_months
title: Reporting lag
unit: months
direction: down
decimals: 1
formula: quantity-weighted mean of statement month minus sale month over the statements of the last 12 months
evidence:
  fact: fact_royalty_line
  where: report_day_no <= :day AND report_day_no > :day - 365
---*/
SELECT SUM(t.quantity * (d.month_no - t.sale_month_no)) AS num, SUM(t.quantity) AS den
FROM total_royalty t
JOIN dim_date d ON d.day_no = t.report_day_no
WHERE t.report_day_no <= :day AND t.report_day_no > :day - 365 AND t.quantity > 0
HAVING SUM(t.quantity) > 0
ORDER BY 1 NULLS LAST;
