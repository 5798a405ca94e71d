/*---
curated: metaads_daily
title: Meta Ads, one line a campaign and day
file: metaads_daily.csv
formats: {date: day, spend: nano, cpc: decimal/4, cpm: decimal/4, ctr: decimal/4}
---*/
-- v_ad_day says which telling is taken. People reached are left empty where they would be a sum.
WITH days AS (
  SELECT t.account AS account, t.day_no AS day_no, t.campaign AS campaign, t.choice AS choice, MAX(n.value) AS campaign_name,
    MAX(u.value) AS currency, SUM(t.spend_nano) AS spend_nano, SUM(t.impressions) AS impressions, SUM(t.clicks) AS clicks,
    CASE WHEN COUNT(*) = 1 THEN MAX(t.reach) END AS reach, SUM(t.link_clicks) AS link_clicks, SUM(t.purchases) AS purchases,
    SUM(t.view_content) AS view_content, SUM(t.add_to_cart) AS add_to_cart, SUM(t.leads) AS leads,
    SUM(t.post_engagement) AS post_engagement
  FROM v_ad_day t
  LEFT JOIN source_value n ON n.id = t.campaign_name
  LEFT JOIN source_value u ON u.id = t.currency
  GROUP BY t.account, t.day_no, t.campaign, t.choice
)
SELECT
  y.day_no AS date,
  c.value AS campaign_id,
  y.campaign_name AS campaign_name,
  y.spend_nano AS spend,
  y.currency AS currency,
  y.impressions AS impressions,
  y.clicks AS clicks,
  y.reach AS reach,
  CASE WHEN y.clicks > 0 THEN IDIV(y.spend_nano * 2 + y.clicks * 100000, y.clicks * 200000) END AS cpc,
  CASE WHEN y.impressions > 0 THEN IDIV(y.spend_nano * 2 + y.impressions * 100, y.impressions * 200) END AS cpm,
  CASE WHEN y.impressions > 0 THEN IDIV(y.clicks * 2000000 + y.impressions, y.impressions * 2) END AS ctr,
  y.link_clicks AS link_clicks,
  y.purchases AS purchases,
  y.view_content AS view_content,
  y.add_to_cart AS add_to_cart,
  y.leads AS leads,
  y.post_engagement AS post_engagement,
  CASE WHEN y.choice <= 2 THEN 'campaign' WHEN y.choice <= 4 THEN 'adset' ELSE 'ad' END AS told_by,
  y.account AS account
FROM days y
JOIN source_value c ON c.id = y.campaign
ORDER BY y.day_no, c.value, y.account;
