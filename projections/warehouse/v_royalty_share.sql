/*---
view: v_royalty_share
title: What payees get of the royalties, in US dollars
grain: [distributor, report_day_no, sale_month_no, artist_id, track_id, payee]
columns:
  distributor: "text"
  report_day_no: "day; when the distributor reported it"
  sale_month_no: "month"
  artist_id: "text; member id"
  track_id: "text; member id"
  payee: "text; pseudonym, or unnamed"
  quantity: "count; units, streams and downloads"
  net_nano: "nano-USD; null where no rate converts the currency"
  share_nano: "nano; part of one that holds on the last day of the sale month"
  amount_nano: "nano-USD; net times share, rounded half-even to a whole nano"
  unconverted: "count; amounts that are not converted"
---*/
-- The cross joins keep the order: a planner without statistics would first join every share with every month it holds for.
-- Each payee's amount is rounded by itself; the label's own is the net less those amounts, so that nothing is lost or made.
SELECT r.distributor AS distributor, r.report_day_no AS report_day_no, r.sale_month_no AS sale_month_no, r.artist_id AS artist_id,
  r.track_id AS track_id, b.payee AS payee, r.quantity AS quantity, r.net_nano AS net_nano, b.share_nano AS share_nano,
  CONVERT_NANO(r.net_nano, b.share_nano) AS amount_nano, r.unconverted AS unconverted
FROM (
  SELECT t.distributor AS distributor, t.report_day_no AS report_day_no, t.sale_month_no AS sale_month_no, t.artist_id AS artist_id,
    t.track_id AS track_id, SUM(t.quantity) AS quantity, SUM(t.net_nano) AS net_nano, SUM(t.unconverted) AS unconverted
  FROM v_royalty_title t
  GROUP BY t.distributor, t.report_day_no, t.sale_month_no, t.artist_id, t.track_id
) r
CROSS JOIN dim_month m
CROSS JOIN bridge_track_share b
WHERE m.month_no = r.sale_month_no AND b.track_id = r.track_id AND b.from_day <= m.last_day_no AND m.last_day_no < b.until_day;
