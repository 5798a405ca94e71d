/*---
view: dim_link
title: Link pages and smart links, with what the newest day says of them
grain: [kind, handle, link]
columns:
  kind: "text; page for a link page, smart for a smart link"
  handle: "text; the account as the files tell it apart"
  link: "text; all for a whole page; empty for a smart link whose export does not name it"
  artist_id: "text; member id"
  title: "text; the track of a smart link"
  first_day_no: "day; the first of its figures"
  last_day_no: "day; the last of its figures"
---*/
WITH smart AS (
  SELECT h.value AS handle, k.value AS link, a.artist_id AS artist_id, t.value AS title,
    MIN(f.day_no) OVER (PARTITION BY f.account, f.link) AS first_day_no, MAX(f.day_no) OVER (PARTITION BY f.account, f.link) AS last_day_no,
    ROW_NUMBER() OVER (PARTITION BY f.account, f.link ORDER BY f.day_no DESC, t.value, a.artist_id) AS place
  FROM fact_link_visit_day f
  JOIN source_value h ON h.id = f.account
  JOIN source_value k ON k.id = f.link
  JOIN source_value t ON t.id = f.title
  JOIN artist_of a ON a.source_id = f.artist
)
SELECT 'page' AS kind, h.value AS handle, k.value AS link, a.artist_id AS artist_id, '' AS title, MIN(f.day_no) AS first_day_no,
  MAX(f.day_no) AS last_day_no
FROM fact_link_day f
JOIN source_value h ON h.id = f.artist
JOIN source_value k ON k.id = f.link
JOIN artist_of a ON a.source_id = f.artist
GROUP BY h.value, k.value, a.artist_id
UNION ALL
SELECT 'smart', s.handle, s.link, s.artist_id, s.title, s.first_day_no, s.last_day_no
FROM smart s
WHERE s.place = 1;
