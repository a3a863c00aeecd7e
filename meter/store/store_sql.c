#include "meter/store/store_sql.h"

#define ROW \
	"SELECT " \
	"seq,usage.id,kind,of,time,completed,series,price,origin,input,cache_read,cache_write_5m," \
	"cache_write_1h,output,reasoning,requests,task,session,raw,more,flags," \
	"origin.source,origin.shape,origin.rule," \
	"(SELECT at FROM batch WHERE first<=usage.seq ORDER BY first DESC LIMIT 1) " \
	"FROM usage JOIN origin ON origin.id=usage.origin "
#define SUMS "records,requests,input,cache_read,cache_write_5m,cache_write_1h,output,reasoning"
#define ADD(t, c) #c "=" t "." #c "+excluded." #c
#define ADD_SUMS(t) \
	ADD(t, records) \
	"," ADD(t, requests) "," ADD(t, input) "," ADD(t, cache_read) "," ADD( \
		t, cache_write_5m) "," ADD(t, cache_write_1h) "," ADD(t, \
								      output) "," ADD(t, \
										      reasoning)
#define SUM_VALUES \
	":records,:requests,:input,:cache_read,:cache_write_5m,:cache_write_1h,:output,:reasoning"

#define ADD_SUBJECT \
	"INSERT INTO subject(provider,model,service_tier,region) " \
	"VALUES(:provider,:model,:service_tier,:region)"
#define ADD_SERIES \
	"INSERT INTO series(customer,project,workload,effort,subject) " \
	"VALUES(:customer,:project,:workload,:effort,:subject)"
#define ADD_ORIGIN "INSERT INTO origin(source,shape,rule) VALUES(:source,:shape,:rule)"
#define ADD_PRICE \
	"INSERT INTO price(ref,vendor,model,\"window\",currency,rates,fees,reason) " \
	"VALUES(:ref,:vendor,:model,:window,:currency,:rates,:fees,:reason)"

/* APPEND_AT_ONCE of them make one statement */
#define NEW_ROW "(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
#define NEW_ROWS_4 NEW_ROW "," NEW_ROW "," NEW_ROW "," NEW_ROW
/* a record as most are: no correction, completion, cache write, reasoning, flag, rarer count */
#define BRIEF_ROW "(?,?,0,NULL,?,NULL,?,?,?,?,?,0,0,?,0,1,?,?,?,NULL,NULL)"
#define BRIEF_ROWS_4 BRIEF_ROW "," BRIEF_ROW "," BRIEF_ROW "," BRIEF_ROW

const char *const store_sql[STORE_STATEMENTS] = {
	[STORE_IDENTITY] = "SELECT value FROM about WHERE key='identity'",
	[STORE_SET_IDENTITY] =
		"INSERT INTO about VALUES('identity',:identity) ON CONFLICT DO NOTHING",
	[STORE_PROBE] = "INSERT INTO about VALUES('probed',:at) ON CONFLICT(key) DO UPDATE SET "
			"value=excluded.value",
	[STORE_HAS_OWN_IDS] = "SELECT count(*) FROM about WHERE key='own_ids'",
	[STORE_SET_OWN_IDS] = "INSERT INTO about VALUES('own_ids','1') ON CONFLICT DO NOTHING",
	[STORE_LAST_SEQ] = "SELECT " FILE_LAST_NUMBER,
	[STORE_DATA_VERSION] = "PRAGMA data_version",
	[STORE_IDS_FROM] =
		"SELECT seq,id,kind FROM usage WHERE seq BETWEEN :from AND :to ORDER BY seq",
	[STORE_ID_AT] = "SELECT id,kind FROM usage WHERE seq=:seq",
	[STORE_SEARCH_ID] = "SELECT seq FROM usage WHERE seq>:above AND id=:id AND kind=0 LIMIT 1",
	[STORE_LAST_OF] = "SELECT seq,kind FROM usage WHERE of=:first ORDER BY seq DESC LIMIT 1",
	[STORE_ADD_BATCH] = "INSERT INTO batch VALUES(:first,:at) ON CONFLICT DO NOTHING",
	[STORE_ADD_CHANGE] =
		"INSERT INTO change VALUES(:first,:at,:what,:why) ON CONFLICT DO NOTHING",
	[STORE_FIND_SUBJECT] =
		"SELECT id FROM subject WHERE model=:model AND provider=:provider AND "
		"service_tier=:service_tier AND region=:region",
	[STORE_ADD_SUBJECT] = ADD_SUBJECT " RETURNING id",
	[STORE_SUBJECT_AT] = "SELECT provider,model,service_tier,region FROM subject WHERE id=:id",
	[STORE_FIND_SERIES] = "SELECT id FROM series WHERE customer=:customer AND project=:project "
			      "AND workload=:workload AND effort=:effort AND subject=:subject",
	[STORE_ADD_SERIES] = ADD_SERIES " RETURNING id",
	[STORE_SERIES_AT] =
		"SELECT customer,project,workload,subject,effort FROM series WHERE id=:id",
	[STORE_FIND_ORIGIN] = "SELECT id FROM origin WHERE source=:source AND shape=:shape AND "
			      "rule=:rule",
	[STORE_ADD_ORIGIN] = ADD_ORIGIN " RETURNING id",
	[STORE_FIND_PRICE] = "SELECT id FROM price WHERE ref=:ref AND \"window\"=:window AND "
			     "currency=:currency AND rates=:rates AND fees=:fees AND "
			     "reason=:reason AND model=:model AND :vendor=vendor",
	[STORE_ADD_PRICE] = ADD_PRICE " RETURNING id",
	[STORE_PRICE_AT] =
		"SELECT ref,vendor,model,\"window\",currency,rates,fees,reason FROM price "
		"WHERE id=:id",
	[STORE_APPEND] = "INSERT INTO usage VALUES" NEW_ROW,
	[STORE_APPEND_MANY] =
		"INSERT INTO usage VALUES" NEW_ROWS_4 "," NEW_ROWS_4 "," NEW_ROWS_4 "," NEW_ROWS_4,
	[STORE_APPEND_BRIEF] = "INSERT INTO usage VALUES" BRIEF_ROWS_4 "," BRIEF_ROWS_4
			       "," BRIEF_ROWS_4 "," BRIEF_ROWS_4,
	[STORE_ROW] = ROW "WHERE seq=:seq",
	[STORE_ROWS] = ROW "WHERE seq BETWEEN :from AND :to ORDER BY seq",
	[STORE_ROWS_OF] = ROW "WHERE seq=:first OR of=:first ORDER BY seq",

	[STORE_HOLD] =
		"INSERT INTO quarantine(hash,at,source,line,raw,header,reason,seen,state,told)"
		" VALUES(:hash,:at,:source,:line,:raw,:header,:reason,1,'held',:told) "
		"ON CONFLICT(hash) DO UPDATE SET seen=quarantine.seen+1,"
		"state=CASE quarantine.state WHEN 'dropped' THEN 'dropped' ELSE 'held' END,"
		"reason=excluded.reason",
	[STORE_HELD_AT] = "SELECT id,at,source,line,raw,header,reason,seen,state,told "
			  "FROM quarantine WHERE id=:id",
	[STORE_HELD] = "SELECT id,at,source,line,raw,header,reason,seen,state,told FROM quarantine "
		       "WHERE state='held' OR :all=1 ORDER BY id",
	[STORE_HELD_STATE] = "UPDATE quarantine SET state=:state WHERE id=:id",
	[STORE_HELD_COUNT] = "SELECT count(*) FROM quarantine WHERE state='held'",
	[STORE_ADD_CONFLICT] =
		"INSERT INTO conflict(hash,at,first,record,differs,source,line,seen) "
		"VALUES(:hash,:at,:first,:record,:differs,:source,:line,1) "
		"ON CONFLICT(hash) DO UPDATE SET seen=conflict.seen+1",
	[STORE_CONFLICTS] = "SELECT id,at,first,record,differs,source,line,seen FROM conflict "
			    "ORDER BY id",
	[STORE_CONFLICT_COUNT] = "SELECT count(*) FROM conflict",
	[STORE_FOLLOWED] = "SELECT device,inode,bytes,line,head FROM followed WHERE path=:path",
	[STORE_SET_FOLLOWED] =
		"INSERT INTO followed VALUES(:path,:device,:inode,:bytes,:line,:head) "
		"ON CONFLICT(path) DO UPDATE SET device=excluded.device,"
		"inode=excluded.inode,bytes=excluded.bytes,line=excluded.line,"
		"head=excluded.head",
	[STORE_CHANGES_OF] = "SELECT first,at,what,why FROM change WHERE first<=:seq "
			     "ORDER BY first DESC LIMIT 1",

	[STORE_FIND_ALSO] = "SELECT id,copy FROM call_also WHERE also=:also",
	[STORE_ADD_ALSO] = "INSERT INTO call_also VALUES(:also,:id,:copy) ON CONFLICT DO NOTHING",

	[STORE_ROLLED_TO] = "SELECT value FROM about WHERE key='rolled_to'",
	[STORE_SET_ROLLED_TO] = "INSERT INTO about VALUES('rolled_to',:seq) ON CONFLICT(key) DO "
				"UPDATE SET value=excluded.value",
	[STORE_ROLL_ROWS] = "SELECT seq,time,series,price,kind,requests,input,cache_read,"
			    "cache_write_5m,cache_write_1h,output,reasoning,more FROM usage "
			    "WHERE seq BETWEEN :from AND :to ORDER BY seq",
	[STORE_ROLL_QUARTER] =
		"INSERT INTO rollup_quarter(quarter,subject,price," SUMS
		",lowest,highest) VALUES(:cell,:who,:price," SUM_VALUES
		",:lowest,:highest) ON CONFLICT(quarter,subject,price) DO UPDATE SET " ADD_SUMS(
			"rollup_quarter") ",lowest=CASE WHEN excluded.lowest<rollup_quarter.lowest "
					  "THEN excluded.lowest ELSE rollup_quarter.lowest END,"
					  "highest=CASE WHEN "
					  "excluded.highest>rollup_quarter.highest THEN "
					  "excluded.highest "
					  "ELSE rollup_quarter.highest END",
	[STORE_ROLL_DAY] = "INSERT INTO rollup_day(day,series,price," SUMS
			   ") VALUES(:cell,:who,:price," SUM_VALUES
			   ") ON CONFLICT(day,series,price) DO UPDATE SET " ADD_SUMS("rollup_day"),
	[STORE_ROLL_MORE] =
		"INSERT INTO rollup_more VALUES(:quarter,:series,:price,:name,:count) "
		"ON CONFLICT(quarter,series,price,name) DO UPDATE SET " ADD("rollup_more", count),
	[STORE_CELLS_QUARTER] = "SELECT quarter,subject,price," SUMS " FROM rollup_quarter WHERE "
				"quarter>=:from AND quarter<:to",
	[STORE_CELLS_DAY] = "SELECT day,series,price," SUMS " FROM rollup_day WHERE day>=:from AND "
			    "day<:to",
	[STORE_CELLS_DAY_OF] =
		"WITH RECURSIVE d(day) AS (SELECT :from UNION ALL SELECT day+1 FROM d WHERE "
		"day+1<:to) SELECT r.day,r.series,r.price,records,requests,input,cache_read,"
		"cache_write_5m,cache_write_1h,output,reasoning FROM d CROSS JOIN series s CROSS "
		"JOIN rollup_day r ON r.day=d.day AND r.series=s.id WHERE s.customer=:customer",
	[STORE_CELLS_MORE] = "SELECT quarter,series,price,name,count FROM rollup_more WHERE "
			     "quarter>=:from AND quarter<:to",
	[STORE_CELLS_ROWS] =
		"SELECT time,series,price,kind,requests,input,cache_read,cache_write_5m,"
		"cache_write_1h,output,reasoning,more,task,session FROM usage WHERE "
		"seq BETWEEN :from AND :to AND time>=:since AND time<:until",
	[STORE_DAY_SPAN] = "SELECT min(day),max(day) FROM rollup_day",
	[STORE_SPAN_ROWS] = "SELECT min(lowest),max(highest) FROM rollup_quarter WHERE "
			    "quarter>=:from AND quarter<:to",

	[STORE_SET_LIMIT] =
		"INSERT INTO spending_limit VALUES(:customer,:currency,:pico,:period,:now)"
		" ON CONFLICT(customer) DO UPDATE SET currency=excluded.currency,"
		"pico=excluded.pico,period=excluded.period,set_at=excluded.set_at",
	[STORE_CLEAR_LIMIT] = "DELETE FROM spending_limit WHERE customer=:customer",
	[STORE_LIMITS] =
		"SELECT customer,currency,pico,period FROM spending_limit ORDER BY customer",
	[STORE_LIMIT_OF] =
		"SELECT pico,period,currency FROM spending_limit WHERE customer=:customer",
#define IN_SCOPE "AND :project IN ('',project) AND :model IN ('',model) "
#define HELD_SUMS \
	"sum(pico/1000000),sum(pico%1000000),sum(credits/1000000),sum(credits%1000000) FROM hold "
#define HELD_IN "WHERE state='open' AND :customer IN ('',customer) " IN_SCOPE
	[SPENDING_HELD_KEPT] =
		"SELECT currency,millions,rest,credit_millions,credit_rest FROM held WHERE "
		"customer=:customer AND project=:project AND model=:model",
	[SPENDING_HELD] = "SELECT currency," HELD_SUMS HELD_IN "AND expires>:now GROUP BY currency",
	[SPENDING_HELD_OF] =
		"SELECT currency," HELD_SUMS "INDEXED BY hold_open WHERE state='open' "
		"AND customer=:customer " IN_SCOPE "AND expires>:now GROUP BY currency",
	[SPENDING_HELD_LATE] = "SELECT currency," HELD_SUMS "INDEXED BY hold_expiry " HELD_IN
			       "AND expires<=:now GROUP BY currency",
	[SPENDING_HELD_DUE] =
		"SELECT currency,"
		"sum(pico/1000000),sum(pico%1000000),sum(credits/1000000),"
		"sum(credits%1000000),customer,project,model FROM hold INDEXED BY hold_expiry WHERE state='open' AND "
		"expires<=:now GROUP BY currency,customer,project,model",
	[SPENDING_KEEP_HELD] =
		"INSERT INTO held SELECT :customer,:project,:model,currency," HELD_SUMS HELD_IN
		"GROUP BY currency",
	[SPENDING_KEEP_NONE] =
		"INSERT INTO held VALUES(:customer,:project,:model,:currency,0,0,0,0)",
#define HELD_SCOPES \
	"WHERE customer IN ('',:customer) AND project IN ('',:project) AND model IN ('',:model) "
	[SPENDING_HELD_NEED] =
		"INSERT INTO held SELECT DISTINCT customer,project,model,:currency,0,0,0,0 FROM "
		"held h " HELD_SCOPES "AND NOT EXISTS(SELECT 1 FROM held o WHERE "
		"o.customer=h.customer AND o.project=h.project AND o.model=h.model AND "
		"o.currency=:currency)",
	[SPENDING_HELD_ADD] =
		"UPDATE held SET millions=millions+:millions,rest=rest+:rest,"
		"credit_millions=credit_millions+:credit_millions,"
		"credit_rest=credit_rest+:credit_rest " HELD_SCOPES "AND currency=:currency",
	[LEDGER_HELD] = "SELECT sum(credits) FROM hold INDEXED BY hold_open WHERE state='open' AND "
			"customer=:customer AND expires>:now",
	[SPENDING_ADD_APART] =
		"INSERT INTO settled_apart(no,hold,customer,project,model,currency,pico,created,"
		"first) SELECT coalesce(max(no),0)+1,:hold,:customer,:project,:model,:currency,"
		":pico,:created,:first FROM settled_apart WHERE 1=1 ON CONFLICT(hold) DO NOTHING",
	[SPENDING_APART] = "SELECT no,first,pico FROM settled_apart WHERE no>:after AND "
			   "created>=:from AND created<:to AND :customer IN ('',customer) " IN_SCOPE
			   "AND currency=:currency ORDER BY no",
	[SPENDING_APART_CHANGED] =
		"SELECT 1 FROM usage u CROSS JOIN settled_apart a WHERE u.seq BETWEEN :from AND "
		":to AND u.of IS NOT NULL AND a.first=u.of LIMIT 1",
	[STORE_HOLD_AT] =
		"SELECT id,customer,currency,pico,request,created,expires,state,usage,credits,"
		"project,model FROM hold WHERE id=:id",
	[STORE_HOLDS_OPEN] =
		"SELECT id,customer,currency,pico,request,created,expires,state,usage,"
		"credits,project,model FROM hold WHERE state='open' AND expires>:now AND "
		"(:customer='' OR customer=:customer) ORDER BY created,id",
	[STORE_ADD_HOLD] =
		"INSERT OR FAIL INTO hold(id,customer,currency,pico,request,created,expires,state,"
		"credits,project,model) VALUES(:id,:customer,:currency,:pico,:request,:created,"
		":expires,'open',:credits,:project,:model)",
	[STORE_END_HOLD] =
		"UPDATE OR FAIL hold SET state=:state,ended=:now,usage=:usage WHERE id=:id",
	[STORE_EXPIRE_HOLDS] = "UPDATE hold SET state='expired',ended=:now WHERE state='open' AND "
			       "expires<=:now",
#define ACCOUNT \
	"SELECT id,customer,plan,plan_text,byo,overage,overage_limit,burn_order,zone,anchor_day," \
	"low_balance,terms,since,opened,drawn_to,rest,owed FROM credit_account JOIN credit_state " \
	"ON account=id "
	[LEDGER_ACCOUNT] = ACCOUNT "WHERE customer=:customer",
	[LEDGER_ACCOUNT_AT] = ACCOUNT "WHERE id=:id",
	[LEDGER_ACCOUNTS] = ACCOUNT "ORDER BY customer",
	[LEDGER_ADD_ACCOUNT] =
		"INSERT INTO credit_account(customer,plan,plan_text,byo,overage,overage_limit,"
		"burn_order,zone,anchor_day,low_balance,terms,since,opened) VALUES(:customer,:plan,"
		":plan_text,:byo,:overage,:overage_limit,:burn_order,:zone,:anchor_day,"
		":low_balance,:terms,:since,:opened) RETURNING id",
	[LEDGER_SET_ACCOUNT] =
		"UPDATE credit_account SET plan=:plan,plan_text=:plan_text,byo=:byo,"
		"overage=:overage,overage_limit=:overage_limit,burn_order=:burn_order,zone=:zone,"
		"anchor_day=:anchor_day,low_balance=:low_balance,terms=:terms WHERE id=:id",
	[LEDGER_ADD_STATE] = "INSERT INTO credit_state VALUES(:account,:drawn_to,0,0)",
	[LEDGER_SET_STATE] = "UPDATE credit_state SET drawn_to=:drawn_to,rest=:rest,owed=:owed "
			     "WHERE account=:account",
	[LEDGER_STATE] =
		"SELECT min(drawn_to) FROM credit_state WHERE account NOT IN (SELECT account "
		"FROM credit_fault)",
	[LEDGER_FAULTS] = "SELECT f.account,a.customer,f.since,f.why FROM credit_fault f JOIN "
			  "credit_account a ON a.id=f.account ORDER BY a.customer",
	[LEDGER_ADD_FAULT] = "INSERT INTO credit_fault VALUES(:account,:now,:why) ON "
			     "CONFLICT(account) DO UPDATE SET why=excluded.why",
	[LEDGER_DROP_FAULT] = "DELETE FROM credit_fault WHERE account=:account",
	[LEDGER_ADD_GRANT] =
		"INSERT INTO credit_grant(account,name,amount,class,priority,effective,expires,"
		"cost_basis,currency,rule,note,created) VALUES(:account,:name,:amount,:class,"
		":priority,:effective,:expires,:cost_basis,:currency,:rule,:note,:created) "
		"RETURNING id",
#define GRANT \
	"SELECT g.id,g.account,name,amount,class,priority,effective,expires,cost_basis,currency," \
	"note,created,coalesce(l.left,0),rule FROM credit_grant g LEFT JOIN credit_lot l ON " \
	"l.grant_id=g.id "
	[LEDGER_GRANT] = GRANT "WHERE g.account=:account AND name=:name",
	[LEDGER_GRANTS] = GRANT "WHERE g.account=:account ORDER BY effective,g.id",
	[LEDGER_LOTS] = "SELECT g.id,name,amount,l.left,class,priority,effective,expires,"
			"cost_basis,created FROM credit_lot l INDEXED BY lot_open JOIN "
			"credit_grant g ON g.id=l.grant_id WHERE l.account=:account AND l.left>0",
	[LEDGER_ADD_LOT] = "INSERT INTO credit_lot VALUES(:grant,:account,:left,0)",
	[LEDGER_SET_LOT] = "UPDATE credit_lot SET \"left\"=:left WHERE grant_id=:grant",
	[LEDGER_SET_LAPSED] =
		"UPDATE credit_lot SET \"left\"=\"left\"-:nano,lapsed=lapsed+:nano WHERE "
		"grant_id=:grant",
	/* of those with rollover it is not known what was trimmed and what has expired */
	[LEDGER_LAPSED] = "SELECT g.id,l.lapsed,g.expires FROM credit_lot l INDEXED BY lot_lapsed "
			  "JOIN credit_grant g ON g.id=l.grant_id LEFT JOIN credit_rule r ON "
			  "r.id=g.rule WHERE l.account=:account AND l.lapsed>0 AND "
			  "g.effective<=:at AND g.expires>:at AND g.expires<=:now AND "
			  "coalesce(r.rollover,0)=0 ORDER BY g.id",
	[LEDGER_NEXT_TXN] = "SELECT coalesce(max(id),0) FROM ledger_txn",
	[LEDGER_ADD_ENTRY] =
		"INSERT OR FAIL INTO ledger_entry VALUES(:txn,:place,:pot,:grant,:amount)",
	[LEDGER_ADD_TXN] =
		"INSERT OR FAIL INTO ledger_txn VALUES(:id,:account,:at,:booked,:kind,:from,:to,"
		":key,:note)",
	[LEDGER_TXN_BY_KEY] = "SELECT id,kind FROM ledger_txn WHERE account=:account AND key=:key",
	[LEDGER_TXNS] = "SELECT id,account,at,booked,kind,usage_from,usage_to,key,note FROM "
			"ledger_txn WHERE account=:account AND at>=:since AND at<:until ORDER BY "
			"at,id",
	[LEDGER_ENTRIES] = "SELECT place,pot,grant_id,amount,(SELECT name FROM credit_grant g "
			   "WHERE g.id=grant_id) FROM ledger_entry WHERE txn=:txn ORDER BY place",
	[LEDGER_USES] = "SELECT t.kind,e.grant_id,e.amount FROM ledger_txn t INDEXED BY "
			"txn_of_account JOIN ledger_entry e ON e.txn=t.id WHERE t.account=:account "
			"AND t.kind IN ('draw','repay','refund') AND e.pot='grant' ORDER BY t.id "
			"DESC,e.place DESC",
	[LEDGER_DRAWN_OF] =
		"SELECT coalesce(-sum(e.amount),0) FROM ledger_entry e JOIN ledger_txn t ON "
		"t.id=e.txn WHERE e.grant_id=:grant AND t.kind IN ('draw','repay','refund')",
	/* the same of usage of one part of an hour, and what of that lots did not give */
	[LEDGER_USES_OF] =
		"SELECT t.kind,e.grant_id,e.amount FROM ledger_txn t INDEXED BY txn_of_usage JOIN "
		"ledger_entry e ON e.txn=t.id WHERE t.account=:account AND t.usage_from IS NOT NULL "
		"AND t.at>=:from AND t.at<:until AND e.pot='grant' ORDER BY t.id DESC,e.place DESC",
	[LEDGER_OVERAGE_OF] =
		"SELECT coalesce(-sum(e.amount),0) FROM ledger_txn t INDEXED BY txn_of_usage JOIN "
		"ledger_entry e ON e.txn=t.id WHERE t.account=:account AND t.usage_from IS NOT NULL "
		"AND t.at>=:from AND t.at<:until AND e.pot IN ('overage','billed')",
	[LEDGER_BILLED] = "SELECT coalesce(-sum(e.amount),0) FROM ledger_txn t INDEXED BY "
			  "txn_of_account JOIN ledger_entry e ON e.txn=t.id WHERE "
			  "t.account=:account AND t.kind IN ('bill','refund') AND e.pot='billed'",
	/* what is left of a grant that has ended has expired, whether that is booked yet or not */
	[LEDGER_BALANCE_AT] =
		"SELECT CASE WHEN g.expires<=:at THEN 'expired' ELSE e.pot END,sum(e.amount) FROM "
		"ledger_txn t JOIN ledger_entry e ON e.txn=t.id LEFT JOIN credit_grant g ON "
		"g.id=e.grant_id AND e.pot='grant' WHERE t.account=:account AND t.at<=:at GROUP BY "
		"1",
	[LEDGER_AVAILABLE] =
		"SELECT coalesce(sum(l.left),0) FROM credit_lot l INDEXED BY lot_open JOIN "
		"credit_grant g ON g.id=l.grant_id WHERE l.account=:account AND l.left>0 AND "
		"g.effective<=:at AND (g.expires IS NULL OR g.expires>:at)",
	[LEDGER_FIND_RATE] = "SELECT id FROM credit_rate WHERE rates=:rates",
	[LEDGER_ADD_RATE] = "INSERT INTO credit_rate(rates) VALUES(:rates) RETURNING id",
	[LEDGER_RATE_AT] = "SELECT rates FROM credit_rate WHERE id=:id",
	[LEDGER_DAY] = "SELECT nano,rest FROM credit_day WHERE account=:account AND day=:day AND "
		       "series=:series AND rate=:rate",
	[LEDGER_ADD_DAY] =
		"INSERT INTO credit_day VALUES(:account,:day,:series,:rate," SUM_VALUES
		",:nano,:rest) ON CONFLICT(account,day,series,rate) DO UPDATE SET " ADD_SUMS(
			"credit_day") ",nano=excluded.nano,rest=excluded.rest",
	[LEDGER_DAYS] = "SELECT series,rate," SUMS ",nano,rest FROM credit_day WHERE "
			"account=:account AND day>=:from AND day<:to",
	[LEDGER_ADD_TAKEN] =
		"INSERT INTO credit_taken VALUES(:account,:day,:nano) ON "
		"CONFLICT(account,day) DO UPDATE SET nano=credit_taken.nano+excluded.nano",
	[LEDGER_TAKEN] = "SELECT coalesce(sum(nano),0) FROM credit_taken WHERE account=:account "
			 "AND day>=:from AND day<:to",
	[LEDGER_USED] = "SELECT coalesce(sum(nano),0) FROM credit_day WHERE account=:account AND "
			"day>=:from AND day<:to",
	/* the rates that usage of a day drew under, and has not given back */
	[LEDGER_DAY_RATES] =
		"SELECT r.id,r.rates FROM credit_day d JOIN credit_rate r ON r.id=d.rate WHERE "
		"d.account=:account AND d.day=:day AND d.series=:series AND d.records>0 ORDER BY "
		"r.id",
	[LEDGER_WAITING] = "SELECT seq FROM credit_uncovered ORDER BY seq",
	[LEDGER_DROP_UNCOVERED] = "DELETE FROM credit_uncovered WHERE seq=:seq RETURNING account",
	/* that of the row which stood before a reversal of its record */
	[LEDGER_DROP_REVERSED] =
		"DELETE FROM credit_uncovered WHERE seq=coalesce((SELECT max(seq) FROM usage WHERE "
		"of=:of AND kind=2 AND seq<:seq),:of) RETURNING account",
	/* where credits begin and end within an hour */
	[LEDGER_BORDERS] =
		"SELECT effective%:hour FROM credit_grant WHERE account=:account AND "
		"effective%:hour<>0 UNION SELECT expires%:hour FROM credit_grant WHERE "
		"account=:account AND expires%:hour<>0 UNION SELECT anchor%:hour FROM credit_rule "
		"WHERE account=:account AND anchor%:hour<>0 ORDER BY 1",
	/* the last day that usage was summed by, and the end of what is invoiced */
	[LEDGER_DAYS_KEPT] =
		"SELECT max(day),(SELECT max(period_to) FROM invoice WHERE customer=:customer AND "
		"status='final') FROM (SELECT max(day) AS day FROM credit_day WHERE "
		"account=:account UNION ALL SELECT max(day) FROM credit_taken WHERE "
		"account=:account) kept",
	[LEDGER_ADD_UNCOVERED] =
		"INSERT INTO credit_uncovered VALUES(:seq,:account,:reason) ON CONFLICT DO "
		"NOTHING",
	[LEDGER_UNCOVERED] =
		"SELECT count(*) FROM credit_uncovered c JOIN usage u ON u.seq=c.seq "
		"WHERE account=:account AND u.time>=:from AND u.time<:to AND u.kind<>1",
	[LEDGER_ALL_UNCOVERED] = "SELECT count(*) FROM credit_uncovered c JOIN usage u ON "
				 "u.seq=c.seq WHERE u.kind<>1",
	[LEDGER_END_RULE] = "UPDATE credit_rule SET until=:until WHERE account=:account AND "
			    "name=:name AND (until IS NULL OR until>:until) RETURNING id",
	[LEDGER_ADD_RULE] =
		"INSERT INTO credit_rule(account,name,amount,class,priority,every,lasts,anchor,"
		"rollover,next,until,cost_basis,currency) VALUES(:account,:name,:amount,:class,"
		":priority,:every,:lasts,:anchor,:rollover,:next,:until,:cost_basis,:currency)",
#define RULE \
	"SELECT id,account,name,amount,class,priority,every,anchor,rollover,next,until,lasts," \
	"cost_basis,currency FROM " \
	"credit_rule "
	[LEDGER_RULES_DUE] = RULE "WHERE next<=:now AND (until IS NULL OR next<until) AND account "
				  "NOT IN (SELECT account FROM credit_fault) ORDER BY next,id "
				  "LIMIT 1",
	[LEDGER_RULES] = RULE "WHERE account=:account ORDER BY id",
	[LEDGER_SET_RULE] = "UPDATE credit_rule SET next=:next WHERE id=:id",
	[LEDGER_RULE_LOTS] = "SELECT g.id,l.left FROM credit_lot l INDEXED BY lot_open JOIN "
			     "credit_grant g ON g.id=l.grant_id WHERE l.account=:account AND "
			     "l.left>0 AND g.rule=:rule AND g.effective<:at ORDER BY "
			     "g.effective,g.id",
	/* what rolls over, and has recurred after an instant */
	[LEDGER_ROLLOVERS] = RULE "WHERE account=:account AND rollover>0 AND next>:at ORDER BY id",
	/* what was trimmed after an instant of the grants of a rule that counted then */
	[LEDGER_TRIMMED] =
		"SELECT en.grant_id,t.at,-sum(en.amount) FROM credit_grant g JOIN ledger_entry en "
		"ON en.grant_id=g.id JOIN ledger_txn t ON t.id=en.txn WHERE g.account=:account AND "
		"g.rule=:rule AND t.kind='expire' AND t.at>:at AND g.effective<=:effective GROUP "
		"BY en.grant_id,t.at HAVING sum(en.amount)<0 ORDER BY t.at,en.grant_id",
	/* what its grants came to before an instant, and what was trimmed at it */
	[LEDGER_LEFT_BEFORE] =
		"SELECT coalesce(sum(CASE WHEN t.at<:at THEN en.amount END),0),coalesce(-sum(CASE "
		"WHEN t.at=:at AND t.kind='expire' THEN en.amount END),0) FROM credit_grant g JOIN "
		"ledger_entry en ON en.grant_id=g.id JOIN ledger_txn t ON t.id=en.txn WHERE "
		"g.account=:account AND g.rule=:rule AND t.at<=:at",
	[LEDGER_PAID_USAGE] =
		"SELECT s.project,p.model,sum(CASE u.kind WHEN 1 THEN -1 ELSE 1 END) FROM usage u "
		"JOIN series s ON s.id=u.series JOIN price p ON p.id=u.price WHERE u.seq BETWEEN "
		":first AND :last AND u.time BETWEEN :since AND :at AND s.customer=:customer GROUP "
		"BY s.project,p.model ORDER BY s.project,p.model",
	[INVOICE_ADD] = "INSERT INTO invoice(kind,status,number,customer,currency,period_from,"
			"period_to,document,total,created,finalized,why,corrects,counted) VALUES("
			":kind,:status,:number,:customer,:currency,:from,:to,:document,:total,"
			":created,:finalized,:why,:corrects,0) RETURNING id",
	[INVOICE_DROP_DRAFT] =
		"DELETE FROM invoice WHERE status='draft' AND customer=:customer AND "
		"period_from=:from",
#define INVOICE \
	"SELECT id,kind,status,number,customer,currency,period_from,period_to,document,total," \
	"created,finalized,voided,why,corrects,document->'period'->>'first_day'," \
	"document->'period'->>'last_day',document->'period'->>'timezone',document->>'unpriced'," \
	"document->>'due',document->>'part' " \
	"FROM invoice "
	[INVOICE_AT] = INVOICE "WHERE id=:id",
	[INVOICE_BY_NUMBER] = INVOICE "WHERE number=:number",
	[INVOICE_LIST] = INVOICE "WHERE (:customer='' OR customer=:customer) ORDER BY "
				 "period_from,id",
	[INVOICE_OF_PERIOD] = INVOICE "WHERE customer=:customer AND currency=:currency AND "
				      "period_from=:from AND kind='invoice' AND status<>'void'",
	[INVOICE_STANDING] = "SELECT number,document,currency FROM invoice WHERE "
			     "customer=:customer AND kind='invoice' AND status='final' ORDER BY "
			     "period_from,id",
	[INVOICE_FINALIZE] = "UPDATE invoice SET status='final',number=:number,document=:document,"
			     "total=:total,finalized=:now,counted=:counted WHERE id=:id",
	[INVOICE_VOID] = "UPDATE invoice SET status='void',voided=:now,why=:why WHERE id=:id",
	[INVOICE_NEXT_NUMBER] = "INSERT INTO invoice_series VALUES(:series,1) ON CONFLICT(series) "
				"DO UPDATE SET last=invoice_series.last+1 RETURNING last",
	/* interim invoices and supplements are parts of their period */
	[INVOICE_OVERLAP] =
		"SELECT coalesce(number,'draft '||id) FROM invoice WHERE customer=:customer AND "
		"kind='invoice' AND status<>'void' AND period_from<:to AND period_to>:from AND "
		"NOT(period_from=:from AND (status='draft' OR (period_to=:to AND "
		"document->>'part' IS NOT NULL))) LIMIT 1",
	/* of each currency the period's own invoice, if it became final after the movement was
	   booked; else the first document after that, which adjusts the period */
	[INVOICE_SHOWS] =
		"SELECT number FROM invoice i WHERE customer=:customer AND kind='invoice' AND "
		"status='final' AND period_to>:at AND finalized>=:booked AND NOT EXISTS(SELECT 1 "
		"FROM invoice o WHERE o.customer=i.customer AND o.currency=i.currency AND "
		"o.kind='invoice' AND o.status='final' AND o.period_to>:at AND "
		"o.finalized>=:booked AND o.id<>i.id AND CASE WHEN (o.period_from<=:at)<>"
		"(i.period_from<=:at) THEN o.period_from<=:at ELSE o.finalized<i.finalized OR "
		"(o.finalized=i.finalized AND o.id<i.id) END) ORDER BY finalized,id",
	[INVOICE_NOTES] = "SELECT total FROM invoice WHERE corrects=:invoice AND kind='note' AND "
			  "status='final' AND finalized<=:at",
	[PAYMENT_ADD] = "INSERT INTO payment(invoice,amount,at,reference,booked) VALUES(:invoice,"
			":amount,:at,:reference,:now) RETURNING id",
	[PAYMENT_AT] = "SELECT invoice,amount,at,reference,booked FROM payment WHERE id=:id",
	[PAYMENTS_OF] = "SELECT id,amount,at,reference,booked FROM payment WHERE invoice=:invoice "
			"ORDER BY at,id",
	[BUDGET_SET] =
		"INSERT INTO budget(name,customer,project,model,currency,pico,period,zone,soft,"
		"hard,hook,set_at) VALUES(:name,:customer,:project,:model,:currency,:pico,:period,"
		":zone,:soft,:hard,:hook,:now) ON CONFLICT(name) DO UPDATE SET "
		"customer=excluded.customer,project=excluded.project,model=excluded.model,"
		"currency=excluded.currency,pico=excluded.pico,period=excluded.period,"
		"zone=excluded.zone,soft=excluded.soft,hard=excluded.hard,hook=excluded.hook,"
		"set_at=excluded.set_at",
	[BUDGET_CLEAR] = "DELETE FROM budget WHERE name=:name",
#define BUDGET \
	"SELECT id,name,customer,project,model,currency,pico,period,zone,soft,hard,hook FROM " \
	"budget "
	[BUDGETS] = BUDGET "ORDER BY name",
	[BUDGETS_HARD] = BUDGET "WHERE hard=1 AND customer IN ('',:customer) ORDER BY name",
	[BUDGET_ALARM_AT] = "SELECT 1 FROM budget_alarm WHERE budget=:budget AND "
			    "period_from=:from AND percent=:percent AND pico=(SELECT pico FROM "
			    "budget WHERE id=:budget)",
	[BUDGET_RAISE] =
		"INSERT INTO budget_alarm VALUES(:budget,:from,:percent,(SELECT pico FROM budget "
		"WHERE id=:budget),:now,:spent,NULL,0)",
	[BUDGET_WAITING] =
		"SELECT budget,period_from,percent,raised,spent,tries,name,hook,customer,"
		"project,model,currency,budget_alarm.pico,period FROM budget_alarm JOIN budget ON "
		"id=budget WHERE told IS NULL AND hook<>'' AND tries<:most ORDER BY "
		"tries,raised,percent",
	[BUDGET_TOLD] = "UPDATE budget_alarm SET tries=tries+1,told=CASE WHEN :ok=1 THEN CAST(:now "
			"AS BIGINT) END "
			"WHERE budget=:budget AND period_from=:from AND percent=:percent AND "
			"pico=:pico",
	[JOURNAL_LAST] = "SELECT seq,hash FROM journal ORDER BY seq DESC LIMIT 1",
	[JOURNAL_ADD] = "INSERT OR FAIL INTO journal VALUES(:seq,:kind,:ref,:hash)",
	[JOURNAL_SET_HEAD] = "INSERT INTO about VALUES('journal_head',:head) ON CONFLICT(key) DO "
			     "UPDATE SET value=excluded.value",
	[JOURNAL_HEAD] = "SELECT value FROM about WHERE key='journal_head'",
	[JOURNAL_ALL] = "SELECT seq,kind,ref,hash FROM journal ORDER BY seq",
};

const char *const store_postgres_sql[STORE_STATEMENTS] = {
	[STORE_LAST_SEQ] = "SELECT greatest((SELECT max(seq) FROM usage),(SELECT "
			   "max(first+rows-1) FROM skipped))",
	/* what others wrote is seen at every transaction's beginning */
	[STORE_DATA_VERSION] = "SELECT hashtextextended(CAST(txid_current_snapshot() AS text),0)",
	/* by several writers at once */
	[STORE_ADD_SUBJECT] = ADD_SUBJECT " ON CONFLICT DO NOTHING RETURNING id",
	[STORE_ADD_SERIES] = ADD_SERIES " ON CONFLICT DO NOTHING RETURNING id",
	[STORE_ADD_ORIGIN] = ADD_ORIGIN " ON CONFLICT DO NOTHING RETURNING id",
	[STORE_ADD_PRICE] = ADD_PRICE " ON CONFLICT DO NOTHING RETURNING id",
	/* by the indexes, which are of hashes */
	[STORE_FIND_SUBJECT] =
		"SELECT id FROM subject WHERE model=:model AND provider=:provider AND "
		"service_tier=:service_tier AND region=:region AND md5(model)=md5(:model) AND "
		"md5(provider)=md5(:provider) AND md5(service_tier)=md5(:service_tier) AND "
		"md5(region)=md5(:region)",
	[STORE_FIND_SERIES] =
		"SELECT id FROM series WHERE subject=:subject AND customer=:customer AND "
		"project=:project AND workload=:workload AND effort=:effort AND "
		"md5(customer)=md5(:customer) AND md5(project)=md5(:project) AND "
		"md5(workload)=md5(:workload) AND md5(effort)=md5(:effort)",
	[STORE_FIND_ORIGIN] = "SELECT id FROM origin WHERE source=:source AND shape=:shape AND "
			      "rule=:rule AND md5(source)=md5(:source)",
	[CLAIM_NUMBERS] = "SELECT nextval('claim_number')",
/* in the order of the keys, so that two transactions never wait for each other */
#define CLAIM_THEM \
	"INSERT INTO usage_key(key,claim,place) SELECT key,CAST(:claim AS bigint),CAST(:base AS " \
	"bigint)+place FROM unnest(CAST(:keys AS bytea[])) WITH ORDINALITY AS w(key,place) ORDER " \
	"BY key"
	[CLAIM_KEYS] = CLAIM_THEM " ON CONFLICT DO NOTHING RETURNING place",
	[CLAIM_ALL_KEYS] = CLAIM_THEM,
	[CLAIM_ROWS] = "SELECT w.i," CLAIM_ROW " FROM unnest(CAST(:keys AS bytea[])) WITH "
		       "ORDINALITY AS w(key,i) JOIN usage_key k ON k.key=w.key JOIN usage_claim c "
		       "ON c.claim=k.claim",
	[CLAIM_CURRENT] = "SELECT of,seq,kind FROM usage WHERE of=ANY(CAST(:firsts AS bigint[])) "
			  "ORDER BY seq",
	[CLAIM_SEARCH] = "SELECT " CLAIM_ROW " FROM usage_key k JOIN usage_claim c ON "
			 "c.claim=k.claim WHERE k.key=:key",
	[CLAIM_GIVE_BACK] =
		"DELETE FROM usage_key WHERE key=ANY(CAST(:keys AS bytea[])) AND claim=:claim",
	[CLAIM_SETTLE] = "INSERT INTO usage_claim VALUES(:claim,:first,CAST(:places AS int[]))",
	[STORE_ROWS_AT] = ROW "WHERE seq=ANY(CAST(:rows AS bigint[]))",
	[STORE_TAKE_NUMBERS] = "SELECT take_numbers(:rows)",
	[STORE_NUMBERS_TAKEN] = "SELECT setval('usage_seq_seq',:last)",
	[STORE_ROLLED_QUARTER] =
		"INSERT INTO rollup_quarter(quarter,subject,price," SUMS
		",lowest,highest) SELECT cell,who,price," SUMS ",lowest,highest FROM rolled ON "
		"CONFLICT(quarter,subject,price) DO UPDATE SET " ADD_SUMS(
			"rollup_quarter") ",lowest=LEAST(rollup_quarter.lowest,excluded.lowest),"
					  "highest=GREATEST(rollup_quarter.highest,excluded."
					  "highest)",
	[STORE_ROLLED_DAY] = "INSERT INTO rollup_day(day,series,price," SUMS
			     ") SELECT cell,who,price," SUMS " FROM rolled ON "
			     "CONFLICT(day,series,price) DO UPDATE SET " ADD_SUMS("rollup_day"),
/* the same of rows that lie there; a record that is taken back is one less */
#define CELL_OF(us) "(u.time-((u.time%" us "+" us ")%" us "))/" us
#define SUMS_OF_ROWS \
	"sum(CASE u.kind WHEN 1 THEN -1 ELSE 1 END)::bigint,sum(u.requests)::bigint," \
	"sum(u.input)::bigint,sum(u.cache_read)::bigint,sum(u.cache_write_5m)::bigint," \
	"sum(u.cache_write_1h)::bigint,sum(u.output)::bigint,sum(u.reasoning)::bigint"
	[STORE_ROLL_ALL_QUARTERS] =
		"INSERT INTO rollup_quarter(quarter,subject,price," SUMS ",lowest,highest) "
		"SELECT " CELL_OF(
			"900000000") ",s.subject,u.price," SUMS_OF_ROWS ",min(u.seq),"
				     "max(u.seq) FROM usage u JOIN series s ON s.id=u.series WHERE "
				     "u.seq BETWEEN :from "
				     "AND :to GROUP BY 1,2,3 ON CONFLICT(quarter,subject,price) DO "
				     "UPDATE SET " ADD_SUMS(
					     "rollup_quarter") ",lowest=LEAST(rollup_quarter."
							       "lowest,excluded.lowest),"
							       "highest=GREATEST(rollup_quarter."
							       "highest,excluded."
							       "highest)",
	[STORE_ROLL_ALL_DAYS] = "INSERT INTO rollup_day(day,series,price," SUMS ") SELECT " CELL_OF(
		"86400000000") ",u.series,u.price," SUMS_OF_ROWS
			       " FROM usage u WHERE u.seq BETWEEN :from AND :to GROUP BY 1,2,3 "
			       "ON CONFLICT(day,series,price) DO UPDATE SET " ADD_SUMS(
				       "rollup_day"),
	[STORE_ROLL_ALL_MORE] = "INSERT INTO rollup_more SELECT " CELL_OF(
		"900000000") ",u.series,u.price,m.key,"
			     "sum(m.value::bigint)::bigint FROM usage u CROSS JOIN LATERAL "
			     "json_each_text(u.more::json) m WHERE u.seq BETWEEN :from AND :to AND "
			     "u.more IS "
			     "NOT NULL GROUP BY 1,2,3,4 ON CONFLICT(quarter,series,price,name) DO "
			     "UPDATE SET " ADD("rollup_more", count),
	[STORE_ROLL_SKIPPED] =
		"INSERT INTO skipped SELECT before+1,seq-before-1 FROM (SELECT seq,lag(seq,1,"
		"CAST(:from AS bigint)-1) OVER (ORDER BY seq) AS before FROM (SELECT seq FROM "
		"usage WHERE seq BETWEEN :from AND :to UNION ALL SELECT CAST(:to AS bigint)+1) n) "
		"t WHERE seq-before>1 AND (SELECT count(*) FROM usage WHERE seq BETWEEN :from AND "
		":to)<=CAST(:to AS bigint)-CAST(:from AS bigint) ON CONFLICT DO NOTHING",
	[STORE_ROLL_TURN] = "SELECT 1 FROM pg_advisory_xact_lock(1952541817,2)",
	[STORE_ROLL_TRY_TURN] = "SELECT pg_try_advisory_xact_lock(1952541817,2)",
	[STORE_SETTLED_TO] = "SELECT settled_to()",
	[STORE_CELLS_DAY_OF] =
		"SELECT r.day,r.series,r.price,records,requests,input,cache_read,"
		"cache_write_5m,cache_write_1h,output,reasoning FROM rollup_day r "
		"JOIN series s ON s.id=r.series WHERE r.day>=:from AND r.day<:to AND "
		"s.customer=:customer",
};
