/*---
kpi: ad_reach_period
title: People reached, as reported for a range
domain: ads
unit: count
direction: up
decimals: 0
formula: people that the campaign reached in the newest range that was asked for, as Meta reports it; never added over days, ranges or campaigns
dimensions: [campaign, first_day, last_day]
window: the range that ends last, on or before the day; of several that end so, the longest
completeness: the range is over
differs: Meta counts a person once in any range, so its figure for another range is another one and cannot be computed from this.
evidence:
  - fact: fact_ad_period
    where: "reach IS NOT NULL AND adset_name IN (SELECT id FROM source_value WHERE value = 'all') AND day_no IN (SELECT day_no FROM dim_date WHERE date = :first_day) AND last_day_no IN (SELECT day_no FROM dim_date WHERE date = :last_day) AND last_day_no <= :day AND (campaign IN (SELECT id FROM source_value WHERE value = :campaign) OR campaign_name IN (SELECT id FROM source_value WHERE value = :campaign) OR campaign_name IN (SELECT f.campaign_name FROM fact_ad_day f JOIN source_value c ON c.id = f.campaign WHERE c.value = :campaign))"
  - fact: fact_ad_day
    where: "reach IS NOT NULL AND day_no < last_day_no AND level IN (SELECT id FROM source_value WHERE value = 'campaign') AND day_no IN (SELECT day_no FROM dim_date WHERE date = :first_day) AND last_day_no IN (SELECT day_no FROM dim_date WHERE date = :last_day) AND last_day_no <= :day AND campaign IN (SELECT id FROM source_value WHERE value = :campaign)"
---*/
-- An export without ids tells names: a name that is one campaign's stands for it.
WITH whole AS (SELECT s.id AS id FROM source_value s WHERE s.value = 'all'),
names AS (
  SELECT n.value AS name, MIN(c.value) AS campaign_id
  FROM fact_ad_day f
  JOIN source_value n ON n.id = f.campaign_name
  JOIN source_value c ON c.id = f.campaign AND c.value <> 'all'
  GROUP BY n.value
  HAVING COUNT(DISTINCT c.value) = 1
),
told AS (
  SELECT c.value AS campaign, f.day_no AS day_no, f.last_day_no AS last_day_no, f.reach AS reach, 1 AS source, a.value AS account
  FROM fact_ad_day f
  JOIN source_value c ON c.id = f.campaign
  JOIN source_value l ON l.id = f.level AND l.value = 'campaign'
  JOIN source_value a ON a.id = f.account
  WHERE f.day_no < f.last_day_no AND f.last_day_no <= :day AND f.reach IS NOT NULL
  UNION ALL
  SELECT CASE WHEN c.value <> 'none' THEN c.value ELSE COALESCE(m.campaign_id, n.value) END, f.day_no, f.last_day_no, f.reach, 2, a.value
  FROM fact_ad_period f
  JOIN source_value c ON c.id = f.campaign
  JOIN source_value n ON n.id = f.campaign_name AND n.value <> 'all'
  JOIN source_value a ON a.id = f.account
  LEFT JOIN names m ON m.name = n.value
  WHERE f.last_day_no <= :day AND f.reach IS NOT NULL AND f.adset_name IN (SELECT id FROM whole) AND f.ad_name IN (SELECT id FROM whole)
    AND f.age IN (SELECT id FROM whole) AND f.gender IN (SELECT id FROM whole) AND f.territory IN (SELECT id FROM whole)
    AND f.publisher IN (SELECT id FROM whole) AND f.placement IN (SELECT id FROM whole)
),
ranked AS (
  SELECT t.campaign AS campaign, t.day_no AS day_no, t.last_day_no AS last_day_no, t.reach AS reach,
    ROW_NUMBER() OVER (PARTITION BY t.campaign ORDER BY t.last_day_no DESC, t.day_no, t.source, t.account, t.reach) AS rank_no
  FROM told t
)
SELECT r.campaign AS campaign, f.date AS first_day, u.date AS last_day, r.reach AS num, 1 AS den
FROM ranked r
JOIN dim_date f ON f.day_no = r.day_no
JOIN dim_date u ON u.day_no = r.last_day_no
WHERE r.rank_no = 1
ORDER BY r.campaign;
