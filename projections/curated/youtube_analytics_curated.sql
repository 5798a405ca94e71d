/*---
curated: youtube_analytics_curated
title: YouTube, one line a channel and day, and one a video and day where it was asked for
file: youtube_analytics_curated.csv
formats: {date: day, estimated_revenue_usd: nano, gross_revenue_usd: nano}
---*/
-- video is all for the whole channel; the lines of the videos tell the same views again.
SELECT
  a.value AS channel_id,
  f.day_no AS date,
  v.value AS video,
  f.views AS views,
  f.engaged_views AS engaged_views,
  f.watch_seconds AS watch_seconds,
  CASE WHEN f.views > 0 THEN IDIV(f.watch_seconds * 2 + f.views, f.views * 2) END AS average_view_seconds,
  f.likes AS likes,
  f.dislikes AS dislikes,
  f.comments AS comments,
  f.shares AS shares,
  f.subscribers_gained AS subscribers_gained,
  f.subscribers_lost AS subscribers_lost,
  f.playlist_adds AS playlist_adds,
  f.playlist_removals AS playlist_removals,
  f.impressions AS impressions,
  f.revenue_nano AS estimated_revenue_usd,
  f.gross_revenue_nano AS gross_revenue_usd
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
WHERE s.value IN ('channel', 'video')
ORDER BY a.value, f.day_no, v.value, l.value, t.value, r.value, d.value, k.value, b.value, c.value, h.value;
