/*---
kpi: streams_growth_7d_pct
title: Growth of streams, 7 days
domain: streaming
unit: percent
direction: up
decimals: 1
formula: >-
  (streams of the days − streams of the 7 days before) / streams of the 7 days before; a day of a platform at a distributor counts
  when both it and the day 7 days before are reported; none when nothing was streamed before
dimensions: []
window: 7 days up to the newest day that any distributor reported, and the same days 7 days before
completeness: >-
  a day is covered when both it and the earlier one are reported for every platform and distributor that has such a pair
alerts:
  - {alert: drop, below: "-20", min_covered: 6, severity: warn, cooldown_days: 7, text: "Streams of the last week are a fifth below the week before."}
differs: >-
  The distributor counts what the store reported to it, by the store's day and some days late; the platform's own page counts by its
  own day, has newer days, and knows only the artists that are signed in. A platform and distributor that is not in both spans is
  left out, so that a new one is no growth.
evidence:
  fact: fact_stream_day
  where: "day_no > (SELECT MAX(day_no) FROM fact_stream_day WHERE day_no <= :day AND streams IS NOT NULL) - 14 AND day_no <= :day"
---*/
-- The newest day is found twice: beside an answer of one row, the engine reads each span as a range of days.
WITH newest AS (
  SELECT MAX(f.day_no) AS day_no
  FROM fact_stream_day f
  WHERE f.day_no <= :day AND f.streams IS NOT NULL
), before AS (
  SELECT MAX(f.day_no) - 7 AS day_no
  FROM fact_stream_day f
  WHERE f.day_no <= :day AND f.streams IS NOT NULL
), told AS (
  SELECT s.platform_id AS platform_id, s.distributor AS distributor, s.account AS account, s.day_no AS day_no, s.streams AS streams,
    NULL AS earlier
  FROM newest n
  JOIN v_stream_canonical s ON s.day_no > n.day_no - 7 AND s.day_no <= n.day_no
  WHERE s.streams IS NOT NULL
  UNION ALL
  SELECT s.platform_id, s.distributor, s.account, s.day_no + 7, NULL, s.streams
  FROM before b
  JOIN v_stream_canonical s ON s.day_no > b.day_no - 7 AND s.day_no <= b.day_no
  WHERE s.streams IS NOT NULL
), pairs AS (
  SELECT t.platform_id AS platform_id, t.distributor AS distributor, t.account AS account, t.day_no AS day_no, SUM(t.streams) AS streams,
    SUM(t.earlier) AS earlier
  FROM told t
  GROUP BY t.platform_id, t.distributor, t.account, t.day_no
  HAVING SUM(t.streams) IS NOT NULL AND SUM(t.earlier) IS NOT NULL
), days AS (
  SELECT p.day_no AS day_no, COUNT(*) AS series, SUM(p.streams) AS streams, SUM(p.earlier) AS earlier
  FROM pairs p
  GROUP BY p.day_no
), members AS (
  SELECT COUNT(*) AS series
  FROM (SELECT DISTINCT platform_id, distributor, account FROM pairs) p
)
SELECT CASE WHEN SUM(d.earlier) > 0 THEN SUM(d.streams) - SUM(d.earlier) END AS num,
  CASE WHEN SUM(d.earlier) > 0 THEN SUM(d.earlier) END AS den,
  SUM(CASE WHEN d.series = m.series THEN 1 ELSE 0 END) AS covered, 7 AS expected
FROM days d
CROSS JOIN members m
HAVING COUNT(*) > 0
ORDER BY 1 NULLS LAST;
