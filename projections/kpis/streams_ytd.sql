/*---
kpi: streams_ytd
title: Streams, year to date
domain: streaming
unit: count
direction: up
decimals: 0
formula: sum of the daily streams that distributors report, from 1 January of the newest day's year to that day
dimensions: []
window: 1 January to the newest day that any distributor reported
completeness: a day is covered when every platform and distributor that reported in the year reported it
differs: >-
  The distributor counts what the store reported to it, by the store's day and some days late; the platform's own page counts by its
  own day, has newer days, and knows only the artists that are signed in.
evidence:
  fact: fact_stream_day
  where: "day_no >= (SELECT m.first_day_no FROM fact_stream_day f JOIN dim_date d ON d.day_no = f.day_no JOIN dim_month m ON m.month_no = d.year * 12 WHERE f.day_no <= :day AND f.streams IS NOT NULL ORDER BY f.day_no DESC LIMIT 1) AND day_no <= :day"
---*/
WITH newest AS (
  SELECT MAX(f.day_no) AS day_no
  FROM fact_stream_day f
  WHERE f.day_no <= :day AND f.streams IS NOT NULL
), period AS (
  SELECT m.first_day_no AS from_day, n.day_no AS until_day
  FROM newest n
  JOIN dim_date d ON d.day_no = n.day_no
  JOIN dim_month m ON m.month_no = d.year * 12
), told AS (
  SELECT s.platform_id AS platform_id, s.distributor AS distributor, s.account AS account, s.day_no AS day_no, SUM(s.streams) AS streams
  FROM period p
  JOIN v_stream_canonical s ON s.day_no >= p.from_day AND s.day_no <= p.until_day
  WHERE s.streams IS NOT NULL
  GROUP BY s.platform_id, s.distributor, s.account, s.day_no
), days AS (
  SELECT t.day_no AS day_no, COUNT(*) AS series, SUM(t.streams) AS streams
  FROM told t
  GROUP BY t.day_no
), members AS (
  SELECT COUNT(*) AS series
  FROM (SELECT DISTINCT platform_id, distributor, account FROM told) t
)
SELECT SUM(d.streams) AS num, 1 AS den, SUM(CASE WHEN d.series = m.series THEN 1 ELSE 0 END) AS covered,
  MAX(p.until_day) - MAX(p.from_day) + 1 AS expected
FROM days d
CROSS JOIN members m
CROSS JOIN period p
HAVING COUNT(*) > 0
ORDER BY 1 NULLS FIRST;
