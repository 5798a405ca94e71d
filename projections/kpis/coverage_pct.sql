/*---
kpi: coverage_pct
title: Days covered, 28 days
domain: operations
unit: percent
direction: up
decimals: 1
formula: days that captures cover / the 28 days that end on the newest day covered
dimensions: [source, account]
window: 28 days that end on the newest day covered, of each source and account
completeness: a day counts when a capture spans it, also one that was seen before it was over; withdrawn and held back captures do not count
---*/
WITH newest AS (
  SELECT i.stream AS source, i.account AS account, MAX(CASE WHEN i.last_day > :day THEN :day ELSE i.last_day END) AS day_no
  FROM op_ingest i
  WHERE i.outcome = 'new' AND i.live = 1 AND i.state = 'promoted' AND i.first_day <= :day
  GROUP BY i.stream, i.account
), span AS (
  SELECT n.source AS source, n.account AS account, i.event_seq AS event_seq,
    CASE WHEN i.first_day > n.day_no - 27 THEN i.first_day ELSE n.day_no - 27 END AS first_day,
    CASE WHEN i.last_day < n.day_no THEN i.last_day ELSE n.day_no END AS last_day
  FROM op_ingest i
  JOIN newest n ON n.source = i.stream AND n.account = i.account
  WHERE i.outcome = 'new' AND i.live = 1 AND i.state = 'promoted' AND i.first_day <= n.day_no AND i.last_day > n.day_no - 28
), step AS (
  -- Each span counts only the days behind all spans that begin before it.
  SELECT s.source AS source, s.account AS account, s.first_day AS first_day, s.last_day AS last_day,
    MAX(s.last_day) OVER (PARTITION BY s.source, s.account ORDER BY s.first_day, s.last_day, s.event_seq NULLS FIRST
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before_day
  FROM span s
)
SELECT t.source AS source, t.account AS account,
  SUM(CASE WHEN t.before_day IS NULL OR t.before_day < t.first_day THEN t.last_day - t.first_day + 1
    WHEN t.before_day < t.last_day THEN t.last_day - t.before_day
    ELSE 0 END) AS num, 28 AS den
FROM step t
GROUP BY t.source, t.account
ORDER BY t.source, t.account;
