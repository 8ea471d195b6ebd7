/* The client: what it was shown, and how far it is. */

#define OFFLINE 2

byte at = 0;      /* its replica */
bool parked;      /* it resumes, and what its replica publishes is kept for it */
byte position;    /* the date with which it resumes */
int shown, told;  /* messages that it got, and those in a gap that it can read from the history */

/* What is kept: a message, or GAP + the date after which there is a gap up to the second value. */
#define GAP 100
chan kept = [MESSAGES + 4] of { byte, byte };

inline display(x) {
  printf("client is shown %d\n", x);
  if
  :: in(x, sent & stored & shown) -> assert(forked) /* once; after a fork a client knows messages again by their dates */
  :: in(x, sent & stored & ~shown) && date[x] <= bound(now) ->
    /* In order. Beyond the bound, before the clock was set back, a message has no place in the chain. */
    for (i : 0 .. written - 1) {
      assert(!(in(i, sent & shown) && prev[i] == date[x]));
      assert(!(in(i, sent & shown) && date[i] > date[x]) || forked)
    }
  :: else
  fi;
  add(shown, x);
  when(in(x, own), position = date[x])
}
