/*---
kpi: receivable_pending
title: Earned, not yet reported
domain: revenue
unit: usd
direction: neutral
decimals: 2
formula: expected revenue of months that are over, for which the distributor has reported nothing of the platform, until 30 days after they were due (month end and the distributor's lag)
dimensions: [distributor]
adds_over: [distributor]
window: months that are over
completeness: a platform's month is reported as soon as any statement line tells it; 0 where all is reported
differs: An estimate; the distributor shows nothing before it reports.
evidence:
  fact: fact_stream_day
  where: "day_no <= :day AND distributor IN (SELECT id FROM source_value WHERE value = :distributor)"
---*/
WITH told AS (
  SELECT DISTINCT r.distributor AS distributor, r.sale_month_no AS month_no, r.platform_id AS platform_id
  FROM v_royalty_month r
  WHERE r.report_day_no <= :day
)
SELECT e.distributor AS distributor,
  SUM(CASE WHEN t.month_no IS NULL AND e.due_day_no + 30 > :day THEN e.expected_nano WHEN e.expected_nano IS NOT NULL THEN 0 END) AS num,
  1000000000 AS den
FROM v_expected_revenue e
JOIN dim_month m ON m.month_no = e.month_no
LEFT JOIN told t ON t.distributor = e.distributor AND t.month_no = e.month_no AND t.platform_id = e.platform_id
WHERE m.last_day_no <= :day
GROUP BY e.distributor
ORDER BY e.distributor;
