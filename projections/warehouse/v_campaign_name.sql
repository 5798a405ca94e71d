/*---
view: v_campaign_name
title: What the name of an advertising campaign says, as far as its parts are known artists and tracks
grain: [name]
columns:
  name: "text; as the platform shows it"
  parse_rule: "text; which parts were understood, such as artist_track; artist_title is an artist with a title that nobody knows yet"
  artist_id: "text; member id"
  track_id: "text; member id"
  targeting: "text; in upper case"
  copy_no: "count; 0 for the original"
  parse_confidence: "count; percent"
---*/
-- lint: allow EXISTS: it asks small tables, which every node of a cluster holds
-- projections/reference/campaign_names.yml splits the names. An artist is known by the reference table, an alias, or a fact; a track by the
-- reference table, an alias, the label's catalogue, or a royalty line, and is believed in this order. All of it as known at the seq asked
-- for. A name that is an artist and a track at once is the artist only where a track follows it.
WITH part AS (
  SELECT p.name AS name, 1 AS place, p.first_norm AS norm FROM campaign_name_part p WHERE p.first_norm <> ''
  UNION ALL
  SELECT p.name, 2, p.second_norm FROM campaign_name_part p WHERE p.second_norm <> ''
),
word AS (
  SELECT DISTINCT q.norm AS norm FROM part q
),
artists AS (
  SELECT w.norm AS norm, r.artist AS artist_id
  FROM word w
  JOIN ref_artist r ON SUBSTR(r.artist, 8) = w.norm
    OR LOWER(REPLACE(REPLACE(REPLACE(REPLACE(r.name, ' ', ''), '.', ''), '-', ''), '_', '')) = w.norm
  UNION
  SELECT w.norm, l.member
  FROM word w
  JOIN alias_of l ON l.kind = 'artist' AND (l.norm = w.norm OR SUBSTR(l.member, 8) = w.norm)
  UNION
  SELECT w.norm, a.artist_id
  FROM word w
  JOIN source_value s ON s.kind = 'artist' AND s.norm = w.norm
  JOIN artist_of a ON a.source_id = s.id
  WHERE EXISTS (SELECT 1 FROM total_royalty f WHERE f.artist = s.id)
    OR EXISTS (SELECT 1 FROM total_sale f WHERE f.artist = s.id)
    OR EXISTS (SELECT 1 FROM fact_track_catalog f WHERE f.artist = s.id)
    OR EXISTS (SELECT 1 FROM fact_audience_day f WHERE f.artist = s.id)
    OR EXISTS (SELECT 1 FROM fact_social_day f WHERE f.artist = s.id)
),
artist AS (
  SELECT a.norm AS norm, MIN(a.artist_id) AS artist_id FROM artists a GROUP BY a.norm
),
catalogue AS (
  SELECT w.norm AS norm, 1 AS source, r.track AS track_id, r.artist AS artist_id
  FROM word w
  JOIN ref_track r ON LOWER(REPLACE(REPLACE(REPLACE(REPLACE(r.title, ' ', ''), '.', ''), '-', ''), '_', '')) = w.norm
  UNION
  SELECT w.norm, 2, l.member, r.artist
  FROM word w
  JOIN alias_of l ON l.kind = 'title' AND l.norm = w.norm
  LEFT JOIN ref_track r ON r.track = l.member
  UNION
  SELECT w.norm, 3, CASE WHEN i.track_id NOT IN ('track:unknown', 'track:NONE') THEN i.track_id ELSE t.track_id END, a.artist_id
  FROM word w
  JOIN source_value s ON s.kind = 'title' AND s.norm = w.norm
  JOIN track_of t ON t.source_id = s.id
  JOIN fact_track_catalog f ON f.title = s.id
  JOIN track_of i ON i.source_id = f.isrc
  JOIN artist_of a ON a.source_id = f.artist
),
-- Statements are long: only what the catalogue lacks is looked for in them.
other AS (
  SELECT w.norm AS norm FROM word w WHERE NOT EXISTS (SELECT 1 FROM catalogue c WHERE c.norm = w.norm)
),
titles AS (
  SELECT DISTINCT w.norm AS norm, s.id AS id
  FROM other w
  JOIN source_value s ON s.kind = 'title' AND s.norm = w.norm
),
lines AS (
  SELECT x.norm AS norm, f.title AS title, f.isrc AS isrc, f.artist AS artist
  FROM titles x
  JOIN total_royalty f ON f.title = x.id
  UNION
  SELECT x.norm, f.title, f.isrc, f.artist
  FROM titles x
  JOIN total_sale f ON f.title = x.id
),
tracks AS (
  SELECT c.norm AS norm, c.source AS source, c.track_id AS track_id, c.artist_id AS artist_id FROM catalogue c
  UNION
  SELECT f.norm, 4, CASE WHEN i.track_id NOT IN ('track:unknown', 'track:NONE') THEN i.track_id ELSE t.track_id END, a.artist_id
  FROM lines f
  JOIN track_of t ON t.source_id = f.title
  JOIN track_of i ON i.source_id = f.isrc
  JOIN artist_of a ON a.source_id = f.artist
),
best AS (
  SELECT t.norm AS norm, MIN(t.source) AS source FROM tracks t GROUP BY t.norm
),
-- Of equal titles the one of the artist beside it.
ranked AS (
  SELECT q.name AS name, q.place AS place, t.track_id AS track_id, t.artist_id AS artist_id,
    COUNT(*) OVER (PARTITION BY q.name, q.place) AS candidates,
    ROW_NUMBER() OVER (
      PARTITION BY q.name, q.place
      ORDER BY CASE WHEN t.artist_id = n.artist_id THEN 0 ELSE 1 END, t.track_id NULLS FIRST, COALESCE(t.artist_id, '')) AS rank_no
  FROM part q
  JOIN best b ON b.norm = q.norm
  JOIN tracks t ON t.norm = b.norm AND t.source = b.source
  LEFT JOIN part o ON o.name = q.name AND o.place = 3 - q.place
  LEFT JOIN artist n ON n.norm = o.norm
),
met AS (
  SELECT p.name AS name, p.parts AS parts, p.first AS first, p.second AS second, p.rest AS rest, p.second_norm AS second_norm,
    p.first_targeting AS first_targeting, p.second_targeting AS second_targeting, p.copy_no AS copy_no, p.whole AS whole,
    CASE WHEN p.rest = '' THEN p.second ELSE p.second || ' - ' || p.rest END AS tail,
    a1.artist_id AS a1, a2.artist_id AS a2, t1.track_id AS t1, t1.artist_id AS t1_artist, t1.candidates AS t1_candidates,
    t2.track_id AS t2, t2.artist_id AS t2_artist
  FROM campaign_name_part p
  LEFT JOIN artist a1 ON a1.norm = p.first_norm
  LEFT JOIN artist a2 ON a2.norm = p.second_norm
  LEFT JOIN ranked t1 ON t1.name = p.name AND t1.place = 1 AND t1.rank_no = 1
  LEFT JOIN ranked t2 ON t2.name = p.name AND t2.place = 2 AND t2.rank_no = 1
),
judged AS (
  SELECT m.name AS name,
    CASE
      WHEN m.whole <> '' AND m.t1 IS NULL AND m.t2 IS NULL THEN 'whole'
      WHEN m.a1 IS NOT NULL AND m.t2 IS NOT NULL THEN 'artist_track'
      WHEN m.t1 IS NOT NULL AND m.a2 IS NOT NULL THEN 'track_artist'
      WHEN m.a1 IS NOT NULL AND m.a2 IS NULL AND m.second_targeting = 0 AND (m.parts > 2 OR m.parts = 2 AND m.t1 IS NULL) THEN 'artist_title'
      WHEN m.t1 IS NOT NULL THEN 'track'
      WHEN m.a1 IS NOT NULL THEN 'artist'
      WHEN m.t2 IS NOT NULL THEN 'second_track'
      WHEN m.a2 IS NOT NULL THEN 'second_artist'
      WHEN m.first_targeting = 1 AND (m.parts = 1 OR m.second_targeting = 1) THEN 'targeting'
      ELSE 'unknown'
    END AS rule
  FROM met m
)
SELECT m.name AS name, j.rule AS parse_rule,
  CASE j.rule
    WHEN 'artist_track' THEN m.a1
    WHEN 'artist_title' THEN m.a1
    WHEN 'artist' THEN m.a1
    WHEN 'track_artist' THEN m.a2
    WHEN 'second_artist' THEN m.a2
    WHEN 'track' THEN m.t1_artist
    WHEN 'second_track' THEN m.t2_artist
  END AS artist_id,
  CASE j.rule
    WHEN 'artist_track' THEN m.t2
    WHEN 'second_track' THEN m.t2
    WHEN 'track' THEN m.t1
    WHEN 'track_artist' THEN m.t1
    WHEN 'artist_title' THEN 'track:' || m.second_norm
  END AS track_id,
  NULLIF(
    CASE
      WHEN j.rule = 'whole' THEN m.whole
      WHEN j.rule IN ('artist_track', 'artist_title', 'track_artist') THEN m.rest
      WHEN j.rule IN ('track', 'artist') THEN m.tail
      WHEN j.rule = 'second_track' AND m.first_targeting = 0 THEN m.rest
      WHEN j.rule IN ('second_track', 'second_artist') THEN CASE WHEN m.rest = '' THEN m.first ELSE m.first || ' - ' || m.rest END
      ELSE CASE WHEN m.tail = '' THEN m.first ELSE m.first || ' - ' || m.tail END
    END, '') AS targeting,
  m.copy_no AS copy_no,
  CASE j.rule
    WHEN 'whole' THEN 90
    WHEN 'artist_track' THEN CASE
      WHEN m.t2_artist IS NULL THEN 85
      WHEN m.t2_artist <> m.a1 THEN 60
      WHEN m.second_targeting = 1 THEN 70
      WHEN m.t1 IS NOT NULL OR m.a2 IS NOT NULL THEN 90
      ELSE 95 END
    WHEN 'track_artist' THEN CASE WHEN COALESCE(m.t1_artist, m.a2) = m.a2 THEN 90 ELSE 60 END
    WHEN 'artist_title' THEN CASE WHEN m.t1 IS NULL THEN 70 ELSE 50 END
    WHEN 'track' THEN CASE
      WHEN m.a1 IS NOT NULL OR m.t1_candidates > 1 OR m.first_targeting = 1 THEN 60
      WHEN m.parts > 1 AND m.second_targeting = 0 THEN 80
      ELSE 90 END
    WHEN 'artist' THEN CASE WHEN m.a2 IS NOT NULL THEN 50 WHEN m.parts = 1 THEN 80 ELSE 85 END
    WHEN 'second_track' THEN CASE WHEN m.first_targeting = 1 THEN 80 ELSE 60 END
    WHEN 'second_artist' THEN CASE WHEN m.first_targeting = 1 THEN 80 ELSE 50 END
    WHEN 'targeting' THEN 80
    ELSE 0
  END AS parse_confidence
FROM met m
JOIN judged j ON j.name = m.name;
