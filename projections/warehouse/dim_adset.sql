/*---
view: dim_adset
title: Ad sets, and the campaign each belongs to
grain: [adset_id]
columns:
  adset_id: "text; the platform's id"
  campaign_id: "text; the platform's id; null where nothing tells it"
  name: "text; the newest one told"
  status: "text; as a person switched it, on the day last asked"
  goal: "text; what delivery is optimised for, as the platform calls it"
  start_day_no: "day; as planned, else the first day with figures"
  end_day_no: "day; as planned; null for open"
  daily_budget_nano: "nano; in the currency of the account"
  lifetime_budget_nano: "nano; in the currency of the account"
  currency: "text; of the budgets"
  first_day_no: "day; the first with figures"
  last_day_no: "day; the last with figures"
---*/
WITH told AS (
  SELECT f.adset AS object, MIN(f.day_no) AS first_day_no, MAX(f.day_no) AS day_no, MAX(f.last_day_no) AS last_day_no
  FROM fact_ad_day f
  GROUP BY f.adset
), figures AS (
  SELECT v.value AS adset_id, MAX(c.value) AS campaign_id, MAX(n.value) AS name, t.first_day_no AS first_day_no,
    t.last_day_no AS last_day_no, t.day_no AS day_no
  FROM told t
  JOIN source_value v ON v.id = t.object AND v.value <> 'all'
  JOIN fact_ad_day f ON f.adset = t.object AND f.day_no = t.day_no
  LEFT JOIN source_value n ON n.id = f.adset_name
  LEFT JOIN source_value c ON c.id = f.campaign AND c.value <> 'all'
  GROUP BY v.value, t.first_day_no, t.last_day_no, t.day_no
), asked AS (
  SELECT o.object AS object, MAX(o.as_of_day_no) AS day_no
  FROM fact_ad_object o
  JOIN source_value k ON k.id = o.kind AND k.value = 'adset'
  GROUP BY o.object
), objects AS (
  SELECT v.value AS adset_id, MAX(c.value) AS campaign_id, MAX(n.value) AS name, q.day_no AS day_no, MAX(s.value) AS status,
    MAX(j.value) AS goal, MIN(o.start_day_no) AS start_day_no, MAX(o.stop_day_no) AS end_day_no,
    MAX(o.daily_budget_nano) AS daily_budget_nano, MAX(o.lifetime_budget_nano) AS lifetime_budget_nano, MAX(u.value) AS currency
  FROM asked q
  JOIN fact_ad_object o ON o.object = q.object AND o.as_of_day_no = q.day_no
  JOIN source_value k ON k.id = o.kind AND k.value = 'adset'
  JOIN source_value v ON v.id = o.object
  LEFT JOIN source_value c ON c.id = o.campaign
  LEFT JOIN source_value n ON n.id = o.name
  LEFT JOIN source_value s ON s.id = o.status
  LEFT JOIN source_value j ON j.id = o.objective
  LEFT JOIN source_value u ON u.id = o.currency
  GROUP BY v.value, q.day_no
), known AS (
  SELECT f.adset_id AS adset_id FROM figures f
  UNION
  SELECT o.adset_id FROM objects o
)
-- The newest name; of one day, that of the object.
SELECT k.adset_id AS adset_id, COALESCE(o.campaign_id, f.campaign_id) AS campaign_id,
  CASE WHEN o.name IS NULL OR f.name IS NOT NULL AND f.day_no > o.day_no THEN f.name ELSE o.name END AS name, o.status AS status,
  o.goal AS goal, COALESCE(o.start_day_no, f.first_day_no) AS start_day_no, o.end_day_no AS end_day_no,
  o.daily_budget_nano AS daily_budget_nano, o.lifetime_budget_nano AS lifetime_budget_nano, o.currency AS currency,
  f.first_day_no AS first_day_no, f.last_day_no AS last_day_no
FROM known k
LEFT JOIN figures f ON f.adset_id = k.adset_id
LEFT JOIN objects o ON o.adset_id = k.adset_id;
