/*---
view: dim_email_campaign
title: Mailings, as the newest report names them
grain: [campaign]
columns:
  campaign: "text; Mailchimp's id"
  name: "text"
  subject: "text"
  type: "text; regular, rss, automation, …"
  list: "text; id of the mailing list"
  list_name: "text"
  sent_day_no: "day; in UTC; null before it is sent"
  as_of_day_no: "day; of the newest report"
---*/
WITH placed AS (
  SELECT c.value AS campaign, COALESCE(n.value, '') AS name, COALESCE(s.value, '') AS subject, COALESCE(t.value, '') AS type,
    COALESCE(l.value, '') AS list, COALESCE(m.value, '') AS list_name, f.sent_day_no AS sent_day_no, f.as_of_day_no AS as_of_day_no,
    ROW_NUMBER() OVER (PARTITION BY c.value ORDER BY f.as_of_day_no DESC, h.value) AS place
  FROM fact_email_campaign f
  JOIN source_value c ON c.id = f.campaign
  JOIN source_value h ON h.id = f.account
  LEFT JOIN source_value n ON n.id = f.campaign_name
  LEFT JOIN source_value s ON s.id = f.subject
  LEFT JOIN source_value t ON t.id = f.type
  LEFT JOIN source_value l ON l.id = f.list
  LEFT JOIN source_value m ON m.id = f.list_name
)
SELECT p.campaign AS campaign, p.name AS name, p.subject AS subject, p.type AS type, p.list AS list, p.list_name AS list_name,
  p.sent_day_no AS sent_day_no, p.as_of_day_no AS as_of_day_no
FROM placed p
WHERE p.place = 1;
