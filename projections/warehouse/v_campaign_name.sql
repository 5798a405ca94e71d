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
-- for. A name that is an artist and a track at once is the artist only where a track follows it. Every value has a member: the outer joins
-- to members are there so that the lines are read first.
WITH part AS (
  SELECT p.name AS name, 1 AS place, p.first_norm AS norm FROM campaign_name_part p WHERE p.first_norm <> ''
  UNION ALL
  SELECT p.name, 2, p.second_norm FROM campaign_name_part p WHERE p.second_norm <> ''
),
artists AS (
  SELECT w.norm AS norm, r.artist AS artist_id
  FROM part w
  JOIN ref_artist r ON SUBSTR(r.artist, 8) = w.norm OR LOWER(REPLACE(REPLACE(REPLACE(REPLACE(r.name, ' ', ''), '.', ''), '-', ''), '_', '')) = w.norm
  UNION
  SELECT w.norm, l.member
  FROM part w
  JOIN alias_of l ON l.kind = 'artist' AND (l.norm = w.norm OR SUBSTR(l.member, 8) = w.norm)
  UNION
  SELECT w.norm, a.artist_id
  FROM part w
  JOIN source_value s ON s.kind = 'artist' AND s.norm = w.norm
  JOIN artist_of a ON a.source_id = s.id
  WHERE EXISTS (SELECT 1 FROM total_royalty f WHERE f.artist = s.id)
    OR EXISTS (SELECT 1 FROM total_sale f WHERE f.artist = s.id)
    OR EXISTS (SELECT 1 FROM fact_track_catalog f WHERE f.artist = s.id)
    OR EXISTS (SELECT 1 FROM fact_audience_day f WHERE f.artist = s.id)
    OR EXISTS (SELECT 1 FROM fact_social_day f WHERE f.artist = s.id)
),
known AS (
  SELECT a.norm AS norm, MIN(a.artist_id) AS artist_id FROM artists a GROUP BY a.norm
),
-- Each part with the artists of both.
named AS (
  SELECT w.name AS name, w.place AS place, w.norm AS norm,
    MAX(CASE WHEN w.place = 1 THEN a.artist_id END) OVER (PARTITION BY w.name) AS a1,
    MAX(CASE WHEN w.place = 2 THEN a.artist_id END) OVER (PARTITION BY w.name) AS a2
  FROM part w
  LEFT JOIN known a ON a.norm = w.norm
),
-- Statements are long: only what the catalogue lacks is looked for in them.
other AS (
  SELECT DISTINCT w.norm AS norm, s.id AS id
  FROM part w
  JOIN source_value s ON s.kind = 'title' AND s.norm = w.norm
  WHERE NOT EXISTS (SELECT 1 FROM ref_track r WHERE LOWER(REPLACE(REPLACE(REPLACE(REPLACE(r.title, ' ', ''), '.', ''), '-', ''), '_', '')) = w.norm)
    AND NOT EXISTS (SELECT 1 FROM alias_of l WHERE l.kind = 'title' AND l.norm = w.norm)
    AND NOT EXISTS (SELECT 1 FROM fact_track_catalog f JOIN source_value c ON c.id = f.title WHERE c.norm = w.norm)
),
lines AS (
  SELECT w.norm AS norm, 3 AS source, f.title AS title, f.isrc AS isrc, f.artist AS artist
  FROM part w
  JOIN source_value s ON s.kind = 'title' AND s.norm = w.norm
  JOIN fact_track_catalog f ON f.title = s.id
  UNION
  SELECT o.norm, 4, f.title, f.isrc, f.artist
  FROM other o
  JOIN total_royalty f ON f.title = o.id
  UNION
  SELECT o.norm, 4, f.title, f.isrc, f.artist
  FROM other o
  JOIN total_sale f ON f.title = o.id
),
tracks AS (
  SELECT w.norm AS norm, 1 AS source, r.track AS track_id, r.artist AS artist_id
  FROM part w
  JOIN ref_track r ON LOWER(REPLACE(REPLACE(REPLACE(REPLACE(r.title, ' ', ''), '.', ''), '-', ''), '_', '')) = w.norm
  UNION
  SELECT w.norm, 2, l.member, r.artist
  FROM part w
  JOIN alias_of l ON l.kind = 'title' AND l.norm = w.norm
  LEFT JOIN ref_track r ON r.track = l.member
  UNION
  SELECT f.norm, f.source, CASE WHEN i.track_id NOT IN ('track:unknown', 'track:NONE') THEN i.track_id ELSE t.track_id END, a.artist_id
  FROM lines f
  LEFT JOIN track_of t ON t.source_id = f.title
  LEFT JOIN track_of i ON i.source_id = f.isrc
  LEFT JOIN artist_of a ON a.source_id = f.artist
),
-- Of equal titles that which is believed first, of these the one of the artist beside it.
ranked AS (
  SELECT n.name AS name, n.place AS place, n.a1 AS a1, n.a2 AS a2, t.track_id AS track_id, t.artist_id AS artist_id,
    COUNT(*) OVER (PARTITION BY n.name, n.place, t.source) AS candidates,
    ROW_NUMBER() OVER (
      PARTITION BY n.name, n.place
      ORDER BY t.source NULLS FIRST, CASE WHEN t.artist_id = CASE n.place WHEN 1 THEN n.a2 ELSE n.a1 END THEN 0 ELSE 1 END NULLS FIRST,
        t.track_id NULLS FIRST, COALESCE(t.artist_id, '')) AS rank_no
  FROM named n
  LEFT JOIN tracks t ON t.norm = n.norm
),
met AS (
  SELECT r.name AS name, MAX(r.a1) AS a1, MAX(r.a2) AS a2, MAX(CASE WHEN r.place = 1 THEN r.track_id END) AS t1,
    MAX(CASE WHEN r.place = 1 THEN r.artist_id END) AS t1_artist, MAX(CASE WHEN r.place = 1 THEN r.candidates END) AS t1_candidates,
    MAX(CASE WHEN r.place = 2 THEN r.track_id END) AS t2, MAX(CASE WHEN r.place = 2 THEN r.artist_id END) AS t2_artist
  FROM ranked r
  WHERE r.rank_no = 1
  GROUP BY r.name
),
judged AS (
  SELECT p.name AS name, p.parts AS parts, p.first AS first, p.second AS second, p.rest AS rest, p.second_norm AS second_norm,
    p.first_targeting AS first_targeting, p.second_targeting AS second_targeting, p.copy_no AS copy_no, p.whole AS whole,
    CASE WHEN p.rest = '' THEN p.second ELSE p.second || ' - ' || p.rest END AS tail,
    m.a1 AS a1, m.a2 AS a2, m.t1 AS t1, m.t1_artist AS t1_artist, m.t1_candidates AS t1_candidates, m.t2 AS t2, m.t2_artist AS t2_artist,
    CASE
      WHEN p.whole <> '' AND m.t1 IS NULL AND m.t2 IS NULL THEN 'whole'
      WHEN m.a1 IS NOT NULL AND m.t2 IS NOT NULL THEN 'artist_track'
      WHEN m.t1 IS NOT NULL AND m.a2 IS NOT NULL THEN 'track_artist'
      WHEN m.a1 IS NOT NULL AND m.a2 IS NULL AND p.second_targeting = 0 AND (p.parts > 2 OR p.parts = 2 AND m.t1 IS NULL) THEN 'artist_title'
      WHEN m.t1 IS NOT NULL THEN 'track'
      WHEN m.a1 IS NOT NULL THEN 'artist'
      WHEN m.t2 IS NOT NULL THEN 'second_track'
      WHEN m.a2 IS NOT NULL THEN 'second_artist'
      WHEN p.first_targeting = 1 AND (p.parts = 1 OR p.second_targeting = 1) THEN 'targeting'
      ELSE 'unknown'
    END AS rule
  FROM campaign_name_part p
  LEFT JOIN met m ON m.name = p.name
)
SELECT m.name AS name, m.rule AS parse_rule,
  CASE m.rule
    WHEN 'artist_track' THEN m.a1
    WHEN 'artist_title' THEN m.a1
    WHEN 'artist' THEN m.a1
    WHEN 'track_artist' THEN m.a2
    WHEN 'second_artist' THEN m.a2
    WHEN 'track' THEN m.t1_artist
    WHEN 'second_track' THEN m.t2_artist
  END AS artist_id,
  CASE m.rule
    WHEN 'artist_track' THEN m.t2
    WHEN 'second_track' THEN m.t2
    WHEN 'track' THEN m.t1
    WHEN 'track_artist' THEN m.t1
    WHEN 'artist_title' THEN 'track:' || m.second_norm
  END AS track_id,
  NULLIF(
    CASE
      WHEN m.rule = 'whole' THEN m.whole
      WHEN m.rule IN ('artist_track', 'artist_title', 'track_artist') THEN m.rest
      WHEN m.rule IN ('track', 'artist') THEN m.tail
      WHEN m.rule = 'second_track' AND m.first_targeting = 0 THEN m.rest
      WHEN m.rule IN ('second_track', 'second_artist') THEN CASE WHEN m.rest = '' THEN m.first ELSE m.first || ' - ' || m.rest END
      ELSE CASE WHEN m.tail = '' THEN m.first ELSE m.first || ' - ' || m.tail END
    END, '') AS targeting,
  m.copy_no AS copy_no,
  CASE m.rule
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
FROM judged m;
