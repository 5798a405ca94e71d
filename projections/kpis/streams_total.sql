/*---
kpi: streams_total
title: Streams, 28 days
domain: streaming
unit: count
direction: up
decimals: 0
formula: sum of the daily streams that distributors report, over the 28 days up to the newest day that any of them reported
dimensions: [platform, distributor]
adds_over: [platform, distributor]
window: 28 days up to the newest day that any distributor reported
completeness: a day is covered when every account of the distributor reported the platform
differs: >-
  The distributor counts what the store reported to it, by the store's day and some days late; the platform's own page counts by its
  own day, has newer days, and knows only the artists that are signed in.
evidence:
  fact: fact_stream_day
  where: "day_no > (SELECT MAX(day_no) FROM fact_stream_day WHERE day_no <= :day AND streams IS NOT NULL) - 28 AND day_no <= :day AND platform IN (SELECT source_id FROM platform_of WHERE platform_id = :platform) AND distributor IN (SELECT id FROM source_value WHERE value = :distributor)"
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
  SELECT t.platform_id AS platform_id, t.distributor AS distributor, t.day_no AS day_no, COUNT(*) AS series, SUM(t.streams) AS streams
  FROM told t
  GROUP BY t.platform_id, t.distributor, t.day_no
), members AS (
  SELECT t.platform_id AS platform_id, t.distributor AS distributor, COUNT(*) AS series
  FROM (SELECT DISTINCT platform_id, distributor, account FROM told) t
  GROUP BY t.platform_id, t.distributor
)
SELECT d.platform_id AS platform, d.distributor AS distributor, SUM(d.streams) AS num, 1 AS den,
  SUM(CASE WHEN d.series = m.series THEN 1 ELSE 0 END) AS covered, 28 AS expected
FROM days d
JOIN members m ON m.platform_id = d.platform_id AND m.distributor = d.distributor
GROUP BY d.platform_id, d.distributor
ORDER BY d.platform_id, d.distributor;
