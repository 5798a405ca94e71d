/*---
kpi: quarantined_rows
title: Lines kept out
domain: operations
unit: count
direction: down
decimals: 0
formula: lines rejected, lines of days and months held back, and one for each file held back whole, of the captures in force
dimensions: [source]
window: none; every capture that is not withdrawn
completeness: a file held back whole counts 1, for nobody has read its lines
alerts:
  - {alert: kept_out, above: 0, severity: info, cooldown_days: 7, text: "Lines of this source stand in no figure; see bedrot zones held and the rejects beside the staging file."}
---*/
SELECT i.stream AS source,
  SUM(CASE WHEN i.state = 'quarantined' THEN 1 ELSE COALESCE(i.rejected, 0) + COALESCE(i.held_rows, 0) END) AS num, 1 AS den
FROM op_ingest i
WHERE i.outcome = 'new' AND i.live = 1
GROUP BY i.stream
ORDER BY i.stream NULLS FIRST;
