/*---
kpi: revenue_variance_pct
title: Actual against expected revenue
domain: revenue
unit: percent
direction: neutral
decimals: 1
formula: (net royalties - expected revenue) / expected revenue, of the same sale month, distributor and platform
dimensions: [month, distributor, platform]
window: each sale month that the distributor has wholly reported
completeness: a statement of the distributor is dated 30 days or more after the month's end and its lag; covered counts the days of the month that the trend tells
differs: An estimate is set against an account; a trend that lacks days, or a store that counts otherwise, shows as a difference.
alerts:
  - {alert: paid_more, above: 15, newest: month, severity: info, cooldown_days: 30, text: "Statements pay 15 percent more than the streams let expect: look for streams that the trend lacks."}
  - {alert: paid_less, below: -15, newest: month, severity: warn, cooldown_days: 30, text: "Statements pay 15 percent less than the streams let expect: ask the distributor."}
evidence:
  - fact: fact_royalty_line
    where: >-
      :distributor = 'DistroKid' AND report_day_no <= :day AND sale_month_no IN (SELECT month_no FROM dim_month WHERE month = :month)
      AND platform IN (SELECT source_id FROM platform_of WHERE platform_id = :platform)
  - fact: fact_sale_line
    where: >-
      :distributor = 'TooLost' AND sale_day_no IN (SELECT day_no FROM dim_date WHERE month = :month) AND (report_day_no <= :day OR
      report_day_no IS NULL AND sale_day_no IN (SELECT d.day_no FROM dim_date d JOIN dim_month m ON m.month_no = d.month_no WHERE
      m.last_day_no <= :day)) AND platform IN (SELECT source_id FROM platform_of WHERE platform_id = :platform)
  - fact: fact_stream_day
    where: >-
      day_no <= :day AND day_no IN (SELECT day_no FROM dim_date WHERE month = :month) AND distributor IN (SELECT id FROM source_value
      WHERE value = :distributor) AND platform IN (SELECT source_id FROM platform_of WHERE platform_id = :platform)
---*/
WITH newest AS (
  SELECT r.distributor AS distributor, MAX(r.report_day_no) AS day_no
  FROM v_royalty_month r
  WHERE r.report_day_no <= :day
  GROUP BY r.distributor
), net AS (
  SELECT r.distributor AS distributor, r.sale_month_no AS month_no, r.platform_id AS platform_id, SUM(r.net_nano) AS net_nano,
    SUM(r.unconverted) AS unconverted
  FROM v_royalty_month r
  WHERE r.report_day_no <= :day
  GROUP BY r.distributor, r.sale_month_no, r.platform_id
)
SELECT m.month AS month, e.distributor AS distributor, e.platform_id AS platform, r.net_nano - e.expected_nano AS num,
  e.expected_nano AS den, r.unconverted AS unconverted, e.days AS covered,
  m.last_day_no - m.first_day_no + 1 AS expected
FROM v_expected_revenue e
JOIN net r ON r.distributor = e.distributor AND r.platform_id = e.platform_id AND r.month_no = e.month_no
JOIN dim_month m ON m.month_no = e.month_no
JOIN newest n ON n.distributor = e.distributor AND n.day_no >= e.due_day_no + 30
WHERE e.expected_nano IS NOT NULL AND e.expected_nano > 0
ORDER BY m.month, e.distributor, e.platform_id;
