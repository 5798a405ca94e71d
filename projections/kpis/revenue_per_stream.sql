/*---
kpi: revenue_per_stream
title: Net royalties per stream by platform, year to the newest statement
domain: revenue
unit: usd
direction: up
decimals: 6
formula: sum of net royalties / sum of quantity over the 365 days up to the newest statement; platforms that sell downloads, and those nobody has mapped, are left out
dimensions: [platform]
window: 365 days up to the newest statement, by the day reported
completeness: as far as statements go
differs: Platforms pay by country, plan and month; a rate found elsewhere is an average over other listeners.
evidence:
  - fact: fact_royalty_line
    where: >-
      report_day_no <= :day AND report_day_no > (SELECT MAX(report_day_no) FROM v_royalty_month WHERE report_day_no <= :day) - 365 AND
      platform IN (SELECT source_id FROM platform_of WHERE platform_id = :platform)
  - fact: fact_sale_line
    where: >-
      platform IN (SELECT source_id FROM platform_of WHERE platform_id = :platform) AND (report_day_no <= :day AND report_day_no >
      (SELECT MAX(report_day_no) FROM v_royalty_month WHERE report_day_no <= :day) - 365 OR report_day_no IS NULL AND sale_day_no IN
      (SELECT d.day_no FROM dim_date d JOIN dim_month m ON m.month_no = d.month_no WHERE m.last_day_no <= :day AND m.last_day_no >
      (SELECT MAX(report_day_no) FROM v_royalty_month WHERE report_day_no <= :day) - 365))
---*/
WITH newest AS (
  SELECT MAX(r.report_day_no) AS day_no
  FROM v_royalty_month r
  WHERE r.report_day_no <= :day
)
SELECT r.platform_id AS platform, SUM(r.net_nano) AS num, SUM(r.quantity) * 1000000000 AS den
FROM v_royalty_month r
JOIN newest n ON r.report_day_no <= n.day_no AND r.report_day_no > n.day_no - 365
JOIN dim_platform p ON p.platform_id = r.platform_id
WHERE r.net_nano IS NOT NULL AND r.quantity IS NOT NULL AND p.kind NOT IN ('download', 'unknown')
GROUP BY r.platform_id
HAVING SUM(r.quantity) > 0
ORDER BY r.platform_id;
