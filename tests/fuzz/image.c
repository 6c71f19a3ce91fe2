/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fuzz target: a whole image, all layers. Input: an xl save file, a libxl
 * stream or a bare libxc image. What is accepted ends at its last byte: cut
 * anywhere, or with a byte behind it, it is refused.
 */
#include <stdlib.h>

#include "lib/util.h"
#include "tests/fuzz/support/fuzz.h"
#include "tests/fuzz/support/walk.h"

static int judge(const uint8_t *p, size_t n)
{
    struct xsr_err err = XSR_ERR_INIT;
    uint8_t *copy = fuzz_copy(p, n);
    int rc = walk_all(copy, n, &err);

    if (rc)
        fuzz_refused(&err, 0, n);
    free(copy);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t step = 1 + size / 64;
    uint8_t *longer;

    if (judge(data, size))
        return 0;
    need(size > XSR_XC3_IHDR_LEN + XSR_XC3_DHDR_LEN, "%zu bytes pass", size);
    for (size_t cut = 1; cut < size; cut += cut < 64 ? 1 : step)
        need(judge(data, size - cut), "passes without its last %zu bytes", cut);
    longer = fuzz_copy(data, size);
    longer = realloc(longer, size + 8);
    need(longer, "no memory");
    memset(longer + size, 0, 8);
    need(judge(longer, size + 8), "passes with bytes behind its end");
    free(longer);
    return 0;
}
