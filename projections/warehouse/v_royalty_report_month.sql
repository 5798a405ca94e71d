/*---
view: v_royalty_report_month
title: Royalties by the month in which they were reported, in US dollars; lines without a quantity or a rate are left out
grain: [month_no, distributor, platform_id]
columns:
  month_no: "month; in which the distributor reported"
  distributor: "text"
  platform_id: "text; member id"
  quantity: "count; units, streams and downloads"
  net_nano: "nano-USD"
---*/
SELECT d.month_no AS month_no, r.distributor AS distributor, r.platform_id AS platform_id, SUM(r.quantity) AS quantity,
  SUM(r.net_nano) AS net_nano
FROM v_royalty_month r
JOIN dim_date d ON d.day_no = r.report_day_no
WHERE r.net_nano IS NOT NULL AND r.quantity IS NOT NULL
GROUP BY d.month_no, r.distributor, r.platform_id;
