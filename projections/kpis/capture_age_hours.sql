/*---
kpi: capture_age_hours
title: Age of the last capture
domain: operations
unit: hours
direction: down
decimals: 0
formula: hours from when the source last showed something that was captured to the moment of the snapshot
dimensions: [source, account]
window: none; the newest capture seen on or before the day reported on
completeness: the same export fed again counts; a withdrawn capture does not
differs: The time is that in the file's name or the answer, not that of the download folder.
---*/
WITH moment AS (
  SELECT CASE WHEN :now_ms < (:day + 1) * 86400000 THEN :now_ms ELSE (:day + 1) * 86400000 END AS ms
)
SELECT i.stream AS source, i.account AS account, MAX(m.ms) - MAX(i.observed_ms) AS num, 3600000 AS den
FROM op_ingest i
CROSS JOIN moment m
WHERE (i.outcome = 'duplicate' OR i.outcome = 'new' AND i.live = 1) AND i.observed_ms <= m.ms
GROUP BY i.stream, i.account
ORDER BY i.stream NULLS FIRST, i.account NULLS FIRST;
