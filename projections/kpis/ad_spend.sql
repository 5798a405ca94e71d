/*---
kpi: ad_spend
title: Ad spend, 28 days
domain: ads
unit: usd
direction: neutral
decimals: 2
formula: sum of what the campaign spent over the last 28 days reported, each day in US dollars at the rate of that day; nano-USD / 10^9
dimensions: [campaign, artist, track]
adds_over: [campaign, artist, track]
window: the 28 days up to the newest day that the ad account reports
completeness: 28 days with a row of the account; Meta gives no row for a day without delivery, so such a day is not counted as covered
differs: Meta counts days of the ad account’s time zone and restates the last days; money in another currency is converted at the rate of its day.
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
  SELECT n.account AS account, t.day_no AS day_no, t.campaign AS campaign, t.spend_nano AS spend_nano, t.spend_usd_nano AS spend_usd_nano,
    t.unconverted AS unconverted
  FROM newest n
  JOIN v_ad_day t ON t.account = n.account AND t.day_no <= n.day_no AND t.day_no > n.day_no - 28
  WHERE COALESCE(t.partial, 0) = 0
),
coverage AS (
  SELECT d.account AS account, COUNT(DISTINCT d.day_no) AS covered FROM days d GROUP BY d.account
)
SELECT c.value AS campaign, x.artist_id AS artist, x.track_id AS track, SUM(d.spend_usd_nano) AS num, 1000000000 AS den,
  SUM(d.unconverted) AS unconverted, MIN(y.covered) AS covered, 28 AS expected
FROM days d
JOIN coverage y ON y.account = d.account
JOIN source_value c ON c.id = d.campaign
LEFT JOIN dim_campaign x ON x.campaign_id = c.value
WHERE d.spend_nano IS NOT NULL
GROUP BY c.value, x.artist_id, x.track_id
ORDER BY c.value, x.artist_id NULLS FIRST, x.track_id NULLS FIRST;
