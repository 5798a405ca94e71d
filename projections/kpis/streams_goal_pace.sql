/*---
kpi: streams_goal_pace
title: Pace to the goal of streams
domain: streaming
unit: ratio
direction: up
decimals: 2
formula: >-
  (streams since the goal began / target) / (days since then up to the newest day reported / days of the goal); 1 is on pace
dimensions: []
window: from the first day of the goal streams_year that holds on the day asked, to the newest day that any distributor reported
completeness: a day is covered when every platform and distributor that reported in the span reported it
goal: streams_year
differs: >-
  The distributor counts what the store reported to it, by the store's day and some days late; the platform's own page counts by its
  own day, has newer days, and knows only the artists that are signed in.
evidence:
  fact: fact_stream_day
  where: "day_no >= (SELECT MAX(from_day) FROM ref_goal WHERE goal = 'streams_year' AND from_day <= :day AND (until_day IS NULL OR until_day >= :day)) AND day_no <= :day"
---*/
WITH newest AS (
  SELECT MAX(f.day_no) AS day_no
  FROM fact_stream_day f
  WHERE f.day_no <= :day AND f.streams IS NOT NULL
), aim AS (
  SELECT MAX(g.from_day) AS from_day
  FROM ref_goal g
  WHERE g.goal = 'streams_year' AND g.from_day <= :day AND (g.until_day IS NULL OR g.until_day >= :day)
), period AS (
  SELECT g.from_day AS from_day, n.day_no AS until_day, g.until_day - g.from_day + 1 AS days, IDIV(g.target, 1000000000) AS target
  FROM newest n
  JOIN aim a ON a.from_day <= n.day_no
  JOIN ref_goal g ON g.goal = 'streams_year' AND g.from_day = a.from_day
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
SELECT CASE WHEN MAX(p.target) > 0 AND MAX(p.target) < 1000000000000000 AND SUM(d.streams) < 1000000000000000
    THEN SUM(d.streams) * MAX(p.days) END AS num,
  CASE WHEN MAX(p.target) > 0 AND MAX(p.target) < 1000000000000000
    THEN MAX(p.target) * (MAX(p.until_day) - MAX(p.from_day) + 1) END AS den,
  SUM(CASE WHEN d.series = m.series THEN 1 ELSE 0 END) AS covered, MAX(p.until_day) - MAX(p.from_day) + 1 AS expected
FROM days d
CROSS JOIN members m
CROSS JOIN period p
HAVING COUNT(*) > 0
ORDER BY 1 NULLS LAST;
