/*---
view: v_ad_account
title: Which ad account each account name of the files means; bedrot reference account says it
grain: [account]
columns:
  account: "private; the account as the files tell it apart"
  file_account: "text; the same in letters"
  ad_account: "text; the account it means, itself where nobody says another"
---*/
-- Reached from rows of facts; no row comes of a name alone.
SELECT s.id AS account, s.value AS file_account, COALESCE(l.member, s.value) AS ad_account
FROM source_value s
LEFT JOIN alias_of l ON l.kind = 'account' AND l.service = s.service AND l.norm = s.norm
WHERE s.kind = 'account';
