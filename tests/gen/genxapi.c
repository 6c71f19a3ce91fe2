/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Writes suspend images of XenServer to standard output, piece by piece as the
 * arguments say, and device states of traditional QEMU as its producers wrote
 * them. It shares no code with stream/xapi: this is what that is judged by.
 *
 *   genxapi sig xenops=TEXT libxc=FILE varstored=FILE qemu=FILE end
 *   genxapi old-sig file=LEGACY old-qemu=FILE
 *   genxapi blob=quirk+uhci
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void __attribute__((noreturn)) die(const char *what, const char *why)
{
    fprintf(stderr, "genxapi: %s: %s\n", what, why);
    exit(1);
}

static void put(const void *p, size_t n)
{
    if (n && fwrite(p, n, 1, stdout) != 1)
        die("standard output", strerror(errno));
}

static void put_n(uint64_t v, int bytes, int big)
{
    for (int i = 0; i < bytes; i++) {
        uint8_t b = (uint8_t)(v >> 8 * (big ? bytes - 1 - i : i));

        put(&b, 1);
    }
}

static void put_header(uint64_t type, uint64_t len)
{
    put_n(type, 8, 0);
    put_n(len, 8, 0);
}

static uint64_t file_len(const char *path)
{
    FILE *f = fopen(path, "rb");
    long n;

    if (!f || fseek(f, 0, SEEK_END) || (n = ftell(f)) < 0)
        die(path, strerror(errno));
    fclose(f);
    return (uint64_t)n;
}

static void put_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    char piece[65536];
    size_t n;

    if (!f)
        die(path, strerror(errno));
    while ((n = fread(piece, 1, sizeof piece, f)) > 0)
        put(piece, n);
    fclose(f);
}

/* ---- device states --------------------------------------------------------
 */

static void section(uint8_t type, uint32_t id, const char *name,
                    uint32_t version)
{
    put_n(type, 1, 1);
    put_n(id, 4, 1);
    put_n(strlen(name), 1, 1);
    put(name, strlen(name));
    put_n(0, 4, 1);
    put_n(version, 4, 1);
}

static void fill(uint8_t byte, size_t n)
{
    while (n--)
        put(&byte, 1);
}

static void piix4acpi(uint32_t version, int has_address)
{
    section(4, 20, "piix4acpi", version);
    put_n(2, 4, 1);
    put("\x86\x80\x13\x71", 4);
    fill(0x11, 252);
    fill(0, 16);
    put_n(1, 2, 1);
    if (has_address)
        put_n(0xb000, 4, 1);
}

/* QEMU itself, as it saves under Xen. */
static void put_upstream(void)
{
    put("QEVM\0\0\0\3", 8);
    section(4, 0, "timer", 2);
    fill(0x22, 24);
    section(4, 3, "0000:00:02.0/platform", 4);
    fill(0x33, 277);
    put_n(0, 1, 1);
}

/* gpe 0: no such section. */
static void put_blob(const char *kind)
{
    static const struct {
        const char *name;
        uint32_t gpe, version;
        int has_address;
    } kinds[] = {
        {"trad1", 1, 1, 0}, {"trad2", 2, 2, 1},  {"quirk", 1, 2, 0},
        {"xs65", 2, 3, 1},  {"no-gpe", 0, 2, 0}, {"liar", 2, 2, 0},
    };
    size_t i, n = strcspn(kind, "+");

    for (i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strlen(kinds[i].name) == n && !strncmp(kind, kinds[i].name, n))
            break;
    if (!strcmp(kind, "upstream")) {
        put_upstream();
        return;
    }
    if (i == sizeof kinds / sizeof *kinds)
        die(kind, "no such device state");
    put("QEVM\0\0\0\3", 8);
    section(1, 0, "ram", 3);
    put("\2\0\0\0\0\3\0\0\0\0", 10);
    section(4, 1, "timer", 2);
    fill(0x22, 8);
    if (kinds[i].gpe) {
        section(4, 18, "gpe", kinds[i].gpe);
        fill(0x33, kinds[i].gpe == 1 ? 9 : 17);
    }
    section(4, 19, "pci_devfn", 1);
    fill(0x44, 130);
    piix4acpi(kinds[i].version, kinds[i].has_address);
    if (kind[n] == '+') {
        section(4, 21, kind + n + 1, 1);
        fill(0x55, 40);
    }
    put_n(0, 1, 1);
}

/* ---- pieces ---------------------------------------------------------------
 */

static int named_record(const char *name, size_t n, const char *value)
{
    static const struct {
        const char *name;
        uint64_t type;
        int by_itself;
    } records[] = {
        {"libxc", 0xf0, 1},  {"legacy", 0xf2, 1},     {"demu", 0xf10, 1},
        {"qemu", 0xf00, 0},  {"varstored", 0xf11, 0}, {"swtpm0", 0xf12, 0},
        {"swtpm", 0xf13, 0},
    };

    for (size_t i = 0; i < sizeof records / sizeof *records; i++) {
        if (strlen(records[i].name) != n || strncmp(name, records[i].name, n))
            continue;
        put_header(records[i].type, records[i].by_itself ? 0 : file_len(value));
        put_file(value);
        return 1;
    }
    return 0;
}

static void put_piece(const char *arg)
{
    const char *equals = strchr(arg, '=');
    const char *value = equals ? equals + 1 : "";
    size_t n = equals ? (size_t)(equals - arg) : strlen(arg);
    char *end;

    if (!strcmp(arg, "sig")) {
        put("XenSavedDomv2-\n", 15);
    } else if (!strcmp(arg, "old-sig")) {
        put("XenSavedDomain\n", 15);
    } else if (!strcmp(arg, "end")) {
        put_header(0xffff, 0);
    } else if (!strncmp(arg, "xenops=", 7)) {
        put_header(0xf, strlen(value));
        put(value, strlen(value));
    } else if (!strncmp(arg, "file=", 5)) {
        put_file(value);
    } else if (!strncmp(arg, "text=", 5)) {
        put(value, strlen(value));
    } else if (!strncmp(arg, "blob=", 5)) {
        put_blob(value);
    } else if (!strncmp(arg, "old-qemu=", 9)) {
        put("QemuDeviceModelRecord\n", 22);
        put_n(file_len(value), 4, 1);
        put_file(value);
    } else if (!strncmp(arg, "header=", 7)) { /* TYPE:LENGTH */
        uint64_t type = strtoull(value, &end, 0);

        put_header(type, *end ? strtoull(end + 1, NULL, 0) : 0);
    } else if (!named_record(arg, n, value)) {
        die(arg, "no such piece");
    }
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        put_piece(argv[i]);
    if (fflush(stdout))
        die("standard output", strerror(errno));
    return 0;
}
