/*---
view: dim_ad
title: Ads, and the ad set, campaign and creative each belongs to
grain: [ad_id]
columns:
  ad_id: "text; the platform's id"
  adset_id: "text; the platform's id; null where nothing tells it"
  campaign_id: "text; the platform's id; null where nothing tells it"
  name: "text; the newest one told"
  status: "text; as a person switched it, on the day last asked"
  creative_id: "text; the platform's id of what is shown, on the day last asked"
  first_day_no: "day; the first with figures"
  last_day_no: "day; the last with figures"
---*/
WITH told AS (
  SELECT f.ad AS object, MIN(f.day_no) AS first_day_no, MAX(f.day_no) AS day_no, MAX(f.last_day_no) AS last_day_no
  FROM fact_ad_day f
  GROUP BY f.ad
), figures AS (
  SELECT v.value AS ad_id, MAX(p.value) AS adset_id, MAX(c.value) AS campaign_id, MAX(n.value) AS name, t.first_day_no AS first_day_no,
    t.last_day_no AS last_day_no, t.day_no AS day_no
  FROM told t
  JOIN source_value v ON v.id = t.object AND v.value <> 'all'
  JOIN fact_ad_day f ON f.ad = t.object AND f.day_no = t.day_no
  LEFT JOIN source_value n ON n.id = f.ad_name
  LEFT JOIN source_value p ON p.id = f.adset AND p.value <> 'all'
  LEFT JOIN source_value c ON c.id = f.campaign AND c.value <> 'all'
  GROUP BY v.value, t.first_day_no, t.last_day_no, t.day_no
), asked AS (
  SELECT o.object AS object, MAX(o.as_of_day_no) AS day_no
  FROM fact_ad_object o
  JOIN source_value k ON k.id = o.kind AND k.value = 'ad'
  GROUP BY o.object
), objects AS (
  SELECT v.value AS ad_id, MAX(p.value) AS adset_id, MAX(c.value) AS campaign_id, MAX(n.value) AS name, q.day_no AS day_no,
    MAX(s.value) AS status, MAX(r.value) AS creative_id
  FROM asked q
  JOIN fact_ad_object o ON o.object = q.object AND o.as_of_day_no = q.day_no
  JOIN source_value k ON k.id = o.kind AND k.value = 'ad'
  JOIN source_value v ON v.id = o.object
  LEFT JOIN source_value c ON c.id = o.campaign
  LEFT JOIN source_value p ON p.id = o.parent
  LEFT JOIN source_value n ON n.id = o.name
  LEFT JOIN source_value s ON s.id = o.status
  LEFT JOIN source_value r ON r.id = o.creative
  GROUP BY v.value, q.day_no
), known AS (
  SELECT f.ad_id AS ad_id FROM figures f
  UNION
  SELECT o.ad_id FROM objects o
)
-- The newest name; of one day, that of the object.
SELECT k.ad_id AS ad_id, COALESCE(o.adset_id, f.adset_id) AS adset_id, COALESCE(o.campaign_id, f.campaign_id) AS campaign_id,
  CASE WHEN o.name IS NULL OR f.name IS NOT NULL AND f.day_no > o.day_no THEN f.name ELSE o.name END AS name, o.status AS status,
  o.creative_id AS creative_id, f.first_day_no AS first_day_no, f.last_day_no AS last_day_no
FROM known k
LEFT JOIN figures f ON f.ad_id = k.ad_id
LEFT JOIN objects o ON o.ad_id = k.ad_id;
