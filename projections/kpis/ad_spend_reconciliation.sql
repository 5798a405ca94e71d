/*---
kpi: ad_spend_reconciliation
title: Ad spend minus what the card paid for advertising
domain: ads
unit: usd
direction: neutral
decimals: 2
formula: spend that the ad accounts report for the month minus what the card paid for advertising in it, refunds taken off; nano-USD / 10^9
dimensions: [month]
window: months that card statements cover whole, from their first day to their last
completeness: a month counts once both the ads and the card statements have gone on to its last day or beyond
differs: Meta bills when a threshold is reached or at the end of the month, so spend of the last days is paid in the next month. What is paid by another card, by credit or by invoice is missing here.
evidence:
  - fact: fact_expense
    where: >-
      day_no IN (SELECT d.day_no FROM dim_date d WHERE d.month = :month) AND day_no <= :day AND category IN (SELECT id FROM source_value
      WHERE kind = 'expense_category' AND (LOWER(value) LIKE '%advertis%' OR LOWER(value) LIKE '%marketing%')) AND entry NOT IN (SELECT
      id FROM source_value WHERE kind = 'expense_entry' AND value = 'payment')
  - fact: fact_ad_day
    where: >-
      day_no IN (SELECT d.day_no FROM dim_date d WHERE d.month = :month) AND day_no = last_day_no AND COALESCE(partial, 0) = 0 AND
      spend_nano IS NOT NULL AND day_no <= :day
---*/
WITH ads AS (
  SELECT MIN(f.day_no) AS first_day_no, MAX(f.day_no) AS last_day_no
  FROM fact_ad_day f
  WHERE f.day_no <= :day AND f.day_no = f.last_day_no AND COALESCE(f.partial, 0) = 0
),
card AS (
  SELECT MIN(e.day_no) AS first_day_no, MAX(e.day_no) AS last_day_no FROM fact_expense e WHERE e.day_no <= :day
),
months AS (
  SELECT m.month_no AS month_no, m.month AS month
  FROM ads a
  JOIN card c ON c.last_day_no IS NOT NULL
  JOIN dim_month m ON m.last_day_no >= a.first_day_no AND m.last_day_no <= a.last_day_no AND m.first_day_no >= c.first_day_no
    AND m.last_day_no <= c.last_day_no
),
amounts AS (
  SELECT d.month_no AS month_no, t.spend_usd_nano AS nano, t.unconverted AS unconverted
  FROM v_ad_day t
  JOIN dim_date d ON d.day_no = t.day_no
  WHERE t.spend_nano IS NOT NULL AND COALESCE(t.partial, 0) = 0
  UNION ALL
  SELECT d.month_no, 0 - CONVERT_NANO(e.amount_nano, r.nano_usd),
    CASE WHEN CONVERT_NANO(e.amount_nano, r.nano_usd) IS NULL THEN 1 ELSE 0 END
  FROM fact_expense e
  JOIN dim_date d ON d.day_no = e.day_no
  JOIN source_value g ON g.id = e.category
  JOIN source_value n ON n.id = e.entry
  LEFT JOIN rate_of r ON r.source_id = e.currency AND r.from_day <= e.day_no AND e.day_no < r.until_day
  WHERE e.amount_nano IS NOT NULL AND n.value <> 'payment' AND (LOWER(g.value) LIKE '%advertis%' OR LOWER(g.value) LIKE '%marketing%')
)
SELECT m.month AS month, CASE WHEN SUM(x.unconverted) = 0 THEN SUM(x.nano) END AS num, 1000000000 AS den, SUM(x.unconverted) AS unconverted
FROM months m
JOIN amounts x ON x.month_no = m.month_no
GROUP BY m.month
ORDER BY m.month;
