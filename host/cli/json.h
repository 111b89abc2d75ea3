/* SPDX-License-Identifier: MIT
 *
 * JSON Lines on standard output, and the table of their events, which the man page prints.
 */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include <jansson.h>

/* An event and its members. */
typedef struct cli_json_field {
    const char *event, *fields, *meaning;
} cli_json_field;
extern const cli_json_field cli_json_fields[]; /* ends with event NULL */

/* A new object whose first member is "event". Add members with json_object_set_new. */
json_t *cli_json_event(const char *event);

/* A number, or null if not finite; a text, whose non-ASCII bytes become '?' if it is not UTF-8. */
json_t *cli_json_real(double value);
json_t *cli_json_text(const char *text);

/* Writes the object as one line, flushes, and frees it. */
void cli_json_line(json_t *object);

#endif
