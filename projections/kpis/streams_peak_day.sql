/*---
kpi: streams_peak_day
title: Best day of streams, 365 days
domain: streaming
unit: count
direction: up
decimals: 0
formula: >-
  largest sum of a day's streams over all platforms and distributors in the 365 days up to the newest day reported; of equal days
  the first
dimensions: [date]
window: 365 days up to the newest day that any distributor reported
completeness: a day is covered when every platform and distributor that reported in the window reported it
differs: >-
  The distributor counts what the store reported to it, by the store's day and some days late; the platform's own page counts by its
  own day, has newer days, and knows only the artists that are signed in.
evidence:
  fact: fact_stream_day
  where: "day_no IN (SELECT day_no FROM dim_date WHERE date = :date) AND day_no <= :day"
---*/
WITH newest AS (
  SELECT MAX(f.day_no) AS day_no
  FROM fact_stream_day f
  WHERE f.day_no <= :day AND f.streams IS NOT NULL
), told AS (
  SELECT s.platform_id AS platform_id, s.distributor AS distributor, s.account AS account, s.day_no AS day_no, SUM(s.streams) AS streams
  FROM newest n
  JOIN v_stream_canonical s ON s.day_no > n.day_no - 365 AND s.day_no <= n.day_no
  WHERE s.streams IS NOT NULL
  GROUP BY s.platform_id, s.distributor, s.account, s.day_no
), days AS (
  SELECT t.day_no AS day_no, COUNT(*) AS series, SUM(t.streams) AS streams
  FROM told t
  GROUP BY t.day_no
), members AS (
  SELECT COUNT(*) AS series
  FROM (SELECT DISTINCT platform_id, distributor, account FROM told) t
), best AS (
  SELECT MAX(d.streams) AS streams, SUM(CASE WHEN d.series = m.series THEN 1 ELSE 0 END) AS covered
  FROM days d
  CROSS JOIN members m
), first AS (
  SELECT MIN(d.day_no) AS day_no
  FROM days d
  JOIN best b ON b.streams = d.streams
)
SELECT c.date AS date, b.streams AS num, 1 AS den, b.covered AS covered, 365 AS expected
FROM first f
JOIN dim_date c ON c.day_no = f.day_no
CROSS JOIN best b
ORDER BY c.date;
