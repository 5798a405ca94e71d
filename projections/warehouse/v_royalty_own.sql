/*---
view: v_royalty_own
title: What the label keeps of the royalties, in US dollars
grain: [distributor, report_day_no, sale_month_no, artist_id, track_id]
columns:
  distributor: "text"
  report_day_no: "day; when the distributor reported it"
  sale_month_no: "month"
  artist_id: "text; member id"
  track_id: "text; member id"
  net_nano: "nano-USD; null where no rate converts the currency"
  own_nano: "nano-USD; net less the amounts of all payees"
  unconverted: "count; amounts that are not converted"
---*/
SELECT r.distributor AS distributor, r.report_day_no AS report_day_no, r.sale_month_no AS sale_month_no,
  r.artist_id AS artist_id, r.track_id AS track_id, MAX(r.net_nano) AS net_nano,
  MAX(r.net_nano) - SUM(COALESCE(CONVERT_NANO(r.net_nano, b.share_nano), 0)) AS own_nano, MAX(r.unconverted) AS unconverted
FROM v_royalty_track r
JOIN dim_month m ON m.month_no = r.sale_month_no
LEFT JOIN bridge_track_share b ON b.track_id = r.track_id AND b.from_day <= m.last_day_no AND m.last_day_no < b.until_day
GROUP BY r.distributor, r.report_day_no, r.sale_month_no, r.artist_id, r.track_id;
