#include "pricing/fault.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fault_add(struct fault_list *list, const char *place, const char *fmt, ...)
{
	char text[700];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (list->count == list->room) {
		list->room = list->room ? list->room * 2 : 8;
		list->fault = mem_grow(list->fault, list->room * sizeof *list->fault);
	}
	list->fault[list->count++] = (struct fault){ arena_text(&list->arena, place, strlen(place)),
						     arena_text(&list->arena, text, strlen(text)) };
}

void fault_list_release(struct fault_list *list)
{
	free(list->fault);
	arena_release(&list->arena);
	*list = (struct fault_list){ 0 };
}
