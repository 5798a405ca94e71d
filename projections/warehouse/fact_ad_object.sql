/*---
fact: fact_ad_object
title: A campaign, ad set or ad as it stood in the account on the day it was asked for
columns:
  as_of_day_no: key day
  kind: key source:ad_object_kind
  object: key source:ad_object
  parent: source:ad_object
  campaign: source:ad_campaign
  name: source:ad_object_name
  status: source:ad_status
  effective_status: source:ad_status
  objective: source:ad_objective
  creative: source:ad_creative
  currency: source:currency
  daily_budget_nano: measure nano
  lifetime_budget_nano: measure nano
  spend_cap_nano: measure nano
  start_day_no: day
  stop_day_no: day
  created_day_no: day
  updated_day_no: day
---*/

-- from: metaads/campaigns
SELECT
  as_of AS as_of_day_no,
  'campaign' AS kind,
  campaign_id AS object,
  NULL AS parent,
  campaign_id AS campaign,
  name,
  status,
  effective_status,
  objective,
  NULL AS creative,
  currency,
  daily_budget AS daily_budget_nano,
  lifetime_budget AS lifetime_budget_nano,
  spend_cap AS spend_cap_nano,
  started AS start_day_no,
  stopped AS stop_day_no,
  created AS created_day_no,
  updated AS updated_day_no
FROM staged;

-- from: metaads/adsets
SELECT
  as_of AS as_of_day_no,
  'adset' AS kind,
  adset_id AS object,
  campaign_id AS parent,
  campaign_id AS campaign,
  name,
  status,
  effective_status,
  optimization_goal AS objective,
  NULL AS creative,
  currency,
  daily_budget AS daily_budget_nano,
  lifetime_budget AS lifetime_budget_nano,
  NULL AS spend_cap_nano,
  started AS start_day_no,
  stopped AS stop_day_no,
  created AS created_day_no,
  updated AS updated_day_no
FROM staged;

-- from: metaads/ads
SELECT
  as_of AS as_of_day_no,
  'ad' AS kind,
  ad_id AS object,
  adset_id AS parent,
  campaign_id AS campaign,
  name,
  status,
  effective_status,
  NULL AS objective,
  creative_id AS creative,
  NULL AS currency,
  NULL AS daily_budget_nano,
  NULL AS lifetime_budget_nano,
  NULL AS spend_cap_nano,
  NULL AS start_day_no,
  NULL AS stop_day_no,
  created AS created_day_no,
  updated AS updated_day_no
FROM staged;
