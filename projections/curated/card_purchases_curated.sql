/*---
curated: card_purchases_curated
title: Card purchases, one line a line of the statements
file: card_purchases_curated.csv
formats: {Date: day, Posted Date: day, Amount: nano}
---*/
-- Amount is above zero for what was spent and below for what came back; a payment settles the card.
SELECT
  f.day_no AS "Date",
  f.posted_day_no AS "Posted Date",
  v.value AS "Description",
  f.amount_nano AS "Amount",
  u.value AS "Currency",
  c.value AS "Category",
  e.value AS "Entry",
  s.value AS "Status",
  k.value AS "CardLast4",
  a.value AS "Account"
FROM fact_expense f
JOIN source_value v ON v.id = f.vendor
JOIN source_value c ON c.id = f.category
JOIN source_value e ON e.id = f.entry
JOIN source_value s ON s.id = f.status
JOIN source_value k ON k.id = f.card
JOIN source_value u ON u.id = f.currency
JOIN source_value a ON a.id = f.account
ORDER BY f.day_no, v.value, f.amount_nano NULLS FIRST, c.value, e.value, s.value, k.value, a.value, f.posted_day_no NULLS FIRST, f.row_hash,
  f.row_no;
