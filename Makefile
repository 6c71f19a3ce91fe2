# xensr: `make help` lists the targets.
#
# VARIANT=asan|cov|fuzz builds into build-asan/ and so on with the same sources.
# O=DIR builds somewhere else. WERROR=1 makes warnings errors (CI does).
# V=1 shows whole commands.

VARIANT ?=
O       ?= build$(if $(VARIANT),-$(VARIANT))
PREFIX  ?= /usr/local
DESTDIR ?=
CC      ?= gcc
XEN_VER ?= 4.17
# Recursive makes of this file use all processors unless told otherwise.
JOBS    = $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell nproc))
SUB     = @$(MAKE) --no-print-directory $(JOBS)
say     = $(if $(V),,@printf '  %-4s %s\n' $(1) $(@:$(O)/%=%); )

CFLAGS  ?= -O2 -g
BASE_CFLAGS = -std=gnu11 -D_GNU_SOURCE -I. -fPIC -fvisibility=hidden \
	-Wall -Wextra -Wshadow -Wvla -Wstrict-prototypes \
	-Wmissing-prototypes -Wpointer-arith -Wundef -Wformat=2 \
	-fno-strict-aliasing -fstack-protector-strong -pthread
BASE_LDFLAGS = -pthread -Wl,-z,relro,-z,now
ifeq ($(VARIANT),asan)
BASE_CFLAGS  += -fsanitize=address,undefined -fno-omit-frame-pointer \
	-fno-sanitize-recover=undefined
BASE_LDFLAGS += -fsanitize=address,undefined
endif
ifeq ($(VARIANT),cov)
BASE_CFLAGS  += --coverage -O0
BASE_LDFLAGS += --coverage
endif
ifeq ($(VARIANT),fuzz)
CC = clang
BASE_CFLAGS  += -fsanitize=fuzzer-no-link,address,undefined \
	-fno-omit-frame-pointer -fno-sanitize-recover=undefined
BASE_LDFLAGS += -fsanitize=address,undefined
endif
ifeq ($(WERROR),1)
BASE_CFLAGS += -Werror
endif

# The release of Xen's headers, and a name that point releases have changed
# (engine/compat.h). The simulated host is that of 4.17; for every other release
# the programs and the library are built without it.
XEN_H := $(shell $(CC) $(CFLAGS) -E -dD -include xenctrl.h -x c /dev/null \
	2>/dev/null | awk '$$2 == "XEN_DOMCTL_INTERFACE_VERSION" { print $$3 } \
	$$2 == "cpuid_policy;" && !old++ { print "old-names" }')
XEN_ABI := $(filter 0x%,$(XEN_H))
SIM := $(if $(filter-out 0x00000015,$(XEN_ABI)),,yes)
BASE_CFLAGS += $(if $(filter old-names,$(XEN_H)),-DXSR_OLD_POLICY_NAMES)

# ---- what is built of what (wildcards: a new file needs no line here) ------

obj = $(patsubst %.c,$(O)/%.o,$(wildcard $(1)))
LIB_O    := $(call obj,lib/*.c)
STREAM_O := $(call obj,stream/*.c stream/*/*.c)
CONVERT_O := $(call obj,convert/*.c convert/*/*.c)
ENGINE_O := $(call obj,engine/*.c engine/*/*.c)
HELPER_O := $(call obj,helper/*.c)
PLUGIN_O := $(call obj,plugin/*.c plugin/*/*.c)
TOOLS_O  := $(call obj,tools/*.c tools/*/*.c)
CHECK_O  := $(call obj,tools/check/*.c tools/judge/*.c tools/input.c \
	tools/progress.c)
INSPECT_O := $(call obj,tools/inspect/*.c tools/walk/*.c tools/result.c \
	tools/signals.c tools/target.c)
WORLD_O  := $(call obj,stubs/world/*.c stubs/hv/*.c stubs/xs/*.c stubs/guest/*.c)
SIMTOOL_O := $(call obj,stubs/tool/*.c)
SIMDM_O  := $(call obj,stubs/dm/*.c)
progs = $(patsubst %.c,$(O)/%,$(wildcard $(1)))
TESTS_GEN := $(call progs,tests/gen/*.c)
TESTS_BIN := $(call progs,tests/bin/*.c)
FUZZ     := $(call progs,tests/fuzz/*.c)
FUZZ_O   := $(addprefix $(O)/tests/fuzz/support/,fuzz.o walk.o must.o)
FUZZ_BIN := $(addprefix $(O)/tests/fuzz/support/,cut flips flipcheck)
UNIT     := $(call progs,tests/unit/*.c)
UNIT_SIM := $(call progs,tests/unit-sim/*.c)
STUBS    := $(patsubst stubs/libs/%.c,$(O)/stubs/%,$(wildcard stubs/libs/*.c))
STUB_SO  := $(foreach s,$(STUBS),$(s).so)

XEN_LIBS     = -lxenctrl -lxenforeignmemory -lxentoollog
HELPER_LIBS  = -lxenguest $(XEN_LIBS)
PLUGIN_LIBS  = -lxenctrl -lxenguest -lxenevtchn -lxenstore -lxentoollog -ljansson
TOOLS_LIBS   = $(PLUGIN_LIBS) -lzstd -ldl

SIM_BINS = $(O)/stubs/libxensrsim.so $(O)/stubs/xensr-sim \
	$(O)/stubs/xensr-sim-dm $(STUB_SO)
BINS = $(O)/bin/xensr $(O)/bin/xensr-convert-legacy $(O)/bin/xensr-helper \
	$(O)/lib/libxensr.so $(if $(SIM),$(SIM_BINS))

# Objects that are only on the way to a library stay.
.SECONDARY:

.PHONY: all
all: $(BINS) ## build everything below build/
	$(if $(SIM),,@echo "Built without the simulated host, which needs Xen \
	4.17's headers; these have domctl interface $(XEN_ABI).")

.PHONY: need-sim
need-sim:
	$(if $(SIM),,@echo "make: tests and demo need the simulated host, \
	which is that of Xen 4.17; the headers here have domctl interface \
	$(XEN_ABI), not 0x15. Run them where libxen-dev is 4.17 (Debian 12); \
	\`make all\` and \`make install\` work here." >&2; exit 1)

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-14s %s\n", $$1, $$2 }' \
		$(firstword $(MAKEFILE_LIST))

.PHONY: deps
deps: ## install what the build and the tests need (Debian packages)
	@sh tests/deps.sh

.PHONY: deps-check
deps-check:
	@sh tests/deps.sh --check

.PHONY: demo
demo: need-sim deps ## a real guest comes back, a simulated one is saved and moves
	$(SUB) $(BINS)
	@bash tests/demo.sh $(O)

$(O)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(BASE_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(O)/libxsr.a: $(LIB_O)
$(O)/libstream.a: $(STREAM_O)
$(O)/libconvert.a: $(CONVERT_O)
$(O)/libengine.a: $(ENGINE_O)
$(O)/libplugin.a: $(PLUGIN_O)
$(O)/%.a:
	@rm -f $@
	$(call say,AR)$(AR) rcs $@ $^

$(O)/bin/xensr-helper: $(HELPER_O) $(O)/libengine.a $(O)/libstream.a $(O)/libxsr.a
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(BASE_LDFLAGS) $(LDFLAGS) -rdynamic -o $@ $^ $(HELPER_LIBS)

$(O)/lib/libxensr.so: $(PLUGIN_O) $(O)/libconvert.a $(O)/libstream.a $(O)/libxsr.a
	@mkdir -p $(@D)
	$(call say,LD)$(CC) -shared $(BASE_LDFLAGS) $(LDFLAGS) -Wl,-soname,libxensr.so.0 \
		-o $@ $^ $(PLUGIN_LIBS)

$(O)/bin/xensr: $(TOOLS_O) $(O)/libplugin.a $(O)/libconvert.a \
		$(O)/libstream.a $(O)/libxsr.a
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(BASE_LDFLAGS) $(LDFLAGS) -o $@ $^ $(TOOLS_LIBS)

# The same program; it looks at the name that it is called by.
$(O)/bin/xensr-convert-legacy: $(O)/bin/xensr
	$(call say,LINK)ln -sf xensr $@

# ---- the simulated host ----------------------------------------------------

$(O)/stubs/libxensrsim.so: $(WORLD_O) $(O)/libxsr.a
	@mkdir -p $(@D)
	$(call say,LD)$(CC) -shared $(BASE_LDFLAGS) $(LDFLAGS) -Wl,-soname,libxensrsim.so \
		-o $@ $^

# stubs/libs/NAME.c + NAME.map -> build/stubs/NAME.so; the soname link beside it
# comes from the first line of NAME.map: "# soname: libfoo.so.N [extra libs]".
$(O)/stubs/%.so: $(O)/stubs/libs/%.o stubs/libs/%.map \
		$(O)/stubs/libxensrsim.so $(O)/libengine.a $(O)/libstream.a $(O)/libxsr.a
	@mkdir -p $(@D)
	$(call say,LD)soname=$$(sed -n '1s/^# soname: \([^ ]*\).*/\1/p' stubs/libs/$*.map) && \
	extra=$$(sed -n '1s/^# soname: [^ ]* *//p' stubs/libs/$*.map) && \
	$(CC) -shared $(BASE_LDFLAGS) $(LDFLAGS) -Wl,-soname,$$soname \
		-Wl,--version-script=stubs/libs/$*.map -Wl,-rpath,'$$ORIGIN' \
		-o $@ $< $(O)/libengine.a $(O)/libstream.a $(O)/libxsr.a \
		-L$(O)/stubs -lxensrsim $$extra && \
	ln -sf $*.so $(O)/stubs/$$soname

$(O)/stubs/xensr-sim: $(SIMTOOL_O) $(O)/stubs/libxensrsim.so $(O)/libxsr.a
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(BASE_LDFLAGS) $(LDFLAGS) -Wl,-rpath,'$$ORIGIN' -o $@ \
		$(SIMTOOL_O) $(O)/libxsr.a -L$(O)/stubs -lxensrsim -ljansson

# The stand-in device model of simulated HVM guests.
$(O)/stubs/xensr-sim-dm: $(SIMDM_O) $(O)/stubs/libxensrsim.so $(O)/libxsr.a
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(BASE_LDFLAGS) $(LDFLAGS) -Wl,-rpath,'$$ORIGIN' -o $@ \
		$(SIMDM_O) $(O)/libxsr.a -L$(O)/stubs -lxensrsim -ljansson

# Every stub but libxenguest: Debian's own libxenguest on the simulated host.
$(O)/stubs-hybrid/.made: $(STUB_SO) $(O)/stubs/xensr-sim $(O)/stubs/xensr-sim-dm
	@rm -rf $(@D) && mkdir -p $(@D)
	@for f in $(O)/stubs/lib*.so* $(O)/stubs/xensr-sim*; do \
		case $$f in */libxenguest.so*) continue;; esac; \
		ln -sf ../stubs/$${f##*/} $(@D)/; \
	done
	@touch $@

# ---- tests -----------------------------------------------------------------

TEST_CC = $(call say,TEST)mkdir -p $(@D) && $(CC) $(BASE_CFLAGS) $(CFLAGS) \
	$(BASE_LDFLAGS) $(LDFLAGS) -MMD -MP -MF $@.d -MT $@ -o $@ $<
UNIT_A  = $(O)/libplugin.a $(O)/libconvert.a $(O)/libstream.a $(O)/libxsr.a

$(O)/tests/gen/%: tests/gen/%.c $(O)/libstream.a $(O)/libxsr.a
	$(TEST_CC) $(O)/libstream.a $(O)/libxsr.a -ljansson

$(O)/tests/bin/%: tests/bin/%.c $(O)/libxsr.a
	$(TEST_CC) $(O)/libxsr.a

# Programs that call libxenguest, or our engine, without a helper around it.
$(O)/tests/bin/%box: tests/bin/%box.c $(O)/libengine.a $(O)/libstream.a $(O)/libxsr.a
	$(TEST_CC) $(O)/libengine.a $(O)/libstream.a $(O)/libxsr.a $(HELPER_LIBS)

$(O)/tests/unit/%: tests/unit/%.c $(UNIT_A)
	$(TEST_CC) $(UNIT_A) -lcmocka $(PLUGIN_LIBS)

# `xensr check` without its command line.
$(O)/libcheck.a: $(CHECK_O)
$(O)/libinspect.a: $(INSPECT_O)
$(O)/tests/unit/check_%: tests/unit/check_%.c $(O)/libcheck.a $(UNIT_A)
	$(TEST_CC) $(O)/libcheck.a $(UNIT_A) -lcmocka $(TOOLS_LIBS)

# The pure parts of engine/.
$(O)/tests/unit/engine_%: tests/unit/engine_%.c $(O)/libengine.a $(UNIT_A)
	$(TEST_CC) $(O)/libengine.a $(UNIT_A) -lcmocka $(XEN_LIBS)

# A fuzz target is run by libFuzzer, or fed with files (support/replay.c).
FUZZ_MAIN = $(if $(filter fuzz,$(VARIANT)),-fsanitize=fuzzer,\
	$(O)/tests/fuzz/support/replay.o)

$(O)/tests/fuzz/%: tests/fuzz/%.c $(FUZZ_O) $(O)/tests/fuzz/support/replay.o \
		$(UNIT_A)
	$(TEST_CC) $(FUZZ_O) $(FUZZ_MAIN) $(UNIT_A) $(PLUGIN_LIBS)

# A subcommand without the program around it.
FUZZ_TOOL := $(O)/tests/fuzz/support/tool.o $(O)/libinspect.a $(O)/libcheck.a
$(O)/tests/fuzz/check $(O)/tests/fuzz/inspect: $(O)/%: %.c $(FUZZ_O) \
		$(FUZZ_TOOL) $(O)/tests/fuzz/support/replay.o $(UNIT_A)
	$(TEST_CC) $(FUZZ_O) $(FUZZ_TOOL) $(FUZZ_MAIN) $(UNIT_A) $(TOOLS_LIBS)

$(FUZZ_BIN): $(O)/%: %.c $(FUZZ_O) $(FUZZ_TOOL) $(UNIT_A)
	$(TEST_CC) $(FUZZ_O) $(FUZZ_TOOL) $(UNIT_A) $(TOOLS_LIBS)

# The insides of the simulated host.
$(O)/tests/unit-sim/%: tests/unit-sim/%.c $(O)/stubs/libxensrsim.so \
		$(O)/libstream.a $(O)/libxsr.a
	$(TEST_CC) $(O)/libstream.a $(O)/libxsr.a -lcmocka \
		-L$(O)/stubs -lxensrsim -Wl,-rpath,'$$ORIGIN/../../stubs'

.PHONY: check-bins
check-bins: need-sim $(if $(SIM),$(BINS) $(O)/stubs-hybrid/.made $(UNIT) \
		$(UNIT_SIM) $(TESTS_GEN) $(TESTS_BIN) $(FUZZ) $(FUZZ_BIN))

.PHONY: unit
unit: check-bins ## the unit tests alone
	@bash tests/check.sh --unit $(O)

.PHONY: check
check: need-sim deps-check ## all tests: plain, ASan+UBSan, valgrind
	-$(SUB) stock
	$(SUB) check-bins
	$(SUB) VARIANT=asan O=$(O)-asan check-bins
	@bash tests/check.sh --full $(O)

.PHONY: check-quick
check-quick: need-sim deps-check ## all tests without ASan+UBSan and valgrind
	-$(SUB) stock
	$(SUB) check-bins
	@bash tests/check.sh --quick $(O)

.PHONY: check-cross
check-cross: need-sim deps-check ## a guest through every toolstack, helper and library
	-$(SUB) stock
	$(SUB) check-bins
	@bash tests/check.sh --cross $(O)

# Debian's unmodified save helper, for the tests; never part of the repository.
$(O)/stock/libxl-save-helper:
	@mkdir -p $(@D)
	cd $(@D) && apt-get download -q -o APT::Sandbox::User=root xen-utils-$(XEN_VER) && \
		dpkg -x xen-utils-$(XEN_VER)_*.deb root && rm -f *.deb
	ln -sf root/usr/lib/xen-$(XEN_VER)/bin/libxl-save-helper $@

.PHONY: stock
stock: $(O)/stock/libxl-save-helper ## fetch Debian's own save helper and xl for tests

.PHONY: bench
bench: need-sim deps ## save, restore, live migration: ours and Debian's, side by side
	-$(SUB) stock
	$(SUB) check-bins
	@bash tests/bench/bench.sh $(O)

.PHONY: bench-tools
bench-tools: need-sim deps-check ## check, convert: ours and Debian's Python ones
	-$(SUB) stock
	$(SUB) check-bins
	@bash tests/bench/tools.sh $(O)

.PHONY: fuzz-bins
fuzz-bins: $(FUZZ) $(FUZZ_BIN) $(TESTS_GEN)

# Needs clang; no hypervisor and no simulated host.
.PHONY: fuzz-quick
fuzz-quick: ## fuzz every parser, FUZZ_SECONDS (60) each
	@sh tests/deps.sh --fuzz
	$(SUB) VARIANT=fuzz O=$(O)-fuzz fuzz-bins
	@bash tests/fuzz/fuzz.sh $(O)-fuzz

.PHONY: lint
lint: ## include rules, size limits, format, shell, spelling
	@sh tests/deps.sh --lint
	@bash tests/check.sh --lint $(O)

.PHONY: format
format: ## apply .clang-format to every source file
	git ls-files '*.c' '*.h' | xargs clang-format -i

.PHONY: fresh-check
fresh-check: ## README's commands in a bare Debian 12 root
	@bash tests/check.sh --fresh $(O)

# ---- real Xen in an emulator (xen-tests/README.md) --------------------------

RELEASE ?= $(XEN_VER)
XEN_RUN = @bash xen-tests/run.sh
XEN_OPT = --build $(O) --release $(RELEASE)

# A machine that cannot have QEMU says so and goes on: run.sh counts a skip.
.PHONY: xen-deps
xen-deps:
	@sh tests/deps.sh --xen || echo "make: without these, xen-tests may not run"

.PHONY: xen-check
xen-check: xen-deps ## boot real Xen 4.17 in QEMU, quick suite
	$(XEN_RUN) check $(XEN_OPT)

.PHONY: xen-check-all
xen-check-all: xen-deps ## the same and the long suite on 4.14, 4.17 and 4.20
	$(XEN_RUN) all --build $(O)

.PHONY: xen-shell
xen-shell: xen-deps ## a prompt in dom0 with this build; RELEASE=4.17
	$(XEN_RUN) shell $(XEN_OPT)

.PHONY: xen-bench
xen-bench: xen-deps ## speed on real hypercalls: stock, ours, our engine
	$(XEN_RUN) bench $(XEN_OPT)

.PHONY: xen-record
xen-record: xen-deps ## record images and protocols of real guests
	$(XEN_RUN) record $(XEN_OPT)

# ---- installing ------------------------------------------------------------

LIBEXEC_D = $(DESTDIR)$(PREFIX)/libexec/xensr
LIB_D     = $(DESTDIR)$(PREFIX)/lib
SIM_D     = $(LIB_D)/xensr/sim
DOC_D     = $(DESTDIR)$(PREFIX)/share/doc/xensr

.PHONY: install
install: all ## install below DESTDIR and PREFIX (/usr/local)
	install -d $(DESTDIR)$(PREFIX)/bin $(LIBEXEC_D) $(LIB_D) $(DOC_D) \
		$(DESTDIR)$(PREFIX)/include
	install -m 755 $(O)/bin/xensr $(DESTDIR)$(PREFIX)/bin/
	install -m 755 $(O)/bin/xensr-helper $(LIBEXEC_D)/
	ln -sf ../../bin/xensr $(LIBEXEC_D)/xensr-convert-legacy
	install -m 755 $(O)/lib/libxensr.so $(LIB_D)/libxensr.so.0
	ln -sf libxensr.so.0 $(LIB_D)/libxensr.so
	install -m 644 plugin/xensr.h $(DESTDIR)$(PREFIX)/include/
	$(if $(SIM),install -d $(SIM_D) && cp -P $(O)/stubs/*.so* \
		$(O)/stubs/xensr-sim $(O)/stubs/xensr-sim-dm $(SIM_D)/)
	install -m 644 README.md INSTALL LICENSE docs/man/*.md $(DOC_D)/

.PHONY: uninstall
uninstall: ## remove what install put there
	rm -f $(DESTDIR)$(PREFIX)/bin/xensr $(LIBEXEC_D)/xensr-helper \
		$(LIBEXEC_D)/xensr-convert-legacy \
		$(LIB_D)/libxensr.so.0 $(LIB_D)/libxensr.so \
		$(DESTDIR)$(PREFIX)/include/xensr.h
	rm -rf $(SIM_D) $(DOC_D)
	-rmdir $(LIBEXEC_D) $(LIB_D)/xensr

.PHONY: clean
clean: ## remove everything that was built
	rm -rf build build-asan build-cov build-fuzz

-include $(shell find $(O) -path $(O)/stock -prune -o -type f -name '*.d' \
	-print 2>/dev/null)
