/* answers: the functions that answer questions, as the table of routes names them. */
#ifndef TALLY_SERVER_ANSWERS_H
#define TALLY_SERVER_ANSWERS_H

#include "server/routes.h"

#define ROUTE(...)
#define GET(path, scope, data, answer) route_answer answer;
#define GET_LONG(path, scope, data, answer) route_answer answer;
#define POST(path, scope, data, answer, uploads) route_answer answer;
#define CHANGE(path, answer) route_answer answer;
#include "server/routes.def"
#undef ROUTE
#undef GET
#undef GET_LONG
#undef POST
#undef CHANGE

#endif
