/*---
view: v_royalty_title
title: Royalties of all statements by statement day, sale month, artist and track, in US dollars
grain: []
columns:
  distributor: "text"
  report_day_no: "day; when the distributor reported it; the end of the sale month where a report does not say"
  sale_month_no: "month"
  artist_id: "text; member id"
  track_id: "text; member id, by ISRC where the line has one, else by title"
  quantity: "count; units, streams and downloads"
  net_nano: "nano-USD; null where no rate converts the currency"
  unconverted: "count; 1 where an amount is not converted"
---*/
-- The same money as v_royalty, from a kept total that knows no platform and is a fraction of the lines.
SELECT 'DistroKid' AS distributor, t.report_day_no AS report_day_no, t.sale_month_no AS sale_month_no, a.artist_id AS artist_id,
  CASE WHEN i.track_id <> 'track:unknown' THEN i.track_id ELSE n.track_id END AS track_id,
  t.quantity AS quantity, t.net_nano AS net_nano, 0 AS unconverted
FROM total_royalty t
LEFT JOIN artist_of a ON a.source_id = t.artist
LEFT JOIN track_of i ON i.source_id = t.isrc
LEFT JOIN track_of n ON n.source_id = t.title
UNION ALL
SELECT s.distributor, s.report_day_no, s.sale_month_no, s.artist_id, s.track_id, s.quantity, s.net_nano, s.unconverted
FROM v_sale_royalty s;
