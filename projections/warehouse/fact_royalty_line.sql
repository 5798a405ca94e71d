/*---
fact: fact_royalty_line
title: A line of a royalty statement; equal lines of one statement are told apart by their number
identity: row
partition: report_day_no
columns:
  report_day_no: key day
  sale_month_no: month
  platform: source:platform
  artist: source:artist
  title: source:title
  isrc: source:isrc
  upc: source:upc
  quantity: measure count
  team_percentage_nano: nano
  source_type: source:source_type
  territory: source:territory
  withheld_nano: measure nano
  net_nano: measure nano
  recoup_nano: measure nano
  inserted_day_no: day
indexes:
  - [sale_month_no, platform]
totals:
  total_royalty: {by: [report_day_no, sale_month_no, artist, title, isrc], sum: [quantity, withheld_nano, net_nano], full_indexes: [[title], [artist], [isrc]]}
  total_royalty_month: {by: [report_day_no, sale_month_no, platform], sum: [quantity, withheld_nano, net_nano]}
---*/

-- from: distrokid/bank_details
SELECT
  reporting_date AS report_day_no,
  sale_month AS sale_month_no,
  store AS platform,
  COALESCE(artist, '') AS artist,
  COALESCE(title, '') AS title,
  COALESCE(isrc, '') AS isrc,
  COALESCE(upc, '') AS upc,
  quantity,
  team_percentage AS team_percentage_nano,
  COALESCE(source_type, '') AS source_type,
  COALESCE(country, '') AS territory,
  songwriter_withheld_usd AS withheld_nano,
  earnings_usd AS net_nano,
  recoup_usd AS recoup_nano,
  date_inserted AS inserted_day_no
FROM staged;
