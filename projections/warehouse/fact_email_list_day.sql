/*---
fact: fact_email_list_day
title: A day of a mailing list
columns:
  day_no: key day
  list: key source:mailing_list
  emails_sent: measure count
  unique_opens: measure count
  clicks: measure count
  hard_bounces: measure count
  soft_bounces: measure count
  subscribed: measure count
  unsubscribed: measure count
  other_adds: measure count
  other_removes: measure count
  partial: flag
---*/

-- from: mailchimp/list_activity
SELECT
  day AS day_no,
  list_id AS list,
  emails_sent,
  unique_opens,
  clicks,
  hard_bounces,
  soft_bounces,
  subscribed,
  unsubscribed,
  other_adds,
  other_removes,
  partial
FROM staged;
