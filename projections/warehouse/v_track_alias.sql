/*---
view: v_track_alias
title: What tracks are called, and which event says so
grain: [kind, name, track_id]
columns:
  track_id: "text; member id"
  kind: "text; title, isrc, or spotify for Spotify's id"
  name: "text; as told; in lower case without marks where no file had it yet"
  origin: "text; reference where a person says what the name means, file where files alone tell it"
  authority: "count; the best source that tells it, as in v_track_told; null where none does yet"
  event_seq: "count; the reference.changed event; null where files alone tell it: lineage of their lines names the captures"
---*/
WITH told AS (
  SELECT 'title' AS kind, t.title AS name, LOWER(REPLACE(REPLACE(REPLACE(REPLACE(t.title, ' ', ''), '.', ''), '-', ''), '_', '')) AS norm,
    t.track_id AS track_id, MIN(t.authority) AS authority
  FROM v_track_told t
  WHERE t.title <> ''
  GROUP BY t.title, t.track_id
  UNION ALL
  SELECT 'isrc', t.isrc, LOWER(REPLACE(REPLACE(t.isrc, ' ', ''), '-', '')), t.track_id, MIN(t.authority)
  FROM v_track_told t
  WHERE t.isrc <> ''
  GROUP BY t.isrc, t.track_id
  UNION ALL
  SELECT 'spotify', t.spotify_track_id, t.spotify_track_id, t.track_id, MIN(t.authority)
  FROM v_track_told t
  WHERE t.spotify_track_id <> ''
  GROUP BY t.spotify_track_id, t.track_id
), said AS (
  SELECT l.kind AS kind, l.norm AS norm, l.member AS track_id, MAX(l.from_seq) AS event_seq
  FROM alias_of l
  WHERE l.kind IN ('title', 'isrc')
  GROUP BY l.kind, l.norm, l.member
)
SELECT t.track_id AS track_id, t.kind AS kind, t.name AS name,
  CASE WHEN s.norm IS NULL AND r.track IS NULL THEN 'file' ELSE 'reference' END AS origin, t.authority AS authority,
  COALESCE(s.event_seq, r.from_seq) AS event_seq
FROM told t
LEFT JOIN said s ON s.kind = t.kind AND s.norm = t.norm AND s.track_id = t.track_id
LEFT JOIN ref_track r ON r.track = t.track_id AND t.authority = 1
UNION ALL
SELECT s.track_id, s.kind, s.norm, 'reference', NULL, s.event_seq
FROM said s
LEFT JOIN told t ON t.kind = s.kind AND t.norm = s.norm AND t.track_id = s.track_id
WHERE t.norm IS NULL;
