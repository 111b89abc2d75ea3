/* SPDX-License-Identifier: MIT
 *
 * One JSON object a line on standard output, and the table of what they say, which the help and the
 * man page print.
 */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include <jansson.h>

/* A member of an object: every object has "event". */
typedef struct cli_json_field {
    const char *event, *fields, *meaning;
} cli_json_field;
extern const cli_json_field cli_json_fields[]; /* ends with event NULL */

/* An object that begins with "event". Members are added with json_object_set_new, which takes what
 * the two functions below give. */
json_t *cli_json_event(const char *event);

/* A number, null when it is not finite; a text, '?' for bytes that are not UTF-8. */
json_t *cli_json_real(double value);
json_t *cli_json_text(const char *text);

/* Writes the object as one line at once, and frees it. */
void cli_json_line(json_t *object);

#endif
