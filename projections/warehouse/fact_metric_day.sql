/*---
fact: fact_metric_day
title: A value of a named metric of a social account; period and form say what it covers
columns:
  day_no: key day
  platform: key source:platform
  artist: key source:artist
  metric: key source:metric
  period: key source:metric_period
  form: key source:metric_form
  object: key source:metric_object
  member: key source:metric_member
  value: measure count
indexes:
  - [artist, metric, day_no]
---*/

-- from: instagram/insights
SELECT
  day AS day_no,
  'Instagram' AS platform,
  account AS artist,
  metric AS metric,
  period AS period,
  form AS form,
  object AS object,
  member AS member,
  value
FROM staged;

-- from: instagram/business_suite
SELECT
  date AS day_no,
  'Instagram' AS platform,
  account AS artist,
  metric AS metric,
  'day' AS period,
  'series' AS form,
  'account' AS object,
  'all' AS member,
  value
FROM staged;
