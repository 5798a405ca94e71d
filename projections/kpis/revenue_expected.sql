/*---
kpi: revenue_expected
title: Expected revenue by month of streams
domain: revenue
unit: usd
direction: up
decimals: 2
formula: streams of the distributor's trend times what a stream earned there in the 12 statement months before the month (whole billionths of a dollar), else times the assumed rate
dimensions: [month, distributor, platform]
adds_over: [month, distributor, platform]
window: each month that is over
completeness: covered counts the days of the month that the trend tells
differs: An estimate; trends count streams and statements count what is paid for.
evidence:
  fact: fact_stream_day
  where: "day_no <= :day AND day_no IN (SELECT day_no FROM dim_date WHERE month = :month) AND platform IN (SELECT source_id FROM platform_of WHERE platform_id = :platform) AND distributor IN (SELECT id FROM source_value WHERE value = :distributor)"
---*/
SELECT m.month AS month, e.distributor AS distributor, e.platform_id AS platform, e.expected_nano AS num, 1000000000 AS den,
  e.days AS covered, m.last_day_no - m.first_day_no + 1 AS expected
FROM v_expected_revenue e
JOIN dim_month m ON m.month_no = e.month_no
WHERE m.last_day_no <= :day
ORDER BY m.month, e.distributor, e.platform_id;
