/*---
curated: mailchimp_lists_curated
title: Mailchimp audiences, one line a list and day they were asked for
file: mailchimp_lists_curated.csv
formats: {as_of: day, open_rate: nano, click_rate: nano}
---*/
SELECT
  f.as_of_day_no AS as_of,
  l.value AS list_id,
  n.value AS list_name,
  f.members_total AS members,
  f.contacts_total AS contacts,
  f.unsubscribed_total AS unsubscribed,
  f.cleaned_total AS cleaned,
  f.campaigns_total AS campaigns,
  f.open_rate_nano AS open_rate,
  f.click_rate_nano AS click_rate,
  a.value AS account
FROM fact_email_list_window f
JOIN source_value l ON l.id = f.list
JOIN source_value a ON a.id = f.account
LEFT JOIN source_value n ON n.id = f.list_name
ORDER BY f.as_of_day_no, l.value, a.value;
