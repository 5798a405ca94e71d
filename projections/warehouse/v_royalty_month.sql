/*---
view: v_royalty_month
title: Royalties of all statements by sale month and platform, in US dollars
grain: []
columns:
  distributor: "text"
  report_day_no: "day; when the distributor reported it; the end of the sale month where a report does not say"
  sale_month_no: "month"
  platform_id: "text; member id"
  quantity: "count; units, streams and downloads"
  net_nano: "nano-USD; null where no rate converts the currency"
  unconverted: "count; 1 where an amount is not converted"
---*/
-- Every value has a member: the outer joins are there so that the lines are read first, and members looked up for each.
-- The same money as v_royalty, from a smaller kept total.
SELECT 'DistroKid' AS distributor, t.report_day_no AS report_day_no, t.sale_month_no AS sale_month_no, p.platform_id AS platform_id,
  t.quantity AS quantity, t.net_nano AS net_nano, 0 AS unconverted
FROM total_royalty_month t
LEFT JOIN platform_of p ON p.source_id = t.platform
UNION ALL
SELECT 'TooLost', COALESCE(t.report_day_no, m.last_day_no), d.month_no, p.platform_id, t.units, CONVERT_NANO(t.net_nano, r.nano_usd),
  CASE WHEN t.net_nano IS NOT NULL AND CONVERT_NANO(t.net_nano, r.nano_usd) IS NULL THEN 1 ELSE 0 END
FROM total_sale t
JOIN dim_date d ON d.day_no = t.sale_day_no
JOIN dim_month m ON m.month_no = d.month_no
LEFT JOIN platform_of p ON p.source_id = t.platform
LEFT JOIN rate_of r ON r.source_id = t.currency AND r.from_day <= t.sale_day_no AND t.sale_day_no < r.until_day;
