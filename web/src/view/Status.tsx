import { formatMs, type Latency, sparkline } from '../model/latency.ts';
import type { Chat } from '../state/chat.ts';
import { useChat } from './context.ts';

const WIDTH = 72;
const HEIGHT = 22;
const SLOTS = 30;

/** The replica at the other end of the connection, and how long things take. */
export function Status() {
  const { connection } = useChat();
  const { dot, text } = useStateWords();
  const { roundTrip, fanout } = connection;
  // Read for the rendering alone: the samples themselves are no signals.
  void connection.samples.value;

  return (
    <section class="status" aria-label="Connection">
      <p class="status-line">
        <span class={`dot ${dot}`} />
        <span>{text}</span>
        <code class="server" title="The replica that holds this connection">
          {connection.serverId.value}
        </code>
      </p>
      <div class="latency">
        <table>
          <thead>
            <tr>
              <th>
                <span class="hidden">Latency</span>
              </th>
              <th scope="col">p50</th>
              <th scope="col">p99</th>
            </tr>
          </thead>
          <tbody>
            <Measure
              name="Ping"
              title="A round trip to the replica, every 2 s; the last 100"
              of={roundTrip}
            />
            <Measure
              name="Message"
              title="From sending a message of yours to its arrival; the last 100"
              of={fanout}
            />
          </tbody>
        </table>
        <Sparkline samples={roundTrip.samples} />
      </div>
    </section>
  );
}

function Measure({ name, title, of }: { name: string; title: string; of: Latency }) {
  return (
    <tr title={title} data-measure={name.toLowerCase()}>
      <th scope="row">{name}</th>
      <td>{formatMs(of.percentile(0.5))}</td>
      <td>{formatMs(of.percentile(0.99))}</td>
    </tr>
  );
}

function Sparkline({ samples }: { samples: readonly number[] }) {
  return (
    <svg class="sparkline" viewBox={`0 -1 ${WIDTH} ${HEIGHT + 2}`} role="img" aria-label="Ping over time">
      <polyline points={sparkline(samples, WIDTH, HEIGHT, SLOTS)} />
    </svg>
  );
}

/** The same in one line, for where there is little room. */
export function StatusBrief() {
  const { connection } = useChat();
  const { dot, text } = useStateWords();
  void connection.samples.value;
  const { roundTrip } = connection;
  return (
    <p class="status-brief">
      <span class={`dot ${dot}`} />
      <span class="hidden">{text}</span>
      <code class="server">{connection.serverId.value || text}</code>
      {roundTrip.samples.length > 0 && (
        <span class="brief-numbers">
          p50 {formatMs(roundTrip.percentile(0.5))} · p99 {formatMs(roundTrip.percentile(0.99))}
        </span>
      )}
    </p>
  );
}

const OFFLINE = { dot: '', text: 'Offline' } as const;

function useStateWords(): { dot: 'online' | 'waiting' | ''; text: string } {
  const { offline, state } = useChat().connection;
  return offline.value ? OFFLINE : wordsOfState(state.value.state);
}

function wordsOfState(
  state: Chat['connection']['state']['value']['state'],
): ReturnType<typeof useStateWords> {
  switch (state) {
    case 'online':
      return { dot: 'online', text: 'Online' };
    case 'degraded':
      return { dot: 'waiting', text: 'Queueing' };
    case 'connecting':
    case 'idle':
      return { dot: 'waiting', text: 'Connecting' };
    case 'waiting':
      return { dot: 'waiting', text: 'Reconnecting' };
    case 'stopped':
      return OFFLINE;
  }
}
