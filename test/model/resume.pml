/* The client comes back: resume.ts and park.ts. */

bool resumeRead;  /* the room was read for the resume */
bool resumeGap;
byte resumeFrom, resumeEnd;
int resumeRows;

/* A message that the replica has not sent yet comes by itself. A foreign one may come twice: clients know it again. */
#ifdef FOREIGN_BY_DATE
#define sentBy(r, x) (in(date[x], memory[r]) || date[x] <= start[r])
#else
#define sentBy(r, x) (in(date[x], memory[r]) || date[x] <= start[r] || !in(x, own))
#endif

/* The replica has what the client had from another one, or it is not on its way. */
#define waitsFor(r) (len(relay[r]) + len(answer[r]) > 0 || reading[r] || asked[r] || !subscribed[r])
#define caughtUp(r) (in(position, memory[r]) || position < start[r] || !waitsFor(r))

inline readForResume(r) {
  resumeRead = true;
  chainEnd(readBound(r));
  resumeEnd = e;
  resumeFrom = position;
#ifndef TRUSTS_POSITION
  /* A position beyond the end: back along the chain to where it forked, as long as Redis has the messages. */
  do
  :: resumeFrom != 0 && !in(resumeFrom, dates) -> resumeFrom = 0; resumeGap = true
  :: resumeFrom > e && in(resumeFrom, dates) ->
    for (n : 0 .. written - 1) { when(in(n, stored) && date[n] == resumeFrom, m = n) }
    if
    :: prev[m] == NONE -> resumeFrom = 0; resumeGap = true
    :: else -> resumeFrom = prev[m]
    fi
  :: else -> break
  od;
#endif
#ifdef VOUCHES_UNREAD
  resumeRows = 0;
#else
  readRows(resumeFrom, resumeRows);
  when(n > LIMIT, resumeGap = true);
#endif
#ifndef COVERS_BY_POSITION
  dropKept(resumeFrom);
#endif
  skip
}

/* The client has what was kept up to a date. */
inline dropKept(upTo) {
  f = len(kept);
  for (d : 1 .. f) {
    kept?m,e;
    if
    :: m >= GAP && e <= upTo
    :: m < GAP && in(m, own) && date[m] <= upTo
    :: else -> kept!m,e
    fi
  }
}

inline goLive(r) {
  printf("client goes live at %d\n", r);
  resumeRead = false;
  parked = false;
#ifdef COVERS_BY_POSITION
  /* A fork has earlier dates than the position. */
  dropKept(position);
#endif
  if
  :: resumeGap ->
    range(resumeFrom, resumeEnd);
    told = told | found;
    resumeRows = found;
    position = resumeEnd
  :: else -> sendRows(r)
  fi;
  do
  :: kept?m,e ->
    if
    :: m >= GAP -> position = e
    :: m < GAP && in(m, resumeRows)
    :: else -> display(m)
    fi
  :: empty(kept) -> break
  od;
  resumeGap = false; resumeFrom = 0; resumeEnd = 0; resumeRows = 0
}

inline sendRows(r) {
  for (d : 1 .. resumeEnd) {
    for (n : 0 .. written - 1) {
      if
      :: in(n, resumeRows) && date[n] == d && !sentBy(r, n) -> drop(resumeRows, n)
      :: in(n, resumeRows) && date[n] == d && sentBy(r, n) ->
        when(in(n, readable), display(n));
        when(d > resumeFrom, position = d)
      :: else
      fi
    }
  }
}

inline connect(r) {
  printf("client at replica %d\n", r);
  when(!opened[r], open(r));
  at = r;
  parked = true
}

proctype client() {
  byte moves;
endless:
  do
  :: moves < MOVES && at != OFFLINE && !parked -> d_step { at = OFFLINE; moves++; printf("client leaves at %d\n", position) }
  :: d_step { at == OFFLINE -> connect(0) }
  :: d_step { at == OFFLINE -> connect(1) }
  :: d_step { at == 0 && parked && !resumeRead && caughtUp(0) -> readForResume(0) }
  :: d_step { at == 1 && parked && !resumeRead && caughtUp(1) -> readForResume(1) }
  :: d_step { at == 0 && resumeRead -> goLive(0) }
  :: d_step { at == 1 && resumeRead -> goLive(1) }
  od
}
