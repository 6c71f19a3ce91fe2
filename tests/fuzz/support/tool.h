/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `xensr check` and `xensr inspect` in this process, for tests that call them
 * very often.
 */
#ifndef XSR_TESTS_FUZZ_TOOL_H
#define XSR_TESTS_FUZZ_TOOL_H

#include <jansson.h>
#include <stdbool.h>

/* What fd holds from its beginning (or all of a pipe): its exit code. */
int tool_check(int fd);
/* The same, and its document, without the input's name. */
int tool_check_json(int fd, json_t **doc_out);
/*
 * `xensr inspect OPTION... --json` of it (words: ends with NULL, at most 6).
 * Its words for people are dropped.
 */
int tool_inspect_json(int fd, const char *const *words, json_t **doc_out);
/* Neither an error, nor something that our restore refuses. */
bool tool_found_good(const json_t *doc);

#endif
