/*---
curated: payouts_curated
title: Payouts, one line a payout
file: payouts_curated.csv
formats: {date: day, amount: nano, fee: nano}
---*/
SELECT
  f.day_no AS date,
  d.value AS distributor,
  f.amount_nano AS amount,
  f.fee_nano AS fee,
  u.value AS currency,
  r.value AS reference,
  n.value AS note,
  a.value AS account
FROM fact_payout f
JOIN source_value d ON d.id = f.distributor
JOIN source_value r ON r.id = f.reference
JOIN source_value u ON u.id = f.currency
JOIN source_value a ON a.id = f.account
LEFT JOIN source_value n ON n.id = f.note
ORDER BY f.day_no NULLS FIRST, d.value, r.value, a.value;
