/*
 * counters.c - what udpd counts, by name
 */
#include "udpd/counters.h"

#define AT(c) [(c)-CNT_NODE_END]

const struct counter_def udpd_counters[CNT_UDPD_END - CNT_NODE_END] = {
	AT(CNT_RX_DATAGRAMS) = { "rx_datagrams", false },
	AT(CNT_RX_DELIVERED) = { "rx_delivered", false },
	AT(CNT_RX_ERRORS) = { "rx_icmp_errors", false },
	AT(CNT_RX_RAW) = { "rx_raw_packets", false },
	AT(CNT_TX_DATAGRAMS) = { "tx_datagrams", false },
	AT(CNT_TX_UNREACHABLE) = { "tx_port_unreachable", false },
	AT(CNT_RX_SHORT) = { "rx_short", true },
	AT(CNT_RX_BAD_LENGTH) = { "rx_bad_length", true },
	AT(CNT_RX_BAD_PORT) = { "rx_bad_port", true },
	AT(CNT_RX_BAD_CHECKSUM) = { "rx_bad_checksum", true },
	AT(CNT_RX_NO_SOCKET) = { "rx_no_socket", true },
	AT(CNT_RX_BUFFER_FULL) = { "rx_buffer_full", true },
	AT(CNT_RX_ERROR_QUEUE_FULL) = { "rx_error_queue_full", true },
	AT(CNT_RX_BAD_ERROR) = { "rx_bad_icmp_error", true },
	AT(CNT_RX_BAD_KIND) = { "rx_bad_kind", true },
	AT(CNT_RX_TOO_MANY) = { "rx_too_many_members", true },
	AT(CNT_TX_NO_ROUTE) = { "tx_no_route", true },
	AT(CNT_TX_REFUSED) = { "tx_refused", true },
	AT(CNT_TX_NO_PORT) = { "tx_no_port", true },
	AT(CNT_APP_CUT_OFF) = { "app_cut_off", false },
	AT(CNT_COMMANDS) = { "commands", false },
};
