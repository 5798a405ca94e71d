/*---
view: bridge_track_share
title: Who gets what part of a track's net royalties, and when
grain: [track_id, payee, from_day]
columns:
  track_id: "text; member id"
  payee: "text; pseudonym of a person, or unnamed: whoever is behind the part that the catalogue does not call the label's own"
  from_day: "day; the first it holds for"
  until_day: "day; the first it no longer holds for"
  share_nano: "nano; part of one; what nobody gets is the label's own"
---*/
-- A later row of the same payee ends the earlier one. A track that reference events split is not read from the catalogue.
SELECT s.track AS track_id, s.payee AS payee, s.from_day AS from_day,
  CASE WHEN MIN(n.from_day) < COALESCE(s.until_day, 2932897) THEN MIN(n.from_day) ELSE COALESCE(s.until_day, 2932897) END AS until_day,
  s.share AS share_nano
FROM ref_split s
LEFT JOIN ref_split n ON n.track = s.track AND n.payee = s.payee AND n.from_day > s.from_day
GROUP BY s.track, s.payee, s.from_day, s.until_day, s.share
UNION ALL
SELECT c.track_id, c.payee, -719162, 2932897, c.share_nano
FROM (
  SELECT CASE WHEN i.track_id NOT IN ('track:unknown', 'track:NONE') THEN i.track_id ELSE n.track_id END AS track_id, p.value AS payee,
    MAX(f.royalty_share_nano) AS share_nano
  FROM fact_track_catalog f
  LEFT JOIN track_of i ON i.source_id = f.isrc
  LEFT JOIN track_of n ON n.source_id = f.title
  JOIN source_value p ON p.id = f.payee
  WHERE p.value <> 'own' AND f.royalty_share_nano IS NOT NULL
  GROUP BY CASE WHEN i.track_id NOT IN ('track:unknown', 'track:NONE') THEN i.track_id ELSE n.track_id END, p.value
  UNION ALL
  SELECT o.track_id, 'unnamed', 1000000000 - o.share_nano
  FROM (
    SELECT CASE WHEN i.track_id NOT IN ('track:unknown', 'track:NONE') THEN i.track_id ELSE n.track_id END AS track_id,
      MIN(COALESCE(f.own_share_nano, f.royalty_share_nano)) AS share_nano, SUM(CASE WHEN p.value <> 'own' THEN 1 ELSE 0 END) AS named
    FROM fact_track_catalog f
    LEFT JOIN track_of i ON i.source_id = f.isrc
    LEFT JOIN track_of n ON n.source_id = f.title
    JOIN source_value p ON p.id = f.payee
    GROUP BY CASE WHEN i.track_id NOT IN ('track:unknown', 'track:NONE') THEN i.track_id ELSE n.track_id END
  ) o
  WHERE o.named = 0 AND o.share_nano < 1000000000
) c
LEFT JOIN (SELECT DISTINCT s.track AS track FROM ref_split s) r ON r.track = c.track_id
WHERE r.track IS NULL;
