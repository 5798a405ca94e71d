/*---
fact: fact_expense
title: A line of a card statement; what was spent is above zero, what came back below
identity: row
partition: day_no
columns:
  day_no: key day
  posted_day_no: day
  vendor: source:vendor
  category: source:expense_category
  entry: source:expense_entry
  status: source:expense_status
  card: source:card
  amount_nano: measure nano
  currency: source:currency
---*/
-- entry is purchase, refund or payment; a payment settles the card and is no income. Banks with a Type column write sales below zero.

-- from: manual/card_purchases
SELECT
  date AS day_no,
  posted AS posted_day_no,
  description AS vendor,
  COALESCE(category, '') AS category,
  CASE
    WHEN LOWER(COALESCE(type, '')) = 'payment' OR LOWER(COALESCE(category, '')) LIKE '%payment%' THEN 'payment'
    WHEN LOWER(COALESCE(type, '')) IN ('return', 'refund', 'credit') THEN 'refund'
    WHEN LOWER(COALESCE(type, '')) IN ('sale', 'purchase', 'fee', 'interest', 'debit') THEN 'purchase'
    WHEN COALESCE(debit_usd, 0) - COALESCE(credit_usd, 0) + COALESCE(amount_usd, 0) < 0 THEN 'refund'
    ELSE 'purchase'
  END AS entry,
  COALESCE(status, '') AS status,
  COALESCE(card, '') AS card,
  CASE
    WHEN debit_usd IS NOT NULL OR credit_usd IS NOT NULL THEN COALESCE(debit_usd, 0) - COALESCE(credit_usd, 0)
    WHEN LOWER(COALESCE(type, '')) IN ('sale', 'purchase', 'fee', 'interest', 'debit') THEN ABS(amount_usd)
    WHEN LOWER(COALESCE(type, '')) IN ('return', 'refund', 'payment', 'credit') THEN 0 - ABS(amount_usd)
    ELSE amount_usd
  END AS amount_nano,
  'USD' AS currency
FROM staged;
