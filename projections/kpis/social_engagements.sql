/*---
kpi: social_engagements
title: Interactions, 28 days
domain: social
unit: count
direction: up
decimals: 0
formula: sum of daily likes, comments and shares over 28 days; on Instagram the interactions it states
dimensions: [platform, artist]
window: >-
  the 28 days up to the newest whole day of the account; an account that told nothing for 56 days, while others of the platform did, is
  left out
completeness: all 28 days are told and over; the day of a download does not count
differs: >-
  A day is what was added less what was taken back, so unlikes lower it and it can be below zero. Instagram counts saves as interactions
  too. Totals of a range, which Instagram's interface answers for some metrics, tell no day and are left out.
evidence:
  - fact: fact_social_day
    where: >-
      artist IN (SELECT source_id FROM artist_of WHERE artist_id = :artist) AND platform IN (SELECT source_id FROM platform_of WHERE
      platform_id = :platform) AND COALESCE(partial, 0) = 0 AND likes + comments + shares IS NOT NULL AND day_no <= :day AND day_no >
      (SELECT MAX(day_no) FROM fact_social_day WHERE day_no <= :day AND artist IN (SELECT source_id FROM artist_of WHERE artist_id =
      :artist) AND platform IN (SELECT source_id FROM platform_of WHERE platform_id = :platform) AND COALESCE(partial, 0) = 0 AND likes
      + comments + shares IS NOT NULL) - 28
  - fact: fact_metric_day
    where: >-
      artist IN (SELECT source_id FROM artist_of WHERE artist_id = :artist) AND platform IN (SELECT source_id FROM platform_of WHERE
      platform_id = :platform) AND value IS NOT NULL AND metric IN (SELECT n.id FROM source_value n JOIN ref_social_metric m ON m.metric
      = n.value WHERE m.measure = 'engagements') AND period IN (SELECT id FROM source_value WHERE value = 'day') AND form IN (SELECT id
      FROM source_value WHERE value = 'series') AND member IN (SELECT id FROM source_value WHERE value = 'all') AND day_no <= :day AND
      day_no > (SELECT MAX(m.day_no) FROM v_social_metric_day m WHERE m.day_no <= :day AND m.artist_id = :artist AND m.platform_id =
      :platform AND m.measure = 'engagements') - 28
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
    CASE WHEN f.day_no > l.day_no - 56 THEN 1 ELSE 0 END AS is_recent
  FROM last l
  JOIN fact_social_day f ON f.day_no <= l.day_no AND f.day_no > l.day_no - 84
  JOIN platform_of p ON p.source_id = f.platform
  JOIN artist_of a ON a.source_id = f.artist
  WHERE COALESCE(f.partial, 0) = 0 AND f.likes + f.comments + f.shares IS NOT NULL
  UNION ALL
  SELECT m.platform_id, m.artist_id, m.day_no, COALESCE(MAX(CASE WHEN m.authority = 1 THEN m.value END), MAX(m.value)),
    MAX(CASE WHEN m.day_no > l.day_no - 56 THEN 1 ELSE 0 END)
  FROM last_metric l
  JOIN v_social_metric_day m ON m.day_no <= l.day_no AND m.day_no > l.day_no - 84
  WHERE m.measure = 'engagements'
  GROUP BY m.platform_id, m.artist_id, m.day_no
), newest AS (
  SELECT t.platform_id AS platform_id, t.artist_id AS artist_id, MAX(t.day_no) AS day_no
  FROM told t
  WHERE t.is_recent = 1
  GROUP BY t.platform_id, t.artist_id
)
SELECT t.platform_id AS platform, t.artist_id AS artist, SUM(t.engagements) AS num, 1 AS den, COUNT(DISTINCT t.day_no) AS covered,
  28 AS expected
FROM newest n
JOIN told t ON t.platform_id = n.platform_id AND t.artist_id = n.artist_id AND t.day_no > n.day_no - 28
GROUP BY t.platform_id, t.artist_id
ORDER BY t.platform_id, t.artist_id;
