/* sums_sql: the columns that rollups and days of credits add up, as parts of statements. */
#ifndef TALLY_METER_STORE_SUMS_SQL_H
#define TALLY_METER_STORE_SUMS_SQL_H

#define SUM_COLUMNS \
	"records,requests,input,cache_read,cache_write_5m,cache_write_1h,output,reasoning"
#define SUM_VALUES \
	":records,:requests,:input,:cache_read,:cache_write_5m,:cache_write_1h,:output,:reasoning"
/* of an upsert into the table */
#define ADD(table, column) #column "=" table "." #column "+excluded." #column
#define ADD_SUMS(table) \
	ADD(table, records) \
	"," ADD(table, requests) "," ADD(table, input) "," ADD(table, cache_read) "," ADD( \
		table, cache_write_5m) "," ADD(table, \
					       cache_write_1h) "," ADD(table, \
								       output) "," ADD(table, \
										       reasoning)

#endif
