/*---
kpi: monthly_revenue_goal
title: Revenue goal of the newest wholly reported month
domain: revenue
unit: percent
direction: up
decimals: 1
formula: net royalties of the newest sale month that every distributor has wholly reported / the monthly goal in force at its end
dimensions: [month]
window: the newest sale month for which each distributor with streams or royalties in it has a statement dated 30 days or more after the month's end and its lag
completeness: only a wholly reported month is shown; no value without a goal
goal: monthly_revenue
differs: Distributors total by the day they report, not by the month of sale.
evidence:
  - fact: fact_royalty_line
    where: >-
      report_day_no <= :day AND sale_month_no IN (SELECT month_no FROM dim_month WHERE month = :month)
  - fact: fact_sale_line
    where: >-
      sale_day_no IN (SELECT day_no FROM dim_date WHERE month = :month) AND (report_day_no <= :day OR report_day_no IS NULL AND
      sale_day_no IN (SELECT d.day_no FROM dim_date d JOIN dim_month m ON m.month_no = d.month_no WHERE m.last_day_no <= :day))
---*/
WITH line AS (
  SELECT r.distributor AS distributor, r.sale_month_no AS month_no, SUM(r.net_nano) AS net_nano, SUM(r.unconverted) AS unconverted,
    MAX(r.report_day_no) AS day_no
  FROM v_royalty_month r
  WHERE r.report_day_no <= :day
  GROUP BY r.distributor, r.sale_month_no
), newest AS (
  SELECT l.distributor AS distributor, MAX(l.day_no) AS day_no
  FROM line l
  GROUP BY l.distributor
), active AS (
  SELECT l.distributor AS distributor, l.month_no AS month_no FROM line l
  UNION
  SELECT s.value, d.month_no
  FROM fact_stream_day f
  JOIN source_value s ON s.id = f.distributor
  JOIN dim_date d ON d.day_no = f.day_no
  WHERE f.day_no <= :day
), whole AS (
  SELECT a.month_no AS month_no
  FROM active a
  JOIN dim_month m ON m.month_no = a.month_no
  LEFT JOIN newest n ON n.distributor = a.distributor
  LEFT JOIN ref_distributor l ON l.distributor = a.distributor
  GROUP BY a.month_no
  HAVING MIN(CASE WHEN n.day_no >= m.last_day_no + COALESCE(l.lag_days, 60) + 30 THEN 1 ELSE 0 END) = 1
), latest AS (
  SELECT MAX(w.month_no) AS month_no
  FROM whole w
), goal AS (
  SELECT MAX(g.from_day) AS from_day
  FROM latest t
  JOIN dim_month m ON m.month_no = t.month_no
  JOIN ref_goal g ON g.goal = 'monthly_revenue' AND g.from_day <= m.last_day_no AND (g.until_day IS NULL OR g.until_day >= m.last_day_no)
)
SELECT m.month AS month, SUM(l.net_nano) AS num, MAX(g.target) AS den, SUM(l.unconverted) AS unconverted
FROM latest t
JOIN dim_month m ON m.month_no = t.month_no
JOIN line l ON l.month_no = t.month_no
JOIN goal b ON b.from_day IS NOT NULL
JOIN ref_goal g ON g.goal = 'monthly_revenue' AND g.from_day = b.from_day AND g.target > 0
GROUP BY m.month
ORDER BY m.month;
