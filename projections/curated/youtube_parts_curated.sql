/*---
curated: youtube_parts_curated
title: YouTube, days by country, source, device and the like
file: youtube_parts_curated.csv
formats: {date: day}
---*/
SELECT
  a.value AS channel_id,
  f.day_no AS date,
  v.value AS video,
  l.value AS playlist,
  t.value AS country,
  r.value AS traffic_source,
  d.value AS device,
  k.value AS playback_location,
  b.value AS subscribed,
  c.value AS content_type,
  h.value AS sharing_service,
  f.views AS views,
  f.watch_seconds AS watch_seconds,
  f.likes AS likes,
  f.shares AS shares,
  f.subscribers_gained AS subscribers_gained,
  f.subscribers_lost AS subscribers_lost
FROM fact_video_day f
JOIN source_value s ON s.id = f.slice
JOIN source_value v ON v.id = f.video
JOIN source_value l ON l.id = f.playlist
JOIN source_value t ON t.id = f.territory
JOIN source_value r ON r.id = f.traffic_source
JOIN source_value d ON d.id = f.device
JOIN source_value k ON k.id = f.playback_location
JOIN source_value b ON b.id = f.subscribed
JOIN source_value c ON c.id = f.content_type
JOIN source_value h ON h.id = f.sharing_service
JOIN source_value a ON a.id = f.account
WHERE s.value = 'part'
ORDER BY a.value, f.day_no, v.value, l.value, t.value, r.value, d.value, k.value, b.value, c.value, h.value;
