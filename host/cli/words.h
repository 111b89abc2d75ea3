/* SPDX-License-Identifier: MIT
 *
 * Messages on standard error, the exit statuses, suggestions for misspelt words, and numbers, times
 * and sizes as text.
 */
#ifndef CLI_WORDS_H
#define CLI_WORDS_H

#include <impasto.h>

#include <stdio.h>

enum { CLI_DONE = 0, CLI_FAILED = 1, CLI_MISUSE = 2, CLI_INTERRUPTED = 130 };

/* Writes "impasto: " and the formatted text as one line to standard error; control characters,
 * which a file name may contain, become '?'. Returns status, for use as `return cli_complain(...)`.
 */
__attribute__((format(printf, 2, 3))) int cli_complain(int status, const char *format, ...);

/* The same for a message that is not an error. */
__attribute__((format(printf, 1, 2))) void cli_note(const char *format, ...);

/* printf to standard output, or to a stream, for text that may come from a file: control characters
 * of a terminal become '?', lines stay. */
__attribute__((format(printf, 1, 2))) void cli_print(const char *format, ...);
__attribute__((format(printf, 2, 3))) void cli_print_to(FILE *out, const char *format, ...);

/* Copies text, turning the library's settings into the program's options: "setting 'NAME'" becomes
 * "--NAME", "setting 'NAME' = VALUE" becomes "--NAME VALUE", and "setting 'NAME'" at the beginning
 * becomes "option '--NAME'". A setting without an option stays. */
void cli_name_options(char *out, size_t size, const char *text);

/* Prints the library's message; returns CLI_MISUSE for IMP_ERR_ARGUMENT, else CLI_FAILED. */
int cli_complain_error(const imp_error *err);

/* Finds the candidate nearest to `word`. Set `word`, zero the rest, offer every candidate, then
 * read `best`; it is empty when none is close enough. Case is ignored. */
typedef struct cli_nearest {
    const char *word;
    char best[64];
    size_t distance; /* of best: insertions, deletions, replacements, transpositions */
} cli_nearest;
void cli_nearest_offer(cli_nearest *nearest, const char *candidate);

/* The part of a path after the last '/'. */
const char *cli_base_name(const char *path);

/* The short name of a picture's source: the base name of a path; of a URL, without query and
 * fragment; "stdin" for "-". */
void cli_source_name(char *name, size_t size, const char *path);

/* Whether both paths (either may be NULL) are the same existing file. */
bool cli_same_file(const char *a, const char *b);

/* The shortest decimal text that reads back as the same float. */
void cli_real_text(char *text, size_t size, float value);

/* Seconds as "4.2 s", "3 min 20 s" or "2 h 5 min". */
void cli_time_text(char *text, size_t size, double seconds);

/* Bytes as "512 KiB", "812 MiB" or "11.2 GiB". */
void cli_bytes_text(char *text, size_t size, double bytes);

#endif
