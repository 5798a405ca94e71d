/*---
view: bridge_artist_member
title: Who is behind an artist that is several; the shares of one always add up to 1, so that figures rolled up to members keep their sum
grain: [artist_id, member_id]
columns:
  artist_id: "text; member id of the collaboration"
  member_id: "text; member id of one of its artists; the collaboration itself for the part that nobody is said to have"
  share_nano: "nano; part of one"
---*/
-- An artist who is not here is his own only member: LEFT JOIN, and COALESCE(member_id, artist_id).
SELECT c.artist AS artist_id, c.member AS member_id, c.share AS share_nano
FROM ref_collaboration c
WHERE c.share IS NOT NULL AND c.member <> c.artist
UNION ALL
SELECT c.artist, c.artist, 1000000000 - SUM(CASE WHEN c.member <> c.artist THEN COALESCE(c.share, 0) ELSE 0 END)
FROM ref_collaboration c
GROUP BY c.artist
HAVING SUM(CASE WHEN c.member <> c.artist THEN COALESCE(c.share, 0) ELSE 0 END) < 1000000000;
