/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sets an HVM parameter of a domain of the simulated host, as its guest could
 * have done:
 *
 *     xensr sim run -- parambox DOMID INDEX VALUE
 */
#include <stdio.h>
#include <stdlib.h>
#include <xenctrl.h>

int main(int argc, char **argv)
{
    xc_interface *xch;
    int rc;

    if (argc != 4)
        return 2;
    xch = xc_interface_open(NULL, NULL, 0);
    if (!xch)
        return 1;
    rc = xc_hvm_param_set(xch, (uint32_t)strtoul(argv[1], NULL, 0),
                          (uint32_t)strtoul(argv[2], NULL, 0),
                          strtoull(argv[3], NULL, 0));
    if (rc < 0)
        perror("parambox");
    xc_interface_close(xch);
    return rc < 0;
}
