/*---
kpi: royalties_owed
title: Collaborators' part of royalties, all statements
domain: revenue
unit: usd
direction: neutral
decimals: 2
formula: net royalties times the payee's share that holds on the last day of the sale month, rounded half-even to a billionth of a dollar for each statement day, sale month and artist
dimensions: [payee, track]
adds_over: [payee, track]
window: all statements
completeness: as far as statements and shares go; payments to collaborators are not taken off, also not those that a distributor makes to a team by itself
differs: A distributor that pays collaborators itself shows them their part only after its own fees and payment dates.
evidence:
  - fact: fact_royalty_line
    where: >-
      report_day_no <= :day AND (isrc IN (SELECT source_id FROM track_of WHERE track_id = :track AND kind = 'isrc') OR isrc IN (SELECT
      source_id FROM track_of WHERE track_id = 'track:unknown' AND kind = 'isrc') AND title IN (SELECT source_id FROM track_of WHERE
      track_id = :track AND kind = 'title'))
  - fact: fact_sale_line
    where: >-
      (isrc IN (SELECT source_id FROM track_of WHERE track_id = :track AND kind = 'isrc') OR isrc IN (SELECT source_id FROM track_of
      WHERE track_id = 'track:unknown' AND kind = 'isrc') AND title IN (SELECT source_id FROM track_of WHERE track_id = :track AND kind
      = 'title')) AND (report_day_no <= :day OR report_day_no IS NULL AND sale_day_no IN (SELECT d.day_no FROM dim_date d JOIN dim_month
      m ON m.month_no = d.month_no WHERE m.last_day_no <= :day))
  - fact: fact_track_catalog
    where: >-
      (isrc IN (SELECT source_id FROM track_of WHERE track_id = :track AND kind = 'isrc') OR isrc IN (SELECT source_id FROM track_of
      WHERE track_id IN ('track:unknown', 'track:NONE') AND kind = 'isrc') AND title IN (SELECT source_id FROM track_of WHERE track_id =
      :track AND kind = 'title'))
---*/
SELECT s.payee AS payee, s.track_id AS track, SUM(s.amount_nano) AS num, 1000000000 AS den, SUM(s.unconverted) AS unconverted
FROM v_royalty_share s
WHERE s.report_day_no <= :day
GROUP BY s.payee, s.track_id
ORDER BY s.payee, s.track_id;
