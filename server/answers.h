/* answers: the functions that answer questions, as the table of routes names them. */
#ifndef TALLY_SERVER_ANSWERS_H
#define TALLY_SERVER_ANSWERS_H

#include "server/routes.h"

#define ROUTE(...)
#define ASK(method, path, scope, data, answer, ...) route_answer answer;
#define CHANGE(path, answer) route_answer answer;
#include "server/routes.def"
#undef ROUTE
#undef ASK
#undef CHANGE

#endif
