/*
 * tcp_load_strata.c - tcp_load.c on the sockets of our stack
 */
#include "api/strata.h"

#define NET(call) strata_##call

#include "tests/bench/tcp_load.c"
