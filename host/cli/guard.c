/* SPDX-License-Identifier: MIT
 *
 * The parent that survives its drivers: see guard.h.
 */
#define _GNU_SOURCE /* memfd_create */
#include "cli/guard.h"

#include "cli/words.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

/* SLOTS: copies of the state, of which the older is overwritten. */
enum { SLOTS = 2, PATIENCE = 120, LARGE = 256 << 20 };

/* A state that was kept. */
typedef struct kept {
    unsigned job, iteration; /* 0: none */
} kept;

/* What parent and children share. */
typedef struct shared {
    imp_watch watch;
    bool done; /* status is the child's exit status, whatever follows */
    int status;
    kept slots[SLOTS], checkpoint;
    char checkpoint_path[IMP_PATH_MAX];
    unsigned item;
    bool in_work;
} shared;

/* Of this process. A signal handler can only reach what is global. */
static struct guard {
    shared *memory;     /* NULL before the first call */
    FILE *slots[SLOTS]; /* states; NULL: none can be kept */
    FILE *errors;       /* where messages go; NULL: standard error */
    int said;           /* file that takes what drivers print; -1: none */
    unsigned job;       /* its number */
    unsigned told;      /* losses that have been told */
    int signals[2];     /* pipe: signal numbers, negative: to be passed on */
} guard = {.said = -1};

FILE *cli_errors(void) {
    return guard.errors ? guard.errors : stderr;
}

/* ---- The parent ------------------------------------------------------------------------------ */

static const int passed_on[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};
enum { PASSED_ON = sizeof passed_on / sizeof *passed_on };

/* The terminal sends its signals to the child, too. */
static void on_signal(int number, siginfo_t *info, void *context) {
    const int before = errno;
    (void)context;
    const bool pass = number != SIGCHLD && info->si_code <= 0; /* from a process */
    const signed char note = (signed char)(pass ? -number : number);
    if (write(guard.signals[1], &note, 1) < 0)
        errno = before; /* full: the parent will look anyway */
    errno = before;
}

/* before: the actions until now; [PASSED_ON]: of SIGCHLD. */
static void watch_signals(struct sigaction before[PASSED_ON + 1]) {
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigemptyset(&action.sa_mask);
    for (int i = 0; i < PASSED_ON; i++)
        sigaction(passed_on[i], &action, &before[i]);
    action.sa_flags |= SA_NOCLDSTOP;
    sigaction(SIGCHLD, &action, &before[PASSED_ON]);
}

static void restore_signals(const struct sigaction before[PASSED_ON + 1]) {
    for (int i = 0; i < PASSED_ON; i++)
        sigaction(passed_on[i], &before[i], NULL);
    sigaction(SIGCHLD, &before[PASSED_ON], NULL);
}

/* Waits for the child to end. True: it hung, and was killed. Seconds in which this process was
 * stopped do not count. */
static bool wait_for(pid_t child, double patience, int *status) {
    const imp_watch *w = &guard.memory->watch;
    struct pollfd in = {.fd = guard.signals[0], .events = POLLIN};
    uint64_t steps = w->steps;
    double waited = 0;
    for (;;) {
        signed char note = 0;
        const int ready = poll(&in, 1, 1000);
        if (waitpid(child, status, WNOHANG) == child)
            return false;
        if (ready > 0 && read(in.fd, &note, 1) == 1 && note < 0)
            kill(child, -note);
        if (ready == 0)
            waited = w->waiting && w->steps == steps ? waited + 1 : 0;
        steps = w->steps;
        if (waited < patience)
            continue;
        kill(child, SIGKILL);
        waitpid(child, status, 0);
        return true;
    }
}

static bool is_crash(int number) {
    static const int crashes[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGSYS, SIGTRAP};
    for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++)
        if (crashes[i] == number)
            return true;
    return false;
}

/* How a driver ended the child; false: the child ended by itself. */
static bool blame(char *how, size_t size, int status, bool hung) {
    const shared *m = guard.memory;
    if (m->done || !m->watch.doing[0] || m->watch.losses == IMP_LOST_MAX)
        return false;
    if (hung)
        snprintf(how, size, "does not answer");
    else if (WIFSIGNALED(status) && is_crash(WTERMSIG(status)))
        snprintf(how, size, "crashed (%s)", strsignal(WTERMSIG(status)));
    else if (WIFEXITED(status))
        snprintf(how, size, "ended the program");
    else
        return false;
    for (unsigned i = 0; i < m->watch.losses; i++) /* it was to be passed over */
        if (strcmp(m->watch.lost[i].device, m->watch.device) == 0)
            return false;
    return true;
}

/* Adds the device in use to those that are passed over. */
static void lose(const char *how, bool hung) {
    imp_watch *w = &guard.memory->watch;
    imp_lost lost = {.opening = w->waiting, .hung = hung};
    memcpy(lost.device, w->device, sizeof lost.device);
    if (*w->device)
        snprintf(lost.reason, sizeof lost.reason, "device '%s': its driver %s while %s", w->name,
                 how, w->doing);
    else
        snprintf(lost.reason, sizeof lost.reason, "OpenCL: a driver %s while %s", how, w->doing);
    w->lost[w->losses++] = lost;
    w->waiting = false;
    w->doing[0] = 0;
}

/* Prints what drivers printed, now that it cannot disturb. */
static void show_said(void) {
    char bytes[4096];
    ssize_t n;
    if (guard.said < 0 || lseek(guard.said, 0, SEEK_SET) != 0)
        return;
    while ((n = read(guard.said, bytes, sizeof bytes)) > 0)
        if (write(STDERR_FILENO, bytes, (size_t)n) != n)
            return;
}

static _Noreturn void end_as(int status) {
    if (guard.memory->done && !WIFEXITED(status))
        _exit(guard.memory->status);
    show_said();
    if (WIFEXITED(status))
        _exit(WEXITSTATUS(status));
    setrlimit(RLIMIT_CORE, &(struct rlimit){0}); /* the child has left one */
    signal(WTERMSIG(status), SIG_DFL);
    raise(WTERMSIG(status));
    _exit(128 + WTERMSIG(status));
}

/* ---- The child ------------------------------------------------------------------------------- */

/* From now on standard error takes what drivers print. Messages go where it went. */
static void divert(void) {
    const int own = guard.said >= 0 ? fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3) : -1;
    FILE *errors = own >= 0 ? fdopen(own, "w") : NULL;
    if (!errors || dup2(guard.said, STDERR_FILENO) < 0)
        return;
    setvbuf(errors, NULL, _IONBF, 0);
    guard.errors = errors;
}

static void begin_child(pid_t parent, bool verbose) {
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
    if (getppid() != parent)
        _exit(CLI_FAILED);
    close(guard.signals[0]);
    close(guard.signals[1]);
    if (!verbose)
        divert();
}

/* ---- Beginning ------------------------------------------------------------------------------- */

/* A file in memory; on disk where there is none. -1: neither. */
static int open_hidden(void) {
#ifdef MFD_CLOEXEC
    const int memory = memfd_create("impasto", MFD_CLOEXEC);
    if (memory >= 0)
        return memory;
#endif
    FILE *file = tmpfile();
    const int own = file ? fcntl(fileno(file), F_DUPFD_CLOEXEC, 3) : -1;
    if (file)
        fclose(file);
    return own;
}

static void open_memory(void) {
    void *memory =
        mmap(NULL, sizeof(shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    guard.memory = memory == MAP_FAILED ? calloc(1, sizeof(shared)) : memory;
    for (size_t i = 0; i < SLOTS; i++) {
        const int file = open_hidden();
        guard.slots[i] = file >= 0 ? fdopen(file, "w+b") : NULL;
    }
}

/* Seconds that a driver may take for one step. */
static double patience(void) {
    const char *text = getenv("IMPASTO_PATIENCE");
    char *end = NULL;
    const double seconds = text && *text ? strtod(text, &end) : PATIENCE;
    return end && *end ? PATIENCE : seconds;
}

/* Forks until a child ends by itself, and then ends as that one. Returns in the children. */
static void fork_children(bool verbose) {
    const double seconds = patience();
    const pid_t self = getpid();
    struct sigaction before[PASSED_ON + 1];
    watch_signals(before);
    for (;;) {
        char how[128];
        int status = 0;
        fflush(NULL);
        guard.said = open_hidden();
        const pid_t child = fork();
        if (child <= 0) {
            restore_signals(before);
            if (child == 0)
                begin_child(self, verbose);
            return; /* where no process can be made: without a guard */
        }
        const bool hung = wait_for(child, seconds, &status);
        if (!blame(how, sizeof how, status, hung))
            end_as(status);
        lose(how, hung);
        close(guard.said);
    }
}

imp_watch *cli_guard(bool verbose) {
    if (guard.memory)
        return &guard.memory->watch;
    open_memory();
    if (!guard.memory)
        return NULL;
    if (patience() > 0 && pipe(guard.signals) == 0) {
        fcntl(guard.signals[0], F_SETFL, O_NONBLOCK);
        fcntl(guard.signals[1], F_SETFL, O_NONBLOCK);
        fork_children(verbose);
    }
    return &guard.memory->watch;
}

void cli_guard_done(int status) {
    if (!guard.memory)
        return;
    fflush(NULL);
    guard.memory->status = status;
    guard.memory->done = true;
}

void cli_guard_leave(int status) {
    if (guard.memory) {
        guard.memory->status = status;
        guard.memory->done = true;
    }
    _exit(status);
}

/* ---- Lost devices ---------------------------------------------------------------------------- */

void cli_guard_lose(const imp_device *device, const char *reason) {
    if (guard.memory)
        imp_device_lose(&guard.memory->watch, device, reason);
}

const char *cli_guard_loss(void) {
    const imp_watch *w = guard.memory ? &guard.memory->watch : NULL;
    const imp_lost *last = w && w->losses > guard.told ? &w->lost[w->losses - 1] : NULL;
    guard.told = w ? w->losses : 0;
    return last && !last->opening ? last->reason : NULL;
}

/* ---- States ---------------------------------------------------------------------------------- */

void cli_guard_begin(void) {
    guard.job++;
}

/* 0: it is not of this job. */
static unsigned iteration_of(const kept *k) {
    return k->job == guard.job ? k->iteration : 0;
}

static size_t newest(void) {
    const kept *slots = guard.memory->slots;
    return iteration_of(&slots[1]) > iteration_of(&slots[0]) ? 1 : 0;
}

void cli_guard_keep(imp_session *session, unsigned iteration) {
    imp_estimate estimate;
    imp_error err = {0};
    if (!guard.memory)
        return;
    const size_t older = 1 - newest();
    kept *slot = &guard.memory->slots[older];
    imp_session_estimate(session, &estimate);
    *slot = (kept){0};
    if (!guard.slots[older] || estimate.optimizer_bytes > LARGE ||
        imp_session_keep(session, guard.slots[older], &err) != IMP_OK)
        return;
    *slot = (kept){guard.job, iteration};
}

void cli_guard_note(const char *checkpoint, unsigned iteration) {
    if (!guard.memory)
        return;
    snprintf(guard.memory->checkpoint_path, IMP_PATH_MAX, "%s", checkpoint);
    guard.memory->checkpoint = (kept){guard.job, iteration};
}

imp_status cli_guard_return(imp_session *session, unsigned *iteration, imp_error *err) {
    *iteration = 0;
    if (!guard.memory)
        return IMP_OK;
    const size_t i = newest();
    const unsigned copy = iteration_of(&guard.memory->slots[i]),
                   file = iteration_of(&guard.memory->checkpoint);
    *iteration = copy > file ? copy : file;
    if (*iteration == 0)
        return IMP_OK;
    return copy >= file ? imp_session_return(session, guard.slots[i], err)
                        : imp_session_restore(session, guard.memory->checkpoint_path, err);
}

/* ---- Batches --------------------------------------------------------------------------------- */

void cli_guard_item(unsigned item, bool in_work) {
    if (!guard.memory)
        return;
    guard.memory->item = item;
    guard.memory->in_work = in_work;
}

bool cli_guard_unfinished(unsigned *item) {
    if (!guard.memory || !guard.memory->in_work)
        return false;
    *item = guard.memory->item;
    return true;
}
