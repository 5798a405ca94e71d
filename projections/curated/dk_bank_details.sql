/*---
curated: dk_bank_details
title: DistroKid bank details, as exported
file: dk_bank_details.csv
formats:
  Reporting Date: day
  Sale Month: month
  Team Percentage: nano
  Songwriter Royalties Withheld: nano
  Earnings (USD): nano
  Recoup (USD): nano
  Date Inserted: day
---*/
-- The thirteen columns that every export has, then the two that exports have had since mid-2025.
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
  f.net_nano AS "Earnings (USD)",
  f.recoup_nano AS "Recoup (USD)",
  f.inserted_day_no AS "Date Inserted"
FROM fact_royalty_line f
JOIN source_value p ON p.id = f.platform
JOIN source_value a ON a.id = f.artist
JOIN source_value t ON t.id = f.title
JOIN source_value i ON i.id = f.isrc
JOIN source_value u ON u.id = f.upc
JOIN source_value k ON k.id = f.source_type
JOIN source_value c ON c.id = f.territory
JOIN source_value w ON w.id = f.account
JOIN source_value d ON d.id = f.src
WHERE d.value = 'distrokid/bank_details'
ORDER BY f.report_day_no, f.sale_month_no, p.value, a.value, t.value, i.value, u.value, k.value, c.value, f.quantity, f.net_nano, w.value, f.row_hash, f.row_no;
