/*---
fact: fact_email_campaign
title: A mailing's figures since it was sent, as of a day
columns:
  as_of_day_no: key day
  campaign: key source:email_campaign
  campaign_name: source:email_campaign_name
  list: source:mailing_list
  list_name: source:mailing_list_name
  subject: source:email_subject
  type: source:email_type
  sent_day_no: day
  emails_sent: measure count
  abuse_reports: measure count
  unsubscribed: measure count
  hard_bounces: measure count
  soft_bounces: measure count
  opens: measure count
  unique_opens: measure count
  proxy_excluded_opens: measure count
  proxy_excluded_unique_opens: measure count
  clicks: measure count
  unique_clicks: measure count
  clickers: measure count
  forwards: measure count
  orders: measure count
  revenue_nano: measure nano
  currency: source:currency
indexes:
  - [campaign, as_of_day_no]
---*/

-- from: mailchimp/reports
SELECT
  as_of AS as_of_day_no,
  campaign_id AS campaign,
  campaign AS campaign_name,
  list_id AS list,
  list_name,
  subject,
  type,
  sent_on AS sent_day_no,
  emails_sent,
  abuse_reports,
  unsubscribed,
  hard_bounces,
  soft_bounces,
  opens,
  unique_opens,
  proxy_excluded_opens,
  proxy_excluded_unique_opens,
  clicks,
  unique_clicks,
  clickers,
  forwards,
  orders,
  revenue AS revenue_nano,
  currency
FROM staged;
