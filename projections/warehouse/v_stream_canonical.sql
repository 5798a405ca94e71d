/*---
view: v_stream_canonical
title: Streams a day as distributors tell them; the only stream source that KPIs across platforms may read
grain: [day_no, platform_id, distributor, account]
columns:
  day_no: "day"
  platform_id: "text; member id"
  distributor: "text"
  account: "private; tells accounts of one distributor apart"
  dataset: "text; the source that is believed for this day"
  streams: "count"
---*/
-- lint: allow EXISTS: a window function here would make every question about a few days read all of them
-- Of several datasets that tell the same day of a platform at one distributor, the one of the best authority counts, whole.
SELECT f.day_no AS day_no, p.platform_id AS platform_id, d.value AS distributor, f.account AS account, s.value AS dataset,
  f.streams AS streams
FROM fact_stream_day f
JOIN platform_of p ON p.source_id = f.platform
JOIN source_value d ON d.id = f.distributor
JOIN source_value s ON s.id = f.src
LEFT JOIN ref_source c ON c.dataset = s.value
WHERE NOT EXISTS (
  SELECT 1
  FROM fact_stream_day g
  JOIN source_value t ON t.id = g.src
  LEFT JOIN ref_source e ON e.dataset = t.value
  WHERE g.day_no = f.day_no AND g.platform = f.platform AND g.distributor = f.distributor AND g.src <> f.src
    AND (COALESCE(e.authority, 1000) < COALESCE(c.authority, 1000)
      OR COALESCE(e.authority, 1000) = COALESCE(c.authority, 1000) AND t.value < s.value));
