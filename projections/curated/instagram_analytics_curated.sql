/*---
curated: instagram_analytics_curated
title: Instagram, one line a metric and day
file: instagram_analytics_curated.csv
formats: {date: day}
---*/
-- period and form say what a value covers: windows and totals are not days, and nothing here is added over them.
SELECT
  a.value AS account,
  f.day_no AS date,
  m.value AS metric,
  p.value AS period,
  r.value AS form,
  o.value AS object,
  b.value AS member,
  f.value AS value,
  d.value AS data_source
FROM fact_metric_day f
JOIN source_value s ON s.id = f.platform
JOIN source_value m ON m.id = f.metric
JOIN source_value p ON p.id = f.period
JOIN source_value r ON r.id = f.form
JOIN source_value o ON o.id = f.object
JOIN source_value b ON b.id = f.member
JOIN source_value a ON a.id = f.account
JOIN source_value d ON d.id = f.src
WHERE s.value = 'Instagram'
ORDER BY a.value, f.day_no, m.value, p.value, r.value, o.value, b.value, d.value;
