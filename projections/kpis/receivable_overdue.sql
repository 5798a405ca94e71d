/*---
kpi: receivable_overdue
title: Overdue, no statement 30 days after it was due
domain: revenue
unit: usd
direction: down
decimals: 2
formula: expected revenue of months that are over, for which the distributor has reported nothing of the platform, 30 days or more after they were due (month end and the distributor's lag)
dimensions: [distributor, month]
adds_over: [distributor, month]
window: months that are over
completeness: a platform's month is reported as soon as any statement line tells it
differs: An estimate; the distributor shows nothing before it reports.
alerts:
  - {alert: overdue, above: 0, newest: month, severity: warn, cooldown_days: 30, text: "Streams were played and no statement tells them: ask the distributor; bedrot kpi show receivable_overdue has the earlier months."}
evidence:
  fact: fact_stream_day
  where: "day_no <= :day AND day_no IN (SELECT day_no FROM dim_date WHERE month = :month) AND distributor IN (SELECT id FROM source_value WHERE value = :distributor)"
---*/
WITH told AS (
  SELECT DISTINCT r.distributor AS distributor, r.sale_month_no AS month_no, r.platform_id AS platform_id
  FROM v_royalty_month r
  WHERE r.report_day_no <= :day
)
SELECT e.distributor AS distributor, m.month AS month, SUM(e.expected_nano) AS num, 1000000000 AS den
FROM v_expected_revenue e
JOIN dim_month m ON m.month_no = e.month_no
LEFT JOIN told t ON t.distributor = e.distributor AND t.month_no = e.month_no AND t.platform_id = e.platform_id
WHERE m.last_day_no <= :day AND e.due_day_no + 30 <= :day AND t.month_no IS NULL
GROUP BY e.distributor, m.month
ORDER BY e.distributor, m.month;
