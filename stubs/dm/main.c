/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The stand-in device model of simulated HVM guests: see the next commits. */
#include <stdio.h>

int main(void)
{
    fputs("xensr-sim-dm: not built yet\n", stderr);
    return 1;
}
