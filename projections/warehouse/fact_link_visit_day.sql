/*---
fact: fact_link_visit_day
title: Visits of a smart link on a day, by where they came from
identity: row
partition: day_no
columns:
  day_no: key day
  link: source:link
  artist: source:artist
  title: source:title
  visitor: source:link_visitor
  territory: source:territory
  referrer: source:referrer
  utm_source: source:utm
  utm_medium: source:utm
  utm_campaign: source:utm
  destination: source:link_destination
  opened: measure count
  clicked: measure count
---*/

-- from: manual/submithub_links
SELECT
  date AS day_no,
  COALESCE(link, '') AS link,
  COALESCE(artist, '') AS artist,
  COALESCE(track, '') AS title,
  COALESCE(visitor, ip_address, email, '') AS visitor,
  COALESCE(country, '') AS territory,
  COALESCE(referrer, '') AS referrer,
  COALESCE(utm_source, '') AS utm_source,
  COALESCE(utm_medium, '') AS utm_medium,
  COALESCE(utm_campaign, '') AS utm_campaign,
  COALESCE(destination, '') AS destination,
  opened,
  clicked
FROM staged;
