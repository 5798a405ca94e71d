/*---
kpi: revenue_by_report
title: Net royalties by statement month
domain: revenue
unit: usd
direction: up
decimals: 2
formula: sum of net royalties by the month in which the distributor reported them
dimensions: [distributor, month]
adds_over: [distributor, month]
window: each statement month
completeness: a statement month is complete when it is over; covered says whether it was over on the day asked for
differs: Distributors pay weeks after they report, and take fees off a payout.
evidence:
  - fact: fact_royalty_line
    where: >-
      :distributor = 'DistroKid' AND report_day_no <= :day AND report_day_no IN (SELECT day_no FROM dim_date WHERE month = :month)
  - fact: fact_sale_line
    where: >-
      :distributor = 'TooLost' AND (report_day_no <= :day AND report_day_no IN (SELECT day_no FROM dim_date WHERE month = :month) OR
      report_day_no IS NULL AND sale_day_no IN (SELECT d.day_no FROM dim_date d JOIN dim_month m ON m.month_no = d.month_no WHERE
      m.last_day_no <= :day AND m.month = :month))
---*/
SELECT r.distributor AS distributor, m.month AS month, SUM(r.net_nano) AS num, 1000000000 AS den, SUM(r.unconverted) AS unconverted,
  MAX(CASE WHEN m.last_day_no <= :day THEN 1 ELSE 0 END) AS covered, 1 AS expected
FROM v_royalty_month r
JOIN dim_date d ON d.day_no = r.report_day_no
JOIN dim_month m ON m.month_no = d.month_no
WHERE r.report_day_no <= :day
GROUP BY r.distributor, m.month
ORDER BY r.distributor NULLS FIRST, m.month;
