/*---
kpi: ad_cost_per_result
title: Cost per result, 28 days
domain: ads
unit: usd
direction: down
decimals: 3
formula: spend / results over the last 28 days reported, of rows that report both (a ratio of sums); the result is what the campaign’s objective asks for, by the reference table ad_objective
dimensions: [campaign, result]
window: the 28 days up to the newest day that the ad account reports
completeness: 28 days with a row of the account; Meta gives no row for a day without delivery, so such a day is not counted as covered
differs: Meta takes the result of the ad set’s optimisation goal and its attribution setting; here it is that of the campaign’s objective. An action that a row does not list did not happen.
evidence:
  fact: fact_ad_day
  where: "day_no = last_day_no AND campaign IN (SELECT id FROM source_value WHERE kind = 'ad_campaign' AND value = :campaign) AND COALESCE(partial, 0) = 0 AND day_no <= :day AND day_no > (SELECT MAX(n.day_no) FROM fact_ad_day n WHERE n.account = fact_ad_day.account AND n.day_no = n.last_day_no AND n.day_no <= :day AND COALESCE(n.partial, 0) = 0) - 28"
---*/
WITH newest AS (
  SELECT a.ad_account AS account, MAX(f.day_no) AS day_no
  FROM fact_ad_day f
  JOIN v_ad_account a ON a.account = f.account
  WHERE f.day_no <= :day AND f.day_no = f.last_day_no AND COALESCE(f.partial, 0) = 0
  GROUP BY a.ad_account
),
days AS (
  SELECT n.account AS account, t.day_no AS day_no, t.campaign AS campaign, t.has_actions AS has_actions, t.link_clicks AS link_clicks,
    t.post_engagement AS post_engagement, t.view_content AS view_content, t.add_to_cart AS add_to_cart, t.leads AS leads,
    t.purchases AS purchases, t.spend_usd_nano AS spend_usd_nano, t.unconverted AS unconverted
  FROM newest n
  JOIN v_ad_day t ON t.account = n.account AND t.day_no <= n.day_no AND t.day_no > n.day_no - 28
  WHERE COALESCE(t.partial, 0) = 0
),
coverage AS (
  SELECT d.account AS account, COUNT(DISTINCT d.day_no) AS covered FROM days d GROUP BY d.account
)
,
results AS (
  SELECT d.account AS account, x.campaign_id AS campaign_id, o.result AS result, d.spend_usd_nano AS spend_usd_nano,
    d.unconverted AS unconverted,
    COALESCE(
      CASE o.result
        WHEN 'link_click' THEN d.link_clicks
        WHEN 'post_engagement' THEN d.post_engagement
        WHEN 'view_content' THEN d.view_content
        WHEN 'add_to_cart' THEN d.add_to_cart
        WHEN 'lead' THEN d.leads
        WHEN 'purchase' THEN d.purchases
      END, 0) AS results
  FROM days d
  JOIN source_value c ON c.id = d.campaign
  JOIN dim_campaign x ON x.campaign_id = c.value
  JOIN ref_ad_objective o ON o.objective = x.objective
  WHERE d.has_actions = 1 AND (d.spend_usd_nano IS NOT NULL OR d.unconverted = 1)
)
SELECT r.campaign_id AS campaign, r.result AS result, SUM(r.spend_usd_nano) AS num,
  SUM(CASE WHEN r.spend_usd_nano IS NOT NULL THEN r.results END) * 1000000000 AS den, SUM(r.unconverted) AS unconverted,
  MIN(y.covered) AS covered, 28 AS expected
FROM results r
JOIN coverage y ON y.account = r.account
GROUP BY r.campaign_id, r.result
ORDER BY r.campaign_id, r.result NULLS FIRST;
