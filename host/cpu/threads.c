/* SPDX-License-Identifier: MIT
 *
 * A pool of threads. A round (one call of imp_threads_run) is published in `ticket`: its number in
 * the upper half, the next chunk in the lower half. A worker reads the fields of the round and then
 * takes a chunk by compare-and-swap. This succeeds only while the round is still the same, so a
 * late worker takes nothing, and nobody has to wait for it.
 */
#define _GNU_SOURCE /* sched_getaffinity, CPU_COUNT */
#include "cpu/threads.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

/* Spins before a thread sleeps or yields: about ten microseconds. */
enum { SPINS = 500 };

struct worker {
    imp_threads *threads;
    unsigned index;
    pthread_t thread;
};

struct imp_threads {
    _Atomic uint64_t ticket;
    _Atomic size_t chunks, done;
    _Atomic imp_work work;
    _Atomic(void *) context;
    _Atomic unsigned sleeping;
    _Atomic bool closing;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    unsigned count;         /* workers, including the caller */
    struct worker *workers; /* count - 1 of them run; owned */
};

static void pause_briefly(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static uint32_t round_of(uint64_t ticket) {
    return (uint32_t)(ticket >> 32);
}

/* Does chunks until the current round has none left; returns that round's number. */
static uint32_t work_on(imp_threads *t, unsigned worker) {
    for (;;) {
        uint64_t ticket = atomic_load(&t->ticket);
        const size_t chunk = (uint32_t)ticket;
        const imp_work work = atomic_load(&t->work);
        void *const context = atomic_load(&t->context);
        if (chunk >= atomic_load(&t->chunks))
            return round_of(ticket);
        if (!atomic_compare_exchange_weak(&t->ticket, &ticket, ticket + 1))
            continue;
        work(context, chunk, worker);
        atomic_fetch_add(&t->done, 1);
    }
}

static void sleep_until_next(imp_threads *t, uint32_t seen) {
    for (int i = 0; i < SPINS; i++) {
        if (round_of(atomic_load(&t->ticket)) != seen)
            return;
        pause_briefly();
    }
    pthread_mutex_lock(&t->mutex);
    atomic_fetch_add(&t->sleeping, 1);
    while (round_of(atomic_load(&t->ticket)) == seen && !atomic_load(&t->closing))
        pthread_cond_wait(&t->wake, &t->mutex);
    atomic_fetch_sub(&t->sleeping, 1);
    pthread_mutex_unlock(&t->mutex);
}

static void *live(void *argument) {
    const struct worker *self = argument;
    imp_threads *t = self->threads;
    while (!atomic_load(&t->closing))
        sleep_until_next(t, work_on(t, self->index));
    return NULL;
}

static void wake_sleepers(imp_threads *t) {
    if (atomic_load(&t->sleeping) == 0)
        return;
    pthread_mutex_lock(&t->mutex);
    pthread_cond_broadcast(&t->wake);
    pthread_mutex_unlock(&t->mutex);
}

void imp_threads_run(imp_threads *t, size_t chunks, imp_work work, void *context) {
    assert(chunks < UINT32_MAX);
    if (t->count == 1 || chunks <= 1) {
        for (size_t i = 0; i < chunks; i++)
            work(context, i, 0);
        return;
    }
    /* A worker may still be leaving the last round. While the fields change it reads a ticket that
     * has no chunks, and a ticket that it read earlier is no longer current. */
    const uint32_t round = round_of(atomic_load(&t->ticket));
    atomic_store(&t->ticket, (uint64_t)round << 32 | UINT32_MAX);
    atomic_store(&t->chunks, chunks);
    atomic_store(&t->work, work);
    atomic_store(&t->context, context);
    atomic_store(&t->done, 0);
    atomic_store(&t->ticket, (uint64_t)(uint32_t)(round + 1) << 32);
    wake_sleepers(t);
    work_on(t, 0);
    for (int i = 0; atomic_load(&t->done) < chunks; i++)
        if (i < SPINS)
            pause_briefly();
        else
            sched_yield();
}

unsigned imp_threads_count(const imp_threads *t) {
    return t->count;
}

static unsigned processors(void) {
#ifdef __linux__
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        return (unsigned)CPU_COUNT(&set);
#endif
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (unsigned)online : 1;
}

/* Starts the workers with all signals blocked: the program's own threads handle them. t->count
 * becomes the number of workers. */
static void start(imp_threads *t, unsigned count) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (t->count = 1; t->count < count; t->count++) {
        struct worker *worker = &t->workers[t->count - 1];
        *worker = (struct worker){.threads = t, .index = t->count};
        if (pthread_create(&worker->thread, NULL, live, worker) != 0)
            break;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

imp_threads *imp_threads_open(unsigned count) {
    if (count == 0)
        count = processors();
    imp_threads *t = calloc(1, sizeof *t);
    struct worker *workers = calloc(count, sizeof *workers);
    if (!t || !workers) {
        free(t);
        free(workers);
        return NULL;
    }
    t->workers = workers;
    pthread_mutex_init(&t->mutex, NULL);
    pthread_cond_init(&t->wake, NULL);
    start(t, count);
    return t;
}

void imp_threads_close(imp_threads *t) {
    if (!t)
        return;
    atomic_store(&t->closing, true);
    pthread_mutex_lock(&t->mutex);
    pthread_cond_broadcast(&t->wake);
    pthread_mutex_unlock(&t->mutex);
    for (unsigned i = 0; i + 1 < t->count; i++)
        pthread_join(t->workers[i].thread, NULL);
    pthread_cond_destroy(&t->wake);
    pthread_mutex_destroy(&t->mutex);
    free(t->workers);
    free(t);
}
