/*---
fact: fact_stream_day
title: A day of streams on a platform, as a distributor tells it; all artists of the distributor's account together
columns:
  day_no: key day
  platform: key source:platform
  distributor: key source:distributor
  streams: measure count
indexes:
  - [day_no, platform]
---*/

-- from: distrokid/spotify_streams
SELECT date AS day_no, 'Spotify' AS platform, 'DistroKid' AS distributor, streams FROM staged;

-- from: distrokid/apple_streams
SELECT date AS day_no, 'Apple Music' AS platform, 'DistroKid' AS distributor, streams FROM staged;

-- from: toolost/spotify_streams
SELECT date AS day_no, 'Spotify' AS platform, 'TooLost' AS distributor, streams FROM staged;

-- from: toolost/apple_streams
SELECT date AS day_no, 'Apple Music' AS platform, 'TooLost' AS distributor, streams FROM staged;
