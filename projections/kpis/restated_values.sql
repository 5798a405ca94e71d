/*---
kpi: restated_values
title: Figures changed by later captures, 28 days
domain: operations
unit: count
direction: down
decimals: 0
formula: rows whose figures a later event changed or took away, of the last 28 days of work
dimensions: [source]
window: the last 28 days of work before the snapshot
completeness: a row that several events changed counts each time; a line of a statement that reads differently is one taken away and one new
---*/
SELECT c.stream AS source, SUM(c.replaced + c.closed) AS num, 1 AS den
FROM op_change c
WHERE c.time_ms > :now_ms - 2419200000
GROUP BY c.stream
ORDER BY c.stream NULLS FIRST;
