/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `xensr-sim init`, `run`, `log`, `reset`: the host as a whole. `run` is how
 * any program that uses Xen's libraries, ours or Debian's, gets onto it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/util.h"
#include "stubs/guest/guest.h"
#include "stubs/tool/tool.h"
#include "stubs/world/world.h"

/* ---- init ---------------------------------------------------------------- */

/* Takes "--memory N" or "--memory=N" out of the words. */
static int take_memory(int *argc, char **argv, uint64_t *mib_out)
{
    const char *text = NULL;
    int n = 1;
    char *end;

    for (int i = 1; i < *argc; i++) {
        if (!strncmp(argv[i], "--memory=", 9))
            text = argv[i] + 9;
        else if (!strcmp(argv[i], "--memory") && i + 1 < *argc)
            text = argv[++i];
        else
            argv[n++] = argv[i];
    }
    *argc = n;
    if (!text)
        return XSR_SIM_OK;
    errno = 0;
    *mib_out = strtoull(text, &end, 10);
    if (errno || end == text || *end || text[0] == '-' || !*mib_out)
        return xsr_sim_usage("\"%s\" is not a number of MiB", text);
    return XSR_SIM_OK;
}

static int make_records(void)
{
    struct xsr_err err = XSR_ERR_INIT;
    const char *host = xsr_sim_dir(&err);
    char path[PATH_MAX + 64];

    if (!host)
        return xsr_sim_fail("%s", err.text);
    snprintf(path, sizeof(path), "%.4000s/" XSR_RECORDS, host);
    if (mkdir(path, 0700) && errno != EEXIST)
        return xsr_sim_fail("cannot make %s: %s", path, strerror(errno));
    return XSR_SIM_OK;
}

int xsr_sim_cmd_init(int argc, char **argv)
{
    struct xsr_hv_host_options options = {0};
    struct xsr_err err = XSR_ERR_INIT;
    bool record;
    int rc = take_memory(&argc, argv, &options.memory_mib);

    xsr_sim_flag(&argc, argv, "--no-shadow", &options.no_shadow);
    xsr_sim_flag(&argc, argv, "--resident", &options.resident);
    xsr_sim_flag(&argc, argv, "--record-suspends", &record);
    if (!rc)
        rc = xsr_sim_words(argc, argv, 0, 0);
    if (rc)
        return rc;
    if (xsr_hv_host_init(&options, &err))
        return xsr_sim_fail("%s", err.text);
    return record ? make_records() : XSR_SIM_OK;
}

/* ---- run ----------------------------------------------------------------- */

/* Folder of the libraries: the one that was named, else this program's. */
static int own_dir(char out[PATH_MAX])
{
    const char *named = getenv("XENSR_STUBS_DIR");
    ssize_t n;

    if (named && *named && realpath(named, out))
        return XSR_SIM_OK;
    n = readlink("/proc/self/exe", out, PATH_MAX - 1);
    if (n < 0)
        return xsr_sim_fail("cannot find this program's folder: %s",
                            strerror(errno));
    out[n] = '\0';
    *strrchr(out, '/') = '\0';
    return XSR_SIM_OK;
}

static int put_in_front(const char *variable, const char *dir)
{
    const char *old = getenv(variable);
    char *value;
    int rc;

    if (asprintf(&value, "%s%s%s", dir, old && *old ? ":" : "",
                 old ? old : "") < 0)
        return xsr_sim_fail("no memory");
    rc = setenv(variable, value, 1);
    free(value);
    return rc ? xsr_sim_fail("no memory") : XSR_SIM_OK;
}

/* A folder of the host that programs find through a variable. */
static int set_below(const char *variable, const char *host, const char *name)
{
    char path[PATH_MAX + 64];

    if (getenv(variable))
        return XSR_SIM_OK;
    snprintf(path, sizeof(path), "%.4000s/%s", host, name);
    if (mkdir(path, 0700) && errno != EEXIST)
        return xsr_sim_fail("cannot make %s: %s", path, strerror(errno));
    return setenv(variable, path, 1) ? xsr_sim_fail("no memory") : XSR_SIM_OK;
}

/* What a restored HVM guest gets; set to nothing, it gets none. */
static int name_device_model(const char *stubs)
{
    char path[PATH_MAX + 64];

    snprintf(path, sizeof(path), "%.4000s/xensr-sim-dm", stubs);
    return setenv("XENSR_DEVICE_MODEL", path, 0) ? xsr_sim_fail("no memory")
                                                 : XSR_SIM_OK;
}

static int set_environment(const char *host, const char *stubs)
{
    if (put_in_front("LD_LIBRARY_PATH", stubs) ||
        set_below("XENSR_DM_DIR", host, "dm") ||
        set_below("XENSR_RUN_DIR", host, "run") ||
        set_below("XENSR_STATE_DIR", host, "state") ||
        name_device_model(stubs) || setenv("XENSR_SIM_DIR", host, 1) ||
        setenv("XENSR_STUBS_DIR", stubs, 1))
        return XSR_SIM_FAILED;
    return XSR_SIM_OK;
}

int xsr_sim_cmd_run(int argc, char **argv)
{
    struct xsr_err err = XSR_ERR_INIT;
    const char *host = xsr_sim_dir(&err);
    char stubs[PATH_MAX];
    bool toolstack = argc > 1 && !strcmp(argv[1], "--toolstack");
    int first = 1 + toolstack, rc;

    if (first < argc && !strcmp(argv[first], "--"))
        first++;
    else if (first < argc && argv[first][0] == '-')
        return xsr_sim_usage("run has no option \"%s\"", argv[first]);
    if (first == argc)
        return xsr_sim_usage("run needs a command");
    if (!host)
        return xsr_sim_fail("%s", err.text);
    rc = own_dir(stubs);
    if (!rc)
        rc = set_environment(host, stubs);
    if (!rc && toolstack)
        rc = xsr_sim_name_helper(stubs);
    if (!rc && toolstack)
        rc = xsr_sim_enter_toolstack(host, stubs);
    if (rc)
        return rc;
    execvp(argv[first], argv + first);
    return xsr_sim_fail("cannot run %s: %s", argv[first], strerror(errno));
}

/* ---- log ----------------------------------------------------------------- */

int xsr_sim_cmd_log(int argc, char **argv)
{
    struct xsr_err err = XSR_ERR_INIT;
    xsr_auto_close int fd = -1;
    char bytes[65536];
    size_t n;
    int rc = xsr_sim_words(argc, argv, 0, 0);

    if (rc)
        return rc;
    fd = xsr_sim_open("log", O_RDONLY, &err);
    if (fd < 0)
        return err.sys == ENOENT ? XSR_SIM_OK : xsr_sim_fail("%s", err.text);
    do {
        if (xsr_read_upto(fd, bytes, sizeof(bytes), &n, "the log", &err) ||
            xsr_write_all(STDOUT_FILENO, bytes, n, "standard output", &err))
            return xsr_sim_fail("%s", err.text);
    } while (n == sizeof(bytes));
    return XSR_SIM_OK;
}

/* ---- reset --------------------------------------------------------------- */

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* Only names that the host gives: the folder may have been named wrongly. */
static bool is_host_file(const char *name)
{
    static const char *const names[] = {"host",     "ram",    "xenstore",
                                        "host.new", "evtchn", "xenstore.new",
                                        "log",      "procs"};

    for (size_t i = 0; i < XSR_ARRAY_LEN(names); i++)
        if (!strcmp(name, names[i]))
            return true;
    return starts_with(name, "dom.");
}

static bool is_domain_file(const char *name)
{
    size_t n = strspn(name, "0123456789");

    return starts_with(name, "qemu-resume.") ||
           starts_with(name, "qemu-save.") || starts_with(name, "userdata-") ||
           starts_with(name, "qmp-libxl-") ||
           starts_with(name, "qmp-libxenstat-") ||
           starts_with(name, "sim-dm.") || starts_with(name, "domid-history") ||
           (n && !strcmp(name + n, ".json"));
}

static bool is_record(const char *name)
{
    const char *dot = strrchr(name, '.');

    return dot && dot - name == 36 &&
           (!strcmp(dot, ".json") || !strcmp(dot, ".emulator"));
}

static int remove_in(const char *dir, bool (*which)(const char *name))
{
    DIR *d = opendir(dir);
    const struct dirent *e;
    int rc = XSR_SIM_OK;

    if (!d)
        return errno == ENOENT
                   ? XSR_SIM_OK
                   : xsr_sim_fail("cannot read %s: %s", dir, strerror(errno));
    while ((e = readdir(d)) != NULL)
        if (which(e->d_name) && unlinkat(dirfd(d), e->d_name, 0))
            rc = xsr_sim_fail("cannot remove %s/%s: %s", dir, e->d_name,
                              strerror(errno));
    closedir(d);
    return rc;
}

/* "lock" stays: others may be waiting for it. */
int xsr_sim_cmd_reset(int argc, char **argv)
{
    static const char *const below[] = {"dm", "state", "run"};
    struct xsr_err err = XSR_ERR_INIT;
    const char *host;
    char path[PATH_MAX + 64];
    int rc = xsr_sim_words(argc, argv, 0, 0);

    if (rc)
        return rc;
    host = xsr_sim_dir(&err);
    if (!host)
        return xsr_sim_fail("%s", err.text);
    xsr_sim_lock();
    rc = remove_in(host, is_host_file);
    for (size_t i = 0; i < XSR_ARRAY_LEN(below); i++) {
        snprintf(path, sizeof(path), "%.4000s/%s", host, below[i]);
        if (remove_in(path, is_domain_file))
            rc = XSR_SIM_FAILED;
    }
    snprintf(path, sizeof(path), "%.4000s/" XSR_RECORDS, host);
    if (remove_in(path, is_record))
        rc = XSR_SIM_FAILED;
    rmdir(path);
    xsr_sim_unlock();
    return rc;
}
