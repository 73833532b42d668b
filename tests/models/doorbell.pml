/*
 * doorbell.pml - no wake-up is lost between two processes and a ring
 *
 * verify:
 * verify: -DITEMS=4 -DCAPACITY=2
 * verify: -DKILL_P=1
 * verify: -DKILL_C=1
 * verify: -DKILL_P=1 -DKILL_C=1
 * verify: -DKILL_P=2
 * verify: -DKILL_C=2
 * refute: -DNOFENCE
 * refute: -DNO_COMMIT_FENCE
 * refute: -DNO_SLEEP_FENCE
 * refute: -DNO_LAST_LOOK
 * refute: -DKILL_P=1 -DNO_BELLS
 * refute: -DKILL_C=1 -DNO_BELLS
 *
 * The protocol of shm/node.c.  A producer feeds a ring, a consumer drains it:
 *
 *	commit	publish prod (or cons); fence; if the other is asleep for
 *		this, ring its bell
 *	sleep	say "asleep"; fence; look once more; wait for the bell
 *
 * The consumer sleeps for entries (ASLEEP), the producer for room in a full
 * ring (WANT_ROOM).  Each runs on a processor with a store buffer (x86-TSO):
 * a store goes into the buffer, which drains in order at any time; loads do
 * not wait for it; a fence does.  Ringing a bell is a system call, but is not
 * taken to be a fence.
 *
 * With KILL_P, KILL_C the producer or consumer dies so many times, between any
 * two steps.  What it has stored still drains; the next instance goes on with
 * the published indices and rings the other's bell once, since it can't know
 * whether it was due.
 *
 * A lost wake-up is an end state in which somebody waits for his bell.
 */
#ifndef ITEMS
#define ITEMS 3
#endif
#ifndef CAPACITY
#define CAPACITY 1
#endif
#ifndef KILL_P
#define KILL_P 0
#endif
#ifndef KILL_C
#define KILL_C 0
#endif
#ifdef NOFENCE
#define NO_COMMIT_FENCE
#define NO_SLEEP_FENCE
#endif

/* Processes, their processors and bells. */
#define P 0
#define C 1

/* Shared words.  P writes PROD and P_ASLEEP, C the others. */
#define PROD 0
#define CONS 1
#define P_ASLEEP 2
#define C_ASLEEP 3

/* Values of the latter two; the producer is never asleep for entries here. */
#define AWAKE 0
#define ASLEEP 1
#define WANT_ROOM 2

byte mem[4];
bool bell[2];
chan buffer[2] = [3] of { byte, byte };
byte kills[2];
bool dead[2];

#define store(cpu, word, value) buffer[cpu]!word, value
#define fence(cpu) empty(buffer[cpu])

#ifdef NO_COMMIT_FENCE
#define commit_fence(cpu) skip
#else
#define commit_fence(cpu) fence(cpu)
#endif
#ifdef NO_SLEEP_FENCE
#define sleep_fence(cpu) skip
#else
#define sleep_fence(cpu) fence(cpu)
#endif

/* A store buffer drains when it likes. */
proctype drain(byte cpu)
{
	byte word, value;

end:
	do
	:: atomic { buffer[cpu]?word, value -> mem[word] = value }
	od
}

/* Any moment is right for dying. */
proctype killer(byte who)
{
	do
	:: kills[who] > 0 ->
		if
		:: atomic { !dead[who] -> dead[who] = true; kills[who]-- }
		:: kills[who] = 0
		fi
	:: else -> break
	od
}

proctype producer()
{
	byte mine, theirs, seen, flag;

start:
	{
		do
		:: mine == ITEMS -> goto done
		:: mine < ITEMS && mine - theirs < CAPACITY ->
			/* A turn: the entry, and its commit. */
			mine++;
			store(P, PROD, mine);
			commit_fence(P);
			flag = mem[C_ASLEEP];
			if
			:: flag == ASLEEP -> bell[C] = true
			:: else
			fi
		:: mine < ITEMS && mine - theirs == CAPACITY ->
			seen = mem[CONS];
			if
			:: seen != theirs -> theirs = seen
			:: else ->
				store(P, P_ASLEEP, WANT_ROOM);
				sleep_fence(P);
#ifndef NO_LAST_LOOK
				seen = mem[CONS];
#endif
				if
				:: seen == theirs ->
					bell[P];
					bell[P] = false
				:: else -> theirs = seen
				fi;
				store(P, P_ASLEEP, AWAKE)
			fi
		od
	} unless { dead[P] };
	/* What was stored is seen by whoever comes next. */
	fence(P);
	dead[P] = false;
	mine = mem[PROD];
	theirs = mem[CONS];
#ifndef NO_BELLS
	bell[C] = true;
#endif
	goto start;
done:
	skip
}

proctype consumer()
{
	byte mine, seen, flag;

start:
	{
		do
		:: mine == ITEMS -> goto done
		:: mine < ITEMS ->
			seen = mem[PROD];
			assert(seen - mine <= CAPACITY);
			if
			:: seen != mine ->
				/* A turn that takes one entry. */
				mine++;
				store(C, CONS, mine);
				commit_fence(C);
				flag = mem[P_ASLEEP];
				if
				:: flag == WANT_ROOM -> bell[P] = true
				:: else
				fi
			:: else ->
				store(C, C_ASLEEP, ASLEEP);
				sleep_fence(C);
#ifndef NO_LAST_LOOK
				seen = mem[PROD];
#endif
				if
				:: seen == mine ->
					bell[C];
					bell[C] = false
				:: else
				fi;
				store(C, C_ASLEEP, AWAKE)
			fi
		od
	} unless { dead[C] };
	fence(C);
	dead[C] = false;
	mine = mem[CONS];
#ifndef NO_BELLS
	bell[P] = true;
#endif
	goto start;
done:
	skip
}

init
{
	kills[P] = KILL_P;
	kills[C] = KILL_C;
	atomic {
		run drain(P);
		run drain(C);
		run killer(P);
		run killer(C);
		run producer();
		run consumer()
	}
}
