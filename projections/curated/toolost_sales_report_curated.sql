/*---
curated: toolost_sales_report_curated
title: Too Lost sales reports, one line a transaction; amounts in the currency beside them
file: toolost_sales_report_curated.csv
formats: 
  sale_date: day
  accounting_date: day
  reporting_date: day
  unit_price: nano
  share: nano
  rev_fee: nano
  gross_amount: nano
  net_amount: nano
---*/
SELECT
  t.value AS transaction_id,
  x.value AS split_id,
  f.sale_day_no AS sale_date,
  f.accounting_day_no AS accounting_date,
  f.report_day_no AS reporting_date,
  rt.value AS release_title,
  ri.value AS release_id,
  tt.value AS track_title,
  ti.value AS track_id,
  ar.value AS artist,
  p.value AS channel,
  g.value AS country,
  i.value AS isrc,
  u.value AS upc,
  f.units AS units,
  f.unit_price_nano AS unit_price,
  oc.value AS original_currency,
  f.share_nano AS share,
  f.fee_nano AS rev_fee,
  f.gross_nano AS gross_amount,
  f.net_nano AS net_amount,
  cu.value AS currency,
  s.value AS account,
  c.observed AS extracted_at,
  c.name AS source_file
FROM fact_sale_line f
JOIN source_value t ON t.id = f.transaction_id
JOIN source_value x ON x.id = f.split_id
JOIN source_value rt ON rt.id = f.release_title
JOIN source_value ri ON ri.id = f.release_id
JOIN source_value tt ON tt.id = f.title
JOIN source_value ti ON ti.id = f.track_id
JOIN source_value ar ON ar.id = f.artist
JOIN source_value p ON p.id = f.platform
JOIN source_value g ON g.id = f.territory
JOIN source_value i ON i.id = f.isrc
JOIN source_value u ON u.id = f.upc
JOIN source_value oc ON oc.id = f.unit_price_currency
JOIN source_value cu ON cu.id = f.currency
JOIN source_value s ON s.id = f.account
JOIN source_value d ON d.id = f.src
JOIN capture c ON c.seq = f.set_seq
WHERE d.value = 'toolost/sales_report'
ORDER BY s.value, f.sale_day_no, t.value, x.value, p.value, g.value, ti.value, f.row_no;
