/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A new guest's files: its configuration in libxl's JSON form, where libxl
 * looks for it (userdata in /var/lib/xen, here DIR/dm) and where xensr does
 * (DIR/state). The content is what `xl` writes for such a guest.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/util.h"
#include "stubs/tool/create.h"
#include "stubs/world/world.h"

static json_t *vcpu_list(uint32_t n)
{
    json_t *list = json_array();

    for (uint32_t i = 0; i < n; i++)
        json_array_append_new(list, json_integer(i));
    return list;
}

static json_t *type_part(enum xsr_hv_type type)
{
    if (type != XSR_HV_HVM)
        return json_object();
    return json_pack("{s:s, s:{}, s:{s:s}, s:{s:s}, s:{}, s:s, s:{}}",
                     "nographic", "True", "vga", "vnc", "enable", "False",
                     "sdl", "enable", "False", "spice", "serial", "pty", "rdm");
}

static json_t *build_part(const struct xsr_guest_spec *s)
{
    json_int_t kib = (json_int_t)s->memory_mib * 1024;
    char key[16];
    json_t *o;

    o = json_pack("{s:i, s:o, s:I, s:I, s:i, s:{s:s, s:i, s:i}, s:s}",
                  "max_vcpus", (int)s->n_vcpus, "avail_vcpus",
                  vcpu_list(s->n_vcpus), "max_memkb", kib, "target_memkb", kib,
                  "video_memkb", s->type == XSR_HV_HVM ? 8192 : 0,
                  "sched_params", "sched", "credit2", "weight", 256, "cap", 0,
                  "claim_mode", "True");
    if (s->type != XSR_HV_HVM) {
        json_object_set_new(o, "kernel", json_string("/guest/vmlinuz"));
        json_object_set_new(o, "cmdline", json_string("console=hvc0 quiet"));
    }
    snprintf(key, sizeof(key), "type.%s", xsr_sim_type_name(s->type));
    json_object_set_new(o, key, type_part(s->type));
    json_object_set_new(o, "arch_arm", json_object());
    json_object_set_new(o, "arch_x86",
                        json_pack("{s:s}", "msr_relaxed", "False"));
    return o;
}

static char *config_text(const struct xsr_guest_spec *s, const char *uuid)
{
    json_t *o = json_pack(
        "{s:{s:s, s:s, s:s, s:s}, s:o, s:s, s:s, s:s}", "c_info", "type",
        xsr_sim_type_name(s->type), "name", s->name, "uuid", uuid,
        "run_hotplug_scripts", "True", "b_info", build_part(s), "on_reboot",
        "preserve", "on_crash", "preserve", "on_soft_reset", "soft_reset");
    char *text = o ? json_dumps(o, JSON_INDENT(4)) : NULL;

    json_decref(o);
    return text;
}

int xsr_create_folder(const char *variable, const char *below,
                      char out[PATH_MAX])
{
    struct xsr_err err = XSR_ERR_INIT;
    const char *host = xsr_sim_dir(&err), *set = getenv(variable);

    if (set && *set)
        snprintf(out, PATH_MAX, "%s", set);
    else if (host)
        snprintf(out, PATH_MAX, "%.4000s/%s", host, below);
    else
        return xsr_sim_fail("%s", err.text);
    if (mkdir(out, 0700) && errno != EEXIST)
        return xsr_sim_fail("cannot make %s: %s", out, strerror(errno));
    return XSR_SIM_OK;
}

static int write_file(const char *dir, const char *name, const char *text)
{
    struct xsr_err err = XSR_ERR_INIT;
    char path[2 * PATH_MAX];
    xsr_auto_close int fd = -1;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    fd =
        open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return xsr_sim_fail("cannot create %s: %s", path, strerror(errno));
    if (xsr_write_all(fd, text, strlen(text), path, &err) < 0)
        return xsr_sim_fail("%s", err.text);
    return XSR_SIM_OK;
}

int xsr_create_files(const struct xsr_create *c, uint32_t domid)
{
    char dir[PATH_MAX], name[96], uuid[37];
    xsr_auto_free char *text = NULL;
    struct xsr_hv_domain d;
    int rc = xsr_sim_find_domain(domid, &d);

    if (rc != XSR_SIM_OK)
        return rc;
    xsr_sim_uuid(&d, uuid);
    text = config_text(&c->spec, uuid);
    if (!text)
        return xsr_sim_fail("no memory for the configuration");
    snprintf(name, sizeof(name), "userdata-d.%" PRIu32 ".%s.libxl-json", domid,
             uuid);
    rc = xsr_create_folder("XENSR_DM_DIR", "dm", dir);
    if (rc == XSR_SIM_OK)
        rc = write_file(dir, name, text);
    snprintf(name, sizeof(name), "%" PRIu32 ".json", domid);
    if (rc == XSR_SIM_OK)
        rc = xsr_create_folder("XENSR_STATE_DIR", "state", dir);
    if (rc == XSR_SIM_OK)
        rc = write_file(dir, name, text);
    return rc;
}
