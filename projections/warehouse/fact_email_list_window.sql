/*---
fact: fact_email_list_window
title: Size and averages of a mailing list, as of a day
columns:
  as_of_day_no: key day
  list: key source:mailing_list
  list_name: source:mailing_list_name
  members_total: measure count
  contacts_total: measure count
  unsubscribed_total: measure count
  cleaned_total: measure count
  campaigns_total: measure count
  open_rate_nano: measure nano
  click_rate_nano: measure nano
---*/

-- from: mailchimp/lists
SELECT
  as_of AS as_of_day_no,
  list_id AS list,
  list AS list_name,
  members AS members_total,
  total_contacts AS contacts_total,
  unsubscribed AS unsubscribed_total,
  cleaned AS cleaned_total,
  campaigns AS campaigns_total,
  open_rate AS open_rate_nano,
  click_rate AS click_rate_nano
FROM staged;
