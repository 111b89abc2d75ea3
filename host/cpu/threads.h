/* SPDX-License-Identifier: MIT
 *
 * A pool of threads that share numbered chunks of work. Whichever thread is free takes the next
 * chunk, including the caller, so a thread that the system delays does not delay the others. Which
 * worker does which chunk is random: results must not depend on it.
 */
#ifndef IMP_THREADS_H
#define IMP_THREADS_H

#include <stddef.h>

typedef struct imp_threads imp_threads;

/* Does one chunk. worker: 0 .. imp_threads_count - 1; no two threads use the same one at a time. */
typedef void (*imp_work)(void *context, size_t chunk, unsigned worker);

/* count: workers, including the caller; 0: as many as this process may use processors. There are
 * fewer if the system allows fewer. NULL: out of memory. imp_threads_close accepts NULL. */
imp_threads *imp_threads_open(unsigned count);
void imp_threads_close(imp_threads *threads);
unsigned imp_threads_count(const imp_threads *threads);

/* Does chunks 0 .. chunks - 1 (fewer than 2^32) and returns when all are done. One caller at a
 * time; work itself must not call it. */
void imp_threads_run(imp_threads *threads, size_t chunks, imp_work work, void *context);

#endif
