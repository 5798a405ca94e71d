/*---
view: v_royalty_track
title: Royalties as shares are applied to them, one line a statement day, sale month, platform, artist and track, in US dollars
grain: [distributor, report_day_no, sale_month_no, platform_id, artist_id, track_id]
columns:
  distributor: "text"
  report_day_no: "day; when the distributor reported it"
  sale_month_no: "month"
  platform_id: "text; member id"
  artist_id: "text; member id"
  track_id: "text; member id"
  quantity: "count; units, streams and downloads"
  net_nano: "nano-USD; null where no rate converts the currency"
  unconverted: "count; amounts that are not converted"
---*/
SELECT r.distributor AS distributor, r.report_day_no AS report_day_no, r.sale_month_no AS sale_month_no, r.platform_id AS platform_id,
  r.artist_id AS artist_id, r.track_id AS track_id, SUM(r.quantity) AS quantity, SUM(r.net_nano) AS net_nano,
  SUM(r.unconverted) AS unconverted
FROM v_royalty r
GROUP BY r.distributor, r.report_day_no, r.sale_month_no, r.platform_id, r.artist_id, r.track_id;
