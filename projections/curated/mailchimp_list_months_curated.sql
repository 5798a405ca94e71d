/*---
curated: mailchimp_list_months_curated
title: Mailchimp audiences, one line a list and month
file: mailchimp_list_months_curated.csv
formats: {month: month}
---*/
SELECT
  f.month_no AS month,
  l.value AS list_id,
  f.existing_total AS existing,
  f.subscribed_total AS subscribed,
  f.unsubscribed AS unsubscribed,
  f.cleaned AS cleaned,
  f.imports AS imports,
  f.optins AS optins,
  f.pending AS pending,
  f.deleted AS deleted,
  a.value AS account
FROM fact_email_list_month f
JOIN source_value l ON l.id = f.list
JOIN source_value a ON a.id = f.account
ORDER BY f.month_no, l.value, a.value;
