/*---
kpi: payment_lag_months
title: Reporting lag
domain: revenue
unit: months
direction: down
decimals: 1
formula: quantity-weighted mean of statement month minus sale month over the 365 days up to the distributor's newest statement
dimensions: [distributor]
window: 365 days up to the distributor's newest statement, by the day reported
completeness: as far as statements go; corrections below zero are left out
differs: Distributors name the lag of a platform; here every line counts with its quantity.
evidence:
  - fact: fact_royalty_line
    where: >-
      :distributor = 'DistroKid' AND report_day_no <= :day AND report_day_no > (SELECT MAX(report_day_no) FROM total_royalty_month WHERE
      report_day_no <= :day) - 365
  - fact: fact_sale_line
    where: >-
      :distributor = 'TooLost' AND (report_day_no <= :day AND report_day_no > (SELECT MAX(report_day_no) FROM v_royalty_month WHERE
      distributor = 'TooLost' AND report_day_no <= :day) - 365 OR report_day_no IS NULL AND sale_day_no IN (SELECT d.day_no FROM
      dim_date d JOIN dim_month m ON m.month_no = d.month_no WHERE m.last_day_no <= :day AND m.last_day_no > (SELECT MAX(report_day_no)
      FROM v_royalty_month WHERE distributor = 'TooLost' AND report_day_no <= :day) - 365))
---*/
WITH newest AS (
  SELECT r.distributor AS distributor, MAX(r.report_day_no) AS day_no
  FROM v_royalty_month r
  WHERE r.report_day_no <= :day
  GROUP BY r.distributor
)
SELECT r.distributor AS distributor, SUM(r.quantity * (d.month_no - r.sale_month_no)) AS num, SUM(r.quantity) AS den
FROM v_royalty_month r
JOIN newest n ON n.distributor = r.distributor AND r.report_day_no <= n.day_no AND r.report_day_no > n.day_no - 365
JOIN dim_date d ON d.day_no = r.report_day_no
WHERE r.quantity > 0
GROUP BY r.distributor
ORDER BY r.distributor;
