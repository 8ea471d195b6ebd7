/* A replica: chain.ts (offer, deliverHeld), room.ts and room-registry.ts (open, startRepair, repaired). */

bool opened[2];
byte last[2];      /* the date that the next message follows */
int memory[2];     /* dates that were chained: known, and next ones may follow them */
byte start[2];     /* memory has all that was chained after this date */
int unchained[2];  /* messages shown without a place in the chain: foreign ones, and those that Redis does not have */
int held[2];
bool asked[2];     /* the room is to be read */
bool reading[2];
byte since[2], end[2];
int rows[2];
bool tooMany[2];   /* more than LIMIT rows */
bool noFork[2];    /* Redis has none of the dates in memory any more */
int heldBeforeRead[2];

inline open(r) {
  chainEnd(readBound(r));
  printf("replica %d opens the room at %d\n", r, e);
  opened[r] = true;
  last[r] = e;
  start[r] = e;
  memory[r] = only(e)
}

inline toSockets(r, x) {
  if
  :: at == r && !parked -> display(x)
  :: at == r && parked -> kept!x,0
  :: else
  fi
}

inline next(r, x) {
  toSockets(r, x);
  last[r] = date[x];
  add(memory[r], date[x])
}

inline ask(r) {
#ifdef DROPPED_WHILE_READING
  when(!reading[r], asked[r] = true)
#else
  asked[r] = true
#endif
}

inline hold(r, x) {
  add(held[r], x);
  ask(r)
}

/* By a relay, or by the answer to an append. */
inline offer(r, x) {
  printf("replica %d is offered %d\n", r, x);
  if
  :: !opened[r] || in(x, unchained[r])
  :: else ->
    if
    :: !in(x, own) ->
      add(unchained[r], x);
      toSockets(r, x);
#ifdef NEWEST_DATE
      when(date[x] > last[r] && date[x] <= bound(now), last[r] = date[x]);
#endif
      ask(r) /* others may be stored and not published */
#ifdef NEWEST_DATE
    :: in(x, own) && date[x] <= last[r]
    :: in(x, own) && date[x] > last[r] && prev[x] == last[r] -> next(r, x); deliverHeld(r)
    :: in(x, own) && date[x] > last[r] && prev[x] != last[r] -> hold(r, x)
#else
    :: in(x, own) && in(date[x], memory[r]) /* a duplicate */
#ifdef LOST_BEFORE
    :: in(x, own) && !in(date[x], memory[r]) && date[x] > last[r] && prev[x] < last[r] -> next(r, x); deliverHeld(r)
#endif
    :: else ->
      if
      :: in(prev[x], memory[r]) -> next(r, x); deliverHeld(r)
      :: !in(prev[x], memory[r]) && date[x] > last[r] -> hold(r, x)
      :: else -> ask(r) /* a late duplicate, or the chain forked */
      fi
#endif
    fi
  fi
}

inline deliverHeld(r) {
  do
  :: more = false;
    for (n : 0 .. written - 1) {
      if
      :: in(n, held[r]) && in(date[n], memory[r]) -> drop(held[r], n)
      :: in(n, held[r]) && !in(date[n], memory[r]) && in(prev[n], memory[r]) ->
        drop(held[r], n);
        next(r, n);
        more = true
      :: else
      fi
    }
    when(!more, break)
  od
}

/* Reads after the newest date in memory that is in the chain still. */
inline startRepair(r) {
  asked[r] = false;
  reading[r] = true;
  heldBeforeRead[r] = held[r];
  chainEnd(readBound(r));
  end[r] = e;
#ifdef NO_REWIND
  since[r] = last[r];
#else
  noFork[r] = true;
  for (d : 0 .. e) {
#ifdef FORK_BY_DATE
    when(in(d, memory[r]), since[r] = d; noFork[r] = false)
#else
    when(in(d, memory[r]) && (d == 0 || in(d, dates)), since[r] = d; noFork[r] = false)
#endif
  }
#endif
  printf("replica %d reads from %d to %d\n", r, since[r], e);
  readRows(since[r], rows[r]);
  tooMany[r] = n > LIMIT
}

inline repaired(r) {
  printf("replica %d takes what it read\n", r);
  reading[r] = false;
  if
#ifdef GAP_AFTER_RELAYS
  :: tooMany[r] || noFork[r] -> tellGap(r)
#else
  :: (tooMany[r] || noFork[r]) && !in(end[r], memory[r]) -> tellGap(r)
#endif
  :: else -> takeRows(r)
  fi;
  deliverHeld(r);
  /* What was held and is not in the chain of Redis is shown, and not chained to; what lies in the gap is not shown. */
  for (n : 0 .. written - 1) {
    if
    :: in(n, held[r] & heldBeforeRead[r]) ->
      drop(held[r], n);
      when(date[n] > end[r] || !in(n, stored), add(unchained[r], n); toSockets(r, n))
    :: else
    fi
  }
  when(held[r] != 0, asked[r] = true);
  rows[r] = 0; since[r] = 0; end[r] = 0; tooMany[r] = false; noFork[r] = false; heldBeforeRead[r] = 0
}

inline takeRows(r) {
  for (d : 1 .. end[r]) {
    for (n : 0 .. written - 1) {
      if
      :: in(n, rows[r] & readable & ~unchained[r]) && date[n] == d && !(in(n, own) && in(d, memory[r])) ->
        toSockets(r, n);
        when(!in(n, own), add(unchained[r], n))
      :: else
      fi
    }
  }
  /* Relays that came meanwhile may have brought the chain as far or farther. */
  when(!in(end[r], memory[r]), last[r] = end[r]);
  /* All of the range is known now, whatever its members are. */
  for (n : 0 .. written - 1) { when(in(n, rows[r]) && date[n] > since[r], add(memory[r], date[n])) }
}

inline tellGap(r) {
  printf("replica %d tells a gap from %d to %d\n", r, since[r], end[r]);
  if
  :: at == r ->
    range(since[r], end[r]);
    told = told | found;
    if :: parked -> kept!(GAP + since[r]),end[r] :: else -> position = end[r] fi
  :: else
  fi;
  last[r] = end[r];
#ifdef GAP_KEEPS_MEMORY
  add(memory[r], end[r])
#else
  /* What is still on its way from before the gap follows nothing that is known. */
  start[r] = end[r];
  memory[r] = only(end[r])
#endif
}

proctype replica(byte r) {
endless:
  do
  :: d_step { relay[r]?f -> offer(r, f) }
  :: d_step { answer[r]?f -> offer(r, f) }
  :: d_step { asked[r] && !reading[r] && subscribed[r] -> startRepair(r) }
  :: d_step { reading[r] -> repaired(r) }
  :: d_step { !subscribed[r] -> subscribed[r] = true; when(opened[r], ask(r)) }
  od
}
