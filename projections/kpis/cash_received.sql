/*---
kpi: cash_received
title: Payouts received
domain: revenue
unit: usd
direction: up
decimals: 2
formula: sum of payouts that arrived in the month, as the label's list of payouts tells them
dimensions: [distributor, month]
adds_over: [distributor, month]
window: each month
completeness: as far as the list of payouts goes
differs: Distributors date a payout by when they send it and may show it before their fee.
evidence:
  fact: fact_payout
  where: day_no <= :day AND day_no IN (SELECT day_no FROM dim_date WHERE month = :month) AND distributor IN (SELECT id FROM source_value WHERE value = :distributor)
---*/
SELECT s.value AS distributor, d.month AS month, SUM(CONVERT_NANO(f.amount_nano, r.nano_usd)) AS num, 1000000000 AS den,
  SUM(CASE WHEN r.nano_usd IS NULL THEN 1 ELSE 0 END) AS unconverted
FROM fact_payout f
JOIN source_value s ON s.id = f.distributor
JOIN dim_date d ON d.day_no = f.day_no
LEFT JOIN rate_of r ON r.source_id = f.currency AND r.from_day <= f.day_no AND f.day_no < r.until_day
WHERE f.day_no <= :day AND f.amount_nano IS NOT NULL
GROUP BY s.value, d.month
ORDER BY s.value, d.month;
