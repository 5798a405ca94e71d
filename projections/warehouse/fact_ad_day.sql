/*---
fact: fact_ad_day
title: What an ad account, campaign, ad set or ad did from one day to another; one day where both are the same
columns:
  day_no: key day
  last_day_no: key day
  campaign: key source:ad_campaign
  adset: key source:ad_set
  ad: key source:ad
  age: key source:ad_age
  gender: key source:ad_gender
  territory: key source:territory
  region: key source:ad_region
  publisher: key source:ad_publisher
  placement: key source:ad_placement
  device: key source:ad_device
  hour: key source:ad_hour
  level: source:ad_level
  campaign_name: source:ad_campaign_name
  adset_name: source:ad_set_name
  ad_name: source:ad_name
  objective: source:ad_objective
  is_active: flag
  currency: source:currency
  spend_nano: measure nano
  impressions: measure count
  clicks: measure count
  reach: measure count
  link_clicks: measure count
  purchases: measure count
  view_content: measure count
  add_to_cart: measure count
  leads: measure count
  post_engagement: measure count
  partial: flag
full_indexes:
  - [campaign, day_no]
  - [day_no]
---*/
-- level says which rows may be added: account, campaign, adset, ad, or breakdown for a row that counts a part of another. Rows of several
-- levels tell the same spend again, and so do a day and a range that holds it.

-- from: metaads/insights
SELECT
  date_start AS day_no,
  date_stop AS last_day_no,
  campaign_id AS campaign,
  adset_id AS adset,
  ad_id AS ad,
  age AS age,
  gender AS gender,
  country AS territory,
  region AS region,
  publisher_platform AS publisher,
  platform_position AS placement,
  device AS device,
  hour AS hour,
  CASE
    WHEN age <> 'all' OR gender <> 'all' OR country <> 'all' OR region <> 'all' OR publisher_platform <> 'all'
      OR platform_position <> 'all' OR device <> 'all' OR hour <> 'all' THEN 'breakdown'
    WHEN ad_id <> 'all' THEN 'ad'
    WHEN adset_id <> 'all' THEN 'adset'
    WHEN campaign_id <> 'all' THEN 'campaign'
    ELSE 'account'
  END AS level,
  campaign_name,
  adset_name,
  ad_name,
  objective,
  NULL AS is_active,
  currency,
  spend AS spend_nano,
  impressions,
  clicks,
  reach,
  link_clicks,
  purchases,
  view_content,
  add_to_cart,
  leads,
  post_engagement,
  NULL AS partial
FROM staged;

-- from: metaads/campaign_daily
SELECT
  date AS day_no,
  date AS last_day_no,
  campaign_id AS campaign,
  adset_id AS adset,
  'all' AS ad,
  'all' AS age,
  'all' AS gender,
  'all' AS territory,
  'all' AS region,
  'all' AS publisher,
  'all' AS placement,
  'all' AS device,
  'all' AS hour,
  CASE WHEN adset_id <> 'all' THEN 'adset' ELSE 'campaign' END AS level,
  campaign_name,
  adset_name,
  NULL AS ad_name,
  objective,
  is_active,
  'USD' AS currency,
  spend_usd AS spend_nano,
  impressions,
  clicks,
  reach,
  link_clicks,
  purchases,
  view_content,
  add_to_cart,
  leads,
  post_engagement,
  partial
FROM staged;
