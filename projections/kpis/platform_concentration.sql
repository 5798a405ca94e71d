/*---
kpi: platform_concentration
title: Concentration of streams on platforms
domain: streaming
unit: ratio
direction: down
decimals: 3
formula: >-
  sum of the squared shares of the platforms (1: one platform has all), over the days of the last 28 on which every platform and
  distributor that reported in the window reported
dimensions: []
window: 28 days up to the newest day that any distributor reported
completeness: a day is covered, and counts, when every platform and distributor that reported in the window reported it
differs: >-
  The distributor counts what the store reported to it, by the store's day and some days late; the platform's own page counts by its
  own day, has newer days, and knows only the artists that are signed in. No platform shows this figure.
evidence:
  fact: fact_stream_day
  where: "day_no > (SELECT MAX(day_no) FROM fact_stream_day WHERE day_no <= :day AND streams IS NOT NULL) - 28 AND day_no <= :day"
---*/
-- Squares of more than 3,000,000,000 streams do not fit.
WITH newest AS (
  SELECT MAX(f.day_no) AS day_no
  FROM fact_stream_day f
  WHERE f.day_no <= :day AND f.streams IS NOT NULL
), told AS (
  SELECT s.platform_id AS platform_id, s.distributor AS distributor, s.account AS account, s.day_no AS day_no, SUM(s.streams) AS streams
  FROM newest n
  JOIN v_stream_canonical s ON s.day_no > n.day_no - 28 AND s.day_no <= n.day_no
  WHERE s.streams IS NOT NULL
  GROUP BY s.platform_id, s.distributor, s.account, s.day_no
), days AS (
  SELECT t.day_no AS day_no, COUNT(*) AS series, SUM(t.streams) AS streams
  FROM told t
  GROUP BY t.day_no
), members AS (
  SELECT COUNT(*) AS series
  FROM (SELECT DISTINCT platform_id, distributor, account FROM told) t
), whole AS (
  SELECT d.day_no AS day_no
  FROM days d
  JOIN members m ON m.series = d.series
), counted AS (
  SELECT t.platform_id AS platform_id, t.distributor AS distributor, t.day_no AS day_no, t.streams AS streams
  FROM told t
  JOIN whole w ON w.day_no = t.day_no
), total AS (
  SELECT SUM(c.streams) AS streams, COUNT(DISTINCT c.day_no) AS covered
  FROM counted c
), platform AS (
  SELECT c.platform_id AS platform_id, SUM(c.streams) AS streams
  FROM counted c
  GROUP BY c.platform_id
)
SELECT CASE WHEN MAX(o.streams) > 0 AND MAX(o.streams) < 3000000000 THEN SUM(p.streams * p.streams) END AS num,
  CASE WHEN MAX(o.streams) > 0 AND MAX(o.streams) < 3000000000 THEN MAX(o.streams) * MAX(o.streams) END AS den,
  MAX(o.covered) AS covered, 28 AS expected
FROM platform p
CROSS JOIN total o
HAVING COUNT(*) > 0
ORDER BY 1 NULLS LAST;
