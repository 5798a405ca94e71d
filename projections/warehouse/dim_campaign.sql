/*---
view: dim_campaign
title: Advertising campaigns, and the artist and track they are for
grain: [campaign_id]
columns:
  campaign_id: "text; the platform's id"
  name: "text; the newest one told"
  objective: "text; as the platform calls it"
  status: "text; as a person switched it, on the day last asked"
  start_day_no: "day; as planned, else the first day with figures"
  end_day_no: "day; as planned; null for open"
  first_day_no: "day; the first with figures"
  last_day_no: "day; the last with figures"
  daily_budget_nano: "nano; in the currency of the account"
  lifetime_budget_nano: "nano; in the currency of the account"
  currency: "text; of the budgets"
  artist_id: "text; member id"
  track_id: "text; member id"
  targeting: "text"
  copy_no: "count; 0 for the original"
  parse_rule: "text; see v_campaign_name, or manual"
  parse_confidence: "count; percent"
  parse_source: "text; auto from the name, manual by a person (`bedrot reference set campaign`)"
---*/
WITH told AS (
  SELECT f.campaign AS campaign, MIN(f.day_no) AS first_day_no, MAX(f.day_no) AS day_no, MAX(f.last_day_no) AS last_day_no
  FROM fact_ad_day f
  GROUP BY f.campaign
),
figures AS (
  SELECT c.value AS campaign_id, t.first_day_no AS first_day_no, t.last_day_no AS last_day_no, t.day_no AS day_no, MAX(n.value) AS name,
    MAX(o.value) AS objective
  FROM told t
  JOIN source_value c ON c.id = t.campaign AND c.value <> 'all'
  JOIN fact_ad_day f ON f.campaign = t.campaign AND f.day_no = t.day_no
  LEFT JOIN source_value n ON n.id = f.campaign_name
  LEFT JOIN source_value o ON o.id = f.objective
  GROUP BY c.value, t.first_day_no, t.last_day_no, t.day_no
),
asked AS (
  SELECT o.object AS object, MAX(o.as_of_day_no) AS day_no
  FROM fact_ad_object o
  JOIN source_value k ON k.id = o.kind AND k.value = 'campaign'
  GROUP BY o.object
),
objects AS (
  SELECT c.value AS campaign_id, q.day_no AS day_no, MAX(n.value) AS name, MAX(j.value) AS objective, MAX(s.value) AS status,
    MIN(o.start_day_no) AS start_day_no, MAX(o.stop_day_no) AS end_day_no, MAX(o.daily_budget_nano) AS daily_budget_nano,
    MAX(o.lifetime_budget_nano) AS lifetime_budget_nano, MAX(u.value) AS currency
  FROM asked q
  JOIN fact_ad_object o ON o.object = q.object AND o.as_of_day_no = q.day_no
  JOIN source_value k ON k.id = o.kind AND k.value = 'campaign'
  JOIN source_value c ON c.id = o.object
  LEFT JOIN source_value n ON n.id = o.name
  LEFT JOIN source_value j ON j.id = o.objective
  LEFT JOIN source_value s ON s.id = o.status
  LEFT JOIN source_value u ON u.id = o.currency
  GROUP BY c.value, q.day_no
),
said AS (
  SELECT f.campaign_id AS campaign_id, f.day_no AS day_no, 0 AS is_object, f.name AS name, f.objective AS objective, NULL AS status,
    NULL AS start_day_no, NULL AS end_day_no, f.first_day_no AS first_day_no, f.last_day_no AS last_day_no, NULL AS daily_budget_nano,
    NULL AS lifetime_budget_nano, NULL AS currency
  FROM figures f
  UNION ALL
  SELECT o.campaign_id, o.day_no, 1, o.name, o.objective, o.status, o.start_day_no, o.end_day_no, NULL, NULL, o.daily_budget_nano,
    o.lifetime_budget_nano, o.currency
  FROM objects o
),
-- The newest name; of one day, that of the object.
newest AS (
  SELECT s.campaign_id AS campaign_id, s.is_object AS is_object, s.name AS name, s.objective AS objective, s.status AS status,
    s.start_day_no AS start_day_no, s.end_day_no AS end_day_no, s.first_day_no AS first_day_no, s.last_day_no AS last_day_no,
    s.daily_budget_nano AS daily_budget_nano, s.lifetime_budget_nano AS lifetime_budget_nano, s.currency AS currency,
    ROW_NUMBER() OVER (
      PARTITION BY s.campaign_id
      ORDER BY CASE WHEN s.name IS NULL THEN 1 ELSE 0 END, s.day_no DESC, s.is_object DESC) AS rank_no
  FROM said s
),
campaign AS (
  SELECT s.campaign_id AS campaign_id, MAX(CASE WHEN s.rank_no = 1 THEN s.name END) AS name,
    COALESCE(MAX(CASE WHEN s.is_object = 1 THEN s.objective END), MAX(s.objective)) AS objective, MAX(s.status) AS status,
    COALESCE(MAX(s.start_day_no), MAX(s.first_day_no)) AS start_day_no, MAX(s.end_day_no) AS end_day_no,
    MAX(s.first_day_no) AS first_day_no, MAX(s.last_day_no) AS last_day_no, MAX(s.daily_budget_nano) AS daily_budget_nano,
    MAX(s.lifetime_budget_nano) AS lifetime_budget_nano, MAX(s.currency) AS currency
  FROM newest s
  GROUP BY s.campaign_id
)
SELECT c.campaign_id AS campaign_id, c.name AS name, c.objective AS objective, c.status AS status, c.start_day_no AS start_day_no,
  c.end_day_no AS end_day_no, c.first_day_no AS first_day_no, c.last_day_no AS last_day_no, c.daily_budget_nano AS daily_budget_nano,
  c.lifetime_budget_nano AS lifetime_budget_nano, c.currency AS currency,
  CASE WHEN r.campaign IS NULL THEN n.artist_id ELSE COALESCE(r.artist, t.artist) END AS artist_id,
  CASE WHEN r.campaign IS NULL THEN n.track_id ELSE r.track END AS track_id,
  CASE WHEN r.campaign IS NULL THEN n.targeting ELSE r.targeting END AS targeting,
  n.copy_no AS copy_no,
  CASE WHEN r.campaign IS NULL THEN n.parse_rule ELSE 'manual' END AS parse_rule,
  CASE WHEN r.campaign IS NULL THEN n.parse_confidence ELSE 100 END AS parse_confidence,
  CASE WHEN r.campaign IS NULL THEN 'auto' ELSE 'manual' END AS parse_source
FROM campaign c
LEFT JOIN v_campaign_name n ON n.name = c.name
LEFT JOIN ref_campaign r ON r.campaign = c.campaign_id
LEFT JOIN ref_track t ON t.track = r.track;
