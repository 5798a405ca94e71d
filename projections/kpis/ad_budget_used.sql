/*---
kpi: ad_budget_used
title: Advertising budget used
domain: ads
unit: percent
direction: neutral
decimals: 1
formula: what all campaigns spent since the goal’s first day / the goal ad_budget_year in US dollars
dimensions: []
window: from the goal’s first day to the day, not beyond the day it is due
completeness: days with a row of an ad account; the newest day of a daily file is not over and is left out
goal: ad_budget_year
alerts:
  - {alert: budget_exceeded, above: 100, severity: warn, cooldown_days: 30, text: More was spent on advertising than the budget allows.}
differs: Meta shows the spend of one account in its currency, and the limits set there; the budget is the label’s own.
evidence:
  fact: fact_ad_day
  where: "day_no = last_day_no AND COALESCE(partial, 0) = 0 AND spend_nano IS NOT NULL AND day_no <= :day AND day_no >= (SELECT MAX(g.from_day) FROM ref_goal g WHERE g.goal = 'ad_budget_year' AND g.from_day <= :day AND COALESCE(g.until_day, 2932896) >= :day)"
---*/
WITH goal AS (
  SELECT MAX(g.from_day) AS from_day
  FROM ref_goal g
  WHERE g.goal = 'ad_budget_year' AND g.from_day <= :day AND COALESCE(g.until_day, 2932896) >= :day
)
SELECT SUM(t.spend_usd_nano) AS num, g.target AS den, SUM(t.unconverted) AS unconverted
FROM goal o
JOIN ref_goal g ON g.goal = 'ad_budget_year' AND g.from_day = o.from_day
JOIN v_ad_day t ON t.day_no >= g.from_day AND t.day_no <= :day
WHERE t.spend_nano IS NOT NULL AND COALESCE(t.partial, 0) = 0 AND g.target > 0
GROUP BY g.target
ORDER BY g.target;
