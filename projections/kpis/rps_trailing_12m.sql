/*---
kpi: rps_trailing_12m
title: Net royalties per stream, trailing 12 statement months
domain: revenue
unit: usd
direction: neutral
decimals: 6
formula: sum of net royalties / sum of quantity over the 12 statement months up to the newest one of the distributor; feeds expected revenue
dimensions: [distributor, platform]
window: 12 calendar months of statements, the newest included
completeness: covered says in how many of the 12 months the distributor reported this platform
differs: Platforms pay by country, plan and month; a rate found elsewhere is an average over other listeners.
evidence:
  - fact: fact_royalty_line
    where: >-
      :distributor = 'DistroKid' AND platform IN (SELECT source_id FROM platform_of WHERE platform_id = :platform) AND report_day_no IN
      (SELECT d.day_no FROM dim_date d WHERE d.month_no > (SELECT MAX(n.month_no) FROM v_royalty_month r JOIN dim_date n ON n.day_no =
      r.report_day_no WHERE r.distributor = :distributor AND r.report_day_no <= :day AND r.net_nano IS NOT NULL AND r.quantity IS NOT
      NULL) - 12 AND d.day_no <= :day)
  - fact: fact_sale_line
    where: >-
      :distributor = 'TooLost' AND platform IN (SELECT source_id FROM platform_of WHERE platform_id = :platform) AND (report_day_no IN
      (SELECT d.day_no FROM dim_date d WHERE d.month_no > (SELECT MAX(n.month_no) FROM v_royalty_month r JOIN dim_date n ON n.day_no =
      r.report_day_no WHERE r.distributor = :distributor AND r.report_day_no <= :day AND r.net_nano IS NOT NULL AND r.quantity IS NOT
      NULL) - 12 AND d.day_no <= :day) OR report_day_no IS NULL AND sale_day_no IN (SELECT d.day_no FROM dim_date d JOIN dim_month m ON
      m.month_no = d.month_no WHERE m.last_day_no <= :day AND m.month_no > (SELECT MAX(n.month_no) FROM v_royalty_month r JOIN dim_date
      n ON n.day_no = r.report_day_no WHERE r.distributor = :distributor AND r.report_day_no <= :day AND r.net_nano IS NOT NULL AND
      r.quantity IS NOT NULL) - 12))
---*/
WITH line AS (
  SELECT r.distributor AS distributor, r.platform_id AS platform_id, d.month_no AS month_no, r.net_nano AS net_nano, r.quantity AS quantity
  FROM v_royalty_month r
  JOIN dim_date d ON d.day_no = r.report_day_no
  WHERE r.report_day_no <= :day AND r.net_nano IS NOT NULL AND r.quantity IS NOT NULL
), newest AS (
  SELECT l.distributor AS distributor, MAX(l.month_no) AS month_no
  FROM line l
  GROUP BY l.distributor
)
SELECT l.distributor AS distributor, l.platform_id AS platform, SUM(l.net_nano) AS num, SUM(l.quantity) * 1000000000 AS den,
  COUNT(DISTINCT l.month_no) AS covered, 12 AS expected
FROM line l
JOIN newest n ON n.distributor = l.distributor AND l.month_no > n.month_no - 12
JOIN dim_platform p ON p.platform_id = l.platform_id
WHERE p.kind NOT IN ('download', 'unknown')
GROUP BY l.distributor, l.platform_id
HAVING SUM(l.quantity) > 0
ORDER BY l.distributor, l.platform_id;
