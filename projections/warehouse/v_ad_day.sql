/*---
view: v_ad_day
title: What campaigns did day by day, told once; rows of one level, which may be added
grain: [account, day_no, campaign, adset, ad]
columns:
  account: "text; the ad account, see v_ad_account"
  day_no: "day; of the ad account's time zone"
  campaign: "private; the campaign"
  adset: "private; the ad set, or all"
  ad: "private; the ad, or all"
  choice: "count; the telling that is believed, see v_ad_told"
  campaign_name: "private; the name on that day"
  currency: "private"
  spend_nano: "nano; in the currency of the account"
  spend_usd_nano: "nano-USD; null where no rate converts the currency"
  unconverted: "count; 1 where an amount is not converted"
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
-- lint: allow EXISTS: it asks small tables, which every node of a cluster holds
-- The same spend can be in the ledger at several levels, from two pulls, and under two names of one account: a campaign's id is the
-- platform's and not the account's. Of each campaign and day the best telling counts, whole.
SELECT t.account AS account, t.day_no AS day_no, t.campaign AS campaign, t.adset AS adset, t.ad AS ad, t.choice AS choice,
  t.campaign_name AS campaign_name, t.currency AS currency, t.spend_nano AS spend_nano,
  CONVERT_NANO(t.spend_nano, r.nano_usd) AS spend_usd_nano,
  CASE WHEN t.spend_nano IS NOT NULL AND CONVERT_NANO(t.spend_nano, r.nano_usd) IS NULL THEN 1 ELSE 0 END AS unconverted,
  t.impressions AS impressions, t.clicks AS clicks, t.reach AS reach, t.link_clicks AS link_clicks, t.purchases AS purchases,
  t.view_content AS view_content, t.add_to_cart AS add_to_cart, t.leads AS leads, t.post_engagement AS post_engagement,
  t.has_actions AS has_actions, t.partial AS partial
FROM v_ad_told t
LEFT JOIN rate_of r ON r.source_id = t.currency AND r.from_day <= t.day_no AND t.day_no < r.until_day
WHERE NOT EXISTS (
  SELECT 1
  FROM v_ad_told b
  WHERE b.campaign = t.campaign AND b.day_no = t.day_no
    AND (b.choice < t.choice
      OR b.choice = t.choice AND (b.name_rank < t.name_rank OR b.name_rank = t.name_rank AND b.file_account < t.file_account)));
