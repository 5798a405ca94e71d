/*---
kpi: ad_incremental_streams
title: Streams above the baseline during a campaign
domain: ads
unit: count
direction: up
decimals: 0
formula: sum over the days of the campaign of the artist’s Spotify streams minus the median of the 28 days before its first day
dimensions: [campaign, artist, track]
window: from the campaign’s first to its last day with spend, not beyond the day
completeness: every day of it is reported by Spotify, and at least 14 of the 28 days before it
differs: No platform shows it. All streams above the usual count, whatever brought them, be it a playlist, a release or another campaign of the artist at the same time. Streams after the last day are not counted.
evidence:
  fact: fact_audience_day
  where: "streams_native IS NOT NULL AND day_no <= :day AND artist IN (SELECT a.source_id FROM artist_of a JOIN v_ad_lift_day w ON w.artist_id = a.artist_id WHERE w.campaign_id = :campaign) AND day_no >= (SELECT MIN(w.first_day_no) FROM v_ad_lift_day w WHERE w.campaign_id = :campaign) - 28 AND day_no <= (SELECT MAX(w.last_day_no) FROM v_ad_lift_day w WHERE w.campaign_id = :campaign)"
---*/
SELECT w.campaign_id AS campaign, w.artist_id AS artist, w.track_id AS track, SUM(2 * w.streams - w.baseline_twice) AS num, 2 AS den,
  COUNT(*) AS covered,
  MAX(CASE WHEN w.last_day_no < :day THEN w.last_day_no ELSE :day END) - MIN(w.first_day_no) + 1 AS expected
FROM v_ad_lift_day w
WHERE w.day_no <= :day AND w.baseline_days >= 14
GROUP BY w.campaign_id, w.artist_id, w.track_id
ORDER BY w.campaign_id, w.artist_id NULLS FIRST, w.track_id NULLS FIRST;
