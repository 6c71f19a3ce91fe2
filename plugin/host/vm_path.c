/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which folder below /vm is a domain's. It is named after the UUID, but a guest
 * that moves to its own host is there twice for a while, and the one that goes
 * takes its folder along: so the newcomer gets another one, and the two names
 * take turns. A libxl that receives a guest so gives both the same folder,
 * which stays as long as either is there if the one that goes is destroyed by
 * us. Used by skeleton.c.
 */
#include "plugin/host/vm_path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/util.h"

#define SECOND   "-1"
#define VM_LEN   (4u + 36u) /* "/vm/", UUID */
#define VM_LEN_2 (VM_LEN + sizeof(SECOND) - 1)

int xsr_vm_path_read(struct xsr_xs *xs, const char *domain, char **vm_out,
                     struct xsr_err *err)
{
    char path[XSR_XS_PATH];

    snprintf(path, sizeof(path), "/local/domain/%.16s/vm", domain);
    return xsr_xs_read(xs, path, vm_out, err);
}

int xsr_vm_path_choose(struct xsr_xs *xs, struct xsr_bare *b,
                       struct xsr_err *err)
{
    xsr_auto_free char *twins = NULL;
    char twin[16];

    snprintf(b->vm_path, sizeof(b->vm_path), "/vm/%s", b->config->uuid_text);
    if (!b->twin)
        return 0;
    snprintf(twin, sizeof(twin), "%u", b->twin);
    if (xsr_vm_path_read(xs, twin, &twins, err) < 0)
        return -1;
    if (twins && strcmp(twins, b->vm_path) == 0)
        snprintf(b->vm_path, sizeof(b->vm_path), "/vm/%s" SECOND,
                 b->config->uuid_text);
    return 0;
}

static bool is_ours(const char *vm)
{
    size_t len = strlen(vm);

    return strncmp(vm, "/vm/", 4) == 0 && !strchr(vm + 4, '/') &&
           (len == VM_LEN ||
            (len == VM_LEN_2 && strcmp(vm + VM_LEN, SECOND) == 0));
}

static int count_users(struct xsr_xs *xs, const char *vm, unsigned *n_out,
                       struct xsr_err *err)
{
    xsr_auto_free char **domains = NULL;
    unsigned i, n;

    *n_out = 0;
    if (xsr_xs_list(xs, "/local/domain", &domains, &n, err) < 0)
        return -1;
    for (i = 0; i < n; i++) {
        xsr_auto_free char *its = NULL;

        if (xsr_vm_path_read(xs, domains[i], &its, err) < 0)
            return -1;
        *n_out += its && strcmp(its, vm) == 0;
    }
    return 0;
}

int xsr_vm_path_own(struct xsr_xs *xs, uint32_t domid, char out[XSR_VM_PATH],
                    struct xsr_err *err)
{
    xsr_auto_free char *vm = NULL;
    char domain[16];
    unsigned n_users;

    out[0] = '\0';
    snprintf(domain, sizeof(domain), "%u", domid);
    if (xsr_vm_path_read(xs, domain, &vm, err) < 0)
        return -1;
    if (!vm || !is_ours(vm))
        return 0;
    if (count_users(xs, vm, &n_users, err) < 0)
        return -1;
    if (n_users == 1)
        snprintf(out, XSR_VM_PATH, "%s", vm);
    return 0;
}
