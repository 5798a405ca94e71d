/*---
kpi: email_open_rate
title: Open rate of a mailing
domain: email
unit: percent
direction: up
decimals: 1
formula: people who opened / mails delivered; without the opens that mail programs make by themselves, where those are told
dimensions: [campaign]
window: each mailing of the 365 days before the newest report, since it was sent
completeness: figures grow for weeks after a mailing; the newest report of each counts
differs: >-
  Mailchimp's page counts opens that Apple's mail program makes by itself, unless it is told not to. Delivered is what was sent less
  bounces.
evidence:
  fact: fact_email_campaign
  where: >-
    campaign IN (SELECT id FROM source_value WHERE kind = 'email_campaign' AND value = :campaign) AND as_of_day_no = (SELECT
    MAX(as_of_day_no) FROM fact_email_campaign WHERE as_of_day_no <= :day AND campaign IN (SELECT id FROM source_value WHERE kind =
    'email_campaign' AND value = :campaign) AND COALESCE(proxy_excluded_unique_opens, unique_opens) IS NOT NULL AND emails_sent -
    hard_bounces - soft_bounces > 0)
---*/
WITH last AS (
  SELECT MAX(f.as_of_day_no) AS day_no
  FROM fact_email_campaign f
  WHERE f.as_of_day_no <= :day
), told AS (
  SELECT c.value AS campaign, f.as_of_day_no AS day_no, COALESCE(f.proxy_excluded_unique_opens, f.unique_opens) AS people,
    f.emails_sent - f.hard_bounces - f.soft_bounces AS delivered
  FROM last l
  JOIN fact_email_campaign f ON f.as_of_day_no <= l.day_no AND COALESCE(f.sent_day_no, f.as_of_day_no) > l.day_no - 365
  JOIN source_value c ON c.id = f.campaign
  WHERE COALESCE(f.proxy_excluded_unique_opens, f.unique_opens) IS NOT NULL AND f.emails_sent - f.hard_bounces - f.soft_bounces > 0
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
