/*---
kpi: followers_week_pct
title: Change of Spotify followers, 7 days
domain: audience
unit: percent
direction: up
decimals: 2
formula: >-
  (followers of the newest day reported − followers 7 days before) / followers 7 days before; none when that day was not reported or
  had no follower
dimensions: [artist]
window: the newest day of the artist with followers, and the day 7 days before
completeness: both days must be reported
alerts:
  - {alert: loss, below: "-2", severity: warn, cooldown_days: 7, text: "The artist lost more than 2 % of the followers within a week."}
differs: >-
  Spotify's page shows the followers of this moment; the downloaded file ends a day or two before, and a day's figure is that of its
  end in UTC.
evidence:
  fact: fact_audience_day
  where: "day_no > (SELECT MAX(day_no) FROM fact_audience_day WHERE day_no <= :day AND followers_total IS NOT NULL AND artist IN (SELECT source_id FROM artist_of WHERE artist_id = :artist)) - 8 AND day_no <= :day AND artist IN (SELECT source_id FROM artist_of WHERE artist_id = :artist)"
---*/
WITH told AS (
  SELECT f.artist AS artist, f.platform AS platform, MAX(f.day_no) AS day_no
  FROM fact_audience_day f
  WHERE f.day_no <= :day AND f.followers_total IS NOT NULL
  GROUP BY f.artist, f.platform
), latest AS (
  SELECT a.artist_id AS artist_id, MAX(t.day_no) AS day_no
  FROM told t
  JOIN artist_of a ON a.source_id = t.artist
  JOIN platform_of p ON p.source_id = t.platform AND p.platform_id = 'platform:spotify'
  GROUP BY a.artist_id
), ends AS (
  SELECT l.artist_id AS artist_id, MAX(CASE WHEN f.day_no = l.day_no THEN f.followers_total END) AS later,
    MAX(CASE WHEN f.day_no = l.day_no - 7 THEN f.followers_total END) AS earlier
  FROM latest l
  JOIN artist_of a ON a.artist_id = l.artist_id
  JOIN fact_audience_day f ON f.artist = a.source_id AND f.day_no IN (l.day_no, l.day_no - 7)
  JOIN platform_of p ON p.source_id = f.platform AND p.platform_id = 'platform:spotify'
  GROUP BY l.artist_id
)
SELECT e.artist_id AS artist, CASE WHEN e.earlier > 0 THEN e.later - e.earlier END AS num,
  CASE WHEN e.earlier > 0 THEN e.earlier END AS den
FROM ends e
ORDER BY e.artist_id;
