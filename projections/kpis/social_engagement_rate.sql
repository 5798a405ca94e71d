/*---
kpi: social_engagement_rate
title: Engagement rate, 28 days
domain: social
unit: percent
direction: up
decimals: 2
formula: sum of interactions / sum of video views over 28 days (a ratio of sums)
dimensions: [platform, artist]
window: >-
  the 28 days up to the newest whole day of the account; an account that told nothing for 56 days, while others of the platform did, is
  left out
completeness: >-
  all 28 days are told and over; the day of a download does not count; a day that lacks one of the two does not count for the other
differs: >-
  The platform's page divides by reach or by followers, or averages the rates of posts. Here a busy day weighs more than a quiet one,
  and Instagram's interactions include saves.
evidence:
  - fact: fact_social_day
    where: >-
      artist IN (SELECT source_id FROM artist_of WHERE artist_id = :artist) AND platform IN (SELECT source_id FROM platform_of WHERE
      platform_id = :platform) AND COALESCE(partial, 0) = 0 AND likes + comments + shares IS NOT NULL AND video_views IS NOT NULL AND
      day_no <= :day AND day_no > (SELECT MAX(day_no) FROM fact_social_day WHERE day_no <= :day AND artist IN (SELECT source_id FROM
      artist_of WHERE artist_id = :artist) AND platform IN (SELECT source_id FROM platform_of WHERE platform_id = :platform) AND
      COALESCE(partial, 0) = 0 AND likes + comments + shares IS NOT NULL AND video_views IS NOT NULL) - 28
  - fact: fact_metric_day
    where: >-
      artist IN (SELECT source_id FROM artist_of WHERE artist_id = :artist) AND platform IN (SELECT source_id FROM platform_of WHERE
      platform_id = :platform) AND value IS NOT NULL AND metric IN (SELECT n.id FROM source_value n JOIN ref_social_metric m ON m.metric
      = n.value WHERE m.measure IN ('engagements', 'video_views')) AND period IN (SELECT id FROM source_value WHERE value = 'day') AND
      form IN (SELECT id FROM source_value WHERE value = 'series') AND member IN (SELECT id FROM source_value WHERE value = 'all') AND
      day_no <= :day AND day_no > (SELECT MAX(m.day_no) FROM v_social_metric_day m WHERE m.day_no <= :day AND m.artist_id = :artist AND
      m.platform_id = :platform AND m.measure IN ('engagements', 'video_views')) - 28
---*/
WITH last AS (
  SELECT MAX(f.day_no) AS day_no
  FROM fact_social_day f
  WHERE f.day_no <= :day
), last_metric AS (
  SELECT MAX(f.day_no) AS day_no
  FROM fact_metric_day f
  WHERE f.day_no <= :day
), told AS (
  SELECT p.platform_id AS platform_id, a.artist_id AS artist_id, f.day_no AS day_no, f.likes + f.comments + f.shares AS engagements,
    f.video_views AS video_views, CASE WHEN f.day_no > l.day_no - 56 THEN 1 ELSE 0 END AS is_recent
  FROM last l
  JOIN fact_social_day f ON f.day_no <= l.day_no AND f.day_no > l.day_no - 84
  JOIN platform_of p ON p.source_id = f.platform
  JOIN artist_of a ON a.source_id = f.artist
  WHERE COALESCE(f.partial, 0) = 0
  UNION ALL
  SELECT m.platform_id, m.artist_id, m.day_no,
    COALESCE(MAX(CASE WHEN m.measure = 'engagements' AND m.authority = 1 THEN m.value END),
      MAX(CASE WHEN m.measure = 'engagements' THEN m.value END)),
    COALESCE(MAX(CASE WHEN m.measure = 'video_views' AND m.authority = 1 THEN m.value END),
      MAX(CASE WHEN m.measure = 'video_views' THEN m.value END)), MAX(CASE WHEN m.day_no > l.day_no - 56 THEN 1 ELSE 0 END)
  FROM last_metric l
  JOIN v_social_metric_day m ON m.day_no <= l.day_no AND m.day_no > l.day_no - 84
  WHERE m.measure IN ('engagements', 'video_views')
  GROUP BY m.platform_id, m.artist_id, m.day_no
), whole AS (
  SELECT t.platform_id AS platform_id, t.artist_id AS artist_id, t.day_no AS day_no, t.engagements AS engagements,
    t.video_views AS video_views, t.is_recent AS is_recent
  FROM told t
  WHERE t.engagements IS NOT NULL AND t.video_views IS NOT NULL
), newest AS (
  SELECT t.platform_id AS platform_id, t.artist_id AS artist_id, MAX(t.day_no) AS day_no
  FROM whole t
  WHERE t.is_recent = 1
  GROUP BY t.platform_id, t.artist_id
)
SELECT t.platform_id AS platform, t.artist_id AS artist,
  CASE WHEN SUM(t.video_views) > 0 THEN SUM(t.engagements) END AS num,
  CASE WHEN SUM(t.video_views) > 0 THEN SUM(t.video_views) END AS den, COUNT(DISTINCT t.day_no) AS covered, 28 AS expected
FROM newest n
JOIN whole t ON t.platform_id = n.platform_id AND t.artist_id = n.artist_id AND t.day_no > n.day_no - 28
GROUP BY t.platform_id, t.artist_id
ORDER BY t.platform_id, t.artist_id;
