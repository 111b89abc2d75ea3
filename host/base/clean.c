/* SPDX-License-Identifier: MIT
 *
 * Text from elsewhere, made safe to print or keep: see clean.h.
 */
#include "base/clean.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

/* ---- Control characters ---------------------------------------------------------------------- */

/* Reads one character of UTF-8 and gives its length; 0: the bytes are none. */
static size_t read_character(const unsigned char *c, uint32_t *code) {
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const size_t length = c[0] < 0x80   ? 1
                          : c[0] < 0xc2 ? 0
                          : c[0] < 0xe0 ? 2
                          : c[0] < 0xf0 ? 3
                          : c[0] < 0xf5 ? 4
                                        : 0;
    *code = length == 1 ? c[0] : length ? c[0] & (0x7fU >> length) : 0;
    for (size_t i = 1; i < length; i++) {
        if ((c[i] & 0xc0) != 0x80)
            return 0;
        *code = *code << 6 | (c[i] & 0x3f);
    }
    return length && *code >= least[length] ? length : 0;
}

static bool is_control(uint32_t c) {
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x202a && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069) || c == 0x200e || c == 0x200f || c == 0x2028 || c == 0x2029;
}

void imp_clean_controls(char *text) {
    const unsigned char *from = (const unsigned char *)text;
    char *to = text;
    while (*from) {
        uint32_t code;
        const size_t length = read_character(from, &code);
        if (length == 0 || is_control(code)) {
            *to++ = '?';
            from += length ? length : 1;
            continue;
        }
        memmove(to, from, length);
        to += length;
        from += length;
    }
    *to = '\0';
}

/* ---- Addresses ------------------------------------------------------------------------------- */

/* Where an address in a text ends. */
static size_t address_length(const char *text) {
    return strcspn(text, " \t\r\n'\"<>`");
}

/* Whether a parameter of that name gives access: "access_token", "X-Amz-Signature", "apikey". */
static bool gives_access(const char *name, size_t length) {
    static const char *const words[] = {"token",     "secret", "password",   "passwd",
                                        "signature", "auth",   "credential", "session"};
    static const char *const ends[] = {"key", "sig"};
    bool found = false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        for (size_t at = 0; at + strlen(words[i]) <= length; at++)
            found |= strncasecmp(name + at, words[i], strlen(words[i])) == 0;
    for (size_t i = 0; i < sizeof ends / sizeof *ends && length >= 3; i++)
        found |= strncasecmp(name + length - 3, ends[i], 3) == 0;
    return found;
}

static void cut(char *from, size_t length) {
    memmove(from, from + length, strlen(from + length) + 1);
}

/* Empties the values of parameters that give access; from: after '?' or '#'. */
static void clean_parameters(char *from) {
    for (char *next = from; next < from + address_length(from);) {
        const size_t length = strcspn(next, "&;# \t\r\n'\"<>`"), name = strcspn(next, "=");
        const size_t value = name < length ? length - name - 1 : 0;
        const bool hidden = value > 0 && gives_access(next, name);
        if (hidden)
            cut(next + name + 1, value);
        next += hidden ? length - value : length;
        next += *next == '&' || *next == ';' || *next == '#';
        if (!*next)
            break;
    }
}

void imp_clean_addresses(char *text) {
    for (char *place = text; (place = strstr(place, "://"));) {
        place += 3;
        const size_t host = strcspn(place, "/?# \t\r\n'\"<>`");
        for (size_t i = host; i > 0; i--) /* the last '@': a password may have others */
            if (place[i - 1] == '@') {
                cut(place, i);
                break;
            }
        char *const query = place + strcspn(place, "?# \t\r\n'\"<>`");
        if (*query == '?' || *query == '#')
            clean_parameters(query + 1);
    }
}
