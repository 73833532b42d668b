/*
 * test_metrics.c - OpenMetrics text, and the server that hands it out
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/command/http.h"
#include "api/command/metrics.h"
#include "shm/ask_socket.h"

static const char status[] =
    "{'ok': true, 'name': 't', 'uptime_ms': 1500,"
    " 'daemons': [{'name': 'ip\\\\d', 'up': true, 'restarts': 2,"
    "   'uptime_ms': 500, 'last_gap_us': 250, 'cpu_ms': 70, 'rss': 4096,"
    "   'turns': 9, 'wakeups': 3}],"
    " 'links': [{'name': 'wan', 'mtu': 1500, 'rx_bytes': 640}],"
    " 'addresses': [{'link': 'wan', 'state': 'valid'},"
    "   {'link': 'wan', 'state': 'valid'}],"
    " 'neighbours': [], 'routes': [],"
    " 'rings': [{'from': 'a', 'to': 'b', 'kind': 'data', 'slots': 64,"
    "   'fill': 1, 'moved': 4000000000, 'full': 0}],"
    " 'pools': [], 'apps': [{'app': 3, 'pid': 44, 'sockets': 7}],"
    " 'drops': {'ipd': {'no_route': 0}},"
    " 'counters': {'ipd': {'ipv4_sent': 12345678901,"
    "   'tx_bytes': 99}}}";

/* Takes over @all. */
static char *as_text(json_t *all)
{
	char *text = NULL;
	size_t len;
	FILE *to = open_memstream(&text, &len);

	metrics_print(to, all);
	json_decref(all);
	fclose(to);
	return text;
}

static char *metrics(void)
{
	char json[sizeof(status)];
	json_t *all = json_array();
	json_t *j;

	memcpy(json, status, sizeof(status));
	for (char *p = json; *p != '\0'; p++)
		if (*p == '\'')
			*p = '"';
	j = json_loads(json, 0, NULL);
	assert_non_null(j);
	metrics_of_status(all, j);
	json_decref(j);
	return as_text(all);
}

static void has(const char *text, const char *line)
{
	if (strstr(text, line) == NULL)
		fail_msg("no %s in\n%s", line, text);
}

static void samples(void **state)
{
	static const char *const lines[] = {
		"strata_info{name=\"t\"} 1\n",
		"strata_uptime_seconds 1.5\n",
		"strata_daemon_up{daemon=\"ip\\\\d\"} 1\n",
		"strata_daemon_restarts_total{daemon=\"ip\\\\d\"} 2\n",
		"strata_daemon_last_gap_seconds{daemon=\"ip\\\\d\"} 0.00025\n",
		"strata_daemon_cpu_seconds_total{daemon=\"ip\\\\d\"} 0.07\n",
		"{from=\"a\",to=\"b\",kind=\"data\"} 4000000000\n",
		"strata_addresses{link=\"wan\",state=\"valid\"} 2\n",
		"strata_addresses{link=\"wan\",state=\"tentative\"} 0\n",
		"strata_app_sockets{app=\"3\",pid=\"44\"} 7\n",
		"strata_drops_total{daemon=\"ipd\",reason=\"no_route\"} 0\n",
		("strata_events_total{daemon=\"ipd\",event=\"ipv4_sent\"} "
		 "12345678901\n"),
		"strata_bytes_total{daemon=\"ipd\",event=\"tx_bytes\"} 99\n",
		"strata_link_receive_bytes_total{link=\"wan\"} 640\n",
	};
	char *text = metrics();

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		has(text, lines[i]);
	/* What is not known is not said. */
	assert_null(strstr(text, "strata_link_kernel_dropped_total"));
	/* Bytes and packets in one family add up to nothing. */
	assert_null(
	    strstr(text, "strata_events_total{daemon=\"ipd\",event=\"tx_"));
	assert_string_equal(text + strlen(text) - 6, "# EOF\n");
	free(text);
}

static void units(void **state)
{
	char *text = metrics();

	(void)state;
	has(text, "# UNIT strata_uptime_seconds seconds\n");
	has(text, "# UNIT strata_bytes bytes\n");
	assert_null(strstr(text, "# UNIT strata_drops"));
	free(text);
}

static void sockets_by_state(void **state)
{
	static const struct ask_socket some[] = {
		{ .bytes = ASK_SOCKET_SHORT,
		    .proto = IPPROTO_TCP,
		    .state = SOCKET_LISTEN },
		{ .bytes = ASK_SOCKET_SHORT,
		    .proto = IPPROTO_TCP,
		    .state = SOCKET_LISTEN },
		{ .bytes = ASK_SOCKET_SHORT,
		    .proto = IPPROTO_ICMPV6,
		    .state = SOCKET_CLOSE },
	};
	struct answer a = { .records = NULL };
	json_t *all = json_array();
	char *text;

	(void)state;
	a.records = calloc(3, ASK_SOCKET_SHORT);
	assert_non_null(a.records);
	for (int i = 0; i < 3; i++, a.len += ASK_SOCKET_SHORT)
		memcpy(a.records + a.len, &some[i], ASK_SOCKET_SHORT);
	metrics_of_sockets(all, &a);
	text = as_text(all);
	has(text, "strata_sockets{protocol=\"tcp\",state=\"LISTEN\"} 2\n");
	has(text, "strata_sockets{protocol=\"tcp\",state=\"ESTAB\"} 0\n");
	has(text, "strata_sockets{protocol=\"icmp\",state=\"UNCONN\"} 1\n");
	assert_null(strstr(text, "UNKNOWN"));
	assert_null(strstr(text, "protocol=\"udp\",state=\"LISTEN\""));
	free(text);
	free(a.records);
	/* Nobody has answered: then nothing is said, not 0. */
	all = json_array();
	metrics_of_sockets(all, NULL);
	text = as_text(all);
	assert_null(strstr(text, "strata_sockets{"));
	free(text);
}

static struct topology topo = { .nprocs = 2,
	.nrings = 1,
	.procs = { { .name = "linkd" }, { .name = "ipd" } },
	.rings = { { .from = 0, .to = 1 } } };

/* 900 ns, 1 us, 3 us and more than a minute. */
static void few_buckets_for_many(void **state)
{
	static struct hop hop = { .proc = 1,
		.key = { 0, MEASURE_END, 0, BORN_WIRE } };
	struct hops h = { .n = 1, .hop = { &hop } };
	json_t *all = json_array();
	char *text;

	(void)state;
	hop.wait.bucket[histogram_index(900)] = 1;
	hop.wait.bucket[histogram_index(1000)] = 1;
	hop.wait.bucket[histogram_index(3000)] = 5;
	hop.wait.over = 1;
	metrics_of_latency(all, &h, &topo);
	text = as_text(all);
#define HOP                                                         \
	"{daemon=\"ipd\",from=\"linkd\",to=\"end\",slot=\"linkd\"," \
	"born=\"wire\""
	has(text, "strata_hop_waiting_seconds_bucket" HOP ",le=\"1e-06\"} ");
	has(text,
	    "strata_hop_waiting_seconds_bucket" HOP ",le=\"2.5e-06\"} 2\n");
	has(text, "strata_hop_waiting_seconds_bucket" HOP ",le=\"1.0\"} 7\n");
	has(text, "strata_hop_waiting_seconds_bucket" HOP ",le=\"+Inf\"} 8\n");
	has(text, "strata_hop_waiting_seconds_count" HOP "} 8\n");
	/* 2^36 ns for what is over. */
	has(text, "strata_hop_waiting_seconds_sum" HOP "} 68.71");
	has(text, "strata_hop_work_seconds_count" HOP "} 0\n");
	has(text, "strata_packet_age_seconds_count" HOP "} 0\n");
#undef HOP
	free(text);
}

/* From a ring into a socket, and from there to the app, where it only waits. */
static void the_way_to_an_app(void **state)
{
	static struct hop into = { .proc = 1,
		.key = { 0, MEASURE_SOCKET, 0, BORN_WIRE } };
	static struct hop on = { .proc = 1,
		.key = { MEASURE_SOCKET, MEASURE_APP, 0, BORN_WIRE } };
	struct hops h = { .n = 2, .hop = { &into, &on } };
	json_t *all = json_array();
	char *text;

	(void)state;
	metrics_of_latency(all, &h, &topo);
	text = as_text(all);
#define INTO "from=\"linkd\",to=\"socket\",slot=\"linkd\",born=\"wire\"} 0\n"
#define ON   "from=\"socket\",to=\"app\",slot=\"linkd\",born=\"wire\"} 0\n"
	has(text, "strata_hop_waiting_seconds_count{daemon=\"ipd\"," INTO);
	has(text, "strata_hop_work_seconds_count{daemon=\"ipd\"," INTO);
	has(text, "strata_packet_age_seconds_count{daemon=\"ipd\"," INTO);
	has(text, "strata_hop_waiting_seconds_count{daemon=\"ipd\"," ON);
	has(text, "strata_packet_age_seconds_count{daemon=\"ipd\"," ON);
	assert_null(
	    strstr(text, "strata_hop_work_seconds_count{daemon=\"ipd\"," ON));
#undef INTO
#undef ON
	free(text);
}

/* Each sample stands behind the TYPE and HELP of its family, once. */
static void families(void **state)
{
	char *text = metrics(), *rest = text;
	char name[100] = "", type[20] = "", word[100];
	char seen[8192] = "";
	size_t used = 0;

	(void)state;
	for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
		if (sscanf(line, "# TYPE %99s %19s", name, type) == 2) {
			snprintf(word, sizeof(word), "|%s|", name);
			assert_null(strstr(seen, word));
			used += (size_t)snprintf(
			    seen + used, sizeof(seen) - used, "%s", word);
			assert_in_range(used, 1, sizeof(seen) - 1);
			continue;
		}
		if (line[0] == '\0' || line[0] == '#')
			continue;
		assert_memory_equal(line, name, strlen(name));
		snprintf(word, sizeof(word), "%s", line + strlen(name));
		if (strcmp(type, "counter") == 0)
			assert_memory_equal(word, "_total{", 7);
		else if (strcmp(type, "info") == 0)
			assert_memory_equal(word, "_info{", 6);
		else
			assert_true(word[0] == '{' || word[0] == ' ');
	}
	free(text);
}

/* ---- The server, as a process of its own */

static void make(void *ctx, const char *path, struct http_page *ret)
{
	(void)ctx;
	if (strcmp(path, "/page") != 0) {
		ret->status = 404;
		return;
	}
	ret->body = strdup("hello\n");
	ret->len = 6;
}

struct server {
	pid_t pid;
	char url[80];
	unsigned port;
};

static int start(void **state)
{
	static struct server s;
	int fd = http_listen("0", s.url);

	assert_true(fd >= 0);
	assert_int_equal(sscanf(s.url, "http://127.0.0.1:%u", &s.port), 1);
	s.pid = fork();
	if (s.pid == 0)
		_exit(http_serve(fd, make, NULL) < 0);
	close(fd);
	*state = &s;
	return 0;
}

static int stop(void **state)
{
	const struct server *s = *state;

	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
	return 0;
}

static int visit(const struct server *s)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)s->port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static const char *get(const struct server *s, const char *request)
{
	static char text[2048];
	size_t got = 0;
	ssize_t n;
	int fd = visit(s);

	assert_int_equal(
	    send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
	while ((n = recv(fd, text + got, sizeof(text) - 1 - got, 0)) > 0)
		got += (size_t)n;
	text[got] = '\0';
	close(fd);
	return text;
}

static void pages(void **state)
{
	const struct server *s = *state;
	const char *text = get(s, "GET /page?x=1 HTTP/1.1\r\n\r\n");

	assert_memory_equal(text, "HTTP/1.1 200 OK\r\n", 17);
	assert_non_null(strstr(text, "\r\nContent-Length: 6\r\n"));
	assert_non_null(strstr(text, "\r\n\r\nhello\n"));
	text = get(s, "HEAD /page HTTP/1.1\r\n\r\n");
	assert_non_null(strstr(text, "\r\nContent-Length: 6\r\n"));
	assert_null(strstr(text, "hello"));
	assert_memory_equal(get(s, "GET /x HTTP/1.1\r\n\r\n") + 9, "404", 3);
	assert_memory_equal(
	    get(s, "POST /page HTTP/1.1\r\n\r\n") + 9, "405", 3);
	assert_memory_equal(get(s, "nonsense\r\n\r\n") + 9, "400", 3);
}

/* By a name that leads here, although it is not ours: DNS rebinding. */
static void only_names_of_this_machine(void **state)
{
	static const struct {
		const char *host, *status;
	} cases[] = {
		{ "localhost", "200" },
		{ "LocalHost:8080", "200" },
		{ "127.0.0.1", "200" },
		{ " 127.0.0.1:9464", "200" },
		{ "[::1]:80", "200" },
		{ "example.org", "403" },
		{ "127.0.0.1.example.org", "403" },
		{ "localhost.example.org:8080", "403" },
		{ "", "403" },
		{ "[example.org]", "403" },
	};
	const struct server *s = *state;
	char request[256];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		snprintf(request, sizeof(request),
		    "GET /page HTTP/1.1\r\nhost:%s\r\n\r\n", cases[i].host);
		if (memcmp(get(s, request) + 9, cases[i].status, 3) != 0)
			fail_msg("Host: %s", cases[i].host);
	}
}

/* Many who say nothing, and one who talks without end. */
static void strangers_keep_nobody(void **state)
{
	const struct server *s = *state;
	static char much[8192];
	int fd[12];

	for (int i = 0; i < 12; i++)
		fd[i] = visit(s);
	assert_non_null(strstr(get(s, "GET /page HTTP/1.1\r\n\r\n"), "hello"));
	for (int i = 0; i < 12; i++)
		close(fd[i]);
	memset(much, 'x', sizeof(much) - 1);
	fd[0] = visit(s);
	send(fd[0], much, sizeof(much), MSG_NOSIGNAL);
	assert_true(recv(fd[0], much, sizeof(much), 0) <= 0);
	close(fd[0]);
	assert_non_null(strstr(get(s, "GET /page HTTP/1.1\r\n\r\n"), "hello"));
}

static void where_to_listen(void **state)
{
	static const char *const bad[] = { "", "x", "65536", "-1", ":80",
		"1.2.3:80", "[::1:80", "::1:x", "host:80", "127.0.0.1:" };
	char url[80];
	int fd;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (http_listen(bad[i], url) != -EINVAL)
			fail_msg("\"%s\" was taken", bad[i]);
	fd = http_listen("[::1]:0", url);
	if (fd >= 0) {
		assert_memory_equal(url, "http://[::1]:", 13);
		close(fd);
	}
	assert_int_equal(http_listen("192.0.2.77:0", url), -EADDRNOTAVAIL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(samples),
		cmocka_unit_test(families),
		cmocka_unit_test(units),
		cmocka_unit_test(sockets_by_state),
		cmocka_unit_test(few_buckets_for_many),
		cmocka_unit_test(the_way_to_an_app),
		cmocka_unit_test_setup_teardown(pages, start, stop),
		cmocka_unit_test_setup_teardown(
		    only_names_of_this_machine, start, stop),
		cmocka_unit_test_setup_teardown(
		    strangers_keep_nobody, start, stop),
		cmocka_unit_test(where_to_listen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
