/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `tiny pv64|pv32|pvh|hvm|remus`: one image of tiny_image.h on standard output,
 * for shell tests that break it.
 */
#include <stdio.h>

#include "lib/fd.h"
#include "tests/gen/tiny_image.h"

int main(int argc, char **argv)
{
    static const char *const kinds[] = {"pv64", "pv32", "pvh", "hvm", "remus"};
    struct tiny t;

    for (size_t i = 0; argc == 2 && i < XSR_ARRAY_LEN(kinds); i++) {
        if (strcmp(argv[1], kinds[i]) != 0)
            continue;
        if (tiny_make(&t, (enum tiny_kind)i) ||
            xsr_write_all(1, t.out.p, t.out.len, "standard output", &t.err)) {
            fprintf(stderr, "tiny: %s\n", t.err.text);
            return 1;
        }
        xsr_buf_fini(&t.out);
        return 0;
    }
    fprintf(stderr, "usage: tiny pv64|pv32|pvh|hvm|remus > IMAGE\n");
    return 2;
}
