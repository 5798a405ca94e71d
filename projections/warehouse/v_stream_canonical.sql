/*---
view: v_stream_canonical
title: Streams a day as distributors tell them; the only stream source that KPIs across platforms may read
grain: [day_no, platform_id, distributor]
columns:
  day_no: "day"
  platform_id: "text; member id"
  distributor: "text"
  dataset: "text; the source that is believed for this day"
  streams: "count"
---*/
-- Of several datasets that tell the same day of a platform at one distributor, the one of the best authority counts, whole.
SELECT r.day_no AS day_no, r.platform_id AS platform_id, r.distributor AS distributor, r.dataset AS dataset, r.streams AS streams
FROM (
  SELECT f.day_no AS day_no, p.platform_id AS platform_id, d.value AS distributor, s.value AS dataset, SUM(f.streams) AS streams,
    ROW_NUMBER() OVER (
      PARTITION BY f.day_no, p.platform_id, d.value ORDER BY COALESCE(c.authority, 1000), s.value) AS place
  FROM fact_stream_day f
  JOIN platform_of p ON p.source_id = f.platform
  JOIN source_value d ON d.id = f.distributor
  JOIN source_value s ON s.id = f.src
  LEFT JOIN ref_source c ON c.dataset = s.value
  GROUP BY f.day_no, p.platform_id, d.value, s.value, c.authority
) r
WHERE r.place = 1;
