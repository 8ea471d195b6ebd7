/** What is counted. The names in k6 have `chat_` before them; options.ts says which must stay 0. */
export const COUNTED = [
  /** Logins that were begun. */
  'offered',
  /** Messages acknowledged, which means stored. */
  'sent',
  /** Deliveries due: for each acknowledged message the members of its room. */
  'expected',
  /** Messages of the run that arrived, each counted once for each receiver. */
  'received',
  /** Of those, the ones that a resume brought, and the ones read from the history after a gap frame. */
  'resumed',
  'refetched',
  /** Acknowledged messages that a receiver never got. */
  'missing',
  /** Messages whose predecessor in the room had not been delivered. */
  'gaps',
  'duplicates',
  /** Messages that came after a younger one. */
  'disorder',
  /** Sends without an acknowledgement at the end. */
  'unacked',
  /** Sends and requests that the server refused for now (rate_limited, busy). */
  'refused',
  'connected',
  'connect_failed',
  /** Connections that ended though neither this side ended them nor the other had asked to reconnect. */
  'cut',
  /** How often the cluster asked to reconnect: a replica that drains, or has more than its share. */
  'sent_away',
  /** Connections to replicas that were not there when the run began. */
  'new_replica',
  /** Clients that were through with everything by the deadline. */
  'done',
] as const;
export type Counted = (typeof COUNTED)[number];

/** What is timed, in milliseconds. */
export const TIMED = {
  /** From send to receipt, both on one replica. */
  same: 'chat_latency_same_replica',
  /** From send to receipt on another replica. */
  across: 'chat_latency_across_replicas',
  /** From send to acknowledgement. */
  ack: 'chat_ack_latency',
  /** From the start of an upgrade to hello. */
  connect: 'chat_connect_time',
  /** From hello to the end of what a resume brings. */
  resume: 'chat_resume_time',
  /** Pages of history: the time of one request. */
  page: 'chat_page_time',
  /** Logins: the time of one request. */
  login: 'chat_login_time',
  /** From a frame's arrival at k6 to its turn in the script: above some milliseconds, k6 itself is the bottleneck. */
  lag: 'chat_generator_lag',
} as const;
export type Timed = keyof typeof TIMED;
