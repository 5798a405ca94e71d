/*---
kpi: source_variance_pct
title: Spotify streams, distributors against Spotify, 28 days
domain: streaming
unit: percent
direction: neutral
decimals: 1
formula: >-
  (streams on Spotify that distributors report − streams that Spotify for Artists shows all artists) / the latter, over the days of
  the last 28 that all of both report; under 5 % is usual
dimensions: []
window: 28 days up to the newest day that both reported
completeness: a day is covered, and counts, when every distributor and every artist that reported in the window reported it
alerts:
  - {alert: above, above: "15", severity: warn, cooldown_days: 14, text: "Distributors report 15 % more Spotify streams than Spotify shows; look for an artist whose page is not downloaded."}
  - {alert: below, below: "-15", severity: warn, cooldown_days: 14, text: "Distributors report 15 % fewer Spotify streams than Spotify shows; look for a missing or stale distributor file."}
compares: [distributor_trend, platform]
differs: >-
  Each side counts its own days. A song of two artists stands on both artists' pages, and an artist whose page is not downloaded is
  only with the distributor.
evidence:
  - fact: fact_stream_day
    where: >-
      day_no > (SELECT MAX(day_no) FROM fact_stream_day WHERE day_no <= :day AND streams IS NOT NULL) - 28 AND day_no <= :day AND
      platform IN (SELECT source_id FROM platform_of WHERE platform_id = 'platform:spotify')
  - fact: fact_audience_day
    where: >-
      streams_native IS NOT NULL AND day_no > (SELECT MAX(day_no) FROM fact_audience_day WHERE day_no <= :day AND streams_native IS NOT
      NULL) - 28 AND day_no <= :day AND platform IN (SELECT source_id FROM platform_of WHERE platform_id = 'platform:spotify')
---*/
WITH newest_told AS (
  SELECT MAX(f.day_no) AS day_no
  FROM fact_stream_day f
  JOIN platform_of p ON p.source_id = f.platform AND p.platform_id = 'platform:spotify'
  WHERE f.day_no <= :day AND f.streams IS NOT NULL
), newest_native AS (
  SELECT MAX(f.day_no) AS day_no
  FROM fact_audience_day f
  JOIN platform_of p ON p.source_id = f.platform AND p.platform_id = 'platform:spotify'
  WHERE f.day_no <= :day AND f.streams_native IS NOT NULL
), newest AS (
  SELECT CASE WHEN t.day_no < f.day_no THEN t.day_no ELSE f.day_no END AS day_no
  FROM newest_told t
  CROSS JOIN newest_native f
), told AS (
  SELECT s.platform_id AS platform_id, s.distributor AS distributor, s.account AS account, s.day_no AS day_no, SUM(s.streams) AS streams
  FROM newest n
  JOIN v_stream_canonical s ON s.day_no > n.day_no - 28 AND s.day_no <= n.day_no
  WHERE s.streams IS NOT NULL AND s.platform_id = 'platform:spotify'
  GROUP BY s.platform_id, s.distributor, s.account, s.day_no
), told_days AS (
  SELECT t.day_no AS day_no, COUNT(*) AS series, SUM(t.streams) AS streams
  FROM told t
  GROUP BY t.day_no
), told_members AS (
  SELECT COUNT(*) AS series
  FROM (SELECT DISTINCT distributor, account FROM told) t
), native AS (
  SELECT a.artist_id AS artist_id, f.day_no AS day_no, SUM(f.streams_native) AS native_streams
  FROM newest n
  JOIN fact_audience_day f ON f.day_no > n.day_no - 28 AND f.day_no <= n.day_no
  JOIN artist_of a ON a.source_id = f.artist
  JOIN platform_of p ON p.source_id = f.platform AND p.platform_id = 'platform:spotify'
  WHERE f.streams_native IS NOT NULL
  GROUP BY a.artist_id, f.day_no
), native_days AS (
  SELECT v.day_no AS day_no, COUNT(*) AS artists, SUM(v.native_streams) AS native_streams
  FROM native v
  GROUP BY v.day_no
), native_members AS (
  SELECT COUNT(DISTINCT v.artist_id) AS artists
  FROM native v
)
SELECT CASE WHEN SUM(v.native_streams) > 0 THEN SUM(d.streams) - SUM(v.native_streams) END AS num,
  CASE WHEN SUM(v.native_streams) > 0 THEN SUM(v.native_streams) END AS den, COUNT(*) AS covered, 28 AS expected
FROM told_days d
JOIN native_days v ON v.day_no = d.day_no
JOIN told_members x ON x.series = d.series
JOIN native_members y ON y.artists = v.artists
HAVING COUNT(*) > 0
ORDER BY 1 NULLS LAST;
