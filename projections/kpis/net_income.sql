/*---
kpi: net_income
title: Net income
domain: revenue
unit: usd
direction: up
decimals: 2
formula: net royalties after splits, by the month reported, less the expenses of the same month
dimensions: [month]
adds_over: [month]
window: each month
completeness: covered counts which of royalties and expenses the month has; no value unless both are reported
evidence:
  - fact: fact_royalty_line
    where: >-
      report_day_no <= :day AND report_day_no IN (SELECT day_no FROM dim_date WHERE month = :month)
  - fact: fact_sale_line
    where: >-
      (report_day_no <= :day AND report_day_no IN (SELECT day_no FROM dim_date WHERE month = :month) OR report_day_no IS NULL AND
      sale_day_no IN (SELECT d.day_no FROM dim_date d JOIN dim_month m ON m.month_no = d.month_no WHERE m.last_day_no <= :day AND
      m.month = :month))
  - fact: fact_expense
    where: >-
      day_no <= :day AND amount_nano IS NOT NULL AND day_no IN (SELECT day_no FROM dim_date WHERE month = :month) AND entry NOT IN
      (SELECT id FROM source_value WHERE kind = 'expense_entry' AND value = 'payment')
---*/
WITH part AS (
  SELECT d.month_no AS month_no, 'royalties' AS part, r.net_nano AS amount_nano, r.unconverted AS unconverted
  FROM v_royalty_month r
  JOIN dim_date d ON d.day_no = r.report_day_no
  WHERE r.report_day_no <= :day
  UNION ALL
  SELECT d.month_no, 'royalties', 0 - s.amount_nano, 0
  FROM v_royalty_share s
  JOIN dim_date d ON d.day_no = s.report_day_no
  WHERE s.report_day_no <= :day
  UNION ALL
  SELECT d.month_no, 'expenses', 0 - CONVERT_NANO(f.amount_nano, r.nano_usd), CASE WHEN CONVERT_NANO(f.amount_nano, r.nano_usd) IS NULL THEN 1 ELSE 0 END
  FROM fact_expense f
  JOIN source_value e ON e.id = f.entry
  JOIN dim_date d ON d.day_no = f.day_no
  LEFT JOIN rate_of r ON r.source_id = f.currency AND r.from_day <= f.day_no AND f.day_no < r.until_day
  WHERE f.day_no <= :day AND e.value <> 'payment' AND f.amount_nano IS NOT NULL
)
SELECT m.month AS month, CASE WHEN COUNT(DISTINCT p.part) = 2 THEN SUM(p.amount_nano) END AS num, 1000000000 AS den,
  SUM(p.unconverted) AS unconverted, COUNT(DISTINCT p.part) AS covered, 2 AS expected
FROM part p
JOIN dim_month m ON m.month_no = p.month_no
GROUP BY m.month
ORDER BY m.month;
