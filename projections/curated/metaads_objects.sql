/*---
curated: metaads_objects
title: Meta Ads campaigns, ad sets and ads, one line an object and day it was asked for
file: metaads_objects_curated.csv
formats: {as_of: day, daily_budget: nano, lifetime_budget: nano, spend_cap: nano, start_date: day, stop_date: day, created_date: day, updated_date: day}
---*/
SELECT
  f.as_of_day_no AS as_of,
  k.value AS kind,
  o.value AS id,
  p.value AS parent_id,
  c.value AS campaign_id,
  n.value AS name,
  s.value AS status,
  e.value AS effective_status,
  j.value AS objective,
  r.value AS creative_id,
  f.daily_budget_nano AS daily_budget,
  f.lifetime_budget_nano AS lifetime_budget,
  f.spend_cap_nano AS spend_cap,
  u.value AS currency,
  f.start_day_no AS start_date,
  f.stop_day_no AS stop_date,
  f.created_day_no AS created_date,
  f.updated_day_no AS updated_date,
  a.value AS account
FROM fact_ad_object f
JOIN source_value k ON k.id = f.kind
JOIN source_value o ON o.id = f.object
JOIN source_value a ON a.id = f.account
LEFT JOIN source_value p ON p.id = f.parent
LEFT JOIN source_value c ON c.id = f.campaign
LEFT JOIN source_value n ON n.id = f.name
LEFT JOIN source_value s ON s.id = f.status
LEFT JOIN source_value e ON e.id = f.effective_status
LEFT JOIN source_value j ON j.id = f.objective
LEFT JOIN source_value r ON r.id = f.creative
LEFT JOIN source_value u ON u.id = f.currency
ORDER BY f.as_of_day_no, k.value, o.value, a.value;
