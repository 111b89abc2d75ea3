/* SPDX-License-Identifier: MIT
 *
 * Text from elsewhere, made safe to print or keep: names, licences, paths and addresses.
 */
#ifndef IMP_CLEAN_H
#define IMP_CLEAN_H

/* Replaces what a terminal would obey or show out of place by '?': control characters, among them
 * those of UTF-8's second block, marks that reverse the direction of writing, and bytes that are no
 * UTF-8. The text does not grow. */
void imp_clean_controls(char *text);

/* Takes user names and passwords out of the addresses in a text, and the values of parameters that
 * give access, such as "token": https://example.org/x?token=... The text does not grow. */
void imp_clean_addresses(char *text);

#endif
