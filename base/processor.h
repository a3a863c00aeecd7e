/*
 * processor: keeping threads on processors of their own, and waiting for them.
 *
 * Two busy threads that the system leaves on one processor waste the other one for milliseconds.
 */
#ifndef TALLY_BASE_PROCESSOR_H
#define TALLY_BASE_PROCESSOR_H

#include <pthread.h>

/* This thread stays on the index-th of the processors that the process may use, counted round. */
void processor_pin(int index);
/* This thread stays on another processor than that one, when there is one. */
void processor_pin_beside(int processor);
/* The processor that this thread is on. */
int processor_now(void);
/* Joins a thread; calls `tell` at once and then every tenth of a second until it has ended. */
void processor_wait(pthread_t thread, void (*tell)(void *user), void *user);

#endif
