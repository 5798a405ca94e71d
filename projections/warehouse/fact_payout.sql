/*---
fact: fact_payout
title: A payout that arrived
columns:
  distributor: key source:distributor
  reference: key source:payout_reference
  day_no: day
  currency: source:currency
  amount_nano: measure nano
  fee_nano: measure nano
  note: source:payout_note
---*/

-- from: manual/payouts
SELECT
  distributor AS distributor,
  reference AS reference,
  date AS day_no,
  currency,
  amount AS amount_nano,
  fee AS fee_nano,
  note
FROM staged;
