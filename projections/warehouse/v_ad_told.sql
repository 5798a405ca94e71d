/*---
view: v_ad_told
title: What campaigns did day by day, in every telling; tellings of one campaign and day repeat each other and are never added
grain: [src, file_account, day_no, campaign, adset, ad]
columns:
  src: "private; the dataset"
  account: "text; the ad account"
  file_account: "text; what the file calls it"
  name_rank: "count; 0 where the file calls the account by its own name, 1 by another"
  day_no: "day; of the ad account's time zone"
  campaign: "private; the campaign"
  adset: "private; the ad set, or all"
  ad: "private; the ad, or all"
  choice: "count; which telling is believed: 1 the API's campaign level, 2 the daily file's, 3 and 4 their ad sets, 5 their ads"
  campaign_name: "private; the name on that day"
  objective: "private"
  is_active: "flag"
  currency: "private"
  spend_nano: "nano; in the currency of the account"
  impressions: "count"
  clicks: "count; of every kind"
  reach: "count; people, never added"
  link_clicks: "count"
  purchases: "count"
  view_content: "count"
  add_to_cart: "count"
  leads: "count"
  post_engagement: "count"
  has_actions: "flag; 1 where the row lists what people did: an action that it does not name did not happen"
  partial: "flag; 1 where the day was not over"
---*/
SELECT f.src AS src, x.ad_account AS account, x.file_account AS file_account,
  CASE WHEN x.file_account = x.ad_account THEN 0 ELSE 1 END AS name_rank, f.day_no AS day_no, f.campaign AS campaign,
  f.adset AS adset, f.ad AS ad,
  CASE
    WHEN l.value = 'campaign' AND d.value = 'metaads/insights' THEN 1
    WHEN l.value = 'campaign' THEN 2
    WHEN l.value = 'adset' AND d.value = 'metaads/insights' THEN 3
    WHEN l.value = 'adset' THEN 4
    ELSE 5
  END AS choice,
  f.campaign_name AS campaign_name, f.objective AS objective, f.is_active AS is_active, f.currency AS currency,
  f.spend_nano AS spend_nano, f.impressions AS impressions, f.clicks AS clicks, f.reach AS reach, f.link_clicks AS link_clicks,
  f.purchases AS purchases, f.view_content AS view_content, f.add_to_cart AS add_to_cart, f.leads AS leads,
  f.post_engagement AS post_engagement,
  CASE
    WHEN COALESCE(f.link_clicks, f.purchases, f.view_content, f.add_to_cart, f.leads, f.post_engagement) IS NOT NULL THEN 1
    WHEN f.clicks = 0 THEN 1
    ELSE 0
  END AS has_actions,
  f.partial AS partial
FROM fact_ad_day f
JOIN source_value l ON l.id = f.level
JOIN source_value d ON d.id = f.src
JOIN v_ad_account x ON x.account = f.account
WHERE f.day_no = f.last_day_no AND l.value IN ('campaign', 'adset', 'ad');
