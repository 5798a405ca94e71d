/*---
curated: mailchimp_campaigns_curated
title: Mailchimp, one line a campaign as it was told last
file: mailchimp_campaigns_curated.csv
formats: {as_of: day, sent: day, open_rate: decimal/4, click_rate: decimal/4, revenue: nano}
---*/
-- open_rate and click_rate are people by delivered mails. The opens are those without Apple's mail program where the source tells them.
WITH latest AS (
  SELECT f.account AS account, f.campaign AS campaign, MAX(f.as_of_day_no) AS as_of_day_no
  FROM fact_email_campaign f
  GROUP BY f.account, f.campaign
),
mailings AS (
  SELECT f.account AS account, f.as_of_day_no AS as_of_day_no, f.campaign AS campaign, f.campaign_name AS campaign_name,
    f.list_name AS list_name, f.subject AS subject, f.sent_day_no AS sent_day_no, f.emails_sent AS emails_sent,
    f.emails_sent - COALESCE(f.hard_bounces, 0) - COALESCE(f.soft_bounces, 0) AS delivered, f.hard_bounces AS hard_bounces,
    f.soft_bounces AS soft_bounces, f.unsubscribed AS unsubscribed, f.abuse_reports AS abuse_reports, f.opens AS opens,
    COALESCE(f.proxy_excluded_unique_opens, f.unique_opens) AS openers, f.unique_opens AS unique_opens, f.clicks AS clicks,
    COALESCE(f.clickers, f.unique_clicks) AS clickers, f.orders AS orders, f.revenue_nano AS revenue_nano, f.currency AS currency
  FROM fact_email_campaign f
  JOIN latest l ON l.account = f.account AND l.campaign = f.campaign AND l.as_of_day_no = f.as_of_day_no
)
SELECT
  c.value AS campaign_id,
  n.value AS campaign_title,
  i.value AS list_name,
  s.value AS subject_line,
  m.sent_day_no AS sent,
  m.as_of_day_no AS as_of,
  m.emails_sent AS emails_sent,
  m.delivered AS delivered,
  m.opens AS opens_total,
  m.unique_opens AS unique_opens,
  m.openers AS openers,
  CASE WHEN m.delivered > 0 THEN IDIV(m.openers * 20000 + m.delivered, 2 * m.delivered) END AS open_rate,
  m.clicks AS clicks_total,
  m.clickers AS clickers,
  CASE WHEN m.delivered > 0 THEN IDIV(m.clickers * 20000 + m.delivered, 2 * m.delivered) END AS click_rate,
  m.hard_bounces AS hard_bounces,
  m.soft_bounces AS soft_bounces,
  m.unsubscribed AS unsubscribed,
  m.abuse_reports AS abuse_reports,
  m.orders AS orders,
  m.revenue_nano AS revenue,
  u.value AS currency,
  a.value AS account
FROM mailings m
JOIN source_value c ON c.id = m.campaign
JOIN source_value a ON a.id = m.account
LEFT JOIN source_value n ON n.id = m.campaign_name
LEFT JOIN source_value i ON i.id = m.list_name
LEFT JOIN source_value s ON s.id = m.subject
LEFT JOIN source_value u ON u.id = m.currency
ORDER BY m.sent_day_no NULLS FIRST, c.value, a.value;
