/*---
kpi: revenue_gross
title: Gross royalties by sale month
domain: revenue
unit: usd
direction: up
decimals: 2
formula: sum of earnings and of songwriter royalties withheld (DistroKid) or of gross amounts (Too Lost), by the month of sale
dimensions: [distributor, month]
adds_over: [distributor, month]
window: each sale month
completeness: a sale month counts as complete when a statement of the distributor is dated 30 days or more after its end and the distributor's lag
differs: Distributors total by the day they report, not by the month of sale, and show what is left after withholding and fees.
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
), gross AS (
  SELECT 'DistroKid' AS distributor, t.sale_month_no AS month_no, t.net_nano + t.withheld_nano AS gross_nano, 0 AS unconverted
  FROM total_royalty_month t
  WHERE t.report_day_no <= :day
  UNION ALL
  -- A kept total says 0 where a report has no gross column at all.
  SELECT 'TooLost', d.month_no, CASE WHEN t.gross_nano = 0 AND t.net_nano <> 0 THEN NULL ELSE CONVERT_NANO(t.gross_nano, r.nano_usd) END,
    CASE WHEN CONVERT_NANO(t.gross_nano, r.nano_usd) IS NULL THEN 1 ELSE 0 END
  FROM total_sale t
  JOIN dim_date d ON d.day_no = t.sale_day_no
  JOIN dim_month m ON m.month_no = d.month_no
  LEFT JOIN rate_of r ON r.source_id = t.currency AND r.from_day <= t.sale_day_no AND t.sale_day_no < r.until_day
  WHERE COALESCE(t.report_day_no, m.last_day_no) <= :day
)
SELECT g.distributor AS distributor, m.month AS month, SUM(g.gross_nano) AS num, 1000000000 AS den, SUM(g.unconverted) AS unconverted,
  MAX(CASE WHEN n.day_no >= m.last_day_no + COALESCE(l.lag_days, 60) + 30 THEN 1 ELSE 0 END) AS covered, 1 AS expected
FROM gross g
JOIN dim_month m ON m.month_no = g.month_no
JOIN newest n ON n.distributor = g.distributor
LEFT JOIN ref_distributor l ON l.distributor = g.distributor
GROUP BY g.distributor, m.month
ORDER BY g.distributor, m.month;
