/*---
curated: mailchimp_list_days_curated
title: Mailchimp audiences, one line a list and day
file: mailchimp_list_days_curated.csv
formats: {date: day}
---*/
SELECT
  f.day_no AS date,
  l.value AS list_id,
  f.emails_sent AS emails_sent,
  f.unique_opens AS unique_opens,
  f.clicks AS clicks,
  f.hard_bounces AS hard_bounces,
  f.soft_bounces AS soft_bounces,
  f.subscribed AS subscribed,
  f.unsubscribed AS unsubscribed,
  f.other_adds AS other_adds,
  f.other_removes AS other_removes,
  a.value AS account
FROM fact_email_list_day f
JOIN source_value l ON l.id = f.list
JOIN source_value a ON a.id = f.account
ORDER BY f.day_no, l.value, a.value;
