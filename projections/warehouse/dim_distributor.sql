/*---
view: dim_distributor
title: Distributors, how long their statements take, and what is there of each
grain: [distributor]
columns:
  distributor: "text; as facts name it"
  name: "text; as people read it"
  lag_days: "count; from the end of a sale month to its statement; null where nobody says it"
  cutover_day_no: "day; the day the label moved to it; null where nobody says it"
  first_stream_day_no: "day; the first of its trends; null without any"
  last_stream_day_no: "day; the last of its trends"
  last_report_day_no: "day; of its newest statement or sales report; null without any"
  last_payout_day_no: "day; of the newest money that arrived; null without any"
---*/
WITH told AS (
  SELECT d.value AS distributor, MIN(f.day_no) AS first_day_no, MAX(f.day_no) AS last_day_no, NULL AS report_day_no, NULL AS payout_day_no
  FROM fact_stream_day f
  JOIN source_value d ON d.id = f.distributor
  GROUP BY d.value
  UNION ALL
  SELECT 'DistroKid', NULL, NULL, MAX(t.report_day_no), NULL
  FROM total_royalty_month t
  HAVING COUNT(*) > 0
  UNION ALL
  SELECT 'TooLost', NULL, NULL, MAX(COALESCE(t.report_day_no, t.sale_day_no)), NULL
  FROM total_sale t
  HAVING COUNT(*) > 0
  UNION ALL
  -- Whoever keeps the list may write a known distributor in another case.
  SELECT COALESCE(n.distributor, d.value), NULL, NULL, NULL, MAX(f.day_no)
  FROM fact_payout f
  JOIN source_value d ON d.id = f.distributor
  LEFT JOIN ref_distributor n ON LOWER(REPLACE(n.distributor, ' ', '')) = LOWER(REPLACE(d.value, ' ', ''))
  GROUP BY COALESCE(n.distributor, d.value)
  UNION ALL
  SELECT r.distributor, NULL, NULL, NULL, NULL
  FROM ref_distributor r
)
SELECT t.distributor AS distributor, COALESCE(MAX(r.name), t.distributor) AS name, MAX(r.lag_days) AS lag_days,
  MAX(r.cutover_day) AS cutover_day_no, MIN(t.first_day_no) AS first_stream_day_no, MAX(t.last_day_no) AS last_stream_day_no,
  MAX(t.report_day_no) AS last_report_day_no, MAX(t.payout_day_no) AS last_payout_day_no
FROM told t
LEFT JOIN ref_distributor r ON r.distributor = t.distributor
GROUP BY t.distributor;
