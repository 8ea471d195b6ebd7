/*
 * The order of one room, as a model for Spin: a Redis that keeps the room (redis.pml), two replicas that hear of its
 * messages (replica.pml), and a client that goes from one replica to the other (client.pml). Here is what happens
 * around them, and what must hold. README.md says how to run it.
 */

/* A scene: how often each thing may happen, in any order. */
#ifndef SENDS
#define SENDS 2 /* messages that users send; all are acknowledged */
#endif
#ifndef FOREIGN
#define FOREIGN 0 /* members and envelopes of foreign servers */
#endif
#ifndef FORMS
#define FORMS OUR_LAYOUT /* the last of their forms in redis.pml */
#endif
#ifndef CUTS
#define CUTS 0 /* a replica loses its subscription, and what was on the way to it */
#endif
#ifndef MOVES
#define MOVES 0 /* the client reconnects and resumes */
#endif
#ifndef STEPS
#define STEPS 0 /* the clock of Redis is set back beyond AHEAD */
#endif
#ifndef FAILOVERS
#define FAILOVERS 0 /* Redis loses its newest message and all subscriptions */
#endif
#ifndef PAUSES
#define PAUSES 0 /* nobody sends for two seconds */
#endif
#ifndef LIMIT
#define LIMIT 5 /* rows that a read returns; with more there is a gap */
#endif
#ifndef KEEP
#define KEEP 0 /* members that the room keeps, 0 = all */
#endif

#define MESSAGES (SENDS + FOREIGN)
#define AHEAD 4  /* how far a date may lie ahead of Redis' clock and be chained to: MAX_DATE_AHEAD */
#define SECOND 4 /* foreign servers write whole seconds */
#define START 9  /* Redis' clock at first */
#define EARLY 2  /* and after it was set back */
#define FAR 28   /* a date beyond any bound */
#define DATES 30 /* sets of dates fit into 32 bits */

/* Sets of messages, by their place in the arrays, and sets of dates. */
#define in(x, set) (((set) >> (x)) & 1)
#define only(x) (1 << (x))
#define add(set, x) set = set | only(x)
#define drop(set, x) set = set & ~only(x)

#define when(condition, action) if :: condition -> action :: else fi

/* Within one step only. */
hidden byte i, d, e, f, m, n;
hidden byte more;
hidden int found;

#include "redis.pml"
#include "client.pml"
#include "replica.pml"
#include "resume.pml"

inline cut(r) {
  printf("replica %d loses its subscription\n", r);
  subscribed[r] = false;
  do :: relay[r]?m :: empty(relay[r]) -> break od
}

proctype world() {
  byte sends, foreign, cuts, steps, failovers, pauses, dated, form;
  do
  :: sends < SENDS -> d_step { append(0); sends++ }
  :: sends < SENDS && opened[1] -> d_step { append(1); sends++ }
  :: foreign < FOREIGN ->
    atomic {
      if
      :: dated = wholeSecond(now)
      :: dated = wholeSecond(now + AHEAD)
      :: dated = FAR
      fi;
      select(form : STORED_AND_PUBLISHED .. FORMS);
      d_step { plant(dated, form); dated = 0; form = 0; foreign++ }
    }
  :: cuts < CUTS && subscribed[0] -> d_step { cut(0); cuts++ }
  :: cuts < CUTS && subscribed[1] -> d_step { cut(1); cuts++ }
  :: steps < STEPS -> d_step { setBack(); steps++ }
  :: failovers < FAILOVERS && written > 0 && in(written - 1, stored) ->
    d_step { failOver(); cut(0); cut(1); failovers++ }
  :: pauses < PAUSES -> d_step { now = now + 2 * SECOND; pauses++ }
  :: !opened[1] -> d_step { open(1) }
  :: break
  od
}

/*
 * When nothing goes on any more, the client was shown, or told in a gap, whatever is in the chain and was sent by users,
 * or was stored and published by a foreign server. That messages are shown once and in order is checked in client.pml,
 * that what is acknowledged is stored in redis.pml.
 */
proctype monitor() {
  timeout;
  d_step {
    assert(at != OFFLINE && !parked && held[0] == 0 && held[1] == 0);
    chainEnd(bound(now));
    for (i : 0 .. written - 1) {
      if
      :: in(i, stored) && date[i] <= e && (in(i, sent) || in(i, published & readable) && !in(i, own)) ->
        assert(in(i, shown | told))
      :: else
      fi
    }
  }
}

init {
  atomic {
    open(0);
    run replica(0);
    run replica(1);
    run client();
    run world();
    run monitor()
  }
}
