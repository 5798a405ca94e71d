/*---
view: v_expected_revenue
title: What the streams of a month should earn, by what streams earned in the twelve statement months before it
grain: [month_no, distributor, platform_id]
columns:
  month_no: "month; of the streams"
  distributor: "text"
  platform_id: "text; member id"
  streams: "count; as the distributor's trend tells them"
  days: "count; days of the month that the trend covers"
  rate_nano: "nano-USD a stream; null where neither statements nor an assumption tell one"
  basis: "text; statements or assumption"
  expected_nano: "nano-USD; streams times rate"
  due_day_no: "day; the end of the month and the distributor's lag"
---*/
-- The rate of a month rests on what was reported before it began, so that later statements never change what was expected.
WITH played AS (
  SELECT d.month_no AS month_no, s.distributor AS distributor, s.platform_id AS platform_id, SUM(s.streams) AS streams,
    COUNT(DISTINCT s.day_no) AS days
  FROM v_stream_canonical s
  JOIN dim_date d ON d.day_no = s.day_no
  WHERE s.streams IS NOT NULL
  GROUP BY d.month_no, s.distributor, s.platform_id
), sold AS (
  SELECT d.month_no AS month_no, r.distributor AS distributor, r.platform_id AS platform_id, SUM(r.net_nano) AS net_nano,
    SUM(r.quantity) AS quantity
  FROM v_royalty_month r
  JOIN dim_date d ON d.day_no = r.report_day_no
  WHERE r.net_nano IS NOT NULL AND r.quantity IS NOT NULL
  GROUP BY d.month_no, r.distributor, r.platform_id
), earned AS (
  SELECT p.month_no AS month_no, p.distributor AS distributor, p.platform_id AS platform_id, p.streams AS streams, p.days AS days,
    SUM(s.net_nano) AS net_nano, SUM(s.quantity) AS quantity
  FROM played p
  LEFT JOIN sold s ON s.distributor = p.distributor AND s.platform_id = p.platform_id AND s.month_no < p.month_no
    AND s.month_no >= p.month_no - 12
  GROUP BY p.month_no, p.distributor, p.platform_id, p.streams, p.days
)
SELECT e.month_no AS month_no, e.distributor AS distributor, e.platform_id AS platform_id, e.streams AS streams, e.days AS days,
  CASE WHEN e.quantity > 0 AND e.net_nano > 0 THEN IDIV(e.net_nano, e.quantity) ELSE a.usd END AS rate_nano,
  CASE WHEN e.quantity > 0 AND e.net_nano > 0 THEN 'statements' WHEN a.usd IS NOT NULL THEN 'assumption' END AS basis,
  e.streams * CASE WHEN e.quantity > 0 AND e.net_nano > 0 THEN IDIV(e.net_nano, e.quantity) ELSE a.usd END AS expected_nano,
  m.last_day_no + COALESCE(l.lag_days, 60) AS due_day_no
FROM earned e
JOIN dim_month m ON m.month_no = e.month_no
LEFT JOIN ref_pay_rate a ON a.platform = e.platform_id
LEFT JOIN ref_distributor l ON l.distributor = e.distributor;
