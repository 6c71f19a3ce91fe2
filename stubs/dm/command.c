/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the device model can be asked for, as a table: name, arguments, what
 * is done. Arguments are judged before, with QEMU's words, so that a client
 * that would fail there fails here. What is not in the table "has not been
 * found", which is how QEMU refuses as well.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/util.h"
#include "stubs/dm/command.h"
#include "stubs/world/world.h"

#define NOT_FOUND "CommandNotFound"

/* ---- answers ------------------------------------------------------------- */

json_t *xsr_dm_error(const char *class, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    return json_pack("{s:{s:s,s:s}}", "error", "class", class, "desc", text);
}

json_t *xsr_dm_result(json_t *take)
{
    return json_pack("{s:o}", "return", take ? take : json_object());
}

/* ---- running ------------------------------------------------------------- */

const char *xsr_dm_status(const struct xsr_dm *dm)
{
    if (dm->running)
        return "running";
    return dm->saving ? "save-vm" : dm->running_since ? "paused" : "prelaunch";
}

void xsr_dm_run(struct xsr_dm *dm)
{
    struct xsr_err err = XSR_ERR_INIT;

    if (!dm->running) {
        dm->running = true;
        dm->running_since = xsr_now_ms();
    }
    if (xsr_dm_publish(dm, "running", &err) < 0)
        xsr_sim_log("device model of domain %u: %s", dm->options.domid,
                    err.text);
    xsr_dm_event(dm, "RESUME", NULL);
    xsr_dm_write_status(dm);
}

void xsr_dm_halt(struct xsr_dm *dm)
{
    if (!dm->running)
        return;
    dm->running = false;
    xsr_dm_blob_advance(&dm->blob,
                        (xsr_now_ms() - dm->running_since) * 1000000u);
    xsr_dm_event(dm, "STOP", NULL);
    xsr_dm_write_status(dm);
}

/* ---- state --------------------------------------------------------------- */

static json_t *cmd_stop(struct xsr_dm *dm, struct xsr_dm_conn *conn,
                        const json_t *args)
{
    (void)conn;
    (void)args;
    xsr_dm_halt(dm);
    return xsr_dm_result(NULL);
}

static json_t *cmd_cont(struct xsr_dm *dm, struct xsr_dm_conn *conn,
                        const json_t *args)
{
    (void)conn;
    (void)args;
    dm->disks_released = false;
    xsr_dm_run(dm);
    return xsr_dm_result(NULL);
}

static int write_state(struct xsr_dm *dm, const char *name)
{
    struct xsr_err err = XSR_ERR_INIT;
    int fd = xsr_dm_open_name(dm, name, O_WRONLY | O_CREAT | O_TRUNC), rc;

    if (fd < 0)
        return -1;
    /* a duplicate was not truncated; a pipe cannot be */
    if (ftruncate(fd, 0) < 0 && errno != EINVAL) {
        rc = errno;
        close(fd);
        errno = rc;
        return -1;
    }
    rc = xsr_write_all(fd, dm->blob.bytes.p, dm->blob.bytes.len, "state", &err);
    if (close(fd) < 0 || rc < 0) {
        errno = err.sys ? err.sys : EIO;
        return -1;
    }
    return 0;
}

static json_t *cmd_save(struct xsr_dm *dm, struct xsr_dm_conn *conn,
                        const json_t *args)
{
    const char *name = json_string_value(json_object_get(args, "filename"));
    const json_t *live = json_object_get(args, "live");
    bool was_running = dm->running, opened;
    int rc, keep;

    (void)conn;
    dm->saving = was_running;
    xsr_dm_halt(dm);
    rc = write_state(dm, name);
    keep = errno;
    opened = rc == 0 || (keep != ENOENT && keep != EACCES);
    if (rc == 0) {
        dm->n_saved++;
        dm->disks_released = !was_running && (!live || json_is_true(live));
        xsr_dm_record(dm, "emulator");
    } else {
        xsr_sim_log("device model of domain %u: cannot save to %s: %s",
                    dm->options.domid, name, strerror(keep));
    }
    dm->saving = false;
    if (was_running)
        xsr_dm_run(dm);
    xsr_dm_write_status(dm);
    if (rc == 0)
        return xsr_dm_result(NULL);
    return opened ? xsr_dm_error(XSR_DM_GENERIC, "An IO error has occurred")
                  : xsr_dm_error(XSR_DM_GENERIC, "Could not open '%s': %s",
                                 name, strerror(keep));
}

static json_t *cmd_load(struct xsr_dm *dm, struct xsr_dm_conn *conn,
                        const json_t *args)
{
    const char *name = json_string_value(json_object_get(args, "filename"));
    struct xsr_dm_blob blob = {.n_sections = 0};
    struct xsr_err err = XSR_ERR_INIT;
    int fd, rc;

    (void)conn;
    if (dm->running)
        return xsr_dm_error(XSR_DM_GENERIC,
                            "Cannot update device state while vm is running");
    fd = xsr_dm_open_name(dm, name, O_RDONLY);
    if (fd < 0)
        return xsr_dm_error(XSR_DM_GENERIC, "Could not open '%s': %s", name,
                            strerror(errno));
    rc = xsr_dm_blob_load(&blob, fd, dm->options.n_cpus, &err);
    close(fd);
    if (rc < 0) {
        xsr_sim_log("device model of domain %u: %s", dm->options.domid,
                    err.text);
        return xsr_dm_error(XSR_DM_GENERIC, "loading Xen device state failed");
    }
    xsr_dm_blob_fini(&dm->blob);
    dm->blob = blob;
    dm->n_loaded++;
    xsr_dm_write_status(dm);
    return xsr_dm_result(NULL);
}

static json_t *cmd_log_dirty(struct xsr_dm *dm, struct xsr_dm_conn *conn,
                             const json_t *args)
{
    (void)conn;
    dm->logdirty = json_is_true(json_object_get(args, "enable"));
    xsr_dm_write_status(dm);
    return xsr_dm_result(NULL);
}

/* ---- questions ----------------------------------------------------------- */

static json_t *cmd_query_status(struct xsr_dm *dm, struct xsr_dm_conn *conn,
                                const json_t *args)
{
    (void)conn;
    (void)args;
    return xsr_dm_result(json_pack("{s:b,s:b,s:s}", "running", dm->running,
                                   "singlestep", 0, "status",
                                   xsr_dm_status(dm)));
}

static json_t *cmd_query_version(struct xsr_dm *dm, struct xsr_dm_conn *conn,
                                 const json_t *args)
{
    (void)dm;
    (void)conn;
    (void)args;
    return xsr_dm_result(json_pack("{s:{s:i,s:i,s:i},s:s}", "qemu", "micro", 22,
                                   "minor", 2, "major", 7, "package",
                                   "xensr-sim-dm"));
}

static json_t *cmd_query_cpus(struct xsr_dm *dm, struct xsr_dm_conn *conn,
                              const json_t *args)
{
    json_t *list = json_array();

    (void)conn;
    (void)args;
    for (uint32_t i = 0; i < dm->options.n_cpus; i++)
        json_array_append_new(
            list, json_pack("{s:i,s:i,s:s,s:s}", "cpu-index", (int)i,
                            "thread-id", (int)getpid(), "target", "i386",
                            "qom-path", "/machine/unattached/device"));
    return xsr_dm_result(list);
}

static json_t *cmd_query_chardev(struct xsr_dm *dm, struct xsr_dm_conn *conn,
                                 const json_t *args)
{
    json_t *list = json_array();

    (void)conn;
    (void)args;
    for (unsigned i = 0; i < dm->options.n_sockets; i++)
        json_array_append_new(
            list, json_pack("{s:s,s:s,s:b}", "label", dm->options.socket[i].id,
                            "filename", "unix:", "frontend-open", 1));
    return xsr_dm_result(list);
}

static json_t *cmd_query_vnc(struct xsr_dm *dm, struct xsr_dm_conn *conn,
                             const json_t *args)
{
    (void)dm;
    (void)conn;
    (void)args;
    return xsr_dm_result(json_pack("{s:b}", "enabled", 0));
}

static json_t *cmd_monitor(struct xsr_dm *dm, struct xsr_dm_conn *conn,
                           const json_t *args)
{
    const char *line = json_string_value(json_object_get(args, "command-line"));
    char text[300];

    (void)conn;
    if (!strcmp(line, "info status"))
        snprintf(text, sizeof(text), "VM status: %s\r\n", xsr_dm_status(dm));
    else if (!strcmp(line, "info version"))
        snprintf(text, sizeof(text), "7.2.22xensr-sim-dm\r\n");
    else
        snprintf(text, sizeof(text), "unknown command: '%.200s'\r\n", line);
    return xsr_dm_result(json_string(text));
}

static json_t *cmd_quit(struct xsr_dm *dm, struct xsr_dm_conn *conn,
                        const json_t *args)
{
    (void)conn;
    (void)args;
    dm->quit = true;
    return xsr_dm_result(NULL);
}

/* ---- the table ----------------------------------------------------------- */

struct argument {
    const char *name;
    json_type type; /* JSON_TRUE: a boolean */
    bool optional;
};

static const struct command {
    const char *name;
    xsr_dm_cmd *run;
    struct argument args[3];
} commands[] = {
    {"stop", cmd_stop, {{0}}},
    {"cont", cmd_cont, {{0}}},
    {"add-fd",
     xsr_dm_cmd_add_fd,
     {{"fdset-id", JSON_INTEGER, true}, {"opaque", JSON_STRING, true}}},
    {"remove-fd",
     xsr_dm_cmd_remove_fd,
     {{"fdset-id", JSON_INTEGER, false}, {"fd", JSON_INTEGER, true}}},
    {"query-fdsets", xsr_dm_cmd_query_fdsets, {{0}}},
    {"xen-save-devices-state",
     cmd_save,
     {{"filename", JSON_STRING, false}, {"live", JSON_TRUE, true}}},
    {"xen-load-devices-state", cmd_load, {{"filename", JSON_STRING, false}}},
    {"xen-set-global-dirty-log", cmd_log_dirty, {{"enable", JSON_TRUE, false}}},
    {"query-status", cmd_query_status, {{0}}},
    {"query-version", cmd_query_version, {{0}}},
    {"query-cpus-fast", cmd_query_cpus, {{0}}},
    {"query-chardev", cmd_query_chardev, {{0}}},
    {"query-vnc", cmd_query_vnc, {{0}}},
    {"human-monitor-command",
     cmd_monitor,
     {{"command-line", JSON_STRING, false}, {"cpu-index", JSON_INTEGER, true}}},
    {"quit", cmd_quit, {{0}}},
};

static bool has_type(const json_t *value, json_type type)
{
    return type == JSON_TRUE ? json_is_boolean(value)
                             : json_typeof(value) == type;
}

static const char *type_name(json_type type)
{
    return type == JSON_TRUE      ? "boolean"
           : type == JSON_INTEGER ? "integer"
                                  : "string";
}

/* NULL, or what is wrong with them. */
static json_t *check_arguments(const struct command *cmd, const json_t *args)
{
    const char *key;
    json_t *value;
    size_t i;

    for (i = 0; i < XSR_ARRAY_LEN(cmd->args) && cmd->args[i].name; i++) {
        value = json_object_get(args, cmd->args[i].name);
        if (!value && !cmd->args[i].optional)
            return xsr_dm_error(XSR_DM_GENERIC, "Parameter '%s' is missing",
                                cmd->args[i].name);
        if (value && !has_type(value, cmd->args[i].type))
            return xsr_dm_error(XSR_DM_GENERIC,
                                "Invalid parameter type for '%s', expected: "
                                "%s",
                                cmd->args[i].name,
                                type_name(cmd->args[i].type));
    }
    json_object_foreach((json_t *)args, key, value)
    {
        for (i = 0; i < XSR_ARRAY_LEN(cmd->args); i++)
            if (cmd->args[i].name && !strcmp(cmd->args[i].name, key))
                break;
        if (i == XSR_ARRAY_LEN(cmd->args))
            return xsr_dm_error(XSR_DM_GENERIC, "Parameter '%s' is unexpected",
                                key);
    }
    return NULL;
}

static json_t *run_command(struct xsr_dm *dm, struct xsr_dm_conn *conn,
                           const char *name, const json_t *args)
{
    json_t *wrong;

    for (size_t i = 0; i < XSR_ARRAY_LEN(commands); i++) {
        if (strcmp(commands[i].name, name))
            continue;
        wrong = check_arguments(&commands[i], args);
        return wrong ? wrong : commands[i].run(dm, conn, args);
    }
    return xsr_dm_error(NOT_FOUND, "The command %s has not been found", name);
}

json_t *xsr_dm_command(struct xsr_dm *dm, struct xsr_dm_conn *conn,
                       const json_t *message, bool *negotiated)
{
    const json_t *execute = json_object_get(message, "execute");
    const json_t *args = json_object_get(message, "arguments");
    const char *name = json_string_value(execute);
    bool capabilities;

    if (!json_is_object(message))
        return xsr_dm_error(XSR_DM_GENERIC, "QMP input must be a JSON object");
    if (!execute)
        return xsr_dm_error(XSR_DM_GENERIC, "QMP input lacks member 'execute'");
    if (!name)
        return xsr_dm_error(XSR_DM_GENERIC,
                            "QMP input member 'execute' must be a "
                            "string");
    if (args && !json_is_object(args))
        return xsr_dm_error(XSR_DM_GENERIC,
                            "QMP input member 'arguments' must be an "
                            "object");
    capabilities = !strcmp(name, "qmp_capabilities");
    if (!*negotiated && !capabilities)
        return xsr_dm_error(NOT_FOUND, "Expecting capabilities negotiation "
                                       "with 'qmp_capabilities'");
    if (*negotiated && capabilities)
        return xsr_dm_error(NOT_FOUND, "Capabilities negotiation is already "
                                       "complete, command ignored");
    if (!capabilities)
        return run_command(dm, conn, name, args);
    *negotiated = true;
    return xsr_dm_result(NULL);
}
