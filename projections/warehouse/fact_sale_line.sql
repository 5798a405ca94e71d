/*---
fact: fact_sale_line
title: A line of a sales report, told apart by its transaction, lines of one transaction by their number; amounts in the currency beside them
identity: occurrence
columns:
  sale_day_no: key day
  transaction_id: key source:transaction
  split_id: key source:split
  platform: key source:platform
  territory: key source:territory
  track_id: key source:distributor_track_id
  distributor: source:distributor
  accounting_day_no: day
  report_day_no: day
  artist: source:artist
  title: source:title
  release_title: source:title
  release_id: source:release_id
  isrc: source:isrc
  upc: source:upc
  units: measure count
  unit_price_nano: nano
  unit_price_currency: source:currency
  share_nano: nano
  fee_nano: nano
  gross_nano: measure nano
  net_nano: measure nano
  currency: source:currency
indexes:
  - [sale_day_no, platform]
totals:
  total_sale: {by: [sale_day_no, report_day_no, platform, artist, title, isrc, currency], sum: [units, gross_nano, net_nano], full_indexes: [[title], [artist]]}
---*/

-- from: toolost/sales_report
SELECT
  sale_date AS sale_day_no,
  transaction_id AS transaction_id,
  split_id AS split_id,
  channel AS platform,
  country AS territory,
  track_id AS track_id,
  'TooLost' AS distributor,
  accounting_date AS accounting_day_no,
  reporting_date AS report_day_no,
  COALESCE(artist, '') AS artist,
  COALESCE(track_title, '') AS title,
  COALESCE(release_title, '') AS release_title,
  COALESCE(release_id, '') AS release_id,
  COALESCE(isrc, '') AS isrc,
  COALESCE(upc, '') AS upc,
  units,
  unit_price AS unit_price_nano,
  COALESCE(original_currency, '') AS unit_price_currency,
  share AS share_nano,
  rev_fee AS fee_nano,
  gross_amount AS gross_nano,
  net_amount AS net_nano,
  COALESCE(currency, '') AS currency
FROM staged;
