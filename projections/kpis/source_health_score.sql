/*---
kpi: source_health_score
title: Health of a source
domain: operations
unit: points
direction: up
decimals: 0
formula: 100 less deductions for old figures, held back captures and held back days, each weighed by how much the service matters
dimensions: [source, account]
window: none; what is known at the snapshot
completeness: older than a third of the service's normal age costs 5, than that age 15, than its critical age 30, than twice that 40; no figures at all cost 20; a held back capture newer than the newest taken one and held back days cost 10 each; a service of critical priority past its critical age 20 more
---*/
WITH moment AS (
  SELECT CASE WHEN :now_ms < (:day + 1) * 86400000 THEN :now_ms ELSE (:day + 1) * 86400000 END AS ms
), state AS (
  SELECT i.stream AS source, i.account AS account, MAX(i.service) AS service,
    MAX(CASE WHEN i.state = 'promoted' THEN CASE WHEN COALESCE(i.last_day, IDIV(i.observed_ms, 86400000)) > :day THEN :day
      ELSE COALESCE(i.last_day, IDIV(i.observed_ms, 86400000)) END END) AS day_no,
    MAX(CASE WHEN i.state = 'promoted' THEN i.observed_ms END) AS taken_ms,
    MAX(CASE WHEN i.state <> 'promoted' THEN i.observed_ms END) AS waiting_ms,
    SUM(COALESCE(i.held, 0)) AS held
  FROM op_ingest i
  WHERE i.outcome = 'new' AND i.live = 1 AND COALESCE(i.first_day, IDIV(i.observed_ms, 86400000)) <= :day
  GROUP BY i.stream, i.account
), weighed AS (
  SELECT s.source AS source, s.account AS account, m.ms - (s.day_no + 1) * 86400000 AS age_ms,
    COALESCE(o.warn_h, 72) * 3600000 AS warn_ms, COALESCE(o.critical_h, 168) * 3600000 AS critical_ms,
    COALESCE(o.weight_tenths, 10) AS weight,
    CASE WHEN s.waiting_ms > COALESCE(s.taken_ms, 0) THEN 10 ELSE 0 END AS stuck, CASE WHEN s.held > 0 THEN 10 ELSE 0 END AS held
  FROM state s
  CROSS JOIN moment m
  LEFT JOIN op_source o ON o.service = s.service
), scored AS (
  -- Each deduction is weighed and cut to whole points by itself.
  SELECT w.source AS source, w.account AS account,
    100
      - IDIV(w.weight * CASE WHEN w.age_ms IS NULL THEN 20 WHEN w.age_ms > 2 * w.critical_ms THEN 40 WHEN w.age_ms > w.critical_ms THEN 30
        WHEN w.age_ms > w.warn_ms THEN 15 WHEN 3 * w.age_ms > w.warn_ms THEN 5 ELSE 0 END, 10)
      - IDIV(w.weight * w.stuck, 10) - IDIV(w.weight * w.held, 10)
      - CASE WHEN w.weight >= 15 AND w.age_ms > w.critical_ms THEN IDIV(w.weight * 20, 10) ELSE 0 END AS score
  FROM weighed w
)
SELECT c.source AS source, c.account AS account, CASE WHEN c.score < 0 THEN 0 ELSE c.score END AS num, 1 AS den
FROM scored c
ORDER BY c.source NULLS FIRST, c.account NULLS FIRST;
