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
  where: >-
    day_no <= :day AND day_no IN (SELECT day_no FROM dim_date WHERE month = :month) AND distributor IN (SELECT s.id FROM source_value s
    LEFT JOIN ref_distributor d ON LOWER(REPLACE(d.distributor, ' ', '')) = LOWER(REPLACE(s.value, ' ', '')) WHERE
    COALESCE(d.distributor, s.value) = :distributor)
---*/
-- Whoever keeps the list may write a known distributor in another case.
SELECT COALESCE(n.distributor, s.value) AS distributor, d.month AS month, SUM(CONVERT_NANO(f.amount_nano, r.nano_usd)) AS num, 1000000000 AS den,
  SUM(CASE WHEN CONVERT_NANO(f.amount_nano, r.nano_usd) IS NULL THEN 1 ELSE 0 END) AS unconverted
FROM fact_payout f
JOIN source_value s ON s.id = f.distributor
LEFT JOIN ref_distributor n ON LOWER(REPLACE(n.distributor, ' ', '')) = LOWER(REPLACE(s.value, ' ', ''))
JOIN dim_date d ON d.day_no = f.day_no
LEFT JOIN rate_of r ON r.source_id = f.currency AND r.from_day <= f.day_no AND f.day_no < r.until_day
WHERE f.day_no <= :day AND f.amount_nano IS NOT NULL
GROUP BY COALESCE(n.distributor, s.value), d.month
ORDER BY COALESCE(n.distributor, s.value), d.month;
