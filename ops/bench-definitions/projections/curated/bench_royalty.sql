/*---
curated: bench_royalty
title: Benchmark royalty lines, a file a reporting date
file: bench_royalty
partition: fact_bench_royalty.report_day_no
formats:
  Reporting Date: day
  Sale Month: month
  Team Percentage: nano
  Songwriter Royalties Withheld: nano
  Earnings (USD): nano
---*/
SELECT
  f.report_day_no AS "Reporting Date",
  f.sale_month_no AS "Sale Month",
  p.value AS "Store",
  a.value AS "Artist",
  t.value AS "Title",
  i.value AS "ISRC",
  u.value AS "UPC",
  f.quantity AS "Quantity",
  f.team_percentage_nano AS "Team Percentage",
  k.value AS "Song/Album",
  c.value AS "Country of Sale",
  f.withheld_nano AS "Songwriter Royalties Withheld",
  f.earnings_nano AS "Earnings (USD)"
FROM fact_bench_royalty f
JOIN source_value p ON p.id = f.store
JOIN source_value i ON i.id = f.isrc
JOIN source_value u ON u.id = f.upc
JOIN source_value c ON c.id = f.country
LEFT JOIN source_value a ON a.id = f.artist
LEFT JOIN source_value t ON t.id = f.title
LEFT JOIN source_value k ON k.id = f.kind
WHERE f.report_day_no = :partition
ORDER BY f.report_day_no, f.sale_month_no, p.value, i.value, u.value, c.value;
