/*---
kpi: quality_pass_rate
title: Checks passed
domain: operations
unit: percent
direction: up
decimals: 1
formula: checks passed / checks made; a capture is checked for being taken, no line rejected, no rule broken, no value unmapped, nothing held back
dimensions: [source]
window: none; every capture that is not withdrawn
completeness: a file held back whole passes none of its five checks
---*/
SELECT i.stream AS source,
  SUM(CASE WHEN i.state = 'promoted' THEN 1 ELSE 0 END
    + CASE WHEN i.rejected = 0 THEN 1 ELSE 0 END
    + CASE WHEN i.warned = 0 THEN 1 ELSE 0 END
    + CASE WHEN i.unmapped = 0 THEN 1 ELSE 0 END
    + CASE WHEN i.held = 0 THEN 1 ELSE 0 END) AS num,
  5 * COUNT(*) AS den
FROM op_ingest i
WHERE i.outcome = 'new' AND i.live = 1
GROUP BY i.stream
ORDER BY i.stream NULLS FIRST;
