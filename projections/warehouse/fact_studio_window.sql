/*---
fact: fact_studio_window
title: A line of a YouTube Studio table, over the range of the report
columns:
  as_of_day_no: key day
  first_day: key source:day_text
  last_day: key source:day_text
  artist: key source:artist
  dimension: key source:studio_dimension
  member: key source:studio_member
  title: source:post_title
  posted_day_no: day
  views: measure count
  engaged_views: measure count
  unique_viewers: measure count
  watch_hours_nano: measure nano
  average_view_seconds: measure count
  average_view_share_nano: measure nano
  subscribers_net: measure count
  likes: measure count
  comments: measure count
  shares: measure count
  impressions: measure count
  impression_clicks_share_nano: measure nano
  currency: source:currency
  revenue_nano: measure nano
---*/

-- from: youtube/studio_table
SELECT
  as_of AS as_of_day_no,
  first_day AS first_day,
  last_day AS last_day,
  account AS artist,
  dimension AS dimension,
  member AS member,
  title,
  published AS posted_day_no,
  views,
  engaged_views,
  unique_viewers,
  watch_hours AS watch_hours_nano,
  average_view_seconds,
  average_view_share AS average_view_share_nano,
  COALESCE(subscribers, subscribers_gained - subscribers_lost) AS subscribers_net,
  likes,
  comments,
  shares,
  impressions,
  impression_clicks_share AS impression_clicks_share_nano,
  currency,
  revenue AS revenue_nano
FROM staged;
