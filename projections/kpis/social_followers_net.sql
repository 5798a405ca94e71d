/*---
kpi: social_followers_net
title: Net new followers, 28 days
domain: social
unit: count
direction: up
decimals: 0
formula: >-
  where the platform tells totals, followers on the newest whole day - followers 28 days before it; where it tells who came and who left
  each day, the sum of the one less the sum of the other over 28 days; below zero when more people left than came
dimensions: [platform, artist]
window: >-
  the 28 days up to the newest whole day of the account; an account that told nothing for 56 days, while others of the platform did, is
  left out
completeness: >-
  of totals both days are told; else there is no value, as nothing is guessed between two days. Otherwise a day is covered when it tells
  both who came and who left
alerts:
  - {alert: losing, below: 0, severity: info, cooldown_days: 28, text: More people stopped following than started in 28 days.}
differs: >-
  TikTok's page adds up daily differences, which some of its exports put on the day after, and counts the running day; this subtracts
  two totals. A count read off the profile page stands in only where history and overview lack the day. YouTube rounds the total that it
  shows to three digits, so its daily gains and losses count here. Instagram's interface tells who came and keeps who left to itself:
  there is a value only for days of which an export tells it too.
evidence:
  - fact: fact_follower_day
    where: >-
      COALESCE(partial, 0) = 0 AND followers_total IS NOT NULL AND day_no <= :day AND artist IN (SELECT source_id FROM artist_of WHERE
      artist_id = :artist) AND platform IN (SELECT source_id FROM platform_of WHERE platform_id = :platform) AND day_no > (SELECT
      MAX(day_no) FROM fact_follower_day WHERE COALESCE(partial, 0) = 0 AND followers_total IS NOT NULL AND day_no <= :day AND artist IN
      (SELECT source_id FROM artist_of WHERE artist_id = :artist) AND platform IN (SELECT source_id FROM platform_of WHERE platform_id =
      :platform)) - 29
  - fact: fact_social_day
    where: >-
      COALESCE(partial, 0) = 0 AND followers_total IS NOT NULL AND day_no <= :day AND artist IN (SELECT source_id FROM artist_of WHERE
      artist_id = :artist) AND platform IN (SELECT source_id FROM platform_of WHERE platform_id = :platform) AND day_no > (SELECT
      MAX(day_no) FROM fact_social_day WHERE COALESCE(partial, 0) = 0 AND followers_total IS NOT NULL AND day_no <= :day AND artist IN
      (SELECT source_id FROM artist_of WHERE artist_id = :artist) AND platform IN (SELECT source_id FROM platform_of WHERE platform_id =
      :platform)) - 29
  - fact: fact_video_day
    where: >-
      slice IN (SELECT id FROM source_value WHERE kind = 'video_slice' AND value = 'channel') AND subscribers_gained IS NOT NULL AND
      subscribers_lost IS NOT NULL AND artist IN (SELECT source_id FROM artist_of WHERE artist_id = :artist) AND platform IN (SELECT
      source_id FROM platform_of WHERE platform_id = :platform) AND day_no <= :day AND day_no > (SELECT MAX(day_no) FROM fact_video_day
      WHERE slice IN (SELECT id FROM source_value WHERE kind = 'video_slice' AND value = 'channel') AND subscribers_gained IS NOT NULL
      AND subscribers_lost IS NOT NULL AND artist IN (SELECT source_id FROM artist_of WHERE artist_id = :artist) AND platform IN (SELECT
      source_id FROM platform_of WHERE platform_id = :platform) AND day_no <= :day) - 28
  - fact: fact_metric_day
    where: >-
      artist IN (SELECT source_id FROM artist_of WHERE artist_id = :artist) AND platform IN (SELECT source_id FROM platform_of WHERE
      platform_id = :platform) AND value IS NOT NULL AND metric IN (SELECT n.id FROM source_value n JOIN ref_social_metric m ON m.metric
      = n.value WHERE m.measure IN ('followers_gained', 'followers_lost')) AND period IN (SELECT id FROM source_value WHERE value =
      'day') AND form IN (SELECT id FROM source_value WHERE value = 'series') AND member IN (SELECT id FROM source_value WHERE value =
      'all') AND day_no <= :day AND day_no > (SELECT MAX(m.day_no) FROM v_social_metric_day m WHERE m.day_no <= :day AND m.artist_id =
      :artist AND m.platform_id = :platform AND m.measure IN ('followers_gained', 'followers_lost')) - 28
---*/
WITH last_total AS (
  SELECT MAX(f.day_no) AS day_no
  FROM (
    SELECT MAX(h.day_no) AS day_no FROM fact_follower_day h WHERE h.day_no <= :day
    UNION ALL
    SELECT MAX(o.day_no) FROM fact_social_day o WHERE o.day_no <= :day AND o.followers_total IS NOT NULL
  ) f
), last_video AS (
  SELECT MAX(f.day_no) AS day_no
  FROM fact_video_day f
  WHERE f.day_no <= :day
), last_metric AS (
  SELECT MAX(f.day_no) AS day_no
  FROM fact_metric_day f
  WHERE f.day_no <= :day
), told AS (
  SELECT p.platform_id AS platform_id, a.artist_id AS artist_id, f.day_no AS day_no,
    CASE WHEN d.value = 'tiktok/follower_snapshot' THEN 3 ELSE 1 END AS place, f.followers_total AS followers,
    CASE WHEN f.day_no > l.day_no - 56 THEN 1 ELSE 0 END AS is_recent
  FROM last_total l
  JOIN fact_follower_day f ON f.day_no <= l.day_no AND f.day_no > l.day_no - 85
  JOIN source_value d ON d.id = f.src
  JOIN platform_of p ON p.source_id = f.platform
  JOIN artist_of a ON a.source_id = f.artist
  WHERE COALESCE(f.partial, 0) = 0 AND f.followers_total IS NOT NULL
  UNION ALL
  SELECT p.platform_id, a.artist_id, f.day_no, 2, f.followers_total, CASE WHEN f.day_no > l.day_no - 56 THEN 1 ELSE 0 END
  FROM last_total l
  JOIN fact_social_day f ON f.day_no <= l.day_no AND f.day_no > l.day_no - 85
  JOIN platform_of p ON p.source_id = f.platform
  JOIN artist_of a ON a.source_id = f.artist
  WHERE COALESCE(f.partial, 0) = 0 AND f.followers_total IS NOT NULL
), total AS (
  SELECT t.platform_id AS platform_id, t.artist_id AS artist_id, t.day_no AS day_no, MAX(t.is_recent) AS is_recent,
    COALESCE(MAX(CASE WHEN t.place = 1 THEN t.followers END), MAX(CASE WHEN t.place = 2 THEN t.followers END), MAX(t.followers)) AS followers
  FROM told t
  GROUP BY t.platform_id, t.artist_id, t.day_no
), newest_total AS (
  SELECT t.platform_id AS platform_id, t.artist_id AS artist_id, MAX(t.day_no) AS day_no
  FROM total t
  WHERE t.is_recent = 1
  GROUP BY t.platform_id, t.artist_id
), flow AS (
  SELECT p.platform_id AS platform_id, a.artist_id AS artist_id, f.day_no AS day_no, f.subscribers_gained AS gained,
    f.subscribers_lost AS lost, CASE WHEN f.day_no > l.day_no - 56 THEN 1 ELSE 0 END AS is_recent
  FROM last_video l
  JOIN fact_video_day f ON f.day_no <= l.day_no AND f.day_no > l.day_no - 84
  JOIN source_value s ON s.id = f.slice AND s.value = 'channel'
  JOIN platform_of p ON p.source_id = f.platform
  JOIN artist_of a ON a.source_id = f.artist
  WHERE f.subscribers_gained IS NOT NULL OR f.subscribers_lost IS NOT NULL
  UNION ALL
  SELECT m.platform_id, m.artist_id, m.day_no,
    COALESCE(MAX(CASE WHEN m.measure = 'followers_gained' AND m.authority = 1 THEN m.value END),
      MAX(CASE WHEN m.measure = 'followers_gained' THEN m.value END)),
    COALESCE(MAX(CASE WHEN m.measure = 'followers_lost' AND m.authority = 1 THEN m.value END),
      MAX(CASE WHEN m.measure = 'followers_lost' THEN m.value END)), MAX(CASE WHEN m.day_no > l.day_no - 56 THEN 1 ELSE 0 END)
  FROM last_metric l
  JOIN v_social_metric_day m ON m.day_no <= l.day_no AND m.day_no > l.day_no - 84
  WHERE m.measure IN ('followers_gained', 'followers_lost')
  GROUP BY m.platform_id, m.artist_id, m.day_no
), change AS (
  SELECT f.platform_id AS platform_id, f.artist_id AS artist_id, f.day_no AS day_no, f.gained - f.lost AS net, f.is_recent AS is_recent
  FROM flow f
), newest_change AS (
  SELECT c.platform_id AS platform_id, c.artist_id AS artist_id,
    COALESCE(MAX(CASE WHEN c.net IS NOT NULL THEN c.day_no END), MAX(c.day_no)) AS day_no
  FROM change c
  WHERE c.is_recent = 1
  GROUP BY c.platform_id, c.artist_id
)
SELECT n.platform_id AS platform, n.artist_id AS artist,
  MAX(CASE WHEN t.day_no = n.day_no THEN t.followers END) - MAX(CASE WHEN t.day_no = n.day_no - 28 THEN t.followers END) AS num, 1 AS den,
  NULL AS covered, NULL AS expected
FROM newest_total n
JOIN total t ON t.platform_id = n.platform_id AND t.artist_id = n.artist_id AND (t.day_no = n.day_no OR t.day_no = n.day_no - 28)
GROUP BY n.platform_id, n.artist_id
UNION ALL
SELECT n.platform_id, n.artist_id, SUM(c.net), 1, COUNT(DISTINCT CASE WHEN c.net IS NOT NULL THEN c.day_no END), 28
FROM newest_change n
JOIN change c ON c.platform_id = n.platform_id AND c.artist_id = n.artist_id AND c.day_no <= n.day_no AND c.day_no > n.day_no - 28
GROUP BY n.platform_id, n.artist_id
ORDER BY 1, 2;
