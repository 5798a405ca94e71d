/*---
curated: metaads_periods
title: What Meta told of ranges of days, in exports of Ads Manager and in answers of the API, one line a row
file: metaads_periods_curated.csv
formats: {date_start: day, date_end: day, spend: nano}
---*/
-- Ranges overlap and levels repeat each other: these lines are for reading, not for adding. Parts by region, device and hour stay in the
-- fact.
SELECT
  f.day_no AS date_start,
  f.last_day_no AS date_end,
  cn.value AS campaign_name,
  sn.value AS adset_name,
  an.value AS ad_name,
  ci.value AS campaign_id,
  si.value AS adset_id,
  ai.value AS ad_id,
  g.value AS age,
  h.value AS gender,
  t.value AS country,
  p.value AS platform,
  q.value AS placement,
  d.value AS ad_delivery_status,
  f.spend_nano AS spend,
  u.value AS currency,
  f.impressions AS impressions,
  f.reach AS reach,
  f.clicks AS clicks,
  f.link_clicks AS link_clicks,
  f.results AS results,
  r.value AS result_indicator,
  kq.value AS quality_ranking,
  ke.value AS engagement_ranking,
  kc.value AS conversion_ranking,
  a.value AS account,
  'export' AS told_by
FROM fact_ad_period f
JOIN source_value cn ON cn.id = f.campaign_name
JOIN source_value sn ON sn.id = f.adset_name
JOIN source_value an ON an.id = f.ad_name
JOIN source_value ci ON ci.id = f.campaign
JOIN source_value si ON si.id = f.adset
JOIN source_value ai ON ai.id = f.ad
JOIN source_value g ON g.id = f.age
JOIN source_value h ON h.id = f.gender
JOIN source_value t ON t.id = f.territory
JOIN source_value p ON p.id = f.publisher
JOIN source_value q ON q.id = f.placement
JOIN source_value a ON a.id = f.account
LEFT JOIN source_value d ON d.id = f.delivery
LEFT JOIN source_value u ON u.id = f.currency
LEFT JOIN source_value r ON r.id = f.result_indicator
LEFT JOIN source_value kq ON kq.id = f.quality_ranking
LEFT JOIN source_value ke ON ke.id = f.engagement_ranking
LEFT JOIN source_value kc ON kc.id = f.conversion_ranking
UNION ALL
SELECT
  f.day_no,
  f.last_day_no,
  COALESCE(cn.value, ''),
  COALESCE(sn.value, ''),
  COALESCE(an.value, ''),
  ci.value,
  si.value,
  ai.value,
  g.value,
  h.value,
  t.value,
  p.value,
  q.value,
  NULL,
  f.spend_nano,
  u.value,
  f.impressions,
  f.reach,
  f.clicks,
  f.link_clicks,
  NULL,
  NULL,
  NULL,
  NULL,
  NULL,
  a.value,
  'api'
FROM fact_ad_day f
JOIN source_value ci ON ci.id = f.campaign
JOIN source_value si ON si.id = f.adset
JOIN source_value ai ON ai.id = f.ad
JOIN source_value g ON g.id = f.age
JOIN source_value h ON h.id = f.gender
JOIN source_value t ON t.id = f.territory
JOIN source_value p ON p.id = f.publisher
JOIN source_value q ON q.id = f.placement
JOIN source_value a ON a.id = f.account
LEFT JOIN source_value cn ON cn.id = f.campaign_name
LEFT JOIN source_value sn ON sn.id = f.adset_name
LEFT JOIN source_value an ON an.id = f.ad_name
LEFT JOIN source_value u ON u.id = f.currency
JOIN source_value v ON v.id = f.region AND v.value = 'all'
JOIN source_value w ON w.id = f.device AND w.value = 'all'
JOIN source_value x ON x.id = f.hour AND x.value = 'all'
WHERE f.day_no <> f.last_day_no
ORDER BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 26, 27;
