/*---
view: v_sale_royalty
title: Royalties of sales reports by sale month, platform, artist and track, in US dollars
grain: []
columns:
  distributor: "text"
  report_day_no: "day; when the distributor reported it; the end of the sale month where a report does not say"
  sale_month_no: "month"
  platform_id: "text; member id"
  artist_id: "text; member id, of the line, else of its ISRC"
  track_id: "text; member id, by ISRC where the line has one, else by title"
  quantity: "count; units, streams and downloads"
  net_nano: "nano-USD; null where no rate converts the currency"
  unconverted: "count; 1 where an amount is not converted"
---*/
-- Every value has a member: the outer joins are there so that the lines are read first, and members looked up for each.
SELECT 'TooLost' AS distributor, COALESCE(t.report_day_no, m.last_day_no) AS report_day_no, d.month_no AS sale_month_no,
  p.platform_id AS platform_id,
  CASE WHEN a.artist_id = 'artist:unknown' THEN COALESCE(w.artist_id, a.artist_id) ELSE a.artist_id END AS artist_id,
  CASE WHEN i.track_id <> 'track:unknown' THEN i.track_id ELSE n.track_id END AS track_id, t.units AS quantity,
  CONVERT_NANO(t.net_nano, r.nano_usd) AS net_nano,
  CASE WHEN t.net_nano IS NOT NULL AND CONVERT_NANO(t.net_nano, r.nano_usd) IS NULL THEN 1 ELSE 0 END AS unconverted
FROM total_sale t
JOIN dim_date d ON d.day_no = t.sale_day_no
JOIN dim_month m ON m.month_no = d.month_no
LEFT JOIN platform_of p ON p.source_id = t.platform
LEFT JOIN artist_of a ON a.source_id = t.artist
LEFT JOIN track_of i ON i.source_id = t.isrc
LEFT JOIN track_of n ON n.source_id = t.title
LEFT JOIN v_sale_artist w ON w.track_id = i.track_id
LEFT JOIN rate_of r ON r.source_id = t.currency AND r.from_day <= t.sale_day_no AND t.sale_day_no < r.until_day;
