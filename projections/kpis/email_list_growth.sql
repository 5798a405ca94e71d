/*---
kpi: email_list_growth
title: Growth of a mailing list, newest complete month
domain: email
unit: percent
direction: up
decimals: 1
formula: (subscribers at the end of the month - at the end of the month before) / at the end of the month before
dimensions: [list]
window: the newest complete month
completeness: a month is complete when a later one is told; without the month before there is no value
differs: >-
  Mailchimp's page shows the list as it is now, and growth since a chosen day. This counts whoever left as well, also addresses that
  bounced out.
evidence:
  fact: fact_email_list_month
  where: >-
    list IN (SELECT id FROM source_value WHERE kind = 'mailing_list' AND value = :list) AND month_no <= (SELECT MAX(month_no) FROM
    fact_email_list_month WHERE list IN (SELECT id FROM source_value WHERE kind = 'mailing_list' AND value = :list) AND subscribed_total
    IS NOT NULL AND month_no < (SELECT MAX(month_no) FROM fact_email_list_month WHERE list IN (SELECT id FROM source_value WHERE kind =
    'mailing_list' AND value = :list) AND subscribed_total IS NOT NULL) AND month_no IN (SELECT month_no FROM dim_month WHERE
    last_day_no <= :day)) AND month_no >= (SELECT MAX(month_no) FROM fact_email_list_month WHERE list IN (SELECT id FROM source_value
    WHERE kind = 'mailing_list' AND value = :list) AND subscribed_total IS NOT NULL AND month_no < (SELECT MAX(month_no) FROM
    fact_email_list_month WHERE list IN (SELECT id FROM source_value WHERE kind = 'mailing_list' AND value = :list) AND subscribed_total
    IS NOT NULL) AND month_no IN (SELECT month_no FROM dim_month WHERE last_day_no <= :day)) - 1
---*/
WITH told AS (
  SELECT s.value AS list, f.month_no AS month_no, MAX(f.subscribed_total) AS subscribers
  FROM fact_email_list_month f
  JOIN source_value s ON s.id = f.list
  WHERE f.subscribed_total IS NOT NULL
  GROUP BY s.value, f.month_no
), last AS (
  SELECT t.list AS list, MAX(t.month_no) AS month_no
  FROM told t
  GROUP BY t.list
), newest AS (
  SELECT t.list AS list, MAX(t.month_no) AS month_no
  FROM last l
  JOIN told t ON t.list = l.list AND t.month_no < l.month_no
  JOIN dim_month m ON m.month_no = t.month_no AND m.last_day_no <= :day
  GROUP BY t.list
), pair AS (
  SELECT n.list AS list, MAX(CASE WHEN t.month_no = n.month_no THEN t.subscribers END) AS after_it,
    MAX(CASE WHEN t.month_no = n.month_no - 1 THEN t.subscribers END) AS before_it
  FROM newest n
  JOIN told t ON t.list = n.list AND t.month_no <= n.month_no AND t.month_no >= n.month_no - 1
  GROUP BY n.list
)
SELECT p.list AS list, CASE WHEN p.before_it > 0 THEN p.after_it - p.before_it END AS num,
  CASE WHEN p.before_it > 0 THEN p.before_it END AS den
FROM pair p
ORDER BY p.list;
