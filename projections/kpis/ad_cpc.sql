/*---
kpi: ad_cpc
title: Cost per click, 28 days
domain: ads
unit: usd
direction: down
decimals: 3
formula: spend / clicks over the last 28 days reported, of rows that report both (a ratio of sums); all clicks and link clicks are two rows
dimensions: [campaign, clicks]
window: the 28 days up to the newest day that the ad account reports
completeness: 28 days with a row of the account; Meta gives no row for a day without delivery, so such a day is not counted as covered
differs: Meta shows two click figures, all clicks (also on the name, a like, a comment) and clicks on the link. Both are rows here. A row that lists what people did and names no link click counts as none.
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
  SELECT n.account AS account, t.day_no AS day_no, t.campaign AS campaign, t.clicks AS clicks,
    CASE WHEN t.has_actions = 1 THEN COALESCE(t.link_clicks, 0) END AS link_clicks, t.spend_usd_nano AS spend_usd_nano,
    t.unconverted AS unconverted
  FROM newest n
  JOIN v_ad_day t ON t.account = n.account AND t.day_no <= n.day_no AND t.day_no > n.day_no - 28
  WHERE COALESCE(t.partial, 0) = 0
),
coverage AS (
  SELECT d.account AS account, COUNT(DISTINCT d.day_no) AS covered FROM days d GROUP BY d.account
)
SELECT c.value AS campaign, 'all' AS clicks, SUM(d.spend_usd_nano) AS num,
  SUM(CASE WHEN d.spend_usd_nano IS NOT NULL THEN d.clicks END) * 1000000000 AS den, SUM(d.unconverted) AS unconverted,
  MIN(y.covered) AS covered, 28 AS expected
FROM days d
JOIN coverage y ON y.account = d.account
JOIN source_value c ON c.id = d.campaign
WHERE d.clicks IS NOT NULL AND (d.spend_usd_nano IS NOT NULL OR d.unconverted = 1)
GROUP BY c.value
UNION ALL
SELECT c.value, 'link', SUM(d.spend_usd_nano), SUM(CASE WHEN d.spend_usd_nano IS NOT NULL THEN d.link_clicks END) * 1000000000,
  SUM(d.unconverted), MIN(y.covered), 28
FROM days d
JOIN coverage y ON y.account = d.account
JOIN source_value c ON c.id = d.campaign
WHERE d.link_clicks IS NOT NULL AND (d.spend_usd_nano IS NOT NULL OR d.unconverted = 1)
GROUP BY c.value
ORDER BY 1, 2;
