/*---
view: v_royalty_own
title: What the label keeps of the royalties, in US dollars; its rows are to be added, what payees get stands in rows of its own
grain: []
columns:
  distributor: "text"
  report_day_no: "day; when the distributor reported it"
  sale_month_no: "month"
  artist_id: "text; member id"
  track_id: "text; member id"
  net_nano: "nano-USD; null where no rate converts the currency, and in rows of payees"
  own_nano: "nano-USD; the net, or less what a payee gets"
  unconverted: "count; amounts that are not converted"
---*/
SELECT r.distributor AS distributor, r.report_day_no AS report_day_no, r.sale_month_no AS sale_month_no, r.artist_id AS artist_id,
  r.track_id AS track_id, r.net_nano AS net_nano, r.net_nano AS own_nano, r.unconverted AS unconverted
FROM v_royalty_title r
UNION ALL
SELECT s.distributor, s.report_day_no, s.sale_month_no, s.artist_id, s.track_id, NULL, 0 - s.amount_nano, 0
FROM v_royalty_share s;
