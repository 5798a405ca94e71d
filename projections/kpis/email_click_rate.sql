/*---
kpi: email_click_rate
title: Click rate of a mailing
domain: email
unit: percent
direction: up
decimals: 1
formula: people who clicked / mails delivered
dimensions: [campaign]
window: each mailing of the 365 days before the newest report, since it was sent
completeness: figures grow for weeks after a mailing; the newest report of each counts
differs: >-
  Mailchimp also shows clicks by opens, and clicks counted once a link; here a person counts once. Delivered is what was sent less bounces.
evidence:
  fact: fact_email_campaign
  where: >-
    campaign IN (SELECT id FROM source_value WHERE kind = 'email_campaign' AND value = :campaign) AND as_of_day_no = (SELECT
    MAX(as_of_day_no) FROM fact_email_campaign WHERE as_of_day_no <= :day AND campaign IN (SELECT id FROM source_value WHERE kind =
    'email_campaign' AND value = :campaign) AND clickers IS NOT NULL AND emails_sent - hard_bounces - soft_bounces > 0)
---*/
WITH last AS (
  SELECT MAX(f.as_of_day_no) AS day_no
  FROM fact_email_campaign f
  WHERE f.as_of_day_no <= :day
), told AS (
  SELECT c.value AS campaign, f.as_of_day_no AS day_no, f.clickers AS people,
    f.emails_sent - f.hard_bounces - f.soft_bounces AS delivered
  FROM last l
  JOIN fact_email_campaign f ON f.as_of_day_no <= l.day_no AND COALESCE(f.sent_day_no, f.as_of_day_no) > l.day_no - 365
  JOIN source_value c ON c.id = f.campaign
  WHERE f.clickers IS NOT NULL AND f.emails_sent - f.hard_bounces - f.soft_bounces > 0
), newest AS (
  SELECT t.campaign AS campaign, MAX(t.day_no) AS day_no
  FROM told t
  GROUP BY t.campaign
)
SELECT t.campaign AS campaign, MAX(t.people) AS num, MAX(t.delivered) AS den
FROM newest n
JOIN told t ON t.campaign = n.campaign AND t.day_no = n.day_no
GROUP BY t.campaign
ORDER BY t.campaign;
