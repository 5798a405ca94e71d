/*---
curated: metaads_campaign_summary
title: Meta Ads, one line a campaign over all its days
file: metaads_campaign_summary.csv
formats: {first_seen_date: day, last_seen_date: day, total_spend: nano, avg_cpc: decimal/4, avg_ctr: decimal/3}
---*/
-- Sums the days that metaads_daily.csv shows. total_days_active counts the calendar from the first to the last day, days_with_delivery the
-- days that have figures. Whether a campaign runs is what the account said last, else what the daily file said on the campaign's last day.
WITH days AS (
  SELECT t.account AS account, t.day_no AS day_no, t.campaign AS campaign, MAX(n.value) AS campaign_name, MAX(u.value) AS currency,
    SUM(t.spend_nano) AS spend_nano, SUM(t.impressions) AS impressions, SUM(t.clicks) AS clicks,
    CASE WHEN COUNT(*) = 1 THEN MAX(t.reach) END AS reach
  FROM v_ad_day t
  LEFT JOIN source_value n ON n.id = t.campaign_name
  LEFT JOIN source_value u ON u.id = t.currency
  GROUP BY t.account, t.day_no, t.campaign
),
campaigns AS (
  SELECT y.account AS account, y.campaign AS campaign, MAX(y.currency) AS currency, MIN(y.day_no) AS first_day, MAX(y.day_no) AS last_day,
    COUNT(*) AS days, SUM(y.spend_nano) AS spend_nano, SUM(y.impressions) AS impressions, SUM(y.clicks) AS clicks, MAX(y.reach) AS reach
  FROM days y
  GROUP BY y.account, y.campaign
),
flags AS (
  SELECT t.account AS account, t.day_no AS day_no, t.campaign AS campaign, MAX(t.is_active) AS is_active
  FROM v_ad_told t
  GROUP BY t.account, t.day_no, t.campaign
),
asked AS (
  SELECT o.object AS object, MAX(o.as_of_day_no) AS as_of_day_no
  FROM fact_ad_object o
  JOIN source_value k ON k.id = o.kind
  WHERE k.value = 'campaign'
  GROUP BY o.object
),
states AS (
  SELECT v.value AS campaign_id,
    MAX(
      CASE
        WHEN s.value IS NULL THEN NULL
        WHEN s.value = 'ACTIVE' AND COALESCE(e.value, 'ACTIVE') IN ('ACTIVE', 'CAMPAIGN_PAUSED') THEN 1
        ELSE 0
      END) AS is_active
  FROM fact_ad_object o
  JOIN asked q ON q.object = o.object AND q.as_of_day_no = o.as_of_day_no
  JOIN source_value k ON k.id = o.kind
  JOIN source_value v ON v.id = o.object
  LEFT JOIN source_value s ON s.id = o.status
  LEFT JOIN source_value e ON e.id = o.effective_status
  WHERE k.value = 'campaign'
  GROUP BY v.value
)
SELECT
  c.value AS campaign_id,
  y.campaign_name AS campaign_name,
  g.first_day AS first_seen_date,
  g.last_day AS last_seen_date,
  g.spend_nano AS total_spend,
  g.currency AS currency,
  g.impressions AS total_impressions,
  g.clicks AS total_clicks,
  g.reach AS max_daily_reach,
  CASE COALESCE(w.is_active, x.is_active) WHEN 1 THEN 'True' WHEN 0 THEN 'False' END AS is_currently_active,
  CASE WHEN g.clicks > 0 THEN IDIV(g.spend_nano * 2 + g.clicks * 100000, g.clicks * 200000) END AS avg_cpc,
  CASE WHEN g.impressions > 0 THEN IDIV(g.clicks * 200000 + g.impressions, g.impressions * 2) END AS avg_ctr,
  g.last_day - g.first_day + 1 AS total_days_active,
  g.days AS days_with_delivery,
  g.account AS account
FROM campaigns g
JOIN days y ON y.account = g.account AND y.campaign = g.campaign AND y.day_no = g.last_day
JOIN flags x ON x.account = g.account AND x.campaign = g.campaign AND x.day_no = g.last_day
JOIN source_value c ON c.id = g.campaign
LEFT JOIN states w ON w.campaign_id = c.value
ORDER BY c.value, g.account;
