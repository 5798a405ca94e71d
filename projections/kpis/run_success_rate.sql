/*---
kpi: run_success_rate
title: Runs and steps that went well, 28 days
domain: operations
unit: percent
direction: up
decimals: 1
formula: runs and steps that ended ok / all that ended, of the last 28 days of work; a missing sign-in is nobody's failure and is left out
dimensions: [step]
window: the last 28 days of work before the snapshot
completeness: a run that never ended counts against it after a day
alerts:
  - {alert: failing, below: 80, severity: warn, cooldown_days: 7, text: "More than one run in five did not go well; see bedrot events --type run.completed."}
---*/
WITH attempt AS (
  SELECT s.step AS step, CASE WHEN s.outcome = 'ok' THEN 1 ELSE 0 END AS is_ok
  FROM op_step s
  WHERE s.time_ms > :now_ms - 2419200000 AND s.outcome NOT IN ('skipped', 'auth_required')
    AND COALESCE(s.failure_class, '') <> 'auth_required'
  UNION ALL
  SELECT r.command, CASE WHEN r.outcome = 'ok' THEN 1 ELSE 0 END
  FROM op_run r
  WHERE r.started_ms > :now_ms - 2419200000 AND (r.outcome IS NOT NULL OR r.started_ms < :now_ms - 86400000)
)
SELECT a.step AS step, SUM(a.is_ok) AS num, COUNT(*) AS den
FROM attempt a
GROUP BY a.step
ORDER BY a.step NULLS FIRST;
