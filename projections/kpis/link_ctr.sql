/*---
kpi: link_ctr
title: Link click rate, 28 days
domain: links
unit: percent
direction: up
decimals: 1
formula: sum of clicks / sum of views over 28 days (a ratio of sums)
dimensions: [artist, link]
window: the 28 days up to the newest whole day of the page; a page that told nothing for 56 days, while others did, is left out
completeness: all 28 days are told and over; the day of a download does not count
differs: >-
  Linktree's page shows the rate of each day or one of unique visitors; a mean of daily rates is not this figure.
evidence:
  fact: fact_link_day
  where: >-
    artist IN (SELECT source_id FROM artist_of WHERE artist_id = :artist) AND COALESCE(partial, 0) = 0 AND clicks IS NOT NULL AND
    views IS NOT NULL AND link IN (SELECT id FROM source_value WHERE kind = 'link' AND value = :link) AND day_no <= :day AND day_no >
    (SELECT MAX(day_no) FROM fact_link_day WHERE day_no <= :day AND artist IN (SELECT source_id FROM artist_of WHERE artist_id =
    :artist) AND COALESCE(partial, 0) = 0 AND clicks IS NOT NULL AND views IS NOT NULL) - 28
---*/
WITH last AS (
  SELECT MAX(f.day_no) AS day_no
  FROM fact_link_day f
  WHERE f.day_no <= :day
), told AS (
  SELECT a.artist_id AS artist_id, k.value AS link, f.day_no AS day_no, f.clicks AS clicks, f.views AS views,
    CASE WHEN f.day_no > l.day_no - 56 THEN 1 ELSE 0 END AS is_recent
  FROM last l
  JOIN fact_link_day f ON f.day_no <= l.day_no AND f.day_no > l.day_no - 84
  JOIN source_value k ON k.id = f.link
  JOIN artist_of a ON a.source_id = f.artist
  WHERE COALESCE(f.partial, 0) = 0 AND f.clicks IS NOT NULL AND f.views IS NOT NULL
), newest AS (
  SELECT t.artist_id AS artist_id, MAX(t.day_no) AS day_no
  FROM told t
  WHERE t.is_recent = 1
  GROUP BY t.artist_id
)
SELECT t.artist_id AS artist, t.link AS link, CASE WHEN SUM(t.views) > 0 THEN SUM(t.clicks) END AS num,
  CASE WHEN SUM(t.views) > 0 THEN SUM(t.views) END AS den,
  COUNT(DISTINCT t.day_no) AS covered, 28 AS expected
FROM newest n
JOIN told t ON t.artist_id = n.artist_id AND t.day_no > n.day_no - 28
GROUP BY t.artist_id, t.link
ORDER BY t.artist_id, t.link;
