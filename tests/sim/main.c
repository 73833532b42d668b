/*
 * main.c - seeds, many or one
 *
 * Seeds run in child processes, so that one which kills its process is only a
 * failure, and its history is there all the same.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/sim/kill.h"
#include "tests/sim/pcap.h"
#include "tests/sim/sim.h"

enum {
	MAX_JOBS = 16,
	MAX_FAILURES = 20,
	SHOWN_LINES = 50,
	SEED_LIMIT_S = 40, /* of CPU time: it hangs */
};

struct options {
	uint64_t first, last;
	int64_t seconds; /* 0: as many seeds as there are */
	uint32_t jobs;
	bool verbose;
	const char *pcap;
	int log_fd;
};

/* What all processes share. */
struct shared {
	_Atomic uint64_t next;
	_Atomic uint64_t run, failures, events, kills, moves;
	struct points points;
	struct history history[MAX_JOBS];
};

static const char USAGE[] =
    "usage: sim [--seed N | --seeds A-B] [--seconds N] [--jobs N]\n"
    "           [-v] [--log] [--pcap FILE]\n"
    "\n"
    "Whole hosts on a bad wire, their daemons killed.  A failure prints its\n"
    "seed, which reproduces it.\n"
    "  --seed N       only this one\n"
    "  --seeds A-B    these; 1-200 if nothing else is said\n"
    "  --seconds N    from A on, as many as there is time for\n"
    "  --jobs N       processes\n"
    "  -v             every event\n"
    "  --log          what the daemons log, too\n"
    "  --pcap FILE    all frames, for tshark\n";

static void *shared_memory(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		perror("sim: memory");
		exit(2);
	}
	return p;
}

static void show(const struct history *h)
{
	uint64_t from = h->n > SHOWN_LINES ? h->n - SHOWN_LINES : 0;

	for (uint64_t i = from; i < h->n; i++)
		printf("    %s\n", h->line[i % HISTORY_LINES]);
}

static void report(const struct history *h, const char *what)
{
	printf("seed %" PRIu64 ": %s\n", h->seed, what);
	show(h);
	printf("FAILED seed %" PRIu64 ": %s\n"
	       "    again: build/tests/sim/sim --seed %" PRIu64 " -v\n",
	    h->seed, what, h->seed);
	fflush(stdout);
}

static bool over(const struct options *o, struct mono began)
{
	return o->seconds > 0 &&
	    mono_since(mono_now(), began) > o->seconds * NS_PER_S;
}

/* SIGPROF ends the process: it is one more that died. */
static void limit_time(int seconds)
{
	const struct itimerval t = { .it_value = { .tv_sec = seconds } };

	setitimer(ITIMER_PROF, &t, NULL);
}

static void run_one(const struct options *o, struct shared *sh,
    struct history *h, uint64_t seed)
{
	static struct sim s;

	s = (struct sim){ .history = h,
		.points = &sh->points,
		.verbose = o->verbose,
		.log_fd = o->log_fd };
	if (o->pcap != NULL) {
		s.pcap = pcap_open(o->pcap);
		if (s.pcap == NULL)
			perror(o->pcap);
	}
	limit_time(SEED_LIMIT_S);
	if (!sim_run(&s, seed)) {
		report(h, h->failure);
		sh->failures++;
	}
	limit_time(0);
	if (s.pcap != NULL)
		fclose(s.pcap);
	sh->run++;
	sh->events += s.events;
	sh->kills += s.kills;
	sh->moves += s.moves;
}

static void work(const struct options *o, struct shared *sh, struct history *h,
    struct mono began)
{
	while (!over(o, began) && sh->failures < MAX_FAILURES) {
		uint64_t seed = sh->next++;

		if (seed > o->last)
			break;
		run_one(o, sh, h, seed);
	}
}

static pid_t start_job(const struct options *o, struct shared *sh,
    struct history *h, struct mono began)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid != 0)
		return pid;
	work(o, sh, h, began);
	exit(0);
}

static void run_all(const struct options *o, struct shared *sh)
{
	struct mono began = mono_now();
	pid_t pid[MAX_JOBS];
	uint32_t running = 0;

	for (uint32_t i = 0; i < o->jobs; i++, running++)
		pid[i] = start_job(o, sh, &sh->history[i], began);
	while (running > 0) {
		int status;
		pid_t dead = wait(&status);
		uint32_t i = 0;
		char what[100];

		while (i < o->jobs && pid[i] != dead)
			i++;
		if (dead == -1 || i == o->jobs)
			continue;
		running--;
		if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
			continue;
		snprintf(what, sizeof(what), "the process ended: %s %d",
		    WIFSIGNALED(status) ? "signal" : "status",
		    WIFSIGNALED(status) ? WTERMSIG(status)
					: WEXITSTATUS(status));
		report(&sh->history[i], what);
		sh->failures++;
		sh->run++;
		pid[i] = start_job(o, sh, &sh->history[i], began);
		running++;
	}
}

static bool range(struct options *o, const char *text)
{
	char *end;

	o->first = o->last = strtoull(text, &end, 10);
	if (*end == '-')
		o->last = strtoull(end + 1, &end, 10);
	return *end == '\0' && end != text && o->first <= o->last;
}

static bool arguments(struct options *o, int argc, char **argv)
{
	static const struct option options[] = {
		{ "seed", required_argument, NULL, 'n' },
		{ "seeds", required_argument, NULL, 'n' },
		{ "seconds", required_argument, NULL, 's' },
		{ "jobs", required_argument, NULL, 'j' },
		{ "pcap", required_argument, NULL, 'p' },
		{ "log", no_argument, NULL, 'l' },
		{ NULL, 0, NULL, 0 },
	};
	bool ranged = false;
	int c;

	*o = (struct options){ 1, 200, 0, 2, false, NULL, -1 };
	while ((c = getopt_long(argc, argv, "v", options, NULL)) != -1) {
		if (c == 'n')
			ranged = range(o, optarg);
		else if (c == 's')
			o->seconds = atoll(optarg);
		else if (c == 'j')
			o->jobs = (uint32_t)atoi(optarg);
		else if (c == 'p')
			o->pcap = optarg;
		else if (c == 'l')
			o->log_fd = STDERR_FILENO;
		else if (c == 'v')
			o->verbose = true;
		if (c == '?' || (c == 'n' && !ranged))
			return false;
	}
	if (o->seconds > 0 && (!ranged || o->first == o->last))
		o->last = UINT64_MAX;
	if (o->first == o->last)
		o->jobs = 1;
	return optind == argc && o->jobs > 0 && o->jobs <= MAX_JOBS;
}

int main(int argc, char **argv)
{
	struct shared *sh = shared_memory(sizeof(*sh));
	struct mono began = mono_now();
	struct options o;

	if (!arguments(&o, argc, argv)) {
		fputs(USAGE, stderr);
		return 2;
	}
	sh->next = o.first;
	run_all(&o, sh);
	printf("sim: %" PRIu64 " seeds, %" PRIu64 " failures, %" PRIu64
	       " kills at %u distinct points, %" PRIu64 " events, %" PRId64
	       " s\n",
	    sh->run, sh->failures, sh->kills, sh->points.n, sh->events,
	    mono_since(mono_now(), began) / NS_PER_S);
	return sh->failures > 0;
}
