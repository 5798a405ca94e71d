/*---
view: dim_account
title: Accounts of the label at platforms, link pages, channels, mailing lists and ad accounts, as files show them
grain: [account_id]
columns:
  account_id: "text; the platform as facts name it, in lower case, a colon, the handle"
  platform_id: "text; member id"
  handle: "text; the account as the files tell it apart: a handle, an id, or the id of a mailing list"
  artist_id: "text; member id; empty for a mailing list and an ad account, which are the label's"
  name: "text; the name that the newest answer gives it, of an ad account another that files call it; empty where none does"
  first_day_no: "day; the first of its figures"
  last_day_no: "day; the last of its figures"
---*/
WITH told AS (
  SELECT f.platform AS platform, f.artist AS artist, MIN(f.day_no) AS first_day_no, MAX(f.day_no) AS last_day_no
  FROM fact_audience_day f
  GROUP BY f.platform, f.artist
  UNION ALL
  SELECT f.platform, f.artist, MIN(f.day_no), MAX(f.day_no)
  FROM fact_track_day f
  GROUP BY f.platform, f.artist
  UNION ALL
  SELECT f.platform, f.artist, MIN(f.day_no), MAX(f.day_no)
  FROM fact_track_window f
  GROUP BY f.platform, f.artist
  UNION ALL
  SELECT f.platform, f.artist, MIN(f.day_no), MAX(f.day_no)
  FROM fact_playlist_window f
  GROUP BY f.platform, f.artist
  UNION ALL
  SELECT f.platform, f.artist, MIN(f.day_no), MAX(f.day_no)
  FROM fact_social_day f
  GROUP BY f.platform, f.artist
  UNION ALL
  SELECT f.platform, f.artist, MIN(f.day_no), MAX(f.day_no)
  FROM fact_follower_day f
  GROUP BY f.platform, f.artist
  UNION ALL
  SELECT f.platform, f.artist, MIN(f.day_no), MAX(f.day_no)
  FROM fact_viewer_day f
  GROUP BY f.platform, f.artist
  UNION ALL
  SELECT f.platform, f.artist, MIN(f.day_no), MAX(f.day_no)
  FROM fact_metric_day f
  GROUP BY f.platform, f.artist
  UNION ALL
  SELECT f.platform, f.artist, MIN(f.day_no), MAX(f.day_no)
  FROM fact_post_window f
  GROUP BY f.platform, f.artist
  UNION ALL
  SELECT f.platform, f.artist, MIN(f.day_no), MAX(f.day_no)
  FROM fact_link_day f
  GROUP BY f.platform, f.artist
  UNION ALL
  SELECT f.platform, f.artist, MIN(f.day_no), MAX(f.day_no)
  FROM fact_video_day f
  GROUP BY f.platform, f.artist
  UNION ALL
  SELECT f.platform, f.artist, MIN(f.as_of_day_no), MAX(f.as_of_day_no)
  FROM fact_channel_window f
  GROUP BY f.platform, f.artist
), channel AS (
  SELECT f.platform AS platform, f.artist AS artist, t.value AS name,
    ROW_NUMBER() OVER (PARTITION BY f.platform, f.artist ORDER BY f.as_of_day_no DESC, t.value) AS place
  FROM fact_channel_window f
  JOIN source_value t ON t.id = f.title
), list AS (
  SELECT h.value AS handle, n.value AS name, MIN(f.as_of_day_no) OVER (PARTITION BY f.list) AS first_day_no,
    MAX(f.as_of_day_no) OVER (PARTITION BY f.list) AS last_day_no,
    ROW_NUMBER() OVER (PARTITION BY f.list ORDER BY f.as_of_day_no DESC, n.value NULLS LAST) AS place
  FROM fact_email_list_window f
  JOIN source_value h ON h.id = f.list
  LEFT JOIN source_value n ON n.id = f.list_name
), ads AS (
  SELECT x.ad_account AS handle, CASE WHEN x.file_account <> x.ad_account THEN x.file_account END AS name,
    MIN(f.day_no) AS first_day_no, MAX(f.last_day_no) AS last_day_no
  FROM fact_ad_day f
  JOIN v_ad_account x ON x.account = f.account
  GROUP BY x.ad_account, x.file_account
  UNION ALL
  SELECT x.ad_account, CASE WHEN x.file_account <> x.ad_account THEN x.file_account END, MIN(f.as_of_day_no), MAX(f.as_of_day_no)
  FROM fact_ad_object f
  JOIN v_ad_account x ON x.account = f.account
  GROUP BY x.ad_account, x.file_account
  UNION ALL
  SELECT x.ad_account, CASE WHEN x.file_account <> x.ad_account THEN x.file_account END, MIN(f.day_no), MAX(f.last_day_no)
  FROM fact_ad_period f
  JOIN v_ad_account x ON x.account = f.account
  GROUP BY x.ad_account, x.file_account
)
SELECT LOWER(s.value) || ':' || h.value AS account_id, p.platform_id AS platform_id, h.value AS handle, a.artist_id AS artist_id,
  COALESCE(MAX(c.name), '') AS name, MIN(t.first_day_no) AS first_day_no, MAX(t.last_day_no) AS last_day_no
FROM told t
JOIN source_value s ON s.id = t.platform
JOIN platform_of p ON p.source_id = t.platform
JOIN artist_of a ON a.source_id = t.artist
JOIN source_value h ON h.id = t.artist
LEFT JOIN channel c ON c.platform = t.platform AND c.artist = t.artist AND c.place = 1
GROUP BY s.value, p.platform_id, h.value, a.artist_id
UNION ALL
SELECT 'mailchimp:' || l.handle, 'platform:unmapped', l.handle, '', COALESCE(l.name, ''), l.first_day_no, l.last_day_no
FROM list l
WHERE l.place = 1
UNION ALL
SELECT 'metaads:' || d.handle, 'platform:unmapped', d.handle, '', COALESCE(MAX(d.name), ''), MIN(d.first_day_no), MAX(d.last_day_no)
FROM ads d
GROUP BY d.handle;
