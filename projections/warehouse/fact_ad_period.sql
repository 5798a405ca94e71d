/*---
fact: fact_ad_period
title: A line of an Ads Manager export, over the range the person chose; ranges overlap, so nothing here is added
columns:
  day_no: key day
  last_day_no: key day
  campaign_name: key source:ad_campaign_name
  adset_name: key source:ad_set_name
  ad_name: key source:ad_name
  campaign: key source:ad_campaign
  adset: key source:ad_set
  ad: key source:ad
  age: key source:ad_age
  gender: key source:ad_gender
  territory: key source:territory
  publisher: key source:ad_publisher
  placement: key source:ad_placement
  delivery: source:ad_delivery
  currency: source:currency
  spend_nano: measure nano
  impressions: measure count
  reach: measure count
  clicks: measure count
  link_clicks: measure count
  results: measure count
  result_indicator: source:ad_result
  quality_ranking: source:ad_ranking
  engagement_ranking: source:ad_ranking
  conversion_ranking: source:ad_ranking
---*/

-- from: metaads/ads_manager
SELECT
  date_start AS day_no,
  date_stop AS last_day_no,
  campaign AS campaign_name,
  adset AS adset_name,
  ad AS ad_name,
  campaign_id AS campaign,
  adset_id AS adset,
  ad_id AS ad,
  age AS age,
  gender AS gender,
  country AS territory,
  platform AS publisher,
  placement AS placement,
  delivery,
  currency,
  spend AS spend_nano,
  impressions,
  reach,
  clicks,
  link_clicks,
  results,
  result_indicator,
  quality_ranking,
  engagement_ranking,
  conversion_ranking
FROM staged;
