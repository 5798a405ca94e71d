/*---
view: v_artist_alias
title: What artists are called, by which service, and which event says so
grain: [service, name, artist_id]
columns:
  artist_id: "text; member id"
  service: "text; * for all"
  name: "text; as the files spell it; in lower case without marks where no file had it yet"
  norm: "text; the name as names are compared"
  origin: "text; reference where a person says what the name means, file where it means the artist of that name"
  event_seq: "count; the event that says so: reference.changed, or the one that first told the name"
  first_seq: "count; the event that first told the name; null where no file had it yet"
---*/
WITH told AS (
  SELECT s.service AS service, s.value AS name, s.norm AS norm, a.artist_id AS artist_id, t.first_seq AS first_seq
  FROM artist_told t
  JOIN source_value s ON s.id = t.source_id
  JOIN artist_of a ON a.source_id = t.source_id
)
SELECT t.artist_id AS artist_id, t.service AS service, t.name AS name, t.norm AS norm,
  CASE WHEN MAX(l.from_seq) IS NULL THEN 'file' ELSE 'reference' END AS origin, COALESCE(MAX(l.from_seq), t.first_seq) AS event_seq,
  t.first_seq AS first_seq
FROM told t
LEFT JOIN alias_of l ON l.kind = 'artist' AND l.norm = t.norm AND l.member = t.artist_id AND (l.service = t.service OR l.service = '*')
GROUP BY t.artist_id, t.service, t.name, t.norm, t.first_seq
UNION ALL
SELECT l.member, l.service, l.norm, l.norm, 'reference', l.from_seq, NULL
FROM alias_of l
LEFT JOIN told t ON t.norm = l.norm AND (l.service = t.service OR l.service = '*')
WHERE l.kind = 'artist' AND t.norm IS NULL;
