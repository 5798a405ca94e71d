/*---
kpi: toolost_revenue_est
title: Too Lost, estimated where no statement came
domain: revenue
unit: usd
direction: up
decimals: 2
formula: expected revenue at Too Lost of the platforms and months that no report tells yet
dimensions: [month]
adds_over: [month]
window: each month that is over
completeness: covered counts the days of the month that the trend tells, on the platform that it tells least of
differs: An estimate; Too Lost shows money only when it reports.
evidence:
  fact: fact_stream_day
  where: "day_no <= :day AND day_no IN (SELECT day_no FROM dim_date WHERE month = :month) AND distributor IN (SELECT id FROM source_value WHERE value = 'TooLost')"
---*/
WITH told AS (
  SELECT DISTINCT r.sale_month_no AS month_no, r.platform_id AS platform_id
  FROM v_royalty_month r
  WHERE r.distributor = 'TooLost' AND r.report_day_no <= :day
)
SELECT m.month AS month, SUM(e.expected_nano) AS num, 1000000000 AS den, MIN(e.days) AS covered,
  MAX(m.last_day_no - m.first_day_no + 1) AS expected
FROM v_expected_revenue e
JOIN dim_month m ON m.month_no = e.month_no
LEFT JOIN told t ON t.month_no = e.month_no AND t.platform_id = e.platform_id
WHERE e.distributor = 'TooLost' AND m.last_day_no <= :day AND t.month_no IS NULL
GROUP BY m.month
ORDER BY m.month;
