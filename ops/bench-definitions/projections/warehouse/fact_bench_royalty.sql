/*---
fact: fact_bench_royalty
title: A royalty line of the benchmark, by its natural key
columns:
  report_day_no: key day
  sale_month_no: key month
  store: key source:platform
  isrc: key source:isrc
  upc: key source:upc
  country: key source:territory
  artist: source:artist
  title: source:title
  quantity: measure count
  team_percentage_nano: nano
  kind: source:source_type
  withheld_nano: measure nano
  earnings_nano: measure nano
indexes:
  - [sale_month_no, store]
  - [isrc]
totals:
  total_bench_month: {by: [sale_month_no, store], sum: [quantity, earnings_nano]}
---*/

-- from: bench/royalty
SELECT
  reporting_date AS report_day_no,
  sale_month AS sale_month_no,
  store,
  isrc,
  upc,
  country,
  artist,
  title,
  quantity,
  team_percentage AS team_percentage_nano,
  kind,
  withheld_usd AS withheld_nano,
  earnings_usd AS earnings_nano
FROM staged;
