/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where a user's runtime files are. All our programs must find the same place:
 * the simulated host that is meant when none is named lies there.
 */
#include "lib/rundir.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void xsr_run_dir(const char *name, char *out, size_t out_len)
{
    const char *run = getenv("XDG_RUNTIME_DIR");
    unsigned long uid = getuid();
    char user_run[64];
    struct stat st;

    if (run && run[0] == '/' && strlen(run) < PATH_MAX / 2) {
        snprintf(out, out_len, "%s/%s", run, name);
        return;
    }
    snprintf(user_run, sizeof(user_run), "/run/user/%lu", uid);
    if (stat(user_run, &st) == 0 && S_ISDIR(st.st_mode))
        snprintf(out, out_len, "%s/%s", user_run, name);
    else if (uid == 0 && access("/run", W_OK) == 0)
        snprintf(out, out_len, "/run/%s", name);
    else
        snprintf(out, out_len, "/tmp/%s-%lu", name, uid);
}
