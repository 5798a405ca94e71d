/*---
curated: tidy_daily_streams
title: Streams by day and distributor, all artists together
file: tidy_daily_streams.csv
formats: {date: day}
---*/
-- Only what distributors say by day; an empty cell is a day that the distributor has not reported for that platform.
-- combined_streams adds what is reported, so its total is that of the two columns before it.
SELECT
  f.day_no AS date,
  SUM(CASE WHEN p.value = 'Spotify' THEN f.streams END) AS spotify_streams,
  SUM(CASE WHEN p.value = 'Apple Music' THEN f.streams END) AS apple_streams,
  SUM(f.streams) AS combined_streams,
  LOWER(d.value) AS source
FROM fact_stream_day f
JOIN source_value p ON p.id = f.platform
JOIN source_value d ON d.id = f.distributor
WHERE p.value IN ('Spotify', 'Apple Music')
GROUP BY LOWER(d.value), f.day_no
ORDER BY LOWER(d.value), f.day_no;
