/* SPDX-License-Identifier: MIT
 *
 * The program survives its drivers. Before it opens the first device it forks; the child does all
 * that follows, and the parent waits and ends as the child does. Should a driver crash, end the
 * child or hang, the parent forks again, from the same point, and the new child passes that device
 * over. A painting goes on from the last state that was kept.
 *
 * Until a driver has failed, this costs one fork. IMPASTO_PATIENCE=0 turns it off.
 */
#ifndef CLI_GUARD_H
#define CLI_GUARD_H

#include <impasto.h>

/* The first call forks and returns in the child only; later ones just return. The watch for
 * imp_device_options, valid until the program ends. verbose: what drivers print appears at once,
 * else when the program ends, and never if the driver crashed. */
imp_watch *cli_guard(bool verbose);

/* The program's exit status is known; what drivers do from now on does not change it. */
void cli_guard_done(int status);

/* _exit with that status, from a signal handler. */
_Noreturn void cli_guard_leave(int status);

/* The stream for messages: standard error, but without what drivers print. */
FILE *cli_errors(void);

/* The open device has failed: passes it over from now on. */
void cli_guard_lose(const imp_device *device, const char *reason);
/* One line: why the last device was lost while it worked. NULL: none was, or it has been told. */
const char *cli_guard_loss(void);

/* The last state of a job. A job is one painting of this process; they are numbered in order, so
 * that a later child finds the state of the same one. cli_guard_keep: a copy in memory, unless the
 * state is large; cli_guard_note: a checkpoint that was written. */
void cli_guard_begin(void);
void cli_guard_keep(imp_session *session, unsigned iteration);
void cli_guard_note(const char *checkpoint, unsigned iteration);
/* Brings the newly opened session of the job to its last state. *iteration: where that is; 0: there
 * is none. After an error the session can only be closed. */
imp_status cli_guard_return(imp_session *session, unsigned *iteration, imp_error *err);

/* For a worker of a batch: the item in work, which a later child does again. */
void cli_guard_item(unsigned item, bool in_work);
bool cli_guard_unfinished(unsigned *item);

#endif
