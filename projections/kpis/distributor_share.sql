/*---
kpi: distributor_share
title: Share of streams by distributor
domain: streaming
unit: percent
direction: neutral
decimals: 1
formula: >-
  streams of the distributor / streams of all, over the days of the last 28 on which every platform and distributor that reported in
  the window reported
dimensions: [distributor]
window: 28 days up to the newest day that any distributor reported
completeness: a day is covered, and counts, when every platform and distributor that reported in the window reported it
differs: >-
  The distributor counts what the store reported to it, by the store's day and some days late; the platform's own page counts by its
  own day, has newer days, and knows only the artists that are signed in. Platforms whose streams no distributor shows day by day
  are in neither part.
evidence:
  fact: fact_stream_day
  where: "day_no > (SELECT MAX(day_no) FROM fact_stream_day WHERE day_no <= :day AND streams IS NOT NULL) - 28 AND day_no <= :day AND distributor IN (SELECT id FROM source_value WHERE value = :distributor)"
---*/
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
)
SELECT c.distributor AS distributor, SUM(c.streams) AS num, MAX(o.streams) AS den, MAX(o.covered) AS covered, 28 AS expected
FROM counted c
CROSS JOIN total o
GROUP BY c.distributor
ORDER BY c.distributor;
