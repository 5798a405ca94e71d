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
SELECT p.month_no AS month_no, p.distributor AS distributor, p.platform_id AS platform_id, p.streams AS streams, p.days AS days,
  CASE WHEN SUM(s.quantity) > 0 AND SUM(s.net_nano) > 0 THEN IDIV(SUM(s.net_nano), SUM(s.quantity)) ELSE MAX(a.usd) END AS rate_nano,
  CASE WHEN SUM(s.quantity) > 0 AND SUM(s.net_nano) > 0 THEN 'statements' WHEN MAX(a.usd) IS NOT NULL THEN 'assumption' END AS basis,
  p.streams * CASE WHEN SUM(s.quantity) > 0 AND SUM(s.net_nano) > 0 THEN IDIV(SUM(s.net_nano), SUM(s.quantity)) ELSE MAX(a.usd) END
    AS expected_nano,
  MAX(m.last_day_no + COALESCE(l.lag_days, 60)) AS due_day_no
FROM v_stream_month p
JOIN dim_month m ON m.month_no = p.month_no
LEFT JOIN v_royalty_report_month s ON s.distributor = p.distributor AND s.platform_id = p.platform_id AND s.month_no < p.month_no
  AND s.month_no >= p.month_no - 12
LEFT JOIN ref_pay_rate a ON a.platform = p.platform_id
LEFT JOIN ref_distributor l ON l.distributor = p.distributor
GROUP BY p.month_no, p.distributor, p.platform_id, p.streams, p.days;
