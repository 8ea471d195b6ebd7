/* Redis: the members of the room in the order of their writing, and append.lua. */

#define NONE 255 /* prev of a foreign message */

byte date[MESSAGES], prev[MESSAGES];
byte written;
int own;       /* messages in the layout of this cluster */
int sent;      /* those of users */
int readable;
int stored;
int published;
int dates;     /* of what is stored */
int lostDates; /* a clock does not meet the same microsecond again */
byte now = START;
bool forked;   /* the clock was set back, Redis lost a message, or somebody made up what looks like ours */

chan relay[2] = [MESSAGES] of { byte }; /* to each replica, by its subscription */
chan answer[2] = [SENDS] of { byte };   /* what was appended for each replica */
bool subscribed[2] = true;

#define bound(clock) (clock + AHEAD)
#define wholeSecond(time) (time - (time) % SECOND)

#ifdef BOUND_BY_SECOND
#define appendBound bound(wholeSecond(now))
#else
#define appendBound bound(now)
#endif

/* e = the end of the chain: the newest date up to a bound. */
inline chainEnd(upTo) {
  e = 0;
  for (d : 1 .. (upTo < DATES -> upTo : DATES)) { when(in(d, dates), e = d) }
}

inline store(x) {
  add(stored, x);
  add(dates, date[x])
}

/* Servers drop the echo of what they publish themselves. */
inline publish(x, server) {
  add(published, x);
  for (i : 0 .. 1) { when(subscribed[i] && i != server, relay[i]!x) }
}

inline append(r) {
  chainEnd(appendBound);
  m = written;
  written++;
  prev[m] = e;
  date[m] = (e < now -> now : e + 1);
  do :: in(date[m], lostDates) -> date[m] = date[m] + 1 :: else -> break od;
  printf("replica %d appends %d: date %d, prev %d\n", r, m, date[m], prev[m]);
  add(own, m);
  add(sent, m);
  add(readable, m);
  store(m);
  publish(m, r);
  answer[r]!m;
  now++;
  if :: KEEP > 0 -> trim() :: else fi;
  assert(in(m, stored)) /* acknowledged is stored */
}

/* Of what is over KEEP members ahead go first, then the oldest, and never m, which was just appended. */
inline trim() {
  n = 0;
  for (i : 0 .. written - 1) { when(in(i, stored), n++) }
  do
  :: n > KEEP ->
    f = NONE;
    for (d : 1 .. DATES) {
      for (i : 0 .. written - 1) {
        if
#ifdef TRIM_BY_RANK
        :: in(i, stored) && date[i] == d && f == NONE -> f = i
#else
        :: in(i, stored) && date[i] == d && i != m && (f == NONE || d > bound(now)) -> f = i
#endif
        :: else
        fi
      }
    }
    drop(stored, f);
    drop(dates, date[f]);
    n--
  :: else -> break
  od
}

/* What a foreign server leaves. */
#define STORED_AND_PUBLISHED 0
#define STORED 1
#define PUBLISHED 2
#define UNREADABLE 3 /* stored */
#define OUR_LAYOUT 4 /* published, as if it were the next message */

inline plant(dated, form) {
  /* It meets none of our dates to the microsecond. */
  if
  :: in(dated, dates)
  :: else ->
    m = written;
    written++;
    date[m] = dated;
    prev[m] = NONE;
    chainEnd(bound(now));
    if
    :: form == OUR_LAYOUT && dated > e -> add(own, m); prev[m] = e; forked = true
    :: else /* with a date before prev it is taken for foreign */
    fi;
    when(form != UNREADABLE, add(readable, m));
    when(form == STORED_AND_PUBLISHED || form == STORED || form == UNREADABLE, store(m));
    when(form != STORED && form != UNREADABLE, publish(m, NONE));
    printf("foreign %d: date %d, form %d\n", m, dated, form)
  fi
}

inline setBack() {
  printf("clock is set back\n");
  now = EARLY;
  forked = true
}

/* The new master lacks the newest message, and its clock is a little behind. */
inline failOver() {
  printf("failover loses %d\n", written - 1);
  drop(stored, written - 1);
  drop(sent, written - 1);
  drop(dates, date[written - 1]);
  add(lostDates, date[written - 1]);
  now = now - SECOND;
  forked = true
}

#ifdef LOCAL_CLOCK
/* The clock of replica 1, which is behind by more than AHEAD, decides what it reads. */
#define readBound(r) (r == 1 -> EARLY : bound(now))
#else
#define readBound(r) bound(now)
#endif

/*
 * Rows after a date up to the end of the chain, and what foreign servers stored in the second before that date and since
 * its start. n = how many there are without those.
 */
inline readRows(since, rows) {
  n = 0;
  f = 0;
  rows = 0;
  for (i : 0 .. written - 1) {
    if
    :: in(i, stored) && date[i] > since && date[i] <= e ->
#ifdef DECODED_MESSAGES
      if :: f <= LIMIT -> add(rows, i); f++; when(in(i, readable), n++) :: else fi
#else
      add(rows, i);
      n++
#endif
#ifndef NO_OVERLAP
    :: in(i, stored) && !in(i, own) && date[i] <= since && date[i] + SECOND >= wholeSecond(since) -> add(rows, i)
#endif
    :: else
    fi
  }
}

/* found = the messages stored after a date and up to another. */
inline range(from, upTo) {
  found = 0;
  for (i : 0 .. written - 1) { when(in(i, stored) && date[i] > from && date[i] <= upTo, add(found, i)) }
}
