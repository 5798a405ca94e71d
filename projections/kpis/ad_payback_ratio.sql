/*---
kpi: ad_payback_ratio
title: What a campaign brought back
domain: ads
unit: ratio
direction: up
decimals: 2
formula: streams above the baseline × net royalties per Spotify stream of the year up to the newest statement (the reference table pay_rate where none tells) × the label’s share of the track on the campaign’s first day / spend of the same days
dimensions: [campaign]
window: from the campaign’s first to its last day with spend, not beyond the day
completeness: every day of it is reported by Spotify, and at least 14 of the 28 days before it
compares: [platform, royalty_statement]
differs: No platform shows it. All streams above the usual count, whatever brought them, be it a playlist, a release or another campaign of the artist at the same time. Streams after the last day are not counted. A track whose splits are not entered counts as the label’s own to the whole; the rate is of all of the label’s Spotify royalties.
evidence:
  - fact: fact_audience_day
    where: >-
      streams_native IS NOT NULL AND day_no <= :day AND artist IN (SELECT a.source_id FROM artist_of a JOIN v_ad_lift_day w ON
      w.artist_id = a.artist_id WHERE w.campaign_id = :campaign) AND day_no >= (SELECT MIN(w.first_day_no) FROM v_ad_lift_day w WHERE
      w.campaign_id = :campaign) - 28 AND day_no <= (SELECT MAX(w.last_day_no) FROM v_ad_lift_day w WHERE w.campaign_id = :campaign)
  - fact: fact_ad_day
    where: >-
      campaign IN (SELECT id FROM source_value WHERE kind = 'ad_campaign' AND value = :campaign) AND day_no = last_day_no AND
      COALESCE(partial, 0) = 0 AND spend_nano IS NOT NULL AND day_no <= :day
  - fact: fact_royalty_line
    where: >-
      platform IN (SELECT source_id FROM platform_of WHERE platform_id = 'platform:spotify') AND report_day_no <= :day AND report_day_no
      > (SELECT MAX(report_day_no) FROM v_royalty_month WHERE report_day_no <= :day AND platform_id = 'platform:spotify') - 365
  - fact: fact_sale_line
    where: >-
      platform IN (SELECT source_id FROM platform_of WHERE platform_id = 'platform:spotify') AND (report_day_no <= :day AND
      report_day_no > (SELECT MAX(report_day_no) FROM v_royalty_month WHERE report_day_no <= :day AND platform_id = 'platform:spotify')
      - 365 OR report_day_no IS NULL AND sale_day_no IN (SELECT d.day_no FROM dim_date d JOIN dim_month m ON m.month_no = d.month_no
      WHERE m.last_day_no <= :day AND m.last_day_no > (SELECT MAX(report_day_no) FROM v_royalty_month WHERE report_day_no <= :day AND
      platform_id = 'platform:spotify') - 365))
---*/
WITH newest AS (
  SELECT MAX(m.report_day_no) AS day_no
  FROM v_royalty_month m
  WHERE m.report_day_no <= :day AND m.platform_id = 'platform:spotify'
),
paid AS (
  SELECT SUM(m.net_nano) AS net_nano, SUM(m.quantity) AS quantity
  FROM newest n
  JOIN v_royalty_month m ON m.report_day_no <= n.day_no AND m.report_day_no > n.day_no - 365 AND m.platform_id = 'platform:spotify'
  WHERE m.net_nano IS NOT NULL AND m.quantity IS NOT NULL
),
rate AS (
  SELECT CASE WHEN p.quantity > 0 THEN IDIV(p.net_nano, p.quantity) ELSE d.usd END AS nano
  FROM paid p
  LEFT JOIN ref_pay_rate d ON d.platform = 'platform:spotify'
),
lift AS (
  SELECT w.campaign_id AS campaign_id, w.track_id AS track_id, w.first_day_no AS first_day_no,
    SUM(2 * w.streams - w.baseline_twice) AS twice, SUM(w.spend_usd_nano) AS spend_usd_nano, SUM(w.unconverted) AS unconverted,
    COUNT(*) AS covered,
    MAX(CASE WHEN w.last_day_no < :day THEN w.last_day_no ELSE :day END) - MIN(w.first_day_no) + 1 AS expected
  FROM v_ad_lift_day w
  WHERE w.day_no <= :day AND w.baseline_days >= 14
  GROUP BY w.campaign_id, w.track_id, w.first_day_no
),
others AS (
  SELECT l.campaign_id AS campaign_id, SUM(b.share_nano) AS share_nano
  FROM lift l
  JOIN bridge_track_share b ON b.track_id = l.track_id AND b.from_day <= l.first_day_no AND l.first_day_no < b.until_day
  GROUP BY l.campaign_id
)
SELECT l.campaign_id AS campaign,
  CASE
    WHEN l.unconverted = 0 AND l.spend_usd_nano > 0 THEN CONVERT_NANO(l.twice * r.nano, 1000000000 - COALESCE(o.share_nano, 0))
  END AS num,
  CASE WHEN l.spend_usd_nano > 0 THEN 2 * l.spend_usd_nano ELSE 1 END AS den, l.unconverted AS unconverted, l.covered AS covered,
  l.expected AS expected
FROM lift l
JOIN rate r ON r.nano IS NOT NULL
LEFT JOIN others o ON o.campaign_id = l.campaign_id
ORDER BY l.campaign_id;
