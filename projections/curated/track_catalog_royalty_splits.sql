/*---
curated: track_catalog_royalty_splits
title: Track catalogue with royalty splits, as the label wrote it down
file: track_catalog_royalty_splits.csv
formats: {release_date: day, royalty_percentage: decimal/7, your_revenue_share: decimal/7}
---*/
-- The two shares are percents, as in the file that is fed. payee is a pseudonym, or own.
SELECT
  r.value AS artist,
  t.value AS title,
  i.value AS isrc,
  u.value AS upc,
  f.release_day_no AS release_date,
  k.value AS release_type,
  p.value AS payee,
  f.royalty_share_nano AS royalty_percentage,
  f.own_share_nano AS your_revenue_share,
  a.value AS account
FROM fact_track_catalog f
JOIN source_value r ON r.id = f.artist
JOIN source_value t ON t.id = f.title
JOIN source_value i ON i.id = f.isrc
JOIN source_value p ON p.id = f.payee
JOIN source_value a ON a.id = f.account
LEFT JOIN source_value u ON u.id = f.upc
LEFT JOIN source_value k ON k.id = f.release_type
ORDER BY r.value, t.value, i.value, p.value, a.value;
