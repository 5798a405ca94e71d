/*---
view: v_stream_month
title: Streams a month as distributors tell them
grain: [month_no, distributor, platform_id]
columns:
  month_no: "month"
  distributor: "text"
  platform_id: "text; member id"
  streams: "count"
  days: "count; days of the month that are told"
---*/
SELECT d.month_no AS month_no, s.distributor AS distributor, s.platform_id AS platform_id, SUM(s.streams) AS streams,
  COUNT(DISTINCT s.day_no) AS days
FROM v_stream_canonical s
JOIN dim_date d ON d.day_no = s.day_no
WHERE s.streams IS NOT NULL
GROUP BY d.month_no, s.distributor, s.platform_id;
