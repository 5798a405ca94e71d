/*---
kpi: revenue_change_pct
title: Net royalties against the month before
domain: revenue
unit: percent
direction: up
decimals: 1
formula: (net royalties of the newest wholly reported sale month - those of the month before it) / those of the month before it
dimensions: [month]
window: the newest two sale months for which each distributor with streams or royalties in them has a statement dated 30 days or more after the month's end and its lag
completeness: only wholly reported months are compared; no value where the month before is none, or earned nothing
differs: Distributors total by the day they report, not by the month of sale, and compare months that still grow.
alerts:
  - {alert: jump, above: 20, floor: 100 usd, severity: info, cooldown_days: 30, text: "Net royalties rose by more than 20 percent, and more than 100 USD, from one wholly reported month to the next."}
  - {alert: drop, below: -20, floor: 100 usd, severity: warn, cooldown_days: 30, text: "Net royalties fell by more than 20 percent, and more than 100 USD, from one wholly reported month to the next."}
evidence:
  - fact: fact_royalty_line
    where: >-
      report_day_no <= :day AND sale_month_no IN (SELECT b.month_no FROM dim_month m JOIN dim_month b ON b.month_no IN (m.month_no,
      m.month_no - 1) WHERE m.month = :month)
  - fact: fact_sale_line
    where: >-
      (report_day_no <= :day OR report_day_no IS NULL AND sale_day_no IN (SELECT d.day_no FROM dim_date d JOIN dim_month m ON m.month_no
      = d.month_no WHERE m.last_day_no <= :day)) AND sale_day_no IN (SELECT d.day_no FROM dim_date d WHERE d.month_no IN (SELECT
      b.month_no FROM dim_month m JOIN dim_month b ON b.month_no IN (m.month_no, m.month_no - 1) WHERE m.month = :month))
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
), net AS (
  SELECT l.month_no AS month_no, SUM(l.net_nano) AS net_nano, SUM(l.unconverted) AS unconverted
  FROM line l
  JOIN whole w ON w.month_no = l.month_no
  GROUP BY l.month_no
)
SELECT m.month AS month, n.net_nano - b.net_nano AS num, b.net_nano AS den, n.unconverted + b.unconverted AS unconverted
FROM latest t
JOIN dim_month m ON m.month_no = t.month_no
JOIN net n ON n.month_no = t.month_no
JOIN net b ON b.month_no = t.month_no - 1
WHERE b.net_nano > 0
ORDER BY m.month;
