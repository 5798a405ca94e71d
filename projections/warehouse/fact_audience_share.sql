/*---
fact: fact_audience_share
title: How an account's followers divide, as it stood on a day; a share is nano units of one
columns:
  day_no: key day
  platform: key source:platform
  artist: key source:artist
  dimension: key source:audience_dimension
  member: key source:audience_member
  member_code: source:audience_code
  territory: source:territory
  share_nano: measure nano
indexes:
  - [artist, day_no]
---*/

-- from: tiktok/follower_gender
SELECT
  as_of AS day_no,
  'TikTok' AS platform,
  account AS artist,
  'gender' AS dimension,
  gender AS member,
  CASE
    WHEN gender IN ('Female', 'female', 'Mujer', 'Mujeres', 'Femenino', 'Weiblich', 'Frauen', 'Femme', 'Femmes', 'Féminin', 'Feminino',
      'Mulher', 'Mulheres') THEN 'female'
    WHEN gender IN ('Male', 'male', 'Hombre', 'Hombres', 'Masculino', 'Männlich', 'Männer', 'Homme', 'Hommes', 'Masculin', 'Homem',
      'Homens') THEN 'male'
    WHEN gender IN ('Other', 'Others', 'other', 'Otro', 'Otros', 'Otras', 'Andere', 'Sonstige', 'Divers', 'Autre', 'Autres', 'Outro',
      'Outros') THEN 'other'
    ELSE 'unmapped'
  END AS member_code,
  '' AS territory,
  share AS share_nano
FROM staged;

-- from: tiktok/follower_territories
SELECT
  as_of AS day_no,
  'TikTok' AS platform,
  account AS artist,
  'territory' AS dimension,
  territory AS member,
  '' AS member_code,
  territory AS territory,
  share AS share_nano
FROM staged;
