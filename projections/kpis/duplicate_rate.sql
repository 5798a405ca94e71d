/*---
kpi: duplicate_rate
title: Repeated captures, 28 days
domain: operations
unit: percent
direction: neutral
decimals: 1
formula: captures that repeat what is here already / all captures, of the last 28 days of work
dimensions: [source]
window: the last 28 days of work before the snapshot
completeness: files that could not even be captured do not count
---*/
SELECT i.stream AS source, SUM(CASE WHEN i.outcome = 'duplicate' THEN 1 ELSE 0 END) AS num, COUNT(*) AS den
FROM op_ingest i
WHERE i.outcome IN ('new', 'duplicate') AND i.time_ms > :now_ms - 2419200000
GROUP BY i.stream
ORDER BY i.stream NULLS FIRST;
