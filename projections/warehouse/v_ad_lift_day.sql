/*---
view: v_ad_lift_day
title: Spotify streams of a campaign's artist on the days of the campaign, beside the median of the 28 days before it
grain: [campaign_id, day_no]
columns:
  campaign_id: "text; the platform's id"
  artist_id: "text; member id"
  track_id: "text; member id"
  first_day_no: "day; the first with spend"
  last_day_no: "day; the last with spend"
  day_no: "day; one that Spotify reports"
  streams: "count; of the artist, as Spotify tells the artist"
  baseline_twice: "count; twice the median of streams a day over the 28 days before the first, which is a whole number"
  baseline_days: "count; how many of those 28 days are reported"
  spend_usd_nano: "nano-USD; 0 for a day without delivery"
  unconverted: "count; 1 where an amount is not converted"
---*/
-- The artist's own streams and not the label's: what other artists did meanwhile is not the campaign's.
WITH spent AS (
  SELECT c.value AS campaign_id, t.day_no AS day_no, SUM(t.spend_usd_nano) AS spend_usd_nano, MAX(t.unconverted) AS unconverted
  FROM v_ad_day t
  JOIN source_value c ON c.id = t.campaign
  WHERE t.spend_nano > 0 AND COALESCE(t.partial, 0) = 0
  GROUP BY c.value, t.day_no
),
run AS (
  SELECT s.campaign_id AS campaign_id, x.artist_id AS artist_id, x.track_id AS track_id, MIN(s.day_no) AS first_day_no,
    MAX(s.day_no) AS last_day_no
  FROM spent s
  JOIN dim_campaign x ON x.campaign_id = s.campaign_id
  WHERE x.artist_id IS NOT NULL
  GROUP BY s.campaign_id, x.artist_id, x.track_id
),
native AS (
  SELECT r.campaign_id AS campaign_id, f.day_no AS day_no, SUM(f.streams_native) AS streams
  FROM run r
  JOIN artist_of a ON a.artist_id = r.artist_id
  JOIN fact_audience_day f ON f.artist = a.source_id AND f.day_no >= r.first_day_no - 28 AND f.day_no <= r.last_day_no
  JOIN platform_of p ON p.source_id = f.platform AND p.platform_id = 'platform:spotify'
  WHERE f.streams_native IS NOT NULL
  GROUP BY r.campaign_id, f.day_no
),
before AS (
  SELECT n.campaign_id AS campaign_id, n.streams AS streams, COUNT(*) OVER (PARTITION BY n.campaign_id) AS days,
    ROW_NUMBER() OVER (PARTITION BY n.campaign_id ORDER BY n.streams, n.day_no) AS rank_no
  FROM native n
  JOIN run r ON r.campaign_id = n.campaign_id AND n.day_no < r.first_day_no
),
median AS (
  SELECT b.campaign_id AS campaign_id, b.days AS days,
    SUM(CASE WHEN IDIV(b.days, 2) * 2 = b.days THEN b.streams ELSE 2 * b.streams END) AS twice
  FROM before b
  WHERE b.rank_no = IDIV(b.days + 1, 2) OR b.rank_no = IDIV(b.days + 2, 2)
  GROUP BY b.campaign_id, b.days
)
SELECT r.campaign_id AS campaign_id, r.artist_id AS artist_id, r.track_id AS track_id, r.first_day_no AS first_day_no,
  r.last_day_no AS last_day_no, n.day_no AS day_no, n.streams AS streams, m.twice AS baseline_twice, m.days AS baseline_days,
  CASE WHEN s.campaign_id IS NULL THEN 0 ELSE s.spend_usd_nano END AS spend_usd_nano, COALESCE(s.unconverted, 0) AS unconverted
FROM run r
JOIN native n ON n.campaign_id = r.campaign_id AND n.day_no >= r.first_day_no
LEFT JOIN median m ON m.campaign_id = r.campaign_id
LEFT JOIN spent s ON s.campaign_id = r.campaign_id AND s.day_no = n.day_no;
