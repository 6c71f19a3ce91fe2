/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The stand-in device model of a new HVM guest: started as libxl starts QEMU,
 * from beside this program, and waited for until it says that it runs. Ended
 * with the domain (destroy.c), by the number that its node has.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/proc.h"
#include "lib/util.h"
#include "stubs/tool/create.h"
#include "stubs/world/world.h"

#define READY_MS 60000 /* libxl's own limit */
#define END_MS   5000
#define LOOK_MS  1000 /* a wakeup may get lost; it is looked at anyway */
#define TEXT     (PATH_MAX + 128)

/* A comma in an option of QEMU's is written twice. */
static int double_commas(const char *in, char *out, size_t len)
{
    size_t n = 0;

    for (; *in && n + 2 < len; in++) {
        out[n++] = *in;
        if (*in == ',')
            out[n++] = ',';
    }
    out[n] = '\0';
    return *in ? -1 : 0;
}

static int socket_option(const char *id, const char *run, uint32_t domid,
                         char out[TEXT])
{
    char dir[PATH_MAX];

    if (double_commas(run, dir, sizeof(dir)))
        return xsr_sim_fail("the name of the folder %s is too long", run);
    snprintf(out, TEXT,
             "socket,id=libxl%s-cmd,path=%.4000s/qmp-libx%s-%" PRIu32
             ",server=on,wait=off",
             strcmp(id, "l") ? "stat" : "", dir, id, domid);
    return XSR_SIM_OK;
}

static int spawn(const struct xsr_create *c, uint32_t domid, const char *run,
                 struct xsr_child *child)
{
    char id[16], cmd[TEXT], stat[TEXT], memory[24], smp[32], program[PATH_MAX];
    const char *argv[] = {program,
                          "-xen-domid",
                          id,
                          "-no-shutdown",
                          "-chardev",
                          cmd,
                          "-mon",
                          "chardev=libxl-cmd,mode=control",
                          "-chardev",
                          stat,
                          "-mon",
                          "chardev=libxlstat-cmd,mode=control",
                          "-nodefaults",
                          "-no-user-config",
                          "-name",
                          c->spec.name,
                          "-nographic",
                          "-smp",
                          smp,
                          "-machine",
                          "xenfv,suppress-vmdesc=on",
                          "-m",
                          memory,
                          NULL};
    struct xsr_spawn sp = {.path = program, .argv = argv};
    struct xsr_err err = XSR_ERR_INIT;
    ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 16);

    if (n < 0)
        return xsr_sim_fail("cannot find this program's folder: %s",
                            strerror(errno));
    program[n] = '\0';
    snprintf(strrchr(program, '/') + 1, 16, "xensr-sim-dm");
    if (socket_option("l", run, domid, cmd) ||
        socket_option("enstat", run, domid, stat))
        return XSR_SIM_FAILED;
    snprintf(id, sizeof(id), "%" PRIu32, domid);
    snprintf(smp, sizeof(smp), "%u,maxcpus=%u", c->spec.n_vcpus,
             c->spec.n_vcpus);
    snprintf(memory, sizeof(memory), "%" PRIu64, c->spec.memory_mib - 8);
    return xsr_spawn(&sp, child, &err) < 0 ? xsr_sim_fail("%s", err.text)
                                           : XSR_SIM_OK;
}

static bool says_running(struct xsr_store *xs, uint32_t domid)
{
    char path[64], *value = NULL;
    bool yes;

    snprintf(path, sizeof(path),
             "/local/domain/0/device-model/%" PRIu32 "/state", domid);
    yes = xsr_store_read(xs, 0, path, &value, NULL) == 0 &&
          strcmp(value, "running") == 0;
    free(value);
    return yes;
}

static int wait_ready(struct xsr_store *xs, uint32_t domid,
                      struct xsr_child *child)
{
    struct pollfd p[2] = {{.fd = xsr_store_fileno(xs), .events = POLLIN},
                          {.fd = child->watch_fd, .events = POLLIN}};
    int left = READY_MS;

    while (!says_running(xs, domid)) {
        char **event;

        if (left <= 0)
            return xsr_sim_fail("the device model does not get ready in %d s",
                                READY_MS / 1000);
        if (poll(p, 2, LOOK_MS) == 0)
            left -= LOOK_MS;
        if (p[1].revents)
            return xsr_sim_fail("the device model ended instead of running");
        if (p[0].revents && xsr_store_next_event(xs, false, &event) == 0)
            free(event);
    }
    return XSR_SIM_OK;
}

static int write_pid(struct xsr_store *xs, uint32_t domid, pid_t pid)
{
    char path[64], text[16];

    snprintf(path, sizeof(path),
             "/local/domain/%" PRIu32 "/image/device-model-pid", domid);
    snprintf(text, sizeof(text), "%d", (int)pid);
    if (xsr_store_write(xs, 0, path, text, strlen(text)) == 0)
        return XSR_SIM_OK;
    return xsr_sim_fail("cannot write %s: %s", path, strerror(errno));
}

int xsr_create_dm(const struct xsr_create *c, uint32_t domid)
{
    struct xsr_child child = XSR_CHILD_INIT;
    struct xsr_store *xs = NULL;
    char run[PATH_MAX], path[64];
    int rc;

    if (c->spec.type != XSR_HV_HVM || c->no_dm)
        return XSR_SIM_OK;
    rc = xsr_create_folder("XENSR_RUN_DIR", "run", run);
    if (rc != XSR_SIM_OK)
        return rc;
    snprintf(path, sizeof(path), "/local/domain/0/device-model/%" PRIu32,
             domid);
    if (xsr_store_open(&xs) || xsr_store_watch(xs, path, "dm"))
        rc = xsr_sim_fail("the host's xenstore: %s", strerror(errno));
    if (rc == XSR_SIM_OK)
        rc = spawn(c, domid, run, &child);
    if (rc == XSR_SIM_OK)
        rc = wait_ready(xs, domid, &child);
    if (rc == XSR_SIM_OK)
        rc = write_pid(xs, domid, child.pid);
    xsr_store_close(xs);
    if (rc != XSR_SIM_OK)
        xsr_child_fini(&child);
    return rc;
}

/* ---- its end ------------------------------------------------------------- */

/* Its process, if that is what the number still stands for; -1. */
static int open_dm(pid_t pid)
{
    char link[48], exe[PATH_MAX];
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    ssize_t n;

    if (fd < 0)
        return -1;
    snprintf(link, sizeof(link), "/proc/%d/exe", (int)pid);
    n = readlink(link, exe, sizeof(exe) - 1);
    if (n > 0) {
        exe[n] = '\0';
        if (strstr(exe, "/xensr-sim-dm"))
            return fd;
    }
    close(fd);
    return -1;
}

int xsr_dm_of(uint32_t domid)
{
    char path[64], *value = NULL;
    struct xsr_store *xs = NULL;
    long pid = 0;
    int fd = -1;

    snprintf(path, sizeof(path),
             "/local/domain/%" PRIu32 "/image/device-model-pid", domid);
    if (xsr_store_open(&xs) == 0 &&
        xsr_store_read(xs, 0, path, &value, NULL) == 0)
        pid = strtol(value, NULL, 10);
    if (pid > 1 && pid <= INT_MAX)
        fd = open_dm((pid_t)pid);
    free(value);
    xsr_store_close(xs);
    return fd;
}

void xsr_dm_end(int fd_take)
{
    struct pollfd p = {.fd = fd_take, .events = POLLIN};

    if (fd_take < 0)
        return;
    syscall(SYS_pidfd_send_signal, fd_take, SIGTERM, NULL, 0);
    if (poll(&p, 1, END_MS) == 0)
        syscall(SYS_pidfd_send_signal, fd_take, SIGKILL, NULL, 0);
    close(fd_take);
}
