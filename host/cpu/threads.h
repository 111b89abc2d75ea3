/* SPDX-License-Identifier: MIT
 *
 * A pool of threads that shares out numbered chunks of work. Chunks are taken one by one by
 * whoever is free, the caller included, so a thread that the system holds up holds up nobody else;
 * which worker does which chunk is chance, and work must not let its results depend on it.
 */
#ifndef IMP_THREADS_H
#define IMP_THREADS_H

#include <stddef.h>

typedef struct imp_threads imp_threads;

/* Does chunk `chunk` of `context`. worker: 0 .. imp_threads_count - 1, one thread at a time each.
 */
typedef void (*imp_work)(void *context, size_t chunk, unsigned worker);

/* count: workers, the caller among them; 0: as many as the processors this process may use. Fewer
 * come where the system grants fewer. NULL: no memory. imp_threads_close accepts NULL. */
imp_threads *imp_threads_open(unsigned count);
void imp_threads_close(imp_threads *threads);
unsigned imp_threads_count(const imp_threads *threads);

/* Does chunks 0 .. chunks - 1 (fewer than 2^32) and returns when all are done. One caller at a
 * time; work itself must not call it. */
void imp_threads_run(imp_threads *threads, size_t chunks, imp_work work, void *context);

#endif
