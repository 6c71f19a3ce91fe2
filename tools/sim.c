/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The simulated host from the tool's side: where its libraries lie, which
 * folder is the host, and `xensr sim ...`, which is a program of its own among
 * those libraries (stubs/tool). main.c uses the environment for --sim too.
 */
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/rundir.h"
#include "lib/util.h"
#include "tools/tools.h"

#define MAIN_LIB "libxensrsim.so"

/* Folder of the libraries: named, of the build tree, or installed. */
static int find_stubs(char *out)
{
    static const char *const beside[] = {"../stubs", "../lib/xensr/sim"};
    const char *named = getenv("XENSR_STUBS_DIR");
    char exe[PATH_MAX / 2], path[PATH_MAX];
    ssize_t n;
    size_t i;

    if (named && *named && realpath(named, out))
        return XENSR_OK;
    n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
    exe[n < 0 ? 0 : n] = '\0';
    if (strrchr(exe, '/'))
        *strrchr(exe, '/') = '\0';
    for (i = 0; !(named && *named) && i < XSR_ARRAY_LEN(beside); i++) {
        snprintf(path, sizeof(path), "%s/%s/" MAIN_LIB, exe, beside[i]);
        if (access(path, R_OK) < 0 || !realpath(path, out))
            continue;
        *strrchr(out, '/') = '\0';
        return XENSR_OK;
    }
    fprintf(stderr,
            "xensr: the simulated host's libraries are not there "
            "(looked in %s); build them with make, or name their folder in "
            "XENSR_STUBS_DIR\n",
            named && *named ? named
                            : "../stubs and "
                              "../lib/xensr/sim beside this program");
    return XENSR_FAILED;
}

/* mkdir -p; the host's libraries judge what they find there. */
static int make_path(const char *path)
{
    char part[PATH_MAX];
    size_t i, n = strlen(path);

    for (i = 1; i <= n; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, 0700) < 0 && errno != EEXIST) {
            fprintf(stderr,
                    "xensr: cannot make the folder %s of the simulated "
                    "host: %s\n",
                    part, strerror(errno));
            return XENSR_FAILED;
        }
    }
    return XENSR_OK;
}

/* The host for which a run before this one has set the folders' variables. */
#define SET_FOR "XENSR_SIM_SET_FOR"

/*
 * A folder of the host that a program finds through its variable. The caller's
 * choice stays, but not what was set for another host: a transport inherits
 * the sender's environment, and names only the receiver's XENSR_SIM_DIR.
 */
static int set_below(const char *variable, const char *old_host,
                     const char *host, const char *name)
{
    const char *set = getenv(variable);
    char *path = NULL, *old = NULL;
    int rc = XENSR_OK;

    if (asprintf(&path, "%s/%s", host, name) < 0 ||
        asprintf(&old, "%s/%s", old_host, name) < 0) {
        free(path);
        return XENSR_FAILED;
    }
    if (!set || strcmp(set, old) == 0) {
        setenv(variable, path, 1);
        rc = make_path(path);
    }
    free(path);
    free(old);
    return rc;
}

static void set_library_path(const char *stubs)
{
    const char *old = getenv("LD_LIBRARY_PATH");
    size_t len = strlen(stubs);
    char *path;

    if (old && strncmp(old, stubs, len) == 0 &&
        (old[len] == ':' || old[len] == '\0'))
        return;
    if (asprintf(&path, "%s%s%s", stubs, old && *old ? ":" : "",
                 old ? old : "") < 0)
        return;
    setenv("LD_LIBRARY_PATH", path, 1);
    free(path);
}

/* The stand-in, unless the caller names one, or none ("") */
static void name_device_model(const char *stubs)
{
    char path[PATH_MAX + 16];

    snprintf(path, sizeof(path), "%s/xensr-sim-dm", stubs);
    setenv("XENSR_DEVICE_MODEL", path, 0);
}

int xsr_sim_environment(const char *dir)
{
    char stubs[PATH_MAX], host[PATH_MAX], cwd[PATH_MAX / 2] = "";
    const char *old = getenv("XENSR_SIM_DIR"), *set_for = getenv(SET_FOR);
    char old_host[PATH_MAX];
    int rc = find_stubs(stubs);

    if (rc != XENSR_OK)
        return rc;
    /* setenv() below may take away what getenv() gave */
    snprintf(old_host, sizeof(old_host), "%s", old ? old : "");
    if (!dir || !*dir)
        dir = old_host;
    if (!*dir)
        xsr_run_dir("xensr-sim", host, sizeof(host));
    else if (strlen(dir) >= PATH_MAX / 4)
        return xsr_tool_usage("the folder of the simulated host has a name of "
                              "%zu characters, allowed are %d",
                              strlen(dir), PATH_MAX / 4 - 1);
    else if (dir[0] == '/' || !getcwd(cwd, sizeof(cwd)))
        snprintf(host, sizeof(host), "%s", dir);
    else
        snprintf(host, sizeof(host), "%s/%s", cwd, dir);
    rc = make_path(host);
    if (rc != XENSR_OK)
        return rc;
    snprintf(old_host, sizeof(old_host), "%s", set_for ? set_for : "");
    setenv("XENSR_SIM_DIR", host, 1);
    setenv(SET_FOR, host, 1);
    setenv("XENSR_STUBS_DIR", stubs, 1);
    set_library_path(stubs);
    name_device_model(stubs);
    rc = set_below("XENSR_DM_DIR", old_host, host, "dm");
    if (rc == XENSR_OK)
        rc = set_below("XENSR_RUN_DIR", old_host, host, "run");
    if (rc != XENSR_OK)
        return rc;
    return set_below("XENSR_STATE_DIR", old_host, host, "state");
}

bool xsr_sim_active(void)
{
    void *lib = dlopen(MAIN_LIB, RTLD_LAZY | RTLD_NOLOAD);

    if (lib)
        dlclose(lib);
    return lib != NULL;
}

int xsr_cmd_sim(int argc, char **argv)
{
    char path[PATH_MAX];
    int rc = xsr_sim_environment(NULL);

    (void)argc;
    if (rc != XENSR_OK)
        return rc;
    snprintf(path, sizeof(path), "%s/xensr-sim", getenv("XENSR_STUBS_DIR"));
    argv[0] = (char *)"xensr-sim";
    execv(path, argv);
    fprintf(stderr, "xensr: cannot run %s: %s\n", path, strerror(errno));
    return XENSR_FAILED;
}
