/*---
kpi: link_visit_conversion
title: Smart link conversion, 28 days
domain: links
unit: percent
direction: up
decimals: 1
formula: sum of clicks to a store / sum of visits over 28 days, of lines that tell both
dimensions: [utm_campaign, utm_source, territory]
window: the 28 days up to the newest day of the export
completeness: a day without visits has no line, so how many days are covered is not known
differs: >-
  SubmitHub does not say in which zone its days end, nor what it does with a visitor who comes twice. Lines that are one visit each
  tell no counts and are left out. Visits without the labels of a campaign stand here under none.
evidence:
  fact: fact_link_visit_day
  where: >-
    day_no > (SELECT MAX(day_no) FROM fact_link_visit_day WHERE day_no <= :day AND opened IS NOT NULL AND clicked IS NOT NULL) - 28
    AND day_no <= :day AND opened IS NOT NULL AND clicked IS NOT NULL AND territory IN (SELECT source_id FROM territory_of WHERE
    territory_id = :territory) AND utm_campaign IN (SELECT id FROM source_value WHERE kind = 'utm' AND CASE WHEN value = '' THEN
    'none' ELSE value END = :utm_campaign) AND utm_source IN (SELECT id FROM source_value WHERE kind = 'utm' AND CASE WHEN value = ''
    THEN 'none' ELSE value END = :utm_source)
---*/
WITH newest AS (
  SELECT MAX(f.day_no) AS day_no
  FROM fact_link_visit_day f
  WHERE f.day_no <= :day AND f.opened IS NOT NULL AND f.clicked IS NOT NULL
), told AS (
  SELECT CASE WHEN c.value = '' THEN 'none' ELSE c.value END AS utm_campaign,
    CASE WHEN s.value = '' THEN 'none' ELSE s.value END AS utm_source, t.territory_id AS territory_id,
    f.opened AS opened, f.clicked AS clicked
  FROM newest n
  JOIN fact_link_visit_day f ON f.day_no <= n.day_no AND f.day_no > n.day_no - 28
  JOIN source_value c ON c.id = f.utm_campaign
  JOIN source_value s ON s.id = f.utm_source
  JOIN territory_of t ON t.source_id = f.territory
  WHERE f.opened IS NOT NULL AND f.clicked IS NOT NULL
)
SELECT t.utm_campaign AS utm_campaign, t.utm_source AS utm_source, t.territory_id AS territory,
  CASE WHEN SUM(t.opened) > 0 THEN SUM(t.clicked) END AS num, CASE WHEN SUM(t.opened) > 0 THEN SUM(t.opened) END AS den
FROM told t
GROUP BY t.utm_campaign, t.utm_source, t.territory_id
ORDER BY t.utm_campaign, t.utm_source, t.territory_id;
