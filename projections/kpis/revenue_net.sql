/*---
kpi: revenue_net
title: Net royalties by sale month
domain: revenue
unit: usd
direction: up
decimals: 2
formula: sum of what distributors pay out after their fees, by the month of sale
dimensions: [distributor, month]
adds_over: [distributor, month]
window: each sale month
completeness: a sale month counts as complete when a statement of the distributor is dated 30 days or more after its end and the distributor's lag
differs: Distributors total by the day they report, not by the month of sale; newer sale months are not wholly reported yet.
evidence:
  - fact: fact_royalty_line
    where: >-
      :distributor = 'DistroKid' AND sale_month_no IN (SELECT month_no FROM dim_month WHERE month = :month) AND report_day_no <= :day
  - fact: fact_sale_line
    where: >-
      :distributor = 'TooLost' AND sale_day_no IN (SELECT day_no FROM dim_date WHERE month = :month) AND (report_day_no <= :day OR
      report_day_no IS NULL AND sale_day_no IN (SELECT d.day_no FROM dim_date d JOIN dim_month m ON m.month_no = d.month_no WHERE
      m.last_day_no <= :day))
---*/
WITH newest AS (
  SELECT r.distributor AS distributor, MAX(r.report_day_no) AS day_no
  FROM v_royalty_month r
  WHERE r.report_day_no <= :day
  GROUP BY r.distributor
), net AS (
  SELECT r.distributor AS distributor, r.sale_month_no AS month_no, SUM(r.net_nano) AS net_nano, SUM(r.unconverted) AS unconverted
  FROM v_royalty_month r
  WHERE r.report_day_no <= :day
  GROUP BY r.distributor, r.sale_month_no
)
SELECT r.distributor AS distributor, m.month AS month, r.net_nano AS num, 1000000000 AS den, r.unconverted AS unconverted,
  CASE WHEN n.day_no >= m.last_day_no + COALESCE(l.lag_days, 60) + 30 THEN 1 ELSE 0 END AS covered, 1 AS expected
FROM net r
JOIN dim_month m ON m.month_no = r.month_no
JOIN newest n ON n.distributor = r.distributor
LEFT JOIN ref_distributor l ON l.distributor = r.distributor
ORDER BY r.distributor, m.month;
