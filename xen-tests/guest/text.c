/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Words and numbers for the test guest, which has no C library: what console.c
 * prints with, options.c and store.c compare with, memory.c derives its
 * contents from, and the functions that the compiler calls by itself.
 */
#include "xg.h"

void *memmove(void *to, const void *from, size_t len);
int memcmp(const void *a, const void *b, size_t len);

void *memset(void *to, int byte, size_t len)
{
    void *at = to;

    __asm__ volatile("rep stosb" : "+D"(at), "+c"(len) : "a"(byte) : "memory");
    return to;
}

void *memcpy(void *to, const void *from, size_t len)
{
    void *at = to;

    __asm__ volatile("rep movsb"
                     : "+D"(at), "+S"(from), "+c"(len)
                     :
                     : "memory");
    return to;
}

void *memmove(void *to, const void *from, size_t len)
{
    char *d = to;
    const char *s = from;

    if (d <= s)
        return memcpy(to, from, len);
    while (len--)
        d[len] = s[len];
    return to;
}

int memcmp(const void *a, const void *b, size_t len)
{
    const unsigned char *x = a, *y = b;

    for (size_t i = 0; i < len; i++)
        if (x[i] != y[i])
            return x[i] - y[i];
    return 0;
}

size_t xg_length(const char *text)
{
    size_t len = 0;

    while (text[len])
        len++;
    return len;
}

bool xg_starts(const char *text, const char *with)
{
    while (*with)
        if (*text++ != *with++)
            return false;
    return true;
}

bool xg_same(const char *a, const char *b)
{
    return xg_starts(a, b) && xg_length(a) == xg_length(b);
}

/* Every bit of the result depends on every bit of x; different for each x. */
uint64_t xg_mix(uint64_t x)
{
    x = (x ^ x >> 32) * 0xd6e8feb86659fd93ull;
    x = (x ^ x >> 32) * 0xd6e8feb86659fd93ull;
    return x ^ x >> 32;
}

static size_t put_number(char *to, uint64_t value, unsigned base)
{
    char digits[20];
    size_t n = 0, len = 0;

    do {
        digits[n++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    while (n)
        to[len++] = digits[--n];
    return len;
}

/* One conversion; returns what follows it. */
static const char *convert(const char *f, va_list *args, char *word, size_t max)
{
    bool is_long = *f == 'l';

    if (is_long)
        f++;
    if (*f == 's') {
        const char *s = va_arg(*args, const char *);
        size_t len = xg_length(s) < max ? xg_length(s) : max;

        memcpy(word, s, len);
        word[len] = 0;
        return f + 1;
    }
    uint64_t value =
        is_long ? va_arg(*args, uint64_t) : va_arg(*args, uint32_t);

    word[put_number(word, value, *f == 'x' ? 16 : 10)] = 0;
    return f + 1;
}

size_t xg_format(char *to, size_t size, const char *format, va_list args)
{
    char word[128];
    size_t len = 0;
    va_list rest;

    va_copy(rest, args);
    while (*format && len + 1 < size) {
        if (*format != '%') {
            to[len++] = *format++;
            continue;
        }
        format = convert(format + 1, &rest, word, sizeof(word) - 1);
        for (size_t i = 0; word[i] && len + 1 < size; i++)
            to[len++] = word[i];
    }
    va_end(rest);
    to[len] = 0;
    return len;
}
