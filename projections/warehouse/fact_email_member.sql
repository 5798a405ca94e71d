/*---
fact: fact_email_member
title: Somebody on a mailing list, under a pseudonym, as of a day
columns:
  as_of_day_no: key day
  list: key source:mailing_list
  member: key source:list_member
  status: source:member_status
  joined_day_no: day
  rating: count
---*/

-- from: mailchimp/members
SELECT
  as_of AS as_of_day_no,
  list_id AS list,
  member AS member,
  status,
  joined AS joined_day_no,
  rating
FROM staged;
