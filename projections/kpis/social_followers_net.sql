/*---
kpi: social_followers_net
title: Net new followers, 28 days
domain: social
unit: count
direction: up
decimals: 0
formula: followers on the newest whole day - followers 28 days before it; below zero when more people left than came
dimensions: [platform, artist]
window: >-
  the 28 days up to the newest whole day of the account; an account that told nothing for 56 days, while others of the platform did, is
  left out
completeness: both days are told; else there is no value, as nothing is guessed between two days
alerts:
  - {alert: losing, below: 0, severity: info, cooldown_days: 28, text: More people stopped following than started in 28 days.}
differs: >-
  TikTok's page adds up daily differences, which some of its exports put on the day after, and counts the running day; this subtracts
  two totals. A count read off the profile page stands in only where the history lacks the day.
evidence:
  fact: fact_follower_day
  where: >-
    artist IN (SELECT source_id FROM artist_of WHERE artist_id = :artist) AND platform IN (SELECT source_id FROM platform_of WHERE
    platform_id = :platform) AND COALESCE(partial, 0) = 0 AND followers_total IS NOT NULL AND day_no <= :day AND day_no > (SELECT
    MAX(day_no) FROM fact_follower_day WHERE day_no <= :day AND artist IN (SELECT source_id FROM artist_of WHERE artist_id = :artist)
    AND platform IN (SELECT source_id FROM platform_of WHERE platform_id = :platform) AND COALESCE(partial, 0) = 0 AND followers_total
    IS NOT NULL) - 29
---*/
WITH last AS (
  SELECT MAX(f.day_no) AS day_no
  FROM fact_follower_day f
  WHERE f.day_no <= :day
), told AS (
  SELECT p.platform_id AS platform_id, a.artist_id AS artist_id, f.day_no AS day_no,
    COALESCE(MAX(CASE WHEN d.value <> 'tiktok/follower_snapshot' THEN f.followers_total END), MAX(f.followers_total)) AS followers,
    MAX(CASE WHEN f.day_no > l.day_no - 56 THEN 1 ELSE 0 END) AS is_recent
  FROM last l
  JOIN fact_follower_day f ON f.day_no <= l.day_no AND f.day_no > l.day_no - 85
  JOIN source_value d ON d.id = f.src
  JOIN platform_of p ON p.source_id = f.platform
  JOIN artist_of a ON a.source_id = f.artist
  WHERE COALESCE(f.partial, 0) = 0 AND f.followers_total IS NOT NULL
  GROUP BY p.platform_id, a.artist_id, f.day_no
), newest AS (
  SELECT t.platform_id AS platform_id, t.artist_id AS artist_id, MAX(t.day_no) AS day_no
  FROM told t
  WHERE t.is_recent = 1
  GROUP BY t.platform_id, t.artist_id
)
SELECT n.platform_id AS platform, n.artist_id AS artist,
  MAX(CASE WHEN t.day_no = n.day_no THEN t.followers END) - MAX(CASE WHEN t.day_no = n.day_no - 28 THEN t.followers END) AS num, 1 AS den
FROM newest n
JOIN told t ON t.platform_id = n.platform_id AND t.artist_id = n.artist_id AND (t.day_no = n.day_no OR t.day_no = n.day_no - 28)
GROUP BY n.platform_id, n.artist_id
ORDER BY n.platform_id, n.artist_id;
