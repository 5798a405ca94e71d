/*---
kpi: data_age_hours
title: Age of the newest figures
domain: operations
unit: hours
direction: down
decimals: 0
formula: hours from the end of the newest day that a source has figures of to the moment of the snapshot
dimensions: [source, account]
window: none; the newest day on or before the day reported on
completeness: a dataset without days of its own is as old as its newest capture; withdrawn and held back captures do not count
differs: The service counts from when its page was made; this counts from the last day that the figures speak of.
alerts:
  - {alert: old, above: freshness.warn, severity: warn, cooldown_days: 1, text: "The newest figures are older than this service's normal pace; download the export and ingest it."}
  - {alert: missing, above: freshness.critical, severity: critical, cooldown_days: 1, text: "Figures are missing for so long that other figures are wrong by now; download the export and ingest it."}
---*/
-- Of a past day the clock stops at its end.
WITH moment AS (
  SELECT CASE WHEN :now_ms < (:day + 1) * 86400000 THEN :now_ms ELSE (:day + 1) * 86400000 END AS ms
), newest AS (
  SELECT i.stream AS source, i.account AS account,
    MAX(CASE WHEN COALESCE(i.last_day, IDIV(i.observed_ms, 86400000)) > :day THEN :day
      ELSE COALESCE(i.last_day, IDIV(i.observed_ms, 86400000)) END) AS day_no
  FROM op_ingest i
  WHERE i.outcome = 'new' AND i.live = 1 AND i.state = 'promoted' AND COALESCE(i.first_day, IDIV(i.observed_ms, 86400000)) <= :day
  GROUP BY i.stream, i.account
)
SELECT n.source AS source, n.account AS account,
  CASE WHEN m.ms < (n.day_no + 1) * 86400000 THEN 0 ELSE m.ms - (n.day_no + 1) * 86400000 END AS num, 3600000 AS den
FROM newest n
CROSS JOIN moment m
ORDER BY n.source NULLS FIRST, n.account NULLS FIRST;
