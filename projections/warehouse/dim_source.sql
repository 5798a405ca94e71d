/*---
view: dim_source
title: Datasets that files came in for or that people rank, what each measures, and how fresh it must be
grain: [dataset]
columns:
  dataset: "text; service/dataset"
  service: "text"
  measure_class: "text; what it measures: sources of one class may tell the same, those of two are never added; null where nobody says it"
  authority: "count; its rank among sources of one class, 1 is believed first; null where nobody says it"
  warn_h: "hours; the age of its newest data that counts as old, as service.yml says"
  critical_h: "hours; the age that counts as missing"
  weight_tenths: "count; how much the service's health weighs, in tenths"
  accounts: "count; accounts of which files came in"
  captures: "count; files that came in and count"
  first_day_no: "day; the first that its files cover; null where none says it"
  last_day_no: "day; the last that its files cover"
---*/
WITH told AS (
  SELECT i.stream AS dataset, i.service AS service, COUNT(DISTINCT CASE WHEN i.live = 1 THEN i.account END) AS accounts,
    SUM(CASE WHEN i.live = 1 THEN 1 ELSE 0 END) AS captures, MIN(CASE WHEN i.live = 1 THEN i.first_day END) AS first_day_no,
    MAX(CASE WHEN i.live = 1 THEN i.last_day END) AS last_day_no
  FROM op_ingest i
  WHERE i.outcome = 'new'
  GROUP BY i.stream, i.service
  UNION ALL
  SELECT r.dataset, NULL, 0, 0, NULL, NULL
  FROM ref_source r
), source AS (
  SELECT t.dataset AS dataset, MAX(t.service) AS service, SUM(t.accounts) AS accounts, SUM(t.captures) AS captures,
    MIN(t.first_day_no) AS first_day_no, MAX(t.last_day_no) AS last_day_no
  FROM told t
  GROUP BY t.dataset
), named AS (
  SELECT t.dataset AS dataset, COALESCE(t.service, o.service) AS service, t.accounts AS accounts, t.captures AS captures,
    t.first_day_no AS first_day_no, t.last_day_no AS last_day_no
  FROM source t
  LEFT JOIN op_source o ON SUBSTR(t.dataset, 1, LENGTH(o.service) + 1) = o.service || '/'
)
SELECT t.dataset AS dataset, t.service AS service, r.measure_class AS measure_class, r.authority AS authority, o.warn_h AS warn_h,
  o.critical_h AS critical_h, o.weight_tenths AS weight_tenths, t.accounts AS accounts, t.captures AS captures,
  t.first_day_no AS first_day_no, t.last_day_no AS last_day_no
FROM named t
LEFT JOIN ref_source r ON r.dataset = t.dataset
LEFT JOIN op_source o ON o.service = t.service;
