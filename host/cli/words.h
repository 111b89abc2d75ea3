/* SPDX-License-Identifier: MIT
 *
 * Words for people: messages on standard error, the nearest right word to a misspelt one, numbers
 * and times as text, and the exit status that goes with each ending.
 */
#ifndef CLI_WORDS_H
#define CLI_WORDS_H

#include <impasto.h>

enum { CLI_DONE = 0, CLI_FAILED = 1, CLI_MISUSE = 2, CLI_INTERRUPTED = 130 };

/* Writes "impasto: " and the formatted text as one line to standard error; control characters (a
 * file name may hold any) become '?'. Gives status, so that `return cli_complain(...)` reads well.
 */
__attribute__((format(printf, 2, 3))) int cli_complain(int status, const char *format, ...);

/* The same line for what is not an error. */
__attribute__((format(printf, 1, 2))) void cli_note(const char *format, ...);

/* Complains with the library's message; wrong use where the library calls it a wrong argument. */
int cli_complain_error(const imp_error *err);

/* The word nearest to `word` of all that were offered: zero the rest, offer, read `best`, which is
 * empty where nothing is near enough to be meant. Case is ignored. */
typedef struct cli_nearest {
    const char *word;
    char best[64];
    size_t distance; /* of the best: insertions, deletions, replacements, swaps of neighbours */
} cli_nearest;
void cli_nearest_offer(cli_nearest *nearest, const char *candidate);

/* The part of a path after the last '/'. */
const char *cli_base_name(const char *path);

/* How the source of a picture is called without its place: the base name, of an address without
 * what stands behind '?' or '#'; "stdin" for "-". */
void cli_source_name(char *name, size_t size, const char *path);

/* Whether both paths (either may be NULL) lead to one file that is there. */
bool cli_same_file(const char *a, const char *b);

/* The shortest decimal text that reads back as the same float. */
void cli_real_text(char *text, size_t size, float value);

/* Seconds as "4.2 s", "3 min 20 s" or "2 h 5 min". */
void cli_time_text(char *text, size_t size, double seconds);

/* Bytes as "512 KiB", "812 MiB" or "11.2 GiB". */
void cli_bytes_text(char *text, size_t size, double bytes);

#endif
