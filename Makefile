# strata - one Makefile for all; `make help` lists the targets.
#
# Everything is found by wildcard: a new file in a folder is built, linked and
# tested without a line here.  Everything made goes to build/, the variants
# (SAN=1, TSAN=1, FUZZ=1, HOOKLESS=1) to folders of their own below it.

MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:
.SECONDARY:
.DEFAULT_GOAL := all

LAYERS := linkd ipd tcpd udpd
PREFIX ?= /usr/local
DESTDIR ?=
ifeq ($(origin CC),default)
CC := gcc
endif
CLANG := $(if $(shell command -v clang-14),clang-14,clang)

# ---- Variants

ifdef SAN
B := build/san
VARIANT := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer -U_FORTIFY_SOURCE
else ifdef TSAN
# TSan does not model atomic_thread_fence; gcc says so at each one.
B := build/tsan
VARIANT := -O1 -g -fsanitize=thread -fno-omit-frame-pointer \
	-U_FORTIFY_SOURCE -Wno-tsan
else ifdef FUZZ
B := build/fuzz
override CC := $(CLANG)
VARIANT := -O1 -g -fsanitize=fuzzer-no-link,address,undefined \
	-fno-sanitize-recover=all -fno-omit-frame-pointer -U_FORTIFY_SOURCE
else ifdef HOOKLESS
B := build/hookless
VARIANT := -O2 -g -D_FORTIFY_SOURCE=3 -DSTRATA_NO_TAP
else
B := build
VARIANT := -O2 -g -D_FORTIFY_SOURCE=3
endif

# ---- Flags: the warning set and the release flags of the project

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wold-style-definition -Wpointer-arith \
	-Wcast-align -Wcast-qual -Wwrite-strings -Wundef -Wformat=2 -Wvla \
	-Wconversion -Wno-sign-conversion -Wnull-dereference \
	-Wimplicit-fallthrough -Wdouble-promotion -Wredundant-decls
ifeq ($(findstring clang,$(CC)),)
WARN += -Wduplicated-cond -Wduplicated-branches -Wlogical-op \
	-Wcast-align=strict
endif
ifdef WERROR
WARN += -Werror
endif

# What another language standard or an unknown compiler must not change.
LANG_FLAGS := -std=c11 -D_GNU_SOURCE -I.
CFLAGS ?=
LDFLAGS ?=
ALL_CFLAGS = $(LANG_FLAGS) $(VARIANT) $(WARN) -fno-common \
	-fstack-protector-strong $(PIC) $(CFLAGS)
ALL_LDFLAGS = $(filter -fsanitize=%,$(VARIANT)) -pie -Wl,-z,relro,-z,now \
	-Wl,--as-needed $(LDFLAGS)
# What ends up in libstrata.so has to be position independent; the rest is PIE.
PIC = $(if $(filter $(B)/obj/shm/% $(B)/obj/api/%,$@),\
	-fPIC -fno-semantic-interposition,-fPIE)

DAEMON_LIBS := -luring -lseccomp
COMMAND_LIBS := -lpcap -ljansson -luring -lseccomp
TEST_LIBS := -lcmocka -lpcap -ljansson -luring -lseccomp -lpthread

# V=1 shows the commands, otherwise one short line each.
Q := $(if $(V),,@)
say = $(if $(V),,@echo "  $(1) $(2)")

# ---- What there is

objs = $(patsubst %.c,$(B)/obj/%.o,$(1))
bin_names = $(patsubst %.c,$(B)/%,$(1))

SHM_SRC := $(wildcard shm/*.c)
API_SRC := $(filter-out api/preload%.c,$(wildcard api/*.c))
PRELOAD_SRC := $(wildcard api/preload*.c)
COMMAND_SRC := $(wildcard api/command/*.c)
EXAMPLE_SRC := $(wildcard api/examples/*.c)
LAYER_SRC := $(foreach l,$(LAYERS),$(wildcard $(l)/*.c))
HARNESS_SRC := $(wildcard tests/harness/*.c)
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)

# Folders of test programs: test_X.c is a program, the others in the folder are
# linked into each.  Of net/ and bench/ every file is a program for the scripts.
TEST_DIRS := tests/unit tests/tcp tests/tsan tests/crash
TEST_SRC := $(foreach d,$(TEST_DIRS),$(wildcard $(d)/test_*.c))
TEST_HELP_SRC := $(filter-out $(TEST_SRC),$(wildcard $(TEST_DIRS:=/*.c)))
TOOL_SRC := $(wildcard tests/net/*.c tests/bench/*.c)
SIM_SRC := $(wildcard tests/sim/*.c)

SHMLIB := $(B)/libshm.a
APILIB := $(if $(API_SRC),$(B)/libapi.a)
LAYERLIBS := $(foreach l,$(LAYERS),\
	$(if $(filter-out $(l)/main.c,$(wildcard $(l)/*.c)),$(B)/lib$(l).a))
LAYERLIBS := $(strip $(LAYERLIBS))
COMMANDLIB := $(if $(COMMAND_SRC),$(B)/libcommand.a)
HARNESSLIB := $(if $(HARNESS_SRC),$(B)/libharness.a)
TESTLIBS := $(HARNESSLIB) $(LAYERLIBS) $(COMMANDLIB) $(APILIB) $(SHMLIB)

DAEMONS := $(foreach l,$(LAYERS),$(if $(wildcard $(l)/main.c),$(B)/$(l)))
STRATA := $(if $(wildcard api/command/main.c),$(B)/strata)
LIBSTRATA := $(if $(API_SRC),$(B)/libstrata.a $(B)/libstrata.so)
PRELOAD := $(if $(PRELOAD_SRC),$(B)/libstrata-preload.so)
EXAMPLES := $(if $(API_SRC),$(EXAMPLE_SRC:api/%.c=$(B)/%))
TESTS := $(call bin_names,$(TEST_SRC))
TOOLS := $(call bin_names,$(TOOL_SRC))
FUZZERS := $(call bin_names,$(FUZZ_SRC))
SIM := $(if $(SIM_SRC),$(B)/tests/sim/sim)
FAST_TESTS := $(filter $(B)/tests/unit/% $(B)/tests/tcp/%,$(TESTS))

.PHONY: all
all: $(SHMLIB) $(LAYERLIBS) $(DAEMONS) $(LIBSTRATA) $(PRELOAD) $(STRATA) \
	$(EXAMPLES)

# ---- Objects and archives

# Rebuilt when compiler or flags change (but not for -Werror alone), and
# archives when a file comes or goes.  Each is written only if it differs.
define remember
@mkdir -p $(@D)
@echo '$(1)' | cmp -s - $@ || echo '$(1)' >$@
endef
.PHONY: FORCE
$(B)/.flags: FORCE
	$(call remember,$(CC) $(filter-out -Werror,$(ALL_CFLAGS)))
$(B)/.files: FORCE
	$(call remember,$(SHM_SRC) $(API_SRC) $(COMMAND_SRC) $(LAYER_SRC) \
		$(HARNESS_SRC) $(TEST_HELP_SRC))

$(B)/obj/%.o: %.c $(B)/.flags
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# A page as bytes between two symbols, named after its path.
$(B)/obj/%.o: %.html
	$(call say,LD,$<)
	@mkdir -p $(@D)
	$(Q)ld -r -b binary -z noexecstack -o $@ $<

define archive
$(call say,AR,$@)
@rm -f $@
$(Q)ar rcs $@ $(filter %.o,$^)
endef
$(SHMLIB): $(call objs,$(SHM_SRC)) $(B)/.files
	$(archive)
$(B)/libapi.a: $(call objs,$(API_SRC)) $(B)/.files
	$(archive)
$(B)/libcommand.a: $(B)/.files $(B)/obj/api/command/web_page.o \
		$(call objs,$(filter-out api/command/main.c,$(COMMAND_SRC)))
	$(archive)
$(B)/libharness.a: $(call objs,$(HARNESS_SRC)) $(B)/.files
	$(archive)

define layer_rules
$(B)/lib$(1).a: $(call objs,$(filter-out $(1)/main.c,$(wildcard $(1)/*.c))) \
		$(B)/.files
	$$(archive)
$(B)/$(1): $(B)/obj/$(1)/main.o $(filter %/lib$(1).a,$(LAYERLIBS)) $(SHMLIB)
	$$(call link,$$(DAEMON_LIBS))
endef

# ---- Programs and libraries

define link
$(call say,LD,$@)
@mkdir -p $(@D)
$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) \
	-Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(1)
endef
$(foreach l,$(LAYERS),$(eval $(call layer_rules,$(l))))

$(B)/strata: $(B)/obj/api/command/main.o $(COMMANDLIB) $(APILIB) $(SHMLIB)
	$(call link,$(COMMAND_LIBS))

# One object in which only the public names are left, so that a program which
# links it statically may call its own functions ring_put().
$(B)/libstrata.a: $(call objs,$(API_SRC)) $(SHMLIB)
	$(call say,AR,$@)
	$(Q)ld -r -o $(B)/libstrata.o $(filter %.o,$^) $(SHMLIB)
	$(Q)objcopy --wildcard --keep-global-symbol='strata_*' $(B)/libstrata.o
	@rm -f $@
	$(Q)ar rcs $@ $(B)/libstrata.o

MAP := $(wildcard api/libstrata.map)
define shared
$(call say,LD,$@)
$(Q)$(CC) $(filter-out -pie,$(ALL_LDFLAGS)) -shared $(SHARED) \
	$(if $(SAN)$(TSAN)$(FUZZ),,-Wl,-z,defs) -o $@ $(filter %.o,$^) \
	$(filter %.a,$^) -lpthread -ldl
endef
$(B)/libstrata.so.0: SHARED := -Wl,-soname,libstrata.so.0 \
	$(MAP:%=-Wl,--version-script=%)
$(B)/libstrata.so.0: $(call objs,$(API_SRC)) $(SHMLIB) $(MAP)
	$(shared)
$(B)/libstrata.so: $(B)/libstrata.so.0
	@ln -sf libstrata.so.0 $@
$(B)/libstrata-preload.so: $(call objs,$(PRELOAD_SRC)) $(APILIB) $(SHMLIB)
	$(shared)

# Examples are built as a user would build them: against the shared library.
$(B)/examples/%: $(B)/obj/api/examples/%.o $(B)/libstrata.so
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $< -L$(B) -lstrata -lpthread \
		-Wl,-rpath,'$$ORIGIN/..'

# ---- Test programs

$(TESTS): $(B)/tests/%: $(B)/obj/tests/%.o $(TESTLIBS)
	$(call link,$(TEST_LIBS))
define test_dir_rules
$(filter $(B)/$(1)/%,$(TESTS) $(B)/$(1)/none): \
	$(call objs,$(filter $(1)/%,$(TEST_HELP_SRC)))
endef
$(foreach d,$(TEST_DIRS),$(eval $(call test_dir_rules,$(d))))
# All layers in one program: of each only its own names are left, since two may
# have a function of the same name.
SIM_LAYERS := $(LAYERS:%=$(B)/obj/sim/%.o)
$(SIM_LAYERS): $(B)/obj/sim/%.o: $(B)/lib%.a
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)ld -r --whole-archive -o $@ $<
	$(Q)objcopy --wildcard --keep-global-symbol='$*_*' \
		--keep-global-symbol='vnet_*' $@
$(SIM): $(call objs,$(SIM_SRC)) $(SIM_LAYERS) $(HARNESSLIB) $(SHMLIB)
	$(call link,$(TEST_LIBS))
$(TOOLS): $(B)/tests/%: $(B)/obj/tests/%.o $(TESTLIBS)
	$(call link,$(TEST_LIBS))
$(FUZZERS): $(B)/tests/%: $(B)/obj/tests/%.o $(TESTLIBS)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(filter-out -fsanitize=%,$(ALL_LDFLAGS)) \
		-fsanitize=fuzzer,address,undefined -o $@ $< \
		-Wl,--start-group $(filter %.a,$^) -Wl,--end-group \
		$(TEST_LIBS)

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)

# ---- Tests.  The runners print a line for each program and the sum, and leave
# the counts in build/results, which `make test` adds up.

export V

.PHONY: test-programs tools fuzz-programs
test-programs: $(FAST_TESTS)
tools: $(TOOLS)
fuzz-programs: $(FUZZERS)

.PHONY: check-fast check check-tsan check-net crash models test demo
check-fast: $(FAST_TESTS)
	@tests/run-unit $(if $(SAN),check,check-fast) $^

check: deps-test
	@$(MAKE) --no-print-directory SAN=1 check-fast

check-tsan: deps-test
	@$(MAKE) --no-print-directory TSAN=1 check-tsan-run
.PHONY: check-tsan-run
check-tsan-run: $(filter $(B)/tests/tsan/%,$(TESTS))
	@tests/run-unit check-tsan $^

# The same scripts against either build: `make check-net SAN=1`.
check-net: deps-test
	@$(MAKE) --no-print-directory all tools
	@BUILD=$(B) tests/run-net check-net$(if $(SAN),-san) \
		$(filter-out %/lib.sh %-full.sh,$(sort $(wildcard tests/net/*.sh)))

crash: deps-test
	@$(MAKE) --no-print-directory crash-run
.PHONY: crash-run
crash-run: $(filter $(B)/tests/crash/%,$(TESTS))
	@tests/run-unit crash $^

# `make sim SEEDS=1-100`, `make sim SECONDS=600`; one: `SEEDS=77 SIM_ARGS=-v`
SEEDS ?= 1-2000
.PHONY: sim sim-run
sim: deps-test
	@$(MAKE) --no-print-directory sim-run
sim-run: $(SIM)
	@tests/run-sim $(if $(SAN),sim-san,sim) $(SIM) --seeds $(SEEDS) \
		$(SECONDS:%=--seconds %) $(SIM_ARGS)

models: deps-test
	@tests/run-models $(sort $(wildcard tests/models/*.pml))

test: deps-test
	@MAKE='$(MAKE)' tests/run-all

demo: deps
	@$(MAKE) --no-print-directory all
	@BUILD=$(B) tests/demo.sh

# ---- Fuzzing: `make fuzz T=udp_wire S=60`

S ?= 60
.PHONY: fuzz fuzz-smoke soak bench bench-hooks
fuzz: deps-test
	@$(if $(T),,echo 'usage: make fuzz T=NAME S=SECONDS, NAME one of:' \
		$(FUZZ_SRC:tests/fuzz/fuzz_%.c=%); exit 2)
	@$(MAKE) --no-print-directory FUZZ=1 build/fuzz/tests/fuzz/fuzz_$(T)
	@tests/run-fuzz fuzz $(S) build/fuzz/tests/fuzz/fuzz_$(T)

fuzz-smoke: deps-test
	@$(MAKE) --no-print-directory FUZZ=1 fuzz-smoke-run
.PHONY: fuzz-smoke-run
fuzz-smoke-run: $(FUZZERS)
	@tests/run-fuzz fuzz-smoke 3 $^

soak: deps-test
	@$(MAKE) --no-print-directory all tools $(SIM)
	@BUILD=$(B) tests/soak.sh

bench: deps-test
	@$(MAKE) --no-print-directory all tools
	@BUILD=$(B) tests/bench/bench.sh
	@BUILD=$(B) tests/bench/tcp.sh
	@$(MAKE) --no-print-directory bench-hooks

# What it costs that packets can be shown, beside a build that can't.
bench-hooks: deps-test
	@$(MAKE) --no-print-directory all tools
	@$(MAKE) --no-print-directory HOOKLESS=1 all tools
	@BUILD=$(B) tests/bench/hooks.sh

# The pictures that README shows, of a stack at work.
.PHONY: screenshots
screenshots: deps-test
	@$(MAKE) --no-print-directory all tools
	@V=1 BUILD=$(B) tests/run-net screenshots tests/screenshots.sh

# ---- Style

C_FILES = $(shell find $(wildcard shm $(LAYERS) api tests) -name '*.[ch]')
CLANG_FORMAT := $(if $(shell command -v clang-format-14),clang-format-14,\
	clang-format)
.PHONY: lint format format-check
lint: deps-test deps-lint
	@MAKE='$(MAKE)' .ci/lint
format: deps-lint
	@.ci/format $(CLANG_FORMAT) $(C_FILES)
format-check: deps-lint
	@$(CLANG_FORMAT) --dry-run -Werror $(C_FILES)

# ---- Packages: each installs what is missing and says so

.PHONY: deps deps-test deps-lint
deps:
	@.ci/deps build
deps-test:
	@.ci/deps build test
deps-lint:
	@.ci/deps lint

# ---- Installing

BINDIR := $(DESTDIR)$(PREFIX)/bin
LIBDIR := $(DESTDIR)$(PREFIX)/lib
LIBEXECDIR := $(DESTDIR)$(PREFIX)/libexec/strata
INCLUDEDIR := $(DESTDIR)$(PREFIX)/include
MANDIR := $(DESTDIR)$(PREFIX)/share/man
COMPDIR := $(DESTDIR)$(PREFIX)/share/bash-completion/completions
MANPAGES := $(wildcard api/*.[1-8] api/man/*.[1-8] api/command/*.[1-8])
COMPLETION := $(wildcard api/command/completion.bash)
man_path = $(MANDIR)/man$(subst .,,$(suffix $(1)))/$(notdir $(1))

.PHONY: install uninstall clean help
install: all
	install -d $(BINDIR) $(LIBDIR) $(LIBEXECDIR) $(INCLUDEDIR)
	install -m 755 $(B)/strata $(BINDIR)
	install -m 755 $(DAEMONS) $(LIBEXECDIR)
	install -m 644 $(B)/libstrata.a $(B)/libstrata.so.0 $(LIBDIR)
	ln -sf libstrata.so.0 $(LIBDIR)/libstrata.so
	$(if $(PRELOAD),install -m 644 $(PRELOAD) $(LIBDIR))
	install -m 644 api/strata.h $(INCLUDEDIR)
	install -d $(sort $(dir $(foreach m,$(MANPAGES),$(call man_path,$(m)))))
	$(foreach m,$(MANPAGES),cp -P $(m) $(call man_path,$(m));)
	$(if $(COMPLETION),install -D -m 644 $(COMPLETION) $(COMPDIR)/strata)

uninstall:
	rm -f $(BINDIR)/strata $(INCLUDEDIR)/strata.h $(COMPDIR)/strata
	rm -f $(LIBDIR)/libstrata.a $(LIBDIR)/libstrata.so \
		$(LIBDIR)/libstrata.so.0 $(LIBDIR)/libstrata-preload.so
	rm -f $(foreach l,$(LAYERS),$(LIBEXECDIR)/$(l))
	rm -f $(foreach m,$(MANPAGES),$(call man_path,$(m)))
	if [ -d $(LIBEXECDIR) ]; then rmdir $(LIBEXECDIR); fi

clean:
	rm -rf build

help:
	@sed -n 's/^#? //p' $(firstword $(MAKEFILE_LIST))

#? make              all programs and libraries, in build/
#? make demo         install what is missing, build, show the stack at work
#? make test         everything CI wants, ends with one line of counts
#?
#? make check-fast   unit tests, plain build; seconds
#? make check        unit tests under ASan and UBSan
#? make check-tsan   rings with both ends as threads, under TSan
#? make check-net    real processes in namespaces against the kernel
#? make crash        kill -9 after every instruction, one after the other
#? make sim          whole hosts on a bad wire, daemons killed; SEEDS=A-B
#? make models       Spin models, and that they fail without their fences
#? make fuzz-smoke   each fuzz target for seconds;  fuzz T=NAME S=60 for one
#? make soak         hours of traffic, kills and restarts
#? make screenshots  the pictures in README, of a stack at work
#? make bench        against the kernel's own stack, in the same run
#? make bench-hooks  what it costs that packets can be captured
#?
#? make lint         all that must be clean: two compilers, four checkers
#? make format       clang-format;  format-check only looks
#? make deps         install what building needs;  deps-test, deps-lint
#? make install      PREFIX=/usr/local DESTDIR=;  uninstall
#? make clean        removes build/
#?
#? V=1 shows commands and whole test output, WERROR=1, CC=clang, SAN=1 and
#? TSAN=1 (builds with sanitizers, in build/san and build/tsan), HOOKLESS=1 (one
#? that can show no packet to capture, trace, latency, in build/hookless)
