/*---
fact: fact_email_list_month
title: A month of a mailing list
columns:
  month_no: key month
  list: key source:mailing_list
  existing_total: measure count
  subscribed_total: measure count
  unsubscribed: measure count
  cleaned: measure count
  imports: measure count
  optins: measure count
  pending: measure count
  deleted: measure count
---*/

-- from: mailchimp/growth_history
SELECT
  month AS month_no,
  list_id AS list,
  existing AS existing_total,
  subscribed AS subscribed_total,
  unsubscribed,
  cleaned,
  imports,
  optins,
  pending,
  deleted
FROM staged;
