/*---
curated: submithub_links_analytics
title: SubmitHub links, one line a day and where visits came from
file: submithub_links_analytics_curated.csv
formats: {date: day}
---*/
SELECT
  f.day_no AS date,
  l.value AS link,
  r.value AS artist,
  t.value AS track,
  v.value AS visitor,
  c.value AS country,
  w.value AS referrer,
  us.value AS utm_source,
  um.value AS utm_medium,
  uc.value AS utm_campaign,
  d.value AS destination,
  f.opened AS opened,
  f.clicked AS clicked,
  a.value AS account
FROM fact_link_visit_day f
JOIN source_value l ON l.id = f.link
JOIN source_value r ON r.id = f.artist
JOIN source_value t ON t.id = f.title
JOIN source_value v ON v.id = f.visitor
JOIN source_value c ON c.id = f.territory
JOIN source_value w ON w.id = f.referrer
JOIN source_value us ON us.id = f.utm_source
JOIN source_value um ON um.id = f.utm_medium
JOIN source_value uc ON uc.id = f.utm_campaign
JOIN source_value d ON d.id = f.destination
JOIN source_value a ON a.id = f.account
ORDER BY f.day_no, l.value, r.value, t.value, v.value, c.value, w.value, us.value, um.value, uc.value, d.value, a.value, f.row_hash,
  f.row_no;
