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
span AS (
  SELECT s.campaign_id AS campaign_id, MIN(s.day_no) AS first_day_no, MAX(s.day_no) AS last_day_no FROM spent s GROUP BY s.campaign_id
),
run AS (
  SELECT s.campaign_id AS campaign_id, x.artist_id AS artist_id, x.track_id AS track_id, s.first_day_no AS first_day_no,
    s.last_day_no AS last_day_no
  FROM span s
  JOIN dim_campaign x ON x.campaign_id = s.campaign_id
  WHERE x.artist_id IS NOT NULL
),
rows_of_days AS (
  SELECT r.campaign_id AS campaign_id, f.day_no AS day_no, f.streams_native AS streams, NULL AS spend_usd_nano, 0 AS unconverted,
    r.artist_id AS artist_id, r.track_id AS track_id, r.first_day_no AS first_day_no, r.last_day_no AS last_day_no
  FROM run r
  CROSS JOIN artist_of a
  CROSS JOIN fact_audience_day f
  JOIN platform_of p ON p.source_id = f.platform AND p.platform_id = 'platform:spotify'
  WHERE a.artist_id = r.artist_id AND f.artist = a.source_id AND f.day_no >= r.first_day_no - 28 AND f.day_no <= r.last_day_no
    AND f.streams_native IS NOT NULL
  UNION ALL
  SELECT r.campaign_id, s.day_no, NULL, s.spend_usd_nano, s.unconverted, r.artist_id, r.track_id, r.first_day_no, r.last_day_no
  FROM run r
  JOIN spent s ON s.campaign_id = r.campaign_id
),
-- Days that Spotify does not report are left out, with what was spent on them.
native AS (
  SELECT d.campaign_id AS campaign_id, d.artist_id AS artist_id, d.track_id AS track_id, d.first_day_no AS first_day_no,
    d.last_day_no AS last_day_no, d.day_no AS day_no, CASE WHEN d.day_no < d.first_day_no THEN 1 ELSE 0 END AS is_before,
    SUM(d.streams) AS streams, SUM(d.spend_usd_nano) AS spend_usd_nano, MAX(d.unconverted) AS unconverted
  FROM rows_of_days d
  GROUP BY d.campaign_id, d.artist_id, d.track_id, d.first_day_no, d.last_day_no, d.day_no
  HAVING SUM(d.streams) IS NOT NULL
),
ordered AS (
  SELECT n.campaign_id AS campaign_id, n.artist_id AS artist_id, n.track_id AS track_id, n.first_day_no AS first_day_no,
    n.last_day_no AS last_day_no, n.day_no AS day_no, n.is_before AS is_before, n.streams AS streams,
    n.spend_usd_nano AS spend_usd_nano, n.unconverted AS unconverted,
    SUM(n.is_before) OVER (PARTITION BY n.campaign_id) AS baseline_days,
    ROW_NUMBER() OVER (PARTITION BY n.campaign_id, n.is_before ORDER BY n.streams NULLS FIRST, n.day_no) AS rank_no
  FROM native n
),
-- Twice the median: both of the middle two days, or the middle one twice.
measured AS (
  SELECT o.campaign_id AS campaign_id, o.artist_id AS artist_id, o.track_id AS track_id, o.first_day_no AS first_day_no,
    o.last_day_no AS last_day_no, o.day_no AS day_no, o.is_before AS is_before, o.streams AS streams, o.baseline_days AS baseline_days,
    o.spend_usd_nano AS spend_usd_nano, o.unconverted AS unconverted,
    SUM(
      CASE
        WHEN o.is_before = 0 THEN NULL
        WHEN IDIV(o.baseline_days, 2) * 2 < o.baseline_days AND o.rank_no = IDIV(o.baseline_days + 1, 2) THEN 2 * o.streams
        WHEN IDIV(o.baseline_days, 2) * 2 = o.baseline_days
          AND (o.rank_no = IDIV(o.baseline_days, 2) OR o.rank_no = IDIV(o.baseline_days, 2) + 1) THEN o.streams
      END) OVER (PARTITION BY o.campaign_id) AS baseline_twice
  FROM ordered o
)
SELECT m.campaign_id AS campaign_id, m.artist_id AS artist_id, m.track_id AS track_id, m.first_day_no AS first_day_no,
  m.last_day_no AS last_day_no, m.day_no AS day_no, m.streams AS streams, m.baseline_twice AS baseline_twice,
  m.baseline_days AS baseline_days,
  CASE WHEN m.unconverted = 1 THEN m.spend_usd_nano ELSE COALESCE(m.spend_usd_nano, 0) END AS spend_usd_nano,
  m.unconverted AS unconverted
FROM measured m
WHERE m.is_before = 0;
