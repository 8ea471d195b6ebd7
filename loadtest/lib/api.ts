import exec from 'k6/execution';
import http, { type RefinedResponse } from 'k6/http';
import { config } from './config.ts';

type Response = RefinedResponse<'text'>;

/** Ends the whole run with one line that says why; for what makes the rest pointless. */
export function stop(reason: string): never {
  exec.test.abort(reason);
  // Not reached: abort throws. The compiler does not know.
  throw new Error(reason);
}

/** A request to the cluster. When nothing answered the status is 0, and `error` says why. */
export function request(
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  { token, body, name }: { token?: string; body?: unknown; name?: string } = {},
): Response {
  try {
    return http.request<'text'>(
      method,
      `${config.baseUrl}${path}`,
      bodyOf(body),
      params(token, name ?? path),
    );
  } catch (error) {
    // k6 would print a line of its own about it.
    return { status: 0, error: (error as Error).message } as Response;
  }
}

/** The same for several at once, in order. */
export function requestAll(
  requests: readonly {
    method: 'GET' | 'POST';
    path: string;
    token?: string;
    body?: unknown;
    name?: string;
  }[],
): Response[] {
  const batch = requests.map(({ method, path, token, body, name }) => ({
    method,
    url: `${config.baseUrl}${path}`,
    body: bodyOf(body),
    params: params(token, name ?? path),
  }));
  try {
    return http.batch(batch) as Response[];
  } catch (error) {
    return stop(`${config.baseUrl} stopped answering: ${(error as Error).message}`);
  }
}

/** The answer's JSON, or the end of the run with what the server said instead. */
export function expectJson<T>(response: Response, what: string, statuses = [200]): T {
  if (response.status === 0) return stop(`${what}: ${noAnswer(response)}`);
  if (statuses.includes(response.status)) return response.json() as T;
  return stop(`${what}: ${config.baseUrl} answered ${response.status} ${errorOf(response)}`);
}

/** Why there was no answer, in words. */
export function noAnswer({ error }: Response): string {
  const hint = /certificate|x509/.test(error)
    ? '; K6_INSECURE_SKIP_TLS_VERIFY=true takes any certificate'
    : ': start the cluster (npm start), or set BASE_URL to where it is';
  return `nothing answers at ${config.baseUrl} (${error})${hint}`;
}

/** The code and message of an error's body, else the start of it. */
export function errorOf(response: Response): string {
  try {
    const { code, message } = response.json() as { code: string; message: string };
    return `${code}: ${message}`;
  } catch {
    return String(response.body ?? '').slice(0, 120);
  }
}

function bodyOf(body: unknown): string | null {
  return body === undefined ? null : JSON.stringify(body);
}

/** @param name groups the request with others like it in k6's figures */
function params(token: string | undefined, name: string) {
  return {
    headers: {
      'Content-Type': 'application/json',
      ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
    },
    tags: { name },
    redirects: 0,
    timeout: '30s',
    responseType: 'text' as const,
  };
}
