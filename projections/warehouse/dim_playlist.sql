/*---
view: dim_playlist
title: Playlists that hold songs of an artist, as the platform lists them by title and author
grain: [platform_id, artist_id, playlist, author]
columns:
  platform_id: "text; member id"
  artist_id: "text; member id"
  playlist: "text; its title"
  author: "text; empty where the list names none"
  added_day_no: "day; when a song was added, as the newest list says; null where it says none"
  first_day_no: "day; the first list that names it"
  last_day_no: "day; the last list that names it"
---*/
WITH placed AS (
  SELECT p.platform_id AS platform_id, a.artist_id AS artist_id, l.value AS playlist, u.value AS author, f.added_day_no AS added_day_no,
    MIN(f.day_no) OVER (PARTITION BY p.platform_id, a.artist_id, l.value, u.value) AS first_day_no,
    MAX(f.day_no) OVER (PARTITION BY p.platform_id, a.artist_id, l.value, u.value) AS last_day_no,
    ROW_NUMBER() OVER (PARTITION BY p.platform_id, a.artist_id, l.value, u.value
      ORDER BY f.day_no DESC, f.added_day_no NULLS LAST) AS place
  FROM fact_playlist_window f
  JOIN platform_of p ON p.source_id = f.platform
  JOIN artist_of a ON a.source_id = f.artist
  JOIN source_value l ON l.id = f.playlist
  JOIN source_value u ON u.id = f.author
)
SELECT p.platform_id AS platform_id, p.artist_id AS artist_id, p.playlist AS playlist, p.author AS author, p.added_day_no AS added_day_no,
  p.first_day_no AS first_day_no, p.last_day_no AS last_day_no
FROM placed p
WHERE p.place = 1;
