/*---
kpi: expenses_total
title: Business expenses
domain: revenue
unit: usd
direction: down
decimals: 2
formula: sum of purchases of the card less what came back, by category and the month of the purchase; payments that settle the card do not count
dimensions: [category, month]
adds_over: [category, month]
window: each month
completeness: as far as the card's exports go
differs: Banks total by statement period or by posting day, and count payments.
evidence:
  fact: fact_expense
  where: "day_no <= :day AND day_no IN (SELECT day_no FROM dim_date WHERE month = :month) AND category IN (SELECT id FROM source_value WHERE value = :category) AND entry NOT IN (SELECT id FROM source_value WHERE kind = 'expense_entry' AND value = 'payment')"
---*/
SELECT c.value AS category, d.month AS month, SUM(CONVERT_NANO(f.amount_nano, r.nano_usd)) AS num, 1000000000 AS den,
  SUM(CASE WHEN CONVERT_NANO(f.amount_nano, r.nano_usd) IS NULL THEN 1 ELSE 0 END) AS unconverted
FROM fact_expense f
JOIN source_value c ON c.id = f.category
JOIN source_value e ON e.id = f.entry
JOIN dim_date d ON d.day_no = f.day_no
LEFT JOIN rate_of r ON r.source_id = f.currency AND r.from_day <= f.day_no AND f.day_no < r.until_day
WHERE f.day_no <= :day AND e.value <> 'payment' AND f.amount_nano IS NOT NULL
GROUP BY c.value, d.month
ORDER BY c.value, d.month;
