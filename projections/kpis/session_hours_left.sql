/*---
kpi: session_hours_left
title: Session life left
domain: operations
unit: hours
direction: up
decimals: 0
formula: hours until a session expires; 0 once it expired, was revoked or a sign-in is asked for
dimensions: [service, account]
window: none; what is known at the snapshot
completeness: a session whose end nobody told has no value
differs: A service may end a session early, or let it live on; only a check tells.
alerts:
  - {alert: expiring, below: 72, severity: info, cooldown_days: 1, text: "A session ends within three days; sign in again when it suits you."}
  - {alert: expired, below: 0.001, severity: warn, cooldown_days: 1, text: "A session is over; sign in to go on. The other services go on meanwhile."}
---*/
WITH last_word AS (
  SELECT s.service AS service, s.account AS account,
    MAX(CASE WHEN s.event IN ('auth.expired', 'auth.required', 'auth.revoked') THEN s.event_seq ELSE 0 END) AS ended_seq,
    MAX(CASE WHEN s.event IN ('auth.signed_in', 'auth.refreshed') THEN s.event_seq ELSE 0 END) AS begun_seq,
    MAX(CASE WHEN s.expires_ms IS NOT NULL THEN s.event_seq ELSE 0 END) AS told_seq
  FROM op_session s
  GROUP BY s.service, s.account
)
SELECT w.service AS service, w.account AS account,
  CASE WHEN w.ended_seq > w.begun_seq OR t.expires_ms < :now_ms THEN 0 ELSE t.expires_ms - :now_ms END AS num, 3600000 AS den
FROM last_word w
LEFT JOIN op_session t ON t.event_seq = w.told_seq
WHERE w.ended_seq > w.begun_seq OR t.expires_ms IS NOT NULL
ORDER BY w.service NULLS FIRST, w.account NULLS FIRST;
