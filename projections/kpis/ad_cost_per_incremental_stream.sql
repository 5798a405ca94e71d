/*---
kpi: ad_cost_per_incremental_stream
title: Cost per stream above the baseline
domain: ads
unit: usd
direction: down
decimals: 4
formula: spend of the campaign’s days that Spotify reports / streams above the baseline on them; none where there are no more streams than usual
dimensions: [campaign]
window: from the campaign’s first to its last day with spend, not beyond the day
completeness: every day of it is reported by Spotify, and at least 14 of the 28 days before it
differs: No platform shows it. All streams above the usual count, whatever brought them, be it a playlist, a release or another campaign of the artist at the same time. Streams after the last day are not counted.
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
---*/
SELECT w.campaign_id AS campaign,
  CASE WHEN SUM(2 * w.streams - w.baseline_twice) > 0 AND SUM(w.unconverted) = 0 THEN 2 * SUM(w.spend_usd_nano) END AS num,
  CASE WHEN SUM(2 * w.streams - w.baseline_twice) > 0 THEN SUM(2 * w.streams - w.baseline_twice) ELSE 1 END * 1000000000 AS den,
  SUM(w.unconverted) AS unconverted, COUNT(*) AS covered,
  MAX(CASE WHEN w.last_day_no < :day THEN w.last_day_no ELSE :day END) - MIN(w.first_day_no) + 1 AS expected
FROM v_ad_lift_day w
WHERE w.day_no <= :day AND w.baseline_days >= 14
GROUP BY w.campaign_id
ORDER BY w.campaign_id;
